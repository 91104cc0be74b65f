{#-
    The cells that each component of the recipe (seed kpi_source) takes, published or counted from returns: the total; the
    items of a breakdown where the KPI is split; all cells of an age range where only some ages count; the total once for
    each item of the topic whose items are set against the whole. `area`: the column of the cells that says whose they are.
-#}
{% macro kpi_component_cells(recipes, cells, area) -%}
{%- set recipe_columns = ['series_code', 'measure_code', 'time_identifier', 'time_period', 'age_from', 'age_to'] -%}
select
        {{ all_but(['recipe_time_identifiers', 'time_identifier', 'cell_time_period']) }},
        time_identifier,
        -- January stock published under its calendar year belongs to the academic year that holds the January.
        case
            when is_january_stock and cell_time_identifier = 'Calendar year'
                then {{ academic_year_of_january('cell_time_period') }}
            else cell_time_period
        end as time_period
    from (
        select
            *,
            {{ row_each('recipe_time_identifiers') }} as time_identifier
        from (
            select
                recipe.*,
                {{ all_but(recipe_columns, 'cell') }},
                case
                    when recipe.age_from is not null or cell.cell_topic = 'Total' then recipe.breakdown_topic
                    else cell.cell_topic
                end as kpi_topic,
                case
                    when recipe.age_from is not null or cell.cell_topic = 'Total' then recipe.breakdown
                    else cell.cell_breakdown
                end as kpi_breakdown,
                cell.time_identifier as cell_time_identifier,
                cell.time_period as cell_time_period,
                -- The periods a cell stands for: January's is the academic year's, or the base of each of its periods.
                case
                    when recipe.is_january_base and cell.time_identifier = 'Spring term'
                        then {{ array_of([
                            "'Autumn term'", "'Spring term'", "'Summer term'", "'Autumn and spring term'", "'Academic year'"
                        ]) }}
                    when recipe.is_january_stock and cell.time_identifier in ('Calendar year', 'Spring term')
                        then {{ array_of(["'Academic year'"]) }}
                    when
                        recipe.is_january_base
                        or recipe.is_january_stock and cell.time_identifier in ('Autumn term', 'Summer term')
                        then {{ array_of([]) }}
                    else {{ array_of(['cell.time_identifier']) }}
                end as recipe_time_identifiers
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
                            and (
                                cell.cell_topic = 'Total' and (recipe.is_split_by_person or recipe.whole_topic is null)
                                or cell.cell_topic <> 'Total' and recipe.is_split_by_person
                            )
                    end
            where
                (recipe.first_time_period is null or cell.time_period >= recipe.first_time_period)
                -- Percentages of single ages do not add up to the percentage of a group.
                and not (recipe.part = 'published' and cell.cell_topic = 'Age group')
                and cell.cell_topic is distinct from recipe.whole_topic

            union all

            select
                recipe.*,
                {{ all_but(recipe_columns, 'whole') }},
                item.cell_topic as kpi_topic,
                item.cell_breakdown as kpi_breakdown,
                whole.time_identifier as cell_time_identifier,
                whole.time_period as cell_time_period,
                case
                    when not recipe.is_january_stock then {{ array_of(['whole.time_identifier']) }}
                    when whole.time_identifier in ('Calendar year', 'Spring term') then {{ array_of(["'Academic year'"]) }}
                    else {{ array_of([]) }}
                end as recipe_time_identifiers
            from {{ recipes }} as recipe
            inner join {{ recipes }} as numerator -- exactly one
                on
                    recipe.kpi_id = numerator.kpi_id
                    and recipe.source_rank = numerator.source_rank
                    and recipe.breakdown_topic = numerator.breakdown_topic
                    and recipe.breakdown = numerator.breakdown
                    and numerator.part = 'numerator'
            inner join {{ cells }} as item -- one component to many items
                on
                    numerator.series_code = item.series_code
                    and numerator.measure_code = item.measure_code
                    and recipe.whole_topic = item.cell_topic
            inner join {{ cells }} as whole -- exactly one
                on
                    recipe.series_code = whole.series_code
                    and recipe.measure_code = whole.measure_code
                    and whole.cell_topic = 'Total'
                    and item.{{ area }} = whole.{{ area }}
                    and item.time_identifier = whole.time_identifier
                    and item.time_period = whole.time_period
            where recipe.whole_topic is not null
        )
    )
{%- endmacro %}
