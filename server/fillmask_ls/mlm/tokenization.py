"""Convert text to token ids, tokens and character offsets, for the tokenizer of any checkpoint.

A document's ``[MASK]`` becomes the model's own mask token. Every other special token in a text (``[SEP]``, ``</s>``)
stays text. Nothing here imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from .tokenizer_calls import TokenizerCalls

_NONCHARACTER = "\ufdd0"
_SENTINEL = _NONCHARACTER * len(MASK)
"""Replaces a mask while the tokenizer runs: as long as a mask, so that offsets stay, and of a noncharacter."""
_UNENCODABLE = regex.compile(r"[\ud800-\udfff\ufdd0]")
"""Characters that must not reach the tokenizer: halves of surrogate pairs, and the sentinel's character."""

NO_LIMIT = 10**9
"""Tokenizers without a limit claim 10^30."""

_MAX_CACHED_LENGTH = 10_000
"""Longer texts, in characters, are not kept in the cache of encodings."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A tokenized text of ``n`` tokens, special tokens included. Don't change its lists: encodings are cached.

    Attributes:
        ids: the token ids.
        tokens: the tokens, as the vocabulary spells them.
        offsets: spans of the text; ``(0, 0)`` for special tokens that the tokenizer adds.
        special: True for special tokens and for masks.
        words: the number of each token's word as the tokenizer splits words, which is finer than a person does
            (``don ' t``); None for special tokens.
    """

    ids: list[int]
    tokens: list[str]
    offsets: list[Span]
    special: list[bool]
    words: list[int | None]

    def content(self, mask_id: int) -> list[int]:
        """Return the indexes of the tokens that stand for text, masks included."""
        return [index for index, special in enumerate(self.special) if not special or self.ids[index] == mask_id]


class Tokenizer(TokenizerCalls):
    """The tokenizer of a checkpoint.

    Attributes:
        mask_id: the id of the model's mask token.
        special_ids: the ids of all special tokens, the mask included.
        mask_token: the model's mask token, such as ``[MASK]`` or ``<mask>``.
        unknown_id: the id of the unknown token; None if the vocabulary has none.
        vocab_size: the number of ids.
        max_length: the model's limit of tokens, special tokens included.
    """

    def __init__(self, backend: BackendTokenizer, mask_token: str, max_length: int) -> None:
        """Wrap ``backend``, which belongs to this object from then on.

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
            specials = [str(backend.id_to_token(id)) for id in self.special_ids]
            steps = [*filter(None, [backend.pre_tokenizer]), _split_written_specials(specials)]
            backend.pre_tokenizer = pre_tokenizers.Sequence(steps)
        self._backend = backend
        self._encode_cached = lru_cache(maxsize=4)(self._encode)  # a passage is cut into windows, then read

    def encode(self, text: str, masks: Sequence[Span] | None = None) -> Encoding:
        """Tokenize a text, with special tokens around it.

        Args:
            text: any text.
            masks: the spans that become mask tokens, each as long as ``[MASK]``; by default every ``[MASK]``.

        Raises:
            CheckpointError: the tokenizer panics.

        >>> model.tokenizer.encode("Fort Sumter's [MASK].").tokens
        ['[CLS]', 'fort', 'sum', '##ter', "'", 's', '[MASK]', '.', '[SEP]']
        """
        spans = tuple(find_masks(text) if masks is None else masks)
        return self._encode_cached(text, spans) if len(text) < _MAX_CACHED_LENGTH else self._encode(text, spans)

    def _encode(self, text: str, spans: Sequence[Span]) -> Encoding:
        with raise_panics():
            encoding = self._backend.encode(_with_sentinels(text, spans))
        ids = encoding.ids
        tokens = encoding.tokens
        special = [bool(flag) for flag in encoding.special_tokens_mask]
        offsets = encoding.offsets
        if spans:
            for index, token in enumerate(tokens):
                if _NONCHARACTER in token:
                    # The offsets of RoBERTa's mask include the space before it.
                    ids[index], tokens[index], special[index] = self.mask_id, self.mask_token, True
                    offsets[index] = (offsets[index][1] - len(MASK), offsets[index][1])
        return Encoding(ids, tokens, offsets, special, encoding.word_ids)

    def windows(self, text: str, max_length: int | None = None) -> Iterator[Span]:
        """Cut a text into consecutive spans of at most ``max_length`` tokens, between words if possible.

        Args:
            text: any text.
            max_length: special tokens included, at least 8; by default the model's limit.
        """
        room = (max_length or self.max_length) - self.added_tokens
        encoding = self.encode(text)
        content = [encoding.offsets[index] for index in encoding.content(self.mask_id)]
        if len(content) <= room:
            yield 0, len(text)
            return
        start = first = 0
        while len(content) - first > room or not self._fits(text[start:], room):
            cut = self._find_cut(text, content, first, room)
            if cut <= first:
                break
            end = content[cut][0]
            yield start, end
            start, first = end, cut
        yield start, len(text)

    def _find_cut(self, text: str, offsets: Sequence[Span], first: int, room: int) -> int:
        """Return the token that begins the next window, if one begins with the token ``first``."""
        last = min(first + room, len(offsets) - 1)
        between_words = (
            token for token in range(last, first + room // 2, -1) if not _is_inside_word(text, offsets[token][0])
        )
        cut = next(between_words, last)
        # A word that is cut can have more subwords than the whole word had.
        while cut > first + 1 and not self._fits(text[offsets[first][0] if first else 0 : offsets[cut][0]], room):
            cut -= 1
        return cut

    def _fits(self, text: str, room: int) -> bool:
        return len(self.encode(text).ids) <= room + self.added_tokens

    @cached_property
    def added_tokens(self) -> int:
        """The number of special tokens around a text."""
        return int(self._backend.num_special_tokens_to_add(is_pair=False))

    def split_added_tokens(self, ids: list[int]) -> tuple[list[int], list[int]]:
        """Return the special tokens before and after a text, from the ids of the text with them.

        >>> model.tokenizer.split_added_tokens([101, 3000, 102])
        ([101], [102])
        """
        added = self.encode("").ids
        differs = (index for index, (a, b) in enumerate(zip(added, ids, strict=False)) if a != b)
        first = next(differs, len(added))
        return ids[:first], ids[len(ids) - len(added) + first :]

    @cached_property
    def vocabulary(self) -> list[str]:
        """The token of every id; an id without a token has an empty one."""
        return [self._backend.id_to_token(id) or "" for id in range(self.vocab_size)]

    def subwords(self, ids: Sequence[int]) -> tuple[tuple[str, int], ...]:
        """Return each id with its token: ``(("sum", 7680), ("##ter", 3334))``."""
        return tuple((self.vocabulary[id], id) for id in ids)

    def texts(self) -> list[str]:
        """Return the text of every id, without the mark of its position in a word (``##``, ``Ġ``, ``▁``)."""
        with raise_panics():
            texts = self._backend.decode_batch([[id] for id in range(self.vocab_size)], skip_special_tokens=False)
        return [text.removeprefix("##").strip() for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the word that subwords spell."""
        with raise_panics():
            return self._backend.decode(list(ids), skip_special_tokens=False).removeprefix("##").strip()

    def normalize(self, text: str) -> str:
        """Return ``text`` as the model sees it: without capitals and accents for an uncased model."""
        normalizer = self._backend.normalizer
        if normalizer is None:
            return text
        with raise_panics():
            return str(normalizer.normalize_str(text))


def load_tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    """Load the tokenizer of a checkpoint.

    Raises:
        CheckpointError: it is damaged or has no mask token.
    """
    folder = checkpoint.path
    try:
        with raise_panics():
            settings = _read_settings(folder)
            if (folder / "tokenizer.json").is_file():
                backend = BackendTokenizer.from_file(str(folder / "tokenizer.json"))
            else:  # only slow tokenizer files, which transformers can convert
                backend = _convert_slow_tokenizer(folder)
            mask_token = settings.get("mask_token") or ("<mask>" if backend.token_to_id("<mask>") else "[MASK]")
            if isinstance(mask_token, dict):
                mask_token = mask_token.get("content")
            max_length = min(int(settings.get("model_max_length") or NO_LIMIT), NO_LIMIT)
            return Tokenizer(backend, str(mask_token), max_length)
    except Exception as error:  # the Rust library raises bare Exception
        raise CheckpointError(f"model {checkpoint.name!r}: its tokenizer can't be used: {error}.") from error


@contextmanager
def raise_panics() -> Iterator[None]:
    """Raise a panic of the tokenizer library as :class:`CheckpointError`.

    A panic in Rust arrives as ``pyo3_runtime.PanicException``, which is no ``Exception`` and would end a thread.

    Raises:
        CheckpointError: the library panicked.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as panic:
        reason = (str(panic).strip() or type(panic).__name__).splitlines()[0]
        raise CheckpointError(f"the tokenizer's files are damaged: its library panicked ({reason})") from panic


def _split_written_specials(specials: Sequence[str]) -> pre_tokenizers.PreTokenizer:
    """Cut special tokens written in a text in two, because SentencePiece's vocabulary contains them as likely tokens."""
    first_of = (f"{regex.escape(token[0])}(?={regex.escape(token[1:])})" for token in specials)
    return pre_tokenizers.Split(Regex("|".join(first_of)), "isolated")


def _read_settings(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        file = folder / name
        if file.is_file():
            settings.update(json.loads(file.read_text(encoding="utf-8")))
    return settings


def _convert_slow_tokenizer(folder: Path) -> BackendTokenizer:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    backend: BackendTokenizer = tokenizer.backend_tokenizer
    if backend.get_vocab_size() <= len(backend.get_added_tokens_decoder()):
        raise ValueError("its files contain no vocabulary for this kind of model")
    if tokenizer.mask_token == "<mask>":  # noqa: S105 - RoBERTa's includes the space before it; transformers 5 forgets
        backend.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    return backend


def _with_sentinels(text: str, spans: Sequence[Span]) -> str:
    text = _UNENCODABLE.sub("\ufffd", text)
    return replace_spans(text, ((span, _SENTINEL) for span in spans))


def _is_inside_word(text: str, index: int) -> bool:
    return 0 < index < len(text) and text[index - 1].isalnum() and text[index].isalnum()
