"""The price of a question: its cost, estimated from its lengths before anything is computed.

The estimates were compared with what the embedded model computes: ``tests/engine/serving/test_pricing.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fillmask_ls import MASK
from fillmask_ls.spans import Span

from ..api import (
    ClozeQuestion,
    FillQuestion,
    InspectQuestion,
    LossQuestion,
    PredictQuestion,
    Priority,
    Question,
    RankTargetsQuestion,
    SampleMaskQuestion,
    ScoreQuestion,
    SubstitutesQuestion,
    SurprisalQuestion,
)

_BYTES_PER_TOKEN = 3
"""English has 4 to 5, Chinese 3."""
_WINDOW_TOKENS = 512
"""Tokens that a network reads at once; longer texts are cut into windows."""
_SEARCH_CONTEXT = 128
"""Tokens that the search for words of several subwords reads."""
_OVERHEAD = 32
"""The work for any question in addition to its forward steps, in tokens."""
_RESPONSE_BYTES_PER_TOKEN = 3000
"""Bytes of a response that take as long as one token."""
_BEAM_SIZE = 5
_MAX_INTERACTIVE, _MAX_HINT = 5_000, 50_000
"""Maximum tokens of the questions with these priorities."""


@dataclass(frozen=True, slots=True)
class Price:
    """The estimated cost of a question.

    Attributes:
        forward_tokens: tokens that the network reads over all forward steps: the measure of time.
        logit_rows: rows of logits over the vocabulary that are in memory at once.
        response_bytes: bytes of the response.
    """

    forward_tokens: int
    logit_rows: int = 1
    response_bytes: int = 0

    @property
    def priority(self) -> Priority:
        """The priority of a question at this price: a cheap one never waits for an expensive one."""
        if self.forward_tokens <= _MAX_INTERACTIVE:
            return Priority.INTERACTIVE
        return Priority.HINT if self.forward_tokens <= _MAX_HINT else Priority.BACKGROUND

    @classmethod
    def total(cls, prices: Iterable[Price]) -> Price:
        """Return the price of several questions, a few of which are computed at a time."""
        listed = list(prices)
        return cls(
            sum(price.forward_tokens for price in listed),
            max((price.logit_rows for price in listed), default=0),
            sum(price.response_bytes for price in listed),
        )


def price(question: Question, max_tokens: int = 4096) -> Price:
    """Return the price of a question, in time proportional to the length of its lists and of its text in UTF-8.

    Args:
        max_tokens: the most tokens of a text; longer ones are refused when they are counted.
    """
    tokens = min(max_tokens, estimate_tokens(question.text))
    window_tokens = min(tokens, _WINDOW_TOKENS)
    contexts = 2 if question.text.rstrip().endswith(MASK) else 1
    match question:
        case PredictQuestion():
            windows = 1 if tokens <= _WINDOW_TOKENS else min(len(question.masks), 1 + 4 * tokens // _WINDOW_TOKENS)
            searched, at_once = _search(question, window_tokens)
            cost = Price(
                contexts * (windows * window_tokens + searched),
                contexts * max(len(question.masks), at_once),
                100 * question.top_k * len(question.masks),
            )
        case FillQuestion():
            beam = max(_BEAM_SIZE, question.top_k)
            masks = len(question.masks) if question.to_fill is None else question.to_fill[1] - question.to_fill[0]
            response_bytes = question.top_k * (60 + len(question.text) + 15 * masks)
            cost = Price(
                contexts * window_tokens * (1 + beam * max(0, masks - 1)), contexts * beam * masks, response_bytes
            )
        case LossQuestion():
            cost = Price(tokens + window_tokens, len(question.masks))
        case SubstitutesQuestion():
            cost = Price(300 + 2 * window_tokens, 1, 100 * question.top_k)
        case RankTargetsQuestion(targets=targets) | ClozeQuestion(targets=targets):
            subwords = [max(1, (len(target) - 6) // 2) for target in targets]
            input_rows = 1 + sum(subwords) - len(subwords)
            response_bytes = sum(150 + 8 * len(target) for target in targets)
            cost = Price(
                contexts * input_rows * (window_tokens + max(subwords, default=0)),
                contexts * sum(subwords),
                response_bytes,
            )
        case SurprisalQuestion(spans=spans):
            scored = _tokens_inside(question.text, spans, tokens)
            cost = Price(scored * window_tokens, max(1, 2048 // window_tokens), scored * (150 + 100 * question.top_k))
        case ScoreQuestion(spans=spans):
            touched = len(spans or ())  # a span of one letter scores its whole token
            scored = min(tokens, touched + _tokens_inside(question.text, spans, tokens))
            cost = Price(scored * window_tokens, max(1, 2048 // window_tokens), 125 * scored + 30 * touched)
        case InspectQuestion():
            cost = Price(4 * tokens, window_tokens, 400 * tokens)
        case SampleMaskQuestion():
            cost = Price(tokens // 100, 0, 20 * tokens)
    return Price(
        _OVERHEAD + cost.forward_tokens + cost.response_bytes // _RESPONSE_BYTES_PER_TOKEN,
        cost.logit_rows,
        cost.response_bytes,
    )


def estimate_tokens(text: str) -> int:
    """Estimate the number of a text's tokens from its length in UTF-8."""
    return 2 + -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)


def _search(question: PredictQuestion, window_tokens: int) -> tuple[int, int]:
    """Return the forward tokens and the rows of logits of the search for words of several subwords."""
    longest = question.max_subwords
    if longest == 1:
        return 0, 0
    input_rows = 2 * longest**2 if question.prefix else longest
    return input_rows * (min(window_tokens, _SEARCH_CONTEXT) + longest), 2 * longest**2


def _tokens_inside(text: str, spans: Sequence[Span] | None, tokens: int) -> int:
    """Estimate how many of a text's tokens are inside spans; all without spans."""
    if spans is None:
        return tokens
    inside = sum(end - start for start, end in spans)
    return min(tokens, 1 + tokens * inside // max(1, len(text)))
