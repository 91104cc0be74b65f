"""One more return, added to a copy of the project as the page on it says: it is released, and nothing that was there changed."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR

pytestmark = [pytest.mark.end_to_end]

PAGE = Path("docs/local_return/README.md")
NAME = "toy_loans"
ROOMS = (
    f"dbt_project/models/intermediate/{NAME}/",
    f"dbt_project/models/marts/{NAME}/",
    f"dbt_project/models/staging/{NAME}/",
    f"expectations/rules/{NAME}.yaml",
    f"orchestration/returns/specs/{NAME}/",
    f"orchestration/synthetic/local/{NAME}.py",
    f"tests/unit/expectations/{NAME}/",
)


@dataclass(frozen=True)
class Added:
    """The copy of the project after the walk, and the folder for what the walk wrote elsewhere."""

    project: Path
    elsewhere: Path

    def git(self, *arguments: str) -> list[str]:
        """The names that git tells."""
        told = subprocess.run(
            ["git", *arguments, "-z"], cwd=self.project, stdout=subprocess.PIPE, text=True, check=True
        )
        return [name for name in told.stdout.split("\0") if name]

    def query(self, sql: str, part: str = "open/send_kpis.duckdb") -> list[tuple[Any, ...]]:
        """The tables of its release, the open ones unless another part is named."""
        path = self.project / "store" / "current" / part
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def copied(project: Path) -> None:
    """The project as git has or would have it, under a git of its own, with the environment of this test."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (PROJECT_DIR / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_DIR / name, project / name)
    (project / ".venv").symlink_to(sys.prefix)
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    (project / ".git" / "info" / "exclude").write_text(".venv\n")
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Added:
    folder = tmp_path_factory.mktemp("added")
    project, elsewhere = folder / "project", folder / "elsewhere"
    copied(project)
    elsewhere.mkdir()
    walk = "\n".join(re.findall(r"^```sh\n(.*?)^```$", (project / PAGE).read_text(), re.MULTILINE | re.DOTALL))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", walk],
        cwd=project,
        env={name: value for name, value in os.environ.items() if not name.startswith(("CORNERSTONE_", "PYTEST_"))}
        | {
            "CORNERSTONE_KEY_FILE": str(folder / "secret.key"),
            "PYTHONPATH": str(project),
            "TMPDIR": str(elsewhere),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return Added(project, elsewhere)


def test_nothing_that_was_there_changed_and_the_only_python_is_the_recipe(added: Added) -> None:
    assert added.git("diff", "--name-only") == []
    new = added.git("ls-files", "--others", "--exclude-standard")
    assert [name for name in new if not name.startswith(ROOMS)] == []
    assert [room for room in ROOMS if not any(name.startswith(room) for name in new)] == []
    assert [name for name in new if name.endswith(".py")] == [f"orchestration/synthetic/local/{NAME}.py"]


def test_its_kpis_are_released_as_its_file_counts_them(added: Added) -> None:
    [path] = added.elsewhere.glob(f"*/{NAME}/*_lines.csv")
    counts: Counter[str] = Counter()
    with path.open(newline="") as file:
        for line in csv.DictReader(file):
            counts += {"made": int(line["made_count"]), "met": int(line["met_count"])}
    told = added.query(
        "select kpi_id, value::double, symbol from kpi.kpi_value where time_period = '2025' and breakdown_topic = 'Total'"
        f" and kpi_id like '{NAME}%' order by kpi_id"
    )
    assert told == [
        (f"{NAME}_met_pct", round(100 * counts["met"] / counts["made"], 4), None),
        (f"{NAME}_requests", counts["made"], None),
    ]
    [(target, rating)] = added.query(
        "select comparator_value::double, rating from kpi.kpi_comparison where time_period = '2025' and breakdown_topic = 'Total'"
        f" and kpi_id = '{NAME}_met_pct' and comparator_type = 'target'"
    )
    met = 100 * counts["met"] / counts["made"]
    assert (target, rating) == (90, "met" if met >= 90 else "within_tolerance" if met >= 85 else "missed")
    parts = added.query(
        f"select kpi_id, count(value) from kpi.kpi_value where kpi_id like '{NAME}%' and breakdown_topic = 'Kind of request'"
        " group by kpi_id order by kpi_id"
    )
    assert parts == [(f"{NAME}_met_pct", 3), (f"{NAME}_requests", 3)]


def test_its_marts_are_released_to_analysts_alone_after_its_own_rule_passed(added: Added) -> None:
    marts = added.query(
        f"select count(*), sum(made_count)::int from marts.fct_{NAME}_line where return_year = 2025",
        part="restricted/send_marts.duckdb",
    )
    made = added.query(
        f"select value::int from kpi.kpi_value where kpi_id = '{NAME}_requests' and time_period = '2025' and breakdown = 'Total'"
    )
    assert marts == [(3, made[0][0])]
    assert added.query("select gate, outcome from meta.rule_result where rule_id = 'TOY-201'") == [("mart", "passed")]


def test_readers_find_it_and_no_other_return_about_the_borough_was_needed(added: Added) -> None:
    assert added.query("select distinct return_id from meta.submission where return_id <> 'published_statistics'") == [
        (NAME,)
    ]
    assert added.query("select count(*) from meta.glossary where term = 'Request met'") == [(1,)]
    page = (added.project / "store" / "current" / "evidence" / "kpi_local_returns.html").read_text()
    assert "Requests met" in page
