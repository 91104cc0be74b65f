"""Jobs: the whole journey, one authority's files landed, the archive read again for one return, and a look at what is overdue."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.assets.landing import AUTHORITIES, BY_AUTHORITY, land_step, landed_key
from orchestration.dagster_home import ALONE
from orchestration.returns.spec import ReturnSpec

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

_APART = dg.AssetSelection.key_prefixes(BY_AUTHORITY)  # partitioned, which no job is with assets that are not

# In one process: GX and dbt imports dominate a small run, and a process a step would pay them each time. The assets
# are correct under the multi-process executor as well.
refresh = dg.define_asset_job(
    "refresh",
    selection=(dg.AssetSelection.all() - _APART) | dg.AssetSelection.all_asset_checks(),
    executor_def=dg.in_process_executor,
    tags=ALONE,
    description="Land whatever is new, build and check the marts, build and check the KPI tables, and release them.",
)

land_by_authority = dg.define_asset_job(
    "land_by_authority",
    selection=_APART,
    partitions_def=AUTHORITIES,
    executor_def=dg.in_process_executor,
    description=(
        "Land what lies in the inbox in the folder of one authority; runs of several authorities can go on at the same time."
        " The next refresh carries what landed to a release."
    ),
)


def backfill_job(spec: ReturnSpec) -> "UnresolvedAssetJobDefinition":
    """The job that reads the archive of one return again, for a range of periods, and carries what comes out to a release."""
    return dg.define_asset_job(
        f"backfill_{spec.return_id}",
        selection=dg.AssetSelection.assets(landed_key(spec.return_id)).downstream() - _APART,
        config={"ops": {land_step(spec.return_id): {"config": {"periods": "all"}}}},
        executor_def=dg.in_process_executor,
        tags=ALONE,
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
