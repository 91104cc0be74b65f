"""Conditions, risks, narrative and signatures: what is said around the figures. Posts, never names; services, never a child."""

from datetime import date, timedelta
from typing import Any

from orchestration.synthetic.safety_valve.facts import FIRST_INVENTED_BALANCE, FIRST_YEAR
from orchestration.synthetic.safety_valve.money import Year
from orchestration.synthetic.safety_valve.plans import Plans, calendar_quarter

PREPARED_BY = "Invented finance business partner"
"""No authority has such a post: by it an invented return is known."""

Row = dict[str, Any]
Quarter = tuple[int, int]

_CONDITIONS = (
    ("SVC-01", "Reduce education outside the borough", "Placements", "Head of SEND", "ehcp_out_of_borough_pct"),
    ("SVC-02", "Review support services", "Support services", "Head of inclusion", None),
    ("SVC-03", "Drive inclusion in mainstream schools", "Inclusion", "Assistant director of education", "ehcp_mainstream_pct"),
    ("SVC-04", "Report to Cabinet every year", "Governance", "Programme manager", None),
)  # fmt: skip
_RATINGS: dict[str, tuple[tuple[Quarter, str], ...]] = {
    "SVC-01": (((2021, 1), "A"), ((2022, 2), "G"), ((2024, 2), "A"), ((2025, 2), "R"), ((2025, 4), "A")),
    "SVC-02": (((2021, 1), "A"), ((2022, 3), "G"), ((2024, 2), "C")),
    "SVC-03": (((2021, 1), "R"), ((2022, 1), "A"), ((2023, 2), "G")),
    "SVC-04": (((2021, 1), "G"),),
}
"""From which return on a condition is rated how."""
_CLOSED = {"SVC-02": date(2024, 9, 12)}
_MILESTONES = {
    "SVC-01": "Places in the borough open for those who would be placed outside",
    "SVC-02": "Review of support services agreed",
    "SVC-03": "Inclusion offer of every school published",
    "SVC-04": "Yearly report to Cabinet",
}
_COMMENTS = {
    "R": "Off track: independent fees rise faster than places open; a recovery plan goes to the programme board.",
    "A": "Behind the milestone; the programme board follows it every month.",
    "G": "On track.",
    "C": "Completed and closed.",
}

_RISKS = (
    ("R1", "More requests for assessment than planned", "Early support and advice to schools", "Head of SEND", 3, 4),
    ("R2", "Fees of independent providers rise above inflation", "Joint commissioning with neighbours", "Head of commissioning", 3, 4),
    ("R3", "New places open later than planned", "Monthly review of capital projects", "Capital programme manager", 2, 4),
    ("R4", "Schools cannot recruit specialist staff", "Shared training offer", "Assistant director of education", 3, 3),
    ("R5", "Therapy advice comes late", "Joint monitoring with health", "Head of inclusion", 2, 3),
)  # fmt: skip
_LIKELIER_FROM = {"R1": (2023, 1), "R2": (2024, 2), "R5": (2022, 4)}


def condition_rows(year: int, quarter: int, end: date) -> list[Row]:
    """The lines of tblConditions."""
    rows = []
    for identity, text, stream, post, kpi in _CONDITIONS:
        rating, earlier = _rated(identity, (year, quarter)), _rated(identity, _previous((year, quarter)))
        due = date(end.year + (end.month >= 7), 7, 31) if identity == "SVC-04" else date(end.year + 1, 3, 31)
        closed = _CLOSED.get(identity) if rating == "C" else None
        rows.append(
            {
                "condition_id": identity,
                "condition_text": text,
                "source": "LOCAL",
                "workstream": stream,
                "owner_role": post,
                "milestone": _MILESTONES[identity],
                "due_date": closed or due,
                "rag": rating,
                "rag_previous": earlier,
                "kpi_id": kpi,
                "evidence_ref": f"PB-{year}-{quarter}-{identity[-2:]}",
                "comment": _COMMENTS[str(rating)],
                "closed_date": closed,
            }
        )
    return rows


def _previous(at: Quarter) -> Quarter:
    return (at[0], at[1] - 1) if at[1] > 1 else (at[0] - 1, 4)


def _rated(identity: str, at: Quarter) -> str | None:
    """The rating at a quarter; None before the first return."""
    held = [rating for since, rating in _RATINGS[identity] if since <= at]
    return held[-1] if held else None


def risk_rows(year: int, quarter: int, end: date) -> list[Row]:
    """The lines of tblRisks."""
    rows = []
    for identity, description, mitigation, post, likelihood, impact in _RISKS:
        since = _LIKELIER_FROM.get(identity)
        is_likelier = since is not None and since <= (year, quarter)
        score = (likelihood + is_likelier) * impact
        rows.append(
            {
                "risk_id": identity,
                "description": description,
                "mitigation": mitigation,
                "owner_role": post,
                "likelihood": likelihood + is_likelier,
                "impact": impact,
                "rag": "R" if score >= 15 else "A" if score >= 8 else "G",
                "trend": "UP" if since == (year, quarter) else "SAME",
                "next_review": end + timedelta(days=60),
            }
        )
    return rows


def narrative_rows(year: Year, quarter: int, plans: Plans, *, final: bool) -> list[Row]:
    """The lines of tblNarrative."""
    now = plans.stock[calendar_quarter(year.year, quarter)]["TOTAL"][0]
    flows = plans.flows[calendar_quarter(year.year, quarter)]
    column = "outturn" if final else f"q{quarter}_forecast"
    closing, agreed, plan = year.closing(column), year.agreed_closing, year.plan_column(quarter)
    spent, budget = sum(year.lines[column].values()), sum(year.lines["budget"].values())
    told = "Outturn" if final else "Forecast"
    difference = closing - agreed
    side = "better" if difference >= 0 else "worse"
    texts = {
        "N1": f"{_invented(year.year)} {told} balance of the grant at 31 March {year.year + 1}: {_pounds(closing)}.",
        "N2": "Conditions are followed by the programme board; ratings and evidence stand in the table of conditions.",
        "N3": (
            f"{told} balance is {_pounds(abs(difference))} {side} than the plan expects ({_pounds(agreed)}). High needs spending of"
            f" {_pounds(spent)} compares with a budget of {_pounds(budget)}: top-ups follow the growth in plans, and independent"
            " fees rose. Other blocks ended near their income."
        ),
        "N4": (
            f"The authority maintained {now:,} plans at the end of the quarter; {flows['ISSUED']:,} were issued in it and"
            f" {flows['CEASED']:,} ceased. Placements in resourced provisions grow with the places that open."
        ),
        "N5": "Resourced provisions and special places open as the table shows; gaps in places and their sources stand beside it.",
        "N6": "Next quarter: review of placements outside the borough, the next places to open, and schools forum.",
        "N7": "None.",
    }
    if plan == "revised":
        texts["N3"] += " The plan is the one that schools forum approved in November."
    return [{"section_code": code, "text": text} for code, text in texts.items()]


def _invented(year: int) -> str:
    held = "Published balances and s251 totals are kept, everything else is invented."
    if year == FIRST_YEAR:
        held += " The opening deficit is the published one of 31 March 2021."
    if year >= FIRST_INVENTED_BALANCE:
        held += " The balances of 31 March 2025 and 2026 are invented: none is published."
    return f"Invented return of an invented borough. {held}"


def _pounds(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}£{abs(amount):,}"


def sign_off_rows(signed_on: date, *, restated: bool) -> list[Row]:
    """The lines of tblSignOff."""
    said = [("S151", "LEDGER"), ("DCS", "FORUM"), *([("S151", "RESTATE")] if restated else [])]
    return [
        {"role_code": role, "status": "SIGNED", "signed_on": signed_on, "statement_code": statement}
        for role, statement in said
    ]
