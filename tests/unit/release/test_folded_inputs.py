"""The submissions behind a release, folded for the evidence page."""

from orchestration.release.manifest import InputSubmission
from orchestration.release.portal.this_release import fold_inputs


def submission(return_id: str, supplier: str, period: str, rows: int, *, is_current: bool = True) -> InputSubmission:
    return InputSubmission(
        submission_id=f"{return_id}-{supplier}-{period}-{rows}", return_id=return_id, period=period, supplier=supplier,
        source_file=f"{supplier}.xml", sha256="aa", rows_read=rows + 1, rows_landed=rows, rows_quarantined=1,
        is_current=is_current,
    )  # fmt: skip


def test_submissions_of_one_return_kind_of_supplier_and_period_are_one_line() -> None:
    given = [
        submission("census", "school.3729001", "2026-01", 10),
        submission("census", "school.3729001", "2026-01", 9, is_current=False),
        submission("plans", "372", "2026", 100),
        submission("census", "school.3729002", "2026-01", 20),
        submission("census", "school.3729001", "2025-10", 30),
        submission("census", "council.372", "2026-01", 40),
    ]
    folded = fold_inputs(given)
    assert [
        (one.return_id, one.supplier_kind, one.period, len(one.submissions), one.superseded, one.rows("landed"))
        for one in folded
    ] == [
        ("census", "council", "2026-01", 1, 0, 40),
        ("census", "school", "2025-10", 1, 0, 30),
        ("census", "school", "2026-01", 3, 1, 39),
        ("plans", "372", "2026", 1, 0, 100),
    ]
    assert (folded[2].rows("read"), folded[2].rows("quarantined")) == (42, 3)
    assert sorted(one.submission_id for fold in folded for one in fold.submissions) == sorted(
        one.submission_id for one in given
    )
