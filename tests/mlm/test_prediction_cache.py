"""The memory of a process with a model in it: the weights are its own, and texts leave nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kinds

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
def say(length):
    mlm.predict(model, "word " * length + "[MASK]", max_subwords=1)
say(100)
before = psutil.Process().memory_info().rss
for length in range(100):
    say(length)
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.parametrize(("kind", "dtype"), [("roberta", "float32"), ("bert-cased", "float16")])
def test_weights_are_not_the_files_pages(kind: str, dtype: str, tmp_path: Path) -> None:
    """In the precision of their file nothing is converted; whoever truncated the file ended the process."""
    import torch
    from safetensors.torch import load_file, save_file

    kinds.save(kind, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    converted = {name: each.to(getattr(torch, dtype)) for name, each in weights.items()}
    del weights
    (tmp_path / "model.safetensors").unlink()
    save_file(converted, tmp_path / "model.safetensors", {"format": "pt"})
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, str(tmp_path), dtype], capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (0, "cat\n"), done.stderr


def test_texts_of_a_hundred_lengths_cost_little() -> None:
    """oneDNN compiles its kernels for each size and keeps them: 250 MB, when each length was a size of its own."""
    done = subprocess.run([sys.executable, "-c", LENGTHS], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100_000_000
