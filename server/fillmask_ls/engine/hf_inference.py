"""The Hugging Face hub's fill-mask protocol, which inference endpoints, providers and many others speak.

It knows one thing, the likeliest tokens at each mask. What a token is and which of them are words is seen here by how
they are written, because the vocabulary stays with the server.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, cast

import regex

from fillmask_ls.words import CONTINUATIONS, apply_case, starts_sentence

from .api import Candidate, Prediction, Predictions, PredictQuestion
from .http_client import Address, RefusedError, UnavailableError, failure, refusal

_MASK_TOKENS = ("[MASK]", "<mask>")
_MORE = 3
"""How many tokens are asked for a word: some are no words, and some the same one."""
_TO_FILTER = 200
"""How many where a prefix is given: each comes with the whole passage, so that more would be slow."""

_LETTER = regex.compile(r"[\p{L}\p{N}]")
_PART_OF_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]")
_SURROGATE = regex.compile(r"[\ud800-\udfff]")
_NAMED_MASK = regex.compile(r"\[MASK\]|<mask>")


class FillMask:
    """One server that speaks the protocol.

    Attributes:
        model: the name of what answers, as far as it is known.
    """

    def __init__(self, address: Address, *, provider: str = "", model: str = "") -> None:
        """A server at an address; or, if one is given, the ``provider`` of a ``model`` that the hub knows the way to."""
        self.model = model or address.host
        self._address = address
        self._provider = provider
        self._mask = ""
        self._client: Any = None

    async def connect(self) -> None:
        """Learn the model's mask token: the server is sent one, and says if the model has another.

        Raises:
            UnavailableError, RefusedError: it answers neither.
        """
        from huggingface_hub import AsyncInferenceClient

        # An empty token would be replaced with the user's own for the hub, which is taken away again for other hosts.
        given: dict[str, Any] = {"token": self._address.token}
        if self._provider:
            given |= {"provider": self._provider, "model": self.model}
            await asyncio.get_running_loop().run_in_executor(None, self._find_way, given)
        else:
            given["model"] = self._address.url
        self._client = AsyncInferenceClient(**given)
        refusals = []
        for mask in _MASK_TOKENS:
            refused = await self._refusal(mask)
            if refused is None:
                self._mask = mask
                return
            refusals.append(refused)
        raise refusals[0]

    async def rank(self, query: PredictQuestion) -> Predictions:
        """The words at each mask, as far as the first tokens tell them; without an entropy, and none of several pieces.

        Raises:
            UnavailableError, RefusedError: there is no answer.
        """
        ends = bool(query.masks) and not query.text[query.masks[-1][1] :].strip()
        endings = CONTINUATIONS if ends else ("",)
        asked = _TO_FILTER if query.prefix else _MORE * query.top_k + 10
        found = await asyncio.gather(*(self._lists(query, ending, asked) for ending in endings))
        predictions = []
        for number, span in enumerate(query.masks):
            scores: dict[str, float] = defaultdict(float)
            for way in found:
                for token, score in way[number]:
                    scores[token] += score / len(found)
            prefix = query.prefix if number == query.focus else ""
            predictions.append(_prediction(query, span, scores, prefix))
        return Predictions(self.model, tuple(predictions))

    async def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            await self._client.close()

    async def _refusal(self, mask: str) -> RefusedError | None:
        """What the server says against a mask token; None if it is its own."""
        try:
            await self._fill(f"A {mask}.", 1, 1)
        except RefusedError as error:
            return error
        return None

    async def _lists(self, query: PredictQuestion, ending: str, top_k: int) -> list[list[tuple[str, float]]]:
        text = with_masks(query.text, query.masks, self._mask) + ending.replace("[MASK]", self._mask)
        return await self._fill(text, top_k, len(query.masks) + ending.count("[MASK]"))

    async def _fill(self, text: str, top_k: int, masks: int) -> list[list[tuple[str, float]]]:
        try:
            return _lists(await self._client.fill_mask(text, top_k=top_k), masks)
        except Exception as error:
            raise self._in_words(error) from None

    def _find_way(self, given: Mapping[str, Any]) -> None:
        """Let the hub's client ask the hub about the model, which it does once, and blocks meanwhile."""
        from huggingface_hub import InferenceClient
        from huggingface_hub.errors import OfflineModeIsEnabled

        try:
            InferenceClient(**given, timeout=30).fill_mask("A [MASK].", top_k=1)
        except OfflineModeIsEnabled:
            raise UnavailableError("HF_HUB_OFFLINE is set, so that no provider can be asked.") from None
        except Exception as error:
            if type(error) is ValueError:  # of a provider or a model that there isn't
                raise UnavailableError(str(error)) from None
            found = self._in_words(error)
            if isinstance(found, UnavailableError):
                raise found from None

    def _in_words(self, error: Exception) -> UnavailableError | RefusedError:
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        if status is None:
            return failure(error, self._address.host)
        said = getattr(error, "server_message", None) or ""
        if _NAMED_MASK.search(said) and status >= 400:  # some servers say so with an error of their own, 500
            return RefusedError(" ".join(said.split())[:200])
        return cast(
            "UnavailableError | RefusedError", refusal(status, getattr(response, "headers", {}), said, self._address)
        )


def with_masks(text: str, masks: Sequence[tuple[int, int]], mask: str) -> str:
    """``text`` with the model's own token at its masks, and at no other place."""
    parts, end = [], 0
    for start, stop in masks:
        parts.append(_plain(text[end:start], mask))
        end = stop
    return mask.join([*parts, _plain(text[end:], mask)])


def _plain(text: str, mask: str) -> str:
    text = _SURROGATE.sub("\ufffd", text)
    return text.replace(mask, f"{mask[0]} {mask[1:]}") if mask else text


def _lists(answer: object, masks: int) -> list[list[tuple[str, float]]]:
    """For each mask its tokens and their probabilities, of an answer that is one list, or a list of lists."""
    if not isinstance(answer, list):
        raise TypeError("no list")
    lists = answer if answer and isinstance(answer[0], list) else [answer]
    if len(lists) != masks:
        raise ValueError("not a list for each mask")
    return [[_token(each) for each in one] for one in lists]


def _token(found: object) -> tuple[str, float]:
    token, score = getattr(found, "token_str", None), getattr(found, "score", None)
    if not isinstance(token, str) or isinstance(score, bool) or not isinstance(score, (int, float)):
        raise TypeError("no token with its score")
    if not 0 <= score <= 1.001:
        raise ValueError("no probability")
    return token, float(score)


def _prediction(query: PredictQuestion, span: tuple[int, int], scores: Mapping[str, float], prefix: str) -> Prediction:
    before = query.text[: span[0]]
    glued = bool(_PART_OF_WORD.match(before[-1:]))
    # In a vocabulary of bytes a word begins with a space; in BERT's, what goes on with one begins with ##.
    spaced = any(token.startswith(" ") for token in scores)
    capital = starts_sentence(before)
    words: dict[str, float] = defaultdict(float)
    for token, score in scores.items():
        goes_on = not token.startswith(" ") if spaced else token.startswith("##")
        word = token.removeprefix("##").strip()
        if goes_on is not glued or not _LETTER.search(word) or "\ufffd" in word or word.startswith("[unused"):
            continue
        if word.casefold().startswith(prefix.casefold()):
            words[apply_case(word, capital=capital, prefix=prefix, begun=len(prefix))] += score
    best = sorted(words.items(), key=lambda item: -item[1])[: query.top_k]
    return Prediction(span, tuple(Candidate(word, score) for word, score in best), None)
