"""Which children of the fixed steps are one: joined by a reviewer, in an earlier run, or by likeness; and what became of it.

Two children are joined by likeness where their match weight reaches the setting, forename and birth date have something in
common, and nothing keeps them apart: one submission told of both, or each has a number of a kind (permanent
UPN, NHS number, ULN) and none is the other's, or a reviewer said so. Each has to be the other's best, and better by
`MARGIN` than any other to whom it could be joined instead. All such pairs are joined at once, then what is left is looked
at again with what was joined as one child, until nothing is left. The key kept is that of the child received first.

A join stands in later runs until something keeps the two apart, the setting rises above its weight, or the model is
trained anew. Below `settings.linkage_dir` lie the model, `pairs.parquet` (every pair scored and its outcome),
`children.parquet` (what is told of each child) and `joins.parquet`, encrypted; `state.json` (counts); and `journal.jsonl`, to
which every join and every parting is added with its reason. Deleted, all of it is made again from what was received.
"""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.durable import append_to_journal, write_private
from orchestration.errors import CornerstoneError
from orchestration.linkage.decisions import read_decisions
from orchestration.linkage.probable import (
    CAN_JOIN,
    GAMMAS,
    KEPT_WEIGHT,
    TRAINING_FLOOR,
    can_teach,
    read_model,
    score,
    train,
    write_model,
)
from orchestration.linkage.profiles import gather_profiles
from orchestration.privacy.vault import vault_file, write_vault
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import Submission
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.linkage")

MARGIN = 4.0  # a rival 16 times less likely is none
PRIVATE_MODE = 0o600
# What keeps two clusters apart, the first that is true. `one_list`: one submission told of both. A later version of
# a list is a submission of its own: a name put right there is the same child.
APART = {
    "reviewed": "is_reviewed",
    "one_list": "is_of_one_list",
    "numbers": "has_other_numbers",
    "name_or_birth_date": "not can_join",
}
# Pairs that a reviewer is asked about: `review` is between the two settings, `ambiguous` fits several children alike, and
# `weak_name` is a row, under the key that it would have alone, that name and birth date joined to a child of the other sex.
FOR_REVIEW = (
    "(outcome in ('review', 'ambiguous', 'weak_name')"
    " or outcome in ('numbers', 'name_or_birth_date') and is_likely and (can_join or outcome <> 'numbers'))"
)


@dataclass(frozen=True)
class Likeness:
    """What linking by likeness came to. `pairs` counts scored pairs of children by outcome, `for_review` those to ask about.

    `model`: `trained`, or why there is none. `joins` stand now; `joined_now` and `parted_now` came with this run.
    """

    at: str
    model: str
    children: int
    join_weight: float
    review_weight: float
    pairs: dict[str, int]
    for_review: int
    joins: dict[str, int]
    joined_now: int
    parted_now: int
    overruled: int
    inputs: str


def pairs_path(settings: Settings) -> Path:
    """Where scored pairs lie: left_key, right_key, match_weight, gamma_..., can_join, is_likely, outcome."""
    return settings.linkage_dir / "pairs.parquet"


def children_path(settings: Settings) -> Path:
    """Where lies what is told of each child of the fixed steps, with the key that it has now."""
    return settings.linkage_dir / "children.parquet"


def joins_path(settings: Settings) -> Path:
    """Where the joins that stand lie: left_key, right_key, match_weight, basis."""
    return settings.linkage_dir / "joins.parquet"


def journal_path(settings: Settings) -> Path:
    """Where every join and parting is written down."""
    return settings.linkage_dir / "journal.jsonl"


def read_state(settings: Settings) -> Likeness | None:
    """What the last run came to; None before the first.

    Raises:
        CornerstoneError: the file is none that Cornerstone wrote.
    """
    path = settings.linkage_dir / "state.json"
    if not path.is_file():
        return None
    try:
        return Likeness(**json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, TypeError) as error:
        raise CornerstoneError(
            f"{path} is damaged or was altered; delete it, and the next run writes it anew."
        ) from error


def join_likely(
    connection: duckdb.DuckDBPyConnection, settings: Settings, submissions: list[tuple[ReturnSpec, Submission]]
) -> None:
    """Give children of `child_link` that are likely one, or are by a reviewer's word, one key and say so in its strength.

    Needs the tables of the fixed steps: `child_link`, `known`, `linked_submission` and `renamed_key` (keys of children that
    the fixed steps joined, with the key kept).

    Raises:
        CornerstoneError: what is kept between runs is damaged, or children could not be compared.
    """
    decisions = read_decisions(settings)
    [(children,)] = connection.execute("select count(distinct child_key) from known").fetchall()
    model = read_model(settings)
    if model is None and children < TRAINING_FLOOR and not decisions and not joins_path(settings).is_file():
        return
    settings.linkage_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    gather_profiles(connection, settings, submissions)
    is_new = children >= TRAINING_FLOOR and (model is None or (not model["is_taught"] and can_teach(connection)))
    if is_new:
        log.info("learning how alike records of one child are, from %s children", f"{children:,}")
        model = train(connection, children)
    inputs = _score_or_reuse(connection, settings, model)
    _read_before(connection, settings, is_new)
    _read_decided(connection, settings)
    _make_clusters(connection, settings)
    _merge(connection, "reviewed", "decided_same", ("is_reviewed", "is_of_one_list"))
    _merge(connection, "before", "standing", ("is_reviewed", "is_of_one_list", "has_other_numbers"))
    _merge(connection, "probable", "candidate", tuple(APART.values()), float(settings.link_join_weight))
    _judge_pairs(connection, settings)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    joined, parted = _record(connection, settings, at, is_new)
    _name_children(connection)
    _keep(connection, settings)
    if is_new and model is not None:
        # After the joins it made: a run that dies before learns again, and keeps no join of the model before as its own.
        write_model(settings, model)
    counts = dict(connection.execute("select outcome, count(*) from judged group by all order by all").fetchall())
    joins = dict(connection.execute("select basis, count(*) from join_made group by all order by all").fetchall())
    [(for_review,)] = connection.execute(
        "select count(*) from judged anti join decision"
        " on one = least(left_key, right_key) and other = greatest(left_key, right_key)"
        f" where {FOR_REVIEW}"
    ).fetchall()
    [(overruled,)] = connection.execute(
        "select count(*) from decided left join cluster as a on a.child_key = left_key"
        " left join cluster as b on b.child_key = right_key"
        " where (decision = 'different') = (coalesce(a.cluster_key, left_key) = coalesce(b.cluster_key, right_key))"
    ).fetchall()
    state = Likeness(
        at=at,
        model="trained" if model else f"none: {children:,} children are fewer than the {TRAINING_FLOOR:,} it takes",
        children=children - sum(joins.values()),
        join_weight=settings.link_join_weight,
        review_weight=settings.link_review_weight,
        pairs=counts,
        for_review=for_review,
        joins=joins,
        joined_now=joined,
        parted_now=parted,
        overruled=overruled,
        inputs=inputs,
    )
    write_private(settings.linkage_dir / "state.json", (json.dumps(asdict(state), indent=2) + "\n").encode())
    log.info(
        "linked by likeness: %s joins stand, %s new, %s parted, %s pairs for review",
        f"{sum(joins.values()):,}", f"{joined:,}", f"{parted:,}", f"{for_review:,}",
    )  # fmt: skip


def _score_or_reuse(connection: duckdb.DuckDBPyConnection, settings: Settings, model: dict[str, Any] | None) -> str:
    """Table `pair`: as scored in an earlier run from the same profiles with the same model, else scored now.

    Returns: what the scores were made of, as a digest.
    """
    if model is None:
        gammas = ", ".join(f"{gamma} integer" for gamma in GAMMAS)
        connection.execute(f"create table pair (left_key varchar, right_key varchar, match_weight double, {gammas})")
        return "none"
    [(profiles,)] = connection.execute(
        "select concat_ws('|', count(*), bit_xor(hash(profile)), sum(hash(profile) % 1000003)) from profile"
    ).fetchall()
    content = [profiles, json.dumps(model, sort_keys=True), KEPT_WEIGHT]
    inputs = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
    before = read_state(settings)
    if before is not None and before.inputs == inputs and pairs_path(settings).is_file():
        columns = ", ".join(("left_key", "right_key", "match_weight", *GAMMAS))
        connection.execute(
            f"create table pair as select {columns} from {vault_file(pairs_path(settings))} where match_weight is not null"
        )
    else:
        score(connection, model)
    return inputs


def _current(column: str) -> str:
    """SQL of the key that a child of an earlier run has now after the fixed steps, from the alias `renamed_key`."""
    return f"coalesce((select kept_key from renamed_key where renamed_key.child_key = {column}), {column})"


def _read_before(connection: duckdb.DuckDBPyConnection, settings: Settings, is_new: bool) -> None:
    """Tables `before` (joins of the run before, under today's keys) and `standing` (those of them to keep)."""
    path = joins_path(settings)
    source = (
        vault_file(path)
        if path.is_file()
        else "(select '' as left_key, '' as right_key, 0.0 as match_weight, '' as basis limit 0)"
    )
    connection.execute(
        f"""
        create table before as
        select distinct on (left_key, right_key) * from (
            select {_current("joined.left_key")} as left_key, {_current("joined.right_key")} as right_key,
                match_weight, basis
            from {source} as joined
        )
        where left_key <> right_key
        order by left_key, right_key, match_weight desc
        """
    )
    connection.execute(
        """
        create table standing as
        select left_key, right_key, match_weight, true as can_join from before
        where basis = 'probable' and match_weight >= $weight and not $is_new
            and left_key in (select child_key from child_number) and right_key in (select child_key from child_number)
        """,
        {"weight": settings.link_join_weight, "is_new": is_new},
    )


def _read_decided(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tables `decided` (left_key, right_key, decision), under today's keys, and `decided_same`."""
    decided = list(read_decisions(settings).items())
    connection.execute("create table decision (one varchar, other varchar, decision varchar)")
    connection.execute(
        "insert into decision select unnest($1), unnest($2), unnest($3)",
        [[one for (one, _), _ in decided], [other for (_, other), _ in decided], [of.decision for _, of in decided]],
    )
    connection.execute(
        f"""
        create table decided as
        select distinct least(one, other) as left_key, greatest(one, other) as right_key, decision
        from (select {_current("decision.one")} as one, {_current("decision.other")} as other, decision from decision)
        where one in (select child_key from child_number) and other in (select child_key from child_number)
        """
    )
    connection.execute(
        "create table decided_same as select left_key, right_key, 1000.0 as match_weight, true as can_join from decided"
        " where decision = 'same' and left_key <> right_key"
    )


def _make_clusters(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tables `candidate` (pairs worth a look) and `cluster` (child_key, cluster_key, number: of the receipt) of these alone."""
    connection.execute(
        f"""
        create table candidate as
        select left_key, right_key, match_weight, {CAN_JOIN} as can_join
        from pair where match_weight >= ?
        """,
        [settings.link_review_weight],
    )
    connection.execute(
        """
        create table cluster as
        with looked_at as (
            select left_key, right_key from candidate union select left_key, right_key from standing
            union select left_key, right_key from decided
        ),
        child as (select left_key as child_key from looked_at union select right_key from looked_at)
        select child_key, child_key as cluster_key, min(number) as number
        from child inner join child_link using (child_key) inner join linked_submission using (submission_id)
        group by child_key
        """
    )
    connection.execute(
        """
        create table told_in as
        select child_key, list(unit) as units from child_unit semi join cluster using (child_key) group by child_key
        """
    )
    connection.execute(
        "create table join_made (left_key varchar, right_key varchar, match_weight double, basis varchar)"
    )


def _compare_clusters(connection: duckdb.DuckDBPyConnection, pairs: str) -> None:
    """Table `cluster_pair`: of a table of pairs of children, the clusters that they are in and what keeps these apart."""
    connection.execute(
        f"""
        create or replace temp table cluster_pair as
        with between_clusters as (
            select
                least(a.cluster_key, b.cluster_key) as left_cluster, greatest(a.cluster_key, b.cluster_key) as right_cluster,
                max(match_weight) as any_weight,
                coalesce(max(match_weight) filter (where can_join), max(match_weight)) as match_weight,
                arg_max({{'left_key': left_key, 'right_key': right_key}}, (can_join, match_weight, left_key, right_key)) as told_by,
                bool_or(can_join) as can_join
            from {pairs}
            inner join cluster as a on a.child_key = left_key
            inner join cluster as b on b.child_key = right_key
            where a.cluster_key <> b.cluster_key
            group by left_cluster, right_cluster
        ),
        told as (
            select cluster_key, flatten(list(upns)) as upns, flatten(list(nhs_numbers)) as nhs_numbers,
                flatten(list(ulns)) as ulns, flatten(list(units)) as units
            from cluster
            inner join child_number using (child_key)
            inner join told_in using (child_key)
            group by cluster_key
        ),
        reviewed as (
            select distinct least(a.cluster_key, b.cluster_key) as left_cluster, greatest(a.cluster_key, b.cluster_key) as right_cluster
            from decided
            inner join cluster as a on a.child_key = left_key
            inner join cluster as b on b.child_key = right_key
            where decision = 'different'
        )
        select
            between_clusters.*,
            reviewed.left_cluster is not null as is_reviewed,
            list_has_any(a.units, b.units) as is_of_one_list,
            {
            " or ".join(
                f"coalesce(len(a.{kind}) > 0 and len(b.{kind}) > 0 and not list_has_any(a.{kind}, b.{kind}), false)"
                for kind in ("upns", "nhs_numbers", "ulns")
            )
        } as has_other_numbers
        from between_clusters
        inner join told as a on a.cluster_key = left_cluster
        inner join told as b on b.cluster_key = right_cluster
        left join reviewed using (left_cluster, right_cluster)
        """
    )


def _merge(
    connection: duckdb.DuckDBPyConnection,
    basis: str,
    pairs: str,
    apart: tuple[str, ...],
    join_weight: float | None = None,
) -> None:
    """Join clusters, round after round, of a table of pairs: those that are each other's best and that nothing keeps apart.

    With a `join_weight`, pairs below it join nobody, and neither do those that have a rival.
    """
    rivals = "select own, other from best limit 0"
    if join_weight is not None:
        # Another to whom one of the two could be joined instead, and who is not the other as well.
        rivals = f"select own, other from best where match_weight < {join_weight} union all " + " union all ".join(
            f"""
            select best.own, best.other
            from best
            inner join side as rival
                on rival.own = best.{one} and rival.other <> best.{two} and rival.match_weight > best.match_weight - {MARGIN}
            left join side as closing
                on closing.own = best.{two} and closing.other = rival.other and closing.match_weight >= {join_weight}
            where closing.own is null
            """
            for one, two in (("own", "other"), ("other", "own"))
        )
    while True:
        _compare_clusters(connection, pairs)
        connection.execute(
            f"""
            create or replace temp table joining as
            with free as (select * from cluster_pair where not ({" or ".join(apart)})),
            side as (
                select left_cluster as own, right_cluster as other, match_weight, told_by from free
                union all select right_cluster, left_cluster, match_weight, told_by from free
            ),
            ranked as (
                select *, row_number() over (
                    partition by own order by match_weight desc, least(own, other), greatest(own, other)
                ) as place
                from side
            ),
            best as (
                select one.* from ranked as one
                inner join ranked as two on two.own = one.other and two.other = one.own and two.place = 1
                where one.place = 1 and one.own < one.other
            ),
            rivals as ({rivals})
            select best.own, best.other, best.match_weight, best.told_by from best anti join rivals using (own, other)
            """
        )
        if not connection.execute("select count(*) from joining").fetchall()[0][0]:
            return
        connection.execute(
            "insert into join_made select told_by.left_key, told_by.right_key, match_weight, ? from joining", [basis]
        )
        connection.execute(
            """
            update cluster set cluster_key = kept.cluster_key, number = kept.number
            from (
                select
                    unnest([own, other]) as old_key,
                    if((a.number, a.cluster_key) < (b.number, b.cluster_key), a.cluster_key, b.cluster_key) as cluster_key,
                    least(a.number, b.number) as number
                from joining
                inner join (select distinct cluster_key, number from cluster) as a on a.cluster_key = own
                inner join (select distinct cluster_key, number from cluster) as b on b.cluster_key = other
            ) as kept
            where cluster.cluster_key = kept.old_key
            """
        )


def _judge_pairs(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Table `judged`: every scored pair with its outcome, and those of `weak_name`, which have no weight."""
    connection.execute(
        "update join_made set basis = before.basis, match_weight = before.match_weight from before"
        " where join_made.basis = 'before' and before.left_key = join_made.left_key and before.right_key = join_made.right_key"
    )
    _compare_clusters(connection, "candidate")
    reasons = " ".join(
        f"when {test} then '{reason}'" for reason, test in APART.items() if reason != "name_or_birth_date"
    )
    connection.execute(
        f"""
        create table judged as
        with placed as (
            select pair.*, {CAN_JOIN} as own_can_join,
                a.cluster_key as left_cluster, b.cluster_key as right_cluster
            from pair
            left join cluster as a on a.child_key = left_key
            left join cluster as b on b.child_key = right_key
        )
        select
            placed.left_key, placed.right_key, placed.match_weight, {", ".join(f"placed.{gamma}" for gamma in GAMMAS)},
            own_can_join as can_join, placed.match_weight >= $join_weight as is_likely,
            case
                when placed.match_weight < $review_weight then 'unlike'
                when placed.left_cluster = placed.right_cluster then 'joined'
                {reasons}
                when not own_can_join then 'name_or_birth_date'
                when placed.match_weight >= $join_weight then 'ambiguous'
                else 'review'
            end as outcome
        from placed
        left join cluster_pair
            on cluster_pair.left_cluster = least(placed.left_cluster, placed.right_cluster)
            and cluster_pair.right_cluster = greatest(placed.left_cluster, placed.right_cluster)
        """,
        {"join_weight": settings.link_join_weight, "review_weight": settings.link_review_weight},
    )
    connection.execute(
        "insert into judged by name select child_key as left_key, own_key as right_key, false as can_join,"
        " false as is_likely, 'weak_name' as outcome from weak_name"
    )


def _record(connection: duckdb.DuckDBPyConnection, settings: Settings, at: str, is_new: bool) -> tuple[int, int]:
    """Write into the journal who was joined and who was parted since the run before; gives how many of each."""
    joined = connection.execute(
        """
        select cluster_key, made.left_key, made.right_key,
            if(made.basis = 'probable', 'likeness', made.basis), if(made.basis = 'probable', made.match_weight, null)
        from join_made as made inner join cluster on cluster.child_key = made.left_key
        anti join before on before.left_key = made.left_key and before.right_key = made.right_key and before.basis = made.basis
        order by all
        """
    ).fetchall()
    parted = connection.execute(
        """
        select null, before.left_key, before.right_key,
            case
                when decided.decision = 'different' then 'reviewed'
                when before.basis = 'reviewed' then 'decision withdrawn'
                when a.child_key is null or b.child_key is null then 'no longer told'
                when list_has_any(one.units, two.units) then 'one supplier tells of both'
                when before.match_weight < $weight then 'setting raised'
                when $is_new then 'model trained anew'
                else 'numbers or others joined with them contradict'
            end,
            if(before.basis = 'probable', before.match_weight, null)
        from before
        left join cluster as a on a.child_key = before.left_key
        left join cluster as b on b.child_key = before.right_key
        left join told_in as one on one.child_key = before.left_key
        left join told_in as two on two.child_key = before.right_key
        left join decided on decided.left_key = least(before.left_key, before.right_key)
            and decided.right_key = greatest(before.left_key, before.right_key)
        where a.cluster_key is distinct from b.cluster_key or a.cluster_key is null
        order by all
        """,
        {"weight": settings.link_join_weight, "is_new": is_new},
    ).fetchall()
    by_number: list[tuple[Any, ...]] = []
    if children_path(settings).is_file():
        by_number = connection.execute(
            f"select kept_key, kept_key, child_key, 'numbers', null from renamed_key"
            f" semi join {vault_file(children_path(settings))} using (child_key) order by all"
        ).fetchall()
    entries = [
        {
            "at": at,
            "event": event,
            "left_key": left_key,
            "right_key": right_key,
            "kept_key": kept_key,
            "reason": reason,
            "match_weight": weight,
            "join_weight": settings.link_join_weight,
        }
        for event, told in (("joined", [*joined, *by_number]), ("parted", parted))
        for kept_key, left_key, right_key, reason, weight in told
    ]
    if entries:
        append_to_journal(journal_path(settings), *entries, mode=PRIVATE_MODE)
    return len(joined), len(parted)


def _name_children(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the rows and numbers of children that were joined to another the key of that one, the rows how it came too."""
    connection.execute(
        """
        update child_link set
            child_key = cluster.cluster_key,
            match_strength = if(
                cluster.child_key in (
                    select left_key from join_made where basis = 'reviewed'
                    union all select right_key from join_made where basis = 'reviewed'
                ),
                'reviewed', 'probable'
            )
        from cluster
        where child_link.child_key = cluster.child_key and cluster.cluster_key <> cluster.child_key
        """
    )
    connection.execute(
        "update known set child_key = cluster.cluster_key from cluster where known.child_key = cluster.child_key"
    )


def _keep(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Write what the next run and a reviewer need."""
    write_vault(connection, "select * from judged order by left_key, right_key", pairs_path(settings))
    write_vault(
        connection,
        """
        select child_key, coalesce(cluster_key, child_key) as cluster_key, names, birth_dates, postcodes, sex, return_ids,
            upns, nhs_numbers, ulns
        from child_number
        left join cluster using (child_key) left join given_name using (child_key) left join child_sex using (child_key)
        union all by name
        select own_key as child_key, child_key as cluster_key, names, birth_dates, weak_name.sex
        from weak_name inner join given_name using (child_key)
        order by child_key
        """,
        children_path(settings),
    )
    write_vault(connection, "select * from join_made order by left_key, right_key", joins_path(settings))
