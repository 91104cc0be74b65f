{#-
    What Spark needs beside the words in engine.sql. Nothing here is used on DuckDB.
-#}

{#- Declares the landed Parquet of every source that has a place as a view: `dbt run-operation declare_sources --target spark`. -#}
{% macro declare_sources() -%}
{%- for source in graph.sources.values() if source.config.external_location -%}
    {%- set place = source.config.external_location.replace('{name}', source.identifier).split("'")[1] -%}
    {%- do run_query('create schema if not exists ' ~ source.schema) -%}
    {%- do run_query(
        'create or replace view ' ~ source.schema ~ '.' ~ source.identifier ~ ' as select * from parquet.`' ~ place ~ '`'
    ) -%}
{%- endfor -%}
{%- endmacro %}

{#- Rows of a seed as literals: dbt-spark's own way writes a blank as the word None, and breaks at an apostrophe. -#}
{% macro spark__load_csv_rows(model, agate_table) -%}
{%- set types = model.config.column_types -%}
{%- set names = agate_table.column_names -%}
{%- set statements = [] -%}
{%- for rows in agate_table.rows | batch(get_batch_size()) -%}
    {%- set statement -%}
insert into {{ this }} values
{%- for row in rows %}
    ({% for value in row -%}
        {%- if value is none -%}null
        {%- else -%}cast('{{ value | string | replace("\\", "\\\\") | replace("'", "\\'") }}' as {{ types[names[loop.index0]] }})
        {%- endif -%}
        {{ ', ' if not loop.last }}
    {%- endfor %}){{ ',' if not loop.last }}
{%- endfor %}
    {%- endset -%}
    {%- do run_query(statement) -%}
    {%- do statements.append(statement) -%}
{%- endfor -%}
{{ return(statements[0] if statements else '') }}
{%- endmacro %}
