"""Cases of the invented borough that are easily counted wrongly, and how the published definitions count them."""

from typing import Any

import pandas as pd

from orchestration.synthetic.dates import CENSUS_DAYS
from orchestration.synthetic.population import stock_period
from orchestration.synthetic.returns import Return

EACH = 3
"""Cases of a kind that one return contributes at most."""

RECORDS = ("person", "requests", "assessment", "namedplan", "activeplans")


def known_cases(made: dict[int, Return]) -> pd.DataFrame:
    """A few cases of every kind, by return.

    Columns: kind, year (of the return), the row of the case in each table of that return (1 is the first; 0: no such
    record), counted_in and not_counted_in: published cells as table:period:measure, separated by semicolons.
    `rebuilt:<year>:ehcplans` is the stock of that January as the next return gives it.
    """
    cases = {year: _joined(one) for year, one in made.items()}
    pieces = []
    for year, frame in cases.items():
        kinds = _kinds(frame, year) | _against_the_return_before(frame, cases.get(year - 1), year)
        for kind, (rows, counted, not_counted) in kinds.items():
            found = frame[rows].head(EACH)
            listed = {"counted_in": ";".join(counted), "not_counted_in": ";".join(not_counted)}
            pieces.append(found[[f"{name}_id" for name in RECORDS]].assign(kind=kind, year=year, **listed))
    table = pd.concat(pieces, ignore_index=True).rename(columns={f"{name}_id": f"{name}_row" for name in RECORDS})
    rows = [f"{name}_row" for name in RECORDS]
    table[rows] = table[rows].fillna(0).astype(int)
    ordered: pd.DataFrame = table[["kind", "year", *rows, "counted_in", "not_counted_in"]]
    return ordered


def _joined(made: Return) -> pd.DataFrame:
    """One row a request, with its assessment, plan and active plan; the ids of a return as made are its row numbers."""
    tables = made.tables
    frame = tables["requests"].merge(tables["person"][["person_id", "person"]], on="person_id")
    frame = frame.merge(tables["assessment"], on="requests_id", how="left")
    frame = frame.merge(tables["namedplan"], on="assessment_id", how="left")
    frame = frame.merge(
        tables["activeplans"][["requests_id", "activeplans_id", "TransferLA"]], on="requests_id", how="left"
    )
    texts = frame.select_dtypes(exclude="number").columns
    frame[texts] = frame[texts].fillna("")
    frame["live"] = (frame["StartDate"] != "") & (frame["StartDate"] <= CENSUS_DAYS[made.year])
    frame["live"] &= (frame["CeaseDate"] == "") | (frame["CeaseDate"] >= CENSUS_DAYS[made.year])
    places = tables["placementdetail"]
    primary = places.loc[(places["LeavingDate"] == "") & (places["PlacementRank"] == "1"), "activeplans_id"]
    placed = places.loc[places["LeavingDate"] == "", "activeplans_id"]
    frame["secondary_alone"] = frame["activeplans_id"].isin(placed) & ~frame["activeplans_id"].isin(primary)
    return frame


def _kinds(f: pd.DataFrame, year: int) -> dict[str, tuple[Any, list[str], list[str]]]:
    flow = str(year - 1)
    stock, unplaced = (f"caseload:{stock_period(year)}:{measure}" for measure in ("ehcplans", "placement_unknown"))
    new = f"newplans:{flow}:new_ehc_plans"
    issued_in, ceased_in = f"assessments:{flow}:assess_issued", f"ceased_plans:{flow}:total_ceased"
    weeks, weeks_plain = (
        f"timeliness_20_week:{flow}:{measure}" for measure in ("plans_issued_den", "plans_issued_den_ex")
    )
    asked, refused_in = (
        f"requests:{flow}:{measure}" for measure in ("requests_received_in_year", "requests_decided_not_to_assess")
    )
    issued = (f["AssessmentOutcome"] == "Y") & (f["AssessmentOutcomeDate"].str[:4] == flow)
    mediated = (f["AssessmentMediation"] == "1") | (f["RequestMediation"] == "1")
    appealed = (f["AssessmentTribunal"] == "1") | (f["RequestTribunal"] == "1")
    refused = (f["RequestOutcome"] == "N") & issued
    received_now = f["ReceivedDate"].str[:4] == flow
    moved_in = f["TransferLA"] != ""
    ended = f["CeaseDate"].str[:4] == flow
    twice = f["namedplan_id"].notna() & (f.groupby("person_id")["namedplan_id"].transform("count") == 2)
    return {
        "mediation_left_out_of_20_weeks": (issued & mediated & ~appealed, [issued_in, new], [weeks, weeks_plain]),
        "tribunal_left_out_of_20_weeks": (issued & appealed, [issued_in, new], [weeks, weeks_plain]),
        "week20_exception": (issued & ~mediated & ~appealed & (f["Week20"] == "1"), [weeks, issued_in], [weeks_plain]),
        "refusal_overturned": (refused & received_now, [refused_in, asked, issued_in, new], [weeks]),
        "refusal_of_the_year_before_then_assessed": (refused & ~received_now, [issued_in, new], [refused_in, asked, weeks]),
        "request_exported": ((f["Exported"] != "") & received_now, [asked], [f"assessments:{flow}:assess_in_year"]),
        "transferred_in_coded_historical": (moved_in & f["live"], [stock], [new, weeks, issued_in]),
        "transferred_out": ((f["CeaseReason"] == "5") & ended, [ceased_in, f"ceased_plans:{flow}:transfer"], [stock]),
        "secondary_placement_alone": (f["secondary_alone"] & f["live"], [stock], [unplaced]),
        "ceased_on_census_day": (f["CeaseDate"] == CENSUS_DAYS[year], [stock], [ceased_in]),
        "new_and_ceased_in_one_year": (issued & ended, [new, ceased_in, issued_in], [stock]),
        "issued_in_january": (
            (f["AssessmentOutcome"] == "Y") & (f["StartDate"] >= f"{year}-01-01") & f["live"], [stock], [new, issued_in, weeks],
        ),
        "earlier_plan_of_a_child_with_two": (twice & ended, [ceased_in], [stock, new]),
        "later_plan_of_a_child_with_two": (twice & issued, [new, issued_in], [ceased_in]),
    }  # fmt: skip


def _against_the_return_before(
    f: pd.DataFrame, before: pd.DataFrame | None, year: int
) -> dict[str, tuple[Any, list[str], list[str]]]:
    """What two returns tell differently of one January."""
    if before is None:
        return {}
    rebuilt, reported = f"rebuilt:{year - 1}:ehcplans", f"caseload:{stock_period(year - 1)}:ehcplans"
    known = set(before.loc[before["live"], "plan"])
    census = CENSUS_DAYS[year - 1]
    was_live = (
        (f["StartDate"] != "") & (f["StartDate"] <= census) & ((f["CeaseDate"] == "") | (f["CeaseDate"] >= census))
    )
    late_end = (f["CeaseDate"] != "") & (f["CeaseDate"] < census) & f["plan"].isin(known)
    late_plan = was_live & ~f["plan"].isin(known)
    moved_in = f["TransferLA"] != ""
    return {
        "end_recorded_late": (late_end, [reported, f"ceased_plans:{year - 1}:total_ceased"], [rebuilt]),
        "plan_recorded_late": (late_plan & ~moved_in, [rebuilt], [reported]),
        # a plan keeps its own start date when it moves: that January it was another authority's
        "transferred_in_after_the_census_day": (
            late_plan & moved_in & f["live"], [f"caseload:{stock_period(year)}:ehcplans"], [rebuilt, reported],
        ),
    }  # fmt: skip
