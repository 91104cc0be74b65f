"""Where the approval of a release stands, in words."""

from datetime import UTC, datetime

import pytest

from orchestration.release.manifest import Approval


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        (Approval(required=False, status="not_required"), "not required"),
        (Approval(required=True, status="pending"), "waiting for a named person"),
        (
            Approval(required=True, status="approved", by="A. Reader", at=datetime(2026, 3, 2, 9, tzinfo=UTC), note="Seen."),
            "approved by A. Reader on 2 March 2026",
        ),
    ],
)  # fmt: skip
def test_an_approval_is_said_in_one_way(approval: Approval, said: str) -> None:
    assert approval.said == said
