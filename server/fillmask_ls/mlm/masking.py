"""Mask tokens at random, as in masked-language-model training (Devlin et al. 2019, section 3.1)."""

from __future__ import annotations

from hashlib import sha256

import torch
from torch import Tensor

from fillmask_ls.spans import Span
from fillmask_ls.words import find_words

from .forward_steps import ForwardSteps, without_steps
from .likelihood import IGNORE_INDEX
from .model import LoadedModel
from .text_functions import over_texts
from .tokenization import Encoding, Tokenizer


def sample_mask(
    encoding: Encoding,
    rate: float = 0.15,
    *,
    generator: torch.Generator | None = None,
    whole_words: str | None = None,
) -> Tensor:
    """Choose the tokens to mask, each with probability ``rate``; never a special token.

    Args:
        encoding: a text of ``n`` tokens.
        rate: 0 to 1.
        generator: the source of randomness; the same state gives the same mask.
        whole_words: the text that was encoded, to mask all tokens of a word together (Devlin's whole-word masking).
            ``don't`` is one word; the full stop after a word is a token of its own.

    Returns:
        A bool tensor [n], True where a token is to be masked.

    Raises:
        ValueError: ``rate`` is not between 0 and 1.

    >>> encoding = model.tokenizer.encode("The quick brown fox.")
    >>> mlm.sample_mask(encoding, 0.5, generator=torch.Generator().manual_seed(0))
    tensor([False, False,  True,  True,  True, False, False])
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"the masking rate must lie between 0 and 1, not be {rate}")
    ordinary = ~torch.tensor(encoding.special, dtype=torch.bool)
    draws = torch.rand(len(encoding.ids), generator=generator)
    if whole_words is not None:
        # All tokens of a word share the draw of its first token.
        first_token: dict[int, int] = {}
        numbers = enumerate(word_numbers(encoding, whole_words))
        shared = [token if number is None else first_token.setdefault(number, token) for token, number in numbers]
        draws = draws[torch.tensor(shared, dtype=torch.long)]
    return (draws < rate) & ordinary


def seeded_generator(seed: int, text: str) -> torch.Generator:
    """Return a source of randomness for one text: the same on every machine, and another for each text and seed.

    >>> generator = mlm.seeded_generator(7, "The quick brown fox.")
    >>> mlm.sample_mask(model.tokenizer.encode("The quick brown fox."), 0.5, generator=generator).tolist()
    [False, False, True, False, True, True, False]
    """
    digest = sha256(f"{seed}:{text}".encode("utf-8", "surrogatepass")).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@over_texts()
def sample_mask_spans(
    model: LoadedModel, text: str, *, rate: float = 0.15, seed: int = 0, whole_words: bool = False
) -> ForwardSteps[list[Span]]:
    """Choose the characters to mask in a text of any length, with :func:`sample_mask`.

    Args:
        model: the model, whose tokenizer cuts the text into tokens.
        text: a text; a ``[MASK]`` in it is never chosen.
        rate: the probability of masking a token, 0 to 1.
        seed: of the random choice; with one seed, each text has its own draw, the same on every machine.
        whole_words: choose words with all their tokens.

    Returns:
        The spans of tokens or words, in order.

    Raises:
        ValueError: ``rate`` is not between 0 and 1.

    >>> mlm.sample_mask_spans(model, "The quick brown fox jumps over the lazy dog.", seed=3)
    [(10, 15)]
    """
    return without_steps(lambda: _sample_mask_spans(model.tokenizer, text, rate, seed, whole_words))


def _sample_mask_spans(tokenizer: Tokenizer, text: str, rate: float, seed: int, whole_words: bool) -> list[Span]:
    generator = seeded_generator(seed, text)
    spans: list[Span] = []
    for begin, end in tokenizer.windows(text):
        window = text[begin:end]
        encoding = tokenizer.encode(window)
        chosen = sample_mask(encoding, rate, generator=generator, whole_words=window if whole_words else None)
        numbers = word_numbers(encoding, window)
        previous = None
        for token in chosen.nonzero().flatten().tolist():
            low, high = encoding.offsets[token]
            low += len(window[low:high]) - len(window[low:high].lstrip())  # a byte-level token begins with a space
            if encoding.ids[token] == tokenizer.mask_id or low >= high:
                continue
            if whole_words and numbers[token] is not None and numbers[token] == previous:
                spans[-1] = (spans[-1][0], begin + high)
            else:
                spans.append((begin + low, begin + high))
            previous = numbers[token]
    return spans


def mask_all(input_ids: Tensor, chosen: Tensor, mask_id: int) -> tuple[Tensor, Tensor]:
    """Replace every chosen token with the mask token.

    Args:
        input_ids: int64 [..., n].
        chosen: bool [..., n], the positions to mask.
        mask_id: the id of the mask token.

    Returns:
        The masked ids and the labels, which are the original ids at all positions; both [..., n].
    """
    return input_ids.masked_fill(chosen, mask_id), input_ids.clone()


def mask_80_10_10(
    input_ids: Tensor,
    chosen: Tensor,
    tokenizer: Tokenizer,
    *,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Corrupt chosen tokens as BERT's training does: 80 % masks, 10 % random tokens, 10 % unchanged.

    Random tokens are never special tokens.

    Args:
        input_ids: int64 [..., n].
        chosen: bool [..., n], the positions to corrupt.
        tokenizer: the model's tokenizer.
        generator: the source of randomness.

    Returns:
        The corrupted ids, and the labels: :data:`IGNORE_INDEX` where nothing was chosen; both [..., n].
    """
    draws = torch.rand(input_ids.shape, generator=generator)
    ordinary = torch.tensor([id for id in range(tokenizer.vocab_size) if id not in tokenizer.special_ids])
    random = ordinary[torch.randint(len(ordinary), input_ids.shape, generator=generator)]
    corrupted = torch.where(chosen & (draws < 0.8), tokenizer.mask_id, input_ids)
    corrupted = torch.where(chosen & (draws >= 0.9), random, corrupted)
    return corrupted, input_ids.masked_fill(~chosen, IGNORE_INDEX)


def word_numbers(encoding: Encoding, text: str) -> list[int | None]:
    """Return the number of each token's word, as a person counts words; None outside words."""
    number_at: dict[int, int] = {}
    for number, (start, end) in enumerate(find_words(text)):
        number_at.update(dict.fromkeys(range(start, end), number))
    return [
        # The last character counts, because a byte-level token can begin with the space before its word.
        number_at.get(end - 1) if end > start and not special else None
        for (start, end), special in zip(encoding.offsets, encoding.special, strict=True)
    ]
