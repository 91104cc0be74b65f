"""Enough places?: plans that are forecast beside the places there will be and what they cost, for people who see no single child.

Nothing here is a count of children but the total of plans, which is published: forecasts of a provision are told as places needed,
of ten or more plans alone, so that who is placed where cannot be worked out from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

import duckdb

from orchestration.charts import Chart
from orchestration.figures.pictures import ENGLAND, NARROW, OWN, SECOND, Line, trend
from orchestration.release.portal.site import Page
from orchestration.release.provision import BEYOND, NOWHERE, WITHIN, Children
from orchestration.sql_text import quoted

# The kinds of setting that the other pages of places count a provision in.
_KINDS = {
    "MAINSTREAM": ["mainstream"],
    "SPECIALIST_BASE": ["resourced", "unit"],
    "MAINTAINED_SPECIAL": ["special"],
    "NMISS_LA": ["independent", "independent_special"],
    "POST16_MAINSTREAM": ["college"],
    "POST16_SPECIALIST_INSTITUTION": ["specialist_college"],
    "AP": ["ap_pru"],
    "EARLY_YEARS": ["early_years"],
}
_EXPECTED_OF = {
    "place_gap_mainstream": "Mainstream schools, resourced provision among them",
    "place_gap_special": "Special schools",
    "place_gap_isp": "Independent specialist places after 16",
    "place_gap_post16": "Colleges and other mainstream places after 16",
}
INTERVAL = "Ends of the 80% interval"


@dataclass(frozen=True)
class January:
    """Plans of one January: counted, or forecast with the ends of the interval."""

    year: int
    plans: float
    low: float
    high: float
    is_counted: bool


@dataclass(frozen=True)
class Held:
    """What was forecast of the latest January from the one before, and what came."""

    origin: int
    year: int
    plans: float
    low: float
    high: float
    came: int
    parts: int
    parts_within: int

    @property
    def is_within(self) -> bool:
        """Whether what came lies in the interval."""
        return self.low <= self.came <= self.high


@dataclass(frozen=True)
class Published:
    """What a release forecast of a January that has been counted since, and what came."""

    release_id: str
    published: date
    origin: int
    year: int
    plans: float
    low: float
    high: float
    came: int
    made_anew: float | None
    """What today's returns of then and today's method would have forecast."""
    parts: int
    parts_within: int

    @property
    def is_within(self) -> bool:
        """Whether what came lies in the interval."""
        return self.low <= self.came <= self.high


@dataclass(frozen=True)
class Gap:
    """Places needed and places there in one January; None where nobody tells, or may tell.

    Of the January that the forecast goes out from (`is_counted`) the places taken are counted, and have no interval.
    """

    year: int
    demand: float | None
    low: float | None
    high: float | None
    places: float | None
    planned: float | None
    returned: int | None
    """What the safety valve return expects to be missing, if nothing changes."""
    is_counted: bool = False

    @property
    def missing(self) -> list[float | None]:
        """Places missing, with the ends of the interval; below nought there is room."""
        needed = (self.demand, self.low, self.high)
        return [None if self.places is None or one is None else one - self.places for one in needed]


@dataclass(frozen=True)
class Expectation:
    """A figure of the council's papers, beside what is missing in that academic year by the KPI: as the return expects it if
    nothing changes and if its plan is carried out, and as we do; None where nobody tells."""

    name: str
    label: str
    source: str
    academic_year: str
    unchanged: Decimal | None
    planned: Decimal | None
    own_year: str | None
    """The academic year of our own figure: that one, or the last one before it that is forecast."""
    own: Decimal | None
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True)
class Provision:
    """A provision with its gaps by January. `outside` are children placed outside the authority, None where suppressed."""

    code: str
    name: str
    is_within_borough: bool
    outside: int | None
    gaps: list[Gap]
    chart: Chart

    @property
    def is_told(self) -> bool:
        """Whether anybody tells how many places there will be."""
        return any(gap.places is not None for gap in self.gaps)


def sufficiency_page(
    connection: duckdb.DuckDBPyConnection, database: str, children: Children | None, *, least: int
) -> Page:
    """The page.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        database: its alias.
        children: counts of the other pages of places, as they may be seen.
        least: how many plans a forecast of a provision must be of to be shown.
    """
    own = connection.execute(
        "select la_code from marts.dim_area where area_level = 'local_authority' and comparator_role = 'own_authority'"
    ).fetchone()
    la_code = own[0] if own else None
    januaries = read_januaries(connection, la_code)
    is_cohort, reason = _model(connection, la_code)
    tested = _tested(connection)
    ahead = januaries[-1].year - max(one.year for one in januaries if one.is_counted) if januaries else 0
    facts = {
        "januaries": januaries,
        "plans_chart": _plans_chart(januaries) if any(not one.is_counted for one in januaries) else None,
        "reason": reason,
        "is_cohort": is_cohort,
        "published": read_published(connection, la_code),
        "held": read_held(connection, la_code),
        "tested": tested,
        "tested_origins": _tested_origins(connection),
        "ahead": ahead,
        "tested_ahead": next((row for row in tested if row[0] == ahead), None),
        "provisions": read_provisions(connection, la_code, children, least=least),
        "expectations": read_expectations(connection, database),
        "transfers": read_transfers(connection, la_code, least=least),
        "costs": read_costs(connection, la_code),
        "least": least,
        "authority": children.authority if children else "the authority",
    }
    return Page("enough", "Enough places?", "places", "enough.html.j2", facts)


def read_januaries(connection: duckdb.DuckDBPyConnection, la_code: str | None) -> list[January]:
    """Every January counted, and those that are forecast from the latest of them."""
    rows = connection.execute(
        f"""
        select census_year, plan_count, low_count, high_count, horizon = 0
        from marts.fct_plan_forecast
        where {_OF_ALL_PLANS} and la_code = ? and (horizon = 0 or is_latest_version)
        order by census_year
        """,
        [la_code],
    ).fetchall()
    return [
        January(year, float(plans), float(low), float(high), is_counted) for year, plans, low, high, is_counted in rows
    ]


def read_published(connection: duckdb.DuckDBPyConnection, la_code: str | None) -> list[Published]:
    """Forecasts as they were published, of Januaries counted since: of each origin the one that was published last."""
    rows = connection.execute(
        f"""
        with last as (
            select *
            from marts.fct_plan_forecast_published
            where la_code = $la_code and measure_code = 'plans' and is_last_of_origin and actual_count is not null
        ),

        -- Figures of ten or more, as of fewer chance alone decides.
        parts as (
            select origin_year, census_year, count(*) as parts, count(*) filter (where is_within) as within
            from last
            where actual_count >= 10 and not ({_IS_TOTAL})
            group by origin_year, census_year
        )

        select
            total.release_id, total.published_date, total.origin_year, total.census_year, total.plan_count, total.low_count,
            total.high_count, total.actual_count, anew.plan_count, coalesce(parts.parts, 0), coalesce(parts.within, 0)
        from (from last where {_IS_TOTAL}) as total
        left join parts using (origin_year, census_year)
        left join (
            from marts.fct_plan_forecast where {_OF_ALL_PLANS} and la_code = $la_code
        ) as anew using (origin_year, census_year)
        order by total.census_year desc, total.origin_year desc
        """,
        {"la_code": la_code},
    ).fetchall()
    return [
        Published(
            release_id, day, origin, year, float(plans), float(low), float(high), came, _number(anew), parts, within
        )
        for release_id, day, origin, year, plans, low, high, came, anew, parts, within in rows
    ]


def read_held(connection: duckdb.DuckDBPyConnection, la_code: str | None) -> Held | None:
    """How last January's forecast of this one did; None where there is no earlier one."""
    row = connection.execute(
        f"""
        select
            origin_year, census_year, plan_count, low_count, high_count, actual_count,
            (
                select count(*)
                from marts.fct_plan_forecast
                where {_IS_PART}
            ),
            (
                select count(*)
                from marts.fct_plan_forecast
                where {_IS_PART} and is_within
            )
        from marts.fct_plan_forecast as total
        where {_OF_ALL_PLANS} and la_code = $la_code and horizon = 1 and actual_count is not null
        order by census_year desc
        limit 1
        """,
        {"la_code": la_code},
    ).fetchone()
    if row is None:
        return None
    origin, year, plans, low, high, came, parts, parts_within = row
    return Held(origin, year, float(plans), float(low), float(high), came, parts, parts_within)


def read_provisions(
    connection: duckdb.DuckDBPyConnection, la_code: str | None, children: Children | None, *, least: int
) -> list[Provision]:
    """Provisions of which enough plans are forecast in every January, in the reform plan's order.

    Of the January that the forecast goes out from they have what the other pages of places may tell of children, not the plans of
    the mart: less the children placed outside, those would tell of them where they are suppressed.
    """
    rows = connection.execute(
        """
        with gaps as (
            select *
            from marts.fct_place_gap
            where la_code = $la_code and scenario_code = 'baseline' and phase_code = 'Total' and planning_area_code = 'Total'
        )

        select
            gap.provision_code, provision.reform_provision_name, gap.is_within_borough, gap.census_year, gap.demand_count,
            gap.low_count - (gap.plan_count - gap.demand_count), gap.high_count - (gap.plan_count - gap.demand_count),
            gap.capacity_count, planned.capacity_count, gap.returned_gap_count, gap.horizon = 0
        from gaps as gap
        left join seed.reform_plan_provision as provision on gap.provision_code = provision.reform_provision_code
        left join gaps as planned
            on gap.provision_code = planned.provision_code and gap.census_year = planned.census_year
            and planned.basis_code = 'planned'
        where gap.basis_code <> 'planned'
        -- What the return expects to fund, else what it commissions now, else what the register tells.
        qualify
            row_number() over (
                partition by gap.provision_code, gap.census_year
                order by list_position(['funded', 'commissioned', 'register', 'none'], gap.basis_code)
            ) = 1
            and min(gap.plan_count) filter (where gap.horizon > 0) over (partition by gap.provision_code) >= $least
        order by provision.provision_order, gap.census_year
        """,
        {"la_code": la_code, "least": least},
    ).fetchall()
    provisions = []
    for code in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == code]
        name, is_within_borough = own[0][1:3]
        gaps = [
            Gap(
                year,
                _taken(children, code, is_within_borough, year) if is_counted else float(demand),
                None if is_counted else float(low),
                None if is_counted else float(high),
                _number(places),
                _number(planned),
                returned,
                is_counted,
            )
            for _, _, _, year, demand, low, high, places, planned, returned, is_counted in own
        ]
        outside = _count(children, code, BEYOND)
        provisions.append(Provision(code, name, is_within_borough, outside, gaps, _gap_chart(code, name, gaps)))
    return provisions


def read_expectations(connection: duckdb.DuckDBPyConnection, database: str) -> list[Expectation]:
    """What the council has published that it expects, each beside the KPI of that year: "by 2028" is the academic year 2028/29."""
    rows = connection.execute(
        f"""
        with told as (
            select kpi_id, breakdown_topic, breakdown, value
            from {quoted(database, "kpi", "kpi_value")}
            where starts_with(kpi_id, 'place_gap_') and area_role = 'own_authority' and value is not null
            qualify rank() over (partition by kpi_id order by period_end desc) = 1
        ),

        figures as (
            select
                kpi_id,
                target_label,
                target_value,
                source,
                year(due_date) || '/' || right(cast(year(due_date) + 1 as varchar), 2) as academic_year
            from seed.kpi_target
            where starts_with(kpi_id, 'place_gap_') and target_kind = 'planning_figure'
        )

        select
            figures.kpi_id, figures.target_label, figures.source, figures.academic_year,
            any_value(told.value) filter (where breakdown_topic = $unchanged and breakdown = academic_year),
            any_value(told.value) filter (where breakdown_topic = $planned and breakdown = academic_year),
            max(told.breakdown) filter (where breakdown_topic = $own),
            arg_max(told.value, told.breakdown) filter (where breakdown_topic = $own),
            arg_max(told.value, told.breakdown) filter (where breakdown_topic = $own || ', low end'),
            arg_max(told.value, told.breakdown) filter (where breakdown_topic = $own || ', high end')
        from figures
        left join told on figures.kpi_id = told.kpi_id and told.breakdown <= figures.academic_year
        group by figures.kpi_id, figures.target_label, figures.target_value, figures.source, figures.academic_year
        order by list_position($order, figures.kpi_id), figures.academic_year, figures.target_value, figures.target_label
        """,
        {
            "unchanged": "Academic year, if nothing changes",
            "planned": "Academic year, if the plan is carried out",
            "own": "Academic year, if plans grow as forecast",
            "order": list(_EXPECTED_OF),
        },
    ).fetchall()
    return [
        Expectation(_EXPECTED_OF.get(kpi_id, kpi_id), label, source, year, unchanged, planned, own_year, own, low, high)
        for kpi_id, label, source, year, unchanged, planned, own_year, own, low, high in rows
    ]


def read_transfers(
    connection: duckdb.DuckDBPyConnection, la_code: str | None, *, least: int
) -> list[tuple[str, date, float, float, float]]:
    """Children of years 6 and 11 who change phase: year group, day by which plans name the next setting, and how many."""
    return connection.execute(
        f"""
        select year_group, transfer_due_date, plan_count, low_count, high_count
        from marts.fct_plan_forecast
        where
            {_OF_ALL_PLANS.replace("and year_group = 'Total'", "and year_group <> 'Total'")}
            and la_code = ? and is_latest_version and horizon > 0 and plan_count >= ?
        order by census_year, cast(year_group as integer)
        """,
        [la_code, least],
    ).fetchall()


def read_costs(connection: duckdb.DuckDBPyConnection, la_code: str | None) -> list[dict[str, object]]:
    """Of all placements together, a row a financial year: told and forecast, the oldest first."""
    cursor = connection.execute(
        """
        select
            left(financial_year, 4) || '-' || right(financial_year, 2) as year, value_type = 'FORECAST' as is_forecast,
            cost_gbp, low_cost_gbp, high_cost_gbp, volume_gbp, mix_gbp, price_gbp, high_needs_block_gbp,
            other_spending_gbp, in_year_gbp, low_in_year_gbp, high_in_year_gbp, balance_gbp, agreed_closing_gbp
        from marts.fct_placement_cost_forecast
        where la_code = ? and scenario_code = 'baseline' and dsg_category_code = 'Total'
        order by financial_year
        """,
        [la_code],
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_IS_TOTAL = " and ".join(
    f"{split} = 'Total'"
    for split in (
        "age_group", "year_group", "need_code", "placement_group_code", "provision_code", "need_table_no", "ward_code",
    )
)  # fmt: skip
_OF_ALL_PLANS = f"scenario_code = 'baseline' and measure_code = 'plans' and {_IS_TOTAL}"
# Figures of ten or more, as of fewer chance alone decides.
_IS_PART = f"""
    la_code = $la_code and scenario_code = 'baseline' and measure_code = 'plans' and horizon = 1 and actual_count >= 10
    and not ({_IS_TOTAL}) and origin_year = total.origin_year
"""


def _model(connection: duckdb.DuckDBPyConnection, la_code: str | None) -> tuple[bool, str | None]:
    """Whether the cohort model gives the total, and why."""
    row = connection.execute(
        "select total_model_code = 'cohort', total_model_reason from marts.fct_plan_forecast"
        " where la_code = ? and is_latest_version limit 1",
        [la_code],
    ).fetchone()
    return row or (False, None)


def _tested(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int, int]]:
    """Of the models that would have been used, by years ahead: forecasts, and how many held what came."""
    return connection.execute(
        """
        select horizon, count(*), count(*) filter (where is_within)
        from marts.fct_forecast_back_test
        where is_chosen and is_within is not null
        group by horizon
        order by horizon
        """
    ).fetchall()


def _tested_origins(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """The Januaries that those forecasts went out from."""
    rows = connection.execute(
        "select distinct origin_year from marts.fct_forecast_back_test where is_chosen and is_within is not null order by 1"
    ).fetchall()
    return [year for (year,) in rows]


def _count(children: Children | None, provision: str, *places: str) -> int | None:
    """Children in provision of the kind, at such places or wherever, as the other pages tell them; None where they do not, or
    count its kinds with others."""
    kinds = _KINDS.get(provision, [])
    if children is None or children.is_withheld or not kinds:
        return None
    alone = {kind.code for kind in children.kinds if not kind.also}
    counts = [
        count
        for kind in kinds
        for count in (
            [children.count("kind_place", kind, place) for place in places]
            if places
            else [children.count("kind", kind)]
        )
    ]
    return None if not alone.issuperset(kinds) or None in counts else sum(one for one in counts if one is not None)


def _taken(children: Children | None, provision: str, is_within_borough: bool, year: int) -> int | None:
    """Children who take a place of the provision in the January that the forecast goes out from."""
    if children is None or children.census_day.year != year:
        return None
    return _count(children, provision, *([WITHIN, NOWHERE] if is_within_borough else []))


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _whole(number: float) -> Decimal:
    return Decimal(number).to_integral_value(ROUND_HALF_UP)


def _ends(years: Sequence[str], ends: Sequence[tuple[float, float]]) -> Line:
    """Both ends of the interval as one series of two lines."""
    points = [(year, _whole(pair[end]), end) for end in (0, 1) for year, pair in zip(years, ends, strict=True)]
    return Line(INTERVAL, points, ENGLAND)


def _plans_chart(januaries: Sequence[January]) -> Chart:
    years = [str(one.year) for one in januaries]
    counted = [(str(one.year), _whole(one.plans), 0) for one in januaries if one.is_counted]
    ahead = [one for one in januaries if not one.is_counted]
    forecast = [counted[-1], *((str(one.year), _whole(one.plans), 0) for one in ahead)]
    lines = [
        Line("Counted", counted, OWN),
        Line("Forecast", forecast, SECOND),
        _ends([str(one.year) for one in ahead], [(one.low, one.high) for one in ahead]),
    ]
    title = f"Plans each January, {years[0]} to {years[-1]}"
    last = ahead[-1]
    draw = partial(trend, years, lines, unit="count", title="Plans")
    return Chart(
        name="plans",
        title=title,
        alt=f"Line chart. {title}. {counted[-1][1]:,} counted in {counted[-1][0]}; {_whole(last.plans):,} forecast in {last.year},"
        f" {_whole(last.low):,} to {_whole(last.high):,}. The table below has every figure.",
        columns=[],
        rows=[],
        svg=draw(),
        narrow=partial(draw, size=NARROW),
    )


def _gap_chart(code: str, name: str, gaps: Sequence[Gap]) -> Chart:
    years = [str(gap.year) for gap in gaps]
    needed = [(str(gap.year), gap.demand) for gap in gaps if gap.demand is not None]
    lines = [Line("Places needed", [(year, _whole(demand), 0) for year, demand in needed], OWN)]
    if places := [(str(gap.year), _whole(gap.places), 0) for gap in gaps if gap.places is not None]:
        lines.append(Line("Places there will be", places, SECOND))
    intervals = {str(gap.year): (gap.low, gap.high) for gap in gaps if gap.low is not None and gap.high is not None}
    lines.append(_ends(list(intervals), list(intervals.values())))
    title = f"{name}: places needed, January {years[0]} to {years[-1]}"
    beside = "" if gaps[-1].places is None else f" beside {_whole(gaps[-1].places):,} places"
    draw = partial(trend, years, lines, unit="count", title="Places")
    return Chart(
        name=f"gap-{code.lower().replace('_', '-')}",
        title=title,
        alt=f"Line chart. {title}. {_whole(needed[0][1]):,} in {needed[0][0]}, {_whole(needed[-1][1]):,} in {needed[-1][0]}{beside}."
        " The table below has every figure.",
        columns=[],
        rows=[],
        svg=draw(),
        narrow=partial(draw, size=NARROW),
    )
