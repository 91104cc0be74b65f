"""What every answer key is read and judged with: the key itself, what landing says of files, and the schools register beside them."""

import csv
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from expectations.catalogue import Catalogue
from orchestration.returns.assess import Assessed, assess
from orchestration.returns.delivered import delivered_file
from orchestration.returns.land import land_return
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import People, landing_dir
from orchestration.returns.workspace import attach_reference, open_workspace
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store

AUTHORITY = "372"

Line = dict[str, str]


def read_key(path: Path) -> list[Line]:
    """The lines of an answer key."""
    with path.open() as handle:
        return list(csv.DictReader(handle))


def left_out(path: Path) -> dict[str, str]:
    """Rules that a key leaves out, each with its reason; there is no empty one."""
    reasons = {line["rule_id"]: line["reason"] for line in read_key(path)}
    assert all(reasons.values())
    return reasons


def land_register(borough: Path, catalogue: Catalogue, folder: Path) -> Path:
    """The landed schools register of a borough, which some rules compare with."""
    settings = Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "secret.key")
    prepare_store(settings)
    shutil.copytree(
        borough / "establishment_register", settings.inbox_dir / "establishment_register", dirs_exist_ok=True
    )
    [landed] = land_return(settings, "establishment_register", catalogue, now=datetime.now(UTC)).committed
    return landing_dir(settings, landed) / "establishment.parquet"


def judge(
    return_id: str,
    paths: Iterable[Path],
    spill: Path,
    catalogue: Catalogue,
    *,
    register: Path | None = None,
    people: People | None = None,
) -> tuple[list[Assessed], list[str]]:
    """What landing says of files that arrive together: what it assessed, and the sets that it waits for."""
    spec = load_spec(return_id)
    files = [delivered_file(path) for path in paths]
    with open_workspace(spec, spill, {}) as connection:
        if register is not None:
            relation = f"read_parquet('{register}')"
            attach_reference(connection, "establishment_register", {"establishment": relation})
        found = assess(
            connection,
            files,
            spec,
            catalogue,
            known_ids=(),
            la_code=AUTHORITY,
            la_ons_code="E08000018",
            people=people,
            docs=None,
        )
    return [one for delivery in found.deliveries for one in delivery.assessed], [str(one) for one in found.incomplete]
