"""Downloads from a server on this machine that speaks the hub's protocol."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hub import FILES, Hub
from wire import SERVER

pytestmark = pytest.mark.process


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SERVER, *arguments], capture_output=True, text=True, timeout=100)


def test_downloaded_model_works_offline(hub: Hub) -> None:
    done = command("download", "some/model")
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert not any("pytorch_model.bin" in path for path, _ in hub.requests)
    assert "100%" in done.stderr  # progress

    hub.requests.clear()
    predicted = command("predict", "Paris is the capital of [MASK].", "--model", "some/model")
    assert predicted.returncode == 0, predicted.stderr
    assert hub.requests == []


def test_interrupted_download_is_resumed(hub: Hub) -> None:
    hub.break_after = 20_000_000
    done = command("download", "some/model")
    if done.returncode:  # the hub's client resumes by itself, or at the next call
        assert "run the same command again" in done.stderr
        done = command("download", "some/model")
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    spans = [span for path, span in hub.requests if path.endswith("model.safetensors")]
    assert any(span and int(span.removeprefix("bytes=").partition("-")[0]) > 1_000_000 for span in spans), spans


def test_model_that_the_hub_does_not_know_is_named(hub: Hub) -> None:
    done = command("download", "some/other")
    assert done.returncode == 3
    assert "'some/other'" in done.stderr.splitlines()[-1]


def test_download_without_a_network_fails_with_the_reason(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    done = command("download", "some/model")
    assert done.returncode == 3
    assert "'some/model' could not be downloaded: ConnectError" in done.stderr
    assert ". What arrived is kept: run the same command again when you are online." in done.stderr


def test_predict_never_asks_the_hub(hub: Hub) -> None:
    assert command("predict", "a [MASK]", "--model", "some/model").returncode == 3
    assert command("predict", "a [MASK]").returncode == 0
    assert hub.requests == []
