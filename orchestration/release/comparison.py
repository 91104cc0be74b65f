"""How much of the published tables the returns of a release reproduce."""

from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.release.exports import RESTRICTED_DATABASE


@dataclass(frozen=True)
class Reproduction:
    """Published cells of the authority that the landed returns cover: how many they give, and which they should and do not.

    `above_zero` of the reproduced cells count somebody. Cells that cannot be compared are those without a published number or
    definition, and those that a return cannot hold.
    """

    published: int
    reproduced: int
    above_zero: int
    explained: int
    not_comparable: int
    unexplained: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """For a person."""
        return (
            f"{self.reproduced:,} of {self.published:,} published cells reproduced ({self.above_zero:,} above zero);"
            f" {self.explained:,} differ for a stated reason; {self.not_comparable:,} cannot be compared;"
            f" {len(self.unexplained):,} unexplained"
        )


def read_reproduction(release: Path) -> Reproduction | None:
    """Read the comparison from a release folder; None where no landed return covers a published cell.

    Unexplained cells are named, without their counts: they can be of few children.
    """
    with duckdb.connect(str(release / RESTRICTED_DATABASE), read_only=True) as connection:
        counted = dict(
            connection.execute(
                """
                select outcome, count(*) from marts.fct_ehc_statistic_comparison group by outcome
                union all
                select 'above zero', count(*) from marts.fct_ehc_statistic_comparison
                where outcome = 'reproduced' and published_value > 0
                """
            ).fetchall()
        )
        above_zero = counted.pop("above zero")
        unexplained = connection.execute(
            """
            select concat_ws(', ', series_code || ' ' || time_period, breakdown_topic || ': ' || breakdown, measure_code)
            from marts.fct_ehc_statistic_comparison
            where outcome = 'unexplained'
            order by series_code, time_period, breakdown_topic, breakdown, measure_code
            """
        ).fetchall()
    if not counted:
        return None
    return Reproduction(
        sum(counted.values()),
        counted.get("reproduced", 0),
        above_zero,
        counted.get("explained", 0),
        counted.get("not_comparable", 0),
        [name for (name,) in unexplained],
    )
