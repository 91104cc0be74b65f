"""The documentation as one page: the bus matrix of the real models, and nothing that would leave the machine."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestration.docs.bus_matrix import as_markdown, bus_matrix
from orchestration.docs.page import MATRIX_MARK, offline_page, write_docs
from orchestration.errors import CornerstoneError
from orchestration.settings import PROJECT_DIR, Settings


def model(name: str, folder: str, description: str = "One row per thing.", layer: str = "marts") -> dict[str, Any]:
    return {"resource_type": "model", "fqn": ["toy", layer, folder, name], "name": name, "description": description}


def joined(fact: str, column: str, to: str, kind: str = "relationships") -> dict[str, Any]:
    return {
        "resource_type": "test",
        "test_metadata": {"name": kind, "kwargs": {"columns": {column: f"{to}.{column}"}}},
        "attached_node": f"model.toy.{fact}",
        "column_name": column,
        "depends_on": {"nodes": [f"model.toy.{fact}", f"model.toy.{to}"]},
    }


def test_a_fact_joins_the_dimensions_it_is_tested_against() -> None:
    models = [
        model("fct_stay", "stays", "One row per child and stay: from the first day | to the last. Nothing else."),
        model("bridge_need", "needs"),
        model("dim_child", "conformed"),
        model("dim_place", "conformed"),
        model("dim_unused", "conformed"),
        model("int_stay__told", "stays", layer="intermediate"),
    ]
    tests = [
        joined("fct_stay", "child_key", "dim_child", kind="joins"),
        joined("fct_stay", "place_key", "dim_place"),
        joined("fct_stay", "former_place_key", "dim_place"),
        joined("fct_stay", "need_key", "bridge_need"),  # another fact is no dimension
        joined("fct_stay", "stay_key", "int_stay__told"),
        joined("bridge_need", "child_key", "dim_child"),
        joined("bridge_need", "place_key", "dim_place", kind="accepted_values"),
        joined("dim_child", "place_key", "dim_place"),
    ]
    nodes = {f"model.toy.{one['name']}": one for one in models} | {f"test.{at}": one for at, one in enumerate(tests)}
    assert as_markdown(bus_matrix({"nodes": nodes})).splitlines() == [
        "| Fact | One row per | child | place |",
        "| --- | --- | :-: | :-: |",
        "| [bridge_need](#!/model/model.toy.bridge_need) | thing | ● |  |",
        "| [fct_stay](#!/model/model.toy.fct_stay) | child and stay | ● | ●2 |",
    ]


@pytest.fixture(scope="module")
def documented(empty_warehouse_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    """A store over the empty warehouse, and the page of its documentation."""
    folder = tmp_path_factory.mktemp("docs")
    settings = Settings(store=folder / "store", raw=folder / "raw")
    settings.store.mkdir()
    shutil.copy(empty_warehouse_path, settings.warehouse_path)
    # What dbt has parsed once it need not parse again.
    (settings.store / "dbt").mkdir()
    shutil.copytree(empty_warehouse_path.parent / "target", settings.store / "dbt" / "docs")
    return settings, write_docs(settings, folder / "docs.html").read_text(encoding="utf-8")


def test_the_page_asks_no_server_for_anything(documented: tuple[Settings, str]) -> None:
    _, page = documented
    head = page[: page.index("<title>")]
    assert re.search(r"<head><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';", head)
    assert "connect-src" not in head  # nothing loosens default-src for requests
    assert not re.search(
        r"<script[^>]+src=|<link[^>]+href=|<iframe|<img[^>]+src=\"http|@import|url\(['\"]?(https?:)?//", page
    )
    hosts = set(re.findall(r"[\"'](?:https?:)?//([a-z0-9.-]+\.[a-z]{2,})", page, re.IGNORECASE))
    # Names of formats, help texts of a library, and a stand-in for the address of whoever reads: none of them is fetched.
    assert hosts <= {
        "www.w3.org",
        "docs.angularjs.org",
        "errors.angularjs.org",
        "npms.io",
        "fuzzed.getdbt.com",
        "schemas.getdbt.com",
    }


def test_the_page_tells_nothing_of_the_machine(documented: tuple[Settings, str]) -> None:
    settings, page = documented
    assert str(settings.store) not in page
    assert str(PROJECT_DIR) not in page


def test_the_bus_matrix_of_the_models_is_in_the_overview(documented: tuple[Settings, str]) -> None:
    settings, page = documented
    manifest = json.loads((settings.store / "dbt" / "docs" / "manifest.json").read_text(encoding="utf-8"))
    matrix = bus_matrix(manifest)
    assert MATRIX_MARK not in page
    assert json.dumps(as_markdown(matrix))[1:-1] in page
    facts = {path.stem for path in (PROJECT_DIR / "dbt_project/models/marts").rglob("*.sql") if path.stem[:3] != "dim"}
    assert {fact.name for fact in matrix.facts} == facts
    wait = next(fact for fact in matrix.facts if fact.name == "fct_therapy_wait")
    assert wait.joins["dim_child"] == ("child_key",)
    assert {"dim_provider", "dim_service", "dim_period"} <= wait.joins.keys()
    suspended = next(fact for fact in matrix.facts if fact.name == "fct_suspension")
    assert suspended.joins["dim_exclusion_reason"] == ("reason_1_code", "reason_2_code", "reason_3_code")


def test_every_fact_joins_a_dimension(documented: tuple[Settings, str]) -> None:
    settings, _ = documented
    manifest = json.loads((settings.store / "dbt" / "docs" / "manifest.json").read_text(encoding="utf-8"))
    assert [fact.name for fact in bus_matrix(manifest).facts if not fact.joins] == []


def test_without_a_warehouse_there_is_nothing_to_describe(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path / "store", raw=tmp_path / "raw")
    with pytest.raises(CornerstoneError, match="run `cornerstone run` first"):
        write_docs(settings, tmp_path / "docs.html")


def test_the_page_needs_a_place_to_go(documented: tuple[Settings, str], tmp_path: Path) -> None:
    settings, _ = documented
    for place in (tmp_path, tmp_path / "missing" / "docs.html"):
        with pytest.raises(CornerstoneError, match="name a file in a folder that exists"):
            write_docs(settings, place)


def test_a_page_that_is_not_known_is_not_handed_out(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path / "store", raw=tmp_path / "raw")
    with pytest.raises(CornerstoneError, match="not the one"):
        offline_page(f"<html><head></head>{MATRIX_MARK}</html>", matrix="", settings=settings)
