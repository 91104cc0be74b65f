"""What is to follow up, by school and reason: counted in the current release, without the vault."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.durable import write_private
from orchestration.errors import CornerstoneError
from orchestration.release.exports import RESTRICTED_DATABASE
from orchestration.release.folders import current_release
from orchestration.school_names import said_school
from orchestration.settings import Settings
from orchestration.sql_text import literal
from orchestration.worklist.table import SUFFIXES, table_file

# Children to follow up, with school and reason in words. A school that the register lacks goes by its number; a child
# whom neither return puts at a school stands at the end.
LISTED = """
select
    child.*,
    coalesce(setting.setting_name, 'School ' || child.la_estab, 'No school known') as school_name,
    coalesce(child.la_estab, setting.la_estab) as school_la_estab,
    setting.urn,
    placement.setting_name as placement_name,
    line.placement_line_name,
    reason.reason_order,
    reason.reason_name,
    reason.action
from released.marts.fct_census_plan_child as child
inner join released.marts.dim_census_plan_reason as reason using (reason_code)
left join released.marts.dim_setting as setting on child.setting_key = setting.setting_key
left join released.marts.dim_setting as placement on child.placement_setting_key = placement.setting_key
left join released.marts.dim_placement_group as line on child.placement_line_code = line.placement_line_code
where child.reason_class = 'to_follow_up' and child.census_year = $census and child.la_code = $la_code
"""
OF_SCHOOL = "($school is null or $school in (urn, school_la_estab))"
BY_SCHOOL = "coalesce(urn, school_la_estab) is null, school_name, school_la_estab, urn"


@dataclass(frozen=True)
class SchoolReason:
    """Children of one school to follow up for one reason. `la_estab`: authority and number. Without numbers where no school
    is known."""

    school_name: str
    la_estab: str | None
    urn: str | None
    reason: str
    children: int
    action: str


@dataclass(frozen=True)
class Worklist:
    """What is to follow up of one January census. `missing_schools`: expected schools whose return has not landed, by name."""

    release_id: str
    census: int
    census_day: date
    expected_schools: int
    received_schools: int
    missing_schools: list[str]
    children: int
    schools: list[SchoolReason]


def attach_release(connection: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """Attach the restricted marts of the current release as `released`; gives the release's name.

    Raises:
        CornerstoneError: there is no release, or it was made before there were worklists.
    """
    release = current_release(settings)
    if release is None:
        raise CornerstoneError("There is no release yet to make a worklist of; `cornerstone run` makes one.")
    # By its own folder and not by the link: the release that is read is the one that is named.
    database = settings.releases_dir / release.release_id / RESTRICTED_DATABASE
    if not database.is_file():
        raise CornerstoneError(
            f"The marts of release {release.release_id} were removed; `cornerstone run` makes a release that has them."
        )
    connection.execute(f"attach {literal(str(database))} as released (read_only)")
    if not connection.execute(
        "select 1 from duckdb_tables() where database_name = 'released' and table_name = 'fct_census_plan_child'"
    ).fetchall():
        raise CornerstoneError(
            f"Release {release.release_id} has no comparison of school census and EHC plans; `cornerstone run` makes one"
            " that has."
        )
    if not connection.execute(
        "select 1 from duckdb_columns() where database_name = 'released' and table_name = 'dim_setting' and"
        " column_name = 'la_estab'"
    ).fetchall():
        raise CornerstoneError(
            f"Release {release.release_id} does not say which LAEstab a school has; `cornerstone run` makes one that does."
        )
    return release.release_id


def chosen_census(connection: duckdb.DuckDBPyConnection, settings: Settings, census: int | None) -> int:
    """The year of the January census asked for, else of the latest one, of those that both returns have come for.

    Raises:
        CornerstoneError: there is none, or not that one.
    """
    found = connection.execute(
        "select distinct census_year from released.marts.fct_census_plan_child where la_code = ? order by 1",
        [settings.la_code],
    ).fetchall()
    years = [year for [year] in found]
    if not years:
        raise CornerstoneError(
            "There is no January for which both the school census and the EHC plans return have landed; `cornerstone"
            " status` says what has arrived."
        )
    if census is not None and census not in years:
        raise CornerstoneError(
            f"School census and EHC plans return of January {census} have not both landed; there"
            f" {'is' if len(years) == 1 else 'are'} {', '.join(map(str, years))}."
        )
    return census if census is not None else int(years[-1])


def selection(settings: Settings, census: int, school: str | None) -> dict[str, Any]:
    """Parameters of LISTED and OF_SCHOOL."""
    return {"census": census, "la_code": settings.la_code, "school": school}


def count_worklist(settings: Settings, census: int | None = None, school: str | None = None) -> Worklist:
    """Count what is to follow up.

    Args:
        settings: where the store is.
        census: calendar year of the January census; the latest with both returns when left out.
        school: URN, or authority and number (seven digits), of one school; all when left out.

    Raises:
        CornerstoneError: nothing is released, the census has not both returns, or no school has that number.
    """
    with duckdb.connect(":memory:") as connection:
        connection.execute("set temp_directory = ''")  # it would be the working directory, in clear
        release_id = attach_release(connection, settings)
        census = chosen_census(connection, settings, census)
        if school is not None:
            require_school(connection, settings, school)
        rows = connection.execute(
            f"""
            select school_name, school_la_estab, urn, reason_name, count(*), action
            from ({LISTED})
            where {OF_SCHOOL}
            group by school_name, school_la_estab, urn, reason_name, reason_order, action
            order by {BY_SCHOOL}, reason_order
            """,
            selection(settings, census, school),
        ).fetchall()
        [census_day] = connection.execute(
            "select max(census_day) from released.marts.fct_census_plan_child where census_year = ? and la_code = ?",
            [census, settings.la_code],
        ).fetchall()[0]
        expected, received, missing = _completeness(connection, settings, census)
    counted = [SchoolReason(*row) for row in rows]
    return Worklist(
        release_id=release_id,
        census=census,
        census_day=census_day,
        expected_schools=expected,
        received_schools=received,
        missing_schools=missing,
        children=sum(row.children for row in counted),
        schools=counted,
    )


def write_counts(settings: Settings, worklist: Worklist, out: Path) -> None:
    """Write the counts to a .csv or .xlsx file.

    Raises:
        CornerstoneError: a place where it must not lie, or a file of another kind.
    """
    require_place(settings, out)
    about = [
        f"School census of January {worklist.census} against the EHC plans return, release {worklist.release_id}:"
        f" {worklist.children} children to follow up. Returns of {worklist.received_schools} of"
        f" {worklist.expected_schools} schools. Counts are exact and for use inside the authority alone."
    ]
    headings = ["School", "LAEstab", "URN", "Reason", "Children", "What to do"]
    rows = [(row.school_name, row.la_estab, row.urn, row.reason, row.children, row.action) for row in worklist.schools]
    write_private(out, table_file(out.suffix, headings, rows, title="Worklist", about=about, group_by=1))


def require_place(settings: Settings, out: Path, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Raise a CornerstoneError where a file about children must not be: in the repository, the store (its releases are
    shared) or the inbox; or where a file of this name cannot be written."""
    if out.suffix.lower() not in suffixes:
        raise CornerstoneError(
            f"--out {out.name} is of no kind that can be written; end its name in {' or '.join(suffixes)}."
        )
    folder = out.absolute().parent.resolve()
    if not folder.is_dir():
        raise CornerstoneError(f"There is no folder {folder}; make it, or choose another for --out.")
    if out.is_dir():
        raise CornerstoneError(f"--out {out} is a folder; give the name of a file.")
    forbidden = {"the repository": settings.project_dir, "the store": settings.store, "the inbox": settings.raw}
    for what, root in forbidden.items():
        if folder.is_relative_to(root.resolve()):
            raise CornerstoneError(
                f"--out {out} lies in {what}, from where a list of children could be passed on; choose a folder of your own."
            )


def require_school(connection: duckdb.DuckDBPyConnection, settings: Settings, school: str) -> None:
    """Raise a CornerstoneError where no school has this number, so that a slip is not taken for an empty list."""
    known = connection.execute(
        """
        select 1 from released.marts.dim_setting where $school in (urn, la_estab)
        union all
        select 1 from released.marts.fct_census_plan_child where la_estab = $school and la_code = $la_code
        limit 1
        """,
        {"school": school, "la_code": settings.la_code},
    ).fetchall()
    if not known:
        raise CornerstoneError(
            f"No school has the number {school}; give its URN, or authority and number in seven digits, as `cornerstone"
            " worklist` lists them."
        )


def _completeness(connection: duckdb.DuckDBPyConnection, settings: Settings, census: int) -> tuple[int, int, list[str]]:
    [row] = connection.execute(
        """
        select
            count(*) filter (where is_expected),
            count(*) filter (where is_expected and is_landed),
            coalesce(
                list((setting_name, la_estab, school_code) order by setting_name, school_code)
                filter (where is_expected and not is_landed),
                []
            )
        from released.marts.fct_census_completeness
        left join (select setting_key, setting_name, la_estab from released.marts.dim_setting) using (setting_key)
        where census_period = ? and fct_census_completeness.la_code = ?
        """,
        [f"{census}-01", settings.la_code],
    ).fetchall()
    expected, received, missing = row
    return expected, received, [said_school(*school) for school in missing]
