"""Likeness of children: Splink (Fellegi and Sunter's model) on names, birth date, postcode and sex, inside the vault.

A pair's match weight is the logarithm to base 2 of how much likelier it is that two are one child than that they are not,
given in what they agree and how rare that is, and given that of so many children hardly any two are one.

The model is trained on the data once, and again when what is compared changes: how often unlike children agree (u) from a
random sample, how often one child's records do (m) by expectation maximisation from `STARTING` values, which also stand
for what the data do not show. It holds no name: how frequent each name is is counted in every run.
"""

import hashlib
import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.durable import write_private
from orchestration.errors import CornerstoneError, room_wanted
from orchestration.linkage.profiles import NICKNAMES
from orchestration.settings import Settings

if TYPE_CHECKING:
    from splink import Linker

log = logging.getLogger("cornerstone.linkage")

TRAINING_FLOOR = 1_000  # children; from fewer no rates can be learnt, and nobody is linked by likeness
TOLD_TWICE_FLOOR = 500  # children of two returns; from fewer it cannot be learnt how often one child's records agree
TRAINING_PAIRS = 1e6  # random pairs looked at for u
SCORED_AT_ONCE = 2_000_000  # profiles; of more, one birth year after the other
EM_PAIRS = 2e6  # pairs of a block looked at for m, at most
SEED = 372
PROFILE, PART = (
    "profile",
    "profile_part",
)  # every way in which each child was told, and those of them that are scored together
HELD_TO = 0.1  # share of the starting values in m: what the data did not show can still happen
KEPT_WEIGHT = -5.0  # weight from which a scored pair is kept
DIGITS = 6  # significant, of the probabilities of a model: the last bits of a sum depend on the order of threads
RAREST_NAME = 0.00005  # a name that hardly anyone has says no more than this frequency

# Of each comparison, levels from the most alike to the least: what it is called, SQL of l and r, m and u to start from.
# From general knowledge of how children's details are written down, rounded; training replaces them.
# One slip leaves the first or the last of four letters as it was, and lists of one have something in common where their firsts
# are the same: what costs most is asked last.
_TYPO = (
    "(least(length({0}_l), length({0}_r)) >= 4 and abs(length({0}_l) - length({0}_r)) <= 1"
    " and (left({0}_l, 1) = left({0}_r, 1) or right({0}_l, 1) = right({0}_r, 1)) and damerau_levenshtein({0}_l, {0}_r) <= 1)"
)
_SHARED = "({0}_l[1] = {0}_r[1] or (greatest(len({0}_l), len({0}_r)) > 1 and list_has_any({0}_l, {0}_r)))"
_NEAR = "jaro_winkler_similarity({0}_l, {0}_r) >= 0.92"
_PART = "({0}_l <> {0}_r and least(length({0}_l), length({0}_r)) >= 3 and (starts_with({0}_l, {0}_r) or starts_with({0}_r, {0}_l)))"
STARTING: dict[str, list[tuple[str, str, float, float]]] = {
    "surname": [
        ("same", "surname_l = surname_r", 0.95, 0.002),
        ("one slip", _TYPO.format("surname"), 0.02, 0.0008),
        ("near", f"{_NEAR.format('surname')} or {_PART.format('surname')}", 0.01, 0.003),
        ("other", "else", 0.02, 0.9942),
    ],
    "forename": [
        ("same", "forename_l = forename_r", 0.94, 0.006),
        ("short form", f"{_SHARED.format('forms')} or {_PART.format('forename')}", 0.02, 0.002),
        ("one slip", _TYPO.format("forename"), 0.02, 0.002),
        ("near", _NEAR.format("forename"), 0.01, 0.002),
        ("other", "else", 0.01, 0.988),
    ],
    "birth_date": [
        ("same", "birth_date_l = birth_date_r", 0.97, 0.00018),
        ("day and month turned", "birth_date_l = turned_birth_date_r", 0.006, 0.00007),
        ("one digit", "damerau_levenshtein(birth_digits_l, birth_digits_r) <= 1", 0.014, 0.003),
        ("year", "birthday_l = birthday_r and abs(birth_year_l - birth_year_r) = 1", 0.003, 0.00035),
        ("other", "else", 0.007, 0.9964),
    ],
    "postcode": [
        ("same", _SHARED.format("postcodes"), 0.85, 0.0005),
        ("sector", _SHARED.format("sectors"), 0.05, 0.02),
        ("other", "else", 0.10, 0.9795),
    ],
    "sex": [("same", "sex_l = sex_r", 0.99, 0.5), ("other", "else", 0.01, 0.5)],
}
_COLUMN = {"postcode": "postcodes"}  # where what is compared is named otherwise
_COUNTED = ("surname", "forename")  # agreement on a rare name says more than on a common one
GAMMAS = tuple(f"gamma_{name}" for name in STARTING)
# What two have to have in common to be joined unseen; another sex with another forename is a twin, told of elsewhere.
CAN_JOIN = f"(gamma_forename > 0 and gamma_birth_date > 0 and (gamma_sex <> 0 or gamma_forename = {len(STARTING['forename']) - 1}))"
# The one block that holds children who were not born in one year.
ACROSS_YEARS = "l.surname = r.surname and l.forename = r.forename and l.birthday = r.birthday"
# Pairs that are looked at: those that agree in one of these. No rule asks for all of a name and a birth date at once.
BLOCKS = (
    "l.birth_date = r.birth_date and l.surname_start = r.surname_start",
    "l.birth_date = r.birth_date and l.forename_start = r.forename_start",
    "l.surname = r.surname and l.forename = r.forename and l.birth_year = r.birth_year",
    ACROSS_YEARS,
    "l.surname = r.surname and l.turned_birth_date = r.birth_date",
    "l.postcodes = r.postcodes and l.birth_year = r.birth_year and l.forename_start = r.forename_start",
)
TRAINING_BLOCKS = ("l.birth_date = r.birth_date", "l.surname = r.surname and l.forename = r.forename")


def model_path(settings: Settings) -> Path:
    """Where the trained model lies."""
    return settings.linkage_dir / "model.json"


def comparison_digest() -> str:
    """What makes a model another one: what is compared, and how it is trained."""
    content = [
        STARTING,
        _COUNTED,
        BLOCKS,
        TRAINING_BLOCKS,
        TOLD_TWICE_FLOOR,
        TRAINING_PAIRS,
        EM_PAIRS,
        SEED,
        HELD_TO,
        RAREST_NAME,
    ]
    text = json.dumps(content) + NICKNAMES.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_model(settings: Settings) -> dict[str, Any] | None:
    """The model that stands; None where there is none, or where what is compared has changed since it was trained."""
    path = model_path(settings)
    if not path.is_file():
        return None
    try:
        model: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return model if model["comparison"] == comparison_digest() else None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise CornerstoneError(
            f"{path} is damaged or was altered; restore it from a backup, or delete it, and the next run trains it anew."
        ) from error


def write_model(settings: Settings, model: dict[str, Any]) -> None:
    """Keep a model for the runs to come."""
    settings.linkage_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(model_path(settings), (json.dumps(model, indent=2, sort_keys=True) + "\n").encode())


def starting_model(children: int, *, count_names: bool = False) -> dict[str, Any]:
    """The model of `STARTING`, untrained, for a population of so many children."""
    comparisons = []
    for name, levels in STARTING.items():
        column = _COLUMN.get(name, name)
        made: list[dict[str, Any]] = [
            {
                "sql_condition": f"{column}_l is null or {column}_r is null",
                "label_for_charts": "not told",
                "is_null_level": True,
            }
        ]
        for label, condition, m, u in levels:
            level: dict[str, Any] = {
                "sql_condition": "ELSE" if condition == "else" else condition,
                "label_for_charts": label,
                "m_probability": m,
                "u_probability": u,
            }
            if count_names and name in _COUNTED and label == "same":
                level |= {"tf_adjustment_column": name, "tf_adjustment_weight": 1.0, "tf_minimum_u_value": RAREST_NAME}
            made.append(level)
        comparisons.append({"output_column_name": name, "comparison_levels": made})
    return {
        "comparison": comparison_digest(),
        "children": children,
        "is_taught": False,
        "splink": {
            "link_type": "dedupe_only",
            "unique_id_column_name": "unique_id",
            # Of so many children each is, by and large, one more time among the others, or not.
            "probability_two_random_records_match": _rounded(1 / max(children, 2)),
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": False,
            "additional_columns_to_retain": ["child_key"],
            "comparisons": comparisons,
            "linker_uid": "child",
        },
    }


def can_teach(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether enough children are told of by two returns, so that one child's records can be compared. Reads `told_profile`."""
    [(told_twice,)] = connection.execute(
        "select count(*) from (select child_key from told_profile group by child_key having count(distinct return_id) > 1)"
    ).fetchall()
    return bool(told_twice >= TOLD_TWICE_FLOOR)


def train(connection: duckdb.DuckDBPyConnection, children: int) -> dict[str, Any]:
    """The model that the records of `told_profile` show."""
    model = starting_model(children, count_names=True) | {"is_taught": can_teach(connection)}
    with _linker(connection, model, "told_profile", BLOCKS) as linker:
        linker.training.estimate_u_using_random_sampling(TRAINING_PAIRS, seed=SEED)
        for block in TRAINING_BLOCKS if model["is_taught"] else ():
            linker.training.estimate_parameters_using_expectation_maximisation(
                block, estimate_without_term_frequencies=True, max_pairs=EM_PAIRS
            )
        trained = linker.misc.save_model_to_json()
    for made, learnt in zip(model["splink"]["comparisons"], trained["comparisons"], strict=True):
        levels = zip(made["comparison_levels"], learnt["comparison_levels"], strict=True)
        for level, found in [(level, found) for level, found in levels if "is_null_level" not in level]:
            for chance, held in (("m_probability", HELD_TO), ("u_probability", 0.0)):
                if found.get(chance):
                    level[chance] = _rounded((1 - held) * found[chance] + held * level[chance])
    return model


def score(connection: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> None:
    """Table `pair` (left_key, right_key, match_weight, gamma_...): how alike children are, of every two that a block holds.

    Of the ways in which two children were told, the two most alike stand for them; of these first such as have something
    in common in forename and birth date. Pairs grow with the square of the children: those of many are scored one birth year
    after the other, and then those born in different years, by name, which gives the same.
    """
    best = f"arg_max({{}}, ({CAN_JOIN}, match_weight))"
    gammas = ", ".join(f"{best.format(gamma)} as {gamma}" for gamma in GAMMAS)
    parts = _parts(connection)
    for number, (those, blocks) in enumerate(parts):
        profiles = PROFILE
        if those:
            profiles = PART
            connection.execute(f"create or replace temp table {PART} as select * from {PROFILE} where {those}")
        with _linker(connection, model, profiles, blocks) as linker:
            scored = linker.inference.predict(threshold_match_weight=KEPT_WEIGHT, warning_mode="never").physical_name
            connection.execute(
                f"""
                {"insert into scored by name" if number else "create or replace temp table scored as"}
                select
                    child_key_l as left_key, child_key_r as right_key,
                    {best.format("match_weight")} as match_weight, {gammas}
                from {scored}
                group by all
                """
            )
        if those:
            log.info("compared children for likeness: %s of %s parts", number + 1, len(parts))
    # Profiles are numbered by child, and the lower number is on the left: two children are always this way round.
    connection.execute(
        f"""
        create or replace table pair as
        select left_key, right_key, round({best.format("match_weight")}, 3) as match_weight, {gammas}
        from scored group by left_key, right_key
        """
    )
    for table in ("scored", PART, *(f"frequency_of_{name}" for name in _COUNTED)):
        connection.execute(f"drop table if exists {table}")


def _parts(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, tuple[str, ...]]]:
    """Which profiles are scored together, as a condition, and by which blocks: all of them, unless they are many."""
    [(told,)] = connection.execute(f"select count(*) from {PROFILE}").fetchall()
    if told <= SCORED_AT_ONCE:
        return [("", BLOCKS)]
    for name in _COUNTED:  # as Splink counts, who sees a part only
        connection.execute(
            f"create or replace temp table frequency_of_{name} as"
            f" select {name}, count(*) / (select count({name}) from {PROFILE}) as tf_{name}"
            f" from {PROFILE} where {name} is not null group by {name}"
        )
    years = connection.execute(f"select distinct birth_year from {PROFILE} where birth_year is not null order by 1")
    of_one_year = tuple(block for block in BLOCKS if block != ACROSS_YEARS)
    names = math.ceil(told / SCORED_AT_ONCE)
    return [
        *((f"birth_year = {year}", of_one_year) for (year,) in years.fetchall()),
        *((f"hash(surname, forename) % {names} = {number}", (ACROSS_YEARS,)) for number in range(names)),
    ]


@contextmanager
def _linker(
    connection: duckdb.DuckDBPyConnection, model: dict[str, Any], table: str, blocks: tuple[str, ...]
) -> Iterator["Linker"]:
    """A linker on a table of the vault's connection. What it says and what it makes stays there."""
    from splink import DuckDBAPI, Linker
    from splink.internals.exceptions import SplinkException

    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    rules = [
        {"blocking_rule": f"{block} and l.child_key <> r.child_key"}
        | ({"arrays_to_explode": ["postcodes"]} if "postcodes" in block else {})
        for block in blocks
    ]
    database = DuckDBAPI(connection)
    try:
        linker = Linker(
            database.register(table, table_name=f"__splink__{table}"),
            model["splink"] | {"blocking_rules_to_generate_predictions": rules},
            log_level=None,
        )
        for name in _COUNTED if table == PART else ():
            linker.table_management.register_term_frequency_lookup(database.register(f"frequency_of_{name}"), name)
        yield linker
    except (SplinkException, duckdb.Error) as error:
        if wanted := room_wanted(str(error)):
            raise CornerstoneError(wanted) from None
        # Its messages quote what was run and the values that were met.
        raise CornerstoneError(
            f"Children could not be compared for likeness ({type(error).__name__}). Delete the folder linkage of the vault and"
            " run again: everything in it is made anew, under the decisions of reviewers."
        ) from None
    finally:
        database.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]
        logger.setLevel(before)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
