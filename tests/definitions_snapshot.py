"""What Dagster loads, as one page to read and to compare with: `python -m tests.definitions_snapshot` writes it anew.

What a local return brings is left out, so that one more changes no page: it has what every return has, which tests ask of each.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from expectations.catalogue import load_catalogue
from orchestration.assets.gates import check_name
from orchestration.returns.kpis import local_return_ids
from orchestration.settings import Settings

SNAPSHOT = Path(__file__).with_name("definitions.yaml")


def is_local(name: str) -> bool:
    """Whether an asset, step, job or schedule is a local return's: it carries the name of one."""
    return any(return_id in name for return_id in local_return_ids())


def snapshot(definitions: dg.Definitions) -> str:
    """Assets with group, owners, kinds and what they are made from; checks, jobs with their steps, schedules, sensors."""
    graph = definitions.resolve_asset_graph()
    jobs = [job for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")]
    content: dict[str, Any] = {
        "assets": {
            spec.key.to_user_string(): {
                "group": spec.group_name,
                "owners": ", ".join(spec.owners),
                "kinds": ", ".join(sorted(spec.kinds)),
                "from": _listed(key.to_user_string() for key in graph.get(spec.key).parent_keys),
            }
            for spec in sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key.path)
            if not is_local(spec.key.to_user_string())
        },
        "checks": _by_asset(list(graph.asset_check_keys)),
        "jobs": {
            job.name: _listed(node.name for node in job.nodes)
            for job in sorted(jobs, key=lambda j: j.name)
            if not is_local(job.name)
        },
        "schedules": {
            one.name: f"{one.cron_schedule} {one.execution_timezone}: {one.job_name}"
            for one in sorted(definitions.schedules or (), key=lambda one: one.name)
            if isinstance(one, dg.ScheduleDefinition) and not is_local(one.name)
        },
        "sensors": {
            one.name: f"every {one.minimum_interval_seconds} s: "
            + (", ".join(target.job_name for target in one.targets) or "starts no job")
            for one in sorted(definitions.sensors or (), key=lambda one: one.name)
        },
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=140)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(name for name in names if not is_local(name)))


def _by_asset(checks: list[dg.AssetCheckKey]) -> dict[str, str]:
    """Checks by asset, without those of local returns' assets and rules."""
    rules = load_catalogue(Settings().rules_dir).rules
    local = {check_name(rule) for rule in rules if is_local(rule.return_id)}
    kept = [check for check in checks if not is_local(check.asset_key.to_user_string()) and check.name not in local]
    assets = sorted({check.asset_key for check in kept}, key=lambda key: key.path)
    return {
        key.to_user_string(): ", ".join(sorted(check.name for check in kept if check.asset_key == key))
        for key in assets
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CORNERSTONE_STORE": f"{folder}/store", "CORNERSTONE_RAW": f"{folder}/raw"}
        from orchestration.definitions import defs

        SNAPSHOT.write_text(snapshot(defs), encoding="utf-8")
