"""The models that tests predict with: the embedded one, and small ones of other kinds."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

# pytest --hypothesis-profile=long: twenty times as many examples.
settings.register_profile("long", max_examples=2_000, deadline=None)

# Before anything imports the hub's client: no test may reach a network or the user's cache unasked.
_HUB_CACHE = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
os.environ["HF_HUB_OFFLINE"] = "1"
# A shell that starts the tests in the background has them ignore interrupts, and so the servers that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Before anything imports torch: the workers and their servers share the cores, where threads of one that wait for one
# another keep the others from working.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from fillmask_ls import mlm  # noqa: E402
from fillmask_ls.mlm.checkpoint import EMBEDDED  # noqa: E402

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from shared_engine import SharedEngine


@pytest.fixture(autouse=True)
def empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, for this process and those it starts, so that ``auto`` is the embedded model."""
    import huggingface_hub.constants
    import huggingface_hub.file_download

    cache = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    return cache


@pytest.fixture(scope="session")
def real_hub_cache() -> Path:
    """The user's own cache, which may hold a model that is too large to come with the tests."""
    return Path(_HUB_CACHE).expanduser()


@pytest.fixture(scope="session")
def model() -> mlm.MaskedLM:
    """The embedded model in float32."""
    import torch

    return mlm.load("embedded", dtype=torch.float32)


@pytest.fixture(scope="session")
def network() -> PreTrainedModel:
    """The same as transformers computes it, to compare with."""
    import torch
    from transformers import AutoModelForMaskedLM

    return AutoModelForMaskedLM.from_pretrained(EMBEDDED, dtype=torch.float32).eval()


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes the tiny checkpoint of a kind, once."""
    import tiny_checkpoints

    return cache(lambda kind: tiny_checkpoints.save(kind, tmp_path_factory.mktemp(kind)))


@pytest.fixture(scope="session")
def model_of(checkpoint_of: Callable[[str], Path]) -> Callable[[str], mlm.MaskedLM]:
    """Loads the tiny checkpoint of a kind in float32, once."""
    import torch

    return cache(lambda kind: mlm.load(str(checkpoint_of(kind)), dtype=torch.float32))


@pytest.fixture(scope="session")
def roberta(model_of: Callable[[str], mlm.MaskedLM]) -> mlm.MaskedLM:
    """A model with another vocabulary than the embedded one's."""
    return model_of("roberta")


@pytest.fixture
def ours(model: mlm.MaskedLM) -> Iterator[SharedEngine]:
    """A server of our own protocol, with the embedded model."""
    from shared_engine import SharedEngine, running

    with running(SharedEngine(model)) as server:
        yield server


@pytest.fixture(scope="session")
def pipeline_of(checkpoint_of: Callable[[str], Path]) -> Callable[[str], Any]:
    """transformers' own fill-mask pipeline with the tiny checkpoint of a kind, or the embedded one."""
    import torch
    from transformers import pipeline

    made: dict[str, Any] = {}

    def make(kind: str) -> Any:
        if kind not in made:
            path = EMBEDDED if kind == "embedded" else checkpoint_of(kind)
            made[kind] = pipeline("fill-mask", model=str(path), device="cpu", dtype=torch.float32)
        return made[kind]

    return make


@pytest.fixture
def hubs(pipeline_of: Callable[[str], Any]) -> Iterator[SharedEngine]:
    """A server of the hub's protocol, with the embedded model."""
    from shared_engine import SharedEngine, running

    with running(SharedEngine(pipeline=pipeline_of("embedded"))) as server:
        yield server


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[], Path]:
    """Makes a copy of the embedded checkpoint to break."""

    def copy() -> Path:
        folder = tmp_path / "checkpoint"
        shutil.copytree(EMBEDDED, folder)
        return folder

    return copy
