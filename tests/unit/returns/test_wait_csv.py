"""Cells of the waiting-list workbooks one a row, and those that ship with Cornerstone."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from expectations.catalogue import load_catalogue
from orchestration.returns.delivered import DataFile, FileRefused, delivered_file, open_delivered
from orchestration.returns.land import land_return
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.recognise import read_data_file
from orchestration.returns.spec import load_spec
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import prepare_store
from tests.unit.returns.conftest import NOON

SPEC = load_spec("published_statistics")
BUNDLED = PROJECT_DIR / "raw" / "seed" / "published_statistics" / "published_waits.csv.gz"
WORKBOOKS = PROJECT_DIR.parent / "shared" / "data" / "nhs_community_waits"
COLUMNS = [
    "publisher", "dataset", "data_month", "published_date", "layout_era", "sheet", "org_level", "org_code", "org_name",
    "service_line", "band_code", "value",
]  # fmt: skip
SPEECH = "(CYP) Therapy interventions: Speech and language"


def row(**changed: str) -> dict[str, str]:
    usual = {
        "publisher": "NHS England", "dataset": "Community Health Services waiting times", "data_month": "2025-10",
        "published_date": "2025-12-11", "layout_era": "3", "sheet": "Table 4", "org_level": "provider", "org_code": "RFR",
        "org_name": "THE ROTHERHAM NHS FOUNDATION TRUST", "service_line": SPEECH, "band_code": "total", "value": "182",
    }  # fmt: skip
    return usual | changed


@pytest.fixture
def waits(tmp_path: Path) -> Callable[..., ReadFile]:
    """Write cells to a file and read it."""

    def read_rows(*rows: dict[str, str], columns: list[str] = COLUMNS) -> ReadFile:
        path = tmp_path / "waits.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        return read(path)

    return read_rows


def read(path: Path) -> ReadFile:
    [file] = open_delivered(delivered_file(path))
    assert isinstance(file, DataFile)
    return read_data_file(file, SPEC)


def test_cells_are_read_as_those_of_a_workbook(waits: Callable[..., ReadFile]) -> None:
    found = waits(
        row(),
        row(value="0", band_code="w00_01", sheet="Table 4a"),
        row(value=""),
        row(
            value="*", data_month="2023-06", layout_era="2", org_code="", org_name="The Rotherham NHS Foundation Trust"
        ),
        row(value="", service_line="(CYP) Safeguarding"),
        row(value="ten"),
    )
    assert (found.table, found.supplier, found.period, found.sequence) == (
        "chs_wait", "cornerstone.published_waits", "2025-10", "",
    )  # fmt: skip
    kept = ("value", "value_text", "value_status")
    assert [tuple(cell[name] for name in kept) for cell in found.rows.to_pylist()] == [
        (182, "182", "reported"),
        (0, "0", "reported"),
        (None, None, "not_submitted"),
        (None, "*", "suppressed"),
        (None, None, "suppressed"),
        (None, "ten", "reported"),  # set aside by RTW-145
    ]
    first, *_, of_june, _, _ = found.rows.to_pylist()
    assert (first["service_line_code"], first["age_group"]) == ("therapy_interventions_speech_and_language", "cyp")
    assert (of_june["data_month"], of_june["layout_era"], of_june["org_code"]) == ("2023-06", 2, None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"data_month": "2025-13"}, "row 2"), ({"data_month": ""}, "row 2"), ({"layout_era": "4"}, "row 2")],
)
def test_a_row_without_a_month_or_of_an_unknown_layout_is_refused(
    waits: Callable[..., ReadFile], change: dict[str, str], complaint: str
) -> None:
    with pytest.raises(FileRefused, match=complaint) as refused:
        waits(row(), row(**change))
    assert refused.value.rule_id == "FILE-012"


def test_a_missing_column_is_named(waits: Callable[..., ReadFile]) -> None:
    with pytest.raises(FileRefused, match="published_date"):
        waits(row(), columns=[name for name in COLUMNS if name != "published_date"])


@pytest.fixture(scope="module")
def bundled() -> pd.DataFrame:
    return read(BUNDLED).rows.to_pandas()


def test_the_bundled_cells_are_those_of_four_months(bundled: pd.DataFrame) -> None:
    months = bundled.groupby("data_month")["service_line_code"].nunique().to_dict()
    assert months == {"2023-01": 4, "2023-06": 4, "2023-09": 4, "2025-10": 4}
    own = bundled[(bundled["org_code"] == "RFR") & (bundled["data_month"] == "2025-10")]
    speech = own[own["service_line_code"] == "therapy_interventions_speech_and_language"].sort_values("sheet")
    assert speech["value"].tolist() == [182, 10, 20, 50, 61, 20, 21, 0, 0]
    other = bundled[(bundled["org_code"] == "RXE") & (bundled["data_month"] == "2025-10")]
    assert set(other["value_status"]) == {"not_submitted"}


@pytest.mark.skipif(not WORKBOOKS.exists(), reason="the published workbooks are not beside the project")
def test_the_bundled_cells_are_those_of_the_workbooks(bundled: pd.DataFrame) -> None:
    keys = ["data_month", "sheet", "org_level", "org_name_raw", "service_line_code"]
    shown = [*keys, "band_code", "org_code", "published_date", "layout_era", "value", "value_text", "value_status"]
    printed = pd.concat([read(path).rows.to_pandas() for path in sorted(WORKBOOKS.glob("*.xlsx"))])
    lines = bundled["service_line_code"].unique()
    printed = printed[(printed["age_group"] == "cyp") & printed["service_line_code"].isin(lines)]
    together = [cells[shown].astype(str).sort_values(keys, ignore_index=True) for cells in (bundled, printed)]
    assert len(together[0]) == 24_500
    pd.testing.assert_frame_equal(*together)


def test_the_bundled_cells_land_whole(settings: Settings) -> None:
    prepare_store(settings)
    folder = settings.seed_dir / "published_statistics"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BUNDLED.name).write_bytes(BUNDLED.read_bytes())
    [submission] = land_return(settings, "published_statistics", load_catalogue(settings.rules_dir), now=NOON).committed
    assert (submission.status, submission.reason) == ("accepted", None)
    assert (submission.rows_read, submission.rows_quarantined) == (24_500, 0)
    # Bands that add up to less than the total, as published.
    assert set(submission.failures) == {"RTW-146"}
    counted: Any = duckdb.sql(
        f"select count(*) from read_parquet('{settings.landed_dir}/published_statistics/*/chs_wait.parquet')"
    ).fetchone()
    assert counted == (24_500,)
