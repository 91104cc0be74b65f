"""The page as a whole, and the command."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from orchestration import cli
from orchestration.errors import CornerstoneError
from orchestration.figures.boards import load_boards
from orchestration.packs.pack import make_pack
from tests.unit.figures.conftest import RELEASE, Store

VOID = {"meta", "br", "link", "img", "input", "hr"}


class _Page(HTMLParser):
    """What a page is made of: elements with their attributes, headings, and whether every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _run(monkeypatch: pytest.MonkeyPatch, store: Store, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cornerstone", "pack", *arguments])
    monkeypatch.setenv("CORNERSTONE_STORE", str(store.settings.store))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_the_pack_states_the_rules_by_which_the_control_charts_are_made(store: Store) -> None:
    rules = (store.settings.dbt_project_dir / "macros/control_chart.sql").read_text(encoding="utf-8")
    said = {8: "eight", 6: "six"}
    run, trend = (
        said[int(re.findall(rf"macro control_{name}_length\(\) -%}}\s+(\d+)", rules)[0])] for name in ("run", "trend")
    )
    page = make_pack(store.settings, "sufficiency").page
    assert f"unless {run} in a row lie on one side of the mean or {trend} in a row rise or fall" in page


@pytest.mark.parametrize("board", load_boards().boards)
def test_every_board_gets_a_sound_page_of_its_release(store: Store, board: str) -> None:
    pack = make_pack(store.settings, board)
    page = _Page(pack.page)
    assert page.open == []
    assert ("html", {"lang": "en-GB"}) in page.elements
    assert RELEASE in pack.page
    assert pack.page.count("<h1>") == 1
    assert "nobody in this pack exists" in pack.page
    assert "Contains public sector information licensed under the Open Government Licence v3.0." in pack.page
    assert pack.page.count("<article ") == pack.figures == len(load_boards().named(board).figures)
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert {str(link).removeprefix("#") for link in links} <= set(ids)


def test_nothing_leaves_the_page_and_nothing_runs_in_it(store: Store) -> None:
    page = make_pack(store.settings, "executive").page
    elements = _Page(page).elements
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in elements}
    assert not any(name in attributes for _, attributes in elements for name in ("src", "onload", "style", "srcset"))
    assert all(
        str(value).startswith("#") for _, attributes in elements for name, value in attributes.items() if "href" in name
    )
    assert "http" not in re.sub(r'<meta http-equiv="[^"]*"', "", page)
    [policy] = [attributes["content"] for _, attributes in elements if attributes.get("http-equiv")]
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")


def test_every_chart_has_words_and_a_table(store: Store) -> None:
    page = make_pack(store.settings, "executive").page
    pictures = [attributes for _, attributes in _Page(page).elements if attributes.get("role") == "img"]
    assert pictures
    assert all(re.match(r"(Line|Bar) chart: .+\d", str(attributes["aria-label"])) for attributes in pictures)
    assert page.count("<figure>") == page.count("<figcaption>") == len(pictures)
    for article in page.split("<article ")[1:]:
        assert article.count("<figure>") <= article.count("<table")


def test_texts_of_the_release_are_escaped(store: Store) -> None:
    page = make_pack(store.settings, "executive").page
    assert "Plans &lt;b&gt;within&lt;/b&gt; 20 weeks" in page
    assert "&lt;not&gt; counted yet" in page
    assert "Plans &amp; &lt;places&gt;" in page
    assert "<b>" not in page
    assert "<not>" not in page


def test_there_is_room_for_the_commentary_of_who_answers(store: Store) -> None:
    page = make_pack(store.settings, "executive").page
    assert "Commentary (Head of SEND):" in page
    assert "Commentary (Data owner):" in page


def test_words_are_explained_where_they_are_used(store: Store) -> None:
    page = make_pack(store.settings, "executive").page
    assert "<dt>EHC</dt><dd>Education, health and care.</dd>" in page
    assert "<dt>CAMHS</dt>" in page
    assert "<dt>Statutory</dt>" in page
    assert "<dt>GIAS</dt>" not in page
    assert "<dt>waiting</dt>" not in page


def test_a_release_that_waits_for_approval_is_a_draft(store: Store) -> None:
    assert "Draft: this release waits" not in make_pack(store.settings, "executive").page
    store.publish(status="pending")
    assert "Draft: this release waits" in make_pack(store.settings, "executive").page


def test_real_people_are_not_called_invented(store: Store) -> None:
    store.publish("update meta.release set people = 'real people'")
    assert "invented" not in make_pack(store.settings, "executive").page.replace("Invented Borough", "")


def test_another_release_can_be_asked_for(store: Store) -> None:
    other = "20260401T120000Z-22222222"
    store.publish("update kpi.kpi_value set value = 91 where kpi_value_key = 'w25'", release_id=other)
    assert make_pack(store.settings, "executive").release_id == other
    assert ">79.4%<" in make_pack(store.settings, "executive", release_id=RELEASE).page


def test_tables_that_are_not_what_was_published_are_not_shown(store: Store) -> None:
    database = store.settings.releases_dir / RELEASE / "open" / "send_kpis.duckdb"
    database.write_bytes(database.read_bytes() + b"x")
    with pytest.raises(CornerstoneError, match="is not what was published"):
        make_pack(store.settings, "executive")


def test_tables_that_protect_less_than_a_board_needs_are_not_shown(store: Store) -> None:
    store.publish(threshold=3)
    with pytest.raises(CornerstoneError, match="protect small numbers less"):
        make_pack(store.settings, "executive")


def test_tables_that_lack_a_column_say_so_in_one_sentence(store: Store) -> None:
    store.publish("alter table kpi.kpi_value drop column coverage_note")
    with pytest.raises(CornerstoneError, match="lack what a pack shows"):
        make_pack(store.settings, "executive")


def test_the_command_writes_the_page_and_says_what_is_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "pack.html"
    assert _run(monkeypatch, store, "--board", "executive", "--period", "2025", "--out", str(out), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["board"], told["release_id"], told["path"]) == ("executive", RELEASE, str(out))
    assert told["period"] == "up to the end of calendar year 2025"
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--board", "cabinet"],
            "There is no board 'cabinet'; choose one of sufficiency, executive, scrutiny, safety-valve.",
        ),
        (["--board", "executive", "--period", "soon"], "--period soon is no period"),
        (
            ["--board", "executive", "--period", "1999"],
            "holds no figure of the board for up to the end of calendar year 1999",
        ),
        (["--board", "executive", "--release", "none"], "There is no release 'none'"),
        (["--board", "executive", "--out", "pack.pdf"], "name a file that ends in .html"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    store: Store,
    tmp_path: Path,
    arguments: list[str],
    told: str,
) -> None:
    out = [] if "--out" in arguments else ["--out", str(tmp_path / "pack.html")]
    assert _run(monkeypatch, store, *arguments, *out) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert list(tmp_path.glob("*.html")) == []


def test_without_a_release_there_is_no_pack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store, tmp_path: Path
) -> None:
    store.settings.current_link.unlink()
    assert _run(monkeypatch, store, "--board", "executive", "--out", str(tmp_path / "pack.html")) == 2
    assert "There is no release yet; `cornerstone run` makes one." in capsys.readouterr().err
