"""A run as `cornerstone run` makes it, in a process of its own, that says when its stages were; and what it used meanwhile."""

import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from orchestration.bench.measure import TreeWatch, Usage
from orchestration.errors import CornerstoneError
from orchestration.settings import Settings, load_settings

Spans = dict[str, tuple[float, float]]

OUTSIDE = "starting and ending"
"""The stage that is no step's: the interpreter, imports of the command itself, what Dagster does between steps."""


@dataclass(frozen=True)
class Run:
    """What a run used, in all and by stage, in the order of the stages."""

    name: str
    status: str
    whole: Usage
    stages: dict[str, Usage]


def measure_run(settings: Settings, name: str, expected: str, log_file: Path) -> Run:
    """Run the whole journey of a store; what it says goes to a file.

    Raises:
        CornerstoneError: it came to another end than expected.
    """
    environment = {
        **os.environ,
        "CORNERSTONE_STORE": str(settings.store),
        "CORNERSTONE_RAW": str(settings.raw),
        "CORNERSTONE_KEY_FILE": str(settings.key_file),
        "CORNERSTONE_RELEASE_APPROVAL": "none",
    }
    if settings.secret_key is not None:
        environment["CORNERSTONE_SECRET_KEY"] = settings.secret_key.get_secret_value()
    with log_file.open("w", encoding="utf-8") as said:
        began = time.time()
        process = subprocess.Popen(
            [sys.executable, "-m", __name__], env=environment, stdout=subprocess.PIPE, stderr=said, text=True
        )
        with TreeWatch(process.pid) as watch:
            answer, _ = process.communicate()
            ended = time.time()
    if process.returncode:
        raise CornerstoneError(f"The run to be measured ({name}) ended with an error; what it said is in {log_file}.")
    told = json.loads(answer)
    if told["status"] != expected:
        raise CornerstoneError(
            f"The run to be measured ({name}) came to {told['status']}, not {expected}: {told['message']}"
        )
    return Run(name, told["status"], watch.usage(began, ended), usage_by_stage(told["spans"], watch, began, ended))


def usage_by_stage(spans: Spans, watch: TreeWatch, began: float, ended: float) -> dict[str, Usage]:
    """What each stage used, and last what lies outside them."""
    stages = {stage: watch.usage(*span) for stage, span in spans.items()}
    whole = watch.usage(began, ended)
    rest = Usage(
        whole.seconds - sum(one.seconds for one in stages.values()),
        whole.cpu_seconds - sum(one.cpu_seconds for one in stages.values()),
    )
    return {**stages, OUTSIDE: rest}


def divided(spans: Spans, said: list[tuple[float, str]]) -> Spans:
    """The stages, with the release in its parts: tables, portal, audit."""
    from orchestration.release.build import AUDITING, DRAWING

    found = dict(spans)
    moments = {text: moment for moment, text in said if text in (DRAWING, AUDITING)}
    if "release" in found and len(moments) == 2:
        began, ended = found.pop("release")
        found["release: tables"] = began, moments[DRAWING]
        found["release: portal"] = moments[DRAWING], moments[AUDITING]
        found["release: audit"] = moments[AUDITING], ended
    return found


class _Heard(logging.Handler):
    """Progress lines with the moment at which they were said."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.said: list[tuple[float, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.created, record.getMessage()))


def main() -> None:
    """Run, and print how it ended and when its stages were, as JSON."""
    from orchestration.cli.console import progress
    from orchestration.run import run_journey

    heard = _Heard()
    own = logging.getLogger("cornerstone")
    own.setLevel(logging.INFO)
    own.propagate = False
    for handler in (heard, progress):
        own.addHandler(handler)
    # A measurement tells nobody how it ended.
    silent = {"alert_smtp_url": None, "alert_webhook_url": None}
    outcome = run_journey(load_settings().model_copy(update=silent))
    told = {"status": outcome.status, "message": outcome.message, "spans": divided(outcome.spans, heard.said)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
