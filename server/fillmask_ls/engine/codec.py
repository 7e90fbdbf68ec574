"""Our own protocol: questions and answers as JSON, checked where they arrive.

A request is ``{"version": 2, "ask": "predict", "question": {...}}``, its reply ``{"version": 2, "model": "...",
"answer": ...}``; an error is ``{"error": "..."}``. ``ask`` is the name of a method
of :class:`~fillmask_ls.engine.api.Engine`, and the fields are those of its types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from math import isfinite
from typing import Any, get_args

import regex
from cattrs import ClassValidationError, Converter

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import SUBWORDS_LIMIT

from .api import (
    Candidate,
    ClozeQuestion,
    FillQuestion,
    Inspection,
    InspectQuestion,
    JointFill,
    LossQuestion,
    Metric,
    Prediction,
    Predictions,
    PredictQuestion,
    Question,
    RankTargetsQuestion,
    SampleMaskQuestion,
    Score,
    ScoreQuestion,
    SubstitutesQuestion,
    SurprisalQuestion,
    TargetScore,
    WordSurprisal,
)

SERVICE = "fillmask-ls"
VERSION = 2

MAX_TOP_K = 1000
"""The largest ``top_k``."""
MAX_ITEMS = 1000
"""The largest number of masks, words, targets or spans."""
MAX_BODY_BYTES = 1 << 18
"""The largest request."""
_MAX_WORD_LENGTH = 100
_MAX_MASKED_WORD_LENGTH = 1000
_SURROGATE = regex.compile(r"[\ud800-\udfff]")
_LISTS = ("masks", "words", "targets", "spans", "span", "to_fill")
_PAIRS = "a list of pairs [start, end]"
_WORDS = "a list of texts"
_NUMBER = "a whole number"
_VALUES = {
    "text": "a text without halves of surrogate pairs",
    "prefix": "a text without halves of surrogate pairs",
    "masks": _PAIRS,
    "spans": _PAIRS,
    "span": "a pair [start, end]",
    "to_fill": "a pair [first, last]",
    "words": _WORDS,
    "targets": _WORDS,
    "top_k": _NUMBER,
    "focus": _NUMBER,
    "max_subwords": _NUMBER,
    "mask_index": _NUMBER,
    "seed": _NUMBER,
    "rate": "a number",
    "whole_words": "true or false",
    "metric": f"one of {', '.join(get_args(Metric))}",
}
"""What each field of a question must be."""

_METHODS: dict[type[Question], tuple[str, Any]] = {
    PredictQuestion: ("predict", Predictions),
    FillQuestion: ("fill_jointly", list[JointFill]),
    LossQuestion: ("masked_word_loss", float),
    SubstitutesQuestion: ("substitutes", list[Candidate]),
    RankTargetsQuestion: ("rank_targets", list[Candidate]),
    ClozeQuestion: ("cloze", list[TargetScore]),
    SurprisalQuestion: ("word_surprisals", list[WordSurprisal]),
    ScoreQuestion: ("score", Score),
    SampleMaskQuestion: ("sample_mask", list[Span]),
    InspectQuestion: ("inspect", Inspection),
}
"""For each kind of question, the name of the engine's method and the type of its answer."""
_QUESTIONS = {name: kind for kind, (name, _) in _METHODS.items()}


_KINDS = {str: "a text", dict: "a JSON object"}


class CodecError(ValueError):
    """A message does not follow the protocol. The text names the problem and quotes nothing."""


class TooLargeError(CodecError):
    """A question is longer than the protocol allows."""


def without_surrogates(text: str) -> str:
    """Return a text of the same length without halves of surrogate pairs: a document can contain them, UTF-8 can't."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def sendable(question: Question) -> Question:
    """Return the question with a text that the protocol allows."""
    return replace(question, text=without_surrogates(question.text))


def request(question: Question) -> dict[str, Any]:
    """Return the body of a request."""
    return {"version": VERSION, "ask": _METHODS[type(question)][0], "question": _CONVERTER.unstructure(question)}


def read_request(body: object) -> Question:
    """Return the question in the body of a request.

    Raises:
        CodecError: there is none, or it is not valid.
    """
    ask = _member(body, "ask", str)
    if ask not in _QUESTIONS:
        raise CodecError(f"'ask' must be one of {', '.join(_QUESTIONS)}")
    return read_question(_QUESTIONS[ask], _member(body, "question", dict))


def read_question(kind: type[Question], data: object) -> Question:
    """Return a question of one kind.

    Raises:
        CodecError: it is not valid.
    """
    if isinstance(data, dict):  # before anything that takes time in proportion to a list's length
        for name in _LISTS:
            if isinstance(data.get(name), (str, dict)):
                raise CodecError(f"'{name}' must be {_VALUES[name]}")
            if isinstance(data.get(name), list) and len(data[name]) > MAX_ITEMS:
                raise TooLargeError(f"'{name}' may have at most {MAX_ITEMS} items")
    try:
        question: Question = _CONVERTER.structure(data, kind)
    except ClassValidationError as error:
        raise CodecError("; ".join(_problems(error, kind))) from None
    except Exception:
        raise CodecError("the question must be a JSON object") from None
    check_question(question)
    return question


def _problems(error: ClassValidationError, kind: type[Question]) -> Iterator[str]:
    """Yield what is wrong with each field of a question."""
    in_fields, others = error.group_exceptions()
    for problem, note in in_fields:
        is_missing = isinstance(problem, KeyError)
        yield f"'{note.name}' is missing" if is_missing else f"'{note.name}' must be {_VALUES[note.name]}"
    if others:
        yield f"the only fields are {', '.join(field.name for field in fields(kind))}"


def reply(question: Question, model: str, answer: object) -> dict[str, Any]:
    """Return the body of a reply."""
    value = _CONVERTER.unstructure(answer, unstructure_as=_METHODS[type(question)][1])
    return {"version": VERSION, "model": model, "answer": value}


def read_reply(question: Question, body: object) -> tuple[str, Any]:
    """Return the name of the model that answered a question, and its answer.

    Raises:
        CodecError: the body holds no answer to this question.
    """
    model = _member(body, "model", str)
    value = _member(body, "answer", object)
    try:
        answer = _CONVERTER.structure(value, _METHODS[type(question)][1])
    except Exception as error:
        raise CodecError("the answer is not in the protocol's form") from error
    if not _fits(question, answer):
        raise CodecError("the answer does not fit the question")
    return model, answer


def read_health(body: object) -> str | None:
    """Return the name of the model of a server of ours, from the body of ``/healthz``; None if the server is not ours.

    Raises:
        CodecError: the server is ours, but its protocol has another version.
    """
    if not isinstance(body, dict) or body.get("service") != SERVICE:
        return None
    if body.get("protocol") != VERSION:
        raise CodecError(f"its protocol has version {body.get('protocol')!r}, ours {VERSION}")
    name: str = _member(body, "model", str, version=False)
    return name


def health(model: str) -> dict[str, Any]:
    """Return the body of ``/healthz``."""
    return {"service": SERVICE, "protocol": VERSION, "model": model}


def _member(body: object, name: str, kind: type, *, version: bool = True) -> Any:
    if not isinstance(body, dict):
        raise CodecError("the body must be a JSON object")
    if version and body.get("version") != VERSION:
        raise CodecError(f"'version' must be {VERSION}")
    if name not in body or not isinstance(body[name], kind):
        raise CodecError(f"'{name}' is missing or not {_KINDS[kind]}" if kind in _KINDS else f"'{name}' is missing")
    return body[name]


def check_question(question: Question) -> None:
    """Check the values of a question whose fields have the right types.

    Raises:
        CodecError: one is not valid.
    """
    text = question.text
    match question:
        case PredictQuestion() | FillQuestion() | LossQuestion() | RankTargetsQuestion() | ClozeQuestion():
            _check(_in_order(question.masks, text), "'masks' must be spans of the text, in order")
            _check(all(text[a:b] == MASK for a, b in question.masks), f"'masks' must be where the text has {MASK}")
        case SurprisalQuestion(spans=spans) | ScoreQuestion(spans=spans) if spans is not None:
            _check(_inside(spans, text), "'spans' must be spans of the text")
        case SubstitutesQuestion(span=span):
            _check(_inside([span], text) and span[0] < span[1], "'span' must be a span of the text")
        case SampleMaskQuestion():
            _check(0 <= question.rate <= 1, "'rate' must be a number from 0 to 1")
            _check(0 <= question.seed < 2**63, "'seed' must be a whole number, 0 or more")
    match question:
        case PredictQuestion():
            _check(1 <= question.max_subwords <= SUBWORDS_LIMIT, f"'max_subwords' must be from 1 to {SUBWORDS_LIMIT}")
            _check(0 <= question.focus < max(1, len(question.masks)), "'focus' must be the index of a mask")
            _check(len(question.prefix) <= _MAX_WORD_LENGTH, f"'prefix' may have at most {_MAX_WORD_LENGTH} characters")
        case FillQuestion(to_fill=to_fill) if to_fill is not None:
            _check(0 <= to_fill[0] <= to_fill[1] <= len(question.masks), "'to_fill' must be a range of mask indexes")
        case RankTargetsQuestion() | ClozeQuestion():
            _check(0 <= question.mask_index < len(question.masks), "'mask_index' must be the index of a mask")
            fit = all(0 < len(target.strip()) <= _MAX_WORD_LENGTH for target in question.targets)
            _check(fit, f"'targets' must be words of at most {_MAX_WORD_LENGTH} characters")
        case LossQuestion():
            _check(len(question.words) == len(question.masks), "'words' must be as many as 'masks'")
            _check(
                all(len(word) <= _MAX_MASKED_WORD_LENGTH for word in question.words),
                f"each of the 'words' may have at most {_MAX_MASKED_WORD_LENGTH} characters",
            )
    least = 0 if isinstance(question, SurprisalQuestion) else 1
    top_k = getattr(question, "top_k", 1)
    _check(least <= top_k <= MAX_TOP_K, f"'top_k' must be from {least} to {MAX_TOP_K}")


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise CodecError(problem)


def _fits(question: Question, answer: Any) -> bool:
    """Return whether an answer has the shape that its question asks for."""
    text = question.text
    match question:
        case PredictQuestion():
            return [mask.span for mask in answer.predictions] == list(question.masks) and all(
                map(_is_prediction, answer.predictions)
            )
        case FillQuestion():
            low, high = question.to_fill or (0, len(question.masks))
            return all(len(fill.words) == high - low for fill in answer)
        case LossQuestion():
            return bool(answer >= 0)
        case SubstitutesQuestion():
            return all(map(_is_candidate, answer))
        case RankTargetsQuestion(targets=targets):
            return {word.text for word in answer} == {each.strip() for each in targets} and all(
                map(_is_candidate, answer)
            )
        case ClozeQuestion(targets=targets):
            return [score.text for score in answer] == list(targets)
        case SurprisalQuestion():
            matches = all(
                text[slice(*each.span)] == each.text and all(map(_is_candidate, each.expected)) for each in answer
            )
            return matches and _in_order([each.span for each in answer], text)
        case ScoreQuestion():
            is_same = answer.text == text and list(answer.spans) == list(question.spans or ())
            return bool(is_same) and _inside([token.span for token in answer.tokens], text)
        case InspectQuestion():
            return _inside([token.span for token in answer.tokens], text)
        case _:
            return _in_order(answer, text)


def _is_prediction(prediction: Prediction) -> bool:
    return (prediction.entropy is None or prediction.entropy >= 0) and all(map(_is_candidate, prediction.candidates))


def _is_candidate(candidate: Candidate) -> bool:
    return bool(candidate.text) and 0 <= candidate.probability <= 1.001


def _inside(spans: Iterable[Span], text: str) -> bool:
    return all(0 <= start <= end <= len(text) for start, end in spans)


def _in_order(spans: Sequence[Span], text: str) -> bool:
    return _inside(spans, text) and all(one[1] <= other[0] for one, other in pairwise(spans))


def _make_converter() -> Converter:
    """Return a converter that is strict about types: it reads no number as a string, and no string as a number."""
    converter = Converter(forbid_extra_keys=True)

    def only(*kinds: type) -> Callable[[object, Any], Any]:
        def read(value: object, kind: Any) -> Any:
            if isinstance(value, bool) is not (kind is bool) or not isinstance(value, kinds):
                raise TypeError("of the wrong type")
            if isinstance(value, float) and not isfinite(value):
                raise ValueError("not finite")
            if isinstance(value, str):
                value.encode()  # raises an error for half of a surrogate pair, which no tokenizer reads
            return kind(value)

        return read

    converter.register_structure_hook(str, only(str))
    converter.register_structure_hook(int, only(int))
    converter.register_structure_hook(bool, only(bool))
    converter.register_structure_hook(float, only(float, int))
    return converter


_CONVERTER = _make_converter()
