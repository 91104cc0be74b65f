"""All twelve censuses: who is at school, what the schools send, and the answer key of what does not agree with SEN2."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.census.children import PLAN, PROVISION, REASON_CODES, REASONS, Children, build_children
from orchestration.synthetic.census.events import Events, live_events
from orchestration.synthetic.census.identity import Identities, identify
from orchestration.synthetic.census.schools import LOOKBACK, SPRING, TERMS, Sites, census_sites
from orchestration.synthetic.census.tables import Census, Lasting, build_census, lasting_facts
from orchestration.synthetic.census.write import COLLECT, XML, write_census
from orchestration.synthetic.registers import REGISTER_DATE

STREAM = 372_2022
"""Second word of the seed: the censuses draw from a stream of their own, so that the SEN2 returns are the same with them and without."""

NEWEST = max(term.academic for term in TERMS)


@dataclass(frozen=True)
class CensusReport:
    """What was written. `pupils`: everyone on any roll."""

    files: int
    pupils: int
    disagreements: int


@dataclass(frozen=True)
class Schooling:
    """Everything that the censuses are taken of."""

    children: Children
    identities: Identities
    events: Events
    lasting: Lasting
    sites: Sites
    la: str

    def census(self, t: int) -> Census:
        """The census of term `t` of TERMS, from LOOKBACK on."""
        return build_census(t, self.children, self.identities, self.events, self.lasting, self.sites, self.la)


def school_the_children(
    plans: pd.DataFrame,
    people: pd.DataFrame,
    spells: dict[int, pd.DataFrame],
    register: pd.DataFrame,
    *,
    la: str,
    seed: int,
    scale: float,
) -> Schooling:
    """Put every child of the borough on its roll. `register`: the extended one; the rest as the SEN2 returns are built from."""
    rng = np.random.default_rng([seed, STREAM])
    sites = census_sites(register, la, rng)
    children = build_children(plans, people, spells, sites, scale, rng)
    identities = identify(children, people, la, rng)
    events = live_events(children, sites, rng)
    lasting = lasting_facts(children, plans, spells, sites, rng)
    return Schooling(children, identities, events, lasting, sites, la)


def count_pupils(register: pd.DataFrame, schooling: Schooling) -> pd.DataFrame:
    """The register with pupils, SEN units and resourced provision of the schools that make a census, and their places.

    As the register knows them on its date: of the last January census before it, under the number that a school has now.
    """
    children, known = schooling.children, pd.Timestamp(REGISTER_DATE)
    t = max(t for t, term in enumerate(TERMS) if term.name == SPRING and pd.Timestamp(term.census, unit="D") < known)
    site, plan = children.site[:, t], children.provision[:, t] == PLAN
    counted = register.copy()
    row = pd.Series(counted.index, index=counted["URN"]).reindex(schooling.sites.frame["URN"])

    def told(chosen: Any) -> npt.NDArray[np.int64]:
        return np.bincount(site[chosen & (site >= 0)], minlength=len(row))

    pupils = told(True)
    counted.loc[row, "NumberOfPupils"] = pupils.astype(str)
    counted.loc[row, "SchoolCapacity"] = _places(pupils, 10).astype(str)
    listed = counted.loc[row, "TypeOfResourcedProvision (name)"]
    for kind, stem, there in (
        ("SEN unit", "SenUnit", children.in_unit[:, t]),
        ("Resourced provision", "ResourcedProvision", children.in_resourced[:, t]),
    ):
        has = listed.str.contains(kind).to_numpy()
        on_roll = told(there & plan)[has]
        counted.loc[row[has], f"{stem}OnRoll"] = on_roll.astype(str)
        counted.loc[row[has], f"{stem}Capacity"] = _places(on_roll, 2).astype(str)
    return counted


def _places(pupils: Any, step: int) -> Any:
    """Places for so many pupils, nearly full: a multiple of `step`, 6 at least."""
    return np.maximum((pupils * 21 // 20 // step + 1) * step, 6)


def write_censuses(
    out: Path,
    schooling: Schooling,
    *,
    truth: bool,
) -> CensusReport:
    """Write `school_census/<academic year>/<term>/<shape>/...` and, asked for, the truth: who is who, and `census_disagreements.csv`.

    The newest academic year comes as XML, a file a school; the years before as COLLECT tables.
    """
    files, keys = 0, []
    for t in range(LOOKBACK, len(TERMS)):
        term = TERMS[t]
        made = schooling.census(t)
        folder = out / "school_census" / term.label / term.name
        files += write_census(made, folder, XML if term.academic == NEWEST else COLLECT)
        keys.append(_disagreements(schooling, made, t))
    key = pd.concat(keys, ignore_index=True)
    if truth:
        key.to_csv(out / "census_disagreements.csv", index=False)
        files += 1 + _write_truth(out / "truth", schooling)
    pupils = int((schooling.children.site[:, LOOKBACK:] >= 0).any(axis=1).sum())
    return CensusReport(files, pupils, len(key))


def _disagreements(schooling: Schooling, made: Census, t: int) -> pd.DataFrame:
    """The answer key of one census. `pupilonrolltableid` counts the rows of all schools: the id in the COLLECT shape."""
    children, frame = schooling.children, schooling.sites.frame
    told = children.disagreements
    told = told[told["term"] == t]
    child = told["child"].to_numpy(np.int64)
    names = schooling.sites.on(made.term.census)["laestab"].to_numpy(object)
    main = made.truth[made.truth["status"] != "S"]
    row = pd.Series(main.index.to_numpy() + 1, index=main["child"])
    at, placed = children.site[child, t].astype(int), told["placed"].to_numpy(int)
    urns = frame["URN"].to_numpy(object)
    return pd.DataFrame(
        {
            "academic_year": made.term.label,
            "term": made.term.name,
            "person": children.people["person"].to_numpy()[child],
            "upn": schooling.identities.upns(child, t),
            "laestab": np.where(at >= 0, names[at], ""),
            "pupilonrolltableid": row.reindex(child).astype("Int64").astype(str).replace("<NA>", "").to_numpy(object),
            "census_provision": np.where(at >= 0, np.array(PROVISION, dtype=object)[children.provision[child, t]], ""),
            "sen2_urn": np.where(placed >= 0, urns[placed], ""),
            "kind": told["kind"].to_numpy(object),
            "expected_reason": told["kind"].map(REASONS).to_numpy(object),
            "expected_reason_code": told["kind"].map(REASON_CODES).to_numpy(object),
        }
    )


def _write_truth(folder: Path, schooling: Schooling) -> int:
    """Who is who: the children, their rolls term by term, suspensions, and the schools."""
    folder.mkdir(parents=True, exist_ok=True)
    children, frame = schooling.children, schooling.identities.frame
    people = children.people.assign(
        born=children.people["born"].to_numpy(np.int64).astype("datetime64[D]").astype("datetime64[s]")
    )
    pupils = pd.concat([people.drop(columns="family"), frame.reset_index(drop=True)], axis=1)
    pupils["surname_changed_in"] = schooling.identities.changed
    pupils["surname_misspelt_from"] = schooling.identities.misspelt
    pupils["upn_present_since"] = schooling.identities.numbered
    child, term = np.nonzero(children.site >= 0)
    rolls = pd.DataFrame(
        {
            "child": child,
            "term": term,
            "site": children.site[child, term],
            "second_site": children.second[child, term],
            "provision": np.array(PROVISION, dtype=object)[children.provision[child, term]],
            "absence_rate": schooling.events.rates[child, term],
        }
    )
    terms = pd.DataFrame({"academic_year": [term.label for term in TERMS], "term": [term.name for term in TERMS]})
    tables = {
        "census_pupils": pupils.reset_index(names="child"),
        "census_rolls": rolls,
        "census_suspensions": schooling.events.suspensions,
        "census_schools": schooling.sites.frame.reset_index(names="site"),
        "census_terms": terms.reset_index(names="index"),
    }
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return len(tables)
