"""Rules that the reader raises: the catalogue and the readers know the same ones, and each has a test."""

import re
from pathlib import Path

import pytest

from expectations.catalogue import Catalogue
from orchestration.returns.conform import UNLINKED_ROW, UNTYPABLE_ROW
from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.intake import UNREADABLE_ROW
from orchestration.returns.quarantine import PARENT_QUARANTINED
from orchestration.returns.recognise import UNREADABLE_FILE, read_data_file
from orchestration.returns.spec import load_spec, return_ids

PROJECT = Path(__file__).parents[3]
RULE_ID = r"[A-Z]+-\d+"
SPECS = [load_spec(return_id) for return_id in return_ids()]


def test_the_readers_raise_every_rule_of_theirs_and_no_other(catalogue: Catalogue) -> None:
    source = "".join(path.read_text() for path in (PROJECT / "orchestration" / "returns").rglob("*.py"))
    raised = {
        *re.findall(rf'FileRefused\(\s*"({RULE_ID})"', source),
        UNREADABLE_FILE,
        UNREADABLE_ROW,
        UNLINKED_ROW,
        UNTYPABLE_ROW,
        PARENT_QUARANTINED,
        # A query may find part of what such a rule says.
        *(own for spec in SPECS for own in spec.reader_rules.values() if catalogue.rule(own).is_reader_raised),
        *(spec.submission.sequence_rule for spec in SPECS if spec.submission and spec.submission.sequence_rule),
    }
    assert raised == {rule.rule_id for rule in catalogue.rules if rule.is_reader_raised}


def test_a_return_restates_rules_of_the_readers_alone(catalogue: Catalogue) -> None:
    for spec in SPECS:
        for restated, own in spec.reader_rules.items():
            assert catalogue.rule(restated).is_reader_raised
            assert catalogue.rule(own).return_id == spec.return_id
            assert catalogue.rule(own).effect == catalogue.rule(restated).effect == "refuse"


def test_every_rule_that_the_readers_raise_has_a_test(catalogue: Catalogue) -> None:
    folders = (PROJECT / "tests" / "unit" / "returns", Path(__file__).parent)
    tested = "".join(path.read_text() for folder in folders for path in folder.glob("test_*.py"))
    named = set(re.findall(rf'"({RULE_ID})"', tested))
    assert {rule.rule_id for rule in catalogue.rules if rule.is_reader_raised} - named == set()


def test_a_file_in_the_folder_of_another_return_is_sent_to_its_own() -> None:
    own = load_spec("published_statistics")
    other = own.model_copy(update={"return_id": "another_return", "title": "Another return", "files": {}})
    header = (
        "time_period,time_identifier,geographic_level,country_code,country_name,region_code,region_name,"
        "new_la_code,old_la_code,la_name,breakdown_topic,breakdown,ehcplans"
    )
    row = "202425,Academic year,National,E92000001,England,,,,,,All EHC plans,All EHC plans,638745"
    file = DataFile("caseload.csv", f"{header}\n{row}\n".encode(), "text")
    assert read_data_file(file, own).rows_read == 1
    with pytest.raises(FileRefused, match="drop it in raw/inbox/published_statistics/") as refused:
        read_data_file(file, other)
    assert refused.value.rule_id == "FILE-009"
