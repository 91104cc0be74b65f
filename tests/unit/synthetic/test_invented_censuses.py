"""The school censuses of the invented borough, read back from what was written and held against the SEN2 returns of the same run."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from orchestration.errors import CornerstoneError
from orchestration.synthetic import synthesise
from orchestration.synthetic.census import Schooling, extended_register, school_the_children
from orchestration.synthetic.census.faults import plant_census_faults
from orchestration.synthetic.census.schools import LOOKBACK, TERMS
from orchestration.synthetic.census.write import COLLECT, XML, layout, write_census
from orchestration.synthetic.identity import temporary_upns, upns
from orchestration.synthetic.registers import schools_register
from tests.unit.synthetic.inventing import FIGURES, invent

PROJECT = Path(__file__).parents[3]
CENSUS_DAYS = {
    ("2022-23", "autumn"): "2022-10-06",
    ("2022-23", "spring"): "2023-01-19",
    ("2022-23", "summer"): "2023-05-18",
    ("2023-24", "autumn"): "2023-10-05",
    ("2023-24", "spring"): "2024-01-18",
    ("2023-24", "summer"): "2024-05-16",
    ("2024-25", "autumn"): "2024-10-03",
    ("2024-25", "spring"): "2025-01-16",
    ("2024-25", "summer"): "2025-05-15",
    ("2025-26", "autumn"): "2025-10-02",
    ("2025-26", "spring"): "2026-01-15",
    ("2025-26", "summer"): "2026-05-21",
}
ABSENT = ("I", "M", "C", "C2", "E", "G", "O")


@dataclass
class Borough:
    out: Path
    asked: dict[str, Any]
    """What the children were put to school with."""
    schooling: Schooling

    def folder(self, label: str, term: str, shape: str) -> Path:
        return self.out / "school_census" / label / term / shape

    def table(self, label: str, term: str, table: str) -> pd.DataFrame:
        (path,) = self.folder(label, term, COLLECT).glob(f"*_{table}.csv")
        return pd.read_csv(path, dtype=str, keep_default_na=False)

    def pupils(self, label: str, term: str) -> pd.DataFrame:
        """On-roll rows with the URN of their school."""
        header = self.table(label, term, "schoolcensus")[["schoolcensustableid", "urn"]]
        return self.table(label, term, "pupilonroll").merge(header, on="schoolcensustableid")

    def key(self, label: str, term: str) -> pd.DataFrame:
        found = pd.read_csv(self.out / "census_disagreements.csv", dtype=str, keep_default_na=False)
        return found[(found["academic_year"] == label) & (found["term"] == term)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Borough:
    out = tmp_path_factory.mktemp("schooled")
    asked = invent(out, school_the_children, scale=0.05, censuses=True)
    return Borough(out, asked, asked["made"])


def on_day(text: str) -> str:
    """2026-Jan-15 00:00:00 as 2026-01-15."""
    return pd.to_datetime(text, format="%Y-%b-%d %H:%M:%S").strftime("%Y-%m-%d")


def check_letter(upn: str) -> str:
    letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
    worth = [int(c) if c.isdigit() else letters.index(c) for c in upn[1:]]
    return letters[sum(place * value for place, value in enumerate(worth, start=2)) % 23]


def test_there_are_twelve_censuses_the_newest_year_a_file_a_school_the_others_in_tables(made: Borough) -> None:
    for label, term in CENSUS_DAYS:
        shape = XML if label == "2025-26" else COLLECT
        assert [path.name for path in (made.out / "school_census" / label / term).iterdir()] == [shape]
        assert len(list(made.folder(label, term, shape).iterdir())) >= 19
    assert len(list((made.out / "school_census").glob("*/*"))) == 12


def test_a_schools_file_is_named_by_school_term_and_year(made: Borough) -> None:
    digits = {"autumn": ("3", "25"), "spring": ("1", "26"), "summer": ("2", "26")}
    for term, (digit, year) in digits.items():
        for path in made.folder("2025-26", term, XML).iterdir():
            assert re.fullmatch(rf"372\d{{4}}_SC{digit}_372LL{year}_001\.XML", path.name)
            head = ET.parse(path).getroot()  # noqa: S314 - our own file
            assert "372" + head.findtext(".//Source/Estab", "") == path.name[:7]
            assert head.findtext(".//Source/SoftwareCode") == "Invented Census"
            assert head.findtext(".//CollectionDetails/ReferenceDate") == CENSUS_DAYS["2025-26", term]
            assert (
                head.findtext(".//CollectionDetails/Term") == {"autumn": "AUT", "spring": "SPR", "summer": "SUM"}[term]
            )


def test_every_table_is_known_by_its_headings_and_carries_the_census_in_its_header(made: Borough) -> None:
    for (label, term), day in CENSUS_DAYS.items():
        if label == "2025-26":
            continue
        for path in made.folder(label, term, COLLECT).iterdir():
            columns = set(path.read_text(encoding="utf-8").split("\n", 1)[0].replace('"', "").split(","))
            stems = {c.removesuffix("tableid") for c in columns if c.endswith("tableid")}
            assert {s for s in stems if f"{s}orderseqcolumn" in columns} == {path.stem.rsplit("_", 1)[1]}
        header = made.table(label, term, "schoolcensus")
        assert set(header["softwarecode"]) == {"Invented Census"}
        assert set(header["referencedate"].map(on_day)) == {day}
        assert set(header["year"]) == {day[:4]}
        assert header["NativeId"].is_unique
        assert (header["NativeId"] == header["lea"] + header["estab"]).all()


@pytest.mark.parametrize(
    ("academic", "term", "has", "lacks"),
    [
        (2022, "autumn", {"gender", "thirtyhourcode"}, {"sex", "eligibilitycode", "ethnicity"}),
        (2022, "spring", {"gender", "youngcarer", "thirtyhourcode"}, {"sex", "eligibilitycode"}),
        (2023, "autumn", {"sex", "thirtyhourcode", "termlysessionsauthorised"}, {"gender", "eligibilitycode"}),
        (2023, "summer", {"sex", "thirtyhourcode"}, {"gender", "eligibilitycode", "ethnicity"}),
        (2024, "autumn", {"sex", "eligibilitycode", "termlysessionsauthorised"}, {"thirtyhourcode"}),
        (2024, "spring", {"sex", "eligibilitycode", "ethnicity"}, {"thirtyhourcode", "termlysessionsauthorised"}),
        (2025, "autumn", {"sex", "summerhalfterm2sessionspossible"}, {"gender", "termlysessionsauthorised"}),
    ],
)
def test_columns_are_those_of_the_year(academic: int, term: str, has: set[str], lacks: set[str]) -> None:
    (of_term,) = (t for t in TERMS if (t.academic, t.name) == (academic, term))
    columns = set(layout(of_term)["pupilonroll"])
    assert has <= columns
    assert not lacks & columns


def test_alternative_provision_by_postcode_came_in_autumn_2023() -> None:
    by_term = {(t.academic, t.name): layout(t)["schoolarrangedapdetailonroll"] for t in TERMS}
    assert "applacementpostcode" not in by_term[2022, "summer"]
    assert "applacementpostcode" in by_term[2023, "autumn"]


def test_pupil_numbers_carry_their_check_letter_and_belong_to_one_child(made: Borough) -> None:
    temporary = 0
    for label, term in CENSUS_DAYS:
        if label == "2025-26":
            continue
        pupils = made.table(label, term, "pupilonroll")
        given = [*pupils["upn"], *(upn for upn in pupils["formerupn"] if upn)]
        assert [upn for upn in given if upn[0] != check_letter(upn)] == []
        temporary += sum(upn[-1].isalpha() for upn in given)
        assert not pupils.duplicated(["NativeId", "upn"]).any()
        assert pupils.groupby("upn")["dob"].nunique().max() == 1
    assert temporary > 0


def test_a_temporary_number_is_of_the_published_form_and_its_childs_own() -> None:
    permanent = upns("372", pd.Series([2015] * 2000).to_numpy(), 10_000)
    found = temporary_upns(permanent)
    assert len(set(found)) == 2000
    assert all(
        re.fullmatch(r"[A-HJ-NP-RT-Z]\d{11}[A-HJ-NP-RT-Z]", upn) and upn[0] == check_letter(upn) for upn in found
    )
    assert check_letter("D37240002101A") == "D"


@pytest.mark.parametrize(
    ("label", "plan", "support"), [("2022-23", 4.7, 15.8), ("2023-24", 5.5, 16.7), ("2024-25", 6.4, 17.1)]
)
def test_shares_of_pupils_with_a_plan_and_on_support_are_the_published_ones(
    made: Borough, label: str, plan: float, support: float
) -> None:
    pupils = made.table(label, "spring", "pupilonroll")
    heads = pupils[pupils["enrolstatus"] != "S"]
    found = 100 * heads["senprovision"].value_counts(normalize=True)
    assert abs(found["E"] - plan) < 0.05
    assert abs(found["K"] - support) < 0.05


@pytest.mark.parametrize("label", ["2022-23", "2023-24", "2024-25"])
def test_some_children_leave_sen_support_and_some_join_it_every_year_and_within_it(made: Borough, label: str) -> None:
    t = next(t for t, term in enumerate(TERMS) if (term.label, term.name) == (label, "spring"))
    children = made.schooling.children

    def left(later: int) -> float:
        of_both = (children.site[:, t] >= 0) & (children.site[:, later] >= 0)
        return float((children.provision[of_both & (children.provision[:, t] == 1), later] == 0).mean())

    assert 0.04 < left(t + 3) < 0.1
    assert 0.005 < left(t + 1) < left(t + 3)


def test_most_own_plans_at_state_funded_schools_are_inside_the_authority(made: Borough) -> None:
    register = pd.read_csv(
        made.out / "establishment_register" / "register_20260105.csv", dtype=str, keep_default_na=False
    ).set_index("URN")
    placed = register.loc[plans_of(made.out / "sen2" / "2025" / "xml" / "372_SEN2_2025.xml", "2025-01-16")["urn"]]
    groups = ["Academies", "Free Schools", "Local authority maintained schools"]
    of_state = placed[placed["EstablishmentTypeGroup (name)"].isin(groups)]
    assert 0.9 < (of_state["LA (code)"] == "372").mean() < 1
    key = made.key("2024-25", "spring")
    pupils = made.table("2024-25", "spring", "pupilonroll")
    guests = (key["kind"] == "plan of another authority").sum() / (pupils["senprovision"] == "E").sum()
    assert 0.02 < guests < 0.2


def test_the_register_counts_the_pupils_and_places_of_the_schools_that_make_a_census(made: Borough) -> None:
    register = pd.read_csv(
        made.out / "establishment_register" / "register_20260105.csv", dtype=str, keep_default_na=False
    ).set_index("URN")
    schools = pd.read_parquet(made.out / "truth" / "census_schools.parquet")
    now_called = dict(zip(schools["URN"], schools["URN"], strict=True))
    now_called |= dict(zip(schools["urn_before"], schools["URN"], strict=True))
    pupils = made.pupils("2024-25", "spring")  # the last January before the register's day
    heads = pupils[pupils["enrolstatus"] != "S"].assign(site=lambda rows: rows["urn"].map(now_called))
    told = register.loc[schools["URN"]]
    assert (told["NumberOfPupils"].astype(int) == heads["site"].value_counts().reindex(told.index, fill_value=0)).all()
    assert (told["SchoolCapacity"].astype(int) > told["NumberOfPupils"].astype(int)).all()
    assert set(register.drop(schools["URN"])["NumberOfPupils"]) == {""}
    for kind, stem, column in (
        ("SEN unit", "SenUnit", "senunitindicator"),
        ("Resourced provision", "ResourcedProvision", "resourcedprovisionindicator"),
    ):
        has = told["TypeOfResourcedProvision (name)"].str.contains(kind)
        placed = heads[heads[column] == "True"]["site"].value_counts()
        assert set(placed.index) <= set(told.index[has])
        assert (told.loc[has, f"{stem}OnRoll"].astype(int) == placed.reindex(told.index[has], fill_value=0)).all()
        assert (told.loc[has, f"{stem}Capacity"].astype(int) > told.loc[has, f"{stem}OnRoll"].astype(int)).all()
        assert set(told.loc[~has, f"{stem}Capacity"]) == {""}
    academy = register["EstablishmentTypeGroup (name)"].isin(["Academies", "Free Schools"])
    assert (register["Trusts (name)"] != "").equals(academy)


def test_twins_have_two_names(made: Borough) -> None:
    pupils = pd.read_parquet(made.out / "truth" / "census_pupils.parquet")
    twins = pupils[pupils.duplicated(["family", "born"], keep=False)]
    assert len(twins) > 10
    assert not twins.duplicated(["family", "born", "forename"]).any()


def plans_of(path: Path, day: str) -> pd.DataFrame:
    """Plans in force on census day that are placed at an establishment: forename, dob, urn, upn, surname, need."""
    rows = []
    for person in ET.parse(path).getroot().iter("Person"):  # noqa: S314 - our own file
        for request in person.iter("Requests"):
            start, end = request.findtext(".//NamedPlan/StartDate"), request.findtext(".//NamedPlan/CeaseDate")
            if start is None or start > day or (end is not None and end < day):
                continue
            needs = {n.findtext("SENtypeRank"): n.findtext("SENtype") for n in request.iter("SENneed")}
            for place in request.iter("PlacementDetail"):
                if place.findtext("URN") and place.findtext("LeavingDate") is None:
                    rows.append(
                        {
                            "forename": person.findtext("Forename"),
                            "dob": person.findtext("PersonBirthDate"),
                            "urn": place.findtext("URN"),
                            "upn": person.findtext("UPN", ""),
                            "surname": person.findtext("Surname"),
                            "need": needs["1"],
                        }
                    )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("label", ["2022-23", "2023-24", "2024-25"])
def test_children_with_a_plan_are_on_the_roll_of_their_placement_save_those_in_the_answer_key(
    made: Borough, label: str
) -> None:
    year = int(label[:4]) + 1
    day = CENSUS_DAYS[label, "spring"]
    pupils = made.pupils(label, "spring")
    pupils["dob"] = pupils["dob"].map(on_day)
    plans = plans_of(made.out / "sen2" / str(year) / "xml" / f"372_SEN2_{year}.xml", day)
    schools = pd.read_parquet(made.out / "truth" / "census_schools.parquet")
    here = plans[plans["urn"].isin({*schools["URN"], *schools["urn_before"]})]
    assert len(here) > 50
    main = pupils[pupils["enrolstatus"] != "S"]
    key = made.key(label, "spring")
    assert set(key["kind"]) >= {
        "school records SEN support",
        "at another school",
        "on no roll",
        "plan of another authority",
    }
    rows = main[(main["senprovision"] == "E") & ~main["pupilonrolltableid"].isin(key["pupilonrolltableid"])]
    names = pd.read_parquet(made.out / "truth" / "people.parquet").set_index("person")
    planted = key[(key["person"] != "-1") & (key["kind"] != "plan ended")]
    known = names.loc[planted["person"].astype(int)]
    excepted = set(zip(known["forename"], known["born"].dt.strftime("%Y-%m-%d"), planted["sen2_urn"], strict=True))
    in_return = set(here[["forename", "dob", "urn"]].itertuples(index=False, name=None))
    in_census = set(rows[["forename", "dob", "urn"]].itertuples(index=False, name=None))
    assert in_census == in_return - excepted
    assert excepted <= in_return
    both = rows.merge(here, on=["forename", "dob", "urn"], suffixes=("", "_told"))
    assert (both["upn"] == both["upn_told"])[both["upn_told"] != ""].all()
    assert (both["surname"] == both["surname_told"]).mean() > 0.9
    needs = made.table(label, "spring", "senneeds")
    first = needs[needs["sentyperank"] == "1"].set_index("pupilonrolltableid")["sentype"]
    assert (both["pupilonrolltableid"].map(first) == both["need"]).all()


def test_what_the_answer_key_says_of_a_row_is_what_the_census_says(made: Borough) -> None:
    for label, term in CENSUS_DAYS:
        if label == "2025-26":
            continue
        pupils = made.table(label, term, "pupilonroll").set_index("pupilonrolltableid")
        key = made.key(label, term)
        told = key[key["pupilonrolltableid"] != ""]
        rows = pupils.loc[told["pupilonrolltableid"]]
        assert (rows["senprovision"].to_numpy() == told["census_provision"].to_numpy()).all()
        assert (rows["upn"].to_numpy() == told["upn"].to_numpy()).all()
        assert (rows["NativeId"].to_numpy() == told["laestab"].to_numpy()).all()
        absent = key[key["kind"].str.startswith(("on no roll", "over school age"))]
        assert not set(absent["upn"]) & set(pupils["upn"])
        assert (key["expected_reason"] != "").all()


def test_a_dual_registration_is_main_at_one_school_and_subsidiary_at_another(made: Borough) -> None:
    pupils = made.table("2024-25", "summer", "pupilonroll")
    second = pupils[pupils["enrolstatus"] == "S"].merge(pupils, on="upn", suffixes=("", "_main"))
    second = second[second["enrolstatus_main"] != "S"]
    assert len(second) == (pupils["enrolstatus"] == "S").sum() > 0
    assert set(second["enrolstatus_main"]) == {"M"}
    assert (second["NativeId"] != second["NativeId_main"]).all()
    heads = pupils[pupils["enrolstatus"].isin(["C", "M"])]
    assert heads["upn"].is_unique
    assert (pupils["enrolstatus"] == "M").sum() == len(second)


def test_sessions_add_up_and_absence_by_provision_is_near_the_published(made: Borough) -> None:
    pupils = made.table("2024-25", "spring", "pupilonroll").set_index("pupilonrolltableid")
    details = made.table("2024-25", "spring", "termlysessiondetailsonroll").astype({"sessions": int})
    assert not details.duplicated(["pupilonrolltableid", "attendancereason"]).any()
    assert details.groupby("pupilonrolltableid").size().mean() < 5.5
    counted = details[details["attendancereason"] != "D"].groupby("pupilonrolltableid")["sessions"].sum()
    possible = pd.to_numeric(pupils["termlysessionspossible"]).fillna(0).astype(int)
    assert counted.reindex(pupils.index, fill_value=0).equals(possible)
    aged = pupils["ncyearactual"].isin(["N1", "N2", "12", "13", "14"])
    assert (pupils.loc[aged, "termlysessionspossible"] == "").all()
    missed = details[details["attendancereason"].isin(ABSENT)].groupby("pupilonrolltableid")["sessions"].sum()
    missed = missed.reindex(pupils.index, fill_value=0)
    rate = 100 * missed.groupby(pupils["senprovision"]).sum() / possible.groupby(pupils["senprovision"]).sum()
    for provision, published in {"N": 6.02, "K": 10.18, "E": 14.79}.items():
        assert abs(rate[provision] - published) < 2


def test_the_autumn_return_tells_the_two_halves_of_the_summer_apart(made: Borough) -> None:
    pupils = made.table("2024-25", "autumn", "pupilonroll")
    both = pupils[(pupils["termlysessionspossible"] > "0") & (pupils["summerhalfterm2sessionspossible"] > "0")]
    assert len(both) > 1000
    assert set(both["termlysessionspossible"].astype(int)) <= set(range(10, 59))
    of_year = pupils.groupby("ncyearactual")["termlysessionspossible"]
    assert set(of_year.get_group("R")) == {""}, "who began in September did not attend in the summer"
    stayed = pupils["entrydate"].map(on_day) < "2024-05-01"
    in_year_12 = pupils[stayed & (pupils["ncyearactual"] == "12")]
    assert len(in_year_12) > 5
    assert (pd.to_numeric(in_year_12["termlysessionspossible"]) > 0).all(), "who stays on has the summer of year 11"
    assert set(of_year.get_group("13")) == {""}


def test_suspensions_are_told_in_two_returns_with_the_provision_of_the_time(made: Borough) -> None:
    told: Counter[tuple[str, ...]] = Counter()
    for label, term in list(CENSUS_DAYS)[:9]:
        for roll, pupil in (("onroll", "pupilonroll"), ("offroll", "pupilnolongeronroll")):
            rows = made.table(label, term, f"termlyexclusions{roll}")
            rows = rows.merge(
                made.table(label, term, pupil)[[f"{pupil}tableid", "upn", "NativeId"]], on=f"{pupil}tableid"
            )
            assert set(rows["senprovision"]) <= {"N", "K", "E"}
            assert set(rows["category"]) <= {"SUSP", "PERM"}
            assert ((rows["sessions"] == "") == (rows["category"] == "PERM")).all()
            assert (rows["reason1"] != "").all()
            if roll == "onroll":
                assert "PERM" not in set(rows["category"])
            day = rows["startdate"].map(on_day)
            assert (day < CENSUS_DAYS[label, term]).all()
            told.update(zip(rows["upn"], rows["NativeId_y"], rows["startdate"], rows["category"], strict=True))
    assert set(told.values()) <= {1, 2}
    assert sum(times == 2 for times in told.values()) > 0.6 * len(told)
    assert any(category == "PERM" for *_, category in told)


def test_leavers_left_between_the_two_census_days_and_were_on_roll_before(made: Borough) -> None:
    before = made.table("2024-25", "autumn", "pupilonroll")
    gone = made.table("2024-25", "spring", "pupilnolongeronroll")
    left, entered = gone["leavingdate"].map(on_day), gone["entrydate"].map(on_day)
    assert (left >= entered).all()
    assert (left < CENSUS_DAYS["2024-25", "spring"]).all()
    now = made.table("2024-25", "spring", "pupilonroll")
    assert not set(zip(gone["NativeId"], gone["upn"], strict=True)) & set(zip(now["NativeId"], now["upn"], strict=True))
    since = gone[left > CENSUS_DAYS["2024-25", "autumn"]]
    numbers = set(before["upn"]) | set(gone["formerupn"])
    assert len(since) > 0
    assert (since["upn"].isin(numbers) | since["formerupn"].isin(numbers)).all()


def test_a_school_that_became_an_academy_has_another_number_after(made: Borough) -> None:
    schools = pd.read_parquet(made.out / "truth" / "census_schools.parquet")
    converted = schools[schools["converted"] > 0]
    register = pd.read_csv(
        made.out / "establishment_register" / "register_20260105.csv", dtype=str, keep_default_na=False
    )
    opened = register.set_index("URN").loc[converted["URN"], "OpenDate"].tolist()
    assert opened == ["01-09-2023", "01-09-2023", "01-04-2024", "01-09-2024", "01-09-2025", "01-01-2026"]
    early = set(made.table("2022-23", "summer", "schoolcensus")["urn"])
    late = {path.name[:7] for path in made.folder("2025-26", "spring", XML).iterdir()}
    assert early & set(converted["urn_before"])
    assert not early & set(converted["URN"])
    assert late & set(converted["laestab"])
    assert not late & set(converted["laestab_before"])


def test_twins_and_siblings_live_at_one_address(made: Borough) -> None:
    pupils = pd.read_parquet(made.out / "truth" / "census_pupils.parquet")
    families = pupils[pupils["person"] < 0].groupby("family")
    several = families.size()[families.size() > 1].index
    assert len(several) > 100
    homes = pupils[pupils["family"].isin(several) & (pupils["person"] < 0)].groupby("family")
    assert (homes[["surname", "postcode", "house"]].nunique() == 1).all().all()
    assert (homes["born"].nunique() < homes.size()).any()


def rows_of_xml(folder: Path) -> tuple[Counter[Any], Counter[Any], Counter[Any]]:
    """Pupils on roll, pupils no longer on roll and what hangs from either, as the XML files have them."""
    rolls: dict[str, Counter[Any]] = {"PupilOnRoll": Counter(), "PupilNoLongerOnRoll": Counter()}
    below: Counter[Any] = Counter()
    children = {
        "SENneed": ("SENtypeRank", "SENtype"),
        "SessionDetail": ("AttendanceReason", "Sessions"),
        "TermlyExclusion": ("StartDate", "Category", "Sessions", "SENprovision", "Reason1"),
        "FSMperiod": ("FSMstartDate", "FSMendDate"),
    }
    for path in folder.iterdir():
        for element in ET.parse(path).getroot().iter():  # noqa: S314 - our own file
            if element.tag not in rolls:
                continue
            upn = element.findtext(".//UPN")
            blocks = ("PupilIdentifiers", "PupilCharacteristics", "PupilStatus", "SpecialEducationalNeeds")
            leaves = {
                leaf.tag.lower(): leaf.text
                for block in blocks
                for leaf in element.findall(f"{block}/*")
                if len(leaf) == 0
            }
            rolls[element.tag][(path.name[:7], *sorted(leaves.items()))] += 1
            for tag, parts in children.items():
                for child in element.iter(tag):
                    below[(path.name[:7], upn, tag, *(child.findtext(part, "") for part in parts))] += 1
    return rolls["PupilOnRoll"], rolls["PupilNoLongerOnRoll"], below


def rows_of_tables(folder: Path) -> tuple[Counter[Any], Counter[Any], Counter[Any]]:
    """The same from the COLLECT tables."""
    read = {
        path.stem.rsplit("_", 1)[1]: pd.read_csv(path, dtype=str, keep_default_na=False) for path in folder.iterdir()
    }
    apart = re.compile("tableid|orderseqcolumn|NativeId|sourceid|sessions")

    def plain(name: str, text: str) -> str:
        if text in ("True", "False"):
            return str(int(text == "True"))
        return on_day(text) if re.fullmatch(r"\d{4}-[A-Z][a-z]{2}-\d\d 00:00:00", text) else text

    rolls, below = [], Counter[Any]()
    for roll in ("pupilonroll", "pupilnolongeronroll"):
        frame = read[roll]
        columns = [c for c in frame.columns if not apart.search(c)]
        rows: Counter[Any] = Counter()
        for native, *values in frame[["NativeId", *columns]].itertuples(index=False, name=None):
            kept = [(c, plain(c, v)) for c, v in zip(columns, values, strict=True) if v != ""]
            rows[(native, *sorted(kept))] += 1
        rolls.append(rows)
        suffix = "onroll" if roll == "pupilonroll" else "offroll"
        tables = {
            f"termlysessiondetails{suffix}": ("SessionDetail", ["attendancereason", "sessions"]),
            f"summerhalfterm2sessiondetails{suffix}": ("SessionDetail", ["attendancereason", "sessions"]),
            f"termlyexclusions{suffix}": (
                "TermlyExclusion",
                ["startdate", "category", "sessions", "senprovision", "reason1"],
            ),
        }
        if roll == "pupilonroll":
            tables["senneeds"] = ("SENneed", ["sentyperank", "sentype"])
            tables["fsmperiod"] = tables["fsmperiodsonroll"] = ("FSMperiod", ["fsmstartdate", "fsmenddate"])
        for table, (tag, parts) in tables.items():
            if table not in read:
                continue
            joined = read[table].merge(frame[[f"{roll}tableid", "upn"]], on=f"{roll}tableid")
            assert len(joined) == len(read[table])
            for native, upn, *values in joined[["NativeId", "upn", *parts]].itertuples(index=False, name=None):
                below[(native, upn, tag, *(plain(p, v) for p, v in zip(parts, values, strict=True)))] += 1
    return rolls[0], rolls[1], below


@pytest.mark.parametrize("t", [LOOKBACK, len(TERMS) - 2], ids=["autumn 2022", "spring 2026"])
def test_both_shapes_hold_the_same_rows(made: Borough, tmp_path: Path, t: int) -> None:
    census = made.schooling.census(t)
    for shape in (XML, COLLECT):
        write_census(census, tmp_path, shape)
    in_files, in_tables = rows_of_xml(tmp_path / XML), rows_of_tables(tmp_path / COLLECT)
    assert in_files[0].total() > 1000
    for found, wanted in zip(in_files, in_tables, strict=True):
        assert found == wanted


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(made: Borough, tmp_path: Path) -> None:
    t = LOOKBACK + 1
    again = school_the_children(*made.asked["given"], **made.asked["named"])
    other = school_the_children(*made.asked["given"], **{**made.asked["named"], "seed": 4})
    write_census(again.census(t), tmp_path / "again", COLLECT)
    write_census(other.census(t), tmp_path / "other", COLLECT)
    first = made.folder("2022-23", "spring", COLLECT)
    for path in first.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / COLLECT / path.name).read_bytes()
    differ = "SchoolCensus2023_Spring_pupilonroll.csv"
    assert (first / differ).read_bytes() != (tmp_path / "other" / COLLECT / differ).read_bytes()


def test_the_register_that_the_returns_draw_from_is_only_added_to() -> None:
    register = schools_register("372", "Invented")
    extended = extended_register(register, "372")
    pd.testing.assert_frame_equal(extended.iloc[: len(register)], register)
    added = extended.iloc[len(register) :]
    assert set(added["line"]) == {""}
    assert extended["URN"].is_unique
    assert not set(added["EstablishmentNumber"]) & set(register["EstablishmentNumber"])


def test_nobody_is_at_a_primary_school_in_a_secondary_year_or_the_other_way_about(made: Borough) -> None:
    high = {*map(str, range(7, 15))}
    for label, term in list(CENSUS_DAYS)[:9]:
        phases = made.table(label, term, "school")[["schoolcensustableid", "phase"]]
        pupils = made.table(label, term, "pupilonroll").merge(phases, on="schoolcensustableid")
        older = pupils["ncyearactual"].isin(high)
        assert not (older & pupils["phase"].isin(["PS", "NS"])).any()
        assert not (~older & (pupils["phase"] == "SS")).any()
        assert not ((pupils["senprovision"] == "N") & (pupils["phase"] == "SP")).any()


def test_who_holds_another_authoritys_plan_lives_over_the_border_and_every_home_is_in_the_directory(
    made: Borough,
) -> None:
    directory = pd.read_csv(made.out / "postcode_directory" / "postcodes_20260105.csv", dtype=str)
    authority = directory.set_index("pcds")["la_code"]
    deprivation = pd.read_csv(made.out / "deprivation" / "deprivation_20260105.csv", dtype=str)
    assert set(directory["lsoa21cd"]) == set(deprivation["LSOA code (2021)"])
    assert deprivation["Index of Multiple Deprivation (IMD) Rank"].is_unique
    for label in ("2022-23", "2024-25"):
        homes = made.table(label, "spring", "addresses").set_index("pupilonrolltableid")["postcode"].map(authority)
        assert homes.notna().all()
        key = made.key(label, "spring")
        guests = key.loc[key["kind"] == "plan of another authority", "pupilonrolltableid"]
        assert len(guests) > 20
        assert set(homes[guests]) == {"999"}
        assert (homes == "372").mean() > 0.9


def test_a_planted_disagreement_has_one_reason_and_no_plan_of_the_child_begins_or_ends_near_that_would_give_another(
    made: Borough,
) -> None:
    plans = pd.read_parquet(made.out / "truth" / "plans.parquet")
    for label in ("2022-23", "2023-24", "2024-25", "2025-26"):
        key = made.key(label, "spring").astype({"person": int})
        assert (key.groupby("kind")["expected_reason_code"].nunique() == 1).all()
        day = pd.Timestamp(CENSUS_DAYS[label, "spring"])
        about = (plans[["start", "ceased"]] - day).abs() <= pd.Timedelta(days=30)
        near = set(plans.loc[about.any(axis=1), "person"])
        lately = set(plans.loc[about["start"] & (plans["start"] <= day), "person"])
        for kind in ("school records SEN support", "on no roll", "over school age", "plan ended"):
            assert not set(key.loc[key["kind"] == kind, "person"]) & near
        assert set(key.loc[key["kind"] == "plan too new for the school", "person"]) <= lately


def test_needs_on_sen_support_change_and_those_of_a_plan_are_the_plans(made: Borough) -> None:
    def first(label: str) -> pd.DataFrame:
        needs = made.table(label, "spring", "senneeds")
        pupils = made.table(label, "spring", "pupilonroll").set_index("pupilonrolltableid")
        needs = needs[needs["sentyperank"] == "1"].set_index("pupilonrolltableid")["sentype"]
        return pupils.loc[needs.index, ["upn", "senprovision"]].assign(need=needs).drop_duplicates("upn")

    both = first("2023-24").merge(first("2024-25"), on="upn", suffixes=("", "_later"))
    support = both[(both["senprovision"] == "K") & (both["senprovision_later"] == "K")]
    assert 0 < (support["need"] != support["need_later"]).mean() < 0.15
    pupils = pd.read_parquet(made.out / "truth" / "census_pupils.parquet")
    plans = both[(both["senprovision"] == "E") & (both["senprovision_later"] == "E")]
    known = plans["upn"].isin(pupils.loc[pupils["person"] >= 0, "upn"])
    assert known.sum() > 50
    same = plans["need"].where(plans["need"] != "OTH", plans["need_later"])  # a need new in 2025 was another before
    assert (same == plans["need_later"])[known].mean() > 0.97


def test_names_are_misspelt_in_some_returns_and_right_in_others(made: Borough) -> None:
    one, other = (made.table(label, "autumn", "pupilonroll") for label in ("2023-24", "2024-25"))
    both = one.merge(other, on="upn", suffixes=("", "_later"))
    differ = both[(both["surname"] != both["surname_later"]) & (both["formersurname_later"] == "")]
    assert 0 < len(differ) < 0.02 * len(both)
    assert (differ["surname"].map(sorted) == differ["surname_later"].map(sorted)).all()
    assert (differ["dob"] == differ["dob_later"]).all()


def test_pupils_join_between_two_censuses_and_say_when(made: Borough) -> None:
    before, now = (made.table("2024-25", term, "pupilonroll") for term in ("autumn", "spring"))
    known = {*before["upn"], *before["formerupn"]} - {""}
    joined = now[~now["upn"].isin(known) & ~now["formerupn"].isin(known) & (now["enrolstatus"] != "S")]
    assert 5 < len(joined) < 0.05 * len(now)
    entered = joined["entrydate"].map(on_day)
    assert (entered > CENSUS_DAYS["2024-25", "autumn"]).mean() > 0.9
    assert (entered <= CENSUS_DAYS["2024-25", "spring"]).all()


PUBLISHED = {"2022-23": (11.87697, 7.81, 23.2), "2023-24": (12.78187, 7.74, 22.38)}
"""Suspensions for 100 pupils, per cent of sessions missed, per cent of pupils persistently absent: all pupils (LAIT)."""


@pytest.mark.parametrize("label", list(PUBLISHED))
def test_suspensions_and_absence_are_near_the_published_and_higher_with_sen(made: Borough, label: str) -> None:
    suspensions, absence, persistent = PUBLISHED[label]
    t = next(t for t, term in enumerate(TERMS) if (term.label, term.name) == (label, "spring"))
    children, events = made.schooling.children, made.schooling.events
    here = (children.site[:, t] >= 0) & (children.groups[:, t] >= -2)
    told = events.suspensions[
        ((events.suspensions["term"] + 1) // 3 == (t + 1) // 3) & (events.suspensions["category"] == "SUSP")
    ]
    number = told.groupby("child").size().reindex(range(len(here)), fill_value=0).to_numpy()
    assert abs(100 * number[here].mean() - suspensions) < 0.35 * suspensions  # a twentieth of the borough
    aged = here & (children.groups[:, t] >= 1) & (children.groups[:, t] <= 11)
    rates = events.rates[:, t]
    assert abs(100 * rates[aged].mean() - absence) < 0.6
    assert rates[aged & (children.provision[:, t] == 2)].mean() > rates[aged & (children.provision[:, t] == 1)].mean()
    assert rates[aged & (children.provision[:, t] == 1)].mean() > rates[aged].mean()
    assert abs(100 * (rates[aged] >= 0.1).mean() - persistent) < 3


@pytest.mark.parametrize(
    ("provision", "persistent", "severe"),
    [(0, 15.6, 1.3), (1, 29.2, 5.0), (2, 37.3, 10.1)],
    ids=["none", "support", "plan"],
)
def test_persistent_and_severe_absence_are_near_the_published_of_each_provision(
    made: Borough, provision: int, persistent: float, severe: float
) -> None:
    """Autumn and spring of 2024/25 (D2I SEND attendance dashboard); a twentieth of the borough."""
    terms = [t for t, term in enumerate(TERMS) if term.label == "2024-25" and term.name != "summer"]
    children, rates = made.schooling.children, made.schooling.events.rates
    aged = (children.groups[:, terms] >= 1) & (children.groups[:, terms] <= 11) & (children.site[:, terms] >= 0)
    mine = rates[aged.all(axis=1) & (children.provision[:, terms[-1]] == provision)][:, terms].mean(axis=1)
    chance = 300 / np.sqrt(len(mine))
    assert len(mine) > 80
    assert abs(100 * (mine >= 0.1).mean() - persistent) < 2 + chance * np.sqrt(
        persistent / 100 * (1 - persistent / 100)
    )
    assert abs(100 * (mine >= 0.5).mean() - severe) < 1 + chance * np.sqrt(severe / 100 * (1 - severe / 100))


def test_suspensions_are_more_frequent_with_sen(made: Borough) -> None:
    children, told = made.schooling.children, made.schooling.events.suspensions
    held = pd.Series(children.provision[children.site >= 0]).value_counts()
    rate = told.loc[told["category"] == "SUSP", "provision"].value_counts() / held
    of_all = (told["category"] == "SUSP").sum() / held.sum()
    assert min(rate[1], rate[2]) > 1.3 * of_all
    assert of_all > rate[0] > 0


def test_permanent_exclusions_are_more_frequent_with_sen(made: Borough) -> None:
    children = made.schooling.children
    out = np.flatnonzero(children.excluded >= 0)
    provision = children.provision[out, children.excluded[out]]
    everyone = children.provision[(children.site >= 0) & (children.groups >= 7) & (children.groups <= 11)]
    assert len(out) > 5
    assert (provision > 0).mean() > (everyone > 0).mean()


def test_the_register_links_a_school_that_became_an_academy_to_the_one_before(made: Borough) -> None:
    register = pd.read_csv(
        made.out / "establishment_register" / "register_20260105.csv", dtype=str, keep_default_na=False
    ).set_index("URN")
    links = pd.read_csv(made.out / "truth" / "establishment_links.csv", dtype=str)
    before = links[links["LinkType"] == "Predecessor"].set_index("URN")["LinkURN"]
    schools = pd.read_parquet(made.out / "truth" / "census_schools.parquet")
    converted = schools[schools["converted"] > 0].set_index("URN")["urn_before"]
    assert before[converted.index].to_dict() == converted.to_dict()
    for urn, earlier in converted.items():
        old, new = register.loc[earlier], register.loc[str(urn)]
        assert (old["EstablishmentName"], old["Postcode"]) == (new["EstablishmentName"], new["Postcode"])
        assert (old["ReasonEstablishmentClosed (name)"], new["EstablishmentStatus (name)"]) == (
            "Academy Converter",
            "Open",
        )
        days = pd.to_datetime(pd.Series([old["CloseDate"], new["OpenDate"]]), format="%d-%m-%Y")
        assert days.diff().iloc[1] == pd.Timedelta(days=1)


def test_faults_of_a_census_are_planted_in_a_copy_of_a_few_schools(made: Borough, tmp_path: Path) -> None:
    number = plant_census_faults(made.schooling, tmp_path)
    key = pd.read_csv(tmp_path / "census_answer_key.csv", dtype=str, keep_default_na=False)
    assert len(key) == number > 80
    left_out = pd.read_csv(tmp_path / "census_answer_key_not_planted.csv")
    assert not set(left_out["rule_id"]) & set(key["rule_id"])
    assert (left_out["reason"].str.len() > 10).all()
    for term in ("spring", "autumn"):
        folders = [tmp_path / "census_faults" / term / name / XML for name in ("clean", "faulty")]
        clean, faulty = ({path.name[:7] for path in folder.iterdir()} for folder in folders)
        unsent = key[(key["rule_id"] == "not sent") & (key["census"] == f"{term}/faulty")]
        assert clean - faulty == set(unsent["laestab"])
        assert len(unsent) == 1
        academy = ET.parse(folders[0] / next(iter(p.name for p in folders[0].glob(f"{unsent['laestab'].iloc[0]}*"))))  # noqa: S314 - our own file
        assert academy.findtext(".//Governance") == "CA"
        same = {
            path.name for path in folders[1].iterdir() if path.read_bytes() == (folders[0] / path.name).read_bytes()
        }
        assert not {name[:7] for name in same} & set(key.loc[key["census"] == f"{term}/faulty", "laestab"])
    one = key[(key["rule_id"] == "RC-1500") & (key["census"] == "spring/faulty")].iloc[0]
    path = tmp_path / "census_faults" / "spring" / "faulty" / COLLECT / "SchoolCensus2026_Spring_pupilonroll.csv"
    pupil = pd.read_csv(path, dtype=str, keep_default_na=False).iloc[int(one["row"]) - 1]
    assert (pupil["upn"], pupil["NativeId"], pupil["pupilonrolltableid"]) == ("", one["laestab"], one["row"])


def test_censuses_want_the_returns_of_all_years(tmp_path: Path) -> None:
    with pytest.raises(CornerstoneError, match="School censuses go with the returns of all of 2023 to 2026"):
        synthesise(
            tmp_path,
            la="372",
            figures=FIGURES,
            years=range(2025, 2026),
            seed=1,
            scale=1.0,
            faults="none",
            censuses=True,
        )
