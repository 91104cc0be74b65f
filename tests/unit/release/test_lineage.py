"""Where a figure comes from: only what has to do with it, and every link there and back."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lxml import html

from orchestration.errors import CornerstoneError
from orchestration.release.portal.lineage import Model, read_models, spoken, trace, upstream
from orchestration.settings import Settings

Write = Callable[..., None]
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# Two ways to kpi_value: by series (`requests` and `waits`), and by KPI.
MODELS: dict[str, tuple[str, list[str], str, list[str]]] = {
    "stg_plans__row": ("staging", ["staging", "plans"], "Plans.", ["source.sen2.plan", "source.control.setting"]),
    "stg_waits__row": ("staging", ["staging", "waits"], "Waits.", ["source.therapy_waiting_list.referral"]),
    "stg_area__row": ("staging", ["staging", "area"], "Areas.", ["source.postcode_directory.postcode"]),
    "dim_area": ("marts", ["marts", "conformed"], "An area.", ["stg_area__row"]),
    "int_stat__requests": ("intermediate", ["intermediate", "ehc"], "Requests.", ["stg_plans__row"]),
    "int_stat__waits": ("intermediate", ["intermediate", "ehc"], "Waits.", ["stg_waits__row"]),
    "fct_stat": ("marts", ["marts", "ehc"], "Counts.", ["int_stat__requests", "int_stat__waits", "dim_area"]),
    "fct_money": ("marts", ["marts", "money"], "Money by condition.", ["stg_area__row"]),
    "int_kpi__value": ("intermediate", ["kpi", "components"], "By series.", ["fct_stat", "kpi_source"]),
    "int_kpi__money": ("intermediate", ["kpi", "components"], "By KPI.", ["fct_money"]),
    "kpi_source": ("seed", [], "Which series makes which KPI.", []),
    "kpi_value": ("kpi", ["kpi"], "All.", ["int_kpi__value", "int_kpi__money", "dim_area"]),
}

WAREHOUSE = """
create schema seed; create schema intermediate; create schema marts; create schema kpi; create schema elsewhere;
create table seed.kpi_source as
from (values ('asked', 'requests'), ('waiting', 'waits'), ('never', 'unheard')) as t (kpi_id, series_code);
create table marts.fct_stat as from (values ('requests'), ('waits')) as t (series_code);
-- What a condition is watched by is no KPI that the row makes.
create table marts.fct_money as from (values ('another')) as t (kpi_id);
create table intermediate.int_kpi__value as from (values ('asked'), ('waiting')) as t (kpi_id);
create table intermediate.int_kpi__money as from (values ('balance')) as t (kpi_id);
create table elsewhere.fct_stat as from (values ('asked')) as t (kpi_id);
create table kpi.kpi_catalogue as
from (values ('asked', 'Asked', 'a_family'), ('waiting', 'Waiting', 'a_family'), ('balance', 'Balance', 'money'),
    ('never', 'Never', 'money')) as t (kpi_id, title, family);
create table kpi.kpi_value as from (values ('asked'), ('waiting'), ('balance')) as t (kpi_id);
create table kpi.kpi_availability as
select kpi_id, kpi_id <> 'never' as is_available, 'because' as reason from kpi.kpi_catalogue;
"""


@pytest.fixture
def models(tmp_path: Path, write_manifest: Write) -> dict[str, Model]:
    write_manifest(tmp_path / "manifest.json", MODELS)
    return read_models(tmp_path / "manifest.json")


def names(models: Any) -> list[str]:
    return [model.name for model in models]


def test_a_manifest_is_read_as_models_with_the_returns_whose_rows_they_read(models: dict[str, Model]) -> None:
    assert models["stg_plans__row"].returns == ("sen2",)  # control tables are no return
    assert models["fct_stat"].reads == ("dim_area", "int_stat__requests", "int_stat__waits")
    assert (models["fct_stat"].subject, models["kpi_source"].schema) == ("ehc", "seed")


def test_what_describes_is_named_and_not_followed(models: dict[str, Model]) -> None:
    assert upstream(models, "fct_stat") == {
        "fct_stat", "int_stat__requests", "int_stat__waits", "stg_plans__row", "stg_waits__row", "dim_area"
    }  # fmt: skip


def test_a_figure_goes_back_to_the_returns_that_its_own_series_come_from(models: dict[str, Model]) -> None:
    with duckdb.connect() as connection:
        connection.execute(WAREHOUSE)
        lines = {line.kpi_id: line for line in trace(connection, "memory", models)}
    assert list(lines) == ["asked", "waiting", "balance", "never"]
    assert lines["asked"].returns == ["sen2"]
    assert names(lines["asked"].of("marts")) == ["fct_stat"]
    assert names(lines["asked"].of("intermediate")) == ["int_kpi__value", "int_stat__requests"]
    assert names(lines["asked"].described_by) == ["dim_area"]
    assert names(lines["asked"].of("seed")) == ["kpi_source"]
    assert lines["waiting"].returns == ["therapy_waiting_list"]
    # Counted from areas' rows themselves, by a table that names KPIs without being one of the KPI tables.
    assert lines["balance"].returns == ["postcode_directory"]
    assert names(lines["balance"].of("marts")) == ["fct_money"]


def test_a_kpi_without_a_figure_says_why_and_comes_from_nowhere(models: dict[str, Model]) -> None:
    with duckdb.connect() as connection:
        connection.execute(WAREHOUSE)
        never = next(line for line in trace(connection, "memory", models) if line.kpi_id == "never")
    assert (never.is_available, never.reason, never.returns, names(never.models)) == (False, "because", [], [])


@pytest.mark.parametrize("models", [None, {"other": ("kpi", ["kpi"], "Not the one.", [])}])
def test_a_release_needs_the_manifest_of_the_tables_it_releases(
    tmp_path: Path, write_manifest: Write, models: Any
) -> None:
    path = tmp_path / "manifest.json"
    if models is not None:
        write_manifest(path, models)
    with pytest.raises(CornerstoneError, match="build the KPI models, then release"):
        read_models(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("ehcp_stock", "EHC plan stock"), ("ehc", "EHC"), ("finance_safety_valve", "Finance safety valve")],
)
def test_names_are_spoken_as_words(name: str, words: str) -> None:
    assert spoken(name) == words


def test_the_pages_lead_from_figures_to_files_and_back(publish_at: Any, settings: Settings) -> None:
    evidence = publish_at(MONDAY).folder / "evidence"
    lineage, models = (html.parse(str(evidence / f"{name}.html")) for name in ("lineage", "models"))
    [figure] = lineage.xpath("//section[@id='ehc_requests']")
    links = figure.xpath(".//a/@href")
    assert links[:2] == ["kpi_ehcp_process.html#ehc_requests", "#return-published_statistics"]
    assert "models.html#fct_published_statistic" in links
    [back] = lineage.xpath("//section[@id='return-published_statistics']")
    assert "index.html#files" in back.xpath(".//a/@href")
    assert "#ehc_requests" in back.xpath(".//a/@href")
    assert "2 accepted files, 1 of them in use, period 2025." in " ".join(back.text_content().split())
    [mart] = models.xpath("//tr[@id='fct_published_statistic']")
    assert mart.xpath(".//a/@href")[:3] == ["#dim_area", "#stg_published_statistics__figure", "#int_kpi__value"]
    assert "lineage.html#ehc_requests" in mart.xpath(".//a/@href")
    # Descriptions are text, whatever stands in them; the picture has its words.
    assert "One published <figure>." in models.xpath("string(//tr[@id='stg_published_statistics__figure'])")
    [picture] = lineage.xpath("//figure[@role='img']")
    assert "Published statistics" in picture.xpath("string(.//*[local-name()='svg'])")
    assert "files, returns, landed rows, marts" in picture.get("aria-label")
