"""Lexical substitution: other words for a word of a text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import normalize

from fillmask_ls import MASK, english
from fillmask_ls.english.thesaurus import antonyms, other_forms, related_words
from fillmask_ls.spans import Span
from fillmask_ls.words import find_unmasked_words

from .arguments import check_count, check_span
from .forward_steps import ForwardStep, ForwardSteps
from .model import LoadedModel
from .records import Results
from .results import Candidate
from .spelling import Spelling, is_abbreviation, is_in_capitals, sentence_around
from .text_functions import over_texts
from .windows import Context, Window, contexts, subwords_at, windows

_SIMILARITY_WEIGHT = 10.0
"""In nats, for a cosine similarity of 1."""
_RELATED_WEIGHT = 4.0
"""In nats, for a word that the thesaurus relates to the word."""
_ANTONYM_WEIGHT = -10.0
"""In nats, for a word that the thesaurus lists as an antonym, or a contrast, such as *mother* for *father*."""
_IN_SENTENCE_WEIGHT = -8.0
"""In nats, for a word of the same sentence that the thesaurus does not relate to the word."""
_FUNCTION_WORD_WEIGHT = -5.0
"""In nats, for a function word in place of a content word."""
_OTHER_FORM_WEIGHT = -5.0
"""In nats, for a related word in another form, such as *larger* for *big*."""
_DERIVING_ENDINGS = {
    "able", "ation", "ened", "ening", "ful", "fully", "hood", "less", "lessly", "like", "ment", "ness", "ship", "some", "wise",
}  # fmt: skip
"""Endings that make a word of another kind, which can't replace it."""
_CONTRACTION = re.compile(
    r"\w*n['’]t|\w+['’](?:m|re|ve|ll|d)|['’]t(?:is|was)|(?:y['’]all|o['’]clock|ma['’]am)"
    r"|(?:i|it|he|she|that|this|there|here|what|who|where|when|how|why|let|everything|something|nothing|one)['’]s",
    re.IGNORECASE,
)
"""English words that contain a verb besides their first word, and the few others that are always written so."""
_POSSESSIVE = re.compile(r"(.*\w)(['’]s)", re.IGNORECASE)
_BLOCK = 2048
"""Embeddings that are converted to float32 at a time."""
_MAX_CONTEXT = 30
"""Tokens on each side of the word in the passage's copies."""


@over_texts("span")
def substitutes(model: LoadedModel, text: str, span: Span, *, top_k: int = 10) -> ForwardSteps[Results[Candidate]]:
    """Find the words that could replace the one at ``span`` with about the same meaning.

    The model reads up to 30 tokens on each side of the word, twice in a row: first with the word, then with a mask in
    its place (after Qiang et al. 2020). Its prediction at the mask is weighed by the cosine similarity of the words'
    embeddings (after Arefyev et al. 2020). In English, words that a thesaurus relates to the word come earlier. Its
    antonyms and contrasts (``mother`` for ``father``) come last, words of the same sentence and function words late.
    The word itself and its other forms (``walks`` for ``walked``) are left out. A possessive keeps its ending
    (``student's`` for ``teacher's``); a contraction (``didn't``) has no substitutes.

    Args:
        model: the model.
        text: a text of any length.
        span: the characters of a word or phrase.
        top_k: at least 1.

    Returns:
        Up to ``top_k`` words of one subword, the best first; none for an English contraction. The probabilities of all
        words that are not left out add up to 1.

    Raises:
        TypeError: ``span`` is not a pair of numbers.
        ValueError: there is no word at ``span``, it is too long for the model, or ``top_k`` is below 1.

    >>> words = mlm.substitutes(model, "The weather is beautiful today.", (15, 24))
    >>> "lovely" in [word.text for word in words]
    True
    """
    check_span("span", span)
    start, end = span
    check_count("top_k", top_k)
    if not (0 <= start < end <= len(text) and text[start:end].strip()):
        raise ValueError(f"there is no word at {start} to {end}")
    word, ending = text[start:end], ""
    if model.vocabulary.is_english:
        if _CONTRACTION.fullmatch(word):
            return Results()
        if possessive := _POSSESSIVE.fullmatch(word):
            word, ending = possessive.groups()
            end = start + len(word)
    window = next(windows(model, text[:start] + MASK + text[end:], [(start, start + len(MASK))]))
    subwords = subwords_at(model, window, 0, word)
    row, position = _two_copies(model, contexts(model, window)[0], subwords)
    logits = yield ForwardStep([row], [[position]])
    best = _best(model, window, word, _scores(model, window, word, subwords, logits[0]), top_k)
    return Results(replace(found, text=found.text + ending) for found in best)


def _two_copies(model: LoadedModel, context: Context, subwords: Sequence[int]) -> tuple[list[int], int]:
    """Return the passage with the word, then with the mask, as token ids; and the position of the mask."""
    first, last = model.tokenizer.split_added_tokens(context.input_ids)
    room = model.tokenizer.max_length - len(first) - len(last) - len(subwords) - 1
    if room < 0:
        raise ValueError(f"a word of {len(subwords)} tokens is too long for the model")
    size = min(_MAX_CONTEXT, room // 4)
    [position] = context.mask_positions
    before = context.input_ids[max(len(first), position - size) : position]
    after = context.input_ids[position + 1 : len(context.input_ids) - len(last)][:size]
    row = [*first, *before, *subwords, *after, *before, model.tokenizer.mask_id, *after, *last]
    return row, len(row) - len(last) - len(after) - 1


def _scores(model: LoadedModel, window: Window, word: str, subwords: Sequence[int], logits: Tensor) -> Tensor:
    """Compute the scores [vocabulary] of substitutes, in nats, from the logits [vocabulary] at the mask."""
    vocabulary = model.vocabulary
    is_continuation = vocabulary.is_continuation(window.before(0))
    allowed = vocabulary.fitting_tokens(is_continuation=is_continuation).clone()
    allowed[list(subwords)] = False
    scores = model.log_probabilities(logits)[: len(allowed)]
    if subwords:
        scores = scores + _SIMILARITY_WEIGHT * _similarities(model.embeddings[: len(allowed)], subwords)
    if vocabulary.is_english:
        for words, weight in _weighed_words(word, window.before(0), window.after(0)):
            scores[vocabulary.tokens_of(words, is_continuation=is_continuation)] += weight
    return scores.masked_fill(~allowed, -torch.inf)


def _weighed_words(word: str, before: str, after: str) -> Iterator[tuple[Collection[str], float]]:
    """Yield the English words that are more or less likely substitutes of a word between two texts, with their weights."""
    contrasts = english.contrasts_with(word)
    related = set(related_words(word)) - contrasts  # WordNet relates queen to king
    yield related, _RELATED_WEIGHT
    yield contrasts.union(antonyms(word)), _ANTONYM_WEIGHT
    yield _words_of_sentence(before, after) - related, _IN_SENTENCE_WEIGHT
    if english.is_content_word(word):
        yield english.function_words(), _FUNCTION_WORD_WEIGHT
    yield {form for other in related for form in other_forms(other)} - related, _OTHER_FORM_WEIGHT
    yield other_forms(word), -torch.inf


def _words_of_sentence(before: str, after: str) -> set[str]:
    """Return the other words, in lower case, of the sentence around a word between two texts."""
    sentence = sentence_around(before, after)
    return {sentence[start:end].casefold() for start, end in find_unmasked_words(sentence)}


def _similarities(embeddings: Tensor, subwords: Sequence[int]) -> Tensor:
    """Compute the cosine similarities [vocabulary] of embeddings [vocabulary, hidden] to the mean of those of subwords.

    Block by block: all of them in float32 at once take some thirty times as long, mostly to get memory.
    """
    word = normalize(embeddings[list(subwords)].float().mean(0), dim=0)
    blocks = (block.float() for block in torch.split(embeddings, _BLOCK))
    return torch.cat([block @ word / torch.linalg.vector_norm(block, dim=1).clamp_min(1e-8) for block in blocks]).cpu()


def _best(model: LoadedModel, window: Window, word: str, scores: Tensor, top_k: int) -> list[Candidate]:
    vocabulary = model.vocabulary
    original = vocabulary.normalized(word)
    # Five times as many, because some are forms of the word itself.
    ids = scores.topk(min(5 * top_k, int(scores.isfinite().sum()))).indices.tolist()
    forms = [id for id in ids if _is_form_of(vocabulary.normalized(vocabulary.texts[id]), original)]
    scores[forms] = -torch.inf
    best = scores.softmax(-1).topk(min(top_k, len(ids) - len(forms)))
    spelling, before, after = Spelling(vocabulary, window.text), window.before(0), window.after(0)
    is_upper = len(word) > 1 and word.isupper()
    # In a sentence in small letters, HAPPY stresses a word, but NASA is a name: its substitutes are no abbreviations.
    is_name = is_upper and vocabulary.is_english and is_abbreviation(word) and not is_in_capitals(before, after)
    capital = word[:1].isupper() and not is_name
    candidates = []
    for probability, id in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        text = spelling.word((id,), before, after=after, capital=capital)
        candidates.append(Candidate(text.upper() if is_upper and not is_name else text, probability))
    return candidates


def _is_form_of(word: str, other: str) -> bool:
    """Return whether two words look like forms of one: they differ in an ending, *walk* and *walked*, *dark* and *darkness*."""
    differences = (index for index, (a, b) in enumerate(zip(word, other, strict=False)) if a != b)
    stem = next(differences, min(len(word), len(other)))
    shorter, longer = sorted((len(word) - stem, len(other) - stem))
    if shorter == 0 and (word[stem:] or other[stem:]) in _DERIVING_ENDINGS:
        return stem >= 3
    return longer == 0 or (longer <= 3 and (stem > 3 or (stem == 3 and shorter == 0)))
