"""What a member of a scrutiny committee asks: each question answered in at most two clicks from the first page. What must be found is
asked of the release's own databases, not of the pages."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
import pytest

from orchestration.figures.words import amount
from orchestration.release.exports import OPEN_DATABASE, RESTRICTED_DATABASE
from tests.end_to_end.portal.conftest import Opened

pytestmark = [pytest.mark.end_to_end]

Connection = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def figures(release: Path) -> Iterator[Connection]:
    """What was released: `open` for everybody, `restricted` for analysts."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{release / OPEN_DATABASE}' as open (read_only)")
        connection.execute(f"attach '{release / RESTRICTED_DATABASE}' as restricted (read_only)")
        yield connection


def _latest(figures: Connection, kpi_id: str, *, role: str = "own_authority") -> list[str]:
    """The latest number of a KPI as people read it, without its sign, and the one of the period before."""
    rows = figures.execute(
        """
        select value, unit
        from open.kpi.kpi_value
        where kpi_id = ? and area_role = ? and breakdown_topic = 'Total' and value is not null
        qualify row_number() over (partition by time_identifier, time_period order by value_basis) = 1
            and time_identifier = first_value(time_identifier) over (order by period_end desc, time_identifier)
        order by period_end desc
        limit 2
        """,
        [kpi_id, role],
    ).fetchall()
    assert rows, f"the release has no figure of {kpi_id}"
    return [re.escape(amount(abs(value), unit)) for value, unit in rows]


def _plans(figures: Connection) -> list[str]:
    return [*_latest(figures, "ehcp_total"), "(?i)(up|down) [0-9,]+|no change"]


def _in_time(figures: Connection) -> list[str]:
    [(england,)] = figures.execute(
        """
        select comparator_value
        from open.kpi.kpi_comparison
        where kpi_id = 'ehcp_20_weeks_excl_exceptions_pct' and comparator_type = 'england' and breakdown = 'Total'
            and comparator_value is not null and value is not null
        order by period_end desc
        limit 1
        """
    ).fetchall()
    return [
        _latest(figures, "ehcp_20_weeks_excl_exceptions_pct")[0],
        f"England {re.escape(amount(england, 'percent'))}",
    ]


def _over_a_year(figures: Connection) -> list[str]:
    """Waits are told by service: the largest of the latest month."""
    [(value,)] = figures.execute(
        """
        select max(value)
        from open.kpi.kpi_value
        where kpi_id = 'therapy_over_52_weeks' and breakdown_topic = 'Service line' and value is not null
            and area_role in ('own_authority', 'own_provider')
        group by period_end
        order by period_end desc
        limit 1
        """
    ).fetchall()
    return [rf"\b{re.escape(amount(value, 'count'))}\b", "(?i)52 weeks"]


def _money(figures: Connection) -> list[str]:
    return [_latest(figures, "dsg_variance_to_agreement")[0], "(?i)agree"]


def _special_places(figures: Connection) -> list[str]:
    rows = figures.execute(
        """
        select distinct value
        from open.kpi.kpi_value
        where kpi_id = 'place_gap_special' and area_role = 'own_authority' and value is not null
        qualify period_end = max(period_end) over ()
        """
    ).fetchall()
    return [
        "|".join(rf"\b{re.escape(amount(abs(value), 'count'))}\b" for (value,) in rows),
        "(?i)special school places",
    ]


def _missing_census(figures: Connection) -> list[str]:
    rows = figures.execute(
        """
        select
            count(*) filter (where is_expected and is_landed) || ' of ' || count(*) filter (where is_expected),
            list(setting.setting_name) filter (where is_expected and not is_landed)
        from restricted.marts.fct_census_completeness as school
        left join restricted.marts.dim_setting as setting using (setting_key)  -- at most one
        where month(school.census_day) = 1
        group by school.census_day
        order by school.census_day desc
        limit 1
        """
    ).fetchall()
    if not rows:
        return ["(?i)no school census"]
    [(came, missing)] = rows
    # Many names are folded away behind their number.
    return [came, *(re.escape(name) for name in missing or [] if len(missing) <= 3)]


def _checks(figures: Connection) -> list[str]:
    [(aside,)] = figures.execute("select count(*) from open.meta.submission where rows_quarantined > 0").fetchall()
    return ["(?i)gates?[^.]* passed", "(?i)set aside" if aside else "(?i)(set aside|no rows?)"]


def _changed(figures: Connection) -> list[str]:
    [(before,)] = figures.execute("select previous_release_id from open.meta.release").fetchall()
    return ["(?i)what changed", before or "(?i)first release|it is the first"]


def _comes_from(figures: Connection) -> list[str]:
    [(title,)] = figures.execute("select title from open.kpi.kpi_catalogue where kpi_id = 'ehcp_total'").fetchall()
    return [re.escape(title), r"EHC plans return \(SEN2\)", "fct_ehc_statistic"]


def _withheld(figures: Connection) -> list[str]:
    [(threshold,)] = figures.execute("select threshold from open.meta.disclosure").fetchall()
    return [rf"(?i)withheld[^.]* 1 to {threshold - 1} children"]


@dataclass(frozen=True)
class Question:
    """What is asked, the words of the links to follow, and what must then be read (regular expressions)."""

    asked: str
    links: tuple[str, ...]
    found: Callable[[Connection], list[str]]


QUESTIONS = [
    Question(
        "How many children have a plan, and is it more than last year?", ("Figures", "EHC plans maintained"), _plans
    ),
    Question(
        "How many plans are finished in 20 weeks, and how does that compare with England?",
        ("Figures", "Plans issued within 20 weeks, exceptions excluded"),
        _in_time,
    ),
    Question("How many children wait over 52 weeks for therapy?", ("Figures", "Waiting over 52 weeks"), _over_a_year),
    Question("Does the money hold against the agreement?", ("Figures", "Variance to the agreed balance"), _money),
    Question(
        "Are there enough special school places?",
        ("Figures", "Special school places: demand less capacity"),
        _special_places,
    ),
    Question("Which schools' census is missing?", ("Validation", "The returns beside each other"), _missing_census),
    Question("Did the checks pass, and what was set aside?", ("Validation",), _checks),
    Question("What changed since the last release?", (), _changed),
    Question("Where does the number of plans come from?", ("Lineage", "EHC plans maintained"), _comes_from),
    Question("What does c mean?", ("Words and methods",), _withheld),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.asked)
def test_a_member_finds_the_answer_in_two_clicks(question: Question, figures: Connection, opened: Opened) -> None:
    assert len(question.links) <= 2
    with opened("index.html") as page:
        for words in question.links:
            page.get_by_role("link", name=words, exact=True).locator("visible=true").first.click()
        place = unquote(urlsplit(page.url).fragment)
        target = page.locator("main")
        if place:
            around = page.locator(f"[id='{place}']").locator("xpath=ancestor-or-self::section[1]")
            target = around if around.count() else target
        # What is folded away is not read: no text of a closed details is here.
        told = target.inner_text()
    assert [wanted for wanted in question.found(figures) if not re.search(wanted, told)] == []


def test_there_are_ten_questions() -> None:
    assert len({question.asked for question in QUESTIONS}) == 10
