"""One statement for each figure that a board watches."""

from orchestration.figures.boards import Watched
from orchestration.figures.breakdowns import state_parts, state_scenarios
from orchestration.figures.periods import Span
from orchestration.figures.released import Figures
from orchestration.figures.teller import Statement, Teller
from orchestration.figures.through_time import state_trend
from orchestration.figures.words import better

_CHARTS = {"trend": state_trend, "parts": state_parts, "scenarios": state_scenarios}


def state(number: int, watched: Watched, figures: Figures, span: Span | None) -> Statement:
    """Everything that is said of one figure.

    Args:
        number: its place in the pack, or among the pages.
        watched: what the board watches.
        figures: of the release.
        span: the days it is limited to; None for all that is held.
    """
    kpi = figures.kpis.get(watched.kpi_id)
    statement = Statement(number, watched, kpi)
    if kpi is None:
        statement.unavailable = "Not available: the release was made before this figure was defined."
        return statement
    statement.better = better(kpi.polarity, by_size=kpi.is_judged_by_size)
    _CHARTS[watched.chart](Teller(statement, kpi, figures, span))
    return statement
