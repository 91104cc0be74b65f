"""The service's plan at the end of each quarter: actions are taken up, begin, slip, and are done or given up."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.returns.spec import quarter_end
from orchestration.synthetic.local import Borough

RETURN = "service_plan_actions"
ACTIONS_OF_A_QUARTER, ACTIONS_AT_FIRST = 7, 34
"""Actions taken up in a quarter, and those of the plan that the first return tells of, of an authority of any size."""
DAYS_TO_DO, DAYS_LATE = 330, 110
"""Days from beginning to due date, and by how much an action is late, on average."""
IN_TIME, GIVEN_UP, MOVED, AIMED = 0.55, 0.07, 0.4, 0.3
"""Shares done by the due date, given up, of those late with the date moved, and of those that could aim at a KPI that do."""
PREFIXES = {"PEER_CHALLENGE": "PC", "INSPECTION": "AI", "STRATEGY": "ST"}
THERAPY_LINES = {
    "therapy_waiting_total": "Speech and language therapy",
    "therapy_dna_rate_pct": "Occupational therapy",
    "therapy_within_18_weeks_pct": "Speech and language therapy",
}
"""The service line that an action at one of these KPIs is about: they are told by line alone."""
# What is done, by which post, and the KPI that it is meant to move.
AIMS = [
    ("Weekly look at plans that are late", "EHC assessment manager", "ehcp_20_weeks_excl_exceptions_pct"),
    ("Advice chased from the fourth week on", "Designated clinical officer", "ehc_health_advice_6_weeks_pct"),
    ("Reviews booked a term ahead", "Annual review lead", "annual_reviews_held_pct"),
    ("One list of all children who wait for therapy", "Joint commissioner", "therapy_waiting_total"),
    ("Text reminders before therapy appointments", "Therapy service lead", "therapy_dna_rate_pct"),
    ("Group work while children wait for therapy", "Therapy service lead", "therapy_within_18_weeks_pct"),
    ("Neighbourhood clinics for neurodevelopment", "Joint commissioner", "neurodev_waiting_total"),
    ("Inclusion charter with secondary schools", "Inclusion services lead", "sen_suspension_rate"),
    ("Places in resourced provision opened", "Sufficiency lead", "rp_occupancy_pct"),
    ("Independent placements looked at each month", "Commissioning lead", "inmss_spend"),
    ("Plain guidance for parents", "Parent voice lead", None),
    ("Training for school leaders", "Inclusion services lead", None),
]


def write(out: Path, borough: Borough) -> None:
    """A cover and a table of actions for every quarter of the financial years that end in a year of the borough."""
    rng = borough.rng(RETURN)
    quarters = [f"{year - 1}-{year % 100:02d}Q{quarter}" for year in borough.years for quarter in range(1, 5)]
    plan = _plan([quarter_end(quarter) for quarter in quarters], rng)
    for quarter in quarters:
        as_of = quarter_end(quarter)
        cover = {
            "return_name": RETURN.upper(),
            "la_code": borough.la,
            "financial_year": quarter[:4] + quarter[5:7],
            "quarter": quarter[-1],
            "as_of": as_of.isoformat(),
            "version": 1,
            "prepared_by_role": "Invented improvement officer",
        }
        pd.DataFrame(cover.items(), columns=["key", "value"]).to_csv(
            out / f"service_plan_{quarter}_cover.csv", index=False
        )
        _as_it_stood(plan, as_of).to_csv(out / f"service_plan_{quarter}_actions.csv", index=False)


def _plan(ends: list[date], rng: np.random.Generator) -> pd.DataFrame:
    """Every action with what comes of it in the end; the dates are days since the first quarter's end."""
    first = pd.Timestamp(ends[0])
    known = np.repeat(
        [(end - ends[0]).days for end in ends], [ACTIONS_AT_FIRST] + [ACTIONS_OF_A_QUARTER] * (len(ends) - 1)
    )
    count = len(known)
    chosen = rng.integers(0, len(AIMS), count)
    source = rng.choice(list(PREFIXES), count, p=[0.3, 0.3, 0.4])
    begins = known + rng.integers(-80, 60, count)
    due = begins + DAYS_TO_DO + rng.integers(-150, 150, count)
    late = np.where(
        rng.random(count) < IN_TIME, -rng.integers(0, 60, count), rng.gamma(2.0, DAYS_LATE / 2, count).astype(int)
    )
    is_moved = (late > 0) & (rng.random(count) < MOVED)
    plan = pd.DataFrame(
        {
            "action_id": [f"{PREFIXES[of]}-{number:03d}" for number, of in enumerate(source, 1)],
            "source": source,
            "title": [f"{AIMS[one][0]} (phase {1 + number // len(AIMS)})" for number, one in enumerate(chosen)],
            "owner_role": [AIMS[one][1] for one in chosen],
            "kpi_id": [
                AIMS[one][2] if aims else None for one, aims in zip(chosen, rng.random(count) < AIMED, strict=True)
            ],
            "known_on": first + pd.to_timedelta(known, unit="D"),
            "start_date": first + pd.to_timedelta(begins, unit="D"),
            "due_date": first + pd.to_timedelta(due, unit="D"),
            "done_on": first + pd.to_timedelta(np.maximum(due + late, begins + 20), unit="D"),
            "is_moved": is_moved,
            "is_given_up": rng.random(count) < GIVEN_UP,
        }
    )
    plan["kpi_breakdown"] = plan["kpi_id"].map(THERAPY_LINES)
    plan["kpi_breakdown_topic"] = np.where(plan["kpi_breakdown"].notna(), "Service line", "")
    plan["moved_to"] = plan["done_on"] + timedelta(days=14)
    return plan


def _as_it_stood(plan: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The plan on a day: what was known then, without what was closed more than a year before."""
    day = pd.Timestamp(as_of)
    told = plan[(plan["known_on"] <= day) & (plan["done_on"] > day - timedelta(days=365))].copy()
    is_done = told["done_on"] <= day
    told["status"] = np.select(
        [is_done & told["is_given_up"], is_done, told["start_date"] <= day],
        ["CANCELLED", "COMPLETED", "IN_PROGRESS"],
        "NOT_STARTED",
    )
    told["revised_due_date"] = told["moved_to"].where(told["is_moved"] & (told["due_date"] <= day + timedelta(days=30)))
    told["completed_date"] = told["done_on"].where(told["status"] == "COMPLETED")
    told["evidence_ref"] = ("Improvement board, paper " + told["action_id"]).where(told["status"] == "COMPLETED")
    columns = [
        "action_id", "source", "title", "owner_role", "start_date", "due_date", "revised_due_date", "status", "completed_date",
        "evidence_ref", "kpi_id", "kpi_breakdown_topic", "kpi_breakdown",
    ]  # fmt: skip
    return told[columns]
