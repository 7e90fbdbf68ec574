"""The heap that tensors come from, over long days: glibc's calls for it, and nothing where the C library has none."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_M_ARENA_MAX = -8


def share_one() -> None:
    """Let all threads that come from now on use one heap; that which one leaves free is not lost to the others."""
    _glibc("mallopt", _M_ARENA_MAX, 1)


def trim() -> None:
    """Give the system back what is free on the heap, in some milliseconds.

    glibc keeps holes as they are, and tensors of ever new sizes leave ever new ones.
    """
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)  # musl has none
        if function is not None:
            function(*arguments)
