"""What the evidence page tells of one child across returns."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.charts import Chart
from orchestration.linkage.quality import (
    ALL,
    LinkQuality,
    OutcomeCount,
    Overlap,
    PairQuality,
    StrengthCount,
    WithinReturn,
    read_quality,
    write_quality,
)
from orchestration.settings import Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><g id="clip1"/><path clip-path="url(#clip1)"/></svg>'
REAL = LinkQuality(
    "real",
    [StrengthCount("plans", "first_seen", 1200, 1100), StrengthCount("plans", "uln", None, None)],
    [Overlap("plans", "lists", 1100, 275), Overlap("lists", "plans", 278, None)],
)
INVENTED = LinkQuality(
    "invented",
    [StrengthCount("plans", "name_birth_date", 3, 2)],
    [],
    [
        PairQuality("lists", "plans", "no_upn", ALL, 8, 7, 6, 5),
        PairQuality(ALL, ALL, ALL, ALL, 4274, 4169, 4160, 4158),
        PairQuality("lists", "plans", ALL, "upn", None, 0, 0, None),
    ],
    [WithinReturn("plans", 6284, 3, 2, 1)],
    [OutcomeCount("joined", 397, 396)],
    [Chart("weights", "Pairs <by> weight", "Bars & lines", ["Weight"], [["<7"]], SVG)],
)


def section(settings: Settings, publish_at: Any, quality: LinkQuality | None) -> str:
    if quality is not None:
        write_quality(settings.quality_dir / "linkage", quality)
    folder: Path = publish_at(MONDAY).folder
    page = (folder / "evidence" / "returns.html").read_text(encoding="utf-8")
    return page.partition("<h2>One child across returns</h2>")[2].partition("<h2>")[0]


@pytest.mark.parametrize("quality", [REAL, INVENTED])
def test_what_is_written_is_what_is_read(settings: Settings, quality: LinkQuality) -> None:
    write_quality(settings.quality_dir / "linkage", quality)
    assert asdict(read_quality(settings.quality_dir) or quality) == asdict(quality)
    names = {path.name for path in (settings.quality_dir / "linkage").iterdir()}
    assert names == {"summary.json", *(f"{chart.name}.svg" for chart in quality.charts)}


def test_before_anything_was_linked_the_page_says_so(settings: Settings, publish_at: Any) -> None:
    assert "No return about children has been linked." in section(settings, publish_at, None)


def test_of_real_people_small_counts_are_c_and_no_truth_is_claimed(settings: Settings, publish_at: Any) -> None:
    shown = section(settings, publish_at, REAL)
    assert '<td>uln</td><td class="number">c</td><td class="number">c</td>' in shown
    assert (
        '<td class="number">1,100</td><td>lists</td><td class="number">275</td><td class="number">25.00</td>' in shown
    )
    assert '<td class="number">278</td><td>plans</td><td class="number">c</td><td class="number"></td>' in shown
    assert "c: 1 to 4 children" in shown
    assert "Precision" not in shown


def test_of_invented_people_precision_and_recall_stand_by_group_and_step(settings: Settings, publish_at: Any) -> None:
    shown = section(settings, publish_at, INVENTED)
    cells = "".join(
        f'<td class="number">{cell}</td>' for cell in ("4,274", "4,169", "4,160", "99.78", "97.33", "4,158")
    )
    assert f'<th scope="row">all</th><td>all pairs of returns</td>{cells}' in shown
    assert '<th scope="row">no upn</th><td>lists, plans</td><td class="number">8</td>' in shown
    nothing = "".join(f'<td class="number">{cell}</td>' for cell in ("0", "0", ""))
    assert f'<th scope="row">upn</th><td>lists, plans</td>{nothing}' in shown
    assert '<th scope="row">joined</th><td class="number">397</td><td class="number">396</td>' in shown
    assert "c: 1 to 4" not in shown


def test_a_picture_is_part_of_the_page_with_words_and_its_table(settings: Settings, publish_at: Any) -> None:
    shown = section(settings, publish_at, INVENTED)
    assert '<svg><g id="weights-clip1"/><path clip-path="url(#weights-clip1)"/></svg>' in shown
    assert 'role="img" aria-label="Bars &amp; lines"' in shown
    assert "<figcaption>Pairs &lt;by&gt; weight</figcaption>" in shown
    assert "<td>&lt;7</td>" in shown
    assert not [word for word in ("<script", "src=", "http://", "https://", "@import") if word in shown]
