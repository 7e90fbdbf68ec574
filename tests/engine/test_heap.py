"""What is free goes back to the system."""

from __future__ import annotations

import os
import sys

import pytest

from fillmask_ls.engine.heap import trim
from reliability.campaign import resident


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library does as it likes")
def test_holes_go_back_to_the_system() -> None:
    blocks = [bytearray(5_000) for _ in range(10_000)]
    del blocks[:-1]  # the last one keeps the heap from shrinking
    before = resident(os.getpid())
    trim()
    assert before - resident(os.getpid()) > 20_000_000
