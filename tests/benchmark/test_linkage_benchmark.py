"""The benchmark of linkage runs and accounts for every person; how fast it was is no matter here."""

from pathlib import Path

from rich.console import Console

from orchestration.bench.measure import apart
from tests.benchmark.linkage import CENSUS, SLIPS, benchmark, invent, tables_of


def test_every_pupil_among_the_patients_is_a_pair_and_every_slip_is_made(tmp_path: Path) -> None:
    apart(invent, tmp_path, 2000, 500)
    found = apart(benchmark, tmp_path, 2000, 500)
    pairs = {(one.group, one.match_strength): one for one in found.pairs if one.return_id == CENSUS}
    everyone = pairs["all", "all"]
    assert everyone.true_pairs == 450
    assert 0.9 < everyone.right_pairs / 450 < 1
    assert {group for group, _ in pairs} == {"all", "twin", "no_upn", *SLIPS}
    assert all(measured.seconds > 0 for measured in found.measured.values())
    console = Console(record=True, width=120)
    for table in tables_of(found):
        console.print(table)
    assert "2,000 pupils and 500 patients" in console.export_text()
