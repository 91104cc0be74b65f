"""A small store with one release of an invented borough: its open database holds a figure of each kind that a pack tells."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.release.exports import OPEN_DATABASE
from orchestration.release.folders import point_current_to
from orchestration.release.manifest import Approval, Disclosure, GateResult, Manifest, write_manifest
from orchestration.release.verify import file_record
from orchestration.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RELEASE = "20260301T120000Z-11111111"

SCHEMA = """
create schema kpi;
create schema meta;
create table meta.release (release_id varchar, created_at timestamp, people varchar);
insert into meta.release values ('20260301T120000Z-11111111', '2026-03-01 12:00', 'invented people; published figures are real');
create table meta.source (publisher varchar, dataset varchar, release_names varchar, licence varchar);
insert into meta.source values ('Department for Education', 'Plans & <places>', 'all', 'Open Government Licence v3.0');
create table meta.glossary (term varchar, kind varchar, definition varchar);
insert into meta.glossary values
    ('EHC', 'abbreviation', 'Education, health and care.'), ('CAMHS', 'abbreviation', 'Mental health services.'),
    ('Statutory', 'term', 'Asked for by law.'), ('GIAS', 'abbreviation', 'Nothing in a pack says this.'),
    ('waiting', 'KPI column', 'A column.');
create table kpi.kpi_catalogue (
    kpi_id varchar, title varchar, definition varchar, numerator varchar, denominator varchar, unit varchar,
    source_return varchar, polarity varchar, is_judged_by_size boolean, statutory_basis varchar, outcome_statement varchar,
    aspiration varchar, target varchar, owner_role varchar, caveats varchar
);
insert into kpi.kpi_catalogue (kpi_id, title, definition, unit, polarity, is_judged_by_size, target, owner_role, caveats) values
    ('ehcp_20_weeks_excl_exceptions_pct', 'Plans <b>within</b> 20 weeks', 'Share within 20 weeks.', 'percent', 'higher', false,
     '100 (statutory)', 'Head of SEND', 'Regulation 13 (reference to be checked) & exceptions.'),
    ('ehcp_total', 'EHC plans maintained', 'Plans on census day', 'count', 'neutral', false, null, 'Head of SEND', null),
    ('ehc_health_advice_6_weeks_pct', 'Advice in six weeks', 'Share in 42 days.', 'percent', 'higher', false, null, 'Commissioner',
     null),
    ('neurodev_waiting_total', 'Waiting for assessment', 'Waiting.', 'count', 'lower', false, null, 'Commissioner', null),
    ('therapy_waiting_total', 'Children waiting', 'Waiting.', 'count', 'lower', false, null, 'Commissioner', null),
    ('dsg_cumulative_balance', 'DSG balance', 'Balance.', 'gbp', 'higher', false, null, 'Finance lead', null),
    ('place_gap_special', 'Special school places', 'Demand less places.', 'count', 'lower', false,
     'Planning figure, not a target: +161 by 2028', 'Sufficiency lead', null),
    ('linkage_rate_pct', 'Linkage', 'Share linked.', 'percent', 'higher', false, null, 'Data owner', null);
create table kpi.kpi_availability (kpi_id varchar, is_available boolean, reason varchar);
insert into kpi.kpi_availability
select kpi_id, kpi_id <> 'linkage_rate_pct', if(kpi_id = 'linkage_rate_pct', 'Not available: <not> counted yet.', 'Available.')
from kpi.kpi_catalogue;
create table kpi.kpi_value (
    kpi_value_key varchar, kpi_id varchar, breakdown_topic varchar default 'Total', breakdown varchar default 'Total',
    area_role varchar default 'own_authority', area_name varchar default 'Invented Borough', value_basis varchar default 'local',
    time_identifier varchar, time_period varchar, value decimal(18, 4), symbol varchar, value_label varchar,
    numerator decimal(18, 4), denominator decimal(18, 4), method varchar default 'computed from local counts',
    coverage_note varchar, series_break_note varchar, publisher varchar default 'Local calculation'
);
create table kpi.kpi_comparison (
    kpi_value_key varchar, kpi_id varchar, area_level varchar default 'local_authority', breakdown_topic varchar default 'Total',
    comparator_type varchar, comparator_name varchar, comparator_value decimal(18, 4), comparator_symbol varchar,
    neighbour_rank integer, neighbour_count integer, neighbour_quartile integer, rating varchar, difference_reason varchar
);
create table kpi.kpi_control_chart (
    kpi_id varchar, breakdown_topic varchar default 'Total', breakdown varchar default 'Total',
    area_role varchar default 'own_authority', value_basis varchar default 'local', time_identifier varchar, time_period varchar,
    point_count integer, mean_value decimal(18, 4), lower_limit decimal(18, 4), upper_limit decimal(18, 4),
    is_beyond_limits boolean, is_in_run boolean, is_in_trend boolean, not_interpretable_reason varchar
);
"""

FIGURES = """
-- 20 weeks: the latest year from returns alone, other areas a year before, a break before 2023.
insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value, numerator, denominator, series_break_note)
values
    ('w22', 'ehcp_20_weeks_excl_exceptions_pct', 'Calendar year', '2022', 51.6364, 142, 275, null),
    ('w23', 'ehcp_20_weeks_excl_exceptions_pct', 'Calendar year', '2023', 76.7442, 363, 473, 'Counted by person from now on.'),
    ('w24', 'ehcp_20_weeks_excl_exceptions_pct', 'Calendar year', '2024', 77.7056, 359, 462, null),
    ('w25', 'ehcp_20_weeks_excl_exceptions_pct', 'Calendar year', '2025', 79.3893, 416, 524, null);
insert into kpi.kpi_value (kpi_value_key, kpi_id, area_role, area_name, value_basis, time_identifier, time_period, value, publisher)
values
    ('p24', 'ehcp_20_weeks_excl_exceptions_pct', 'own_authority', 'Invented Borough', 'published', 'Calendar year', '2024', 77.7056,
     'Department for Education'),
    ('p25', 'ehcp_20_weeks_excl_exceptions_pct', 'own_authority', 'Invented Borough', 'published', 'Calendar year', '2025', 79.9,
     'Department for Education'),
    ('e24', 'ehcp_20_weeks_excl_exceptions_pct', 'england', 'England', 'published', 'Calendar year', '2024', 46.4344,
     'Department for Education');
insert into kpi.kpi_comparison (
    kpi_value_key, kpi_id, comparator_type, comparator_name, comparator_value, neighbour_rank, neighbour_count, rating,
    difference_reason
)
values
    ('w24', 'ehcp_20_weeks_excl_exceptions_pct', 'england', 'England', 46.4344, 7, 11, null, null),
    ('w24', 'ehcp_20_weeks_excl_exceptions_pct', 'region', 'Yorkshire and The Humber', 56.7489, 7, 11, null, null),
    ('w24', 'ehcp_20_weeks_excl_exceptions_pct', 'statistical_neighbour', 'Elsewhere & Co', 84.8624, 7, 11, null, null),
    ('w25', 'ehcp_20_weeks_excl_exceptions_pct', 'target', '100% within 20 weeks', 100, null, null, 'missed', null),
    ('w25', 'ehcp_20_weeks_excl_exceptions_pct', 'published_same_cell', 'Invented Borough', 79.9, null, null, null,
     'Two plans were told late.');
-- Plans: a year is missing.
insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value) values
    ('t1', 'ehcp_total', 'Academic year', '202223', 2885), ('t3', 'ehcp_total', 'Academic year', '202425', 3623);
-- The same January under another kind of period: never in one series.
insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value) values
    ('t9', 'ehcp_total', 'Spring term', '202425', 9999);
-- Advice: the latest month is withheld.
insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value, symbol) values
    ('a1', 'ehc_health_advice_6_weeks_pct', 'December', '2025', 80, null),
    ('a2', 'ehc_health_advice_6_weeks_pct', 'January', '2026', null, 'c');
-- Fourteen months, the last far above the limits of a control chart.
insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value, coverage_note)
select 'n' || number, 'neurodev_waiting_total', monthname(day), year(day)::varchar, if(number = 13, 160, 100 + number % 3),
    'Nine in ten are linked.'
from (select number, date '2024-12-01' + to_months(number::integer) as day from range(14) as months (number));
insert into kpi.kpi_control_chart (
    kpi_id, time_identifier, time_period, point_count, mean_value, lower_limit, upper_limit, is_beyond_limits
)
select 'neurodev_waiting_total', time_identifier, time_period, 14, 105.2, 91.4, 119.0, value > 119
from kpi.kpi_value where kpi_id = 'neurodev_waiting_total';
-- Waiting by service: one is withheld.
insert into kpi.kpi_value (kpi_value_key, kpi_id, breakdown_topic, breakdown, time_identifier, time_period, value, symbol) values
    ('s1', 'therapy_waiting_total', 'Service line', 'Occupational therapy', 'January', '2026', 132, null),
    ('s2', 'therapy_waiting_total', 'Service line', 'Occupational therapy', 'December', '2025', 129, null),
    ('s3', 'therapy_waiting_total', 'Service line', 'Community paediatrics', 'January', '2026', null, 'c'),
    ('s4', 'therapy_waiting_total', 'Service line', 'Speech and language therapy', 'January', '2026', 175, null),
    ('s5', 'therapy_waiting_total', 'Service line', 'Speech and language therapy', 'December', '2025', 162, null);
-- Money: forecasts of two financial years.
insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value, method, value_label) values
    ('d1', 'dsg_cumulative_balance', 'Financial year Q3', '202425', -1473581, 'a return, full-year forecast', 'adverse'),
    ('d2', 'dsg_cumulative_balance', 'Financial year Q4', '202425', -1457365, 'a return, full-year forecast', 'adverse'),
    ('d3', 'dsg_cumulative_balance', 'Financial year Q1', '202526', -207452, 'a return, full-year forecast', 'adverse'),
    ('d4', 'dsg_cumulative_balance', 'Financial year', '202425', -1412447, 'a return, outturn', 'adverse');
insert into kpi.kpi_value (kpi_value_key, kpi_id, breakdown_topic, breakdown, time_identifier, time_period, value) values
    ('g1', 'place_gap_special', 'Academic year, if nothing changes', '2027/28', 'Financial year Q4', '202526', 115),
    ('g2', 'place_gap_special', 'Academic year, if nothing changes', '2028/29', 'Financial year Q4', '202526', 161),
    ('g3', 'place_gap_special', 'Academic year, if the plan is carried out', '2028/29', 'Financial year Q4', '202526', 33),
    ('g4', 'place_gap_special', 'Academic year, if nothing changes', '2028/29', 'Financial year Q3', '202526', 150);
-- Told once a year, of the fourth quarter alone; one year is missing.
insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value) values
    ('y1', 'place_gap_special', 'Financial year Q4', '202223', 40), ('y3', 'place_gap_special', 'Financial year Q4', '202425', 20),
    ('y4', 'place_gap_special', 'Financial year Q4', '202526', 30);
"""


@dataclass(frozen=True)
class Store:
    """A store, and a way to change the open database of its release before it is published again."""

    settings: Settings
    publish: Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    settings = Settings(store=tmp_path / "store", raw=tmp_path / "raw")

    def publish(*statements: str, release_id: str = RELEASE, threshold: int = 5, status: str = "not_required") -> None:
        folder = settings.releases_dir / release_id
        database = folder / OPEN_DATABASE
        database.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(database)) as connection:
            if not connection.execute("select 1 from duckdb_tables()").fetchall():
                connection.execute(SCHEMA)
                connection.execute(FIGURES)
            for statement in statements:
                connection.execute(statement)
        write_manifest(folder, _manifest(folder, database, release_id, threshold, status))
        point_current_to(settings, release_id)

    publish()
    return Store(settings, publish)


def _manifest(folder: Path, database: Path, release_id: str, threshold: int, status: str) -> Manifest:
    gate = GateResult(gate="open", run_id="r", evaluated_at=NOON, rule_counts=[])
    return Manifest(
        release_id=release_id,
        created_at=NOON,
        run_id="r",
        code_version="0.1.0",
        previous_release=None,
        content_digest="c" * 64,
        catalogue_digest="d",
        duckdb_version="1",
        duckdb_storage_version="1",
        people="invented",
        inputs=[],
        tables=[],
        views=[],
        gates=[gate],
        disclosure=Disclosure(
            policy_id="policy",
            policy_version="1",
            audience="public",
            statement="Small counts are hidden.",
            threshold=threshold,
            zero_is_disclosive=False,
            rounding_base=1,
            min_denominator=10,
            min_contributors=3,
            dominance_pct=75,
            secondary=True,
            publish_extremes=False,
            primary_cells=1,
            secondary_cells=1,
            suppressed_values=1,
            unprotected_lines=0,
        ),
        approval=Approval(required=status != "not_required", status=status),
        files=[file_record(folder, database)],
    )
