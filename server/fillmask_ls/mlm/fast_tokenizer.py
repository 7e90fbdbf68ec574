"""Tokenizers of the Rust library ``tokenizers``, which know the offsets of their tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import regex
from tokenizers import AddedToken, Regex, Tokenizer, pre_tokenizers

from fillmask_ls import MASK
from fillmask_ls.spans import Span, replace_spans

from .checkpoint import CheckpointError
from .tokenization import SENTINEL_CHARACTER, Encoding
from .word_marks import find_marks

_SENTINEL = SENTINEL_CHARACTER * len(MASK)
"""Replaces a mask while the tokenizer runs: as long as a mask, so that offsets stay."""

_MAX_HOLES = 100_000
"""More ids without a token mean that a file is damaged."""


class FastTokenizer:
    """A backend of :class:`~fillmask_ls.mlm.tokenization.Tokenizer`; its attributes are documented there."""

    def __init__(self, tokenizer: Tokenizer, mask_token: str) -> None:
        """Wrap ``tokenizer``, which belongs to this object from then on.

        Raises:
            CheckpointError: the tokenizer panics.
            ValueError: ``mask_token`` is not in the vocabulary, or most ids have no token.
        """
        with raise_panics():
            tokenizer, self.vocabulary = _fill_holes(tokenizer)
            mask_id = tokenizer.token_to_id(mask_token)
            if mask_id is None:
                raise ValueError(f"the tokenizer has no mask token {mask_token!r}")
            added = tokenizer.get_added_tokens_decoder()
            self.mask_token = mask_token
            self.mask_id: int = mask_id
            self.special_ids = frozenset({mask_id, *(id for id, token in added.items() if token.special)})
            self.added_ids = frozenset(added) - self.special_ids
            self.unknown_id: int | None = tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", "<unk>") or "")
            self.marks = find_marks(
                self.vocabulary,
                continuing_subword_prefix=getattr(tokenizer.model, "continuing_subword_prefix", None) or "",
                end_of_word_suffix=getattr(tokenizer.model, "end_of_word_suffix", None) or "",
            )
            tokenizer.no_truncation()
            tokenizer.no_padding()
            tokenizer.encode_special_tokens = True
            own = added.get(mask_id)
            strips = {"lstrip": bool(own and own.lstrip), "rstrip": bool(own and own.rstrip)}
            tokenizer.add_tokens([AddedToken(_SENTINEL, normalized=False, **strips)])
            self._tokenizer = tokenizer
            self._is_byte_level = self.marks.word_start_prefix == "Ġ"
            self._split_written_specials()

    def _split_written_specials(self) -> None:
        """Cut special tokens written in a text in two, if the model itself reads them as special tokens."""
        specials = [self.vocabulary[id] for id in self.special_ids if self.vocabulary[id]]
        written = self._tokenizer.encode_batch(
            [text for token in specials for text in (token, f" {token} ")], add_special_tokens=False
        )
        if all(self.special_ids.isdisjoint(encoding.ids) for encoding in written):
            return
        first_of = (f"{regex.escape(token[0])}(?={regex.escape(token[1:])})" for token in specials)
        split = pre_tokenizers.Split(Regex("|".join(first_of)), "isolated")
        own = self._tokenizer.pre_tokenizer
        self._tokenizer.pre_tokenizer = split if own is None else pre_tokenizers.Sequence([own, split])

    def encode(self, text: str, masks: Sequence[Span]) -> Encoding:
        """Tokenize a text of encodable characters, with special tokens around it."""
        with raise_panics():
            encoding = self._tokenizer.encode(replace_spans(text, ((mask, _SENTINEL) for mask in masks)))
        ids = encoding.ids
        tokens = encoding.tokens
        special = [bool(flag) for flag in encoding.special_tokens_mask]
        offsets = encoding.offsets
        if masks:
            for index, token in enumerate(tokens):
                if SENTINEL_CHARACTER in token:
                    # The offsets of RoBERTa's mask include the space before it.
                    ids[index], tokens[index], special[index] = self.mask_id, self.mask_token, True
                    offsets[index] = (offsets[index][1] - len(MASK), offsets[index][1])
                elif self._is_byte_level and index and ids[index - 1] == self.mask_id and not special[index]:
                    offsets[index] = _untrim(offsets[index], offsets[index - 1][1], text)
        return Encoding(ids, tokens, offsets, special, encoding.word_ids)

    def decode(self, rows: Iterable[Sequence[int]]) -> list[str]:
        """Return the text of each row of ids."""
        with raise_panics():
            return self._tokenizer.decode_batch([list(row) for row in rows], skip_special_tokens=False)

    def normalize(self, texts: Sequence[str]) -> list[str]:
        """Return each text as the vocabulary spells it."""
        normalizer = self._tokenizer.normalizer
        if normalizer is None:
            return list(texts)
        with raise_panics():
            return [normalizer.normalize_str(text) for text in texts]


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


def _untrim(span: Span, mask_end: int, text: str) -> Span:
    """Give a token after a mask its first character back, if the library cut it off as the space that it had put there.

    A byte-level tokenizer with ``add_prefix_space`` puts a space at the start of each text between masks.
    """
    start, end = span
    return (mask_end, end) if start == mask_end + 1 and text[mask_end] != " " else span


def _fill_holes(tokenizer: Tokenizer) -> tuple[Tokenizer, list[str]]:
    """Name the ids that no token has, because the library would give them to the next token that is added.

    A line of ``vocab.txt`` that occurs twice leaves such a hole.

    Returns:
        The tokenizer, and the token of every id.
    """
    tokens = _tokens_by_id(tokenizer)
    if len(tokens) == tokenizer.get_vocab_size():
        return tokenizer, tokens
    tokens = [token or f"[unused_{id}]" for id, token in enumerate(tokens)]
    content = json.loads(tokenizer.to_str())
    content["model"]["vocab"] = {token: id for id, token in enumerate(tokens)}
    return Tokenizer.from_str(json.dumps(content)), tokens


def _tokens_by_id(tokenizer: Tokenizer) -> list[str]:
    id_of = tokenizer.get_vocab()
    size = max(id_of.values(), default=-1) + 1
    if size > len(id_of) + _MAX_HOLES:
        raise ValueError(f"its vocabulary of {len(id_of)} tokens has ids up to {size}")
    tokens = [""] * size
    for token, id in id_of.items():
        tokens[id] = token
    return [token or tokenizer.id_to_token(id) or "" for id, token in enumerate(tokens)]
