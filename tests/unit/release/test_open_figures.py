"""Which figures of the open tables tell counts of the pages: none of the catalogue is forgotten."""

import csv
from collections import defaultdict

import duckdb
import pytest

from orchestration.release import reconciliation
from orchestration.release.open_figures import OpenFigure, told_by_open_tables
from orchestration.release.provision import BEYOND, open_figures
from orchestration.settings import PROJECT_DIR
from tests.unit.release.test_provision import tell

GROUPS = {
    "mainstream_total": "Mainstream",
    "special_total": "Special",
    "ap_pru_total": "AP and PRU",
    "fe_total": "Further education and post-16",
    "nm_early_years": "Non-maintained early years",
    "ed_elsewhere": "Educated elsewhere",
    "placement_unknown": "Not recorded",
}
CELLS = {
    "ehcplans": "all",
    "ehc_plans": "all",
    **{group: f"group|{group}" for group in GROUPS},
    "special_independent + special_non_maintained": "kind|independent_special",
    "located_in_another_authority": f"place|{BEYOND}",
    "pupils_ehc_plan": "census",
    "census_plans - sen2_plans": "difference",
}
"""Sums of measures that are a cell of the places pages or a row of the comparison of the returns."""
RESTS = {"located_plans"}
"""Those of which a cell is what the numerator leaves."""
NO_CELL = {
    *(
        "elective_home_education",
        "other_arrangements_la",
        "other_arrangements_parents",
        "neet",
        "neet_ntci",
        "neet_other",
    ),
    *("neet_other_csa", "online_provider", "w_settings", "other_schools", "other_placement_settings"),
    *("number_asd", "number_hi", "number_mld", "number_msi", "number_oth", "number_pd", "number_pmld", "number_semh"),
    *("number_slcn", "number_sld", "number_spld", "number_vi", "number_ds", "number_need_unknown"),
    "ehcplans aged 13 to 15",
}
"""Those of which no page has a cell: lines within a kind of setting, needs, and ages."""
SERIES = {"caseload", "sen_needs_all_plans", "setting_location", "census_plan_difference"}


def sides() -> dict[tuple[str, str, str, str], str]:
    """The measures of each numerator and denominator of plans in the catalogue, as a sum. A growth tells the count that the total
    tells, and kinds of difference are withheld from the open tables."""
    terms = defaultdict(list)
    with (PROJECT_DIR / "dbt_project/seeds/kpi_source.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            is_of_plans = row["series_code"] in SERIES or row["measure_code"] == "pupils_ehc_plan"
            if (
                is_of_plans
                and row["part"] != "published"
                and row["calculation"] != "growth"
                and row["breakdown_topic"] != "Kind of difference"
            ):
                ages = f" aged {row['age_from']} to {row['age_to']}" if row["age_from"] else ""
                side = (row["kpi_id"], row["breakdown_topic"], row["breakdown"], row["part"])
                terms[side].append((int(row["weight"]) < 0, row["measure_code"] + ages))
    return {
        side: " + ".join(dict.fromkeys(name for is_taken, name in sorted(found) if not is_taken))
        + "".join(f" - {name}" for is_taken, name in sorted(found) if is_taken)
        for side, found in terms.items()
    }


def test_every_figure_of_plans_in_the_catalogue_is_known_to_the_pages() -> None:
    figures = [*open_figures(GROUPS), *reconciliation.open_figures()]
    for (kpi_id, topic, breakdown, part), measures in sides().items():
        if measures in NO_CELL:
            continue
        known = [
            one
            for one in figures
            if (one.kpi_id, one.breakdown_topic) == (kpi_id, topic) and one.breakdown in (breakdown, None)
        ]
        if measures in RESTS:
            assert [one for one in known if one.rest], f"{kpi_id} by {topic}: say which cell its denominator leaves"
            continue
        assert measures in CELLS, f"{kpi_id} by {topic}: say which cell of the pages {measures} is, or that none is"
        told = [one.numerator if part == "numerator" else one.denominator for one in known]
        assert CELLS[measures] in told, f"{kpi_id} by {topic}: the pages do not know its {part}, {measures}"


def test_every_figure_declared_is_in_the_catalogue() -> None:
    by_group = {("ehcp_out_of_borough_pct", "Placement group")}  # made of its total, by item
    declared = {(one.kpi_id, one.breakdown_topic) for one in (*open_figures(GROUPS), *reconciliation.open_figures())}
    assert declared - by_group <= {(kpi_id, topic) for kpi_id, topic, _, _ in sides()}


@pytest.fixture
def told(places: duckdb.DuckDBPyConnection) -> dict[str, tuple[int | None, bool]]:
    tell(places, "total", "Total", 90, None)
    tell(places, "share", "Total", None, None)
    tell(places, "share", "Special", 30, 90)
    tell(places, "other share", "Total", 12, 90)
    figures = [
        OpenFigure("total", "Total", "Total", "all"),
        OpenFigure("share", "Total", "Total", "few", rest="others"),
        OpenFigure("share", "Placement group", None, denominator="by group"),
        OpenFigure("other share", "Total", "Total", "twelve", "all", "left over"),
        OpenFigure("second share", "Total", "Total", "nowhere"),
    ]
    told_by_open_tables(places, figures, table="told", database="release_open", la_code="372", period="202425")
    rows = places.execute("select cell_key, told, is_held_back from told").fetchall()
    return {cell: (number, is_held_back) for cell, number, is_held_back in rows}


def test_numerator_denominator_and_what_is_left_are_told_or_withheld(told: dict[str, tuple[int | None, bool]]) -> None:
    assert told == {
        "all": (90, False),
        "few": (None, True),
        "others": (None, True),
        "by group": (90, False),
        "twelve": (12, False),
        "left over": (78, False),
    }
