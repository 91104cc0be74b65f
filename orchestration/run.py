"""One run of the whole journey from the command line: Dagster's `refresh` job in this process, told step by step."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from expectations.catalogue import load_catalogue
from orchestration.alerts.ended import WHOLE_JOB, FailedRule, RunEnd
from orchestration.alerts.notify import notify
from orchestration.built import is_built
from orchestration.dagster_home import SHOWN_WITH_JOBS, fast_history, prepare_dagster_home
from orchestration.dbt_manifest import ensure_manifest
from orchestration.errors import DISK_FULL, CornerstoneError, room_wanted, says_disk_full
from orchestration.privacy.keys import load_keys
from orchestration.rebuild import finish_rebuild
from orchestration.release.comparison import Reproduction, read_reproduction
from orchestration.release.folders import complete_releases, current_release, release_folder
from orchestration.release.held import (
    CensusHeld,
    GrantHeld,
    WaitingListsHeld,
    read_census,
    read_grant,
    read_waiting_lists,
)
from orchestration.release.ledger import waiting_release
from orchestration.returns.again import read_periods
from orchestration.returns.inbox import bundled_files
from orchestration.returns.land import has_received_nothing, has_work, to_read_again
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import (
    People,
    people_in_store,
    read_waiting,
)
from orchestration.settings import Settings
from orchestration.store_lock import store_lock
from orchestration.warehouse import prepare_store

if TYPE_CHECKING:
    from dagster import DagsterEvent, ExecuteInProcessResult

log = logging.getLogger("cornerstone.run")

Spans = dict[str, tuple[float, float]]
# How a message begins in a traceback: an error of ours is a sentence that needs no class before it.
_OWN_CLASS = re.compile(r"^(?:orchestration|expectations)\.[\w.]+: ")


@dataclass(frozen=True)
class ReadAgain:
    """What a return's archive was read again for: periods as asked, how many submissions, how many came out otherwise."""

    return_id: str
    periods: str
    submissions: int
    otherwise: int

    @property
    def sentence(self) -> str:
        """The same for a person."""
        came = f"{self.otherwise:,} came out otherwise" if self.otherwise else "all came out as they stand"
        return f"{self.submissions:,} submission(s) of {self.return_id} read again, {self.periods}: {came}"


@dataclass(frozen=True)
class RunOutcome:
    """What a run came to. `spans`: of each step when it began and ended, in seconds since 1970, in the order they ran."""

    status: Literal["released", "pending", "unchanged", "nothing_new", "blocked", "failed"]
    message: str
    release_id: str | None
    run_id: str | None = None
    refused: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed_rules: list[FailedRule] = field(default_factory=list)
    failed_steps: list[str] = field(default_factory=list)
    spans: Spans = field(default_factory=dict)
    people: People | None = None
    read_again: ReadAgain | None = None
    cells: Reproduction | None = None
    census: CensusHeld | None = None
    therapy: WaitingListsHeld | None = None
    grant: GrantHeld | None = None

    @property
    def seconds(self) -> dict[str, float]:
        """How long each step took by the clock."""
        return {step: ended - began for step, (began, ended) in self.spans.items()}

    @property
    def held(self) -> dict[str, str]:
        """What the release holds beside EHC plans and published figures, a sentence each."""
        held = {"census": self.census, "therapy": self.therapy, "grant": self.grant}
        return {name: one.sentence for name, one in held.items() if one}

    @property
    def exit_code(self) -> int:
        """0 good, 1 the data has errors, 2 the set-up cannot be used."""
        if self.status == "failed":
            return 2
        return 1 if self.status == "blocked" or self.refused or self.left or self.waiting else 0


def _is_nothing_new(settings: Settings) -> bool:
    return not any(has_work(settings, return_id) for return_id in return_ids()) and is_built(settings)


def run_journey(settings: Settings, return_id: str | None = None, periods: str = "all") -> RunOutcome:
    """Land whatever is new and carry it to a release; of one return, read again what the archive holds of some periods.

    Raises:
        CornerstoneError: another run holds the store, the set-up cannot be used, or there is nothing to read again.
    """
    # Whoever asks for periods reads the answer; of the whole run, which that goes on to, people are told.
    with _failure_told(settings) if return_id is None else nullcontext():
        prepare_store(settings)
    with store_lock(settings, "another run"):
        if return_id is None:
            return _told_of(settings, lambda: _journey(settings))
        return _journey(settings, return_id, periods)


def _told_of(settings: Settings, whole_run: Callable[[], RunOutcome]) -> RunOutcome:
    """What a whole run came to, when whom it concerns was told of it."""
    with _failure_told(settings):
        outcome = whole_run()
    notify(settings, [_end_of(outcome)])
    return outcome


@contextmanager
def _failure_told(settings: Settings) -> Iterator[None]:
    """An error that ends the run outside Dagster is told of too, without its words, which can name a file."""
    try:
        yield
    except Exception:
        notify(settings, [RunEnd(WHOLE_JOB, "failed", datetime.now(UTC))])
        raise


def _end_of(outcome: RunOutcome) -> RunEnd:
    return RunEnd(
        WHOLE_JOB,
        outcome.status if outcome.status == "blocked" or outcome.status == "failed" else "ok",  # noqa: PLR1714
        datetime.now(UTC),
        outcome.run_id,
        tuple(outcome.failed_rules),
        tuple(outcome.failed_steps),
    )


def _journey(settings: Settings, return_id: str | None = None, periods: str = "all") -> RunOutcome:
    load_keys(settings)  # a key that is lost is told of at once, while a copy of it may still be found
    finish_rebuild(settings)
    began = time.time()
    spans: Spans = {}
    if return_id is not None:
        outcome = _read_again(settings, return_id, periods)
    else:
        if _is_fresh(settings) and _invent_borough(settings):
            spans["inventing a borough"] = began, time.time()
        outcome = _whatever_is_new(settings)
    made = _made(settings, outcome)
    return replace(
        outcome,
        people=people_in_store(settings),
        cells=read_reproduction(made) if made else None,
        census=read_census(made) if made else None,
        therapy=read_waiting_lists(made) if made else None,
        grant=read_grant(made) if made else None,
        spans=spans | outcome.spans,
    )


def _made(settings: Settings, outcome: RunOutcome) -> Path | None:
    """The release that a run came to; where it made none, the one that stands says nothing of this run."""
    if outcome.release_id is None or outcome.status in ("blocked", "failed"):
        return None
    return release_folder(settings, outcome.release_id)


def _is_fresh(settings: Settings) -> bool:
    # A borough is fitted to the bundled figures; without them there is none. A store that has released is somebody's.
    has_figures = any(bundled_files(settings, one) for one in return_ids())
    return has_figures and not complete_releases(settings) and has_received_nothing(settings)


def _invent_borough(settings: Settings) -> bool:
    """Invent the borough of a fresh store, while dbt reads its project in a process beside; False when there can be none."""
    from orchestration.synthetic.first_run import invent_for

    with ThreadPoolExecutor(max_workers=1) as beside:
        manifest = beside.submit(ensure_manifest, settings)
        is_invented = invent_for(settings)
        manifest.result()
    return is_invented


def _whatever_is_new(settings: Settings) -> RunOutcome:
    if _is_nothing_new(settings):
        return _nothing_new(settings)
    return _outcome(settings, *_execute(settings, "refresh"))


def _read_again(settings: Settings, return_id: str, periods: str) -> RunOutcome:
    """Read again what the archive holds, and go on to a release where something came out otherwise or is new."""
    if return_id not in return_ids():
        raise CornerstoneError(f"No return is called {return_id}; there are {', '.join(return_ids())}.")
    spec = load_spec(return_id)
    # Whatever cannot be done is said before Dagster is imported.
    to_read_again(settings, spec, load_catalogue(settings.rules_dir), read_periods(spec, periods))
    from orchestration.assets.landing import land_step, landed_key

    config = {"ops": {land_step(return_id): {"config": {"periods": periods}}}}
    result, spans = _execute(settings, f"backfill_{return_id}", config, [landed_key(return_id)])
    landed = _outcome(settings, result, spans, is_whole=False)
    if landed.status == "failed":
        return landed
    [told] = [_metadata(event) for event in result.get_asset_materialization_events() if _is_landed(event)]
    done = _told_of(settings, lambda: _whatever_is_new(settings))
    return replace(
        done,
        read_again=ReadAgain(return_id, periods, told["read_again"], told["submissions_new"]),
        spans=spans | done.spans,
        **{name: getattr(landed, name) + getattr(done, name) for name in ("refused", "repeats", "left")},
    )


def _nothing_new(settings: Settings) -> RunOutcome:
    began = time.time()
    release = current_release(settings)
    return RunOutcome(
        "nothing_new",
        f"Nothing new in the inbox, and nothing changed since the last run: {_what_stands(settings)}",
        release.release_id if release else None,
        waiting=[one.message for return_id in return_ids() for one in read_waiting(settings, return_id)],
        spans={"looking for new files": (began, time.time())},
    )


def _what_stands(settings: Settings) -> str:
    stands = "the current release stands." if current_release(settings) else "nothing has been released yet."
    if waiting := waiting_release(settings):
        stands += (
            f" Release {waiting.release_id} waits for approval: `cornerstone release approve {waiting.release_id}`."
        )
    return stands


def _execute(
    settings: Settings, job: str, config: dict[str, Any] | None = None, only: list[Any] | None = None
) -> tuple["ExecuteInProcessResult", Spans]:
    """Run a job of Dagster's in this process, or `only` some of its assets. Returns: its result, and when each step was."""
    began = time.time()
    prepare_dagster_home(settings)
    log.info("starting Dagster")
    from dagster import DagsterInstance

    from orchestration.definitions import defs

    spans = {"imports and definitions": (began, time.time())}
    with _full_disk_told(), fast_history(), DagsterInstance.get() as instance, _own_log(settings):
        _free_slots_of_dead_runs(instance)
        result = defs.resolve_job_def(job).execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=only,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}} | (config or {}),
            tags={"cornerstone/started_by": "command line"} | SHOWN_WITH_JOBS,
        )
        records = instance.all_logs(result.run_id)
    return result, spans | _step_spans(records)


@contextmanager
def _full_disk_told() -> Iterator[None]:
    """Dagster's history meets a full disk outside any step, too, and in SQLAlchemy's words."""
    from sqlalchemy.exc import OperationalError

    try:
        yield
    except OperationalError as error:
        if says_disk_full(str(error)):
            raise CornerstoneError(DISK_FULL) from None
        raise


@contextmanager
def _own_log(settings: Settings) -> Iterator[None]:
    """What dbt and other tools print goes to a file of the store; standard output is for results."""
    with (settings.dagster_home / "last_run.log").open("w", encoding="utf-8") as stream, redirect_stdout(stream):
        yield


def _free_slots_of_dead_runs(instance: Any) -> None:
    """Give back the pool slots of runs that were killed; this run holds the store, so no other is alive."""
    from dagster import DagsterRunStatus, RunsFilter

    running = RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING])
    for run in instance.get_runs(running):
        if run.tags.get("cornerstone/started_by") == "command line":
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            instance.report_run_failed(run, "The process was killed; a later run found it so.")


def _step_spans(records: Sequence[Any]) -> Spans:
    begun: dict[str, float] = {}
    spans: Spans = {}
    for record in records:
        event = record.dagster_event
        if event is None or event.step_key is None:
            continue
        if event.is_step_start:
            begun[event.step_key] = record.timestamp
        elif event.is_step_success or event.is_step_failure:
            spans[event.step_key] = begun[event.step_key], record.timestamp
    return spans


def _is_landed(event: "DagsterEvent") -> bool:
    return event.asset_key is not None and event.asset_key.path[0] == "landed"


def _outcome(
    settings: Settings, result: "ExecuteInProcessResult", spans: Spans, *, is_whole: bool = True
) -> RunOutcome:
    release = current_release(settings)
    standing = release.release_id if release else None
    landed = [_metadata(event) for event in result.get_asset_materialization_events() if _is_landed(event)]
    refused = [text for metadata in landed for text in metadata.get("refused_now", [])]
    repeats = [text for metadata in landed for text in metadata.get("repeats_now", [])]
    left = [text for metadata in landed for text in metadata.get("left_in_inbox", [])]
    waiting = [text for metadata in landed for text in metadata.get("waiting", [])]
    common: dict[str, Any] = {
        "run_id": result.run_id, "refused": refused, "repeats": repeats, "left": left, "waiting": waiting,
        "spans": spans, "release_id": standing,
    }  # fmt: skip
    if result.success and not is_whole:
        return RunOutcome("unchanged", "Landed.", **common)
    if result.success:
        told = next(
            (
                _metadata(e)
                for e in result.get_asset_materialization_events()
                if e.asset_key and e.asset_key.path == ["release"]
            ),
            None,
        )
        if told is None:  # the control tables would be as they are, and so would all that is made of them
            said = f"Nothing that arrived changes what is released: {_what_stands(settings)}"
            return RunOutcome("nothing_new", said, **common)
        status: Literal["released", "pending", "unchanged"] = {
            "published": "released", "pending": "pending", "unchanged": "unchanged"
        }[told["status"]]  # type: ignore[assignment]  # fmt: skip
        return RunOutcome(status, told["message"], **{**common, "release_id": told["release_id"]})
    stands = f"The release {standing} stands." if standing else "Nothing has been released yet."
    from orchestration.automation.run_ends import failed_rules

    common["failed_steps"] = [event.step_key for event in result.all_events if event.is_step_failure]
    failed = list(failed_rules(result.all_events, load_catalogue(settings.rules_dir)))
    if failed:
        rules = ", ".join(rule.rule_id for rule in failed)
        return RunOutcome("blocked", f"No release was made: {rules} failed. {stands}", failed_rules=failed, **common)
    reasons = [_reason(event) for event in result.all_events if event.is_step_failure]
    return RunOutcome("failed", f"The run failed: {'; '.join(reasons)} {stands}", **common)


def _metadata(event: "DagsterEvent") -> dict[str, Any]:
    return {name: value.value for name, value in event.materialization.metadata.items()}


def _reason(event: "DagsterEvent") -> str:
    error = event.step_failure_data.error
    said = [error.message if error else ""]
    if event.step_failure_data.user_failure_data and event.step_failure_data.user_failure_data.description:
        return str(event.step_failure_data.user_failure_data.description)
    while error is not None and error.cause is not None:
        error = error.cause
        said.append(error.message)
    if wanted := next(filter(None, map(room_wanted, said)), None):
        return wanted
    return f"{event.step_key}: {_OWN_CLASS.sub('', error.message.strip()) if error else 'no reason given'}"
