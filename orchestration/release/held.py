"""What the school censuses, therapy waiting lists and safety valve returns of a release hold, each in a sentence."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.release.exports import RESTRICTED_DATABASE


def _which(number: int, many: str, one: str, first: str, last: str) -> str:
    """So many deliveries, from when to when; of one alone, its time."""
    return f"{number} {many}, {first} to {last}" if number > 1 else f"the {one} of {last}"


@dataclass(frozen=True)
class CensusHeld:
    """The censuses of a release. `pupils`: those counted in the latest one.

    `completeness_pct`: of the schools whose return is expected in the latest January that was compared with EHC plans, `compared_year`,
    those that sent one; None where it cannot be told.
    """

    censuses: int
    first_period: str
    last_period: str
    pupils: int
    compared_year: int | None = None
    completeness_pct: float | None = None

    @property
    def sentence(self) -> str:
        """For a person."""
        which = _which(self.censuses, "school censuses", "school census", self.first_period, self.last_period)
        held = f"{which}; {self.pupils:,} pupils on roll in the last"
        if self.completeness_pct is None:
            return f"{held}; which schools are missing cannot be told without the schools register"
        return (
            f"{held}; {self.completeness_pct:.1f}% of the schools expected in January {self.compared_year} sent theirs"
        )


@dataclass(frozen=True)
class WaitingListsHeld:
    """The therapy waiting lists of a release. `waiting`: requests that wait by the latest list of each trust.

    `linked_pct`: of these, those linked to a child that the authority knows; None where none waits.
    """

    lists: int
    first_month: str
    last_month: str
    waiting: int
    linked_pct: float | None = None

    @property
    def sentence(self) -> str:
        """For a person."""
        which = _which(self.lists, "waiting lists", "waiting list", self.first_month, self.last_month)
        held = f"{which}; {self.waiting:,} requests waiting by each trust's latest"
        if self.linked_pct is None:
            return held
        return f"{held}, {self.linked_pct:.1f}% of them linked to a child that the authority knows"


@dataclass(frozen=True)
class GrantHeld:
    """The safety valve returns of a release. `quarters`: those told of, from first to last.

    `closing_gbp`: balance of the dedicated schools grant at the end of the latest year, a deficit below zero, by its outturn
    or, until there is one, its latest forecast; None where no return gives it.
    """

    quarters: int
    first_quarter: str
    last_quarter: str
    period_end: date | None = None
    closing_gbp: int | None = None
    is_outturn: bool = False

    @property
    def sentence(self) -> str:
        """For a person."""
        many = "quarters of safety valve returns"
        held = _which(self.quarters, many, "safety valve return", self.first_quarter, self.last_quarter)
        if self.closing_gbp is None or self.period_end is None:
            return held
        basis = "" if self.is_outturn else ", forecast"
        return f"{held}; balance of the grant on {self.period_end:%-d %B %Y}{basis}: {self.closing_gbp:,} pounds"


def read_census(release: Path) -> CensusHeld | None:
    """Read what a release folder holds; None where it holds no census."""
    with duckdb.connect(str(release / RESTRICTED_DATABASE), read_only=True) as connection:
        [held] = connection.execute(
            """
            select
                count(distinct census_period), min(census_period), max(census_period),
                count(*) filter (where is_counted and census_period = (select max(census_period) from marts.fct_census_pupil))
            from marts.fct_census_pupil
            """
        ).fetchall()
        compared = connection.execute(
            """
            select census_year, cast(max(completeness_pct) as double) from marts.fct_census_plan_difference
            where completeness_pct is not null
            group by census_year order by census_year desc limit 1
            """
        ).fetchone()
    return CensusHeld(*held, *(compared or ())) if held[0] else None


def read_waiting_lists(release: Path) -> WaitingListsHeld | None:
    """Read what a release folder holds; None where it holds no waiting list."""
    with duckdb.connect(str(release / RESTRICTED_DATABASE), read_only=True) as connection:
        [held] = connection.execute(
            """
            select
                count(distinct submission_id),
                strftime(min(snapshot_date), '%Y-%m'),
                strftime(max(snapshot_date), '%Y-%m'),
                count(*) filter (where is_latest and is_waiting and is_reportable) as waiting_count,
                100.0 * count(*) filter (where is_latest and is_waiting and is_reportable and is_known_child)
                / nullif(waiting_count, 0)
            from marts.fct_therapy_wait
            """
        ).fetchall()
    return WaitingListsHeld(*held) if held[0] else None


def read_grant(release: Path) -> GrantHeld | None:
    """Read what a release folder holds; None where it holds no safety valve return."""
    with duckdb.connect(str(release / RESTRICTED_DATABASE), read_only=True) as connection:
        [held] = connection.execute(
            """
            with told as (
                select distinct left(financial_year, 4) || '-' || right(financial_year, 2) || 'Q' || quarter as told_quarter
                from marts.fct_dsg_position
                where measure = 'actual'
            )

            select count(*), min(told_quarter), max(told_quarter) from told
            """
        ).fetchall()
        latest = connection.execute(
            "select period_end, closing_gbp, basis = 'outturn' from marts.fct_dsg_bridge"
            " order by financial_year desc, la_code limit 1"
        ).fetchone()
    return GrantHeld(*held, *(latest or ())) if held[0] else None
