"""A small text and a small network, so that the whole recipe runs in seconds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertModel, MPNetConfig, MPNetModel

from fillmask_ls.mlm.checkpoint import EMBEDDED, resolve
from fillmask_ls.mlm.tokenizer_files import load_tokenizer
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
        max_position_embeddings=128,
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """An untrained network with the embedded model's tokenizer."""
    return _saved(BertForMaskedLM(tiny_config()), tmp_path / "tiny")


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """An untrained encoder without a head."""
    return _saved(BertModel(tiny_config()), tmp_path / "encoder")


@pytest.fixture
def mpnet_encoder(tmp_path: Path) -> Path:
    """An untrained MPNet encoder without a head, with MPNet's vocabulary: BERT's tokens, other special tokens."""
    config = MPNetConfig(
        vocab_size=30527,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=66,
    )
    folder = tmp_path / "mpnet_encoder"
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer = json.loads((EMBEDDED / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    new = ["<s>", "<pad>", "</s>", "<unk>"]
    moved = {token: id + len(new) for token, id in vocabulary.items()}
    tokenizer["model"]["vocab"] = {token: id for id, token in enumerate(new)} | moved | {"<mask>": 30526}
    flags = {"special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    tokenizer["added_tokens"] = [
        {"id": id, "content": token, **flags} for id, token in [*enumerate(new), (30526, "<mask>")]
    ]
    ends = {"sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": False}
    tokenizer["post_processor"] = {"type": "RobertaProcessing", **ends}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    special = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    settings = {"tokenizer_class": "MPNetTokenizer", "pad_token": "<pad>", "unk_token": "[UNK]", **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def _saved(network: torch.nn.Module, folder: Path) -> Path:
    network.save_pretrained(folder)  # type: ignore[operator]
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(EMBEDDED / name, folder / name)
    return folder
