"""What can stop a release."""

from orchestration.errors import CornerstoneError


class ReleaseRefused(CornerstoneError):
    """The content may not be published; the release that people read stays as it is."""

    exit_code = 1


class ReleaseUnsound(CornerstoneError):
    """A file of a release does not hold what it should."""
