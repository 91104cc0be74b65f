"""Where nothing that arrived changes what is released, nothing is built again, and the run says so."""

import dagster as dg
import pytest

from orchestration import run
from orchestration.assets.models import CONTROL_KEY, control_asset
from orchestration.resources import WarehouseResource
from orchestration.settings import Settings


def test_what_is_built_is_left_as_it_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.standing.is_built", lambda _: True)

    @dg.asset(deps=[CONTROL_KEY])
    def built_of_it() -> None:
        pytest.fail("it was built again")

    settings.store.mkdir()
    result = dg.materialize(
        [control_asset(settings), built_of_it],
        resources={"warehouse": WarehouseResource(database=str(settings.warehouse_path), limits={})},
    )
    assert result.success
    assert result.get_asset_materialization_events() == []
    assert not settings.warehouse_path.exists()
    outcome = run._outcome(settings, result, {})
    assert (outcome.status, outcome.exit_code) == ("nothing_new", 0)
    assert outcome.message == "Nothing that arrived changes what is released: nothing has been released yet."
