"""The report as people and programs get it: a page, a terminal, JSON."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from orchestration.check.page import PLACES_A_RULE, opened, render_page, worklist
from orchestration.check.report import SCHEMA_PATH, CheckReport, Location, schema_text
from orchestration.check.terminal import PLACES_SHOWN, print_report
from tests.unit.check.conftest import SENTINELS

_VOID = {"meta", "input", "br", "link", "img"}


class _Page(HTMLParser):
    """A page taken apart; a tag that is closed in the wrong place is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.captions = 0
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def _printed(report: CheckReport, width: int = 80, **console: Any) -> str:
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=width, highlight=False, **console))
    return stream.getvalue()


def test_the_page_is_well_formed_and_can_be_read_by_everyone(report: CheckReport) -> None:
    page = _Page(render_page(report))
    assert page.all("html") == [{"lang": "en-GB"}]
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table")) > 5
    assert all(heading.get("scope") in {"col", "row"} for heading in page.all("th"))
    boxes = [field for field in page.all("input") if field.get("type") == "checkbox" and "id" not in field]
    assert boxes
    assert all(box.get("aria-label") for box in boxes)
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {str(link["href"]).removeprefix("#") for link in page.all("a")} <= targets
    assert len(targets) == sum("id" in attributes for _, attributes in page.tags)


def test_nothing_can_leave_the_page(report: CheckReport) -> None:
    text = render_page(report)
    page = _Page(text)
    assert "://" not in text
    assert not {"link", "img", "iframe", "form", "object"} & {name for name, _ in page.tags}
    assert not any("src" in attributes or "style" in attributes for _, attributes in page.tags)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    [policy] = [str(meta["content"]) for meta in page.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_page_says_what_to_do_and_where(report: CheckReport) -> None:
    words = " ".join(" ".join(_Page(render_page(report)).words).split())
    assert "Can be used; 9 of 47 rows would be set aside" in words
    assert "Correct the date or number in the case system" in words
    assert "Requests, line 8" in words
    assert "Person[1]/Requests[1]" in words


@pytest.mark.parametrize("show", [False, True])
def test_the_page_names_a_child_only_when_asked_and_then_says_so(
    report: CheckReport, naming_report: CheckReport, show: bool
) -> None:
    text = render_page(naming_report if show else report).lower()
    found = {sentinel for sentinel in SENTINELS if sentinel in text}
    assert found <= {*SENTINELS[:8]}
    assert ({"zzlovelace", "adaxia", "e372400021001"} <= found) is show
    assert bool(found) is show
    assert ("holds personal data" in text) is show


HOSTILE_NAME = "<img src=x onerror=alert(1)>'\"[red]\x1b[31m\u202e.xml"


def test_hostile_text_is_shown_and_never_obeyed(naming_report: CheckReport) -> None:
    [file] = naming_report.files
    evil = [replace(one, identifiers={"surname": "</td><script>alert(1)</script>"}) for one in file.rules[0].locations]
    rules = [replace(file.rules[0], locations=evil), *file.rules[1:]]
    shaped = replace(naming_report, files=[replace(file, name=HOSTILE_NAME, rules=rules)])
    page = _Page(render_page(shaped))
    assert len(page.all("script")) == 1
    assert page.all("img") == page.all("b") == []
    assert HOSTILE_NAME in "".join(page.words)
    printed = _printed(shaped, force_terminal=True)
    assert "\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}" not in printed
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in printed
    assert "[red]\N{REPLACEMENT CHARACTER}[31m" in re.sub(r"\x1b\[[\d;]*m", "", printed).replace("\n", "")


def test_many_places_are_cut_on_the_page_and_counted_truly(report: CheckReport) -> None:
    [file] = report.files
    many = [Location(file="return.xml", table="t", module="Requests", row=row) for row in range(1, 1501)]
    crowded = replace(file, rules=[replace(file.rules[0], failing=1500, locations=many)])
    text = render_page(replace(report, files=[crowded]))
    assert f"the first {PLACES_A_RULE} of 1,500" in text
    assert text.count('data-place="1|RF-009|') == 2 * PLACES_A_RULE  # by rule, and in the worklist
    assert "row 1500" not in text
    assert (
        json.loads(replace(report, files=[crowded]).as_json())["files"][0]["rules"][0]["locations"][-1]["row"] == 1500
    )


def test_the_worklist_goes_through_the_file_record_by_record(report: CheckReport) -> None:
    [file] = report.files
    order = [table.table for table in file.tables]
    places = [(location.table, location.row or 0) for location, _ in worklist(file) if location.row is not None]
    assert places == sorted(places, key=lambda place: (order.index(place[0]), place[1]))
    assert len(worklist(file)) == sum(rule.failing for rule in file.rules)


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_gives_the_verdict_first_and_fits(report: CheckReport, width: int) -> None:
    printed = _printed(report, width)
    lines = printed.splitlines()
    assert lines[0] == "Can be used; 9 of 47 rows would be set aside: return.xml"
    assert max(map(len, lines)) <= width
    assert "\x1b" not in printed
    assert printed.index("Errors: to be corrected") < printed.index("RF-009") < printed.index("Queries:")
    assert "and 3 more" in " ".join(printed.split())
    assert PLACES_SHOWN == 5
    assert not [sentinel for sentinel in SENTINELS if sentinel in printed.lower()]


def test_the_terminal_names_no_child_even_in_a_report_that_does(naming_report: CheckReport) -> None:
    printed = _printed(naming_report).lower()
    assert not [sentinel for sentinel in SENTINELS if sentinel in printed]


def test_the_json_is_as_its_schema_says(report: CheckReport) -> None:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    content = json.loads(report.as_json())
    jsonschema.validate(content, schema)
    assert list(content) == schema["required"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"exit_code": "none"}, schema)
    described = [
        (model, name, field)
        for model, definition in schema["$defs"].items()
        for name, field in definition["properties"].items()
    ]
    assert [(model, name) for model, name, field in described if not field.get("description")] == []


def test_the_schema_is_that_of_the_code() -> None:
    # After a change of the report: SCHEMA_PATH.write_text(schema_text()), and a higher SCHEMA_VERSION if a key is lost.
    assert SCHEMA_PATH.read_text(encoding="utf-8") == schema_text()


def test_every_failing_row_is_in_the_json(report: CheckReport) -> None:
    for rule in json.loads(report.as_json())["files"][0]["rules"]:
        assert len(rule["locations"]) == rule["failing"]


def test_a_report_with_names_is_its_owners_alone_even_over_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("an earlier one")
    path.chmod(0o644)
    with opened(path, private=True) as stream:
        stream.write("names")
    assert (path.stat().st_mode & 0o777, path.read_text()) == (0o600, "names")


def test_a_report_that_breaks_half_way_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("an earlier one")
    with pytest.raises(ZeroDivisionError), opened(path, private=True) as stream:
        stream.write("half")
        stream.write(str(1 // 0))
    assert path.read_text() == "an earlier one"
    assert list(tmp_path.iterdir()) == [path]
