"""The sensor of the inbox asks for one run for what is new and whole, and for nothing else."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from expectations.catalogue import Catalogue
from orchestration.automation.sensors import inbox_sensor
from orchestration.returns import inbox as inbox_module
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.conftest import caseload_csv, requests_csv
from tests.invented_census import census, write_census_xml

LONG_AGO = time.time() - 3600


class Looks:
    """Looks of the sensor, one after another; what it asked for is remembered as the daemon does."""

    def __init__(self, settings: Settings, catalogue: Catalogue, instance: dg.DagsterInstance) -> None:
        self.sensor = inbox_sensor(settings, catalogue)
        self.instance = instance
        self.cursor: str | None = None
        self.asked: list[str] = []

    def __call__(self) -> tuple[list[str], str]:
        """Run keys asked for that are new, and why there is none."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        result = self.sensor.evaluate_tick(context)
        self.cursor = result.cursor
        new = [str(one.run_key) for one in result.run_requests or () if one.run_key not in self.asked]
        self.asked += new
        return new, result.skip_message or ""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def looks(settings: Settings, catalogue: Catalogue, instance: dg.DagsterInstance) -> Looks:
    prepare_store(settings)
    return Looks(settings, catalogue, instance)


def drop(inbox: Path, name: str, content: str, at: float = LONG_AGO) -> None:
    (inbox / name).write_text(content)
    os.utime(inbox / name, (at, at))


def land(settings: Settings, catalogue: Catalogue) -> None:
    land_return(settings, "published_statistics", catalogue, now=datetime.now(UTC))


def test_an_empty_inbox_asks_for_nothing(looks: Looks) -> None:
    assert looks() == ([], "The inbox is empty.")


def test_a_file_is_waited_for_until_it_is_the_same_at_two_looks(
    looks: Looks, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "SETTLE_SECONDS", 2.0)
    drop(inbox, "requests.csv", requests_csv()[:200])
    assert looks()[1].startswith("1 file(s): some came or changed since the last look")
    drop(inbox, "requests.csv", requests_csv()[:400])
    assert looks()[1].startswith("1 file(s): some came or changed")
    drop(inbox, "requests.csv", requests_csv(), at=time.time())  # as it was, but changed within the last seconds
    assert looks()[0] == looks()[0] == []
    os.utime(inbox / "requests.csv", (LONG_AGO, LONG_AGO))
    assert looks()[0] == []
    asked, _ = looks()
    assert len(asked) == 1
    assert looks()[0] == []  # the same content asks once


def test_what_was_received_before_asks_for_nothing(
    looks: Looks, inbox: Path, settings: Settings, catalogue: Catalogue
) -> None:
    drop(inbox, "requests.csv", requests_csv())
    land(settings, catalogue)
    drop(inbox, "requests (1).csv", requests_csv())
    looks()
    assert looks() == ([], "1 file(s), none new. The next run takes away what was received before.")
    drop(inbox, "caseload.csv", caseload_csv())
    looks()
    assert len(looks()[0]) == 1


def test_the_same_files_ask_anew_once_something_else_was_received(
    looks: Looks, inbox: Path, settings: Settings, catalogue: Catalogue
) -> None:
    """A run that failed before it took the files in is not repeated for ever, and they are not forgotten either."""
    drop(inbox, "requests.csv", requests_csv())
    looks()
    assert (len(looks()[0]), looks()[0]) == (1, [])
    (inbox / "requests.csv").rename(inbox.parent / "kept.csv")
    drop(inbox, "caseload.csv", caseload_csv())
    land(settings, catalogue)
    assert looks()[0] == []
    (inbox.parent / "kept.csv").rename(inbox / "requests.csv")
    looks()
    assert len(looks()[0]) == 1


@pytest.mark.parametrize("status", ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"])
def test_while_a_run_waits_or_is_under_way_it_asks_for_none(
    looks: Looks, inbox: Path, instance: dg.DagsterInstance, status: str
) -> None:
    drop(inbox, "requests.csv", requests_csv())
    looks()
    run = _some_run(instance, dg.DagsterRunStatus[status])
    assert looks() == ([], f"Run {run.run_id[:8]} of some_job is waiting or under way.")
    instance.delete_run(run.run_id)
    assert len(looks()[0]) == 1


def test_a_burst_while_a_run_is_queued_makes_no_second_run(
    looks: Looks, inbox: Path, settings: Settings, catalogue: Catalogue, instance: dg.DagsterInstance
) -> None:
    """The run that was asked for first takes in whatever lies there once its turn comes."""
    drop(inbox, "requests.csv", requests_csv())
    looks()
    assert len(looks()[0]) == 1
    run = _some_run(instance, dg.DagsterRunStatus.QUEUED)
    for number in range(40):
        drop(inbox, f"requests ({number}).csv", requests_csv(requests=str(900 + number)))
        assert looks()[0] == []
    assert looks() == ([], f"Run {run.run_id[:8]} of some_job is waiting or under way.")
    land(settings, catalogue)
    assert looks() == ([], "The inbox is empty.")
    drop(inbox, "caseload.csv", caseload_csv())  # too late for the run, which is not over
    assert [looks()[0], looks()[0]] == [[], []]
    instance.delete_run(run.run_id)
    assert len(looks()[0]) == 1


def test_four_hundred_files_ask_for_one_run(looks: Looks, settings: Settings) -> None:
    folder = settings.inbox_dir / "school_census"
    made = write_census_xml(folder, census())
    content = made.read_text()
    made.unlink()
    for number in range(400):
        drop(folder, f"{number}.xml", content.replace("4001", f"{4001 + number}"))
    looks()
    begun = time.perf_counter()
    asked, _ = looks()
    assert len(asked) == 1
    assert time.perf_counter() - begun < 10
    assert looks()[0] == []


def test_a_part_of_a_set_under_another_name_is_new(looks: Looks, settings: Settings, catalogue: Catalogue) -> None:
    folder = settings.inbox_dir / "sen2"
    drop(folder, "sen2_person_2025.csv", "Surname,Forename\n")
    land_return(settings, "sen2", catalogue, now=datetime.now(UTC))
    drop(folder, "sen2_person_2025.csv", "Surname,Forename\n")
    looks()
    assert looks()[0] == []
    (folder / "sen2_person_2025.csv").rename(folder / "sen2_person_2026.csv")
    looks()
    assert len(looks()[0]) == 1


def _some_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    # Of a run that is queued Dagster has to know where its code is.
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("orchestration"), "__repository__")
    job = _some_job()
    return instance.create_run_for_job(job, status=status, remote_job_origin=RemoteJobOrigin(repository, job.name))


def _some_job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None: ...

    @dg.job
    def some_job() -> None:
        nothing()

    return some_job
