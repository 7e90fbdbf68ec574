"""Results of a masked language model, as plain data. Nothing here imports torch, so remote engines don't need it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import islice
from math import exp, inf, log, log2
from typing import Any, Literal

from fillmask_ls.spans import Span
from fillmask_ls.words import find_words

from .records import Result

Metric = Literal["within_word_l2r", "original", "whole_word"]
"""What is masked while a token is scored, by minicons' names.

``original``: the token (Salazar et al. 2020). ``within_word_l2r``: the token and the rest of its word after it (Kauf &
Ivanova 2023), which is the least biased, because the subwords of a rare word predict one another. ``whole_word``: its
whole word (Kauf & Ivanova 2023).
"""


@dataclass(frozen=True, slots=True, repr=False)
class TokenScore(Result):
    """A token, word or region of a text, and its log-likelihood given all other words.

    Attributes:
        text: as it is written in the text.
        span: its characters.
        log_likelihood: in nats, at most 0; not calibrated by the model's temperature.
        id: of the token; None for words and regions.
        rank: of the token among all tokens of the vocabulary, from 1; None for words and regions.
        base: of the logarithm in ``surprisal``: 2 for bits, ``math.e`` for nats.
    """

    text: str
    span: Span
    log_likelihood: float
    id: int | None = None
    rank: int | None = None
    base: float = 2.0

    @property
    def surprisal(self) -> float:
        """The negative log-likelihood, at least 0; in bits unless ``base`` says otherwise."""
        return max(0.0, -self.log_likelihood / log(self.base))


@dataclass(frozen=True, slots=True, repr=False)
class Score(Result):
    """The pseudo-log-likelihood of a text; not calibrated by the model's temperature.

    Attributes:
        text: the scored text.
        tokens: its tokens without special tokens and masks; only those in ``spans`` if there are any.
        spans: the characters of critical regions, as they were given.
        base: of the logarithm in surprisals: 2 for bits, ``math.e`` for nats.
    """

    text: str
    tokens: tuple[TokenScore, ...]
    spans: tuple[Span, ...] = ()
    base: float = 2.0

    @property
    def pseudo_log_likelihood(self) -> float:
        """The sum over the tokens, in nats, at most 0; 0 for a text without tokens."""
        return sum(token.log_likelihood for token in self.tokens)

    @property
    def perplexity(self) -> float:
        """The pseudo-perplexity, two to the mean surprisal of a token (Salazar et al. 2020), at least 1."""
        return exp(-self.pseudo_log_likelihood / len(self.tokens)) if self.tokens else 1.0

    @property
    def surprisal(self) -> float:
        """The sum over the tokens, at least 0; in bits unless ``base`` says otherwise."""
        return max(0.0, -self.pseudo_log_likelihood / log(self.base))

    @property
    def words(self) -> tuple[TokenScore, ...]:
        """The words as a person counts them (``don't`` is one), each the sum of its tokens; without punctuation."""
        return tuple(score for word in find_words(self.text) if (score := self._sum(word)))  # a mask has no score

    @property
    def regions(self) -> tuple[TokenScore, ...]:
        """Each of ``spans`` as the sum of its tokens, in the order given; 0 for a span without tokens."""
        return tuple(self.region(span) for span in self.spans)

    def region(self, span: Span) -> TokenScore:
        """Return the sum of the tokens that share characters with a span."""
        return self._sum(span) or TokenScore(self.text[slice(*span)], span, 0.0, base=self.base)

    def _sum(self, span: Span) -> TokenScore | None:
        start, end = span
        first = bisect_right(self.tokens, start, key=_end)
        likelihoods = []
        for token in islice(self.tokens, first, None):
            if token.span[0] >= end:
                break
            likelihoods.append(token.log_likelihood)
        if not likelihoods:
            return None
        return TokenScore(self.text[start:end], span, sum(likelihoods), base=self.base)


def _end(token: TokenScore) -> int:
    return token.span[1]


@dataclass(frozen=True, slots=True, repr=False)
class TargetScore(Result):
    """A word or phrase at a mask, and its probability over the whole vocabulary.

    Attributes:
        text: the target, as it was given.
        log_likelihood: in nats, at most 0: the sum over its subwords, each given those before it, while those after it
            are masked (Kauf & Ivanova 2023). None if the vocabulary can't spell the target.
        rank: among all tokens of the vocabulary, from 1; None for targets of several subwords and unknown ones.
        subwords: its tokens with their ids.
        calibrated: whether the probability is calibrated by the model's temperature, as those of ``predict``.
        base: of the logarithm in ``surprisal``: 2 for bits, ``math.e`` for nats.
    """

    text: str
    log_likelihood: float | None
    rank: int | None
    subwords: tuple[tuple[str, int], ...]
    calibrated: bool = False
    base: float = 2.0

    @property
    def probability(self) -> float | None:
        """The joint probability of the subwords among all sequences of as many tokens, 0 to 1."""
        return None if self.log_likelihood is None else exp(self.log_likelihood)

    @property
    def surprisal(self) -> float | None:
        """The negative log-likelihood, at least 0; in bits unless ``base`` says otherwise."""
        return None if self.log_likelihood is None else max(0.0, -self.log_likelihood / log(self.base))


@dataclass(frozen=True, slots=True, repr=False)
class Candidate(Result):
    """A word that fits a mask.

    Attributes:
        text: the word in the case its place needs.
        probability: among all words the model could predict, 0 to 1; calibrated by the model's temperature.
        subwords: its tokens with their ids; empty if they are unknown.
    """

    text: str
    probability: float
    subwords: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Prediction(Result):
    """The model's prediction at one mask.

    Attributes:
        span: the mask's characters.
        candidates: the most probable words, the best first.
        entropy: of the calibrated distribution over the vocabulary, in bits: 0 (sure) to the logarithm of its size.
            None if only the best words are known.
    """

    span: Span
    candidates: tuple[Candidate, ...]
    entropy: float | None

    @property
    def effective_words(self) -> float | None:
        """The number of equally probable words with the same entropy: two to the entropy."""
        return None if self.entropy is None else float(2**self.entropy)

    def to_records(self) -> list[dict[str, Any]]:
        """Return a row for each candidate, with its rank from 1."""
        start, end = self.span
        return [
            {"start": start, "end": end, "rank": rank, **row, "entropy": self.entropy}
            for rank, candidate in enumerate(self.candidates, 1)
            for row in candidate.to_records()
        ]


@dataclass(frozen=True, slots=True, repr=False)
class JointFill(Result):
    """Words for several masks that agree with each other.

    Attributes:
        words: one for each filled mask, in order.
        log_probability: the logarithm of their joint probability in the order of the search, in nats; calibrated by
            the model's temperature.
        text: the text with the words in the masks' places.
    """

    words: tuple[str, ...]
    log_probability: float
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class WordSurprisal(Result):
    """A word of a text, how surprising it is, and what the model expects in its place.

    ``log_likelihood`` and the probabilities of ``expected`` are on one scale: calibrated by the model's temperature.

    Attributes:
        text: as it is written in the text.
        span: its characters.
        log_likelihood: in nats, at most 0: the sum over its subwords, each with the rest of the word masked (Kauf &
            Ivanova 2023).
        expected: the words of one subword that the model expects, the most probable first.
        subwords: its tokens with their ids.
    """

    text: str
    span: Span
    log_likelihood: float
    expected: tuple[Candidate, ...]
    subwords: tuple[tuple[str, int], ...]

    @property
    def surprisal(self) -> float:
        """The negative log-likelihood in bits, at least 0."""
        return max(0.0, -self.log_likelihood / log(2))

    @property
    def excess(self) -> float:
        """The bits by which the surprisal exceeds that of the most expected word; infinite without ``expected``."""
        return self.excess_over(self.expected[0]) if self.expected else inf

    def excess_over(self, other: Candidate) -> float:
        """Return the bits by which the surprisal exceeds that of an expected word; minus infinity if that can't be."""
        return self.surprisal + log2(other.probability) if other.probability else -inf


@dataclass(frozen=True, slots=True, repr=False)
class TokenCandidate(Result):
    """A token of the vocabulary and its probability (0 to 1) at a masked position."""

    token: str
    probability: float


@dataclass(frozen=True, slots=True, repr=False)
class InspectedToken(Result):
    """One position of an inspected text.

    Probabilities and the surprisal are calibrated by the model's temperature.

    Attributes:
        id: of the original token.
        token: the original token.
        span: its characters; ``(0, 0)`` for a special token that the tokenizer adds.
        masked: whether the model saw a mask here.
        predicted: the most probable token.
        probability: of the original token, 0 to 1; None where the text itself contains a mask.
        rank: of the original token among all tokens, from 1; equally probable tokens are in the order of
            ``predictions``. None if ``probability`` is.
        predictions: the most probable tokens at a masked position, the best first; empty at others.
    """

    id: int
    token: str
    span: Span
    masked: bool
    predicted: str
    probability: float | None
    rank: int | None = None
    predictions: tuple[TokenCandidate, ...] = ()

    @property
    def surprisal(self) -> float | None:
        """The surprisal of the original token in bits, at least 0; None if ``probability`` is."""
        if self.probability is None:
            return None
        return max(0.0, -log2(self.probability)) if self.probability else inf


@dataclass(frozen=True, slots=True, repr=False)
class Inspection(Result):
    """Masked language modeling on one text.

    ``loss``, ``masked_loss`` and ``perplexity`` are the training objective, not calibrated by ``temperature``.

    Attributes:
        model: its name.
        seed: of the random masking.
        rate: of the random masking, 0 to 1.
        tokens: every position, special tokens included.
        loss: the mean cross-entropy over all positions, in nats, at least 0.
        masked_loss: the same over the masked positions; None if there are none.
        layers: the number of layers.
        hidden_size: the width of the hidden states.
        hidden_norms: the mean L2 norm of the hidden states, first of the embeddings and then of each layer.
        temperature: divides the logits before probabilities are computed (Guo et al. 2017).
    """

    model: str
    seed: int
    rate: float
    tokens: tuple[InspectedToken, ...]
    loss: float
    masked_loss: float | None
    layers: int
    hidden_size: int
    hidden_norms: tuple[float, ...] = ()
    temperature: float = 1.0

    @property
    def perplexity(self) -> float:
        """The exponential of the loss, at least 1."""
        return exp(self.loss)
