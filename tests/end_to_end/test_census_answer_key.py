"""The faults planted in the invented schools' censuses against the landing gate: what is found is what was planted, in both shapes."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from expectations.catalogue import Catalogue
from orchestration.returns.assess import Assessed
from orchestration.settings import Settings
from orchestration.synthetic import bundled_figures, synthesise
from orchestration.synthetic.census.faults import NOT_SENT
from tests.end_to_end.answer_key import AUTHORITY, Line, judge, land_register, left_out, read_key

pytestmark = [pytest.mark.end_to_end]

TERMS, SHAPES = ("spring", "autumn"), ("xml", "collect_csv")

Place = tuple[str, str, str, str, int]
"""Rule, school, table, COLLECT table ("" in XML and for a whole school), and the row there; 0 for the whole school."""


@pytest.fixture(scope="module")
def borough(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("borough")
    synthesise(
        out,
        la=AUTHORITY,
        figures=bundled_figures(Settings()),
        years=range(2023, 2027),
        seed=1,
        scale=0.2,
        faults="standard",
        shapes=("xml",),
        truth=False,
        censuses=True,
    )
    return out


@pytest.fixture(scope="module")
def register(borough: Path, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return land_register(borough, catalogue, tmp_path_factory.mktemp("register"))


@pytest.fixture(scope="module")
def key(borough: Path) -> list[Line]:
    return read_key(borough / "census_answer_key.csv")


def judged(folder: Path, tmp_path: Path, catalogue: Catalogue, register: Path) -> list[Assessed]:
    """What landing says of each school's return in a folder."""
    paths = sorted(folder.iterdir())
    assessed, waiting = judge("school_census", paths, tmp_path / "spill", catalogue, register=register)
    assert waiting == []
    return assessed


def school_of(assessed: Assessed) -> str:
    return assessed.supplier.removeprefix("school.")


def places(assessed: list[Assessed], shape: str) -> Counter[Place]:
    """Every failure, of schools by their own numbers."""
    found: Counter[Place] = Counter()
    for one in assessed:
        for failure in one.failures:
            file = (
                Path(failure.source_file).stem.rsplit("_", 1)[1]
                if shape == "collect_csv" and failure.source_row
                else ""
            )
            found[failure.rule_id, school_of(one), failure.table_name, file, failure.source_row or 0] += 1
    return found


def errors(catalogue: Catalogue) -> set[str]:
    """Rules that the collection calls errors; what it calls queries are observed."""
    return {rule.rule_id for rule in catalogue.rules if rule.severity != "observe"}


def planted(key: list[Line], census: str, shape: str) -> Counter[Place]:
    of_xml = shape == "xml"
    return Counter(
        (
            line["rule_id"],
            line["laestab"],
            line["table"],
            "" if of_xml else line["file"],
            int(line["xml_row" if of_xml else "row"]),
        )
        for line in key
        if line["census"] == census and line["rule_id"] != NOT_SENT
    )


NATURAL = {
    "RC-L07": "newcomers have a temporary number for a term or two",
    "RC-1990": "one pupil on SEN support in sixty has top-up funding",
    "RC-1870": "pupils of referral units and alternative provision are registered at their school too",
    "RC-2205": "alternative provision: many of its pupils are on SEN support",
    "RC-2190": "a school with resourced provision, or a small one, may have more than one plan in ten pupils",
    "RC-2200": "a small nursery may have no child with SEN",
    "RC-1620": "two children may by chance share name and birthday",
}
"""Queries that a fault-free borough raises all the same, and why that is as in a real one."""


def test_no_rule_that_the_collection_calls_an_error_fails_on_the_borough_without_faults(
    borough: Path, catalogue: Catalogue, register: Path, tmp_path: Path
) -> None:
    found: Counter[str] = Counter()
    folders = sorted((borough / "school_census").glob("*/*/*"))
    assert len(folders) == 12
    for number, folder in enumerate(folders):
        (tmp_path / str(number)).mkdir()
        assessed = judged(folder, tmp_path / str(number), catalogue, register)
        assert {one.status for one in assessed} == {"accepted"}
        found.update(failure.rule_id for one in assessed for failure in one.failures)
    assert {rule: found[rule] for rule in errors(catalogue) & set(found)} == {}
    assert set(found) <= set(NATURAL)
    assert found["RC-L07"] > 0


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gate_finds_the_planted_faults_and_no_other(
    shape: str, term: str, borough: Path, key: list[Line], catalogue: Catalogue, register: Path, tmp_path: Path
) -> None:
    folder = borough / "census_faults" / term
    clean, faulty = (judged(folder / name / shape, tmp_path, catalogue, register) for name in ("clean", "faulty"))
    assert {one.status for one in [*clean, *faulty]} == {"accepted"}
    expected = planted(key, f"{term}/faulty", shape)
    assert len(expected) > {"spring": 80, "autumn": 12}[term]
    assert set(expected.values()) == {1}
    unsent = {line["laestab"] for line in key if line["rule_id"] == NOT_SENT and line["census"] == f"{term}/faulty"}
    assert {school_of(one) for one in clean} - {school_of(one) for one in faulty} == unsent
    assert len(unsent) == 1
    before = Counter({place: number for place, number in places(clean, shape).items() if place[1] not in unsent})
    assert {place[0] for place in before} & errors(catalogue) == set(), "the clean census has errors of its own"
    # rows of the clean census stand elsewhere once others were added or left out above them
    assert {place[:3] for place in before} & {place[:3] for place in expected} == set(), (
        "a victim's school was not clean"
    )
    found = places(faulty, shape)
    untouched = Counter({place: number for place, number in found.items() if place[:3] in {p[:3] for p in before}})
    assert Counter(place[:4] for place in untouched) == Counter(place[:4] for place in before)
    assert found - untouched == expected


def test_a_file_that_cannot_be_used_is_refused_or_its_row_set_aside_by_the_rule_that_says_so(
    borough: Path, key: list[Line], catalogue: Catalogue, register: Path, tmp_path: Path
) -> None:
    files = borough / "census_faults" / "files"
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in key:
        if line["census"].startswith("files/"):
            lines[line["census"].removeprefix("files/")].append(line)
    assert {folder.name for folder in files.iterdir()} == {*lines, "whole"}
    [whole] = judged(files / "whole", tmp_path, catalogue, register)
    assert (whole.status, whole.rows_quarantined) == ("accepted", 0)
    for rule, told in lines.items():
        found = judged(files / rule, tmp_path, catalogue, register)
        if told[0]["row"] == "0":
            assert [(one.status, one.rule_ids) for one in found] == [("refused", (rule,))], rule
        else:
            assert [(one.status, one.rows_quarantined) for one in found] == [("accepted", 1)], rule
            told_of_whole = {failure.rule_id for failure in whole.failures}
            shown = Counter(
                {p: number for p, number in places(found, "collect_csv").items() if p[0] not in told_of_whole}
            )
            assert shown == planted(told, f"files/{rule}", "collect_csv"), rule


def test_every_landing_rule_of_the_census_is_planted_or_left_out_with_a_reason(
    borough: Path, key: list[Line], catalogue: Catalogue
) -> None:
    reasons = left_out(borough / "census_answer_key_not_planted.csv")
    known = {line["rule_id"] for line in key} - {NOT_SENT}
    landing = {rule.rule_id for rule in catalogue.about_landing("school_census")}
    assert landing - known - set(reasons) == set()
    assert {rule for rule in landing - known if rule.startswith(("RC-", "SC-"))} == set()
    assert known - landing == set()
    assert not known & set(reasons)
