"""Which statements the pages of figures make of a KPI: what the boards watch, every other kind of period, the natural breakdowns."""

from dataclasses import dataclass

from orchestration.figures.boards import TOTAL, Boards, Watched
from orchestration.figures.periods import Kind, Period
from orchestration.figures.released import ENGLAND, Figures
from orchestration.figures.teller import in_sentence

NATURAL_TOPICS = (
    "Primary need",
    "Placement group",
    "SEN provision",
    "School phase",
    "Service line",
    "Assessment outcome",
    "Cease reason",
    "Decision type",
    "Reason line",
    "Method",
    "Placement, full cost",
    "Section 251 line",
    "DSG block",
    "Workstream",
    "Return",
)
"""Breakdowns that are drawn wherever figures are held by them; the others are named, and stand in the open data files."""
_LINES = "Service line"


@dataclass(frozen=True)
class Held:
    """What the authority has figures of: the latest period by KPI, breakdown topic, item and kind of period."""

    latest: dict[str, dict[str, dict[str, dict[Kind, Period]]]]

    @classmethod
    def of(cls, figures: Figures) -> "Held":
        """Read off the series."""
        latest: dict[str, dict[str, dict[str, dict[Kind, Period]]]] = {}
        for ((kpi_id, topic, item), basis), values in figures.series.items():
            if basis == ENGLAND:
                continue
            kinds = latest.setdefault(kpi_id, {}).setdefault(topic, {}).setdefault(item, {})
            for period in values:
                kinds[period.kind] = max(period, kinds.get(period.kind, period))
        return cls(latest)

    def topics(self, kpi_id: str) -> dict[str, dict[str, dict[Kind, Period]]]:
        """By topic and item."""
        return self.latest.get(kpi_id, {})


def watched_of(kpi_id: str, held: Held, boards: Boards) -> list[Watched]:
    """What is told of a KPI, the figure for its tile first.

    Args:
        kpi_id: the KPI.
        held: what there are figures of.
        boards: what the boards watch, with their questions and words.
    """
    chosen: list[Watched] = []
    for figure in (one for board in boards.boards.values() for one in board.figures if one.kpi_id == kpi_id):
        if all(_shown(figure) != _shown(one) for one in chosen):
            chosen.append(figure)
    chosen.sort(key=_is_of_one_item)
    topics = held.topics(kpi_id)
    kinds = _newest_first(topics.get(TOTAL, {}).get(TOTAL, {}))
    chosen += [
        _watch(kpi_id, kind, chosen, f"How has it changed, by {kind}?")
        for kind in kinds
        if all(_shown(one) != (kind, "trend", (TOTAL,), TOTAL) for one in chosen)
    ]
    drawn = {topic for one in chosen if one.chart != "trend" for topic in one.topics}
    leading = chosen[0].periods if chosen else None
    others = [topic for topic in NATURAL_TOPICS if topic in topics and topic not in drawn]
    if not chosen and not others:
        others = sorted(topics)[:1]
    for topic in others:
        every = _newest_first({kind: period for of in topics[topic].values() for kind, period in of.items()})
        kind = leading if leading in every else every[0]
        if len(topics[topic]) > 1:
            by = topic if topic[1:2].isupper() else in_sentence(topic)
            chosen.append(_watch(kpi_id, kind, chosen, f"What is it, by {by}?", chart="parts", topic=topic))
        elif TOTAL not in topics:
            [item] = topics[topic]
            chosen.append(_watch(kpi_id, kind, chosen, f"{item}: how has it changed?", topic=topic, item=item))
    # A figure of everybody, or of every item, before one of a single item.
    return sorted(chosen, key=_is_of_one_item)


def lines_of(kpi_id: str, figures: Figures, chosen: list[Watched]) -> list[Watched]:
    """Months of each service line that has mean and limits, beside what is `chosen` already."""
    limited = {
        item
        for ((kpi, topic, item), _), limit in figures.limits.items()
        if (kpi, topic) == (kpi_id, _LINES) and limit.mean is not None
    }
    return [
        _watch(kpi_id, Kind.month, chosen, f"{item}: how has it changed from month to month?", topic=_LINES, item=item)
        for item in sorted(limited - {one.item for one in chosen})
    ]


def _watch(kpi_id: str, kind: Kind, chosen: list[Watched], question: str, **how: str) -> Watched:
    """With the words that a board gives the same KPI for the same kind of period."""
    alike = [one for one in chosen if one.periods is kind]
    said = {"of": alike[0].of, "below": alike[0].below} if alike else {}
    return Watched.model_validate({"kpi_id": kpi_id, "question": question, "periods": kind, **said, **how})


def _is_of_one_item(one: Watched) -> bool:
    return one.chart == "trend" and one.item != TOTAL


def _shown(one: Watched) -> tuple[Kind, str, tuple[str, ...], str]:
    return one.periods, one.chart, tuple(one.topics), one.item


def _newest_first(latest: dict[Kind, Period]) -> list[Kind]:
    """Kinds of period by the end of the latest; a whole year before its parts."""
    return sorted(latest, key=lambda kind: (-latest[kind].end.toordinal(), kind.parts))
