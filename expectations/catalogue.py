"""The rule catalogue: what valid means, a YAML file or two a return, read into typed rules.

Everything that judges data is built from it: the Great Expectations suites, the landing verdicts, the gates and the
rule tables of a release. A file that is not exactly right is refused, because a misspelt key would silently weaken a
gate.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from orchestration.errors import CornerstoneError

Level = Literal["row", "file", "submission", "cross", "mart", "kpi", "open"]
Severity = Literal["block", "warn", "observe"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The gravest first."""
Effect = Literal["refuse", "quarantine", "flag"]

LANDING_LEVELS: frozenset[Level] = frozenset({"row", "file", "submission", "cross"})

_SCHEMA: dict[Level, str] = {"mart": "marts", "kpi": "kpi", "open": "kpi_open"}
# Rules about a delivered file that hold whichever return it is of.
EVERY_RETURN = "every_return"
DEFAULT_REFUSE_ABOVE_SHARE = 0.5

_REQUIRED_KEYS = frozenset({"return_id", "rules"})
_FILE_KEYS = _REQUIRED_KEYS | {"refuse_above_share"}
_TEXT_KEYS = ("rule_id", "table", "label", "why", "owner", "action")
_RULE_KEYS = frozenset(
    {
        *_TEXT_KEYS, "official_number", "level", "severity", "effect", "columns", "needs", "failing_rows", "judged_rows",
        "raised_by",
    }
)  # fmt: skip


class CatalogueError(CornerstoneError):
    """A rules file that cannot be used."""


@dataclass(frozen=True)
class Rule:
    """One rule: what it says, who owns it, what to do about a failure, and the check itself.

    `failing_rows` is a select that returns one row a failure. Landing rules return `submission_id`, `source_file`,
    `source_row` (NULL for a fault of the whole file) and, where one row of a sheet holds several figures, `cell`.
    It is None for a rule that the reader raises while opening the file, before there are rows to select from.

    `judged_rows` is a select of the rows that a rule about models can judge, where these are not its whole table: of a
    comparison, those that have something beside them. Where there is none the rule is not judged.

    `needs` are the returns that a landing rule compares with: its query names their tables as `<return>.<table>`, and it is
    not judged where one of them is not landed. A rule that needs its own return compares a submission with those accepted
    before it, which `earlier_return` pairs it with (`orchestration.returns.earlier`).
    """

    rule_id: str
    official_number: str | None
    return_id: str
    table: str
    level: Level
    severity: Severity
    effect: Effect | None
    label: str
    why: str
    owner: str
    action: str
    columns: tuple[str, ...]
    failing_rows: str | None
    needs: tuple[str, ...] = ()
    judged_rows: str | None = None

    @property
    def is_reader_raised(self) -> bool:
        """Whether the reader, not a query, finds the fault."""
        return self.failing_rows is None

    @property
    def relation(self) -> str:
        """The rule's table as a query names it: with its schema, save for a landed table."""
        return f"{_SCHEMA[self.level]}.{self.table}" if self.level in _SCHEMA else self.table

    def as_row(self) -> dict[str, str | None]:
        """The rule as a row of `meta.rule`; every value is text."""
        return {
            "rule_id": self.rule_id,
            "official_number": self.official_number,
            "return_id": self.return_id,
            "table_name": self.table,
            "level": self.level,
            "severity": self.severity,
            "effect": self.effect,
            "label": self.label,
            "why": self.why,
            "owner": self.owner,
            "action": self.action,
            "column_names": ", ".join(self.columns) or None,
            "needs": ", ".join(self.needs) or None,
            "checked_by": "reader" if self.is_reader_raised else "query",
            "failing_rows": self.failing_rows,
            "judged_rows": self.judged_rows,
        }


@dataclass(frozen=True)
class Catalogue:
    """Every rule of every return, in file order, and the digest of the files they came from."""

    rules: tuple[Rule, ...]
    refuse_above_share: Mapping[str, float]
    digest: str

    def for_level(self, *levels: Level) -> tuple[Rule, ...]:
        """The rules of these levels that a query checks."""
        return tuple(rule for rule in self.rules if rule.level in levels and not rule.is_reader_raised)

    def for_landing(self, return_id: str) -> tuple[Rule, ...]:
        """The landing rules of a return that a query checks."""
        return tuple(rule for rule in self.for_level(*LANDING_LEVELS) if rule.return_id == return_id)

    def about_landing(self, return_id: str) -> tuple[Rule, ...]:
        """Every landing rule that a file of the return can break, whoever finds it."""
        return tuple(
            rule for rule in self.rules if rule.return_id in (return_id, EVERY_RETURN) and rule.level in LANDING_LEVELS
        )

    def needed_returns(self, return_id: str) -> tuple[str, ...]:
        """The reference returns that landing rules of the return compare with."""
        needed = {needed for rule in self.for_landing(return_id) for needed in rule.needs}
        return tuple(sorted(needed - {return_id}))

    def about_earlier(self, return_id: str) -> frozenset[str]:
        """The landing rules, by id, that compare a submission of the return with those accepted before it."""
        return frozenset(rule.rule_id for rule in self.for_landing(return_id) if return_id in rule.needs)

    def refusing_share(self, return_id: str) -> float:
        """The share of rows failing error rules above which a submission of the return is refused."""
        return self.refuse_above_share.get(return_id, DEFAULT_REFUSE_ABOVE_SHARE)

    def rule(self, rule_id: str) -> Rule:
        """The rule with this id.

        Raises:
            CatalogueError: no rule has it.
        """
        for rule in self.rules:
            if rule.rule_id == rule_id:
                return rule
        raise CatalogueError(f"No rule {rule_id!r} in the catalogue: add it to the rules file of its return.")


def load_catalogue(rules_dir: Path) -> Catalogue:
    """Read every `*.yaml` of `rules_dir`.

    Raises:
        CatalogueError: no rules file, a file that is not YAML, an unknown or missing key, an unknown level, severity
            or effect, an effect that does not fit its level or severity, or a rule id used twice.
    """
    paths = sorted(rules_dir.glob("*.yaml"))
    if not paths:
        raise CatalogueError(f"No rules file (*.yaml) in {rules_dir}: without rules nothing can be released.")
    digest = hashlib.sha256()
    rules: list[Rule] = []
    shares: dict[str, float] = {}
    for path in paths:
        content = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(content).digest())
        return_id, share, file_rules = _read_rules_file(path, content)
        if share is not None and shares.setdefault(return_id, share) != share:
            raise CatalogueError(f"{path.name} and another file give two refuse_above_share for {return_id}: keep one.")
        rules.extend(file_rules)
    seen: set[str] = set()
    for rule in rules:
        if rule.rule_id in seen:
            raise CatalogueError(f"Rule {rule.rule_id} is in the catalogue twice: give one of them another id.")
        seen.add(rule.rule_id)
    return Catalogue(rules=tuple(rules), refuse_above_share=shares, digest=digest.hexdigest())


def _read_rules_file(path: Path, content: bytes) -> tuple[str, float | None, list[Rule]]:
    try:
        # libyaml's safe loader: eight times as fast as the one in Python, and a run reads the rules several times.
        document = yaml.load(content, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise CatalogueError(f"{path.name} is not valid YAML: {error}") from error
    if not isinstance(document, dict) or not _REQUIRED_KEYS <= set(document) <= _FILE_KEYS:
        raise CatalogueError(
            f"{path.name} must hold the keys {', '.join(sorted(_REQUIRED_KEYS))}, may hold refuse_above_share, and nothing else."
        )
    return_id, entries = document["return_id"], document["rules"]
    share = document.get("refuse_above_share")
    if not isinstance(return_id, str) or not return_id:
        raise CatalogueError(f"{path.name}: return_id must be text.")
    if "refuse_above_share" in document and not (isinstance(share, float) and 0 < share <= 1):
        raise CatalogueError(f"{path.name}: refuse_above_share must be a share above 0 and up to 1.0.")
    if not isinstance(entries, list) or not entries:
        raise CatalogueError(f"{path.name}: rules must be a list with at least one rule.")
    return return_id, share, [_read_rule(path.name, return_id, entry) for entry in entries]


def _read_rule(file_name: str, return_id: str, entry: Any) -> Rule:
    if not isinstance(entry, dict):
        raise CatalogueError(f"{file_name}: every rule must be a mapping; found {type(entry).__name__}.")
    where = f"{file_name}, rule {entry.get('rule_id', '(no rule_id)')}"
    if unknown := sorted(str(key) for key in set(entry) - _RULE_KEYS):
        raise CatalogueError(f"{where}: unknown key {', '.join(unknown)}.")
    for key in _TEXT_KEYS:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise CatalogueError(f"{where}: {key} must be filled with text.")
    _require_one_of(where, "level", entry.get("level"), get_args(Level))
    _require_one_of(where, "severity", entry.get("severity"), get_args(Severity))
    _require_effect(where, entry)
    columns = _read_names(where, entry, "columns", "column names")
    needs = _read_names(where, entry, "needs", "returns")
    if needs and entry["level"] not in LANDING_LEVELS:
        raise CatalogueError(
            f"{where}: only landing rules need other returns; a {entry['level']} rule reads the models."
        )
    judged_rows = entry.get("judged_rows")
    if judged_rows is not None and not (isinstance(judged_rows, str) and judged_rows.strip()):
        raise CatalogueError(f"{where}: judged_rows must be a select.")
    if judged_rows is not None and entry["level"] in LANDING_LEVELS:
        raise CatalogueError(f"{where}: judged_rows are of rules about models; a landing rule says what it needs.")
    official_number = entry.get("official_number")
    if official_number is not None and not isinstance(official_number, str):
        raise CatalogueError(f"{where}: official_number must be text in quotes.")
    return Rule(
        rule_id=entry["rule_id"],
        official_number=official_number,
        return_id=return_id,
        table=entry["table"],
        level=entry["level"],
        severity=entry["severity"],
        effect=entry.get("effect"),
        label=entry["label"].strip(),
        why=entry["why"].strip(),
        owner=entry["owner"],
        action=entry["action"].strip(),
        columns=columns,
        failing_rows=_read_check(where, entry),
        needs=needs,
        judged_rows=judged_rows.strip() if judged_rows else None,
    )


def _read_names(where: str, entry: Mapping[str, Any], key: str, what: str) -> tuple[str, ...]:
    names = entry.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CatalogueError(f"{where}: {key} must be a list of {what}.")
    return tuple(names)


def _require_one_of(where: str, key: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise CatalogueError(f"{where}: {key} {value!r} is not one of {', '.join(allowed)}.")


def _require_effect(where: str, entry: Mapping[str, Any]) -> None:
    effect = entry.get("effect")
    if entry["level"] not in LANDING_LEVELS:
        if effect is not None:
            raise CatalogueError(f"{where}: only landing rules have an effect; a {entry['level']} rule has none.")
        return
    _require_one_of(where, "effect", effect, get_args(Effect))
    # What is refused or quarantined is stopped; what is flagged goes on.
    if (effect == "flag") == (entry["severity"] == "block"):
        raise CatalogueError(f"{where}: severity {entry['severity']} does not fit the effect {effect}.")


def _read_check(where: str, entry: Mapping[str, Any]) -> str | None:
    query, raised_by = entry.get("failing_rows"), entry.get("raised_by")
    if raised_by is None and isinstance(query, str) and query.strip():
        return query.strip()
    if raised_by == "reader" and query is None:
        if entry.get("effect") not in {"refuse", "quarantine"}:
            raise CatalogueError(
                f"{where}: what the reader cannot read is refused or quarantined, not {entry['effect']}."
            )
        return None
    raise CatalogueError(f"{where}: give either failing_rows (a select) or raised_by: reader.")
