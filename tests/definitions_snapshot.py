"""What Dagster loads, as one page to read and to compare with: `python -m tests.definitions_snapshot` writes it anew."""

import os
import tempfile
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

SNAPSHOT = Path(__file__).with_name("definitions.yaml")


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
                "from": ", ".join(sorted(key.to_user_string() for key in graph.get(spec.key).parent_keys)),
            }
            for spec in sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key.path)
        },
        "checks": _by_asset(list(graph.asset_check_keys)),
        "jobs": {
            job.name: ", ".join(sorted(node.name for node in job.nodes)) for job in sorted(jobs, key=lambda j: j.name)
        },
        "schedules": {
            one.name: f"{one.cron_schedule} {one.execution_timezone}: {one.job_name}"
            for one in sorted(definitions.schedules or (), key=lambda one: one.name)
            if isinstance(one, dg.ScheduleDefinition)
        },
        "sensors": {
            one.name: f"every {one.minimum_interval_seconds} s: "
            + (", ".join(target.job_name for target in one.targets) or "starts no job")
            for one in sorted(definitions.sensors or (), key=lambda one: one.name)
        },
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=140)


def _by_asset(checks: list[dg.AssetCheckKey]) -> dict[str, str]:
    assets = sorted({check.asset_key for check in checks}, key=lambda key: key.path)
    return {
        key.to_user_string(): ", ".join(sorted(check.name for check in checks if check.asset_key == key))
        for key in assets
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CORNERSTONE_STORE": f"{folder}/store", "CORNERSTONE_RAW": f"{folder}/raw"}
        from orchestration.definitions import defs

        SNAPSHOT.write_text(snapshot(defs), encoding="utf-8")
