"""A model that is loaded doesn't care what happens to its files."""

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
print(mlm.predict(model, "the [MASK] sat on the mat.")[0].words[0].text)
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
