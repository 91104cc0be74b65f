"""The release: the last step, which publishes only what both gates passed."""

import logging
from datetime import UTC, datetime

import dagster as dg

from expectations.catalogue import Catalogue
from orchestration.code_version import code_version
from orchestration.resources import WarehouseResource
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.release")

RELEASE_KEY = dg.AssetKey(["release"])


def release_asset(settings: Settings, catalogue: Catalogue, deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that writes, audits and publishes a release folder and moves `store/current`."""

    @dg.asset(
        key=RELEASE_KEY,
        deps=deps,
        description=(
            "An immutable release folder: open/ (public KPI tables), restricted/ (marts for analysts) and evidence/ "
            "(what was checked). Published only when both gates passed for exactly these tables."
        ),
        group_name="release",
        owners=["team:send-governance"],
        kinds={"duckdb", "parquet", "csv"},
        pool="warehouse",
    )
    def release(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        from orchestration.release.build import publish

        log.info("writing and auditing the release")
        with warehouse.get_connection() as connection:
            outcome = publish(
                settings,
                connection,
                catalogue=catalogue,
                code_version=code_version(),
                run_id=context.run.run_id,
                now=datetime.now(UTC),
            )
        return dg.MaterializeResult(
            metadata={
                "status": outcome.status,
                "message": outcome.message,
                "release_id": outcome.release_id,
                "evidence": dg.MetadataValue.path(str(outcome.folder / "evidence" / "index.html")),
                "open_tables": dg.MetadataValue.path(str(outcome.folder / "open")),
            }
        )

    return release
