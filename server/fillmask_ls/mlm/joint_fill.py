"""Fill all masks of a text together, so that their words agree with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from fillmask_ls import MASK
from fillmask_ls.spans import Span, replace_spans
from fillmask_ls.words import find_masks

from .arguments import check_count
from .beam_search import AllowedTokens, Hypothesis, Template, Tokens, beam_search
from .forward_steps import ForwardSteps
from .model import LoadedModel
from .records import Results
from .results import JointFill
from .spelling import Spelling
from .text_functions import over_texts
from .windows import Window, contexts, windows

_BEAM_SIZE = 5


@over_texts("masks")
def fill_jointly(
    model: LoadedModel, text: str, masks: Sequence[Span] | None = None, *, top_k: int = 5, only: range | None = None
) -> ForwardSteps[Results[JointFill]]:
    """Find the ``top_k`` most probable ways to fill all masks of a text with words of one subword.

    Masks in one window of a text longer than the model's limit agree; each window is filled by itself.

    Args:
        model: the model.
        text: a text of any length.
        masks: as for :func:`~fillmask_ls.mlm.prediction.predict`.
        top_k: at least 1.
        only: the indexes of the masks to fill, from 0; the others stay. By default all.

    Returns:
        The fills, the most probable first; fewer than ``top_k`` if fewer are found. For a text without masks, one fill
        without words.

    Raises:
        TypeError: ``top_k`` is not a whole number, or a mask is not a pair of indexes.
        ValueError: ``top_k`` is below 1; or ``masks`` are not in order, overlap, are outside of the text or not as long
            as ``[MASK]``.

    >>> mlm.fill_jointly(model, "She lives in [MASK] [MASK] City.")[0].words
    ('New', 'York')
    """
    masks = find_masks(text) if masks is None else masks
    check_count("top_k", top_k)
    only = range(len(masks)) if only is None else only
    best: list[tuple[float, tuple[str, ...]]] = [(0.0, ())]
    for window in windows(model, text, masks):
        window = _request_only(window, only)
        if not window.requested:
            continue
        hypotheses = yield from _fill_window(model, window, max(_BEAM_SIZE, top_k))
        combined = [
            (log_probability + hypothesis.log_probability, words + _words(model, window, hypothesis))
            for log_probability, words in best
            for hypothesis in hypotheses
        ]
        best = sorted(combined, key=lambda item: -item[0])[:top_k]
    spans = [masks[number] for number in only]
    return Results(
        JointFill(words, log_probability, replace_spans(text, zip(spans, words, strict=True)))
        for log_probability, words in best
    )


def _request_only(window: Window, only: range) -> Window:
    """Return the window with fewer masks requested; ``only`` contains indexes among the masks of the whole text."""
    start = max(window.requested.start, only.start - window.first_mask)
    stop = min(window.requested.stop, only.stop - window.first_mask)
    return replace(window, requested=range(start, max(start, stop)))


def _fill_window(model: LoadedModel, window: Window, beam_size: int) -> ForwardSteps[list[Hypothesis]]:
    encoded = contexts(model, window)
    template = Template(
        rows=[context.input_ids for context in encoded],
        positions=[encoded[0].mask_positions[number] for number in window.requested],
        allowed=_allowed_words(model, window),
    )
    return (yield from beam_search(model.log_probabilities, [template], beam_size=beam_size))


def _allowed_words(model: LoadedModel, window: Window) -> AllowedTokens:
    vocabulary = model.vocabulary
    fitting: list[Tensor] = [
        vocabulary.fitting_tokens(is_continuation=vocabulary.is_continuation(window.before(number)))
        for number in window.requested
    ]

    def allowed(tokens: Tokens) -> list[tuple[int, Tensor]]:
        return [(slot, fitting[slot]) for slot, token in enumerate(tokens) if token is None]

    return allowed


def _words(model: LoadedModel, window: Window, hypothesis: Hypothesis) -> tuple[str, ...]:
    """Return the words of a hypothesis, spelled from the last one to the first: a name begins before its second word."""
    spelling = Spelling(model.vocabulary, window.text)
    words: dict[int, str] = {}
    for number, token in reversed(list(zip(window.requested, hypothesis.filled_tokens, strict=True))):
        after = window.after(number)
        if number + 1 in words and after.startswith(f" {MASK}"):
            after = f" {words[number + 1]}"
        words[number] = spelling.word((token,), window.before(number), after=after)
    return tuple(reversed(words.values()))
