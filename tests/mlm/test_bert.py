"""A BERT is read from its files without transformers, and whatever they hold computes what transformers' network does."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM

from fillmask_ls import mlm

DECODER, WORDS = "cls.predictions.decoder", "bert.embeddings.word_embeddings.weight"


@pytest.fixture
def folder(checkpoint_of: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a BERT's checkpoint, to change."""
    return Path(shutil.copytree(checkpoint_of("bert-cased"), tmp_path / "checkpoint"))


def configure(folder: Path, **changes: Any) -> None:
    """Change its configuration; what becomes None is left out."""
    config = json.loads((folder / "config.json").read_text()) | changes
    given = {name: value for name, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(given))


def put(folder: Path, **weights: torch.Tensor) -> None:
    file = folder / "model.safetensors"
    save_file(load_file(file) | weights, file, {"format": "pt"})


def check(folder: Path) -> mlm.MaskedLM:
    """Compare with transformers' network; returns our model."""
    ours = mlm.load(str(folder), dtype=torch.float32)
    theirs = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.tensor([ours.tokenizer.encode("the cat [MASK] on the mat.").ids])
    with torch.inference_mode():
        expected = theirs(input_ids=ids).logits
    torch.testing.assert_close(mlm.forward(ours, ids).logits, expected, atol=1e-4, rtol=0)
    return ours


def test_transformers_is_not_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("transformers", "fillmask_ls.mlm.network"):
        monkeypatch.setitem(sys.modules, module, None)
    for model in ("embedded", str(folder)):
        assert mlm.predict(mlm.load(model), "the cat [MASK] on the mat.")[0].candidates


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"])
def test_any_activation(folder: Path, activation: str) -> None:
    configure(folder, hidden_act=activation)
    assert (check(folder).encoder is None) == (activation == "silu")


@pytest.mark.parametrize("tied", [True, False, None])
def test_a_decoder_of_its_own(folder: Path, tied: bool | None) -> None:
    words = load_file(folder / "model.safetensors")[WORDS]
    put(folder, **{f"{DECODER}.weight": words.flip(0).contiguous(), f"{DECODER}.bias": torch.ones(len(words))})
    configure(folder, tie_word_embeddings=tied)
    assert (check(folder).encoder is None) == (tied is False)


def test_weights_in_several_files(folder: Path) -> None:
    network = AutoModelForMaskedLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    network.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert check(folder).encoder is not None


@pytest.mark.parametrize(
    "left_out", ["hidden_act", "layer_norm_eps", "type_vocab_size", "tie_word_embeddings", "position_embedding_type"]
)
def test_a_configuration_that_leaves_the_defaults_out(folder: Path, left_out: str) -> None:
    configure(folder, **{left_out: None})
    check(folder)


def test_sizes_that_are_none_are_refused(folder: Path) -> None:
    for size in (0, -1, "two", 2.5, [2]):
        configure(folder, num_attention_heads=size)
        with pytest.raises(mlm.CheckpointError):
            mlm.load(str(folder))
