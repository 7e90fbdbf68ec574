"""How a command ends."""

from __future__ import annotations

OK, NO_MASK, USAGE, NO_MODEL, BUG = 0, 1, 2, 3, 4


class CommandError(Exception):
    """The command can't be carried out: one line for the user, and the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
