"""Disturb runs, one after the other, by seed; and judge what became of them."""

import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path

import duckdb

from orchestration.release.lifecycle import show_release
from orchestration.settings import PROJECT_DIR, Settings
from tests.chaos import world
from tests.chaos.disturb import BALLAST, Disturbance, deliver
from tests.chaos.landing import PRELOADED, run_disturbed
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.end_to_end.journey import Journey

NOBODY = 65534
DISK_BYTES = 96 * 1024**2
HELD_SECONDS = 5.0
POLL_SECONDS = 0.25
HOLD = {
    "warehouse.duckdb": "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep({0})",
    "landing.lock": "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print('held', flush=True);"
    " time.sleep({0})",
}
KILLED = -9
OUTSIDE = ("read_only", "lock", "clock")  # disturbed from outside, all the while
KILLED_RUNS = [one for one in SCENARIOS if (one.kind, one.scope) == ("kill", "run")]


@dataclass
class Ran:
    """One disturbed run: what was done to it, what it came to, and what was wrong with that."""

    seed: int
    scenario: str
    moment: str
    happened: str = ""
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`held`, `FAILED`, or `skipped` where the machine does not let it be tried."""
        return "FAILED" if self.faults else "skipped" if self.happened.startswith("skipped") else "held"


@dataclass(frozen=True)
class Ended:
    """How a process ended and what it said."""

    exit_code: int
    said: str
    counted: dict[str, int] = field(default_factory=dict)

    @property
    def was_struck(self) -> bool:
        """Whether the moment came."""
        return "struck:" in self.said

    @property
    def error(self) -> str:
        """The sentence it ended with."""
        return next((line for line in self.said.splitlines() if line.startswith("error:")), "")


@contextmanager
def watched(look: Callable[[], Sequence[str]]) -> Iterator[list[str]]:
    """Look again and again while the body runs; gives what was found wrong."""
    found: list[str] = []
    is_over = threading.Event()

    def poll() -> None:
        while not is_over.is_set():
            found.extend(one for one in look() if one not in found)
            is_over.wait(POLL_SECONDS)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join()


class Landings:
    """Landings that are disturbed: a store at each step of its deliveries, each disturbed run in a copy of one."""

    def __init__(self, work: Path) -> None:
        os.environ["PYTHONPATH"] = str(PROJECT_DIR)
        self.work = work
        self.context: ForkServerContext = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)
        self.staged = {step: work / f"staged-{step}" for step in range(world.EXTRA + 1)}
        self.content: dict[int, dict[str, str]] = {}
        self.counted: dict[int, dict[str, int]] = {}
        self.code: dict[int, int] = {}
        for step, folder in self.staged.items():
            world.stage(folder, step)

    def make_references(self) -> None:
        """The undisturbed store at each step, and how many changes come after each of its lines."""
        for step in self.staged:
            home = self.home(step)
            if step == world.BASE:
                home.mkdir()
            else:
                world.copy_home(self.home(step - 1), home)
            deliver(self.staged[step], home / "raw" / "inbox")
            ended = self.run(home, Disturbance("none", str(home / "store")))
            if ended.exit_code:
                raise RuntimeError(f"the undisturbed landing of step {step} ended with {ended.exit_code}: {ended.said}")
            self.content[step] = world.content(world.settings_of(home))
            self.counted[step] = ended.counted

    def home(self, step: int) -> Path:
        """Where the undisturbed store of a step lies."""
        return self.work / f"step-{step}"

    def run(self, home: Path, disturbance: Disturbance, *, shift_seconds: int = 0, user: int | None = None) -> Ended:
        """One landing, in a process of its own."""
        said = self.work / "said.txt"
        process = self.context.Process(
            target=run_disturbed,
            args=(world.variables_of(home), disturbance.as_json(), shift_seconds, str(said), user),
        )
        process.start()
        process.join()
        counts = said.with_name("said.txt.json").read_text()
        return Ended(int(process.exitcode or 0), said.read_text(), json.loads(counts) if counts else {})

    def changes_after(self, step: int, line: str) -> int:
        """How many changes to the store come after a line in the undisturbed landing of a step."""
        return max((count for told, count in self.counted[step].items() if told.startswith(line.strip())), default=0)

    def disturb(self, seed: int, scenario: Scenario) -> Ran:
        """Disturb one landing as the seed says, judge it, land again undisturbed, and compare."""
        draw = random.Random(seed)
        step = world.LAST if scenario.kind == "deliver" else draw.randint(1, world.LAST)
        lines = [line for line in scenario.after if self.changes_after(step, line)]
        after = draw.choice(lines or [""])
        changes = draw.randint(0, max(0, min(scenario.changes, self.changes_after(step, after) - 1)))
        delay = draw.choice([0.0, 0.0, round(draw.uniform(0.0, 0.3), 3)]) if scenario.kind == "kill" else 0.0
        moment = f"step {step}, {changes} changes" + (f" after “{after.strip()}”" if after else "")
        ran = Ran(seed, scenario.name, moment + (f" and {delay} s" if delay else ""))
        started = time.perf_counter()
        home = self.work / f"seed-{seed}"
        with self._on_disk(home, small=scenario.kind == "disk_full") as is_there:
            if not is_there:
                ran.happened = "skipped: no file system can be mounted here"
                return ran
            shutil.copytree(self.home(step - 1), home, symlinks=True, dirs_exist_ok=True)
            asked = Disturbance(
                scenario.kind, str(home / "store"), after, changes, delay, scenario.free_bytes,
                str(self.staged[world.EXTRA]), str(home / "raw" / "inbox"),
            )  # fmt: skip
            self._judge(ran, home, step, scenario, asked)
        ran.seconds = round(time.perf_counter() - started, 1)
        if not ran.faults:
            shutil.rmtree(home, ignore_errors=True)
        return ran

    @contextmanager
    def _on_disk(self, home: Path, *, small: bool) -> Iterator[bool]:
        """A folder for a store; `small`: on a disk of its own. False where none can be mounted."""
        home.mkdir()
        if not small:
            yield True
            return
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "none", str(home)]
        if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
            yield False
            return
        try:
            yield True
        finally:
            subprocess.run(["umount", "--lazy", str(home)], check=True)

    def _judge(self, ran: Ran, home: Path, step: int, scenario: Scenario, asked: Disturbance) -> None:
        settings = world.settings_of(home)
        deliver(self.staged[step], home / "raw" / "inbox")
        delivered = world.shipped(self.staged[step])
        with watched(lambda: world.torn_landings(settings)) as torn:
            ended = self._strike(home, scenario, asked)
        ran.happened = _told(ended, has_moment=scenario.kind not in OUTSIDE)
        ran.faults += [f"a landing was seen that does not hold its rows: {one}" for one in torn]
        ran.faults += _misbehaved(scenario, ended)
        after = world.EXTRA if scenario.kind == "deliver" and ended.was_struck else step
        ran.faults += [f"lost: {delivered[one]}" for one in world.lost_files(settings, delivered)]
        clean = self.run(home, Disturbance("none", str(home / "store")))
        if clean.exit_code:
            ran.faults.append(f"the next run ended with {clean.exit_code}: {clean.error or clean.said[-400:]}")
            return
        ran.faults += [f"left over: {one}" for one in world.left_over(settings)]
        found, wanted = world.content(settings), self.content[after]
        ran.faults += [f"differs: {name}" for name in wanted if found.get(name) != wanted[name]]
        ran.faults += [f"too much: {name}" for name in found.keys() - wanted.keys()]

    def _strike(self, home: Path, scenario: Scenario, asked: Disturbance) -> Ended:
        store = home / "store"
        if scenario.kind == "read_only":
            user = NOBODY if os.geteuid() == 0 else None
            if user is not None:
                world.owned_by(home, user)
            world.writable(store, is_writable=False)
            try:
                return self.run(home, Disturbance("none", str(store)), user=user)
            finally:
                world.writable(store, is_writable=True)
                world.owned_by(home, os.geteuid())
        if scenario.kind == "lock":
            code = HOLD[scenario.held].format(HELD_SECONDS)
            holder = subprocess.Popen([sys.executable, "-c", code, store / scenario.held], stdout=subprocess.PIPE)
            assert holder.stdout is not None
            holder.stdout.readline()
            try:
                return self.run(home, Disturbance("none", str(store)))
            finally:
                holder.wait()
        if scenario.kind == "clock":
            return self.run(home, Disturbance("none", str(store)), shift_seconds=scenario.shift_seconds)
        ended = self.run(home, asked)
        (store / BALLAST).unlink(missing_ok=True)
        return ended


def _told(ended: Ended, *, has_moment: bool) -> str:
    if ended.exit_code == KILLED:
        last = [line for line in ended.said.splitlines() if line.startswith("[") and "struck:" not in line]
        return f"killed after “{last[-1].partition('] ')[2][:60]}”" if last else "killed before it said anything"
    struck = "" if ended.was_struck or not has_moment else ", undisturbed: the moment never came"
    return (
        f"ended with {ended.exit_code}: {ended.error[7:90]}" if ended.error else f"ended with {ended.exit_code}{struck}"
    )


def _misbehaved(scenario: Scenario, ended: Ended) -> list[str]:
    """Where a process did not end as it should have."""
    faults = []
    if "Traceback" in ended.said:
        faults.append(f"a traceback: {ended.said[-300:]}")
    wanted = {"kill": KILLED, "disk_full": 2, "read_only": 2}.get(scenario.kind, 0)
    struck = scenario.kind not in ("kill", "disk_full") or ended.was_struck
    # A disk can be full and what was left to write still fit.
    allowed = {wanted, 0} if scenario.kind == "disk_full" else {wanted}
    if struck and ended.exit_code not in allowed:
        faults.append(f"ended with {ended.exit_code}, not {wanted}: {ended.error or ended.said[-300:]}")
    if ended.exit_code == 2:
        word = {"disk_full": "disk is full", "read_only": "may not be read or written"}.get(scenario.kind, "")
        if word not in ended.error:
            faults.append(f"the sentence does not say why: {ended.error!r}")
    return faults


def torn_release(journey: Journey, seen: set[str]) -> list[str]:
    """What is wrong with the release people read now; each is read whole once, and its databases are opened every time."""
    if not journey.current.is_symlink():
        return ["store/current is no link"] if seen else []
    folder = journey.current.resolve()
    try:
        with duckdb.connect(str(folder / "open" / "send_kpis.duckdb"), read_only=True) as connection:
            connection.execute("select count(*) from kpi.kpi_value").fetchone()
        if folder.name not in seen:
            show_release(Settings(store=journey.store, raw=journey.raw), folder.name, verify=True)
            seen.add(folder.name)
    except Exception as error:  # noqa: BLE001 whatever a reader meets is what is looked for
        return [f"{folder.name} cannot be read: {type(error).__name__} {error}"]
    return []


class Runs:
    """Whole runs that are disturbed in a chain, each over what the one before left, and one clean run at its end."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey

    def deliver_all(self) -> None:
        """Everything that the landings get in steps, but what they begin with."""
        staged = self.journey.store.parent / "staged"
        for step in range(1, world.LAST + 1):
            world.stage(staged / str(step), step)
            deliver(staged / str(step), self.journey.raw / "inbox")

    def disturb(self, seed: int, scenario: Scenario) -> Ran:
        """Disturb one whole run as the seed says, and judge what is left."""
        draw = random.Random(seed)
        after = draw.choice(scenario.after)
        delay = round(draw.uniform(1.0, 6.0), 1) if after.startswith("building") else 0.0
        changes = draw.randint(0, scenario.changes)
        ran = Ran(
            seed, scenario.name, f"{changes} changes after “{after.strip()}”" + (f" and {delay} s" if delay else "")
        )
        started = time.perf_counter()
        asked = Disturbance(scenario.kind, str(self.journey.store), after, changes, delay)
        driver = (
            "import orchestration.returns.inbox as inbox\ninbox.SETTLE_SECONDS = 0.0\n"
            f"from tests.chaos.disturb import install\ninstall({asked.as_json()!r})"
        )
        with watched(lambda seen=set(): torn_release(self.journey, seen)) as torn:  # type: ignore[misc]
            done = self.journey.cornerstone("run", driver=driver)
        ended = Ended(done.exit_code, done.stderr)
        ran.happened = _told(ended, has_moment=True)
        ran.faults += torn
        if scenario.kind == "kill":
            ran.faults += _misbehaved(scenario, ended)
        elif ended.was_struck and (ended.exit_code != 2 or "Traceback" in ended.said):
            ran.faults.append(f"ended with {ended.exit_code}: {ended.said[-300:]}")
        ran.faults += world.torn_landings(Settings(store=self.journey.store, raw=self.journey.raw))
        ran.seconds = round(time.perf_counter() - started, 1)
        return ran

    def converge(self) -> list[str]:
        """Run once undisturbed; then make everything anew from the archive and see that it is the same, table by table."""
        settings = Settings(store=self.journey.store, raw=self.journey.raw)
        clean = self.journey.cornerstone("run", "--json")
        if clean.exit_code not in (0, 1) or clean.result["status"] != "released":
            return [f"the clean run ended with {clean.exit_code}: {clean.stderr[-300:]}"]
        faults = [f"left over: {one}" for one in world.left_over(settings)]
        world.leave_archive(settings)
        rebuilt = self.journey.cornerstone("rebuild", "--yes", "--json")
        if rebuilt.exit_code not in (0, 1):
            return [*faults, f"the rebuild ended with {rebuilt.exit_code}: {rebuilt.stderr[-300:]}"]
        # The same content is no new release: the digest of every table is part of what makes one.
        run = rebuilt.result["run"]
        if (run["status"], run["release_id"]) != ("unchanged", clean.result["release_id"]):
            faults.append(f"made anew from the archive alone it is another release: {run['message']}")
        return faults


def drawn(runs: int, seed: int) -> list[tuple[int, Scenario]]:
    """Which scenario each run of a seed gets: every one at least once where there are runs enough, the rest by weight."""
    draw = random.Random(seed)
    rest = draw.choices(SCENARIOS, [one.weight for one in SCENARIOS], k=max(0, runs - len(SCENARIOS)))
    return [(seed * 1000 + number, one) for number, one in enumerate([*SCENARIOS, *rest][:runs])]
