"""Which model answers: loaded as the settings say, chosen, fetched from the hub, offered; and how that goes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import __version__
from fillmask_ls.engine import download
from fillmask_ls.engine.query import EngineError, OvertakenError
from fillmask_ls.settings import Settings

from . import client
from .progress import progress

if TYPE_CHECKING:
    from .server import FillmaskServer

logger = logging.getLogger(__name__)

_Choice = tuple[str, str, str, str]

_DEFAULT: _Choice = ("auto", "auto", "auto", "torch")
"""What is loaded where what the user chose can't be."""


_PAUSE = 3.0
"""Seconds without a change before the user is asked anything: some editors ask in a prompt that takes what is typed."""


class Loading:
    """The models of one server's engine."""

    def __init__(self, server: FillmaskServer) -> None:
        self._server = server
        self._asked_for: _Choice | None = None
        self._loading: asyncio.Task[None] | None = None
        self._failed = False
        self._state = "starting"
        self._error: str | None = None

    @property
    def is_first(self) -> bool:
        """Whether the first model is being loaded, or will be soon."""
        return self._server.engine.model_name is None and self._state in ("starting", "loading")

    def status(self) -> dict[str, Any]:
        """What ``fillmask/status`` and the command ``fillmask.status`` say."""
        return {
            "state": self._state,
            "model": self._server.engine.model_name,
            "error": self._error,
            "version": __version__,
        }

    def try_again(self) -> None:
        """Let a model that could not be loaded be tried again: it may have been mended."""
        if self._failed:
            self._failed, self._asked_for = False, None

    def load(self, chosen: Settings) -> None:
        """Load the model that the settings name, if they named another before."""
        wanted = (chosen.model, chosen.device, chosen.dtype, chosen.runtime)
        if wanted != self._asked_for:
            self._asked_for = wanted
            self._loading = self._server.in_background(self._load(*wanted))

    async def select(self, model: str) -> dict[str, Any]:
        """Load a model and let it answer until the settings change; returns the :meth:`status` then."""
        self._server.configuration.choose(model)
        self._asked_for = None
        self.load(self._server.settings)
        if self._loading is not None:
            await asyncio.wait({self._loading})
        return self.status()

    async def download(self, model: str) -> dict[str, Any]:
        """Fetch a model with progress, and load it if the settings name it; returns the :meth:`status` then.

        Raises:
            EngineError: it could not be fetched.
            JsonRpcException: the user cancelled it.
        """
        what, kept = "Downloading the language model", "what arrived is kept"
        async with progress(self._server, what, model, cancel=lambda: fetching.cancel()) as bar:
            bar.outcome = f"failed; {kept}"
            fetching = asyncio.ensure_future(
                download.download(
                    model,
                    lambda there, expected: bar.report(there, expected, f"{there >> 20} of {expected >> 20} MB"),
                )
            )
            try:
                await fetching
                bar.outcome = "done"
            except asyncio.CancelledError:
                bar.outcome = f"cancelled; {kept}"
                if bar.is_cancelled:
                    raise JsonRpcException(bar.outcome, code=types.LSPErrorCodes.RequestFailed) from None
                raise
        chosen = self._server.settings.model
        return await self.select(chosen) if chosen in ("auto", model) else self.status()

    async def _load(self, model: str, device: str, dtype: str, runtime: str) -> None:
        server = self._server
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        server.in_background(self._show_progress(model, outcome))
        self._become("loading")
        try:
            name = await server.engine.load(model, device, dtype, runtime)
            outcome.set_result(f"{name} is ready")
            logger.info("the model %s is ready", name)
            self._error = None
            self._become("ready")
            server.refresh()
            if any(settings.diagnostics for settings in server.configuration.known()):
                server.diagnosing.refresh()
            if (model, name) == ("auto", "embedded"):
                server.in_background(self._offer_download())
        except OvertakenError:
            outcome.set_result("another model was chosen")
        except EngineError as error:
            outcome.set_result("failed")
            self._failed, self._error = True, str(error)
            self._become("ready" if server.engine.model_name else "failed")
            if server.engine.model_name is not None:
                server.tell(f"{error} {server.engine.model_name} goes on.", types.MessageType.Error)
            elif (model, device, dtype, runtime) == self._asked_for != _DEFAULT:
                server.tell(f"{error} The default model is taken instead.", types.MessageType.Error)
                await self._load(*_DEFAULT)
            else:
                server.tell(str(error), types.MessageType.Error)

    def _become(self, state: str) -> None:
        self._state = state
        if client.wants_status(self._server.client_capabilities):
            self._server.protocol.notify("fillmask/status", self.status())

    async def _offer_download(self) -> None:
        """Offer the model that is better than the embedded one, once in the user's life, to a client that can ask."""
        server = self._server
        if not (server.configuration.trusted and client.answers_questions(server.client_capabilities)):
            return
        await server.quiet(_PAUSE)
        if not await server.off_loop(download.may_offer):
            return
        yes = types.MessageActionItem(title="Download")
        with suppress(JsonRpcException, EngineError):
            answer = await server.window_show_message_request_async(
                types.ShowMessageRequestParams(
                    type=types.MessageType.Info,
                    message=f"fillmask: the small embedded model answers. {download.BETTER} (440 MB) knows more words: "
                    "download it once from the Hugging Face hub?",
                    actions=[yes, types.MessageActionItem(title="No")],
                )
            )
            if answer is not None and answer.title == yes.title:
                await self.download(download.BETTER)

    async def _show_progress(self, model: str, outcome: asyncio.Future[str]) -> None:
        async with progress(self._server, "Loading the language model", model) as bar:
            bar.outcome = await outcome
