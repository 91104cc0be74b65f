"""Faults planted in two censuses of a few schools, each with its line in the answer key.

The spring and the autumn census of one academic year are spoilt in every way that a record or a school's return can be; every victim is
a pupil whose clean record breaks no rule, and is used once. What one school's share of its pupils or its header breaks is planted in a
school of its own, and one school sends nothing. What makes a file unusable is planted in a small file of its own, of one school.

A rule that cannot be broken without breaking another has a line for the other too.
"""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.synthetic.census.borough import NEWEST, Schooling
from orchestration.synthetic.census.schools import AUTUMN, NURSERY, PRIMARY, SECONDARY, SPECIAL, SPRING, TERMS
from orchestration.synthetic.census.tables import Census, Columns
from orchestration.synthetic.census.write import COLLECT, SOURCES, XML, layout, write_census, write_collect, write_xml
from orchestration.synthetic.dates import age_on
from orchestration.synthetic.identity import temporary_upns
from orchestration.synthetic.planting import NoVictim, Spoiling, lettered, misread_uln, misread_upn, reissued, shifted

PARENTS = {
    "on": "schools",
    "off": "schools",
    "needs": "on",
    "addresses": "on",
    "meals": "on",
    "termly_on": "on",
    "half2_on": "on",
    "suspensions_on": "on",
    "alternative": "on",
    "addresses_off": "off",
    "termly_off": "off",
    "half2_off": "off",
    "suspensions_off": "off",
}
"""Canonical table -> the one above it."""

RULED = {
    "schools": "census_return",
    "on": "census_pupil",
    "off": "census_pupil",
    "needs": "census_sen_need",
    "addresses": "census_address",
    "addresses_off": "census_address",
    "meals": "census_fsm_period",
    "termly_on": "census_session",
    "termly_off": "census_session",
    "half2_on": "census_session",
    "half2_off": "census_session",
    "suspensions_on": "census_suspension",
    "suspensions_off": "census_suspension",
    "alternative": "census_ap_detail",
}
"""Canonical table -> the table that the rules name."""

NOT_PLANTED = {
    "FILE-001": "a fault of archives; a census comes as XML or as tables",
    "FILE-002": "a fault of archives; a census comes as XML or as tables",
    "FILE-003": "a fault of workbooks; a census comes as XML or as tables",
    "FILE-006": "a fault of published tables; a census without pupils breaks SC-001",
    "FILE-009": "needs a second inbox",
    "FILE-012": "a fault of published tables",
    "FILE-014": "stands for what no other rule foresees",
    "FILE-015": "needs a store of real people",
    "RF-003": "needs a file of more than eight megabytes for one pupil",
    "RF-013": "a fault of workbooks; a census comes as XML or as tables",
    "RF-015": "no column of a census has to be there by name",
    "RF-016": "a fault of workbooks; a census comes as XML or as tables",
}
"""Rules that are left out of the answer key, and why."""

NOT_SENT = "not sent"
"""Stands for a rule where a school's return is missing: no gate of a return can find what did not come."""

FORMER_URN = "RC-160R"
"""Broken by an academy that still sends the URN of the school it was. Judged beside the schools register."""

SHARE_RULES = ("RC-1870", "RC-2190", "RC-2200", "RC-2205", "RC-2560", "RC-100", "RC-120", "RC-160")
"""Rules broken in a primary school of their own."""

POOL = {PRIMARY: 3, SECONDARY: 3, SPECIAL: 1, NURSERY: 1}
"""Schools whose pupils are spoilt one by one, by phase."""

NEW_ADDRESS = {"saon": "", "paon": "", "street": "", "town": ""}


@dataclass
class _Copy(Spoiling):
    """The census being spoilt. `devoted`: what is planted in the whole of a school -> its record number; `former`: URN of an academy ->
    that of the school it was."""

    parents = PARENTS
    victim = "pupil"

    made: Census
    devoted: dict[str, int]
    former: dict[str, str]

    def __post_init__(self) -> None:
        self.tables = _frames(self.made)
        self.kinds = _kinds(self)

    @property
    def whose(self) -> str:
        return f"the {self.made.term.name} census of {self.made.term.year}"

    def collected(self, table: str) -> set[str]:
        return _collected(self.made)[table]

    def of_school(self, school: int) -> pd.DataFrame:
        """Pupils on roll of one school."""
        return self.tables["on"][self.tables["on"]["schools_id"] == school]

    def share(self, rule: str, school: int, field: str, value: str) -> None:
        """A line of the key about the whole of a school's return."""
        self.note(rule, "on", 0, field, value)
        self.key[-1]["school"] = school


def _collected(made: Census) -> dict[str, set[str]]:
    """Canonical table -> the items that the term's tables have."""
    found: dict[str, set[str]] = {}
    for table, columns in layout(made.term).items():
        if (source := SOURCES.get(table)) is not None:
            found.setdefault(source, set()).update(columns.values())
    return found


def _frames(made: Census) -> dict[str, pd.DataFrame]:
    """The canonical tables with `<table>_id` and `<parent>_id` as numbers; items that no record fills are there, blank."""
    frames = {}
    collected = _collected(made)
    for name, columns in made.tables.items():
        frame = pd.DataFrame({column: values.to_pandas().astype(object) for column, values in columns.items()})
        frame[f"{name}_id"] = frame.pop("id").astype(np.int64)
        parent = frame.pop("parent").astype(np.int64)
        if name in PARENTS:
            frame[f"{PARENTS[name]}_id"] = parent
        plumbing = {
            c for c in collected[name] if c.endswith(("tableid", "orderseqcolumn")) or c in ("NativeId", "sourceid")
        }
        blank = sorted(collected[name] - set(frame.columns) - plumbing)
        frames[name] = frame.assign(**dict.fromkeys(blank, ""))
    return frames


def _as_census(made: Census, frames: dict[str, pd.DataFrame]) -> Census:
    """The census of ordered frames: records are numbered anew, each table from 1."""
    tables: dict[str, Columns] = {}
    place: dict[str, pd.Series[Any]] = {}
    for name, frame in frames.items():
        number = np.arange(1, len(frame) + 1)
        place[name] = pd.Series(number, index=frame[f"{name}_id"])
        parent = frame[f"{PARENTS[name]}_id"].map(place[PARENTS[name]]).to_numpy() if name in PARENTS else number
        columns = {"id": _texts(number), "parent": _texts(parent)}
        for column in frame.columns.drop([c for c in frame.columns if c.endswith("_id")]):
            columns[column] = pa.array(frame[column].to_numpy(object), pa.string())
        tables[name] = columns
    return replace(made, tables=tables)


def _texts(numbers: Any) -> pa.Array:
    return pa.array(np.asarray(numbers, dtype=np.int64)).cast(pa.string())


NAMES = ("schools", *PARENTS)
"""Canonical tables, parents first."""


def _sample(made: Census, former: dict[str, str]) -> tuple[Census, dict[str, int]]:
    """The census of a few quiet schools, and which of them is devoted to what (by record number in the sample)."""
    frames = _frames(made)
    schools, on = frames["schools"], frames["on"]
    of_school = on.groupby("schools_id")
    share = pd.DataFrame(
        {
            "size": of_school.size(),
            "E": of_school["senprovision"].agg(lambda codes: (codes == "E").mean()),
            "K": of_school["senprovision"].agg(lambda codes: (codes == "K").mean()),
            "C": of_school["enrolstatus"].agg(lambda codes: (codes == "C").mean()),
        }
    ).reindex(schools["schools_id"])
    phase = schools["phase"].to_numpy(object)
    usual = (share["E"] < 0.09) & share["K"].between(0.02, 0.33) & (share["C"] > 0.965)
    quiet = np.where(phase == SPECIAL, (share["E"] > 0.75) & (share["C"] > 0.965), usual | (phase == NURSERY))
    order = np.argsort(-share["size"].to_numpy(), kind="stable")
    able = {p: [int(schools["schools_id"].iloc[i]) for i in order if quiet[i] and phase[i] == p] for p in POOL}
    fit = {
        NOT_SENT: set(schools.loc[schools["governance"] == "CA", "schools_id"]),
        FORMER_URN: set(schools.loc[schools["urn"].isin(former.keys()), "schools_id"]),
    }
    devoted: dict[str, int] = {}
    kept = [able[p].pop(0) for p, number in POOL.items() for _ in range(min(number, len(able[p])))]
    whole = (FORMER_URN, NOT_SENT, *SHARE_RULES)
    for what, of_phase in (*((what, PRIMARY) for what in whole), ("RC-2210", SPECIAL)):
        chosen = next((one for one in able[of_phase] if what not in fit or one in fit[what]), None)
        if chosen is not None:
            able[of_phase].remove(chosen)
            devoted[what] = chosen
            kept.append(chosen)
    small = {"schools": schools[schools["schools_id"].isin(kept)].reset_index(drop=True)}
    for name, parent in PARENTS.items():
        if name in frames:
            above = small[parent][f"{parent}_id"]
            small[name] = frames[name][frames[name][f"{parent}_id"].isin(above)].reset_index(drop=True)
    number = pd.Series(np.arange(1, len(small["schools"]) + 1), index=small["schools"]["schools_id"])
    return _as_census(made, small), {what: int(number[school]) for what, school in devoted.items()}


def _days(texts: "pd.Series[Any]") -> Any:
    return pd.to_datetime(texts).to_numpy().astype("datetime64[D]").astype(np.int64)


def _only(frame: pd.DataFrame, parent: str, own: str, where: Any) -> "pd.Series[Any]":
    """By parent, the one record where there is one alone; others are left out."""
    chosen = frame[np.asarray(where, dtype=bool)]
    return chosen[~chosen[parent].duplicated(keep=False)].set_index(parent)[own]


def _kinds(work: _Copy) -> dict[str, pd.DataFrame]:
    """Pupils whose record breaks no rule, by kind, one row each with the ids of the records below."""
    t, term = work.tables, work.made.term
    head = t["schools"].set_index("schools_id")["phase"]
    devoted = set(work.devoted.values())
    on, off = t["on"].copy(), t["off"].copy()
    for frame in (on, off):
        frame["phase"] = frame["schools_id"].map(head)
        frame["age"] = age_on(_days(frame["dob"]), np.full(len(frame), term.census))
        plain = ~frame["schools_id"].isin(devoted) & frame["upn"].str[-1].str.isdigit() & (frame["formerupn"] == "")
        same = frame.duplicated(["schools_id", "surname", "forename", "dob"], keep=False)
        frame["plain"] = plain & ~same & (frame["boarder"] == "N")
    on["pupil"], off["pupil"] = on["on_id"], -off["off_id"]
    below = on["on_id"]
    everything = {name: t[name] for name in PARENTS if name in t}
    for name in ("addresses", "suspensions_on", "meals"):
        frame = everything[name]
        on[f"{name}_id"] = below.map(_only(frame, "on_id", f"{name}_id", np.ones(len(frame), bool))).fillna(0)
        on[f"{name}_number"] = below.map(frame.groupby("on_id").size()).fillna(0)
    if "needs" in t:
        on["needs"] = below.map(t["needs"].groupby("on_id").size()).fillna(0)
        first = t["needs"][t["needs"]["sentyperank"] == "1"].drop_duplicates("on_id").set_index("on_id")
        second = t["needs"][t["needs"]["sentyperank"] == "2"].drop_duplicates("on_id").set_index("on_id")
        on["need"], on["need_id"] = below.map(first["sentype"]).fillna(""), below.map(first["needs_id"]).fillna(0)
        on["second_id"] = below.map(second["needs_id"]).fillna(0)
    else:
        on = on.assign(needs=0, need="", need_id=0, second_id=0)
    for roll, frame in (("on", on), ("off", off)):
        for stretch in ("termly", "half2"):
            name = f"{stretch}_{roll}"
            if name not in t:
                frame[f"{stretch}_id"] = 0
                continue
            rows = t[name]
            present = _only(rows, f"{roll}_id", f"{name}_id", rows["attendancereason"] == "/")
            own = frame[f"{roll}_id"]
            frame[f"{stretch}_id"] = own.map(present).fillna(0)
            missed = rows[rows["attendancereason"].isin(["I", "M", "C", "E", "G", "O"])].astype({"sessions": int})
            frame[f"{stretch}_missed"] = own.map(missed.groupby(f"{roll}_id")["sessions"].sum()).fillna(0)
    since = {SPRING: f"{term.year - 1}-09-30", AUTUMN: f"{term.year}-05-01"}[term.name]
    attended = (on["entrydate"] < since) & (on["termly_id"] > 0) & (on["half2_id"] > 0 if term.name == AUTUMN else True)
    good = on["plain"] & (on["enrolstatus"] == "C") & (on["addresses_number"] == 1) & (on["parttime"] == "0") & attended
    good &= ~((on["topupfunding"] == "1") & (on["senprovision"] != "E"))
    ordinary = on["phase"].isin([PRIMARY, SECONDARY])
    quiet = good & (on["suspensions_on_number"] == 0)
    none = quiet & ordinary & (on["senprovision"] == "N")
    assessed = quiet & ordinary & ~on["need"].isin(["NSA", ""])
    told = t["suspensions_off"]
    off["suspended"] = off["off_id"].map(told.groupby("off_id").size()).fillna(0)
    gone = off["plain"] & (off["phase"] == SECONDARY) & (off["parttime"] == "0") & (off["termly_id"] > 0)
    gone &= (off["half2_id"] > 0 if term.name == AUTUMN else True) & (off["entrydate"] < since)
    return {
        "pupil": on[none],
        "primary": on[none & (on["phase"] == PRIMARY)],
        "older": on[none & (on["phase"] == SECONDARY) & (on["age"] >= 15) & (on["uniquelearnernumber"] != "")],
        "support": on[assessed & (on["senprovision"] == "K") & (on["needs"] == 1)],
        "plan": on[assessed & (on["senprovision"] == "E") & (on["needs"] == 1)],
        "two_needs": on[assessed & (on["needs"] == 2)],
        "special": on[quiet & (on["phase"] == SPECIAL)],
        "suspended": on[good & ordinary & (on["suspensions_on_number"] == 1) & (on["suspensions_on_id"] > 0)],
        "meal": on[none & (on["meals_number"] == 1) & (on["meals_id"] > 0)],
        "nursery": on[on["plain"] & (on["phase"] == NURSERY)],
        "leaver": off[gone & (off["suspended"] == 0) & (off["age"] >= 15) & (off["uniquelearnernumber"] != "")],
    }


Values = Callable[["pd.Series[Any]"], dict[str, str]]


def _one(
    w: _Copy,
    rule: str,
    kind: str,
    table: str,
    identity: str,
    values: Values,
    extra: Callable[[pd.DataFrame], Any] | None = None,
    also: tuple[str, ...] = (),
) -> None:
    """Spoil one record of one pupil; `also`: other rules that the same record then breaks."""
    with w.attempt(rule):
        row = w.pick(kind, extra)
        given = values(row)
        w.put(rule, table, row[identity], given)
        for other in also:
            w.note(other, table, row[identity], ";".join(given), ";".join(given.values()))


def _pupil_faults(w: _Copy) -> None:
    def pupil(rule: str, values: Values, kind: str = "pupil", **more: Any) -> None:
        _one(w, rule, kind, "on", "on_id", values, **more)

    census = str(np.datetime64(w.made.term.census, "D"))
    year = w.made.term.year
    pupil("RC-1500", lambda _: {"upn": ""})
    pupil("RC-1510", lambda r: {"upn": misread_upn(r["upn"])})
    pupil("RC-1530", lambda r: {"upn": lettered("999" + r["upn"][4:])})
    pupil("RC-1540", lambda r: {"upn": r["upn"][:6] + "A" + r["upn"][7:]})
    pupil("RC-1550", lambda r: {"upn": r["upn"][:12]})
    pupil("RC-L07", lambda r: {"upn": str(temporary_upns(np.array([r["upn"]], dtype=object))[0])})
    _pair(w, "RC-1520", "pupil", ("upn",))
    _pair(w, "RC-1578", "older", ("uniquelearnernumber",))
    _pair(w, "RC-1620", "primary", ("surname", "forename", "sex", "dob"), alike=("schools_id", "ncyearactual"))
    pupil("RC-1570", lambda _: {"uniquelearnernumber": ""}, "older")
    pupil("RC-1575", lambda r: {"uniquelearnernumber": misread_uln(r["uniquelearnernumber"])}, "older")
    pupil("RC-1580", lambda _: {"surname": ""})
    pupil("RC-1590", lambda _: {"forename": ""})
    pupil("RC-1600", lambda _: {"dob": ""})
    old = f"{year - 13}-10-10" if w.made.term.name == SPRING else ""
    if old:
        pupil("RC-1601", lambda _: {"dob": old}, "primary", extra=lambda p: p["ncyearactual"] == "6")
    pupil("RC-1610", lambda _: {"sex": ""})
    if w.made.term.name == SPRING:
        pupil("RC-1630", lambda _: {"ethnicity": ""})
    pupil("RC-1860", lambda _: {"enrolstatus": ""}, "primary")
    pupil("RC-1869", lambda _: {"topupfunding": ""})
    pupil("RC-1880", lambda _: {"entrydate": shifted(census, 20)})
    pupil("RC-1930", lambda _: {"parttime": ""})
    pupil("RC-1940", lambda _: {"parttime": "1"}, extra=lambda p: p["age"].between(7, 14))
    pupil("RC-1990", lambda _: {"topupfunding": "1"}, "support")
    pupil("RC-2000", lambda _: {"ncyearactual": ""})
    pupil("RC-2002", lambda _: {"ncyearactual": "7"}, "primary", extra=lambda p: p["ncyearactual"] == "6")
    pupil("RC-2020", lambda _: {"ncyearactual": "5"}, "primary", extra=lambda p: p["ncyearactual"] == "3")
    pupil("RC-2115", lambda _: {"senprovision": "S"}, "support")
    pupil("RC-2120", lambda _: {"senprovision": ""})
    pupil("RC-2230", lambda _: {"senunitindicator": ""}, "support")
    pupil("RC-2250", lambda _: {"resourcedprovisionindicator": ""}, "support")
    pupil("RC-5049", lambda _: {"senunitindicator": "0"}, "special")
    pupil("RC-5050", lambda _: {"resourcedprovisionindicator": "0"}, "special")
    with w.attempt("RF-009"):
        row = w.pick("pupil", lambda p: p["meals_number"] == 0)
        w.put("RF-009", "on", row["on_id"], {"entrydate": "31/31/2020"})
        for table in ("addresses", "termly_on", "half2_on"):
            if table in w.tables:
                rows = w.tables[table]
                for record in rows.loc[rows["on_id"] == int(row["on_id"]), f"{table}_id"]:
                    w.note("RF-010", table, record, "entrydate", "31/31/2020")


def _pair(w: _Copy, rule: str, kind: str, fields: tuple[str, ...], alike: tuple[str, ...] = ("schools_id",)) -> None:
    """Give one pupil what another of the same school has."""
    with w.attempt(rule):
        a = w.pick(kind, lambda p: p.duplicated(list(alike), keep=False))
        b = w.pick(kind, lambda p: np.logical_and.reduce([p[name] == a[name] for name in alike]))
        values = {name: str(b[name]) for name in fields}
        w.put(rule, "on", a["on_id"], values)
        w.note(rule, "on", b["on_id"], ";".join(values), ";".join(values.values()))


def _need_faults(w: _Copy) -> None:
    def need(rule: str, kind: str, identity: str, values: dict[str, str], **more: Any) -> None:
        _one(w, rule, kind, "needs", identity, lambda _: values, **more)

    with w.attempt("RC-2125"):
        row, like = w.pick("pupil"), w.pick("support")
        w.add("needs", like["need_id"], {"on_id": int(row["on_id"])})
        w.note("RC-2125", "on", row["on_id"], "SENneed", str(like["need"]))
    need("RC-2130", "two_needs", "second_id", {"sentype": ""})
    need("RC-2140", "two_needs", "second_id", {"sentyperank": ""})
    need("RC-2160", "support", "need_id", {"sentyperank": "2"})
    with w.attempt("RC-2165"):
        row = w.pick("two_needs")
        w.put("RC-2165", "needs", row["second_id"], {"sentyperank": "1"})
        w.note("RC-2165", "needs", row["need_id"], "sentyperank", "1")
    with w.attempt("RC-2166"):
        row = w.pick("two_needs")
        new = w.add("needs", row["second_id"], {"sentype": "MSI"})
        w.note("RC-2166", "on", row["on_id"], "SENneed", "3")
        w.note("RC-2165", "needs", row["second_id"], "sentyperank", "2")
        w.note("RC-2165", "needs", new, "sentyperank", "2")
    with w.attempt("RC-2170"):
        row = w.pick("support")
        w.drop("needs", row["need_id"])
        w.note("RC-2170", "on", row["on_id"], "SENneed", "")
    need("RC-2175", "plan", "need_id", {"sentype": "NSA"})
    need("RC-L05", "two_needs", "second_id", {"sentype": "ZZZ"})
    with w.attempt("RC-2180"):
        row = w.pick("special")
        w.put("RC-2180", "on", row["on_id"], {"senprovision": "N", "topupfunding": "0"})
        for record in w.tables["needs"].loc[w.tables["needs"]["on_id"] == int(row["on_id"]), "needs_id"]:
            w.drop("needs", record)


def _suspension_faults(w: _Copy) -> None:
    def suspension(rule: str, values: dict[str, str], **more: Any) -> None:
        _one(w, rule, "suspended", "suspensions_on", "suspensions_on_id", lambda _: values, **more)

    suspension("RC-2270", {"startdate": ""})
    suspension("RC-2275", {"category": "ABCD"})
    suspension("RC-2280", {"reason1": "", "reason2": "", "reason3": ""})
    suspension("RC-2290", {"startdate": f"{w.made.term.year - 2}-03-05"})
    suspension("RC-2300", {"sessions": "0"})
    suspension("RC-2310", {"senprovision": "Q"})
    suspension("RC-2320", {"sessions": "95"})
    suspension("RC-2335", {"category": "PERM", "sessions": ""})
    with w.attempt("RC-L06"):
        row = w.pick("suspended")
        w.quiet("suspensions_on", row["suspensions_on_id"], {"sessions": "50"})
        new = w.add("suspensions_on", row["suspensions_on_id"], {})
        for record in (row["suspensions_on_id"], new):
            w.note("RC-L06", "suspensions_on", record, "sessions", "50")
    with w.attempt("RC-5051"):
        row, like = w.pick("nursery"), w.pick("suspended")
        new = w.add("suspensions_on", like["suspensions_on_id"], {"on_id": int(row["on_id"])})
        w.note("RC-5051", "suspensions_on", new, "StartDate", "")


def _home_faults(w: _Copy) -> None:
    def address(rule: str, values: dict[str, str], *also: str) -> None:
        _one(w, rule, "pupil", "addresses", "addresses_id", lambda _: values, also=also)

    def meal(rule: str, values: dict[str, str]) -> None:
        _one(w, rule, "meal", "meals", "meals_id", lambda _: values)

    census = str(np.datetime64(w.made.term.census, "D"))
    address("RC-2340", {"postcode": "NOT KNOWN"})
    address("RC-2350", {"paon": ""})
    with w.attempt("RC-2355"):
        row = w.pick("pupil")
        w.drop("addresses", row["addresses_id"])
        w.note("RC-2355", "on", row["on_id"], "Address", "")
    address("RC-2380", {"street": "", "town": ""}, "RC-2350")
    address("RC-2400", NEW_ADDRESS | {"addressline1": "1 Invented Lane"}, "RC-2350")
    address("RC-2445", {"addressline1": "1 Invented Lane", "addressline2": "Inventown"})
    address("RC-5155", {"uniquepropertyreferencenumber": "12AB"})
    meal("RC-L01", {"fsmstartdate": ""})
    meal("RC-L02", {"fsmstartdate": shifted(census, 10), "fsmenddate": ""})
    meal("RC-L03", {"fsmstartdate": shifted(census, -10), "fsmenddate": shifted(census, -20)})
    with w.attempt("RC-L04"):
        row = w.pick("meal", lambda p: p["meals_id"].isin(_open_meals(w)))
        new = w.add("meals", row["meals_id"], {})
        for record in (row["meals_id"], new):
            w.note("RC-L04", "meals", record, "fsmenddate", "")


def _open_meals(w: _Copy) -> set[int]:
    return set(w.tables["meals"].loc[w.tables["meals"]["fsmenddate"] == "", "meals_id"])


def _attendance_faults(w: _Copy, stretch: str, rules: dict[str, str]) -> None:
    """Faults in the sessions of one stretch. `rules`: what is spoilt -> the rule of that stretch."""
    possible = {"termly": "termlysessionspossible", "half2": "summerhalfterm2sessionspossible"}[stretch]
    table = f"{stretch}_on"

    def session(what: str, values: dict[str, str]) -> None:
        _one(w, rules[what], "pupil", table, f"{stretch}_id", lambda _: values)

    session("code", {"attendancereason": "QQ"})
    session("sessions", {"sessions": "0"})
    session("no code", {"attendancereason": ""})
    _one(w, rules["possible"], "pupil", "on", "on_id", lambda _: {possible: ""})
    _one(
        w,
        rules["missed"],
        "pupil",
        "on",
        "on_id",
        lambda _: {possible: "1"},
        extra=lambda p: p[f"{stretch}_missed"] >= 2,
    )
    with w.attempt(rules["twice"]):
        row = w.pick("pupil")
        new = w.add(table, row[f"{stretch}_id"], {})
        for record in (row[f"{stretch}_id"], new):
            w.note(rules["twice"], table, record, "attendancereason", "/")
    # a nursery's children are younger than those of whom attendance is asked
    _one(w, rules["nursery"], "nursery", "on", "on_id", lambda _: {possible: "10"}, also=(rules["boards"],))


TERMLY = {
    "boards": "RC-2470",
    "code": "RC-2475",
    "sessions": "RC-2480",
    "no code": "RC-2490",
    "possible": "RC-2500",
    "twice": "RC-2505",
    "missed": "RC-2530",
    "nursery": "RC-5057",
}
HALF2 = {
    "boards": "RC-2571",
    "code": "RC-2572",
    "sessions": "RC-2573",
    "no code": "RC-2574",
    "possible": "RC-2575",
    "twice": "RC-2577",
    "missed": "RC-2582",
    "nursery": "RC-5080",
}


def _leaver_faults(w: _Copy) -> None:
    def leaver(rule: str, values: dict[str, str]) -> None:
        _one(w, rule, "leaver", "off", "off_id", lambda _: values)

    leaver("RC-1573", {"uniquelearnernumber": ""})
    leaver("RC-1920", {"leavingdate": ""})
    leaver("RC-2510", {"termlysessionspossible": ""})
    leaver("RC-2579", {"summerhalfterm2sessionspossible": ""})
    with w.attempt("RC-2285"):
        row = w.pick("leaver")
        for number in range(2):
            record = _suspend(
                w, row, {"category": "PERM", "sessions": "", "startdate": shifted(row["leavingdate"], -number)}
            )
            w.note("RC-2285", "suspensions_off", record, "category", "PERM")
    for rule, after, values in (("RC-2303", 1, {}), ("RC-2330", 0, {"category": "PERM", "sessions": "4"})):
        with w.attempt(rule):
            row = w.pick("leaver")
            told = {"startdate": shifted(row["leavingdate"], after)} | values
            w.note(rule, "suspensions_off", _suspend(w, row, told), ";".join(told), ";".join(told.values()))
    with w.attempt("RC-5065"):
        child, like = w.pick("nursery"), w.pick("leaver")
        stem = {name: child[name] for name in ("schools_id", "laestab", "dob", "sex")}
        stretches = {name: "" for name in w.tables["off"].columns if "sessions" in name}
        new = w.add(
            "off",
            like["off_id"],
            stem
            | stretches
            | {
                "upn": reissued(like["upn"]),
                "uniquelearnernumber": "",
                "surname": "Nobodyfold",
                "forename": "Nemowen",
            },
        )
        w.note("RC-5065", "off", new, "PupilNoLongerOnRoll", "")


def _suspend(w: _Copy, leaver: "pd.Series[Any]", values: dict[str, str]) -> int:
    """A suspension of a leaver, otherwise as another leaver's. Returns its record number."""
    told = w.tables["suspensions_off"]
    if not (told["category"] == "SUSP").any():
        raise NoVictim(f"{w.whose} has no suspended leaver")
    like = told.loc[told["category"] == "SUSP", "suspensions_off_id"].iloc[0]
    return w.add("suspensions_off", like, {"off_id": int(leaver["off_id"])} | values)


def _school_faults(w: _Copy) -> None:
    """What the header, or a share of the pupils, of a whole return breaks."""

    def header(rule: str, values: dict[str, str], row: bool = True) -> None:
        if (school := w.devoted.get(rule)) is None:
            w.missed[rule] = "the census has no school left that breaks no rule"
            return
        w.put(rule, "schools", school, values)
        if not row:
            w.key[-1] |= {"table": "school", "record_id": 0, "school": school}

    def shared(rule: str, plant: Callable[[int], tuple[str, str]]) -> None:
        if (school := w.devoted.get(rule)) is None:
            w.missed[rule] = "the census has no school left that breaks no rule"
            return
        w.share(rule, school, *plant(school))

    census = str(np.datetime64(w.made.term.census, "D"))
    header("RC-100", {"referencedate": shifted(census, 1)})
    header("RC-120", {"phase": ""}, row=False)
    header("RC-160", {"urn": ""})
    if (academy := w.devoted.get(FORMER_URN)) is None:
        w.missed[FORMER_URN] = "the census has no school left that became an academy and breaks no rule"
    else:
        schools = w.tables["schools"]
        urn = schools.loc[schools["schools_id"] == academy, "urn"].iloc[0]
        w.put(FORMER_URN, "schools", academy, {"urn": w.former[urn]})
    shared("RC-1870", lambda school: _enrolled_elsewhere(w, school))
    shared("RC-2190", lambda school: _provision(w, school, "K", "E", 0.11))
    shared("RC-2200", lambda school: _without_sen(w, school))
    shared("RC-2205", lambda school: _provision(w, school, "N", "K", 0.45))
    shared("RC-2210", lambda school: _provision(w, school, "E", "K", 0.35))
    shared("RC-2560", lambda school: _ill(w, school))


def _set(w: _Copy, rows: Any, values: dict[str, str]) -> None:
    frame = w.tables["on"]
    for name, value in values.items():
        frame.loc[frame["on_id"].isin(rows), name] = value


def _enrolled_elsewhere(w: _Copy, school: int) -> tuple[str, str]:
    own = w.of_school(school)
    _set(w, own["on_id"].head(len(own) // 20 + 1), {"enrolstatus": "F"})
    return "enrolstatus", "F"


def _provision(w: _Copy, school: int, old: str, new: str, share: float) -> tuple[str, str]:
    """Raise one provision to a share of the pupils, each with a need as the others have one."""
    own, needs = w.of_school(school), w.tables["needs"]
    number = int(np.ceil(share * len(own))) - int((own["senprovision"] == new).sum())
    able = own[(own["senprovision"] == old) & ((own["topupfunding"] == "0") | (old == "E"))]
    unassessed = needs.loc[needs["sentype"] == "NSA", "on_id"]
    chosen = able.loc[~able["on_id"].isin(unassessed), "on_id"].head(number)
    if len(chosen) < number:
        raise NoVictim("no school has pupils enough of the kind")
    _set(w, chosen, {"senprovision": new, "topupfunding": "0"})
    bare = chosen[~chosen.isin(needs["on_id"])].to_numpy()
    first = int(needs["needs_id"].max()) + 1
    more = pd.DataFrame(
        {"needs_id": first + np.arange(len(bare)), "on_id": bare, "sentyperank": "1", "sentype": "SLCN"}
    )
    w.tables["needs"] = pd.concat([needs, more], ignore_index=True)
    return "senprovision", new


def _without_sen(w: _Copy, school: int) -> tuple[str, str]:
    own = w.of_school(school)
    _set(w, own.loc[own["senprovision"] == "E", "on_id"], {"topupfunding": "0"})
    _set(w, own["on_id"], {"senprovision": "N"})
    w.tables["needs"] = w.tables["needs"][~w.tables["needs"]["on_id"].isin(own["on_id"])]
    return "senprovision", "N"


def _ill(w: _Copy, school: int) -> tuple[str, str]:
    """Mornings present and sessions ill change places, so that half of the sessions were missed."""
    rows = w.tables["termly_on"]
    own = rows["on_id"].isin(w.of_school(school)["on_id"])
    swapped = rows["attendancereason"].map({"/": "I", "I": "/"})
    w.tables["termly_on"] = rows.assign(
        attendancereason=np.where(own & swapped.notna(), swapped, rows["attendancereason"])
    )
    return "attendancereason", "I"


@dataclass(frozen=True)
class _File:
    """A school's file that cannot be used: `edit` is what is done to its text, `named` what it is called."""

    edit: Callable[[str], str | bytes]
    named: str = ""


def _replaced(pattern: str, by: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, by, text, count=1, flags=re.DOTALL)


FILES = {
    "SC-001": _File(_replaced("<Pupils>.*</Pupils>", "<Pupils><PupilsOnRoll/></Pupils>")),
    "SC-002": _File(_replaced("<Estab>[^<]*</Estab>", "")),
    "SC-003": _File(_replaced("<Collection>SC<", "<Collection>EYC<")),
    "FILE-004": _File(lambda text: "%PDF-1.7\n" + text[:40]),
    "FILE-005": _File(lambda _: b""),
    "FILE-008": _File(lambda _: '<?xml version="1.0"?><Register><Child>Nemowen</Child></Register>'),
    "FILE-010": _File(lambda _: b"upn,surname\n,Nemo\x81wen\n", "pupilonroll.csv"),
    "RF-001": _File(_replaced("<Message>", '<!DOCTYPE Message [<!ENTITY who "Nemowen">]><Message>')),
    "RF-002": _File(_replaced("<PupilsOnRoll>", "<PupilsOnRoll>" + "<Deep>" * 300)),
    "RF-004": _File(lambda text: text[: len(text) // 2]),
    "RF-005": _File(_replaced("<Year>[^<]*</Year>", "")),
    "RF-006": _File(lambda text: re.sub("(<Header>.*</Header>)", r"\1\1", text, count=1, flags=re.DOTALL)),
    "RF-011": _File(_replaced("<Year>[^<]*</Year>", "<Year>2035</Year>")),
    "RF-014": _File(lambda text: text, "3729999_SC1_372LL26_001.XML"),
}
"""Rule that refuses a file -> how the file of a school is made to break it."""


Rows = list[list[str]]


def _addressed_to_nobody(rows: Rows) -> Rows:
    """The pupil's number of the first row is one that no pupil has."""
    place = rows[0].index("pupilonrolltableid")
    return [rows[0], [*rows[1][:place], "999999", *rows[1][place + 1 :]], *rows[2:]]


def _unheaded(rows: Rows) -> Rows:
    """No column says which pupil a row is of."""
    return [["whose" if name == "pupilonrolltableid" else name for name in rows[0]], *rows[1:]]


def _two_postcodes(rows: Rows) -> Rows:
    """A second column of one name, that holds something else."""
    return [[*rows[0], "postcode"], *([*row, "YR1 1AA"] for row in rows[1:])]


TABLES: dict[str, tuple[Callable[[Rows], Rows], int]] = {
    "FILE-007": (_two_postcodes, 0),
    "FILE-011": (lambda rows: [[*rows[0][:-1], ""], *([*row[:-1], "more"] for row in rows[1:])], 0),
    "FILE-013": (lambda rows: [rows[0], [*rows[1], "more"], *rows[2:]], 1),
    "RF-007": (_unheaded, 0),
    "RF-008": (_addressed_to_nobody, 1),
}
"""Rule -> how the table of addresses of a COLLECT export is made to break it, and the row (0: the whole file)."""


def plant_census_faults(schooling: Schooling, out: Path) -> int:
    """Write spoilt censuses of a few schools of the newest academic year and the key to them. Returns the lines of the key.

    Below `out`: `census_faults/<term>/clean/<shape>/`, what the schools would have sent; `census_faults/<term>/faulty/<shape>/`, the
    same spoilt; `census_faults/files/<rule>/`, a school's file, or the tables of one school, that cannot be used or of which a row
    cannot; `census_answer_key.csv`, a line for each place where a rule is broken; `census_answer_key_not_planted.csv`, the rules left
    out, each with its reason.

    In the key, `table` is what rules call it, `file` the COLLECT table, `row` the row in that table's file (its record number too),
    `xml_row` the row of `table` in the school's own XML file; 0 where the fault is the whole school's. A school that sent nothing stands
    under the rule NOT_SENT.
    """
    keys, missed = [], dict(NOT_PLANTED)
    sites = schooling.sites.frame
    former = {urn: before for urn, before in zip(sites["URN"], sites["urn_before"], strict=True) if before}
    rng = np.random.default_rng(7)
    for name, plants in PLANTS.items():
        t = next(t for t, term in enumerate(TERMS) if (term.academic, term.name) == (NEWEST, name))
        clean, devoted = _sample(schooling.census(t), former)
        work = _Copy(made=clean, devoted=devoted, former=former, rng=rng)
        for plant in plants:
            plant(work)
        if (unsent := devoted.get(NOT_SENT)) is not None:
            work.drop("schools", unsent)
            work.share(NOT_SENT, unsent, "return", "")
        frames = work.ordered([table for table in NAMES if table in work.tables])
        folder = out / "census_faults" / name
        for shape in (XML, COLLECT):
            write_census(_as_census(clean, _frames(clean)), folder / "clean", shape)
            write_census(_as_census(clean, frames), folder / "faulty", shape)
        keys.append(_key(work, frames, clean, f"{name}/faulty"))
        missed |= work.missed
        if name == SPRING:
            keys.append(_plant_files(clean, devoted, out / "census_faults" / "files"))
    key = pd.concat(keys, ignore_index=True)
    key.to_csv(out / "census_answer_key.csv", index=False)
    planted = set(key["rule_id"])
    left_out = [(rule, reason) for rule, reason in sorted(missed.items()) if rule not in planted]
    pd.DataFrame(left_out, columns=["rule_id", "reason"]).to_csv(out / "census_answer_key_not_planted.csv", index=False)
    return len(key)


PLANTS: dict[str, tuple[Callable[[_Copy], None], ...]] = {
    SPRING: (
        _school_faults,
        _need_faults,
        _suspension_faults,
        _home_faults,
        lambda w: _attendance_faults(w, "termly", TERMLY),
        _pupil_faults,
    ),
    AUTUMN: (lambda w: _attendance_faults(w, "half2", HALF2), _leaver_faults),
}


COLUMNS = ["census", "rule_id", "laestab", "table", "file", "row", "xml_row", "field", "value"]


def _plant_files(clean: Census, devoted: dict[str, int], folder: Path) -> pd.DataFrame:
    """Small files, each unusable or with a row that is. Returns their lines of the key."""
    frames = _frames(clean)
    school = devoted[NOT_SENT]
    small = {"schools": frames["schools"][frames["schools"]["schools_id"] == school]}
    for name, parent in PARENTS.items():
        if name in frames:
            small[name] = frames[name][frames[name][f"{parent}_id"].isin(small[parent][f"{parent}_id"])]
    one = _as_census(clean, small)
    laestab = str(small["schools"]["laestab"].iloc[0])
    lines = []
    write_xml(one, folder / "whole")
    [path] = (folder / "whole").iterdir()
    text = path.read_text(encoding="utf-8")
    for rule, file in FILES.items():
        made = file.edit(text)
        (folder / rule).mkdir(parents=True, exist_ok=True)
        (folder / rule / (file.named or "return.xml")).write_bytes(made if isinstance(made, bytes) else made.encode())
        lines.append((f"files/{rule}", rule, laestab, "", "", 0, 0, "", ""))
    for rule, (edit, row) in TABLES.items():
        write_collect(one, folder / rule)
        [path] = (folder / rule).glob("*_addresses.csv")
        with path.open(encoding="utf-8", newline="") as handle:
            rows = edit(list(csv.reader(handle)))
        with path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows(rows)
        spoilt = "addresses" if row else ""
        lines.append((f"files/{rule}", rule, laestab, RULED[spoilt] if row else "", spoilt, row, 0, "", ""))
        if row:  # the first pupil is then without an address
            lines.append((f"files/{rule}", "RC-2355", laestab, RULED["on"], "pupilonroll", 1, 0, "", ""))
    return pd.DataFrame(lines, columns=COLUMNS)


def _key(work: _Copy, frames: dict[str, pd.DataFrame], clean: Census, census: str) -> pd.DataFrame:
    """The key of one spoilt census. `frames`: its ordered tables."""
    schools = _frames(clean)["schools"].set_index("schools_id")["laestab"]
    file_of = {source: table for table, source in reversed(SOURCES.items()) if table in layout(clean.term)}
    places = _places(frames)
    lines = []
    for line in work.key:
        table, record = line["table"], line["record_id"]
        told = [census, line["rule_id"]]
        if "school" in line:
            ruled = "" if line["rule_id"] == NOT_SENT else "census_school" if table == "school" else RULED[table]
            told += [schools[line["school"]], ruled, "", 0, 0]
        else:
            place = places[table].loc[record]
            told += [schools[place["school"]], RULED[table], file_of[table], int(place["row"]), int(place["xml_row"])]
        lines.append((*told, line["field"], line["value"]))
    return pd.DataFrame(lines, columns=COLUMNS)


def _places(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """By canonical table and record: the school, the row in the table's file, and the row among all of its kind in the school's XML."""
    pupils = {}
    for number, roll in enumerate(("on", "off")):
        frame = frames[roll]
        pupils[roll] = pd.DataFrame(
            {"school": frame["schools_id"].to_numpy(), "pupil": number * 10_000_000 + np.arange(len(frame))},
            index=frame[f"{roll}_id"],
        )
    parts: dict[str, list[pd.DataFrame]] = {}
    for name, frame in frames.items():
        own = pd.DataFrame(
            {"name": name, "record": frame[f"{name}_id"].to_numpy(), "row": np.arange(1, len(frame) + 1)}
        )
        if name == "schools":
            own = own.assign(school=own["record"], pupil=0)
        else:
            roll = name if name in pupils else PARENTS[name]
            above = pupils[roll].loc[frame[f"{roll}_id"]]
            own = own.assign(school=above["school"].to_numpy(), pupil=above["pupil"].to_numpy())
        parts.setdefault(RULED[name], []).append(own.assign(stretch=int(name.startswith("half2"))))
    told = []
    for frames_of in parts.values():
        rows = pd.concat(frames_of).sort_values(["school", "pupil", "stretch", "row"], kind="stable")
        told.append(rows.assign(xml_row=rows.groupby("school").cumcount() + 1))
    everything = pd.concat(told)
    return {str(name): rows.set_index("record") for name, rows in everything.groupby("name")}


__all__ = ["RULED", "plant_census_faults"]
