"""Rows that were read and set aside, by file, return and reason, under the disclosure control of the board.

`meta.submission` tells how many rows of each file were set aside, but not where there are few. Whatever is counted here adds up
from those files, so that files, sums and reasons are protected together.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.privacy.disclosure import Parameters
from orchestration.release.inventory import returns_about_nobody
from orchestration.release.remembered_places import PageCounts, hold_back, protect, recall, remember
from orchestration.sql_text import quoted

NO_REASON = "not recorded"
"""The reason of rows for which no rule is recorded."""

# Each row stands under one reason: the first of the rules it fails. `reason_count` of a submission adds up to its rows set aside.
_REASONS = """
with place as (
    select submission_id, min(rule_id) as rule_id
    from control.rule_failure
    where rule_id in (select rule_id from {rule} where effect = 'quarantine')
    group by submission_id, table_name, source_file, source_row
),

counted as (
    select submission_id, rule_id, count(*) as reason_count from place group by submission_id, rule_id
),

accepted as (
    select
        submission_id, return_id, split_part(supplier, '.', 1) as supplier_kind, coalesce(period, '') as period,
        rows_quarantined, coalesce(sum(reason_count), 0) as all_count
    from control.submission
    left join counted using (submission_id)  -- one to many
    where status = 'accepted' and rows_quarantined > 0
    group by all
)

select accepted.*, counted.rule_id, counted.reason_count
from accepted
inner join counted using (submission_id)  -- one to many
where all_count <= rows_quarantined

union all

select *, '{no_reason}' as rule_id, rows_quarantined - if(all_count < rows_quarantined, all_count, 0) as reason_count
from accepted
where all_count <> rows_quarantined
"""

# A row a level a count stands on: the file, its kind of supplier and period, its return, and the reason.
_MEMBERS = """
select
    return_id,
    unnest([
        {'level': 'file', 'name': submission_id}, {'level': 'fold', 'name': supplier_kind || '|' || period},
        {'level': 'return', 'name': ''}, {'level': 'reason', 'name': rule_id}
    ], recursive := true),
    submission_id,
    supplier_kind || '|' || period as fold,
    reason_count
from set_aside
"""

_LINES = """
select distinct 'by file|' || return_id || '|' || fold as line_key, member.cell_key, member.level = 'fold' as is_total
from set_aside_member as member
where level in ('file', 'fold')
union all
select distinct 'by fold|' || return_id, cell_key, level = 'return' from set_aside_member where level in ('fold', 'return')
union all
select distinct 'by reason|' || return_id, cell_key, level = 'return' from set_aside_member where level in ('reason', 'return')
"""


@dataclass(frozen=True)
class Reason:
    """Rows of a return that one rule set aside; `rows` is None where the number is not told."""

    return_id: str
    rule_id: str
    rows: int | None


@dataclass(frozen=True)
class SetAside:
    """Rows set aside, where there are any: by return, by (return, kind of supplier, period) and by reason. None: not told."""

    returns: dict[str, int | None]
    folds: dict[tuple[str, str, str], int | None]
    reasons: list[Reason]


def rows_set_aside(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    parameters: Parameters,
    untold: Collection[str],
    earlier: Mapping[str, Path],
) -> SetAside:
    """Count the rows set aside of accepted files. What earlier releases told is remembered, as on the pages of places.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        database: alias of the open database.
        parameters: of the audience.
        untold: returns of which no number is told, as in `meta.submission`: the sum over their files is a KPI, and any number would
            tell the few of one of them.
        earlier: what `remembered_places.keep_counts` kept of earlier releases, by release.
    """
    rules = _REASONS.format(rule=quoted(database, "meta", "rule"), no_reason=NO_REASON)
    connection.execute(f"create or replace temp table set_aside as {rules}")
    connection.execute(
        "create or replace temp table set_aside_member as"
        f" select *, concat_ws('|', level, return_id, name) as cell_key from ({_MEMBERS})"
    )
    # A file of which enough rows were set aside to tell is told of in meta.submission; a return about nobody tells all.
    connection.execute(
        """
        create or replace temp table set_aside_cell as
        select
            cell_key, level, return_id, name, sum(reason_count)::bigint as cell_count, cell_count as people_count,
            list_contains($about_nobody, return_id) or (level = 'file' and cell_count >= $threshold) as is_fixed,
            true as is_shown,
            list_position(['reason', 'fold', 'return', 'file'], level) as cell_order
        from set_aside_member
        where not list_contains($untold, return_id)
        group by cell_key, level, return_id, name
        """,
        {
            "about_nobody": sorted(returns_about_nobody()),
            "untold": sorted(untold),
            "threshold": parameters.threshold,
        },
    )
    connection.execute(
        f"""
        create or replace temp table set_aside_line as
        select *, line_key as line_order from ({_LINES}) semi join set_aside_cell using (cell_key);

        create or replace temp table set_aside_open as
        select cell_key, cell_count as told, false as is_held_back, false as is_told, false as was_suppressed
        from set_aside_cell
        where is_fixed
        """
    )
    page = PageCounts("set_aside", "set_aside_cell", "set_aside_line")
    recall(connection, earlier, page)
    hold_back(connection, parameters, page)
    weak = protect(connection, parameters, page, told="set_aside_open")
    # Of a return that cannot be protected no number is shown but those of its files.
    connection.execute(
        """
        update places_pattern
        set kind = 'secondary'
        from set_aside_cell as cell
        where places_pattern.cell_key = cell.cell_key and not cell.is_fixed and list_contains(?, cell.return_id)
        """,
        [sorted({key.split("|")[1] for key in weak})],
    )
    remember(connection, page)
    told = connection.execute(
        """
        select distinct member.level, member.return_id, member.name, if(pattern.kind is null, cell.cell_count, null)
        from set_aside_member as member
        left join set_aside_cell as cell using (cell_key)  -- at most one
        left join places_pattern as pattern using (cell_key)  -- at most one
        order by member.return_id, member.name
        """
    ).fetchall()
    return SetAside(
        returns={return_id: count for level, return_id, _, count in told if level == "return"},
        folds={(return_id, *name.split("|", 1)): count for level, return_id, name, count in told if level == "fold"},
        reasons=[Reason(return_id, name, count) for level, return_id, name, count in told if level == "reason"],
    )
