"""Where each plan is placed: an establishment of the invented register, or a setting code, for every placement line."""

from typing import Any, cast

import numpy as np
import pandas as pd

from orchestration.synthetic.calibrate import Target, over
from orchestration.synthetic.lives import CEASE_REASONS
from orchestration.synthetic.population import FIRM, UNKNOWN_LINE, coarse, flat, label_people
from orchestration.synthetic.registers import NEIGHBOUR
from orchestration.synthetic.targets import PLACEMENT_GROUPS, Targets

SETTING_CODES = {
    "elective_home_education": "EHE",
    "other_arrangements_la": "OLA",
    "other_arrangements_parents": "OPA",
    "other_placement_settings": "OTH",
    "neet": "NEET",
    "neet_ntci": "NIEC",
    "neet_other": "NIEO",
    "neet_other_csa": "NIEO",
    "nm_early_years": "EYP",
}
"""Placement line -> SENSetting of a placement."""

SETTING_TEXT = {"OTH": "Interim package pending a school place", "NIEO": "Awaiting placement"}
PLAN_ONLY_CODES = ("OLA", "OPA", "EHE", "EYP", "OTH")
"""Setting codes that a plan (not a placement) may name."""

UKRLP_PROVIDERS = ("10999001", "10999002", "10999003", "10999004")
"""Providers that only the register of learning providers knows."""


STATE_FUNDED = (
    "mainstream_la_maintained", "mainstream_academy", "mainstream_free_school",
    "special_la_maintained", "special_academy", "special_free_school", "ap_pru",
)  # fmt: skip
"""Beginnings of the lines that stand for state-funded schools."""
NEARBY_SHARE = 0.75
"""Of the plans that a lot among all state-funded schools would send across the border, those that stay in the authority."""


def phase_of(age: Any) -> Any:
    """Primary to 10, Secondary to 15, then 16 plus, by age at the start of the academic year."""
    return np.select([np.asarray(age) <= 10, np.asarray(age) <= 15], ["Primary", "Secondary"], default="16 plus")


def choose_settings(
    lines: "pd.Series[Any]", ages: "pd.Series[Any]", register: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """One establishment or setting a row: URN, UKPRN, SENSetting, SENSettingOther, SENunitIndicator, ResourcedProvisionIndicator."""
    size = len(lines)
    frame = pd.DataFrame(
        {
            name: np.full(size, "", dtype=object)
            for name in (
                "URN",
                "UKPRN",
                "SENSetting",
                "SENSettingOther",
                "SENunitIndicator",
                "ResourcedProvisionIndicator",
            )
        },
        index=lines.index,
    )
    base = lines.str.replace("_resourced_provision", "").str.replace("_senunit", "")
    wants_rp, wants_unit = lines.str.endswith("_resourced_provision"), lines.str.endswith("_senunit")
    phases = pd.Series(phase_of(ages), index=lines.index)
    near = rng.spawn(1)[0]  # its own: all that is drawn after is as it would be without
    open_now = register[register["EstablishmentStatus (name)"] == "Open"]
    listed = open_now["TypeOfResourcedProvision (name)"]
    kinds = pd.DataFrame({"line": base, "phase": phases, "rp": wants_rp, "unit": wants_unit})
    for kind, rows in kinds.groupby(["line", "phase", "rp", "unit"]).groups.items():
        line, phase, rp, unit = cast(tuple[str, str, bool, bool], kind)
        pool = open_now[open_now["line"] == line]
        if pool.empty:
            continue
        if rp:
            pool = pool[listed.loc[pool.index].str.contains("Resourced provision")]
        if unit:
            pool = pool[listed.loc[pool.index].str.contains("SEN unit")]
        fitting = pool[
            pool["PhaseOfEducation (name)"].isin(
                [phase, "Not applicable", *(["Secondary"] if phase == "16 plus" else [])]
            )
        ]
        pool = pool if fitting.empty else fitting
        drawn = rng.choice(pool["URN"].to_numpy(object), size=len(rows))
        inside = pool.loc[pool["LA (code)"] != NEIGHBOUR[0], "URN"].to_numpy(object)
        if line.startswith(STATE_FUNDED) and len(inside):
            away = ~np.isin(drawn, inside) & (near.random(len(rows)) < NEARBY_SHARE)
            drawn[away] = near.choice(inside, size=int(away.sum()))
        frame.loc[rows, "URN"] = drawn
    with_urn = frame["URN"] != ""
    frame.loc[with_urn, "SENunitIndicator"] = np.where(wants_unit[with_urn], "1", "0")
    frame.loc[with_urn, "ResourcedProvisionIndicator"] = np.where(wants_rp[with_urn], "1", "0")
    providers = lines == "ukrlp_provider"
    frame.loc[providers, "UKPRN"] = rng.choice(np.array(UKRLP_PROVIDERS, dtype=object), size=int(providers.sum()))
    frame.loc[providers, ["SENunitIndicator", "ResourcedProvisionIndicator"]] = "0"
    coded = lines.isin(SETTING_CODES)
    frame.loc[coded, "SENSetting"] = lines[coded].map(SETTING_CODES)
    frame["SENSettingOther"] = frame["SENSetting"].map(SETTING_TEXT).fillna("")
    return frame


def named_settings(
    placed: pd.DataFrame, ages: "pd.Series[Any]", register: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """What the plan names: the placement, or, where that is no setting a plan may name, a college or a package."""
    named = placed.copy()
    nameless = ~((named["URN"] != "") | (named["UKPRN"] != "") | named["SENSetting"].isin(PLAN_ONLY_CODES))
    colleges = register.loc[register["line"] == "general_fe_tertiary_colleges", "URN"].to_numpy(object)
    older = nameless & (ages >= 16)
    named.loc[nameless, ["SENSetting", "SENSettingOther"]] = ["OTH", "Type of setting named in the plan"]
    named.loc[older, "URN"] = rng.choice(colleges, size=int(older.sum()))
    named.loc[older, ["SENSetting", "SENSettingOther"]] = ""
    named.loc[older, ["SENunitIndicator", "ResourcedProvisionIndicator"]] = "0"
    return named


def placement_spells(
    plans: pd.DataFrame, years: list[int], register: pd.DataFrame, rng: np.random.Generator
) -> dict[int, pd.DataFrame]:
    """For each January, the placement of every live plan: setting columns, entry (days), changed (a spell that ended since last
    January)."""
    spells: dict[int, pd.DataFrame] = {}
    before: pd.DataFrame | None = None
    for year in years:
        lines = plans[f"line_{year}"]
        lines = lines[(lines != "") & (lines != "placement_unknown")]
        ages = year - 1 - plans.loc[lines.index, "cohort"]
        frame = choose_settings(lines, ages, register, rng).assign(line=lines, phase=phase_of(ages))
        september = int(np.datetime64(f"{year - 1}-09-01", "D").astype(np.int64))
        years_there = np.minimum(rng.integers(0, 6, len(frame)), np.maximum(np.asarray(ages) - 3, 0))
        frame["entry"] = september - np.round(365.25 * years_there).astype(np.int64)
        frame["changed"] = False
        if before is not None:
            known = frame.index.intersection(before.index)
            same = known[
                (frame.loc[known, "line"] == before.loc[known, "line"])
                & (frame.loc[known, "phase"] == before.loc[known, "phase"])
            ]
            columns = [
                "URN",
                "UKPRN",
                "SENSetting",
                "SENSettingOther",
                "SENunitIndicator",
                "ResourcedProvisionIndicator",
                "entry",
            ]
            frame.loc[same, columns] = before.loc[same, columns]
            moved = known.difference(same)
            frame.loc[moved, "entry"] = september
            frame.loc[moved, "changed"] = True
        spells[year] = frame
        before = frame
    return spells


GROWN_LINES = (
    "neet", "neet_ntci", "neet_other", "general_fe_tertiary_colleges", "specialist_post_16_institutions", "ukrlp_provider",
)  # fmt: skip
"""Lines of young people of 16 and over."""


def last_placements(
    ended: pd.DataFrame, year: int, spells: dict[int, pd.DataFrame], targets: Targets, register: pd.DataFrame
) -> pd.DataFrame:
    """Where plans that ceased in calendar `year` were placed on their last day, by the published table of ceased plans.

    `ended`: rows of plans. Returns setting columns and entry (days), indexed as `ended`; no row for a placement that is not recorded,
    and no rows at all where no table is published.
    """
    table = targets.table("ceased_plans", str(year), "placement")
    table = table[~table.index.isin(PLACEMENT_GROUPS) | (table.index == "special_academy_free")]
    if table.empty or ended.empty:
        return pd.DataFrame()
    rng = np.random.default_rng([year, len(ended)])  # its own: the rest of the borough is as it would be without
    reasons = {measure: code for measure, code in CEASE_REASONS.items() if measure in table.columns}
    figures = flat(table[list(reasons)].rename(columns=reasons).fillna(0))
    before = spells[year]["line"].map(coarse) if year in spells else pd.Series(dtype=object)
    people = pd.DataFrame(
        {
            "reason": ended["reason"],
            "before": before.reindex(ended.index).fillna(""),
            "grown": ended["age_ceased"] >= 16,
        }
    )

    def make(cells: pd.DataFrame) -> list[Target]:
        return [over(cells, ["line", "reason"], figures, price=FIRM)]

    def cost(cells: pd.DataFrame) -> Any:
        misfit = cells["line"].isin(GROWN_LINES) != cells["grown"].astype(bool)
        return 4.0 * misfit + 1.0 * (cells["line"] != cells["before"])

    lines = label_people(people, ["reason", "before", "grown"], list(table.index), "line", make, rng, cost)
    lines = lines[lines != UNKNOWN_LINE].replace("special_academy_free", "special_academy")
    own = ended.loc[lines.index]
    found = choose_settings(lines, year - own["cohort"], register, rng)
    stayed = lines.map(coarse) == people.loc[lines.index, "before"]
    if year in spells:
        columns = list(found.columns)
        found.loc[stayed, columns] = spells[year].loc[stayed.index[stayed], columns]
    return found.assign(entry=np.maximum(own["start"], own["ceased"] - 200))
