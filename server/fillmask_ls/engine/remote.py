"""The engine on another machine: asks a server over HTTP, by our own protocol or by Hugging Face's fill-mask protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import codec
from .api import Engine, InspectQuestion, Prediction, Predictions, PredictQuestion, Priority, Question, ScoreQuestion
from .cache import LRUCache
from .hf_inference import FillMask
from .http_client import Address, Connection, RefusedError, UnavailableError, client_factory, failure, retry
from .single_flight import SingleFlight

_LONG_TIMEOUT = 30.0
"""Timeout in seconds of questions that take much work, while nobody types."""


class RemoteEngine(Engine):
    """Asks a server over HTTP. Answers are cached, and identical questions in flight share one request."""

    def __init__(
        self,
        address: Address,
        *,
        bypass_proxy: bool = False,
        timeout: float = 30.0,
        provider: str = "",
        model: str = "",
    ) -> None:
        """Create an engine that has not connected yet.

        Args:
            bypass_proxy: whether the server is on this machine, so that no proxy is asked.
            timeout: the seconds within which a question must be answered, second tries included.
            provider, model: the inference provider that Hugging Face's hub knows the way to, and its model; used
                instead of the address.
        """
        self.address = address
        self._timeout = timeout
        self._provider, self._model = provider, model
        self._make_client = client_factory(None if provider else address, bypass_proxy=bypass_proxy)
        self._connection = Connection(address, self._make_client())
        self._protocol: Connection | FillMask | None = None
        self._name: str | None = None
        self._answers = LRUCache.of_answers()
        self._in_flight = SingleFlight()

    @property
    def model_name(self) -> str | None:
        """The name of the model that answers; None before the first connection."""
        return self._name

    def answers(self, kind: type[Question]) -> bool:
        """Return whether it answers this kind of question, as far as the server is known."""
        return kind is PredictQuestion or not isinstance(self._protocol, FillMask)

    async def connect(self) -> None:
        """Find out which protocol the server speaks, unless that is known. Sends no text of the user.

        Raises:
            UnavailableError, RefusedError: the server does not answer.
        """
        await retry(self._connect_once, _LONG_TIMEOUT, self.address.host)

    async def reconnect(self) -> None:
        """Find out again which protocol the server speaks: it may have been replaced."""
        protocol, self._protocol = self._protocol, None
        if isinstance(protocol, FillMask):
            await protocol.close()
        await self.connect()

    async def answer(
        self,
        question: Question,
        priority: Priority = Priority.INTERACTIVE,  # noqa: ARG002
        *,
        on_progress: Callable[[int], None] | None = None,  # noqa: ARG002
    ) -> Any:
        """Answer a question; see :class:`~fillmask_ls.engine.api.Engine`. The priority is not sent.

        Raises:
            UnavailableError: the server cannot answer now.
            RefusedError: the server does not answer this question.
        """
        question = codec.sendable(question)
        if isinstance(self._protocol, FillMask) and isinstance(question, PredictQuestion):
            question = replace(question, max_subwords=1)  # the protocol has no longer words
        answer = self._cached(question)
        if answer is None:
            answer = await self._in_flight.share(question, lambda: self._ask(question))
        return answer

    async def close(self) -> None:
        """Cancel all questions and close the connections."""
        self._in_flight.close()
        if isinstance(self._protocol, FillMask):
            await self._protocol.close()
        await self._connection.close()

    async def _connect_once(self) -> None:
        if self._protocol is None:
            await self._in_flight.share(None, self._connect)

    async def _connect(self) -> None:
        self._protocol = await self._recognize()

    async def _recognize(self) -> Connection | FillMask:
        if not self._provider:
            _, health = await self._connection.get("/healthz")
            try:
                name = codec.read_health(health)
            except codec.CodecError as error:
                raise UnavailableError(
                    f"{self.address.host} uses another protocol version: {error}. Install the same version of fillmask-ls "
                    "on both machines."
                ) from None
            if name is not None:
                self._set_model(name)
                return self._connection
        fill_mask = FillMask(self.address, self._make_client, provider=self._provider, model=self._model)
        try:
            await fill_mask.connect()
        except RefusedError as error:
            await fill_mask.close()
            raise UnavailableError(f"{self.address.host} fills no masks. {error}") from None
        except BaseException:
            await fill_mask.close()
            raise
        self._set_model(fill_mask.model)
        return fill_mask

    async def _ask(self, question: Question) -> Any:
        timeout = _LONG_TIMEOUT if isinstance(question, (ScoreQuestion, InspectQuestion)) else self._timeout

        async def attempt() -> Any:
            await self._connect_once()
            if isinstance(self._protocol, Connection):
                return await self._post(self._protocol, question)
            if isinstance(self._protocol, FillMask) and isinstance(question, PredictQuestion):
                return await self._protocol.predict(question)
            raise RefusedError(f"{self.address.host} speaks the hub's protocol only, which can't answer this.")

        answer = await retry(attempt, timeout, self.address.host)
        self._cache(question, answer)
        return answer

    async def _post(self, connection: Connection, question: Question) -> Any:
        """Ask by our own protocol."""
        body = await connection.post("/v1/predict", codec.request(question))
        try:
            name, answer = codec.read_reply(question, body)
        except codec.CodecError as error:
            raise failure(error, self.address.host) from None
        self._set_model(name)
        return answer

    def _set_model(self, name: str) -> None:
        """Note which model answers; drop the answers of another one."""
        if name != self._name:
            self._name, self._answers = name, LRUCache.of_answers()

    def _cached(self, question: Question) -> Any:
        """Return the cached answer to a question, or to one that asked for more; None if there is none."""
        entry = self._answers.get(_cache_key(question))
        if entry is None:
            return None
        cached, [answer] = entry
        if isinstance(question, PredictQuestion):
            if cached.top_k < question.top_k or cached.max_subwords < question.max_subwords:
                return None
            return Predictions(answer.model, tuple(_cut(mask, question.top_k) for mask in answer.predictions))
        return answer

    def _cache(self, question: Question, answer: Any) -> None:
        if self._cached(question) is None:
            self._answers[_cache_key(question)] = question, [answer]


def _cache_key(question: Question) -> Question:
    """Return the question without the limits that a cached answer may exceed."""
    return replace(question, top_k=0, max_subwords=0) if isinstance(question, PredictQuestion) else question


def _cut(mask: Prediction, top_k: int) -> Prediction:
    return replace(mask, candidates=mask.candidates[:top_k])
