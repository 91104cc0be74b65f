"""The graph of the models: every table has a way in, a way out and a reader, and every join is held to by a test.

The rules are those of dbt-project-evaluator as far as they suit this project, read from dbt's manifest; each names what
breaks it in one sentence, and each is shown a project that does.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from orchestration.docs.bus_matrix import joins_of
from orchestration.returns.kpis import local_return_ids
from orchestration.settings import PROJECT_DIR

Manifest = dict[str, Any]
Rule = Callable[[Manifest], list[str]]

# Every staging view asks which submissions count: the one model of staging that others of staging may read.
SUBMISSIONS = "stg_control__submission"
# A model with more ends than this is a table that people take apart in their own tools.
LEAVES = 3
# A view each family is what KPI tables are for.
MANY_LEAVES_MEANT = {"kpi_value"}
CHAINED_VIEWS = 3
RELEASES = {"restricted_release": "marts", "open_release": "kpi", "internal_release": "kpi_internal"}
KEYS = {"unique", "unique_together"}
OF_ONE_COLUMN = {"unique", "not_null", "accepted_values", "relationships"}
# A local return lists its own marts beside them.
LOCAL_RELEASE = "restricted_release_{}"
PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts": ("dim_", "fct_", "bridge_"),
    "kpi": ("kpi_",),
    "kpi_internal": ("kpi_", "safety_valve_", "sen2_"),
}
FACTS = ("fct_", "bridge_")
# Columns named like the key of a conformed dimension that mean something else.
NOT_CONFORMED = {
    "fct_dsg_position.line_code",  # lines of the position, not of section 251
    # reasons for something else than a difference between school census and EHC plans
    "fct_census_day_difference.reason_code",
    "fct_child_journey.first_plan_cease_reason_code",
    "fct_ehc_plan.cease_reason_code",
    "fct_therapy_referral.referral_rejection_reason_code",
    "fct_therapy_referral.referral_closure_reason_code",
}
# Columns of seeds that are there to be read by whoever edits the seed.
FOR_EDITORS = re.compile(r"(_name|_label|_title|^basis|^source|^note)$")


def models(manifest: Manifest, layer: str | None = None) -> list[dict[str, Any]]:
    """Models of a layer (or all) by name."""
    found = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return sorted((node for node in found if layer in (None, node["fqn"][1])), key=lambda node: str(node["name"]))


def checks_of(manifest: Manifest, node: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        test
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and test.get("attached_node") == node["unique_id"]
        and test.get("test_metadata")
    ]


def parents(manifest: Manifest, node: dict[str, Any]) -> list[str]:
    return [str(parent) for parent in node["depends_on"]["nodes"]]


def readers(manifest: Manifest, unique_id: str) -> list[str]:
    """Models, exposures and worked queries that read a node; tests are no readers, nor is the release that holds all."""
    reading = [*manifest["nodes"].values(), *manifest["exposures"].values()]
    return [
        node["unique_id"]
        for node in reading
        if node["resource_type"] in ("model", "exposure", "analysis")
        and unique_id in node["depends_on"]["nodes"]
        and not is_release(node["name"])
    ]


def is_release(exposure_name: str) -> bool:
    """Whether an exposure lists what a release holds."""
    return exposure_name in RELEASES or exposure_name.startswith(LOCAL_RELEASE.format(""))


def name(unique_id: str) -> str:
    return unique_id.rpartition(".")[2]


def every_source_is_staged_once(manifest: Manifest) -> list[str]:
    return [
        f"{source['name']} is staged {len(readers(manifest, unique_id))} times"
        for unique_id, source in manifest["sources"].items()
        if len(readers(manifest, unique_id)) != 1
    ]


def only_staging_reads_sources(manifest: Manifest) -> list[str]:
    return [
        f"{node['name']} reads {name(parent)}"
        for node in models(manifest)
        for parent in parents(manifest, node)
        if parent.startswith("source.") and node["fqn"][1] != "staging"
    ]


def staging_reads_one_source_and_no_other_model(manifest: Manifest) -> list[str]:
    wrong = []
    for node in models(manifest, "staging"):
        read = [parent for parent in parents(manifest, node) if name(parent) != SUBMISSIONS]
        if len(read) != 1 or not read[0].startswith("source."):
            wrong.append(f"{node['name']} reads {sorted(map(name, read))}")
    return wrong


def every_model_has_a_parent(manifest: Manifest) -> list[str]:
    return [str(node["name"]) for node in models(manifest) if not parents(manifest, node)]


def every_model_has_a_reader(manifest: Manifest) -> list[str]:
    """A KPI table is read from the open release; a mart needs a KPI, a worked query or somebody who asks."""
    return [
        f"{node['name']} is read by nobody"
        for node in models(manifest)
        if node["fqn"][1] != "kpi" or not node["name"].startswith("kpi_")
        if not readers(manifest, node["unique_id"])
    ]


def a_release_lists_all_that_it_holds(manifest: Manifest) -> list[str]:
    """Marts of a local return, in the folder of its name, stand in the list that the return brings with them."""
    held: dict[str, set[str]] = {release: set() for release in RELEASES}
    for release, layer in RELEASES.items():
        for node in models(manifest, layer):
            if node["name"].startswith(PREFIXES[layer]):
                own = layer == "marts" and node["fqn"][2] in manifest["local_returns"]
                held.setdefault(LOCAL_RELEASE.format(node["fqn"][2]) if own else release, set()).add(node["unique_id"])
    listed = {
        exposure["name"]: set(exposure["depends_on"]["nodes"])
        for exposure in manifest["exposures"].values()
        if is_release(exposure["name"])
    }
    return [
        f"{release} lists {name(one)}, or should"
        for release in sorted(held.keys() | listed.keys())
        for one in sorted(held.get(release, set()) ^ listed.get(release, set()))
    ]


def somebody_stands_behind_an_exposure(manifest: Manifest) -> list[str]:
    """An analysis says who asks and what."""
    return [
        str(exposure["name"])
        for exposure in manifest["exposures"].values()
        if not exposure["owner"].get("name")
        or not exposure["depends_on"]["nodes"]
        or ("?" not in exposure["description"] and not is_release(exposure["name"]))
    ]


def has_key(test: dict[str, Any]) -> bool:
    """A test of uniqueness: of all rows, or (dbt's own) under a condition."""
    told = test["test_metadata"]
    return told["name"] == "unique" or (told["name"] == "holds" and not KEYS.isdisjoint(told["kwargs"]))


def tables_have_a_key_that_is_tested(manifest: Manifest) -> list[str]:
    """Staging, marts and KPI tables; what lies between is held by the keys of the tables made of it."""
    return [
        str(node["name"])
        for node in models(manifest)
        if node["fqn"][1] in ("staging", "marts", "kpi_internal")
        or (node["fqn"][1] == "kpi" and node["fqn"][2] not in ("families", "components"))
        if not any(has_key(test) for test in checks_of(manifest, node))
    ]


def a_model_is_named_after_its_layer(manifest: Manifest) -> list[str]:
    wrong = []
    for node in models(manifest):
        layer = "intermediate" if "components" in node["fqn"] else node["fqn"][1]
        if not node["name"].startswith(PREFIXES[layer]):
            wrong.append(f"{node['name']} is in {layer}")
        if layer == "staging" and not node["name"].startswith(f"stg_{node['fqn'][2]}__"):
            wrong.append(f"{node['name']} is in the folder of {node['fqn'][2]}")
    return wrong


def a_mart_states_its_contract_and_grain(manifest: Manifest) -> list[str]:
    return [
        str(node["name"])
        for node in models(manifest, "marts")
        if not node["config"]["contract"]["enforced"]
        or node["config"]["persist_docs"] != {"relation": True, "columns": True}
        or not node["description"].startswith("One row per ")
    ]


def a_fact_carries_its_authority(manifest: Manifest) -> list[str]:
    return [
        str(node["name"])
        for node in models(manifest, "marts")
        if node["name"].startswith(FACTS) and "la_code" not in node["columns"]
    ]


def relationships(manifest: Manifest, node: dict[str, Any]) -> dict[str, set[str]]:
    """Columns of a model that are tested against others, and the names of those."""
    found: dict[str, set[str]] = {}
    for test in checks_of(manifest, node):
        for column, parent in joins_of(test):
            found.setdefault(column, set()).add(parent)
    return found


def keys_of(manifest: Manifest, node: dict[str, Any]) -> set[str]:
    """Columns of a model that are unique in all of its rows."""
    return {
        column
        for test in checks_of(manifest, node)
        if test["test_metadata"]["name"] == "holds"
        for column in test["test_metadata"]["kwargs"].get("unique", ())
    }


def conformed_keys(manifest: Manifest) -> dict[str, str]:
    """Key column of each conformed dimension, and the dimension."""
    return {
        column: str(node["name"])
        for node in models(manifest, "marts")
        if node["fqn"][2] == "conformed" and node["name"].startswith("dim_")
        for column in keys_of(manifest, node)
    }


def a_fact_is_held_to_the_dimensions_it_names(manifest: Manifest) -> list[str]:
    """A column of a fact that is called as the key of a conformed dimension is, or ends so, is tested against it."""
    keys = conformed_keys(manifest)
    wrong = []
    for node in models(manifest, "marts"):
        if not node["name"].startswith(FACTS):
            continue
        tested = relationships(manifest, node)
        for column in node["columns"].keys() - keys_of(manifest, node):
            named = [key for key in keys if column == key or column.endswith(f"_{key}")]
            if named and f"{node['name']}.{column}" not in NOT_CONFORMED:
                dimension = keys[max(named, key=len)]
                if dimension not in tested.get(column, set()):
                    wrong.append(f"{node['name']}.{column} is not tested against {dimension}")
    return sorted(wrong)


def a_dimension_of_several_subjects_is_conformed(manifest: Manifest) -> list[str]:
    subjects: dict[str, set[str]] = {}
    for node in models(manifest, "marts"):
        if node["name"].startswith(FACTS):
            for dimension in set().union(*relationships(manifest, node).values()):
                subjects.setdefault(dimension, set()).add(node["fqn"][2])
    return [
        f"{node['name']} is joined by facts of {', '.join(sorted(subjects[node['name']]))}"
        for node in models(manifest, "marts")
        if node["name"].startswith("dim_")
        and node["fqn"][2] != "conformed"
        and len(subjects.get(str(node["name"]), ())) > 1
    ]


def what_holds_is_one_test_a_model(manifest: Manifest) -> list[str]:
    """dbt spends more on a test than DuckDB on its query: what has no condition of its own goes into `holds` and `joins`."""
    return [
        str(test["name"])
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and (test.get("test_metadata") or {}).get("name") in OF_ONE_COLUMN
        and not test["config"].get("where")
    ]


def nothing_is_named_past_dbt(manifest: Manifest) -> list[str]:
    """Tables are named through ref and source; anything else dbt cannot order or draw."""
    schemas = "|".join(["seed", "control", "main", *PREFIXES])
    direct = re.compile(rf"\b(?:from|join)\s+(?:(?:{schemas})\.|read_\w+\(|['\"])", re.IGNORECASE)
    return [str(node["name"]) for node in models(manifest) if direct.search(node["raw_code"])]


def a_model_does_not_fan_out(manifest: Manifest) -> list[str]:
    """Many ends of one model are one table that nobody has made yet."""
    leaves = {
        node["unique_id"]
        for node in models(manifest)
        if not any(reader.startswith("model.") for reader in readers(manifest, node["unique_id"]))
    }
    ends = Counter(
        parent for node in models(manifest) if node["unique_id"] in leaves for parent in parents(manifest, node)
    )
    return [
        f"{node['name']} has {ends[node['unique_id']]} ends"
        for node in models(manifest)
        if ends[node["unique_id"]] > LEAVES and node["name"] not in MANY_LEAVES_MEANT
    ]


def views_do_not_stand_on_views_on_views(manifest: Manifest) -> list[str]:
    by_id = {node["unique_id"]: node for node in models(manifest)}

    def height(unique_id: str) -> int:
        if unique_id not in by_id or by_id[unique_id]["config"]["materialized"] != "view":
            return 0
        return 1 + max((height(parent) for parent in parents(manifest, by_id[unique_id])), default=0)

    return [str(node["name"]) for node in models(manifest) if height(node["unique_id"]) > CHAINED_VIEWS]


def sources_are_described(manifest: Manifest) -> list[str]:
    return [
        str(source["name"])
        for source in manifest["sources"].values()
        if not source["description"].strip() or not source["source_description"].strip()
    ]


RULES: list[Rule] = [
    every_source_is_staged_once,
    only_staging_reads_sources,
    staging_reads_one_source_and_no_other_model,
    every_model_has_a_parent,
    every_model_has_a_reader,
    a_release_lists_all_that_it_holds,
    somebody_stands_behind_an_exposure,
    tables_have_a_key_that_is_tested,
    a_model_is_named_after_its_layer,
    a_mart_states_its_contract_and_grain,
    a_fact_carries_its_authority,
    a_fact_is_held_to_the_dimensions_it_names,
    a_dimension_of_several_subjects_is_conformed,
    what_holds_is_one_test_a_model,
    nothing_is_named_past_dbt,
    a_model_does_not_fan_out,
    views_do_not_stand_on_views_on_views,
    sources_are_described,
]


@pytest.fixture(scope="module")
def manifest(empty_warehouse_path: Path) -> Manifest:
    """The manifest that dbt left when it built the empty warehouse."""
    path = empty_warehouse_path.parent / "target" / "manifest.json"
    read: Manifest = json.loads(path.read_text(encoding="utf-8"))
    return read | {"local_returns": local_return_ids()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule, manifest: Manifest) -> None:
    assert rule(manifest) == []


def node(layer: str, named: str, *read: str, folder: str = "thing", **more: Any) -> dict[str, Any]:
    """A model of an invented project, sound unless told otherwise."""
    return {
        "unique_id": f"model.toy.{named}",
        "resource_type": "model",
        "name": named,
        "fqn": ["toy", layer, folder, named],
        "depends_on": {"nodes": list(read)},
        "description": "One row per thing.",
        "columns": {"la_code": {}, "thing_key": {}},
        "config": {
            "contract": {"enforced": True},
            "materialized": "view" if layer == "staging" else "table",
            "persist_docs": {"relation": True, "columns": True},
        },
        "raw_code": "select * from {{ ref('thing') }}",
    } | more


def data_test(kind: str, on: str, **arguments: Any) -> dict[str, Any]:
    return {
        "unique_id": f"test.toy.{kind}.{on}",
        "resource_type": "test",
        "name": f"{kind}_{on}",
        "attached_node": f"model.toy.{on}",
        "test_metadata": {"name": kind, "kwargs": arguments},
        "config": {},
    }


def exposure(named: str, *read: str) -> dict[str, Any]:
    return {
        "unique_id": f"exposure.toy.{named}",
        "resource_type": "exposure",
        "name": named,
        "owner": {"name": "Somebody"},
        "description": "How many?",
        "depends_on": {"nodes": [f"model.toy.{one}" for one in read]},
    }


def toy() -> Manifest:
    """A sound project of one source, its staging, a dimension, a fact and a KPI table."""
    nodes = [
        node("staging", "stg_thing__row", "source.toy.thing.row"),
        node("intermediate", "int_thing__told", "model.toy.stg_thing__row"),
        node("marts", "dim_thing", "model.toy.int_thing__told", folder="conformed", columns={"thing_key": {}}),
        node("marts", "fct_thing", "model.toy.int_thing__told", folder="thing"),
        node("kpi", "kpi_thing", "model.toy.fct_thing", "model.toy.dim_thing", folder="kpi_thing"),
        *(data_test("holds", on, unique=["thing_key"]) for on in ("stg_thing__row", "dim_thing", "kpi_thing")),
        data_test("holds", "fct_thing", unique_together=[["fact_key", "la_code"]]),
        data_test("joins", "fct_thing", columns={"thing_key": "dim_thing.thing_key"}),
    ]
    exposures = [exposure("restricted_release", "dim_thing", "fct_thing"), exposure("open_release", "kpi_thing")]
    source = {"name": "row", "description": "One thing.", "source_description": "Things."}
    return {
        "nodes": {one["unique_id"]: one for one in nodes},
        "exposures": {one["unique_id"]: one for one in exposures},
        "sources": {"source.toy.thing.row": source},
        "local_returns": ["visits"],
    }


def with_node(*added: dict[str, Any]) -> Manifest:
    broken = toy()
    broken["nodes"] |= {one["unique_id"]: one for one in added}
    return broken


def without(unique_id: str) -> Manifest:
    broken = toy()
    for kind in ("nodes", "exposures", "sources"):
        broken[kind].pop(unique_id, None)
    return broken


def changed(unique_id: str, **values: Any) -> Manifest:
    broken = deepcopy(toy())
    for kind in ("nodes", "exposures", "sources"):
        if unique_id in broken[kind]:
            broken[kind][unique_id] |= values
    return broken


STAGED, TOLD, FACT = "model.toy.stg_thing__row", "model.toy.int_thing__told", "model.toy.fct_thing"
BROKEN: list[tuple[Rule, Manifest, list[str]]] = [
    (every_source_is_staged_once, without(STAGED), ["row is staged 0 times"]),
    (
        every_source_is_staged_once,
        with_node(node("staging", "stg_thing__again", "source.toy.thing.row")),
        ["row is staged 2 times"],
    ),
    (only_staging_reads_sources, with_node(node("marts", "fct_raw", "source.toy.thing.row")), ["fct_raw reads row"]),
    (
        staging_reads_one_source_and_no_other_model,
        with_node(node("staging", "stg_thing__more", STAGED)),
        ["stg_thing__more reads ['stg_thing__row']"],
    ),
    (every_model_has_a_parent, with_node(node("marts", "dim_typed")), ["dim_typed"]),
    (
        every_model_has_a_reader,
        with_node(node("staging", "stg_thing__unread", "source.toy.thing.row")),
        ["stg_thing__unread is read by nobody"],
    ),
    # The release that holds every mart is no reader.
    (
        every_model_has_a_reader,
        without("model.toy.kpi_thing"),
        ["dim_thing is read by nobody", "fct_thing is read by nobody"],
    ),
    (
        a_release_lists_all_that_it_holds,
        with_node(node("marts", "fct_new", TOLD)),
        ["restricted_release lists fct_new, or should"],
    ),
    (
        a_release_lists_all_that_it_holds,
        with_node(node("marts", "fct_visits_made", TOLD, folder="visits")),
        ["restricted_release_visits lists fct_visits_made, or should"],
    ),
    (
        somebody_stands_behind_an_exposure,
        changed("exposure.toy.open_release", owner={"name": ""}),
        ["open_release"],
    ),
    (tables_have_a_key_that_is_tested, without("test.toy.holds.fct_thing"), ["fct_thing"]),
    (a_model_is_named_after_its_layer, changed(FACT, name="thing"), ["thing is in marts"]),
    (
        a_model_is_named_after_its_layer,
        changed(STAGED, name="stg_other__row"),
        ["stg_other__row is in the folder of thing"],
    ),
    (a_mart_states_its_contract_and_grain, changed(FACT, description="Things."), ["fct_thing"]),
    (a_fact_carries_its_authority, changed(FACT, columns={"thing_key": {}}), ["fct_thing"]),
    (
        a_fact_is_held_to_the_dimensions_it_names,
        changed(FACT, columns={"la_code": {}, "thing_key": {}, "former_thing_key": {}}),
        ["fct_thing.former_thing_key is not tested against dim_thing"],
    ),
    (
        a_dimension_of_several_subjects_is_conformed,
        with_node(
            node("marts", "dim_thing", TOLD, folder="thing"),
            node("marts", "fct_other", TOLD, folder="other"),
            data_test("joins", "fct_other", columns={"thing_key": "dim_thing.thing_key"}),
        ),
        ["dim_thing is joined by facts of other, thing"],
    ),
    (what_holds_is_one_test_a_model, with_node(data_test("not_null", "fct_thing")), ["not_null_fct_thing"]),
    (nothing_is_named_past_dbt, changed(FACT, raw_code="select * from staging.stg_thing__row"), ["fct_thing"]),
    (
        a_model_does_not_fan_out,
        with_node(*(node("marts", f"fct_end_{number}", TOLD) for number in range(LEAVES + 1))),
        ["int_thing__told has 4 ends"],
    ),
    (
        views_do_not_stand_on_views_on_views,
        with_node(
            *(
                node("intermediate", f"int_view__{number}", below, config={"materialized": "view"})
                for number, below in enumerate([STAGED, "model.toy.int_view__0", "model.toy.int_view__1"])
            )
        ),
        ["int_view__2"],
    ),
    (sources_are_described, changed("source.toy.thing.row", description=" "), ["row"]),
]


@pytest.mark.parametrize(("rule", "broken", "found"), BROKEN)
def test_a_project_that_breaks_the_rule_is_found(rule: Rule, broken: Manifest, found: list[str]) -> None:
    assert rule(broken) == found


def test_a_local_return_lists_its_marts_itself_and_is_no_reader_of_them() -> None:
    own = exposure("restricted_release_visits", "fct_visits_made")
    project = with_node(node("marts", "fct_visits_made", TOLD, folder="visits"))
    project["exposures"] = project["exposures"] | {own["unique_id"]: own}
    assert a_release_lists_all_that_it_holds(project) == []
    assert every_model_has_a_reader(project) == ["fct_visits_made is read by nobody"]
    project["exposures"][own["unique_id"]] = exposure("restricted_release_visits", "fct_visits_made", "fct_thing")
    assert a_release_lists_all_that_it_holds(project) == ["restricted_release_visits lists fct_thing, or should"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_passes_a_sound_project_and_is_shown_one_that_breaks_it(rule: Rule) -> None:
    assert rule(toy()) == []
    assert any(rule is shown for shown, _, _ in BROKEN)


def text_of(paths: Iterable[Path]) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def unread_columns(seeds: dict[str, list[str]], code: str) -> list[str]:
    """Columns of seeds whose name stands nowhere in the code, and that are not there for whoever edits the seed."""
    words = set(re.findall(r"\w+", code))
    return [
        f"{seed}.{column}"
        for seed, columns in sorted(seeds.items())
        for column in columns
        if column not in words and not FOR_EDITORS.search(column)
    ]


def test_every_column_of_a_seed_is_read() -> None:
    seeds = {}
    for path in (PROJECT_DIR / "dbt_project" / "seeds").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            seeds[path.stem] = next(csv.reader(file))
    models_and_macros = [*(PROJECT_DIR / "dbt_project").rglob("*.sql")]
    checks = (Path(__file__).parent).glob("test_*.py")
    code = text_of([*models_and_macros, *(PROJECT_DIR / "orchestration").rglob("*.py"), *checks])
    assert len(seeds) > 30
    assert unread_columns(seeds, code) == []


def test_a_column_of_a_seed_that_nobody_reads_is_found() -> None:
    seeds = {"kind": ["kind_code", "kind_name", "kind_order"]}
    assert unread_columns(seeds, "select kind_code from kind") == ["kind.kind_order"]


def test_what_the_code_reads_of_the_models_is_declared(manifest: Manifest) -> None:
    declared = {one["name"]: one for one in manifest["exposures"].values() if one["config"]["meta"].get("read_by")}
    assert declared.keys() == {"evidence_page", "worklist", "disclosure_control"}
    known = {one["name"] for one in manifest["nodes"].values() if one["resource_type"] in ("model", "seed")}
    for one in declared.values():
        place = PROJECT_DIR / one["config"]["meta"]["read_by"]
        code = text_of(place.rglob("*.py") if place.is_dir() else [place])
        # Tables of the marts; disclosure control reads seeds, KPI tables and what they are computed from.
        schemas = "seed|intermediate|kpi" if place.is_file() else "marts"
        read = {table for table in re.findall(rf"\b(?:{schemas})\.([a-z_0-9]+)", code) if table in known}
        if place.is_file():
            read |= {table for table in re.findall(r"\"(int_\w+|kpi_\w+)\"", code) if table in known}
        assert {name(read_id) for read_id in one["depends_on"]["nodes"]} >= read, one["name"]
        assert {name(read_id) for read_id in one["depends_on"]["nodes"]} <= {
            word for word in re.findall(r"\w+", code) if word in known
        }, one["name"]
