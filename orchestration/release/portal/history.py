"""What the gates found in the releases before, as far as these are still in the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

import duckdb

from expectations.catalogue import SEVERITIES
from orchestration.charts import Chart
from orchestration.figures.pictures import NARROW, Line, bars
from orchestration.privacy.disclosure import Parameters
from orchestration.release.exports import EVIDENCE_FOLDER
from orchestration.release.inventory import untold_returns
from orchestration.release.ledger import read_releases
from orchestration.release.manifest import Approval, InputSubmission, Withdrawal
from orchestration.settings import Settings
from orchestration.sql_text import literal

RULE_RESULTS = "rule_result.parquet"
_RELEASES_SHOWN = 12


@dataclass(frozen=True)
class SeverityCount:
    """Rules of one severity: how many passed and failed, and how many had nothing to judge or could not be judged."""

    severity: str
    passed: int
    failed: int
    not_judged: int


@dataclass(frozen=True)
class RowsRead:
    """Rows of accepted files. Returns with files of which few rows were set aside are not counted in `set_aside`; `untold_files`
    is the number of those files."""

    landed: int
    set_aside: int
    untold_files: int


@dataclass(frozen=True)
class ReleaseBefore:
    """One release that people have read, or read from now on: `approval` is None for the one being made."""

    release_id: str
    created_at: datetime
    severities: list[SeverityCount]
    rows: RowsRead
    approval: Approval | None
    withdrawal: Withdrawal | None

    def failed(self, severity: str) -> int:
        """How many rules of a severity failed."""
        return sum(one.failed for one in self.severities if one.severity == severity)


def releases_before(settings: Settings, moment: datetime, parameters: Parameters) -> list[ReleaseBefore]:
    """The latest releases made before `moment` that people have read and that are still in the store, the oldest first."""
    read = [one for one in read_releases(settings) if one.created_at < moment]
    untold = {
        one.release_id: untold_returns(one.inputs, parameters.threshold, [before.inputs for before in read[:place]])
        for place, one in enumerate(read)
    }
    found = {one.release_id: settings.releases_dir / one.release_id / EVIDENCE_FOLDER / RULE_RESULTS for one in read}
    with duckdb.connect() as connection:
        return [
            ReleaseBefore(
                release_id=one.release_id,
                created_at=one.created_at,
                severities=count_severities(connection, f"read_parquet({literal(str(found[one.release_id]))})"),
                rows=count_rows(one.inputs, parameters, untold[one.release_id]),
                approval=one.approval,
                withdrawal=one.withdrawal,
            )
            for one in read[1 - _RELEASES_SHOWN :]
            if found[one.release_id].is_file()
        ]


def count_severities(connection: duckdb.DuckDBPyConnection, relation: str) -> list[SeverityCount]:
    """Rules by severity and outcome, the gravest severity first, from `meta.rule_result` or the file of it."""
    rows = connection.execute(
        f"""
        select
            severity,
            count(*) filter (where outcome = 'passed'),
            count(*) filter (where outcome = 'failed'),
            count(*) filter (where outcome in ('no rows', 'not judged'))
        from {relation}
        group by severity
        """
    ).fetchall()
    counts = [SeverityCount(*row) for row in rows]
    return sorted(counts, key=lambda count: SEVERITIES.index(count.severity))


def count_rows(inputs: Sequence[InputSubmission], parameters: Parameters, untold: set[str]) -> RowsRead:
    """Rows of accepted files; of a return of which nothing is told none set aside, as in `meta.submission`."""
    of_untold = [item for item in inputs if item.return_id in untold]
    return RowsRead(
        landed=sum(item.rows_landed for item in inputs),
        set_aside=sum(item.rows_quarantined for item in inputs if item.return_id not in untold),
        untold_files=sum(0 < item.rows_quarantined < parameters.threshold for item in of_untold),
    )


def history_chart(releases: Sequence[ReleaseBefore]) -> Chart | None:
    """Rules that failed by release; None while there is nothing to compare."""
    if len(releases) <= 1:
        return None
    names = {"warn": "Warnings", "observe": "Only counted"}
    places = [f"{one.created_at:%-d %b %Y, %H:%M}" for one in releases]
    lines = [
        Line(
            name,
            [(place, Decimal(one.failed(severity)), 0) for place, one in zip(places, releases, strict=True)],
            style,
        )
        for style, (severity, name) in enumerate(names.items())
    ]
    first, last = releases[0], releases[-1]
    title = "Rules that failed, by release"
    draw = partial(bars, places, lines, unit="count", title=title)
    return Chart(
        name="history",
        title=title,
        alt=f"{title}: warnings went from {first.failed('warn')} to {last.failed('warn')}, rules that only count from"
        f" {first.failed('observe')} to {last.failed('observe')}. The table below has every number.",
        columns=["Release", *names.values()],
        rows=[
            [place, *(str(one.failed(severity)) for severity in names)]
            for place, one in zip(places, releases, strict=True)
        ],
        svg=draw(),
        narrow=partial(draw, size=NARROW),
    )
