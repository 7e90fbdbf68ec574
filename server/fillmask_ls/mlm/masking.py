"""Random masking: which positions, what stands there instead, and the labels."""

from __future__ import annotations

import torch
from torch import Tensor

from fillmask_ls.spans import Span
from fillmask_ls.words import find_words

from .tokenization import Encoding, Tokenizer

IGNORED = -100
"""The label of a position that the loss leaves out, as in torch and transformers."""


def sample_mask(
    encoding: Encoding,
    rate: float = 0.15,
    *,
    generator: torch.Generator | None = None,
    whole_words: str | None = None,
) -> Tensor:
    """Choose the positions to mask, each by itself with probability ``rate``; never a special token.

    Args:
        encoding: of ``n`` tokens.
        rate: 0 to 1.
        generator: the source of chance; the same state chooses the same positions.
        whole_words: the text that was encoded, to choose words with all their pieces instead of pieces (Devlin's
            whole-word masking): ``don't`` is one word; the full stop behind ``table`` stands for itself.

    Returns:
        A bool tensor [n].

    Raises:
        ValueError: ``rate`` is not between 0 and 1.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"the masking rate must lie between 0 and 1, not be {rate}")
    eligible = ~torch.tensor(encoding.special, dtype=torch.bool)
    draws = torch.rand(len(encoding.ids), generator=generator)
    if whole_words is not None:
        first: dict[int, int] = {}
        numbers = enumerate(word_numbers(encoding, whole_words))
        drawn = [i if number is None else first.setdefault(number, i) for i, number in numbers]
        draws = draws[torch.tensor(drawn, dtype=torch.long)]
    return (draws < rate) & eligible


def sample_mask_spans(
    tokenizer: Tokenizer, text: str, *, rate: float = 0.15, seed: int = 0, whole_words: bool = False
) -> list[Span]:
    """The characters of what :func:`choose` hides in a text of any length: pieces, or words; never a ``[MASK]``.

    Raises:
        ValueError: ``rate`` is not between 0 and 1.
    """
    generator = torch.Generator().manual_seed(seed)
    spans: list[Span] = []
    for begin, end in tokenizer.windows(text):
        window = text[begin:end]
        encoding = tokenizer.encode(window)
        chosen = sample_mask(encoding, rate, generator=generator, whole_words=window if whole_words else None)
        numbers = word_numbers(encoding, window)
        last = None
        for token in chosen.nonzero().flatten().tolist():
            low, high = encoding.offsets[token]
            low += len(window[low:high]) - len(window[low:high].lstrip())  # a byte-level token begins with a space
            if encoding.ids[token] == tokenizer.mask_id or low >= high:
                continue
            if whole_words and numbers[token] is not None and numbers[token] == last:
                spans[-1] = (spans[-1][0], begin + high)
            else:
                spans.append((begin + low, begin + high))
            last = numbers[token]
    return spans


def mask_all(ids: Tensor, chosen: Tensor, mask_id: int) -> tuple[Tensor, Tensor]:
    """The plain form: every chosen position becomes the mask, the labels are the text itself.

    Args:
        ids: int64 [..., n].
        chosen: bool, of the same shape.

    Returns:
        The masked ids and the labels, both of the shape of ``ids``.
    """
    return ids.masked_fill(chosen, mask_id), ids.clone()


def mask_80_10_10(
    ids: Tensor,
    chosen: Tensor,
    tokenizer: Tokenizer,
    *,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """The training form of Devlin et al. 2019: of the chosen, 80 % masks, 10 % random tokens, 10 % left.

    A random token is never a special one. Labels are :data:`IGNORED` where nothing was chosen.

    Args:
        ids: int64 [..., n].
        chosen: bool, of the same shape.

    Returns:
        The corrupted ids and the labels, both of the shape of ``ids``.
    """
    fate = torch.rand(ids.shape, generator=generator)
    ordinary = torch.tensor([id for id in range(tokenizer.vocab_size) if id not in tokenizer.special_ids])
    random = ordinary[torch.randint(len(ordinary), ids.shape, generator=generator)]
    corrupted = torch.where(chosen & (fate < 0.8), tokenizer.mask_id, ids)
    corrupted = torch.where(chosen & (fate >= 0.9), random, corrupted)
    return corrupted, ids.masked_fill(~chosen, IGNORED)


def word_numbers(encoding: Encoding, text: str) -> list[int | None]:
    """For each token of ``text`` the number of its word, as a person counts; None outside words."""
    word_of: dict[int, int] = {}
    for number, (start, end) in enumerate(find_words(text)):
        word_of.update(dict.fromkeys(range(start, end), number))
    return [
        # A byte-level token may begin with the space before its word.
        word_of.get(end - 1) if end > start and not special else None
        for (start, end), special in zip(encoding.offsets, encoding.special, strict=True)
    ]
