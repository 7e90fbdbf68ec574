"""Tokenizers by the files that checkpoints have, and what is said about those that can't be opened."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.checkpoint import Checkpoint
from fillmask_ls.mlm.tokenizer_files import load_tokenizer
from tiny_checkpoints import POSITIONS
from tiny_tokenizers import SENTENCES, save, write

BERT_SYMBOLS = {"user_defined_symbols": ["[CLS]", "[SEP]", MASK], "pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1}
FAIRSEQ_SYMBOLS: dict[str, object] = {}


def write_sentencepiece(folder: Path, model_type: str, file: str, symbols: dict[str, object]) -> None:
    """Train a SentencePiece model and write it as the only file of a tokenizer."""
    sentencepiece = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20),
        model_writer=model,
        vocab_size=150,
        hard_vocab_limit=False,
        minloglevel=2,
        **symbols,
    )
    (folder / file).write_bytes(model.getvalue())
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))


def load_error(folder: Path) -> str:
    with pytest.raises(mlm.CheckpointError) as error:
        load_tokenizer(Checkpoint("name", folder))
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("model_type", "file", "symbols"),
    [
        ("albert", "spiece.model", BERT_SYMBOLS),
        ("nystromformer", "spiece.model", BERT_SYMBOLS),
        ("deberta-v2", "spm.model", {"pad_id": 0, "unk_id": 3, "bos_id": 1, "eos_id": 2}),
        ("rembert", "sentencepiece.model", BERT_SYMBOLS),
        ("xlm-roberta", "sentencepiece.bpe.model", FAIRSEQ_SYMBOLS),
        ("xlm-roberta-xl", "sentencepiece.bpe.model", FAIRSEQ_SYMBOLS),
    ],
)
def test_sentencepiece_model_is_opened(model_type: str, file: str, symbols: dict[str, object], tmp_path: Path) -> None:
    write_sentencepiece(tmp_path, model_type, file, symbols)
    tokenizer = load_tokenizer(Checkpoint("spm", tmp_path))
    text = "the [MASK] sat 我们[MASK]。"
    encoding = tokenizer.encode(text)
    masks = [encoding.offsets[i] for i, id in enumerate(encoding.ids) if id == tokenizer.mask_id]
    assert [text[start:end] for start, end in masks] == [MASK, MASK]
    assert "▁the" in encoding.tokens


@pytest.mark.parametrize("file", ["spiece.model", "spm.model", "sentencepiece.model", "tokenizer.model"])
@pytest.mark.parametrize(("module", "package"), [("sentencepiece", "sentencepiece"), ("google.protobuf", "protobuf")])
def test_missing_package_for_a_sentencepiece_model_is_named(
    file: str, module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "config.json").write_text('{"model_type": "albert"}')
    (tmp_path / file).write_bytes(b"")
    error = load_error(tmp_path)
    assert "pip install" in error
    assert package in error


@pytest.mark.parametrize("kind", ["xlm", "flaubert"])
def test_missing_package_of_a_tokenizer_is_named(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    assert "Run 'pip install sacremoses'" in load_error(write(kind, tmp_path))


def test_roformer_needs_its_splitter_of_chinese_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tokenizer.json contains another splitter, which would silently give other tokens."""
    write("wordpiece", tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "roformer"}')
    monkeypatch.setitem(sys.modules, "rjieba", None)
    assert "Run 'pip install rjieba'" in load_error(tmp_path)


def test_roformer_reads_chinese_words(tmp_path: Path) -> None:
    pytest.importorskip("rjieba")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", MASK, "我们", "喜欢", "音乐", "的", "the", "##s"]
    (tmp_path / "config.json").write_text('{"model_type": "roformer"}')
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens))
    tokenizer = load_tokenizer(Checkpoint("roformer", tmp_path))
    text = "我们喜欢[MASK]的"
    encoding = tokenizer.encode(text)
    assert encoding.tokens == ["[CLS]", "我们", "喜欢", MASK, "的", "[SEP]"]
    assert [text[slice(*span)] for span in encoding.offsets[1:-1]] == ["我们", "喜欢", MASK, "的"]


@pytest.mark.parametrize("mask", ["<mask>", MASK, "<|mask|>"])
def test_mask_token_that_no_settings_name_is_found(mask: str, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models

    tokenizer = Tokenizer(models.WordLevel({"the": 0, "?": 1, mask: 2}, unk_token="?"))
    tokenizer.add_special_tokens([mask])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded = load_tokenizer(Checkpoint("name", tmp_path))
    assert (loaded.mask_token, loaded.mask_id) == (mask, 2)


# Limits.


@pytest.mark.parametrize("claimed", [-1, 0, None, 10**30, 1e30, float("inf"), "many", True])
def test_limit_that_is_none_is_ignored(claimed: object, tmp_path: Path) -> None:
    folder = save("wordpiece", tmp_path)
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": claimed}))
    assert mlm.load(str(folder), dtype=torch.float32).tokenizer.max_length == POSITIONS


@pytest.mark.parametrize("positions", [-1, 0, "missing"])
@pytest.mark.parametrize("kind", ["wordpiece", "byte-level"])
def test_missing_number_of_positions_is_counted_in_the_weights(kind: str, positions: object, tmp_path: Path) -> None:
    from transformers import BertConfig, RobertaConfig

    bert = kind == "wordpiece"
    folder = save(kind, tmp_path, BertConfig if bert else RobertaConfig, pad_token_id=0 if bert else 1)
    change_config(folder, "max_position_embeddings", positions)
    model = mlm.load(str(folder), dtype=torch.float32)
    assert model.tokenizer.max_length == POSITIONS - (0 if bert else 2)
    assert len(mlm.predict(model, "the cat [MASK] on the mat. " * 30, top_k=1, max_subwords=1)) == 30


def test_network_without_positions_has_a_limit_that_memory_allows(tmp_path: Path) -> None:
    from transformers import ModernBertConfig

    folder = save("wordpiece", tmp_path, ModernBertConfig, local_attention=8, pad_token_id=0)
    change_config(folder, "max_position_embeddings", -1)
    model = mlm.load(str(folder), dtype=torch.float32)
    assert POSITIONS < model.tokenizer.max_length <= 4096
    assert len(mlm.predict(model, "the cat [MASK] on the mat. " * 30, top_k=1, max_subwords=1)) == 30


def test_weights_of_other_sizes_are_explained(tmp_path: Path) -> None:
    from transformers import RobertaConfig

    folder = save("byte-level", tmp_path, RobertaConfig, pad_token_id=1)
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    save_file(weights | {name: weights[name][:-1].clone()}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(mlm.CheckpointError, match=r"config\.json doesn't fit its weights"):
        mlm.load(str(folder))


def change_config(folder: Path, name: str, value: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    config.pop(name, None)
    (folder / "config.json").write_text(json.dumps(config if value == "missing" else {**config, name: value}))


# Tokenizers that are the same for all checkpoints.


@pytest.mark.parametrize(
    ("kind", "config", "text", "expected"),
    [
        ("amino-acids", "EsmcConfig", "MKT[MASK]LLAGV", set("LAGVSERTIDPKQNFYMHWCXBUZO")),
        ("amino-acids-python", "EsmConfig", "MKT[MASK]LLAGV", set("LAGVSERTIDPKQNFYMHWCXBUZO")),
        ("bytes", "PerceiverConfig", "play[MASK] in", None),
    ],
)
def test_protein_and_byte_models_predict(
    kind: str, config: str, text: str, expected: set[str] | None, tmp_path: Path
) -> None:
    import transformers

    folder = save(kind, tmp_path, getattr(transformers, config), **NETWORKS[config])
    model = mlm.load(str(folder), dtype=torch.float32)
    words = texts(mlm.predict(model, text, top_k=300)[0].candidates)
    assert expected is None or set(words) == expected
    assert words
    inspection = mlm.inspect(model, text, rate=0.5)
    assert [token.token for token in inspection.tokens if token.span != (0, 0)]


NETWORKS: dict[str, dict[str, object]] = {
    "EsmcConfig": {},
    "EsmConfig": {"pad_token_id": 1, "mask_token_id": 31, "position_embedding_type": "rotary"},
    "PerceiverConfig": {
        "d_model": 32,
        "d_latents": 32,
        "num_latents": 16,
        "num_self_attends_per_block": 1,
        "num_self_attention_heads": 2,
        "num_cross_attention_heads": 2,
    },
}


def texts(candidates: Sequence[mlm.Candidate]) -> list[str]:
    return [candidate.text for candidate in candidates]
