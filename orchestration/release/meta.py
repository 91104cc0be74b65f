"""Schema `meta` of the open database: the release, its files, the rules that judged it, and what words mean."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from expectations.catalogue import EVERY_RETURN
from orchestration.release.ees_rules import RULES, Finding
from orchestration.release.glossary import write_glossary
from orchestration.release.inventory import Inventory, PublishedCatalogue, returns_about_nobody
from orchestration.release.manifest import TableContent
from orchestration.release.revisions import write_revisions
from orchestration.sql_text import literal, quoted

LICENCE = "Contains public sector information licensed under the Open Government Licence v3.0."

# Columns of control.submission that may be public. The file's name and the reason for a refusal are free text written
# by a supplier and stay in the manifest and the evidence.
OPEN_SUBMISSION_COLUMNS = [
    "submission_id",
    "return_id",
    "period",
    "supplier",
    "received_at",
    "spec_version",
    "sha256",
    "rows_read",
    "rows_landed",
    "rows_quarantined",
    "supersedes",
    "is_current",
]

# A mart that carries these columns says from which published dataset each of its rows comes.
SOURCE_COLUMNS = ["publisher", "dataset", "release_name", "submission_id"]

TABLE_COMMENTS = {
    "release": "One row: the release this file belongs to.",
    "disclosure": "One row: the disclosure policy that the KPI tables went through, and how much it suppressed.",
    "disclosure_utility": "What disclosure control left to read of the authority's own figures, by KPI family.",
    "disclosure_table": "Tables of own figures that would have been mostly suppressed, and what is shown in their place.",
    "submission": "Accepted submissions behind the release; is_current is false for a superseded one.",
    "rule": "Every rule of the rule catalogue, with its owner and what to do when it fails.",
    "rule_result": "What the gates found: failing rows by rule; landing rules count the rows they flagged.",
    "open_data_rule": "Every rule of DfE's Explore Education Statistics (EES) that the CSV files were checked against.",
    "revision": "Figures told otherwise than in the release that people read before, and why; empty in a first release.",
    "reproduction": "How many cells of each published table the authority's own returns reproduce, and what is said of the others.",
    "reproduced_cell": "Published cells that the authority's own returns reproduce. The other cells are in the restricted marts.",
    "glossary": "What each KPI, abbreviation, data source, breakdown, code and column means, where its figures come from and when "
    "these were last received.",
    "source": "Published datasets that the figures come from, with their licence.",
}

COLUMN_COMMENTS = {
    "release": {
        "release_id": "Name of the release: when it was made (UTC) and the start of its content digest.",
        "created_at": "When the release was made, UTC.",
        "code_version": "Version of Cornerstone that made it.",
        "previous_release_id": "Release that was current before; blank for the first.",
        "content_digest": "SHA-256 over all that is released; the same content has the same digest.",
        "catalogue_digest": "SHA-256 of the rule catalogue that judged the content.",
        "people": "Whose rows the marts were made from: those of real people, of invented ones, or of nobody.",
        "approval_required": "True when the release waits for a named person before it becomes current.",
    },
    "disclosure": {
        "policy_id": "Name of the disclosure policy.",
        "policy_version": "Its version: a change of any parameter is a new one.",
        "audience": "Audience of the policy whose parameters were applied.",
        "statement": "What the policy does, in words.",
        "threshold": "Counts of children from 1 to one less than this are suppressed (c).",
        "zero_is_disclosive": "True where a count of 0 is suppressed as well.",
        "rounding_base": "Counts are rounded to it; 1 is none, as for figures of the whole authority.",
        "min_denominator": "A percentage on fewer children than this is suppressed.",
        "min_contributors": "An average of money needs this many placements and providers; shown from min_denominator placements.",
        "dominance_pct": "A total of money is suppressed when one contributor has a larger share; only totals by line are shown.",
        "secondary": "True where further counts are suppressed so that the first cannot be worked out.",
        "publish_extremes": "True where a longest wait or a highest cost may be shown.",
        "protection_width": "How far apart the smallest and the largest number must be that a count of the attack can be.",
        "attacked_cells": "Counts that the attack on the open tables tried to work out: suppressed ones, and small ones that nobody shows.",
        "given_cells": "Of these, counts that follow from published figures or from earlier releases, whatever is suppressed.",
        "recovered_cells": "Of these, counts that it worked out; a release with any is not made.",
        "untested_cells": "Of these, counts that it did not come to in time; a release with any is not made.",
        "tightest_interval": "How far apart the smallest and the largest number are for the count it came closest to, given ones aside.",
        "primary_cells": "Counts suppressed because they are small.",
        "secondary_cells": "Counts suppressed because a small one could be worked out from them, or because of an earlier release.",
        "suppressed_values": "KPI values suppressed (kpi_value, symbol c) because of either, or of a small denominator.",
        "unprotected_lines": "Sums in which published figures or earlier releases alone give a suppressed count away.",
        "local_values": "Figures of the authority's own that could be shown: none of smaller areas, other trusts or providers.",
        "shown_values": "Of these, how many are shown.",
        "merged_values": "Of these, how many are told by a figure of a coarser breakdown.",
        "withheld_values": "Of these, how many stand in tables that would have been mostly suppressed (disclosure_table).",
    },
    "disclosure_utility": {
        "kpi_family": "KPI family.",
        "local_values": "Figures of the authority's own that could be shown: none of smaller areas, other trusts or providers.",
        "shown_values": "Of these, how many are shown.",
        "suppressed_values": "Of these, how many are suppressed (c).",
        "merged_values": "Of these, how many are told by a figure of a coarser breakdown.",
        "withheld_values": "Of these, how many stand in tables that would have been mostly suppressed (disclosure_table).",
        "people_shown_at_least_pct": "Share of the people behind all these figures who are behind those shown or told by "
        "coarser ones, in per cent, at least: in steps of 5 up to 95, and of 1,000 people or more, so that it tells nobody how "
        "many are hidden.",
    },
    "disclosure_table": {
        "kpi_id": "KPI.",
        "kpi_title": "Its title.",
        "breakdown_topic": "Breakdown whose items are not shown.",
        "period_kind": "Kind of period: academic_year, calendar_year, financial_year, financial_quarter, term or month.",
        "shown_instead": "Coarser breakdown that is shown in its place; blank where the table is withheld.",
    },
    "submission": {
        "submission_id": "Submission: one delivered file of one return. kpi_value names it beside each figure.",
        "return_id": "Return the file belongs to.",
        "period": "Period the file is about; blank where it holds several or none.",
        "supplier": "Who supplies the file, and which file of theirs it is.",
        "received_at": "When the file was received, UTC.",
        "spec_version": "Version of the return's specification by which the file was read.",
        "sha256": "SHA-256 of the file's bytes.",
        "rows_read": "Rows found in the file; blank where few of a return about people were set aside.",
        "rows_landed": "Rows that can be used.",
        "rows_quarantined": "Rows set aside because they fail a blocking rule; blank where there are few, but some, of a return about "
        "people.",
        "supersedes": "Earlier submission of the same file that this one replaces; blank for none.",
        "is_current": "False for a submission that a later one replaces.",
    },
    "rule": {
        "rule_id": "Number of the rule.",
        "official_number": "Number of the rule in the official specification; blank for our own rules.",
        "return_id": "Return the rule is about.",
        "table_name": "Table the rule looks at.",
        "level": "When it is checked: row, file, submission or cross at landing, mart before the marts are used, kpi and "
        "open (what open/ shows) before a release.",
        "severity": "block: stops the row, file or release; warn: the owner notes what was found; observe: counted.",
        "effect": "What a landing rule does to what fails it: refuse, quarantine or flag; blank for the other rules.",
        "label": "What must hold, in one sentence.",
        "why": "Why it matters.",
        "owner": "Role that answers for the rule.",
        "action": "What to do when it fails.",
        "column_names": "Columns the rule looks at, separated by commas; blank for a rule about a whole file.",
        "needs": "Reference returns that the rule compares with, separated by commas; not judged where one is not landed.",
        "checked_by": "query: failing_rows finds the failures; reader: they are found while the file is read.",
        "failing_rows": "Query that selects one row for each failure; blank where the reader finds them.",
        "judged_rows": "Query that selects the rows the rule can judge; blank where these are its whole table. Not judged "
        "where there is none.",
    },
    "rule_result": {
        "gate": "Where the rule was checked: landing, mart, kpi or open.",
        "rule_id": "Number of the rule (rule).",
        "severity": "block, warn or observe.",
        "failing_count": "Failures found; at landing, in accepted submissions. Blank where there are fewer than the threshold of "
        "disclosure control, but some (outcome: failed), and they can be people: rows of a return about people, or KPIs.",
        "rows_examined": "Rows of the table the rule looked at, or those of them it could judge; blank at landing.",
        "success": "True when nothing failed.",
        "outcome": "passed; failed; no rows: there was nothing to judge; not judged: there was nothing that the rule "
        "compares with, at landing or now.",
    },
    "open_data_rule": {
        "rule_id": "Number of the rule.",
        "severity": "fail: stops the release; warn: is noted here.",
        "requirement": "What must hold, in one sentence.",
        "finding_count": "Findings, all of them warnings: a failure stops the release.",
        "findings": "Each finding with its file, separated by semicolons; blank for none.",
    },
    "revision": {
        "kpi_value_key": "The revised figure (kpi_value); one that disappeared is in the release before alone.",
        "kpi_id": "KPI (kpi_catalogue).",
        "area_level": "Level of the area.",
        "area_code": "Code of the area.",
        "area_name": "Name of the area.",
        "time_identifier": "Kind of period.",
        "time_period": "Period.",
        "breakdown_topic": "Topic of the breakdown.",
        "breakdown": "Item of the breakdown.",
        "value_basis": "published: as a national body publishes it; local: computed from the authority's own returns.",
        "unit": "Unit of the value.",
        "old_value": "Value in the release before (meta.release, previous_release_id); blank beside a symbol, where it is now "
        "suppressed, and of a local figure that disappeared.",
        "old_numerator": "Numerator then.",
        "old_denominator": "Denominator then.",
        "old_value_label": "Text of the value then.",
        "old_symbol": "Symbol then.",
        "new_value": "Value now; blank beside a symbol.",
        "new_numerator": "Numerator now.",
        "new_denominator": "Denominator now.",
        "new_value_label": "Text of the value now.",
        "new_symbol": "Symbol now; c: suppressed.",
        "kind": "changed; appeared: no figure before, though the KPI had others of the period; disappeared; newly suppressed; newly "
        "shown.",
        "cause": "Why, all that applies: resubmission: a submission behind the figure replaced one; late recording: one of another "
        "period or file is new; publisher's revision: a published file is new; method: the KPI's definition changed, or code or "
        "rules did and no submission behind the figure. Where none applies: another return: a new submission of a return that the "
        "KPI is not defined by; disclosure control: figures around it changed; other: a setting or a reviewer's decision.",
    },
    "reproduction": {
        "series_code": "Published table.",
        "time_identifier": "Kind of period.",
        "time_period": "Period.",
        "outcome": "reproduced; explained: the returns are stated to hold another number; not_comparable; unexplained.",
        "cell_count": "Published cells of the authority.",
    },
    "reproduced_cell": {
        "series_code": "Published table.",
        "measure_code": "Measure as the publisher spells it, in lower case.",
        "time_identifier": "Kind of period.",
        "time_period": "Period.",
        "breakdown_topic": "Topic of the breakdown, as published.",
        "breakdown": "Item of the breakdown, as published.",
        "release_name": "Release that publishes it.",
        "published_value": "The published number, which is the number counted in the returns, too.",
    },
    "glossary": {
        "term": "The word: abbreviation, title of a KPI, data source, reason, breakdown or its item, code or column.",
        "kind": "abbreviation, term, KPI, data source, reason, breakdown, breakdown item; and, to read files by, code and return "
        "column of the returns, and KPI column of the tables here.",
        "definition": "What it means.",
        "source": "Where the meaning is stated: a law or guidance, the KPI of the catalogue, the reason, the specification of the "
        "return, or the tables that have the column.",
        "figures_from": "Returns and publications that the figures come from; of a data source who supplies it and how often. "
        "Blank where there is no figure.",
        "last_refreshed": "Day on which the latest submission behind the figures was received; blank where there is none.",
        "see_also": "Other terms of the glossary, separated by semicolons; of KPIs a few.",
    },
    "source": {
        "publisher": "Body that publishes the dataset.",
        "dataset": "Name of the published dataset.",
        "release_names": "Every release of it that was used, separated by semicolons.",
        "licence": "Licence and attribution under which it is used.",
        "last_received": "Day on which the latest file of it was received.",
    },
}


def write_meta(
    connection: duckdb.DuckDBPyConnection,
    *,
    database: str,
    inventory: Inventory,
    catalogue: PublishedCatalogue,
    release: dict[str, str | bool | datetime | None],
    findings: Sequence[Finding],
    before: str,
) -> None:
    """Write schema `meta` into an attached database.

    Args:
        connection: the warehouse connection, with `database` attached for writing.
        database: alias of the attached open database.
        inventory: what is released.
        catalogue: the rule catalogue.
        release: the one row of `meta.release` by column.
        findings: what the CSV files are warned of.
        before: alias of the open database of the release people read; `database` itself for a first release.
    """
    connection.execute(f"create schema {quoted(database, 'meta')}")
    write_record(connection, quoted(database, "meta", "release"), release)
    write_record(
        connection, quoted(database, "meta", "disclosure"), inventory.disclosure.model_dump(), untold="integer"
    )
    # Rows set aside and rules failed can be children: few of them are not told where everybody reads. Lines of returns about
    # nobody are none.
    about_nobody = returns_about_nobody()
    few = f"between 1 and {inventory.disclosure.threshold - 1}"
    is_few = f"return_id in ({', '.join(map(literal, sorted(inventory.untold_returns))) or 'null'})"
    connection.execute(
        f"""
        create table {quoted(database, "meta", "submission")} as
        select {", ".join(OPEN_SUBMISSION_COLUMNS)}
        from (
            select * replace (if({is_few}, null, rows_read) as rows_read, if({is_few}, null, rows_quarantined) as rows_quarantined)
            from control.submission
        )
        where status = 'accepted'
        order by return_id, period, supplier, submission_id
        """
    )
    connection.execute(
        f"""
        create table {quoted(database, "meta", "disclosure_utility")} as
        from disclosure.utility
        order by kpi_family
        """
    )
    connection.execute(
        f"""
        create table {quoted(database, "meta", "disclosure_table")} as
        select
            collapsed.kpi_id,
            catalogue.title as kpi_title,
            collapsed.breakdown_topic,
            collapsed.period_kind,
            collapsed.merged_topic as shown_instead
        from disclosure.collapsed_table as collapsed
        inner join kpi_open.kpi_catalogue as catalogue using (kpi_id)  -- exactly one
        -- a merged table that was withheld in its turn is none that readers knew
        where (collapsed.kpi_id, collapsed.breakdown_topic, collapsed.period_kind) not in (
            select (finer.kpi_id, coarser.merged_topic, finer.period_kind)
            from disclosure.collapsed_table as finer
            inner join disclosure.coarser_item as coarser using (breakdown_topic)  -- one to many
        )
        order by all
        """
    )
    rules = [rule.as_row() for rule in catalogue.rules]
    fill_table(
        connection,
        quoted(database, "meta", "rule"),
        dict.fromkeys(rules[0] if rules else ["rule_id"], "varchar"),
        [list(rule.values()) for rule in rules],
    )
    counted = [literal(rule.rule_id) for rule in catalogue.rules if rule.return_id in about_nobody]
    is_told = f"gate in ('landing', 'mart') and rule_id in ({', '.join(counted) or 'null'})"
    connection.execute(
        f"""
        create table {quoted(database, "meta", "rule_result")} as
        select * replace (if(failing_count {few} and not ({is_told}), null, failing_count) as failing_count)
        from ({rule_result_select(inventory, catalogue)})
        """
    )
    write_open_data_rules(connection, quoted(database, "meta", "open_data_rule"), findings)
    write_revisions(connection, database=database, before=before)
    write_reproduction(connection, database)
    sources = quoted(database, "meta", "source")
    write_sources(connection, sources, inventory.tables)
    write_glossary(connection, quoted(database, "meta", "glossary"), sources=sources)
    describe_meta(connection, database)


def write_release(
    connection: duckdb.DuckDBPyConnection, *, database: str, release: dict[str, str | bool | datetime | None]
) -> None:
    """Write `meta.release` alone into an attached database: its tables say which release they belong to."""
    connection.execute(f"create schema {quoted(database, 'meta')}")
    write_record(connection, quoted(database, "meta", "release"), release)
    describe_meta(connection, database)


def describe_meta(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Say of each table and column of schema `meta` what it holds."""
    columns = connection.execute(
        "select table_name, column_name from duckdb_columns() where database_name = ? and schema_name = 'meta'",
        [database],
    ).fetchall()
    for table in sorted({table for table, _ in columns}):
        connection.execute(f"comment on table {quoted(database, 'meta', table)} is {literal(TABLE_COMMENTS[table])}")
    for table, column in columns:
        comment = COLUMN_COMMENTS[table][column]
        connection.execute(f"comment on column {quoted(database, 'meta', table, column)} is {literal(comment)}")


def rule_result_select(inventory: Inventory, catalogue: PublishedCatalogue) -> str:
    """The results of the gate runs the release rests on, and the rows each landing rule flagged in accepted files.

    Columns: gate ('landing', 'mart', 'kpi', 'open'), rule_id, severity, failing_count, rows_examined, success, outcome. A
    rule that had nothing to judge, or could not be judged, is not called passed.
    """
    runs = ", ".join(f"({literal(gate.gate)}, {literal(gate.run_id)})" for gate in inventory.gates)
    flags = ", ".join(
        f"({literal(rule.rule_id)}, {literal(rule.severity)}, {literal(rule.return_id)})"
        for rule in catalogue.rules
        if rule.effect == "flag"
    )
    compares = ", ".join(literal(rule.rule_id) for rule in catalogue.rules if rule.judged_rows is not None) or "null"
    flagged = f"""
        union all
        select
            'landing' as gate,
            flag_rule.rule_id,
            flag_rule.severity,
            count(accepted.submission_id) as failing_count,
            null::bigint as rows_examined,
            count(accepted.submission_id) = 0 as success,
            case
                when count(accepted.submission_id) > 0 then 'failed'
                when flag_rule.rule_id in (select rule_id from control.rule_not_judged semi join accepted using (submission_id))
                    then 'not judged'
                when flag_rule.return_id <> {literal(EVERY_RETURN)}
                    and flag_rule.return_id not in (select return_id from accepted)
                    then 'no rows'
                else 'passed'
            end as outcome
        from (values {flags}) as flag_rule (rule_id, severity, return_id)
        left join control.rule_failure using (rule_id)  -- one to many
        left join accepted using (submission_id)  -- many to one
        group by flag_rule.rule_id, flag_rule.severity, flag_rule.return_id
    """
    return f"""
        with accepted as (
            select submission_id, return_id from control.submission where status = 'accepted'
        )
        select
            gate, rule_id, severity, failing_count, rows_examined, success,
            case
                when not success then 'failed'
                when rows_examined > 0 then 'passed'
                else if(rule_id in ({compares}), 'not judged', 'no rows')
            end as outcome
        from gate.rule_result
        where (gate, run_id) in ({runs})
        {flagged if flags else ""}
        order by gate, rule_id
    """


def write_open_data_rules(connection: duckdb.DuckDBPyConnection, target: str, findings: Sequence[Finding]) -> None:
    """Every rule of the open data files, and what was found."""
    rows = []
    for rule in sorted(RULES.values(), key=lambda rule: rule.rule_id):
        found = [f"{finding.file}: {finding.sentence}" for finding in findings if finding.rule_id == rule.rule_id]
        rows.append([rule.rule_id, rule.severity, rule.requirement, len(found), "; ".join(found) or None])
    columns = dict.fromkeys(COLUMN_COMMENTS["open_data_rule"], "varchar") | {"finding_count": "integer"}
    fill_table(connection, target, columns, rows)


def write_reproduction(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """How the local counts compare with the published cells: how many agree, and those that do, which say nothing new."""
    connection.execute(
        f"""
        create table {quoted(database, "meta", "reproduction")} as
        select series_code, time_identifier, time_period, outcome, count(*) as cell_count
        from marts.fct_ehc_statistic_comparison
        group by all
        order by all
        """
    )
    connection.execute(
        f"""
        create table {quoted(database, "meta", "reproduced_cell")} as
        select {", ".join(COLUMN_COMMENTS["reproduced_cell"])}
        from marts.fct_ehc_statistic_comparison
        where outcome = 'reproduced'
        order by all
        """
    )


def write_sources(connection: duckdb.DuckDBPyConnection, target: str, tables: Sequence[TableContent]) -> None:
    """Published datasets named by any released mart, with every release of each that was used."""
    fill_table(
        connection,
        target,
        dict.fromkeys(["publisher", "dataset", "release_names", "licence"], "varchar") | {"last_received": "date"},
        [],
    )
    naming = connection.execute(
        """
        select table_schema, table_name
        from information_schema.columns
        where table_catalog = current_database() and list_contains(?, column_name)
        group by table_schema, table_name
        having count(*) = ?
        order by all
        """,
        [SOURCE_COLUMNS, len(SOURCE_COLUMNS)],
    ).fetchall()
    released = {(table.schema_name, table.table_name) for table in tables}
    selects = [f"select {', '.join(SOURCE_COLUMNS)} from {quoted(*name)}" for name in naming if tuple(name) in released]
    if selects:
        connection.execute(
            f"""
            insert into {target}
            select
                publisher,
                dataset,
                string_agg(distinct release_name, '; ' order by release_name),
                ?,
                cast(max(submission.received_at) as date)
            from ({" union all ".join(selects)})
            left join control.submission as submission using (submission_id)  -- exactly one
            group by publisher, dataset
            order by publisher, dataset
            """,
            [LICENCE],
        )


def write_record(
    connection: duckdb.DuckDBPyConnection, target: str, record: dict[str, Any], *, untold: str = "varchar"
) -> None:
    """Make a table of one row; a column of which nothing is told has the type `untold`."""
    types = {bool: "boolean", int: "integer", datetime: "timestamp", type(None): untold}
    columns = {name: types.get(type(value), "varchar") for name, value in record.items()}
    fill_table(connection, target, columns, [list(record.values())])


def fill_table(
    connection: duckdb.DuckDBPyConnection, target: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]
) -> None:
    """Make a table with these columns (type by name) and rows."""
    definition = ", ".join(f"{quoted(name)} {column_type}" for name, column_type in columns.items())
    connection.execute(f"create table {target} ({definition})")
    insert_rows(connection, target, rows)


def insert_rows(connection: duckdb.DuckDBPyConnection, target: str, rows: Sequence[Sequence[Any]]) -> None:
    """Append rows that come from the catalogue, not from data: a few hundred at most."""
    if rows:
        connection.executemany(f"insert into {target} values ({', '.join('?' * len(rows[0]))})", rows)


def utc(moment: datetime) -> datetime:
    """The same moment as DuckDB's TIMESTAMP holds it: UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
