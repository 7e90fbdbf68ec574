"""Find and verify a checkpoint: the embedded one, a folder, or the Hugging Face hub's cache.

Nothing here imports torch, and nothing touches the network unless ``download=True``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, cast

EMBEDDED = Path(__file__).parent.parent / "embedded"

AUTO_HUB_IDS = ("google-bert/bert-base-uncased", "bert-base-uncased")
"""What ``auto`` takes from the hub's cache; the second is the first's name in caches from before 2024."""

CALIBRATION = "fillmask.json"
"""The file with the ``temperature`` of a checkpoint that has been calibrated."""

_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model")
_WANTED_FILES = (
    "config.json",
    CALIBRATION,
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
    *_TOKENIZER_FILES,
)


class CheckpointError(Exception):
    """A checkpoint can't be found, trusted or loaded; the message names it, says why and what to do."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that has been verified to hold a complete checkpoint in safetensors.

    ``name`` is what the user calls it: ``embedded``, the hub's id, or the folder's path as given.
    """

    name: str
    path: Path


Progress = Callable[[int, int], None]
"""Called with the bytes that are there and those that are known to come, from any thread; what it raises ends the work."""


def resolve(model: str = "auto", *, download: bool = False, progress: Progress | None = None) -> Checkpoint:
    """Find the checkpoint that ``model`` names.

    ``auto``: ``google-bert/bert-base-uncased`` when the hub's cache holds it whole, else ``embedded``.
    ``embedded``: the checkpoint in this package. Anything else: a folder if there is one of that path,
    else a hub id, looked up in the local cache, then, only with ``download=True``, on the hub (with the
    hub client's progress bars, or calls of ``progress``; a broken download goes on where it broke).

    Raises:
        CheckpointError: not found, incomplete, damaged, or weights only as a pickle.
    """
    if model == "auto":
        return _auto()
    if model == "embedded":
        return Checkpoint("embedded", verified(EMBEDDED, "embedded"))
    folder = _folder(model)
    if folder is not None:
        return Checkpoint(model, verified(folder, model))
    if not _is_hub_id(model):
        raise CheckpointError(
            f"model {model!r}: there is no such folder. Give a folder with config.json and model.safetensors, "
            "a Hugging Face hub id, 'embedded' or 'auto'."
        )
    if download:
        return Checkpoint(model, verified(_download(model, progress), model))
    cached = _cached(model)
    if cached is None:
        raise CheckpointError(
            f"model {model!r} is neither a folder nor in the local Hugging Face cache, and nothing is downloaded "
            f"unasked. Run 'fillmask-ls download {model}' while online, or choose 'embedded' or a folder."
        )
    return Checkpoint(model, verified(cached, model))


def verified(folder: Path, name: str) -> Path:
    """Check that ``folder`` holds a configuration, a tokenizer and whole safetensors weights.

    Returns:
        ``folder`` itself.

    Raises:
        CheckpointError: naming the file that is missing or damaged.
    """
    config = _json_object(folder / "config.json", name)
    if "model_type" not in config:
        raise CheckpointError(f"model {name!r}: {folder / 'config.json'} names no 'model_type'.")
    if not any((folder / file).is_file() for file in _TOKENIZER_FILES):
        raise CheckpointError(f"model {name!r}: no tokenizer in {folder} (looked for {', '.join(_TOKENIZER_FILES)}).")
    for weights in weight_files(folder, name):
        _check_safetensors(weights, name)
    return folder


def _auto() -> Checkpoint:
    for hub_id in AUTO_HUB_IDS:
        cached = _cached(hub_id)
        if cached is not None:
            try:
                return Checkpoint(hub_id, verified(cached, hub_id))
            except CheckpointError:  # an interrupted download: the embedded model serves until it is whole
                continue
    return resolve("embedded")


def _folder(model: str) -> Path | None:
    try:
        folder = Path(model).expanduser()
        return folder if model and folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # too long, nobody's home, a null byte
        return None


def _is_hub_id(model: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(model)
    except HFValidationError:
        return False
    return True


def _cached(hub_id: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(hub_id, "config.json")
    return Path(config).parent if isinstance(config, str) else None


def _download(hub_id: str, progress: Progress | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        folder = Path(snapshot_download(hub_id, allow_patterns=list(_WANTED_FILES), tqdm_class=_bar(progress)))
    except GatedRepoError as error:
        raise CheckpointError(
            f"model {hub_id!r}: the hub gives it only to accounts that accepted its terms."
        ) from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(f"model {hub_id!r} is not on the hub, or is private. Check its name.") from error
    except Exception as error:  # the hub client lets its HTTP library's errors through, and that library varies
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(
            f"model {hub_id!r} could not be downloaded: {reason} What arrived is kept: run the same command again "
            "when you are online."
        ) from error
    for file in folder.glob("*.safetensors"):
        _check_hash(file, hub_id)
    return folder


def _check_hash(file: Path, name: str) -> None:
    """The hub's client compares lengths only. Its cache calls large files by their hash, where links can be made."""
    blob = file.resolve()
    if not re.fullmatch("[0-9a-f]{64}", blob.name):
        return
    found = hashlib.sha256()
    with blob.open("rb") as content:
        while chunk := content.read(1 << 20):
            found.update(chunk)
    if found.hexdigest() != blob.name:
        file.unlink()
        blob.unlink(missing_ok=True)
        raise CheckpointError(f"model {name!r}: {file.name} arrived damaged. Run the same command again.")


def _bar(progress: Progress | None) -> Any:
    """A progress bar of the hub's client that reports instead of showing; None for the client's own."""
    if progress is None:
        return None
    import huggingface_hub.utils

    report = progress
    base: Any = cast("Any", huggingface_hub.utils).tqdm

    class Bar(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # Of the client's bars, the one of the bytes on disk; its others count files and packets.
            self.counts = kwargs.pop("name", "") == "huggingface_hub.snapshot_download"
            super().__init__(*args, **{**kwargs, "disable": False, "file": StringIO()})

        def update(self, n: float | None = 1) -> Any:
            shown = super().update(n)
            if self.counts:
                report(int(self.n), int(self.total or 0))
            return shown

    return Bar


def _json_object(file: Path, name: str) -> dict[str, object]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"model {name!r}: {file} is missing.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"model {name!r}: {file} is damaged or can't be read: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"model {name!r}: {file} is damaged: it holds no JSON object.")
    return content


def weight_files(folder: Path, name: str) -> list[Path]:
    """The files that hold the weights of the checkpoint in ``folder``."""
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = _json_object(index, name).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise CheckpointError(f"model {name!r}: {index} is damaged: it has no 'weight_map'.")
        names = {str(shard) for shard in shards.values()}
        if any(Path(each).name != each or "\\" in each for each in names):
            raise CheckpointError(f"model {name!r}: {index} is damaged: it names files of other folders.")
        return sorted(folder / each for each in names)
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")):
        raise CheckpointError(
            f"model {name!r} has its weights only as a pickle, which can run any code when it is loaded, so it is "
            "refused. Use a revision with model.safetensors, or convert it with transformers' save_pretrained."
        )
    raise CheckpointError(f"model {name!r}: {folder / 'model.safetensors'} is missing.")


def _check_safetensors(file: Path, name: str) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy"):  # reads the header and compares it with the file's length
            pass
    except FileNotFoundError:
        raise CheckpointError(f"model {name!r}: {file} is missing.") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"model {name!r}: {file} is damaged ({error}). Fetch it again.") from error
