"""What is done to a run, as data. A seed draws a scenario and its moment; nothing depends on how fast a machine is.

A moment is a progress line of the command and a number of changes to the store after it (a file opened for writing, renamed
or removed, a folder made or removed): the disturbance comes before the next one.
"""

from dataclasses import dataclass
from typing import Literal

Scope = Literal["landing", "run"]
"""What runs: landing, linkage and control tables, or the whole journey to a release."""
Kind = Literal["kill", "kill_dbt", "disk_full", "read_only", "lock", "clock", "deliver"]


@dataclass(frozen=True)
class Scenario:
    """One way to disturb a run.

    `after` are the lines, by how they begin, after which it can come; "" is the start. `changes` is how many changes to the
    store may come before it, at most. `weight` says how often it is drawn.
    """

    name: str
    kind: Kind
    scope: Scope
    after: tuple[str, ...] = ("",)
    changes: int = 0
    weight: int = 1
    shift_seconds: int = 0
    free_bytes: int = 0
    held: str = ""


SCENARIOS = (
    Scenario("killed while files are received", "kill", "landing", ("", "received"), 60, weight=6),
    Scenario("killed while files are read and judged", "kill", "landing", ("read ", "checking "), 12, weight=4),
    Scenario("killed while a landing is committed", "kill", "landing", ("checking ",), 60, weight=5),
    Scenario("killed while children are linked", "kill", "landing", ("linking",), 12, weight=3),
    Scenario("killed while control tables are written", "kill", "landing", ("control tables",), 40, weight=2),
    Scenario("disk full at once", "disk_full", "landing", ("",), 20, weight=2),
    Scenario("disk full while it lands", "disk_full", "landing", ("received", "checking "), 30, weight=3, free_bytes=20_000),
    Scenario("disk full while children are linked", "disk_full", "landing", ("linking",), 6, weight=1),
    Scenario("store read-only", "read_only", "landing", weight=2),
    Scenario("working database open elsewhere for a while", "lock", "landing", held="warehouse.duckdb", weight=1),
    Scenario("landing held elsewhere for a while", "lock", "landing", held="landing.lock", weight=1),
    Scenario("clock an hour back", "clock", "landing", shift_seconds=-3600, weight=2),
    Scenario("clock a year on, then right again", "clock", "landing", shift_seconds=365 * 86400, weight=2),
    Scenario("files delivered while it runs", "deliver", "landing", ("received", "checking "), 20, weight=3),
    Scenario("whole run killed while it receives", "kill", "run", ("received",), 30, weight=1),
    Scenario("whole run killed while it lands", "kill", "run", ("checking ",), 40, weight=1),
    Scenario("whole run killed while dbt builds marts", "kill", "run", ("building marts",), 2, weight=2),
    Scenario("dbt killed", "kill_dbt", "run", ("building marts",), weight=1),
    Scenario("whole run killed in the gates", "kill", "run", ("checking the marts", "checking the kpi"), 6, weight=2),
    Scenario("whole run killed while it releases", "kill", "run", ("writing and auditing",), 60, weight=3),
)  # fmt: skip
"""In each chain of whole runs the kinds come in the order of the journey, so that each finds what the one before left."""
