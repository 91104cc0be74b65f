"""Whether what was built last still holds: then nothing needs building again, whatever arrived."""

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

from expectations.catalogue import load_catalogue
from orchestration.code_version import code_version
from orchestration.durable import write_json_durably
from orchestration.linkage.decisions import read_decisions
from orchestration.release.folders import complete_releases
from orchestration.release.ledger import settled_release
from orchestration.release.portal.maps import boundary_inputs
from orchestration.returns.spec import return_ids
from orchestration.returns.submission import current_submissions, read_submissions
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.built")

STATE_FILE = "last_run.json"


def fingerprint(settings: Settings) -> str:
    """What decides the content of a release: submissions that it tells of, code, rules, settings, boundaries and reviewers' decisions."""
    content = [
        sorted(submission_id for return_id in return_ids() for submission_id in _submissions_told(settings, return_id)),
        code_version(),
        load_catalogue(settings.rules_dir).digest,
        settings.la_code,
        settings.la_ons_code,
        [settings.link_join_weight, settings.link_review_weight],
        [one.sha256 for one in boundary_inputs(settings)],
        sorted((*pair, one.decision) for pair, one in read_decisions(settings).items()),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _submissions_told(settings: Settings, return_id: str) -> Iterator[str]:
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


@dataclass(frozen=True)
class _Build:
    """What is kept of the build begun last: what it is made of, what it came to, and what linking made for it."""

    run_id: str
    fingerprint: str
    release_id: str | None = None
    links: list[str] = field(default_factory=list)


def begin_build(settings: Settings, run_id: str) -> None:
    """Keep what a release is about to be built from, before any of it is read. Until it ends well, nothing counts as built."""
    write_json_durably(settings.store / STATE_FILE, asdict(_Build(run_id, fingerprint(settings))))


def end_build(settings: Settings, run_id: str, release_id: str) -> None:
    """Keep which release a build came to, unless another build has begun meanwhile, or what it was built from was taken away."""
    begun = _last_build(settings)
    if begun is None or begun.run_id != run_id:
        return
    made = [settings.child_link_path, *settings.linkage_dir.glob("*")]
    links = sorted(str(path.relative_to(settings.store)) for path in made if path.is_file())
    write_json_durably(settings.store / STATE_FILE, asdict(replace(begun, release_id=release_id, links=links)))


def is_built(settings: Settings) -> bool:
    """Whether there is nothing to do about what would be built now: it is settled as a release (`settled_release`), and what it
    was made from is there."""
    last = _last_build(settings)
    if last is None or last.release_id is None or not settings.warehouse_path.is_file():
        return False
    release = next((one for one in complete_releases(settings) if one.release_id == last.release_id), None)
    return (
        release is not None
        and settled_release(settings, release.content_digest) is not None
        and all((settings.store / name).is_file() for name in last.links)  # deleted, they are made again
        and last.fingerprint == fingerprint(settings)
    )


def _last_build(settings: Settings) -> _Build | None:
    state = settings.store / STATE_FILE
    if not state.is_file():
        return None
    try:
        return _Build(**json.loads(state.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        log.warning("%s is damaged, or of an earlier version: all is built again", state)
        return None
