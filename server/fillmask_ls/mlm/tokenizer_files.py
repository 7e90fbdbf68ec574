"""Open the tokenizer of a checkpoint, whichever files it has.

``tokenizer.json`` is read by the library ``tokenizers``. Other files are left to transformers, which takes seconds to
import.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tokenizers import AddedToken, decoders, models, pre_tokenizers, processors
from tokenizers import Tokenizer as RustTokenizer

from .checkpoint import Checkpoint, CheckpointError
from .fast_tokenizer import FastTokenizer, raise_panics
from .slow_tokenizer import SlowTokenizer
from .tokenization import NO_LIMIT, Tokenizer, TokenizerBackend

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PACKAGES = ("sacremoses", "sentencepiece", "protobuf", "fugashi", "ipadic", "unidic", "rjieba", "tiktoken", "pandas")
"""Packages that tokenizers of transformers need and that it doesn't install."""

_SENTENCEPIECE = {"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}
"""The packages, with the modules, that read a SentencePiece model."""

_CLASS_OF_FILE = {"sentencepiece.bpe.model": "XLMRobertaTokenizer", "spiece.model": "AlbertTokenizer"}
"""The kind of tokenizer that a file is for, where neither the settings nor the architecture name one."""

_SPLIT_BY_PYTHON = ("roformer",)
"""Architectures whose ``tokenizer.json`` lacks a part of the tokenizer that only transformers has."""

_BERTS_IN_PYTHON = ("RoCBertTokenizer", "TapasTokenizer")
"""Tokenizers that split text as BERT's does, which the library has."""


def load_tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    """Load the tokenizer of a checkpoint.

    Raises:
        CheckpointError: it is damaged, has no mask token, or needs a package that is not installed.
    """
    try:
        with raise_panics():
            settings = _read_settings(checkpoint.path)
            return Tokenizer(_open(checkpoint.path, settings), _read_limit(settings))
    except ImportError as error:
        raise CheckpointError(f"model {checkpoint.name!r}: {_explain_import(error)}") from error
    except Exception as error:  # the Rust library raises bare Exception
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise CheckpointError(f"model {checkpoint.name!r}: its tokenizer can't be used: {reason}.") from error


def wrap_tokenizer(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return a tokenizer of transformers that is in memory as one of this library; it stays as it is.

    Raises:
        CheckpointError: it can't be used, or has no mask token.
    """
    try:
        with raise_panics():
            settings = {"model_max_length": tokenizer.model_max_length}
            return Tokenizer(_wrap(copy.deepcopy(tokenizer), settings), _read_limit(settings))
    except Exception as error:  # the Rust library raises bare Exception
        raise CheckpointError(f"the tokenizer can't be used: {error}.") from error


def _read_settings(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        file = folder / name
        if file.is_file():
            settings.update(json.loads(file.read_text(encoding="utf-8")))
    return settings


def _read_limit(settings: Mapping[str, Any]) -> int:
    """Return the limit of tokens that the settings name; many name none, or one that is none."""
    limit = settings.get("model_max_length")
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0:
        return NO_LIMIT
    return int(min(limit, NO_LIMIT))


def _open(folder: Path, settings: Mapping[str, Any]) -> TokenizerBackend:
    model_type = _read_model_type(folder)
    if (folder / "tokenizer.json").is_file() and model_type not in _SPLIT_BY_PYTHON:
        tokenizer = RustTokenizer.from_file(str(folder / "tokenizer.json"))
        return FastTokenizer(tokenizer, _find_mask_token(settings, tokenizer))
    _require_sentencepiece(folder)
    opened = _open_with_transformers(folder, settings, model_type)
    if opened.mask_token == "<mask>" and opened.is_fast:  # noqa: S105 - no password
        # RoBERTa's includes the space before it; transformers 5 forgets.
        opened.backend_tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    if type(opened).__name__ == "RoFormerTokenizer":
        _split_at_chinese_words(opened.backend_tokenizer)
    return _wrap(opened, settings)


def _wrap(opened: PreTrainedTokenizerBase, settings: Mapping[str, Any]) -> TokenizerBackend:
    """Return the backend for a tokenizer of transformers, which belongs to it from then on."""
    if type(opened).__name__ == "PerceiverTokenizer":
        return FastTokenizer(_bytes_tokenizer(opened), str(opened.mask_token))
    backend: RustTokenizer | None = getattr(opened, "backend_tokenizer", None)
    if backend is None:
        return SlowTokenizer(opened)
    if backend.get_vocab_size() <= len(backend.get_added_tokens_decoder()):
        raise ValueError("its files contain no vocabulary for this kind of model")
    return FastTokenizer(backend, str(opened.mask_token or _find_mask_token(settings, backend)))


def _find_mask_token(settings: Mapping[str, Any], tokenizer: RustTokenizer) -> str:
    """Return the mask token that the settings name, or else the one that looks like a mask."""
    token = settings.get("mask_token")
    if isinstance(token, dict):
        token = token.get("content")
    if token:
        return str(token)
    usual = [token for token in ("[MASK]", "<mask>") if tokenizer.token_to_id(token) is not None]
    added = tokenizer.get_added_tokens_decoder().values()
    return next(iter([*usual, *(token.content for token in added if "mask" in token.content.lower())]), "[MASK]")


def _require_sentencepiece(folder: Path) -> None:
    """Raise an error that names the missing packages if a tokenizer is only a SentencePiece model."""
    if any((folder / name).is_file() for name in ("vocab.txt", "vocab.json")) or not any(folder.glob("*.model")):
        return
    missing = [package for package, module in _SENTENCEPIECE.items() if not _is_installed(module)]
    if missing:
        raise ImportError(" ".join(missing))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the parent of a dotted name is missing
        return False


def _explain_import(error: ImportError) -> str:
    text = str(error).strip()
    missing = [package for package in _PACKAGES if package in text.lower()]
    if not missing:
        return f"its tokenizer can't be used: {text.splitlines()[0] if text else type(error).__name__}."
    return f"its tokenizer needs a package that is not installed. Run 'pip install {' '.join(missing)}'."


def _read_model_type(folder: Path) -> str:
    config = folder / "config.json"
    return str(json.loads(config.read_text(encoding="utf-8"))["model_type"]) if config.is_file() else ""


def _open_with_transformers(folder: Path, settings: Mapping[str, Any], model_type: str) -> PreTrainedTokenizerBase:
    import transformers

    names = {settings.get("tokenizer_class"), f"{model_type.replace('_', '')}tokenizer"}
    is_bert = any(str(name).lower() == bert.lower() for name in names for bert in _BERTS_IN_PYTHON)
    kind: Any = transformers.BertTokenizer if is_bert else transformers.AutoTokenizer
    try:
        opened = kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ValueError:
        name = next((name for file, name in _CLASS_OF_FILE.items() if (folder / file).is_file()), None)
        if name is None:
            raise
        opened = getattr(transformers, name).from_pretrained(folder, local_files_only=True)
    return cast("PreTrainedTokenizerBase", opened)


def _split_at_chinese_words(tokenizer: RustTokenizer) -> None:
    """Give RoFormer's splitter its vocabulary; transformers gives it the name of the file."""
    from transformers.models.roformer.tokenization_utils import JiebaPreTokenizer

    splitter = JiebaPreTokenizer(tokenizer.get_vocab())
    tokenizer.pre_tokenizer = pre_tokenizers.PreTokenizer.custom(splitter)


def _bytes_tokenizer(perceiver: PreTrainedTokenizerBase) -> RustTokenizer:
    """Return Perceiver's tokenizer, which has a token for each byte, as one that knows offsets."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    specials = {str(token): id for id, token in perceiver.added_tokens_decoder.items()}
    ids = {character: len(specials) + byte for byte, character in bytes_to_unicode().items()}  # type: ignore[no-untyped-call]
    tokenizer = RustTokenizer(models.BPE(vocab={**specials, **ids}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(specials))
    around = [(str(token), specials[str(token)]) for token in (perceiver.cls_token, perceiver.sep_token)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{around[0][0]} $A {around[1][0]}", special_tokens=around
    )
    return tokenizer
