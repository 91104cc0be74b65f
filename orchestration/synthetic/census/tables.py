"""The canonical tables of one census of all schools: the same rows whatever shape they are written in.

Every column is text as an Arrow array: days as 2026-01-15, truth values as 1 and 0, "" for nothing. Column names are those of the COLLECT
tables of 2026. `id` is the row's own number from 1, `parent` that of the row above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.synthetic.census.children import PLAN, PROVISION, SUPPORT, Children
from orchestration.synthetic.census.events import AUTHORISED, CODES, UNAUTHORISED, Events, Sessions, attended, stretches
from orchestration.synthetic.census.identity import Identities
from orchestration.synthetic.census.schools import (
    AUTUMN,
    NURSERY,
    PRIMARY,
    REFERRAL,
    SPECIAL,
    SPRING,
    TERM_CODES,
    TERMS,
    YEAR_CODES,
    YEARS,
    Ints,
    Sites,
    Term,
)
from orchestration.synthetic.dates import age_on, day

SOFTWARE = "Invented Census"
"""No system of a school is called so: what carries it is a census of invented children."""

SECOND_NEED_SHARE, NOT_ASSESSED_SHARE = 0.25, 0.08
CHANGED_NEED_SHARE = 0.2
"""Children whose need on SEN support is another from one of the terms on; whose was not assessed is assessed then."""
SUPPORT_NEEDS = {
    "SLCN": 0.27, "SEMH": 0.21, "MLD": 0.18, "SPLD": 0.13, "ASD": 0.09, "OTH": 0.05, "PD": 0.025, "HI": 0.02, "VI": 0.01, "MSI": 0.005,
}  # fmt: skip
PLAN_NEEDS = {"ASD": 0.36, "SEMH": 0.22, "SLCN": 0.17, "MLD": 0.12, "PD": 0.06, "SLD": 0.05, "PMLD": 0.02}
SECOND_NEED = {"ASD": "SLCN", "SEMH": "MLD", "SLCN": "MLD", "MLD": "SLCN", "PD": "VI"}
FREE_MEALS_SHARE = 0.27
MAINTAINED_FROM_DAY = "2014-09-01"

Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class Census:
    """One census of every school. `schools`: a row a school, in the order of the pupils; the other tables by canonical name."""

    term: Term
    la: str
    tables: dict[str, Columns]
    truth: pd.DataFrame
    """child and site of every on-roll row, in order."""


def text(values: Any) -> pa.Array:
    """Objects or numbers as text."""
    array = pa.array(values)
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def flag(values: npt.NDArray[np.bool_], told: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """1 and 0, "" where it is not told."""
    return pick(("", "0", "1"), np.where(True if told is None else told, 1 + np.asarray(values, dtype=int), 0))


def pick(values: Sequence[str], codes: Any) -> pa.Array:
    """The value that each code numbers."""
    return pa.array(list(values), pa.string()).take(pa.array(np.asarray(codes, dtype=np.int64)))


def dates(days: Any, told: Any = True) -> pa.Array:
    """Days since 1970-01-01 as ISO dates, "" where not told."""
    kinds, codes = np.unique(np.asarray(days, dtype=np.int64), return_inverse=True)
    shown = ["", *kinds.astype("datetime64[D]").astype(str).tolist()]
    return pick(shown, np.where(told, codes + 1, 0))


def numbers(values: Any, told: Any = True) -> pa.Array:
    """Whole numbers as text, "" where not told."""
    kinds, codes = np.unique(np.asarray(values, dtype=np.int64), return_inverse=True)
    return pick(["", *kinds.astype(str).tolist()], np.where(told, codes + 1, 0))


def where(told: Any, values: Any) -> pa.Array:
    """Texts where they are told, else ""."""
    return text(np.where(told, np.asarray(values, dtype=object), ""))


@dataclass(frozen=True)
class Lasting:
    """What of a child does not change from census to census."""

    free_meals: pd.DataFrame
    """child, begins, ends (0: still)."""
    needs: pd.DataFrame
    """By child: need on SEN support (K; K_later from term `changed` on) and by another authority's plan (E), whether there is a second
    need, whether K was not assessed before."""
    own_needs: dict[int, pd.DataFrame]
    """January -> by child, need and second_need of the plan that the return has, else of the latest; need "" for no plan."""
    came: npt.NDArray[np.int64]
    """Day of entry to the school of each term, by child and term."""
    carer: npt.NDArray[np.int64]


def lasting_facts(
    children: Children, plans: pd.DataFrame, spells: dict[int, pd.DataFrame], sites: Sites, rng: np.random.Generator
) -> Lasting:
    """Needs, meals and days of entry of every child."""
    size, group = len(children.people), children.groups
    eligible = np.flatnonzero(rng.random(size) < FREE_MEALS_SHARE)
    first_school = children.people["cohort"].to_numpy(np.int64) + 4
    floor = (first_school - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 250
    begins = np.maximum(floor[eligible], day(MAINTAINED_FROM_DAY)) + rng.integers(0, 900, len(eligible))
    ended = rng.random(len(eligible)) < 0.15
    ends = np.where(ended, begins + rng.integers(60, 1500, len(eligible)), 0)
    meals = pd.DataFrame({"child": eligible, "begins": begins, "ends": ends})
    again = meals[ended & (rng.random(len(eligible)) < 0.4)]
    again = again.assign(begins=again["ends"] + rng.integers(20, 200, len(again)), ends=0)
    meals = pd.concat([meals, again]).sort_values(["child", "begins"]).reset_index(drop=True)
    needs = pd.DataFrame({"K": _needs(SUPPORT_NEEDS, size, rng), "E": _needs(PLAN_NEEDS, size, rng)})
    needs["second"] = rng.random(size) < SECOND_NEED_SHARE
    needs["unassessed"] = rng.random(size) < NOT_ASSESSED_SHARE
    needs["K_later"] = _needs(SUPPORT_NEEDS, size, rng)
    never = len(TERMS)
    needs["changed"] = np.where(rng.random(size) < CHANGED_NEED_SHARE, rng.integers(3, never, size), never)
    own = {year: _own_needs(plans, year, children.people["person"]) for year in spells}
    lots = rng.random(children.site.shape)
    return Lasting(
        meals,
        needs,
        own,
        _entries(children, plans, spells, sites, lots, group),
        rng.choice([0, 1, 2], size=size, p=[0.985, 0.005, 0.01]),
    )


def _own_needs(plans: pd.DataFrame, year: int, person: "pd.Series[Any]") -> pd.DataFrame:
    """Needs of every child's plan in a January: of two plans, the one that the return has."""
    told = plans.assign(here=plans[f"line_{year}"] != "").sort_values(["here", "start"])
    found = told.drop_duplicates("person", keep="last").set_index("person")[["need", "second_need"]]
    own = found.reindex(person).reset_index(drop=True)
    return own.assign(need=own["need"].fillna(""), second_need=own["second_need"].eq(True))


def _needs(shares: dict[str, float], size: int, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    weight = np.array(list(shares.values()))
    return np.asarray(rng.choice(np.array(list(shares), dtype=object), size=size, p=weight / weight.sum()))


def _entries(
    children: Children, plans: pd.DataFrame, spells: dict[int, pd.DataFrame], sites: Sites, lots: Any, group: Ints
) -> Ints:
    """Day of entry to the school of each term: early in the term of arrival, before its census day."""
    cohort = children.people["cohort"].to_numpy(np.int64)
    phase = np.append(sites.frame["phase"].to_numpy(object), "")
    at = phase[children.site[:, 0]]
    began = np.select([group[:, 0] < 0, at == PRIMARY], [cohort + 3, cohort + 4], default=cohort + 11)
    began = np.minimum(began, TERMS[0].academic)
    began = np.where(np.isin(at, (SPECIAL, REFERRAL)), np.minimum(cohort + 5, TERMS[0].academic), began)
    entered = (began - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 245
    if spells:
        # the SEN2 return knows when a child with a plan came to the school it is placed at
        frame = spells[min(spells)]
        rows = pd.Series(np.arange(len(cohort)), index=children.people["person"]).drop(index=-1, errors="ignore")
        of_urn = pd.Series(np.arange(len(sites.frame)), index=sites.frame["URN"])
        child = rows.reindex(plans.loc[frame.index, "person"]).to_numpy(float)
        same = ~np.isnan(child)
        child, site = child[same].astype(int), frame["URN"].map(of_urn).to_numpy(float)[same]
        entry = frame["entry"].to_numpy(np.int64)[same]
        good = (children.site[child, 0] == site) & (entry <= TERMS[0].census)
        entered[child[good]] = entry[good]
    came = np.empty(children.site.shape, dtype=np.int64)
    came[:, 0] = entered
    for t, term in enumerate(TERMS[1:], start=1):
        span = 1 if term.name == AUTUMN else term.census - term.begins - 1
        arrived = term.begins + np.floor(lots[:, t] * span).astype(np.int64)
        came[:, t] = np.where(children.site[:, t] == children.site[:, t - 1], came[:, t - 1], arrived)
    return came


def left_on(t: int, lots: Any) -> Ints:
    """Day on which those left who were there in term `t` and not in the next: the end of the summer term, or the holidays."""
    term = TERMS[t]
    if term.name not in (AUTUMN, SPRING):
        return np.full(len(lots), term.ends)
    return np.asarray(term.ends + np.floor(np.asarray(lots) * (TERMS[t + 1].begins - term.ends)).astype(np.int64))


def _registrations(children: Children, t: int) -> pd.DataFrame:
    """Every registration on a census day. Columns child, site, status; by site, main and single before subsidiary."""
    main, second = children.site[:, t], children.second[:, t]
    dual = (main >= 0) & (second >= 0)
    one, two = np.flatnonzero(main >= 0), np.flatnonzero(dual)
    frame = pd.DataFrame(
        {
            "child": np.concatenate([one, two]),
            "site": np.concatenate([main[one], second[two]]).astype(np.int64),
            "status": np.concatenate(
                [np.where(dual[one], "M", "C").astype(object), np.full(len(two), "S", dtype=object)]
            ),
        }
    )
    return frame.sort_values(["site", "child"], kind="stable").reset_index(drop=True)


def _key(frame: pd.DataFrame) -> Ints:
    return np.asarray(frame["site"].to_numpy(np.int64) * 10_000_000 + frame["child"].to_numpy(np.int64))


def build_census(
    t: int,
    children: Children,
    identities: Identities,
    events: Events,
    lasting: Lasting,
    sites: Sites,
    la: str,
) -> Census:
    """The census of term `t` of TERMS, of every school that has a pupil."""
    term = TERMS[t]
    now, before = _registrations(children, t), _registrations(children, t - 1)
    told = events.suspensions
    # each return looks back on two terms; what was rescinded since is in the first of the two alone
    told = told[(told["term"] == t - 1) | ((told["term"] == t - 2) & ~told["rescinded"])]
    off = before[~np.isin(_key(before), _key(now))].assign(last=t - 1)
    gone = told[~np.isin(_key(told), np.concatenate([_key(now), _key(off)]))].drop_duplicates(["child", "site"])
    gone = gone[["child", "site"]].assign(status="C", last=t - 2)
    sites_now = np.unique(now["site"].to_numpy())
    off = pd.concat([off, gone], ignore_index=True)
    off = off[off["site"].isin(sites_now)].sort_values(["site", "child"], kind="stable").reset_index(drop=True)
    phase = sites.frame["phase"].to_numpy(object)
    # a nursery school returns neither leavers nor sessions nor suspensions
    off = off[phase[off["site"]] != NURSERY].reset_index(drop=True)
    names = sites.on(term.census)
    tables: dict[str, Columns] = {"schools": _schools(sites, names, now, children.groups[:, t], term, la)}
    tables["on"] = _on_roll(now, children, identities, lasting, sites, names, t)
    tables["off"] = _off_roll(off, identities, lasting, children, names, events, t)
    was_there = np.isin(_key(now), _key(before))
    for name, frame, present in (("on", now, was_there), ("off", off, (off["last"] == t - 1).to_numpy())):
        rows, site = frame["child"].to_numpy(np.int64), frame["site"].to_numpy(np.int64)
        # ages 4 to 15, reception to year 11, in the term reported: in an autumn return the year before this one's
        then = children.groups[rows, t - 1]
        in_scope = (then >= 0) & (then <= 11) & (phase[site] != NURSERY)
        for stretch in range(len(stretches(t - 1))):
            status = frame["status"].to_numpy(object)
            found = attended(children, events, rows, site, status, present & in_scope, t - 1, stretch)
            _add_sessions(tables, name, "termly" if stretch == 0 else "half2", found, in_scope)
        tables[f"suspensions_{name}"] = _suspensions(told, frame)
    if term.name == SPRING:
        tables["needs"] = _need_rows(now, children, lasting, t)
    tables["addresses"] = _addresses(now, identities)
    if term.name == AUTUMN:
        frame = identities.frame.iloc[off["child"]]
        tables["addresses_off"] = _child(np.arange(len(off)), {"postcode": text(frame["postcode"].to_numpy(object))})
    tables["meals"] = _meals(now, lasting, children, t)
    tables["alternative"] = _alternative(now, children, sites, names, t)
    return Census(term, la, tables, now[["child", "site", "status"]])


def _child(parents: Ints, columns: Columns) -> Columns:
    """A table below another one. `parents`: the row of each above it, from 0."""
    return {"id": numbers(np.arange(1, len(parents) + 1)), "parent": numbers(parents + 1), **columns}


def _schools(sites: Sites, names: pd.DataFrame, now: pd.DataFrame, group: Ints, term: Term, la: str) -> Columns:
    """The schools with a pupil. The years that one teaches are those of its phase, and that of a pupil who is older or younger."""
    taught = pd.Series(_taught(group[now["child"]])).groupby(now["site"].to_numpy()).agg(["min", "max"])
    here = taught.index.to_numpy(np.int64)
    frame, named = sites.frame.iloc[here], names.iloc[here]
    size = len(here)
    phases = frame["phase"].to_numpy(object)

    def same(value: str) -> pa.Array:
        return pa.array([value] * size, pa.string())

    low = np.minimum([YEARS[phase][0] for phase in phases], taught["min"].to_numpy())
    high = np.maximum([YEARS[phase][1] for phase in phases], taught["max"].to_numpy())
    return {
        "id": numbers(np.arange(1, size + 1)),
        "parent": numbers(np.arange(1, size + 1)),
        "laestab": text(named["laestab"].to_numpy(object)),
        "collection": same("SC"),
        "name": pick(("School Census", "PRU Census"), phases == REFERRAL),
        "term": same(TERM_CODES[term.name]),
        "year": same(str(term.year)),
        "referencedate": dates(np.full(size, term.census)),
        "sourcelevel": same("S"),
        "lea": same(la),
        "estab": text(named["laestab"].str[3:].to_numpy(object)),
        "urn": text(named["urn"].to_numpy(object)),
        "softwarecode": same(SOFTWARE),
        "release": same(f"{term.year}.1"),
        "serialno": same("1"),
        "xversion": same("1.0"),
        "datetime": pc.binary_join_element_wise(dates(term.census + 14 + here % 10), "10:15:00", "T"),
        "schoolname": text(frame["name"].to_numpy(object)),
        "phase": text(phases),
        "highestncyeargroup": pick(YEAR_CODES, high + 2),
        "lowestncyeargroup": pick(YEAR_CODES, low + 2),
        "intake": pick(("COMP", "SPEC"), phases == SPECIAL),
        "governance": text(named["governance"].to_numpy(object)),
    }


def _taught(group: Ints) -> Ints:
    """Year groups as a census can name them."""
    return np.clip(group, -2, len(YEAR_CODES) - 3)


def _person(rows: Ints, identities: Identities, children: Children, t: int, on: Any) -> Columns:
    """Who a row is about: the columns that both rolls have. `on`: day at which the age is taken."""
    frame, people = identities.frame, children.people
    born = people["born"].to_numpy(np.int64)[rows]
    changed = identities.changed[rows] <= t
    age = age_on(born, np.broadcast_to(np.asarray(on, dtype=np.int64), born.shape))
    ethnicity = "earlier_ethnicity" if TERMS[t].year < 2025 else "ethnicity"
    return {
        "upn": text(identities.upns(rows, t)),
        "formerupn": text(identities.former_upns(rows, t)),
        "surname": text(identities.surnames(rows, t)),
        "forename": text(frame["forename"].to_numpy(object)[rows]),
        "formersurname": text(identities.former_surnames(rows, t)),
        "preferredsurname": where(changed, identities.surnames(rows, t)),
        "uniquelearnernumber": where(age >= 14, frame["uln"].to_numpy(object)[rows]),
        "dob": dates(born),
        "sex": text(people["sex"].to_numpy(object)[rows]),
        "ethnicity": text(frame[ethnicity].to_numpy(object)[rows]),
        "language": text(frame["language"].to_numpy(object)[rows]),
        "boarder": pa.array(["N"] * len(rows), pa.string()),
    }


def _on_roll(
    now: pd.DataFrame,
    children: Children,
    identities: Identities,
    lasting: Lasting,
    sites: Sites,
    names: pd.DataFrame,
    t: int,
) -> Columns:
    rows, site = now["child"].to_numpy(np.int64), now["site"].to_numpy(np.int64)
    group, provision = children.groups[rows, t], children.provision[rows, t]
    phase = sites.frame["phase"].to_numpy(object)[site]
    ordinary = ~np.isin(phase, (SPECIAL, REFERRAL))
    main = (now["status"] != "S").to_numpy()
    young, plan = group < 0, provision == PLAN
    plain = pa.array(["0"] * len(rows), pa.string())
    entry = np.where(main, lasting.came[rows, t], TERMS[t].begins)
    infants = (group >= 0) & (group <= 2)
    return {
        "id": numbers(np.arange(1, len(rows) + 1)),
        "parent": numbers(np.searchsorted(np.unique(site), site) + 1),
        "laestab": text(names["laestab"].to_numpy(object)[site]),
        **_person(rows, identities, children, t, TERMS[t].census),
        "entrydate": dates(entry),
        "enrolstatus": text(now["status"].to_numpy(object)),
        "ncyearactual": pick(YEAR_CODES, _taught(group) + 2),
        "senprovision": pick(PROVISION, provision),
        "senunitindicator": flag(children.in_unit[rows, t] & plan & main, ordinary),
        "resourcedprovisionindicator": flag(children.in_resourced[rows, t] & plan & main, ordinary),
        "topupfunding": flag(np.where(plan, rows % 8 != 0, (provision == SUPPORT) & (rows % 60 == 0))),
        "parttime": flag(young),
        "classtype": pick(("O", "N"), young),
        "servicechild": pick(("N", "Y"), rows % 300 == 7),
        "plaa": pick(("N", "A"), rows % 120 == 5),
        "hoursatsetting": pick(("", "15.00", "30.00"), np.where(young, 1 + (rows % 4 == 0), 0)),
        "fundedhours": pick(("", "15.00"), young),
        "extendedhours": pick(("", "15.00"), young & (rows % 4 == 0)),
        "eyppr": pick(("", "N", "Y"), np.where(young, 1 + (rows % 6 == 0), 0)),
        "dafindicator": flag(plan, young),
        "youngcarer": pick(("N", "P", "S"), lasting.carer[rows]),
        "schoollunchtaken": flag(rows % 5 != 0, infants),
        "yssa": pick(("", "UNS"), (group >= 9) & (group <= 14)),
        "termlysessionsexceptional": plain,
    }


def _off_roll(
    off: pd.DataFrame,
    identities: Identities,
    lasting: Lasting,
    children: Children,
    names: pd.DataFrame,
    events: Events,
    t: int,
) -> Columns:
    rows, site = off["child"].to_numpy(np.int64), off["site"].to_numpy(np.int64)
    last = off["last"].to_numpy(np.int64)
    leaving = np.zeros(len(off), dtype=np.int64)
    for when in np.unique(last):
        mine = last == when
        leaving[mine] = left_on(int(when), events.lots[0, rows[mine]])
    main = children.site[rows, last] == site
    entry = np.where(main, lasting.came[rows, last], np.array([term.begins for term in TERMS])[last])
    return {
        "id": numbers(np.arange(1, len(rows) + 1)),
        "parent": numbers(np.searchsorted(np.unique(_registrations(children, t)["site"]), site) + 1),
        "laestab": text(names["laestab"].to_numpy(object)[site]),
        **_person(rows, identities, children, t, leaving),
        "entrydate": dates(entry),
        "leavingdate": dates(leaving),
        "parttime": flag(children.groups[rows, last] < 0),
        "ncyearleaving": pick(YEAR_CODES, _taught(children.groups[rows, last]) + 2),
    }


def _add_sessions(tables: dict[str, Columns], roll: str, stretch: str, found: Sessions, in_scope: Any) -> None:
    """Session rows of one stretch, and the totals on the pupil's own row."""
    row, code = np.nonzero(found.counts)
    tables[f"{stretch}_{roll}"] = _child(
        row, {"attendancereason": pick(CODES, code), "sessions": numbers(found.counts[row, code])}
    )
    stem = "termlysessions" if stretch == "termly" else "summerhalfterm2sessions"
    own = tables[roll]
    own[f"{stem}possible"] = numbers(found.possible, in_scope)
    own[f"{stem}authorised"] = numbers(found.of(AUTHORISED), in_scope)
    own[f"{stem}unauthorised"] = numbers(found.of(UNAUTHORISED), in_scope)
    own[f"{stem}educational"] = numbers(found.of(("B",)), in_scope)


def _suspensions(told: pd.DataFrame, roll: pd.DataFrame) -> Columns:
    """Suspensions of the children of a roll, by row of the roll."""
    place = pd.Series(np.arange(len(roll)), index=_key(roll))
    mine = told.assign(row=place.reindex(_key(told)).to_numpy(float)).dropna(subset="row")
    mine = mine.sort_values(["row", "day"], kind="stable")
    lasted = mine["category"].to_numpy(object) == "SUSP"
    return _child(
        mine["row"].to_numpy(np.int64),
        {
            "startdate": dates(mine["day"]),
            "sessions": numbers(mine["sessions"], lasted),
            "category": text(mine["category"].to_numpy(object)),
            "senprovision": pick(PROVISION, mine["provision"]),
            "reason1": text(mine["reason1"].to_numpy(object)),
            "reason2": text(mine["reason2"].to_numpy(object)),
            "reason3": pa.array([""] * len(mine), pa.string()),
        },
    )


def _need_rows(now: pd.DataFrame, children: Children, lasting: Lasting, t: int) -> Columns:
    """Needs of pupils on SEN support and with a plan: those of the SEN2 return where the authority's own plan has them."""
    rows = now["child"].to_numpy(np.int64)
    provision = children.provision[rows, t]
    needs, own = lasting.needs.iloc[rows], lasting.own_needs[TERMS[t].year].iloc[rows]
    from_plan = own["need"].to_numpy(object)
    later = needs["changed"].to_numpy(int) <= t
    first = np.where(provision == PLAN, needs["E"], np.where(later, needs["K_later"], needs["K"])).astype(object)
    first = np.where((provision == SUPPORT) & needs["unassessed"].to_numpy(bool) & ~later, "NSA", first)
    planned = (from_plan != "") & (provision != 0)
    first = np.where(planned, from_plan, first)
    if TERMS[t].year < 2025:
        first = np.where(first == "DS", "OTH", first)
    second = np.where(planned, own["second_need"], needs["second"]).astype(bool) & (first != "NSA")
    other = pd.Series(first, dtype=object).map(SECOND_NEED).fillna("SLD").to_numpy(object)
    other = np.where(other == first, "OTH", other)
    has = np.flatnonzero(provision != 0)
    more = np.flatnonzero((provision != 0) & second)
    parent = np.concatenate([has, more])
    order = np.argsort(parent, kind="stable")
    kinds = np.concatenate([first[has], other[more]])[order]
    ranks = np.concatenate([np.zeros(len(has), int), np.ones(len(more), int)])[order]
    return _child(parent[order], {"sentyperank": pick(("1", "2"), ranks), "sentype": text(kinds)})


def _addresses(now: pd.DataFrame, identities: Identities) -> Columns:
    rows = now["child"].to_numpy(np.int64)
    frame = identities.frame.iloc[rows]
    size = len(rows)
    lane = pd.Series(frame["postcode"].to_numpy(object), dtype=object)
    return _child(
        np.arange(size),
        {
            "postcode": text(frame["postcode"].to_numpy(object)),
            "paon": text(frame["house"].to_numpy(object)),
            "street": text((lane.str[-2:].str.title() + "bury Lane").to_numpy(object)),
            "town": pa.array(["Inventown"] * size, pa.string()),
        },
    )


def _meals(now: pd.DataFrame, lasting: Lasting, children: Children, t: int) -> Columns:
    """Periods of eligibility that touched the time since the last census day."""
    rows = now["child"].to_numpy(np.int64)
    periods = lasting.free_meals
    since, until = TERMS[t - 1].census, TERMS[t].census
    open_now = (periods["begins"] <= until) & ((periods["ends"] == 0) | (periods["ends"] > since))
    periods = periods[open_now]
    schooled = children.groups[rows, t] >= 0
    pupils = pd.DataFrame({"child": rows[schooled], "row": np.flatnonzero(schooled)})
    found = pupils.merge(periods, on="child").sort_values(["row", "begins"], kind="stable")
    ended = ((found["ends"] > 0) & (found["ends"] <= until)).to_numpy()
    return _child(
        found["row"].to_numpy(np.int64),
        {
            "fsmstartdate": dates(found["begins"]),
            "fsmenddate": dates(found["ends"], ended),
            "ukcountry": pa.array(["ENG"] * len(found), pa.string()),
        },
    )


def _alternative(now: pd.DataFrame, children: Children, sites: Sites, names: pd.DataFrame, t: int) -> Columns:
    """Where the pupils of referral units came from: permanently excluded, or dually registered."""
    rows, site = now["child"].to_numpy(np.int64), now["site"].to_numpy(np.int64)
    excluded = children.excluded[rows].astype(int)
    at_unit = sites.frame["phase"].to_numpy(object)[site] == REFERRAL
    chosen = np.flatnonzero(at_unit & (((excluded >= 0) & (excluded < t)) | (now["status"] == "S").to_numpy()))
    expelled = (excluded[chosen] >= 0) & (excluded[chosen] < t)
    before = np.where(
        expelled, children.site[rows[chosen], np.maximum(excluded[chosen], 0)], children.site[rows[chosen], t]
    )
    then = np.where(expelled, np.maximum(excluded[chosen], 0), t)
    return _child(
        chosen,
        {
            "prevurn": text(names["urn"].to_numpy(object)[before]),
            "apreason": pick(("OTH", "PEX"), expelled),
            "senprovisionentry": pick(PROVISION, children.provision[rows[chosen], then]),
        },
    )


__all__ = ["Census", "build_census", "lasting_facts"]
