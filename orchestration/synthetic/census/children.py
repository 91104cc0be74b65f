"""Which child is on whose roll in which term, and with what SEN provision: the plans of the SEN2 returns and everyone else.

Matrices have a row a child and a column a term of TERMS. What the census says of a child with a plan follows the SEN2 returns, save the
disagreements planted on purpose.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.census.schools import (
    AUTUMN,
    PRIMARY,
    REFERRAL,
    SECONDARY,
    SPECIAL,
    SPRING,
    TERMS,
    YEARS,
    Ints,
    Sites,
    Term,
    year_groups,
)

Flags = npt.NDArray[np.bool_]

NONE, SUPPORT, PLAN = 0, 1, 2
PROVISION = ("N", "K", "E")

SHARES = {
    2021: (4.5, 15.3),
    2022: (4.7, 15.8),
    2023: (5.5, 16.7),
    2024: (6.4, 17.1),
    2025: (7.2, 17.5),
}
"""Per cent of pupils with a plan and on SEN support in the January of each academic year: the authority's published shares of January 2022
to 2025 (LAIT, from DfE's school census). January 2026 was not published: its shares carry the trend and the growth in plans on."""

YEAR_GROUP_SIZE = {2003: 3360, 2012: 3480, 2023: 3110}
"""Children of a birth cohort who live in the borough, between these years in a straight line."""

MISSED_SHARE = {"school records SEN support": 0.012, "at another school": 0.01, "on no roll": 0.005}
"""Disagreements planted each academic year, as shares of the children with a plan at a state-funded school."""

OLDEST = 26
"""Age up to which the SEN2 returns hold young people; who is over school age is on no roll."""
NEAR_DAYS = 30
"""Days about census day in which a plan that begins or ends is one that two systems may see differently."""
LAG_SHARE = 0.4
"""Plans that began within NEAR_DAYS before census day and are still recorded as SEN support."""
ENDED_DAYS, ENDED_SHARE = 270, 0.7
"""Children whose plan ceased longer ago than NEAR_DAYS, yet not long ago, and whose school records it for another term."""

STAYS_AFTER = ("2", "9")
"""CeaseReason after which the child stays at school without a plan."""
OTHERS_SPECIAL_SHARE = 0.65
"""Children with another authority's plan who attend a special school."""
PERMANENT_RATE = {2021: 0.116, 2022: 0.138, 2023: 0.151, 2024: 0.151, 2025: 0.151}
"""Permanent exclusions a year for 100 pupils (LAIT to 2023/24, then held)."""
NEED_STEP, KEPT_SCORE = 0.2, 0.35
"""How far a term moves a child's score for SEN support, in standard deviations of it, so that some join and some leave in every term; and
what having had it in the term before adds, so that who left is seldom back in the next."""
DUAL_SHARE = 0.006
"""Secondary pupils on SEN support who are also registered at a referral unit for part of a year."""

SIBLING_SHARE, TWIN_SHARE = 0.35, 0.012
"""Children with an older sibling at school, and pairs of twins, of a cohort."""

OUTSIDE = "plan of another authority"
EXCLUDED_SCORE, EXCLUDED_PLAN_WEIGHT = 1.4, 15.0
"""How much likelier than others children on SEN support (added to their score) and with a plan are to be permanently excluded."""
REASONS = {
    "school records SEN support": "plan in force; the school's census says SEN support",
    "plan too new for the school": "plan began shortly before census day; the school's census says SEN support",
    "at another school": "on roll at another school than the placement in the return",
    "on no roll": "placed at a school whose census does not hold the child",
    "plan ended": "plan ceased; the school's census still says EHC plan",
    OUTSIDE: "pupil of a school in the area whose plan another authority maintains",
    "over school age": "placed at a school, 19 or over at the start of the academic year: on no roll",
    "over school age, plan new or ending": "19 or over at the start of the academic year, and the plan began or ended about census day",
}
"""Kind of disagreement -> what a reconciliation should call it."""
REASON_CODES = {
    "school records SEN support": "on_roll_with_other_provision",
    "plan too new for the school": "plan_began_or_ended_within_30_days",
    "at another school": "in_both",
    "on no roll": "not_on_roll_where_placed",
    "plan ended": "plan_had_ceased",
    OUTSIDE: "plan_of_another_authority",
    "over school age": "not_on_roll_where_placed",
    "over school age, plan new or ending": "plan_began_or_ended_within_30_days",
}
"""Kind of disagreement -> the one reason that a comparison of who has a plan on census day gives; `in_both` is none."""


@dataclass
class Children:
    """Everyone the censuses know. `people`: person (-1: not in SEN2), cohort, born, sex, family (its eldest child)."""

    people: pd.DataFrame
    site: npt.NDArray[np.int16]
    """Main school, -1 on no roll."""
    second: npt.NDArray[np.int16]
    """Subsidiary registration, -1 none."""
    provision: npt.NDArray[np.int8]
    in_unit: Flags
    in_resourced: Flags
    excluded: npt.NDArray[np.int8]
    """Term in which a child was permanently excluded, -1 never."""
    disagreements: pd.DataFrame = field(default_factory=pd.DataFrame)
    """child, term (index), kind, placed (site named in SEN2, -1 none)."""

    @property
    def groups(self) -> Ints:
        """Year group of every child in every term."""
        return year_groups(self.people["cohort"].to_numpy(np.int64))


def cohort_of(born: Ints) -> Ints:
    """The year whose 31 August ends the school year of birth."""
    months = born.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // 12 + 1970 + (months % 12 >= 8))


def build_children(
    plans: pd.DataFrame,
    people: pd.DataFrame,
    spells: dict[int, pd.DataFrame],
    sites: Sites,
    scale: float,
    rng: np.random.Generator,
) -> Children:
    """The rolls of every term, calibrated on SHARES. `plans`, `people`, `spells`: as the SEN2 returns are built from."""
    known = _known_children(plans, people, spells, sites, rng)
    known = _plant_misses(known, _near(known, plans), sites, rng)
    others = _other_children(known, sites, scale, rng)
    children = _together(known, others)
    outside = _other_authorities(children, sites, rng)
    _exclusions(children, outside, sites, rng)
    _dual_registrations(children, sites, rng)
    _provision(children, outside, sites, rng)
    return children


def _known_children(
    plans: pd.DataFrame,
    people: pd.DataFrame,
    spells: dict[int, pd.DataFrame],
    sites: Sites,
    rng: np.random.Generator,
) -> Children:
    """Children of the SEN2 returns: those with a plan, and those whose request came to none."""
    born = people["born"].to_numpy(np.int64)
    all_cohorts = cohort_of(born)
    mine = people[(all_cohorts >= TERMS[0].academic - OLDEST) & (all_cohorts <= TERMS[-1].academic - 2)]
    cohort = cohort_of(mine["born"].to_numpy(np.int64))
    size, place = len(mine), pd.Series(np.arange(len(mine)), index=mine.index)
    group = year_groups(cohort)
    site = np.full((size, len(TERMS)), -1, dtype=np.int16)
    provision = np.zeros((size, len(TERMS)), dtype=np.int8)
    in_unit, in_resourced = np.zeros(site.shape, bool), np.zeros(site.shape, bool)
    of_urn = pd.Series(np.arange(len(sites.frame)), index=sites.frame["URN"])
    phase_of_site = sites.frame["phase"].to_numpy(object)
    placed = {
        year: frame.assign(site=frame["URN"].map(of_urn).fillna(-1).astype(int)) for year, frame in spells.items()
    }
    base_site = _base_sites(plans, place, placed, group, sites, rng)
    never = ~mine.index.isin(plans["person"])
    schooled = (group >= 0) & (group <= 11)
    site[never] = np.where(schooled[never], base_site[never], -1)
    provision[never] = SUPPORT
    start, ceased = plans["start"].to_numpy(np.int64), plans["ceased"].to_numpy(np.int64)
    row = place.reindex(plans["person"]).fillna(-1).to_numpy(int)
    stays = plans["reason"].isin(STAYS_AFTER).to_numpy()
    came = plans["transferred_year"].to_numpy(np.int64)
    seen = {year: (plans[f"line_{year}"] != "").to_numpy() for year in placed}
    ever = np.logical_or.reduce(list(seen.values()))
    missed: list[pd.DataFrame] = []
    for t, term in enumerate(TERMS):
        today = term.census
        live = _in_force(start, ceased, seen, term)
        where, unit, resourced = _placed_in(placed, seen, plans.index, term.academic + 1)
        mine_now = row >= 0
        over = (ceased > 0) & (ceased < today)
        early = mine_now & ever & ~live & ~over & ((came == 0) | (term.year > came))
        late = mine_now & ~live & stays & over
        for chosen in (early, late):
            rows = row[chosen]
            site[rows, t] = np.where(schooled[rows, t], base_site[rows, t], -1)
            provision[rows, t] = SUPPORT
        rows, of_age = row[live & mine_now], group[row[live & mine_now], t] <= YEARS[SPECIAL][1]
        found = _fitting(where[live & mine_now], base_site[rows, t], group[rows, t], phase_of_site)
        grown = rows[(found >= 0) & ~of_age]
        site[rows, t] = np.where(of_age, found, -1)
        provision[rows, t] = PLAN
        in_unit[rows, t], in_resourced[rows, t] = (
            has[live & mine_now] & (found == where[live & mine_now]) for has in (unit, resourced)
        )
        missed.append(
            pd.DataFrame(
                {"child": grown, "term": t, "kind": "over school age", "placed": found[(found >= 0) & ~of_age]}
            )
        )
        ordinary = phase_of_site[site[:, t]] != SPECIAL
        fresh = _some(row[live & mine_now & (start >= today - NEAR_DAYS)], ordinary & (site[:, t] >= 0), LAG_SHARE, rng)
        lately = late & (ceased > today - ENDED_DAYS) & (ceased < today - NEAR_DAYS)
        kept = _some(row[lately], site[:, t] >= 0, ENDED_SHARE, rng)
        provision[fresh, t], provision[kept, t] = SUPPORT, PLAN
        missed.append(
            pd.DataFrame({"child": fresh, "term": t, "kind": "plan too new for the school", "placed": site[fresh, t]})
        )
        missed.append(pd.DataFrame({"child": kept, "term": t, "kind": "plan ended", "placed": -1}))
    own = pd.DataFrame(
        {
            "person": mine.index.to_numpy(),
            "cohort": cohort,
            "born": mine["born"].to_numpy(np.int64),
            "sex": mine["sex"].to_numpy(object),
            "family": np.arange(size),
        }
    )
    return Children(
        people=own,
        site=site,
        second=np.full(site.shape, -1, dtype=np.int16),
        provision=provision,
        in_unit=in_unit,
        in_resourced=in_resourced,
        excluded=np.full(size, -1, dtype=np.int8),
        disagreements=pd.concat(missed, ignore_index=True),
    )


def _fitting(found: Ints, base: Any, group: Ints, phase: npt.NDArray[np.object_]) -> Ints:
    """Sites of plans, save where one known from another January is for another phase: the child is still, or already, at its `base`."""
    stage = np.where(group <= 6, PRIMARY, SECONDARY)
    astray = (found >= 0) & np.isin(phase[found], (PRIMARY, SECONDARY)) & (phase[found] != stage)
    return np.asarray(np.where(astray, base, found))


def _some(rows: Ints, able: Flags, share: float, rng: np.random.Generator) -> Ints:
    """A share of the rows that are able, by lot."""
    rows = rows[able[rows]]
    return np.asarray(rows[rng.random(len(rows)) < share])


def _base_sites(
    plans: pd.DataFrame,
    place: "pd.Series[Any]",
    placed: dict[int, pd.DataFrame],
    group: Ints,
    sites: Sites,
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    """The mainstream school of each child in each term without a plan: that of the first placement in the phase, else one by lot."""
    bases = {phase: sites.drawn(phase, len(group), rng) for phase in (PRIMARY, SECONDARY)}
    phase_of_site = sites.frame["phase"].to_numpy(object)
    for year in sorted(placed, reverse=True):  # the earliest placement in a phase has the last word
        frame = placed[year][placed[year]["site"] >= 0]
        rows = place.reindex(plans.loc[frame.index, "person"]).to_numpy(float)
        inside = ~np.isnan(rows)
        where, rows = frame["site"].to_numpy()[inside], rows[inside].astype(int)
        for phase, base in bases.items():
            of_phase = phase_of_site[where] == phase
            base[rows[of_phase]] = where[of_phase]
    return np.where(group <= 6, bases[PRIMARY][:, None], bases[SECONDARY][:, None]).astype(np.int16)


def _in_force(start: Ints, ceased: Ints, seen: dict[int, Flags], term: Term) -> Flags:
    """Plans in force on a census day, as far as a return knows: in spring those of the return of that very day."""
    nobody = np.zeros(len(start), bool)
    year = term.academic + 1
    here, before, after = (seen.get(y, nobody) for y in (year, year - 1, year + 1))
    dated = np.asarray((start <= term.census) & ((ceased == 0) | (ceased >= term.census)), dtype=bool)
    if year not in seen:
        return np.asarray(dated & after)
    if term.name == SPRING:
        return here
    if term.name == AUTUMN:
        return np.asarray(dated & (here | before))
    spring = next(x for x in TERMS if x.academic == term.academic and x.name == SPRING).census
    return np.asarray(dated & (here | (after & (start > spring))))


def _placed_in(
    placed: dict[int, pd.DataFrame], seen: dict[int, Flags], plans: "pd.Index[Any]", year: int
) -> tuple[Ints, Flags, Flags]:
    """Site (-1: none here), SEN unit and resourced place of each plan, by the January of `year`, else the one before, else after.

    Whom the return of `year` holds without a known placement is at no school.
    """
    where = np.full(len(plans), -1)
    unit, resourced = np.zeros(len(plans), bool), np.zeros(len(plans), bool)
    for source in (year + 1, year - 1, year):
        if source in placed:
            at = placed[source].reindex(plans)
            told = at["site"].notna().to_numpy()
            where[told] = at["site"].to_numpy(float)[told].astype(int)
            unit[told] = (at["SENunitIndicator"] == "1").to_numpy()[told]
            resourced[told] = (at["ResourcedProvisionIndicator"] == "1").to_numpy()[told]
    if year in placed:
        where[seen[year] & ~plans.isin(placed[year].index)] = -1
    return where, unit, resourced


def _near(known: Children, plans: pd.DataFrame) -> Flags:
    """Whether a plan of a child begins or ends about the census day of a term."""
    found = np.zeros(known.site.shape, bool)
    place = pd.Series(np.arange(len(known.people)), index=known.people["person"])
    row = place.reindex(plans["person"]).fillna(-1).to_numpy(int)
    for name in ("start", "ceased"):
        days = plans[name].to_numpy(np.int64)
        for t, term in enumerate(TERMS):
            found[row[(row >= 0) & (days > 0) & (np.abs(days - term.census) <= NEAR_DAYS)], t] = True
    return found


def _plant_misses(known: Children, near: Flags, sites: Sites, rng: np.random.Generator) -> Children:
    """Children with a plan whom the census of a whole academic year shows otherwise than the SEN2 return does."""
    phase = sites.frame["phase"].to_numpy(object)
    grown = known.disagreements["kind"] == "over school age"
    grown &= near[known.disagreements["child"].to_numpy(int), known.disagreements["term"].to_numpy(int)]
    known.disagreements.loc[grown, "kind"] = "over school age, plan new or ending"
    told = [known.disagreements]
    taken = {(int(c), int(t)) for c, t in known.disagreements[["child", "term"]].to_numpy()}
    for academic in sorted({term.academic for term in TERMS}):
        terms = [t for t, term in enumerate(TERMS) if term.academic == academic]
        spring = next(t for t in terms if TERMS[t].name == SPRING)
        at = known.site[:, spring]
        pool = np.flatnonzero((at >= 0) & (known.provision[:, spring] == PLAN) & ~near[:, terms].any(axis=1))
        pool = pool[np.isin(phase[at[pool]], (PRIMARY, SECONDARY))]
        pool = rng.permutation(pool[[all((int(c), t) not in taken for t in terms) for c in pool]])
        begin = 0
        for kind, share in MISSED_SHARE.items():
            chosen = pool[begin : begin + max(round(share * len(pool)), 1)]
            begin += len(chosen)
            for t in terms:
                rows = chosen[(known.site[chosen, t] >= 0) & (known.provision[chosen, t] == PLAN)]
                placed = known.site[rows, t].copy()
                told.append(pd.DataFrame({"child": rows, "term": t, "kind": kind, "placed": placed}))
                if kind == "school records SEN support":
                    known.provision[rows, t] = SUPPORT
                elif kind == "on no roll":
                    known.site[rows, t] = -1
                else:
                    known.site[rows, t] = _elsewhere(placed, phase, sites)
                    known.in_unit[rows, t] = known.in_resourced[rows, t] = False
    known.disagreements = pd.concat(told, ignore_index=True)
    return known


def _elsewhere(placed: Any, phase: Any, sites: Sites) -> Any:
    """The next school of the same phase."""
    answer = np.asarray(placed).copy()
    for kind in (PRIMARY, SECONDARY):
        of_kind = sites.of(kind)
        mine = phase[answer] == kind
        answer[mine] = of_kind[(np.searchsorted(of_kind, answer[mine]) + 1) % len(of_kind)]
    return answer


def _other_children(known: Children, sites: Sites, scale: float, rng: np.random.Generator) -> Children:
    """Everyone who is in no SEN2 return: each cohort with those who come and go, change school and stay on."""
    cohorts = np.arange(TERMS[0].academic - 17, TERMS[-1].academic - 1)
    living = np.interp(cohorts, list(YEAR_GROUP_SIZE), list(YEAR_GROUP_SIZE.values())) * scale
    on_roll = (known.site >= 0).any(axis=1)
    there = pd.Series(known.people["cohort"].to_numpy()[on_roll]).value_counts().reindex(cohorts, fill_value=0)
    wanted = np.maximum(np.round(1.05 * (living - 0.75 * there.to_numpy())), 8).astype(int)
    cohort = np.repeat(cohorts, wanted)
    size = len(cohort)
    group = year_groups(cohort)
    first_day = (12 * (cohort - 1971) + 8).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    born = first_day + rng.integers(0, 365, size)
    lot = rng.random((7, size))
    family, born = _families(cohort, born, rng)
    primary, secondary = sites.drawn(PRIMARY, size, rng)[family], sites.drawn(SECONDARY, size, rng)[family]
    next_primary, next_secondary = sites.drawn(PRIMARY, size, rng), sites.drawn(SECONDARY, size, rng)
    sixths = np.flatnonzero(sites.frame["sixth"].to_numpy(bool))
    sixth = np.where(sites.frame["sixth"].to_numpy(bool)[secondary], secondary, rng.choice(sixths, size))
    nurseries = sites.of("NS")
    nursery = np.where(lot[0] < 0.06, rng.choice(nurseries, size), primary)
    moves = np.where(lot[1] < 0.05, rng.integers(1, len(TERMS), size), len(TERMS))
    comes = np.where(lot[2] < 0.05, rng.integers(1, len(TERMS), size), 0)[family]
    goes = np.where(lot[3] < 0.05, rng.integers(2, len(TERMS), size), len(TERMS))[family]
    site = np.full((size, len(TERMS)), -1, dtype=np.int16)
    for t in range(len(TERMS)):
        year, here = group[:, t], (comes <= t) & (t < goes)
        moved = t >= moves
        site[:, t] = np.select(
            [
                here & (year == -2) & (lot[4] < 0.08) & (TERMS[t].name != AUTUMN),
                here & (year == -1) & (lot[4] < 0.62),
                here & (year >= 0) & (year <= 6),
                here & (year >= 7) & (year <= 11),
                here & (year == 12) & (lot[5] < 0.26),
                here & (year == 13) & (lot[5] < 0.22),
            ],
            [
                nursery,
                nursery,
                np.where(moved, next_primary, primary),
                np.where(moved, next_secondary, secondary),
                sixth,
                sixth,
            ],
            -1,
        )
    people = pd.DataFrame(
        {
            "person": -1,
            "cohort": cohort,
            "born": born,
            "sex": np.where(lot[6] < 0.512, "M", "F").astype(object),
        }
    )
    # the eldest of a family stays, so that the family has a name
    kept = (site >= 0).any(axis=1) | np.isin(np.arange(size), family[family != np.arange(size)])
    number = np.cumsum(kept) - 1
    people["family"] = len(known.people) + number[family]
    return Children(
        people=people[kept].reset_index(drop=True),
        site=site[kept],
        second=np.full((int(kept.sum()), len(TERMS)), -1, dtype=np.int16),
        provision=np.zeros((int(kept.sum()), len(TERMS)), dtype=np.int8),
        in_unit=np.zeros((int(kept.sum()), len(TERMS)), bool),
        in_resourced=np.zeros((int(kept.sum()), len(TERMS)), bool),
        excluded=np.full(int(kept.sum()), -1, dtype=np.int8),
    )


def _families(cohort: Ints, born: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """The eldest child of each one's family, and days of birth: those of twins are the same."""
    family, born = np.arange(len(cohort)), born.copy()
    for year in range(int(cohort.min()) + 3, int(cohort.max()) + 1):
        mine = np.flatnonzero(cohort == year)
        older = np.flatnonzero((cohort == year - 2) | (cohort == year - 3))
        number = min(round(SIBLING_SHARE * len(mine)), len(older) // 2)
        younger = rng.choice(mine, size=number, replace=False)
        family[younger] = family[rng.choice(older, size=number, replace=False)]
        alone = rng.permutation(np.setdiff1d(mine, younger))
        pairs = alone[: 2 * round(TWIN_SHARE * len(mine))].reshape(-1, 2)
        family[pairs[:, 1]], born[pairs[:, 1]] = pairs[:, 0], born[pairs[:, 0]]
    return np.asarray(family), born


def _together(known: Children, others: Children) -> Children:
    """One table of children, those of the SEN2 returns first."""
    return Children(
        people=pd.concat([known.people, others.people], ignore_index=True),
        site=np.concatenate([known.site, others.site]),
        second=np.concatenate([known.second, others.second]),
        provision=np.concatenate([known.provision, others.provision]),
        in_unit=np.concatenate([known.in_unit, others.in_unit]),
        in_resourced=np.concatenate([known.in_resourced, others.in_resourced]),
        excluded=np.concatenate([known.excluded, others.excluded]),
        disagreements=known.disagreements,
    )


def _other_authorities(children: Children, sites: Sites, rng: np.random.Generator) -> Flags:
    """Which children of the others may hold another authority's plan: always the same ones first. True where one does.

    As many in each academic year as bring the share of plans in January to the published one; those who are to attend a special school
    do so from then on.
    """
    group, size = children.groups, len(children.people)
    steady = (children.site >= 0) | (group < 0) | (group > 11)  # lives here as long as of school age
    able = (children.people["person"].to_numpy() < 0) & steady.all(axis=1)
    order = np.full(size, np.inf)
    order[able] = rng.random(int(able.sum()))
    ranked = np.argsort(order, kind="stable")[: int(able.sum())]
    special = rng.random(size) < OTHERS_SPECIAL_SHARE
    special_site = sites.drawn(SPECIAL, size, rng)
    has = np.zeros(children.site.shape, bool)
    held = np.zeros(size, bool)
    for academic in sorted(SHARES):
        terms = [t for t, term in enumerate(TERMS) if term.academic == academic]
        spring = next(t for t in terms if TERMS[t].name == SPRING)
        here = children.site[:, spring] >= 0
        target = SHARES[academic][0] / 100
        with_plan = int((here & (children.provision[:, spring] == PLAN)).sum())
        wanted = max(round(target * int(here.sum())) - with_plan, 0)
        of_age = (group[:, spring] >= 0) & (group[:, spring] <= 11)
        # who had one keeps it
        queue = np.concatenate([ranked[held[ranked]], ranked[~held[ranked]]])
        chosen = queue[of_age[queue]][:wanted]
        held[chosen] = True
        for t in terms:
            rows = chosen[(children.site[chosen, t] >= 0)]
            has[rows, t] = True
            at_special = rows[special[rows]]
            children.site[at_special, t] = special_site[at_special]
    return has


def _exclusions(children: Children, outside: Flags, sites: Sites, rng: np.random.Generator) -> None:
    """Permanent exclusions: from the next term on the child is at a referral unit, to the end of year 11.

    `outside`: who has another authority's plan; the returns say where the authority's own are placed.
    """
    group, phase = children.groups, sites.frame["phase"].to_numpy(object)
    units = sites.of(REFERRAL)
    if not len(units):
        return
    unknown = children.people["person"].to_numpy() < 0
    for t, term in enumerate(TERMS[:-1]):
        at = children.site[:, t]
        stays = (children.site[:, t + 1] == at) & (at >= 0)
        pool = np.flatnonzero(unknown & stays & (group[:, t] >= 7) & (phase[at] == SECONDARY))
        expected = PERMANENT_RATE[term.academic] / 100 / 3 * int((at >= 0).sum())
        weight = np.where(outside[pool, t], EXCLUDED_PLAN_WEIGHT, 1.0)
        chosen = rng.choice(pool, size=min(len(pool), round(expected)), replace=False, p=weight / weight.sum())
        children.excluded[chosen] = t
        to = rng.choice(units, size=len(chosen))
        later = np.arange(len(TERMS))[None, :] > t
        there = later & (children.site[chosen] >= 0) & (group[chosen] <= 11)
        children.site[chosen] = np.where(there, to[:, None], np.where(later, -1, children.site[chosen]))


def _dual_registrations(children: Children, sites: Sites, rng: np.random.Generator) -> None:
    """A second, subsidiary registration at a referral unit for two terms at least, the main school being as it was."""
    group, phase = children.groups, sites.frame["phase"].to_numpy(object)
    units = sites.of(REFERRAL)
    for academic in sorted(SHARES):
        terms = [t for t, term in enumerate(TERMS) if term.academic == academic]
        at = children.site[:, terms[-1]]
        pool = np.flatnonzero((at >= 0) & (group[:, terms[-1]] >= 7) & (group[:, terms[-1]] <= 11))
        pool = pool[phase[at[pool]] == SECONDARY]
        size = max(round(DUAL_SHARE * len(pool)), 2)
        chosen = rng.choice(pool, size=min(size, len(pool)), replace=False)
        to = rng.choice(units, size=len(chosen))
        begins = rng.integers(terms[0], terms[-1], len(chosen))
        for t in terms:
            rows = (begins <= t) & (children.site[chosen, t] >= 0) & (children.site[chosen, t] != to)
            children.second[chosen[rows], t] = to[rows]


def _provision(children: Children, outside: Flags, sites: Sites, rng: np.random.Generator) -> None:
    """SEN provision of everyone: plans as they stand, then SEN support for those likeliest to have it, to the published share."""
    size, group = len(children.people), children.groups
    unknown = children.people["person"].to_numpy() < 0
    phase = np.append(sites.frame["phase"].to_numpy(object), "")
    children.provision[outside] = PLAN
    likely = rng.normal(size=size) + 0.45 * (children.people["sex"].to_numpy(object) == "M")
    told = [children.disagreements]
    for academic, (_, support_share) in SHARES.items():
        terms = [t for t, term in enumerate(TERMS) if term.academic == academic]
        spring = next(t for t in terms if TERMS[t].name == SPRING)
        for t in terms:
            likely += rng.normal(scale=NEED_STEP, size=size)
            here = children.site[:, t] >= 0
            at = phase[children.site[:, t]]
            drift = {AUTUMN: 0.985, SPRING: 1.0}.get(TERMS[t].name, 1.01)
            wanted = round(support_share / 100 * int((children.site[:, spring] >= 0).sum()) * drift)
            fixed = here & ~unknown & (children.provision[:, t] == SUPPORT)
            fixed |= here & (children.provision[:, t] == NONE) & (at == SPECIAL)
            children.provision[fixed, t] = SUPPORT
            pool = np.flatnonzero(here & unknown & (children.provision[:, t] == NONE) & ~fixed)
            age = -((group[pool, t] - 6.0) ** 2) / 60.0
            score = likely[pool] + age + 2.0 * (at[pool] == REFERRAL)
            score += 1.2 * (children.second[pool, t] >= 0) + EXCLUDED_SCORE * (children.excluded[pool] >= 0)
            if t > 0:
                score += KEPT_SCORE * (children.provision[pool, t - 1] == SUPPORT)
            number = min(max(wanted - int(fixed.sum()), 0), len(pool))
            if number:
                children.provision[pool[np.argpartition(-score, number - 1)[:number]], t] = SUPPORT
            rows = np.flatnonzero(outside[:, t] & here)
            told.append(pd.DataFrame({"child": rows, "term": t, "kind": OUTSIDE, "placed": -1}))
    found = pd.concat(told, ignore_index=True).sort_values(["term", "child"], kind="stable")
    children.disagreements = found.reset_index(drop=True)
