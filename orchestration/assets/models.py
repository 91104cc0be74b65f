"""dbt models as assets, in two steps with a gate between them: marts, then KPI tables."""

import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets
from pydantic import Field

from orchestration.assets.groups import group_of
from orchestration.assets.landing import landed_key
from orchestration.assets.retries import retried
from orchestration.dbt_manifest import HOLDS, JOINS, dbt_environment
from orchestration.errors import Busy, CornerstoneError, room_wanted, says_locked
from orchestration.resources import WarehouseResource
from orchestration.returns.spec import return_ids
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.models")

CONTROL_KEY = dg.AssetKey(["warehouse", "control"])
OWNER = "team:data-engineering"
FAILED_TESTS = "failed_tests"
PARTIAL_PARSE = "partial_parse.msgpack"


class CornerstoneTranslator(DagsterDbtTranslator):
    """Keys and groups say the layer; a source is the asset that lands it."""

    def __init__(self) -> None:
        # dbt's tests run and stop the step; as checks of assets, hundreds of them, Dagster would need longer to write down
        # that they passed than dbt needs to run them.
        super().__init__(
            settings=DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True, enable_asset_checks=False)
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`<schema>/<name>`; for a source the landing asset of its return, or the control tables."""
        if dbt_resource_props["resource_type"] == "source":
            source = dbt_resource_props["source_name"]
            return landed_key(source) if source in return_ids() else CONTROL_KEY
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stage of the journey that a model's folder is (staging, intermediate, marts, kpi), or seed."""
        if dbt_resource_props["resource_type"] == "source":
            return None
        is_model = dbt_resource_props["resource_type"] == "model"
        return group_of(str(dbt_resource_props["fqn"][1] if is_model else dbt_resource_props["schema"]))

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """The data engineering team, unless the model's own config names someone."""
        return list(super().get_owners(dbt_resource_props) or [OWNER])


class ControlConfig(dg.Config):
    """What a build is asked for beside whatever changed."""

    anew: bool = Field(
        default=False, description="Build all again, also where nothing that arrived changes what is released."
    )


def control_asset(settings: Settings) -> dg.AssetsDefinition:
    """The control tables: which submissions there are, which count, and the settings models may read."""

    @dg.asset(
        key=CONTROL_KEY,
        deps=[landed_key(return_id) for return_id in return_ids()],
        description=(
            "Control tables in the working database: submissions and which of them count, landing flags, which person "
            "rows are one child, settings."
        ),
        group_name=group_of("landing"),
        owners=[OWNER],
        kinds={"python", "duckdb"},
        pool="warehouse",
        output_required=False,  # nothing that is made of what would be the same is made again
    )
    def control(
        context: dg.AssetExecutionContext, config: ControlConfig, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        from orchestration.built import begin_build, is_built
        from orchestration.linkage.child_key import link_children
        from orchestration.linkage.quality import measure_links
        from orchestration.store_lock import clear_copies
        from orchestration.warehouse import write_control_tables

        clear_copies(settings)  # a run of the service holds no lock of the whole store
        if not config.anew and is_built(settings):
            context.log.info(
                "Nothing that arrived changes what is released: nothing is built again. To have all built again, launch the run"
                " with `anew: true` as the config of warehouse__control."
            )
            return
        begin_build(settings, context.run.root_run_id or context.run.run_id)
        link_children(settings)
        measure_links(settings)
        with retried(), warehouse.get_connection() as connection:
            yield dg.MaterializeResult(metadata={"dagster/row_count": write_control_tables(connection, settings)})

    return control


def model_assets(name: str, selector: str, project: DbtProject, settings: Settings) -> dg.AssetsDefinition:
    """The dbt models of one selector, built and tested in one dbt process under the warehouse lock."""

    @dbt_assets(
        manifest=project.manifest_path,
        selector=selector,
        name=name,
        project=project,
        dagster_dbt_translator=CornerstoneTranslator(),
        pool="warehouse",
    )
    def build(context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: WarehouseResource) -> Iterator[Any]:
        target = settings.store / "dbt" / name
        # Each dbt invocation leaves compiled SQL and logs behind; only the last of each step is kept.
        shutil.rmtree(target, ignore_errors=True)
        take_parsed(settings, target)
        os.environ.update(dbt_environment(settings))
        log.info("building %s with dbt", selector)
        with warehouse.lock():
            # dbt's unit tests are about the code, not the data: `make test` runs them, a run over data does not.
            arguments = ["build", "--exclude-resource-type", "unit_test"]
            invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
            told = list(invocation.stream())
        keep_parsed(settings, target)
        # dbt tells of each test that it looked at a table.
        tests = Counter(event.asset_key for event in told if isinstance(event, dg.AssetObservation))
        events = [event for event in told if not isinstance(event, dg.AssetObservation)]
        if not invocation.is_successful():
            yield from events
            failure = dbt_failure(target, invocation.process.returncode, warehouse, str(invocation.get_error()))
            with retried():
                raise failure
        with retried(), warehouse.get_connection() as connection:
            counts = {
                f"{schema}/{table}": count
                for schema, table, count in connection.execute(
                    "select schema_name, table_name, estimated_size from duckdb_tables()"
                ).fetchall()
            }
        for event in events:
            key = _output_key(context, event)
            if key and "/".join(key.path) in counts:
                known = {"dagster/row_count": counts["/".join(key.path)], "dbt_tests_passed": tests[key]}
                yield event.with_metadata({**event.metadata, **known})
            else:
                yield event

    return build


def take_parsed(settings: Settings, target: Path) -> None:
    """Give dbt what it read of its project when it last built in this store, so that it reads only files that changed since.

    dbt does not use what was read for another store: paths of the store are part of it. dagster-dbt would hand it that of the
    project's own folder, which is of whichever store was prepared first.
    """
    parsed = settings.store / "dbt" / PARTIAL_PARSE
    if parsed.is_file():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(parsed, target / PARTIAL_PARSE)


def keep_parsed(settings: Settings, target: Path) -> None:
    """Keep what dbt read of its project for the next build in this store."""
    parsed = target / PARTIAL_PARSE
    if parsed.is_file():
        parsed.replace(settings.store / "dbt" / PARTIAL_PARSE)


def dbt_failure(target: Path, exit_status: int, warehouse: WarehouseResource, said: str = "") -> dg.Failure | Busy:
    """Which models and tests failed, by name; dbt's messages can hold values and stay in its log.

    Busy where another program had the working database open: that can pass. `said`: what dbt said of errors on standard output,
    which is there where its log could not be written.

    Metadata `failed_tests`, where nothing but data tests failed: of each its name, its table and how many rows failed it.
    """
    results = target / "run_results.json"
    log_file = target / "dbt.log"
    if log_file.is_file():
        said += log_file.read_text(encoding="utf-8", errors="replace")
    if wanted := room_wanted(said):
        return dg.Failure(wanted, allow_retries=False)
    if says_locked(said):
        return Busy("dbt could not open the working database: another program has it open. Close it and run again.")
    if exit_status < 0:
        return dg.Failure(f"dbt was killed (signal {-exit_status}); run again.", allow_retries=False)
    if not results.is_file():
        return dg.Failure(f"dbt could not start building; its log is {log_file}.", allow_retries=False)
    nodes = json.loads(results.read_text(encoding="utf-8"))["results"]
    failed = [node for node in nodes if node["status"] in ("error", "fail", "runtime error")]
    known = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    told = [_failed_tests(node, known[node["unique_id"]], warehouse) for node in failed if node["status"] == "fail"]
    tests = [test for of_node in told for test in of_node]
    broken = [node["unique_id"].split(".")[2] for node in failed if node["status"] != "fail"]
    names = ", ".join([*(str(test["test"]) for test in tests), *broken])
    return dg.Failure(
        f"dbt: {len(failed)} of {len(nodes)} models and tests failed ({names}); see {log_file}.",
        metadata={} if broken else {FAILED_TESTS: dg.MetadataValue.json(tests)},
        allow_retries=False,
    )


def _failed_tests(
    result: Mapping[str, Any], node: Mapping[str, Any], warehouse: WarehouseResource
) -> list[dict[str, Any]]:
    """What failed of one test of dbt's; where it holds a model to several things, its query is asked again which of them, and
    where it cannot be asked it is told as one."""
    table = str(node["attached_node"]).rpartition(".")[2]
    whole = {"test": result["unique_id"].split(".")[2], "table": table, "failing_rows": result["failures"]}
    if node["test_metadata"]["name"] not in (HOLDS, JOINS):
        return [whole]
    try:
        with warehouse.get_connection() as connection:
            told = connection.execute(
                "select kind, column_name, failing_rows"
                f" from ({result['compiled_code']}) as told order by kind, column_name"
            ).fetchall()
    except (CornerstoneError, duckdb.Error):
        return [whole]  # opened by another program, or built anew since: the test failed all the same
    return [
        {"test": f"{kind}_{table}_{column}", "table": table, "failing_rows": failing_rows}
        for kind, column, failing_rows in told
    ] or [whole]


def _output_key(context: dg.AssetExecutionContext, event: object) -> dg.AssetKey | None:
    return context.asset_key_for_output(event.output_name) if isinstance(event, dg.Output) else None


def dbt_project(settings: Settings) -> DbtProject:
    """The dbt project with its manifest where `orchestration.dbt_manifest` keeps it."""
    return DbtProject(project_dir=Path(settings.dbt_project_dir))
