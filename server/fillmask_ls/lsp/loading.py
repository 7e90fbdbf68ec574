"""Which model answers: loaded as the settings say, on another machine, chosen, fetched, offered; and how that goes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import __version__
from fillmask_ls.engine import download, http_client
from fillmask_ls.engine.api import EngineError, SupersededError
from fillmask_ls.engine.remote import RemoteEngine
from fillmask_ls.settings import Settings, is_loopback

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

_Remote = tuple[str, str, str, bool]
"""The address, the provider and its model, and whether the local model answers meanwhile."""

_SECONDS_BEFORE_FALLBACK = 2.0
_SECONDS_WITHOUT_FALLBACK = 30.0


class Loading:
    """The models of one server's engine. With a shared engine, one is loaded only when it is needed."""

    def __init__(self, server: FillmaskServer) -> None:
        self._server = server
        self._asked_for: _Choice | None = None
        self._loading: asyncio.Task[None] | None = None
        self._failed = False
        self._state = "starting"
        self._error: str | None = None
        self._remote: _Remote = ("", "", "", True)
        self._finding: asyncio.Task[None] | None = None
        self._is_needed = False
        self._told: set[str] = set()

    @property
    def is_first(self) -> bool:
        """Whether the first model is being loaded, or will be soon."""
        return self._server.engine.model_name is None and self._state in ("starting", "loading")

    def status(self) -> dict[str, Any]:
        """What ``fillmask/status`` and the command ``fillmask.status`` say.

        ``engine``: who answers now; ``host``: of the shared engine, if the user named one; ``leavesMachine``: whether text
        may go there over a network.
        """
        engine = self._server.engine
        url, provider, _, _ = self._remote
        host = engine.remote.address.host if engine.remote else None
        state, error = self._state, self._error
        if engine.is_remote:
            state, error = ("ready" if engine.model_name else "loading"), None
        elif engine.problem is not None:
            state = state if self._is_needed else "failed"
            error = str(engine.problem)
        return {
            "state": state,
            "model": engine.model_name,
            "error": error,
            "version": __version__,
            "engine": "remote" if engine.is_remote else "local",
            "host": host,
            "leavesMachine": bool(provider) if not url else not is_loopback(urlsplit(url).hostname or ""),
        }

    def need_local(self) -> None:
        """Load a model here though another machine is to answer: it can't, or not all."""
        if not self._is_needed:
            self._is_needed = True
            self.load(self._server.settings)

    def engine_changed(self) -> None:
        """Tell that the shared engine was found or lost."""
        engine = self._server.engine
        if engine.problem is not None and engine.remote is not None:
            logger.warning("the shared engine was lost: %s", engine.problem)
            host = engine.remote.address.host
            if host not in self._told:
                self._told.add(host)
                meanwhile = " The model on this machine answers meanwhile." if self._remote[3] else ""
                self._server.tell(f"{engine.problem}{meanwhile}", types.MessageType.Warning)
        elif engine.remote is not None:
            logger.info("the shared engine answers with %s", engine.model_name)
            self._refresh()
        self._notify()

    def try_again(self) -> None:
        """Let a model that could not be loaded be tried again: it may have been mended."""
        if self._failed:
            self._failed, self._asked_for = False, None

    def load(self, chosen: Settings) -> None:
        """Find the engine and load the model that the settings name, if they named another before."""
        url, provider = chosen.engine_url, "" if chosen.engine_url else chosen.engine_provider
        self._find((url, provider, _model_of_provider(chosen.model) if provider else "", chosen.engine_fallback))
        if self._server.engine.remote is not None and not self._is_needed:
            return
        # A provider's model has not to be on this machine.
        wanted = ("auto" if provider else chosen.model, chosen.device, chosen.dtype, chosen.runtime)
        if wanted != self._asked_for:
            self._asked_for = wanted
            self._loading = self._server.in_background(self._load(*wanted))

    def _find(self, wanted: _Remote) -> None:
        """Let the shared engine that the settings name answer, or none."""
        if wanted == self._remote:
            return
        self._remote = url, provider, model, falls_back = wanted
        self._is_needed = False
        remote = None
        if url or provider:
            address = http_client.Address(
                url or "https://router.huggingface.co",
                http_client.token_for(url, self._server.configuration.engine_token),
            )
            remote = RemoteEngine(
                address,
                direct=is_loopback(urlsplit(url).hostname or ""),
                patience=_SECONDS_BEFORE_FALLBACK if falls_back else _SECONDS_WITHOUT_FALLBACK,
                provider=provider,
                model=model,
            )
        self._finding = self._server.engine.use(remote, falls_back=falls_back)
        self._notify()

    async def select(self, model: str) -> dict[str, Any]:
        """Load a model and let it answer until the settings change; returns the :meth:`status` then.

        Raises:
            EngineError: the model is not chosen here.
        """
        if self._remote[0]:
            raise EngineError(f"{urlsplit(self._remote[0]).netloc} answers, and chooses its model itself.")
        self._server.configuration.choose(model)
        self._asked_for = None
        self.load(self._server.settings)
        waited = {task for task in (self._loading, self._finding) if task is not None}
        if waited:
            await asyncio.wait(waited)
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
        return await self.select(chosen) if chosen in ("auto", model) and not self._remote[0] else self.status()

    async def _load(self, model: str, device: str, dtype: str, runtime: str) -> None:
        server = self._server
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        server.in_background(self._show_progress(model, outcome))
        self._become("loading")
        try:
            name = await server.engine.local.load(model, device, dtype, runtime)
            outcome.set_result(f"{name} is ready")
            logger.info("the model %s is ready", name)
            self._error = None
            self._become("ready")
            self._refresh()
            if (model, name) == ("auto", "embedded") and server.engine.remote is None:
                server.in_background(self._offer_download())
        except SupersededError:
            outcome.set_result("another model was chosen")
        except EngineError as error:
            outcome.set_result("failed")
            self._failed, self._error = True, str(error)
            before = server.engine.local.model_name
            self._become("ready" if before else "failed")
            if before is not None:
                server.tell(f"{error} {before} goes on.", types.MessageType.Error)
            elif (model, device, dtype, runtime) == self._asked_for != _DEFAULT:
                server.tell(f"{error} The default model is taken instead.", types.MessageType.Error)
                await self._load(*_DEFAULT)
            else:
                server.tell(str(error), types.MessageType.Error)

    def _refresh(self) -> None:
        """Let the client ask anew: another model answers."""
        self._server.refresh()
        if any(settings.diagnostics for settings in self._server.configuration.known()):
            self._server.diagnosing.refresh()

    def _become(self, state: str) -> None:
        self._state = state
        self._notify()

    def _notify(self) -> None:
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


def _model_of_provider(model: str) -> str:
    """The model that a provider of the hub is to answer with: the one of the settings, if that is the hub's."""
    return model if "/" in model and not Path(model).expanduser().is_absolute() else download.BETTER
