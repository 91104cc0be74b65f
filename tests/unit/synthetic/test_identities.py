"""Whose every identity in an invented borough is: the truth, held against the files that the identities are written in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.csv as arrow_csv
import pytest
from lxml import etree

from orchestration.linkage.quality import TRUTH_COLUMNS
from orchestration.synthetic.identities import FILE, GROUPS, WRITTEN
from orchestration.synthetic.identity import name_parts
from orchestration.synthetic.slips import miskeyed, mistyped, other_surnames, short_names
from orchestration.synthetic.therapy import queue_the_children
from tests.unit.synthetic.inventing import invent


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("identities")
    invent(folder, queue_the_children, scale=0.1, censuses=True, therapy=True)
    return folder


@pytest.fixture(scope="module")
def truth(out: Path) -> pd.DataFrame:
    frame = pd.read_parquet(out / FILE)
    frame["birth_date"] = frame["birth_date"].astype(str)
    return frame.fillna({"upn": "", "local_id": ""})


def written_in(out: Path, return_id: str) -> pd.DataFrame:
    """Identities as the files of a return hold them."""
    names = ["upn", "surname", "forename", "birth_date"]
    if return_id == "sen2":
        tags = ("UPN", "Surname", "Forename", "PersonBirthDate")
        people = [
            [person.findtext(tag) or "" for tag in tags]
            for path in (out / "sen2").rglob("*.xml")
            for person in etree.parse(str(path)).iter("Person")
        ]
        return pd.DataFrame(people, columns=names).assign(local_id="")
    if return_id == "school_census":
        pieces = [
            pd.read_csv(path, dtype=str, keep_default_na=False)[["upn", "surname", "forename", "dob"]]
            for path in (out / "school_census").rglob("*.csv")
            if path.stem.endswith(("_pupilonroll", "_pupilnolongeronroll"))
        ]
        told = pd.concat(pieces).drop_duplicates().set_axis(names, axis=1)
        told["birth_date"] = pd.to_datetime(told["birth_date"], format="%Y-%b-%d %H:%M:%S").astype(str)
        tags = ("UPN", "Surname", "Forename", "DOB")
        pupils = [
            [pupil.findtext(tag) or "" for tag in tags]
            for path in (out / "school_census").rglob("*.XML")
            for pupil in etree.parse(str(path)).iter("PupilIdentifiers")
        ]
        return pd.concat([told, pd.DataFrame(pupils, columns=names)]).assign(local_id="")
    pieces = [
        arrow_csv.read_csv(
            path, convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(("nhs_number",), "string"))
        ).to_pandas()[["upn", "surname", "forename", "date_of_birth", "local_patient_id"]]
        for path in (out / "therapy_waiting_list").rglob("*_referrals.csv")
    ]
    told = pd.concat(pieces).set_axis([*names, "local_id"], axis=1)
    told["birth_date"] = told["birth_date"].astype(str)
    return told.fillna("")


@pytest.mark.parametrize("return_id", ["sen2", "school_census", "therapy_waiting_list"])
def test_every_identity_in_the_files_is_in_the_truth_once(out: Path, truth: pd.DataFrame, return_id: str) -> None:
    keys = [name for name in WRITTEN if name != "return_id"]
    told = written_in(out, return_id).drop_duplicates()
    mine = truth[truth["return_id"] == return_id]
    assert not mine.duplicated(keys).any()
    both = told.merge(mine, on=keys, how="left")
    assert len(both) == len(told) > 300
    assert both["person"].notna().all()


def test_a_person_is_one_in_every_return_and_its_groups_say_what_is_written_otherwise(
    out: Path, truth: pd.DataFrame
) -> None:
    assert tuple(truth.columns) == TRUTH_COLUMNS
    assert set(truth["groups"].explode().dropna()) == set(GROUPS)
    census = truth[truth["return_id"] == "school_census"]
    lists = truth[truth["return_id"] == "therapy_waiting_list"]
    requests = pd.read_parquet(out / "truth" / "therapy_requests.parquet")
    pupils = pd.read_parquet(out / "truth" / "census_pupils.parquet")
    known = pupils[pupils["person"] >= 0].set_index("upn")["person"]
    of_known = census[census["upn"].isin(known.index)]
    assert (of_known["person"] == of_known["upn"].map(known)).all()
    told = lists[(lists["upn"] != "") & lists["upn"].isin(census["upn"])]
    assert (told["person"] == told["upn"].map(census.drop_duplicates("upn").set_index("upn")["person"])).all()
    child = requests.drop_duplicates("local_patient_id").set_index("local_patient_id")["child"]
    assert (lists.groupby(lists["local_id"].map(child))["person"].nunique() == 1).all()

    def has(frame: pd.DataFrame, group: str) -> np.ndarray:
        return np.array([group in groups for groups in frame["groups"]])

    assert (has(lists, "no_upn") == (lists["upn"] == "")).all()
    true = requests.drop_duplicates("local_patient_id").set_index("local_patient_id").loc[lists["local_id"]]
    otherwise = np.any([has(lists, group) for group in ("misspelt", "nickname", "changed_surname")], axis=0)
    assert not (lists["surname"].to_numpy() != true["true_surname"].to_numpy())[~otherwise].any()
    assert (has(lists, "nickname") == (true["slip"] == "nickname").to_numpy()).all()
    assert (has(lists, "birth_date_miskeyed") == (true["slip"] == "birth_date_miskeyed").to_numpy()).all()
    kin = pupils[pupils.duplicated(["family", "born"], keep=False)]
    twins = np.where(kin["person"] >= 0, kin["person"], 1_000_000 + kin["child"])
    assert (census["person"].isin(twins) == has(census, "twin")).all()
    assert (kin["person"] >= 0).any(), "no child of the EHC plans has a twin"
    grouped = kin.groupby(["family", "born"])
    assert (grouped["surname"].nunique() == 1).all()
    assert (grouped["forename"].nunique() == grouped.size()).all()


def test_who_is_under_five_when_last_written_is_so_by_the_day_of_the_file(truth: pd.DataFrame) -> None:
    lists = truth[truth["return_id"] != "sen2"]
    young = np.array(["under_5" in groups for groups in lists["groups"]])
    assert (lists.loc[young, "birth_date"] > "2017-10-01").all()
    # whoever was born after this was under five at the latest list
    assert young[(lists["birth_date"] > "2021-06-01").to_numpy()].all()


def test_slips_change_what_they_say_and_nothing_else() -> None:
    rng = np.random.default_rng(5)
    surnames, forenames = (np.array(names, dtype=object) for names in name_parts())
    assert set(short_names(forenames, rng)) == {
        part.capitalize() for name in forenames for part in (name[:3], name[3:])
    }
    others = other_surnames(np.append(surnames, "Quiberfold-IV"), rng)
    assert (others != np.append(surnames, "Quiberfold")).all()
    assert set(others) <= set(surnames)
    typed = mistyped(surnames, rng)
    assert (typed != surnames).all()
    assert {len(a) - len(b) for a, b in zip(typed, surnames, strict=True)} == {-1, 0, 1}
    assert all(a[0] == b[0] for a, b in zip(typed, surnames, strict=True))
    born = np.arange(np.datetime64("2015-01-01"), np.datetime64("2017-01-01")).astype(np.int64)
    wrong = miskeyed(born, rng).astype("datetime64[D]")
    right = born.astype("datetime64[D]")
    assert (wrong != right).all()
    assert (wrong.astype("datetime64[Y]") == right.astype("datetime64[Y]")).all()
    turned = np.array([f"{str(day)[:5]}{str(day)[8:]}-{str(day)[5:7]}" for day in right])
    assert 0.1 < (wrong.astype(str) == turned).mean() < 0.4
