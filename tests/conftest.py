"""Fixtures for all tests: an empty hub cache, models, checkpoints and shared engines."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

# pytest --hypothesis-profile=long: fifty times as many examples.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("long", max_examples=2_000, deadline=None)
settings.load_profile("quick")

# Before anything imports the hub's client: tests use neither the network nor the user's cache by default.
_HUB_CACHE = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
os.environ["HF_HUB_OFFLINE"] = "1"
# A shell in the background makes its children, and so the servers that tests start, ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Before anything imports torch: the test workers and their servers share the cores, so each uses one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from fillmask_ls import mlm  # noqa: E402
from fillmask_ls.mlm.checkpoint import EMBEDDED  # noqa: E402

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from hub import Hub
    from shared_engine import SharedEngine


def use_hub_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process, and those it starts, use another hub cache."""
    import huggingface_hub.constants
    import huggingface_hub.file_download  # it must not copy the path

    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))


@pytest.fixture(scope="session", autouse=True)
def no_hub_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A hub cache that stays empty, so that ``auto`` is the embedded model."""
    cache = tmp_path_factory.mktemp("hub") / "cache"
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_hub_cache(cache, monkeypatch)
        yield
    assert not cache.exists(), "a test that writes to the hub's cache must use the fixture empty_hub_cache"


@pytest.fixture
def empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache of this test's own."""
    use_hub_cache(tmp_path / "hub", monkeypatch)
    return tmp_path / "hub"


@pytest.fixture
def hub(empty_hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on this machine. The programs that this test starts use it, and a cache of their own."""
    from hub import Hub

    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("HF_ASSETS_CACHE", str(empty_hub_cache.with_name("assets")))
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def real_hub_cache() -> Path:
    """The user's own cache, which may contain models that are too large to come with the tests."""
    return Path(_HUB_CACHE).expanduser()


@pytest.fixture(scope="session")
def model() -> mlm.MaskedLM:
    """The embedded model in float32."""
    import torch

    return mlm.load("embedded", dtype=torch.float32)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model as a folder that transformers opens."""
    from fillmask_ls.mlm.export import export

    folder = tmp_path_factory.mktemp("exported")
    export(mlm.resolve("embedded"), folder)
    return folder


@pytest.fixture(scope="session")
def network(exported: Path) -> PreTrainedModel:
    """The embedded model as transformers loads it, to compare with."""
    import torch
    from transformers import AutoModelForMaskedLM

    return AutoModelForMaskedLM.from_pretrained(exported, dtype=torch.float32).eval()


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that builds the tiny checkpoint of an architecture once."""
    import tiny_checkpoints

    return cache(lambda name: tiny_checkpoints.save(name, tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="session")
def model_of(checkpoint_of: Callable[[str], Path]) -> Callable[[str], mlm.MaskedLM]:
    """Return a function that loads the tiny checkpoint of an architecture once, in float32."""
    import torch

    return cache(lambda name: mlm.load(str(checkpoint_of(name)), dtype=torch.float32))


@pytest.fixture(scope="session")
def roberta(model_of: Callable[[str], mlm.MaskedLM]) -> mlm.MaskedLM:
    """A model with another vocabulary than the embedded one's."""
    return model_of("roberta")


@pytest.fixture
def shared_engine(model: mlm.MaskedLM) -> Iterator[SharedEngine]:
    """A shared engine that speaks our own protocol, with the embedded model."""
    from shared_engine import SharedEngine, running

    with running(SharedEngine(model)) as server:
        yield server


@pytest.fixture(scope="session")
def pipeline_of(checkpoint_of: Callable[[str], Path], exported: Path) -> Callable[[str], Any]:
    """Return a function that loads transformers' pipeline with a tiny checkpoint or the embedded one, once."""
    import torch
    from transformers import pipeline

    def load(name: str) -> Any:
        path = exported if name == "embedded" else checkpoint_of(name)
        return pipeline("fill-mask", model=str(path), device="cpu", dtype=torch.float32)

    return cache(load)


@pytest.fixture
def hub_endpoint(pipeline_of: Callable[[str], Any]) -> Iterator[SharedEngine]:
    """An endpoint that speaks only the hub's protocol, with the embedded model."""
    from shared_engine import SharedEngine, running

    with running(SharedEngine(pipeline=pipeline_of("embedded"))) as server:
        yield server


@pytest.fixture
def copy_checkpoint(tmp_path: Path) -> Callable[[], Path]:
    """Return a function that copies the embedded checkpoint into a folder that the test can change."""

    def copy() -> Path:
        folder = tmp_path / "checkpoint"
        shutil.copytree(EMBEDDED, folder)
        return folder

    return copy
