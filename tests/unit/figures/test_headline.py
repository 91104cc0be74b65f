"""A release in one line."""

from orchestration.figures.headline import read_headline
from tests.unit.figures.conftest import RELEASE, Store


def headline(store: Store) -> str:
    return read_headline(store.settings.releases_dir / RELEASE)


def test_it_tells_of_gates_figures_and_the_first_figure_that_boards_watch(store: Store) -> None:
    store.publish("delete from kpi.kpi_value where kpi_id not in ('ehcp_total', 'ehc_health_advice_6_weeks_pct')")
    # Of plans three numbers are left, of advice one and one that is withheld.
    assert headline(store) == ("Gates passed: open; 4 figures; **EHC plans maintained 3,623** (academic year 2024/25)")


def test_a_first_figure_that_is_not_there_is_said(store: Store) -> None:
    store.publish("delete from kpi.kpi_value where kpi_id = 'ehcp_total'")
    assert headline(store).endswith("; no figure of what boards watch first")
