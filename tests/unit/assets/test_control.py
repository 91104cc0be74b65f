"""Where nothing that arrived changes what is released, nothing is built again, and the run says so."""

import json

import dagster as dg
import pytest

import expectations.data_docs
import orchestration.figures.headline
import orchestration.linkage.child_key
import orchestration.linkage.quality
import orchestration.release.build
from expectations.catalogue import Catalogue
from orchestration import run
from orchestration.assets.models import CONTROL_KEY, control_asset
from orchestration.assets.release import release_asset
from orchestration.built import STATE_FILE, fingerprint
from orchestration.release.build import ReleaseOutcome
from orchestration.resources import WarehouseResource
from orchestration.settings import Settings


def test_what_is_built_is_left_as_it_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.built.is_built", lambda _: True)

    @dg.asset(deps=[CONTROL_KEY])
    def built_of_it() -> None:
        pytest.fail("it was built again")

    settings.store.mkdir()
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [control_asset(settings), built_of_it],
            resources={"warehouse": WarehouseResource(database=str(settings.warehouse_path), limits={})},
            instance=instance,
        )
        told = [record.user_message for record in instance.all_logs(result.run_id) if record.dagster_event is None]
    assert result.success
    assert any(line.startswith("Nothing that arrived changes what is released") for line in told)
    assert result.get_asset_materialization_events() == []
    assert not settings.warehouse_path.exists()
    outcome = run._outcome(settings, result, {})
    assert (outcome.status, outcome.exit_code) == ("nothing_new", 0)
    assert outcome.message == "Nothing that arrived changes what is released: nothing has been released yet."


def test_whoever_asks_has_all_built_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.built.is_built", lambda _: True)
    monkeypatch.setattr(orchestration.linkage.child_key, "link_children", lambda _: None)
    monkeypatch.setattr(orchestration.linkage.quality, "measure_links", lambda _: None)
    settings.store.mkdir()
    result = dg.materialize(
        [control_asset(settings)],
        resources={"warehouse": WarehouseResource(database=str(settings.warehouse_path), limits={})},
        run_config={"ops": {"warehouse__control": {"config": {"anew": True}}}},
    )
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [CONTROL_KEY]


def test_a_run_keeps_what_it_begins_before_it_links_and_what_it_came_to_when_it_has_published(
    settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[dict[str, object]] = []

    def link(_: Settings) -> None:
        begun.append(json.loads((settings.store / STATE_FILE).read_text()))
        if len(begun) == 1:
            raise OSError("it died")

    outcome = ReleaseOutcome("published", "r1", "c" * 64, settings.releases_dir / "r1", "Current.")
    monkeypatch.setattr(orchestration.linkage.child_key, "link_children", link)
    monkeypatch.setattr(orchestration.linkage.quality, "measure_links", lambda _: None)
    monkeypatch.setattr(expectations.data_docs, "build_site", lambda _: None)
    monkeypatch.setattr(orchestration.release.build, "publish", lambda *_, **__: outcome)
    monkeypatch.setattr(orchestration.figures.headline, "read_headline", lambda _: "")
    settings.store.mkdir()
    assets = [control_asset(settings), release_asset(settings, catalogue, deps=[CONTROL_KEY])]
    resources = {"warehouse": WarehouseResource(database=str(settings.warehouse_path), limits={})}
    assert not dg.materialize(assets, resources=resources, raise_on_error=False).success
    assert dg.materialize(assets, resources=resources).success
    assert [(one["fingerprint"], one["release_id"]) for one in begun] == [(fingerprint(settings), None)] * 2
    kept = json.loads((settings.store / STATE_FILE).read_text())
    assert kept == begun[1] | {"release_id": "r1"}
