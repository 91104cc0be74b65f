"""`make chaos`: fifty disturbed runs and a report. `python -m tests.chaos [--runs 50] [--seed 1] [--out FOLDER] [--scope landing]`."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from tests.chaos.chaos import Landings, Ran, Runs, drawn
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.conftest import requests_csv
from tests.end_to_end.journey import Journey

OUT = PROJECT_DIR / "store" / "chaos"
CHAIN = 6


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _landings(work: Path, asked: list[tuple[int, Scenario]]) -> list[Ran]:
    landings = Landings(work)
    _say("landing undisturbed, to compare with ...")
    landings.make_references()
    return [_told(landings.disturb(seed, scenario)) for seed, scenario in asked]


def _told(ran: Ran) -> Ran:
    _say(f"{ran.seed}  {ran.verdict:<7} {ran.seconds:6.1f} s  {ran.scenario}: {ran.happened}")
    for fault in ran.faults:
        _say(f"        {fault}")
    return ran


def _runs(work: Path, asked: list[tuple[int, Scenario]]) -> list[Ran]:
    """Chains of whole runs: each begins with a copy of one release and ends with a clean run that a rebuild has to equal."""
    base = Journey(work / "base" / "store", work / "base" / "raw")
    base.drop("requests.csv", requests_csv())
    _say("a first release, to begin with ...")
    ended = base.cornerstone("run", "--json")
    if ended.exit_code:
        raise RuntimeError(ended.stderr)
    order = [one.name for one in SCENARIOS]
    done: list[Ran] = []
    for first in range(0, len(asked), CHAIN):
        home = work / f"chain-{first}"
        shutil.copytree(work / "base", home, symlinks=True)
        journey = Journey(home / "store", home / "raw")
        runs = Runs(journey)
        runs.deliver_all()
        chain = [
            _told(runs.disturb(seed, scenario))
            for seed, scenario in sorted(asked[first : first + CHAIN], key=lambda one: order.index(one[1].name))
        ]
        started = time.perf_counter()
        faults = runs.converge()
        chain[-1].faults += faults
        _say(f"clean run and rebuild, {time.perf_counter() - started:.0f} s: {'; '.join(faults) or 'the same digests'}")
        done += chain
    return done


def _report(ran: list[Ran], seed: int, seconds: float, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    told = [asdict(one) | {"verdict": one.verdict} for one in ran]
    (out / "chaos.json").write_text(
        json.dumps({"seed": seed, "seconds": round(seconds), "runs": told}, indent=1) + "\n"
    )
    failed = sum(bool(one.faults) for one in ran)
    lines = [
        f"# {len(ran)} disturbed runs, seed {seed}", "", f"{failed} failed; {seconds / 60:.0f} minutes.", "",
        "| seed | scenario | moment | what happened | seconds | verdict |", "|---|---|---|---|---:|---|",
    ]  # fmt: skip
    for one in ran:
        faults = "; ".join(one.faults).replace("|", "/").replace("\n", " ")
        happened = one.happened.replace("|", "/")
        verdict = f"{one.verdict} {faults}".strip()
        lines.append(f"| {one.seed} | {one.scenario} | {one.moment} | {happened} | {one.seconds} | {verdict} |")
    (out / "chaos.md").write_text("\n".join(lines) + "\n")
    _say(f"{failed} of {len(ran)} failed; the report is {out / 'chaos.md'}")


def main() -> None:
    """Disturb, report, and end with 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--scope", choices=["landing", "run"], help="only these")
    parser.add_argument("--only", type=int, help="only the run with this seed, to look into it")
    asked = parser.parse_args()
    started = time.perf_counter()
    work = Path(tempfile.mkdtemp(prefix="cornerstone-chaos-"))
    work.chmod(0o711)  # an unprivileged user passes through
    runs = [
        (seed, one)
        for seed, one in drawn(asked.runs, asked.seed)
        if asked.scope in (None, one.scope) and asked.only in (None, seed)
    ]
    ran = []
    for scope, disturb in (("landing", _landings), ("run", _runs)):
        own = [(seed, one) for seed, one in runs if one.scope == scope]
        if own:
            ran += disturb(work, own)
    _report(ran, asked.seed, time.perf_counter() - started, asked.out)
    if any(one.faults for one in ran):
        _say(f"what failed is kept in {work}")
        sys.exit(1)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
