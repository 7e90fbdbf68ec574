"""What answers a command's questions: the model in this process, or a shared engine."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from fillmask_ls import MASK

from ..errors import CommandError, ExitCode
from ..models import ModelChoice

if TYPE_CHECKING:
    from fillmask_ls.engine.api import Question
    from fillmask_ls.engine.remote import RemoteEngine
    from fillmask_ls.mlm.model import LoadedModel

T = TypeVar("T")

_IN_FLIGHT = 8
"""Questions that a shared engine gets at once."""
_FIRST_PAUSE, _LAST_PAUSE = 0.5, 32.0
"""Seconds before a busy engine is asked again; the pause doubles from the first to the last one."""


class Backend:
    """The model that a command's options name; it is loaded when it is first needed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.batch_tokens: int = options.batch_tokens

    @property
    def is_remote(self) -> bool:
        """Whether a shared engine answers."""
        return self._options.engine is not None

    @property
    def name(self) -> str:
        """The name of the model that answers."""
        return (self.engine.model_name or "") if self.is_remote else self.model.name

    @property
    def is_exact(self) -> bool:
        """Whether the model in this process computes in float32, so that each batch gives the same values."""
        return self.cluster is None and not self.is_remote and str(self.model.dtype) == "torch.float32"

    @property
    def cluster(self) -> str | None:
        """The address of the Ray cluster whose models answer; None if there is none."""
        address: str | None = self._options.ray
        return address

    def start(self) -> None:
        """Load the model, or connect to the engine, unless that is done.

        Raises:
            CommandError: there is no model.
        """
        if self.is_remote:
            self.engine  # noqa: B018 - connects
        else:
            self.model  # noqa: B018 - loads

    @property
    def choice(self) -> ModelChoice:
        """The model that the options choose, and where it runs."""
        return ModelChoice.of(self._options)

    @cached_property
    def model(self) -> LoadedModel:
        """The model in this process.

        Raises:
            CommandError: it can't be loaded.
        """
        model: LoadedModel = self._options.load_model(self.choice)
        return model

    @cached_property
    def engine(self) -> RemoteEngine:
        """The shared engine.

        Raises:
            CommandError: its address is wrong, or it doesn't answer.
        """
        from fillmask_ls.engine.api import EngineError
        from fillmask_ls.lsp.shared_engine import SharedEngine
        from fillmask_ls.settings import Settings, merge_settings

        settings, problems = merge_settings(Settings(), {"engine": {"url": self._options.engine, "fallback": False}})
        if problems or not settings.engine_url:
            raise CommandError(
                f"can't use the engine {self._options.engine!r}: its address must be https://HOST, or http:// to this "
                "machine (http://localhost:8000), without a password, query or fragment",
                ExitCode.USAGE,
            )
        engine = SharedEngine.named_by(settings).create_engine(None)
        assert engine is not None  # noqa: S101 - it has an address
        try:
            self._run(engine.connect())
        except EngineError as error:
            raise CommandError(str(error), ExitCode.NO_MODEL) from error
        return engine

    @property
    def mask_token(self) -> str:
        """The mask of the model's vocabulary."""
        return MASK if self.is_remote else self.model.tokenizer.mask_token

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        """Answer questions: a shared engine gets several at once, the model one after another.

        Raises:
            CommandError: there is no model, or the engine can't answer now.
            EngineError: the engine refuses a question.
        """
        return self._ask_engine(questions) if self.is_remote else [self._ask_model(question) for question in questions]

    def _ask_model(self, question: Question) -> Any:
        from fillmask_ls.engine.dispatch import begin
        from fillmask_ls.engine.job_queue import ModelSteps
        from fillmask_ls.mlm.forward_steps import run_steps

        answer = begin(self.model, question, {}, self.batch_tokens)
        return run_steps(self.model, answer.steps) if isinstance(answer, ModelSteps) else answer

    def _ask_engine(self, questions: Sequence[Question]) -> list[Any]:
        from fillmask_ls.engine.http_client import UnavailableError

        try:
            return self._run(self._ask(self.engine, questions))
        except UnavailableError as error:
            raise CommandError(str(error), ExitCode.NO_MODEL) from error

    def close(self) -> None:
        """Close the connections."""
        if "_loop" in self.__dict__:
            self._run(_cancel_others())  # left by Ctrl-C
            if "engine" in self.__dict__:
                self._run(self.engine.close())
            self._loop.close()

    async def _ask(self, engine: RemoteEngine, questions: Sequence[Question]) -> list[Any]:
        free = asyncio.Semaphore(_IN_FLIGHT)

        async def ask(question: Question) -> Any:
            async with free:
                return await _answer_patiently(engine, question)

        tasks = [asyncio.ensure_future(ask(question)) for question in questions]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    def _run(self, work: Awaitable[T]) -> T:
        return self._loop.run_until_complete(work)

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()


async def _cancel_others() -> None:
    """Cancel all other tasks of this loop, and wait for their ends."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _answer_patiently(engine: RemoteEngine, question: Question) -> Any:
    """Answer a question; ask a busy engine again."""
    from fillmask_ls.engine.http_client import UnavailableError

    pause = _FIRST_PAUSE
    while True:
        try:
            return await engine.answer(question)
        except UnavailableError as error:  # noqa: PERF203
            if not error.transient or pause > _LAST_PAUSE:
                raise
            await asyncio.sleep(max(error.retry_after or 0, pause))
            pause *= 2
