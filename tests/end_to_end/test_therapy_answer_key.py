"""The faults planted in the invented waiting lists against the landing gate: what is found is what was planted."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest

from expectations.catalogue import Catalogue
from orchestration.returns.assess import Assessed
from orchestration.returns.submission import People
from orchestration.settings import Settings
from orchestration.synthetic import borough, bundled_figures, synthesise
from tests.end_to_end.answer_key import AUTHORITY, judge, left_out, read_key

RETURN = "therapy_waiting_list"
pytestmark = [pytest.mark.end_to_end]
TABLES = {"referrals": "therapy_referral", "appointments": "therapy_appointment"}
FIRST_ROW = 1
"""The number that places give the first data row of a CSV file."""

OWN = ("RTW-", "TWL-")
"""How the numbers of the return's own rules begin: the agreement's, and the house's about what is declared."""

RESTATED = {"FILE-010": "RTW-013"}
"""The house's rule about text that is not UTF-8 is one half of the return's."""

Place = tuple[str, str, int]
"""Rule, table, and the row; 0 and no table for the whole delivery."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("queued")
    with pytest.MonkeyPatch.context() as patch:
        # counted against the published tables in the tests of the returns
        patch.setattr(borough, "calibration", lambda *given: pd.DataFrame({"status": [], "reason": []}))
        synthesise(
            out,
            la=AUTHORITY,
            figures=bundled_figures(Settings()),
            years=range(2023, 2027),
            seed=2,
            scale=0.3,
            faults="standard",
            shapes=("xml",),
            truth=False,
            therapy=True,
        )
    return out


@pytest.fixture(scope="module")
def key(made: Path) -> list[dict[str, str]]:
    return read_key(made / "therapy_answer_key.csv")


def judged(
    paths: Iterable[Path], tmp_path: Path, catalogue: Catalogue, people: People | None = None
) -> tuple[list[Assessed], list[str]]:
    """What landing says of the files of one delivery: what it assessed, and the sets that it waits for."""
    return judge(RETURN, sorted(paths), tmp_path / "spill", catalogue, people=people)


def places(assessed: Iterable[Assessed]) -> set[Place]:
    return {
        (one.rule_id, one.table_name, one.source_row) if one.source_row else (one.rule_id, "", 0)
        for delivery in assessed
        for one in delivery.failures
    }


def planted(key: list[dict[str, str]], folder: str, catalogue: Catalogue) -> set[Place]:
    landing = {rule.rule_id for rule in catalogue.for_landing(RETURN)}
    return {
        (line["rule_id"], TABLES[line["table"]], int(line["row"]) - 1 + FIRST_ROW)
        if int(line["row"])
        else (line["rule_id"], "", 0)
        for line in key
        if line["return"] == f"therapy_faulty/{folder}" and line["rule_id"] in landing
    }


def test_the_gate_finds_the_planted_faults_beside_what_the_clean_list_shows(
    made: Path, key: list[dict[str, str]], catalogue: Catalogue, tmp_path: Path
) -> None:
    clean, _ = judged((made / RETURN / "RFR" / "2025-03").iterdir(), tmp_path, catalogue)
    faulty, _ = judged((made / "therapy_faulty" / "whole").iterdir(), tmp_path, catalogue)
    assert [one.status for one in (*clean, *faulty)] == ["accepted", "accepted"]
    expected = planted(key, "whole", catalogue)
    assert len(expected) > 60
    before, after = places(clean), places(faulty)
    assert not before & expected, "a victim was not clean"
    assert after - before == expected
    assert before - after == set()


def test_no_clean_list_breaks_an_error_rule(made: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    errors = {rule.rule_id for rule in catalogue.for_landing(RETURN) if rule.severity in ("warn", "block")}
    for provider, month in (("RFR", "2023-04"), ("RFR", "2024-09"), ("RXE", "2025-06"), ("RXE", "2026-01")):
        assessed, waiting = judged((made / RETURN / provider / month).iterdir(), tmp_path, catalogue)
        assert waiting == []
        assert {one.status for one in assessed} == {"accepted"}
        assert {one.rule_id for delivery in assessed for one in delivery.failures} & errors == set()


def broken(assessed: Iterable[Assessed]) -> set[str]:
    """The return's own rules that were found broken, by a query or by a reader."""
    found = {RESTATED.get(rule, rule) for one in assessed for rule in one.failures_by_rule}
    return {rule for rule in found if rule.startswith(OWN)}


def test_small_lists_break_the_one_rule_that_each_is_made_for(
    made: Path, key: list[dict[str, str]], catalogue: Catalogue, tmp_path: Path
) -> None:
    landing = {rule.rule_id for rule in catalogue.about_landing(RETURN)}
    folders = {folder.name: folder for folder in (made / "therapy_faulty").iterdir() if folder.name != "whole"}
    sample, _ = judged(folders["sample"].iterdir(), tmp_path, catalogue)
    assert [one.status for one in sample] == ["accepted"]
    checked = 0
    for name, folder in sorted(folders.items()):
        of = {line["rule_id"] for line in key if line["return"] == f"therapy_faulty/{name}"}
        alone = {line["rule_id"] for line in key if line["return"] == f"therapy_faulty/{name}" and not line["needs"]}
        if name == "sample" or not alone & landing:
            continue
        assessed, waiting = judged(folder.iterdir(), tmp_path, catalogue)
        found = broken(assessed) - broken(sample)
        assert waiting == [], name
        assert found == of, name
        checked += 1
    assert checked >= 20


def test_a_real_number_is_refused_where_children_are_invented(made: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    [one], _ = judged((made / "therapy_faulty" / "RTW-025").iterdir(), tmp_path, catalogue, people="invented")
    assert one.status == "refused"
    assert "RTW-025" in {failure.rule_id for failure in one.failures}


def test_every_landing_rule_of_the_return_is_planted_or_left_out_with_a_reason(
    made: Path, key: list[dict[str, str]], catalogue: Catalogue
) -> None:
    reasons = left_out(made / "therapy_answer_key_not_planted.csv")
    known = {line["rule_id"] for line in key}
    landing = {rule.rule_id for rule in catalogue.about_landing(RETURN) if rule.rule_id.startswith(OWN)}
    assert landing - known == {"RTW-024", "RTW-026"}
    assert landing - known <= set(reasons)
    assert not known & set(reasons)
