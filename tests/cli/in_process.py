"""What a command did that a test ran in its own process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class RunCommand(Protocol):
    def __call__(self, *arguments: str, stdin: str | bytes | None = None) -> Result:
        """Run ``fillmask-ls`` with these arguments."""
