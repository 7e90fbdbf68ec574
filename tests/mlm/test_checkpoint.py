"""Which model is meant, and what a person reads when it can't be had."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fillmask_ls.mlm import CheckpointError, load, predict, resolve
from fillmask_ls.mlm.checkpoint import AUTO_HUB_IDS, CALIBRATION, EMBEDDED
from wire import SERVER

Broken = Callable[[], Path]


def cached(cache: Path, hub_id: str, checkpoint: Path) -> Path:
    """Put a checkpoint into a hub cache, laid out as the hub's client does."""
    repository = cache / f"models--{hub_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / "0123abc"
    shutil.copytree(checkpoint, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    return snapshot


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        load(str(folder))
    message = str(error.value)
    assert str(folder) in message
    assert "\n" not in message
    return message


def test_auto_is_the_embedded_model_when_the_cache_is_empty() -> None:
    assert resolve("auto").path == resolve("embedded").path == EMBEDDED


@pytest.mark.parametrize("hub_id", AUTO_HUB_IDS)
def test_auto_is_bert_base_when_the_cache_holds_it(hub_id: str, empty_hub_cache: Path) -> None:
    snapshot = cached(empty_hub_cache, hub_id, EMBEDDED)
    assert (resolve("auto").name, resolve("auto").path) == (hub_id, snapshot)


def test_auto_is_the_embedded_model_while_a_download_is_incomplete(empty_hub_cache: Path) -> None:
    (cached(empty_hub_cache, AUTO_HUB_IDS[0], EMBEDDED) / "model.safetensors").unlink()
    assert resolve("auto").name == "embedded"


def test_a_folder_is_taken_by_its_path(broken: Broken) -> None:
    folder = broken()
    assert load(str(folder)).name == str(folder)


def test_a_cached_model_is_found_by_its_id_without_a_network(empty_hub_cache: Path) -> None:
    snapshot = cached(empty_hub_cache, "some/model", EMBEDDED)
    assert resolve("some/model").path == snapshot


def test_a_model_that_is_nowhere_is_refused_within_a_second(tmp_path: Path) -> None:
    command = [*SERVER, "predict", "a [MASK]", "--model", "no/such"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert time.perf_counter() - start < 1
    assert done.returncode == 3
    assert "'no/such'" in done.stderr
    assert "fillmask-ls download no/such" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["/no/such/folder", "a/b/c", "", "~/nowhere"])
def test_what_can_be_no_model_is_refused(name: str) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        resolve(name)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(file: str, broken: Broken) -> None:
    folder = broken()
    (folder / file).unlink()
    assert file in refusal(folder)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe"])
def test_a_damaged_file_is_refused(file: str, content: bytes, broken: Broken) -> None:
    folder = broken()
    (folder / file).write_bytes(content)
    refusal(folder)


def test_truncated_weights_are_named(broken: Broken) -> None:
    weights = broken() / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert "model.safetensors is damaged" in refusal(weights.parent)


def test_pickled_weights_are_refused_and_never_opened(broken: Broken) -> None:
    folder = broken()
    (folder / "model.safetensors").unlink()
    trap = folder / "opened"
    (folder / "pytorch_model.bin").write_bytes(f"cbuiltins\nopen\n(V{trap}\nVw\ntR.".encode())
    assert "pickle" in refusal(folder)
    assert not trap.exists()


def test_a_model_without_a_masked_language_model_head_is_named(broken: Broken) -> None:
    from safetensors.torch import load_file, save_file

    folder = broken()
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: w for name, w in weights.items() if "cls." not in name}, folder / "model.safetensors", {"format": "pt"}
    )
    assert "no masked-language-model head" in refusal(folder)


def test_a_model_of_another_kind_is_named(broken: Broken) -> None:
    folder = broken()
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    assert "can't be loaded as a masked language model" in refusal(folder)


def test_weights_that_do_not_match_the_configuration_are_refused(broken: Broken) -> None:
    config = broken() / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "hidden_size": 768}))
    refusal(config.parent)


def test_a_tokenizer_without_a_mask_token_is_refused(broken: Broken) -> None:
    folder = broken()
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "mask_token": "<nothing>"}))
    assert "<nothing>" in refusal(folder)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(CheckpointError, match="device 'toaster'"):
        load("embedded", device="toaster")


@pytest.mark.parametrize("name", ["~nosuchuser/x", "x" * 5000, "\0"])
def test_a_name_that_no_file_system_takes(name: str) -> None:
    with pytest.raises(CheckpointError):
        resolve(name)


def test_a_checkpoint_that_loads_but_can_not_predict(broken: Broken) -> None:
    from safetensors.torch import load_file, save_file

    folder = broken()
    weights = load_file(folder / "model.safetensors")
    weights["cls.predictions.bias"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert "predicts no numbers" in refusal(folder)


def test_auto_is_the_embedded_model_when_what_the_cache_holds_can_not_be_loaded(empty_hub_cache: Path) -> None:
    snapshot = cached(empty_hub_cache, AUTO_HUB_IDS[0], EMBEDDED)
    (snapshot / "tokenizer.json").write_text("{")
    assert load("auto").name == "embedded"


def test_a_calibrated_checkpoint_is_less_sure_by_its_temperature(broken: Broken) -> None:
    folder = broken()
    (folder / CALIBRATION).write_text('{"temperature": 4}')
    assert load(str(folder)).temperature == 4
    text = "Once upon a [MASK] there was a king."
    unsure, sure = (predict(model, text)[0] for model in (load(str(folder)), load("embedded")))
    assert unsure.entropy > sure.entropy
    assert unsure.candidates[0].text == sure.candidates[0].text
    (folder / CALIBRATION).unlink()
    assert load(str(folder)).temperature == 1


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"temperature": "hot"}', '{"temperature": 0}', '{"temperature": NaN}']
)
def test_a_calibration_that_makes_no_sense_is_named(content: str, broken: Broken) -> None:
    folder = broken()
    (folder / CALIBRATION).write_text(content)
    assert CALIBRATION in refusal(folder)
