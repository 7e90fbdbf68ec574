"""The whole masked-language-model walk over one text: tokenise, mask at random, predict, score."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .masking import IGNORED, choose, mask_plainly
from .model import MaskedLM
from .scoring import cross_entropy, forward, perplexity


@dataclass(frozen=True, slots=True)
class Token:
    """One position of the text: what stands there and what the model made of it.

    Attributes:
        id, token: the original's.
        span: characters of the text; ``(0, 0)`` for a special token that the model adds.
        masked: whether the model saw a mask here.
        predicted: the most probable token at this position.
        probability: the model's, for the original token (0 to 1); None where the text itself has a mask.
    """

    id: int
    token: str
    span: tuple[int, int]
    masked: bool
    predicted: str
    probability: float | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """Attributes:
    model: its name.
    seed, rate: of the random masking.
    tokens: every position, special tokens included.
    loss: cross-entropy in nats over all positions, 0 or more.
    masked_loss: over the masked positions only; None when there is none.
    layers: how many sets of hidden states there are: the embeddings' and each layer's.
    hidden_size: the width of each.
    """

    model: str
    seed: int
    rate: float
    tokens: tuple[Token, ...]
    loss: float
    masked_loss: float | None
    layers: int
    hidden_size: int

    @property
    def perplexity(self) -> float:
        """Over all positions: the exponential of the loss, at least 1."""
        return perplexity(self.loss)


def inspect(model: MaskedLM, text: str, *, rate: float = 0.15, seed: int = 0, whole_words: bool = False) -> Inspection:
    """Mask ``text`` at random, special tokens excepted, and compare what the model predicts with what was there.

    A mask that stands in the text stays one, and has no original to compare with, so no loss. A text that is too
    long for the model is read in consecutive windows.

    Raises:
        ValueError: ``rate`` is not between 0 and 1.
    """
    generator = torch.Generator().manual_seed(seed)
    tokens: list[Token] = []
    losses, masked_losses = [], []
    layers = hidden_size = 0
    for start, end in model.tokenizer.windows(text):
        window = text[start:end]
        encoding = model.tokenizer.encode(window)
        ids = torch.tensor([encoding.ids])
        chosen = choose(encoding, rate, generator=generator, whole_words=window if whole_words else None)
        input_ids, labels = mask_plainly(ids, chosen[None], model.tokenizer.mask_id)
        labels = labels.masked_fill(ids == model.tokenizer.mask_id, IGNORED)
        output = forward(model, input_ids)
        logits = output.logits[0].float().cpu()
        layers, hidden_size = len(output.hidden_states), output.hidden_states[-1].shape[-1]
        losses.append((cross_entropy(logits, labels[0]), int((labels != IGNORED).sum())))
        masked_losses.append((cross_entropy(logits, labels[0].masked_fill(~chosen, IGNORED)), int(chosen.sum())))
        probabilities = logits.softmax(-1)
        for i, id in enumerate(encoding.ids):
            a, b = encoding.offsets[i]
            tokens.append(
                Token(
                    id=id,
                    token=encoding.tokens[i],
                    span=(a + start, b + start) if (a, b) != (0, 0) else (0, 0),
                    masked=bool(input_ids[0, i] == model.tokenizer.mask_id),
                    predicted=model.tokenizer.vocabulary[int(logits[i, : model.tokenizer.vocab_size].argmax())],
                    probability=float(probabilities[i, id]) if labels[0, i] != IGNORED else None,
                )
            )
    return Inspection(
        model=model.name,
        seed=seed,
        rate=rate,
        tokens=tuple(tokens),
        loss=_mean(losses) or 0.0,
        masked_loss=_mean(masked_losses),
        layers=layers,
        hidden_size=hidden_size,
    )


def _mean(losses: list[tuple[torch.Tensor, int]]) -> float | None:
    """The mean over all positions of losses that are means over some."""
    count = sum(n for _, n in losses)
    return sum(float(loss) * n for loss, n in losses) / count if count else None
