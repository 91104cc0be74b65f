{#-
    A measure counts people in all of its cells or in none of them: a people_count that was forgotten in some, or that a sum of
    blanks made, would show a count of few. What fails is told by series and measure.
-#}
{% test of_people_or_of_nobody(model) %}
select
    series_code,
    measure_code
from {{ model }}
group by series_code, measure_code
having count(people_count) between 1 and count(*) - 1
{% endtest %}
