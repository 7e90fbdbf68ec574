"""The memory of a process with a model: the weights are its own, and texts leave little behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tiny_checkpoints

pytestmark = pytest.mark.models

PREDICT = """
import os, sys, torch
from fillmask_ls import mlm
folder, dtype = sys.argv[1:]
model = mlm.load(folder, dtype=getattr(torch, dtype))
os.truncate(os.path.join(folder, "model.safetensors"), 0)
print(mlm.predict(model, "the [MASK] sat on the mat.")[0].candidates[0].text)
"""

LENGTHS = """
import psutil
from fillmask_ls import mlm
model = mlm.load("embedded")
def predict(length):
    mlm.predict(model, "word " * length + "[MASK]", max_subwords=1)
predict(100)
before = psutil.Process().memory_info().rss
for length in range(100):
    predict(length)
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.parametrize(("name", "dtype"), [("roberta", "float32"), ("bert-cased", "float16")])
def test_weights_survive_the_truncation_of_their_file(name: str, dtype: str, tmp_path: Path) -> None:
    """Weights in the dtype of their file are not converted, and could be mapped pages of the file."""
    import torch
    from safetensors.torch import load_file, save_file

    tiny_checkpoints.save(name, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    converted = {key: weight.to(getattr(torch, dtype)) for key, weight in weights.items()}
    del weights
    (tmp_path / "model.safetensors").unlink()
    save_file(converted, tmp_path / "model.safetensors", {"format": "pt"})
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, str(tmp_path), dtype], capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (0, "cat\n"), done.stderr


def test_texts_of_a_hundred_lengths_take_little_memory() -> None:
    """oneDNN compiles and keeps kernels for each size: 250 MB and more, if each length were a size of its own."""
    done = subprocess.run([sys.executable, "-c", LENGTHS], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 150_000_000
