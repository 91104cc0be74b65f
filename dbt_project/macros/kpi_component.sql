{#-
    The cells that each component of the recipe (seed kpi_source) takes, published or counted from returns: the total; the
    items of a breakdown where the KPI is split; all cells of an age range where only some ages count.
-#}
{% macro kpi_component_cells(recipes, cells) -%}
select
        recipe.*,
        cell.* exclude (series_code, measure_code, time_identifier, time_period, age_from, age_to),
        case
            when recipe.age_from is not null or cell.cell_topic = 'Total' then recipe.breakdown_topic
            else cell.cell_topic
        end as kpi_topic,
        case
            when recipe.age_from is not null or cell.cell_topic = 'Total' then recipe.breakdown
            else cell.cell_breakdown
        end as kpi_breakdown,
        -- January stock published under its calendar year belongs to the academic year that holds the January.
        case
            when recipe.is_january_stock and cell.time_identifier = 'Calendar year' then 'Academic year'
            else cell.time_identifier
        end as time_identifier,
        case
            when recipe.is_january_stock and cell.time_identifier = 'Calendar year'
                then {{ academic_year_of_january('cell.time_period') }}
            else cell.time_period
        end as time_period
    from {{ recipes }} as recipe
    inner join {{ cells }} as cell -- one component to many cells
        on
            recipe.series_code = cell.series_code
            and recipe.measure_code = cell.measure_code
            and case
                when recipe.age_from is not null
                    then recipe.age_from <= cell.age_from and recipe.age_to >= cell.age_to
                else
                    cell.cell_breakdown is not null
                    and (cell.cell_topic = 'Total' or recipe.is_split_by_person)
            end
    where
        (recipe.first_time_period is null or cell.time_period >= recipe.first_time_period)
        -- Percentages of single ages do not add up to the percentage of a group.
        and not (recipe.part = 'published' and cell.cell_topic = 'Age group')
{%- endmacro %}
