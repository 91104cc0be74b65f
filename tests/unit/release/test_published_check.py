"""Published figures of the authority beside its own, as the evidence page shows them."""

import duckdb
import pytest

from orchestration.release.published_check import CheckedFigure, CheckedKpi, published_check


@pytest.fixture
def opened() -> duckdb.DuckDBPyConnection:
    """Open tables with three KPIs: one with a total, one by trust and line without one, one that returns do not hold."""
    connection = duckdb.connect()
    connection.execute(
        """
        create schema kpi_open;
        create table kpi_open.kpi_catalogue as
        from (values ('plans', 'Plans <issued>'), ('waits', 'Children waiting'), ('balance', 'Balance')) as kpis (kpi_id, title);
        create table kpi_open.kpi_value as
        select
            *, 'local_authority' as area_level, if(area_role = 'own_provider', 'Trust', 'Rotherham') as area_name,
            if(kpi_id = 'waits', 'October', 'Calendar year') as time_identifier,
            make_date(cast(time_period as integer), 12, 31) as period_end
        from (
            values
            ('p23', 'plans', 'count', 'own_authority', '2023', 'Total', 'Total', 1493.0, null, 'published'),
            ('p24', 'plans', 'count', 'own_authority', '2024', 'Total', 'Total', 596.0, null, 'published'),
            ('p25', 'plans', 'count', 'own_authority', '2025', 'Total', 'Total', null, 'x', 'published'),
            ('boys', 'plans', 'count', 'own_authority', '2024', 'Sex', 'Male', 400.0, null, 'published'),
            ('b24', 'plans', 'count', 'other', '2024', 'Total', 'Total', 70.0, null, 'published'),
            ('own', 'plans', 'count', 'own_authority', '2024', 'Total', 'Total', 590.0, null, 'local'),
            ('slt', 'waits', 'percent', 'own_provider', '2025', 'Service line', 'Speech', 88.46, null, 'published'),
            ('ot', 'waits', 'percent', 'own_provider', '2025', 'Service line', 'OT', 25.7143, null, 'published'),
            ('own ot', 'waits', 'percent', 'own_provider', '2025', 'Service line', 'OT', 25.70, null, 'local'),
            ('balance', 'balance', 'ratio', 'own_authority', '2022', 'Total', 'Total', -4.7249, null, 'published')
        ) as cells (
            kpi_value_key, kpi_id, unit, area_role, time_period, breakdown_topic, breakdown, value, symbol, value_basis
        );
        create table kpi_open.kpi_comparison as
        select *, 'published_same_cell' as comparator_type
        from (
            values
            ('own', 'plans', 'p24', 590.0, null, -6.0, 'explained', 'Without one school.'),
            ('own p25', 'plans', 'p25', 600.0, null, null, 'not_comparable', 'One of the two has no number.'),
            ('own boys', 'plans', 'boys', 390.0, null, -10.0, 'unexplained', 'No reason is known.'),
            ('own slt', 'waits', 'slt', null, 'c', null, null, null),
            ('own ot', 'waits', 'ot', 25.70, null, -0.0143, 'same', null)
        ) as compared (
            kpi_value_key, kpi_id, comparator_value_key, value, symbol, difference, difference_outcome, difference_reason
        );
        insert into kpi_open.kpi_comparison by name
        select 'own' as kpi_value_key, 'plans' as kpi_id, 'p23' as comparator_value_key, 'previous_period' as comparator_type
        """
    )
    return connection


def test_every_published_figure_stands_beside_the_own_one_with_the_reason(opened: duckdb.DuckDBPyConnection) -> None:
    def figure(kpi_id: str, title: str, *facts: str) -> CheckedFigure:
        return CheckedFigure(kpi_id, title, *facts)

    balance, plans, waits = published_check(opened)
    assert balance == CheckedKpi(
        *("balance", "Balance", 0, 0, 0, 0, 0),
        figures=[
            figure("balance", "Balance", "Calendar year 2022", "", "", "-4.72", "", "The returns do not hold it.")
        ],
    )
    assert plans == CheckedKpi(
        *("plans", "Plans <issued>", 0, 1, 1, 1, 0),
        figures=[
            figure(
                "plans",
                "Plans <issued>",
                *("Calendar year 2023", "", "", "1,493", "", "No return of the period gives it."),
            ),
            figure("plans", "Plans <issued>", *("Calendar year 2024", "", "590", "596", "-6", "Without one school.")),
            figure(
                "plans", "Plans <issued>", *("Calendar year 2025", "", "600", "x", "", "One of the two has no number.")
            ),
        ],
    )
    withheld = "Withheld: it could tell of too few children."
    assert waits == CheckedKpi(
        *("waits", "Children waiting", 1, 0, 0, 0, 1),
        figures=[
            figure("waits", "Children waiting", *("October 2025", "Trust, OT", "25.7", "25.7", "0.0", "The same.")),
            figure("waits", "Children waiting", *("October 2025", "Trust, Speech", "c", "88.5", "", withheld)),
        ],
    )


def test_without_published_figures_nothing_is_checked(opened: duckdb.DuckDBPyConnection) -> None:
    opened.execute("delete from kpi_open.kpi_value where value_basis = 'published'")
    assert published_check(opened) == []
