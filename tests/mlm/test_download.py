"""Downloads from a server on this machine that speaks the hub's protocol."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import FILES, Hub
from wire import SERVER

pytestmark = pytest.mark.process


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def command(*arguments: str, endpoint: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run([*SERVER, *arguments], env=env, capture_output=True, text=True, timeout=100)


def endpoint(hub: Hub) -> str:
    return f"http://127.0.0.1:{hub.server_port}"


def test_downloaded_model_works_offline(hub: Hub) -> None:
    done = command("download", "some/model", endpoint=endpoint(hub))
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert not any("pytorch_model.bin" in path for path, _ in hub.requests)
    assert "100%" in done.stderr  # progress

    hub.requests.clear()
    predicted = command("predict", "Paris is the capital of [MASK].", "--model", "some/model", endpoint=endpoint(hub))
    assert predicted.returncode == 0, predicted.stderr
    assert hub.requests == []


def test_interrupted_download_is_resumed(hub: Hub) -> None:
    hub.break_after = 20_000_000
    done = command("download", "some/model", endpoint=endpoint(hub))
    if done.returncode:  # the hub's client resumes by itself, or at the next call
        assert "run the same command again" in done.stderr
        done = command("download", "some/model", endpoint=endpoint(hub))
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    spans = [span for path, span in hub.requests if path.endswith("model.safetensors")]
    assert any(span and int(span.removeprefix("bytes=").partition("-")[0]) > 1_000_000 for span in spans), spans


def test_model_that_the_hub_does_not_know_is_named(hub: Hub) -> None:
    done = command("download", "some/other", endpoint=endpoint(hub))
    assert done.returncode == 3
    assert "'some/other'" in done.stderr.splitlines()[-1]


def test_download_without_a_network_fails_with_the_reason() -> None:
    done = command("download", "some/model", endpoint="http://127.0.0.1:1")
    assert done.returncode == 3
    assert "'some/model' could not be downloaded" in done.stderr


def test_predict_never_asks_the_hub(hub: Hub) -> None:
    assert command("predict", "a [MASK]", "--model", "some/model", endpoint=endpoint(hub)).returncode == 3
    assert command("predict", "a [MASK]", endpoint=endpoint(hub)).returncode == 0
    assert hub.requests == []
