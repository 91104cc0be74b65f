"""Everything Dagster loads, assembled; no logic."""

import sys

import dagster as dg

from expectations.catalogue import load_catalogue
from orchestration.assets.expected import expected_check
from orchestration.assets.gates import gate
from orchestration.assets.landing import authority_asset, landing_asset, received_asset
from orchestration.assets.models import control_asset, dbt_project, model_assets
from orchestration.assets.release import open_tables_asset, release_asset
from orchestration.automation.alerts import alerts_sensor
from orchestration.automation.jobs import backfill_job, land_by_authority, overdue_job, refresh
from orchestration.automation.schedules import calendar_schedule, nightly_refresh
from orchestration.automation.sensors import authorities_sensor, inbox_sensor
from orchestration.dbt_manifest import DBT_EVENTS, KPI_STEP, ensure_manifest
from orchestration.resources import InstalledDbtResource, WarehouseResource
from orchestration.returns.calendar import load_calendar
from orchestration.returns.spec import load_spec, return_ids
from orchestration.settings import load_settings
from orchestration.warehouse import prepare_store

settings = load_settings()
prepare_store(settings)
ensure_manifest(settings)
catalogue = load_catalogue(settings.rules_dir)
specs = [load_spec(return_id) for return_id in return_ids()]
project = dbt_project(settings)
marts = model_assets("build_marts", "marts", project, settings)
kpis = model_assets(KPI_STEP, "kpi", project, settings)
calendars = [(spec, calendar) for spec in specs if (calendar := load_calendar(spec.return_id))]
expected = [expected_check(spec, calendar, settings) for spec, calendar in calendars]
look_for_overdue = overdue_job(expected)
open_tables = open_tables_asset(settings, deps=sorted(kpis.keys))

defs = dg.Definitions(
    assets=[
        *(received_asset(spec) for spec in specs),
        *(landing_asset(spec, settings, catalogue) for spec in specs),
        *(authority_asset(spec, settings, catalogue) for spec in specs if spec.by_authority),
        control_asset(settings),
        marts,
        kpis,
        open_tables,
        release_asset(settings, catalogue, deps=sorted(kpis.keys | open_tables.keys)),
    ],
    asset_checks=[
        *expected,
        gate("mart", settings, catalogue),
        gate("kpi", settings, catalogue),
        gate("open", settings, catalogue),
    ],
    jobs=[refresh, land_by_authority, *map(backfill_job, specs), look_for_overdue],
    schedules=[nightly_refresh, *(calendar_schedule(spec, calendar, look_for_overdue) for spec, calendar in calendars)],
    sensors=[inbox_sensor(settings, catalogue), authorities_sensor(settings), alerts_sensor(settings, catalogue)],
    resources={
        "dbt": InstalledDbtResource(
            project_dir=str(project.project_dir),
            profiles_dir=str(settings.dbt_project_dir),
            dbt_executable=sys.executable,
            global_config_flags=["-P", str(DBT_EVENTS)],
        ),
        "warehouse": WarehouseResource(database=str(settings.warehouse_path), limits=settings.database_limits),
    },
)
