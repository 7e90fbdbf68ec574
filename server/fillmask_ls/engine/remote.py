"""The engine on another machine: our own protocol where the server offers it, else the hub's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import codec
from .api import Engine, InspectQuestion, Prediction, Predictions, PredictQuestion, Priority, Question, ScoreQuestion
from .cache import Memory
from .hf_inference import FillMask
from .http_client import Address, Connection, RefusedError, UnavailableError, client_factory, failure, persistently
from .single_flight import Flights

_SECONDS_TO_COMPUTE = 30.0
"""For what is much work: nobody types on meanwhile."""


class RemoteEngine(Engine):
    """Asks a server by HTTP. What was asked before is remembered, and what is being asked is not asked again."""

    def __init__(
        self, address: Address, *, direct: bool = False, patience: float = 30.0, provider: str = "", model: str = ""
    ) -> None:
        """An engine that has not been spoken to.

        Args:
            direct: whether the server is on this machine, so that no proxy is asked.
            patience: how many seconds someone who types waits for an answer.
            provider, model: of the hub, if it is not the address that answers.
        """
        from huggingface_hub import set_async_client_factory

        self.address = address
        self._patience = patience
        self._provider, self._model = provider, model
        # The hub's client makes its own connections, by what is set here for the whole process.
        make = client_factory(None if provider else address, direct=direct)
        set_async_client_factory(make)
        self._connection = Connection(address, make())
        self._speaker: Connection | FillMask | None = None
        self._name: str | None = None
        self._answers = Memory.of_answers()
        self._flights = Flights()

    @property
    def model_name(self) -> str | None:
        """The name of the model that answers; None before the server was met."""
        return self._name

    def answers(self, kind: type[Question]) -> bool:
        """Whether it answers this kind of question, as far as the server is known."""
        return kind is PredictQuestion or not isinstance(self._speaker, FillMask)

    async def connect(self) -> None:
        """Find out which protocol the server speaks, if that is not known. No text of the user is sent.

        Raises:
            UnavailableError, RefusedError: it doesn't answer.
        """
        await persistently(self._met, _SECONDS_TO_COMPUTE, self.address.host)

    async def reconnect(self) -> None:
        """The same, whether it is known or not: another server may be there by now."""
        speaker, self._speaker = self._speaker, None
        if isinstance(speaker, FillMask):
            await speaker.close()
        await self.connect()

    async def answer(self, question: Question, priority: Priority = Priority.INTERACTIVE) -> Any:  # noqa: ARG002
        """As :class:`~fillmask_ls.engine.api.Engine` says; a server has no priorities.

        Raises:
            UnavailableError: the server can't answer now.
            RefusedError: it doesn't answer this.
        """
        if isinstance(self._speaker, FillMask) and isinstance(question, PredictQuestion):
            question = replace(question, max_subwords=1)  # it knows no longer words
        found = self._remembered(question)
        if found is None:
            found = await self._flights.share(question, lambda: self._asked(question))
        return found

    async def close(self) -> None:
        """Give up what is being asked, and close the connections."""
        self._flights.close()
        if isinstance(self._speaker, FillMask):
            await self._speaker.close()
        await self._connection.close()

    async def _met(self) -> None:
        if self._speaker is None:
            await self._flights.share(None, self._meet)

    async def _meet(self) -> None:
        self._speaker = await self._recognized()

    async def _recognized(self) -> Connection | FillMask:
        if not self._provider:
            _, health = await self._connection.get("/healthz")
            try:
                name = codec.read_health(health)
            except codec.CodecError as error:
                raise UnavailableError(f"{self.address.host} is not for this client: {error}.") from None
            if name is not None:
                self._rename(name)
                return self._connection
        speaker = FillMask(self.address, provider=self._provider, model=self._model)
        try:
            await speaker.connect()
        except RefusedError as error:
            await speaker.close()
            raise UnavailableError(f"{self.address.host} fills no masks. {error}") from None
        except BaseException:
            await speaker.close()
            raise
        self._rename(speaker.model)
        return speaker

    async def _asked(self, question: Question) -> Any:
        seconds = _SECONDS_TO_COMPUTE if isinstance(question, (ScoreQuestion, InspectQuestion)) else self._patience

        async def attempt() -> Any:
            await self._met()
            if isinstance(self._speaker, Connection):
                return await self._by_our_protocol(self._speaker, question)
            if isinstance(self._speaker, FillMask) and isinstance(question, PredictQuestion):
                return await self._speaker.rank(question)
            raise RefusedError(f"{self.address.host} speaks the hub's protocol only, which can't answer this.")

        answer = await persistently(attempt, seconds, self.address.host)
        self._remember(question, answer)
        return answer

    async def _by_our_protocol(self, connection: Connection, question: Question) -> Any:
        body = await connection.post("/v1/predict", codec.request(question))
        try:
            name, answer = codec.read_reply(question, body)
        except codec.CodecError as error:
            raise failure(error, self.address.host) from None
        self._rename(name)
        return answer

    def _rename(self, name: str) -> None:
        """Note which model answers; what another one said is forgotten."""
        if name != self._name:
            self._name, self._answers = name, Memory.of_answers()

    def _remembered(self, question: Question) -> Any:
        """What was answered before to the question, or to one that asked for more; None if nothing was."""
        kept = self._answers.get(_about(question))
        if kept is None:
            return None
        asked, [answer] = kept
        if isinstance(question, PredictQuestion):
            if asked.top_k < question.top_k or asked.max_subwords < question.max_subwords:
                return None
            return Predictions(answer.model, tuple(_cut(mask, question.top_k) for mask in answer.predictions))
        return answer

    def _remember(self, question: Question, answer: Any) -> None:
        if self._remembered(question) is None:
            self._answers[_about(question)] = question, [answer]


def _about(question: Question) -> Question:
    """A question without how much is asked: what it is remembered by."""
    return replace(question, top_k=0, max_subwords=0) if isinstance(question, PredictQuestion) else question


def _cut(mask: Prediction, top_k: int) -> Prediction:
    return replace(mask, candidates=mask.candidates[:top_k])
