"""A small warehouse as dbt and the gates leave it: one EHC plan KPI family, three areas, two submissions."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.cli import main
from orchestration.dbt_manifest import built_manifest
from orchestration.privacy.disclosure import DisclosurePolicy, load_policy
from orchestration.release.build import ReleaseOutcome, publish
from orchestration.release.digest import content_digest
from orchestration.release.inventory import SCHEMAS_OF_GATE, guarded_tables
from orchestration.release.ledger import read_ledger
from orchestration.release.open_schema import build_open_schema
from orchestration.settings import Settings
from tests.conftest import made_once

WAREHOUSE = """
create schema control;
create table control.submission (
    submission_id varchar, return_id varchar, period varchar, supplier varchar, sequence varchar, received_at timestamp,
    spec_version varchar, source_file varchar, sha256 varchar, table_name varchar, rows_read bigint, rows_landed bigint,
    rows_quarantined bigint, status varchar, reason varchar, supersedes varchar, is_current boolean
);
insert into control.submission values
    ('s1', 'published_statistics', '2025', 'dfe.ehc_plans.requests', '0', '2026-03-01 08:00', '1', 'requests <2025>.csv',
     'aa11', 'ees_row', 10, 9, 1, 'accepted', null, null, false),
    ('s2', 'published_statistics', '2025', 'dfe.ehc_plans.requests', '1', '2026-03-01 09:00', '1', 'requests.csv',
     'bb22', 'ees_row', 10, 10, 0, 'accepted', null, 's1', true),
    ('s3', 'published_statistics', '2025', 'dfe.ehc_plans.caseload', '0', '2026-03-01 09:00', '1', 'broken.csv',
     'cc33', 'ees_row', 0, 0, 0, 'refused', 'no rows', null, false);
create table control.rule_failure (
    rule_id varchar, submission_id varchar, source_file varchar, source_row bigint, table_name varchar
);
insert into control.rule_failure values ('PS-201', 's2', 'requests.csv', 3, 'ees_row');
create table control.rule_not_judged (rule_id varchar, submission_id varchar);
insert into control.rule_not_judged values ('PS-203', 's2'), ('PS-202', 's3');

create schema marts;
create table marts.dim_area (
    area_key varchar, area_level varchar, area_code varchar, area_name varchar, region_code varchar, region_name varchar
);
insert into marts.dim_area values
    ('1', 'england', 'E92000001', 'England', null, null),
    ('2', 'region', 'E12000003', 'Yorkshire and The Humber', 'E12000003', 'Yorkshire and The Humber'),
    ('3', 'local_authority', 'E08000018', 'Rotherham', 'E12000003', 'Yorkshire and The Humber');
create table marts.fct_published_statistic (
    published_statistic_key varchar, publisher varchar, dataset varchar, release_name varchar, value decimal(18, 4),
    submission_id varchar
);
insert into marts.fct_published_statistic values
    ('a', 'Department for Education', 'Education, health and care plans', 'EHC plans 2025', 959, 's2'),
    ('b', 'Department for Education', 'Education, health and care plans', 'EHC plans 2022', 285, 's1');
comment on table marts.fct_published_statistic is 'One published figure.';
comment on column marts.fct_published_statistic.value is 'The figure''s value, NULL beside a marker.';

create table marts.fct_ehc_statistic_comparison (
    series_code varchar, measure_code varchar, time_identifier varchar, time_period varchar, breakdown_topic varchar,
    breakdown varchar, release_name varchar, published_value decimal(18, 4), local_value decimal(18, 4), outcome varchar
);
insert into marts.fct_ehc_statistic_comparison values
    ('caseload', 'ehcplans', 'Academic year', '202425', 'Sex', 'Male', 'EHC plans 2025', 2572, 2572, 'reproduced'),
    ('caseload', 'ehcplans', 'Academic year', '202425', 'Sex', 'Unknown', 'EHC plans 2025', 9, 3, 'unexplained');
create table marts.dim_setting (setting_key varchar, urn varchar, setting_name varchar);
insert into marts.dim_setting values
    ('a', '900001', 'Invented Primary'), ('b', '900002', 'Invented Academy'), ('z', '900003', 'Invented & Missing');
create table marts.fct_census_completeness (
    la_code varchar, census_period varchar, census_day date, school_code varchar, setting_key varchar, is_expected boolean,
    is_landed boolean, register_pupil_count integer
);
insert into marts.fct_census_completeness values
    ('372', '2025-01', '2025-01-16', '900001', 'a', true, true, 200),
    ('372', '2025-01', '2025-01-16', '900002', 'b', true, true, 100),
    ('372', '2025-01', '2025-01-16', '900003', 'z', true, false, 100),
    ('372', '2025-01', '2025-01-16', '3729999', null, false, true, null),
    ('372', '2025-05', '2025-05-15', '3729999', null, false, true, null);
create table marts.dim_census_plan_reason (
    reason_code varchar, reason_order integer, reason_class varchar, reason_name varchar, definition varchar, action varchar
);
insert into marts.dim_census_plan_reason values
    ('in_both', 1, 'agrees', 'Plan in both returns', 'Both have it.', 'Nothing to do.'),
    ('ceased', 2, 'to_follow_up', 'Plan had <ceased>', 'The census alone has it.', 'Tell the school.'),
    ('elsewhere', 3, 'legitimate', 'Placed in another authority', 'Its schools return there.', 'Nothing to do.'),
    ('lost', 4, 'to_follow_up', 'Not on roll where placed', 'The school has not the child.', 'Ask the school.');
create table marts.fct_census_plan_child (
    la_code varchar, census_year integer, census_day date, child_key varchar, is_in_census boolean,
    is_in_plan_return boolean, reason_code varchar, reason_class varchar, placement_setting_key varchar
);
insert into marts.fct_census_plan_child
select '372', 2025, '2025-01-16', reason_code || number, in_census, in_return, reason_code, reason_class, placement
from (values
    ('in_both', 'agrees', true, true, 'a', 40), ('ceased', 'to_follow_up', true, false, null, 6),
    ('elsewhere', 'legitimate', false, true, null, 20), ('lost', 'to_follow_up', false, true, 'b', 3)
) as given (reason_code, reason_class, in_census, in_return, placement, children), range(children) as numbers (number);
create table marts.fct_dsg_bridge (
    la_code varchar, financial_year varchar, period_end date, basis varchar, forecast_quarter integer, opening_gbp bigint,
    in_year_before_transfers_gbp bigint, net_transfer_into_high_needs_gbp bigint, net_transfer_all_blocks_gbp bigint,
    safety_valve_payment_gbp bigint, other_adjustment_gbp bigint, closing_gbp bigint, agreed_closing_gbp bigint,
    published_closing_gbp bigint, published_rounded_to_gbp bigint, published_status varchar
);
create table marts.fct_dsg_position (
    la_code varchar, financial_year varchar, block varchar, line_code varchar, measure varchar, quarter integer,
    value_gbp bigint, known_from timestamp, is_restated boolean
);
create table marts.fct_high_needs_line (
    la_code varchar, financial_year varchar, line_code varchar, measure varchar, quarter integer, value_gbp bigint,
    known_from timestamp, is_restated boolean
);
create schema kpi;
create table kpi.kpi_catalogue (
    kpi_id varchar, title varchar, family varchar, definition varchar, unit varchar, source_return varchar default 'SEN2',
    numerator varchar, denominator varchar, caveats varchar, breakdowns varchar, frequency varchar,
    polarity varchar default 'neutral', statutory_basis varchar, outcome_statement varchar, aspiration varchar,
    published_comparator varchar, target varchar, owner_role varchar default 'Head of SEND'
);
insert into kpi.kpi_catalogue (kpi_id, title, family, definition, numerator, denominator, unit, source_return) values
    ('ehc_requests', 'Requests for assessment', 'ehcp_process', 'Requests received in the year.', 'Requests', null, 'count',
     'SEN2'),
    ('plans_20_weeks_pct', 'New plans issued in 20 weeks', 'ehcp_process', 'Share without exceptions.', 'In time', 'Plans',
     'percent', 'SEN2'),
    ('therapy_waiting', 'Children waiting', 'therapy_waits', 'Waiting at month end.', 'Waiting', null, 'count',
     'Therapy waiting list extract; SEN2');
create table kpi.kpi_value (
    kpi_value_key varchar, kpi_id varchar, area_level varchar, area_code varchar, area_name varchar, la_code varchar,
    time_identifier varchar, time_period varchar, breakdown_topic varchar, breakdown varchar,
    value decimal(18, 4), unit varchar, symbol varchar, numerator decimal(18, 4), denominator decimal(18, 4),
    value_label varchar, value_status varchar, value_basis varchar default 'published', coverage_note varchar,
    publisher varchar default 'Department for Education', submission_id varchar default 's2',
    area_role varchar, period_end date, method varchar default 'published', series_break_note varchar
);
insert into kpi.kpi_value (
    kpi_value_key, kpi_id, area_level, area_code, area_name, la_code, time_identifier, time_period, breakdown_topic,
    breakdown, value, unit, symbol
)
values
    ('1', 'ehc_requests', 'local_authority', 'E08000018', 'Rotherham', '372', 'Calendar year', '2024', null, null,
     959, 'count', null),
    ('2', 'ehc_requests', 'local_authority', 'E08000018', 'Rotherham', '372', 'Calendar year', '2024', 'Sex', 'Female',
     null, 'count', 'c'),
    ('3', 'ehc_requests', 'england', 'E92000001', 'England', null, 'Calendar year', '2024', null, null,
     154489, 'count', null),
    ('4', 'plans_20_weeks_pct', 'local_authority', 'E08000018', 'Rotherham', '372', 'Calendar year', '2024', null, null,
     77.7056, 'percent', null),
    ('5', 'plans_20_weeks_pct', 'region', 'E12000003', 'Yorkshire and The Humber', null, 'Calendar year', '2024',
     null, null, 61.25, 'percent', null),
    ('6', 'therapy_waiting', 'nhs_provider', 'RFR', 'The Rotherham NHS Foundation Trust', null, 'October', '2025',
     null, null, 182, 'count', null),
    ('7', 'ehc_requests', 'local_authority', 'E08000018', 'Rotherham', '372', 'Financial year', '202425', null, null,
     940, 'count', null);
update kpi.kpi_value
set
    area_role = case area_level
        when 'local_authority' then 'own_authority' when 'nhs_provider' then 'own_provider' else area_level
    end,
    period_end = case time_identifier
        when 'Calendar year' then date '2024-12-31' when 'Financial year' then date '2025-03-31' else date '2025-10-31'
    end;
create table kpi.kpi_comparison (
    kpi_comparison_key varchar, kpi_value_key varchar, kpi_id varchar, area_level varchar, breakdown_topic varchar,
    comparator_type varchar, comparator_name varchar, value decimal(18, 4), symbol varchar,
    comparator_value_key varchar, comparator_value decimal(18, 4), comparator_symbol varchar, difference decimal(18, 4),
    neighbour_rank integer, neighbour_count integer, neighbour_quartile integer, direction varchar, rating varchar,
    difference_outcome varchar, difference_reason varchar
);
create table kpi.kpi_availability (kpi_id varchar, is_available boolean, reason varchar);
comment on table kpi.kpi_value is 'One KPI for one area, period and breakdown.';
comment on column kpi.kpi_value.value is 'The KPI''s value; NULL beside a symbol.';
create view "warehouse"."kpi"."kpi_control_chart" as
select
    kpi_id, area_role, value_basis, time_identifier, time_period, breakdown_topic, breakdown, 1 as point_count,
    value as mean_value, value as lower_limit, value as upper_limit, false as is_beyond_limits, false as is_in_run,
    false as is_in_trend, null::varchar as not_interpretable_reason
from "warehouse"."kpi"."kpi_value"
where false;
create view "warehouse"."kpi"."kpi_ehcp_process" as
select kpi_value.* from "warehouse"."kpi"."kpi_value" inner join "warehouse"."kpi"."kpi_catalogue" using (kpi_id)
where kpi_catalogue.family = 'ehcp_process';
comment on view kpi.kpi_ehcp_process is 'EHC plan process, wide.';
create schema kpi_internal;
create view "warehouse"."kpi_internal"."safety_valve_dashboard" as
select kpi_value.kpi_id, kpi_value.value, area.area_name
from "warehouse"."kpi"."kpi_value" as kpi_value
inner join "warehouse"."marts"."dim_area" as area using (area_code);
comment on view kpi_internal.safety_valve_dashboard is 'To paste from.';
create table marts.fct_kpi_aim (kpi_aim_key varchar, kpi_id varchar, aim_label varchar, begun_on date);
create view "warehouse"."kpi_internal"."kpi_impact" as
select aim.* from "warehouse"."marts"."fct_kpi_aim" as aim inner join "warehouse"."kpi"."kpi_catalogue" using (kpi_id);

create schema intermediate;
create table intermediate.int_kpi__local_cell (
    cell_key varchar, la_code varchar, series_code varchar, measure_code varchar, time_identifier varchar,
    time_period varchar, cell_topic varchar, cell_breakdown varchar, cell_count bigint, people_count bigint,
    published_count bigint, is_already_published boolean, published_whole_count bigint
);
create table intermediate.int_kpi__local_component (
    kpi_value_key varchar, part varchar, weight decimal(18, 4), cell_key varchar
);
create view "warehouse"."intermediate"."int_kpi__availability" as
select kpi_id, count(value) > 0 as is_available, count(value) || ' numbers' as reason
from "warehouse"."kpi"."kpi_catalogue" left join "warehouse"."kpi"."kpi_value" using (kpi_id)
group by kpi_id;
insert into kpi.kpi_availability from intermediate.int_kpi__availability;
create schema seed;
create table seed.additive_measure (
    line_code varchar, total_series_code varchar, total_measure_code varchar, part_series_code varchar,
    part_measure_code varchar
);
create table seed.kpi_breakdown_topic (breakdown_topic varchar, is_withheld boolean);
insert into seed.kpi_breakdown_topic values
    ('Total', false), ('Sex', false), ('Item', false), ('Section 251 line', false), ('Ethnicity', false),
    ('Ethnicity major group', false), ('School phase', false), ('Ward', true), ('School', true);
create table seed.total_counterpart (
    series_code varchar, measure_code varchar, counterpart_series_code varchar, counterpart_measure_code varchar
);

create schema gate;
create table gate.verdict (
    gate varchar, table_name varchar, content_digest varchar, catalogue_digest varchar, verdict varchar, run_id varchar,
    evaluated_at timestamp
);
create table gate.rule_result (
    run_id varchar, gate varchar, rule_id varchar, severity varchar, failing_count bigint, rows_examined bigint,
    success boolean
);
"""

PLACES = """
alter table marts.dim_area add column la_code varchar;
alter table marts.dim_area add column comparator_role varchar;
update marts.dim_area set la_code = '372', comparator_role = 'own_authority' where area_code = 'E08000018';
alter table marts.dim_setting add column la_code varchar;
alter table marts.dim_setting add column la_name varchar;
alter table marts.dim_setting add column is_in_own_authority boolean;
alter table marts.dim_setting add column type_code varchar;
alter table marts.dim_setting add column type_name varchar;
alter table marts.dim_setting add column phase_name varchar;
alter table marts.dim_setting add column is_open boolean;
alter table marts.dim_setting add column is_current boolean;
alter table marts.dim_setting add column school_capacity_count integer;
alter table marts.dim_setting add column pupil_count integer;
alter table marts.dim_setting add column resourced_provision_name varchar;
alter table marts.dim_setting add column resourced_provision_capacity_count integer;
alter table marts.dim_setting add column sen_unit_capacity_count integer;
alter table marts.dim_setting add column lsoa_code varchar;
create table marts.dim_placement_group (placement_line_code varchar, placement_group_code varchar);
insert into marts.dim_placement_group values
    ('mainstream_academy', 'mainstream_total'), ('mainstream_academy_resourced_provision', 'mainstream_total'),
    ('mainstream_academy_senunit', 'mainstream_total'), ('mainstream_independent', 'mainstream_total'),
    ('special_academy', 'special_total'), ('special_independent', 'special_total'), ('neet', 'ed_elsewhere');
create table marts.fct_ehc_plan_census (
    la_code varchar, census_year integer, census_day date, view_code varchar, child_key varchar, ward_code varchar,
    placement_line_code varchar, setting_key varchar
);
create table marts.fct_census_pupil (
    la_code varchar, census_period varchar, child_key varchar, is_counted boolean, lsoa_code varchar, ward_code varchar
);
create table marts.fct_capital_place (
    la_code varchar, period_end date, provision_id varchar, provision_name varchar, provision_type varchar, phase varchar,
    places_commissioned decimal(9, 1), places_occupied integer, places_planned_next_september decimal(9, 1),
    is_current boolean
);
create table marts.fct_plan_forecast (
    la_code varchar, forecast_version varchar, origin_year integer, is_latest_version boolean, scenario_code varchar, measure_code varchar,
    census_year integer, horizon integer, age_group varchar, year_group varchar, transfer_due_date date, need_code varchar,
    placement_group_code varchar, provision_code varchar, need_table_no varchar, ward_code varchar, plan_count decimal(9, 2),
    low_count decimal(9, 2), high_count decimal(9, 2), actual_count integer, is_within boolean, total_model_code varchar,
    total_model_reason varchar
);
create table marts.fct_plan_forecast_published (
    la_code varchar, forecast_version varchar, origin_year integer, release_id varchar, published_date date,
    is_last_of_origin boolean, measure_code varchar, census_year integer, horizon integer, age_group varchar, year_group varchar,
    need_code varchar, placement_group_code varchar, provision_code varchar, need_table_no varchar, ward_code varchar,
    plan_count decimal(9, 2), low_count decimal(9, 2), high_count decimal(9, 2), actual_count integer, is_within boolean
);
create table marts.fct_forecast_back_test (
    la_code varchar, origin_year integer, horizon integer, is_chosen boolean, is_within boolean
);
create table marts.fct_place_gap (
    la_code varchar, scenario_code varchar, census_year integer, horizon integer, provision_code varchar, phase_code varchar,
    planning_area_code varchar, basis_code varchar, is_within_borough boolean, plan_count decimal(9, 2), low_count decimal(9, 2),
    high_count decimal(9, 2), demand_count decimal(9, 2), capacity_count decimal(9, 1), returned_gap_count integer
);
create table marts.fct_placement_cost_forecast (
    la_code varchar, scenario_code varchar, financial_year varchar, dsg_category_code varchar, value_type varchar,
    cost_gbp bigint, low_cost_gbp bigint, high_cost_gbp bigint, volume_gbp bigint, mix_gbp bigint, price_gbp bigint,
    high_needs_block_gbp bigint, other_spending_gbp bigint, in_year_gbp bigint, low_in_year_gbp bigint,
    high_in_year_gbp bigint, balance_gbp bigint, agreed_closing_gbp bigint
);
create table seed.kpi_target (
    kpi_id varchar, target_kind varchar, target_value integer, due_date date, target_label varchar, source varchar
);
create table seed.reform_plan_provision (
    reform_provision_code varchar, reform_provision_name varchar, provision_order integer
);
create table seed.placement_line_mapping (input_kind varchar, input_code varchar, placement_line_code varchar);
insert into seed.placement_line_mapping values
    ('establishment_type', '34', 'mainstream_academy'), ('establishment_type', '44', 'special_academy'),
    ('establishment_type', '10', 'special_independent'), ('sen_setting', '34', 'neet');
"""
"""What the places pages read beside it."""


# Models of dbt's manifest: schema, folders, description, and what each reads.
MODELS: dict[str, tuple[str, list[str], str, list[str]]] = {
    "kpi_source": ("seed", [], "Which measure makes which KPI.", []),
    "stg_published_statistics__figure": (
        "staging", ["staging", "published_statistics"], "One published <figure>.", ["source.published_statistics.figure"],
    ),
    "dim_area": ("marts", ["marts", "conformed"], "One area.", ["source.postcode_directory.postcode"]),
    "fct_published_statistic": (
        "marts", ["marts", "published_statistic"], "One published figure.", ["stg_published_statistics__figure", "dim_area"],
    ),
    "int_kpi__value": (
        "intermediate", ["kpi", "components"], "One value.", ["fct_published_statistic", "kpi_source", "dim_area"],
    ),
    "kpi_catalogue": ("kpi", ["kpi"], "One KPI.", []),
    "kpi_value": ("kpi", ["kpi"], "One KPI value.", ["int_kpi__value", "kpi_catalogue", "dim_area"]),
}  # fmt: skip


def write_dbt_manifest(path: Path, models: dict[str, tuple[str, list[str], str, list[str]]] | None = None) -> None:
    """What dbt leaves of these models, as far as it is read."""
    models = MODELS if models is None else models
    nodes = {
        f"model.{name}": {
            "name": name,
            "resource_type": "seed" if schema == "seed" else "model",
            "schema": schema,
            "fqn": ["cornerstone", *folders, name],
            "description": description,
            "depends_on": {"nodes": [one if one.startswith("source.") else f"model.{one}" for one in reads]},
        }
        for name, (schema, folders, description, reads) in models.items()
    }
    sources = {
        one: {"source_name": one.split(".")[1]}
        for *_, reads in models.values()
        for one in reads
        if one.startswith("source.")
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nodes": nodes, "sources": sources}))


@dataclass(frozen=True)
class SampleRule:
    """A rule as the rule catalogue offers it."""

    rule_id: str
    severity: str
    effect: str | None
    label: str
    return_id: str = "published_statistics"
    judged_rows: str | None = None

    def as_row(self) -> dict[str, str | None]:
        """One row of text columns."""
        return {
            "rule_id": self.rule_id,
            "return_id": self.return_id,
            "severity": self.severity,
            "effect": self.effect,
            "label": self.label,
            "owner": "Performance lead",
            "action": "Ask the publisher.",
        }


@dataclass(frozen=True)
class SampleCatalogue:
    """A rule catalogue with one rule of each kind."""

    digest: str = "catalogue-1"
    rules: tuple[SampleRule, ...] = field(
        default=(
            SampleRule("PS-201", "warn", "flag", "A count is not <negative> & whole"),
            SampleRule("PS-202", "observe", "flag", "A figure has a series"),
            SampleRule("PS-203", "observe", "flag", "A figure is of a known place"),
            SampleRule("EV-001", "observe", "flag", "A file is not empty", "every_return"),
            SampleRule("WL-001", "observe", "flag", "A wait has a start", "waiting_list"),
            SampleRule("PS-401", "block", None, "Keys are unique"),
            SampleRule("WL-401", "block", None, "A wait is counted once", "waiting_list"),
            SampleRule(
                "WL-402", "observe", None, "A wait is as published", "waiting_list", judged_rows="select 1 where false"
            ),
            SampleRule("PS-402", "warn", None, "A figure agrees with another"),
            SampleRule("SE-401", "warn", None, "A plan has a child", "sen2"),
            SampleRule("PS-501", "warn", None, "A share lies between 0 and 100"),
        )
    )


def every_table(policy: DisclosurePolicy) -> DisclosurePolicy:
    """The policy, but that no table is merged or withheld for showing too little: these are small."""
    collapse = policy.open_release.collapse.model_copy(update={"more_than_one_in": 1})
    return policy.model_copy(update={"open_release": policy.open_release.model_copy(update={"collapse": collapse})})


def make_warehouse(store: Path) -> None:
    """Make a store with the warehouse and the Data Docs."""
    settings = Settings(store=store)
    (settings.quality_dir / "data_docs").mkdir(parents=True)
    (settings.quality_dir / "data_docs" / "index.html").write_text("<p>Data Docs</p>", encoding="utf-8")
    write_dbt_manifest(built_manifest(settings))
    settings.store.chmod(0o755)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(WAREHOUSE)
        connection.execute(PLACES)
        build_open_schema(connection, every_table(load_policy()))


def data_docs_page(*rules: tuple[str, str, int]) -> str:
    """A page as Great Expectations draws it, of these rules: id, severity and failing rows."""
    rows = "".join(
        f'<tr><td id="c-{rule_id}-1"><div><i class="fas fa-times text-danger"></i></div></td>'
        f"<td><div><span>{rule_id} ({severity}) It holds. Owner: Performance lead.</span></div></td><td><div>{count}</div></td></tr>"
        for rule_id, severity, count in rules
    )
    return (
        "<html><head><script>var a;</script><style>td {color: red}</style></head><body><nav>Home</nav>"
        '<div id="section-1" class="ge-section"><h5 class="m-0">Overview</h5><script src="https://example.org/a.js"></script></div>'
        '<div id="section-2" class="ge-section"><table class="table" data-toggle="table"><thead><tr><th>Status</th>'
        f"<th>Expectation</th><th>Observed Value</th></tr></thead><tbody>{rows}</tbody></table></div></body></html>"
    )


def draw_data_docs(folder: Path, run_id: str) -> None:
    """The pages that gates and landings leave below the quality folder."""
    pages = {
        f"mart/{run_id}": data_docs_page(("PS-401", "block", 0), ("PS-402", "warn", 2), ("SE-401", "warn", 2)),
        f"kpi/{run_id}": data_docs_page(("PS-501", "warn", 2)),
        f"open/{run_id}": data_docs_page(),
        "landing/landing-published_statistics": data_docs_page(("PS-201", "warn", 1)),
        "landing/landing-sen2": data_docs_page(("SE-201", "warn", 7)),
    }
    for run, page in pages.items():
        path = folder / "data_docs" / "validations" / run / "20260302T080000.000000Z" / "page.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")


def pass_gates(connection: duckdb.DuckDBPyConnection, catalogue: SampleCatalogue, run_id: str = "gate-run") -> None:
    """Build the open tables, and record what the gates record when no blocking rule fails."""
    [(database,)] = connection.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    store = Settings(store=Path(database).parent)
    draw_data_docs(store.quality_dir, run_id)
    build_open_schema(connection, every_table(load_policy()), read_ledger(store))
    connection.execute("delete from gate.verdict; delete from gate.rule_result")
    for gate in SCHEMAS_OF_GATE:
        for schema, table in guarded_tables(connection, gate):
            digest = content_digest(connection, schema, table)
            connection.execute(
                "insert into gate.verdict values (?, ?, ?, ?, 'pass', ?, timestamp '2026-03-02 08:00')",
                [gate, f"{schema}.{table}", digest, catalogue.digest, run_id],
            )
    connection.execute("insert into gate.rule_result values (?, 'mart', 'PS-401', 'block', 0, 2, true)", [run_id])
    connection.execute("insert into gate.rule_result values (?, 'mart', 'WL-401', 'block', 0, 0, true)", [run_id])
    connection.execute("insert into gate.rule_result values (?, 'mart', 'WL-402', 'observe', 0, 0, true)", [run_id])
    connection.execute("insert into gate.rule_result values (?, 'mart', 'PS-402', 'warn', 2, 7, false)", [run_id])
    connection.execute("insert into gate.rule_result values (?, 'mart', 'SE-401', 'warn', 2, 7, false)", [run_id])
    connection.execute("insert into gate.rule_result values (?, 'kpi', 'PS-501', 'warn', 2, 7, false)", [run_id])


@pytest.fixture
def places(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts alone, with an open database attached that has no figure yet."""
    connection = duckdb.connect(str(tmp_path / "warehouse.duckdb"))
    connection.execute("set threads = 1")  # a few rows: more threads only cost
    connection.execute(WAREHOUSE)
    connection.execute(PLACES)
    connection.execute("attach ':memory:' as release_open; create schema release_open.kpi")
    connection.execute("create table release_open.kpi.kpi_value as from warehouse.kpi.kpi_value limit 0")
    yield connection
    connection.close()


NewWarehouse = Callable[[Settings], duckdb.DuckDBPyConnection]


@pytest.fixture(scope="session")
def new_warehouse(tmp_path_factory: pytest.TempPathFactory) -> NewWarehouse:
    """Gives a store a copy of the warehouse and the Data Docs; returns the open warehouse."""
    made = made_once(tmp_path_factory, "release-warehouse", lambda folder: make_warehouse(folder / "store"))

    def copied(settings: Settings) -> duckdb.DuckDBPyConnection:
        shutil.copytree(made / "store", settings.store)
        connection = duckdb.connect(str(settings.warehouse_path))
        connection.execute("set threads = 1")  # a few rows: more threads only cost
        return connection

    return copied


@pytest.fixture(scope="session")
def record_passes() -> Callable[..., None]:
    return pass_gates


@pytest.fixture(scope="session")
def write_manifest() -> Callable[..., None]:
    return write_dbt_manifest


@pytest.fixture(scope="session")
def catalogue() -> SampleCatalogue:
    return SampleCatalogue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=tmp_path / "store", raw=tmp_path / "raw", release_approval="none")


@pytest.fixture
def approval_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"release_approval": "required"})


@pytest.fixture
def warehouse(settings: Settings, new_warehouse: NewWarehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = new_warehouse(settings)
    yield connection
    connection.close()


Publish = Callable[..., ReleaseOutcome]


@pytest.fixture
def publish_at(warehouse: duckdb.DuckDBPyConnection, settings: Settings, catalogue: SampleCatalogue) -> Publish:
    """Pass the gates and publish: `publish_at(TUESDAY)`."""

    def run(now: datetime, *, settings: Settings = settings, code_version: str = "1.0") -> ReleaseOutcome:
        pass_gates(warehouse, catalogue)
        return publish(
            settings, warehouse, catalogue=catalogue, code_version=code_version, run_id=f"run-{now:%d}", now=now
        )

    return run


@pytest.fixture
def release_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What `cornerstone release ...` prints of the store: `release_command("revisions")`."""

    def run(*words: str) -> str:
        monkeypatch.setenv("CORNERSTONE_STORE", str(settings.store))
        monkeypatch.setattr("sys.argv", ["cornerstone", "release", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr().out

    return run
