"""One fictional population that lives through the years: who holds a plan on which census day, and where.

The January with the fullest published tables (the anchor) is fitted first; earlier Januaries are reached by walking back and later ones
by walking forward, keeping every person and placement that the published margins let us keep.

A plan is known by three things that fix every published age and duration:
`cohort` (the year whose 31 August ends the birth year), `start_year` (calendar year of the plan's start), and on which side of the
birthday the plan started (`autumn`, `after`; see `plan_cells`).
The published "years in place" is the calendar year of the census less the calendar year of the start: the two releases of
January 2025 agree only on that reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.calibrate import Margin, Target, fit, fit_near, over, settle, spread
from orchestration.synthetic.targets import NEED_CODES, PLACEMENT_GROUPS, PLACEMENT_LINES, TOTAL, Targets

EARLIEST_START_YEAR = 2002
"""Oldest plans: statements of the early 2000s that became plans and kept their date."""

HARD, FIRM, SOFT, SHAPE = 1000.0, 300.0, 60.0, 1.0
"""Prices of missing one person: totals, published two-way tables, tables that other tables contradict, national shapes."""

PATIENT = 4000
"""Moves without progress after which the settling of a January gives up."""

UNKNOWN_LINE = "placement_unknown"
GONE = "gone"
"""Line of a new plan that had ceased by the census day: published among new plans as placement not recorded."""
SPECIAL_ACADEMIES = ("special_academy", "special_free_school")


def stock_period(year: int) -> str:
    """EES academic-year code of the January of `year`."""
    return f"{year - 1}{year % 100:02d}"


def coarse(line: str) -> str:
    """The line as published before the 2026 release, which split special academies from special free schools."""
    return "special_academy_free" if line in SPECIAL_ACADEMIES else line


COARSE_LINES = tuple(dict.fromkeys(coarse(line) for line in PLACEMENT_LINES))


@dataclass(frozen=True)
class StockFigures:
    """Published tables of one January: long Series indexed (line, code); `own` says which are the authority's own."""

    year: int
    lines: tuple[str, ...]
    total: "pd.Series[Any]"
    by: dict[str, "pd.Series[Any]"]
    own: frozenset[str]
    start_age: str
    """Which of the two start ages (see `stock_codes`) the table of that release counts."""

    def price(self, topic: str) -> float:
        """What missing one person of that table costs."""
        return FIRM if topic in self.own else SHAPE


def flat(wide: pd.DataFrame) -> "pd.Series[Any]":
    """Every cell of a table as a Series over (row, column)."""
    index = pd.MultiIndex.from_product([wide.index, wide.columns])
    return pd.Series(wide.to_numpy().ravel(), index=index)


def _long(wide: pd.DataFrame, lines: Sequence[str]) -> "pd.Series[Any]":
    """(breakdown x line) -> Series over (line, code), noughts for the lines that the table leaves blank."""
    kept = wide.reindex(columns=list(lines)).T.fillna(0)
    kept.index.name = "line"
    return flat(kept)


def start_age_definition(targets: Targets, table: str, period: str) -> str:
    """`start_calendar` for the first files of the 2025 release, `start_true` for every other."""
    cells = targets.cells
    found = cells[(cells["table"] == table) & (cells["period"] == period) & (cells["topic"] == "start_age")]
    return "start_calendar" if (found["release"] == "EHC plans 2025").any() else "start_true"


def stock_figures(targets: Targets, year: int) -> StockFigures | None:
    """The January of `year` as far as published, completed by England's shape where only totals are. None if unpublished."""
    period = stock_period(year)
    totals = targets.table("caseload", period, TOTAL)
    plans = targets.figure("phase_transfers", str(year - 1), "number_plans")
    if totals.empty and plans is None:
        return None
    if totals.empty:
        last = targets.table("caseload", stock_period(year - 1), TOTAL)
        if last.empty:
            return None
        lines: tuple[str, ...] = tuple(line for line in COARSE_LINES if line in last.columns)
        shares = last[list(lines)].iloc[0].fillna(0).to_numpy(dtype=float)
        total = pd.Series(spread(int(plans or 0), shares), index=list(lines), dtype=float)
    else:
        finest = PLACEMENT_LINES if "special_academy" in totals.columns else COARSE_LINES
        lines = tuple(line for line in finest if line in totals.columns)
        total = totals[list(lines)].iloc[0].fillna(0)
    start_age = start_age_definition(targets, "caseload", period)
    own: dict[str, pd.Series[Any]] = {}
    for topic in ("age", "start_age", "years", "sex", "ethnicity"):
        wide = targets.table("caseload", period, topic)
        if not wide.empty:
            own[start_age if topic == "start_age" else topic] = _long(wide, lines)
    by = dict(own)
    for topic in ("age", "years", "sex"):
        shape = targets.shape("caseload", topic)
        if topic in by or shape.empty:
            continue
        if topic == "years" and not targets.table("caseload", stock_period(year + 1), topic).empty:
            continue  # the neighbouring January carries the durations
        if topic != "sex" and own:
            continue
        parts = {}
        for line in lines:
            source = line if line in shape.columns else coarse(line)
            weights = shape[source].fillna(0).to_numpy(dtype=float) if source in shape.columns else np.zeros(len(shape))
            if weights.sum() == 0:
                weights = shape.sum(axis=1).to_numpy(dtype=float)
            parts[line] = pd.Series(spread(int(total[line]), weights), index=shape.index, dtype=float)
        by[topic] = pd.concat(parts, names=["line", "code"])
    return StockFigures(year, lines, total, by, frozenset(own), start_age)


def plan_cells(year: int) -> pd.DataFrame:
    """Every (cohort, start_year, autumn, after) that a plan live on the census day of `year` can have.

    `autumn`: born September to December, so in the calendar year before the cohort's. `after`: the plan started on or after the birthday
    of its start year. A plan of the census year itself started in January, so not after an autumn birthday; one born in
    January to August is taken to have its birthday later.
    """
    frames = [
        pd.MultiIndex.from_product(
            [range(year - 1 - 25, year - 2), range(EARLIEST_START_YEAR, year + 1), (False, True), (False, True)],
            names=["cohort", "start_year", "autumn", "after"],
        ).to_frame(index=False)
    ]
    cells = pd.concat(frames, ignore_index=True)
    # nobody has a plan in the calendar year of birth
    born_before = cells["start_year"] > cells["cohort"] - cells["autumn"]
    possible = ~((cells["start_year"] == year) & cells["after"]) & born_before
    return cells[possible].reset_index(drop=True)


def stock_codes(cells: pd.DataFrame, year: int) -> pd.DataFrame:
    """The published codes of each cell on the census day of `year`, as text: age, years and the two start ages.

    `start_calendar` is the calendar year of the start less the calendar year of birth: the first files of the 2025 release
    count so (their ages run half a year ahead of the revised files of the same plans). `start_true` is the age on the day.
    """
    calendar = cells["start_year"] - cells["cohort"] + cells["autumn"]
    return cells.assign(
        age=np.clip(year - 1 - cells["cohort"], 2, 25).astype(str),
        start_calendar=np.clip(calendar, 2, 20).astype(str),
        start_true=np.clip(calendar - 1 + cells["after"], 2, 20).astype(str),
        years=np.minimum(year - cells["start_year"], 12).astype(str),
        flow_years=np.minimum(np.maximum(year - 1 - cells["start_year"], 0), 12).astype(str),
    )


def _possible(cells: pd.DataFrame, figures: StockFigures) -> npt.NDArray[np.bool_]:
    """Cells that no published table puts at nought."""
    keep = cells["line"].isin(figures.total[figures.total > 0].index).to_numpy()
    for topic, series in figures.by.items():
        if topic in cells.columns and topic in figures.own | {"age"}:
            some = series[series > 0].index
            keep = keep & pd.MultiIndex.from_arrays([cells["line"], cells[topic]]).isin(some)
    return np.asarray(keep)


def _stock_targets(cells: pd.DataFrame, figures: StockFigures, topics: Sequence[str]) -> list[Target]:
    made = [over(cells, ["line"], figures.total, price=HARD)]
    for topic in topics:
        if topic in figures.by:
            price = figures.price(topic) * (1.0 if topic in ("age", "sex") else 0.5)
            made.append(over(cells, ["line", topic], figures.by[topic], price=price))
    return made


def expand(cells: pd.DataFrame, counts: npt.NDArray[np.int64]) -> pd.DataFrame:
    """One row a person from one row a cell."""
    return cells.loc[np.repeat(cells.index.to_numpy(), counts)].reset_index(drop=True)


def new_plan_figures(targets: Targets, year: int, topic: str) -> "pd.Series[Any]":
    """New plans of calendar `year` by (line, code), lines as published; empty where unpublished."""
    wide = targets.table("newplans", str(year), topic)
    if wide.empty:
        return pd.Series(dtype=float)
    return _long(wide, [line for line in COARSE_LINES if line in wide.columns]).rename(
        index={UNKNOWN_LINE: GONE}, level=0
    )


def new_plans_by(targets: Targets, year: int, topic: str, *, present_only: bool = False) -> "pd.Series[Any]":
    """New plans of calendar `year` by code; `present_only` leaves out those that the census day no longer finds."""
    figures = new_plan_figures(targets, year, topic)
    if present_only and not figures.empty:
        figures = figures[figures.index.get_level_values(0) != GONE]
    return figures if figures.empty else figures.groupby(level=1).sum()


def new_plans_total(targets: Targets, year: int) -> int:
    """All new plans of calendar `year`: from the new-plans table, else from plans issued after assessment, else an estimate."""
    total = targets.figure("newplans", str(year), "new_ehc_plans")
    if total is None or total == 0:
        issued = targets.figure("assessments", str(year), "assess_issued")
        if issued is not None:
            return issued
        wide = targets.table("timeliness_20_week", str(year), "sex")
        if not wide.empty:
            # the timeliness table leaves out about a tenth of the plans issued (mediation or tribunal)
            return round(float(wide["plans_issued_den"].sum()) / 0.9)
        return round(0.17 * float(stock_total(targets, year + 1)))
    return total


def stock_total(targets: Targets, year: int) -> int:
    """Plans in force in the January of `year`."""
    found = targets.figure("caseload", stock_period(year), "ehcplans")
    return found if found is not None else targets.figure("phase_transfers", str(year - 1), "number_plans", 0) or 0


def new_plans_without_placement(targets: Targets, year: int) -> int:
    """New plans of the year that the census day no longer finds."""
    return targets.figure("newplans", str(year), UNKNOWN_LINE, 0) or 0


def _label_fit(
    groups: pd.DataFrame,
    sizes: npt.NDArray[np.int64],
    labels: Sequence[str],
    column: str,
    make: Any,
    *,
    rng: np.random.Generator,
    cost: Any = None,
) -> pd.DataFrame:
    """Share the people of each group out over labels. Returns groups x labels as cells with `count`."""
    cells = groups.assign(_group=np.arange(len(groups))).merge(pd.DataFrame({column: list(labels)}), how="cross")
    everyone = over(cells, ["_group"], pd.Series(sizes.astype(float), index=np.arange(len(groups))), price=1e5)
    price = rng.random(len(cells)) * 0.1
    if cost is not None:
        price = price + cost(cells)
    wanted = [everyone, *make(cells)]
    counts = fit(len(cells), wanted, cost=price)
    return cells.assign(count=counts)


def label_people(
    people: pd.DataFrame,
    by: Sequence[str],
    labels: Sequence[str],
    column: str,
    make: Any,
    rng: np.random.Generator,
    cost: Any = None,
) -> "pd.Series[Any]":
    """A label for each person, such that the figures that `make(cells)` returns as targets hold; within a group by lot."""
    if people.empty:
        return pd.Series([], dtype=object, index=people.index)
    codes = people.groupby(list(by), sort=True, observed=True).ngroup().to_numpy()
    first = pd.Series(np.arange(len(people))).groupby(codes).first().to_numpy()
    groups = people.iloc[first][list(by)].reset_index(drop=True)
    sizes = np.bincount(codes)
    cells = _label_fit(groups, sizes, labels, column, make, rng=rng, cost=cost)
    pieces = np.repeat(cells[column].to_numpy(), cells["count"].to_numpy())
    piece_group = np.repeat(cells["_group"].to_numpy(), cells["count"].to_numpy())
    if len(pieces) != len(people) or not np.array_equal(np.bincount(piece_group, minlength=len(groups)), sizes):
        raise RuntimeError(f"labels of {column} do not cover the people they were fitted to")
    shuffled = rng.permutation(len(pieces))
    pieces, piece_group = pieces[shuffled], piece_group[shuffled]
    pieces = pieces[np.argsort(piece_group, kind="stable")]
    answer = np.empty(len(people), dtype=object)
    answer[np.argsort(codes, kind="stable")] = pieces
    return pd.Series(answer, index=people.index)


def anchor_stock(targets: Targets, figures: StockFigures, rng: np.random.Generator) -> pd.DataFrame:
    """The people with a plan on the anchor's census day: cohort, start_year, true_start_age, line, is_new, sex, need, ethnicity."""
    year = figures.year
    base = plan_cells(year)
    base = pd.concat([base.assign(is_new=False), base[base["start_year"] == year - 1].assign(is_new=True)])
    base = stock_codes(base, year)
    cells = base.merge(pd.DataFrame({"line": list(figures.lines)}), how="cross")
    gone = base[base["is_new"]].assign(line=GONE)
    cells = pd.concat([cells[_possible(cells, figures)], gone], ignore_index=True)
    wanted = _stock_targets(cells, figures, ("age", figures.start_age, "years"))
    new = cells["is_new"]
    new_total = pd.Series([float(new_plans_total(targets, year - 1))], index=[True])
    wanted.append(over(cells, ["is_new"], new_total, price=HARD))
    wanted.append(
        over(
            cells,
            ["line"],
            pd.Series([float(new_plans_without_placement(targets, year - 1))], index=[GONE]),
            price=HARD,
        )
    )
    if not (ages := new_plans_by(targets, year - 1, "start_age")).empty:
        start_age = start_age_definition(targets, "newplans", str(year - 1))
        wanted.append(over(cells, [start_age], ages, price=FIRM, where=new, zero_elsewhere=True))
        wanted.append(
            over(cells, ["line", start_age], new_plan_figures(targets, year - 1, "start_age"), price=SOFT, where=new)
        )
    if not (true_ages := need_table(targets, "sen_need_newplans", stock_period(year), "start_age")).empty:
        wanted.append(
            over(cells, ["start_true"], true_ages.groupby(level=1).sum(), price=FIRM, where=new, zero_elsewhere=True)
        )
    if not (held := need_table(targets, "sen_needs_all_plans", stock_period(year), "years")).empty:
        wanted.append(over(cells, ["flow_years"], held.groupby(level=1).sum(), price=FIRM, where=cells["line"] != GONE))
    if not (recent := recent_plans_by(targets, year, TOTAL)).empty:
        begun = (cells["start_year"] >= year - 1) & (cells["line"] != GONE)
        wanted.append(over(cells.assign(all=TOTAL), ["all"], recent, price=HARD, where=begun))
    if not (recent := recent_plans_by(targets, year, "age")).empty:
        begun = (cells["start_year"] >= year - 1) & (cells["line"] != GONE)
        wanted.append(over(cells, ["age"], recent, price=SOFT, where=begun))
    wanted += _neighbour_limits(targets, cells, year)
    # England's shape, the only one where the authority has totals alone, is no reason to miss a total
    room = 1.0 if figures.own else 3.0
    counts = fit_near(rng.uniform(0.5, 1.5, len(cells)), wanted, room=room, gap=0.5, attempts=1)
    people = expand(cells, counts)
    people["line"] = _settle_anchor_lines(people, figures, targets, rng)
    people["cohort_of"] = np.select(
        [people["is_new"], people["start_year"] >= year - 1], ["new", "recent"], default="earlier"
    )
    people["need"] = _anchor_needs(targets, people, year, rng)
    people["sex"] = _anchor_sex(targets, figures, people, year, rng)
    people["ethnicity"] = _anchor_ethnicity(targets, figures, people, year, rng)
    return people


def _settle_anchor_lines(
    people: pd.DataFrame, figures: StockFigures, targets: Targets, rng: np.random.Generator
) -> "pd.Series[Any]":
    """Move the fewest plans between lines until every table of the anchor's January holds at once."""
    present = people[people["line"] != GONE]
    labels = list(figures.total[figures.total > 0].index)
    margins = [
        person_margin(
            present, topic, figures.by[topic], labels, figures.price(topic) * (1.0 if topic == "age" else 0.5)
        )
        for topic in ("age", figures.start_age, "years")
        if topic in figures.own
    ]
    if not margins:
        return people["line"]
    new = new_plan_figures(targets, figures.year - 1, "start_age")
    if not new.empty:
        start_age = start_age_definition(targets, "newplans", str(figures.year - 1))
        margins.append(person_margin(present, start_age, new, labels, SOFT, present["is_new"]))
    start = pd.Index(labels).get_indexer(pd.Index(present["line"]))
    lines = people["line"].copy()
    lines.loc[present.index] = np.array(labels, dtype=object)[settle(start, margins, rng, PATIENT)]
    return lines


def _neighbour_limits(targets: Targets, cells: pd.DataFrame, year: int) -> list[Target]:
    """People with older plans must fit into last January's table, and last year's new plans into the older starts."""
    limits: list[Target] = []
    before = stock_figures(targets, year - 1)
    older = (cells["start_year"] < year - 1).to_numpy()
    if before is not None and "age" in before.own:
        earlier = cells.assign(age=np.clip(year - 2 - cells["cohort"], 2, 25).astype(str))
        for topic in ("age", before.start_age):
            if topic in before.own:
                margin = before.by[topic].groupby(level=1).sum()
                limits.append(over(earlier, [topic], margin, price=SOFT, sense="le", where=older))
    for back in (2, 3):
        ages = new_plans_by(targets, year - back, "start_age")
        if not ages.empty:
            where = (cells["start_year"] == year - back).to_numpy()
            limits.append(over(cells, ["start_calendar"], np.floor(ages * 0.97), price=SOFT, sense="ge", where=where))
    after = stock_figures(targets, year + 1)
    if after is not None and after.start_age in after.own:
        margin = after.by[after.start_age].groupby(level=1).sum()
        limits.append(over(cells, [after.start_age], np.ceil(margin * 1.03), price=2.0, sense="le"))
    return limits


def recent_plans_by(targets: Targets, year: int, topic: str) -> "pd.Series[Any]":
    """Plans in the January of `year` that began in the calendar year before or since: those of which no review is expected."""
    wide = targets.table("annual_reviews", str(year - 1), topic)
    if "review_not_expected" not in wide.columns:
        return pd.Series(dtype=float)
    return wide["review_not_expected"].fillna(0)


def need_table(targets: Targets, table: str, period: str, topic: str) -> "pd.Series[Any]":
    """Published needs by (need, code)."""
    wide = targets.table(table, period, topic)
    wide = wide[~wide.index.isin(PLACEMENT_GROUPS) | (wide.index == "special_academy_free")]
    if table == "sen_need_newplans":
        wide = wide.rename(index={UNKNOWN_LINE: GONE})
    columns = {f"number_{stem}": code for stem, code in NEED_CODES.items() if f"number_{stem}" in wide.columns}
    if wide.empty or not columns:
        return pd.Series(dtype=float)
    long = wide[list(columns)].rename(columns=columns).T.fillna(0)
    long.index.name = "need"
    return flat(long)


def _anchor_needs(targets: Targets, people: pd.DataFrame, year: int, rng: np.random.Generator) -> "pd.Series[Any]":
    period = stock_period(year)
    totals = need_table(targets, "sen_needs_all_plans", period, TOTAL)
    if totals.empty:
        shape = targets.shape("sen_needs_all_plans", TOTAL)
        stems = [column for column in shape.columns if column.startswith("number_") and "unknown" not in column]
        names = [column.removeprefix("number_").upper() for column in stems]
        counts = spread(len(people), shape[stems].iloc[0].to_numpy(dtype=float))
        return pd.Series(rng.permutation(np.repeat(names, counts)), index=people.index)
    labels = [need for need, _ in totals[totals > 0].index if need != "unknown"]
    people = people.assign(need_years=np.maximum(people["years"].astype(int) - 1, 0).astype(str))
    # the need table counts years from the activity year: its 12 or more is one year longer than the caseload's
    long_ago = people["years"] == "12"
    people.loc[long_ago, "need_years"] = np.minimum(year - 1 - people.loc[long_ago, "start_year"], 12).astype(str)

    new = people["cohort_of"] == "new"
    tables = [
        ("line", need_table(targets, "sen_needs_all_plans", period, "placement"), FIRM, None),
        ("age", need_table(targets, "sen_needs_all_plans", period, "age"), FIRM, None),
        ("need_years", need_table(targets, "sen_needs_all_plans", period, "years"), FIRM / 2, None),
        ("start_true", need_table(targets, "sen_need_newplans", period, "start_age"), SOFT, new),
        ("line", need_table(targets, "sen_need_newplans", period, "placement"), SOFT, new),
    ]
    margins = [
        person_margin(people, column, counts, labels, price, where)
        for column, counts, price, where in tables
        if not counts.empty
    ]
    people = people.assign(new_start_age=np.where(new, people["start_true"], ""))

    def make(cells: pd.DataFrame) -> list[Target]:
        fresh = cells["new_start_age"] != ""
        present = cells["line"] != GONE
        return [
            over(cells, ["need"], totals.groupby(level=0).sum(), price=HARD, where=present),
            over(cells, ["need", "line"], tables[0][1], price=FIRM),
            over(cells, ["need", "age"], tables[1][1], price=FIRM, where=present),
            over(cells, ["need", "new_start_age"], tables[3][1], price=SOFT),
            over(cells, ["need", "line"], tables[4][1], price=SOFT, where=fresh),
        ]

    start = label_people(people, ["line", "age", "new_start_age"], labels, "need", make, rng)
    codes = pd.Index(labels).get_indexer(pd.Index(start))
    return pd.Series(np.array(labels, dtype=object)[settle(codes, margins, rng, PATIENT)], index=people.index)


def person_margin(
    people: pd.DataFrame, column: str, counts: "pd.Series[Any]", labels: Sequence[str], price: float, where: Any = None
) -> Margin:
    """A published (label, code) table as a margin over people."""
    wide = counts.unstack(level=0).reindex(columns=list(labels)).fillna(0)
    key = wide.index.get_indexer(pd.Index(people[column]))
    counted = (people["line"] != GONE).to_numpy() if where is None else np.asarray(where)
    key = np.where(counted, key, -1)
    return Margin(key, wide.to_numpy(dtype=float), price)


def _anchor_sex(
    targets: Targets, figures: StockFigures, people: pd.DataFrame, year: int, rng: np.random.Generator
) -> "pd.Series[Any]":
    period = stock_period(year)
    before = stock_figures(targets, year - 1)
    ceased = targets.table("ceased_plans", str(year - 1), "sex")

    def make(cells: pd.DataFrame) -> list[Target]:
        new = cells["cohort_of"] == "new"
        present = cells["line"] != GONE
        made = (
            [over(cells, ["line", "sex"], figures.by["sex"], price=figures.price("sex"))] if "sex" in figures.by else []
        )
        if not (needs := need_table(targets, "sen_needs_all_plans", period, "sex")).empty:
            made.append(over(cells, ["need", "sex"], needs, price=FIRM, where=present))
        if not (flows := new_plans_by(targets, year - 1, "sex")).empty:
            made.append(over(cells, ["sex"], flows, price=FIRM, where=new))
            made.append(over(cells, ["line", "sex"], new_plan_figures(targets, year - 1, "sex"), price=SOFT, where=new))
            made.append(
                over(
                    cells,
                    ["need", "sex"],
                    need_table(targets, "sen_need_newplans", period, "sex"),
                    price=SOFT,
                    where=new,
                )
            )
        if not (recent := recent_plans_by(targets, year, "sex")).empty:
            begun = (cells["cohort_of"] != "earlier") & present
            made.append(over(cells, ["sex"], recent, price=FIRM, where=begun))
        elif before is not None and "sex" in before.own and not ceased.empty:
            left = before.by["sex"].groupby(level=1).sum() - 1.02 * ceased["total_ceased"]
            if "years" in before.own:
                # plans of that very January were new then and count as new now
                fresh = float(before.by["years"].xs("0", level=1).sum())
                left -= fresh * left / left.sum()
            made.append(over(cells, ["sex"], left.round(), price=SOFT, where=cells["cohort_of"] == "earlier"))
        return made

    return label_people(people, ["line", "need", "cohort_of"], ["M", "F"], "sex", make, rng)


def _anchor_ethnicity(
    targets: Targets, figures: StockFigures, people: pd.DataFrame, year: int, rng: np.random.Generator
) -> "pd.Series[Any]":
    period = stock_period(year)
    if "ethnicity" not in figures.own:
        # no published distribution: three quarters in the largest group, the rest by lot
        codes = np.array(["WBRI", "WOTH", "APKN", "MOTH", "BAFR", "OOTH", "NOBT"])
        return pd.Series(
            rng.choice(codes, size=len(people), p=[0.75, 0.07, 0.05, 0.05, 0.03, 0.02, 0.03]), index=people.index
        )
    margin = figures.by["ethnicity"]
    labels = sorted(margin.groupby(level=1).sum().loc[lambda counts: counts > 0].index)

    def make(cells: pd.DataFrame) -> list[Target]:
        new = cells["cohort_of"] == "new"
        made = [over(cells, ["line", "ethnicity"], margin, price=FIRM)]
        made.append(
            over(
                cells,
                ["need", "ethnicity"],
                need_table(targets, "sen_needs_all_plans", period, "ethnicity"),
                price=FIRM,
                where=cells["line"] != GONE,
            )
        )
        if not (recent := recent_plans_by(targets, year, "ethnicity")).empty:
            begun = (cells["cohort_of"] != "earlier") & (cells["line"] != GONE)
            made.append(over(cells, ["ethnicity"], recent, price=FIRM, where=begun))
        if not (flows := new_plans_by(targets, year - 1, "ethnicity")).empty:
            made.append(over(cells, ["ethnicity"], flows, price=FIRM, where=new, zero_elsewhere=True))
            made.append(
                over(
                    cells,
                    ["line", "ethnicity"],
                    new_plan_figures(targets, year - 1, "ethnicity"),
                    price=SOFT,
                    where=new,
                )
            )
            made.append(
                over(
                    cells,
                    ["need", "ethnicity"],
                    need_table(targets, "sen_need_newplans", period, "ethnicity"),
                    price=SOFT,
                    where=new,
                )
            )
        return made

    return label_people(people, ["line", "need", "cohort_of"], labels, "ethnicity", make, rng)
