"""A new key for a store: all that was sealed, encrypted or pseudonymised is made anew under it, beside the old, then swapped in.

The archive is sealed again, and everything is landed from it by the ordinary way, so that the store is what a rebuild under the
new key would be. What cannot be made from the archive is carried over: tombstones, whose secret is sealed anew; reviewers'
decisions and standing joins, under the new keys of their children; journals. Until all of it is there nothing is changed; from
then on a few renames remain, which `resume` finishes.
"""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from pydantic import SecretStr

from expectations.catalogue import load_catalogue
from orchestration.durable import copy_journal, read_journal_entries, rewrite_journal, sync_dir, sync_tree
from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import KEY_ALONE, link_children
from orchestration.linkage.decisions import Decision, decisions_path
from orchestration.linkage.index import joins_path
from orchestration.linkage.index import journal_path as joins_journal_path
from orchestration.linkage.probable import model_path
from orchestration.linkage.review import review_journal_path
from orchestration.privacy.keys import Keys, derive_keys, is_new, load_keys, make_key_file, read_key_file
from orchestration.privacy.pseudonyms import define_pseudonym
from orchestration.privacy.sealed import open_sealed, seal
from orchestration.privacy.vault import vault_file, vault_session, write_vault
from orchestration.returns.land import land_return
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import read_submissions
from orchestration.rights.audit import PRIVATE_MODE, named_person, record
from orchestration.rights.forgotten import (
    seal_tombstone_key,
    tombstone_key,
    tombstone_key_path,
    tombstones_path,
)
from orchestration.rights.intent import (
    alone_with,
    intent_path,
    leave_no_marts,
    read_intent,
    require_finished,
    write_intent,
)
from orchestration.settings import Settings
from orchestration.sql_text import literal
from orchestration.warehouse import prepare_store
from orchestration.worklist.journal import journal_path as worklist_journal_path

log = logging.getLogger("cornerstone.rights")

ROTATE = "rotate-key"
_PARTS = ("archive", "vault", "landed", "key_id")  # what a key is in; everything else is made from it or holds nobody


@dataclass(frozen=True)
class Rotated:
    """What was made anew. `otherwise` are submissions whose rows or verdict today's rules made others; `lost_decisions` and
    `lost_joins` were on children of whom nothing is told any more."""

    files: int
    submissions: int
    otherwise: int
    decisions: int
    lost_decisions: int
    lost_joins: int
    releases: int


def former_key_file(settings: Settings) -> Path:
    """Where the former key lies once the new one is in its place."""
    return settings.key_file.with_name(f"{settings.key_file.name}.former")


def require_renewable(settings: Settings) -> None:
    """Say before anybody is asked to confirm why a key cannot be renewed.

    Raises:
        CornerstoneError: there is none, it is missing or another store's, not in a file, or a former key lies there still; or
            something else was begun and has to be finished first.
    """
    if settings.secret_key is not None:
        raise CornerstoneError(
            "The key is in CORNERSTONE_SECRET_KEY, where no new one can be put: write it into a key file (mode 0600), name that in"
            " CORNERSTONE_KEY_FILE, take the variable away, and try again."
        )
    if former_key_file(settings).exists():
        raise CornerstoneError(
            f"{former_key_file(settings)} is of an earlier change of key: destroy it, then try again."
        )
    if is_new(settings):
        raise CornerstoneError(f"The store {settings.store} holds nothing under a key yet; there is none to renew.")
    load_keys(settings)
    require_finished(settings)


def rotate_key(settings: Settings, *, by: str, reason: str, now: datetime) -> Rotated:
    """Make a new key and put the store under it.

    Raises:
        CornerstoneError: as `require_renewable`; no name or reason; or another run holds the store.
    """
    by, reason = named_person(by, reason)
    require_renewable(settings)
    with alone_with(settings, ROTATE):
        keys = load_keys(settings)
        record(settings, "began to renew the key", by=by, reason=reason, now=now)
        new_file = _new_key_file(settings)
        secret = read_key_file(new_file) if new_file.is_file() else make_key_file(new_file)
        beside = settings.model_copy(
            update={
                "store": settings.store / ".rekeyed",
                "raw": settings.store / ".rekeyed" / "raw",
                "secret_key": SecretStr(secret),
            }
        )
        done = _build(settings, keys, beside, derive_keys(secret), now)
        write_intent(settings, {"action": ROTATE, "by": by, "reason": reason, "done": asdict(done)})
        return _finish(settings, now)


def resume(settings: Settings, now: datetime) -> Rotated | None:
    """Finish a change of key that was killed while it was swapped in; None where none was."""
    with alone_with(settings, ROTATE, is_resumed=True):
        return _finish(settings, now) if read_intent(settings) is not None else None


def _new_key_file(settings: Settings) -> Path:
    return settings.key_file.with_name(f"{settings.key_file.name}.new")


def _build(settings: Settings, keys: Keys, beside: Settings, new: Keys, now: datetime) -> Rotated:
    """Make everything anew in a store beside this one."""
    prepare_store(beside)
    load_keys(beside)  # writes which key the store is of
    sealed = sorted(settings.archive_dir.glob("[0-9a-f][0-9a-f]/*"))
    log.info("sealing %s archived file(s) anew", f"{len(sealed):,}")
    for path in sealed:
        target = beside.archive_dir / path.relative_to(settings.archive_dir)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open_sealed(path, keys.archive) as stream:
            seal(stream, target, new.archive)
    if (settings.archive_dir / "receipts").is_dir():
        shutil.copytree(settings.archive_dir / "receipts", beside.archive_dir / "receipts", dirs_exist_ok=True)
    if tombstone_key_path(settings).is_file():
        seal_tombstone_key(beside, new, tombstone_key(settings, keys))
    for path in (tombstones_path(settings), worklist_journal_path(settings), review_journal_path(settings)):
        copy_journal(path, beside.vault_dir)
    catalogue = load_catalogue(settings.rules_dir)
    for return_id in sorted(
        return_ids(), key=lambda one: bool(load_spec(one).looks_up or catalogue.needed_returns(one))
    ):
        log.info("landing %s under the new key", load_spec(return_id).title)
        land_return(beside, return_id, catalogue, now=now)
    decisions, lost, lost_joins = _carry_linkage(settings, keys, beside, new)
    _carry_truth(settings, beside)
    if settings.child_link_path.is_file():
        log.info("linking children under the new key")
        link_children(beside)
    before, after = (
        {one.submission_id: (one.status, one.tables) for id_ in return_ids() for one in read_submissions(of, id_)}
        for of in (settings, beside)
    )
    otherwise = sum(before.get(one) != after.get(one) for one in before.keys() | after.keys())
    sync_tree(beside.store)
    return Rotated(len(sealed), len(after), otherwise, decisions, lost, lost_joins, 0)


def _carry_linkage(settings: Settings, keys: Keys, beside: Settings, new: Keys) -> tuple[int, int, int]:
    """Reviewers' decisions, standing joins, their journal and the model, under the new keys of the children.

    Returns: decisions carried over, and those and joins on children of whom nothing is told any more.
    """
    new_key = _new_child_keys(settings, keys, beside, new)

    def renamed(entry: Mapping[str, Any]) -> dict[str, Any] | None:
        found = {
            name: new_key.get(str(entry[name]))
            for name in ("left_key", "right_key", "kept_key")
            if entry.get(name) is not None
        }
        return {**entry, **found} if all(found.values()) else None

    told = [asdict(one) for one in read_journal_entries(decisions_path(settings), Decision)]
    carried = [one for one in map(renamed, told) if one is not None]
    if carried:
        rewrite_journal(decisions_path(beside), carried, PRIVATE_MODE)
    beside.linkage_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if model_path(settings).is_file():
        shutil.copy2(model_path(settings), model_path(beside))
    joined: list[dict[str, Any]] = read_journal_entries(joins_journal_path(settings), dict)
    joins = [one for one in map(renamed, joined) if one is not None]
    if joins:
        rewrite_journal(joins_journal_path(beside), joins, PRIVATE_MODE)
    if joins_path(settings).is_file():
        with vault_session(settings, settings.vault_dir / "rights_spill") as connection:
            rows = connection.execute(f"from {vault_file(joins_path(settings))}").fetch_arrow_table()
        with vault_session(beside, beside.vault_dir / "rights_spill") as connection:
            connection.execute(
                "create temp table renamed as select unnest($1) as old, unnest($2) as new",
                [list(new_key), list(new_key.values())],
            )
            connection.register("joined", rows)
            write_vault(
                connection,
                "select a.new as left_key, b.new as right_key, joined.* exclude (left_key, right_key) from joined"
                " inner join renamed as a on a.old = left_key inner join renamed as b on b.old = right_key",
                joins_path(beside),
            )
    return len(carried), len(told) - len(carried), len(joined) - len(joins)


def _new_child_keys(settings: Settings, keys: Keys, beside: Settings, new: Keys) -> dict[str, str]:
    """By the key that a child first seen in a row had, the one that it has now. Rows of a file kept their order."""
    found: dict[str, str] = {}
    with duckdb.connect(":memory:") as connection:
        connection.execute("set temp_directory = ''")  # it would be the working directory, in clear
        for spec in map(load_spec, return_ids()):
            if spec.person is None:
                continue
            key = spec.tables[spec.person.table].key
            rows = []
            for store in (settings, beside):
                paths = sorted((store.landed_dir / spec.return_id).glob(f"*/{spec.person.table}.parquet"))
                if paths:
                    listed = ", ".join(literal(str(path)) for path in paths)
                    rows.append(
                        f'(select submission_id, "{key}" as row_person_ref, row_number() over (partition by submission_id, source_file'
                        f" order by source_row) as place, source_file from read_parquet([{listed}]))"
                    )
            if len(rows) < 2:
                continue
            alone: list[list[tuple[Any, ...]]] = []
            for store_keys, relation in zip((keys, new), rows, strict=True):
                define_pseudonym(connection, store_keys.pseudonym)
                alone.append(
                    connection.execute(
                        f"select submission_id, source_file, place, {KEY_ALONE} from {relation} as person order by all"
                    ).fetchall()
                )
            now_has = {row[:3]: row[3] for row in alone[1]}
            found |= {row[3]: now_has[row[:3]] for row in alone[0] if row[:3] in now_has}
    return found


def _carry_truth(settings: Settings, beside: Settings) -> None:
    """What is known of whom the rows of invented people are, where the store is of such."""
    for path in (settings.vault_dir / "invented").glob("*.parquet"):
        with vault_session(settings, settings.vault_dir / "rights_spill") as connection:
            rows = connection.execute(f"from {vault_file(path)}").fetch_arrow_table()
        with vault_session(beside, beside.vault_dir / "rights_spill") as connection:
            connection.register("carried", rows)
            write_vault(connection, "from carried", beside.vault_dir / "invented" / path.name)


def _finish(settings: Settings, now: datetime) -> Rotated:
    """Swap the parts in, then the key, and leave nothing of the old; each step leaves nothing to do when it is done again."""
    intent = read_intent(settings)
    assert intent is not None
    incoming, outgoing = settings.store / ".rekeyed", settings.store / ".outgoing"
    outgoing.mkdir(exist_ok=True, mode=0o700)
    for part in _PARTS:
        if (incoming / part).exists():
            if (settings.store / part).exists():
                (settings.store / part).rename(outgoing / part)
            (incoming / part).rename(settings.store / part)
            sync_dir(settings.store)
    if _new_key_file(settings).is_file():
        if not former_key_file(settings).exists():
            settings.key_file.rename(former_key_file(settings))
        _new_key_file(settings).rename(settings.key_file)
        sync_dir(settings.key_file.parent)
    load_keys(settings)
    by, reason = intent["by"], intent["reason"]
    releases = leave_no_marts(settings, by=by, why="the key was renewed", now=now)
    for folder in (incoming, outgoing):
        if folder.is_dir():
            shutil.rmtree(folder)
    done = Rotated(**(intent["done"] | {"releases": releases}))
    record(settings, "renewed the key", by=by, reason=reason, now=now, **asdict(done))
    intent_path(settings).unlink()
    return done
