"""The figures: tiles by family of KPIs, and a page a family with value, chart, table, comparators and definition of each KPI."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.figures import words
from orchestration.figures.boards import TOTAL, Boards, Watched, load_boards
from orchestration.figures.periods import Period
from orchestration.figures.released import Figures, Kpi, read_figures
from orchestration.figures.statements import state
from orchestration.figures.teller import Statement, Table, Text
from orchestration.release.portal.kpi_choice import NATURAL_TOPICS, Held, lines_of, watched_of
from orchestration.release.portal.site import Page
from orchestration.rows import named_rows
from orchestration.sql_text import quoted

FAMILIES_FILE = Path(__file__).with_name("families.yaml")
_TAGS = {
    "met": ("Target met", "green"),
    "within_tolerance": ("Within tolerance", "yellow"),
    "not_due": ("Target not yet due", "blue"),
    "missed": ("Target missed", "red"),
}
_QUARTERS = {1: "first", 2: "second", 3: "third", 4: "last"}


@dataclass(frozen=True)
class Tag:
    """How a value stands against its target: words, and the colour that goes with them."""

    text: str
    colour: str


@dataclass(frozen=True)
class Told:
    """Everything the pages tell of one KPI.

    `statements`: the one for the tile first; none where there is no figure, for which `unavailable` gives the reason. `lines`:
    months of each service line. `others`: breakdowns that are in the open data files alone.
    """

    kpi: Kpi
    family: str
    definition: list[tuple[str, str]]
    unavailable: str
    statements: list[Statement] = field(repr=False)
    lines: list[Statement] = field(repr=False)
    providers: Table | None
    neighbours: dict[int, Table]
    others: list[str]

    @property
    def link(self) -> str:
        """Where its page tells of it."""
        return f"{page_name(self.family)}.html#{self.kpi.kpi_id}"

    @property
    def tag(self) -> Tag | None:
        """Its rating; None where there is nothing to rate."""
        return tag_of(self.kpi, self.rating) if self.statements else None

    @property
    def rating(self) -> str:
        """Of the figure on its tile; of several items side by side none is the KPI's."""
        first = self.statements[0] if self.statements else None
        return (
            first.rating if first is not None and first.watched.chart == "trend" and first.watched.item == TOTAL else ""
        )

    @property
    def trend(self) -> str:
        """The change since the period before, in short."""
        return self.statements[0].trend if self.statements else ""


def tag_of(kpi: Kpi, rating: str) -> Tag:
    """The tag of a rating; of a KPI without one it says why."""
    if rating in _TAGS:
        return Tag(*_TAGS[rating])
    has_target = bool(kpi.target) and "not a target" not in (kpi.target or "")
    return Tag("Not rated" if has_target else "No target", "grey")


def page_name(family: str) -> str:
    """The page of a family."""
    return f"kpi_{family}"


def family_title(family: str) -> str:
    """Its title."""
    return _families().get(family, family.replace("_", " ").capitalize())


def tell_kpis(connection: duckdb.DuckDBPyConnection, database: str) -> list[Told]:
    """Tell every KPI of the catalogue, in the order of the pages.

    Args:
        connection: has the open database attached as `database`.
        database: alias of the open database.
    """
    boards = load_boards()
    lines = named_rows(connection.execute(f"from {quoted(database, 'kpi', 'kpi_catalogue')}"))
    topics = _topics(connection, database)
    drawn = {TOTAL, *NATURAL_TOPICS, *(topic for one in _watched(boards) for topic in one.topics)}
    drawn |= {min(of) for of in topics.values() if not drawn & of}
    figures = read_figures(connection, [line["kpi_id"] for line in lines], drawn, database=database)
    held = Held.of(figures)
    providers = _providers(connection, database, figures)
    watching = Counter(kpi_id for board in boards.boards.values() for kpi_id in {one.kpi_id for one in board.figures})
    known = list(_families())

    def place(line: dict[str, Any]) -> tuple[int, str, int, str]:
        """By family, then what most boards watch first."""
        family = line["family"]
        at = known.index(family) if family in known else len(known)
        return at, family, -watching[line["kpi_id"]], line["title"]

    told, number = [], 0
    for line in sorted(lines, key=place):
        one = _tell(line, figures, held, boards, number, topics.get(line["kpi_id"], set()), providers)
        number += len(one.statements) + len(one.lines)
        told.append(one)
    return told


def figure_pages(told: Sequence[Told]) -> list[Page]:
    """The page of tiles, and a page a family."""
    families = list(dict.fromkeys(one.family for one in told))
    groups = {family: [one for one in told if one.family == family] for family in families}
    tiles = [(family_title(family), f"{page_name(family)}.html", members) for family, members in groups.items()]
    return [
        Page("kpis", "All figures", "kpis", "kpis.html.j2", {"groups": tiles, "summary": ratings_in_words(told)}),
        *(
            Page(
                page_name(family),
                family_title(family),
                "kpis",
                "kpi_family.html.j2",
                {"told": members, "symbols": words.SYMBOLS},
            )
            for family, members in groups.items()
        ),
    ]


def headlines(told: Sequence[Told]) -> list[Told]:
    """The figures for the first page: those that boards.yaml marks, in its order, as far as there is a figure."""
    by_id = {one.kpi.kpi_id: one for one in told}
    marked = dict.fromkeys(one.kpi_id for one in _watched(load_boards()) if one.is_headline)
    return [by_id[kpi_id] for kpi_id in marked if kpi_id in by_id and by_id[kpi_id].statements]


def ratings_in_words(told: Sequence[Told]) -> str:
    """How many figures there are, and how many of those with a target meet it."""
    with_figure = [one for one in told if one.statements and not one.statements[0].value.startswith("[")]
    rated = Counter(one.rating for one in with_figure if one.rating in _TAGS)
    text = f"{len(with_figure)} of {len(told)} measures have a figure"
    if not rated:
        return f"{text}; none is rated against a target."
    parts = [
        f"{rated[rating]} {said}"
        for rating, said in (
            ("met", "met it"),
            ("within_tolerance", "missed it by no more than the tolerance"),
            ("missed", "missed it"),
            ("not_due", "are not yet due"),
        )
        if rated[rating]
    ]
    return f"{text}. Of {rated.total()} rated against a target, {words.listed(parts)}."


def neighbour_table(told: Statement, figures: Figures) -> Table | None:
    """Similar councils and the authority among them, best first, as the comparison table ranks them; None where there are none."""
    own, kpi = told.compared, told.kpi
    if own is None or own.number is None or kpi is None:
        return None
    similar = [one for one in figures.beside.get(own.key, []) if one.kind == "statistical_neighbour"]
    if not similar:
        return None
    way = 1 if kpi.polarity == "lower" else -1
    rank = next((one for one in similar if one.rank and one.ranked), None)
    numbers = [one.number for one in similar if one.number is not None] + [own.number]

    def row(
        name: str, number: Decimal | None, symbol: str | None, note: str
    ) -> tuple[tuple[bool, Decimal, str], list[Text]]:
        place = "" if number is None or rank is None else str(1 + sum(way * one < way * number for one in numbers))
        shown = words.marked(number, kpi.unit, symbol=symbol, label=None)
        return (number is None, way * (number or Decimal(0)), name), [Text(name, note), Text(shown), Text(place)]

    rows = [row(one.name, one.number, one.symbol, "") for one in similar]
    rows.append(row(figures.authority, own.number, own.symbol, "this authority"))
    caption = f"Similar councils, {own.period.words}"
    if rank is not None and rank.rank and rank.ranked:
        caption += f". {figures.authority} is {words.rank(rank.rank, rank.ranked, kpi.polarity)}"
        caption += f", in the {_QUARTERS[rank.quartile]} quarter of the ranking" if rank.quartile else ""
    ranked = [cells for _, cells in sorted(rows, key=lambda one: one[0])]
    return Table(f"{caption}.", ["Council", "Figure", "Rank"], ranked)


def _tell(
    line: dict[str, Any],
    figures: Figures,
    held: Held,
    boards: Boards,
    number: int,
    topics: set[str],
    providers: dict[str, Table],
) -> Told:
    kpi_id = line["kpi_id"]
    kpi = figures.kpis[kpi_id]
    chosen = watched_of(kpi_id, held, boards)
    made = [state(place, one, figures, None) for place, one in enumerate(chosen, number + 1)]
    statements = [one for one in made if not one.unavailable]
    lines = [
        state(place, one, figures, None)
        for place, one in enumerate(lines_of(kpi_id, figures, chosen), number + len(made) + 1)
    ]
    reason = ""
    if not statements:
        reason = kpi.reason or "Not available; the release gives no reason."
        if kpi.is_available:
            reason = (
                "Told by provider alone: no figure is held of the authority as a whole."
                if kpi_id in providers
                else "The release holds no figure of the authority itself."
            )
    shown = {topic for one in statements + lines for topic in one.watched.topics}
    return Told(
        kpi=kpi,
        family=line["family"],
        definition=_definition(line, kpi, has_figure=bool(statements)),
        unavailable=reason,
        statements=statements,
        lines=[one for one in lines if not one.unavailable],
        providers=providers.get(kpi_id),
        neighbours={one.number: table for one in statements if (table := neighbour_table(one, figures))},
        others=sorted(topics - shown - {TOTAL}),
    )


def _definition(line: dict[str, Any], kpi: Kpi, *, has_figure: bool) -> list[tuple[str, str]]:
    """What the catalogue says of a KPI, in words; not what stands beside a figure already."""
    said = [
        ("What it says", line["definition"]),
        ("What is counted", line["numerator"]),
        ("Out of", line["denominator"]),
        ("Broken down by", line["breakdowns"]),
        ("How often", line["frequency"]),
        ("From the returns", line["source_return"]),
        ("Which way is better", "" if has_figure else words.better(kpi.polarity, by_size=kpi.is_judged_by_size)),
        ("Law or standard", line["statutory_basis"]),
        ("Outcome it serves", line["outcome_statement"]),
        ("Aspiration", line["aspiration"]),
        ("Target", line["target"] or "No target is set."),
        ("Compared with", line["published_comparator"]),
        ("Who answers for it", line["owner_role"]),
        ("What to bear in mind", line["caveats"]),
    ]
    return [(name, text) for name, text in said if text]


def _watched(boards: Boards) -> list[Watched]:
    return [one for board in boards.boards.values() for one in board.figures]


@cache
def _families() -> dict[str, str]:
    titles: dict[str, str] = yaml.load(FAMILIES_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return titles


def _topics(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, set[str]]:
    """Breakdown topics that the authority has figures by, by KPI."""
    found: dict[str, set[str]] = {}
    rows = connection.execute(
        f"select distinct kpi_id, breakdown_topic from {quoted(database, 'kpi', 'kpi_value')}"
        " where area_role = 'own_authority' and breakdown_topic is not null"
    ).fetchall()
    for kpi_id, topic in rows:
        found.setdefault(kpi_id, set()).add(topic)
    return found


def _providers(connection: duckdb.DuckDBPyConnection, database: str, figures: Figures) -> dict[str, Table]:
    """A table a KPI: items of its breakdown by the authority's NHS providers, at the latest period; what the returns give before
    what is published."""
    rows = named_rows(
        connection.execute(f"""
        select kpi_id, breakdown_topic, breakdown, area_name, time_identifier, time_period, value, symbol, value_label, unit
        from {quoted(database, "kpi", "kpi_value")}
        where area_role = 'own_provider' and breakdown_topic is not null
        qualify
            period_end = max(period_end) over (partition by kpi_id)
            and row_number() over (
                partition by kpi_id, breakdown_topic, breakdown, area_code, period_end
                order by value is null, value_basis
            ) = 1
        order by kpi_id, breakdown_topic, breakdown, area_name
        """)
    )
    tables = {}
    for kpi_id in dict.fromkeys(row["kpi_id"] for row in rows):
        of = [row for row in rows if row["kpi_id"] == kpi_id]
        names = list(dict.fromkeys(row["area_name"] for row in of))
        if len(names) == 1 and kpi_id in {kpi for (kpi, _, _), _ in figures.series}:
            continue  # one provider: the same figures as the authority's
        period = Period.of(of[0]["time_identifier"], of[0]["time_period"])
        cells = {
            (row["breakdown"], row["area_name"]): words.marked(
                row["value"], row["unit"], symbol=row["symbol"], label=row["value_label"]
            )
            for row in of
        }
        items = list(dict.fromkeys(row["breakdown"] for row in of))
        tables[kpi_id] = Table(
            f"By provider, {period.words if period else of[0]['time_period']}",
            [of[0]["breakdown_topic"], *(words.proper(name) for name in names)],
            [[Text(item), *(Text(cells.get((item, name), "")) for name in names)] for item in items],
        )
    return tables
