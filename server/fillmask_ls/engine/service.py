"""What a shared engine answers to each HTTP request, whatever server carries it: paths, limits, the token, overload."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fillmask_ls import MASK

from . import codec
from .api import Candidate, EngineError, PredictQuestion, Question, RankTargetsQuestion, ScoreQuestion

_LONGEST_WAIT = 1.5
"""Seconds after which a client that types would have given up: who would wait longer is sent away at once."""
_SLOWNESS = 0.2
"""The weight of the latest answer in the mean of how long one takes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask.

    Attributes:
        body: its bytes.
        tokens: of its text, as the model counts them.
        masks: in its text.
    """

    body: int = 1 << 20
    tokens: int = 4096
    masks: int = 64


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a JSON value and headers."""

    status: int
    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return json.dumps(self.value).encode()


class _RefusalError(Exception):
    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reply = Reply(status, {"error": message}, headers or {})


def digest(token: str) -> str:
    """A token as a server keeps it: it can be compared, and not be read."""
    return hashlib.sha256(token.encode()).hexdigest()


class Service:
    """Answers requests with an engine."""

    def __init__(
        self,
        answer: Callable[[Question], Awaitable[Any]],
        model: str,
        count_tokens: Callable[[str], int],
        *,
        token: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Answers by ``answer``, in the name of ``model``.

        Args:
            token: the :func:`digest` of the one that a client must have; None if it needs none.
        """
        self._answer, self._model, self._count_tokens = answer, model, count_tokens
        self._token, self._limits = token, limits or Limits()
        self._queue = Queue()

    async def respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request; ``headers`` by their names in lower case. Raises nothing."""
        try:
            return await self._respond(method, path, headers, body)
        except _RefusalError as refusal:
            return refusal.reply
        except codec.CodecError as error:
            return Reply(400, {"error": str(error)})
        except EngineError as error:
            return Reply(500, {"error": str(error)})

    async def _respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path == "/healthz":
            return Reply(200, codec.health(self._model))
        handlers = {"/v1/predict": self._predict, "/v1/score": self._score, "/": self._fill_mask}
        if path not in handlers:
            raise _RefusalError(404, "there are /v1/predict, /v1/score, / and /healthz")
        if method != "POST":
            raise _RefusalError(405, "send a POST", {"Allow": "POST"})
        given = headers.get("authorization", "")
        if self._token is not None and not hmac.compare_digest(digest(given.removeprefix("Bearer ")), self._token):
            raise _RefusalError(401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})
        if len(body) > self._limits.body:
            raise _RefusalError(413, f"the body may have {self._limits.body} bytes")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            raise _RefusalError(400, "the body is not JSON") from None
        return Reply(200, await handlers[path](value))

    async def _predict(self, body: object) -> Any:
        question = codec.read_request(body)
        return codec.reply(question, self._model, await self._asked(question))

    async def _score(self, body: object) -> Any:
        question = codec.read_question(ScoreQuestion, body)
        found = await self._asked(question)
        value = codec.reply(question, self._model, found)
        return {**value, "pseudo_log_likelihood": found.pseudo_log_likelihood, "perplexity": found.perplexity}

    async def _fill_mask(self, body: object) -> Any:
        """The hub's protocol: one list for a text with one mask, else a list of lists; of several texts, a list of those."""
        if not isinstance(body, dict):
            raise _RefusalError(400, "the body must be a JSON object")
        inputs, parameters = body.get("inputs"), body.get("parameters") or {}
        texts: list[Any] = inputs if isinstance(inputs, list) else [inputs]
        if not texts or not all(isinstance(text, str) for text in texts) or not isinstance(parameters, dict):
            raise _RefusalError(400, "'inputs' must be a text or a list of texts, 'parameters' an object")
        found = [await self._filled(text, parameters) for text in texts]
        return found if isinstance(inputs, list) and len(found) > 1 else found[0]

    async def _filled(self, text: str, parameters: Mapping[str, Any]) -> list[Any]:
        """What the hub's protocol says of one text."""
        masks = _masks(text)
        if not masks:
            raise _RefusalError(400, f"No mask_token ({MASK}) found on the input")
        top_k, targets = parameters.get("top_k", 5), parameters.get("targets") or []
        if not isinstance(targets, list):
            targets = [targets]
        query = _checked(PredictQuestion(text, masks, top_k))
        if targets:
            asked = [_checked(RankTargetsQuestion(text, masks, tuple(targets), number)) for number in range(len(masks))]
            words = [(await self._asked(question))[:top_k] for question in asked]
        else:
            words = [each.candidates for each in (await self._asked(query)).predictions]
        lists = [[_element(text, span, word) for word in best] for span, best in zip(masks, words, strict=True)]
        return lists if len(lists) > 1 else lists[0]

    async def _asked(self, question: Question) -> Any:
        masks = question.text.count(MASK)
        if masks > self._limits.masks:
            raise _RefusalError(413, f"a text may have {self._limits.masks} masks, not {masks}")
        tokens = self._count_tokens(question.text)
        if tokens > self._limits.tokens:
            raise _RefusalError(413, f"a text may have {self._limits.tokens} tokens, not {tokens}")
        wait = self._queue.wait
        if wait > _LONGEST_WAIT:
            raise _RefusalError(429, "there is too much to do", {"Retry-After": str(math.ceil(wait))})
        with self._queue:
            return await self._answer(question)


class Queue:
    """How many questions are being answered, and how fast they come out."""

    def __init__(self) -> None:
        self.waiting = 0
        self._seconds = 0.0
        self._last = 0.0

    @property
    def wait(self) -> float:
        """The seconds that one more would wait, as far as the latest ones tell."""
        return self.waiting * self._seconds

    def __enter__(self) -> None:
        if not self.waiting:
            self._last = time.monotonic()
        self.waiting += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.waiting -= 1
        if kind is None:  # a question that was given up says nothing of how long one takes
            now = time.monotonic()
            taken, self._last = now - self._last, now
            self._seconds += (taken - self._seconds) * _SLOWNESS


def _masks(text: str) -> tuple[tuple[int, int], ...]:
    found, end = [], 0
    while (start := text.find(MASK, end)) >= 0:
        end = start + len(MASK)
        found.append((start, end))
    return tuple(found)


def _checked(question: Question) -> Question:
    """The question, if it is one that may be asked: what came in by another protocol is held against our own."""
    return codec.read_request(codec.request(question))


def _element(text: str, span: tuple[int, int], word: Candidate) -> dict[str, Any]:
    """As the hub has it; a word of several pieces has the token of its first."""
    token = word.subwords[0][1] if word.subwords else None
    sequence = text[: span[0]] + word.text + text[span[1] :]
    return {"score": word.probability, "token": token, "token_str": word.text, "sequence": sequence}
