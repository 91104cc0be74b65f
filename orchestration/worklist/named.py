"""The children of a worklist by name: read from the vault for one person and one reason, and recorded before they are
handed over."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.durable import write_private
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.privacy.vault import identity_files, vault_files, vault_session
from orchestration.returns.spec import load_spec
from orchestration.settings import Settings
from orchestration.sql_text import literal, quoted
from orchestration.worklist.counted import (
    BY_SCHOOL,
    LISTED,
    OF_SCHOOL,
    attach_release,
    chosen_census,
    require_place,
    require_school,
    selection,
)
from orchestration.worklist.journal import Handover, record_handover
from orchestration.worklist.table import PERSONAL_DATA, table_file

LOCK_WAIT_SECONDS = 60.0
UNRESOLVED = "not in the vault any more"
HEADINGS = [
    "School",
    "LAEstab",
    "URN",
    "Surname",
    "Forename",
    "Date of birth",
    "UPN",
    "What the census says",
    "What the EHC plans return says",
    "Reason",
    "What to do",
    "Pseudonym, where the vault has no name",
]


@dataclass(frozen=True)
class NamedWorklist:
    """What was handed over: children listed, how many of them without a name, and the file's SHA-256."""

    census: int
    children: int
    unresolved: int
    sha256: str
    path: Path


def write_named_worklist(
    settings: Settings,
    out: Path,
    *,
    by: str,
    reason: str,
    now: datetime,
    census: int | None = None,
    school: str | None = None,
) -> NamedWorklist:
    """Write the children to follow up, with their names, to a file that its owner alone can read.

    The handover is in the journal before the file is there.

    Args:
        settings: where the store is.
        out: file to write, .csv or .xlsx.
        by: who takes the list.
        reason: what for. Names no child: it stays in the journal.
        now: the time, with a time zone.
        census: calendar year of the January census; the latest with both returns when left out.
        school: URN, or authority and number, of one school; all when left out.

    Raises:
        CornerstoneError: no name or reason, a place where names must not lie, nothing to list, or a vault that cannot be read.
    """
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        raise CornerstoneError("Say who takes the list (--by) and what for (--reason): both are recorded.")
    require_place(settings, out)
    lock = exclusive_lock(
        settings.vault_dir / "worklist.lock", wait_seconds=LOCK_WAIT_SECONDS, holder="another worklist"
    )
    with lock, vault_session(settings, settings.vault_dir / "worklist_spill") as connection:
        release_id = attach_release(connection, settings)
        census = chosen_census(connection, settings, census)
        if school is not None:
            require_school(connection, settings, school)
        rows = _named_rows(connection, settings, selection(settings, census, school))
        if not rows:
            raise CornerstoneError(f"Nothing is to follow up of January {census}; no list was written.")
        unresolved = sum(row[-1] is not None for row in rows)
        about = [
            PERSONAL_DATA,
            f"School census of January {census} against the EHC plans return, release {release_id}: {len(rows)} to follow up."
            f" Made {now.astimezone(UTC):%d %B %Y %H:%M} UTC for {by}: {reason}",
        ]
        content = table_file(
            out.suffix, HEADINGS, rows, title="Worklist", about=about, group_by=HEADINGS.index("LAEstab")
        )
        sha256 = hashlib.sha256(content).hexdigest()
        record_handover(
            settings,
            Handover(
                at=now.astimezone(UTC).isoformat(),
                by=by,
                reason=reason,
                release_id=release_id,
                census=census,
                school=school,
                children=len(rows),
                unresolved=unresolved,
                sha256=sha256,
            ),
        )
        write_private(out, content)
    return NamedWorklist(census, len(rows), unresolved, sha256, out)


def _named_rows(
    connection: duckdb.DuckDBPyConnection, settings: Settings, chosen: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """A row a child in the columns of HEADINGS, by school; whoever the vault does not hold comes too, with a pseudonym."""
    connection.execute(
        f"""
        create temp table listed as
        select chosen.*, submission.return_id
        from ({LISTED}) as chosen
        left join released.marts.dim_submission as submission on chosen.submission_id = submission.submission_id
        where {OF_SCHOOL}
        """,
        chosen,
    )
    connection.execute(
        "create temp table identity (submission_id varchar, row_person_ref varchar, surname varchar, forename varchar,"
        " birth_date date, upn varchar)"
    )
    returns = connection.execute("select distinct return_id from listed where return_id is not null").fetchall()
    for [return_id] in returns:
        _read_identities(connection, settings, return_id)
    return connection.execute(
        f"""
        select
            school_name,
            school_la_estab,
            urn,
            if(identity.row_person_ref is null, {literal(UNRESOLVED)}, surname) as surname,
            forename,
            birth_date,
            upn,
            case
                when la_estab is null then 'On no roll'
                else concat_ws(': ', 'On roll, provision ' || coalesce(sen_provision_code, 'not stated'), sen_provision_group)
            end as census_says,
            case
                when is_in_plan_return
                    then concat_ws(
                        '; ',
                        'Plan in force' || coalesce(' since ' || strftime(plan_start_date, '%d/%m/%Y'), ''),
                        'placement: ' || coalesce(placement_name, placement_line_name)
                    )
                when plan_start_date is null then 'No plan'
                else concat_ws(
                    ' ',
                    'No plan in force on the day; a plan from',
                    strftime(plan_start_date, '%d/%m/%Y'),
                    'to ' || strftime(plan_cease_date, '%d/%m/%Y')
                )
            end as plan_return_says,
            reason_name,
            action,
            if(identity.row_person_ref is null, child_key, null) as pseudonym
        from listed
        left join identity using (submission_id, row_person_ref)
        order by
            {BY_SCHOOL}, reason_order, pseudonym is not null, surname, forename, birth_date, child_key
        """
    ).fetchall()


def _read_identities(connection: duckdb.DuckDBPyConnection, settings: Settings, return_id: str) -> None:
    """Add to `identity` whom the vault holds of those listed from one return."""
    spec = load_spec(return_id)
    assert spec.person is not None, "only returns about persons have children"
    paths = identity_files(settings, return_id, spec.person.table)
    if not paths:
        return
    key = quoted(str(spec.tables[spec.person.table].key))
    names = {
        "surname": spec.person.surname,
        "forename": spec.person.forename,
        "birth_date": spec.person.birth_date,
        "upn": spec.person.upn,
    }
    told = ", ".join(quoted(column) + f" as {name}" if column else f"null as {name}" for name, column in names.items())
    try:
        connection.execute(
            f"""
            insert into identity by name
            select submission_id, {key} as row_person_ref, {told}
            from {vault_files(paths)} as person
            semi join listed
                on person.submission_id = listed.submission_id
                and person.{key} = listed.row_person_ref
            """
        )
    except (duckdb.IOException, duckdb.InvalidInputException):
        # The message of the database could hold a value of the file.
        raise CornerstoneError(
            f"The vault's files of {return_id} cannot be read: one is damaged, or sealed with another key; restore it from"
            " a backup. No list was written."
        ) from None
