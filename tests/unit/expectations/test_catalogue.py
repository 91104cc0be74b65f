"""The rule catalogue refuses whatever is not exactly right, because a misspelt key would weaken a gate in silence."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.catalogue import Catalogue, CatalogueError, load_catalogue

RULE = {
    "rule_id": "RULE-1",
    "table": "fct_waits",
    "level": "mart",
    "severity": "block",
    "label": "Nobody waits for ever.",
    "why": "It is long.",
    "owner": "Data engineer",
    "action": "Look.",
    "failing_rows": "select 1 as row where false",
}
LANDING_RULE = {**RULE, "level": "row", "effect": "quarantine"}


def load(folder: Path, *rules: dict[str, Any], **header: Any) -> Catalogue:
    content = {"return_id": "waits", "refuse_above_share": 0.5, "rules": list(rules), **header}
    (folder / "waits.yaml").write_text(yaml.safe_dump(content))
    return load_catalogue(folder)


def test_a_rule_is_read_as_written(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, {**RULE, "official_number": "W-7", "columns": ["weeks", "days"]}).rules
    assert rule.as_row() == {
        "rule_id": "RULE-1",
        "official_number": "W-7",
        "return_id": "waits",
        "table_name": "fct_waits",
        "level": "mart",
        "severity": "block",
        "effect": None,
        "label": "Nobody waits for ever.",
        "why": "It is long.",
        "owner": "Data engineer",
        "action": "Look.",
        "column_names": "weeks, days",
        "needs": None,
        "checked_by": "query",
        "failing_rows": "select 1 as row where false",
        "judged_rows": None,
    }
    assert rule.relation == "marts.fct_waits"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"severty": "warn"}, "unknown key severty"),
        ({"severity": "blok"}, "severity 'blok' is not one of block, warn, observe"),
        ({"level": "marts"}, "level 'marts' is not one of"),
        ({"effect": "flag"}, "only landing rules have an effect"),
        ({"judged_rows": " "}, "judged_rows must be a select"),
        ({"level": "row", "effect": "quarantine", "judged_rows": "select 1"}, "judged_rows are of rules about models"),
        ({"owner": " "}, "owner must be filled"),
        ({"failing_rows": ""}, "either failing_rows"),
        ({"raised_by": "reader"}, "either failing_rows"),
        ({"columns": "weeks"}, "columns must be a list"),
        ({"official_number": 7}, "official_number must be text"),
        ({"needs": "providers"}, "needs must be a list"),
        ({"needs": ["providers"]}, "only landing rules need other returns"),
    ],
)
def test_a_rule_with_a_mistake_is_refused_by_name(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CatalogueError, match=f"RULE-1.*{complaint}"):
        load(tmp_path, {**RULE, **change})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"effect": None}, "effect None is not one of refuse, quarantine, flag"),
        ({"effect": "flag"}, "severity block does not fit the effect flag"),
        ({"severity": "warn"}, "severity warn does not fit the effect quarantine"),
        ({"failing_rows": None, "raised_by": "reader", "effect": "flag", "severity": "warn"}, "not flag"),
    ],
)
def test_a_landing_rule_has_an_effect_that_fits_its_severity(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(CatalogueError, match=f"RULE-1.*{complaint}"):
        load(tmp_path, {**LANDING_RULE, **change})


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ({"refuse_above_share": 0.0}, "share above 0"),
        ({"refuse_above_share": 5}, "share above 0"),
        ({"return_id": None}, "return_id must be text"),
        ({"rules": []}, "at least one rule"),
        ({"owner": "x"}, "and nothing else"),
    ],
)
def test_a_file_with_a_wrong_header_is_refused(tmp_path: Path, header: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CatalogueError, match=complaint):
        load(tmp_path, RULE, **header)


def test_a_landing_rule_says_which_returns_it_compares_with(tmp_path: Path) -> None:
    others = {**LANDING_RULE, "rule_id": "RULE-2", "needs": ["registers", "providers"]}
    catalogue = load(tmp_path, LANDING_RULE, others, {**others, "rule_id": "RULE-3", "needs": ["providers"]})
    assert catalogue.needed_returns("waits") == ("providers", "registers")
    assert catalogue.needed_returns("another_return") == ()
    assert catalogue.rule("RULE-2").as_row()["needs"] == "registers, providers"


def test_a_second_file_of_a_return_keeps_its_share(tmp_path: Path) -> None:
    other = {"return_id": "waits", "rules": [{**RULE, "rule_id": "RULE-2"}]}
    (tmp_path / "waits_marts.yaml").write_text(yaml.safe_dump(other))
    assert load(tmp_path, RULE, refuse_above_share=0.25).refusing_share("waits") == 0.25
    (tmp_path / "waits_marts.yaml").write_text(yaml.safe_dump({**other, "refuse_above_share": 0.75}))
    with pytest.raises(CatalogueError, match="two refuse_above_share for waits"):
        load(tmp_path, RULE, refuse_above_share=0.25)


def test_two_rules_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="RULE-1 is in the catalogue twice"):
        load(tmp_path, RULE, RULE)


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="No rules file"):
        load_catalogue(tmp_path)


def test_text_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "waits.yaml").write_text("rules: [")
    with pytest.raises(CatalogueError, match=r"waits\.yaml is not valid YAML"):
        load_catalogue(tmp_path)


def test_the_digest_changes_with_any_rule_and_with_nothing_else(tmp_path: Path) -> None:
    first = load(tmp_path, RULE).digest
    assert load(tmp_path, RULE).digest == first
    assert load(tmp_path, {**RULE, "severity": "warn"}).digest != first


def test_rules_raised_by_the_reader_are_known_but_not_evaluated(tmp_path: Path) -> None:
    raised = {**LANDING_RULE, "rule_id": "RULE-2", "effect": "refuse", "raised_by": "reader"}
    del raised["failing_rows"]
    catalogue = load(tmp_path, LANDING_RULE, raised)
    assert [rule.rule_id for rule in catalogue.for_landing("waits")] == ["RULE-1"]
    assert catalogue.for_landing("another_return") == ()
    assert catalogue.rule("RULE-2").action == "Look."
    with pytest.raises(CatalogueError, match="No rule 'RULE-3'"):
        catalogue.rule("RULE-3")
