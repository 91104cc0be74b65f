"""The runbook does what it says: its blocks are typed into a shell, in order, on a small store.

Left out are those of the administrator, who needs a machine of his own, and those that take many minutes; their spelling is
checked, and the units of systemd by systemd itself. The shell has what the environment file of the service sets but places and
addresses, which are this test's own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from expectations.catalogue import load_catalogue
from orchestration.returns.land import land_return
from orchestration.settings import PROJECT_DIR, Settings
from tests.conftest import requests_csv
from tests.end_to_end.demo_failure import timeliness_csv
from tests.end_to_end.journey import Journey
from tests.servers import web_server

RUNBOOK = PROJECT_DIR / "docs" / "runbook.md"
UNITS = sorted((PROJECT_DIR / "docs" / "systemd").glob("*.service"))
SET = dict(
    re.findall(
        r"^(CORNERSTONE_\w+)=(.*)$", (PROJECT_DIR / "docs" / "systemd" / "cornerstone.env").read_text(), re.MULTILINE
    )
)
"""The environment file that is installed."""
INSTALLED = "/srv/cornerstone/app"
RETURN = "published_statistics"


@dataclass(frozen=True)
class Block:
    """What is typed, under which heading, and who types it: nobody in particular, the administrator, or one with time."""

    section: str
    kind: str
    text: str


def blocks() -> list[Block]:
    """Every block of the runbook, in order."""
    found = []
    section = ""
    for heading, kind, text in re.findall(
        r"^##+ (.+)$|^```(\S.*)\n((?:.*\n)*?)```$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE
    ):
        section = heading or section
        if kind:
            found.append(Block(section, kind.removeprefix("sh").strip(), text))
    return found


def test_every_block_is_for_somebody_and_is_spelt_as_a_shell_wants_it() -> None:
    assert {block.kind for block in blocks()} == {"", "administrator", "long"}
    for block in blocks():
        done = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, (block, done.stderr)


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units as on a machine where this checkout is what is installed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze, of the package systemd")
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(f"{INSTALLED}/.venv", sys.prefix))
    return sorted(tmp_path.glob("*.service"))


def test_systemd_finds_nothing_wrong_with_the_units_and_they_can_do_little_harm(units: list[Path]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    for unit in units:
        # 0 is safe and 10 unsafe; the threshold is in tenths.
        weighed = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", str(unit)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert weighed.returncode == 0, weighed.stdout


def test_the_units_the_settings_and_the_runbook_name_the_same_places() -> None:
    store = SET["CORNERSTONE_STORE"]
    [installed] = [block.text for block in blocks() if "useradd" in block.text]
    [made] = re.findall(r"^install -d (/srv/cornerstone/store .*)$", installed, re.MULTILINE)
    made = subprocess.run(["bash", "-c", f"echo {made}"], capture_output=True, text=True, check=True).stdout
    assert [unit.name for unit in UNITS] == ["cornerstone-daemon.service", "cornerstone-webserver.service"]
    for unit in UNITS:
        [writable] = re.findall(r"^ReadWritePaths=(.*)$", unit.read_text(), re.MULTILINE)
        assert writable.split() == [
            store, f"{SET['CORNERSTONE_RAW']}/inbox", f"{INSTALLED}/dbt_project/target", f"{INSTALLED}/dbt_project/logs"
        ]  # fmt: skip
        # systemd starts no unit that may write where nothing is.
        assert writable.split() == made.split()
        assert f"DAGSTER_HOME={store}/dagster" in unit.read_text()
        assert "UMask=0077" in unit.read_text()


class Shell:
    """The shell of the user `cornerstone`, and what the person at it knows."""

    def __init__(self, folder: Path) -> None:
        self.journey = Journey(folder / "store", folder / "raw")
        self.folder = folder
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {"PATH": path, "RETURN": RETURN, "HOME": str(folder)}
        self.variables = {**SET, **self.journey.environment, **own}

    def type(self, block: Block) -> tuple[int, str]:
        """Exit status and what was shown. The first command that fails ends the block."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            env=self.variables,
            cwd=PROJECT_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def write(self, name: str, content: str) -> str:
        """A file as somebody received it."""
        path = self.folder / name
        path.write_text(content)
        return str(path)

    def releases(self) -> list[dict[str, str]]:
        """Every release, the newest first."""
        listed = self.type(Block("", "", "cornerstone release list --json 2> /dev/null"))[1]
        return list(json.loads(listed))


Step = tuple[Callable[[Shell], None], int, str]
"""What happened before a block is typed, the exit status that it ends with, and something that it shows."""


def nothing(shell: Shell) -> None:
    """Nothing happened."""


def the_first_files_came(shell: Shell) -> None:
    shell.journey.drop("timeliness_20_week.csv", timeliness_csv("359"))


def the_first_release_waits(shell: Shell) -> None:
    [waiting] = shell.releases()
    assert waiting["approval"] == "pending"
    assert not shell.journey.current.exists()
    shell.variables["RELEASE"] = waiting["release_id"]


def the_first_release_is_read(shell: Shell) -> None:
    assert shell.journey.current.resolve().name == shell.variables["RELEASE"]


def a_file_came(shell: Shell) -> None:
    """It is sound by itself; that its figure cannot be true beside another is for a gate to say."""
    shell.variables["FILE"] = shell.write("timeliness_20_week (1).csv", timeliness_csv("500"))


def a_return_was_refused(shell: Shell) -> None:
    """The run that refused it built a release of everything else; here it is landed alone, which is quicker."""
    broken = requests_csv(period="never")
    shell.variables["REFUSED"] = shell.write("requests (1).csv", broken)
    shell.variables["REPORT"] = str(shell.folder / "report.html")
    shell.journey.drop("requests (1).csv", broken)
    settings = Settings(
        store=shell.journey.store, raw=shell.journey.raw, key_file=Path(shell.variables["CORNERSTONE_KEY_FILE"])
    )
    land_return(settings, RETURN, load_catalogue(settings.rules_dir), now=datetime.now(UTC))


def the_correction_came(shell: Shell) -> None:
    shell.variables["CORRECTED"] = shell.write("timeliness_20_week (2).csv", timeliness_csv("360"))


def a_release_waits(shell: Shell) -> None:
    waiting, earlier, *_ = shell.releases()
    assert (waiting["approval"], earlier["is_current"]) == ("pending", True)
    shell.variables |= {"RELEASE": waiting["release_id"], "EARLIER": earlier["release_id"]}


def the_release_was_a_mistake(shell: Shell) -> None:
    assert shell.journey.current.resolve().name == shell.variables["RELEASE"]


def it_is_night(shell: Shell) -> None:
    assert shell.journey.current.resolve().name == shell.variables["EARLIER"]
    for name in ("BACKUP", "KEY_BACKUP"):
        (shell.folder / name).mkdir()
        shell.variables[name] = str(shell.folder / name)


def the_machine_is_lost(shell: Shell) -> None:
    new = shell.folder / "another machine"
    new.mkdir()
    shell.variables |= {
        "CORNERSTONE_STORE": str(new / "store"),
        "CORNERSTONE_RAW": str(new / "raw"),
        "CORNERSTONE_KEY_FILE": str(new / "key" / "secret.key"),
    }
    shell.journey.store.rename(shell.folder / "lost")


STEPS: dict[str, list[Step]] = {
    "First run": [(the_first_files_came, 0, "secret.key"), (the_first_release_waits, 0, "and current.")],
    "Alerts": [(the_first_release_is_read, 0, "webhook: sent")],
    "Bring your own files": [(a_file_came, 1, "blocked")],
    "A refused return": [(a_return_was_refused, 2, "refused")],
    "A blocked release": [(nothing, 0, "release blocked by")],
    "A resubmission": [(the_correction_came, 0, "waits for approval")],
    "Approve a release, or go back": [
        (a_release_waits, 0, "and current."),
        (the_release_was_a_mistake, 0, "is current again."),
    ],
    "Back up": [(it_is_night, 0, ""), (nothing, 0, "")],
    "Restore": [(the_machine_is_lost, 0, "Nothing new in the inbox")],
    "Upgrade": [(nothing, 0, "Nothing new in the inbox")],
}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with web_server() as web:
        opened = Shell(tmp_path)
        opened.variables["CORNERSTONE_ALERT_WEBHOOK_URL"] = web.url
        yield opened


@pytest.mark.end_to_end
def test_every_block_that_is_typed_on_this_machine_does_what_the_runbook_says(shell: Shell) -> None:
    typed = [block for block in blocks() if block.kind == ""]
    assert list(dict.fromkeys(block.section for block in typed)) == list(STEPS)
    steps = {section: iter(own) for section, own in STEPS.items()}
    for block in typed:
        happened, status, shown = next(steps[block.section])
        happened(shell)
        ended, printed = shell.type(block)
        assert ended == status, (block, printed)
        assert shown in printed, (block, printed)
    assert [next(own, None) for own in steps.values()] == [None] * len(steps)
    restored = Path(shell.variables["CORNERSTONE_STORE"])
    assert (restored / "current").resolve().name == shell.variables["EARLIER"]
    assert (restored / "warehouse.duckdb").is_file()
    assert restored.stat().st_mode & 0o777 == 0o711
    assert (restored / "vault").stat().st_mode & 0o777 == 0o700
