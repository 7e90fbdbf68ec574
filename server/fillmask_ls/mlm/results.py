"""What a model says of a text, as plain data: nothing here imports torch, so that whoever asks a model elsewhere needs none."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, log2
from typing import Literal

from fillmask_ls.spans import Span
from fillmask_ls.words import find_words

Metric = Literal["within_word_l2r", "original", "whole_word"]
"""What is masked while a token is scored: the token and the rest of its word behind it (Kauf & Ivanova 2023), the
token alone (Salazar et al. 2020), or its whole word (Kauf & Ivanova 2023). The first is the least biased: alone, the
pieces of a rare word give one another away."""


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A token or word of a text, and how likely it is given all the rest.

    Attributes:
        text: as it stands in the text.
        span: its characters.
        log_likelihood: in nats, at most 0.
    """

    text: str
    span: Span
    log_likelihood: float

    @property
    def surprisal(self) -> float:
        """In bits, at least 0: each bit more halves the likelihood."""
        return max(0.0, -self.log_likelihood / log(2))


@dataclass(frozen=True, slots=True)
class Score:
    """How likely a text is to a masked language model; a text without tokens scores 0, and its perplexity is 1."""

    text: str
    tokens: tuple[TokenScore, ...]

    @property
    def pseudo_log_likelihood(self) -> float:
        """The sum over the tokens, in nats, at most 0."""
        return sum(token.log_likelihood for token in self.tokens)

    @property
    def perplexity(self) -> float:
        """Pseudo-perplexity, from 1: two to the mean surprisal of a token (Salazar et al. 2020)."""
        return exp(-self.pseudo_log_likelihood / len(self.tokens)) if self.tokens else 1.0

    @property
    def words(self) -> tuple[TokenScore, ...]:
        """The words as a person counts them (``don't`` is one), each the sum of its tokens; punctuation is none."""
        found = []
        tokens = iter(self.tokens)
        token = next(tokens, None)
        for start, end in find_words(self.text):
            inside = []
            while token is not None and token.span[0] < end:
                if token.span[1] > start:
                    inside.append(token.log_likelihood)
                token = next(tokens, None)
            if inside:  # a mask is no word
                found.append(TokenScore(self.text[start:end], (start, end), sum(inside)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that fits.

    Attributes:
        text: as it should be typed.
        probability: among all that the model could say, 0 to 1.
        subwords: the tokens it is made of, with their ids; empty where they are not known.
    """

    text: str
    probability: float
    subwords: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model expects at one mask.

    Attributes:
        span: the mask's characters in the text given.
        candidates: the best first.
        entropy: of the distribution over the whole vocabulary, in bits: 0 (sure) to the logarithm of its size. None where
            only the best words are known.
    """

    span: Span
    candidates: tuple[Candidate, ...]
    entropy: float | None

    @property
    def effective_words(self) -> float | None:
        """The number of equally likely words that is as unsure: two to the entropy."""
        return None if self.entropy is None else float(2**self.entropy)


@dataclass(frozen=True, slots=True)
class JointFill:
    """A word for each mask.

    Attributes:
        words: of the masks that were asked for, in their order.
        log_probability: the logarithm of their joint probability, in the order in which the search chose them.
        text: the text with the words in the masks' places.
    """

    words: tuple[str, ...]
    log_probability: float
    text: str


@dataclass(frozen=True, slots=True)
class WordSurprisal:
    """A word of a text, and what the model thinks of it.

    Attributes:
        text: as it stands in the text.
        span: its characters.
        log_likelihood: in nats, at most 0: that of its pieces, each with the rest of its word masked (Kauf & Ivanova
            2023).
        expected: what the model would have said in its place, words of one piece, the best first.
        subwords: the tokens it is made of, with their ids.
    """

    text: str
    span: Span
    log_likelihood: float
    expected: tuple[Candidate, ...]
    subwords: tuple[tuple[str, int], ...]

    @property
    def surprisal(self) -> float:
        """In bits, at least 0."""
        return max(0.0, -self.log_likelihood / log(2))


@dataclass(frozen=True, slots=True)
class TokenCandidate:
    """A token of the vocabulary and its probability at a masked position (0 to 1)."""

    token: str
    probability: float


@dataclass(frozen=True, slots=True)
class Token:
    """One position of the text: what stands there and what the model made of it.

    Attributes:
        id, token: the original's.
        span: characters of the text; ``(0, 0)`` for a special token that the model adds.
        masked: whether the model saw a mask here.
        predicted: the most probable token at this position.
        probability: the model's, for the original token (0 to 1); None where the text itself has a mask. Not divided by
            the model's temperature, as the loss isn't.
        rank: the original's place among all tokens, from 1, the most probable; among equals, as ``predictions`` has
            them. None where there is no probability.
        predictions: the most probable tokens at a masked position, the best first; empty at any other.
    """

    id: int
    token: str
    span: tuple[int, int]
    masked: bool
    predicted: str
    probability: float | None
    rank: int | None = None
    predictions: tuple[TokenCandidate, ...] = ()

    @property
    def surprisal(self) -> float | None:
        """Of the original token, in bits, at least 0: each bit more halves the probability; None where there is none."""
        if self.probability is None:
            return None
        return max(0.0, -log2(self.probability)) if self.probability else inf


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
    hidden_norms: of each set, the L2 norm of a position's hidden state, as a mean over all positions; ``layers`` of
        them, the embeddings' first.
    """

    model: str
    seed: int
    rate: float
    tokens: tuple[Token, ...]
    loss: float
    masked_loss: float | None
    layers: int
    hidden_size: int
    hidden_norms: tuple[float, ...] = ()

    @property
    def perplexity(self) -> float:
        """Over all positions: the exponential of the loss, at least 1."""
        return exp(self.loss)
