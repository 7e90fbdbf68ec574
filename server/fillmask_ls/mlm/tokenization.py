"""Text to ids, tokens and character offsets, for any checkpoint's tokenizer.

A document's ``[MASK]`` becomes the model's own mask token; every other special token that is written in the
text (``[SEP]``, ``</s>``, ...) stays text. Nothing here imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import regex
from tokenizers import AddedToken, Regex, models, pre_tokenizers
from tokenizers import Tokenizer as BackendTokenizer

from fillmask_ls import MASK
from fillmask_ls.spans import Span, replace_spans
from fillmask_ls.words import find_masks

from .checkpoint import Checkpoint, CheckpointError

# Stands for a mask while the tokenizer runs. It is as long as a mask, so that no offset moves, and made of a
# noncharacter, which no text should hold (one that does has it replaced).
_NONCHARACTER = "\ufdd0"
_UNSPEAKABLE = regex.compile(r"[\ud800-\udfff\ufdd0]")
"""What can't reach the tokenizer: halves of surrogate pairs, and what the sentinel is made of."""
_SENTINEL = _NONCHARACTER * len(MASK)

_UNBOUNDED = 10**9
"""Tokenizers without a limit of their own say 10^30."""

_SHORT = 10_000
"""Characters of a text whose encoding may be kept."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One tokenised text of ``n`` tokens, special tokens included; every field has length ``n`` and is not to be changed.

    ``offsets`` are character spans of the text given, ``(0, 0)`` for the special tokens that the model adds.
    ``special`` is true for those and for masks. ``words`` numbers the words as the tokenizer splits them, which is finer
    than a person does (``don ' t``); None for the special tokens.
    """

    ids: list[int]
    tokens: list[str]
    offsets: list[Span]
    special: list[bool]
    words: list[int | None]

    def content(self, mask_id: int) -> list[int]:
        """The indices of the tokens that stand for text, masks included: all but the specials added around it."""
        return [i for i, special in enumerate(self.special) if not special or self.ids[i] == mask_id]


class Tokenizer:
    """A checkpoint's tokenizer.

    Attributes:
        mask_id: the id of the model's mask token.
        special_ids: the ids of all special tokens, the mask included.
        unknown_id: the id that stands for what no token spells; None where there is no such thing.
        vocab_size: how many ids there are.
        max_length: the most tokens that the model reads at once, special tokens included.
    """

    def __init__(self, backend: BackendTokenizer, mask_token: str, max_length: int) -> None:
        """Wrap ``backend``, which from then on belongs to this object.

        Raises:
            ValueError: ``mask_token`` is not in the vocabulary.
        """
        mask_id = backend.token_to_id(mask_token)
        if mask_id is None:
            raise ValueError(f"the tokenizer has no mask token {mask_token!r}")
        added = backend.get_added_tokens_decoder()
        self.mask_token = mask_token
        self.mask_id: int = mask_id
        self.special_ids = frozenset({mask_id, *(id for id, token in added.items() if token.special)})
        self.unknown_id: int | None = backend.token_to_id(getattr(backend.model, "unk_token", "<unk>") or "")
        self.vocab_size: int = backend.get_vocab_size()
        self.max_length = max_length
        backend.no_truncation()
        backend.no_padding()
        backend.encode_special_tokens = True
        own = added.get(mask_id)
        backend.add_tokens(
            [AddedToken(_SENTINEL, lstrip=bool(own and own.lstrip), rstrip=bool(own and own.rstrip), normalized=False)]
        )
        if isinstance(backend.model, models.Unigram):
            written = [str(backend.id_to_token(id)) for id in self.special_ids]
            backend.pre_tokenizer = pre_tokenizers.Sequence([*filter(None, [backend.pre_tokenizer]), _apart(written)])
        self._backend = backend
        self._encode_again = lru_cache(maxsize=4)(self._encode)  # a passage is cut into windows, then read

    def encode(self, text: str, masks: Sequence[Span] | None = None) -> Encoding:
        """Tokenise ``text`` with the model's special tokens around it.

        ``masks`` are the spans, each as long as ``[MASK]``, that become the mask token; when not given, each
        ``[MASK]`` in the text.
        """
        spans = tuple(find_masks(text) if masks is None else masks)
        return self._encode_again(text, spans) if len(text) < _SHORT else self._encode(text, spans)

    def _encode(self, text: str, spans: Sequence[Span]) -> Encoding:
        encoding = self._backend.encode(_with_sentinels(text, spans))
        ids = encoding.ids
        tokens = encoding.tokens
        special = [bool(flag) for flag in encoding.special_tokens_mask]
        offsets = encoding.offsets
        if spans:
            for i, token in enumerate(tokens):
                if _NONCHARACTER in token:
                    # An lstrip mask (RoBERTa's) takes the space before it into its offsets.
                    ids[i], tokens[i], special[i] = self.mask_id, self.mask_token, True
                    offsets[i] = (offsets[i][1] - len(MASK), offsets[i][1])
        return Encoding(ids, tokens, offsets, special, encoding.word_ids)

    def windows(self, text: str, max_length: int | None = None) -> Iterator[Span]:
        """Cut ``text`` into consecutive spans of at most ``max_length`` tokens each, between words if possible.

        Args:
            max_length: special tokens included, at least 8; the model's own limit when not given.
        """
        encoding = self.encode(text)
        room = (max_length or self.max_length) - self.added_tokens
        content = [encoding.offsets[i] for i in encoding.content(self.mask_id)]
        if len(content) <= room:
            yield 0, len(text)
            return
        start = first = 0
        while len(content) - first > room or not self._fits(text[start:], room):
            last = min(first + room, len(content) - 1)
            cut = next((i for i in range(last, first + room // 2, -1) if not _inside_word(text, content[i][0])), last)
            while cut > first + 1 and not self._fits(text[start : content[cut][0]], room):
                cut -= 1  # a word that is cut can have more pieces than it had
            if cut <= first:
                break
            yield start, content[cut][0]
            start, first = content[cut][0], cut
        yield start, len(text)

    def _fits(self, text: str, room: int) -> bool:
        return len(self.encode(text).ids) <= room + self.added_tokens

    @cached_property
    def added_tokens(self) -> int:
        """How many special tokens the model puts around a text."""
        return int(self._backend.num_special_tokens_to_add(is_pair=False))

    def added_around(self, ids: list[int]) -> tuple[list[int], list[int]]:
        """Of a text's ids, the special tokens that the model puts before the text and behind it."""
        added = self._backend.encode("").ids
        first = next((i for i, (a, b) in enumerate(zip(added, ids, strict=False)) if a != b), len(added))
        return ids[:first], ids[len(ids) - len(added) + first :]

    @cached_property
    def vocabulary(self) -> list[str]:
        """The token of every id, ``vocab_size`` of them; an id without a token has an empty one."""
        return [self._backend.id_to_token(id) or "" for id in range(self.vocab_size)]

    def texts(self) -> list[str]:
        """The text of every id without the mark of its place in a word (``##``, ``Ġ``, ``▁``)."""
        texts = self._backend.decode_batch([[id] for id in range(self.vocab_size)], skip_special_tokens=False)
        return [text.removeprefix("##").strip() for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the pieces of one word, without the mark of its place."""
        return self._backend.decode(list(ids), skip_special_tokens=False).removeprefix("##").strip()

    def normalize(self, text: str) -> str:
        """``text`` as the model sees it: lower case and without accents for an uncased model."""
        normalizer = self._backend.normalizer
        return str(normalizer.normalize_str(text)) if normalizer is not None else text


def load_tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    """Load the tokenizer of ``checkpoint``.

    Raises:
        CheckpointError: it is damaged or has no mask token.
    """
    folder = checkpoint.path
    try:
        settings = _tokenizer_settings(folder)
        if (folder / "tokenizer.json").is_file():
            backend = BackendTokenizer.from_file(str(folder / "tokenizer.json"))
        else:  # only slow tokenizer files: transformers knows how to convert each kind
            backend = _converted(folder)
        mask_token = settings.get("mask_token") or ("<mask>" if backend.token_to_id("<mask>") else "[MASK]")
        if isinstance(mask_token, dict):
            mask_token = mask_token.get("content")
        max_length = min(int(settings.get("model_max_length") or _UNBOUNDED), _UNBOUNDED)
        return Tokenizer(backend, str(mask_token), max_length)
    except Exception as error:  # the Rust library raises bare Exception
        raise CheckpointError(f"model {checkpoint.name!r}: its tokenizer can't be used: {error}.") from error


def _apart(specials: Sequence[str]) -> pre_tokenizers.PreTokenizer:
    """Cuts written special tokens in two: SentencePiece's vocabulary has them among the pieces, the likeliest of all."""
    first_of = (f"{regex.escape(token[0])}(?={regex.escape(token[1:])})" for token in specials)
    return pre_tokenizers.Split(Regex("|".join(first_of)), "isolated")


def _tokenizer_settings(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        file = folder / name
        if file.is_file():
            settings.update(json.loads(file.read_text(encoding="utf-8")))
    return settings


def _converted(folder: Path) -> BackendTokenizer:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    backend: BackendTokenizer = tokenizer.backend_tokenizer
    if backend.get_vocab_size() <= len(backend.get_added_tokens_decoder()):
        raise ValueError("its files hold no vocabulary for this kind of model")
    if tokenizer.mask_token == "<mask>":  # noqa: S105 - RoBERTa's takes the space before it, which transformers 5 forgets
        backend.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    return backend


def _with_sentinels(text: str, spans: Sequence[Span]) -> str:
    text = _UNSPEAKABLE.sub("\ufffd", text)
    return replace_spans(text, ((span, _SENTINEL) for span in spans))


def _inside_word(text: str, index: int) -> bool:
    return 0 < index < len(text) and text[index - 1].isalnum() and text[index].isalnum()
