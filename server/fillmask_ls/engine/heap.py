"""The heap that tensors come from, over long days."""

from __future__ import annotations

import ctypes
import sys


def trim() -> None:
    """Give the system back what is free on the heap, in some milliseconds; nothing where the C library has no call for it.

    glibc keeps holes as they are, and tensors of ever new sizes leave ever new ones.
    """
    if sys.platform == "linux":
        malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if malloc_trim is not None:
            malloc_trim(0)
