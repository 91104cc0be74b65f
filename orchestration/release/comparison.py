"""How much of the published tables the returns of a release reproduce."""

from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.release.exports import RESTRICTED_DATABASE


@dataclass(frozen=True)
class Reproduction:
    """Published cells of the authority that the landed returns cover: how many they give, and which they should and do not."""

    published: int
    reproduced: int
    explained: int
    unexplained: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """For a person."""
        return (
            f"{self.reproduced:,} of {self.published:,} published cells reproduced; {self.explained:,} differ for a stated reason;"
            f" {len(self.unexplained):,} unexplained"
        )


def read_reproduction(release: Path) -> Reproduction | None:
    """Read the comparison from a release folder; None where no landed return covers a published cell.

    Unexplained cells are named, without their counts: they can be of few children.
    """
    with duckdb.connect(str(release / RESTRICTED_DATABASE), read_only=True) as connection:
        counted = dict(
            connection.execute(
                "select outcome, count(*) from marts.fct_ehc_statistic_comparison group by outcome"
            ).fetchall()
        )
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
        counted.get("explained", 0),
        [name for (name,) in unexplained],
    )
