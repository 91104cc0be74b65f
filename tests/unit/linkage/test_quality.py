"""Precision and recall of linkage against a truth, on cases worked by hand, and what is shown of them."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.catalogue import load_catalogue
from orchestration.linkage import quality
from orchestration.linkage.child_key import link_children
from orchestration.linkage.index import Likeness
from orchestration.linkage.quality import (
    ALL,
    OutcomeCount,
    Overlap,
    PairQuality,
    StrengthCount,
    WithinReturn,
    count_outcomes,
    count_overlaps,
    count_pairs,
    count_strengths,
    count_weights,
    find_founders,
    identify_rows,
    keep_truth,
    measure_links,
    measure_pairs,
    measure_thresholds,
    measure_within,
    read_quality,
    truth_path,
)
from orchestration.privacy.disclosure import UNPROTECTED, load_policy
from orchestration.privacy.vault import write_vault
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.conftest import vault_connection
from tests.invented_census import census, charles, marie, write_census_xml
from tests.invented_therapy import bridget, delivery, write_set
from tests.sentinel import scan

BOARD = load_policy().parameters_of("evidence")
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)

Told = tuple[str, int | None, str, str, int, list[str]]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def told(connection: duckdb.DuckDBPyConnection, *rows: Told) -> None:
    """Identities as `identify_rows` leaves them: return, person, key, strength, place of the first row, groups."""
    connection.execute(
        "create table told (return_id varchar, person bigint, child_key varchar, match_strength varchar, place integer,"
        " linked bigint, groups varchar[])"
    )
    for return_id, person, key, strength, place, groups in rows:
        connection.execute(
            "insert into told values (?, ?, ?, ?, ?, 1, ?)", [return_id, person, key, strength, place, groups]
        )


def found(pairs: list[PairQuality], group: str = ALL, strength: str = ALL, one: str = ALL) -> PairQuality:
    [it] = [pair for pair in pairs if (pair.group, pair.match_strength, pair.return_id) == (group, strength, one)]
    return it


def counts(pair: PairQuality) -> tuple[int | None, int, int, int | None]:
    return pair.true_pairs, pair.found_pairs, pair.right_pairs, pair.whole_pairs


def test_of_two_children_linked_rightly_both_pairs_are_true_found_and_right(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told(connection, *[(name, person, f"k{person}", "upn", 0, []) for name in "ab" for person in (1, 2)])
    pair = found(measure_pairs(connection), one="a")
    assert counts(pair) == (2, 2, 2, 2)
    assert (pair.precision, pair.recall, pair.other_return_id) == (1, 1, "b")


def test_twins_under_one_key_are_four_found_pairs_of_which_two_are_right(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told(connection, *[(name, person, "k", "name_birth_date", 0, ["twin"]) for name in "ab" for person in (1, 2)])
    pairs = measure_pairs(connection)
    assert counts(found(pairs)) == counts(found(pairs, group="twin")) == (2, 4, 2, 2)
    assert (found(pairs).precision, found(pairs).recall) == (0.5, 1)
    assert measure_within(connection) == [WithinReturn("a", 2, 0, 1, 0), WithinReturn("b", 2, 0, 1, 0)]


def test_a_child_whose_returns_share_no_key_is_a_true_pair_that_was_not_found(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told(connection, ("a", 3, "k3", "first_seen", 0, []), ("b", 3, "k4", "first_seen", 1, []))
    pair = found(measure_pairs(connection))
    assert counts(pair) == (1, 0, 0, 0)
    assert (pair.precision, pair.recall) == (None, 0)


def test_a_child_split_within_a_return_is_found_but_not_whole(connection: duckdb.DuckDBPyConnection) -> None:
    told(
        connection,
        ("a", 4, "k", "first_seen", 0, []),
        ("b", 4, "k", "upn", 1, []),
        ("b", 4, "other", "first_seen", 2, []),
    )
    assert counts(found(measure_pairs(connection))) == (1, 1, 1, 0)
    assert measure_within(connection) == [WithinReturn("a", 1, 0, 0, 0), WithinReturn("b", 1, 1, 0, 0)]


def test_two_strangers_under_one_key_are_a_found_pair_without_a_true_one(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told(connection, ("a", 5, "k", "first_seen", 0, []), ("b", 6, "k", "name_birth_date", 1, ["twin"]))
    pairs = measure_pairs(connection)
    assert counts(found(pairs)) == (0, 1, 0, 0)
    assert (found(pairs).precision, found(pairs).recall) == (0, None)
    assert counts(found(pairs, group="twin")) == (0, 1, 0, 0)


def test_many_rows_and_several_shared_keys_are_one_pair(connection: duckdb.DuckDBPyConnection) -> None:
    told(
        connection,
        *[(name, 7, key, "upn", place, []) for name in "ab" for key in ("k", "m") for place in range(3)],
    )
    assert counts(found(measure_pairs(connection))) == (1, 1, 1, 0)


def test_pairs_of_three_returns_are_counted_two_by_two_and_in_all(connection: duckdb.DuckDBPyConnection) -> None:
    told(
        connection,
        *[(name, 8, "k8", "upn", 0, []) for name in "abc"],
        ("a", 9, "k9", "upn", 0, []),
        ("c", 9, "lost", "first_seen", 1, []),
    )
    pairs = measure_pairs(connection)
    whole = [pair for pair in pairs if (pair.group, pair.match_strength) == (ALL, ALL)]
    assert [(pair.return_id, pair.other_return_id, *counts(pair)) for pair in whole] == [
        ("a", "b", 1, 1, 1, 1),
        ("a", "c", 2, 1, 1, 1),
        ("b", "c", 1, 1, 1, 1),
        (ALL, ALL, 4, 3, 3, 3),
    ]


def test_a_pair_is_in_a_group_where_all_that_one_return_says_of_the_child_is_so(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told(
        connection,
        # once misspelt, once not: the return tells the name rightly as well
        ("a", 1, "k1", "upn", 0, ["misspelt"]),
        ("a", 1, "k1", "upn", 1, []),
        ("b", 1, "k1", "upn", 2, []),
        # always misspelt in one of the returns
        ("a", 2, "k2", "upn", 0, []),
        ("b", 2, "k2", "first_seen", 1, ["misspelt", "no_upn"]),
        ("b", 2, "lost", "first_seen", 2, ["misspelt"]),
    )
    pairs = measure_pairs(connection)
    assert counts(found(pairs, group="misspelt")) == (1, 1, 1, 0)
    assert counts(found(pairs)) == (2, 2, 2, 1)
    assert counts(found(pairs, group="no_upn")) == (0, 0, 0, 0)


def test_a_found_pair_has_the_weaker_of_the_steps_by_which_the_returns_came_to_the_key(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told(
        connection,
        ("a", 1, "k1", "first_seen", 0, []),
        ("b", 1, "k1", "name_birth_date", 1, []),
        # later rows of the list are linked by what the first one made known
        ("b", 1, "k1", "nhs_number", 2, []),
        ("a", 2, "k2", "upn", 0, []),
        ("b", 2, "k2", "uln", 1, []),
        # of two keys the one with the stronger step
        ("b", 2, "m2", "name_birth_date", 1, []),
        ("a", 2, "m2", "first_seen", 0, []),
        ("a", 3, "k3", "first_seen", 0, []),
        ("b", 3, "k3", "a step unheard of", 1, []),
    )
    pairs = measure_pairs(connection)
    by_step = {pair.match_strength: pair for pair in pairs if pair.return_id == ALL and pair.match_strength != ALL}
    assert list(by_step) == ["uln", "name_birth_date", "a step unheard of"]
    assert {step: counts(pair) for step, pair in by_step.items()} == dict.fromkeys(by_step, (None, 1, 1, None))
    assert all(pair.recall is None for pair in by_step.values())


def test_rows_that_the_truth_does_not_know_are_counted_and_left_out(connection: duckdb.DuckDBPyConnection) -> None:
    told(
        connection,
        ("a", None, "k", "first_seen", 0, []),
        ("b", None, "k", "upn", 0, []),
        ("b", 1, "k", "upn", 0, []),
    )
    assert [counts(pair) for pair in measure_pairs(connection)] == [(0, 0, 0, 0)]
    assert measure_within(connection) == [WithinReturn("a", 0, 0, 0, 1), WithinReturn("b", 1, 0, 0, 1)]


def linked(connection: duckdb.DuckDBPyConnection, *rows: tuple[str, str, str, str, str]) -> None:
    """Table `child_link`: return, submission, row, key, strength."""
    connection.execute(
        "create table child_link (return_id varchar, submission_id varchar, row_person_ref varchar, child_key varchar,"
        " match_strength varchar, told_as varchar)"
    )
    connection.executemany("insert into child_link values (?, ?, ?, ?, ?, null)", [list(row) for row in rows])


def test_an_identity_is_known_by_all_that_is_written_and_nothing_less(connection: duckdb.DuckDBPyConnection) -> None:
    linked(
        connection,
        ("a", "s2", "r1", "k1", "nhs_number"),
        ("a", "s1", "r1", "k1", "name_birth_date"),
        ("a", "s1", "r2", "k2", "first_seen"),
        ("b", "s3", "r1", "k1", "upn"),
    )
    connection.execute(
        "create table submission_order as from (values ('s1', 0), ('s2', 1), ('s3', 2)) as o (submission_id, place)"
    )
    connection.execute(
        "create table identity as from (values"
        " ('s1', 'r1', null, 'p1', 'Zz', 'A', date '2015-01-02'), ('s2', 'r1', null, 'p1', 'Zz', 'A', date '2015-01-02'),"
        " ('s1', 'r2', null, 'p2', 'Zz', 'A', date '2015-01-02'), ('s3', 'r1', 'U1', null, 'Zz', 'A', date '2015-01-02'))"
        " as i (submission_id, row_person_ref, upn, local_id, surname, forename, birth_date)"
    )
    connection.execute(
        "create table truth as from (values"
        " ('a', null, 'p1', 'Zz', 'A', date '2015-01-02', 1, ['no_upn']),"
        " ('b', 'U1', null, 'Zz', 'B', date '2015-01-02', 1, []))"
        " as t (return_id, upn, local_id, surname, forename, birth_date, person, groups)"
    )
    identify_rows(connection)
    assert connection.execute(
        "select return_id, person, child_key, match_strength, place, linked, groups from told order by all"
    ).fetchall() == [
        ("a", 1, "k1", "name_birth_date", 0, 2, ["no_upn"]),
        ("a", None, "k2", "first_seen", 0, 1, []),
        ("b", None, "k1", "upn", 2, 1, []),
    ]


def many(return_id: str, strength: str, children: int, prefix: str) -> list[tuple[str, str, str, str, str]]:
    return [(return_id, "s", f"{prefix}{number}", f"{prefix}{number}", strength) for number in range(children)]


def test_few_children_are_withheld_with_the_next_fewest_from_whom_they_could_be_worked_out(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    linked(
        connection,
        *many("a", "first_seen", 30, "x"), *many("a", "upn", 9, "y"), *many("a", "uln", 4, "z"),
        *many("b", "first_seen", 12, "x"), *many("b", "upn", 5, "v"),
    )  # fmt: skip
    shown = count_strengths(connection, BOARD)
    assert shown == [
        StrengthCount("a", "first_seen", 30, 30),
        StrengthCount("a", "upn", None, None),
        StrengthCount("a", "uln", None, None),
        StrengthCount("b", "first_seen", 12, 12),
        StrengthCount("b", "upn", 5, 5),
    ]
    assert count_strengths(connection, UNPROTECTED)[2] == StrengthCount("a", "uln", 4, 4)


def test_an_overlap_is_withheld_where_few_are_in_it_or_few_are_not(connection: duckdb.DuckDBPyConnection) -> None:
    linked(
        connection, *many("a", "first_seen", 12, "x"), *many("b", "upn", 9, "x"), *many("c", "upn", 12, "x"),
        *many("d", "first_seen", 6, "q"),
    )  # fmt: skip
    shown = {(one.return_id, one.other_return_id): (one.children, one.found) for one in count_overlaps(connection, 5)}
    assert shown["a", "b"] == (12, None)
    assert shown["b", "a"] == (9, None)  # the same number, from the other side
    assert shown["a", "c"] == (12, 12)
    assert shown["a", "d"] == (12, 0)
    [exact] = [one for one in count_overlaps(connection, 0) if (one.return_id, one.other_return_id) == ("a", "b")]
    assert (exact, exact.share) == (Overlap("a", "b", 12, 9), 0.75)


def scored(connection: duckdb.DuckDBPyConnection, *rows: tuple[str, str, float | None, str]) -> None:
    connection.execute(
        "create table scored_pair (left_key varchar, right_key varchar, match_weight double, outcome varchar)"
    )
    connection.executemany("insert into scored_pair values (?, ?, ?, ?)", [list(row) for row in rows])


def test_every_threshold_says_what_joining_all_pairs_above_it_would_give(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        "create table founder as from (values ('k1', 1), ('k2', 1), ('k3', 2), ('k4', 2), ('k5', 3)) as f (child_key, person)"
    )
    scored(
        connection,
        ("k1", "k2", 12.5, "joined"), ("k3", "k4", 3.0, "review"), ("k1", "k3", 3.9, "review"), ("k5", "k1", -2.5, "apart"),
        ("k1", "unknown", 20.0, "joined"), ("k2", "k3", 15.0, "numbers"), ("k3", "k5", None, "weak_name"),
    )  # fmt: skip
    # (weight, pairs from it on, right ones among them, right ones of all)
    assert measure_thresholds(connection) == [(-3, 4, 2, 2), (3, 3, 2, 2), (12, 1, 1, 2)]
    count_pairs(connection, BOARD.model_copy(update={"threshold": 2}))
    assert count_weights(connection) == [
        (-3, "apart", None),
        (3, "review", None),  # else the three outcomes of a pair each would be what is left of all seven
        (12, "joined", None),
        (15, "numbers", None),
        (20, "joined", None),
    ]
    count_pairs(connection, UNPROTECTED)
    assert count_outcomes(connection, is_known=True) == [
        OutcomeCount("apart", 1, 0),
        OutcomeCount("joined", 2, 1),
        OutcomeCount("numbers", 1, 0),
        OutcomeCount("review", 2, 1),
        OutcomeCount("weak_name", 1, 0),
    ]


def test_few_pairs_of_an_outcome_are_withheld_with_the_next_fewest(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table founder (child_key varchar, person bigint)")
    given = {"apart": 90, "joined": 12, "review": 3}
    scored(connection, *[("a", "b", 1.0, outcome) for outcome, number in given.items() for _ in range(number)])
    count_pairs(connection, BOARD)
    assert count_outcomes(connection, is_known=False) == [
        OutcomeCount("apart", 90, None),
        OutcomeCount("joined", None, None),
        OutcomeCount("review", None, None),
    ]


def test_few_pairs_do_not_follow_from_the_pairs_by_weight(connection: duckdb.DuckDBPyConnection) -> None:
    # 12 joined hide 3 to review; the 7 and 5 by their weights would add up to them.
    given = {("apart", 1.0): 90, ("joined", 12.0): 7, ("joined", 14.0): 5, ("review", 5.0): 3}
    scored(
        connection, *[("a", "b", weight, outcome) for (outcome, weight), number in given.items() for _ in range(number)]
    )
    count_pairs(connection, BOARD)
    shown = {(outcome, weight): pairs for weight, outcome, pairs in count_weights(connection)}
    assert (shown["apart", 1], shown["review", 5]) == (90, None)
    assert None in (shown["joined", 12], shown["joined", 14])


def test_two_steps_of_few_children_are_not_what_a_return_has_beside_the_others(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    # 43 rows less 30 and 11 would leave a child each.
    linked(
        connection, *many("a", "first_seen", 30, "x"), *many("a", "upn", 11, "y"), *many("a", "uln", 1, "z"),
        *many("a", "nhs_number", 1, "w"),
    )  # fmt: skip
    shown = {one.match_strength: one.rows for one in count_strengths(connection, BOARD)}
    assert shown == {"first_seen": 30, "upn": None, "uln": None, "nhs_number": None}


def test_a_key_is_of_the_person_whose_row_made_it(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create macro pseudonym(scheme, identifier) as scheme || ':' || identifier")
    linked(connection, ("a", "s1", "r1", "joined", "first_seen"), ("a", "s2", "r1", "joined", "upn"))
    scored(connection, ("child:s1|r1", "child:s2|r1", 4.0, "joined"))
    identity = "(submission_id, row_person_ref, upn, local_id, surname, forename, birth_date)"
    connection.execute(
        f"create table identity as from (values ('s1', 'r1', 'U1', 'p', 'Zz', 'A', date '2015-01-02'),"
        f" ('s2', 'r1', 'U2', 'p', 'Zz', 'A', date '2015-01-02')) as i {identity}"
    )
    connection.execute(
        "create table truth as from (values ('a', 'U1', 'p', 'Zz', 'A', date '2015-01-02', 1, []),"
        " ('a', 'U2', 'p', 'Zz', 'A', date '2015-01-02', 2, []))"
        " as t (return_id, upn, local_id, surname, forename, birth_date, person, groups)"
    )
    connection.execute("create table founder (child_key varchar, person bigint)")
    find_founders(connection)
    assert connection.execute("from founder order by all").fetchall() == [("child:s1|r1", 1), ("child:s2|r1", 2)]


# --- in a store -------------------------------------------------------------------------------------------------------

NHS = "9990000018"
MARIE = {"surname": "Zzcurie", "forename": "Mariella", "date_of_birth": "2014-08-31", "nhs_number": NHS, "upn": ""}


def land(settings: Settings, return_id: str, hour: int) -> None:
    [submission] = land_return(
        settings, return_id, load_catalogue(settings.rules_dir), now=NOON + timedelta(hours=hour)
    ).committed
    assert submission.status == "accepted"


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A census of two pupils, and a list of one of them, misspelt, and of a child whom the truth does not know."""
    folder = tmp_path_factory.mktemp("landed")
    settings = Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "configuration" / "secret.key")
    prepare_store(settings)
    pupils = census([marie(), charles()], SoftwareCode="Invented Census")
    write_census_xml(settings.inbox_dir / "school_census", pupils)
    land(settings, "school_census", 0)
    usual = {
        "snapshot_date": "2025-01-31", "provider_ods": "RFR", "service_line": "CAMHS", "team_type_code": "", "upn": "",
    }  # fmt: skip
    requests = [
        bridget(**(usual | {"service_request_id": "S-1", "local_patient_id": "P-1"} | MARIE | {"surname": "Zzcuire"})),
        bridget(**(usual | {"service_request_id": "S-2", "local_patient_id": "P-2", "nhs_number": "9990000026"})),
    ]
    cover = {"provider_ods": "RFR", "snapshot_date": "2025-01-31", "extract_run_at": "2025-01-31T09:00:00"}
    write_set(settings.inbox_dir / "therapy_waiting_list", delivery(requests, [], **cover))
    land(settings, "therapy_waiting_list", 1)
    link_children(settings)
    return settings


@pytest.fixture
def store(landed: Settings, tmp_path: Path) -> Settings:
    """The landed store, to oneself."""
    shutil.copytree(landed.store, tmp_path / "store")
    return landed.model_copy(update={"store": tmp_path / "store"})


def truth_of(folder: Path) -> Path:
    born = datetime(2014, 8, 31, tzinfo=UTC).date()
    rows = [
        {"return_id": "school_census", "upn": str(marie().fields["UPN"]), "local_id": None, "surname": "Zzcurie",
         "forename": "Mariella", "birth_date": born, "person": 1, "groups": []},
        {"return_id": "therapy_waiting_list", "upn": None, "local_id": "P-1", "surname": "Zzcuire",
         "forename": "Mariella", "birth_date": born, "person": 1, "groups": ["misspelt", "no_upn"]},
    ]  # fmt: skip
    names = {name: pa.string() for name in ("return_id", "upn", "local_id", "surname", "forename")}
    schema = pa.schema({**names, "birth_date": pa.date32(), "person": pa.int64(), "groups": pa.list_(pa.string())})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "truth.parquet")
    return folder / "truth.parquet"


def test_of_invented_people_what_was_found_is_held_against_who_they_are(store: Settings, tmp_path: Path) -> None:
    keep_truth(store, truth_of(tmp_path))
    measured = measure_links(store)
    assert measured.people == "invented"
    assert counts(found(measured.pairs)) == counts(found(measured.pairs, group="misspelt")) == (1, 0, 0, 0)
    assert measured.within == [
        WithinReturn("school_census", 1, 0, 0, 1),
        WithinReturn("therapy_waiting_list", 1, 0, 0, 1),
    ]
    assert measured.strengths == [
        StrengthCount("school_census", "first_seen", 2, 2),
        StrengthCount("therapy_waiting_list", "first_seen", 2, 2),
    ]
    assert read_quality(store.quality_dir) == measured
    assert truth_path(store).stat().st_mode & 0o077 == 0


def test_no_name_or_number_leaves_the_vault(store: Settings, tmp_path: Path) -> None:
    keep_truth(store, truth_of(tmp_path))
    measure_links(store)
    names = ["Zzcurie", "Zzcuire", NHS, str(marie().fields["UPN"])]
    assert scan(store.store, names, leave_out=[store.vault_dir, store.archive_dir]) == []
    keys = [key for (key,) in duckdb.sql(f"select child_key from '{store.child_link_path}'").fetchall()]
    assert scan(store.quality_dir, keys) == []
    assert not (store.vault_dir / "quality_spill").exists()


def test_without_a_truth_strengths_and_overlaps_are_all_that_is_told(store: Settings) -> None:
    measured = measure_links(store)
    assert (measured.pairs, measured.within, measured.charts) == ([], [], [])
    assert {(one.return_id, one.found) for one in measured.overlaps} == {
        ("school_census", 0),
        ("therapy_waiting_list", 0),
    }


def test_of_real_people_small_counts_are_withheld_and_no_truth_is_asked(
    store: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_truth(store, truth_of(tmp_path))
    monkeypatch.setattr(quality, "people_in", lambda _: "real")
    measured = measure_links(store)
    assert {(one.rows, one.children) for one in measured.strengths} == {(None, None)}
    assert (measured.pairs, measured.within) == ([], [])
    assert measured.is_masked


def test_an_empty_store_has_nothing_to_measure(settings: Settings) -> None:
    prepare_store(settings)
    assert read_quality(settings.quality_dir) is None
    link_children(settings)
    measured = measure_links(settings)
    assert (measured.people, measured.strengths, measured.overlaps) == (None, [], [])


def model() -> dict[str, Any]:
    """A trained model with one item, as Splink writes it."""
    levels = [
        {
            "sql_condition": "forename_l is null or forename_r is null",
            "label_for_charts": "not given",
            "is_null_level": True,
        },
        {
            "sql_condition": "forename_l = forename_r",
            "label_for_charts": "the same",
            "m_probability": 0.8,
            "u_probability": 0.1,
        },
        {"sql_condition": "ELSE", "label_for_charts": "not alike", "m_probability": 0.2, "u_probability": 0.9},
    ]
    return {
        "link_type": "dedupe_only",
        "probability_two_random_records_match": 0.01,
        "comparisons": [{"output_column_name": "forename", "comparison_levels": levels}],
    }


def test_where_pairs_were_scored_there_are_pictures_with_words_and_the_table_behind(
    store: Settings, tmp_path: Path
) -> None:
    keep_truth(store, truth_of(tmp_path))
    folder = store.vault_dir / "linkage"
    folder.mkdir(mode=0o700)
    (folder / "model.json").write_text(json.dumps({"splink": model()}))
    state = Likeness(
        at="2026-01-05T00:00:00+00:00", model="trained", children=4, join_weight=10.0, review_weight=4.0, pairs={"joined": 4},
        for_review=0, joins={"probable": 4}, joined_now=4, parted_now=0, overruled=0, inputs="",
    )  # fmt: skip
    (folder / "state.json").write_text(json.dumps(asdict(state)))
    link = f"read_parquet('{store.child_link_path}')"
    with vault_connection(store) as connection:
        write_vault(
            connection,
            "select one.child_key as left_key, other.child_key as right_key, 7.2 as match_weight, 'joined' as outcome"
            f" from {link} as one inner join {link} as other on one.return_id < other.return_id",
            folder / "pairs.parquet",
        )
    measured = measure_links(store)
    charts = {chart.name: chart for chart in measured.charts}
    assert list(charts) == ["match_weights", "weights", "thresholds"]
    assert charts["match_weights"].rows[1:] == [["forename", "the same", "3.0"], ["forename", "not alike", "-2.2"]]
    assert charts["weights"].rows == [["7", "joined", "4"]]
    assert "Pairs are joined from a weight of 10. Pairs are reviewed from a weight of 4." in charts["weights"].alt
    assert charts["thresholds"].rows == [["7", "1", "1", "1.0000", "1.0000"]]
    assert "joined from 10" in charts["thresholds"].svg
    assert measured.outcomes == [OutcomeCount("joined", 4, 1)]
    assert read_quality(store.quality_dir) == measured
    for chart in charts.values():
        assert chart.alt
        assert (store.quality_dir / "linkage" / f"{chart.name}.svg").read_text() == chart.svg
        assert chart.inline.startswith("<svg")
        assert "http" not in chart.inline
        ids = {part.split('"')[0] for part in chart.inline.split(' id="')[1:]}
        assert all(name.startswith(f"{chart.name}-") for name in ids)
