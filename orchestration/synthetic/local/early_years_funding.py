"""Headcounts of invented children: born at random, in a setting as they come of age for it, some with inclusion funding.

A child is drawn once and followed from headcount to headcount, so that a class is seen growing up. They are nobody of the rest of
the borough, as the headcount names none.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.synthetic.local import Borough

RETURN = "early_years_funding"
BIRTHS = 2_800
"""Births of a year in an authority of the borough's size."""
FIRST_YEAR = 2025
"""The academic year from whose autumn on the youngest have an entitlement: it ends in this year."""
TERMS = (("AUT", -1, 9, 14), ("SPR", 0, 1, 11), ("SUM", 0, 4, 13))
"""Code, years from that in which the academic year ends, first month, weeks."""

# Settings of each kind, and how many children one of them has beside the others.
SETTINGS = {"DAY_NURSERY": (65, 38.0), "PRE_SCHOOL": (25, 20.0), "SCHOOL": (45, 24.0), "CHILDMINDER": (80, 2.5)}
WORKING, SUPPORTED = 0.55, 0.22
# Of the children who have the entitlement, those who use it.
TAKE_UP = {
    "UNDER_2": 0.5,
    "TWO_SUPPORT": 0.78,
    "TWO_WORKING": 0.82,
    "THREE_FOUR_UNIVERSAL": 0.93,
    "THREE_FOUR_EXTENDED": 0.95,
}
# Of the children in a place, those with inclusion funding; of those who start school a year later, many.
NEEDS_FUNDING = {
    "UNDER_2": 0.012,
    "TWO_SUPPORT": 0.035,
    "TWO_WORKING": 0.025,
    "THREE_FOUR_UNIVERSAL": 0.04,
    "THREE_FOUR_EXTENDED": 0.04,
}
STARTS_LATER, LATER_NEEDS_FUNDING = 0.03, 0.4
LEVELS = {"EMERGING": 0.55, "MODERATE": 0.3, "HIGH": 0.15}
POUNDS_AN_HOUR = {"NONE": 0, "EMERGING": 2, "MODERATE": 4, "HIGH": 7}
HAS_DAF = 0.35
"""Of the children with inclusion funding, those with Disability Living Allowance too."""
DAF_GBP = {2024: 910, 2025: 938}
"""By the year in which the financial year begins."""


def write(out: Path, borough: Borough) -> None:
    """A cover, the settings and the places of every headcount, the last that of spring."""
    rng = borough.rng(RETURN)
    settings = _settings(borough.scale)
    children = _children(settings, borough.scale, rng)
    for year in (year for year in borough.years if year >= FIRST_YEAR):
        for term, years, month, weeks in TERMS:
            if term == "SUM" and year == borough.years[-1]:
                continue
            name = f"early_years_{year + years}_{term.lower()}"
            cover = {
                "return_name": RETURN.upper(),
                "la_code": borough.la,
                "headcount_year": year + years,
                "term": term,
                "version": 1,
                "prepared_by_role": "Invented early years officer",
            }
            places = _places(children, pd.Period(year=year + years, month=month, freq="M"), weeks)
            pd.DataFrame(cover.items(), columns=["key", "value"]).to_csv(out / f"{name}_cover.csv", index=False)
            settings[["setting_id", "setting_name", "setting_kind"]].to_csv(out / f"{name}_settings.csv", index=False)
            places.to_csv(out / f"{name}_places.csv", index=False)


def _settings(scale: float) -> pd.DataFrame:
    kinds = [kind for kind, (count, _) in SETTINGS.items() for _ in range(max(2, round(count * scale)))]
    settings = pd.DataFrame({"setting_kind": kinds})
    settings["setting_id"] = [f"EY{number:04d}" for number in range(1, len(kinds) + 1)]
    settings["setting_name"] = "Invented setting " + settings["setting_id"]
    settings["weight"] = settings["setting_kind"].map({kind: weight for kind, (_, weight) in SETTINGS.items()})
    return settings


def _children(settings: pd.DataFrame, scale: float, rng: np.random.Generator) -> pd.DataFrame:
    """Everybody who can be of age for a place at a headcount, with what does not change of them."""
    months = pd.period_range("2019-09", "2025-12", freq="M")
    born = months.repeat(rng.poisson(BIRTHS / 12 * scale, len(months)))
    count = len(born)
    children = pd.DataFrame({"born": born})
    chance = settings["weight"] / settings["weight"].sum()
    children["setting_id"] = rng.choice(settings["setting_id"].to_numpy(dtype=object), count, p=chance)
    family = rng.random(count)
    children["is_working"] = family < WORKING
    children["is_supported"] = family >= 1 - SUPPORTED
    # Born from April to August a child may start reception at compulsory school age, a year after others.
    children["starts_later"] = (rng.random(count) < STARTS_LATER) & born.month.isin(range(4, 9))
    children["level"] = rng.choice(np.array(list(LEVELS), dtype=object), count, p=list(LEVELS.values()))
    for drawn in ("taking", "needing", "share_of_hours", "daf"):
        children[drawn] = rng.random(count)
    children["daf_month"] = rng.choice([9, 1, 4], count)
    return children


def _places(children: pd.DataFrame, begins: pd.Period, weeks: int) -> pd.DataFrame:
    """Who has a place in the term that begins in a month, counted as the headcount does."""
    born = pd.PeriodIndex(children["born"])
    months = (begins.year - born.year) * 12 + begins.month - born.month
    reception = born.year + np.where(born.month <= 8, 4, 5)
    is_in_reception = (reception < begins.year) | ((reception == begins.year) & (begins.month == 9))
    entitlement = np.select(
        [
            (months > 60) | (is_in_reception & ~children["starts_later"]),
            (months > 36) & children["is_working"],
            months > 36,
            (months > 24) & children["is_working"],
            (months > 24) & children["is_supported"],
            (months > 9) & (months <= 24) & children["is_working"],
        ],
        ["", "THREE_FOUR_EXTENDED", "THREE_FOUR_UNIVERSAL", "TWO_WORKING", "TWO_SUPPORT", "UNDER_2"],
        default="",
    )
    term = children.assign(entitlement=entitlement)
    needs = np.where(is_in_reception, LATER_NEEDS_FUNDING, term["entitlement"].map(NEEDS_FUNDING))
    is_funded = term["needing"] < needs
    term["inclusion_level"] = term["level"].where(is_funded, "NONE")
    # Working families of children under three have 15 hours a week until the summer of 2025, then 30.
    has_thirty = (term["entitlement"] == "THREE_FOUR_EXTENDED") | (
        term["entitlement"].isin(["TWO_WORKING", "UNDER_2"]) & (begins >= pd.Period("2025-09", "M"))
    )
    term["funded_hours"] = np.round(np.where(has_thirty, 30, 15) * weeks * (0.7 + 0.3 * term["share_of_hours"])).astype(
        int
    )
    term["senif_gbp"] = term["funded_hours"] * term["inclusion_level"].map(POUNDS_AN_HOUR)
    term["daf_child_count"] = (is_funded & (term["daf"] < HAS_DAF) & (term["daf_month"] == begins.month)).astype(int)
    term["daf_gbp"] = term["daf_child_count"] * DAF_GBP[begins.year - (begins.month < 4)]
    term["child_count"] = 1
    term["birth_month"] = born.strftime("%Y-%m")
    placed = term[(term["entitlement"] != "") & (term["taking"] < term["entitlement"].map(TAKE_UP))]
    return placed.groupby(["setting_id", "birth_month", "entitlement", "inclusion_level"], as_index=False)[
        ["child_count", "funded_hours", "senif_gbp", "daf_child_count", "daf_gbp"]
    ].sum()
