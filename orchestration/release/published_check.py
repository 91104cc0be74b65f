"""Every figure that is published of the authority beside its own, for the evidence page: what agrees, and why the rest does not.

It reads the open tables: a figure of the authority's own that is withheld is shown as withheld here too.
"""

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from orchestration.figures.periods import Period

_DECIMALS = {"count": 0, "gbp": 0, "ratio": 2}


@dataclass(frozen=True)
class CheckedFigure:
    """One published figure, in words for a reader: `own`, `published` and `difference` are empty where there is no number."""

    kpi_id: str
    title: str
    period: str
    item: str
    own: str
    published: str
    difference: str
    explanation: str


@dataclass(frozen=True)
class CheckedKpi:
    """One KPI: cells of all breakdowns by what came of setting the two beside each other, and its headline figures."""

    kpi_id: str
    title: str
    same: int
    explained: int
    not_comparable: int
    unexplained: int
    withheld: int
    figures: list[CheckedFigure]


def published_check(connection: duckdb.DuckDBPyConnection) -> list[CheckedKpi]:
    """Set every published figure of the authority and its trusts beside their own, KPI by KPI in the order of the ids.

    Headline figures are the totals; where a KPI has none, every item that is published.

    Args:
        connection: the warehouse, or a database with its schema `kpi_open`.
    """
    counts = {
        row[0]: row[1:]
        for row in connection.execute(
            """
            select
                kpi_id,
                count(*) filter (where difference_outcome = 'same'),
                count(*) filter (where difference_outcome = 'explained'),
                count(*) filter (where difference_outcome = 'not_comparable'),
                count(*) filter (where difference_outcome = 'unexplained'),
                count(*) filter (where difference_outcome is null)
            from kpi_open.kpi_comparison
            where comparator_type = 'published_same_cell'
            group by kpi_id
            """
        ).fetchall()
    }
    rows = connection.execute(
        """
        with own_published as (
            select
                *,
                breakdown_topic = 'Total' as is_total,
                bool_or(breakdown_topic = 'Total') over (partition by kpi_id) as has_total
            from kpi_open.kpi_value
            where value_basis = 'published' and area_role in ('own_authority', 'own_provider')
        ),

        with_local as (
            select distinct kpi_id from kpi_open.kpi_value where value_basis = 'local'
        )

        select
            published.kpi_id,
            kpi.title,
            published.time_identifier,
            published.time_period,
            concat_ws(
                ', ',
                if(published.area_role = 'own_provider', published.area_name, null),
                if(published.is_total, null, published.breakdown)
            ) as item,
            published.unit,
            comparison.value,
            comparison.symbol,
            published.value,
            published.symbol,
            comparison.difference,
            case
                when with_local.kpi_id is null then 'The returns do not hold it.'
                when comparison.kpi_value_key is null then 'No return of the period gives it.'
                when comparison.symbol = 'c' then 'Withheld: it could tell of too few children.'
                when comparison.difference_outcome = 'same' then 'The same.'
                else comparison.difference_reason
            end as explanation
        from own_published as published
        inner join kpi_open.kpi_catalogue as kpi using (kpi_id)  -- exactly one
        left join with_local using (kpi_id)  -- at most one
        left join kpi_open.kpi_comparison as comparison  -- at most one
            on
                published.kpi_value_key = comparison.comparator_value_key
                and comparison.comparator_type = 'published_same_cell'
        where published.is_total or not published.has_total
        order by published.kpi_id, published.period_end, published.area_name, published.breakdown_topic, published.breakdown
        """
    ).fetchall()
    checked: dict[str, CheckedKpi] = {}
    for (
        kpi_id,
        title,
        identifier,
        code,
        item,
        unit,
        own,
        own_symbol,
        published,
        symbol,
        difference,
        explanation,
    ) in rows:
        if kpi_id not in checked:
            same, explained, not_comparable, unexplained, withheld = counts.get(kpi_id, (0, 0, 0, 0, 0))
            checked[kpi_id] = CheckedKpi(kpi_id, title, same, explained, not_comparable, unexplained, withheld, [])
        period = Period.of(identifier, code)
        checked[kpi_id].figures.append(
            CheckedFigure(
                kpi_id,
                title,
                period.words[0].upper() + period.words[1:] if period else f"{identifier} {code}",
                item,
                _shown(own, unit) or own_symbol or "",
                _shown(published, unit) or symbol or "",
                _shown(difference, unit),
                explanation,
            )
        )
    return list(checked.values())


def _shown(value: Decimal | None, unit: str) -> str:
    return "" if value is None else f"{value:z,.{_DECIMALS.get(unit, 1)}f}"
