"""Blocking reads and writes on files that may be in non-blocking mode.

A parent process can pass us pipes in non-blocking mode. The mode belongs to the open file, which the parent shares, so we
must not change it. We wait for the file instead.
"""

from __future__ import annotations

import selectors
from io import RawIOBase


def read(file: RawIOBase, size: int) -> bytes:
    """Wait for data and return at most ``size`` bytes; none at the end of the file."""
    while (data := file.read(size)) is None:
        _wait(file, selectors.EVENT_READ)
    return data


def write(file: RawIOBase, data: bytes) -> None:
    """Write all of ``data``."""
    rest = memoryview(data)
    while rest:
        written = file.write(rest)
        if written is None:
            _wait(file, selectors.EVENT_WRITE)
        else:
            rest = rest[written:]


def _wait(file: RawIOBase, event: int) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(file, event)
        selector.select()
