"""School censuses of a few terms beside an EHC plans return, from landed rows to the marts: who is counted, once."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from orchestration.returns.spec import load_spec
from tests.unit.dbt_project.test_ehc_plans import Rows, Store, held_since, rows

TERMS = {"01": "SPR", "05": "SUM", "10": "AUT"}
PRIMARY, ACADEMY, SPECIAL, MISSING, INDEPENDENT, ELSEWHERE = (
    ("900001", "372", "4001", "01"),
    ("900002", "372", "4002", "34"),
    ("900003", "372", "7000", "44"),
    ("900004", "372", "2003", "01"),
    ("900006", "372", "6001", "11"),
    ("900007", "370", "4001", "01"),
)
CLOSED = ("900005", "372", "2004", "01")


class CensusStore(Store):
    """A store with school censuses too."""

    def census(
        self, school: tuple[str, str, str, str], period: str, pupils: list[dict[str, Any]], **usual: Any
    ) -> None:
        """Land the return of one school; of each pupil the columns of its record, and rows of what hangs from it."""
        urn, la_code, estab, _ = school
        submission_id = str(usual.pop("submission_id", f"{la_code}{estab}_{period}"))
        spec = load_spec("school_census")
        tables: dict[str, Rows] = {name: [] for name in spec.tables}
        year, month = period.split("-")
        header = {
            "collection": "SC",
            "census_year": int(year),
            "term_code": TERMS[month],
            "lea_code": la_code,
            "estab_code": estab,
            "urn": urn,
        }
        tables["census_return"].append({"return_key": submission_id} | header)
        for number, pupil in enumerate(pupils):
            child = pupil["child"]
            person = f"{submission_id}/{child}/{number}"
            self.children.append({"submission_id": submission_id, "row_person_ref": person, "child_key": child})
            record = {"return_key": submission_id, "row_person_ref": person, "roll_code": "ON", "age_at_31_august": 9}
            record |= (
                {} if pupil.get("roll_code") == "OFF" else {"enrolment_status_code": "C", "sen_provision_code": "N"}
            )
            record |= {name: value for name, value in pupil.items() if not isinstance(value, list) and name != "child"}
            tables["census_pupil"].append(record)
            for table, key in (
                ("census_sen_need", "need_key"),
                ("census_suspension", "suspension_key"),
                ("census_session", "session_key"),
                ("census_fsm_period", "fsm_period_key"),
                ("census_address", "address_key"),
            ):
                for order, row in enumerate(pupil.get(table, [])):
                    tables[table].append({"row_person_ref": person, key: f"{person}/{table}/{order}"} | row)
        supplier = {"supplier": f"school.{la_code}{estab}"}
        self.land("school_census", submission_id, period, tables, **(supplier | usual))


def needs(*codes: str) -> Rows:
    return [{"sen_type_code": code, "sen_type_rank_code": str(rank)} for rank, code in enumerate(codes, 1)]


def sessions(period: str = "TERM", **codes: int) -> Rows:
    return [{"attendance_period_code": period, "attendance_code": c, "sessions": n} for c, n in codes.items()]


def suspension(start: str, category: str = "SUSP", **columns: Any) -> dict[str, Any]:
    return {"start_date": start, "category_code": category, "sen_provision_code": "K", "sessions": 4} | columns


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Autumn 2024 to autumn 2025 of three schools, one of them in one term alone, and the EHC plans of January 2025."""
    store = CensusStore(tmp_path_factory.mktemp("census"))
    store.land(
        "establishment_register",
        "register",
        "2025-01",
        {
            "establishment": [
                {
                    "urn": urn,
                    "la_code": la_code,
                    "establishment_number": number,
                    "type_code": kind,
                    "establishment_name": f"Invented School {urn}",
                    "status_code": "2" if urn == CLOSED[0] else "1",
                    "close_date": "31-08-2020" if urn == CLOSED[0] else None,
                    "pupil_count": "100",
                }
                for urn, la_code, number, kind in (
                    *(PRIMARY, ACADEMY, SPECIAL, MISSING, INDEPENDENT, ELSEWHERE),
                    CLOSED,
                )
            ]
        },
    )
    old = suspension("2024-06-10", "FIXD")
    repeated = suspension("2024-10-14", sessions=2, reason_1_code="DB")
    withdrawn = suspension("2024-11-04", "PERM", sessions=None)
    store.census(
        PRIMARY,
        "2024-10",
        [
            {
                "child": "carried",
                "sen_provision_code": "K",
                "sessions_possible": 60,
                "second_half_sessions_possible": 70,
                "census_session": [*sessions(I=3, O=1), *sessions("HALF2", I=4, X=5)],
                "census_suspension": [old],
            },
            {"child": "no longer SEN"},
            {"child": "leaves", "sen_provision_code": "K"},
        ],
    )
    store.census(PRIMARY, "2025-01", [{"child": "ghost"}], submission_id="replaced", is_current=False)
    store.census(
        PRIMARY,
        "2025-01",
        [
            {
                "child": "carried",
                "sen_provision_code": "K",
                "ethnicity_code": "WBRI",
                "census_sen_need": needs("ASD", "SLCN"),
                "census_suspension": [old | {"category_code": "SUSP"}, repeated, withdrawn],
                "sessions_possible": 140,
                "sessions_authorised": 9,
                "sessions_unauthorised": 2,
                "census_fsm_period": [
                    {"start_date": "2024-01-01", "end_date": "2025-01-15"},
                    {"start_date": "2025-01-16", "end_date": None},
                ],
                "census_address": [{"lsoa_code": None}, {"lsoa_code": "E01999999", "imd_decile": 2}],
            },
            {"child": "no longer SEN", "sen_provision_code": "K", "census_sen_need": needs("MLD")},
            {
                "child": "leaves",
                "roll_code": "OFF",
                "sessions_possible": 50,
                "census_session": [
                    *sessions(I=5, U=2),
                    {"attendance_period_code": "TERM", "attendance_code": "/", "sessions": 43},
                ],
            },
            {"child": "dual", "enrolment_status_code": "M", "sen_provision_code": "E"},
            {"child": "two schools", "entry_date": "2023-09-01", "sen_provision_code": "K"},
            {"child": "ended meals", "census_fsm_period": [{"start_date": "2024-01-01", "end_date": "2025-01-15"}]},
            {"child": "wrong meals", "census_fsm_period": [{"start_date": "2025-01-10", "end_date": "2024-12-01"}]},
            {"child": "plan of neither", "sen_provision_code": "E"},
            {"child": "ceased lately", "sen_provision_code": "E"},
            {"child": "other provision", "sen_provision_code": "K"},
        ],
        sequence="2",
    )
    store.census(
        SPECIAL,
        "2025-01",
        [
            {"child": "dual", "enrolment_status_code": "S", "sen_provision_code": "E", "census_sen_need": needs("SLD")},
            {"child": "two schools", "entry_date": "2024-09-01", "sen_provision_code": "E"},
            {"child": "college", "enrolment_status_code": "F"},
        ],
    )
    store.census(
        PRIMARY,
        "2025-05",
        [
            {
                "child": "carried",
                "sen_provision_code": "E",
                "census_suspension": [repeated | {"sessions": 3, "sen_provision_code": "E"}],
                "sessions_possible": 110,
                "census_session": sessions(C2=6, J1=1, G=2, D=8),
            },
            {
                "child": "no longer SEN",
                "census_suspension": [suspension(f"2025-02-{day}", sen_provision_code="N") for day in ("03", "10")],
            },
        ],
    )
    placed = {"entry_date": "2020-09-01"}
    store.ehc_return(
        "january_2025",
        2025,
        {
            "dual": held_since("2020-05-01", placed | {"urn": PRIMARY[0]}),
            "two schools": held_since("2020-05-01", placed | {"urn": SPECIAL[0]}),
            "other provision": held_since("2020-05-01", placed | {"urn": PRIMARY[0]}),
            "elsewhere": held_since("2020-05-01", placed | {"urn": ELSEWHERE[0]}),
            "independent": held_since("2020-05-01", placed | {"urn": INDEPENDENT[0]}),
            "at home": held_since("2020-05-01", {"sen_setting_code": "EHE"}),
            "little": held_since("2024-05-01", {"sen_setting_code": "EYP"}),
            "began lately": held_since("2025-01-02", placed | {"urn": PRIMARY[0]}),
            "no return": held_since("2020-05-01", placed | {"urn": MISSING[0]}),
            "nowhere": held_since("2020-05-01"),
            "not there": held_since("2020-05-01", placed | {"urn": PRIMARY[0]}),
            "ceased lately": held_since("2020-05-01")
            | {"sen2_plan": [{"start_date": "2020-05-01", "cease_date": "2025-01-02"}]},
        },
    )
    with duckdb.connect(str(store.build()), read_only=True) as connection:
        yield connection


def test_a_child_is_counted_once_and_where_it_is_registered_mainly(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select child_key, la_estab, enrolment_status_code, is_counted from marts.fct_census_pupil"
        " where census_period = '2025-01' and child_key in ('dual', 'two schools', 'college') order by 1, 2",
    ) == [
        ("college", "3727000", "F", False),
        ("dual", "3724001", "M", True),
        ("dual", "3727000", "S", False),
        ("two schools", "3724001", "C", False),
        ("two schools", "3727000", "C", True),
    ]


def test_what_spring_tells_is_carried_through_its_academic_year_and_labelled(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(
        warehouse,
        "select child_key, census_period, primary_need_code, derived_primary_need_code, derived_secondary_need_code,"
        " need_census_period, ethnicity_code, derived_ethnicity_code, ethnicity_census_period from marts.fct_census_pupil"
        " where child_key in ('carried', 'no longer SEN') order by 1, 2",
    ) == [
        ("carried", "2024-10", None, "ASD", "SLCN", "2025-01", None, "WBRI", "2025-01"),
        ("carried", "2025-01", "ASD", "ASD", "SLCN", "2025-01", "WBRI", "WBRI", "2025-01"),
        ("carried", "2025-05", None, "ASD", "SLCN", "2025-01", None, "WBRI", "2025-01"),
        ("no longer SEN", "2024-10", None, None, None, None, None, None, None),
        ("no longer SEN", "2025-01", "MLD", "MLD", None, "2025-01", None, None, None),
        ("no longer SEN", "2025-05", None, None, None, None, None, None, None),
    ]


def test_free_meals_and_home_are_those_of_census_day_and_multiply_no_row(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select child_key, is_fsm_eligible, lsoa_code, imd_decile from marts.fct_census_pupil"
        " where census_period = '2025-01' and child_key in ('carried', 'ended meals', 'wrong meals') order by 1",
    ) == [
        ("carried", True, "E01999999", 2),
        ("ended meals", False, None, None),
        ("wrong meals", False, None, None),
    ]


def test_a_suspension_told_twice_is_one_and_the_newest_return_says_what_it_was(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(
        warehouse,
        "select start_date, category_code, session_count, sen_provision_group, period_label, age_at_31_august,"
        " census_period, is_missing_from_later_return, derived_primary_need_code from marts.fct_suspension"
        " left join marts.dim_period using (period_key) order by 1",
    ) == [
        # Spring 2025 was the last return to tell of the summer of 2024; its academic year began a year earlier.
        (date(2024, 6, 10), "SUSP", 4, "SEN support", "Summer term 2023/24", 8, "2025-01", False, None),
        (date(2024, 10, 14), "SUSP", 3, "EHC plan", "Autumn term 2024/25", 9, "2025-05", False, "ASD"),
        (date(2024, 11, 4), "PERM", None, "SEN support", "Autumn term 2024/25", 9, "2025-01", True, "ASD"),
        *(
            (date(2025, 2, day), "SUSP", 4, "No SEN", "Spring term 2024/25", 9, "2025-05", False, None)
            for day in (3, 10)
        ),
    ]


def test_attendance_is_of_the_term_before_and_halves_of_summer_are_added(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select child_key, census_period, period_label, age_at_31_august, possible_session_count,"
        " authorised_session_count, unauthorised_session_count, is_told_by_reason, illness_session_count,"
        " part_time_timetable_session_count, sen_provision_group, sen_provision_basis, sen_provision_census_period,"
        " derived_primary_need_code from marts.fct_absence left join marts.dim_period using (period_key) order by 1, 2",
    ) == [
        *(
            ("carried", *told)
            for told in (
                (
                    *("2024-10", "Summer term 2023/24", 8, 130, 7, 1, True, 7, 0),
                    *("SEN support", "census_after_term", "2024-10", None),
                ),
                # No session by code: the stated totals stand, and no reason is known.
                (
                    *("2025-01", "Autumn term 2024/25", 9, 140, 9, 2, False, None, None),
                    *("SEN support", "census_of_term", "2024-10", "ASD"),
                ),
                (
                    *("2025-05", "Spring term 2024/25", 9, 110, 7, 2, True, 0, 6),
                    *("SEN support", "census_of_term", "2025-01", "ASD"),
                ),
            )
        ),
        (
            *("leaves", "2025-01", "Autumn term 2024/25", 9, 50, 5, 2, True, 5, 0),
            *("SEN support", "census_of_term", "2024-10", None),
        ),
    ]


def test_a_resubmission_replaces_its_own_school_alone(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select la_estab, count(*) from marts.fct_census_pupil where census_period = '2025-01' group by 1 order by 1",
    ) == [("3724001", 9), ("3727000", 3)]
    assert rows(warehouse, "select * from marts.dim_child where child_key = 'ghost'") == []


def test_schools_that_sent_nothing_are_counted(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select census_period, expected_school_count, landed_expected_school_count, unexpected_school_count,"
        " cast(completeness_pct as float) from intermediate.int_census__completeness order by 1",
    )
    assert found == [("2024-10", 4, 1, 0, 25.0), ("2025-01", 4, 2, 0, 50.0), ("2025-05", 4, 1, 0, 25.0)]


def test_each_child_that_one_return_alone_has_a_plan_for_has_one_reason(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select child_key, is_in_census, is_in_sen2, reason_code, reason_class"
        " from intermediate.int_ehcp__census_vs_sen2 order by 1",
    ) == [
        ("at home", False, True, "educated_elsewhere", "legitimate"),
        ("began lately", False, True, "plan_began_or_ended_within_30_days", "legitimate"),
        ("ceased lately", True, False, "plan_began_or_ended_within_30_days", "legitimate"),
        ("dual", True, True, "in_both", "agrees"),
        ("elsewhere", False, True, "placed_in_another_authority", "legitimate"),
        ("independent", False, True, "independent_school", "legitimate"),
        ("little", False, True, "early_years", "legitimate"),
        ("no return", False, True, "school_return_missing", "legitimate"),
        ("not there", False, True, "not_on_roll_where_placed", "to_follow_up"),
        ("nowhere", False, True, "placement_not_recorded", "to_follow_up"),
        ("other provision", False, True, "on_roll_with_other_provision", "to_follow_up"),
        ("plan of neither", True, False, "not_in_sen2", "to_follow_up"),
        ("two schools", True, True, "in_both", "agrees"),
    ]


def test_reasons_add_up_to_what_each_return_says(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select reason_class, cast(sum(census_count) as integer), cast(sum(sen2_count) as integer),"
        " cast(max(completeness_pct) as float) from marts.fct_census_plan_difference group by 1 order by 1",
    ) == [("agrees", 2, 2, 50.0), ("legitimate", 1, 6, 50.0), ("to_follow_up", 1, 3, 50.0)]
    assert rows(
        warehouse,
        "select setting_name, sen2_count from marts.fct_census_plan_difference"
        " left join marts.dim_setting using (setting_key) where reason_code = 'school_return_missing'",
    ) == [("Invented School 900004", 1)]


STATISTIC = (
    "select time_identifier || ' ' || time_period, measure_code, statistic_count, people_count from"
    " marts.fct_census_statistic where la_code = '372' and series_code = '{}' and topic_code = '{}' and item_code = '{}'"
    " and measure_code in ({}) order by 1, 2"
)


def statistic(
    warehouse: duckdb.DuckDBPyConnection, series: str, *measures: str, topic: str = "total", item: str = "total"
) -> list[tuple[Any, ...]]:
    return rows(warehouse, STATISTIC.format(series, topic, item, ", ".join(f"'{measure}'" for measure in measures)))


def test_the_roll_counts_a_child_once_and_by_provision(warehouse: duckdb.DuckDBPyConnection) -> None:
    measures = ("pupils", "pupils_no_sen", "pupils_any_sen", "pupils_sen_support", "pupils_ehc_plan")
    spring = {
        measure: count for term, measure, count, _ in statistic(warehouse, "census_roll", *measures) if "Spr" in term
    }
    # Not the subsidiary registration, not the older of two, not the one at a college, not the leaver.
    assert spring == {
        "pupils": 9,
        "pupils_no_sen": 2,
        "pupils_any_sen": 7,
        "pupils_sen_support": 3,
        "pupils_ehc_plan": 4,
    }
    # A child at two schools counts in the phase of the one that counts it: of two in the special school, one.
    assert statistic(warehouse, "census_roll", "pupils", topic="phase", item="special") == [
        ("Spring term 202425", "pupils", 1, 1)
    ]
    assert statistic(warehouse, "census_roll", "pupils", topic="fsm", item="eligible") == [
        ("Spring term 202425", "pupils", 1, 1)
    ]


def test_needs_are_counted_in_spring_alone_and_of_pupils_with_sen(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select time_identifier, item_code, breakdown, statistic_count from marts.fct_census_statistic"
        " where series_code = 'census_roll' and topic_code = 'need' and measure_code = 'pupils_any_sen' order by all",
    ) == [
        ("Spring term", "ASD", "Autistic spectrum disorder", 1),
        ("Spring term", "MLD", "Moderate learning difficulty", 1),
        # What a child's other school says of its need stands in.
        ("Spring term", "SLD", "Severe learning difficulty", 1),
        ("Spring term", "UNKNOWN", "Not recorded", 4),
    ]
    assert (
        rows(
            warehouse,
            "select * from marts.fct_census_statistic where topic_code = 'need' and measure_code in ('pupils', 'pupils_no_sen')",
        )
        == []
    )


def test_a_suspension_counts_in_the_term_it_began_in_once_and_a_withdrawn_one_not(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = statistic(warehouse, "census_suspension", "suspensions", "suspensions_ehc_plan", "permanent_exclusions")
    names = ("permanent_exclusions", "suspensions", "suspensions_ehc_plan")
    assert found == [
        # Told, two terms later, with the provision at the time; nothing is said of the whole year without its summer.
        # One child was suspended twice in spring: two suspensions of one person.
        (term, measure, *counted)
        for term, counts in (
            ("Autumn and spring term 202425", ((0, 0), (3, 2), (1, 1))),
            ("Autumn term 202425", ((0, 0), (1, 1), (1, 1))),
            ("Spring term 202425", ((0, 0), (2, 1), (0, 0))),
            ("Summer term 202324", ((0, 0), (1, 1), (0, 0))),
        )
        for measure, counted in zip(names, counts, strict=True)
    ]


def test_where_pupils_are_and_none_is_suspended_the_count_is_nought_but_not_by_school(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert statistic(warehouse, "census_suspension", "suspensions", topic="phase", item="special") == [
        (f"{term} 202425", "suspensions", 0, 0) for term in ("Autumn and spring term", "Autumn term", "Spring term")
    ]
    assert statistic(warehouse, "census_suspension", "suspensions", topic="school", item="900003") == []
    # Without the January of 2024 there is nobody to be at risk.
    assert rows(
        warehouse,
        "select distinct item_code from marts.fct_census_statistic"
        " where series_code = 'census_suspension' and time_period = '202324' and topic_code = 'phase'",
    ) == [("unknown",)]


def test_absence_adds_terms_of_an_enrolment_before_it_is_judged(warehouse: duckdb.DuckDBPyConnection) -> None:
    measures = ("sessions_possible", "sessions_missed", "enrolments", "persistent_absentees")
    found = {
        term: {m: count for t, m, count, _ in statistic(warehouse, "census_attendance", *measures) if t == term}
        for term, *_ in statistic(warehouse, "census_attendance", "enrolments")
    }
    names = sorted(measures)
    assert {term: [counts[name] for name in names] for term, counts in found.items()} == {
        "Summer term 202324": [1, 0, 8, 130],
        # 11 of 140 sessions and, of the leaver, 7 of 50.
        "Autumn term 202425": [2, 1, 18, 190],
        "Spring term 202425": [1, 0, 9, 110],
        "Autumn and spring term 202425": [2, 1, 27, 300],
    }
    # The sessions of the two terms are of the provision of January, not of the plan that the summer return tells of.
    assert statistic(warehouse, "census_attendance", "sessions_missed_ehc_plan", "sessions_missed_sen_support")[:2] == [
        ("Autumn and spring term 202425", "sessions_missed_ehc_plan", 0, 0),
        ("Autumn and spring term 202425", "sessions_missed_sen_support", 27, 2),
    ]


def test_a_figure_says_which_schools_are_missing_and_whether_more_is_to_come(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    half, most = (
        f"{count} of 4 expected schools are missing ({share} per cent of pupils by the register)."
        for count, share in ((2, "50.0"), (3, "75.0"))
    )
    more = " The next school census can add to it."
    assert dict(
        rows(
            warehouse,
            "select series_code || ', ' || time_identifier || ' ' || time_period, any_value(coverage_note)"
            " from marts.fct_census_statistic where la_code = '372' and series_code <> 'census_roll' group by 1",
        )
    ) == {
        "census_attendance, Autumn and spring term 202425": most,
        "census_attendance, Autumn term 202425": half,
        "census_attendance, Spring term 202425": most,
        "census_attendance, Summer term 202324": most,
        "census_plan_difference, Spring term 202425": half,
        "census_suspension, Autumn and spring term 202425": most + more,
        "census_suspension, Autumn term 202425": half,
        "census_suspension, Spring term 202425": most + more,
        "census_suspension, Summer term 202324": half,
    }
    assert rows(
        warehouse,
        "select time_identifier, cast(round(value, 2) as double), numerator, denominator, symbol, coverage_note from kpi.kpi_value"
        " where kpi_id = 'ehcp_pupils_pct' and breakdown = 'Total' and time_identifier <> 'Autumn term'"
        " and value_basis = 'local' and time_identifier <> 'Summer term' order by 1",
    ) == [("Academic year", 44.44, 4, 9, "u", half), ("Spring term", 44.44, 4, 9, "u", half)]


def test_the_difference_between_census_and_sen2_is_of_the_same_schools(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select breakdown_topic, breakdown, cast(value as integer) from kpi.kpi_value"
        " where kpi_id = 'census_sen2_ehcp_difference' and breakdown_topic in"
        " ('Total', 'School', 'Kind of difference', 'Reason for the difference') order by all",
    ) == [
        ("Kind of difference", "Legitimate", 0),
        ("Kind of difference", "To follow up", -1),
        ("Reason for the difference", "In both returns", 0),
        ("Reason for the difference", "Not in SEN2", 1),
        ("Reason for the difference", "Not on roll where placed", -1),
        ("Reason for the difference", "On roll with other provision", -1),
        # One that ceased and one that began: they are told apart by the reason's own counts.
        ("Reason for the difference", "Plan began or ended within 30 days", 0),
        ("School", "Invented School 900001 (900001)", -1),
        ("School", "Invented School 900003 (900003)", 0),
        ("Total", "Total", -1),
    ]
    assert statistic(
        warehouse, "census_plan_difference", "census_plans", "sen2_plans", topic="reason",
        item="plan_began_or_ended_within_30_days",
    ) == [("Spring term 202425", "census_plans", 1, 1), ("Spring term 202425", "sen2_plans", 1, 1)]  # fmt: skip


def test_a_rate_is_set_against_january_whatever_the_period(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select time_identifier || ' ' || time_period, breakdown, numerator, denominator, cast(round(value, 2) as double)"
        " from kpi.kpi_value"
        " where kpi_id = 'sen_suspension_rate' and breakdown_topic = 'SEN provision' and value_basis = 'local'"
        " and breakdown in ('All pupils', 'EHC plan') order by all",
    ) == [
        ("Autumn and spring term 202425", "All pupils", 3, 9, 33.33),
        ("Autumn and spring term 202425", "EHC plan", 1, 4, 25.0),
        ("Autumn term 202425", "All pupils", 1, 9, 11.11),
        ("Autumn term 202425", "EHC plan", 1, 4, 25.0),
        ("Spring term 202425", "All pupils", 2, 9, 22.22),
        ("Spring term 202425", "EHC plan", 0, 4, 0.0),
    ]


def test_each_need_is_a_share_of_all_pupils_on_sen_support(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select kpi_id, breakdown, numerator, denominator from kpi.kpi_value where breakdown_topic = 'Primary need'"
        " and time_identifier = 'Academic year' and value_basis = 'local' and kpi_id in"
        " ('sen_support_primary_need_share_pct', 'sen_pupils_pct') order by all",
    ) == [
        ("sen_pupils_pct", "Autistic spectrum disorder", 1, 9),
        ("sen_pupils_pct", "Moderate learning difficulty", 1, 9),
        ("sen_pupils_pct", "Not recorded", 4, 9),
        ("sen_pupils_pct", "Severe learning difficulty", 1, 9),
        ("sen_support_primary_need_share_pct", "Autistic spectrum disorder", 1, 3),
        ("sen_support_primary_need_share_pct", "Moderate learning difficulty", 1, 3),
        ("sen_support_primary_need_share_pct", "Not recorded", 1, 3),
        ("sen_support_primary_need_share_pct", "Severe learning difficulty", 0, 3),
    ]
