"""From one January to the next: who stays, moves, leaves and comes.

`walk_back` takes the plans of one January to the January before, `walk_forward` to the January after. Both keep a plan and its
placement wherever the
published margins of the other January allow; those who cannot be kept are the plans that ceased, started, were transferred or
were recorded late, which is what such differences mean in a real authority.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.calibrate import Target, fit, over, relax, settle
from orchestration.synthetic.population import (
    FIRM,
    GONE,
    HARD,
    PATIENT,
    SOFT,
    StockFigures,
    coarse,
    label_people,
    new_plan_figures,
    new_plans_by,
    new_plans_total,
    new_plans_without_placement,
    person_margin,
    plan_cells,
    start_age_definition,
    stock_codes,
)
from orchestration.synthetic.targets import TOTAL, Targets

PLAN = ["cohort", "start_year", "autumn", "after"]
LOOSE = 5.0
"""Gap at which the integer programme hands over to the walk that settles placements person by person."""

PRIORITY = {"age": 10.0, "sex": 10.0}
"""Tables that must hold when the settling of lines has to choose: age and sex by placement before durations."""

NEAR = 1e-6

EXACT = 1e5
"""Price of a person counted twice or lost: no published figure is worth it."""


def _lines_possible(cells: pd.DataFrame, figures: StockFigures) -> pd.DataFrame:
    keep = cells["line"].isin(figures.total[figures.total > 0].index).to_numpy()
    for topic in figures.own & set(cells.columns):
        some = figures.by[topic][figures.by[topic] > 0].index
        keep = keep & pd.MultiIndex.from_arrays([cells["line"], cells[topic]]).isin(some)
    return cells[keep]


def _pool_cells(pool: pd.DataFrame, figures: StockFigures, keys: list[str]) -> pd.DataFrame:
    """Cells of the known plans: each may stay on its line, move to another or be absent from the January reached."""
    year = figures.year
    sizes = pool.groupby([*keys, "line"], observed=True).size().rename("size").reset_index()
    sizes["group"] = sizes.groupby(keys, sort=True).ngroup()
    groups = sizes.groupby("group").agg(**{key: (key, "first") for key in keys}, size=("size", "sum")).reset_index()
    lines = pd.DataFrame({"line": list(figures.lines)})
    staying = sizes.rename(columns={"line": "line_from"}).merge(lines, how="cross")
    staying = staying[[coarse(a) == coarse(b) for a, b in zip(staying["line_from"], staying["line"], strict=True)]]
    staying = staying.assign(kind="stay", cost=0.0)
    moving = groups.merge(lines, how="cross").assign(kind="move", cost=1.0, line_from="")
    absent = groups.assign(kind="absent", line="", line_from="")
    absent["cost"] = np.where(absent["start_year"] == year, 0.0, 3.0)
    present = pd.concat([staying, moving], ignore_index=True)
    present = stock_codes(present.assign(after=present["after"] if "after" in keys else False), year)
    return pd.concat([_lines_possible(present, figures), absent], ignore_index=True)


def _balance(cells: pd.DataFrame) -> list[Target]:
    """Every known plan stays, moves or is absent: once; no more stay on a line than were there."""
    known = cells["kind"].isin(["stay", "move", "absent"])
    sizes = cells[cells["kind"] == "absent"].set_index("group")["size"].astype(float)
    staying = cells["kind"] == "stay"
    there = (
        cells[staying].drop_duplicates(["group", "line_from"]).set_index(["group", "line_from"])["size"].astype(float)
    )
    return [
        over(cells, ["group"], sizes, price=EXACT, where=known),
        over(cells, ["group", "line_from"], there, price=EXACT, sense="le", where=staying),
    ]


def _stock(cells: pd.DataFrame, figures: StockFigures, extra: float = 1.0) -> list[Target]:
    present = cells["line"] != ""
    made = [over(cells, ["line"], figures.total, price=HARD, where=present)]
    for topic in ("age", figures.start_age, "years"):
        if topic in figures.by:
            price = figures.price(topic) * (1.0 if topic == "age" else 0.5) * extra
            made.append(over(cells, ["line", topic], figures.by[topic], price=price, where=present))
    return made


def _hand_out(
    pool: pd.DataFrame, cells: pd.DataFrame, counts: Any, keys: list[str], rng: np.random.Generator
) -> "pd.Series[Any]":
    """The line reached by each known plan ("" when absent), by lot among plans of the same kind."""
    order = rng.permutation(len(pool))
    mixed = pool.iloc[order]
    answer = pd.Series("", index=mixed.index, dtype=object)
    taken = pd.Series(False, index=mixed.index)
    used = cells.assign(count=counts)
    used = used[used["count"] > 0]
    for kind, by in (("stay", [*keys, "line_from"]), ("move", keys)):
        chosen = used[used["kind"] == kind]
        if chosen.empty:
            continue
        chosen = chosen.loc[np.repeat(chosen.index.to_numpy(), chosen["count"].to_numpy())]
        rank = chosen.groupby(by, observed=True).cumcount()
        free = mixed[~taken].rename(columns={"line": "line_from"})
        slots = free.groupby(by, observed=True).cumcount()
        left = chosen.assign(rank=rank)[[*by, "rank", "line"]]
        right = free[by].assign(rank=slots).reset_index(names="_row")
        found = right.merge(left, on=[*by, "rank"], how="inner")
        answer.loc[found["_row"]] = found["line"].to_numpy()
        taken.loc[found["_row"]] = True
    return answer.reindex(pool.index)


def _leaver_cells(figures: StockFigures, year: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Plans in the January of `year` that ceased in that calendar year: each kind, and each kind by how long held and at what age."""
    base = plan_cells(year)
    base = base[~base["after"]].reset_index(drop=True)
    base["leaver"] = np.arange(len(base))
    leaving = stock_codes(base, year)
    somewhere = _lines_possible(leaving.merge(pd.DataFrame({"line": list(figures.lines)}), how="cross"), figures)
    leaving = leaving[leaving["leaver"].isin(somewhere["leaver"])]
    leaving = leaving.assign(kind="leave", cost=0.5)
    detail = base[base["leaver"].isin(leaving["leaver"])]
    detail = detail.merge(pd.DataFrame({"short": [False, True]}), how="cross")
    detail = detail.merge(pd.DataFrame({"before_birthday": [False, True]}), how="cross")
    birth_year = detail["cohort"] - detail["autumn"]
    detail["held"] = year - detail["start_year"] - detail["short"]
    detail["age_ceased"] = year - birth_year - detail["before_birthday"]
    detail = detail[(detail["held"] >= 0)]
    return leaving, detail.assign(kind="detail", cost=0.0)


def ceased_codes(frame: pd.DataFrame) -> pd.DataFrame:
    """Published codes of a ceased plan: years held and age, as text."""
    return frame.assign(
        held_code=np.minimum(frame["held"], 12).astype(int).astype(str),
        ceased_code=np.clip(frame["age_ceased"], 2, 20).astype(int).astype(str),
    )


def _guide(
    candidates: pd.DataFrame,
    figures: StockFigures,
    targets: Targets,
    gone: pd.DataFrame,
    total: int,
    keys: list[str],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """The whole step at once, in fractions: who is absent, who ceased and where everybody was. Cells and their numbers."""
    year = figures.year
    known = _pool_cells(candidates, figures, keys)
    leaving, detail = _leaver_cells(figures, year)
    by_line = leaving.drop(columns=["kind", "cost"]).merge(pd.DataFrame({"line": list(figures.lines)}), how="cross")
    by_line = _lines_possible(by_line, figures).assign(kind="leave", cost=0.5)
    cells = pd.concat(
        [known, by_line, ceased_codes(pd.concat([detail, _brief_cells(year)], ignore_index=True))], ignore_index=True
    )
    cells["line"] = cells["line"].fillna("")
    kind = cells["kind"]
    pairs = over(
        cells,
        ["leaver"],
        pd.Series(0.0, index=by_line["leaver"].unique()),
        price=EXACT,
        where=kind.isin(["leave", "detail"]),
    )
    signs = np.where(kind.to_numpy()[pairs.cell] == "leave", 1.0, -1.0)
    wanted = [
        *_balance(cells),
        Target(pairs.cell, pairs.row, pairs.values, EXACT, "eq", signs),
        *_stock(cells, figures),
    ]
    wanted += _ceased_targets(cells, targets, year, gone, total)
    return cells, relax(len(cells), wanted, cost=0.1 * (cells["cost"].to_numpy() + rng.random(len(cells)) * 0.2))


def _brief_cells(year: int) -> pd.DataFrame:
    """Plans that began and ceased in calendar `year`."""
    brief = plan_cells(year + 1)
    brief = brief[(brief["start_year"] == year) & brief["after"]]
    return brief.assign(kind="brief", cost=1.0, held=0, age_ceased=year - brief["cohort"] + brief["autumn"])


def _ceased_targets(cells: pd.DataFrame, targets: Targets, year: int, gone: pd.DataFrame, total: int) -> list[Target]:
    ending = cells["kind"].isin(["detail", "brief"])
    made = [
        over(cells.assign(one=1), ["one"], pd.Series([float(total - len(gone))], index=[1]), price=HARD, where=ending)
    ]
    for topic, column in (("years", "held_code"), ("age", "ceased_code")):
        table = targets.table("ceased_plans", str(year), topic)
        if not table.empty:
            margin = table["total_ceased"].sub(gone.groupby(column).size(), fill_value=0).clip(lower=0)
            made.append(over(cells, [column], margin, price=FIRM, where=ending, zero_elsewhere=True))
    return made


def walk_back(
    pool: pd.DataFrame, figures: StockFigures, targets: Targets, rng: np.random.Generator
) -> tuple[pd.Series, pd.DataFrame]:
    """To the January of `figures.year`, from the plans of the January after it.

    `pool`: columns of a plan, sex, line, line GONE for new plans that never reached their census day. Returns the line of each
    row of `pool` in the
    January reached ("" when not there), and the plans that ceased in that calendar year: plan columns, sex, line ("" when not in that
    January), held, age_ceased.

    First who: which known plans were absent and which others ceased, by the January's totals and the table of ceased plans. Then
    where: everyone starts on the later line, and the fewest move until every placement table holds.
    """
    year = figures.year
    candidates = pool[(pool["start_year"] <= year) & (pool["line"] != GONE)]
    ceased = targets.table("ceased_plans", str(year), TOTAL)
    total = int(ceased["total_ceased"].iloc[0]) if not ceased.empty else round(0.1 * float(figures.total.sum()))
    gone = pool[pool["line"] == GONE].assign(held=0)
    gone["age_ceased"] = year - gone["cohort"] + gone["autumn"] - 1 + gone["after"]
    gone = ceased_codes(gone)
    keys = ["cohort", "start_year", "autumn"]
    groups = candidates.groupby(keys).size().rename("size").reset_index()
    groups["group"] = np.arange(len(groups))
    known = stock_codes(groups.assign(after=False), year).assign(kind="absent")
    known["cost"] = np.where(known["start_year"] == year, 0.0, 3.0)
    leaving, detail = _leaver_cells(figures, year)
    cells = pd.concat(
        [known, leaving, ceased_codes(pd.concat([detail, _brief_cells(year)], ignore_index=True))], ignore_index=True
    )
    kind = cells["kind"]
    ending = kind.isin(["detail", "brief"])
    pairs = over(
        cells,
        ["leaver"],
        pd.Series(0.0, index=leaving["leaver"].unique()),
        price=EXACT,
        where=kind.isin(["leave", "detail"]),
    )
    signs = np.where(kind.to_numpy()[pairs.cell] == "leave", 1.0, -1.0)
    wanted = [Target(pairs.cell, pairs.row, pairs.values, EXACT, "eq", signs)]
    wanted += _ceased_targets(cells, targets, year, gone, total)
    # the January's own totals, less everyone who is known: what leavers add and absences take away
    coded = stock_codes(candidates.assign(after=False), year).assign(one="1")
    for topic in ("one", "age", figures.start_age, "years"):
        if topic == "one":
            margin = pd.Series([float(figures.total.sum())], index=["1"])
        elif topic in figures.own:
            margin = figures.by[topic].groupby(level=1).sum()
        else:
            continue
        rest = margin.sub(coded.groupby(topic).size(), fill_value=0)
        price = {"one": 10 * HARD, "age": HARD}.get(topic, FIRM)
        target = over(cells.assign(one="1"), [topic], rest, price=price, where=~ending)
        signs = np.where(kind.to_numpy()[target.cell] == "leave", 1.0, -1.0)
        wanted.append(Target(target.cell, target.row, target.values, price, "eq", signs))
    joint, numbers = _guide(candidates, figures, targets, gone, total, keys, rng)
    guided = np.concatenate(
        [
            np.bincount(
                joint["group"][joint["kind"] == "absent"].astype(int), numbers[joint["kind"] == "absent"], len(known)
            ),
            pd.Series(numbers[joint["kind"] == "leave"])
            .groupby(joint["leaver"][joint["kind"] == "leave"].to_numpy())
            .sum()
            .reindex(leaving["leaver"], fill_value=0.0),
            numbers[joint["kind"].isin(["detail", "brief"])],
        ]
    )
    # how long held and at what age follows the guide more loosely than who left
    spare = np.where(ending, 1.0, 0.0)
    counts = fit(
        len(cells),
        wanted,
        cost=0.1 * (cells["cost"].to_numpy() + rng.random(len(cells)) * 0.2),
        lower=np.maximum(np.floor(guided + NEAR) - spare, 0.0),
        upper=np.ceil(guided - NEAR) + spare,
    )
    absences = known.assign(absent=counts[: len(known)])
    ended = _paired(cells.assign(count=counts), rng)
    lines, ended = _sexed(candidates, absences, ended, gone, figures, targets, keys, rng)
    ended["line"] = np.where(ended["in_january"], _likely_line(ended, figures, rng), "")
    lines, ended["line"] = _settle_lines(candidates, lines, ended, figures, targets, rng)
    columns = [*PLAN, "sex", "line", "held", "age_ceased"]
    return lines.reindex(pool.index, fill_value=""), pd.concat(
        [ended[columns], gone[columns].assign(line=GONE)], ignore_index=True
    )


def _paired(cells: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The plans that ceased: plan columns, held, age_ceased, in_january."""
    used = cells[(cells["count"] > 0) & cells["kind"].isin(["detail", "brief"])]
    used = used.loc[np.repeat(used.index.to_numpy(), used["count"].to_numpy())]
    used = used.iloc[rng.permutation(len(used))]
    ended = used[[*PLAN, "held", "age_ceased"]].astype({"held": int, "age_ceased": int, "autumn": bool, "after": bool})
    return ended.assign(in_january=(used["kind"] == "detail").to_numpy()).reset_index(drop=True)


def _sexed(
    candidates: pd.DataFrame,
    absences: pd.DataFrame,
    ended: pd.DataFrame,
    gone: pd.DataFrame,
    figures: StockFigures,
    targets: Targets,
    keys: list[str],
    rng: np.random.Generator,
) -> "tuple[pd.Series[Any], pd.DataFrame]":
    """Who is absent and the sex of those who ceased, so that the January and the ceased table both hold the right sexes."""
    sizes = candidates.merge(absences[[*keys, "absent"]], on=keys, how="left")["absent"].to_numpy()
    table = targets.table("ceased_plans", str(figures.year), "sex")
    women_ended = (
        float(table["total_ceased"].get("F", 0.0)) - float((gone["sex"] == "F").sum())
        if not table.empty
        else 0.3 * len(ended)
    )
    staying_in = int(ended["in_january"].sum())
    choices: list[tuple[float, int, Any, int]] = []
    for lean in (0.0, -0.1, 0.1, -0.3, 0.3, -1.0, 1.0):
        order = rng.random(len(candidates)) + lean * (candidates["sex"] == "F").to_numpy()
        rank = pd.Series(order, index=candidates.index).groupby([candidates[key] for key in keys]).rank(method="first")
        there = rank.to_numpy() > sizes
        women = int(((candidates["sex"] == "F").to_numpy() & there).sum())
        published = (
            figures.by["sex"].groupby(level=1).sum().get("F", 0.0)
            if "sex" in figures.own
            else women + women_ended * staying_in / max(len(ended), 1)
        )
        wanted = round(published - women)
        spare = np.clip(wanted, max(0, women_ended - (len(ended) - staying_in)), min(staying_in, women_ended))
        choices.append((float(abs(wanted - spare)), len(choices), there, int(np.clip(wanted, 0, staying_in))))
    _, _, there, women_in = min(choices, key=lambda choice: choice[:2])
    women_out = int(np.clip(round(women_ended - women_in), 0, len(ended) - staying_in))
    sex = np.full(len(ended), "M", dtype=object)
    inside, outside = np.flatnonzero(ended["in_january"]), np.flatnonzero(~ended["in_january"])
    sex[rng.permutation(inside)[:women_in]] = "F"
    sex[rng.permutation(outside)[:women_out]] = "F"
    lines = candidates["line"].map(coarse).where(there, "")
    return lines, ended.assign(sex=sex)


def _likely_line(ended: pd.DataFrame, figures: StockFigures, rng: np.random.Generator) -> Any:
    """A placement line that people of that age had in that January, by lot."""
    if "age" not in figures.by:
        lines = figures.total[figures.total > 0]
        return rng.choice(lines.index.to_numpy(dtype=object), size=len(ended), p=(lines / lines.sum()).to_numpy())
    table = figures.by["age"].unstack(level=0).fillna(0)
    codes = stock_codes(ended, figures.year)["age"].to_numpy()
    chance = table.reindex(codes).fillna(0).to_numpy() + 1e-9
    pick = (rng.random(len(ended))[:, None] * chance.sum(axis=1, keepdims=True) > chance.cumsum(axis=1)).sum(axis=1)
    return table.columns.to_numpy(dtype=object)[np.minimum(pick, chance.shape[1] - 1)]


def _fit_lines(
    people: pd.DataFrame, figures: StockFigures, topics: Sequence[str], gap: float, rng: np.random.Generator
) -> "pd.Series[Any]":
    """Lines such that the tables by `topics` hold: as many people as they allow stay where they were."""
    topics = [topic for topic in topics if topic in figures.by] or ["one"]
    people = people.reset_index(drop=True)
    sizes = people.groupby([*topics, "line"]).size().rename("size").reset_index()
    sizes["group"] = sizes.groupby(topics).ngroup()
    groups = (
        sizes.groupby("group").agg(**{topic: (topic, "first") for topic in topics}, size=("size", "sum")).reset_index()
    )
    stay = sizes.rename(columns={"line": "line_from"})
    stay = stay.assign(line=stay["line_from"], kind="stay", cost=0.0)
    move = groups.merge(pd.DataFrame({"line": list(figures.lines)}), how="cross").assign(
        kind="move", cost=1.0, line_from=""
    )
    cells = _lines_possible(pd.concat([stay, move], ignore_index=True), figures).reset_index(drop=True)
    wanted = [over(cells, ["group"], groups.set_index("group")["size"].astype(float), price=EXACT)]
    wanted.append(over(cells, ["line"], figures.total, price=HARD))
    for topic in topics:
        if topic in figures.by:
            price = figures.price(topic) * (1.0 if topic in PRIORITY else 0.5)
            wanted.append(over(cells, ["line", topic], figures.by[topic], price=price))
    upper = np.where(cells["kind"] == "stay", cells["size"], np.inf)
    cost = 0.1 * (cells["cost"].to_numpy() + rng.random(len(cells)) * 0.2)
    counts = fit(len(cells), wanted, cost=cost, upper=upper, gap=gap, attempts=1)
    lines = _hand_out(people, cells, counts, topics, rng)
    return lines.where(lines != "", people["line"])


def _as_table(lines: "pd.Series[Any]") -> "pd.Series[Any]":
    """Counts by line as a table of one code, "1"."""
    return pd.Series(lines.to_numpy(), index=pd.MultiIndex.from_product([lines.index, ["1"]]))


def _settle_lines(
    pool: pd.DataFrame,
    lines: "pd.Series[Any]",
    ended: pd.DataFrame,
    figures: StockFigures,
    targets: Targets,
    rng: np.random.Generator,
) -> "tuple[pd.Series[Any], pd.Series[Any]]":
    """Move the fewest plans between lines until every table of the January holds at once."""
    here = lines[lines != ""]
    inside = ended[ended["line"] != ""]
    people = pd.concat([pool.loc[here.index, [*PLAN, "sex"]].assign(line=here), inside[[*PLAN, "sex", "line"]]])
    coded = stock_codes(people, figures.year).assign(one="1")
    labels = list(figures.total[figures.total > 0].index)
    margins = [person_margin(coded, "one", _as_table(figures.total), labels, HARD)]
    for topic in ("age", figures.start_age, "years", "sex"):
        if topic in figures.by:
            price = figures.price(topic) * PRIORITY.get(topic, 0.5)
            margins.append(person_margin(coded, topic, figures.by[topic], labels, price))
    new = new_plan_figures(targets, figures.year - 1, "start_age")
    if not new.empty:
        # at least the new plans of the year before must stand on the lines their table names
        fresh = coded["start_year"] == figures.year - 1
        short = new[new.index.get_level_values(0) != GONE].groupby(level=0).sum()
        share = short / max(short.sum(), 1) * float(fresh.sum())
        margins.append(person_margin(coded, "one", _as_table(share), labels, SOFT / 10, fresh))
    placed = _fit_lines(coded, figures, ("age", figures.start_age, "years"), LOOSE, rng)
    start = pd.Index(labels).get_indexer(placed)
    settled = np.array(labels, dtype=object)[settle(start, margins, rng, PATIENT)]
    # what the walk left undone in the tables that must hold costs the durations a little
    settled = _fit_lines(coded.assign(line=settled), figures, tuple(PRIORITY), 1e-3, rng).to_numpy(dtype=object)
    lines, left = lines.copy(), ended["line"].copy()
    lines.loc[here.index] = settled[: len(here)]
    left.loc[inside.index] = settled[len(here) :]
    return lines, left


def walk_forward(
    pool: pd.DataFrame, figures: StockFigures, targets: Targets, rng: np.random.Generator
) -> tuple[pd.Series, pd.DataFrame]:
    """To the January of `figures.year`, from the plans of the January before it.

    Returns the line of each row of `pool` then ("" when the plan has ceased), and the plans that are new to that January: plan columns,
    line, is_new (False: transferred in, or recorded late).
    """
    year = figures.year
    candidates = pool[pool["line"] != GONE]
    keys = PLAN
    known = _pool_cells(candidates, figures, keys)
    grown = year - 1 - known["cohort"] >= 18
    known.loc[known["kind"] == "absent", "cost"] = np.where(grown, 0.6, 2.0)[known["kind"] == "absent"]
    base = plan_cells(year)
    base = pd.concat(
        [
            base[base["start_year"] == year - 1].assign(is_new=True),
            base[base["start_year"] >= year - 1].assign(is_new=False),
        ]
    )
    entering = stock_codes(base, year).merge(pd.DataFrame({"line": list(figures.lines)}), how="cross")
    entering = _lines_possible(entering, figures).assign(kind="enter", cost=0.5)
    cells = pd.concat([known, entering], ignore_index=True)
    new = float(new_plans_total(targets, year - 1))
    wanted = [*_balance(cells), *_stock(cells, figures)]
    fresh = (cells["kind"] == "enter") & (cells["is_new"] == True)  # noqa: E712 - the column is mixed
    wanted.append(over(cells.assign(one=1), ["one"], pd.Series([new], index=[1]), price=SOFT, where=fresh))
    cost = 0.1 * (cells["cost"].to_numpy() + rng.random(len(cells)) * 0.2)
    counts = fit(len(cells), wanted, cost=cost)
    lines = _hand_out(candidates, cells, counts, keys, rng).reindex(pool.index, fill_value="")
    came = cells[cells["kind"] == "enter"]
    came = came.loc[np.repeat(came.index.to_numpy(), counts[came.index.to_numpy()])]
    return lines, came[[*PLAN, "line", "is_new"]].reset_index(drop=True)


def mark_new_plans(
    people: pd.DataFrame, targets: Targets, year: int, line: str, rng: np.random.Generator
) -> "pd.Series[Any]":
    """Which of the plans that started in calendar `year` the new-plans table counts (the others were transferred in).

    `people` holds the plans with that start year that are in the January after; `line` names their column of placement lines then.
    """
    total = new_plans_total(targets, year) - new_plans_without_placement(targets, year)
    people = stock_codes(people, year + 1).assign(line=people[line].map(coarse))
    start_age = start_age_definition(targets, "newplans", str(year))

    def make(cells: pd.DataFrame) -> list[Target]:
        new = cells["status"] == "new"
        made = [over(cells, ["status"], pd.Series([float(total)], index=["new"]), price=HARD)]
        for topic, column in (("start_age", start_age), ("sex", "sex"), ("ethnicity", "ethnicity")):
            if not (margin := new_plans_by(targets, year, topic, present_only=True)).empty:
                made.append(over(cells, [column], margin, price=FIRM, where=new, zero_elsewhere=True))
                made.append(
                    over(cells, ["line", column], new_plan_figures(targets, year, topic), price=SOFT, where=new)
                )
        return made

    status = label_people(people, ["line", start_age, "sex", "ethnicity"], ["new", "other"], "status", make, rng)
    return status == "new"
