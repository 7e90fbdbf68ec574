"""What is free goes back to the system or to another thread, and few kernels are kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fillmask_ls.engine.malloc import trim
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


_KERNELS = """
import ctypes
{before}
import torch
from fillmask_ls.mlm.linear import Linear
def given_out():
    fields = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    kind = type("Info", (ctypes.Structure,), {{"_fields_": [(name, ctypes.c_size_t) for name in fields.split()]}})
    function = ctypes.CDLL(None).mallinfo2
    function.restype = kind
    return function().uordblks
linear = Linear.pack(torch.ones(384, 384), torch.ones(384))
linear(torch.ones(1, 384))
start = given_out()
for rows in range(2, 302):
    linear(torch.ones(rows, 384))
print(given_out() - start)
"""
"""Products of 300 sizes; what glibc has given out for them."""


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
"""Small blocks between large ones that are freed; how much of these goes back at once, the second time."""


def test_holes_go_back_to_the_system() -> None:
    blocks = [bytearray(5_000) for _ in range(10_000)]
    del blocks[:-1]  # the last one keeps the heap from shrinking
    before = resident(os.getpid())
    trim()
    assert before - resident(os.getpid()) > 20_000_000


def without_and_with_an_engine(script: str) -> list[str]:
    """What a script prints in a process without an engine, and in one that has begun one."""
    engine = "from fillmask_ls.engine.local import LocalEngine"
    return [
        subprocess.run(
            [sys.executable, "-c", script.format(before=before)], capture_output=True, text=True, check=True
        ).stdout
        for before in (engine, f"{engine}; LocalEngine()")
    ]


def test_threads_of_a_process_with_an_engine_share_a_heap() -> None:
    assert [said.count("<heap nr=") for said in without_and_with_an_engine(_HEAPS)] == [3, 1]


def test_the_kernels_of_a_process_with_an_engine_do_not_pile_up() -> None:
    without, with_one = map(int, without_and_with_an_engine(_KERNELS))
    assert with_one < 0.75 * without


def test_what_is_large_leaves_no_holes_in_a_process_with_an_engine() -> None:
    without, with_one = map(int, without_and_with_an_engine(_LARGE))
    assert without < 5_000_000
    assert with_one > 35_000_000
