"""Whether what was built last still holds: then nothing needs building again, whatever arrived."""

import hashlib
import json
import logging
from collections.abc import Iterator

from expectations.catalogue import load_catalogue
from orchestration.code_version import code_version
from orchestration.durable import write_json_durably
from orchestration.linkage.decisions import read_decisions
from orchestration.release.folders import complete_releases
from orchestration.release.ledger import is_overtaken
from orchestration.release.portal.maps import boundary_inputs
from orchestration.returns.spec import return_ids
from orchestration.returns.submission import current_submissions, read_submissions
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.standing")

STATE_FILE = "last_run.json"


def fingerprint(settings: Settings) -> str:
    """What decides the content of a release: submissions that it tells of, code, rules, settings, boundaries and reviewers' decisions."""
    content = [
        sorted(submission_id for return_id in return_ids() for submission_id in _told_of(settings, return_id)),
        code_version(),
        load_catalogue(settings.rules_dir).digest,
        settings.la_code,
        settings.la_ons_code,
        [settings.link_join_weight, settings.link_review_weight],
        [one.sha256 for one in boundary_inputs(settings)],
        sorted((*pair, one.decision) for pair, one in read_decisions(settings).items()),
        sorted(path.name for path in settings.linkage_dir.glob("*")),  # deleted, it is made again
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _told_of(settings: Settings, return_id: str) -> Iterator[str]:
    """The submissions of a return that a release tells of: the accepted ones; of each supplier and period of which none counts
    the one refused last, whose rows a KPI counts as held back (`int_kpi__return_cell`)."""
    submissions = read_submissions(settings, return_id)
    counting = current_submissions(submissions)
    refused_last = {}
    for one in sorted(submissions, key=lambda one: (one.received_at, one.submission_id)):
        if one.status == "accepted":
            yield one.submission_id
        elif (one.supplier, one.period) not in counting and one.period[:4].isdigit():
            refused_last[one.supplier, one.period] = one.submission_id
    yield from refused_last.values()


def keep_built(settings: Settings, release_id: str) -> None:
    """Keep what a release was built from, for the next run to compare with."""
    write_json_durably(settings.store / STATE_FILE, {"fingerprint": fingerprint(settings), "release_id": release_id})


def is_built(settings: Settings) -> bool:
    """Whether a release of exactly what would be built now stands or waits, and the working database that it was made from is there."""
    state = settings.store / STATE_FILE
    # A working database that was moved away is rebuilt.
    if not (state.is_file() and settings.warehouse_path.is_file()):
        return False
    try:
        last = json.loads(state.read_text(encoding="utf-8"))
        release_id, built = last["release_id"], last["fingerprint"]
    except (ValueError, KeyError, TypeError):
        log.warning("%s is damaged: all is built again", state)
        return False
    made = {manifest.release_id: manifest for manifest in complete_releases(settings)}
    release = made.get(release_id)
    # One that waits and was never compared with what was published since is built again.
    has_to_be_built = release is None or (release.approval.status == "pending" and is_overtaken(settings, release))
    return built == fingerprint(settings) and not has_to_be_built
