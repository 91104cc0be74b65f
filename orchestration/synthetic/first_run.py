"""The borough that a fresh machine starts with, so that the whole journey has something to carry."""

import logging
import shutil

from orchestration.durable import sync_dir
from orchestration.errors import CornerstoneError
from orchestration.linkage.quality import keep_truth
from orchestration.settings import Settings
from orchestration.synthetic import bundled_figures
from orchestration.synthetic.borough import FIRST_YEAR, LAST_YEAR, synthesise
from orchestration.synthetic.boundaries import write_boundaries
from orchestration.synthetic.identities import FILE as LINKAGE_TRUTH
from orchestration.synthetic.safety_valve.facts import AUTHORITY as VALVE_AUTHORITY

log = logging.getLogger("cornerstone.synthetic")

SEED = 1


def invent_for(settings: Settings, scale: float = 1.0) -> bool:
    """Put an invented borough where the next landing finds it: its returns as XML, twelve
    school censuses as schools and COLLECT send them, two trusts' monthly therapy waiting lists, the authority's safety
    valve workbooks, its local returns, its registers, boundaries of its areas, its `calibration.csv`. Whose each identity
    in them is goes into the vault, by which linkage is measured. `scale`: size of the population beside the authority's own.

    Killed at any instant, the store has a whole borough or none.

    Returns: False, having said why, when the bundled figures are absent or hold no tables of the authority.

    Raises:
        CornerstoneError: the store's secret key is missing or not its own.
    """
    figures = bundled_figures(settings)
    if not figures.is_file():
        return False
    log.info(
        "nothing was ever delivered here: inventing a borough of fictional people to try it on (about half a minute)"
    )
    partial = settings.synthetic_dir.with_name(f"{settings.synthetic_dir.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        report = synthesise(
            partial,
            la=settings.la_code,
            figures=figures,
            years=range(FIRST_YEAR, LAST_YEAR + 1),
            seed=SEED,
            scale=scale,
            faults="none",
            shapes=("xml",),
            truth=False,
            censuses=True,
            therapy=True,
            valve=settings.la_code == VALVE_AUTHORITY,
            local=True,
        )
    except CornerstoneError as error:
        log.warning("no borough is invented: %s", error)
        return False
    keep_truth(settings, partial / LINKAGE_TRUTH)
    (partial / LINKAGE_TRUTH).unlink()
    write_boundaries(partial / settings.boundaries_dir.name)
    partial.replace(settings.synthetic_dir)
    sync_dir(settings.store)
    log.info(
        "%s invented people in the EHC plan returns of %s to %s, %s pupils in the school censuses, %s requests in the therapy"
        " waiting lists, %s safety valve returns",
        f"{report.people:,}",
        report.years[0],
        report.years[-1],
        f"{report.pupils:,}",
        f"{report.requests:,}",
        report.valve_returns,
    )
    return True
