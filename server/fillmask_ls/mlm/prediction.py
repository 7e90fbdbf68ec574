"""The words that fit at each mask of a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .model import MaskedLM
from .surface import Vocabulary, starts_sentence
from .tokenization import Encoding, Span, find_masks


@dataclass(frozen=True, slots=True)
class Word:
    """A word that fits, as it should be typed, and its probability over the whole vocabulary (0 to 1)."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class MaskPrediction:
    """What the model expects at one mask.

    Attributes:
        span: the mask's characters in the text given.
        words: the best first.
        entropy: of the whole distribution, in bits: 0 (sure) to the logarithm of the vocabulary's size.
    """

    span: Span
    words: tuple[Word, ...]
    entropy: float

    @property
    def effective_words(self) -> float:
        """The number of equally likely words that is as unsure: two to the entropy."""
        return float(2**self.entropy)


# What may follow a mask that ends its text: the sentence's end, or a word more. Asked alone, a model answers such a
# mask with a full stop; the mean of these two answers ranks the word that was there first 2 to 3 times as often.
_CONTINUATIONS = (".", " [MASK].")


@torch.inference_mode()
def predict(
    model: MaskedLM,
    text: str,
    masks: Sequence[Span] | None = None,
    *,
    top_k: int = 10,
    prefixes: Mapping[int, str] | None = None,
) -> list[MaskPrediction]:
    """The ``top_k`` best words at each mask, all masks of a window of the text from one forward.

    Words are tokens with a letter or digit in them; a mask that is glued to a word (``sum[MASK]``) gets the pieces
    that go on with it. Probabilities are those of the softmax over the whole vocabulary. A text that is too long for
    the model is read in windows around its masks.

    Args:
        masks: the spans of the masks, in order, each as long as ``[MASK]``; by default each ``[MASK]`` in the text.
        top_k: 1 or more; fewer words come back when fewer fit.
        prefixes: by the mask's number, what its word must begin with.

    Returns:
        One prediction a mask, in order; an empty list for a text without masks.

    Raises:
        ValueError: ``top_k`` is below 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    spans = find_masks(text) if masks is None else list(masks)
    return ranked(model, text, spans, distributions(model, text, spans), top_k=top_k, prefixes=prefixes)


@torch.inference_mode()
def distributions(model: MaskedLM, text: str, masks: Sequence[Span]) -> list[Tensor]:
    """The probabilities [vocabulary] of every token at each mask, in float32; arguments as for :func:`predict`."""
    found = []
    for numbers, (start, end) in _windows(model, text, masks):
        inside = [(masks[i][0] - start, masks[i][1] - start) for i in range(len(masks)) if start <= masks[i][0] < end]
        skipped = next(i for i, span in enumerate(masks) if span[0] >= start)
        answers = _distributions(model, text[start:end], inside)
        found += [answers[i - skipped] for i in numbers]
    return found


@torch.inference_mode()
def ranked(
    model: MaskedLM,
    text: str,
    masks: Sequence[Span],
    distributions: Sequence[Tensor],
    *,
    top_k: int,
    prefixes: Mapping[int, str] | None = None,
) -> list[MaskPrediction]:
    """What :func:`predict` makes of the distributions at the masks."""
    return [
        _prediction(model.vocabulary, distribution, text, span, top_k, (prefixes or {}).get(number, ""))
        for number, (span, distribution) in enumerate(zip(masks, distributions, strict=True))
    ]


def fill(model: MaskedLM, text: str) -> str:
    """``text`` with each mask replaced by its best word, if one fits; every other character stays as it is."""
    end = 0
    parts = []
    for prediction in predict(model, text, top_k=1):
        start, stop = prediction.span
        parts += [text[end:start], prediction.words[0].text if prediction.words else text[start:stop]]
        end = stop
    return "".join([*parts, text[end:]])


def mask_logits(model: MaskedLM, encodings: Sequence[Encoding]) -> list[Tensor]:
    """The logits at the masks of each text, from one forward, in float32; the decoder sees no other position.

    Returns:
        For each encoding with ``m`` masks, a tensor [m, vocabulary].
    """
    rows = [encoding.ids for encoding in encodings]
    asked = [[at for at, id in enumerate(row) if id == model.tokenizer.mask_id] for row in rows]
    return list(torch.split(model.logits(rows, asked).float().cpu(), [len(positions) for positions in asked]))


def _windows(model: MaskedLM, text: str, masks: Sequence[Span]) -> Iterator[tuple[range, Span]]:
    """Which masks, by number, to ask in which span of the text, so that each has context on both sides."""
    if not masks:
        return
    encoding = model.tokenizer.encode(text, masks)
    room = model.tokenizer.max_length - model.tokenizer.added_tokens - len(_CONTINUATIONS[-1])
    if len(encoding.ids) <= room:
        yield range(len(masks)), (0, len(text))
        return
    content = encoding.content(model.tokenizer.mask_id)
    at = [i for i, token in enumerate(content) if encoding.ids[token] == model.tokenizer.mask_id]
    starts = [encoding.offsets[token][0] for token in content]
    first = 0
    while first < len(masks):
        low = max(0, min(at[first] - room // 2, len(content) - room))
        high = low + room
        last = first + 1
        while last < len(masks) and (high == len(content) or at[last] <= high - room // 4) and at[last] < high:
            last += 1
        yield range(first, last), (starts[low] if low else 0, starts[high] if high < len(content) else len(text))
        first = last


def _distributions(model: MaskedLM, text: str, masks: Sequence[Span]) -> Tensor:
    """The probabilities [len(masks), vocabulary] at the masks of a text that fits the model."""
    encode = model.tokenizer.encode
    if text[masks[-1][1] :].strip():
        encodings = [encode(text, masks)]
    else:
        told = text[: masks[-1][1]]
        encodings = [encode(told + more, [*masks, *find_masks(more, len(told))]) for more in _CONTINUATIONS]
    answers = [logits[: len(masks)].softmax(-1) for logits in mask_logits(model, encodings)]
    return torch.stack(answers).mean(0) if len(answers) > 1 else answers[0]


def _prediction(
    vocabulary: Vocabulary, distribution: Tensor, text: str, span: Span, top_k: int, prefix: str
) -> MaskPrediction:
    before = text[: span[0]]
    fits = vocabulary.beginning_with(prefix) if prefix else vocabulary.fits_after(before)
    found = distribution[: len(fits)].masked_fill(~fits, -1).topk(min(2 * top_k, len(fits)))
    capital = starts_sentence(before)
    words: dict[str, float] = {}
    for probability, index in zip(found.values.tolist(), found.indices.tolist(), strict=True):
        if probability < 0:
            break
        word = vocabulary.typed(index, capital=capital, prefix=prefix)
        words[word] = words.get(word, 0.0) + probability  # "The" and "the" are one word at a sentence's start
    best = sorted(words.items(), key=lambda item: -item[1])[:top_k]
    entropy = -float(distribution @ distribution.clamp_min(1e-30).log2())
    return MaskPrediction(span, tuple(Word(word, probability) for word, probability in best), entropy)
