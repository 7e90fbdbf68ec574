"""Every architecture that the installed transformers opens as a masked language model: our logits are its network's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForMaskedLM

import random_checkpoints
from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.architectures import REFUSED
from random_checkpoints import ARCHITECTURES, LIMIT

pytestmark = pytest.mark.architectures

TOLERANCE = 1e-5
"""The largest difference of two log-probabilities of one token, computed in float32."""

Rows = Sequence[Sequence[int]]


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    return cache(lambda architecture: random_checkpoints.save(architecture, tmp_path_factory.mktemp(architecture)))


@pytest.fixture(scope="module")
def loaded(folder_of: Callable[[str], Path]) -> Callable[[str], mlm.MaskedLM]:
    return cache(lambda architecture: mlm.load(str(folder_of(architecture)), dtype=torch.float32))


@pytest.fixture(params=[architecture for architecture in ARCHITECTURES if architecture not in REFUSED])
def architecture(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(architecture: str, loaded: Callable[[str], mlm.MaskedLM]) -> mlm.MaskedLM:
    return loaded(architecture)


@pytest.fixture
def network(architecture: str, folder_of: Callable[[str], Path]) -> Any:
    return AutoModelForMaskedLM.from_pretrained(folder_of(architecture), dtype=torch.float32).eval()


def networks_logits(network: Any, row: Sequence[int]) -> Tensor:
    """Return what a fresh network computes for one text, as the fill-mask pipeline asks it."""
    ids = torch.tensor([row])
    return network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, : len(row)]


def rows_of(model: mlm.MaskedLM) -> list[list[int]]:
    """Return texts of many lengths: a mask alone, at the start, at the end, many, and the limit of positions."""
    tokenizer = model.tokenizer
    texts = [MASK, f"{MASK} dog", f"the cat {MASK}", f"the {MASK} sat on the {MASK}.", f"{MASK}{MASK} {MASK}"]
    rows = [tokenizer.encode(text).ids for text in texts]
    before, after = tokenizer.split_added_tokens(tokenizer.encode("").ids)
    ordinary = sorted(set(range(tokenizer.vocab_size)) - tokenizer.special_ids)
    for length in (17, 31, 50, LIMIT - 1, LIMIT):
        count = length - len(before) - len(after)
        tokens = [ordinary[index * 7 % len(ordinary)] for index in range(count)]
        tokens[length % 3 :: 6] = [tokenizer.mask_id] * len(tokens[length % 3 :: 6])
        rows.append([*before, *tokens, *after])
    return rows


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours.log_softmax(-1), theirs.log_softmax(-1), atol=TOLERANCE, rtol=TOLERANCE)


@torch.inference_mode()
def test_logits_are_the_networks(model: mlm.MaskedLM, network: Any) -> None:
    rows = rows_of(model)
    positions = [list(range(0, len(row), 1 + number % 3)) for number, row in enumerate(rows)]
    together = torch.split(model.logits(rows, positions), list(map(len, positions)))
    longest_first = sorted(zip(rows, positions, together, strict=True), key=lambda item: -len(item[0]))
    for row, inside, logits in longest_first:  # after a short text, BigBird's own network stays with full attention
        theirs = networks_logits(network, row)[inside]
        assert_same(model.logits([row], [inside]), theirs)
        assert_same(logits, theirs)
