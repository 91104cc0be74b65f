"""Numbers and ranks in words."""

from decimal import Decimal

import pytest

from orchestration.figures import words


@pytest.mark.parametrize(
    ("number", "unit", "told"),
    [
        ("4062", "count", "4,062"),
        ("36.5", "count", "36.5"),
        ("79.3893", "percent", "79.4%"),
        ("0.05", "percent", "0.1%"),
        ("-0.04", "percent", "0.0%"),
        ("3.25", "percentage_points", "+3.3 percentage points"),
        ("-3.25", "percentage_points", "\u22123.3 percentage points"),
        ("1", "weeks", "1.0 weeks"),
        ("25.285", "ratio", "25.29"),
        ("-535347.4", "gbp", "\u2212£535,347"),
    ],
)
def test_an_amount_is_rounded_half_up_by_its_unit(number: str, unit: str, told: str) -> None:
    assert words.amount(Decimal(number), unit) == told


def test_a_marker_stands_beside_or_in_place_of_a_number() -> None:
    assert words.marked(Decimal(17), "count", symbol="u", label=None) == "17 [u]"
    assert words.marked(None, "count", symbol="c", label=None) == "[c]"
    assert words.marked(None, "weeks", symbol="x", label=">104 weeks") == "more than 104 weeks"
    assert words.marked(Decimal(0), "count", symbol=None, label=None) == "0"


@pytest.mark.parametrize(
    ("place", "polarity", "told"),
    [
        (1, "higher", "best of 11 similar councils, itself included"),
        (7, "lower", "7th best of 11 similar councils, itself included"),
        (2, "neutral", "2nd highest of 11 similar councils, itself included"),
        (11, "higher", "11th best of 11 similar councils, itself included"),
        (3, "higher", "3rd best of 11 similar councils, itself included"),
    ],
)
def test_a_rank_says_which_end_is_first(place: int, polarity: str, told: str) -> None:
    assert words.rank(place, 11, polarity) == told


@pytest.mark.parametrize(
    ("new", "old", "polarity", "by_size", "told"),
    [
        ("2", "1", "higher", False, "better"),
        ("2", "1", "lower", False, "worse"),
        ("2", "1", "neutral", False, ""),
        ("1", "1", "higher", False, ""),
        ("0.6", "-1.7", "lower", True, "better"),
        ("-1.7", "0.6", "lower", True, "worse"),
        ("-3", "-2", "lower", False, "better"),
        ("-3", "-2", "lower", None, ""),
    ],
)
def test_better_and_worse_are_said_where_a_direction_is(
    new: str, old: str, polarity: str, by_size: bool | None, told: str
) -> None:
    assert words.verdict(Decimal(new), Decimal(old), polarity, by_size=by_size) == told


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("THE ROTHERHAM NHS FOUNDATION TRUST", "The Rotherham NHS Foundation Trust"),
        (
            "ROTHERHAM DONCASTER AND SOUTH HUMBER NHS FOUNDATION TRUST",
            "Rotherham Doncaster and South Humber NHS Foundation Trust",
        ),
        ("NHS SOUTH YORKSHIRE ICB", "NHS South Yorkshire ICB"),
        ("ST GEORGE'S CARE (NORTH-EAST) CIC", "St George's Care (North-East) CIC"),
        ("Yorkshire and The Humber", "Yorkshire and The Humber"),
    ],
)
def test_a_name_in_capitals_is_written_as_people_write_it(written: str, said: str) -> None:
    assert words.proper(written) == said


def test_texts_are_listed_with_an_and() -> None:
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
