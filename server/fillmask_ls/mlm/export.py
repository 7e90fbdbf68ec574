"""Write a checkpoint as a folder that transformers opens."""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors.torch import save_file

from .checkpoint import Checkpoint, weight_files
from .stored_weights import StoredWeights


def export(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint into a new folder: its weights in bfloat16, and its other files as they are.

    Plain ``AutoModelForMaskedLM.from_pretrained(folder)`` opens it, also if the checkpoint's weights are stored in 8
    bits. The folder appears completely or not at all.

    Raises:
        FileExistsError: the folder exists and is not empty.
        OSError: the folder can't be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(errno.EEXIST, "it exists and is not empty", str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files, tempfile.TemporaryDirectory(dir=folder.parent) as parent:
        weights = weight_files(checkpoint.path, checkpoint.name)
        new = Path(parent) / folder.name
        new.mkdir()
        for file in checkpoint.path.iterdir():
            if file.is_file() and file not in weights and file.name != "model.safetensors.index.json":
                shutil.copyfile(file, new / file.name)
        config = json.loads((new / "config.json").read_text(encoding="utf-8"))
        (new / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}, indent=2) + "\n", encoding="utf-8")
        tensors = {name: weight.to(torch.bfloat16) for name, weight in StoredWeights(weights, files).items()}
        save_file(tensors, new / "model.safetensors", metadata={"format": "pt"})
        shutil.copymode(new / "config.json", new / "model.safetensors")  # others may read the folder
        new.replace(folder)
