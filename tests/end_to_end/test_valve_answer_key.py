"""The faults planted in the invented safety valve returns against the landing gate: what is found is what was planted."""

import csv
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook

from expectations.catalogue import Catalogue, load_catalogue
from orchestration.returns.assess import Assessed, assess
from orchestration.returns.delivered import delivered_file
from orchestration.returns.earlier import accepted_before, attach_earlier
from orchestration.returns.land import land_return
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import landed_rows, read_submissions
from orchestration.returns.workspace import open_workspace
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.synthetic import borough, bundled_figures, synthesise
from orchestration.synthetic.safety_valve.write import area
from orchestration.warehouse import prepare_store

RETURN = "safety_valve"
pytestmark = [pytest.mark.end_to_end]

READERS = {"RSV-001", "RSV-003", "RSV-006"}
"""Rules of the return that its readers find."""

Line = dict[str, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("valve")
    with pytest.MonkeyPatch.context() as patch:
        # counted against the published tables, and spoilt, in the tests of those returns
        patch.setattr(borough, "calibration", lambda *given: pd.DataFrame({"status": [], "reason": []}))
        patch.setattr(borough, "_plant", lambda *given: 0)
        synthesise(
            out,
            la="372",
            figures=bundled_figures(Settings()),
            years=range(2023, 2027),
            seed=2,
            scale=1.0,
            faults="standard",
            shapes=("xml",),
            truth=False,
            valve=True,
        )
    return out


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(PROJECT_DIR / "expectations" / "rules")


@pytest.fixture(scope="module")
def key(made: Path) -> list[Line]:
    with (made / "valve_answer_key.csv").open() as handle:
        return list(csv.DictReader(handle))


def judged(paths: list[Path], catalogue: Catalogue, spill: Path) -> dict[str, Assessed]:
    """What landing says of workbooks that come together, by folder and name."""
    spec = load_spec(RETURN)
    files = {delivered_file(path).sha256: path for path in paths}
    with open_workspace(spec, spill, {}) as connection:
        found = assess(
            connection,
            [delivered_file(path) for path in paths],
            spec,
            catalogue,
            known_ids=(),
            la_code="372",
            la_ons_code="E08000018",
            people=None,
            docs=None,
        )
    assert not found.incomplete
    return {
        f"{files[one.sha256].parent.name}/{files[one.sha256].name}": one
        for delivery in found.deliveries
        for one in delivery.assessed
    }


@pytest.fixture(scope="module")
def found(
    made: Path, key: list[Line], catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Assessed]:
    """All spoilt workbooks in the order of their versions, the one without a fault first."""
    spoilt = [made / name for name in dict.fromkeys(line["return"] for line in key)]
    sample = list((made / "valve_faulty" / "sample").iterdir())
    return judged([*sample, *spoilt], catalogue, tmp_path_factory.mktemp("spill"))


@pytest.fixture(scope="module")
def clean(made: Path, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Assessed]:
    """The returns without faults, in the order in which they are sent."""
    return judged(sorted((made / RETURN).rglob("*.xlsx")), catalogue, tmp_path_factory.mktemp("spill"))


def rules_of(one: Assessed) -> set[str]:
    return {rule for rule in one.failures_by_rule if rule.startswith(("RSV-", "SVR-"))}


def test_the_return_without_a_fault_breaks_no_rule(found: dict[str, Assessed]) -> None:
    [sample] = [one for name, one in found.items() if name.startswith("sample/")]
    assert (sample.status, rules_of(sample)) == ("accepted", set())


def test_every_workbook_breaks_the_rule_that_it_is_made_for_in_the_planted_lines(
    key: list[Line], found: dict[str, Assessed], clean: dict[str, Assessed], catalogue: Catalogue
) -> None:
    landing = {rule.rule_id for rule in catalogue.about_landing(RETURN) if not rule.needs}
    wrong: dict[str, object] = {}
    for name, one in found.items():
        if name.startswith("sample/"):
            continue
        lines = [line for line in key if line["return"] == f"valve_faulty/{name}"]
        planted = {line["rule_id"] for line in lines}
        planted |= {rule for line in lines for rule in line["also_breaks"].split(";") if rule}
        of_quarter = Path(name).name.rpartition("_")[0]  # the clean return may have a query of its own
        own = {rule for each, of in clean.items() if f"/{of_quarter}_" in each for rule in rules_of(of)}
        if rules_of(one) - own != planted & landing - own:
            wrong[name] = (one.status, rules_of(one), planted)
        [rule] = {line["rule_id"] for line in lines}
        places = {failure.source_row for failure in one.failures if failure.rule_id == rule and failure.source_row}
        if places and places != {int(line["row"]) for line in lines}:
            wrong[f"{name} rows"] = (places, [line["row"] for line in lines])
    assert wrong == {}


def test_every_workbook_that_breaks_a_rule_about_earlier_returns_is_found_beside_them(
    made: Path, key: list[Line], catalogue: Catalogue, tmp_path: Path
) -> None:
    settings = Settings(store=tmp_path / "store", raw=tmp_path / "raw", key_file=tmp_path / "secret.key")
    shutil.copytree(made / RETURN, settings.inbox_dir / RETURN)
    prepare_store(settings)
    landed = land_return(settings, RETURN, catalogue, now=datetime.now(UTC)).committed
    assert [one.status for one in landed] == ["accepted"] * 25
    assert {rule for one in landed for rule in one.failures} == {"RSV-078", "RSV-132"}

    spec, missed = load_spec(RETURN), {}
    about_earlier = catalogue.about_earlier(RETURN)
    lines = [line for line in key if line["rule_id"] in about_earlier]
    for line in lines:
        path = made / line["return"]
        year = f"{path.name[8:12]}-{path.name[12:14]}"
        known = read_submissions(settings, RETURN)
        if "of the years before" in line["needs"]:
            known = [one for one in known if one.period < year]
        elif line["needs"] == "a store without the return of the quarter before":
            known = []
        else:
            assert line["needs"] == "the returns before it"
        earlier = accepted_before(known)
        with open_workspace(spec, tmp_path / "spill", {}) as connection:
            tables = {table: landed_rows(settings, earlier, table) if earlier else None for table in spec.tables}
            attach_earlier(connection, spec, tables)
            found = assess(
                connection,
                [delivered_file(path)],
                spec,
                catalogue,
                {one.submission_id for one in known},
                la_code="372",
                la_ons_code="E08000018",
                people="invented",
                docs=None,
                before=known,
            )
        [one] = [one for delivery in found.deliveries for one in delivery.assessed]
        refuses = catalogue.rule(line["rule_id"]).severity == "block"
        if line["rule_id"] not in rules_of(one) or (refuses and one.status != "refused"):
            missed[line["rule_id"]] = (one.status, rules_of(one))
    assert missed == {}
    assert about_earlier - {line["rule_id"] for line in lines} == {"RSV-132"}


def test_what_breaks_an_error_is_refused_and_what_breaks_a_query_is_accepted(
    key: list[Line], found: dict[str, Assessed], catalogue: Catalogue
) -> None:
    refusing = {rule.rule_id for rule in catalogue.about_landing(RETURN) if rule.severity == "block"}
    statuses = {
        line["rule_id"]: found[line["return"].removeprefix("valve_faulty/")].status for line in key if not line["needs"]
    }
    assert {rule: status for rule, status in statuses.items() if (status == "refused") != (rule in refusing)} == {}
    assert set(statuses.values()) == {"accepted", "refused"}


def test_every_landing_rule_of_the_return_is_planted(made: Path, key: list[Line], catalogue: Catalogue) -> None:
    landing = {rule.rule_id for rule in catalogue.about_landing(RETURN) if rule.rule_id.startswith(("RSV-", "SVR-"))}
    with (made / "valve_answer_key_not_planted.csv").open() as handle:
        reasons = {line["rule_id"]: line["reason"] for line in csv.DictReader(handle)}
    known = {line["rule_id"] for line in key}
    assert landing - known <= {"RSV-132"}
    assert landing - known <= set(reasons)
    assert not known & set(reasons)
    assert all(reasons.values())
    assert known >= READERS


def test_no_clean_return_breaks_an_error_rule_and_few_a_query(clean: dict[str, Assessed]) -> None:
    assert len(clean) == 25
    assert {one.status for one in clean.values()} == {"accepted"}
    # a category that grows fast is further than 10 per cent from its one quarter end so far: the note says how places are averaged
    assert {rule for one in clean.values() for rule in rules_of(one)} <= {"RSV-078"}
    assert sum(one.failures_by_rule.get("RSV-078", 0) for one in clean.values()) <= 6


@pytest.mark.parametrize(
    ("year", "published"),
    [("202425", (1334, 147, 1187, 124, 20, 672, 139)), ("202526", (1561, 190, 1235, 111, 27, 709, 229))],
)
def test_the_plans_of_january_are_those_of_the_published_placements(
    made: Path, year: str, published: tuple[int, ...]
) -> None:
    book = load_workbook(made / RETURN / year / f"rsv_372_{year}_Q4_v1.xlsx")
    plans = area(book, "tblEhcp")
    told = {
        plans.value(row, "category_code"): plans.value(row, "sen2_january")
        for row in plans.rows()
        if plans.value(row, "measure_group") in ("PLACEMENT", "TOTAL")
    }
    assert tuple(told.values()) == (sum(published), *published)
