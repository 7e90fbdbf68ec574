"""What ``load`` takes: names, folders, models in memory, dtypes and devices; pickles."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.checkpoint import AUTO_HUB_IDS, EMBEDDED, CheckpointError

TEXT = f"the cat {MASK} on the mat."


@pytest.mark.parametrize("dtype", ["float32", "torch.float32", torch.float32])
def test_dtype_is_a_string_or_torchs(bert_folder: Path, dtype: Any) -> None:
    assert mlm.load(bert_folder, dtype=dtype, device=torch.device("cpu")).dtype == torch.float32


@pytest.mark.parametrize("dtype", ["float99", "int64", torch.int64])
def test_other_dtypes_are_refused(bert_folder: Path, dtype: Any) -> None:
    with pytest.raises(CheckpointError, match="Choose 'auto', 'float32'"):
        mlm.load(bert_folder, dtype=dtype)


def test_a_path_is_a_folder(bert_folder: Path) -> None:
    assert mlm.load(bert_folder, dtype="float32").name == str(bert_folder)


def test_a_folder_has_no_revision(bert_folder: Path) -> None:
    with pytest.raises(CheckpointError, match="Leave revision out"):
        mlm.load(bert_folder, revision="main")


def test_a_missing_revision_is_named() -> None:
    with pytest.raises(CheckpointError, match="revision 'v2' of model 'some/model'"):
        mlm.load("some/model", revision="v2")


@pytest.mark.parametrize("model", [None, 3, b"embedded"])
def test_a_wrong_type_is_named(model: Any) -> None:
    with pytest.raises(TypeError, match="a name, a folder or a model"):
        mlm.load(model)


@pytest.mark.parametrize("kind", ["bert-cased", "roberta"])
def test_a_model_in_memory_predicts_as_its_checkpoint(
    kind: str, pipeline_of: Callable[[str], Any], model_of: Callable[[str], mlm.MaskedLM]
) -> None:
    pipeline = pipeline_of(kind)
    ours, theirs = mlm.load(pipeline.model, pipeline.tokenizer), model_of(kind)
    [one], [other] = (mlm.predict(each, TEXT, max_subwords=1) for each in (ours, theirs))
    for candidate, counterpart in zip(one.candidates, other.candidates, strict=True):
        assert candidate.probability == pytest.approx(counterpart.probability, abs=1e-5)


def test_a_model_in_memory_needs_its_tokenizer(pipeline_of: Callable[[str], Any]) -> None:
    with pytest.raises(TypeError, match=r"load\(model, tokenizer\)"):
        mlm.load(pipeline_of("bert-cased").model)


def test_a_model_in_memory_keeps_its_dtype(pipeline_of: Callable[[str], Any]) -> None:
    pipeline = pipeline_of("bert-cased")
    with pytest.raises(TypeError, match="keeps its device and dtype"):
        mlm.load(pipeline.model, pipeline.tokenizer, dtype="float16")


def test_a_pickled_model_is_loaded_again(bert_folder: Path) -> None:
    model = mlm.load(bert_folder, dtype="float32")
    content = pickle.dumps(model)
    assert len(content) < 2000
    again = pickle.loads(content)
    assert (again.name, again.dtype, again.device) == (model.name, model.dtype, model.device)
    assert again.predict(TEXT) == model.predict(TEXT)


def test_a_pickle_names_the_same_model_in_the_same_way(bert_folder: Path) -> None:
    first, second = (pickle.dumps(mlm.load(bert_folder, dtype="float32")) for _ in range(2))
    assert first == second  # so datasets finds the results of an earlier map in its cache


def test_auto_is_downloaded_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    def download(hub_id: str, *, revision: str | None, **_options: Any) -> str:
        asked.append((hub_id, revision))
        return str(EMBEDDED)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert mlm.resolve("auto").name == "embedded"
    assert mlm.resolve("auto", download=True).name == AUTO_HUB_IDS[0]
    mlm.resolve("some/model", revision="v2", download=True)
    assert asked == [(AUTO_HUB_IDS[0], None), ("some/model", "v2")]
