"""The heap that tensors and torch's compiled kernels lie on, over long days."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_KERNELS = 128
"""Of 0.6 MB each, one for each product of a new size: so many that what is typed needs few anew, half a millisecond each."""


def bound() -> None:
    """Keep the heap small from now on; to be called before torch computes anything.

    All threads that come use the same one, so that what one leaves free is not lost to the others. What is larger than
    1 MiB lies on pages of its own, where it leaves no hole, and the heap's free end is kept for the next forward; by
    itself glibc puts all but the largest on the heap once the like of it was freed. Of the kernels that
    oneDNN compiles it keeps the latest 128, else 1024, or as many as ``ONEDNN_PRIMITIVE_CACHE_CAPACITY`` says.
    """
    _glibc("mallopt", _M_ARENA_MAX, 1)
    _glibc("mallopt", _M_MMAP_THRESHOLD, 2**20)
    _glibc("mallopt", _M_TRIM_THRESHOLD, 2**26)
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(_KERNELS))


def trim() -> None:
    """Give the system back what is free on the heap, in some milliseconds.

    glibc keeps holes as they are, and tensors of ever new sizes leave ever new ones.
    """
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    """Call a function of glibc's; nothing where the C library has none."""
    if sys.platform == "linux":
        function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)  # musl has none
        if function is not None:
            function(*arguments)
