"""The glossary: every word a reader meets has an entry, once, with where its figures come from and when they arrived."""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from orchestration.release.glossary import KINDS, READERS_KINDS, Entry, load_terms, read_glossary, write_glossary
from orchestration.release.portal.site import TEMPLATES
from orchestration.returns.kpis import local_return_ids, seed_rows
from orchestration.returns.spec import load_spec, return_ids
from orchestration.rows import named_rows
from orchestration.settings import PROJECT_DIR, Settings
from tests.abbreviations import headings, unexplained

SEEDS = PROJECT_DIR / "dbt_project" / "seeds"
WORDS_OF_A_KPI = (
    *("title", "definition", "numerator", "denominator", "source_return", "breakdowns", "statutory_basis", "caveats"),
    *("published_comparator", "target", "owner_role"),
)
# Seeds that name the items figures are broken down by, and the columns with the names.
ITEMS = {
    "need_type": ("need_code", "need_name"),
    "placement_category": ("dsg_category_name",),
    "placement_line": ("placement_line_name", "placement_group_name"),
    "service_line": ("service_line_name", "therapy_line_name"),
    "s251_line": ("line_label",),
    "sen_provision": ("sen_provision_name",),
    "kpi_breakdown_topic": ("breakdown_topic",),
    "kpi_census_item": ("breakdown",),
}


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def glossary(
    tmp_path_factory: pytest.TempPathFactory, new_warehouse: Any
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[dict[str, Any]]]]:
    """A warehouse with `release.meta.glossary` made of it, and its rows."""
    settings = Settings(store=tmp_path_factory.mktemp("glossary") / "store")
    with new_warehouse(settings) as connection:
        connection.execute(
            """
            update kpi_open.kpi_catalogue set caveats = 'Of SEMH and of ASDs.' where kpi_id = 'plans_20_weeks_pct';
            update kpi_open.kpi_catalogue set source_return = 'SEN2; School census' where kpi_id = 'plans_20_weeks_pct';
            update kpi_open.kpi_value set submission_id = 's1' where kpi_id = 'plans_20_weeks_pct';
            update control.submission set received_at = '2026-02-27 23:00' where submission_id = 's1';
            delete from kpi_open.kpi_value where kpi_id = 'therapy_waiting';
            update kpi_open.kpi_value set breakdown_topic = 'Total', breakdown = 'Total' where breakdown_topic is null;
            create table kpi_open.kpi_other (value decimal(18, 4), ehc_requests integer, area_code varchar);
            comment on column kpi_open.kpi_other.value is 'The KPI''s value; NULL beside a symbol.';
            comment on column kpi_open.kpi_other.ehc_requests is 'Requests for assessment (count).';
            attach ':memory:' as release;
            create schema release.meta;
            create table release.meta.source (
                publisher varchar, dataset varchar, release_names varchar, licence varchar, last_received date
            );
            insert into release.meta.source values ('DfE', 'EHC plans', 'EHC plans 2025', 'Open', '2026-03-01');
            """
        )
        write_glossary(connection, '"release"."meta"."glossary"', sources='"release"."meta"."source"')
        yield connection, named_rows(connection.execute("from release.meta.glossary"))


def of(glossary: tuple[Any, list[dict[str, Any]]], kind: str, term: str) -> dict[str, Any]:
    [row] = [row for row in glossary[1] if (row["kind"], row["term"]) == (kind, term)]
    return row


def test_a_kpi_has_its_definition_its_sources_and_the_day_its_latest_figure_arrived(glossary: Any) -> None:
    assert of(glossary, "KPI", "New plans issued in 20 weeks") == {
        "term": "New plans issued in 20 weeks",
        "kind": "KPI",
        "definition": "Share without exceptions.",
        "source": "kpi_catalogue: plans_20_weeks_pct",
        "figures_from": "SEN2; School census; published: Department for Education",
        "last_refreshed": date(2026, 2, 27),
        "see_also": "20 weeks; SEN2",
    }
    without_figures = of(glossary, "KPI", "Children waiting")
    assert (without_figures["figures_from"], without_figures["last_refreshed"]) == (
        "Therapy waiting list extract; SEN2",
        None,
    )


def test_an_abbreviation_names_the_kpis_that_use_it_singular_or_plural_and_what_they_come_from(glossary: Any) -> None:
    for term in ("SEMH", "ASD"):
        entry = of(glossary, "abbreviation", term)
        assert (entry["figures_from"], entry["last_refreshed"]) == ("SEN2; School census", date(2026, 2, 27))
    assert of(glossary, "abbreviation", "DSG")["last_refreshed"] is None
    assert of(glossary, "term", "20 weeks")["see_also"] == "New plans issued in 20 weeks"


def test_a_source_has_its_supplier_and_the_day_it_last_arrived(glossary: Any) -> None:
    published = of(glossary, "data source", "Published statistics")
    assert published["figures_from"].startswith("Department for Education, NHS England")
    assert published["last_refreshed"] == date(2026, 3, 1)
    assert of(glossary, "data source", "School census")["last_refreshed"] is None
    assert of(glossary, "data source", "EHC plans")["last_refreshed"] == date(2026, 3, 1)


def test_reasons_and_breakdowns_stand_beside_the_terms(glossary: Any) -> None:
    assert of(glossary, "reason", "Plan had <ceased>")["definition"] == "The census alone has it."
    assert of(glossary, "breakdown", "Sex")["definition"] == "Figures shown apart for: Female."
    item = of(glossary, "breakdown item", "Female")
    assert (item["definition"], item["figures_from"], item["see_also"]) == (
        "Figures are shown apart for it by: Sex.",
        "SEN2",
        "Requests for assessment",
    )
    assert not [row for row in glossary[1] if row["term"] == "Total" and row["kind"].startswith("breakdown")]


def test_a_column_that_tables_repeat_is_one_row_and_a_column_named_after_a_kpi_is_the_kpi(glossary: Any) -> None:
    assert of(glossary, "KPI column", "value")["source"] == "column of kpi_other, kpi_value"
    assert not [row for row in glossary[1] if row["term"] == "ehc_requests"]
    names = Counter((row["kind"], row["term"], row["definition"]) for row in glossary[1])
    assert [name for name, rows in names.items() if rows > 1] == []


def test_every_code_and_column_of_every_return_has_an_entry(glossary: Any) -> None:
    told = {(row["kind"], row["term"]) for row in glossary[1]}
    specs = [load_spec(return_id) for return_id in return_ids()]
    labels = {label for spec in specs for code_set in spec.codes.values() for label in code_set.codes.values()}
    columns = {name for spec in specs for table in spec.tables.values() for name in table.columns}
    assert {("code", label) for label in labels} | {("return column", name) for name in columns} <= told
    assert of(glossary, "code", "Moderate learning difficulty")["definition"].startswith("In returns: code MLD of ")


def test_every_row_says_its_kind_its_meaning_and_where_that_is_stated(glossary: Any) -> None:
    assert {row["kind"] for row in glossary[1]} == set(KINDS)
    assert [row for row in glossary[1] if not (row["term"] and row["definition"] and row["source"])] == []


def test_the_page_shows_what_every_reader_meets_a_to_z(glossary: Any) -> None:
    letters = read_glossary(glossary[0], "release")
    assert list(letters) == sorted(letters)
    assert [entry["term"] for entry in letters["0-9"]] == ["18 weeks", "20 weeks"]
    shown = {(entry["kind"], entry["term"]) for entries in letters.values() for entry in entries}
    assert {kind for kind, _ in shown} == set(READERS_KINDS)
    assert len(shown) == len([row for row in glossary[1] if row["kind"] in READERS_KINDS])


def test_an_entry_is_there_once_and_what_it_points_to_is_there() -> None:
    for entries in load_terms().by_kind.values():
        assert [entry.term for entry in entries] == list(dict.fromkeys(entry.term for entry in entries))
    terms = {entry.term for entries in load_terms().by_kind.values() for entry in entries}
    assert {name for entries in load_terms().by_kind.values() for entry in entries for name in entry.see} <= terms


def test_what_an_abbreviation_stands_for_begins_its_definition() -> None:
    entry = Entry.model_validate({"term": "SEN", "for": "special needs", "means": "Help.", "source": "Law"})
    assert entry.definition == "Special needs. Help."


def test_every_abbreviation_of_the_catalogue_the_items_and_the_page_is_explained() -> None:
    texts = {
        **{
            f"{row['kpi_id']}.{column}": row.get(column)
            for row in [*seed("kpi_definition"), *seed_rows(local_return_ids())["kpi_definition"]]
            for column in WORDS_OF_A_KPI
        },
        **{
            f"{name} {number}.{column}": row[column]
            for name, columns in ITEMS.items()
            for number, row in enumerate(seed(name), 1)
            for column in columns
        },
        **headings("".join(page.read_text(encoding="utf-8") for page in sorted(TEMPLATES.glob("*.j2")))),
    }
    assert len(texts) > 500
    explained = {entry.term for entry in load_terms().abbreviations}
    assert unexplained(texts, explained) == {}, "add what is missing to orchestration/release/glossary.yaml"


def test_every_source_that_a_kpi_names_is_explained() -> None:
    named = {source for row in seed("kpi_definition") for source in row["source_return"].split("; ")}
    titles = {load_spec(return_id).title for return_id in return_ids()}
    known = {entry.term for entry in load_terms().data_sources} | {title[0].upper() + title[1:] for title in titles}
    assert named - known == set()


def test_an_abbreviation_without_an_entry_is_found_with_its_place() -> None:
    texts = {"a": "Plans of the DSG, PRUs and SEN2 by DfE", "b": "XYZ by s251 and xyz", "c": None}
    assert unexplained(texts, {"DSG", "PRU"}) == {"SEN2": "a", "DfE": "a", "XYZ": "b", "s251": "b"}
    page = '<h2 id="x">{% if a %}The QQ{% endif %}</h2><p>RR</p><th scope="col">SS {{ TT }}</th>'
    assert [text.split() for text in headings(page).values()] == [["The", "QQ"], ["SS"]]
