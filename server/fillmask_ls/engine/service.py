"""The HTTP service of a shared engine, independent of the server that carries it: paths, token, limits, overload."""

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
from fillmask_ls.words import find_masks

from . import codec
from .api import Candidate, EngineError, PredictQuestion, Question, RankTargetsQuestion, ScoreQuestion

_LONGEST_WAIT = 1.5
"""Seconds that a typing user would wait: a request that would wait longer is refused at once."""
_WEIGHT = 0.2
"""The weight of the latest answer in the moving average of seconds per answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum sizes of a request.

    Attributes:
        body: bytes of its body.
        tokens: tokens of its text.
        masks: masks in its text.
    """

    body: int = 1 << 20
    tokens: int = 4096
    masks: int = 64


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response: status, JSON value and headers."""

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
    """Return the hash of a token: a server can compare it, and nobody can read the token from it."""
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a service.

        Args:
            answer: answers a question.
            model: the name of the model.
            count_tokens: returns the number of tokens of a text.
            token: the :func:`digest` of the token that clients must send; None if they need none.
            limits: maximum sizes of a request.
            clock: returns the time in seconds.
        """
        self._answer, self._model, self._count_tokens = answer, model, count_tokens
        self._token, self._limits = token, limits or Limits()
        self._queue = Queue(clock)

    async def respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the reply to a request; the names of ``headers`` are in lower case. Raises nothing."""
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
        return codec.reply(question, self._model, await self._ask(question))

    async def _score(self, body: object) -> Any:
        question = codec.read_question(ScoreQuestion, body)
        answer = await self._ask(question)
        value = codec.reply(question, self._model, answer)
        return {**value, "pseudo_log_likelihood": answer.pseudo_log_likelihood, "perplexity": answer.perplexity}

    async def _fill_mask(self, body: object) -> Any:
        """Answer by Hugging Face's protocol.

        Returns:
            A list of candidates for a text with one mask, one such list per mask for more, and a list of these for
            several texts.
        """
        if not isinstance(body, dict):
            raise _RefusalError(400, "the body must be a JSON object")
        inputs, parameters = body.get("inputs"), body.get("parameters") or {}
        texts: list[Any] = inputs if isinstance(inputs, list) else [inputs]
        if not texts or not all(isinstance(text, str) for text in texts) or not isinstance(parameters, dict):
            raise _RefusalError(400, "'inputs' must be a text or a list of texts, 'parameters' an object")
        answers = [await self._fill_text(text, parameters) for text in texts]
        return answers if isinstance(inputs, list) and len(answers) > 1 else answers[0]

    async def _fill_text(self, text: str, parameters: Mapping[str, Any]) -> list[Any]:
        masks = tuple(find_masks(text))
        if not masks:
            raise _RefusalError(400, f"No mask_token ({MASK}) found on the input")
        top_k, targets = parameters.get("top_k", 5), parameters.get("targets") or []
        if not isinstance(targets, list):
            targets = [targets]
        question = _check(PredictQuestion(text, masks, top_k))
        if targets:
            questions = [
                _check(RankTargetsQuestion(text, masks, tuple(targets), number)) for number in range(len(masks))
            ]
            best = [(await self._ask(each))[:top_k] for each in questions]
        else:
            best = [each.candidates for each in (await self._ask(question)).predictions]
        lists = [
            [_element(text, span, each) for each in candidates] for span, candidates in zip(masks, best, strict=True)
        ]
        return lists if len(lists) > 1 else lists[0]

    async def _ask(self, question: Question) -> Any:
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
    """Estimates how long a new question would wait: the number of waiting ones times the seconds per answer."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.waiting = 0
        self._clock = clock
        self._seconds = 0.0
        self._last = 0.0

    @property
    def wait(self) -> float:
        """The seconds that a new question would wait, judged by the latest answers."""
        return self.waiting * self._seconds

    def __enter__(self) -> None:
        if not self.waiting:
            self._last = self._clock()
        self.waiting += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.waiting -= 1
        if kind is None:  # a cancelled question does not tell how long an answer takes
            now = self._clock()
            taken, self._last = now - self._last, now
            self._seconds += (taken - self._seconds) * _WEIGHT


def _check(question: Question) -> Question:
    """Return a question if it is valid: one from Hugging Face's protocol must pass the checks of our own.

    Raises:
        CodecError: it is not.
    """
    return codec.read_request(codec.request(question))


def _element(text: str, span: tuple[int, int], candidate: Candidate) -> dict[str, Any]:
    """Return a candidate as Hugging Face's protocol has it; the token is that of its first subword."""
    token = candidate.subwords[0][1] if candidate.subwords else None
    sequence = text[: span[0]] + candidate.text + text[span[1] :]
    return {"score": candidate.probability, "token": token, "token_str": candidate.text, "sequence": sequence}
