"""Before and after a start, as the portal tells of it: of the open figures alone."""

import shutil
from pathlib import Path

import duckdb

from orchestration.release.portal.impact import read_impact

FIGURES = """
create or replace table kpi.kpi_value as from kpi.kpi_value limit 0;
create or replace table marts.fct_kpi_aim as from marts.fct_kpi_aim limit 0;
insert into marts.fct_kpi_aim by name
select
    'aim' as kpi_aim_key, '372' as la_code, 'plan' as return_id, 'A' as aim_id, 'action' as aim_kind, 'Reminders' as aim_label,
    date '2024-11-01' as begun_on, 'therapy_dna_rate_pct' as kpi_id, 'Service line' as breakdown_topic,
    'Physiotherapy' as breakdown, true as is_known_kpi;
insert into kpi.kpi_value by name
select
    'month ' || number as kpi_value_key, 'therapy_dna_rate_pct' as kpi_id, 'local' as value_basis, 'own_authority' as area_role,
    'local_authority' as area_level, 'Service line' as breakdown_topic, 'Physiotherapy' as breakdown,
    monthname(period_start) as time_identifier,
    period_start, last_day(period_start) as period_end, 'percent' as unit, 'reported' as value_status,
    -- From November on far more than before.
    if(number < 10, 10 + 2 * (number % 2), 40) as value
from (select number, cast(date '2024-01-01' + to_months(number) as date) as period_start from range(13) as months (number));
create schema kpi_open;
create table kpi_open.kpi_catalogue as from kpi.kpi_catalogue;
create table kpi_open.kpi_control_chart as from kpi.kpi_control_chart limit 0;
"""
WITHHELD = """
create or replace table kpi_open.kpi_value as
select * replace (if(kpi_value_key in ({months}), null, value) as value,
    if(kpi_value_key in ({months}), 'confidential', value_status) as value_status)
from kpi.kpi_value
"""


def test_no_mean_limit_or_signal_tells_of_a_figure_that_is_withheld(empty_warehouse_path: Path, tmp_path: Path) -> None:
    shutil.copy(empty_warehouse_path, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(FIGURES)
        connection.execute(WITHHELD.format(months="'month 10', 'month 12'"))
        [unsuppressed] = connection.execute(
            "select outcome_code, after_count, after_mean from kpi_internal.kpi_impact"
        ).fetchall()
        assert unsuppressed == ("signal_up", 3, 40)
        [told] = read_impact(connection)
        assert (told["before_count"], told["before_mean"], told["after_count"], told["after_mean"]) == (10, 11, 1, 40)
        assert (told["above_limits_count"], told["after_withheld_count"]) == (1, 2)
        # Whatever the withheld figures are, the page says the same.
        connection.execute("update kpi.kpi_value set value = 0 where kpi_value_key in ('month 10', 'month 12')")
        assert read_impact(connection) == [told]
        # All months since withheld: no signal is left. One before withheld: neither is a mean that it could be worked out from.
        connection.execute(WITHHELD.format(months="'month 10', 'month 11', 'month 12'"))
        [told] = read_impact(connection)
        assert (told["outcome_code"], told["after_mean"]) == ("no_period_after", None)
        connection.execute(WITHHELD.format(months="'month 4'"))
        [told] = read_impact(connection)
        assert (told["outcome_code"], told["lower_limit"], told["above_limits_count"]) == (
            "withheld_before",
            None,
            None,
        )
