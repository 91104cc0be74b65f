"""What of an invented borough's folder is measured."""

from pathlib import Path

from orchestration.synthetic.deliveries import deliveries, one_school

FILES = {
    "sen2/2025/xml/old.xml": 9,
    "sen2/2026/xml/new.xml": 9,
    "school_census/2024-25/spring/collect_csv/a.csv": 9,
    "school_census/2024-25/spring/collect_csv/b.csv": 9,
    "school_census/2025-26/autumn/xml/a.xml": 9,
    "school_census/2025-26/spring/xml/a.xml": 9,
    "school_census/2025-26/summer/xml/a.xml": 9,
    "school_census/2025-26/summer/xml/b.xml": 5,
}


def test_deliveries_are_found_by_shape_and_the_smallest_school_is_late(tmp_path: Path) -> None:
    for name, size in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    found = [(one.return_id, one.is_xml, [path.name for path in one.files]) for one in deliveries(tmp_path)]
    assert found == [
        ("sen2", True, ["new.xml"]),
        ("school_census", True, ["a.xml"]),
        ("school_census", True, ["a.xml", "a.xml", "a.xml", "b.xml"]),
        ("school_census", False, ["a.csv", "b.csv"]),
    ]
    assert one_school(tmp_path).files == (tmp_path / "school_census/2025-26/summer/xml/b.xml",)


def test_of_plans_alone_only_plans_are_measured(tmp_path: Path) -> None:
    (tmp_path / "sen2/2026/xml").mkdir(parents=True)
    (tmp_path / "sen2/2026/xml/new.xml").touch()
    assert [one.title for one in deliveries(tmp_path)] == ["EHC plans return, XML"]
