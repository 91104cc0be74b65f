"""`make demo-failure`: a wrong figure arrives, and the release does not happen.

Runs once on sound figures; plants a figure that looks right on its own (a count, in a sound file, from a later release)
but cannot be true beside its denominator; runs again and shows what a data engineer and a governance reader see.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.conftest import EES_FIXED, ENGLAND, ROTHERHAM, YORKSHIRE, csv_text
from tests.end_to_end.journey import Journey, digests

TOPIC = ["All EHC plans issued"] * 2
COLUMNS = ["plans_issued_den", "plans_issued_den_ex", "plans_issued_within_20_weeks", "plans_issued_20_weeks_ex"]


def timeliness_csv(issued_in_time: str) -> str:
    """DfE's 20-week table for 2024: 462 plans of Rotherham count, of which `issued_in_time` within 20 weeks."""
    return csv_text(
        [*EES_FIXED, *COLUMNS],
        [
            ["2024", "Calendar year", *ENGLAND, *TOPIC, "93000", "88000", "43000", "40800"],
            ["2024", "Calendar year", *YORKSHIRE, *TOPIC, "9000", "8500", "5000", "4600"],
            ["2024", "Calendar year", *ROTHERHAM, *TOPIC, "535", "462", "424", issued_in_time],
        ],
    )


@dataclass(frozen=True)
class Demonstration:
    """What the two runs came to."""

    first: Any
    second: Any
    exit_code: int
    before: dict[str, str]
    after: dict[str, str]
    failed_checks: list[str]
    run_status: str


def release_sound_figures(journey: Journey, console: Console) -> Any:
    """Run once on a sound file; what the run came to."""
    journey.drop("timeliness_20_week.csv", timeliness_csv("359"))
    console.print("[bold]1. A sound file:[/bold] 359 of 462 plans issued within 20 weeks.")
    first = journey.cornerstone("run", "--json").result
    console.print(f"   {first['status']}: {first['release_id']}")
    return first


def plant_a_fault(journey: Journey, first: Any, console: Console) -> Demonstration:
    """Plant the fault in the store that `release_sound_figures` made, run again."""
    folder = journey.current.resolve()
    before = digests(folder)

    console.print("[bold]2. A planted fault:[/bold] a newer file says 500 of 462.")
    journey.drop("timeliness_20_week (1).csv", timeliness_csv("500"))
    ended = journey.cornerstone("run", "--json")
    second = ended.result
    console.print(f"   {second['status']} (exit status {ended.exit_code}): {second['message']}", soft_wrap=True)
    for rule in second["failed_rules"]:
        console.print(f"   why:        {rule['rule_id']} on {rule['table']}: {rule['label']}", soft_wrap=True)
        console.print(f"   how much:   {rule['failing_rows']} row(s)")
        console.print(f"   whose:      {rule['owner']}")
        console.print(f"   what to do: {rule['action']}", soft_wrap=True)
    after = digests(folder)
    status, failed_checks = _dagster_run(journey.store, second["run_id"])
    console.print(
        f"   Dagster:    run {second['run_id']} is {status}; failed checks: {', '.join(failed_checks)}", soft_wrap=True
    )
    same = (
        "byte for byte what it was" if before == after and journey.current.resolve() == folder else "[red]CHANGED[/red]"
    )
    console.print(
        f"[bold]3. The old release[/bold] {first['release_id']} is still current and {same} ({len(before)} files)."
    )
    return Demonstration(first, second, ended.exit_code, before, after, failed_checks, status)


def _dagster_run(store: Path, run_id: str) -> tuple[str, list[str]]:
    """The run as Dagster recorded it: its status, and the blocking checks that failed."""
    from dagster import DagsterEventType, DagsterInstance

    with DagsterInstance.from_config(str(store / "dagster")) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        evaluations = instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
        failed = [
            entry.dagster_event.asset_check_evaluation_data
            for entry in evaluations
            if entry.dagster_event and not entry.dagster_event.asset_check_evaluation_data.passed
        ]
    return run.status.value, sorted(check.check_name for check in failed if check.blocking)


def main() -> int:
    """Print the demonstration; 0 when everything was as it must be."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        journey = Journey(Path(folder) / "store", Path(folder) / "raw", show_progress=True)
        shown = plant_a_fault(journey, release_sound_figures(journey, console), console)
    return 0 if shown.before == shown.after and shown.second["status"] == "blocked" else 1


if __name__ == "__main__":
    sys.exit(main())
