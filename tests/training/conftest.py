"""A small text and a small network, so that the whole recipe runs in seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertModel

from fillmask_ls.mlm.checkpoint import EMBEDDED, resolve
from fillmask_ls.mlm.tokenization import load_tokenizer
from training.prepare import prepare
from training.rows import Rows

TEXT = """\
The river rises in the hills. It is short, but it never runs dry. In spring it floods the meadows.
Mills stood along it once. The last one closed long ago.

A kettle is a pot with a lid and a spout. Water boils in it. Who drinks tea needs one.
Some kettles whistle when the water boils.
"""


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Two documents of two paragraphs each."""
    file = tmp_path / "small.txt"
    file.write_text(TEXT, encoding="utf-8")
    return file


@pytest.fixture
def rows(text: Path) -> Rows:
    return prepare([text], load_tokenizer(resolve("embedded")), length=32)


def tiny_config() -> BertConfig:
    return BertConfig(
        vocab_size=30522,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """An untrained network with the embedded model's tokenizer."""
    return _saved(BertForMaskedLM(tiny_config()), tmp_path / "tiny")


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """An untrained encoder without a head."""
    return _saved(BertModel(tiny_config()), tmp_path / "encoder")


def _saved(network: torch.nn.Module, folder: Path) -> Path:
    network.save_pretrained(folder)  # type: ignore[operator]
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(EMBEDDED / name, folder / name)
    return folder
