"""A store with a few real published figures, landed as the spec says, and the dbt project built over it once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.dbt_manifest import DBT_EVENTS, dbt_environment
from orchestration.returns.spec import load_spec
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import open_warehouse, write_control_tables
from tests.conftest import made_once

RETURN = "published_statistics"
ENGLAND = {"geographic_level": "National", "country_code": "E92000001"}
YORKSHIRE = {
    "geographic_level": "Regional",
    "region_code": "E12000003",
    "region_name": "Yorkshire and The Humber",
}


def authority(code: str, ons_code: str, name: str) -> dict[str, str]:
    """Geography of a Yorkshire authority's row."""
    place = {"old_la_code": code, "new_la_code": ons_code, "la_name": name}
    return YORKSHIRE | {"geographic_level": "Local authority"} | place


ROTHERHAM = authority("372", "E08000018", "Rotherham")
BARNSLEY = authority("370", "E08000016", "Barnsley")
DONCASTER = authority("371", "E08000017", "Doncaster")
WAKEFIELD = authority("384", "E08000036", "Wakefield")

BANDS = ["total", "w00_01", "w01_02", "w02_04", "w04_12", "w12_18", "w18_52", "w52_104", "w104_plus"]
# The Rotherham NHS Foundation Trust (RFR), October 2025: Community Health Services waiting times, NHS England.
RFR_WAITS = {
    "therapy_interventions_speech_and_language": [182, 10, 20, 50, 61, 20, 21, 0, 0],
    "therapy_interventions_occupational_therapy": [140, 7, 2, 3, 15, 9, 64, 40, 0],
    "therapy_interventions_physiotherapy": [49, 8, 2, 7, 13, 11, 8, 0, 0],
    "community_paediatric_service": [145, 0, 1, 6, 45, 29, 63, 1, 0],
}


@dataclass
class Landing:
    """Rows of submissions on their way to a store."""

    settings: Settings
    supplies: dict[str, str] = field(default_factory=dict)

    def land(self, submission_id: str, period: str, table: str, rows: list[dict[str, Any]]) -> None:
        """Write one accepted submission as Parquet, in the columns of the spec."""
        folder = self.settings.landed_dir / RETURN / submission_id
        folder.mkdir(parents=True)
        columns = load_spec(RETURN).tables[table].columns
        with duckdb.connect() as connection:
            connection.execute(f"create table landed ({load_spec(RETURN).tables[table].column_sql})")
            for number, row in enumerate(rows, 1):
                filled = {"submission_id": submission_id, "source_file": f"{submission_id}.csv", "source_row": number}
                values = [(filled | row).get(column) for column in columns]
                connection.execute(f"insert into landed values ({', '.join('?' * len(values))})", values)
            connection.execute(f"copy landed to '{folder / table}.parquet' (format parquet)")
        self.supplies[submission_id] = period

    def ees(self, submission_id: str, series: str, rows: list[tuple[Any, ...]], *, year: int = 2025) -> None:
        """Land rows of one table of the EHC plans release: (identifier, period, area, topic, breakdown, measures)."""
        release = {"series": series, "release_name": f"EHC plans {year}", "release_year": year, "release_revision": 0}
        names = ("time_identifier", "time_period", "breakdown_topic", "breakdown", "measures")
        self.land(
            submission_id,
            str(year),
            "ees_row",
            [
                release | area | dict(zip(names, (identifier, period, topic, breakdown, measures), strict=True))
                for identifier, period, area, topic, breakdown, measures in rows
            ],
        )

    def register(self) -> None:
        """Write the control tables, with the landed submissions accepted."""
        with open_warehouse(self.settings.warehouse_path, "tests", self.settings.database_limits) as connection:
            write_control_tables(connection, self.settings)
            for order, (submission_id, period) in enumerate(self.supplies.items(), 1):
                connection.execute(
                    "insert into control.submission by name select ? as submission_id, ? as return_id, ? as period,"
                    " ? as supplier, '1' as sequence, ? as received_at, 'accepted' as status, true as is_current,"
                    " 1 as rows_read, 1 as rows_landed, 0 as rows_quarantined",
                    [submission_id, RETURN, period, submission_id, datetime(2026, 7, order)],
                )


def build(settings: Settings, *selected: str, variables: dict[str, Any] | None = None) -> None:
    """Build the whole dbt project, or what is selected of it, over a store, with dbt variables; its data tests are left to
    `dbt build` in the pipeline itself."""
    run_dbt(
        settings,
        *("build", "--exclude-resource-types", "test", "unit_test"),
        *(("--select", *selected) if selected else ()),
        *(("--vars", json.dumps(variables)) if variables else ()),
    )


def run_dbt(settings: Settings, *arguments: str) -> None:
    """Run a command of dbt over a store, as a build does; fails with the end of what dbt said."""
    logs = settings.store / "logs"
    done = subprocess.run(
        [sys.executable, "-P", str(DBT_EVENTS), *arguments],
        cwd=PROJECT_DIR / "dbt_project",
        env=os.environ
        | dbt_environment(settings)
        | {
            "DBT_PROFILES_DIR": str(PROJECT_DIR / "dbt_project"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_TARGET_PATH": str(settings.store / "target"),
            "DBT_LOG_PATH": str(logs),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (logs / "dbt.log").read_text(encoding="utf-8")[-3000:] + done.stderr[-1000:]


def new_store(path: Path) -> Landing:
    settings = Settings(store=path / "store", raw=path / "raw")
    settings.store.mkdir(parents=True)
    return Landing(settings)


def built_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, land: Callable[[Landing], None] = lambda _: None
) -> Path:
    """The warehouse over what `land` lands, to be read alone."""

    def make(folder: Path) -> None:
        landing = new_store(folder)
        land(landing)
        landing.register()
        build(landing.settings)

    return Settings(store=made_once(tmp_path_factory, f"warehouse-{name}", make) / "store").warehouse_path


@pytest.fixture(scope="session")
def empty_warehouse_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of a store in which nothing has landed."""
    return built_once(tmp_path_factory, "empty")


@pytest.fixture(scope="session")
def empty_warehouse(empty_warehouse_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(empty_warehouse_path), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse over published figures of Rotherham, its neighbours in Yorkshire, the region and England."""
    path = built_once(tmp_path_factory, "published", land_published)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def land_published(landing: Landing) -> None:
    plans, issued, requests = "All EHC plans", "All EHC plans issued", "All requests for EHC needs assessments"
    landing.ees(
        "caseload",
        "caseload",
        [
            ("Academic year", "202324", ROTHERHAM, plans, plans, {"ehcplans": "3310"}),
            ("Academic year", "202425", ROTHERHAM, plans, plans, {"ehcplans": "3623"}),
            ("Academic year", "202324", ENGLAND, plans, plans, {"ehcplans": "576474"}),
            ("Academic year", "202425", ENGLAND, plans, plans, {"ehcplans": "638745"}),
            ("Academic year", "202425", BARNSLEY, plans, plans, {"ehcplans": "x"}),
        ],
    )
    landing.ees(
        "requests",
        "requests",
        [
            (
                "Calendar year",
                "2024",
                area,
                requests,
                requests,
                {
                    "requests_received_in_year": received,
                    "requests_decided_not_to_assess": refused,
                    "request_not_assess_pc": percent,
                    "request_outcome_six_weeks": "z",
                },
            )
            for area, received, refused, percent in (
                (ROTHERHAM, "959", "304", "31.7"),
                (BARNSLEY, "718", "294", "40.9"),
                (ENGLAND, "154489", "38889", "25.2"),
            )
        ],
    )
    timely = ("plans_issued_den_ex", "plans_issued_20_weeks_ex", "pc_plans_issued_20_weeks_ex")
    landing.ees(
        "timeliness",
        "timeliness_20_week",
        [
            ("Calendar year", "2024", area, issued, issued, dict(zip(timely, figures, strict=True)))
            for area, figures in (
                (ROTHERHAM, ("462", "359", "77.7")),
                (ENGLAND, ("84866", "39407", "46.4")),
            )
        ],
    )
    # The 2025 release gives the regional total for every authority of Yorkshire in 2022.
    new = "New EHC plans"
    landing.ees(
        "newplans",
        "newplans",
        [
            *(
                ("Calendar year", "2022", area, new, new, {"new_ehc_plans": "6078"})
                for area in (YORKSHIRE, ROTHERHAM, BARNSLEY, DONCASTER, WAKEFIELD)
            ),
            ("Calendar year", "2022", ROTHERHAM, "Sex", "Male", {"new_ehc_plans": "200"}),
            ("Calendar year", "2022", ROTHERHAM, "Sex", "Female", {"new_ehc_plans": "85"}),
            ("Calendar year", "2022", ROTHERHAM, "Ethnicity", "White - White British", {"new_ehc_plans": "285"}),
            *(
                ("Calendar year", "2022", area, topic, breakdown, {"new_ehc_plans": plans_started})
                for area, plans_started in ((WAKEFIELD, "112"), (DONCASTER, "243"))
                for topic, breakdown in (("Sex", "Male"), ("Ethnicity", "White - White British"))
            ),
        ],
    )
    landing.ees(
        "assessments",
        "assessments",
        [
            ("Calendar year", "2022", area, "All assessments", "All assessments", {"assess_issued": number})
            for area, number in ((ROTHERHAM, "285"), (WAKEFIELD, "462"), (DONCASTER, "303"))
        ],
    )
    # A first and a revised vintage of one figure, and a period that its identifier contradicts.
    revised = {
        "publisher": "Department for Education",
        "dataset": "Education, health and care plans",
        "release_name": "EHC plans 2025 (revised)",
        "release_year": 2025,
        "release_revision": 1,
    }
    reviews = "All annual reviews"
    landing.ees(
        "reviews",
        "annual_reviews",
        [("Calendar year", "2024", ROTHERHAM, reviews, reviews, {"review_decision_outstanding": "-225"})],
    )
    landing.land(
        "bundled",
        "2025",
        "published_figure",
        [
            revised
            | {key: ROTHERHAM[key] for key in ("geographic_level", "region_name", "old_la_code", "la_name")}
            | {"new_la_code": ROTHERHAM["new_la_code"], "breakdown_topic": topic, "breakdown": topic}
            | {"series": series, "time_identifier": identifier, "time_period": period}
            | {"measure": measure, "value_text": text}
            for series, identifier, period, topic, measure, text in (
                ("annual_reviews", "Calendar year", "2024", reviews, "review_decision_outstanding", "163"),
                ("sen_need_newplans", "Calendar year", "202425", plans, "number_asd", "200"),
            )
        ],
    )
    landing.land(
        "october_2025",
        "2025-10",
        "chs_wait",
        [
            {
                "sheet": "Table 4",
                "data_month": "2025-10",
                "published_date": "2025-12-11",
                "layout_era": 3,
                "org_level": "provider",
                "org_code": code,
                "org_name_raw": name,
                "service_line_raw": f"(CYP) {line}",
                "service_line_code": line,
                "age_group": "cyp",
                "band_code": band,
                "value_text": None if code == "RXE" else str(waits),
                "value": None if code == "RXE" else waits,
                "value_status": "not_submitted" if code == "RXE" else "reported",
            }
            for code, name in (
                ("RFR", "THE ROTHERHAM NHS FOUNDATION TRUST"),
                ("RXE", "ROTHERHAM DONCASTER AND SOUTH HUMBER NHS FOUNDATION TRUST"),
            )
            for line, counts in RFR_WAITS.items()
            for band, waits in zip(BANDS, counts, strict=True)
        ],
    )
