"""How well rows of one child are linked: what was linked by what, and, of invented people, how often that was right.

What is counted are persons in pairs of returns, not rows: a true pair is a person with a row in both returns; a found pair
is a person of the one and a person of the other, of whom a row each has the same `child_key`; a right pair is a found pair
of one person with itself. Precision is right of found pairs, recall right of true pairs. A true pair is whole if all rows
of the person in both returns have one key. Two children under one key make up to four found pairs, of which two are right;
a child whose rows in the two returns share no key is a true pair that was not found.

A person is in a hard group in a return when everything that return says of it is so (`groups` of the truth); a pair is in a
group when either of its persons is in its return. The strength of a found pair is that of the weaker of the two steps
by which the returns first came to the key, and of several keys that of the strongest.

The truth is that of the generator and knows every identity as written; rows that it does not know are counted and left
out. It lies in the vault. What is written, to `store/quality/linkage/`, are counts.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb

from orchestration.charts import Chart
from orchestration.linkage.charts import match_weight_chart, threshold_chart, weight_histogram
from orchestration.linkage.child_key import LINK_COLUMNS, MATCH_STRENGTHS, person_files, person_submissions
from orchestration.linkage.index import APART, pairs_path, read_state
from orchestration.linkage.probable import model_path
from orchestration.privacy.disclosure import UNPROTECTED, Parameters, load_policy, suppress
from orchestration.privacy.keys import load_keys
from orchestration.privacy.pseudonyms import define_pseudonym
from orchestration.privacy.vault import vault_file, vault_files, vault_session, write_vault
from orchestration.returns.spec import PersonColumns, ReturnSpec
from orchestration.returns.submission import People, Submission, people_in
from orchestration.settings import Settings
from orchestration.sql_text import literal

ALL = "all"
"""Every pair of returns together, and every person whatever the group."""
FOLDER = "linkage"
SUMMARY = "summary.json"
DECIDED_OTHERWISE = (*APART, "weak_name")
"""Outcomes of scored pairs that something else than the weight decided."""
TRUTH_COLUMNS = ("return_id", "upn", "local_id", "surname", "forename", "birth_date", "person", "groups")
_WRITTEN = ("upn", "local_id", "surname", "forename", "birth_date")


@dataclass(frozen=True)
class StrengthCount:
    """Rows of a return that a step linked, and the children (keys) among them; None where too few to be shown."""

    return_id: str
    match_strength: str
    rows: int | None
    children: int | None


@dataclass(frozen=True)
class Overlap:
    """Children (keys) of one return, and how many of them another one has too; None where too few to be shown."""

    return_id: str
    other_return_id: str
    children: int | None
    found: int | None

    @property
    def share(self) -> float | None:
        """Found of the children, from 0 to 1."""
        return None if self.found is None or not self.children else self.found / self.children


@dataclass(frozen=True)
class PairQuality:
    """Pairs of persons of two returns (ALL for the sum over all pairs of returns), of a hard group or ALL, found by a strength or ALL.

    `true_pairs` are None by strength: a pair that was not found has none.
    """

    return_id: str
    other_return_id: str
    group: str
    match_strength: str
    true_pairs: int | None
    found_pairs: int
    right_pairs: int
    whole_pairs: int | None

    @property
    def precision(self) -> float | None:
        """Right of found pairs; None where none was found."""
        return self.right_pairs / self.found_pairs if self.found_pairs else None

    @property
    def recall(self) -> float | None:
        """Right of true pairs; None where there is none."""
        return self.right_pairs / self.true_pairs if self.true_pairs else None


@dataclass(frozen=True)
class WithinReturn:
    """Persons of one return, those with more than one key, keys of more than one person, and rows the truth does not know."""

    return_id: str
    persons: int
    split_persons: int
    merged_keys: int
    unknown_rows: int


@dataclass(frozen=True)
class OutcomeCount:
    """Pairs of children that were scored for likeness, by what became of them; None where too few to be shown.

    `right_pairs` are of one person; None without a truth.
    """

    outcome: str
    pairs: int | None
    right_pairs: int | None


@dataclass(frozen=True)
class LinkQuality:
    """All that is shown of the links of a store. `pairs` and `within` are empty without a truth, `outcomes` and `charts` where
    nothing was scored."""

    people: People | None
    strengths: list[StrengthCount] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    pairs: list[PairQuality] = field(default_factory=list)
    within: list[WithinReturn] = field(default_factory=list)
    outcomes: list[OutcomeCount] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)

    @property
    def is_masked(self) -> bool:
        """Whether a count is withheld."""
        return any(
            count is None
            for count in (
                *(one.children for one in self.strengths),
                *(one.found for one in self.overlaps),
                *(one.pairs for one in self.outcomes),
            )
        )


def truth_path(settings: Settings) -> Path:
    """Where a store of invented people keeps who they are."""
    return settings.vault_dir / "invented" / "linkage_truth.parquet"


def keep_truth(settings: Settings, truth: Path) -> None:
    """Put the truth of an invented borough (Parquet with TRUTH_COLUMNS) into the vault.

    Raises:
        CornerstoneError: the store's secret key is missing or not its own.
    """
    with vault_session(settings, settings.vault_dir / "quality_spill") as connection:
        columns = ", ".join(TRUTH_COLUMNS)
        write_vault(connection, f"select {columns} from read_parquet({literal(str(truth))})", truth_path(settings))


def measure_links(settings: Settings) -> LinkQuality:
    """Measure the links in `settings.child_link_path`, and write counts and charts to `store/quality/linkage/`.

    Raises:
        CornerstoneError: the store's secret key is missing or not its own.
    """
    submissions = person_submissions(settings)
    people = people_in(submission for _, submission in submissions)
    with vault_session(settings, settings.vault_dir / "quality_spill") as connection:
        columns = ", ".join(f"{name} {type_}" for name, type_ in LINK_COLUMNS.items())
        connection.execute(f"create table child_link ({columns})")
        connection.execute(
            f"insert into child_link by name select {', '.join(LINK_COLUMNS)}"
            f" from read_parquet({literal(str(settings.child_link_path))}, hive_partitioning = false)"
        )
        parameters = UNPROTECTED if people == "invented" else load_policy().parameters_of("evidence")
        strengths = count_strengths(connection, parameters)
        overlaps = count_overlaps(connection, parameters.threshold)
        pairs: list[PairQuality] = []
        within: list[WithinReturn] = []
        is_known = people == "invented" and truth_path(settings).is_file()
        if is_known:
            connection.execute(f"create table truth as from {vault_file(truth_path(settings))}")
            _identify(connection, settings, submissions)
            pairs, within = measure_pairs(connection), measure_within(connection)
        outcomes, charts = _likeness(connection, settings, is_known, parameters)
    quality = LinkQuality(people, strengths, overlaps, pairs, within, outcomes, charts)
    write_quality(settings.quality_dir / FOLDER, quality)
    return quality


def read_quality(quality_dir: Path) -> LinkQuality | None:
    """What was measured last; None where nothing was."""
    path = quality_dir / FOLDER / SUMMARY
    if not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    charts = [
        Chart(**one, svg=(path.parent / f"{one['name']}.svg").read_text(encoding="utf-8")) for one in told["charts"]
    ]
    return LinkQuality(
        told["people"],
        [StrengthCount(**one) for one in told["strengths"]],
        [Overlap(**one) for one in told["overlaps"]],
        [PairQuality(**one) for one in told["pairs"]],
        [WithinReturn(**one) for one in told["within"]],
        [OutcomeCount(**one) for one in told["outcomes"]],
        charts,
    )


def write_quality(folder: Path, quality: LinkQuality) -> None:
    """Put what was measured in the place of what was there: `summary.json`, and an SVG a chart."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    told = asdict(quality)
    for chart in told["charts"]:
        (partial / f"{chart['name']}.svg").write_text(chart.pop("svg"), encoding="utf-8")
    (partial / SUMMARY).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _rank(column: str) -> str:
    """SQL of the place of a strength in MATCH_STRENGTHS, 1 the strongest; one that is not in it comes last."""
    strengths = ", ".join(literal(strength) for strength in MATCH_STRENGTHS)
    return f"coalesce(nullif(list_position([{strengths}], {column}), 0), {len(MATCH_STRENGTHS) + 1})"


def count_strengths(connection: duckdb.DuckDBPyConnection, parameters: Parameters) -> list[StrengthCount]:
    """Rows and children by return and strength, the strongest first. Reads table `child_link`.

    Counts of few children are withheld, and what they could be worked out from: how many rows a return has is told elsewhere.
    """
    connection.execute(
        """
        create or replace temp table strength_count as
        select
            return_id,
            match_strength,
            concat_ws('|', return_id, match_strength) as cell_key,
            count(*) as cell_count,
            count(distinct child_key) as people_count,
            match_strength is null as is_fixed,
            true as is_shown,
            cell_key as cell_order
        from child_link
        group by grouping sets ((return_id, match_strength), (return_id));

        create or replace temp table strength_line as
        select return_id as line_key, return_id as line_order, cell_key, match_strength is null as is_total from strength_count
        """
    )
    withheld = _withheld(connection, parameters, cells="strength_count", lines="strength_line")
    rows = connection.execute(
        f"""
        select return_id, match_strength, cell_key, cell_count, people_count
        from strength_count
        where match_strength is not null
        order by return_id, {_rank("match_strength")}, match_strength
        """
    ).fetchall()
    return [
        StrengthCount(return_id, strength, *((None, None) if key in withheld else (linked, children)))
        for return_id, strength, key, linked, children in rows
    ]


def _withheld(connection: duckdb.DuckDBPyConnection, parameters: Parameters, *, cells: str, lines: str) -> set[str]:
    """Counts that must not be shown, and all of a sum that cannot be protected; relations as `disclosure.suppress` reads them."""
    pattern = suppress(connection, parameters, cells=cells, lines=lines)
    connection.register("unprotected_line", pattern.unprotected)
    try:
        beside = connection.execute(
            f"select cell_key from {lines} semi join unprotected_line using (line_key)"
        ).fetchall()
    finally:
        connection.unregister("unprotected_line")
    return {one["cell_key"] for one in pattern.cells.to_pylist() if one["kind"]} | {key for (key,) in beside}


def count_overlaps(connection: duckdb.DuckDBPyConnection, threshold: int) -> list[Overlap]:
    """For every return and every other: its children, and those whom the other has too. Reads table `child_link`.

    A count is withheld where it, or what is left of the children, is 1 to `threshold` - 1.
    """
    rows = connection.execute(
        """
        with child as (select distinct return_id, child_key from child_link),
        whole as (select return_id, count(*) as children from child group by return_id),
        shared as (
            select one.return_id, other.return_id as other_return_id, count(*) as found
            from child as one inner join child as other using (child_key)
            group by all
        )
        select one.return_id, other.return_id, one.children, other.children, coalesce(found, 0)
        from whole as one
        inner join whole as other on other.return_id <> one.return_id
        left join shared on shared.return_id = one.return_id and shared.other_return_id = other.return_id
        order by all
        """
    ).fetchall()

    def few(count: int) -> bool:
        return 0 < count < threshold

    return [
        Overlap(
            one,
            other,
            None if few(children) else children,
            None if any(map(few, (children, others, found, children - found, others - found))) else found,
        )
        for one, other, children, others, found in rows
    ]


def _written_as(person: PersonColumns) -> str:
    given = {
        "upn": person.upn,
        "local_id": person.one_by,
        "surname": person.surname,
        "forename": person.forename,
        "birth_date": person.birth_date,
    }
    return ", ".join(f'"{column}" as {name}' if column else f"null as {name}" for name, column in given.items())


def _identify(
    connection: duckdb.DuckDBPyConnection, settings: Settings, submissions: Sequence[tuple[ReturnSpec, Submission]]
) -> None:
    """Table `told` (return_id, person, child_key, match_strength, rows, groups, founds): identities as the returns write them."""
    connection.execute("create table submission_order (submission_id varchar, place integer)")
    connection.executemany(
        "insert into submission_order values (?, ?)",
        [[submission.submission_id, place] for place, (_, submission) in enumerate(submissions)],
    )
    connection.execute(
        "create table identity (submission_id varchar, row_person_ref varchar, upn varchar, local_id varchar,"
        " surname varchar, forename varchar, birth_date date)"
    )
    for spec in {spec.return_id: spec for spec, _ in submissions}.values():
        assert spec.person is not None
        own = [submission for of, submission in submissions if of.return_id == spec.return_id]
        connection.execute(
            f'insert into identity by name select submission_id, "{spec.tables[spec.person.table].key}" as row_person_ref,'
            f" {_written_as(spec.person)} from {vault_files(person_files(settings, spec, own))}"
        )
    identify_rows(connection)


def identify_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `told`, from the tables `child_link`, `identity` (rows as written), `submission_order` and `truth`.

    A row an identity as written and key: return_id, person (null: the truth does not know it), child_key, match_strength (of the
    first row), place (of it), linked (rows), groups.
    """
    written = ", ".join(_WRITTEN)
    same = " and ".join(f"truth.{column} is not distinct from written.{column}" for column in _WRITTEN)
    connection.execute(
        f"""
        create table told as
        with written as (
            select return_id, {written}, child_key, count(*) as linked, min(place) as place,
                arg_min(match_strength, (place, {_rank("match_strength")})) as match_strength
            from child_link
            inner join identity using (submission_id, row_person_ref)
            inner join submission_order using (submission_id)
            group by all
        )
        select written.return_id, person, child_key, match_strength, place, linked, coalesce(groups, []) as groups
        from written
        left join truth on truth.return_id = written.return_id and {same}
        """
    )


def measure_pairs(connection: duckdb.DuckDBPyConnection) -> list[PairQuality]:
    """Pairs of returns, and ALL together, overall, by hard group and by strength. Reads table `told`."""
    groups = [
        group for (group,) in connection.execute("select distinct unnest(groups) from told order by 1").fetchall()
    ]
    _in_pairs(connection)
    strengths = [
        strength
        for (strength,) in connection.execute(
            f"select distinct match_strength from found_pair order by {_rank('match_strength')}, match_strength"
        ).fetchall()
    ]
    asked = [(ALL, ALL), *((group, ALL) for group in groups), *((ALL, strength) for strength in strengths)]
    return [one for group, strength in asked for one in _measured(connection, group, strength)]


def _in_pairs(connection: duckdb.DuckDBPyConnection) -> None:
    """Tables `found_pair` (one, other, is_right, groups, match_strength) and `true_pair` (one, other, groups, is_whole)."""
    connection.execute(
        f"""
        create or replace temp table holding as  -- a row a return, person and key
        select *, {_rank("match_strength")} as rank
        from (
            select return_id, person, child_key, arg_min(match_strength, (place, {_rank("match_strength")})) as match_strength
            from told where person is not null group by all
        )
        """
    )
    connection.execute(
        """
        create or replace temp table member as  -- a row a return and person, with the groups of all its identities
        with identity_count as (select return_id, person, count(*) as number from told group by all),
        grouped as (
            select return_id, person, name, count(*) as number
            from (select return_id, person, unnest(groups) as name from told)
            group by all
        )
        select return_id, person, coalesce(list(name) filter (where name is not null), []) as groups
        from identity_count left join grouped using (return_id, person, number)
        where person is not null
        group by all
        """
    )
    connection.execute(
        """
        create or replace temp table met as  -- a row two returns, a person of each and the strongest way they share a key
        select one.return_id as one, other.return_id as other, one.person as one_person, other.person as other_person,
            arg_min(
                if(one.rank >= other.rank, one.match_strength, other.match_strength), greatest(one.rank, other.rank)
            ) as match_strength
        from holding as one
        inner join holding as other on other.child_key = one.child_key and one.return_id < other.return_id
        group by all
        """
    )
    connection.execute(
        """
        create or replace temp table found_pair as
        select one, other, one_person = other_person as is_right, match_strength,
            list_distinct(a.groups || b.groups) as groups
        from met
        inner join member as a on a.return_id = one and a.person = one_person
        inner join member as b on b.return_id = other and b.person = other_person
        """
    )
    connection.execute(
        """
        create or replace temp table true_pair as
        with pair as (
            select a.return_id as one, b.return_id as other, person, list_distinct(a.groups || b.groups) as groups
            from member as a inner join member as b using (person)
            where a.return_id < b.return_id
        )
        select pair.one, pair.other, groups, count(distinct child_key) = 1 as is_whole
        from pair
        inner join holding on holding.person = pair.person and holding.return_id in (pair.one, pair.other)
        group by pair.one, pair.other, pair.person, groups
        """
    )


def _measured(connection: duckdb.DuckDBPyConnection, group: str, strength: str) -> list[PairQuality]:
    """A row two returns that have a pair of the group and strength, and one of ALL."""
    rows = connection.execute(
        """
        with truly as (
            select coalesce(one, $all) as one, coalesce(other, $all) as other,
                count(*) as true_pairs, count(*) filter (where is_whole) as whole_pairs
            from true_pair
            where $group = $all or list_contains(groups, $group)
            group by grouping sets ((one, other), ())
        ),
        found as (
            select coalesce(one, $all) as one, coalesce(other, $all) as other,
                count(*) as found_pairs, count(*) filter (where is_right) as right_pairs
            from found_pair
            where ($group = $all or list_contains(groups, $group)) and ($strength = $all or match_strength = $strength)
            group by grouping sets ((one, other), ())
        )
        select one, other, coalesce(true_pairs, 0), coalesce(found_pairs, 0), coalesce(right_pairs, 0), coalesce(whole_pairs, 0)
        from truly full outer join found using (one, other)
        order by one = $all, one, other
        """,
        {"group": group, "strength": strength, "all": ALL},
    ).fetchall()
    by_strength = strength != ALL
    return [
        PairQuality(
            one, other, group, strength, None if by_strength else true, found, right, None if by_strength else whole
        )
        for one, other, true, found, right, whole in rows
        if found or not by_strength
    ]


def measure_within(connection: duckdb.DuckDBPyConnection) -> list[WithinReturn]:
    """Split persons and merged keys of each return. Reads table `told`."""
    rows = connection.execute(
        """
        with of_person as (
            select return_id, person, count(distinct child_key) as keys from told where person is not null group by all
        ),
        of_key as (
            select return_id, child_key, count(distinct person) as persons from told where person is not null group by all
        ),
        split as (
            select return_id, count(*) as persons, count(*) filter (where keys > 1) as split from of_person group by return_id
        ),
        merged as (select return_id, count(*) filter (where persons > 1) as merged from of_key group by return_id),
        unknown as (
            select return_id, coalesce(sum(linked) filter (where person is null), 0)::bigint as linked from told group by return_id
        )
        select return_id, coalesce(persons, 0), coalesce(split, 0), coalesce(merged, 0), linked
        from unknown left join split using (return_id) left join merged using (return_id)
        order by return_id
        """
    ).fetchall()
    return [WithinReturn(*row) for row in rows]


def _likeness(
    connection: duckdb.DuckDBPyConnection, settings: Settings, is_known: bool, parameters: Parameters
) -> tuple[list[OutcomeCount], list[Chart]]:
    """What linking by likeness left in the vault, where it was done: pairs by outcome, and charts of the weights of the model, of
    pairs by weight and, with a truth, of what each threshold would give."""
    model, pairs = model_path(settings), pairs_path(settings)
    outcomes: list[OutcomeCount] = []
    charts: list[Chart] = []
    if model.is_file():
        charts.append(match_weight_chart(json.loads(model.read_text(encoding="utf-8"))["splink"]))
    if pairs.is_file():
        connection.execute(
            f"create table scored_pair as select left_key, right_key, match_weight, outcome from {vault_file(pairs)}"
        )
        state = read_state(settings)
        lines = {"joined from": state.join_weight, "reviewed from": state.review_weight} if state else {}
        count_pairs(connection, parameters)
        charts.append(weight_histogram(count_weights(connection), lines))
        connection.execute("create table founder (child_key varchar, person bigint)")
        if is_known:
            define_pseudonym(connection, load_keys(settings).pseudonym)
            find_founders(connection)
            if points := measure_thresholds(connection):
                charts.append(threshold_chart(points, lines))
        outcomes = count_outcomes(connection, is_known=is_known)
    return outcomes, charts


def count_pairs(connection: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Count scored pairs by outcome and whole match weight (rounded down) into table `pair_count`: outcome and weight (null for a
    sum over them), cell_count, is_withheld. Reads table `scored_pair`.

    Few pairs are withheld, and what they could be worked out from: by weight, by outcome, and of all, which counts as known.
    """
    connection.execute(
        """
        create or replace temp table pair_cell as
        with pair as (
            select outcome, coalesce(cast(floor(match_weight) as varchar), 'none') as weight from scored_pair
        )

        select
            outcome,
            try_cast(weight as double)::integer as weight,
            coalesce(outcome || coalesce('|' || weight, ''), 'all') as cell_key,
            count(*) as cell_count,
            cell_count as people_count,
            outcome is null as is_fixed,
            weight is distinct from 'none' as is_shown,
            cell_key as cell_order
        from pair
        group by grouping sets ((outcome, pair.weight), (outcome), ());

        create or replace temp table pair_line as
        select 'all' as line_key, 1 as line_order, cell_key, outcome is null as is_total
        from pair_cell
        where not contains(cell_key, '|')
        union all
        select outcome, 2, cell_key, not contains(cell_key, '|') from pair_cell where outcome is not null
        """
    )
    withheld = _withheld(connection, parameters, cells="pair_cell", lines="pair_line")
    connection.execute(
        """
        create or replace temp table pair_count as
        select outcome, weight, cell_key, cell_count, list_contains(?, cell_key) as is_withheld from pair_cell where is_shown
        """,
        [sorted(withheld)],
    )


def count_outcomes(connection: duckdb.DuckDBPyConnection, *, is_known: bool) -> list[OutcomeCount]:
    """Scored pairs by outcome, and with a truth those of one person; None where withheld. Reads tables `pair_count`, `scored_pair`
    and `founder`."""
    rows = connection.execute(
        """
        with right_pair as (
            select outcome, count(*) filter (where one.person = other.person) as right_pairs
            from scored_pair
            left join founder as one on one.child_key = left_key
            left join founder as other on other.child_key = right_key
            group by outcome
        )

        select outcome, if(is_withheld, null, cell_count), right_pairs
        from pair_count
        inner join right_pair using (outcome)
        where cell_key = outcome
        order by outcome
        """
    ).fetchall()
    return [OutcomeCount(outcome, pairs, right if is_known else None) for outcome, pairs, right in rows]


def count_weights(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, int | None]]:
    """Scored pairs by whole match weight and outcome; None where withheld. Reads table `pair_count`."""
    rows = connection.execute(
        "select weight, outcome, if(is_withheld, null, cell_count) from pair_count where weight is not null order by weight, outcome"
    ).fetchall()
    return [(int(weight), str(outcome), pairs) for weight, outcome, pairs in rows]


def find_founders(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill table `founder` (child_key, person): whose row made each key that the fixed steps gave.

    Reads `scored_pair`, `child_link`, `identity`, `truth`.
    """
    same = " and ".join(f"truth.{column} is not distinct from identity.{column}" for column in _WRITTEN)
    connection.execute(
        f"""
        insert into founder
        with keyed as (
            select return_id, submission_id, row_person_ref,
                pseudonym('child', concat_ws('|', submission_id, row_person_ref)) as child_key
            from child_link
        )
        select keyed.child_key, truth.person
        from keyed
        semi join (select left_key as child_key from scored_pair union select right_key from scored_pair) using (child_key)
        inner join identity using (submission_id, row_person_ref)
        inner join truth on truth.return_id = keyed.return_id and {same}
        """
    )


def measure_thresholds(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int, int, int]]:
    """What joining all scored pairs from a whole match weight on would give: (weight, pairs, right pairs, all right pairs).

    Only pairs that nothing but the weight decides count, and of these such of whose keys it is known who made them. Reads tables
    `scored_pair` and `founder`.
    """
    rows = connection.execute(
        """
        with judged as (
            select floor(match_weight)::integer as weight, one.person = other.person as is_right
            from scored_pair
            inner join founder as one on one.child_key = left_key
            inner join founder as other on other.child_key = right_key
            where match_weight is not null and not list_contains(?, outcome)
        ),
        by_weight as (
            select weight, count(*) as pairs, count(*) filter (where is_right) as right_pairs from judged group by weight
        )
        select weight, (sum(pairs) over above)::bigint, (sum(right_pairs) over above)::bigint, (sum(right_pairs) over ())::bigint
        from by_weight
        window above as (order by weight desc)
        order by weight
        """,
        [list(DECIDED_OTHERWISE)],
    ).fetchall()
    return [(int(weight), int(pairs), int(right), int(whole)) for weight, pairs, right, whole in rows]
