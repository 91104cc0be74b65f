"""Every EHC plan lies in exactly one category of the DSG plan and one provision of the reform plan: Rotherham's published plans."""

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR

SEEDS = PROJECT_DIR / "dbt_project" / "seeds"
FIGURES = PROJECT_DIR / "raw" / "seed" / "published_statistics" / "published_figures.csv.gz"

# Sums of the cells of DfE's caseload table, its totals row; each row adds to the published total.
PUBLISHED = {
    "202425": {"MmSoA": 1334, "RPSEN": 147, "MdSSA": 1187, "NMISS": 124, "HspAP": 20, "P16FE": 672, "OTHER": 139},
    "202526": {"MmSoA": 1561, "RPSEN": 190, "MdSSA": 1235, "NMISS": 111, "HspAP": 27, "P16FE": 709, "OTHER": 229},
}
TOTALS = {"202425": 3623, "202526": 4062}


@pytest.fixture(scope="module")
def mapped() -> duckdb.DuckDBPyConnection:
    """Relation `plans`: (time_period, dsg_category_code, reform_provision_code, plans) of Rotherham's published lines."""
    connection = duckdb.connect()
    for name in (
        "placement_line",
        "placement_category",
        "placement_category_line",
        "reform_plan_provision",
        "s251_line",
    ):
        connection.execute(f"create table {name} as from read_csv('{SEEDS / name}.csv', all_varchar = true)")
    connection.execute(
        f"""
        create table figure as
        select time_period, measure, cast(value as integer) as plans
        from read_csv('{FIGURES}', all_varchar = true)
        where series = 'caseload' and la_name = 'Rotherham' and breakdown_topic = breakdown
            and (release_name, time_period) in (('EHC plans 2025', '202425'), ('EHC plans 2026', '202526'))
            and try_cast(value as integer) is not null;
        -- Before 2026 special academies and free schools were one line: both lie in the same category and provision.
        create table plans as
        select figure.time_period, line.dsg_category_code, line.reform_provision_code, figure.plans
        from figure
        inner join (
            select placement_line_code as measure, dsg_category_code, reform_provision_code from placement_line
            union
            select comparable_line_code, dsg_category_code, reform_provision_code from placement_line
        ) as line using (measure);
        """
    )
    return connection


@pytest.mark.parametrize("time_period", PUBLISHED)
def test_published_plans_lie_in_the_categories_of_the_dsg_plan(
    mapped: duckdb.DuckDBPyConnection, time_period: str
) -> None:
    counted = dict(
        mapped.execute(
            "select dsg_category_code, sum(plans) from plans where time_period = ? group by all", [time_period]
        ).fetchall()
    )
    assert counted == PUBLISHED[time_period]
    assert sum(counted.values()) == TOTALS[time_period]


def test_every_provision_of_the_reform_plan_is_part_of_the_category_of_its_lines(
    mapped: duckdb.DuckDBPyConnection,
) -> None:
    assert mapped.execute(
        "select count(*) from placement_line inner join reform_plan_provision using (reform_provision_code)"
        " where placement_line.dsg_category_code <> reform_plan_provision.dsg_category_code"
        " or reform_plan_provision.is_told_by_sen2 <> 'true'"
    ).fetchone() == (0,)
    by_provision = dict(
        mapped.execute(
            "select reform_provision_code, sum(plans) from plans where time_period = '202425' group by all"
        ).fetchall()
    )
    # 201 + 1,112 + 8 in mainstream schools and 13 in early years settings; 47 educated at home; 9 by arrangement.
    assert (by_provision["MAINSTREAM"], by_provision["EARLY_YEARS"], by_provision["SPECIALIST_BASE"]) == (1321, 13, 147)
    assert (by_provision["EHE"], by_provision["EOTAS"], by_provision["NOT_LISTED"]) == (47, 9, 83)
    assert sum(by_provision.values()) == 3623


def test_provisions_that_sen2_cannot_tell_have_no_line(mapped: duckdb.DuckDBPyConnection) -> None:
    untold = mapped.execute(
        "select reform_provision_code from reform_plan_provision where is_told_by_sen2 = 'false'"
        " order by cast(provision_order as integer)"
    ).fetchall()
    assert untold == [("SUPPORT_BASE",), ("NMISS_OTHER",), ("OTHER_SCHOOL",), ("POST16_MAINSTREAM_SPECIALIST",)]
    lines = mapped.execute("select distinct reform_provision_code from placement_line").fetchall()
    assert not set(untold) & set(lines)


def test_every_placement_lies_in_one_category_one_provision_and_is_paid_for(mapped: duckdb.DuckDBPyConnection) -> None:
    """One chain of seeds: line of SEN2, category of the DSG plan, provision of the reform plan, lines of section 251."""
    placed = mapped.execute(
        """
        select
            placement_line_code,
            count(distinct category.dsg_category_code) as categories,
            count(distinct provision.reform_provision_code) as provisions,
            count(distinct paid.line_code) as s251_lines
        from placement_line
        left join placement_category as category using (dsg_category_code)
        left join reform_plan_provision as provision using (reform_provision_code)
        left join placement_category_line as paid using (dsg_category_code)
        group by all
        """
    ).fetchall()
    assert len(placed) > 30
    assert [one for one in placed if one[1:3] != (1, 1) or one[3] == 0] == []


def test_every_line_of_section_251_about_placements_pays_for_a_category_and_no_other_does(
    mapped: duckdb.DuckDBPyConnection,
) -> None:
    """Support services, help to schools in difficulty, buildings and therapies are of no placement."""
    about_placements = (
        "is_in_total_high_needs = 'true'"
        " and hn_group in ('place_funding', 'topup_maintained', 'topup_non_maintained', 'hospital', 'alternative_provision')"
    )
    of_placements = mapped.execute(f"select line_code from s251_line where {about_placements}").fetchall()
    assert sorted(of_placements) == sorted(
        mapped.execute("select distinct line_code from placement_category_line").fetchall()
    )
    others = mapped.execute(
        f"select line_code from s251_line where is_in_total_high_needs = 'true' and not ({about_placements})"
        " order by cast(line_order as integer)"
    ).fetchall()
    assert others == [("1.2.5",), ("1.2.8",), ("1.2.9",), ("1.2.10",), ("1.2.13",)]


def test_the_two_sums_of_section_251_differ_by_one_line_each(mapped: duckdb.DuckDBPyConnection) -> None:
    lines = mapped.execute(
        "select line_code from s251_line where is_in_total_high_needs <> is_in_benchmark_total"
        " order by cast(line_order as integer)"
    ).fetchall()
    assert lines == [("1.2.10",), ("1.4.11",)]
    codes = "select line_code, hn_group from s251_line"
    assert dict(mapped.execute(codes).fetchall())["1.2.13"] == "therapies"
    assert mapped.execute("select count(*) from s251_line where is_in_total_high_needs = 'true'").fetchone() == (13,)
