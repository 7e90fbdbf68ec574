"""A BERT is read from its files without transformers, and computes what transformers' network computes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM

from fillmask_ls import mlm
from parity import native_bfloat16

DECODER, WORDS = "cls.predictions.decoder", "bert.embeddings.word_embeddings.weight"


def configure(folder: Path, **changes: Any) -> None:
    """Change the configuration; values of None are removed."""
    config = json.loads((folder / "config.json").read_text()) | changes
    given = {name: value for name, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(given))


def replace_weights(folder: Path, **weights: torch.Tensor) -> None:
    file = folder / "model.safetensors"
    save_file(load_file(file) | weights, file, {"format": "pt"})


def check(folder: Path) -> mlm.MaskedLM:
    """Compare with transformers' network, and return our model."""
    ours = mlm.load(str(folder), dtype=torch.float32)
    theirs = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.tensor([ours.tokenizer.encode("the cat [MASK] on the mat.").ids])
    with torch.inference_mode():
        expected = theirs(input_ids=ids).logits
    torch.testing.assert_close(mlm.forward(ours, ids).logits, expected, atol=1e-4, rtol=0)
    return ours


def test_bert_is_loaded_without_transformers(bert_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("transformers", "fillmask_ls.mlm.network"):
        monkeypatch.setitem(sys.modules, module, None)
    assert mlm.predict(mlm.load(str(bert_folder)), "the cat [MASK] on the mat.")[0].candidates


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu", "silu"])
def test_activations_are_those_of_transformers(bert_folder: Path, activation: str) -> None:
    configure(bert_folder, hidden_act=activation)
    assert (check(bert_folder).encoder is None) == (activation == "silu")


@pytest.mark.parametrize("tied", [True, False, None])
def test_decoder_with_weights_of_its_own(bert_folder: Path, tied: bool | None) -> None:
    words = load_file(bert_folder / "model.safetensors")[WORDS]
    replace_weights(
        bert_folder, **{f"{DECODER}.weight": words.flip(0).contiguous(), f"{DECODER}.bias": torch.ones(len(words))}
    )
    configure(bert_folder, tie_word_embeddings=tied)
    assert (check(bert_folder).encoder is None) == (tied is False)


def test_weights_in_several_files_are_read(bert_folder: Path) -> None:
    network = AutoModelForMaskedLM.from_pretrained(bert_folder)
    (bert_folder / "model.safetensors").unlink()
    network.save_pretrained(bert_folder, max_shard_size="20KB")
    assert len(list(bert_folder.glob("*.safetensors"))) > 1
    assert check(bert_folder).encoder is not None


@pytest.mark.parametrize(
    "left_out", ["hidden_act", "layer_norm_eps", "type_vocab_size", "tie_word_embeddings", "position_embedding_type"]
)
def test_missing_settings_have_transformers_defaults(bert_folder: Path, left_out: str) -> None:
    configure(bert_folder, **{left_out: None})
    check(bert_folder)


def test_impossible_sizes_are_refused(bert_folder: Path) -> None:
    for size in (0, -1, "two", 2.5, [2]):
        configure(bert_folder, num_attention_heads=size)
        with pytest.raises(mlm.CheckpointError):
            mlm.load(str(bert_folder))
        with native_bfloat16(), pytest.raises(mlm.CheckpointError):
            mlm.load(str(bert_folder))
