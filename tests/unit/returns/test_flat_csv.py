"""Delimited text as it comes: encodings, repeated columns, rows that do not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.flat_csv import read_flat_csv, read_header


def text_file(content: str | bytes) -> DataFile:
    return DataFile("figures.csv", content.encode() if isinstance(content, str) else content, "text")


def refused(content: str | bytes) -> str:
    with pytest.raises(FileRefused) as caught:
        read_flat_csv(text_file(content))
    return caught.value.rule_id


def test_values_stay_text_and_blank_is_null_not_zero() -> None:
    flat = read_flat_csv(text_file("a,b,c,d\n0,,x,007\n"))
    assert flat.rows.to_pylist() == [{"a": "0", "b": None, "c": "x", "d": "007", "source_row": 1}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encodings_councils_use_give_the_same_text(encoding: str) -> None:
    flat = read_flat_csv(text_file("Région,é\nZoë \u2013 café,1\n".encode(encoding)))
    assert flat.rows.to_pylist()[0]["région"] == "Zoë \u2013 café"


def test_bytes_of_no_known_encoding_are_refused() -> None:
    assert refused(b"a,b\n\x81\x8d,1\n") == "FILE-010"


def test_a_repeated_column_with_the_same_values_is_kept_once_and_reported() -> None:
    flat = read_flat_csv(text_file("a,Prior,prior\n1,2,2\n3,,\n"))
    assert flat.duplicate_columns == ["prior"]
    assert flat.rows.column_names == ["a", "prior", "source_row"]


def test_a_repeated_column_with_other_values_is_refused() -> None:
    assert refused("a,prior,prior\n1,2,3\n") == "FILE-007"


def test_rows_that_do_not_fit_the_header_are_set_aside_with_their_place() -> None:
    flat = read_flat_csv(text_file('a,b\n1,2\nonly one\n"a line\nbreak",4\n1,2,3\n5,6\n'))
    assert [(row.source_row, row.row_text) for row in flat.unreadable] == [(2, "only one"), (4, "1,2,3")]
    assert flat.rows.column("source_row").to_pylist() == [1, 3, 5]
    assert flat.rows_read == 5


def test_blank_trailing_columns_are_dropped() -> None:
    flat = read_flat_csv(text_file("a,b,,\n1,2,,\n"))
    assert flat.rows.to_pylist() == [{"a": "1", "b": "2", "source_row": 1}]


def test_values_under_a_column_without_a_name_are_refused() -> None:
    assert refused("a,b,\n1,2,3\n") == "FILE-011"


@pytest.mark.parametrize("content", ["a,b\n", "a,b", "a,b\n\n"])
def test_a_header_without_rows_is_refused(content: str) -> None:
    assert refused(content) == "FILE-006"


def test_an_unclosed_quote_is_refused() -> None:
    assert refused('a,b\n1,"2\n3,4\n') == "FILE-011"


def test_header_names_are_stripped() -> None:
    assert read_header(text_file(" a , b,\n1,2,\n")) == ["a", "b"]


@given(st.lists(st.integers(min_value=1, max_value=4), min_size=1, max_size=30))
def test_every_row_is_either_read_or_set_aside(widths: list[int]) -> None:
    content = "a,b\n" + "".join(",".join("v" * 1 for _ in range(width)) + "\n" for width in widths)
    flat = read_flat_csv(text_file(content))
    fitting = [i for i, width in enumerate(widths, start=1) if width == 2]
    assert flat.rows.column("source_row").to_pylist() == fitting
    assert flat.rows_read == len(widths)
