"""Hugging Face's fill-mask protocol for the shared engine: requests become questions, and answers become lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fillmask_ls import MASK
from fillmask_ls.words import find_masks

from .. import codec
from ..api import ClozeQuestion, PredictQuestion, Question
from ..codec import CodecError, TooLargeError

_MAX_TEXTS = 1000
_TOP_K = 5


@dataclass(frozen=True, slots=True)
class FillMaskRequest:
    """A request of the protocol.

    Attributes:
        texts: the texts to fill, each with one mask or more.
        many: whether the texts came as a list.
        top_k: the number of candidates per mask.
        targets: the only candidates; none for all words.
    """

    texts: tuple[str, ...]
    many: bool
    top_k: int = _TOP_K
    targets: tuple[str, ...] = ()

    def questions(self, number: int) -> list[Question]:
        """Return the questions about one of the texts: one, or with targets one for each mask.

        Raises:
            CodecError: its masks or the parameters are not valid.
        """
        text = self.texts[number]
        masks = tuple(find_masks(text))
        if not masks:
            raise CodecError(f"No mask_token ({MASK}) found on the input")
        questions: list[Question] = [PredictQuestion(text, masks, self.top_k)]
        if self.targets:
            questions = [ClozeQuestion(text, masks, self.targets, mask) for mask in range(len(masks))]
        for question in questions:
            codec.check_question(question)
        return questions

    def value(self, answers: Sequence[Sequence[Any]]) -> Any:
        """Return the response.

        Args:
            answers: for each text, the answers to its questions.

        Returns:
            A list of candidates for a text with one mask, one such list per mask for more, and a list of these for
            several texts.
        """
        values = [self._lists(text, each) for text, each in zip(self.texts, answers, strict=True)]
        return values if self.many and len(values) > 1 else values[0]

    def _lists(self, text: str, answers: Sequence[Any]) -> Any:
        spans = find_masks(text)
        if self.targets:
            lists = [
                [_element(text, span, each.text.strip(), each.probability or 0.0, each.subwords) for each in scores]
                for span, scores in zip(spans, answers, strict=True)
            ]
            lists = [sorted(each, key=lambda element: -float(element["score"]))[: self.top_k] for each in lists]
        else:
            lists = [
                [_element(text, span, each.text, each.probability, each.subwords) for each in prediction.candidates]
                for span, prediction in zip(spans, answers[0].predictions, strict=True)
            ]
        return lists if len(lists) > 1 else lists[0]


def read_request(body: object) -> FillMaskRequest:
    """Return the request in a body.

    Raises:
        CodecError: the body is not a valid request.
    """
    if not isinstance(body, dict):
        raise CodecError("the body must be a JSON object")
    inputs, parameters = body.get("inputs"), body.get("parameters")
    texts: list[Any] = inputs if isinstance(inputs, list) else [inputs]
    if len(texts) > _MAX_TEXTS:
        raise TooLargeError(f"there may be at most {_MAX_TEXTS} texts")
    if not texts or not all(map(_is_text, texts)):
        raise CodecError("'inputs' must be a text or a list of texts")
    if not isinstance(parameters, (dict, type(None))):
        raise CodecError("'parameters' must be an object")
    return FillMaskRequest(tuple(texts), isinstance(inputs, list), *_read_parameters(parameters or {}))


def _read_parameters(parameters: Mapping[str, Any]) -> tuple[int, tuple[str, ...]]:
    top_k, targets = parameters.get("top_k"), parameters.get("targets")
    if top_k is None:
        top_k = _TOP_K
    if isinstance(top_k, bool) or not isinstance(top_k, int) or not 1 <= top_k <= codec.MAX_TOP_K:
        raise CodecError(f"'top_k' must be a whole number from 1 to {codec.MAX_TOP_K}")
    if targets is None:
        targets = []
    targets = targets if isinstance(targets, list) else [targets]
    if len(targets) > codec.MAX_ITEMS:
        raise TooLargeError(f"'targets' may have at most {codec.MAX_ITEMS} items")
    if not all(map(_is_text, targets)):
        raise CodecError("'targets' must be a text or a list of texts")
    return top_k, tuple(dict.fromkeys(targets))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and codec.without_surrogates(value) == value


def _element(
    text: str, span: tuple[int, int], word: str, score: float, subwords: Sequence[tuple[str, int]]
) -> dict[str, Any]:
    """Return a candidate in the protocol's form; its token is that of its first subword."""
    token = subwords[0][1] if subwords else None
    return {"score": score, "token": token, "token_str": word, "sequence": text[: span[0]] + word + text[span[1] :]}
