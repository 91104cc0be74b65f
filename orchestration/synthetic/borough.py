"""The command's one function: read the figures, invent the borough, write everything."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from orchestration.errors import CornerstoneError
from orchestration.synthetic.casework import build_cases
from orchestration.synthetic.census import (
    CensusReport,
    Schooling,
    count_pupils,
    extended_register,
    school_the_children,
    write_censuses,
)
from orchestration.synthetic.identities import write_identities
from orchestration.synthetic.known import known_cases
from orchestration.synthetic.lives import live_through
from orchestration.synthetic.local import Borough, write_local_returns
from orchestration.synthetic.people import assign_people, date_everything, prepare_plans
from orchestration.synthetic.placements import placement_spells
from orchestration.synthetic.population import stock_figures
from orchestration.synthetic.recount import calibration
from orchestration.synthetic.registers import predecessors, schools_register, write_registers
from orchestration.synthetic.returns import Return, build_return
from orchestration.synthetic.safety_valve import ValveReport, report_quarters, write_quarters
from orchestration.synthetic.safety_valve.facts import AUTHORITY as VALVE_AUTHORITY
from orchestration.synthetic.targets import Targets, read_targets
from orchestration.synthetic.therapy import TherapyReport, WaitingLists, queue_the_children, write_lists
from orchestration.synthetic.write import SHAPES, write_shapes

FIRST_YEAR, LAST_YEAR = 2023, 2026
"""Person-level returns whose element sets are known."""

log = logging.getLogger("cornerstone.synthetic")


@dataclass(frozen=True)
class SynthesisReport:
    """What was written and how near it comes to the published tables."""

    out: Path
    la: str
    years: tuple[int, ...]
    people: int
    files: int
    cells: int
    met: int
    explained: int
    unexplained: int
    faults: int
    seconds: float
    stages: dict[str, float] = field(default_factory=dict)
    pupils: int = 0
    """Children on the roll of any school census."""
    requests: int = 0
    """Service requests in the therapy waiting lists."""
    valve_returns: int = 0
    """Safety valve returns."""


def synthesise(
    out: Path,
    *,
    la: str,
    figures: Path,
    years: range,
    seed: int,
    scale: float,
    faults: Literal["none", "standard"],
    shapes: Collection[str] = SHAPES,
    truth: bool = True,
    censuses: bool = False,
    therapy: bool = False,
    valve: bool = False,
    local: bool = False,
) -> SynthesisReport:
    """Write SEN2 returns of a fictional population calibrated on the published figures of authority `la`.

    Layout: `sen2/<year>/<shape>/...`, `truth/*.parquet`, `calibration.csv`, `known_cases.csv`, `establishment_register/`,
    `postcode_directory/`, `deprivation/`; with faults also `sen2_faulty/` and `answer_key.csv` (see faults.plant_faults).
    `shapes` are the file shapes to write, of SHAPES. The same arguments give the same bytes, whatever the shapes.
    With `censuses` also the school censuses of the same children for the academic years of the returns, `school_census/...`, with the
    truth `census_disagreements.csv` (see census.write_censuses), and a register with the schools that they add; the returns are the
    same. With faults too, `census_faults/` and `census_answer_key.csv` (see census.faults.plant_census_faults).
    With `therapy` also two providers' monthly waiting lists of the same children, `therapy_waiting_list/...`, and what they and the
    published waits are made of (see therapy.write_lists); with faults also `therapy_faulty/` and `therapy_answer_key.csv`.
    With `valve` also the authority's quarterly safety valve returns of 2021-22 to 2025-26, `safety_valve/...`, with the same
    plans (see safety_valve.write_quarters); with faults also `valve_faulty/` and `valve_answer_key.csv`.
    With `local` also the local returns that have a recipe, a folder each (see local.write_local_returns).
    `linkage_truth.parquet` says of every identity as the returns write it whose it is (see identities.write_identities).
    Without `truth`, neither `truth/` nor the known cases nor the disagreements are written.
    Raises CornerstoneError when the figures cannot be used, the years are outside 2023 to 2026, the scale is not positive, a
    shape is unknown or the authority has no safety valve agreement.
    """
    begun = time.perf_counter()
    stages: dict[str, float] = {}

    def mark(stage: str) -> None:
        log.info("invented borough: %s done", stage)
        stages[stage] = round(time.perf_counter() - begun - sum(stages.values()), 2)

    _check(years, scale, shapes, censuses, therapy, valve)
    if valve and la != VALVE_AUTHORITY:
        raise CornerstoneError(
            f"Authority {la} has no safety valve agreement here; that of {VALVE_AUTHORITY} is known."
        )
    targets = read_targets(figures, la, years, scale)
    rng = np.random.default_rng(seed)
    mark("read")
    held = [year for year in years if stock_figures(targets, year) is not None]
    if not held:
        raise CornerstoneError(
            f"The figures file holds no plans in January of {years[0]} to {years[-1]} for authority {la}."
        )
    plans = live_through(targets, range(held[0], held[-1] + 1), rng)
    mark("population")
    plans = prepare_plans(plans, held, rng)
    cases = build_cases(plans, targets, [year - 1 for year in held], rng)
    mark("casework")
    plans, cases = date_everything(plans, cases, rng)
    plans, cases, people = assign_people(plans, cases, la, rng)
    mark("dates and identity")
    register = schools_register(la, targets.la_name)
    spells = placement_spells(plans, held, register, rng)
    made = {year: build_return(year, la, plans, cases, people, spells, register, targets, rng) for year in held}
    mark("returns")
    files = 0
    for year in held:
        files += write_shapes(made[year], out / "sen2" / str(year), shapes)
    mark("write")
    register, schooling, lists, taken, written = _beside_the_returns(
        out,
        (plans, people, cases, spells),
        register,
        targets,
        seed=seed,
        truth=truth,
        faults=faults == "standard",
        censuses=censuses,
        therapy=therapy,
        mark=mark,
    )
    reported = ValveReport(0, 0, 0)
    if valve:
        series = report_quarters(made, register, ons_code=targets.ons_code, seed=seed, scale=scale)
        reported = write_quarters(out, series, faults=faults == "standard")
        mark("safety valve returns")
    files += taken.files + written.files + reported.files
    files += (
        write_local_returns(out, Borough(la, seed, scale, tuple(held), register, plans, cases, people)) if local else 0
    )
    files += write_identities(out, made, people, schooling if censuses else None, lists)
    files += len(write_registers(out, register, la, targets.la_name, targets.ons_code))
    if truth:
        files += _write_truth(out, plans, cases, people, made, register)
    found = calibration(targets, made, register)
    found.to_csv(out / "calibration.csv", index=False)
    mark("truth and calibration")
    planted = written.faults + reported.faults
    if faults == "standard":
        planted += _plant(made, out, register, shapes, schooling if censuses else None)
        mark("faults")
    counted = found[found["status"] != "not targeted"]
    return SynthesisReport(
        out=out,
        la=la,
        years=tuple(held),
        people=len(people),
        files=files + 1,
        cells=len(found),
        met=int((found["status"] == "met").sum()),
        explained=int(((found["status"] != "met") & (found["reason"] != "")).sum()),
        unexplained=int(((counted["status"] != "met") & (counted["reason"] == "")).sum()),
        faults=planted,
        seconds=round(time.perf_counter() - begun, 2),
        stages=stages,
        pupils=taken.pupils,
        requests=written.requests,
        valve_returns=reported.returns,
    )


def _beside_the_returns(
    out: Path,
    made_of: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[int, pd.DataFrame]],
    register: pd.DataFrame,
    targets: Targets,
    *,
    seed: int,
    truth: bool,
    faults: bool,
    censuses: bool,
    therapy: bool,
    mark: Callable[[str], None],
) -> tuple[pd.DataFrame, Schooling | None, WaitingLists | None, CensusReport, TherapyReport]:
    """What other returns say of the same children, as asked for, and the register with the schools that these add and
    the schools of the children.

    `made_of`: plans, people, cases and placement spells of the EHC plans returns.
    """
    lists, taken, written = None, CensusReport(0, 0, 0), TherapyReport(0, 0, 0, 0)
    if not (censuses or therapy):
        return register, None, lists, taken, written
    plans, people, cases, spells = made_of
    la, scale = targets.la_code, targets.scale
    register = extended_register(register, la)
    schooling = school_the_children(plans, people, spells, register, la=la, seed=seed, scale=scale)
    register = count_pupils(register, schooling)
    if censuses:
        taken = write_censuses(out, schooling, truth=truth)
        mark("censuses")
    if therapy:
        lists = queue_the_children(schooling, plans, cases, ons_code=targets.ons_code, seed=seed, scale=scale)
        written = write_lists(out, lists, truth=truth, faults=faults)
        mark("waiting lists")
    return register, schooling, lists, taken, written


def _plant(
    made: dict[int, Return], out: Path, register: pd.DataFrame, shapes: Collection[str], schooling: Schooling | None
) -> int:
    """Plant faults in copies of what was written. Returns the number of lines in the answer keys."""
    from orchestration.synthetic.census.faults import plant_census_faults
    from orchestration.synthetic.faults import plant_faults

    planted = plant_faults(made, out, register, shapes)
    return planted + (plant_census_faults(schooling, out) if schooling else 0)


def _check(years: range, scale: float, shapes: Collection[str], censuses: bool, therapy: bool, valve: bool) -> None:
    """Raise CornerstoneError when `synthesise` is asked for what cannot be made."""
    if not years or years.step != 1 or years[0] < FIRST_YEAR or years[-1] > LAST_YEAR:
        raise CornerstoneError(f"Returns can be invented for {FIRST_YEAR} to {LAST_YEAR}, a run of years without gaps.")
    if scale <= 0:
        raise CornerstoneError("The scale must be above nought: 1 gives the authority's own size.")
    if not shapes or set(shapes) - set(SHAPES):
        raise CornerstoneError(f"The shapes of a return are {', '.join(SHAPES)}; name one of them or more.")
    if (censuses or therapy or valve) and (years[0], years[-1]) != (FIRST_YEAR, LAST_YEAR):
        what = "School censuses" if censuses else "Therapy waiting lists" if therapy else "Safety valve returns"
        raise CornerstoneError(
            f"{what} go with the returns of all of {FIRST_YEAR} to {LAST_YEAR}; ask for those years."
        )


def _write_truth(
    out: Path,
    plans: pd.DataFrame,
    cases: pd.DataFrame,
    people: pd.DataFrame,
    made: dict[int, Return],
    register: pd.DataFrame,
) -> int:
    """Who is who: people, plans, cases, the record ids that each return gave them, which school followed which, and the known cases."""
    folder = out / "truth"
    folder.mkdir(parents=True, exist_ok=True)
    predecessors(register).to_csv(folder / "establishment_links.csv", index=False)
    known_cases(made).to_csv(out / "known_cases.csv", index=False)
    tables = {
        "people": people.reset_index(),
        "plans": plans.reset_index(names="plan"),
        "cases": cases.reset_index(names="case"),
        "ids_by_return": pd.concat(
            [
                r.tables["requests"][["requests_id", "person_id", "plan", "case"]]
                .merge(r.tables["person"][["person_id", "person"]], on="person_id")
                .assign(year=year)
                for year, r in made.items()
            ],
            ignore_index=True,
        ),
    }
    for name, frame in tables.items():
        for column in ("born", "start", "ceased", "received", "decided", "assessed"):
            if column in frame.columns:
                days = frame[column].to_numpy(np.int64)
                frame[column] = pd.Series(days.astype("datetime64[D]").astype("datetime64[s]")).where(days != 0)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return len(tables) + 2


__all__ = ["SHAPES", "SynthesisReport", "synthesise"]
