"""Where children with a plan live and learn, and how full provision is, for people who see no single child: counts under the
board's disclosure policy, tied to each other and to the totals of the open tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.privacy.disclosure import Parameters
from orchestration.release.open_figures import OpenFigure, told_by_open_tables
from orchestration.release.remembered_places import PageCounts, hold_back, protect, recall, remember
from orchestration.sql_text import literal, quoted

OUTSIDE, UNTOLD = "outside", "untold"
"""Places that are no area of the authority: a home outside it or without a ward, and one whose neighbourhood nobody tells."""

WITHIN, BEYOND, NOWHERE = "in", "out", "none"
"""Where a child learns: within the authority, outside it, or where the register has no address for."""

# Kinds of setting in order, with the published placement group each is part of and that group's name in the open tables.
_KINDS = """
select * from (values
    (1, 'mainstream', 'Mainstream school', 'mainstream_total', 'Mainstream'),
    (2, 'resourced', 'Resourced provision in a mainstream school', 'mainstream_total', 'Mainstream'),
    (3, 'unit', 'SEN unit in a mainstream school', 'mainstream_total', 'Mainstream'),
    (4, 'independent', 'Independent school', 'mainstream_total', 'Mainstream'),
    (5, 'special', 'State special school', 'special_total', 'Special'),
    (6, 'independent_special', 'Independent or non-maintained special school', 'special_total', 'Special'),
    (7, 'ap_pru', 'Alternative provision or pupil referral unit', 'ap_pru_total', 'AP and PRU'),
    (8, 'college', 'Further education or sixth form college', 'fe_total', 'Further education and post-16'),
    (9, 'specialist_college', 'Specialist post-16 institution', 'fe_total', 'Further education and post-16'),
    (10, 'early_years', 'Private or voluntary early years setting', 'nm_early_years', 'Non-maintained early years'),
    (11, 'elsewhere', 'No school or college, or another setting', 'ed_elsewhere', 'Educated elsewhere'),
    (12, 'unknown', 'Not recorded', 'placement_unknown', 'Not recorded')
) as kinds (kind_order, kind_code, kind_name, group_code, group_name)
"""

_KIND_OF_LINE = """
case
    when {line}.placement_line_code like '%\\_resourced\\_provision' escape '\\' then 'resourced'
    when {line}.placement_line_code like '%\\_senunit' escape '\\' then 'unit'
    when {line}.placement_line_code = 'mainstream_independent' then 'independent'
    when {line}.placement_line_code in ('special_independent', 'special_non_maintained') then 'independent_special'
    when {line}.placement_line_code = 'specialist_post_16_institutions' then 'specialist_college'
    when {line}.placement_group_code = 'mainstream_total' then 'mainstream'
    when {line}.placement_group_code = 'special_total' then 'special'
    when {line}.placement_group_code = 'ap_pru_total' then 'ap_pru'
    when {line}.placement_group_code = 'fe_total' then 'college'
    when {line}.placement_group_code = 'nm_early_years' then 'early_years'
    when {line}.placement_group_code = 'ed_elsewhere' then 'elsewhere'
    else 'unknown'
end
"""

# The ward that most pupils of a neighbourhood live in: where a school of that neighbourhood is taken to lie.
_BEST_FIT = """
select lsoa_code, arg_max(ward_code, (pupils, ward_code)) as ward_code
from (
    select lsoa_code, ward_code, count(*) as pupils
    from marts.fct_census_pupil
    where lsoa_code is not null and ward_code is not null
    group by all
)
group by lsoa_code
"""

# Settings of the register, with the kind that each is by its type.
_REGISTER = f"""
select setting.*, {_KIND_OF_LINE.format(line="line")} as own_kind
from marts.dim_setting as setting
left join seed.placement_line_mapping as mapped
    on mapped.input_kind = 'establishment_type' and lpad(setting.type_code, 2, '0') = mapped.input_code
left join marts.dim_placement_group as line using (placement_line_code)
"""

# A row a child with a plan on the latest census day.
_CHILDREN = f"""
with home as (
    select child_key, la_code, census_period, any_value(lsoa_code) as lsoa_code
    from marts.fct_census_pupil
    where is_counted
    group by all
),

best_fit as ({_BEST_FIT}),

landed as (
    select distinct la_code, census_period, setting_key
    from marts.fct_census_completeness
    where is_landed and setting_key is not null
)

select
    plan.la_code,
    plan.census_year,
    plan.census_day,
    coalesce(ward.area_code, '{OUTSIDE}') as ward,
    coalesce(lsoa.area_code, '{UNTOLD}') as lsoa,
    {_KIND_OF_LINE.format(line="line")} as kind,
    case
        when setting.la_code is null then '{NOWHERE}' when setting.la_code = plan.la_code then '{WITHIN}' else '{BEYOND}'
    end as place,
    if(place = '{NOWHERE}', null, plan.setting_key) as setting,
    if(place = '{BEYOND}', setting.la_code, null) as authority,
    if(place = '{WITHIN}', coalesce(learning.area_code, '{UNTOLD}'), null) as learning,
    if(landed.setting_key is not null and place <> '{NOWHERE}', 'placed', null) as returned
from marts.fct_ehc_plan_census as plan
left join marts.dim_setting as setting using (setting_key)
left join marts.dim_placement_group as line using (placement_line_code)
left join landed
    on
        plan.la_code = landed.la_code
        and plan.census_year || '-01' = landed.census_period
        and plan.setting_key = landed.setting_key
left join marts.dim_area as ward
    on ward.area_level = 'ward' and plan.ward_code = ward.area_code and plan.la_code = ward.la_code
left join home
    on plan.child_key = home.child_key and plan.la_code = home.la_code and plan.census_year || '-01' = home.census_period
left join marts.dim_area as lsoa
    on lsoa.area_level = 'lsoa' and home.lsoa_code = lsoa.area_code and plan.la_code = lsoa.la_code
left join best_fit on setting.lsoa_code = best_fit.lsoa_code
left join marts.dim_area as learning
    on learning.area_level = 'ward' and best_fit.ward_code = learning.area_code and plan.la_code = learning.la_code
where plan.view_code = 'own_return' and plan.la_code = $la_code
qualify plan.census_year = max(plan.census_year) over ()
"""

# A kind of fewer children than may be shown is counted with the largest kind of its placement group.
_FOLDED = """
select
    kind,
    if(children between 1 and $threshold - 1, largest, kind) as counted_as
from (
    select
        kinds.kind_code as kind,
        count(child.kind) as children,
        arg_max(kinds.kind_code, (count(child.kind), -kinds.kind_order)) over (partition by kinds.group_code) as largest
    from provision_kind as kinds
    left join provision_child as child on kinds.kind_code = child.kind
    group by kinds.kind_code, kinds.kind_order, kinds.group_code
)
"""

# What is counted: columns of a child that a cell stands for, by the cell's name. Those of a placement group are in the
# open tables, all at schools whose census came in the comparison of the returns; the last two are nowhere: the shown tables
# are sums of them.
_CELLS: dict[str, tuple[str, ...]] = {
    "all": (),
    "group": ("placement_group",),
    "group_place": ("placement_group", "place"),
    "ward": ("ward",),
    "lsoa": ("lsoa",),
    "kind": ("kind",),
    "place": ("place",),
    "ward_kind": ("ward", "kind"),
    "ward_place": ("ward", "place"),
    "kind_place": ("kind", "place"),
    "setting": ("setting", "kind"),
    "authority": ("authority",),
    "learning": ("learning",),
    "returned": ("returned",),
    "home_unseen": ("ward", "kind", "place"),
    "ward_lsoa_unseen": ("ward", "lsoa"),
}
_SHOWN = [name for name in _CELLS if name not in ("group", "group_place", "returned") and not name.endswith("_unseen")]

# Each cell of the first is the sum of those of the second that lie in it.
_SUMS = (
    ("all", "group"), ("all", "place"), ("all", "ward"), ("all", "lsoa"), ("group", "kind"), ("group", "group_place"),
    ("place", "group_place"), ("group_place", "kind_place"), ("kind", "kind_place"), ("place", "kind_place"),
    ("ward", "ward_kind"), ("kind", "ward_kind"), ("ward", "ward_place"), ("place", "ward_place"),
    ("ward_kind", "home_unseen"), ("ward_place", "home_unseen"), ("kind_place", "home_unseen"),
    ("ward", "ward_lsoa_unseen"), ("lsoa", "ward_lsoa_unseen"),
    ("kind_place", "setting"), ("place", "authority"), ("place", "learning"), ("authority", "setting"),
    ("learning", "setting"), ("returned", "setting"),
)  # fmt: skip


def open_figures(groups: Mapping[str, str]) -> list[OpenFigure]:
    """The figures of the open tables whose numerator or denominator is a cell of `_CELLS`.

    Args:
        groups: names of the placement groups in the open tables, by code.
    """
    total = ("Total", "Total")
    return [
        OpenFigure("ehcp_total", *total, "all"),
        OpenFigure("ehcp_mainstream_pct", *total, "group|mainstream_total", "all"),
        OpenFigure("ehcp_independent_nm_pct", *total, "kind|independent_special", "all"),
        OpenFigure("ehcp_educated_elsewhere_pct", *total, "group|ed_elsewhere", "all"),
        OpenFigure("ehcp_out_of_borough_pct", *total, f"place|{BEYOND}", rest=f"place|{WITHIN}"),
        *(
            OpenFigure(kpi_id, "Placement group", name, f"group|{code}", "all")
            for kpi_id in ("placement_share_pct", "placement_gap_to_england_pp")
            for code, name in groups.items()
        ),
        *(
            OpenFigure(
                "ehcp_out_of_borough_pct",
                "Placement group",
                name,
                f"group_place|{code}|{BEYOND}",
                rest=f"group_place|{code}|{WITHIN}",
            )
            for code, name in groups.items()
        ),
        # Shares of all by a column that no cell here has: they tell how many all are.
        OpenFigure("ehcp_year_9_11_share_pct", *total, denominator="all"),
        OpenFigure("ehcp_educated_elsewhere_pct", "Reason line", None, denominator="all"),
        OpenFigure("ehcp_primary_need_share_pct", "Primary need", None, denominator="all"),
    ]


@dataclass(frozen=True)
class Area:
    """A ward or neighbourhood of the authority."""

    code: str
    name: str


@dataclass(frozen=True)
class Kind:
    """A kind of setting. `also` names kinds of so few children that they are counted with it."""

    code: str
    name: str
    also: list[str]


@dataclass(frozen=True)
class SettingRow:
    """One kind of place at a setting of the register.

    `places` are those the register has for this kind, `pupils` all who are on roll (of the whole school, so only beside its
    own places), `children` those with a plan of the authority, None where suppressed.
    """

    name: str
    kind: str
    kind_code: str
    phase: str
    where: str
    is_within: bool
    places: int | None
    pupils: int | None
    children: int | None


@dataclass(frozen=True)
class Children:
    """Children with a plan on a census day, counted by where they live and learn.

    `counts` has what may be seen by cell, None where it is suppressed; no cell is nought children. Nothing is in it where the
    counts cannot be protected (`is_withheld`).
    """

    census_day: date
    authority: str
    wards: list[Area]
    lsoas: list[Area]
    kinds: list[Kind]
    authorities: list[Area]
    settings: list[SettingRow]
    counts: dict[tuple[str, ...], int | None]
    is_withheld: bool

    def count(self, cell: str, *columns: str) -> int | None:
        """Children of one cell, such as `count('ward_kind', 'E05000001', 'special')`; None where suppressed."""
        return self.counts.get((cell, *columns), 0)


@dataclass(frozen=True)
class Provision:
    """Places of one provision, or of all of its kind (`is_total`), on the last day of a quarter. `occupied` is None where
    suppressed, or where nobody tells it."""

    kind: str
    name: str
    is_total: bool
    phase: str
    commissioned: float | None
    occupied: int | None
    is_suppressed: bool
    planned: float | None


@dataclass(frozen=True)
class Capacity:
    """Settings of a kind within the authority that are open, by the register: how many, their places, and their pupils."""

    kind: str
    settings: int
    places: int | None
    without_places: int
    pupils: int | None
    without_pupils: int


def count_children(
    connection: duckdb.DuckDBPyConnection, parameters: Parameters, *, database: str, earlier: Mapping[str, Path]
) -> Children | None:
    """Count the children with a plan on the latest census day, and suppress what the audience must not see or work out.

    What the open tables show counts as known, and what they withhold is withheld. What earlier releases told of the same census
    day is remembered, and what this one tells is kept for `remembered_places.keep_counts`.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        parameters: of the audience.
        database: alias of the open database.
        earlier: what `remembered_places.keep_counts` kept of earlier releases, by release.

    Returns: None where no EHC plans return of the authority has come.
    """
    own = connection.execute(
        "select la_code, area_name from marts.dim_area"
        " where area_level = 'local_authority' and comparator_role = 'own_authority'"
    ).fetchone()
    if own is None:
        return None
    la_code, authority = own
    connection.execute(f"create or replace temp table provision_kind as {_KINDS}")
    connection.execute(f"create or replace temp table provision_child as {_CHILDREN}", {"la_code": la_code})
    first = connection.execute("select census_year, census_day from provision_child limit 1").fetchone()
    if first is None:
        return None
    year, census_day = first
    connection.execute(
        f"create or replace temp table provision_folded as {_FOLDED}", {"threshold": parameters.threshold}
    )
    connection.execute(
        """
        create or replace temp table provision_counted as
        select child.* replace (folded.counted_as as kind), kinds.group_code as placement_group
        from provision_child as child
        inner join provision_folded as folded on child.kind = folded.kind
        inner join provision_kind as kinds on folded.counted_as = kinds.kind_code
        """
    )
    groups = connection.execute("select distinct group_code, group_name from provision_kind").fetchall()
    told_by_open_tables(
        connection,
        open_figures(dict(groups)),
        table="provision_open",
        database=database,
        la_code=la_code,
        period=f"{year - 1}{year % 100:02d}",
    )
    page = PageCounts("children", "provision_cell", "provision_line", la_code, census_day)
    recall(connection, earlier, page)
    counts = _protected(connection, parameters, page)
    if counts is not None:
        remember(connection, page)
    kinds = connection.execute(
        """
        select
            kinds.kind_code,
            kinds.kind_name,
            coalesce(
                list(other.kind_name order by other.kind_order) filter (where folded.kind <> kinds.kind_code), []
            )
        from provision_kind as kinds
        inner join provision_folded as folded on folded.counted_as = kinds.kind_code
        inner join provision_kind as other on folded.kind = other.kind_code
        group by kinds.kind_order, kinds.kind_code, kinds.kind_name
        order by kinds.kind_order
        """
    ).fetchall()
    return Children(
        census_day=census_day,
        authority=authority,
        wards=_areas(connection, "ward", la_code),
        lsoas=_areas(connection, "lsoa", la_code),
        kinds=[Kind(*row) for row in kinds],
        authorities=[
            Area(*row)
            for row in connection.execute(
                "select la_code, coalesce(max(la_name), la_code) from marts.dim_setting"
                " where la_code in (select authority from provision_counted) group by la_code order by 2, 1"
            ).fetchall()
        ],
        settings=_settings(connection, la_code, counts or {}),
        counts=counts or {},
        is_withheld=counts is None,
    )


def _areas(connection: duckdb.DuckDBPyConnection, level: str, la_code: str) -> list[Area]:
    rows = connection.execute(
        "select area_code, area_name from marts.dim_area where area_level = ? and la_code = ?"
        " order by length(regexp_extract(area_name, '\\d*$')), area_name, area_code",
        [level, la_code],
    ).fetchall()
    return [Area(*row) for row in rows]


def _protected(
    connection: duckdb.DuckDBPyConnection, parameters: Parameters, page: PageCounts
) -> dict[tuple[str, ...], int | None] | None:
    """What may be seen of each cell; None where it cannot be protected."""
    connection.execute(
        "create or replace temp table provision_counts as "
        + " union all ".join(
            f"select {_key(name)} as cell_key, {literal(name)} as cell, count(*) as cell_count from provision_counted"
            f" where {_is_whole(name)} group by all"
            for name in _CELLS
        )
    )
    lines = " union all ".join(
        f"select distinct {literal(whole + ' by ' + part)} || '|' || {_key(whole)} as line_key, {_key(part)} as cell_key"
        f" from provision_counted where {_is_whole(whole)} and {_is_whole(part)}"
        for whole, part in _SUMS
    )
    connection.execute(
        f"""
        create or replace temp table provision_line as
        with parts as ({lines})

        select line_key, line_key as line_order, cell_key, false as is_total from parts
        union all
        select distinct line_key, line_key, substr(line_key, instr(line_key, '|') + 1), true from parts
        """
    )
    _make_cells(connection, parameters, kept=None)
    # What the open tables give away already is no matter of this page.
    hold_back(connection, parameters, page)
    # Kinds of setting stay visible, as DfE's own tables have them, as far as the rest can then be protected.
    for kept in ("kind", None):
        _make_cells(connection, parameters, kept=kept)
        weak = protect(
            connection,
            parameters,
            page,
            told="provision_open",
            guessed="cell.is_fixed and cell.cell_key like 'returned|%'",
        )
        if not weak:
            rows = connection.execute(
                """
                select cell_key, if(kind is null, cell_count, null)
                from provision_cell
                inner join places_pattern using (cell_key)
                where list_contains(?, cell)
                """,
                [_SHOWN],
            ).fetchall()
            return {tuple(key.split("|")): count for key, count in rows}
    return None


def _make_cells(connection: duckdb.DuckDBPyConnection, parameters: Parameters, *, kept: str | None) -> None:
    """The relation of cells: fixed are those the open tables show, and of the cells `kept` those that may be shown."""
    connection.execute(
        """
        create or replace temp table provision_cell as
        select
            counts.cell_key,
            counts.cell,
            counts.cell_count,
            counts.cell_count as people_count,
            coalesce(told.told = counts.cell_count, false)
            or counts.cell = 'returned' and counts.cell_count >= $threshold
            or coalesce(counts.cell = $kept, false) and counts.cell_count >= $threshold
            and counts.cell_key not in (select cell_key from places_history where is_held_back)
            and counts.cell_key not in (
                select 'kind|' || kinds.kind_code
                from provision_open
                inner join provision_kind as kinds on provision_open.cell_key = 'group|' || kinds.group_code
                where provision_open.is_held_back
            ) as is_fixed,
            list_contains($shown, counts.cell) or told.cell_key is not null
            or counts.cell = 'returned' and counts.cell_count >= $threshold as is_shown,
            counts.cell_key as cell_order
        from provision_counts as counts
        left join provision_open as told on counts.cell_key = told.cell_key
        """,
        {"kept": kept, "threshold": parameters.threshold, "shown": _SHOWN},
    )


def _key(cell: str) -> str:
    return f"concat_ws('|', {', '.join([literal(cell), *_CELLS[cell]])})"


def _is_whole(cell: str) -> str:
    """A child is in a cell where it has every column of it."""
    return " and ".join([f"{column} is not null" for column in _CELLS[cell]] or ["true"])


def _settings(
    connection: duckdb.DuckDBPyConnection, la_code: str, counts: dict[tuple[str, ...], int | None]
) -> list[SettingRow]:
    """Every open setting of the authority and every other that has one of its children, a row a kind of place."""
    rows = connection.execute(
        f"""
        with best_fit as ({_BEST_FIT}),

        register as ({_REGISTER}),

        listed as (
            select setting_key, own_kind as kind from register where la_code = $la_code and is_open and is_current
            union
            select setting_key, 'resourced' from register
            where la_code = $la_code and is_open and is_current and resourced_provision_capacity_count > 0
            union
            select setting_key, 'unit' from register
            where la_code = $la_code and is_open and is_current and sen_unit_capacity_count > 0
            union
            select setting, kind from provision_child where setting is not null
        ),

        offered as (
            select listed.setting_key, folded.counted_as as kind, bool_or(listed.kind = register.own_kind) as is_own
            from listed
            inner join register using (setting_key)
            inner join provision_folded as folded on listed.kind = folded.kind
            group by all
        )

        select
            register.setting_key,
            kinds.kind_code,
            kinds.kind_name,
            register.setting_name,
            coalesce(register.phase_name, ''),
            if(register.la_code = $la_code, coalesce(ward.area_name, 'ward not known'), coalesce(register.la_name, register.la_code)),
            register.la_code = $la_code,
            case
                when offered.is_own then register.school_capacity_count
                when offered.kind = 'resourced' then register.resourced_provision_capacity_count
                when offered.kind = 'unit' then register.sen_unit_capacity_count
            end,
            if(offered.is_own, register.pupil_count, null)
        from offered
        inner join register using (setting_key)
        inner join provision_kind as kinds on offered.kind = kinds.kind_code
        left join best_fit on register.lsoa_code = best_fit.lsoa_code
        left join marts.dim_area as ward
            on ward.area_level = 'ward' and best_fit.ward_code = ward.area_code and register.la_code = ward.la_code
        order by register.la_code <> $la_code, kinds.kind_order, register.setting_name, register.setting_key
        """,
        {"la_code": la_code},
    ).fetchall()
    return [
        SettingRow(
            name=name,
            kind=kind,
            kind_code=code,
            phase=phase,
            where=where,
            is_within=is_within,
            places=places,
            pupils=pupils,
            children=counts.get(("setting", key, code), 0),
        )
        for key, code, kind, name, phase, where, is_within, places, pupils in rows
    ]


def count_capacity(connection: duckdb.DuckDBPyConnection) -> list[Capacity]:
    """Open settings of the authority, mainstream ones by phase, with their places and pupils as the schools register has them."""
    connection.execute(f"create or replace temp table provision_kind as {_KINDS}")
    rows = connection.execute(
        f"""
        with register as (
            {_REGISTER}
            where setting.is_in_own_authority and setting.is_open and setting.is_current
        ),

        offered as (
            select own_kind as kind, phase_name, school_capacity_count as places, pupil_count as pupils from register
            union all
            select 'resourced', null, resourced_provision_capacity_count, null
            from register where resourced_provision_capacity_count > 0 or resourced_provision_name ilike 'resourced%'
            union all
            select 'unit', null, sen_unit_capacity_count, null
            from register where sen_unit_capacity_count > 0 or resourced_provision_name ilike '%unit%'
        )

        select
            kinds.kind_name || if(kinds.kind_code = 'mainstream', coalesce(', ' || lower(phase_name), ''), '') as label,
            count(*),
            sum(places),
            count(*) filter (where places is null),
            sum(pupils),
            count(*) filter (where pupils is null)
        from offered
        inner join provision_kind as kinds on offered.kind = kinds.kind_code
        group by kinds.kind_order, label
        order by kinds.kind_order, label
        """
    ).fetchall()
    return [Capacity(*row) for row in rows]


PROVISION_TYPES = {
    "RP": "Resourced provision",
    "SEN_UNIT": "SEN unit",
    "SPECIAL": "Special school",
    "AP": "Alternative provision",
    "POST16": "Post-16",
    "EARLY_YEARS": "Early years",
}


def count_places(
    connection: duckdb.DuckDBPyConnection, parameters: Parameters, *, database: str, earlier: Mapping[str, Path]
) -> tuple[date, list[Provision]] | None:
    """Places commissioned and occupied on the last day of the latest quarter that the authority's own return tells of.

    A total comes before its provisions. Occupied places are children: few of them are suppressed, and what they could be
    worked out from, the totals of the open tables counted among what a reader knows. Earlier releases are remembered as for
    `count_children`.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        parameters: of the audience.
        database: alias of the open database.
        earlier: what `remembered_places.keep_counts` kept of earlier releases, by release.

    Returns: the day and the provisions; None where no return tells of places.
    """
    connection.execute(
        """
        create or replace temp table provision_place as
        select place.*
        from marts.fct_capital_place as place
        inner join marts.dim_area as area
            on area.area_level = 'local_authority' and area.comparator_role = 'own_authority' and place.la_code = area.la_code
        where place.is_current
        qualify place.period_end = max(place.period_end) over ()
        """
    )
    first = connection.execute("select la_code, period_end from provision_place limit 1").fetchone()
    if first is None:
        return None
    la_code, day = first
    value = quoted(database, "kpi", "kpi_value")
    connection.execute(
        f"""
        create or replace temp table provision_place_open as
        select
            if(kpi_id = 'rp_occupancy_pct', 'RP', 'SPECIAL') as cell_key,
            any_value(numerator) filter (where symbol is null) as told,
            coalesce(bool_or(symbol = 'c'), false) as is_held_back,
            false as is_told,
            false as was_suppressed
        from {value}
        where
            kpi_id in ('rp_occupancy_pct', 'special_occupancy_pct') and value_basis = 'local' and period_end = $day
            and area_role = 'own_authority' and breakdown_topic = 'Total'
        group by all
        """,
        {"day": day},
    )
    connection.execute(
        """
        create or replace temp table provision_place_cell as
        with counted as (
            select provision_type as cell_key, sum(places_occupied) as cell_count
            from provision_place
            where places_occupied is not null
            group by all
            union all
            select provision_type || '|' || provision_id, sum(places_occupied)
            from provision_place
            where places_occupied is not null
            group by all
        )

        select
            cell_key,
            cell_count,
            cell_count as people_count,
            coalesce(told.told = cell_count, false) as is_fixed,
            true as is_shown,
            cell_key as cell_order
        from counted
        left join provision_place_open as told using (cell_key)
        """
    )
    connection.execute(
        """
        create or replace temp table provision_place_line as
        select split_part(cell_key, '|', 1) as line_key, line_key as line_order, cell_key, cell_key = line_key as is_total
        from provision_place_cell
        """
    )
    page = PageCounts("places", "provision_place_cell", "provision_place_line", la_code, day)
    recall(connection, earlier, page)
    hold_back(connection, parameters, page)
    weak = protect(connection, parameters, page, told="provision_place_open")
    # Of a kind that cannot be protected no number is shown.
    connection.execute(
        "update places_pattern set kind = 'secondary' where kind is null and list_contains(?, split_part(cell_key, '|', 1))",
        [sorted({key.split("|")[0] for key in weak})],
    )
    rows = connection.execute(
        """
        with listed as (
            select
                provision_type,
                provision_type as cell_key,
                '' as provision_name,
                true as is_total,
                '' as phase,
                sum(places_commissioned) as commissioned,
                sum(places_planned_next_september) as planned
            from provision_place
            group by provision_type
            union all
            select
                provision_type,
                provision_type || '|' || provision_id,
                any_value(provision_name),
                false,
                any_value(phase),
                sum(places_commissioned),
                sum(places_planned_next_september)
            from provision_place
            group by provision_type, provision_id
        )

        select
            listed.provision_type,
            listed.provision_name,
            listed.is_total,
            coalesce(listed.phase, ''),
            cast(listed.commissioned as double),
            if(pattern.kind is null, cast(cell.cell_count as bigint), null),
            pattern.kind is not null,
            cast(listed.planned as double)
        from listed
        left join provision_place_cell as cell using (cell_key)  -- at most one
        left join places_pattern as pattern using (cell_key)  -- at most one
        order by list_position($types, listed.provision_type), not listed.is_total, listed.provision_name, cell_key
        """,
        {"types": list(PROVISION_TYPES)},
    ).fetchall()
    remember(connection, page)
    return day, [Provision(*row) for row in rows]
