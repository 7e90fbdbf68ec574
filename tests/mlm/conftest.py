"""Models for the tests of the library."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fillmask_ls import mlm

ModelOf = Callable[[str], mlm.MaskedLM]


@pytest.fixture(scope="session")
def tiny_bert(model_of: ModelOf) -> mlm.MaskedLM:
    """A two-layer BERT that reads 64 tokens at a time."""
    return model_of("bert-cased")


@pytest.fixture(scope="session")
def hot_model(model: mlm.MaskedLM) -> mlm.MaskedLM:
    """The embedded model with a temperature that changes every calibrated probability visibly."""
    return dataclasses.replace(model, temperature=2.0)


@pytest.fixture(scope="session")
def short_model(model: mlm.MaskedLM) -> mlm.MaskedLM:
    """The embedded model, reading 32 tokens at a time."""
    tokenizer = copy.copy(model.tokenizer)
    tokenizer.max_length = 32
    return dataclasses.replace(model, tokenizer=tokenizer)


@pytest.fixture
def bert_folder(checkpoint_of: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the tiny BERT's checkpoint, to change."""
    return Path(shutil.copytree(checkpoint_of("bert-cased"), tmp_path / "checkpoint"))
