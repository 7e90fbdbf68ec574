"""Tensors that are kept long."""

from __future__ import annotations

import os
import sys

import pytest
import torch

from fillmask_ls.mlm.mmap_tensor import on_own_pages
from reliability.campaign import resident


def test_it_is_a_copy() -> None:
    tensor = torch.rand(2, 30_522)
    kept = on_own_pages(tensor)
    assert torch.equal(kept, tensor)
    before = tensor.clone()
    tensor.zero_()
    assert torch.equal(kept, before)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library does as it likes")
def test_the_system_has_it_back_once_it_is_dropped_whatever_lies_beside_it() -> None:
    tensor = torch.rand(30_000)
    kept, beside = [], []
    for _ in range(500):
        kept.append(on_own_pages(tensor))
        beside.append(bytearray(5_000))
    before = resident(os.getpid())
    kept.clear()
    assert before - resident(os.getpid()) > 500 * 100_000
