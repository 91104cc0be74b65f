"""The open tables, from which disclosure control has taken what must not be shown, and the release of all that passed."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from expectations.catalogue import Catalogue
from orchestration.assets.groups import group_of
from orchestration.assets.retries import retried
from orchestration.code_version import code_version
from orchestration.release.open_schema import OPEN_TABLES
from orchestration.resources import WarehouseResource
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.release")

RELEASE_KEY = dg.AssetKey(["release"])


def open_tables_asset(settings: Settings, deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The assets of schema `kpi_open`: the KPI tables as everybody may see them."""

    @dg.multi_asset(
        name="suppress_open_tables",
        specs=[
            dg.AssetSpec(
                ["kpi_open", table],
                deps=deps,
                description=(
                    f"{table} as open/ releases it: local figures that could point at a child are suppressed (c) under the "
                    "declared disclosure policy; published figures are untouched."
                ),
                group_name=group_of("kpi_open"),
                owners=["team:send-governance"],
                kinds={"python", "duckdb"},
            )
            for table in OPEN_TABLES
        ],
        pool="warehouse",
    )
    def open_tables(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult[None]]:
        from orchestration.privacy.disclosure import load_policy
        from orchestration.release.ledger import read_ledger
        from orchestration.release.open_schema import build_open_schema

        log.info("suppressing what the open tables must not show")
        with retried(), warehouse.get_connection() as connection:
            built = build_open_schema(connection, load_policy(), read_ledger(settings))
        for table, rows in built.rows.items():
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["kpi_open", table]),
                metadata={
                    "dagster/row_count": rows,
                    "policy": f"{built.disclosure.policy_id} {built.disclosure.policy_version}",
                    "suppressed_values": built.disclosure.suppressed_values,
                },
            )

    return open_tables


def release_asset(settings: Settings, catalogue: Catalogue, deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that writes, audits and publishes a release folder and moves `store/current`."""

    @dg.asset(
        key=RELEASE_KEY,
        deps=deps,
        description=(
            "An immutable release folder: open/ (public KPI tables), restricted/ (marts for analysts) and evidence/ "
            "(what was checked). Published only when every gate passed for exactly these tables."
        ),
        group_name=group_of("release"),
        owners=["team:send-governance"],
        kinds={"duckdb", "parquet", "csv"},
        pool="warehouse",
    )
    def release(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        from expectations.data_docs import build_site
        from orchestration.built import end_build
        from orchestration.figures.headline import read_headline
        from orchestration.release.build import publish

        log.info("writing and auditing the release")
        with retried(), warehouse.get_connection() as connection:
            build_site(settings.quality_dir)
            outcome = publish(
                settings,
                connection,
                catalogue=catalogue,
                code_version=code_version(),
                run_id=context.run.run_id,
                now=datetime.now(UTC),
            )
        end_build(settings, context.run.root_run_id or context.run.run_id, outcome.release_id)
        return dg.MaterializeResult(
            metadata={
                "status": outcome.status,
                "message": outcome.message,
                "release_id": outcome.release_id,
                "headline": dg.MetadataValue.md(read_headline(outcome.folder)),
                "evidence": dg.MetadataValue.path(str(outcome.folder / "evidence" / "index.html")),
                "open_tables": dg.MetadataValue.path(str(outcome.folder / "open")),
            }
        )

    return release
