"""Landing of one delivery, in stages, beside the floor of its files: all in one process and one run.

Processor time counts every thread, and tells more than the clock where other programs run beside; ratios are given of both. Times are
the best of several turns; imports and the first evaluation are paid by landing the smallest file before.
"""

import gc
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from expectations.catalogue import load_catalogue
from orchestration.bench.floors import Floor, copy_csv, pandas_csv, read_all, walk
from orchestration.bench.measure import Usage, best_of, timed_functions
from orchestration.errors import CornerstoneError
from orchestration.returns import assess, intake, land
from orchestration.returns.submission import Submission
from orchestration.settings import Settings
from orchestration.synthetic.deliveries import Delivered
from orchestration.warehouse import prepare_store

XML_FLOOR, CSV_FLOOR = "XML: bare walk", "CSV: DuckDB to Parquet"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

# What a landing spends its time on, in the order in which it happens.
STAGES: dict[str, tuple[Any, str]] = {
    "archive": (land, "_receive_all"),
    "open workspace": (land, "open_workspace"),
    "recognise": (assess, "gather"),
    "read": (intake, "read_records"),
    "type": (intake, "read_together"),
    "rules": (assess, "judge"),
    "row keys": (land, "make_row_keys"),
    "vault and landed Parquet": (land, "_commit"),
    "everything else": (land, "land_return"),
}


@dataclass(frozen=True)
class Landed:
    """What landing a delivery took. `stages`: processor seconds by stage of the quickest turn; `floors`: the first is the floor."""

    title: str
    is_xml: bool
    files: int
    bytes: int
    rows: int
    whole: Usage
    stages: dict[str, float]
    floors: list[Floor]

    @property
    def ratio(self) -> float:
        """How many times as long as the floor it took, by the clock."""
        return self.whole.seconds / self.floors[0].usage.seconds

    @property
    def cpu_ratio(self) -> float:
        """The same by processor time."""
        return self.whole.cpu_seconds / self.floors[0].usage.cpu_seconds


def measure_landing(delivered: Delivered, turns: int) -> Landed:
    """Land a delivery in a store of its own, in this process.

    Raises:
        CornerstoneError: it did not land.
    """
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # One file of COLLECT's tables is no delivery.
        small = [min(delivered.files, key=lambda path: path.stat().st_size)] if delivered.is_xml else delivered.files
        _land(delivered.return_id, small, folder / "landing")
        gc.collect()
        gc.freeze()  # what imports left behind is not gone through again while the floor is timed
        floors = floors_of(delivered.files, folder, turns)
        landings = [_land(delivered.return_id, delivered.files, folder / "landing") for _ in range(turns)]
    whole, stages, submissions = min(landings, key=lambda landed: landed[0].seconds)
    return Landed(
        delivered.title,
        delivered.is_xml,
        len(delivered.files),
        sum(path.stat().st_size for path in delivered.files),
        sum(one.rows_read for one in submissions),
        whole,
        {stage: stages[stage] for stage in STAGES if stage in stages},
        floors,
    )


def floors_of(files: Sequence[Path], folder: Path, turns: int, with_pandas: bool = True) -> list[Floor]:
    """The floors of some files, of XML and of CSV as far as there are any; files of other kinds have none."""
    target = folder / "floor.parquet"
    xml = [path for path in files if path.suffix.lower() == ".xml"]
    csv = [path for path in files if path.name.lower().removesuffix(".gz").endswith(".csv")]
    found = []
    if xml:
        found.append(read_all(XML_FLOOR, xml, walk, turns))
    if csv:
        found.append(read_all(CSV_FLOOR, csv, lambda path: copy_csv(path, target), turns))
        if with_pandas:
            found.append(read_all("CSV: pandas", csv, pandas_csv, turns))
    return found


def _land(return_id: str, files: Sequence[Path], folder: Path) -> tuple[Usage, dict[str, float], list[Submission]]:
    """Land files in a store of its own: from the inbox to the `landing.json` of the last of them."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "key" / "secret.key")
    prepare_store(settings)
    inbox = settings.inbox_dir / return_id
    for path in files:
        shutil.copyfile(path, inbox / path.name)
        os.utime(inbox / path.name, (0, 0))  # a file that was written just now would be waited for
    catalogue = load_catalogue(settings.rules_dir)
    spent: dict[str, float] = {}
    with timed_functions(STAGES, spent):
        usage, report = best_of(1, lambda: land.land_return(settings, return_id, catalogue, now=NOON))
    wrong = [*report.left, *(str(one.reason) for one in report.refused), *(one.message for one in report.waiting)]
    if wrong or not report.committed:
        raise CornerstoneError(f"What the benchmark delivered did not land: {'; '.join(wrong)}")
    shutil.rmtree(folder)
    return usage, spent, report.committed
