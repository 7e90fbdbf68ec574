"""The models that tests predict with: the embedded one, and small ones of other kinds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

# Before anything imports the hub's client: no test may reach a network or the user's cache unasked.
_HUB_CACHE = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
os.environ["HF_HUB_OFFLINE"] = "1"

from fillmask_ls import mlm  # noqa: E402
from fillmask_ls.mlm.checkpoint import EMBEDDED  # noqa: E402


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


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[], Path]:
    """Makes a copy of the embedded checkpoint to break."""

    def copy() -> Path:
        folder = tmp_path / "checkpoint"
        shutil.copytree(EMBEDDED, folder)
        return folder

    return copy
