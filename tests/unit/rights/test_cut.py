"""What is masked is a number by itself."""

from orchestration.rights.cut import _masked


def test_a_number_within_a_longer_one_is_another() -> None:
    text = "ring 4499900000188 or x9990000018; NHS 9990000018, 999 000 0018."
    assert _masked(text, {"9990000018", "999 000 0018"}) == (
        "ring 4499900000188 or x9990000018; NHS **********, ************."
    )
