"""What the invented borough sends of local returns: a module a return, named after it, with `write(out, borough)`.

Returns are found by their folders of specifications, and a return without a module here is not invented. Each draws from a
stream of its own, so that one more return changes no other.
"""

import zlib
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.returns.kpis import local_return_ids


@dataclass(frozen=True)
class Borough:
    """What recipes can draw on.

    `years`: those of the EHC plans returns. `register`: the schools register. `plans` and `cases`: as those returns tell of
    them, by position, each with its `person`, who stands in `people`.
    """

    la: str
    seed: int
    scale: float
    years: tuple[int, ...]
    register: pd.DataFrame
    plans: pd.DataFrame
    cases: pd.DataFrame
    people: pd.DataFrame

    def rng(self, return_id: str) -> np.random.Generator:
        """The return's own stream of random numbers."""
        return np.random.default_rng([self.seed, zlib.crc32(return_id.encode())])


def invented_return_ids() -> list[str]:
    """The local returns that have a recipe."""
    return [one for one in local_return_ids() if find_spec(f"{__name__}.{one}") is not None]


def write_local_returns(out: Path, borough: Borough) -> int:
    """Write every local return that has a recipe to a folder of its name. Returns: how many files."""
    files = 0
    for return_id in invented_return_ids():
        folder = out / return_id
        folder.mkdir(parents=True, exist_ok=True)
        import_module(f"{__name__}.{return_id}").write(folder, borough)
        files += sum(path.is_file() for path in folder.rglob("*"))
    return files
