"""The Dagster code location: everything loads, and everything says what it is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import dagster as dg
import pytest
from dagster_dbt import DbtCliResource

from expectations.catalogue import load_catalogue
from orchestration.assets.gates import check_name
from orchestration.assets.groups import group_of
from orchestration.assets.landing import check_results, landed_key, rules_by_check
from orchestration.dbt_manifest import dbt_executable
from orchestration.returns.calendar import calendar_ids
from orchestration.returns.land import LandingReport
from orchestration.returns.spec import return_ids
from orchestration.returns.submission import Submission
from orchestration.settings import Settings
from tests.definitions_snapshot import SNAPSHOT, snapshot


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    folder: Path = tmp_path_factory.mktemp("definitions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORNERSTONE_STORE", str(folder / "store"))
        patch.setenv("CORNERSTONE_RAW", str(folder / "raw"))
        from orchestration.definitions import defs

        yield defs


def test_every_asset_has_a_description_an_owner_a_kind_and_a_group(definitions: dg.Definitions) -> None:
    specs = definitions.resolve_all_asset_specs()
    assert len(specs) > 40
    incomplete = [
        spec.key.to_user_string()
        for spec in specs
        if not (spec.description and spec.owners and spec.kinds and spec.group_name)
    ]
    assert incomplete == []


def test_what_is_defined_is_what_was_agreed(definitions: dg.Definitions) -> None:
    """After a change that is meant: python -m tests.definitions_snapshot, and commit the difference."""
    agreed = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    difference = list(unified_diff(agreed, snapshot(definitions).splitlines(), "agreed", "now", lineterm="", n=0))
    assert not difference, "\n".join([*difference, "Where it is meant: python -m tests.definitions_snapshot"])


def test_every_return_has_its_backfill_and_every_calendar_its_schedule(definitions: dg.Definitions) -> None:
    jobs = {job.name for job in definitions.resolve_all_job_defs()}
    assert {f"backfill_{return_id}" for return_id in return_ids()} < jobs
    schedules = {schedule.name for schedule in definitions.schedules or ()}
    assert schedules == {"nightly_refresh", *(f"{return_id}_calendar" for return_id in calendar_ids())}


def test_the_launchpad_of_a_backfill_is_filled_in(definitions: dg.Definitions) -> None:
    for return_id in return_ids():
        job = definitions.resolve_job_def(f"backfill_{return_id}")
        assert job.run_config == {"ops": {f"landed__{return_id}": {"config": {"periods": "all"}}}}
        assert "release" in {node.name for node in job.nodes}
        assert dg.validate_run_config(job, job.run_config)


def test_the_assets_stand_in_the_groups_of_the_journey(definitions: dg.Definitions) -> None:
    groups = {spec.group_name for spec in definitions.resolve_all_asset_specs()}
    assert sorted(groups) == [
        "1_received", "2_landing", "3_seed", "4_staging", "5_intermediate", "6_marts", "7_kpi", "8_kpi_open", "9_release",
    ]  # fmt: skip


def test_every_asset_is_made_from_earlier_stages_or_its_own(definitions: dg.Definitions) -> None:
    """So that the lineage reads from left to right."""
    graph = definitions.resolve_asset_graph()
    # Some intermediate models are made from marts: the two stages count as one.
    one_stage = {group_of("intermediate"): group_of("marts")}
    group = {
        spec.key: one_stage.get(str(spec.group_name), str(spec.group_name))
        for spec in definitions.resolve_all_asset_specs()
    }
    backwards = [
        (parent.to_user_string(), key.to_user_string())
        for key in group
        for parent in graph.get(key).parent_keys
        if group[parent] > group[key]
    ]
    assert backwards == []


@pytest.mark.parametrize("return_id", return_ids())
def test_every_return_has_what_arrived_and_what_landed(definitions: dg.Definitions, return_id: str) -> None:
    graph = definitions.resolve_asset_graph()
    received, landed = dg.AssetKey(["received", return_id]), dg.AssetKey(["landed", return_id])
    assert graph.get(received).is_external
    assert graph.get(received).is_partitioned
    assert received in graph.get(landed).parent_keys


def test_the_checks_of_assets_are_the_rules_of_the_catalogue(definitions: dg.Definitions) -> None:
    catalogue = load_catalogue(Settings().rules_dir)
    checks = definitions.resolve_asset_graph().asset_check_keys
    gates = {check_name(rule) for level in ("mart", "kpi", "open") for rule in catalogue.for_level(level)}
    assert {check.name for check in checks if check.asset_key.path[0] not in ("landed", "received")} == gates
    for return_id in return_ids():
        by_check = rules_by_check(catalogue.about_landing(return_id))
        assert {check.name for check in checks if check.asset_key == landed_key(return_id)} == set(by_check)
        in_checks = [rule.rule_id for rules in by_check.values() for rule in rules]
        assert sorted(in_checks) == sorted(rule.rule_id for rule in catalogue.about_landing(return_id))


def test_only_gates_block(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    landing = [check for check in graph.asset_check_keys if check.asset_key.path[0] == "landed"]
    assert landing
    assert not any(graph.get_check_spec(check).blocking for check in landing)
    gates = [check for check in graph.asset_check_keys if check.name in ("PS_201", "PS_301", "DC_001")]
    assert {check.asset_key.path[0] for check in gates} == {"marts", "kpi", "kpi_open"}
    assert all(graph.get_check_spec(check).blocking for check in gates)


def test_one_job_refreshes_everything_in_one_process(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("refresh")
    assert job.executor_def.name == "in_process"
    steps = {node.name for node in job.nodes}
    assert {
        "build_marts",
        "mart_gate",
        "build_kpis",
        "kpi_gate",
        "suppress_open_tables",
        "open_gate",
        "release",
    } < steps
    assert {f"landed__{return_id}" for return_id in return_ids()} < steps


def test_great_expectations_is_not_imported_to_load_the_definitions(tmp_path: Path) -> None:
    environment = {**os.environ, "CORNERSTONE_STORE": str(tmp_path / "store"), "CORNERSTONE_RAW": str(tmp_path / "raw")}
    code = "import sys, orchestration.definitions; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr


def test_a_return_lands_after_those_that_its_rules_compare_with(definitions: dg.Definitions) -> None:
    catalogue = load_catalogue(Settings().rules_dir)
    graph = definitions.resolve_asset_graph()
    needed = {return_id: catalogue.needed_returns(return_id) for return_id in return_ids()}
    assert any(needed.values())
    for return_id, others in needed.items():
        assert {landed_key(other) for other in others} <= graph.get(landed_key(return_id)).parent_keys


JUDGED = Submission(
    "s1", "sen2", "2025", "la.372", "1", "2025-03-01", "1", "r.xml", "aa", "aa", tables={}, status="accepted", landing="l1"
)  # fmt: skip


def test_a_rule_that_was_not_judged_is_not_shown_as_passed() -> None:
    rules = [rule for rule in load_catalogue(Settings().rules_dir).for_landing("sen2") if rule.rule_id == "RS2-102"]
    judged = JUDGED
    open_one = replace(judged, submission_id="s2", source_file="open.xml", not_judged={"RS2-102": "Nothing at hand."})
    [passed] = check_results(rules_by_check(rules), LandingReport([], [judged], [], [], []))
    [shown] = check_results(rules_by_check(rules), LandingReport([], [judged, open_one], [], [], []))
    assert (passed.passed, passed.metadata["rules_failing"].value) == (True, 0)
    assert "findings" not in passed.metadata
    assert (shown.passed, shown.severity) == (False, dg.AssetCheckSeverity.WARN)
    [found] = shown.metadata["findings"].value.records
    assert (found.data["rule"], found.data["file"], found.data["not_judged"]) == (
        "RS2-102",
        "open.xml",
        "Nothing at hand.",
    )


def test_a_rule_that_fails_is_named_with_its_file_and_rows() -> None:
    rules = load_catalogue(Settings().rules_dir).about_landing("sen2")
    by_check = rules_by_check(rules)
    flagging = by_check["rules_that_flag"][0]
    failed = replace(JUDGED, failures={flagging.rule_id: 7})
    shown = {one.check_name: one for one in check_results(by_check, LandingReport([], [failed], [], [], []))}
    assert [name for name, one in shown.items() if not one.passed] == ["rules_that_flag"]
    [found] = shown["rules_that_flag"].metadata["findings"].value.records
    assert (found.data["rule"], found.data["failing_rows"], found.data["action"]) == (
        flagging.rule_id,
        7,
        flagging.action,
    )


def test_dbt_is_not_asked_for_its_version_before_each_build(
    definitions: dg.Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would ask the package index for newer ones; the version is known."""
    told = subprocess.run([dbt_executable(), "--version"], capture_output=True, text=True, check=True).stdout
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    assert definitions.resources is not None
    assert f"installed: {definitions.resources['dbt']._cli_version}" in told


def test_dbt_is_not_loaded_into_the_process_that_starts_it(definitions: dg.Definitions) -> None:
    """dagster-dbt would, some seconds a build, to look at tables in ways that nothing here asks for."""
    resource = (definitions.resources or {})["dbt"]
    assert DbtCliResource._initialize_dbt_core_adapter is not type(resource)._initialize_dbt_core_adapter
    assert resource._initialize_dbt_core_adapter([]) is None
