"""Compute the surprisal of each word of a text, and the words that the model expects in its place."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from fillmask_ls.spans import Span
from fillmask_ls.words import find_words

from .arguments import check_count, check_spans
from .forward_steps import ForwardSteps
from .masked_copies import batch_copies, masked_copies
from .model import LoadedModel
from .records import Results
from .results import Candidate, WordSurprisal
from .spelling import Spelling
from .text_functions import over_texts
from .tokenization import Encoding


@over_texts("spans")
def word_surprisals(
    model: LoadedModel, text: str, *, spans: Sequence[Span] | None = None, top_k: int = 3
) -> ForwardSteps[Results[WordSurprisal]]:
    """Compute how surprising each word of a text is, given the rest of the text.

    Surprisals and the probabilities of the expected words are on one scale: both are calibrated by the model's
    temperature, as those of :func:`~fillmask_ls.mlm.prediction.predict`. A word of one subword has the probability
    that ``predict`` gives it at a mask in its place.

    Args:
        model: the model.
        text: a text of any length; ``[MASK]`` is context and no word.
        spans: only the words inside these spans; by default all.
        top_k: the number of expected words, 0 or more.

    Returns:
        One surprisal, in bits, for each word that the model can read, in order.

    Raises:
        TypeError: ``top_k`` is not a whole number, or a span is not a pair of indexes.
        ValueError: ``top_k`` is below 0.

    >>> words = mlm.word_surprisals(model, "The capital of France is banana.")
    >>> max(words, key=lambda word: word.surprisal).text
    'banana'
    """
    check_count("top_k", top_k, least=0)
    check_spans("spans", spans or ())
    encoding = model.tokenizer.encode(text)
    spans = [(0, len(text))] if spans is None else spans
    words = [(start, end) for start, end in find_words(text) if any(a <= start and end <= b for a, b in spans)]
    tokens_of = {word: tokens for word in words if (tokens := _tokens(model, encoding, word))}
    word_at = {tokens[0]: word for word, tokens in tokens_of.items()}
    wanted = {token for tokens in tokens_of.values() for token in tokens}
    copies = masked_copies(model, 0, encoding, text, "within_word_l2r")
    spelling = Spelling(model.vocabulary, text)
    likelihoods: dict[int, float] = {}
    expected: dict[Span, tuple[Candidate, ...]] = {}
    for batch in batch_copies(copy for copy in copies if not wanted.isdisjoint(copy.tokens)):
        logits = yield batch.step
        scored = zip(batch.tokens, batch.log_likelihoods(logits, model.temperature), logits, strict=True)
        for (_, token), likelihood, token_logits in scored:
            likelihoods[token] = likelihood
            if token in word_at and top_k:
                expected[word_at[token]] = _expected(model, spelling, token_logits, text[: word_at[token][0]], top_k)
    return Results(
        WordSurprisal(
            text=text[slice(*word)],
            span=word,
            log_likelihood=sum(likelihoods[token] for token in tokens),
            expected=expected.get(word, ()),
            subwords=model.tokenizer.subwords([encoding.ids[token] for token in tokens]),
        )
        for word, tokens in tokens_of.items()
    )


def _tokens(model: LoadedModel, encoding: Encoding, word: Span) -> list[int]:
    """Return the indexes of a word's tokens, without masks."""
    return [
        token
        for token, (start, end) in enumerate(encoding.offsets)
        if start < word[1] and end > word[0] and encoding.ids[token] != model.tokenizer.mask_id
    ]


def _expected(model: LoadedModel, spelling: Spelling, logits: Tensor, before: str, top_k: int) -> tuple[Candidate, ...]:
    """Return the most probable words of one subword after the text ``before``."""
    vocabulary = model.vocabulary
    fits = vocabulary.fitting_tokens(is_continuation=vocabulary.is_continuation(before))
    probabilities = model.probabilities(logits)[: len(fits)].masked_fill(~fits, 0)
    best = probabilities.topk(min(top_k, len(fits)))
    return tuple(
        Candidate(spelling.word((id,), before), probability, model.tokenizer.subwords((id,)))
        for id, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    )
