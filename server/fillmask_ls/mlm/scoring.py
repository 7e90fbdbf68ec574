"""Score texts by pseudo-log-likelihood (Salazar et al. 2020, Kauf & Ivanova 2023)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args, overload

from fillmask_ls.spans import Span

from .arguments import check_base, check_spans
from .forward_steps import MAX_TOKENS_PER_STEP, ForwardSteps
from .masked_copies import batch_copies, masked_copies
from .model import LoadedModel
from .records import Results
from .results import Metric, Score, TokenScore
from .text_functions import check_texts, over_texts
from .tokenization import Encoding


@over_texts("spans")
def score(
    model: LoadedModel,
    text: str,
    *,
    metric: Metric = "within_word_l2r",
    base: float = 2.0,
    spans: Sequence[Span] | None = None,
) -> ForwardSteps[Score]:
    """Compute the pseudo-log-likelihood of a text: each token is masked in turn and predicted.

    Log-likelihoods are those of the training objective, not calibrated by the model's temperature, so they are
    comparable with minicons and with published figures.

    Args:
        model: the model.
        text: a text of any length. A text longer than the model's limit is read in windows that overlap. ``[MASK]``
            is context and is not scored.
        metric: what is masked together with a token; see :data:`~fillmask_ls.mlm.results.Metric`.
        base: of the logarithm in surprisals: 2 for bits, ``math.e`` for nats.
        spans: the characters of critical regions; only their tokens are scored. By default all.

    Returns:
        The score: log-likelihoods in nats, surprisals in the unit of ``base``, of tokens, words and regions.

    Raises:
        TypeError: ``base`` is not a number, or a span is not a pair of indexes.
        ValueError: ``metric`` is unknown, ``base`` is not above 1, or a span is not within the text.

    >>> good, bad = mlm.score(model, ["The sky is blue.", "The sky is banana."])
    >>> good.pseudo_log_likelihood > bad.pseudo_log_likelihood
    True
    """
    if metric not in get_args(Metric):
        raise ValueError(f"metric must be one of {', '.join(get_args(Metric))}, not {metric!r}")
    check_base(base)
    check_spans("spans", spans or (), len(text))
    encoding = model.tokenizer.encode(text)
    copies = masked_copies(model, 0, encoding, text, metric)
    if spans is not None:
        wanted = {token for span in spans for token in _tokens_in(encoding, span)}
        copies = (copy for copy in copies if not wanted.isdisjoint(copy.tokens))
    scores: dict[int, TokenScore] = {}
    for batch in batch_copies(copies):
        logits = yield batch.step
        found = zip(batch.tokens, batch.log_likelihoods(logits), batch.ranks(logits), strict=True)
        for (_, token), likelihood, rank in found:
            span = encoding.offsets[token]
            scores[token] = TokenScore(text[slice(*span)], span, likelihood, encoding.ids[token], rank, base)
    if spans is not None:
        scores = {token: scores[token] for token in scores if token in wanted}
    return Score(text, tuple(scores[token] for token in sorted(scores)), tuple(spans or ()), base)


def _tokens_in(encoding: Encoding, span: Span) -> list[int]:
    return [token for token, (start, end) in enumerate(encoding.offsets) if start < span[1] and end > span[0]]


@overload
def conditional(  # type: ignore[overload-overlap]
    model: LoadedModel,
    prefix: str,
    stimulus: str,
    *,
    separator: str = " ",
    metric: Metric = "within_word_l2r",
    base: float = 2.0,
) -> Score: ...


@overload
def conditional(
    model: LoadedModel,
    prefix: str | Iterable[str],
    stimulus: Iterable[str],
    *,
    separator: str = " ",
    metric: Metric = "within_word_l2r",
    base: float = 2.0,
    batch_tokens: int = MAX_TOKENS_PER_STEP,
    progress: bool = False,
) -> Results[Score]: ...


def conditional(
    model: LoadedModel,
    prefix: str | Iterable[str],
    stimulus: str | Iterable[str],
    *,
    separator: str = " ",
    metric: Metric = "within_word_l2r",
    base: float = 2.0,
    batch_tokens: int = MAX_TOKENS_PER_STEP,
    progress: bool = False,
) -> Score | Results[Score]:
    """Score a stimulus after a prefix: only the tokens of the stimulus are masked, and the prefix is context.

    Args:
        model: the model.
        prefix: a text, or one for each stimulus.
        stimulus: a text, or an iterable of texts.
        separator: between prefix and stimulus.
        metric: as for :func:`score`.
        base: as for :func:`score`.
        batch_tokens: as for :func:`score`.
        progress: as for :func:`score`.

    Returns:
        The score of prefix and stimulus as one text, with the tokens of the stimulus only; a list for many stimuli.

    Raises:
        TypeError: ``prefix`` or ``stimulus`` is not a string or an iterable of strings, or ``base`` is not a number.
        ValueError: there are not as many prefixes as stimuli, ``metric`` is unknown, or ``base`` is not above 1.

    >>> mlm.conditional(model, "The sky is", "blue.").tokens[0].text
    'blue'
    """
    many = not (isinstance(prefix, str) and isinstance(stimulus, str))
    stimuli = [stimulus] if isinstance(stimulus, str) else list(check_texts(stimulus))
    prefixes = [prefix] * len(stimuli) if isinstance(prefix, str) else list(check_texts(prefix))
    if isinstance(stimulus, str):
        stimuli *= len(prefixes)
    if len(prefixes) != len(stimuli):
        raise ValueError(f"there are {len(prefixes)} prefixes, but {len(stimuli)} stimuli")
    texts = [before + separator + after for before, after in zip(prefixes, stimuli, strict=True)]
    spans = [[(len(text) - len(after), len(text))] for text, after in zip(texts, stimuli, strict=True)]
    scores = score(
        model, texts, metric=metric, base=base, spans=spans, batch_tokens=batch_tokens, progress=progress and many
    )
    return scores if many else scores[0]
