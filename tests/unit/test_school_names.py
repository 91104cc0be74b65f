"""How a school is named to a person."""

import pytest

from orchestration.school_names import said_school


@pytest.mark.parametrize(
    ("name", "la_estab", "urn", "said"),
    [
        ("Invented Primary", "3724001", "900001", "Invented Primary (LAEstab 3724001, URN 900001)"),
        ("Invented Primary", None, "900001", "Invented Primary (URN 900001)"),
        ("Invented Primary", None, None, "Invented Primary"),
        (None, "3724001", None, "LAEstab 3724001"),
        (None, None, None, "no school known"),
    ],
)
def test_a_school_is_named_with_the_numbers_it_goes_by(
    name: str | None, la_estab: str | None, urn: str | None, said: str
) -> None:
    assert said_school(name, la_estab, urn) == said
