"""What two releases tell differently, and why: the table of revisions, cause by cause."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.release.manifest import RevisionCount, read_manifest
from orchestration.release.revisions import family_revisions, read_revisions, revisions_of, write_revisions
from orchestration.settings import Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)

OPEN_DATABASE = """
create schema {database}.kpi;
create schema {database}.meta;
create table {database}.kpi.kpi_catalogue (
    kpi_id varchar, title varchar, family varchar, definition varchar, numerator varchar, denominator varchar, unit varchar,
    source_return varchar
);
insert into {database}.kpi.kpi_catalogue values
    ('waiting', 'Children waiting', 'therapy_waits', 'Waiting at month end.', 'Waiting', null, 'count', 'Waiting list extract'),
    ('waiting_with_plan', 'With a plan', 'therapy_waits', 'Of these with a plan.', 'With', null, 'count',
     'Waiting list extract; Plans'),
    ('requests', 'Requests', 'ehcp_process', 'Requests in the year.', 'Requests', null, 'count', 'Plans');
create table {database}.kpi.kpi_value (
    kpi_value_key varchar, kpi_id varchar, area_level varchar, area_code varchar, area_name varchar, time_identifier varchar,
    time_period varchar, breakdown_topic varchar, breakdown varchar, numerator decimal(18, 4), denominator decimal(18, 4),
    value decimal(18, 4), unit varchar, value_label varchar, symbol varchar, value_basis varchar, submission_id varchar
);
create table {database}.meta.release (code_version varchar, catalogue_digest varchar);
insert into {database}.meta.release values ('1.0', 'rules');
create table {database}.meta.submission (
    submission_id varchar, return_id varchar, period varchar, supplier varchar, is_current boolean, sha256 varchar
);
insert into {database}.meta.submission values
    ('october', 'waiting_list', '2025-10', 'trust.a', true, 'october'),
    ('november', 'waiting_list', '2025-11', 'trust.a', true, 'november'),
    ('plans', 'plans', '2025', 'authority', true, 'plans'),
    ('published', 'published_statistics', '2025', 'dfe.requests', true, 'published'),
    ('register', 'school_register', '2025-10', 'dfe', true, 'register');
"""
# (key, kpi, period, value, symbol, basis, submission)
VALUES = [
    ("oct", "waiting", "2025-10", 180, None, "local", "october"),
    ("nov", "waiting", "2025-11", 190, None, "local", "november"),
    ("oct few", "waiting", "2025-10", None, "c", "local", "october"),
    ("oct plan", "waiting_with_plan", "2025-10", 60, None, "local", "october"),
    ("2024 local", "requests", "2024", 959, None, "local", "plans"),
    ("2024 published", "requests", "2024", 960, None, "published", "published"),
]


class TwoReleases:
    """Two open databases that are alike until one is changed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        for database in ("before", "now"):
            connection.execute(f"attach ':memory:' as {database}")
            connection.execute(OPEN_DATABASE.format(database=database))
            for key, kpi, period, value, symbol, basis, submission in VALUES:
                self.tell(key, kpi, period, value, symbol, basis, submission, database=database)

    def tell(self, key: str, kpi: str, period: str, value: int | None, symbol: str | None = None, basis: str = "local",
             submission: str | None = None, *, database: str = "now") -> None:  # fmt: skip
        self.connection.execute(
            f"""
            insert into {database}.kpi.kpi_value
            values ($1, $2, 'local_authority', 'E08000018', 'Rotherham', 'Month', $3, 'Item', $1, null, null, $4, 'count', null,
                $5, $6, $7)
            """,
            [key, kpi, period, value, symbol, basis, submission],
        )

    def now(self, key: str, value: int | None, symbol: str | None = None, submission: str | None = None) -> None:
        self.connection.execute(
            "update now.kpi.kpi_value set value = ?, symbol = ?, submission_id = coalesce(?, submission_id)"
            " where kpi_value_key = ?",
            [value, symbol, submission, key],
        )

    def submitted(
        self,
        submission: str,
        return_id: str,
        period: str,
        supplier: str,
        replaces: str | None = None,
        sha256: str | None = None,
    ) -> None:
        self.connection.execute("update now.meta.submission set is_current = false where submission_id = ?", [replaces])
        self.connection.execute(
            "insert into now.meta.submission values (?, ?, ?, ?, true, ?)",
            [submission, return_id, period, supplier, sha256 or submission],
        )

    def revisions(self) -> dict[str, tuple[str, str]]:
        """Kind and cause by figure."""
        write_revisions(self.connection, database="now", before="before")
        rows = self.connection.execute("select kpi_value_key, kind, cause from now.meta.revision").fetchall()
        assert len({key for key, *_ in rows}) == len(rows)
        return {key: (kind, cause) for key, kind, cause in rows}


@pytest.fixture
def releases() -> Iterator[TwoReleases]:
    with duckdb.connect() as connection:
        yield TwoReleases(connection)


def test_two_releases_that_tell_the_same_revise_nothing(releases: TwoReleases) -> None:
    releases.submitted("december", "waiting_list", "2025-12", "trust.a")
    releases.tell("dec", "waiting", "2025-12", 200, submission="december")
    assert releases.revisions() == {}


def test_a_first_release_is_compared_with_itself_and_revises_nothing(releases: TwoReleases) -> None:
    write_revisions(releases.connection, database="now", before="now")
    assert releases.connection.execute("select count(*) from now.meta.revision").fetchall() == [(0,)]


def test_a_resubmission_is_the_cause_where_the_submission_behind_the_figure_replaced_one(releases: TwoReleases) -> None:
    releases.submitted("october again", "waiting_list", "2025-10", "trust.a", replaces="october")
    releases.now("oct", 187, submission="october again")
    releases.now("oct few", None, "c", "october again")
    releases.now("oct plan", 66, submission="october again")
    assert releases.revisions() == {"oct": ("changed", "resubmission"), "oct plan": ("changed", "resubmission")}


def test_a_figure_of_many_suppliers_is_revised_by_one_whose_submission_it_does_not_name(releases: TwoReleases) -> None:
    for database in ("before", "now"):
        releases.connection.execute(
            f"insert into {database}.meta.submission values ('other', 'waiting_list', '2025-10', 'trust.b', true, 'other')"
        )
    releases.submitted("other again", "waiting_list", "2025-10", "trust.b", replaces="other")
    releases.now("oct", 187)
    assert releases.revisions() == {"oct": ("changed", "resubmission")}


@pytest.mark.parametrize(
    ("period", "supplier", "tells"),
    [("2025-12", "trust.a", "a later period"), ("2025-10", "trust.b", "another file of the period")],
)
def test_a_late_recording_is_one_of_a_later_period_or_of_another_file(
    releases: TwoReleases, period: str, supplier: str, tells: str
) -> None:
    releases.submitted("late", "waiting_list", period, supplier)
    releases.now("oct", 187)
    releases.tell("oct more", "waiting", "2025-10", 7, submission="late")
    assert releases.revisions() == {
        "oct": ("changed", "late recording"),
        "oct more": ("appeared", "late recording"),
    }, tells


def test_what_is_new_of_another_period_is_no_cause_where_the_own_period_was_sent_again(releases: TwoReleases) -> None:
    releases.submitted("october again", "waiting_list", "2025-10", "trust.a", replaces="october")
    releases.submitted("december", "waiting_list", "2025-12", "trust.a")
    releases.now("oct", 187, submission="october again")
    releases.now("nov", 195)
    assert releases.revisions() == {
        "oct": ("changed", "resubmission"),
        "nov": ("changed", "resubmission; late recording"),
    }


def test_every_return_that_the_kpi_is_defined_by_counts(releases: TwoReleases) -> None:
    releases.submitted("october again", "waiting_list", "2025-10", "trust.a", replaces="october")
    releases.submitted("plans of 2026", "plans", "2026", "authority")
    releases.now("oct", 187, submission="october again")
    releases.now("oct plan", 66, submission="october again")
    assert releases.revisions() == {
        "oct": ("changed", "resubmission"),
        "oct plan": ("changed", "resubmission; late recording"),
    }


def test_a_published_figure_is_revised_by_its_publisher(releases: TwoReleases) -> None:
    releases.submitted("published again", "published_statistics", "2026", "dfe.requests")
    releases.now("2024 published", 962, submission="published again")
    releases.now("2024 local", None, "c")
    assert releases.revisions() == {
        "2024 published": ("changed", "publisher's revision"),
        "2024 local": ("newly suppressed", "another return"),
    }


@pytest.mark.parametrize("column", ["code_version", "catalogue_digest"])
def test_a_change_of_method_is_the_cause_where_no_submission_is(releases: TwoReleases, column: str) -> None:
    releases.connection.execute(f"update now.meta.release set {column} = 'another'")
    releases.submitted("october again", "waiting_list", "2025-10", "trust.a", replaces="october")
    releases.now("oct", 187, submission="october again")
    releases.now("2024 local", 970)
    assert releases.revisions() == {"oct": ("changed", "resubmission"), "2024 local": ("changed", "method")}


def test_a_kpi_defined_anew_is_a_change_of_method_beside_a_resubmission(releases: TwoReleases) -> None:
    releases.connection.execute("update now.kpi.kpi_catalogue set definition = 'Otherwise.' where kpi_id = 'waiting'")
    releases.submitted("october again", "waiting_list", "2025-10", "trust.a", replaces="october")
    releases.now("oct", 187, submission="october again")
    releases.now("nov", 195)
    assert releases.revisions() == {
        "oct": ("changed", "resubmission; method"),
        "nov": ("changed", "resubmission; method"),
    }


def test_what_no_return_of_the_kpi_and_no_method_explains_is_not_guessed(releases: TwoReleases) -> None:
    releases.submitted("register again", "school_register", "2025-10", "dfe", replaces="register")
    releases.now("oct", 187)
    assert releases.revisions() == {"oct": ("changed", "another return")}


def test_without_anything_new_figures_move_by_disclosure_control_or_a_setting(releases: TwoReleases) -> None:
    releases.now("oct", None, "c")
    releases.now("oct few", 7)
    releases.now("nov", 195)
    assert releases.revisions() == {
        "oct": ("newly suppressed", "disclosure control"),
        "oct few": ("newly shown", "disclosure control"),
        "nov": ("changed", "other"),
    }


def test_a_figure_that_is_gone_is_listed_and_a_new_period_is_not(releases: TwoReleases) -> None:
    releases.connection.execute("update now.meta.release set code_version = '2.0'")
    releases.connection.execute("delete from now.kpi.kpi_value where kpi_value_key = 'nov'")
    releases.tell("dec", "waiting", "2025-12", 200)
    releases.tell("nov other", "waiting", "2025-11", 40)
    assert releases.revisions() == {"nov": ("disappeared", "method")} | {"nov other": ("appeared", "method")}


def test_a_submission_that_was_itself_replaced_before_the_release_is_no_cause(releases: TwoReleases) -> None:
    releases.submitted("december", "waiting_list", "2025-12", "trust.a")
    releases.submitted("december again", "waiting_list", "2025-12", "trust.a", replaces="december")
    releases.now("oct", 187)
    assert releases.revisions() == {"oct": ("changed", "late recording")}


def test_no_number_of_a_figure_newly_suppressed_is_repeated(releases: TwoReleases) -> None:
    releases.now("oct", None, "c")
    releases.now("oct few", 7)
    releases.now("nov", 195)
    releases.revisions()
    rows = releases.connection.execute(
        "select kpi_value_key, old_value, old_symbol, new_value, new_symbol from now.meta.revision order by all"
    ).fetchall()
    assert rows == [
        ("nov", Decimal(190), None, Decimal(195), None),
        ("oct", None, None, None, "c"),
        ("oct few", None, "c", Decimal(7), None),
    ]
    shown = [(one.breakdown, one.old, one.new) for one in read_revisions(releases.connection, "now")]
    assert sorted(shown) == [("nov", "190", "195"), ("oct", "shown", "c"), ("oct few", "c", "7")]
    assert [(one.cause, one.family, one.changed, one.newly_suppressed, one.newly_shown)
            for one in family_revisions(releases.connection, "now")] == [
        ("disclosure control", "therapy_waits", 0, 1, 1),
        ("other", "therapy_waits", 1, 0, 0),
    ]  # fmt: skip


def test_totals_come_first_and_then_what_moved_most_for_its_size(releases: TwoReleases) -> None:
    releases.connection.execute("update now.kpi.kpi_value set breakdown_topic = 'Total' where kpi_id = 'requests'")
    for key, value in (
        ("2024 published", 480),
        ("2024 local", 960),
        ("nov", 195),
        ("oct", 90),
        ("oct plan", 20),
        ("oct few", 7),
    ):
        releases.now(key, value)
    write_revisions(releases.connection, database="now", before="before")
    assert [one.breakdown for one in read_revisions(releases.connection, "now")] == [
        *("2024 local", "2024 published", "oct plan", "oct", "nov", "oct few")
    ]


def test_no_number_of_an_own_figure_that_is_gone_is_repeated_beside_the_coarser_one_in_its_place(
    releases: TwoReleases,
) -> None:
    releases.tell("of dfe", "waiting", "2025-11", 13, basis="published", database="before")
    releases.connection.execute("delete from now.kpi.kpi_value where kpi_value_key in ('nov', 'oct few')")
    assert releases.revisions()["nov"][0] == "disappeared"
    rows = releases.connection.execute(
        "select kpi_value_key, old_value, old_symbol from now.meta.revision where kind = 'disappeared' order by all"
    ).fetchall()
    assert rows == [("nov", None, None), ("oct few", None, None), ("of dfe", Decimal(13), None)]
    shown = {one.breakdown: one.old for one in read_revisions(releases.connection, "now")}
    assert shown == {"nov": "told of", "oct few": "told of", "of dfe": "13"}


def test_a_file_read_again_under_other_rules_is_no_resubmission(releases: TwoReleases) -> None:
    releases.connection.execute("update now.meta.release set catalogue_digest = 'stricter rules'")
    releases.connection.execute("delete from now.meta.submission where submission_id = 'october'")
    releases.submitted("read again", "waiting_list", "2025-10", "trust.a", sha256="october")
    releases.now("oct", 200, submission="read again")
    assert releases.revisions()["oct"] == ("changed", "method")


# --- releases -----------------------------------------------------------------------------------------------------


def published_again(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The publisher sends its file again, with another number of requests."""
    warehouse.execute(
        """
        update control.submission set is_current = false where submission_id = 's2';
        insert into control.submission
        select * replace ('s4' as submission_id, 's2' as supersedes, true as is_current, 'dd44' as sha256)
        from control.submission where submission_id = 's2';
        update kpi.kpi_value set submission_id = 's4';
        update kpi.kpi_value set value = 960 where kpi_value_key = '1';
        """
    )


def test_a_release_says_what_it_revises_everywhere(
    publish_at: Any,
    approval_settings: Settings,
    warehouse: duckdb.DuckDBPyConnection,
    release_command: Callable[..., str],
) -> None:
    first = publish_at(MONDAY)
    assert revisions_of(first.folder) == []
    assert "first release: there is nothing to compare" in (first.folder / "evidence/index.html").read_text()
    assert "is a first release" in release_command("revisions")

    published_again(warehouse)
    second = publish_at(TUESDAY, settings=approval_settings)
    assert f"It revises 1 figure of {first.release_id}" in second.message
    [revision] = revisions_of(second.folder)
    assert (revision.kpi_id, revision.old, revision.new, revision.kind, revision.cause) == (
        "ehc_requests", "959", "960", "changed", "publisher's revision"
    )  # fmt: skip
    revised = read_manifest(second.folder).revisions
    assert revised is not None
    assert revised.counts == [RevisionCount(kind="changed", cause="publisher's revision", figures=1)]
    page = (second.folder / "evidence/index.html").read_text()
    assert "What changed since the last release" in page and "<td>publisher&#39;s revision</td>" in page
    told = json.loads(release_command("revisions", second.release_id, "--json"))
    assert told["previous_release"] == first.release_id
    assert [(one["old"], one["new"]) for one in told["revisions"]] == [("959", "960")]
    assert "publisher's revision" in release_command("revisions", second.release_id)

    assert publish_at(WEDNESDAY, settings=approval_settings).release_id == second.release_id


def test_new_code_that_changes_no_figure_makes_a_release_that_revises_none(publish_at: Any) -> None:
    first = publish_at(MONDAY)
    second = publish_at(TUESDAY, code_version="2.0")
    assert second.release_id != first.release_id
    assert revisions_of(second.folder) == []
    assert (
        f"No figure that release {first.release_id} told of changed"
        in (second.folder / "evidence/index.html").read_text()
    )
