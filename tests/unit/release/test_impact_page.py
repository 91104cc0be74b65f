"""Impact: what the page says was seen before and after a start, and that it never says why."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestration.figures.periods import Kind, Period
from orchestration.figures.released import LOCAL, Figures, Kpi, Value
from orchestration.pages import page_templates
from orchestration.release.portal.impact import (
    FEWEST_BEFORE,
    NO_CAUSE,
    RUN,
    TREND,
    seen,
    stands,
    summary,
    tell_aim,
    tell_aimed,
    without_summary,
)
from orchestration.release.portal.site import PARTS, TEMPLATES, Page
from orchestration.settings import PROJECT_DIR

AIM: dict[str, Any] = {
    "kpi_aim_key": "one", "aim_kind": "action", "aim_label": "Text reminders", "begun_on": date(2024, 11, 5), "ended_on": None,
    "status_label": "Under way", "due_on": date(2025, 3, 31), "is_overdue": False, "is_slipping": False, "owner_role": "Therapy lead",
    "kpi_id": "dna_pct", "breakdown_topic": "Total", "breakdown": "Total",
    "value_basis": "local", "period_kind": "month", "unit": "percent", "before_count": 10,
    "before_mean": Decimal("11.0000"), "lower_limit": Decimal("5.6800"), "upper_limit": Decimal("16.3200"), "after_count": 9,
    "after_mean": Decimal("9.5000"), "after_withheld_count": 0, "after_otherwise_covered_count": 0, "after_break_count": 0,
    "above_limits_count": 0, "below_limits_count": 0, "is_run_above": False, "is_run_below": False, "is_rising": False, "is_falling": False,
    "is_unsteady_before": False, "outcome_code": "no_signal", "signal_is": None, "other_count": 0, "other_labels": None,
}  # fmt: skip
DNA = ("dna_pct", "Total", "Total")
SIGNAL_DOWN = {"outcome_code": "signal_down", "signal_is": "better", "below_limits_count": 2, "is_run_below": True}


@pytest.fixture
def figures() -> Figures:
    """A share told for twelve months of 2024, October's withheld."""
    kpi = Kpi(
        kpi_id="dna_pct", title="Appointments missed", definition="", numerator="", denominator="", unit="percent", source_return="",
        polarity="lower", statutory_basis=None, outcome_statement=None, aspiration=None, target=None, owner_role="", caveats=None,
        is_judged_by_size=False, is_available=True, reason=None,
    )  # fmt: skip
    months = {}
    for number in range(12):
        period = Period(Kind.month, 12 * 2024 + number)
        is_withheld = number == 9
        months[period] = Value(
            key=str(number), period=period, number=None if is_withheld else Decimal(10 + number % 2), symbol="c" if is_withheld else None,
            label=None, numerator=None, denominator=None, method="", coverage=None, break_note=None, publisher="", is_own=True,
        )  # fmt: skip
    year = Period(Kind.calendar_year, 2024)
    made = Figures("Rotherham", "invented", datetime(2026, 1, 1, tzinfo=UTC), {"dna_pct": kpi})
    made.series = {(("dna_pct", "Total", "Total"), LOCAL): {**months, year: months[min(months)]}}
    return made


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "Nothing beyond what is usual in 9 of the months since the start."),
        (
            {"after_count": 3},
            "Nothing beyond what is usual in 3 of the months since the start. A lasting change shows in 8 in a row at the earliest.",
        ),
        (
            SIGNAL_DOWN,
            "More than is usual: 2 of 9 months since the start below the usual limits and 8 months in a row or more below the mean"
            " of before. That is better than before.",
        ),
        (
            {
                "outcome_code": "signal_up",
                "above_limits_count": 1,
                "is_rising": True,
                "after_mean": Decimal(12),
                "after_withheld_count": 2,
                "after_otherwise_covered_count": 1,
            },
            "More than is usual: 1 of 9 months since the start above the usual limits and 6 months in a row or more rising. Withheld"
            " since the start: 2. Left out because they do not cover what the others cover: 1.",
        ),
        (
            {"outcome_code": "signal_up", "is_rising": True},
            "More than is usual: 6 months in a row or more rising. The mean since the start is not higher than before all the same.",
        ),
        (
            SIGNAL_DOWN | {"is_unsteady_before": True, "is_run_below": False},
            "More than is usual: 2 of 9 months since the start below the usual limits. That is better than before. The figure was"
            " already moving before the start, by the same signs.",
        ),
        (
            {"outcome_code": "signals_both_ways", "above_limits_count": 1, "is_falling": True},
            "More than is usual: 1 of 9 months since the start above the usual limits and 6 months in a row or more falling. These point"
            " both ways.",
        ),
        (
            {"outcome_code": "too_few_before", "before_count": 3},
            "Too few months to say: 3 with a figure had ended before the start, and 10 are needed.",
        ),
        (
            {"outcome_code": "no_period_after"},
            "Nothing can be said yet: none of the months since the start has a figure.",
        ),
        ({"outcome_code": "withheld_before"}, "Nothing can be said: some of the months before the start are withheld."),
        ({"outcome_code": "unknown_kpi"}, "Nothing can be said: the catalogue has no KPI of this name."),
    ],
)
def test_what_was_seen_is_said_and_never_why(told: dict[str, Any], said: str) -> None:
    assert seen(AIM | told, "months") == said


def test_every_outcome_of_the_view_has_words() -> None:
    model = (PROJECT_DIR / "dbt_project/models/kpi_internal/_models.yml").read_text()
    listed = model.partition("- name: outcome_code")[2].partition("values:")[2].partition("- name:")[0]
    for outcome in listed.replace("-", " ").split():
        assert seen(AIM | {"outcome_code": outcome}, "months")


def test_the_numbers_are_those_of_the_control_chart() -> None:
    macros = (PROJECT_DIR / "dbt_project/macros/control_chart.sql").read_text()
    for name, number in (("fewest_points", FEWEST_BEFORE), ("run_length", RUN), ("trend_length", TREND)):
        assert f"control_{name}() -%}}\n{number}\n" in macros


def test_a_start_that_nothing_can_be_said_of_has_no_limits() -> None:
    assert tell_aim(1, AIM, "months").limits == "5.7% to 16.3%"
    assert tell_aim(1, AIM, "months").was == "steady before"
    assert tell_aim(1, AIM | {"is_unsteady_before": True}, "months").was == "unsteady before"
    assert tell_aim(1, AIM | {"outcome_code": "no_period_after"}, "months").limits == ""
    not_begun = tell_aim(1, AIM | {"begun_on": None, "outcome_code": "not_begun", "before_count": 0}, "months")
    assert (not_begun.began, not_begun.before, not_begun.after) == ("no start told", ("", ""), ("", ""))
    assert not_begun.beside == ""


def test_a_mean_says_of_how_many_periods_it_is() -> None:
    assert tell_aim(1, AIM, "months").before == ("11.0%", "mean of 10")
    assert tell_aim(1, AIM | {"before_count": 0, "before_mean": None}, "months").before == ("no figure", "")


def test_how_an_action_stands_is_told_with_its_due_date_while_it_is_to_be_done() -> None:
    late = AIM | {"is_overdue": True, "is_slipping": True}
    assert stands(late) == "Under way, due 31 March 2025, overdue, slipping (later than first said)"
    assert stands(AIM | {"status_label": "Given up", "ended_on": date(2025, 1, 31)}) == "Given up"
    # Of a service nobody says by when.
    assert stands(AIM | {"status_label": None, "due_on": None, "is_overdue": None, "is_slipping": None}) == ""
    assert tell_aim(1, late, "months").owner == "Therapy lead"


def test_what_names_no_figure_is_counted() -> None:
    none = AIM | {"kpi_id": None, "outcome_code": "no_kpi"}
    rows = [none, none | {"is_overdue": True}, none | {"ended_on": date(2025, 1, 31)}]
    assert without_summary(rows) == (
        "3 actions and services name no figure to move. Done, given up or no longer told of: 1. Still to be done: 2; overdue: 1;"
        " slipping: 0."
    )
    assert without_summary([]) == ""
    assert summary(rows) == "No return says yet of an action or a service which figure it is meant to move."


def test_the_summary_counts_what_can_be_said() -> None:
    rows = [AIM, AIM | SIGNAL_DOWN, AIM | {"outcome_code": "not_begun", "kpi_id": "other"}]
    assert summary(rows) == (
        "3 actions and services aim at 2 figures. Still to be done: 3; overdue: 0; slipping: 0. Of 2 there are"
        " periods enough to say something: since 1 of these began, the figure moved more than it usually did before."
    )
    assert "Of none" in summary(rows[2:])
    assert summary([]) == "No return says yet of an action or a service which figure it is meant to move."


def test_a_kpi_is_told_with_its_chart_and_what_aims_at_it(figures: Figures) -> None:
    other = AIM | {"kpi_aim_key": "two", "aim_label": "Evening clinics", "begun_on": date(2023, 1, 1)}
    aimed = tell_aimed(DNA, [AIM, other], figures)
    assert aimed.told == "Months from January 2024 to December 2024 (own returns)."
    assert aimed.better == "Lower is better."
    assert aimed.notes == ["[c]: 1 period whose figure is withheld."]
    assert aimed.chart is not None
    # What began before the first figure stands in the table alone.
    assert aimed.chart.alt == (
        "Line chart: Appointments missed, 10.0% in Jan 2024, 11.0% in Dec 2024. Upright lines mark the start of 1 in the table."
    )
    assert ">[c]<" in aimed.chart.svg


def test_a_part_of_a_kpi_is_told_by_its_own_figure(figures: Figures) -> None:
    part = ("dna_pct", "Service line", "Speech and language therapy")
    figures.series[part, LOCAL] = dict(list(figures.values(DNA, LOCAL).items())[:3])
    aimed = tell_aimed(part, [AIM | {"breakdown_topic": part[1], "breakdown": part[2]}], figures)
    assert (aimed.title, aimed.anchor) == (
        "Appointments missed: Speech and language therapy",
        "dna_pct-service-line-speech-and-language-therapy",
    )
    assert aimed.told == "Months from January 2024 to March 2024 (own returns)."
    assert aimed.chart is not None
    assert aimed.chart.title == aimed.title


def test_a_kpi_without_figures_is_told_without_a_chart(figures: Figures) -> None:
    none = AIM | {
        "kpi_id": "gone", "value_basis": None, "period_kind": None, "unit": None, "before_count": 0, "after_count": 0,
        "outcome_code": "unknown_kpi",
    }  # fmt: skip
    aimed = tell_aimed(("gone", "Total", "Total"), [none], figures)
    assert (aimed.title, aimed.told, aimed.chart) == ("gone", "", None)


def test_the_page_says_that_nothing_here_is_a_cause(figures: Figures) -> None:
    aimed = [tell_aimed(DNA, [AIM | SIGNAL_DOWN], figures)]
    page = Page("before_and_after", "Before and after", "kpis", "impact.html.j2", {})
    facts = {"aimed": aimed, "summary": summary([AIM]), "no_cause": NO_CAUSE, "fewest": FEWEST_BEFORE}
    facts |= {"without": [tell_aim(1, AIM, "periods")], "without_summary": "1 action names no figure."}
    release = {
        "release_id": "r",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "people": "invented",
        "approval_required": False,
        "code_version": "1",
    }
    text = (
        page_templates(TEMPLATES)
        .get_template(page.template)
        .render(page=page, siblings=[page], parts=PARTS, release=release, **facts)
    )
    for words in (
        NO_CAUSE,
        "no proof of what brought it about",
        "That is better than before.",
        "Text reminders (action; Therapy lead)",
        "Under way, due 31 March 2025",
        "1 action names no figure.",
    ):
        assert words in text
    assert "impact of" not in text.lower()
