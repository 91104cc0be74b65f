"""A borough written again for other authorities: the same rows, under identifiers that nobody else has."""

import csv
from pathlib import Path

import numpy as np
import pytest

from orchestration.synthetic.authorities import AUTHORITIES, CENSUS, PLANS, REGISTER, codes_from, write_authorities
from orchestration.synthetic.identity import temporary_upns, upns

[UPN, OTHER] = upns("372", np.array([2014, 2015]))
[TEMPORARY] = temporary_upns(np.array([OTHER], dtype=object))
FILES = {
    f"{CENSUS}/Census_schoolcensus.csv": ["schoolcensustableid,NativeId,estab,lea,urn", "1,3729000,9000,372,900001"],
    f"{CENSUS}/Census_pupilonroll.csv": [
        "pupilonrolltableid,NativeId,schoolcensustableid,upn,formerupn,surname,forename,uniquelearnernumber,dob",
        f"1,3729000,1,{UPN},,Ashdown,Una,9000045850,2014-Jun-20 00:00:00",
        f"2,3729000,1,{OTHER},{TEMPORARY},Birchley,Vero,,2015-Mar-01 00:00:00",
    ],
    f"{PLANS}/Export_sen2.csv": ["sen2tableid,NativeId,sen2orderseqcolumn,lea,year", "1,1,1,372,2025"],
    f"{PLANS}/Export_person.csv": [
        "persontableid,NativeId,personorderseqcolumn,sen2tableid,surname,forename,upn,postcode",
        f"1,1,1,1,Ashdown,Una,{UPN},YR1 1AB",
        "2,2,2,1,Cresswick,Una,,",
    ],
    f"{PLANS}/Export_placementdetail.csv": [
        "placementdetailtableid,NativeId,placementdetailorderseqcolumn,activeplanstableid,urn",
        "1,1,1,1,900001",
        "2,2,2,2,900777",
    ],
    f"{REGISTER}/register.csv": [
        "URN,EstablishmentNumber,LA (code),LA (name),UKPRN",
        "900001,9000,372,Rotherham,10990001",
        "900777,9001,371,Doncaster,",
    ],
    "postcode_directory/postcodes.csv": ["pcds,lsoa21cd", "YR1 1AB,E01999000", "YR90 1AB,E01999500"],
    "deprivation/deprivation.csv": ["lsoa", "E01999000"],
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    borough, out = (tmp_path_factory.mktemp("authorities") / name for name in ("borough", "out"))
    for name, lines in FILES.items():
        (borough / name).parent.mkdir(parents=True, exist_ok=True)
        (borough / name).write_text("\n".join(lines) + "\n")
    write_authorities(borough, out, ["372", "370", "815"], {"memory_limit": "512MiB"})
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_own_authority_keeps_what_it_had(out: Path) -> None:
    for name in ("Census_schoolcensus.csv", "Census_pupilonroll.csv"):
        assert (out / "school_census/372" / name).read_text().splitlines() == FILES[f"{CENSUS}/{name}"]


def test_another_authority_has_the_rows_under_its_own_code_numbers_and_names(out: Path) -> None:
    assert rows(out / "school_census/370/Census_schoolcensus.csv") == [
        {"schoolcensustableid": "1", "NativeId": "3709000", "estab": "9000", "lea": "370", "urn": "910201"}
    ]
    first, second = rows(out / "school_census/370/Census_pupilonroll.csv")
    assert (first["NativeId"], first["uniquelearnernumber"], first["dob"]) == ("3709000", "", "2014-Jun-20 00:00:00")
    # 37 places on among three surnames is one place on, 11 among two forenames is one place on.
    assert (first["surname"], first["forename"]) == ("Birchley", "Vero")
    assert (second["surname"], second["forename"]) == ("Cresswick", "Una")
    # The same children's numbers, had this authority given them: check letter and all.
    assert [first["upn"], second["upn"]] == list(upns("370", np.array([2014, 2015])))
    assert [second["formerupn"]] == list(temporary_upns(np.array([second["upn"]], dtype=object)))


def test_plans_stand_in_one_return_and_go_with_the_children_of_the_censuses(out: Path) -> None:
    assert rows(out / "sen2/Export_sen2.csv") == [
        {"sen2tableid": "1", "NativeId": "1", "sen2orderseqcolumn": "1", "lea": "372", "year": "2025"}
    ]
    people = {row["persontableid"]: row for row in rows(out / "sen2/Export_person.csv")}
    assert sorted(map(int, people)) == [1, 2, 1_000_001, 1_000_002, 2_000_001, 2_000_002]
    assert {row["sen2tableid"] for row in people.values()} == {"1"}
    for number, code in enumerate(("372", "370", "815")):
        pupil = rows(out / f"school_census/{code}/Census_pupilonroll.csv")[0]
        person = people[str(number * 1_000_000 + 1)]
        assert [person[name] for name in ("upn", "surname", "forename")] == [
            pupil[name] for name in ("upn", "surname", "forename")
        ]
        assert people[str(number * 1_000_000 + 2)]["upn"] == ""
    placed = {row["placementdetailtableid"]: row for row in rows(out / "sen2/Export_placementdetail.csv")}
    assert (placed["2000001"]["urn"], placed["2000001"]["activeplanstableid"]) == ("910401", "2000001")
    assert placed["2000002"]["urn"] == "900777"  # of a neighbour: there is one of it


def test_every_authority_has_the_schools_and_neighbours_have_theirs_once(out: Path) -> None:
    found = [tuple(row.values()) for row in rows(out / "establishment_register/register.csv")]
    assert sorted(found) == [
        ("900001", "9000", "372", "Rotherham", "10990001"),
        ("900777", "9001", "371", "Doncaster", ""),
        ("910201", "9000", "370", "Authority 370", "11000201"),
        ("910401", "9000", "815", "Authority 815", "11000401"),
    ]


def test_every_authority_has_postcodes_of_its_own_in_the_boroughs_neighbourhoods(out: Path) -> None:
    assert [tuple(row.values()) for row in rows(out / "postcode_directory/postcodes.csv")] == [
        ("YR1 1AB", "E01999000"), ("YR90 1AB", "E01999500"), ("YR13 1AB", "E01999000"), ("YR25 1AB", "E01999000")
    ]  # fmt: skip
    people = {row["persontableid"]: row["postcode"] for row in rows(out / "sen2/Export_person.csv")}
    assert [people[key] for key in ("1", "1000001", "2000001", "2000002")] == ["YR1 1AB", "YR13 1AB", "YR25 1AB", ""]


def test_the_authorities_are_those_of_england_with_the_own_region_first() -> None:
    assert len(set(AUTHORITIES)) == len(AUTHORITIES) == 153
    assert codes_from("372", 3) == ["372", "370", "371"]
    assert set(codes_from("372", 15)) == {
        "370", "371", "372", "373", "380", "381", "382", "383", "384", "810", "811", "812", "813", "815", "816",
    }  # fmt: skip
    assert codes_from("201", 2) == ["201", "370"]
