"""The one base for errors that a person reads."""


class CornerstoneError(Exception):
    """A fault to be shown as one clear sentence: what is wrong, where, and what to do.

    `exit_code` is what the `cornerstone` command ends with: 1 when the data has errors, 2 when the file or the
    set-up cannot be used.
    """

    exit_code = 2

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code
