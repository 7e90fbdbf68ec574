"""What is free goes back to the system, and what one thread leaves free another uses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fillmask_ls.engine.heap import trim
from reliability.campaign import resident

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library does as it likes")

_HEAPS = """
import ctypes, sys, threading
{before}
both = threading.Barrier(3)
def work():
    held = bytearray(5_000)
    both.wait()
for _ in range(2):
    threading.Thread(target=work).start()
both.wait()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
"""
"""Two threads allocate; what glibc says of its heaps."""


def test_holes_go_back_to_the_system() -> None:
    blocks = [bytearray(5_000) for _ in range(10_000)]
    del blocks[:-1]  # the last one keeps the heap from shrinking
    before = resident(os.getpid())
    trim()
    assert before - resident(os.getpid()) > 20_000_000


@pytest.mark.parametrize(
    ("before", "heaps"),
    [
        ("from fillmask_ls.engine.local import LocalEngine", 3),
        ("from fillmask_ls.engine.local import LocalEngine; LocalEngine()", 1),
    ],
)
def test_threads_of_a_process_with_an_engine_share_a_heap(before: str, heaps: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _HEAPS.format(before=before)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.count("<heap nr=") == heaps
