"""Jobs."""

import dagster as dg

# In one process: GX and dbt imports dominate a small run, and a process a step would pay them each time. The assets
# are correct under the multi-process executor as well.
refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Land whatever is new, build and check the marts, build and check the KPI tables, and release them.",
)
