"""A return is what its YAML says, year by year, and the YAML alone says what leaves the vault."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from orchestration.errors import CornerstoneError
from orchestration.returns import spec as spec_module
from orchestration.returns.spec import SPECS_DIR, Change, ReturnSpec, load_spec, return_ids

EHC = load_spec("sen2")


def columns(year: int, table: str) -> set[str]:
    return set(EHC.for_year(year).tables[table].columns)


def test_each_year_collects_what_it_collected() -> None:
    assert EHC.years == [2023, 2024, 2025, 2026]
    assert EHC.for_year(2023).tables["sen2_person"].columns["sex_code"].names[0] == "GenderCurrent"
    assert EHC.for_year(2024).tables["sen2_person"].columns["sex_code"].names[0] == "Sex"
    assert "attendance_pattern_code" in columns(2023, "sen2_placement") - columns(2024, "sen2_placement")
    assert "residential_code" in columns(2023, "sen2_active_plan") - columns(2024, "sen2_active_plan")
    assert "request_source_code" in columns(2025, "sen2_request") - columns(2024, "sen2_request")
    assert {"review_meeting_date", "review_outcome_code"} <= columns(2024, "sen2_active_plan")
    assert EHC.for_year(2025).tables["sen2_request"].columns["request_source_code"].collected == "voluntary"
    assert EHC.for_year(2026).tables["sen2_request"].columns["request_source_code"].collected == "mandatory"
    assert [EHC.for_year(year).census_day for year in EHC.years] == [
        date(2023, 1, 19), date(2024, 1, 18), date(2025, 1, 16), date(2026, 1, 15),
    ]  # fmt: skip


def test_periods_are_alike_where_the_same_columns_and_codes_are_collected() -> None:
    assert EHC.collected_alike(["2026", "2023", "2025", "2024"]) == [["2023"], ["2024"], ["2025"], ["2026"]]
    quarters = ["2021-22Q4", "2022-23Q1", "2025-26Q4"]
    assert load_spec("safety_valve").collected_alike(reversed(quarters)) == [quarters]
    # Between the two Januaries stand terms that collect something else.
    assert load_spec("school_census").collected_alike(["2026-01", "2025-05", "2025-01"]) == [
        ["2025-01", "2026-01"], ["2025-05"],
    ]  # fmt: skip


def test_what_lands_has_the_same_columns_in_every_year() -> None:
    landing = EHC.landed_types("sen2_placement")
    assert {"attendance_pattern_code", "residential_code", "work_based_code"} <= set(landing)
    assert "review_draft_date" in EHC.landed_types("sen2_active_plan")


def test_a_code_is_valid_from_the_year_that_brought_it_to_the_year_before_it_went() -> None:
    validity = {(row["code_set"], row["code"]): (row["valid_from"], row["valid_to"]) for row in EHC.code_validity()}
    assert validity["sen_type", "DS"] == (2025, None)
    assert validity["sen_type", "ASD"] == (2023, None)
    assert validity["sex", "U"] == (2023, 2023)
    assert validity["sen_setting_placement", "NEET"] == (2023, None)
    assert ("sen_setting", "NEET") not in validity


@pytest.mark.parametrize(
    "path", sorted(SPECS_DIR.glob("*/[0-9]*.yaml")), ids=lambda path: f"{path.parent.name} {path.stem}"
)
def test_every_change_says_why_and_who_says_so(path: Path) -> None:
    for change in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["changes"]:
        assert Change.model_validate(change).reason.endswith(".")
        assert change["source"]


@pytest.mark.parametrize("return_id", return_ids())
def test_no_identifier_is_among_what_lands(return_id: str) -> None:
    spec = load_spec(return_id)
    for name, table in spec.tables.items():
        identifiers = {column for column, made in table.columns.items() if made.sensitivity == "identifier"}
        assert not identifiers & set(spec.landed_types(name))


def test_a_spec_in_which_an_identifier_would_land_is_refused() -> None:
    document = yaml.load((SPECS_DIR / "sen2" / "return.yaml").read_text(), Loader=yaml.CSafeLoader)
    document["tables"]["sen2_person"]["columns"]["surname"]["privacy"] = "keep"
    with pytest.raises(ValueError, match="an identifier never lands"):
        ReturnSpec.model_validate(document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"add": "codes.sex.codes.M", "value": "Male"}, "is there already"),
        ({"remove": "codes.sex.codes.Q"}, "is not there"),
        ({"modify": "codes.nothing.codes.M", "value": "Male"}, "there is no"),
        ({"remove": "codes.residential"}, "no code set is called residential"),
        ({"remove": "codes.sex", "rename": "codes.sex", "value": "x"}, "exactly one"),
    ],
)
def test_a_year_that_changes_what_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], said: str
) -> None:
    folder = tmp_path / "sen2"
    folder.mkdir()
    (folder / "return.yaml").write_text((SPECS_DIR / "sen2" / "return.yaml").read_text())
    entry = {**change, "reason": "A test.", "source": "A test"}
    (folder / "2024.yaml").write_text(yaml.safe_dump({"year": 2024, "changes": [entry]}))
    monkeypatch.setattr(spec_module, "SPECS_DIR", tmp_path)
    spec_module._load.cache_clear()
    try:
        with pytest.raises(CornerstoneError, match=said):
            load_spec("sen2")
    finally:
        spec_module._load.cache_clear()
