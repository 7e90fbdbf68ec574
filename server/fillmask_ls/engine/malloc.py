"""Settings of glibc's allocator that keep a process small which runs a model for days.

They apply to the whole process, so only programs call :func:`configure`, once and before torch computes anything.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8


def configure() -> None:
    """Limit the growth of the heap; do nothing with another C library.

    - All threads share one arena, so memory that one thread freed is not lost to the others.
    - Blocks above 1 MiB get pages of their own, which return to the system when freed; by default, glibc raises that
      limit whenever such a block is freed.
    """
    if sys.platform != "linux":
        return
    mallopt: Callable[[int, int], int] | None = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, 2**20)
        mallopt(_M_TRIM_THRESHOLD, 2**26)
