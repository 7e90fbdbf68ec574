"""Which checkpoint is loaded, and the message if it can't be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from fillmask_ls import mlm
from fillmask_ls.mlm import CheckpointError, load, predict, resolve
from fillmask_ls.mlm.checkpoint import AUTO_HUB_IDS, CALIBRATION, EMBEDDED, Checkpoint
from fillmask_ls.mlm.fast_tokenizer import raise_panics
from fillmask_ls.mlm.tokenizer_files import load_tokenizer


def put_in_cache(cache: Path, hub_id: str, checkpoint: Path) -> Path:
    """Copy a checkpoint into a hub cache, and return its snapshot folder."""
    repository = cache / f"models--{hub_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / "0123abc"
    shutil.copytree(checkpoint, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    return snapshot


def load_error(folder: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        load(str(folder))
    message = str(error.value)
    assert str(folder) in message
    assert "\n" not in message
    return message


def test_auto_is_embedded_with_an_empty_cache() -> None:
    assert resolve("auto").path == resolve("embedded").path == EMBEDDED


@pytest.mark.parametrize("hub_id", AUTO_HUB_IDS)
def test_auto_is_bert_base_if_it_is_cached(hub_id: str, empty_hub_cache: Path) -> None:
    snapshot = put_in_cache(empty_hub_cache, hub_id, EMBEDDED)
    assert (resolve("auto").name, resolve("auto").path) == (hub_id, snapshot)


def test_auto_is_embedded_after_an_interrupted_download(empty_hub_cache: Path) -> None:
    (put_in_cache(empty_hub_cache, AUTO_HUB_IDS[0], EMBEDDED) / "model.safetensors").unlink()
    assert resolve("auto").name == "embedded"


def test_folder_is_loaded_by_its_path(bert_folder: Path) -> None:
    folder = bert_folder
    assert load(str(folder)).name == str(folder)


def test_cached_model_is_found_by_its_id_offline(empty_hub_cache: Path) -> None:
    snapshot = put_in_cache(empty_hub_cache, "some/model", EMBEDDED)
    assert resolve("some/model").path == snapshot


def test_model_that_is_nowhere_is_refused_with_the_command_to_run() -> None:
    with pytest.raises(CheckpointError, match="Run 'fillmask-ls download no/such'"):
        resolve("no/such")


@pytest.mark.parametrize("name", ["/no/such/folder", "a/b/c", "", "~/nowhere"])
def test_impossible_model_name_is_refused(name: str) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        resolve(name)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_missing_file_is_named(file: str, bert_folder: Path) -> None:
    folder = bert_folder
    (folder / file).unlink()
    assert file in load_error(folder)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe"])
def test_damaged_file_is_refused(file: str, content: bytes, bert_folder: Path) -> None:
    folder = bert_folder
    (folder / file).write_bytes(content)
    load_error(folder)


def test_truncated_weights_are_named(bert_folder: Path) -> None:
    weights = bert_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert "model.safetensors is damaged" in load_error(weights.parent)


def test_pickled_weights_are_refused_and_never_opened(bert_folder: Path) -> None:
    folder = bert_folder
    (folder / "model.safetensors").unlink()
    trap = folder / "opened"
    (folder / "pytorch_model.bin").write_bytes(f"cbuiltins\nopen\n(V{trap}\nVw\ntR.".encode())
    assert "pickle" in load_error(folder)
    assert not trap.exists()


def test_model_without_a_masked_language_model_head_is_refused(bert_folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = bert_folder
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: w for name, w in weights.items() if "cls." not in name}, folder / "model.safetensors", {"format": "pt"}
    )
    assert "no masked-language-model head" in load_error(folder)


def test_model_of_another_task_is_refused(bert_folder: Path) -> None:
    folder = bert_folder
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    assert "can't be loaded as a masked language model" in load_error(folder)


def test_weights_that_differ_from_the_configuration_are_refused(bert_folder: Path) -> None:
    config = bert_folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "hidden_size": 768}))
    load_error(config.parent)


def test_tokenizer_without_a_mask_token_is_refused(bert_folder: Path) -> None:
    folder = bert_folder
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "mask_token": "<nothing>"}))
    assert "<nothing>" in load_error(folder)


def test_unknown_device_is_named() -> None:
    with pytest.raises(CheckpointError, match="device 'toaster'"):
        load("embedded", device="toaster")


@pytest.mark.parametrize("name", ["~nosuchuser/x", "x" * 5000, "\0"])
def test_model_name_that_no_file_system_accepts_is_refused(name: str) -> None:
    with pytest.raises(CheckpointError):
        resolve(name)


def test_checkpoint_that_predicts_nan_is_refused(bert_folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = bert_folder
    weights = load_file(folder / "model.safetensors")
    weights["cls.predictions.bias"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert "its logits are not finite" in load_error(folder)


def test_auto_is_embedded_if_the_cached_model_is_damaged(empty_hub_cache: Path) -> None:
    snapshot = put_in_cache(empty_hub_cache, AUTO_HUB_IDS[0], EMBEDDED)
    (snapshot / "tokenizer.json").write_text("{")
    assert load("auto").name == "embedded"


def test_temperature_of_a_checkpoint_changes_its_probabilities(bert_folder: Path, tiny_bert: mlm.MaskedLM) -> None:
    (bert_folder / CALIBRATION).write_text('{"temperature": 4}')
    calibrated = load(str(bert_folder), dtype=torch.float32)
    assert (calibrated.temperature, tiny_bert.temperature) == (4, 1)
    unsure, sure = (predict(model, "the cat [MASK] on the mat.")[0] for model in (calibrated, tiny_bert))
    assert unsure.entropy > sure.entropy
    assert unsure.candidates[0].text == sure.candidates[0].text


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"temperature": "hot"}', '{"temperature": 0}', '{"temperature": NaN}']
)
def test_damaged_calibration_is_named(content: str, bert_folder: Path) -> None:
    folder = bert_folder
    (folder / CALIBRATION).write_text(content)
    assert CALIBRATION in load_error(folder)


UNKNOWN_TOKEN = {"SpecialToken": {"id": "[NOWHERE]", "type_id": 0}}
SEQUENCE = {"Sequence": {"id": "A", "type_id": 0}}


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("normalizer", {"type": "Precompiled", "precompiled_charsmap": ""}),
        (
            "post_processor",
            {"type": "TemplateProcessing", "single": [UNKNOWN_TOKEN, SEQUENCE], "pair": [], "special_tokens": {}},
        ),
    ],
    ids=["panics when loaded", "panics when encoding"],
)
def test_tokenizer_that_panics_is_refused(name: str, damage: dict[str, object], bert_folder: Path) -> None:
    """A panic in Rust raises a BaseException, which would end the thread of the caller."""
    break_tokenizer(bert_folder, name, damage)
    assert "panicked" in load_error(bert_folder)


def test_tokenizer_that_panics_after_it_was_loaded_raises_an_error(bert_folder: Path) -> None:
    template = {"type": "TemplateProcessing", "single": [UNKNOWN_TOKEN, SEQUENCE], "pair": [], "special_tokens": {}}
    break_tokenizer(bert_folder, "post_processor", template)
    tokenizer = load_tokenizer(Checkpoint("broken", bert_folder))
    with pytest.raises(CheckpointError, match="panicked"):
        tokenizer.encode("the cat")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_interrupt_in_the_tokenizer_is_no_panic(error: type[BaseException]) -> None:
    with pytest.raises(error), raise_panics():
        raise error


def break_tokenizer(folder: Path, name: str, value: object) -> None:
    file = folder / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
