"""The waiting lists of the invented borough, read back from what was written and held against what they are made of."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from stdnum.gb import nhs, upn

from orchestration.errors import CornerstoneError
from orchestration.synthetic import synthesise
from orchestration.synthetic.dates import age_on, day
from orchestration.synthetic.identity import name_parts
from orchestration.synthetic.therapy import WaitingLists, queue_the_children
from orchestration.synthetic.therapy.children import check_sums, nhs_numbers
from orchestration.synthetic.therapy.faults import plant_list_faults
from orchestration.synthetic.therapy.lines import (
    BANDS,
    LINES,
    MONTHS,
    PUBLISHED_FILE,
    SNAPSHOTS,
    bands_of,
    month_name,
    read_published,
    scope_start,
    source_shares,
)
from orchestration.synthetic.therapy.truth import declared, nearest_rank
from orchestration.synthetic.therapy.write import write_csv
from tests.unit.synthetic.inventing import FIGURES, invent

PROJECT = Path(__file__).parents[3]
SHARED = PROJECT.parent / "shared" / "data" / "nhs_community_waits"
PART = re.compile(r"therapy_wl_(RFR|RXE)_(\d{4}-\d\d-\d\d)_(\d)_(cover|referrals|appointments|declared)\.csv")
PUBLISHED_MONTHS = {*(f"2023-{month:02}" for month in range(4, 11)), "2025-10"}
"""Months of which a national figure of the first trust is held, so that its delivery declares what it is made of."""
SAMPLE_MONTHS = ("2023-04", "2023-06", "2024-03", "2024-04", "2024-09", "2025-10", "2026-01")


@dataclass
class Borough:
    out: Path
    asked: dict[str, Any]
    lists: WaitingLists

    def parts(self, provider: str, month: str, sequence: str | None = None) -> dict[str, pd.DataFrame]:
        """The tables of the latest delivery of a month, or of another one, as text."""
        folder = self.out / "therapy_waiting_list" / provider / month
        books = list(folder.glob("*.xlsx"))
        if books:
            return {
                name.lower(): pd.read_excel(books[0], sheet_name=name, dtype=str, engine="calamine")
                .fillna("")
                .replace(r" 00:00:00$", "", regex=True)
                for name in ("Cover", "Referrals", "Appointments")
            }
        found = [match for path in folder.iterdir() if (match := PART.fullmatch(path.name))]
        wanted = sequence or max(match[3] for match in found)
        return {
            match[4]: pd.read_csv(folder / match[0], dtype=str, keep_default_na=False)
            for match in found
            if match[3] == wanted
        }

    def referrals(self, provider: str, month: str) -> pd.DataFrame:
        return self.parts(provider, month)["referrals"]

    def truth(self, provider: str, month: str) -> pd.DataFrame:
        frame = pd.read_parquet(self.out / "truth" / "therapy_month_ends.parquet")
        at = frame["snapshot_date"].str.startswith(month) & (frame["provider"] == provider)
        return frame[at].set_index("service_line")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Borough:
    out = tmp_path_factory.mktemp("queued")
    asked = invent(out, queue_the_children, scale=0.1, therapy=True)
    return Borough(out, asked, asked["made"])


@pytest.fixture(scope="module")
def whole(made: Borough) -> WaitingLists:
    """The queues at the trust's own size; their children are those of the small borough, and more of nobody's school."""
    return queue_the_children(*made.asked["given"], **{**made.asked["named"], "scale": 1.0})


def waits(referrals: pd.DataFrame, basis: str) -> pd.Series:
    """Who waits, by the agreement's words: open, for care, and nothing has ended the wait."""
    open_ = (referrals["referral_rejection_date"] == "") & (referrals["referral_closure_date"] == "")
    over = referrals["first_attended_contact_date"] if basis == "FIRST_CONTACT" else referrals["clock_stop_date"]
    outside = referrals["rtt_status"].isin(["90", "91", "92", "98", "99"]) & (basis == "CLOCK")
    return open_ & (referrals["referral_purpose"] == "CORE") & (over == "") & ~outside


def days_waited(referrals: pd.DataFrame) -> np.ndarray:
    gone = pd.to_datetime(referrals["snapshot_date"]) - pd.to_datetime(referrals["clock_start_date"])
    return gone.dt.days.to_numpy()


def test_there_is_a_list_a_provider_and_month_and_the_newest_of_one_provider_are_workbooks(made: Borough) -> None:
    assert (month_name(MONTHS[0]), month_name(MONTHS[-1]), len(MONTHS)) == ("2023-04", "2026-01", 34)
    for provider in ("RFR", "RXE"):
        root = made.out / "therapy_waiting_list" / provider
        assert sorted(path.name for path in root.iterdir()) == [month_name(month) for month in MONTHS]
        for folder in root.iterdir():
            books = list(folder.glob("*.xlsx"))
            assert len(books) == (provider == "RXE" and folder.name >= "2025-11")
            parts = [PART.fullmatch(path.name) for path in folder.iterdir() if path not in books]
            assert all(parts)
            twice = (provider, folder.name) == ("RFR", "2024-09")
            declares = provider == "RFR" and folder.name in PUBLISHED_MONTHS
            assert len(parts) == (0 if books else 6 if twice else 3 + declares)


@pytest.mark.parametrize("provider", ["RFR", "RXE"])
@pytest.mark.parametrize("month", SAMPLE_MONTHS)
def test_the_cover_says_what_the_delivery_holds(made: Borough, provider: str, month: str) -> None:
    parts = made.parts(provider, month)
    cover = parts["cover"].set_index("key")["value"]
    assert cover["return_name"] == "THERAPY_WL"
    assert (cover["provider_ods"], cover["snapshot_date"][:7]) == (provider, month)
    assert pd.Timestamp(cover["snapshot_date"]).is_month_end
    assert cover["referral_rows"] == str(len(parts["referrals"]))
    assert cover["appointment_rows"] == str(len(parts["appointments"]))
    assert cover["waiting_basis"] == {"RFR": "FIRST_CONTACT", "RXE": "CLOCK"}[provider]
    drawn = np.busday_count(cover["snapshot_date"], cover["extract_run_at"][:10])
    assert 0 < drawn <= 15
    for part in ("referrals", "appointments"):
        assert set(parts[part]["provider_ods"]) == {provider}
    assert set(parts["referrals"]["snapshot_date"]) == {cover["snapshot_date"]}


def test_a_workbook_has_a_named_table_on_each_sheet_text_identifiers_and_real_dates(made: Borough) -> None:
    (path,) = (made.out / "therapy_waiting_list" / "RXE" / "2026-01").iterdir()
    book = openpyxl.load_workbook(path)
    assert {sheet.title: list(sheet.tables) for sheet in book} == {
        "Cover": ["tblCover"],
        "Referrals": ["tblReferrals"],
        "Appointments": ["tblAppointments"],
    }
    for sheet in book:
        (table,) = sheet.tables.values()
        assert table.ref == sheet.dimensions
        assert [column.name for column in table.tableColumns] == [cell.value for cell in sheet[1]]
    row = {head.value: cell for head, cell in zip(book["Referrals"][1], book["Referrals"][2], strict=True)}
    assert isinstance(row["nhs_number"].value, str)
    assert row["referral_received_date"].is_date
    assert str(row["snapshot_date"].value.date()) == "2026-01-31"


def test_nhs_numbers_are_valid_and_were_never_issued() -> None:
    numbers = nhs_numbers(np.arange(909_091))
    assert len(set(numbers)) == 909_091
    assert (numbers[0], numbers[-1]) == ("9990000018", "9999999999")
    assert "9990123454" in set(numbers)
    assert all(nhs.is_valid(number) for number in numbers[::1000])
    assert check_sums(np.array([999_123_456, 999_000_000, 999_000_005])).tolist() == [1, 1, 0]
    assert not any(number.startswith("999123456") for number in numbers)
    assert "9990000050" in set(numbers)


@pytest.mark.parametrize("provider", ["RFR", "RXE"])
def test_people_are_invented_and_one_child_has_one_number_everywhere(made: Borough, provider: str) -> None:
    surnames, forenames = map(set, name_parts())
    turned = {name[:2] + name[3:4] + name[2:3] + name[4:] for name in surnames}
    numbers: dict[str, set[str]] = {}
    truth = pd.read_parquet(made.out / "truth" / "therapy_requests.parquet").set_index("service_request_id")
    called = {part.capitalize() for name in forenames for part in (name[:3], name[3:])}
    for month in SAMPLE_MONTHS:
        rows = made.referrals(provider, month)
        given = rows[rows["nhs_number"] != ""]
        assert given["nhs_number"].str.fullmatch(r"999\d{7}").all()
        assert all(nhs.is_valid(number) for number in given["nhs_number"].unique()[:200])
        assert (given["nhs_number_status"].isin(["01", "02"])).all()
        assert set(rows.loc[rows["nhs_number"] == "", "nhs_number_status"]) <= {"03"}
        plain = rows["surname"].str.replace(r"-[XVI]+$", "", regex=True)
        slip = truth.loc[rows["service_request_id"], "slip"].to_numpy()
        assert plain[slip != "misspelt"].isin(surnames | turned).all()
        assert set(rows.loc[~np.isin(slip, ["nickname", "misspelt"]), "forename"]) <= forenames
        assert set(rows.loc[slip == "nickname", "forename"]) <= called
        assert rows["postcode"].str.startswith("YR").all()
        assert rows["gp_practice_ods"].str.startswith("C99").all()
        assert all(upn.is_valid(number) for number in rows.loc[rows["upn"] != "", "upn"].unique()[:200])
        for patient, number in given[["local_patient_id", "nhs_number"]].drop_duplicates().itertuples(index=False):
            numbers.setdefault(patient, set()).add(number)
    assert {len(found) for found in numbers.values()} == {1}
    assert len({number for found in numbers.values() for number in found}) == len(numbers)


def test_the_two_providers_and_the_ehc_plans_know_the_same_children(made: Borough) -> None:
    truth = pd.read_parquet(made.out / "truth" / "therapy_requests.parquet")
    people = pd.read_parquet(made.out / "truth" / "people.parquet").set_index("person")
    assert truth.groupby("child")["nhs_number"].nunique().max() == 1
    assert truth.groupby("nhs_number")["child"].nunique().max() == 1
    both = truth.groupby("child")["provider"].nunique()
    assert (both == 2).sum() > 50
    known = truth[truth["person"] >= 0]
    assert len(known) > 0.03 * len(truth)
    assert (known["true_surname"].to_numpy() == people.loc[known["person"], "surname"].to_numpy()).all()
    upns = people["upn"].to_dict()
    told = pd.concat([made.referrals(provider, "2025-10") for provider in ("RFR", "RXE")])
    kept = ["service_request_id", "person", "true_surname", "misspelt", "slip", "true_postcode"]
    told = told.merge(truth[kept], how="left")
    assert told["person"].notna().all()
    mine = told[(told["person"] >= 0) & (told["upn"] != "")]
    assert (mine["upn"] == mine["person"].map(upns)).all()
    name = told["true_surname"].str
    turned = name[:2] + name[3:4] + name[2:3] + name[4:]
    written = told["true_surname"].where(~told["misspelt"].astype(bool), turned)
    otherwise = told["slip"].isin(["changed_surname", "misspelt"])
    assert (told["surname"] == written)[~otherwise].all()
    assert (told["surname"] != written)[told["slip"] == "changed_surname"].all()
    assert 0.005 < told["misspelt"].astype(bool).mean() < 0.05
    assert 0.005 < (told["postcode"] != told["true_postcode"]).mean() < 0.08
    assert 0.2 < (told["upn"] == "").mean() < 0.8
    assert 0.001 < (told["nhs_number"] == "").mean() < 0.03


def test_a_modest_share_of_children_is_written_otherwise_without_an_age_that_changes(made: Borough) -> None:
    truth = pd.read_parquet(made.out / "truth" / "therapy_requests.parquet")
    patients = truth.drop_duplicates("local_patient_id")
    shares = patients["slip"].value_counts(normalize=True)
    assert set(shares.index) == {"", "nickname", "changed_surname", "misspelt", "birth_date_miskeyed"}
    assert 0.02 < 1 - shares[""] < 0.06
    assert not (patients["misspelt"] & (patients["slip"] != "")).any()
    for provider in ("RFR", "RXE"):
        others = made.lists.providers[provider]
        of = others.patients.frame
        wrong = of["slip"] == "birth_date_miskeyed"
        true = others.pool.frame["born"].to_numpy()[of["child"]]
        assert (of["born"].to_numpy()[wrong] != true[wrong]).all()
        assert (of["born"].to_numpy()[~wrong] == true[~wrong]).all()
        patient, came = others.requests["patient"].to_numpy(), others.column("received")
        assert (age_on(of["born"].to_numpy()[patient], came) == age_on(true[patient], came)).all()


def test_children_from_outside_are_in_scope_by_their_school_or_practice(made: Borough) -> None:
    rows = pd.concat([made.referrals(provider, "2025-10") for provider in ("RFR", "RXE")])
    outside = rows[rows["residence_la"] != "E08000018"]
    assert len(outside) > 5
    assert (outside["school_urn"] != "").mean() > 0.4
    assert (outside["gp_practice_ods"] != "").all()
    register = pd.read_csv(
        made.out / "establishment_register" / "register_20260105.csv", dtype=str, keep_default_na=False
    )
    assert set(rows["school_urn"]) - {""} <= set(register["URN"])


def test_scope_begins_with_the_financial_year_before() -> None:
    for snapshot, first in (
        ("2023-04-30", "2022-04-01"),
        ("2024-03-31", "2022-04-01"),
        ("2024-04-30", "2023-04-01"),
        ("2026-01-31", "2024-04-01"),
    ):
        assert scope_start(day(snapshot)) == day(first)


@pytest.mark.parametrize("provider", ["RFR", "RXE"])
@pytest.mark.parametrize(("month", "first"), [("2024-03", "2022-04-01"), ("2024-04", "2023-04-01")])
def test_a_list_holds_what_is_open_and_what_came_or_ended_since(
    made: Borough, provider: str, month: str, first: str
) -> None:
    rows = made.referrals(provider, month)
    opened = rows["declared_status"] == "OPEN"
    since = rows[
        ["referral_received_date", "referral_rejection_date", "referral_closure_date", "service_discharge_date"]
    ]
    assert (opened | (since >= first).any(axis=1)).all()
    truth = pd.read_parquet(made.out / "truth" / "therapy_requests.parquet")
    truth = truth[(truth["provider"] == provider) & truth["vanished"].isna() & truth["closed_before"].isna()]
    at = pd.Timestamp(rows["snapshot_date"].iloc[0])
    there = truth["entered"] <= at
    ended = truth["closed"].fillna(truth["rejected"])
    there &= (truth["received"] >= first) | ended.isna() | (ended > at) | (ended >= first)
    assert set(truth.loc[there, "service_request_id"]) <= set(rows["service_request_id"])
    assert not set(truth.loc[~there, "service_request_id"]) & set(rows["service_request_id"])
    born, came = (pd.to_datetime(rows[name]) for name in ("date_of_birth", "referral_received_date"))
    assert ((came - born).dt.days < 26 * 365).all()
    assert (came >= born).all()


@pytest.mark.parametrize("provider", ["RFR", "RXE"])
@pytest.mark.parametrize("month", SAMPLE_MONTHS)
def test_counted_from_the_files_a_month_is_what_the_truth_says(made: Borough, provider: str, month: str) -> None:
    parts = made.parts(provider, month)
    rows, truth = parts["referrals"], made.truth(provider, month)
    basis = parts["cover"].set_index("key")["value"]["waiting_basis"]
    rows = rows.assign(waits=waits(rows, basis), days=0)
    rows.loc[rows["waits"], "days"] = days_waited(rows[rows["waits"]])
    assert set(rows["service_line"]) == set(truth.index)
    for line, told in truth.iterrows():
        mine = rows[rows["service_line"] == line]
        here = mine.loc[mine["waits"], "days"].to_numpy()
        assert told["waiting"] == len(here)
        assert [told[band] for band in BANDS] == np.bincount(bands_of(here), minlength=len(BANDS)).tolist()
        assert told["over_18_weeks"] == (here > 126).sum()
        assert told["over_52_weeks"] == (here > 364).sum()
        if len(here):
            assert told["median_days"] == sorted(here)[(50 * len(here) + 99) // 100 - 1]
        core = mine["referral_purpose"] == "CORE"
        assert told["received"] == (core & mine["referral_received_date"].str.startswith(month)).sum()
        assert told["seen_first"] == (core & mine["first_attended_contact_date"].str.startswith(month)).sum()
        assert told["discharged"] == mine["service_discharge_date"].str.startswith(month).sum()
        assert told["sitrep_counted"] == (mine["sitrep_counted"] == "Y").sum()
        advice = mine[~core]
        given = advice[advice["referral_closure_date"].str.startswith(month)]
        assert told["advice_asked"] == advice["referral_received_date"].str.startswith(month).sum()
        assert told["advice_given"] == len(given)
        took = pd.to_datetime(given["referral_closure_date"]) - pd.to_datetime(given["referral_received_date"])
        assert told["advice_given_in_six_weeks"] == (took.dt.days <= 42).sum()
        held = parts["appointments"].merge(mine[["service_request_id"]])
        held = held[held["contact_date"].str.startswith(month)]
        codes = Counter(held["attendance_status"])
        assert told["contacts_dna"] == codes["3"]
        assert told["contacts_attended"] == codes["5"]
        assert told["contacts_cancelled_provider"] == codes["4"]


def test_who_waits_is_who_waited_and_who_came_less_who_left(made: Borough) -> None:
    frame = pd.read_parquet(made.out / "truth" / "therapy_month_ends.parquet")
    flows = frame.dropna(subset=["removals"])
    assert len(flows) == len(frame) - 7
    assert (flows["waiting"] == flows["waiting_start"] + flows["additions"] - flows["removals"]).all()
    why = [name for name in flows if name.startswith("removed_")]
    assert (flows[why].sum(axis=1) == flows["removals"]).all()
    assert (flows[why].sum()[["removed_seen", "removed_rejected", "removed_nullified", "removed_closed"]] > 0).all()
    for _, line in frame.groupby(["provider", "service_line"]):
        assert (line["waiting_start"].iloc[1:].to_numpy() == line["waiting"].iloc[:-1].to_numpy()).all()
    assert (frame[list(BANDS)].sum(axis=1) == frame["waiting"]).all()


def test_the_published_waits_are_the_children_counted_and_those_declared_from_outside(whole: WaitingLists) -> None:
    provider = whole.providers["RFR"]
    found = declared(provider, whole.published)
    known = found[found["published"].notna()]
    assert (known["counted"] + known["out_of_borough"] == known["published"]).all()
    assert (known["out_of_borough"] >= 0).all()
    assert (known["counted"] <= known["waiting"]).all()
    by_band = known[known["basis"] == "bands published"].set_index(["data_month", "service_line", "band"])["published"]
    assert by_band["2025-10", "SLT"].tolist() == [10, 20, 50, 61, 20, 21, 0, 0]
    assert by_band["2025-10", "OT"].tolist() == [7, 2, 3, 15, 9, 64, 40, 0]
    assert by_band["2025-10", "PHYSIO"].tolist() == [8, 2, 7, 13, 11, 8, 0, 0]
    assert by_band["2025-10", "COMMPAED"].tolist() == [0, 1, 6, 45, 29, 63, 1, 0]
    assert by_band["2023-06", "SLT"].tolist() == [26, 40, 50, 140, 66, 27, 0]
    assert by_band["2023-09", "OT"].tolist() == [1, 2, 1, 3, 0, 8, 0]
    totals = known.groupby(["data_month", "service_line"])[["published", "counted", "waiting"]].sum()
    assert totals.loc["2025-10", "published"].to_dict() == {"COMMPAED": 145, "OT": 140, "PHYSIO": 49, "SLT": 182}
    for month, line in (
        ("2025-10", "SLT"),
        ("2025-10", "OT"),
        ("2025-10", "COMMPAED"),
        ("2023-06", "SLT"),
        ("2023-06", "OT"),
    ):
        assert 0.8 < totals.loc[(month, line), "counted"] / totals.loc[(month, line), "published"] <= 1
    # the queue goes on where the published series changed what it counts
    assert totals.loc[("2023-09", "OT"), "waiting"] > 5 * totals.loc[("2023-09", "OT"), "published"]
    for line in ("OT", "SLT", "COMMPAED"):
        steady = found[found["service_line"] == line].groupby("data_month")["waiting"].sum()
        assert (steady.pct_change().dropna().abs() < 0.35).all()
    blank = found[found["basis"] == "nothing sent for the line"]
    assert set(blank.loc[blank["service_line"] == "SLT", "data_month"]) == {"2023-05", "2023-07"}
    assert (blank["counted"] == 0).all()


@pytest.mark.parametrize(("month", "bands"), [("2023-04", 1), ("2023-06", 7), ("2025-10", 8)])
def test_a_delivery_declares_what_the_published_figure_is_made_of(made: Borough, month: str, bands: int) -> None:
    """A total where no band was published, nothing of a line that the trust did not send."""
    told = made.parts("RFR", month)["declared"]
    cover = made.parts("RFR", month)["cover"].set_index("key")["value"]
    assert set(told["snapshot_date"]) == {cover["snapshot_date"]}
    assert set(told["provider_ods"]) == {"RFR"}
    assert set(told.groupby("service_line").size()) == {bands}
    sums = pd.read_csv(made.out / "therapy_declared.csv", dtype={"out_of_borough": "Int64"})
    sums = sums[(sums["data_month"] == month) & sums["out_of_borough"].notna()]
    declared_there = told.set_index(["service_line", "waiting_band"])["children_of_other_authorities"].astype(int)
    assert declared_there.to_dict() == sums.set_index(["service_line", "band"])["out_of_borough"].to_dict()
    assert declared_there.sum() > 0


def test_counted_children_are_those_of_the_list(whole: WaitingLists) -> None:
    at = SNAPSHOTS[month_at("2025-10")]
    rows = whole.delivery("RFR", int(at)).referrals.to_pandas()
    counted = rows[rows["sitrep_counted"] == "Y"]
    days = (pd.to_datetime(counted["snapshot_date"]) - pd.to_datetime(counted["clock_start_date"])).dt.days.to_numpy()
    published = read_published(1.0)
    for line in ("SLT", "OT", "PHYSIO", "COMMPAED"):
        band = np.bincount(bands_of(days[(counted["service_line"] == line).to_numpy()]), minlength=len(BANDS))
        assert (band <= np.array(published["2025-10", line].bands)).all()
    assert set(counted["declared_status"]) == {"OPEN"}
    assert counted["first_attended_contact_date"].isna().all()
    assert set(rows.loc[rows["service_line"] == "NEURODEV", "sitrep_counted"]) == {"N"}
    blank = whole.delivery("RFR", int(SNAPSHOTS[month_at("2023-05")])).referrals.to_pandas()
    assert set(blank.loc[blank["service_line"] == "SLT", "sitrep_counted"]) == {""}


def month_at(month: str) -> int:
    return [month_name(one) for one in MONTHS].index(month)


@pytest.mark.skipif(not SHARED.exists(), reason="the published workbooks are not beside the project")
def test_the_published_figures_are_those_of_the_workbooks() -> None:
    import python_calamine

    held = pd.read_csv(PUBLISHED_FILE)
    names = {
        "SLT": "Therapy interventions: Speech and language",
        "OT": "Therapy interventions: Occupational therapy",
        "PHYSIO": "Therapy interventions: Physiotherapy",
        "COMMPAED": "Community paediatric service",
    }
    tables = ("", "a", "b", "c", "d", "e", "f", "g", "h")
    for file, month in (("2023-08-01", "2023-06"), ("2023-11-01", "2023-09"), ("2025-10-01", "2025-10")):
        book = python_calamine.CalamineWorkbook.from_path(SHARED / f"community_health_{file}.xlsx")
        for line, name in names.items():
            mine = held[(held["data_month"] == month) & (held["service_line"] == line)]
            for suffix, value in zip(tables, mine["value"], strict=False):
                rows = book.get_sheet_by_name(f"Table 4{suffix}").to_python(skip_empty_area=False)
                head = next(row for row in rows if any(str(cell).startswith("(CYP)") for cell in row))
                (trust,) = [row for row in rows if any("THE ROTHERHAM NHS" in str(cell).upper() for cell in row)]
                shown = trust[head.index(f"(CYP) {name}")]
                assert (shown == "" and np.isnan(value)) or shown == value


def test_published_figures_are_sums_of_their_bands_and_say_where_they_are_from() -> None:
    held = pd.read_csv(PUBLISHED_FILE)
    assert held["source"].str.startswith("NHS England, Community Health Services waiting times, ").all()
    for _, mine in held.groupby(["data_month", "service_line"]):
        bands = mine[mine["band"] != "total"]
        if len(bands):
            assert bands["value"].sum() == mine.loc[mine["band"] == "total", "value"].item()
    small = read_published(0.1)
    assert small["2025-10", "SLT"].total == sum(small["2025-10", "SLT"].bands) == 1 + 2 + 5 + 6 + 2 + 2
    assert small["2023-05", "SLT"].total is None


@pytest.mark.parametrize("provider", ["RFR", "RXE"])
@pytest.mark.parametrize("month", SAMPLE_MONTHS)
def test_no_row_of_a_clean_list_contradicts_itself(made: Borough, provider: str, month: str) -> None:
    parts = made.parts(provider, month)
    r, a = parts["referrals"], parts["appointments"]
    at = r["snapshot_date"].iloc[0]
    assert r["service_request_id"].is_unique
    assert a["care_contact_id"].is_unique
    dates = [name for name in r if name.endswith("_date") and name != "snapshot_date"]
    assert (r[dates] <= at).all().all()
    core = r["referral_purpose"] == "CORE"
    assert ((r["clock_start_date"] != "") == core).all()
    stopped = r["clock_stop_date"] != ""
    assert (r.loc[stopped, "clock_stop_date"] >= r.loc[stopped, "clock_start_date"]).all()
    assert stopped[r["rtt_status"].between("30", "36")].all()
    assert not stopped[r["rtt_status"].isin(["10", "11", "12", "20", "21"])].any()
    for when, why in (
        ("referral_rejection_date", "referral_rejection_reason"),
        ("referral_closure_date", "referral_closure_reason"),
    ):
        assert ((r[when] != "") == (r[why] != "")).all()
        assert (r.loc[r[when] != "", when] >= r.loc[r[when] != "", "referral_received_date"]).all()
    status = np.select(
        [r["referral_rejection_date"] != "", r["referral_closure_date"] != ""], ["REJECTED", "DISCHARGED"], "OPEN"
    )
    assert (r["declared_status"] == status).all()
    assert not ((r["referral_rejection_date"] != "") & (r["first_attended_contact_date"] != "")).any()
    neuro = r["service_line"] == "NEURODEV"
    assert ((r["nd_pathway"] != "") == neuro).all()
    assert (((r["nd_question"] != "") == neuro)[core]).all()
    told = r[r["assessment_outcome_date"] != ""]
    assert (told["assessment_outcome_date"] >= told["first_attended_contact_date"]).all()
    opened = r[(r["declared_status"] == "OPEN")]
    assert not opened.duplicated(["local_patient_id", "service_line"]).any()
    assert set(r.loc[~core, "source_of_referral"]) <= {"LA_SEND"}
    assert r["source_of_referral"].isin(["OTHER", "UNKNOWN"]).mean() < 0.1
    joined = a.merge(r, on="service_request_id", suffixes=("", "_of"))
    assert len(joined) == len(a)
    assert (joined["contact_date"] >= joined["referral_received_date"]).all()
    past = joined["contact_date"] <= at
    assert (joined.loc[past, "attendance_status"] != "").all()
    assert set(joined.loc[~past, "attendance_status"]) <= {"", "2", "4"}
    ended = joined[["referral_rejection_date", "referral_closure_date"]].max(axis=1)
    assert ((ended == "") | (joined["contact_date"] <= ended)).all()
    kept = joined[joined["attendance_status"].isin(["5", "6"])].groupby("service_request_id")["contact_date"].min()
    first = r.set_index("service_request_id")["first_attended_contact_date"]
    assert (first == kept.reindex(first.index).fillna("")).all()
    void = r[r["rtt_status"] == "33"].merge(a, on="service_request_id")
    assert set(void["attendance_status"]) <= {"3"}
    assert set(void["notified"]) <= {"Y"}


def test_cases_that_two_lists_tell_differently_are_where_the_key_says(made: Borough) -> None:
    key = pd.read_csv(made.out / "therapy_known_cases.csv", dtype=str, keep_default_na=False)
    assert set(key["rule_id"]) == {"RTW-012", "RTW-036", "RTW-100", "RTW-101", "RTW-102", "RTW-103"}
    names = [month_name(month) for month in MONTHS]
    asked = key[(key["service_request_id"] != "") & (key["rule_id"] != "RTW-036")]
    for (provider, at), cases in asked.groupby(["provider", "snapshot_date"]):
        now = made.referrals(str(provider), str(at)[:7]).set_index("service_request_id")
        before = made.referrals(str(provider), names[names.index(str(at)[:7]) - 1]).set_index("service_request_id")
        for rule, identity, row in cases[["rule_id", "service_request_id", "row"]].itertuples(index=False):
            assert (now.index[int(row) - 1] == identity) if int(row) else (identity not in now.index)
            if rule == "RTW-100":
                assert before.loc[identity, "declared_status"] == "OPEN"
                assert identity not in now.index
            elif rule == "RTW-101":
                assert identity not in before.index
                assert (pd.Timestamp(at) - pd.Timestamp(now.loc[identity, "referral_received_date"])).days > 92
            elif rule == "RTW-102":
                assert before.loc[identity, "clock_start_date"] != now.loc[identity, "clock_start_date"]
            else:
                assert (before.loc[identity, "declared_status"], now.loc[identity, "declared_status"]) == (
                    "DISCHARGED",
                    "OPEN",
                )
    assert len(asked) > 10


def test_a_list_sent_twice_lacks_the_latest_requests_of_a_line_the_first_time(made: Borough) -> None:
    first, second = (made.parts("RFR", "2024-09", sequence) for sequence in ("1", "2"))
    whole = second["referrals"]
    late = (whole["service_line"] == "PHYSIO") & (whole["referral_received_date"] > "2024-09-10")
    assert set(first["referrals"]["service_request_id"]) == set(whole.loc[~late, "service_request_id"])
    assert set(first["appointments"]["service_request_id"]) <= set(first["referrals"]["service_request_id"])


@pytest.fixture(scope="module")
def spoilt(whole: WaitingLists, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("spoilt")
    plant_list_faults(out, lambda provider, at: whole.delivery(provider, day(at)))
    return out


def test_the_key_names_the_rows_that_are_spoilt(spoilt: Path) -> None:
    key = pd.read_csv(spoilt / "therapy_answer_key.csv", dtype=str, keep_default_na=False)
    rows = key[(key["return"] == "therapy_faulty/whole") & (key["row"] != "0")]
    parts = {
        path.stem.rsplit("_", 1)[1]: pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in (spoilt / "therapy_faulty" / "whole").iterdir()
    }
    cover = parts["cover"].set_index("key")["value"]
    assert cover["referral_rows"] == str(len(parts["referrals"]))
    identity = {"referrals": "service_request_id", "appointments": "care_contact_id"}
    for line in rows.to_dict("records"):
        row = parts[line["table"]].iloc[int(line["row"]) - 1]
        assert row[identity[line["table"]]] == line["id"]
        if line["rule_id"] not in ("RTW-051", "RTW-070"):  # the value is the other row's
            assert [row[name] for name in line["field"].split(";")] == line["value"].split(";")
    given = parts["referrals"]["nhs_number"]
    assert given[given.str.len() == 10].str.startswith("999").all()


def test_every_rule_about_one_list_or_two_is_planted_or_left_out_with_a_reason(spoilt: Path) -> None:
    key = pd.read_csv(spoilt / "therapy_answer_key.csv", dtype=str, keep_default_na=False)
    left_out = pd.read_csv(spoilt / "therapy_answer_key_not_planted.csv", dtype=str, keep_default_na=False)
    groups = ((1, 13), (20, 36), (40, 52), (60, 74), (80, 89), (100, 106))
    rules = {f"RTW-{number:03}" for first, last in groups for number in range(first, last + 1)}
    rules |= {f"TWL-{number:03}" for number in range(1, 5)}
    assert set(key["rule_id"]) | set(left_out["rule_id"]) == rules
    assert not set(key["rule_id"]) & set(left_out["rule_id"])
    assert len(set(key["rule_id"])) == len(rules) - 8
    assert (left_out["reason"] != "").all()


def test_a_child_handed_on_keeps_the_day_on_which_the_wait_began(whole: WaitingLists) -> None:
    sender, taker = (whole.providers[code].requests for code in ("RFR", "RXE"))
    came = taker[(taker["origin"] >= 0) & (taker["received"] > day("2022-06-01"))]
    assert len(came) > 10
    assert (came["clock_start"] < came["received"]).all()
    left = sender[
        (sender["closure_reason"] == "REFERRED_ON") & (sender["first"] == 0) & (sender["pathway"] == "ND_0_5")
    ]
    pairs = came.merge(left, on="child", suffixes=("", "_sent"))
    assert len(pairs) == len(came)
    assert (pairs["clock_start"] == pairs["clock_start_sent"]).all()
    assert (pairs["received"] > pairs["closed_sent"]).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(made: Borough, tmp_path: Path) -> None:
    at = int(SNAPSHOTS[month_at("2025-06")])
    for name, seed in (("again", 3), ("other", 4)):
        lists = queue_the_children(*made.asked["given"], **{**made.asked["named"], "seed": seed})
        write_csv(lists.delivery("RFR", at), tmp_path / name)
    first = made.out / "therapy_waiting_list" / "RFR" / "2025-06"
    differ = 0
    for path in first.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
        differ += path.read_bytes() != (tmp_path / "other" / path.name).read_bytes()
    assert differ >= 2


def test_shares_of_sources_add_up() -> None:
    for line in LINES:
        assert sum(source_shares(line).values()) == pytest.approx(1)
        assert source_shares(line)["OTHER"] + source_shares(line)["UNKNOWN"] < 0.1


def test_the_percentile_is_by_nearest_rank() -> None:
    days = np.array([3, 9, 14, 21, 40, 58, 90, 127, 210, 400])
    assert (nearest_rank(days, 50), nearest_rank(days, 92)) == (40, 400)
    assert nearest_rank(np.array([], dtype=np.int64), 50) is None


def test_lists_want_the_returns_of_all_years(tmp_path: Path) -> None:
    with pytest.raises(CornerstoneError, match="Therapy waiting lists go with the returns of all of 2023 to 2026"):
        synthesise(
            tmp_path,
            la="372",
            figures=FIGURES,
            years=range(2025, 2026),
            seed=1,
            scale=1.0,
            faults="none",
            therapy=True,
        )
