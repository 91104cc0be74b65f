"""Jobs: the whole journey, the archive read again for one return, and a look at what is overdue."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.assets.landing import land_step, landed_key
from orchestration.returns.spec import ReturnSpec

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

# In one process: GX and dbt imports dominate a small run, and a process a step would pay them each time. The assets
# are correct under the multi-process executor as well.
refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
    executor_def=dg.in_process_executor,
    description="Land whatever is new, build and check the marts, build and check the KPI tables, and release them.",
)


def backfill_job(spec: ReturnSpec) -> "UnresolvedAssetJobDefinition":
    """The job that reads the archive of one return again, for a range of periods, and carries what comes out to a release."""
    return dg.define_asset_job(
        f"backfill_{spec.return_id}",
        selection=dg.AssetSelection.assets(landed_key(spec.return_id)).downstream(),
        config={"ops": {land_step(spec.return_id): {"config": {"periods": "all"}}}},
        executor_def=dg.in_process_executor,
        description=(
            f"Read again what the archive holds of the {spec.title}, land what comes out otherwise than it stands, and go on to"
            f" a release. The Launchpad asks for periods: {spec.period_form.said}, a range of them as A..B, or all. Launched"
            " twice, it changes nothing the second time."
        ),
    )


def overdue_job(checks: Sequence[dg.AssetChecksDefinition]) -> "UnresolvedAssetJobDefinition":
    """The job that looks at what is expected of each return; it takes a moment and lands nothing."""
    return dg.define_asset_job(
        "look_for_overdue",
        selection=dg.AssetSelection.checks(*checks),
        executor_def=dg.in_process_executor,
        description="Show the periods that are expected by now, and say which are overdue. Nothing is landed or released.",
    )
