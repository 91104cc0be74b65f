"""Owners' notes: what the owner of a rule says of a warning, read from a reviewed file and shown beside it."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from expectations.catalogue import CatalogueError

NOTES_FILE = Path(__file__).parent / "notes.yaml"


class _Strict(BaseModel):
    """A misspelt key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class OwnerNote(_Strict):
    """What the owner of a rule says of its failing; `by` is a role, `until` the last day on which it holds."""

    rule_id: str = Field(min_length=1)
    note: str = Field(min_length=1)
    by: str = Field(min_length=1)
    until: date

    def holds_on(self, day: date) -> bool:
        """Whether the note still says what it said; afterwards the owner is asked again."""
        return day <= self.until


class _Notes(_Strict):
    notes: list[OwnerNote]


def read_notes(path: Path, rule_ids: Collection[str]) -> dict[str, OwnerNote]:
    """The notes, by rule.

    Args:
        path: the YAML file.
        rule_ids: the rules there are.

    Raises:
        CatalogueError: the file is missing or no list of notes, a note is of no rule, or two are of one rule.
    """
    try:
        notes = _Notes.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)).notes
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise CatalogueError(f"The owners' notes {path.name} cannot be used: {error}") from error
    told: dict[str, OwnerNote] = {}
    for one in notes:
        if one.rule_id not in rule_ids:
            raise CatalogueError(
                f"{path.name}: there is no rule {one.rule_id!r}; correct its number or take the note out."
            )
        if one.rule_id in told:
            raise CatalogueError(f"{path.name}: rule {one.rule_id} has two notes; make them one.")
        told[one.rule_id] = one
    return told
