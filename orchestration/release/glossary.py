"""`meta.glossary`: what a reader of the release meets, one row a word: what it means, where the figures behind it come from
and when these were last received.

KPIs come from their catalogue, data sources, codes and columns from the specifications of the returns, columns of the KPI
tables from dbt's descriptions; abbreviations and words that nothing else explains from `glossary.yaml`.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, Field

from orchestration.release.exports import OPEN_SCHEMAS, column_comments
from orchestration.returns.kpis import load_kpis, local_return_ids
from orchestration.returns.spec import load_spec, return_ids
from orchestration.rows import named_rows
from orchestration.sql_text import quoted

TERMS = Path(__file__).with_suffix(".yaml")

# In the order in which they are shown: those on the evidence page, and those that explain files and long lists.
READERS_KINDS = ("abbreviation", "term", "KPI", "data source", "reason", "breakdown")
KINDS = (*READERS_KINDS, "breakdown item", "code", "return column", "KPI column")

_TEMPORARY = (
    "glossary_entry",
    "glossary_return",
    "glossary_spec",
    "glossary_column",
    "glossary_received",
    "glossary_kpi",
)

# KPIs named beside an entry, and items named in the definition of a breakdown.
NAMED = 5
ITEMS_NAMED = 12


class Entry(BaseModel):
    """An entry of `glossary.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    term: str
    stands_for: str | None = Field(default=None, alias="for")
    means: str
    source: str
    see: list[str] = Field(default_factory=list)

    @property
    def definition(self) -> str:
        """What it stands for and what it means, as one text."""
        return (
            self.means
            if self.stands_for is None
            else f"{self.stands_for[0].upper()}{self.stands_for[1:]}. {self.means}"
        )


class Terms(BaseModel):
    """`glossary.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    abbreviations: list[Entry]
    terms: list[Entry]
    data_sources: list[Entry]

    @property
    def by_kind(self) -> dict[str, list[Entry]]:
        """Entries by their kind in the glossary."""
        return {"abbreviation": self.abbreviations, "term": self.terms, "data source": self.data_sources}


@cache
def load_terms() -> Terms:
    """The reviewed abbreviations and words; those of local returns stand beside their specifications."""
    terms = Terms.model_validate(yaml.load(TERMS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    known = {entry.term for entry in [*terms.abbreviations, *terms.terms]}
    words = {word.term: word for return_id in local_return_ids() for word in load_kpis(return_id).words}
    added = [Entry.model_validate(word.model_dump(by_alias=True)) for word in words.values() if word.term not in known]
    return terms.model_copy(
        update={
            "abbreviations": [*terms.abbreviations, *(entry for entry in added if entry.stands_for)],
            "terms": [*terms.terms, *(entry for entry in added if not entry.stands_for)],
        }
    )


def write_glossary(connection: duckdb.DuckDBPyConnection, target: str, *, sources: str) -> None:
    """Make the glossary.

    Columns: term, kind (`KINDS`), definition, source (where the meaning is stated), figures_from (return or publication; NULL
    where there is no figure), last_refreshed (date on which the latest submission behind the figures was received), see_also.

    Args:
        connection: the warehouse connection.
        target: the table to make.
        sources: the table of published datasets (`meta.source`).
    """
    _read_terms(connection)
    _read_specs(connection)
    connection.execute(_KPIS)
    connection.execute(
        f"""
        create table {target} as
        select term, kind, definition, source, figures_from, last_refreshed, see_also
        from ({" union all by name ".join((_ENTRIES, _KPI_ROWS, _RETURNS, _DATASETS.format(sources=sources), _REASONS, _BREAKDOWNS))})
        order by list_position(?, kind), lower(term), source
        """,
        [list(KINDS)],
    )
    for table in _TEMPORARY:
        connection.execute(f"drop table temp.{table}")


def read_glossary(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[dict[str, Any]]]:
    """What every reader meets, by the first letter of the term (0-9 for others), A to Z.

    Args:
        connection: a connection with the open database attached.
        database: its alias.
    """
    answered = connection.execute(
        f"""
        select term, kind, definition, source, figures_from, last_refreshed, see_also
        from {quoted(database, "meta", "glossary")}
        where list_contains(?, kind)
        order by lower(term), list_position(?, kind)
        """,
        [list(READERS_KINDS), list(READERS_KINDS)],
    )
    letters: dict[str, list[dict[str, Any]]] = {}
    for entry in named_rows(answered):
        first = entry["term"][0].upper()
        letters.setdefault(first if first.isalpha() else "0-9", []).append(entry)
    return letters


def _read_terms(connection: duckdb.DuckDBPyConnection) -> None:
    rows = [
        (entry.term, kind, entry.definition, entry.source, "; ".join(entry.see) or None)
        for kind, entries in load_terms().by_kind.items()
        for entry in entries
    ]
    _fill(connection, "glossary_entry", ("term", "kind", "definition", "source", "see_also"), rows)


def _read_specs(connection: duckdb.DuckDBPyConnection) -> None:
    """Returns, their codes and columns, and the described columns of the KPI tables."""
    specs = [load_spec(return_id) for return_id in return_ids()]
    _fill(
        connection,
        "glossary_return",
        ("return_id", "term", "definition", "source", "figures_from"),
        [
            (
                spec.return_id,
                spec.title[0].upper() + spec.title[1:],
                spec.description.strip(),
                f"specification of the return, version {spec.spec_version}",
                f"{', '.join(spec.publishers)}; {spec.frequency}",
            )
            for spec in specs
        ],
    )
    codes: list[tuple[str | None, ...]] = [
        (spec.return_id, spec.title, label, "code", f"code {code} of {set_name.replace('_', ' ')}", None)
        for spec in specs
        for set_name, code_set in spec.codes.items()
        for code, label in code_set.codes.items()
    ]
    columns: list[tuple[str | None, ...]] = [
        (spec.return_id, spec.title, name, "return column", column.description, table_name)
        for spec in specs
        for table_name, table in spec.tables.items()
        for name, column in table.columns.items()
    ]
    _fill(connection, "glossary_spec", ("return_id", "title", "term", "kind", "said", "table_name"), codes + columns)
    described = column_comments(connection, list(OPEN_SCHEMAS))
    _fill(
        connection,
        "glossary_column",
        ("table_name", "term", "definition"),
        [(table, column, comment) for _, table, column, comment in described],
    )


def _fill(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: Sequence[tuple[str | None, ...]]
) -> None:
    """Make a temporary table of text columns; its rows come from files of the project."""
    lists = [[row[place] for row in rows] for place in range(len(columns))]
    selected = ", ".join(f"unnest(?::varchar[]) as {quoted(column)}" for column in columns)
    connection.execute(f"create or replace temp table {quoted(table)} as select {selected}", lists)


# When each return was last received; each KPI with all its words, and what its open figures rest on.
_KPIS = """
create or replace temp table glossary_received as
select return_id, cast(max(received_at) as date) as last_refreshed
from control.submission
where status = 'accepted'
group by return_id;

create or replace temp table glossary_kpi as
with figures as (
    select
        figure.kpi_id,
        cast(max(submission.received_at) as date) as last_refreshed,
        string_agg(distinct figure.publisher, '; ' order by figure.publisher) filter (
            where figure.value_basis = 'published' and figure.publisher <> 'Local calculation'
        ) as publishers
    from kpi_open.kpi_value as figure
    inner join control.submission as submission using (submission_id)  -- exactly one
    group by figure.kpi_id
)

select
    kpi.kpi_id,
    kpi.title,
    kpi.definition,
    kpi.source_return,
    concat_ws(' ', kpi.title, kpi.definition, kpi.numerator, kpi.denominator, kpi.caveats, kpi.breakdowns) as words,
    concat_ws('; published: ', kpi.source_return, figures.publishers) as figures_from,
    figures.last_refreshed
from kpi_open.kpi_catalogue as kpi
left join figures using (kpi_id)  -- at most one
"""

# Abbreviations are found as they are written, words whatever their case, data sources where a KPI names its own.
_MENTIONS = r"""
case entry.kind
    when 'abbreviation' then regexp_matches({words}, '\b' || entry.term || 's?\b')
    when 'term' then contains(lower({words}), lower(entry.term))
    else list_contains(string_split(kpi.source_return, '; '), entry.term)
end
"""

_ENTRIES = f"""
select
    entry.term,
    entry.kind,
    entry.definition,
    entry.source,
    if(
        entry.kind = 'data source',
        entry.source,
        array_to_string(
            list_sort(list_distinct(flatten(list(string_split(kpi.source_return, '; ')) filter (kpi.kpi_id is not null)))), '; '
        )
    ) as figures_from,
    max(kpi.last_refreshed) as last_refreshed,
    nullif(
        concat_ws(
            '; ',
            entry.see_also,
            array_to_string(
                list_slice(
                    list(kpi.title order by kpi.title) filter ({_MENTIONS.format(words="kpi.title || ' ' || kpi.definition")}),
                    1, {NAMED}
                ),
                '; '
            )
        ),
        ''
    ) as see_also
from temp.glossary_entry as entry
left join temp.glossary_kpi as kpi  -- every KPI that says it
    on {_MENTIONS.format(words="kpi.words")}
group by entry.term, entry.kind, entry.definition, entry.source, entry.see_also
"""

_KPI_ROWS = f"""
select
    kpi.title as term,
    'KPI' as kind,
    any_value(kpi.definition) as definition,
    'kpi_catalogue: ' || kpi.kpi_id as source,
    any_value(kpi.figures_from) as figures_from,
    any_value(kpi.last_refreshed) as last_refreshed,
    string_agg(distinct entry.term, '; ' order by entry.term) as see_also
from temp.glossary_kpi as kpi
left join temp.glossary_entry as entry  -- every word that its title or definition uses, and where it comes from
    on {_MENTIONS.format(words="kpi.title || ' ' || kpi.definition")}
where kpi.definition is not null
group by kpi.kpi_id, kpi.title
"""

_RETURNS = """
select
    told.term,
    'data source' as kind,
    told.definition,
    told.source,
    told.figures_from,
    received.last_refreshed
from temp.glossary_return as told
left join temp.glossary_received as received using (return_id)  -- at most one

union all by name

-- What several returns or tables have is one row: a code by its label, a column by its name and description.
select
    spec.term,
    spec.kind,
    if(
        spec.kind = 'code',
        'In returns: ' || string_agg(distinct spec.said || ' (' || spec.title || ')', '; ' order by spec.said || ' (' || spec.title || ')')
        || '.',
        any_value(spec.said)
    ) as definition,
    if(
        spec.kind = 'code',
        'specification of the return',
        'column of ' || string_agg(distinct spec.table_name, ', ' order by spec.table_name)
    ) as source,
    string_agg(distinct spec.title, '; ' order by spec.title) as figures_from,
    max(received.last_refreshed) as last_refreshed
from temp.glossary_spec as spec
left join temp.glossary_received as received using (return_id)  -- at most one
group by spec.term, spec.kind, if(spec.kind = 'code', null, spec.said)
"""

_DATASETS = """
select
    dataset as term,
    'data source' as kind,
    'Published by ' || publisher || '. Used: ' || release_names || '.' as definition,
    licence as source,
    publisher as figures_from,
    last_received as last_refreshed
from {sources}
"""

_REASONS = """
select
    reason_name as term,
    'reason' as kind,
    definition,
    'reason of the comparison of school census and EHC plans: ' || reason_code as source
from marts.dim_census_plan_reason
"""

# Of the KPIs that show figures apart: where these come from, when they were last received, and their titles.
_OF_THE_KPIS = f"""
array_to_string(list_sort(list_distinct(flatten(list(string_split(kpi.source_return, '; '))))), '; ') as figures_from,
    max(kpi.last_refreshed) as last_refreshed,
    array_to_string(list_slice(list_sort(list(distinct kpi.title)), 1, {NAMED}), '; ') as see_also
from kpi_open.kpi_value as figure
inner join temp.glossary_kpi as kpi using (kpi_id)  -- exactly one
where figure.breakdown_topic <> 'Total'
"""

_BREAKDOWNS = f"""
select
    figure.breakdown_topic as term,
    'breakdown' as kind,
    'Figures shown apart for: '
    || array_to_string(list_slice(list_sort(list(distinct figure.breakdown)), 1, {ITEMS_NAMED}), '; ')
    || if(count(distinct figure.breakdown) > {ITEMS_NAMED}, '; and ' || (count(distinct figure.breakdown) - {ITEMS_NAMED}) || ' more.', '.')
        as definition,
    'kpi_value: breakdown_topic' as source,
    {_OF_THE_KPIS}
group by figure.breakdown_topic

union all by name

select
    figure.breakdown as term,
    'breakdown item' as kind,
    'Figures are shown apart for it by: ' || string_agg(distinct figure.breakdown_topic, '; ' order by figure.breakdown_topic) || '.'
        as definition,
    'kpi_value: breakdown' as source,
    {_OF_THE_KPIS}
group by figure.breakdown

union all by name

select
    term,
    'KPI column' as kind,
    definition,
    'column of ' || string_agg(table_name, ', ' order by table_name) as source
from temp.glossary_column
where term not in (select kpi_id from temp.glossary_kpi)
group by term, definition
"""
