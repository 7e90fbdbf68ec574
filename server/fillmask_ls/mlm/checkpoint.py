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
"""The models that ``auto`` looks for in the hub's cache; the second is the first's name before 2024."""

CALIBRATION = "fillmask.json"
"""The file with the ``temperature`` of a calibrated checkpoint."""

_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
)
_NEED_NO_TOKENIZER_FILE = ("esmc", "perceiver")
"""Architectures whose tokenizers are the same for all checkpoints: amino acids and bytes."""
_DOWNLOADED_FILES = (
    "config.json",
    CALIBRATION,
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
    "bpe.codes",
    "entity_vocab.json",
    "word_pronunciation.json",
    "word_shape.json",
    *_TOKENIZER_FILES,
)


class CheckpointError(Exception):
    """A checkpoint can't be found, trusted or loaded. The message names it and says why and what to do."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with a complete checkpoint in safetensors.

    Attributes:
        name: ``embedded``, a hub id or a folder, as the user gave it.
        path: the folder.
    """

    name: str
    path: Path


Progress = Callable[[int, int], None]
"""Called from any thread with the bytes received and the bytes expected; an exception cancels the download."""


def resolve(
    model: str | Path = "auto",
    *,
    revision: str | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> Checkpoint:
    """Find a checkpoint and verify its files.

    Args:
        model: ``auto``: ``google-bert/bert-base-uncased`` if the hub's cache contains all of it, otherwise
            ``embedded``. ``embedded``: the checkpoint in this package. Otherwise a folder, or a hub id.
        revision: a branch, tag or commit of a hub id; by default ``main``.
        download: whether to download a hub id that is not in the cache; for ``auto``, the model that it looks for first.
            An interrupted download is resumed.
        progress: reports the download; by default the hub client's progress bars do.

    Raises:
        CheckpointError: the checkpoint is not found, incomplete or damaged, or has its weights only as a pickle.

    >>> mlm.resolve("embedded").name
    'embedded'
    """
    if isinstance(model, Path):
        return _resolve_folder(str(model), model, revision)
    if model == "auto":
        found = _auto() if revision is None else None
        if found is not None and (found.name != "embedded" or not download):
            return found
        model = AUTO_HUB_IDS[0]
    if model == "embedded" and revision is None:
        return Checkpoint("embedded", verify(EMBEDDED, "embedded"))
    if _folder(model) is not None:
        return _resolve_folder(model, Path(model), revision)
    if not _is_hub_id(model):
        raise CheckpointError(
            f"model {model!r}: there is no such folder. Give a folder with config.json and model.safetensors, "
            "a Hugging Face hub id, 'embedded' or 'auto'."
        )
    if download:
        return Checkpoint(model, verify(_download(model, progress, revision), model))
    cached = _cached(model, revision)
    if cached is None:
        if revision is not None:
            raise CheckpointError(
                f"revision {revision!r} of model {model!r} is not in the local Hugging Face cache. "
                "Pass download=True while online."
            )
        raise CheckpointError(
            f"model {model!r} is neither a folder nor in the local Hugging Face cache. "
            f"Run 'fillmask-ls download {model}' while online, or choose 'embedded' or a folder."
        )
    return Checkpoint(model, verify(cached, model))


def verify(folder: Path, name: str) -> Path:
    """Check that a folder contains a configuration, a tokenizer and complete weights in safetensors.

    Args:
        folder: the folder.
        name: the model's name, for errors.

    Returns:
        ``folder`` itself.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    config = _json_object(folder / "config.json", name)
    if "model_type" not in config:
        raise CheckpointError(f"model {name!r}: {folder / 'config.json'} names no 'model_type'.")
    has_tokenizer = any((folder / file).is_file() for file in _TOKENIZER_FILES)
    if not has_tokenizer and config["model_type"] not in _NEED_NO_TOKENIZER_FILE:
        raise CheckpointError(f"model {name!r}: no tokenizer in {folder} (looked for {', '.join(_TOKENIZER_FILES)}).")
    for weights in weight_files(folder, name):
        _check_safetensors(weights, name)
    return folder


def _auto() -> Checkpoint:
    for hub_id in AUTO_HUB_IDS:
        cached = _cached(hub_id)
        if cached is not None:
            try:
                return Checkpoint(hub_id, verify(cached, hub_id))
            except CheckpointError:  # an interrupted download
                continue
    return resolve("embedded")


def _resolve_folder(name: str, folder: Path, revision: str | None) -> Checkpoint:
    if revision is not None:
        raise CheckpointError(f"model {name!r} is a folder, which has no revision {revision!r}. Leave revision out.")
    return Checkpoint(name, verify(folder.expanduser(), name))


def _folder(model: str) -> Path | None:
    try:
        folder = Path(model).expanduser()
        return folder if model and folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # too long, an unknown user's home, a null byte
        return None


def _is_hub_id(model: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(model)
    except HFValidationError:
        return False
    return True


def _cached(hub_id: str, revision: str | None = None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(hub_id, "config.json", revision=revision)
    return Path(config).parent if isinstance(config, str) else None


def _download(hub_id: str, progress: Progress | None, revision: str | None = None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                hub_id,
                revision=revision,
                allow_patterns=list(_DOWNLOADED_FILES),
                tqdm_class=_progress_bar(progress),
            )
        )
    except GatedRepoError as error:
        raise CheckpointError(
            f"model {hub_id!r} is gated: the hub gives it only to accounts that accepted its terms."
        ) from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(f"model {hub_id!r} is not on the hub, or is private. Check its name.") from error
    except Exception as error:  # the hub client raises errors of its HTTP library, which varies
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        reason = reason.removeprefix("Got: ").removesuffix(".")
        raise CheckpointError(
            f"model {hub_id!r} could not be downloaded: {reason}. What arrived is kept: run the same command again "
            "when you are online."
        ) from error
    for file in folder.glob("*.safetensors"):
        _check_hash(file, hub_id)
    return folder


def _check_hash(file: Path, name: str) -> None:
    """Compare a file with its hash, since the hub's client compares lengths only.

    The cache names large files by their hash if the file system has links.
    """
    blob = file.resolve()
    if not re.fullmatch("[0-9a-f]{64}", blob.name):
        return
    digest = hashlib.sha256()
    with blob.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != blob.name:
        file.unlink()
        blob.unlink(missing_ok=True)
        raise CheckpointError(f"model {name!r}: {file.name} arrived damaged. Run the same command again.")


def _progress_bar(progress: Progress | None) -> Any:
    """Return a progress bar class that reports instead of showing; None for the hub client's own."""
    if progress is None:
        return None
    import huggingface_hub.utils

    report = progress
    base: Any = cast("Any", huggingface_hub.utils).tqdm

    class Bar(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # The client's other bars count files and packets instead of bytes.
            self.counts_bytes = kwargs.pop("name", "") == "huggingface_hub.snapshot_download"
            super().__init__(*args, **{**kwargs, "disable": False, "file": StringIO()})

        def update(self, n: float | None = 1) -> Any:
            shown = super().update(n)
            if self.counts_bytes:
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
        raise CheckpointError(f"model {name!r}: {file} is damaged: it contains no JSON object.")
    return content


def weight_files(folder: Path, name: str) -> list[Path]:
    """Return the files with the weights of the checkpoint in ``folder``."""
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = _json_object(index, name).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise CheckpointError(f"model {name!r}: {index} is damaged: it has no 'weight_map'.")
        names = {str(shard) for shard in shards.values()}
        if any(Path(shard).name != shard or "\\" in shard for shard in names):
            raise CheckpointError(f"model {name!r}: {index} is damaged: it names files of other folders.")
        return sorted(folder / shard for shard in names)
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")):
        raise CheckpointError(
            f"model {name!r} has its weights only as a pickle, which can run any code when it is loaded. "
            "Use a revision with model.safetensors, or convert it with transformers' save_pretrained."
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
        raise CheckpointError(f"model {name!r}: {file} is damaged ({error}). Download it again.") from error
