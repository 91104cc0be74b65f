"""The invented borough, counted again by SQL over its written COLLECT export: nothing here uses the generator's own counts."""

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import CornerstoneError
from orchestration.synthetic import SynthesisReport, synthesise

PROJECT = Path(__file__).parents[3]
FIGURES = PROJECT / "raw" / "seed" / "published_statistics" / "published_figures.csv.gz"


@pytest.fixture(scope="module")
def borough(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SynthesisReport]:
    out = tmp_path_factory.mktemp("borough")
    report = synthesise(out, la="372", figures=FIGURES, years=range(2025, 2026), seed=1, scale=1.0, faults="standard")
    return out, report


def export(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for path in folder.glob("*.csv"):
        table = path.stem.rsplit("_", 1)[1]
        connection.execute(
            f"create view {table} as select * from read_csv(?, header = true, all_varchar = true, nullstr = '')".replace(
                "?", f"'{path}'"
            )
        )
    connection.execute("create macro on_day(t) as strptime(left(t, 11), '%Y-%b-%d')::date")
    connection.execute(
        """
        create view live as
        select r.*, a.activeplanstableid, p.persontableid as child, p.sex, p.personbirthdate, n.startdate
        from requests r
        join person p using (persontableid)
        join assessment s using (requeststableid)
        join namedplan n using (assessmenttableid)
        join activeplans a using (requeststableid)
        where on_day(n.startdate) <= date '2025-01-16'
          and (n.ceasedate is null or on_day(n.ceasedate) >= date '2025-01-16')
        """
    )
    return connection


@pytest.fixture(scope="module")
def collect(borough: tuple[Path, SynthesisReport]) -> duckdb.DuckDBPyConnection:
    return export(borough[0] / "sen2" / "2025" / "collect_csv")


def number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_plans_in_january_2025_are_those_published_by_sex(collect: duckdb.DuckDBPyConnection) -> None:
    found = dict(collect.execute("select sex, count(*) from live group by sex").fetchall())
    assert found == {"M": 2572, "F": 1051}


def test_ages_at_the_start_of_the_academic_year_fall_in_the_published_groups(
    collect: duckdb.DuckDBPyConnection,
) -> None:
    found = collect.execute(
        """
        with aged as (select date_sub('year', on_day(personbirthdate), date '2024-08-31') as age from live)
        select case when age < 5 then 'under 5' when age < 11 then '5-10' when age < 16 then '11-15'
                    when age < 20 then '16-19' else '20-25' end, count(*) from aged group by 1
        """
    ).fetchall()
    assert dict(found) == {"under 5": 116, "5-10": 1140, "11-15": 1434, "16-19": 723, "20-25": 210}


def test_primary_needs_are_those_published(collect: duckdb.DuckDBPyConnection) -> None:
    found = collect.execute(
        "select sentype, count(*) from live join senneed using (activeplanstableid) where sentyperank = '1' group by 1"
    ).fetchall()
    assert dict(found) == {
        "ASD": 1284, "SEMH": 836, "SLCN": 622, "MLD": 461, "PD": 211, "SPLD": 69, "HI": 49, "SLD": 46, "VI": 24,
        "PMLD": 15, "MSI": 6,
    }  # fmt: skip


def test_placements_by_register_type_give_the_published_lines(
    borough: tuple[Path, SynthesisReport], collect: duckdb.DuckDBPyConnection
) -> None:
    register = borough[0] / "establishment_register" / "register_20260105.csv"
    found = collect.execute(
        f"""
        with current as (
            select *, row_number() over (partition by activeplanstableid order by placementrank) as place
            from placementdetail where leavingdate is null
        )
        select coalesce(g."TypeOfEstablishment (name)", c.sensetting, 'UKPRN') as kind, count(*)
        from live join current c using (activeplanstableid)
        left join read_csv('{register}', all_varchar = true) g on g."URN" = c.urn
        where c.place = 1 group by 1
        """
    ).fetchall()
    counts = dict(found)
    assert counts["EHE"] == 47
    assert counts["NEET"] == 60
    assert counts["EYP"] == 13
    assert counts["UKPRN"] == 64
    assert counts["Special post 16 institution"] == 116
    assert sum(counts[kind] for kind in ("Further education", "Sixth form centres") if kind in counts) == 492
    assert sum(counts.values()) == 3623


def test_requests_of_2024_by_outcome_are_those_published(collect: duckdb.DuckDBPyConnection) -> None:
    found = collect.execute(
        "select requestoutcome, count(*) from requests where left(receiveddate, 4) = '2024' group by 1"
    ).fetchall()
    assert {code: count for code, count in found if code != "H"} == {"Y": 653, "N": 304, "A": 2}
    flags = collect.execute(
        """
        select count(*) filter (requestmediation = '1'), count(*) filter (requesttribunal = '1')
        from requests where left(receiveddate, 4) = '2024' and requestoutcome <> 'H'
        """
    ).fetchone()
    assert flags == (224, 26)


def test_more_decisions_than_requests_because_late_requests_are_decided_in_the_next_year(
    collect: duckdb.DuckDBPyConnection,
) -> None:
    found = collect.execute(
        """
        select count(*) filter (on_day(requestoutcomedate) - on_day(receiveddate) <= 42), count(*)
        from requests where requestoutcome in ('Y', 'N') and left(requestoutcomedate, 4) = '2024'
        """
    ).fetchone()
    assert found == (967, 1010)


def test_timeliness_leaves_out_mediation_and_tribunal_and_splits_off_exceptions(
    collect: duckdb.DuckDBPyConnection,
) -> None:
    found = collect.execute(
        """
        with issued as (
            select on_day(assessmentoutcomedate) - on_day(receiveddate) as days, week20 = '1' as is_exception
            from assessment join requests using (requeststableid)
            where assessmentoutcome = 'Y' and left(assessmentoutcomedate, 4) = '2024'
              and assessmentmediation = '0' and assessmenttribunal = '0'
              and requestmediation = '0' and requesttribunal = '0'
        )
        select count(*), count(*) filter (days <= 140), count(*) filter (not is_exception),
               count(*) filter (days <= 140 and not is_exception), count(*) filter (days > 364) from issued
        """
    ).fetchone()
    assert found == (535, 424, 462, 359, 0)


def test_an_overturned_refusal_stays_a_refusal_and_its_plan_is_issued(collect: duckdb.DuckDBPyConnection) -> None:
    overturned = number(
        collect,
        """
        select count(*) from requests join assessment using (requeststableid) join namedplan using (assessmenttableid)
        where requestoutcome = 'N' and (requestmediation = '1' or requesttribunal = '1')
        """,
    )
    unexplained = number(
        collect,
        """
        select count(*) from requests join assessment using (requeststableid)
        where requestoutcome = 'N' and requestmediation = '0' and requesttribunal = '0'
        """,
    )
    assert overturned > 20
    assert unexplained == 0


def test_a_plan_brought_from_elsewhere_is_coded_historical(collect: duckdb.DuckDBPyConnection) -> None:
    outcomes = collect.execute(
        """
        select assessmentoutcome, count(*) from assessment join activeplans using (requeststableid)
        where transferla is not null group by 1
        """
    ).fetchall()
    assert [code for code, _ in outcomes] == ["H"]
    assert outcomes[0][1] > 20


def test_plans_ceased_in_2024_by_reason_are_those_published(collect: duckdb.DuckDBPyConnection) -> None:
    found = collect.execute(
        "select ceasereason, count(*) from namedplan where ceasedate is not null group by 1"
    ).fetchall()
    assert dict(found) == {"1": 23, "2": 17, "3": 22, "4": 53, "5": 82, "6": 192, "7": 2, "8": 4, "9": 2}


def test_some_plans_have_only_a_secondary_placement(collect: duckdb.DuckDBPyConnection) -> None:
    alone = number(
        collect,
        """
        select count(*) from (
            select activeplanstableid from placementdetail where leavingdate is null
            group by 1 having min(placementrank) = '2'
        )
        """,
    )
    assert alone == 3


def test_upns_carry_their_check_letter_and_learner_numbers_their_check_digit(
    collect: duckdb.DuckDBPyConnection,
) -> None:
    bad_upn = number(
        collect,
        """
        select count(*) from person where upn is not null and substr('ABCDEFGHJKLMNPQRTUVWXYZ',
            1 + list_sum(list_transform(range(2, 14), lambda i: substr(upn, i::int, 1)::int * i))::int % 23, 1) <> upn[1]
        """,
    )
    bad_uln = number(
        collect,
        """
        select count(*) from person where uniquelearnernumber is not null
          and 10 - list_sum(list_transform(range(1, 10), lambda i: substr(uniquelearnernumber, i::int, 1)::int * (11 - i)))::int % 11
              <> right(uniquelearnernumber, 1)::int
        """,
    )
    twice = number(collect, "select count(upn) - count(distinct upn) from person")
    assert (bad_upn, bad_uln, twice) == (0, 0, 0)


def test_nobody_holds_two_live_plans(collect: duckdb.DuckDBPyConnection) -> None:
    assert number(collect, "select count(*) - count(distinct child) from live") == 0


def test_the_xml_holds_the_same_people_as_the_export(
    borough: tuple[Path, SynthesisReport], collect: duckdb.DuckDBPyConnection
) -> None:
    (path,) = (borough[0] / "sen2" / "2025" / "xml").glob("*.xml")
    tags = ("Person", "Requests", "Assessment", "NamedPlan", "PlanDetail", "ActivePlans", "PlacementDetail", "SENneed")
    seen = dict.fromkeys(tags, 0)
    births: set[tuple[str, str, str]] = set()
    for _, element in ET.iterparse(path):  # noqa: S314 - our own file
        if element.tag in seen:
            seen[element.tag] += 1
        if element.tag == "Person":
            births.add(
                (
                    element.findtext("Surname", ""),
                    element.findtext("Forename", ""),
                    element.findtext("PersonBirthDate", ""),
                )
            )
            element.clear()
    for tag in tags:
        assert seen[tag] == number(collect, f"select count(*) from {tag.lower()}"), tag
    exported = collect.execute(
        "select surname, forename, strftime(on_day(personbirthdate), '%Y-%m-%d') from person"
    ).fetchall()
    assert births == set(exported)


def test_both_workbooks_hold_the_same_people_as_the_export(
    borough: tuple[Path, SynthesisReport], collect: duckdb.DuckDBPyConnection
) -> None:
    import python_calamine

    folder = borough[0] / "sen2" / "2025"
    surnames = {row[0] for row in collect.execute("select surname || forename from person").fetchall()}
    (modules,) = (folder / "module_workbook").glob("*.xlsx")
    rows = python_calamine.CalamineWorkbook.from_path(modules).get_sheet_by_name("Person").to_python()
    at = rows[0].index("Surname")
    assert {str(row[at]) + str(row[at + 1]) for row in rows[1:]} == surnames
    (stacked,) = (folder / "stacked_workbook").glob("*.xlsx")
    rows = python_calamine.CalamineWorkbook.from_path(stacked).get_sheet_by_name("Data Entry Template").to_python()
    titles = [str(row[0]) for row in rows if str(row[0]).endswith(("Record", "Records"))]
    assert len(titles) == 9
    start = next(i for i, row in enumerate(rows) if row[0] == "Person Record")
    assert len(surnames) == next(i for i, row in enumerate(rows) if row[0] == "Requests Records") - start - 3


def test_every_headline_cell_is_met_and_every_other_miss_has_a_reason(borough: tuple[Path, SynthesisReport]) -> None:
    out, report = borough
    with (out / "calibration.csv").open() as handle:
        cells = list(csv.DictReader(handle))
    assert report.unexplained == 0
    assert len(cells) == report.cells > 10_000
    assert sum(cell["status"] == "met" for cell in cells) / len(cells) > 0.85
    assert all(cell["reason"] for cell in cells if cell["status"] != "met")
    headline = [
        cell
        for cell in cells
        if cell["table"] == "caseload" and cell["breakdown"].startswith("age ") and cell["measure"] == "ehcplans"
    ]
    assert headline


def test_the_answer_key_points_at_what_was_planted(borough: tuple[Path, SynthesisReport]) -> None:
    out, report = borough
    with (out / "answer_key.csv").open() as handle:
        key = list(csv.DictReader(handle))
    assert len(key) == report.faults
    folder = out / "sen2_faulty" / "2025" / "collect_csv"
    checked = 0
    for line in key:
        field = line["field"].lower()
        if line["return"] != "sen2_faulty/2025" or ";" in field or line["row"] == "0":
            continue
        (path,) = folder.glob(f"*_{line['table']}.csv")
        with path.open() as handle:
            row = list(csv.DictReader(handle))[int(line["row"]) - 1]
        if field in row and len(line["value"]) != 10:
            assert row[field] == line["value"], line
            checked += 1
        assert row[f"{line['table']}tableid"] == line["record_id"]
    assert checked > 40


def test_the_clean_return_is_untouched_by_the_faults(borough: tuple[Path, SynthesisReport]) -> None:
    clean = export(borough[0] / "sen2" / "2025" / "collect_csv")
    faulty = export(borough[0] / "sen2_faulty" / "2025" / "collect_csv")
    query = "select count(*) from person where surname is null or sex not in ('M', 'F') or ethnicity = 'QQQQ'"
    assert number(clean, query) == 0
    assert number(faulty, query) == 3


def test_the_same_seed_gives_the_same_borough(tmp_path: Path) -> None:
    def build(name: str, seed: int) -> bytes:
        synthesise(
            tmp_path / name, la="372", figures=FIGURES, years=range(2025, 2026), seed=seed, scale=0.05, faults="none"
        )
        (path,) = (tmp_path / name / "sen2" / "2025" / "xml").glob("*.xml")
        return path.read_bytes()

    first = build("first", 4)
    assert first == build("again", 4)
    assert first != build("other", 5)


def test_an_authority_that_the_figures_do_not_hold_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CornerstoneError, match="no figures of authority 001"):
        synthesise(tmp_path, la="001", figures=FIGURES, years=range(2025, 2026), seed=1, scale=1.0, faults="none")


def test_years_without_a_known_element_set_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CornerstoneError, match="2023 to 2026"):
        synthesise(tmp_path, la="372", figures=FIGURES, years=range(2022, 2024), seed=1, scale=1.0, faults="none")


@pytest.mark.parametrize(("la", "scale"), [("370", 0.2), ("384", 0.1), ("807", 0.1), ("840", 0.1)])
def test_other_authorities_and_sizes_are_invented_too_from_totals_alone(tmp_path: Path, la: str, scale: float) -> None:
    report = synthesise(
        tmp_path,
        la=la,
        figures=FIGURES,
        years=range(2025, 2026),
        seed=1,
        scale=scale,
        faults="standard",
        shapes=("xml",),
    )
    assert report.unexplained == 0
    assert report.faults > 40
    (path,) = (tmp_path / "sen2" / "2025" / "xml").glob(f"{la}_*.xml")
    plans = sum(1 for _, element in ET.iterparse(path) if element.tag == "ActivePlans")  # noqa: S314 - our own file
    with (tmp_path / "calibration.csv").open() as handle:
        cells = list(csv.DictReader(handle))
    published = next(
        float(cell["published"]) for cell in cells if (cell["table"], cell["measure"]) == ("caseload", "ehcplans")
    )
    assert abs(plans - published * scale) <= 0.03 * published * scale
    assert [path.name for path in (tmp_path / "sen2" / "2025").iterdir()] == ["xml"]


def test_an_unknown_shape_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CornerstoneError, match="shapes of a return are xml"):
        synthesise(
            tmp_path,
            la="372",
            figures=FIGURES,
            years=range(2025, 2026),
            seed=1,
            scale=1.0,
            faults="none",
            shapes=("pdf",),
        )


@pytest.fixture(scope="module")
def known(borough: tuple[Path, SynthesisReport]) -> list[dict[str, str]]:
    with (borough[0] / "known_cases.csv").open() as handle:
        return list(csv.DictReader(handle))


KNOWN_KINDS = {
    "mediation_left_out_of_20_weeks": "assessmentmediation = '1' or requestmediation = '1'",
    "tribunal_left_out_of_20_weeks": "assessmenttribunal = '1' or requesttribunal = '1'",
    "week20_exception": "week20 = '1' and assessmentmediation = '0' and requestmediation = '0'",
    "refusal_overturned": "requestoutcome = 'N' and assessmentoutcome = 'Y' and left(receiveddate, 4) = '2024'",
    "refusal_of_the_year_before_then_assessed": "requestoutcome = 'N' and left(receiveddate, 4) = '2023'",
    "transferred_in_coded_historical": "transferla is not null and assessmentoutcome = 'H' and ceasedate is null",
    "transferred_out": "ceasereason = '5' and left(ceasedate, 4) = '2024'",
    "secondary_placement_alone": "ceasedate is null and 0 = (select count(*) from placementdetail d where d.activeplanstableid"
    " = a.activeplanstableid and d.leavingdate is null and d.placementrank = '1')",
    "new_and_ceased_in_one_year": "left(startdate, 4) = '2024' and left(ceasedate, 4) = '2024'",
}


@pytest.mark.parametrize("kind", sorted(KNOWN_KINDS))
def test_known_cases_name_the_rows_of_what_they_say(
    kind: str, known: list[dict[str, str]], collect: duckdb.DuckDBPyConnection
) -> None:
    listed = [line for line in known if line["kind"] == kind]
    assert 0 < len(listed) <= 3
    assert all(line["counted_in"] for line in listed)
    for line in listed:
        found = number(
            collect,
            f"""
            select count(*) from requests r
            left join assessment s using (requeststableid) left join namedplan n using (assessmenttableid)
            left join activeplans a using (requeststableid)
            where r.requeststableid = '{line["requests_row"]}' and r.persontableid = '{line["person_row"]}'
              and coalesce(s.assessmenttableid, '0') = '{line["assessment_row"]}'
              and coalesce(n.namedplantableid, '0') = '{line["namedplan_row"]}'
              and coalesce(a.activeplanstableid, '0') = '{line["activeplans_row"]}'
              and ({KNOWN_KINDS[kind]})
            """,
        )
        assert found == 1, line


def test_the_placement_on_the_last_day_of_ceased_plans_is_that_published(collect: duckdb.DuckDBPyConnection) -> None:
    found = collect.execute(
        """
        select d.sensetting, count(*)
        from namedplan n join assessment using (assessmenttableid) join activeplans using (requeststableid)
        join placementdetail d using (activeplanstableid)
        where left(n.ceasedate, 4) = '2024' and d.leavingdate = n.ceasedate and d.sensetting in ('NIEC', 'EHE', 'OTH')
        group by 1
        """
    ).fetchall()
    assert dict(found) == {"NIEC": 141, "EHE": 6, "OTH": 5}


def test_nobody_has_a_plan_before_birth_and_reasons_fit_the_age(collect: duckdb.DuckDBPyConnection) -> None:
    unborn = number(
        collect,
        "select count(*) from namedplan join assessment using (assessmenttableid) join requests using (requeststableid)"
        " join person using (persontableid) where on_day(startdate) < on_day(personbirthdate)",
    )
    too_young = number(
        collect,
        """
        select count(*) from namedplan join assessment using (assessmenttableid) join requests using (requeststableid)
        join person using (persontableid)
        where (ceasereason = '6' and date_sub('year', on_day(personbirthdate), on_day(ceasedate)) < 16)
           or (ceasereason = '1' and date_sub('year', on_day(personbirthdate), date '2025-08-31') < 19)
        """,
    )
    assert (unborn, too_young) == (0, 0)
