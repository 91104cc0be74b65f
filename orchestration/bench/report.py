"""A measurement for people: tables, targets, what is kept of it, and pictures."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from orchestration.bench.bench import COLD, NOTHING_NEW, ONE_FILE, Bench, Measured
from orchestration.bench.measure import Usage
from orchestration.bench.whole_run import OUTSIDE
from orchestration.charts import svg_of
from orchestration.durable import replace_durably, write_json_durably

LATEST, HISTORY, PAGE = "latest.json", "history.jsonl", "latest.md"
HISTORY_PICTURE, GROWTH_PICTURE = "history.svg", "growth.svg"
IMPORTS = "imports and definitions"
MB, GIB = 1e6, 2**30
_MOST_STAGES = 10
_WEIGHTY = 0.05  # of the run: what takes less does not decide how it grows
_SLIGHT = 0.005  # of the run: a stage that read nothing and took less has no line of its own


@dataclass(frozen=True)
class Target:
    """What was set and what was measured; None where this measurement does not tell."""

    what: str
    at_most: float
    measured: float
    unit: str

    @property
    def is_met(self) -> bool:
        """Whether it was kept."""
        return self.measured <= self.at_most


def targets(bench: Bench) -> list[Target]:
    """Of the authority's own size, with the tools' fixed cost from the smallest size that was measured."""
    own = next((one for one in bench.measured if one.scale == 1 and one.authorities is None), None)
    if own is None:
        return []
    cold = own.run(COLD)
    found = [Target("everything, for the first time", 90, cold.whole.seconds, "s")]
    if cold.whole.peak_bytes is not None:
        found.append(Target("memory of that", 2, cold.whole.peak_bytes / GIB, "GiB"))
    found.append(Target("nothing new", 10, own.run(NOTHING_NEW).whole.seconds, "s"))
    small = bench.measured[0]
    if small.scale < 1:
        fixed = small.run(ONE_FILE).whole.seconds
        found.append(Target("one new school file: fixed cost and 10", fixed + 10, own.run(ONE_FILE).whole.seconds, "s"))
    for landed in own.landings:
        at_most = 2 if landed.is_xml else 3
        found.append(Target(f"{landed.title}, beside the floor", at_most, landed.cpu_ratio, "times"))
    gates = sum(used.seconds for stage, used in cold.stages.items() if stage.endswith("_gate"))
    found.append(Target("gates, of the run", 15, 100 * gates / cold.whole.seconds, "%"))
    tools = cold.stages[IMPORTS].seconds + cold.stages[OUTSIDE].seconds
    found.append(Target("Dagster and imports, of the run", 20, 100 * tools / cold.whole.seconds, "%"))
    return found


def tables_of(bench: Bench) -> list[Table]:
    """Everything that was measured, for a terminal."""
    found = []
    for measured in bench.measured:
        found += [_runs_table(measured), _stage_table(measured)]
        found += [_landing_table(measured)] if measured.landings else []
        found.append(_floor_table(measured))
    found += [_growth_table(of) for of in growing(bench)]
    if targets(bench):
        found.append(_target_table(bench))
    return found


def growing(bench: Bench) -> list[list[Measured]]:
    """Sizes that can be set beside each other: boroughs with all their returns, and censuses of several authorities."""
    boroughs = [one for one in bench.measured if one.authorities is None]
    several = [one for one in bench.measured if one.authorities is not None]
    return [of for of in (boroughs, several) if len(of) > 1]


def _titled(measured: Measured) -> str:
    return measured.size[0].upper() + measured.size[1:]


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _runs_table(measured: Measured) -> Table:
    title = (
        f"{_titled(measured)}: {measured.files:,} files, {measured.bytes / MB:,.0f} MB, {measured.rows:,} rows received"
    )
    table = _table(title, "run", "seconds", "processor s", "memory, MB")
    for run in measured.runs:
        table.add_row(run.name, *_used(run.whole))
    return table


def _stage_table(measured: Measured) -> Table:
    cold = measured.run(COLD)
    table = _table(
        f"{_titled(measured)}, stages of the first run",
        "stage", "seconds", "processor s", "memory, MB", "share", "rows", "rows/s", "MB/s", "floor s", "times the floor",
    )  # fmt: skip
    slight = {
        stage: used
        for stage, used in cold.stages.items()
        if used.seconds < cold.whole.seconds * _SLIGHT and not getattr(measured.read.get(stage), "rows", 0)
    }
    for stage, used in cold.stages.items():
        if stage in slight:
            continue
        read = measured.read.get(stage)
        beside = ["", "", "", "", ""]
        if read and read.rows:
            beside[:3] = (
                f"{read.rows:,}", f"{read.rows / used.seconds:,.0f}", f"{read.bytes / MB / used.seconds:,.1f}"
            )  # fmt: skip
            if read.floor:
                beside[3:] = f"{read.floor.seconds:.2f}", f"{used.seconds / read.floor.seconds:,.1f}"
        table.add_row(stage, *_used(used), f"{used.seconds / cold.whole.seconds:.0%}", *beside)
    if slight:
        together = Usage(
            sum(used.seconds for used in slight.values()), sum(used.cpu_seconds for used in slight.values())
        )
        share = f"{together.seconds / cold.whole.seconds:.0%}"
        table.add_row(f"{len(slight)} that had next to nothing to do", *_used(together), share, *[""] * 5)
    return table


def _landing_table(measured: Measured) -> Table:
    table = _table(
        f"{_titled(measured)}, landing by shape beside its floor",
        "delivery", "seconds", "processor s", "memory, MB", "rows/s", "MB/s", "times the floor", "processor times",
    )  # fmt: skip
    for one in measured.landings:
        table.add_row(
            f"{one.title}: {one.files} files, {one.bytes / MB:,.1f} MB, {one.rows:,} rows",
            *_used(one.whole),
            f"{one.rows / one.whole.seconds:,.0f}",
            f"{one.bytes / MB / one.whole.seconds:,.1f}",
            f"{one.ratio:.2f}",
            f"{one.cpu_ratio:.2f}",
        )
        for stage, seconds in one.stages.items():
            table.add_row(f"  {stage}", "", f"{seconds:.2f}", *[""] * 5)
        for floor in one.floors:
            table.add_row(
                f"  {floor.name}", *_used(floor.usage), "", f"{floor.bytes / MB / floor.usage.seconds:,.1f}", "", ""
            )
    return table


def _floor_table(measured: Measured) -> Table:
    table = _table(
        f"{_titled(measured)}, the quickest readings", "reading", "files", "MB", "seconds", "processor s", "MB/s"
    )
    for floor in measured.floors:
        used = floor.usage
        table.add_row(
            floor.name, f"{floor.files:,}", f"{floor.bytes / MB:,.1f}", f"{used.seconds:.2f}", f"{used.cpu_seconds:.2f}",
            f"{floor.bytes / MB / used.seconds:,.1f}",
        )  # fmt: skip
    return table


def slopes(measured: Sequence[Measured]) -> dict[str, float]:
    """By stage of a first run, the slope from the largest size but one to the largest: 1 is twice the time for twice the rows."""
    before, last = measured[-2], measured[-1]
    grown = math.log(last.rows / before.rows)
    earlier = before.run(COLD).stages
    return {
        stage: math.log(used.seconds / earlier[stage].seconds) / grown
        for stage, used in last.run(COLD).stages.items()
        if stage in earlier and used.seconds > 0 and earlier[stage].seconds > 0
    }


def bends_first(measured: Sequence[Measured]) -> str:
    """The stage that grows fastest at the end, of those that take a twentieth of the largest run."""
    cold = measured[-1].run(COLD)
    weighty = {stage for stage, used in cold.stages.items() if used.seconds >= _WEIGHTY * cold.whole.seconds}
    found = slopes(measured)
    return max(weighty & found.keys(), key=lambda stage: found[stage])


def _growth_table(measured: Sequence[Measured]) -> Table:
    table = _table("Growth: seconds of a first run", "stage", *(one.size for one in measured), "slope at the end")
    found = slopes(measured)
    for stage in measured[-1].run(COLD).stages:
        each = [one.run(COLD).stages.get(stage) for one in measured]
        table.add_row(
            stage, *(f"{used.seconds:.1f}" if used else "" for used in each), f"{found.get(stage, math.nan):.2f}"
        )
    for name, number in (("all", "seconds"), ("processor s of all", "cpu_seconds")):
        table.add_row(name, *(f"{getattr(one.run(COLD).whole, number):.1f}" for one in measured), "")
    table.add_row("memory, MB", *(_used(one.run(COLD).whole)[2] for one in measured), "")
    table.add_row("bends first", *[""] * len(measured), bends_first(measured))
    return table


def _target_table(bench: Bench) -> Table:
    table = _table("Targets, at the authority's own size", "what", "at most", "measured", "kept")
    for one in targets(bench):
        table.add_row(
            one.what, f"{one.at_most:,.1f} {one.unit}", f"{one.measured:,.1f} {one.unit}", "yes" if one.is_met else "no"
        )
    return table


def _used(usage: Usage) -> tuple[str, str, str]:
    memory = "" if usage.peak_bytes is None else f"{usage.peak_bytes / MB:,.0f}"
    return f"{usage.seconds:.2f}", f"{usage.cpu_seconds:.2f}", memory


def as_markdown(bench: Bench) -> str:
    """The same tables as a page."""
    machine = bench.machine
    said = (
        f"Measured {bench.made_at[:10]}, {bench.code_version}: {machine['processors']} processors,"
        f" {int(machine['memory_bytes']) / GIB:.0f} GiB, Python {machine['python']}, DuckDB {machine['duckdb']}.\n"
    )
    return "\n".join([said, *map(_markdown, tables_of(bench))])


def _markdown(table: Table) -> str:
    heads = [str(column.header) for column in table.columns]
    lines = [
        heads,
        ["---", *["---:"] * (len(heads) - 1)],
        *zip(*(column.cells for column in table.columns), strict=True),
    ]
    rows = "\n".join(f"| {' | '.join(str(cell).strip() for cell in line)} |" for line in lines)
    return f"**{table.title}**\n\n{rows}\n"


def as_json(bench: Bench) -> dict[str, Any]:
    """Everything that was measured, with the targets."""
    return asdict(bench) | {"targets": [asdict(one) | {"is_met": one.is_met} for one in targets(bench)]}


def keep(bench: Bench, folder: Path) -> list[Path]:
    """Write what was measured, also as a page to paste from, add it to the history in place of what that has of the same
    measurement, and draw the history and, of several sizes, the growth, with what earlier measurements tell. Returns: the files."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json_durably(folder / LATEST, as_json(bench))
    history = folder / HISTORY
    lines = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()] if history.is_file() else []
    lines = [line for line in lines if line["made_at"] != bench.made_at] + history_lines(bench)
    partial = history.with_name(f"{HISTORY}.partial")
    partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    replace_durably(partial, history)
    pictures = {HISTORY_PICTURE: (history_picture(lines), "Seconds of first runs by stage, one bar a measurement")}
    if len(of := each_size(lines)) > 1:
        pictures[GROWTH_PICTURE] = (
            growth_picture(of),
            "Seconds of the longest stages of a first run, by rows received",
        )
    for name, (svg, _) in pictures.items():
        (folder / name).write_text(svg, encoding="utf-8")
    shown = "".join(f"\n![{alt}]({name})\n" for name, (_, alt) in pictures.items())
    (folder / PAGE).write_text(as_markdown(bench) + shown, encoding="utf-8")
    return [folder / name for name in (LATEST, HISTORY, PAGE, *pictures)]


def history_lines(bench: Bench) -> list[dict[str, Any]]:
    """A line a size and run: when, of which code, what it used, and seconds by stage."""
    return [
        {
            "made_at": bench.made_at,
            "code_version": bench.code_version,
            "processors": bench.machine["processors"],
            "scale": measured.scale,
            "authorities": measured.authorities,
            "rows": measured.rows,
            "run": run.name,
            **asdict(run.whole),
            "stages": {stage: round(used.seconds, 3) for stage, used in run.stages.items()},
        }
        for measured in bench.measured
        for run in measured.runs
    ]


def history_picture(lines: Sequence[dict[str, Any]]) -> str:
    """First runs at the largest size that was measured most often, seconds by stage; the longest stages by name."""
    cold = [line for line in lines if line["run"] == COLD]
    times = Counter(map(_size_of, cold))
    size = max(times, key=lambda one: (times[one], one))
    shown = [line for line in cold if _size_of(line) == size]
    longest = _longest(shown[-1]["stages"])
    ranks = {stage: rank for rank, stage in enumerate([*longest, _OTHERS])}
    values = [
        {
            "measured": f"{line['made_at'][:16].replace('T', ' ')}",
            "stage": stage,
            "seconds": seconds,
            "rank": ranks[stage],
        }
        for line in shown
        for stage, seconds in _gathered(line["stages"], longest).items()
    ]
    return svg_of(
        {
            "width": 560,
            "height": {"step": 26},
            "title": f"Seconds of a first run, by stage ({f'{size[0]} authorities' if size[0] else f'size {size[1]:g}'})",
            "data": {"values": values},
            "mark": "bar",
            "encoding": {
                "y": {"field": "measured", "type": "nominal", "title": None},
                "x": {"field": "seconds", "type": "quantitative", "stack": "zero", "title": "seconds"},
                "color": {
                    "field": "stage",
                    "type": "nominal",
                    "sort": [*longest, _OTHERS],
                    "scale": {"scheme": "tableau20"},
                },
                "order": {"field": "rank", "sort": "ascending"},
            },
            "background": "white",  # legible on a dark page too
            "padding": 12,
            "config": {"font": "Arial, Helvetica, sans-serif", "view": {"stroke": None}},
        }
    )


def each_size(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first run of each number of authorities as it was measured last, by size; of boroughs where no authorities were measured.

    England takes hours: it is not measured again to be seen beside the others.
    """
    cold = [line for line in lines if line["run"] == COLD]
    several = [line for line in cold if line.get("authorities")]
    last = {_size_of(line): line for line in several or cold}
    return [last[size] for size in sorted(last)]


def growth_picture(lines: Sequence[dict[str, Any]]) -> str:
    """Seconds of the longest stages of first runs by rows received, both on scales of powers, from lines of the history by size."""
    longest = _longest(lines[-1]["stages"])
    values = [
        {"rows": line["rows"], "stage": stage, "seconds": seconds}
        for line in lines
        for stage, seconds in line["stages"].items()
        if stage in longest and seconds > 0
    ]
    return svg_of(
        {
            "width": 560,
            "height": 320,
            "title": "Seconds by stage as rows grow",
            "data": {"values": values},
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": {"field": "rows", "type": "quantitative", "scale": {"type": "log"}, "title": "rows received"},
                "y": {"field": "seconds", "type": "quantitative", "scale": {"type": "log"}, "title": "seconds"},
                "color": {"field": "stage", "type": "nominal", "sort": longest, "scale": {"scheme": "tableau20"}},
            },
            "background": "white",  # legible on a dark page too
            "padding": 12,
            "config": {"font": "Arial, Helvetica, sans-serif", "view": {"stroke": None}},
        }
    )


_OTHERS = "others"


def _size_of(line: dict[str, Any]) -> tuple[int, float]:
    return line.get("authorities") or 0, line["scale"]


def _longest(stages: dict[str, float]) -> list[str]:
    return sorted(stages, key=lambda stage: -stages[stage])[:_MOST_STAGES]


def _gathered(stages: dict[str, float], longest: Sequence[str]) -> dict[str, float]:
    """The stages that are named, and the others together."""
    found = {stage: stages[stage] for stage in longest if stage in stages}
    return {**found, _OTHERS: sum(seconds for stage, seconds in stages.items() if stage not in longest)}
