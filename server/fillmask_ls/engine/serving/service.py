"""The service of a shared engine as an ASGI application: its paths, its limits, and the responses."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from fillmask_ls import MASK

from .. import codec
from ..api import EngineError, Priority, Question, ScoreQuestion
from . import hub_protocol
from .admission import Admission, OverloadedError, Ticket
from .hub_protocol import FillMaskRequest
from .metrics import Metrics
from .pricing import Price, price
from .reply import DisconnectedError, Receive, RefusalError, Reply, Scope, Send, send_reply

T = TypeVar("T")

logger = logging.getLogger(__name__)

_TEXTS_AT_ONCE = 8
"""Texts of one request that wait for the model at a time: as many as share a forward step."""
_CHARACTERS_PER_TOKEN = 16
"""Longer texts certainly have too many tokens."""
_LARGE_RESPONSE = 50_000
"""Bytes of a response that takes too long to encode on the event loop."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum sizes of a question.

    Attributes:
        text_tokens: tokens of its text.
        text_masks: masks in its text.
        forward_tokens: tokens that the network reads over all forward steps.
        logit_rows: rows of logits that are in memory at once: 0.12 MB each with BERT's vocabulary.
        response_bytes: bytes of its answer.
    """

    text_tokens: int = 4096
    text_masks: int = 64
    forward_tokens: int = 4096 * 520
    logit_rows: int = 2048
    response_bytes: int = 1 << 22


class AnswerFunction(Protocol):
    """Answers a question; see :meth:`~fillmask_ls.engine.local.LocalEngine.answer`."""

    def __call__(
        self, question: Question, priority: Priority, *, client: str, on_progress: Callable[[int], None]
    ) -> Awaitable[Any]: ...


class Service:
    """Answers requests with an engine.

    Use it behind a :class:`~fillmask_ls.engine.serving.front_door.FrontDoor`.
    """

    def __init__(
        self,
        answer: AnswerFunction,
        model: str,
        count_tokens: Callable[[str], int],
        *,
        limits: Limits | None = None,
        worker: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a service.

        Args:
            answer: answers a question.
            model: the name of the model.
            count_tokens: returns the number of tokens of a text, on any thread.
            limits: maximum sizes of a question.
            worker: as for :class:`~fillmask_ls.engine.serving.http_server.ServeOptions`.
            clock: returns the time in seconds.
        """
        self._answer, self._model, self._count_tokens = answer, model, count_tokens
        self._limits = limits or Limits()
        self._clock = clock
        self._admission = Admission(clock)
        self.metrics = Metrics(
            {
                "waiting_requests": ("Requests that are not answered yet.", lambda: self._admission.waiting),
                "waiting_tokens": (
                    "Tokens that the network still has to read for them.",
                    lambda: self._admission.waiting_tokens,
                ),
            },
            worker=worker,
        )
        self._posts = {"/v1/predict": self._predict, "/v1/score": self._score, "/": self._fill_mask}
        self._gets = {"/healthz": lambda: Reply.of_json(200, codec.health(model)), "/metrics": self.metrics.reply}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see the ASGI specification.

        Raises:
            DisconnectedError: the client closed the connection.
        """
        began = self._clock()
        status = 499
        try:
            reply = await self._reply(scope, receive)
            status = reply.status
            await send_reply(send, reply)
        except RefusalError as refusal:
            status = refusal.reply.status
            raise
        finally:
            path = scope["path"] if scope["path"] in {*self._posts, *self._gets} else "other"
            self.metrics.observe(path, status, self._clock() - began)

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        path, method = scope["path"], scope["method"]
        if path in self._gets:
            if method not in ("GET", "HEAD"):
                raise RefusalError(405, "send a GET", {"Allow": "GET, HEAD"})
            return self._gets[path]()
        if path not in self._posts:
            raise RefusalError(404, f"unknown path: the paths are {', '.join((*self._posts, *self._gets))}")
        if method != "POST":
            raise RefusalError(405, "send a POST", {"Allow": "POST"})
        body = await _read_body(receive)
        client = scope["client"][0] if scope.get("client") else ""
        try:
            value = json.loads(body.decode())  # from bytes, json would also read UTF-16
        except (ValueError, RecursionError):
            return _error(400, "the body is not JSON in UTF-8")
        try:
            return await _unless_disconnected(self._posts[path](value, client), receive)
        except codec.TooLargeError as error:
            return _error(413, str(error))
        except codec.CodecError as error:
            return _error(400, str(error))
        except OverloadedError as error:
            reply = _error(429, str(error))
            return Reply(reply.status, reply.content, {"Retry-After": str(error.retry_after)})
        except EngineError as error:
            return _error(500, str(error))
        except (DisconnectedError, RefusalError):
            raise
        except Exception as error:  # by type only: the message could quote the text
            logger.error("a request failed with %s", type(error).__name__)
            return _error(500, "the engine failed: its log names the kind of error")

    async def _predict(self, body: object, client: str) -> Reply:
        question = codec.read_request(body)
        return await self._answer_one(question, client, lambda answer: codec.reply(question, self._model, answer))

    async def _score(self, body: object, client: str) -> Reply:
        question = codec.read_question(ScoreQuestion, body)

        def encode(answer: Any) -> Any:
            sums = {"pseudo_log_likelihood": answer.pseudo_log_likelihood, "perplexity": answer.perplexity}
            return codec.reply(question, self._model, answer) | sums

        return await self._answer_one(question, client, encode)

    async def _answer_one(self, question: Question, client: str, encode: Callable[[Any], Any]) -> Reply:
        cost = await self._check(question)
        with self._admission.admit(cost) as ticket:
            answer = await self._ask(question, client, ticket)
        return await _encode(lambda: encode(answer), cost)

    async def _fill_mask(self, body: object, client: str) -> Reply:
        request = hub_protocol.read_request(body)
        questions = []
        for number, text in enumerate(request.texts):
            self._check_masks(text)
            questions.append(request.questions(number))
        all_questions = [question for each in questions for question in each]
        prices = [self._check_price(question) for question in all_questions]
        cost = self._within_limits(_with_sequences(Price.total(prices), request))
        for text in request.texts:
            await self._check_tokens(text)
        turns = asyncio.Semaphore(_TEXTS_AT_ONCE)
        with self._admission.admit(cost) as ticket:

            async def ask(question: Question) -> Any:
                async with turns:
                    return await self._ask(question, client, ticket)

            answers = iter(await _gather([ask(question) for question in all_questions]))
        by_text = [[next(answers) for _ in each] for each in questions]
        return await _encode(lambda: request.value(by_text), cost)

    async def _ask(self, question: Question, client: str, ticket: Ticket) -> Any:
        return await self._answer(question, ticket.priority, client=client, on_progress=ticket.on_progress)

    async def _check(self, question: Question) -> Price:
        """Return the price of a question.

        Raises:
            TooLargeError: it is above the limits.
        """
        self._check_masks(question.text)
        cost = self._check_price(question)
        await self._check_tokens(question.text)
        return cost

    def _check_masks(self, text: str) -> None:
        limits = self._limits
        if len(text) > _CHARACTERS_PER_TOKEN * limits.text_tokens:
            raise codec.TooLargeError(f"a text may have at most {limits.text_tokens} tokens")
        masks = text.count(MASK)
        if masks > limits.text_masks:
            raise codec.TooLargeError(f"a text may have at most {limits.text_masks} masks, not {masks}")

    def _check_price(self, question: Question) -> Price:
        return self._within_limits(price(question, self._limits.text_tokens))

    def _within_limits(self, cost: Price) -> Price:
        limits = self._limits
        for name, number, limit in (
            ("tokens of computation", cost.forward_tokens, limits.forward_tokens),
            ("rows of logits", cost.logit_rows, limits.logit_rows),
            ("bytes of output", cost.response_bytes, limits.response_bytes),
        ):
            if number > limit:
                raise codec.TooLargeError(
                    f"the question needs about {number:,} {name}; at most {limit:,} are allowed. Shorten the text, or send "
                    "fewer masks or a smaller top_k."
                )
        return cost

    async def _check_tokens(self, text: str) -> None:
        limit = self._limits.text_tokens
        if len(text.encode()) + 2 <= limit:  # a token has at least one byte
            return
        tokens = await asyncio.get_running_loop().run_in_executor(None, self._count_tokens, text)
        if tokens > limit:
            raise codec.TooLargeError(f"a text may have at most {limit} tokens, not {tokens}")


def _error(status: int, message: str) -> Reply:
    return Reply.of_json(status, {"error": message})


def _with_sequences(cost: Price, request: FillMaskRequest) -> Price:
    """Return the price of a request by the hub's protocol, which repeats the text with each candidate."""
    most = min(request.top_k, len(request.targets)) if request.targets else request.top_k
    repeated = sum(most * text.count(MASK) * (100 + len(text)) for text in request.texts)
    return Price(cost.forward_tokens, cost.logit_rows, cost.response_bytes + repeated)


async def _encode(value: Callable[[], Any], cost: Price) -> Reply:
    """Return a response with a JSON value; encode a large one in a thread."""
    if cost.response_bytes <= _LARGE_RESPONSE:
        return Reply.of_json(200, value())
    return await asyncio.get_running_loop().run_in_executor(None, lambda: Reply.of_json(200, value()))


async def _read_body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _unless_disconnected(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """Return the result of ``work``; cancel it when the client closes the connection."""
    task = asyncio.ensure_future(work)
    disconnect = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        await asyncio.wait((task, disconnect), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise DisconnectedError
    finally:
        disconnect.cancel()
        task.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _gather(work: list[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of all work; if one fails or the caller is cancelled, cancel the rest."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
