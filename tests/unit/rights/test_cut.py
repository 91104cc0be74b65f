"""What is looked through, and what is masked."""

import io
import json
import zipfile

import pytest

from orchestration.returns.delivered import DeliveredFile
from orchestration.rights.cut import texts_of
from orchestration.rights.forgotten import numbers_in
from orchestration.rights.mask import masked, masked_json

UPN = "E372400021001"


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in.zip", content)
    return made.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"\xd0\xcf\x11\xe0" + f" {UPN} ".encode("utf-16-le"),
        b"\xd0\xcf\x11\xe0\x00" + f" {UPN} ".encode("utf-16-le"),
        b"\xd0\xcf\x11\xe0" + f" {UPN} ".encode("utf-16-be"),
        zipped(zipped(f"UPN\n{UPN}\n".encode() * 50)),
    ],
    ids=["two bytes a letter", "from an odd byte", "high byte first", "archive within an archive"],
)
def test_numbers_are_found_where_no_reader_reads(content: bytes) -> None:
    delivered = DeliveredFile("x", "0", len(content), lambda: io.BytesIO(content), {}, {})
    assert numbers_in(text for _, text in texts_of(delivered)) == {UPN}


def test_a_number_within_a_longer_one_is_another() -> None:
    text = "ring 4499900000188 or x9990000018; NHS 9990000018, 999 000 0018."
    assert masked(text, {"9990000018", "999 000 0018"}) == (
        "ring 4499900000188 or x9990000018; NHS **********, ************."
    )


def test_json_stays_json_without_the_number() -> None:
    text = '{"a":9990000018,"b":"x \\" 9990000018","c":[1,9990000018],"d":99900000181}'
    told = {"a": "**********", "b": 'x " **********', "c": [1, "**********"], "d": 99900000181}
    assert json.loads(masked_json(text, {"9990000018"})) == told
