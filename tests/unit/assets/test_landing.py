"""One authority's files land by a partition of an asset, asked for by hand or by the sensor."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from expectations.catalogue import Catalogue
from orchestration.assets.landing import AUTHORITIES, authority_asset, landed_by_authority_key
from orchestration.automation.jobs import land_by_authority
from orchestration.automation.sensors import authorities_sensor
from orchestration.returns.inbox import inbox_files
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import read_submissions
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.invented_census import census, write_census_xml

RETURN = "school_census"
LONG_AGO = time.time() - 3600


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def census_inbox(settings: Settings) -> Path:
    """The inbox with a school's return of each of two authorities."""
    prepare_store(settings)
    inbox = settings.inbox_dir / RETURN
    for code in ("371", "373"):
        (inbox / code).mkdir()
        os.utime(write_census_xml(inbox / code, census(LEA=code)), (LONG_AGO, LONG_AGO))
    return inbox


def test_a_partition_lands_one_authority_and_none_lands_nothing(
    settings: Settings, catalogue: Catalogue, census_inbox: Path, instance: dg.DagsterInstance
) -> None:
    asset = authority_asset(load_spec(RETURN), settings, catalogue)
    assert dg.materialize([asset], instance=instance).success
    assert len(inbox_files(settings, RETURN)) == 2
    instance.add_dynamic_partitions(str(AUTHORITIES.name), ["371"])
    done = dg.materialize([asset], instance=instance, partition_key="371")
    [landed] = done.asset_materializations_for_node("landed_by_authority__school_census")
    assert (landed.partition, landed.metadata["submissions_new"].value) == ("371", 1)
    [submission] = read_submissions(settings, RETURN)
    assert landed.metadata["dagster/row_count"].value == submission.rows_landed
    assert submission.supplier == "school.3714001"
    assert [path.parent.name for path in inbox_files(settings, RETURN)] == ["373"]
    assert instance.get_materialized_partitions(landed_by_authority_key(RETURN)) == {"371"}


def test_the_sensor_asks_for_each_authority_once_its_files_are_whole(
    settings: Settings, catalogue: Catalogue, census_inbox: Path, instance: dg.DagsterInstance
) -> None:
    sensor = authorities_sensor(settings)
    assets = [authority_asset(load_spec(RETURN), settings, catalogue)]
    definitions = dg.Definitions(assets=assets, jobs=[land_by_authority], sensors=[sensor])
    cursor: str | None = None

    def look() -> tuple[list[dg.RunRequest], Sequence[str], str | None]:
        """Runs asked for, the partitions there are, and why there is no run; as the daemon looks."""
        nonlocal cursor
        context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions)
        with partition_loading_context(dynamic_partitions_store=instance):
            result = sensor.evaluate_tick(context)
        cursor = result.cursor
        return list(result.run_requests or ()), instance.get_dynamic_partitions("authority"), result.skip_message

    assert look() == ([], [], "Waiting until all files are copied.")
    write_census_xml(census_inbox / "373", census(LEA="373", estab="4002"))
    [second], known, _ = look()
    assert (second.partition_key, known) == ("371", ["371"])
    third, known, _ = look()
    assert ([one.partition_key for one in third], known) == (["371", "373"], ["371", "373"])
    # A run is named by the state of its files: the daemon makes none of a name that it had.
    assert third[0].run_key == second.run_key
    for path in inbox_files(settings, RETURN):
        path.unlink()
    assert look() == ([], ["371", "373"], "No folder of an authority holds a file.")
