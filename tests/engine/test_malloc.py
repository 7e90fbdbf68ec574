"""The allocator's settings: freed memory returns to the system or to other threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the settings are glibc's")

_HEAPS = """
import ctypes, sys, threading
{before}
barrier = threading.Barrier(3)
def work():
    held = bytearray(5_000)
    barrier.wait()
for _ in range(2):
    threading.Thread(target=work).start()
barrier.wait()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
"""
"""Allocates in two threads and prints glibc's report of its arenas."""

_LARGE = """
import psutil
{before}
kept = []
for _ in range(2):
    large = []
    for _ in range(20):
        large.append(b"x" * 2_000_000)
        kept.append(b"x" * 5_000)
    before = psutil.Process().memory_info().rss
    del large
print(before - psutil.Process().memory_info().rss)
"""
"""Frees large blocks between small ones, twice, and prints the bytes that return to the system the second time."""


def without_and_with_settings(script: str) -> list[str]:
    """Return what a script prints in a process without the settings, and in one with them."""
    engine = "from fillmask_ls.engine import malloc"
    return [
        subprocess.run(
            [sys.executable, "-c", script.format(before=before)], capture_output=True, text=True, check=True
        ).stdout
        for before in (engine, f"{engine}; malloc.configure()")
    ]


def test_all_threads_share_one_arena() -> None:
    assert [report.count("<heap nr=") for report in without_and_with_settings(_HEAPS)] == [3, 1]


def test_large_blocks_return_to_the_system_at_once() -> None:
    without, with_settings = map(int, without_and_with_settings(_LARGE))
    assert without < 5_000_000
    assert with_settings > 35_000_000
