"""A step is tried again where trying again can help, and nowhere else."""

import errno

import dagster as dg
import pytest

from orchestration.assets import retries
from orchestration.errors import DISK_FULL, Busy, CornerstoneError


def attempts(monkeypatch: pytest.MonkeyPatch, fault: Exception, *, passes_after: int) -> tuple[int, bool]:
    """How often a step ran that meets a fault some times, and whether it ended well."""
    monkeypatch.setattr(retries, "WAIT_SECONDS", 0.01)
    ran: list[int] = []

    @dg.asset
    def step() -> None:
        ran.append(1)
        with retries.retried():
            if len(ran) <= passes_after:
                raise fault

    job = dg.Definitions(assets=[step], jobs=[dg.define_asset_job("job", executor_def=dg.in_process_executor)])
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.resolve_job_def("job").execute_in_process(instance=instance, raise_on_error=False)
    return len(ran), result.success


@pytest.mark.parametrize(
    "fault", [Busy("open elsewhere"), OSError(errno.ESTALE, "stale"), OSError(errno.EIO, "stutters")]
)
def test_what_passes_by_itself_is_tried_again(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    assert attempts(monkeypatch, fault, passes_after=2) == (3, True)


def test_what_does_not_pass_fails_after_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    assert attempts(monkeypatch, Busy("open elsewhere"), passes_after=99) == (1 + retries.RETRIES, False)


@pytest.mark.parametrize(
    "fault",
    [
        CornerstoneError("the file is of another authority"),
        CornerstoneError(DISK_FULL),
        OSError(errno.ENOSPC, "full"),
        PermissionError(errno.EACCES, "not yours"),
        ValueError("a defect"),
        dg.Failure("2 tests failed", allow_retries=False),
    ],
)
def test_what_stays_wrong_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    assert attempts(monkeypatch, fault, passes_after=99) == (1, False)
