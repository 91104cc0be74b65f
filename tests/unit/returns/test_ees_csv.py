"""DfE's open-data files: which table, which release, and rows in one shape."""

import pytest

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.recognise import read_data_file
from orchestration.returns.spec import load_spec
from tests.conftest import EES_FIXED, ENGLAND, ROTHERHAM, caseload_csv, csv_text, requests_csv

SPEC = load_spec("published_statistics")


def data_file(content: str, name: str = "download.csv", year: int | None = None) -> DataFile:
    return DataFile(name, content.encode(), "text", year)


def test_a_table_is_known_by_its_columns_whatever_the_file_is_called() -> None:
    read = read_data_file(data_file(requests_csv()), SPEC)
    assert read.supplier == "dfe.ehc_plans.requests"
    assert read.rows_read == 3


def test_column_names_are_compared_without_case() -> None:
    read = read_data_file(
        data_file(requests_csv().replace("requests_received_in_year", "Requests_Received_In_Year")), SPEC
    )
    assert dict(read.rows.column("measures")[0].as_py())["requests_received_in_year"] == "154489"


@pytest.mark.parametrize(
    ("content", "period"),
    [
        (requests_csv(period="2024"), "2025"),
        (caseload_csv(period="202425"), "2025"),
        (caseload_csv(period="202526"), "2026"),
    ],
)
def test_flows_are_released_the_year_after_and_stock_the_year_its_january_is_in(content: str, period: str) -> None:
    assert read_data_file(data_file(content), SPEC).period == period


def test_the_release_year_named_in_the_archive_counts_before_the_periods() -> None:
    read = read_data_file(data_file(requests_csv(period="2023"), year=2025), SPEC)
    assert read.rows.column("release_name")[0].as_py() == "EHC plans 2025"


def test_the_two_need_tables_share_columns_and_differ_by_kind_of_period() -> None:
    header = [*EES_FIXED, "ehc_plans", "number_asd"]
    stock = csv_text(
        header, [["202425", "Academic year", *ENGLAND, "All EHC plans", "All EHC plans", "638745", "201183"]]
    )
    flow = csv_text(header, [["2024", "Calendar year", *ENGLAND, "All EHC plans", "All EHC plans", "97563", "26856"]])
    assert read_data_file(data_file(stock), SPEC).supplier == "dfe.ehc_plans.sen_needs_all_plans"
    assert read_data_file(data_file(flow), SPEC).supplier == "dfe.ehc_plans.sen_need_newplans"


def test_the_file_name_decides_where_the_kind_of_period_is_wrong() -> None:
    header = [*EES_FIXED, "ehc_plans", "number_asd"]
    wrong = csv_text(
        header, [["202425", "Academic year", *ENGLAND, "All EHC plans", "All EHC plans", "97563", "26856"]]
    )
    assert read_data_file(data_file(wrong, "sen_need_newplans.csv"), SPEC).supplier == "dfe.ehc_plans.sen_need_newplans"


def test_the_single_filter_of_2022_becomes_topic_and_item() -> None:
    header = [*EES_FIXED[:10], "characteristic_age", "Total_st", "Total_ehc"]
    content = csv_text(header, [["2022", "Calendar year", *ROTHERHAM, "Age 5 to 10", "z", "912"]])
    row = read_data_file(data_file(content), SPEC).rows.to_pylist()[0]
    assert (row["series"], row["breakdown_topic"], row["breakdown"]) == (
        "sen2_age_caseload",
        "Age group",
        "Age 5 to 10",
    )
    assert dict(row["measures"]) == {"total_st": "z", "total_ehc": "912"}


def test_markers_blank_and_zero_stay_what_they_are() -> None:
    content = requests_csv(requests="0", refused="").replace("3500", "x").replace("38960", "z")
    refused = [
        dict(row.as_py())["requests_decided_not_to_assess"]
        for row in read_data_file(data_file(content), SPEC).rows["measures"]
    ]
    assert refused == ["z", "x", None]
    assert (
        dict(read_data_file(data_file(content), SPEC).rows["measures"][2].as_py())["requests_received_in_year"] == "0"
    )


def test_an_ees_file_of_no_known_table_is_refused_and_told_the_known_ones() -> None:
    content = csv_text([*EES_FIXED, "pupil_count"], [["202425", "Academic year", *ENGLAND, "All", "All", "1"]])
    with pytest.raises(FileRefused, match=r"none of the known tables \(.*caseload") as caught:
        read_data_file(data_file(content), SPEC)
    assert caught.value.rule_id == "FILE-012"


def test_a_missing_fixed_column_is_named() -> None:
    with pytest.raises(FileRefused, match="country_code") as caught:
        read_data_file(data_file(requests_csv().replace("country_code", "country")), SPEC)
    assert caught.value.rule_id == "EES-04"


def test_authority_rows_without_authority_columns_are_refused() -> None:
    with pytest.raises(FileRefused, match="la_name") as caught:
        read_data_file(data_file(requests_csv().replace("la_name", "authority")), SPEC)
    assert caught.value.rule_id == "EES-05"


def test_a_file_that_is_nobodys_is_refused() -> None:
    with pytest.raises(FileRefused) as caught:
        read_data_file(data_file("name,height\nAda,170\n"), SPEC)
    assert caught.value.rule_id == "FILE-008"
