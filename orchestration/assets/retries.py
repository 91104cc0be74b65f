"""Which faults of a step pass by themselves, so that trying again can help: what another program has open for a while, and a disk
or network share that stutters. Data that is wrong stays wrong, and a full disk stays full: neither is tried again."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.errors import Busy

RETRIES = 3
WAIT_SECONDS = 20.0
_PASSING = {
    errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ENOLCK, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN,
    errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH,
}  # fmt: skip


@contextmanager
def retried() -> Iterator[None]:
    """Have Dagster try the step again, a few times and after a while, where its fault can pass by itself."""
    try:
        yield
    except Busy as error:
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=WAIT_SECONDS) from error
    except OSError as error:
        if error.errno not in _PASSING:
            raise
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=WAIT_SECONDS) from error
