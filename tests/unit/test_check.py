"""What a data officer hears of a file before sending it, without a store and without a name."""

from pathlib import Path

from orchestration.check import check_files
from orchestration.settings import Settings
from tests.invented_return import ada, header, people, write_collect_export, xml_text


def test_a_return_is_known_by_its_content_whatever_its_name(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "export of today.txt"
    path.write_text(xml_text(header(), people()))
    [checked] = check_files(settings, [path], None).checked
    assert (checked.status, checked.supplier, checked.period, checked.rows_read) == ("accepted", "la.372", "2025", 19)
    assert not settings.store.exists()
    assert not settings.key_file.exists()


def test_what_is_wrong_is_told_by_place_and_rule_never_by_value(settings: Settings, tmp_path: Path) -> None:
    girl = ada()
    girl.within[0].fields["ReceivedDate"] = "Zzsoon"
    path = tmp_path / "r.xml"
    path.write_text(xml_text(header(), [girl, *people(), *people()]))
    report = check_files(settings, [path], None)
    assert report.exit_code == 1
    told = str(report.as_json())
    assert "RF-009" in told
    assert "zz" not in told.lower()


def test_files_of_one_set_are_checked_together_and_a_missing_one_is_named(settings: Settings, tmp_path: Path) -> None:
    paths = write_collect_export(tmp_path, header(), people())
    [checked] = check_files(settings, paths, None).checked
    assert (checked.status, checked.rows_read, len(checked.files)) == ("accepted", 19, 9)
    report = check_files(settings, [path for path in paths if "senneed" not in path.name], None)
    assert (report.checked, report.exit_code) == ([], 2)
    assert report.as_json()["incomplete"][0]["missing"] == ["senneed"]
