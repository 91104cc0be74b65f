"""Children who are likely one are joined, and nobody else: worked by hand on children that fixed steps keep apart.

The match weights are those of the untrained model for 10,000 children, so that nothing hangs on what a handful of invented
children would teach.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from splink.internals.exceptions import SplinkException

from orchestration.errors import CornerstoneError
from orchestration.linkage import index, probable, profiles
from orchestration.linkage.child_key import LINK_COLUMNS
from orchestration.linkage.decisions import Decision, record_decisions
from orchestration.linkage.index import Likeness, join_likely, joins_path, journal_path, read_state
from orchestration.linkage.probable import (
    STARTING,
    can_teach,
    model_path,
    read_model,
    score,
    starting_model,
    train,
    write_model,
)
from orchestration.privacy.keys import load_keys
from orchestration.privacy.pseudonyms import define_pseudonym
from orchestration.privacy.vault import open_vault
from orchestration.returns.workspace import load_encryption
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store

SCHOOL, OTHER_SCHOOL, TRUST = ("census", "2025-01", "4001"), ("census", "2025-01", "4002"), ("lists", "2025-01", "RFR")
NEXT_MONTH = ("lists", "2025-02", "RFR")


@dataclass(frozen=True)
class Child:
    """A child of the fixed steps. `units`: return, period and supplier of each submission that tells of it."""

    key: str
    surname: str = "Zzcurie"
    forename: str = "Mariella"
    birth_date: str = "2014-08-31"
    postcode: str | None = "ZZ1 1AA"
    sex: str = "F"
    units: tuple[tuple[str, str, str], ...] = (SCHOOL,)
    upn: str | None = None
    nhs_number: str | None = None
    uln: str | None = None


def pupil(**changed: Any) -> Child:
    """Told of by a school, with a UPN."""
    return replace(Child("1 school", upn="N372200119045"), **changed)


def patient(**changed: Any) -> Child:
    """Told of by a trust, later, with an NHS number: the same child unless it says otherwise."""
    return replace(Child("2 trust", units=(TRUST,), nhs_number="9990000018"), **changed)


@dataclass
class Joined:
    """Who was joined: the key that each child has, and the strength of its rows."""

    keys: dict[str, str]
    strengths: dict[str, str]
    state: Likeness | None

    def is_one(self, *keys: str) -> bool:
        return len({self.keys[key] for key in keys}) == 1


Join = Callable[..., Joined]


@pytest.fixture
def join(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Join:
    """Join children told of in the order given, by the untrained model."""
    prepare_store(settings)
    load_keys(settings)
    write_model(settings, starting_model(10_000))

    def joined(*children: Child, renamed: dict[str, str] | None = None) -> Joined:
        with duckdb.connect(":memory:") as connection:
            tell(connection, settings, children, renamed or {})
            monkeypatch.setattr(
                index,
                "gather_profiles",
                lambda connection, _, submissions: (
                    read_children(connection, children),
                    profiles.make_profiles(connection),
                ),
            )  # fmt: skip
            units = list(dict.fromkeys(unit for child in children for unit in child.units))
            submissions: Any = [
                (
                    None,
                    SimpleNamespace(submission_id="|".join(unit), return_id=unit[0], period=unit[1], supplier=unit[2]),
                )
                for unit in units
            ]
            join_likely(connection, settings, submissions)
            rows = connection.execute("select row_person_ref, child_key, match_strength from child_link").fetchall()
        return Joined(
            {ref: key for ref, key, _ in rows}, {ref: strength for ref, _, strength in rows}, read_state(settings)
        )

    return joined


def tell(
    connection: duckdb.DuckDBPyConnection, settings: Settings, children: tuple[Child, ...], renamed: dict[str, str]
) -> None:
    """Make what the fixed steps leave: a row of each child in each submission."""
    load_encryption(connection)
    keys = load_keys(settings)
    open_vault(connection, keys)
    define_pseudonym(connection, keys.pseudonym)
    connection.execute(
        f"create table child_link ({', '.join(f'{name} {type_}' for name, type_ in LINK_COLUMNS.items())})"
    )
    connection.execute("create table linked_submission (submission_id varchar, number integer)")
    connection.execute("create table renamed_key (child_key varchar, kept_key varchar)")
    connection.execute(
        "create table known (child_key varchar, upn varchar, nhs_number varchar, uln varchar, name varchar, birth_date date)"
    )
    numbers: dict[str, int] = {}
    for child in children:
        connection.execute(
            "insert into known values (?, ?, ?, ?, null, null)", [child.key, child.upn, child.nhs_number, child.uln]
        )
        for unit in child.units:
            submission = "|".join(unit)
            numbers.setdefault(submission, len(numbers))
            connection.execute(
                "insert into child_link values (?, ?, ?, ?, 'first_seen', null)",
                [unit[0], submission, child.key, child.key],
            )
    for submission, number in numbers.items():
        connection.execute("insert into linked_submission values (?, ?)", [submission, number])
    for key, kept in renamed.items():
        connection.execute("insert into renamed_key values (?, ?)", [key, kept])


def read_children(connection: duckdb.DuckDBPyConnection, children: tuple[Child, ...]) -> None:
    profiles.make_told_tables(connection)
    for child in children:
        for return_id in {unit[0] for unit in child.units}:
            connection.execute(
                "insert into told_row values (?, ?, ?, ?, ?, ?)",
                [
                    return_id,
                    child.key,
                    child.surname,
                    child.forename,
                    date.fromisoformat(child.birth_date),
                    child.postcode,
                ],
            )
        connection.execute("insert into told_sex values (?, ?, 1)", [child.key, child.sex])


def journal(settings: Settings) -> list[tuple[str, str]]:
    path = journal_path(settings)
    lines = path.read_text().splitlines() if path.is_file() else []
    return [(line["event"], line["reason"]) for line in map(json.loads, lines)]


def decide(settings: Settings, one: str, other: str, answer: Any) -> None:
    record_decisions(settings, [Decision("2025-03-01T12:00:00+00:00", "A Reviewer", one, other, answer, "0" * 64)])


@pytest.mark.parametrize(
    "told",
    [
        patient(surname="Zzcvrie"),
        patient(surname="Zzcruie"),
        patient(surname="Zzcuri-e"),
        patient(forename="Mariela"),
        patient(forename="Marielal"),
        patient(forename="Mari"),
        patient(surname="Zzmarriedname"),
        patient(surname="Zzcurie Zzmarriedname"),
        patient(birth_date="2014-08-30"),
        patient(birth_date="2013-08-31"),
        patient(surname="Zzcvrie", postcode="ZZ9 9ZZ"),
        patient(surname="Zzcvrie", postcode=None),
        patient(postcode="ZZ9 9ZZ"),
    ],
    ids=[
        "typo", "transposed letters", "written as one", "typo in forename", "transposed in forename", "short forename",
        "changed surname", "surname added", "a digit of the birth date", "year of birth", "typo and moved",
        "typo, no address", "moved",
    ],
)  # fmt: skip
def test_a_child_told_of_a_little_differently_is_one(join: Join, told: Child) -> None:
    found = join(pupil(), told)
    assert found.keys == {"1 school": "1 school", "2 trust": "1 school"}
    assert found.strengths == {"1 school": "first_seen", "2 trust": "probable"}


def test_day_and_month_turned_round_are_one_child(join: Join) -> None:
    assert join(pupil(birth_date="2014-08-03"), patient(birth_date="2014-03-08")).is_one("1 school", "2 trust")


def test_a_nickname_is_the_same_name(join: Join) -> None:
    assert join(pupil(forename="Elizabeth"), patient(forename="Libby")).is_one("1 school", "2 trust")
    assert join(pupil(forename="Robbie"), patient(forename="Bob")).is_one("1 school", "2 trust")


@pytest.mark.parametrize(
    "told",
    [
        patient(forename="Bronia"),
        patient(forename="Bronia", birth_date="2016-02-02"),
        patient(birth_date="2011-03-17"),
        patient(surname="Zzother", postcode="ZZ9 9ZZ"),
        patient(surname="Zzother", forename="Bronia"),
        patient(forename=""),
    ],
    ids=["twin", "sister", "same name, another birth date", "same forename and day", "neighbour", "no forename"],
)
def test_two_children_stay_two(join: Join, told: Child) -> None:
    assert not join(pupil(), told).is_one("1 school", "2 trust")


def test_twins_are_each_joined_with_their_own(join: Join) -> None:
    twins = [pupil(), pupil(key="1 twin", forename="Bronia", upn="P372200119046")]
    lists = [patient(surname="Zzcruie"), patient(key="2 twin", forename="Bronnia", nhs_number="9990000026")]
    found = join(*twins, *lists)
    assert found.is_one("1 school", "2 trust")
    assert found.is_one("1 twin", "2 twin")
    assert not found.is_one("1 school", "1 twin")


def test_two_of_one_supplier_and_period_are_never_one(join: Join) -> None:
    assert not join(pupil(), pupil(key="1 other", surname="Zzcruie", upn=None)).is_one("1 school", "1 other")


@pytest.mark.parametrize(("his", "hers"), [("Joseph", "Josephine"), ("Daniel", "Daniela"), ("Christian", "Christina")])
def test_a_twin_of_the_other_sex_is_for_a_reviewer_however_like_the_names(join: Join, his: str, hers: str) -> None:
    found = join(pupil(forename=his, sex="M"), patient(forename=hers, sex="F"))
    assert not found.is_one("1 school", "2 trust")
    assert found.state is not None
    assert found.state.for_review == 1


def test_two_of_one_supplier_in_other_periods_can_be_one(join: Join) -> None:
    found = join(patient(), patient(key="3 trust", surname="Zzcruie", nhs_number=None, units=(NEXT_MONTH,)))
    assert found.is_one("2 trust", "3 trust")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pupil(), patient(surname="Zzcruie", upn="P372200119046")),
        (pupil(nhs_number="9990000026"), patient(surname="Zzcruie")),
        (pupil(uln="1000200011"), patient(surname="Zzcruie", uln="1000200029")),
    ],
    ids=["UPN", "NHS number", "ULN"],
)
def test_other_numbers_keep_two_apart_and_a_reviewer_is_asked(join: Join, one: Child, other: Child) -> None:
    found = join(one, other)
    assert not found.is_one("1 school", "2 trust")
    assert found.state is not None
    assert (found.state.pairs, found.state.for_review) == ({"numbers": 1}, 1)


def test_a_child_as_like_to_two_others_is_joined_with_neither(join: Join) -> None:
    found = join(
        pupil(), pupil(key="1 other", units=(OTHER_SCHOOL,), upn="P372200119046"), patient(surname="Zzcruie")
    )  # fmt: skip
    assert len(set(found.keys.values())) == 3
    assert found.state is not None
    assert found.state.pairs == {"ambiguous": 2, "numbers": 1}


def test_of_two_the_likelier_is_taken(join: Join) -> None:
    cousin = pupil(key="1 cousin", surname="Zzother", units=(OTHER_SCHOOL,), upn="P372200119046")
    found = join(pupil(), cousin, patient(surname="Zzcruie"))
    assert found.is_one("1 school", "2 trust")
    assert not found.is_one("1 cousin", "2 trust")


def test_three_told_of_in_turn_are_one(join: Join) -> None:
    third = patient(key="3 trust", surname="Zzcuri", nhs_number=None, units=(("lists", "2025-01", "RXE"),))
    assert join(pupil(), patient(surname="Zzcruie"), third).is_one("1 school", "2 trust", "3 trust")


def test_joining_one_can_keep_out_another(join: Join) -> None:
    """Each of the trust's two fits the pupil; the trust itself says that they are two."""
    worse = patient(key="2 worse", surname="Zzcruie", postcode="ZZ9 9ZZ", nhs_number="9990000026")
    found = join(pupil(), patient(surname="Zzcruie"), worse)
    assert found.is_one("1 school", "2 trust")
    assert not found.is_one("1 school", "2 worse")


def test_a_child_known_to_health_first_keeps_its_key_at_school(join: Join) -> None:
    early = patient(key="9 trust", birth_date="2021-05-05")
    found = join(early, pupil(key="1 school", surname="Zzcruie", birth_date="2021-05-05"))
    assert found.keys == {"9 trust": "9 trust", "1 school": "9 trust"}


def test_a_join_stands_when_a_rival_comes(join: Join, settings: Settings) -> None:
    before = join(pupil(), patient(surname="Zzcruie"))
    rival = pupil(key="3 rival", units=(OTHER_SCHOOL,), upn="P372200119046")
    after = join(pupil(), patient(surname="Zzcruie"), rival)
    assert before.is_one("1 school", "2 trust")
    assert after.is_one("1 school", "2 trust")
    assert not after.is_one("1 school", "3 rival")
    assert journal(settings) == [("joined", "likeness")]


def test_runs_again_give_the_same(join: Join, settings: Settings) -> None:
    first = join(pupil(), patient(surname="Zzcruie"))
    kept = joins_path(settings).read_bytes()
    again = join(pupil(), patient(surname="Zzcruie"))
    assert again.keys == first.keys
    assert journal(settings) == [("joined", "likeness")]
    assert len(joins_path(settings).read_bytes()) == len(kept)


def test_a_join_is_parted_when_one_list_tells_of_both(join: Join, settings: Settings) -> None:
    join(pupil(), patient(surname="Zzcruie"))
    found = join(pupil(units=(SCHOOL, NEXT_MONTH)), patient(surname="Zzcruie", units=(TRUST, NEXT_MONTH)))
    assert not found.is_one("1 school", "2 trust")
    assert journal(settings)[1:] == [("parted", "one supplier tells of both")]


def test_a_raised_setting_parts_and_says_so(join: Join, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    join(pupil(), patient(surname="Zzcruie"))
    monkeypatch.setitem(settings.__dict__, "link_join_weight", 60.0)
    found = join(pupil(), patient(surname="Zzcruie"))
    assert not found.is_one("1 school", "2 trust")
    assert journal(settings)[1:] == [("parted", "setting raised")]
    assert found.state is not None
    assert found.state.pairs == {"review": 1}


def test_children_whom_numbers_join_later_take_their_join_along(join: Join, settings: Settings) -> None:
    join(pupil(), patient(surname="Zzcruie"))
    found = join(
        pupil(key="0 earlier", units=(OTHER_SCHOOL, SCHOOL)),
        patient(surname="Zzcruie"),
        renamed={"1 school": "0 earlier"},
    )
    assert found.is_one("0 earlier", "2 trust")
    assert journal(settings)[1:] == [("joined", "numbers")]


def test_a_reviewer_parts_and_joins(join: Join, settings: Settings) -> None:
    other = patient(key="3 other", forename="Bronia", nhs_number=None, units=(NEXT_MONTH,))
    assert join(pupil(), patient(surname="Zzcruie"), other).is_one("1 school", "2 trust")
    decide(settings, "1 school", "2 trust", "different")
    decide(settings, "1 school", "3 other", "same")
    found = join(pupil(), patient(surname="Zzcruie"), other)
    assert not found.is_one("1 school", "2 trust")
    assert found.is_one("1 school", "3 other")
    assert found.strengths["3 other"] == "reviewed"
    assert sorted(journal(settings)[1:]) == [("joined", "reviewed"), ("parted", "reviewed")]
    decide(settings, "1 school", "2 trust", "same")
    assert join(pupil(), patient(surname="Zzcruie"), other).is_one("1 school", "2 trust", "3 other")


def test_a_reviewer_cannot_make_one_of_two_rows_of_a_submission(join: Join, settings: Settings) -> None:
    decide(settings, "1 school", "1 other", "same")
    found = join(pupil(), pupil(key="1 other", surname="Zzcruie", upn=None))
    assert not found.is_one("1 school", "1 other")
    assert found.state is not None
    assert found.state.overruled == 1


def test_what_linkage_keeps_is_made_again_under_the_decisions(join: Join, settings: Settings) -> None:
    other = patient(key="3 other", forename="Bronia", nhs_number=None, units=(NEXT_MONTH,))
    decide(settings, "1 school", "3 other", "same")
    before = join(pupil(), patient(surname="Zzcruie"), other)
    for path in settings.linkage_dir.iterdir():
        path.unlink()
    settings.linkage_dir.rmdir()
    write_model(settings, starting_model(10_000))
    assert join(pupil(), patient(surname="Zzcruie"), other).keys == before.keys


def test_from_too_few_children_nothing_is_learnt_and_nobody_joined(join: Join, settings: Settings) -> None:
    model_path(settings).unlink()
    found = join(pupil(), patient(surname="Zzcruie"))
    assert not found.is_one("1 school", "2 trust")
    assert found.state is None
    assert not model_path(settings).exists()


def test_a_model_whose_joins_were_not_kept_is_learnt_again(
    join: Join, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_path(settings).unlink()
    monkeypatch.setattr(index, "TRAINING_FLOOR", 2)
    monkeypatch.setattr(index, "train", lambda connection, children: starting_model(10_000))
    with monkeypatch.context() as full, pytest.raises(OSError, match="No space left"):
        full.setattr(index, "write_vault", _no_space)
        join(pupil(), patient(surname="Zzcruie"))
    assert not model_path(settings).exists()
    assert join(pupil(), patient(surname="Zzcruie")).is_one("1 school", "2 trust")
    assert read_model(settings) == starting_model(10_000)


def _no_space(*_: object) -> int:
    raise OSError("No space left on device")


def test_a_model_of_another_comparison_does_not_count(join: Join, settings: Settings) -> None:
    write_model(settings, starting_model(10_000) | {"comparison": "of another time"})
    assert read_model(settings) is None
    model_path(settings).write_text("{")
    with pytest.raises(CornerstoneError, match=r"model\.json is damaged"):
        read_model(settings)


def test_neither_files_nor_log_tell_who_it_is(
    join: Join, settings: Settings, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    join(pupil(), patient(surname="Zzcruie"))
    said = [caplog.text, *capfd.readouterr()]
    said += [path.read_bytes().decode("latin-1") for path in settings.linkage_dir.iterdir()]
    for text in said:
        for secret in (
            "curie",
            "cruie",
            "mariella",
            "2014-08-31",
            "20140831",
            "zz1 1aa",
            "zz11aa",
            "n372200119045",
            "9990000018",
        ):
            assert secret not in text.lower()
    assert {path.stat().st_mode & 0o077 for path in settings.linkage_dir.iterdir()} == {0}


def tell_many(connection: duckdb.DuckDBPyConnection, children: int, *return_ids: str) -> None:
    """Profiles of children, each told of by every return; by `lists` one in ten with a slip in the surname."""
    profiles.make_told_tables(connection)
    connection.execute(
        "create table known as select null as child_key, null as upn, null as nhs_number, null as uln limit 0"
    )
    connection.execute("create table child_link (child_key varchar, submission_id varchar)")
    connection.execute("create table linked_submission (submission_id varchar, number integer)")
    define_pseudonym(connection, b"0" * 32)
    connection.execute(
        """
        insert into told_row
        select return_id, 'child ' || i,
            'zz' || translate(lpad((i * 7919 % 1000)::varchar, 6, '0'), '0123456789', 'abcdefghij')
                || if(return_id = 'lists' and i % 10 = 0, 'x', ''),
            translate(lpad((i * 104729 % 61)::varchar, 5, '0'), '0123456789', 'klmnopqrst'),
            date '2010-01-01' + (i * 31 % 3000)::integer, 'ZZ' || i % 9 || ' ' || i % 7 || 'AA'
        from range($children) as r(i), unnest($return_ids) as told(return_id)
        """,
        {"children": children, "return_ids": list(return_ids)},
    )
    connection.execute(
        "insert into told_sex select distinct child_key, if(hash(child_key) % 2 = 0, 'M', 'F'), 1 from told_row"
    )
    profiles.make_profiles(connection)


def test_one_return_alone_teaches_nothing_of_how_records_of_one_child_agree() -> None:
    """What is alike in two children who are each told of once is chance, and no model is learnt from that."""
    with duckdb.connect(":memory:") as connection:
        tell_many(connection, 1000, "census")
        assert not can_teach(connection)
        model = train(connection, 1000)
    assert model["is_taught"] is False
    for comparison in model["splink"]["comparisons"]:
        learnt = [level for level in comparison["comparison_levels"] if "is_null_level" not in level]
        starting = [m for _, _, m, _ in STARTING[comparison["output_column_name"]]]
        assert [level["m_probability"] for level in learnt] == pytest.approx(starting, abs=0.01)


def test_a_model_is_learnt_from_the_data_alike_every_time() -> None:
    """Five hundred children told of by two returns, one in ten with a slip in the surname in the second."""
    with duckdb.connect(":memory:") as connection:
        tell_many(connection, 500, "census", "lists")
        model = train(connection, 500)
        assert train(connection, 500) == model
    learnt = {
        comparison["output_column_name"]: [
            (level["m_probability"], level["u_probability"])
            for level in comparison["comparison_levels"]
            if "is_null_level" not in level
        ]
        for comparison in model["splink"]["comparisons"]
    }
    assert {name: len(levels) for name, levels in learnt.items()} == {name: len(of) for name, of in STARTING.items()}
    assert learnt["surname"][0][0] == pytest.approx(0.9 * 0.9 + 0.1 * 0.95, abs=0.03)
    assert learnt["surname"][1][0] == pytest.approx(0.9 * 0.1 + 0.1 * 0.02, abs=0.03)
    assert all(0 < m < 1 and 0 < u < 1 for levels in learnt.values() for m, u in levels)


def test_what_is_asked_first_of_two_names_or_lists_never_changes_the_answer() -> None:
    """Every word of three to five of three letters beside every other, and every list of up to two of them from a dozen."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            """
            create table word as
            with recursive made(word) as (
                select '' union all select word || letter from made, unnest(['a', 'b', 'c']) as one(letter) where length(word) < 5
            )
            select word from made where length(word) >= 3
            """
        )
        [slips] = connection.execute(
            f"""
            with asked as (
                select
                    {probable._TYPO.format("word")} as told,
                    damerau_levenshtein(word_l, word_r) <= 1 and least(length(word_l), length(word_r)) >= 4 as is_slip
                from (select one.word as word_l, other.word as word_r from word as one, word as other)
            )
            select count(*) filter (where told), count(*) filter (where told <> is_slip) from asked
            """
        ).fetchall()
        [shared] = connection.execute(
            f"""
            with list as (
                select distinct list_sort(list_distinct([one.word, other.word])) as words
                from (from word order by word limit 12) as one, (from word order by word limit 12) as other
            ),
            asked as (
                select {probable._SHARED.format("words")} as told, list_has_any(words_l, words_r) as has_any
                from (select one.words as words_l, other.words as words_r from list as one, list as other)
            )
            select count(*) filter (where told), count(*) filter (where told <> has_any) from asked
            """
        ).fetchall()
    for told, otherwise in (slips, shared):
        assert told > 1000
        assert otherwise == 0


def test_many_children_compared_in_parts_come_out_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some are told of as another child too, of the same or the next birth year; some have no birth date; names are not alike common."""
    found = []
    with duckdb.connect(":memory:") as connection:
        tell_many(connection, 3000, "census", "lists")
        connection.execute("update told_row set birth_date = null where hash(child_key) % 50 = 0")
        for years, which in (0, 1), (1, 2):
            connection.execute(
                "insert into told_row select return_id, 'again ' || child_key, surname, forename,"
                " birth_date + to_years(?), postcode from told_row where hash(child_key) % 20 = ?",
                [years, which],
            )
        profiles.make_profiles(connection)
        before = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
        for at_once in (1_000_000, 2_500):  # all of them, and in parts
            monkeypatch.setattr(probable, "SCORED_AT_ONCE", at_once)
            score(connection, starting_model(3000, count_names=True))
            found.append(connection.execute("from pair order by all").fetchall())
        of_the_next_year = connection.execute(
            "select count(*) from pair where gamma_birth_date in (1, 2) and gamma_surname = 3"
        ).fetchone()
        after = connection.execute(
            "select table_name from duckdb_tables() where table_name <> 'pair' order by 1"
        ).fetchall()
    whole, parts = found
    assert len(whole) > 200
    assert of_the_next_year is not None
    assert of_the_next_year[0] > 50
    assert parts == whole
    assert after == before


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"), "CORNERSTONE_MEMORY_LIMIT_GIB"),
        (SplinkException("Error executing sql. Out of Memory Error: max_temp_directory_size"), "SPILL_LIMIT_GIB"),
        (duckdb.ConversionException("Could not convert 'Zzcurie'"), "Delete the folder linkage of the vault"),
    ],
)
def test_what_comparing_wants_is_said_and_nothing_of_whom_it_met(fault: Exception, told: str) -> None:
    with duckdb.connect(":memory:") as connection:
        tell_many(connection, 10, "census")
        linker = probable._linker(connection, starting_model(10), "profile", probable.BLOCKS)
        with pytest.raises(CornerstoneError, match=told) as raised, linker:
            raise fault
    assert "Zzcurie" not in str(raised.value)
