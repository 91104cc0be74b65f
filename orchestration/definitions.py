"""Everything Dagster loads, assembled; no logic."""

import dagster as dg

from expectations.catalogue import load_catalogue
from orchestration.assets.gates import gate
from orchestration.assets.landing import landing_asset, received_asset
from orchestration.assets.models import control_asset, dbt_project, model_assets
from orchestration.assets.release import open_tables_asset, release_asset
from orchestration.automation.alerts import alerts_sensor
from orchestration.automation.jobs import refresh
from orchestration.dbt_manifest import KPI_STEP, dbt_executable, ensure_manifest
from orchestration.resources import InstalledDbtResource, WarehouseResource
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
open_tables = open_tables_asset(settings, deps=sorted(kpis.keys))

defs = dg.Definitions(
    assets=[
        *(received_asset(spec) for spec in specs),
        *(landing_asset(spec, settings, catalogue) for spec in specs),
        control_asset(settings),
        marts,
        kpis,
        open_tables,
        release_asset(settings, catalogue, deps=sorted(kpis.keys | open_tables.keys)),
    ],
    asset_checks=[
        gate("mart", settings, catalogue),
        gate("kpi", settings, catalogue),
        gate("open", settings, catalogue),
    ],
    jobs=[refresh],
    sensors=[alerts_sensor(settings, catalogue)],
    resources={
        "dbt": InstalledDbtResource(
            project_dir=str(project.project_dir),
            profiles_dir=str(settings.dbt_project_dir),
            dbt_executable=dbt_executable(),
        ),
        "warehouse": WarehouseResource(database=str(settings.warehouse_path)),
    },
)
