"""Delivered files gathered into what becomes submissions: a data file alone, or the files of a set, however they came."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestration.returns.delivered import DataFile, DeliveredFile, FileRefused, open_delivered
from orchestration.returns.readers.records import HeldRecords
from orchestration.returns.recognise import PARSING_ERRORS, recognise_data_file, unreadable_file
from orchestration.returns.spec import ReturnSpec


class RefusedFile(NamedTuple):
    """A file that cannot be read: the digest of what was delivered or opened, its name, and by which rule and why."""

    sha256: str
    source_file: str
    rule_id: str
    reason: str


@dataclass
class Unit:
    """What becomes one submission: a data file, or the files of a set.

    `kind` is the kind of file of the return. `found` is what was recognised: of files of records an entry a file, in the
    order of `files`; else what the file's reader calls it. `submission_id` is empty until the unit is read.
    """

    kind: str
    found: str | list[HeldRecords]
    files: list[DataFile]
    set_name: str | None = None
    submission_id: str = ""

    @property
    def sha256(self) -> str:
        """The digest of what is read: the file's own, or that of its set's digests whatever their order."""
        digests = sorted(file.sha256 for file in self.files)
        return digests[0] if len(digests) == 1 else hashlib.sha256("|".join(digests).encode()).hexdigest()

    @property
    def source_file(self) -> str:
        """The name of the file; of several, that of the first and how many more."""
        if len(self.files) == 1:
            return self.files[0].source_file
        return f"{self.files[0].source_file} and {len(self.files) - 1} more"


@dataclass
class Group:
    """Delivered files that share a submission, so that they are dealt with together.

    `missing` says which tables a set lacks; while there are any, nothing of the group is read.
    """

    delivered: list[DeliveredFile]
    units: list[Unit] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def gather(files: Iterable[DeliveredFile], spec: ReturnSpec) -> list[Group]:
    """Open and recognise delivered files, in the order of receipt; those that hold parts of one set come together.

    What cannot be opened or recognised is among the refused of its group; it keeps no other file from being read.
    """
    groups: list[Group] = []
    of_set: dict[tuple[str, str], Group] = {}
    for delivered in files:
        group = Group([delivered])
        groups.append(group)
        for item in _open(delivered):
            if isinstance(item, FileRefused):
                group.refused.append(RefusedFile(delivered.sha256, delivered.name, item.rule_id, str(item)))
                continue
            try:
                kind, found = recognise_data_file(item, spec)
            except FileRefused as refused:
                group.refused.append(RefusedFile(delivered.sha256, item.source_file, refused.rule_id, str(refused)))
                continue
            except PARSING_ERRORS as error:
                why = unreadable_file(item.source_file, error)
                group.refused.append(RefusedFile(delivered.sha256, item.source_file, why.rule_id, str(why)))
                continue
            if isinstance(found, str):
                group.units.append(Unit(kind, found, [item]))
            elif found.set_name is None:
                group.units.append(Unit(kind, [found], [item]))
            else:
                set_key = (kind, found.set_name)
                if set_key in of_set and of_set[set_key] is not group:
                    groups.remove(group)
                    group = _merged(of_set, of_set[set_key], group)
                of_set[set_key] = group
                _add_to_set(group, kind, found, item)
    for group in groups:
        for unit in group.units:
            if unit.set_name is not None:
                group.missing += _missing(spec, unit)
    return groups


def _open(delivered: DeliveredFile) -> list[DataFile | FileRefused]:
    try:
        return open_delivered(delivered)
    except FileRefused as refused:
        return [refused]


def _missing(spec: ReturnSpec, unit: Unit) -> list[str]:
    """What a set lacks of the tables that the periods it says it is of collect; that it says so comes first."""
    found = [one for one in unit.found if isinstance(one, HeldRecords)]
    held = {table for one in found for table in one.tables}
    periods = sorted({period for one in found for period in one.periods})
    of_period = [source for period in periods for source in spec.for_period(period).files[unit.kind].required]
    required = list(dict.fromkeys(of_period)) or spec.files[unit.kind].required
    if spec.terms and not periods:  # which tables there should be depends on the term
        required = [source for source in required if spec.sources[source][0] == spec.root_table]
    return [spec.sources[source][1].titles[0] for source in required if source not in held]


def _merged(of_set: dict[tuple[str, str], Group], into: Group, other: Group) -> Group:
    into.delivered += other.delivered
    into.units += other.units
    into.refused += other.refused
    for key, group in of_set.items():
        if group is other:
            of_set[key] = into
    return into


def _add_to_set(group: Group, kind: str, found: HeldRecords, item: DataFile) -> None:
    unit = next((unit for unit in group.units if (unit.kind, unit.set_name) == (kind, found.set_name)), None)
    if unit is None:
        group.units.append(Unit(kind, [found], [item], found.set_name))
        return
    assert isinstance(unit.found, list)
    # Of two files with the same table the later received counts.
    for position, held in enumerate(unit.found):
        if held.tables == found.tables:
            unit.found[position], unit.files[position] = found, item
            return
    unit.found.append(found)
    unit.files.append(item)
