"""Which model answers: load the one that the settings name, here or on a shared engine; download and offer models."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import __version__
from fillmask_ls.background import run_in_background
from fillmask_ls.engine import download
from fillmask_ls.engine.api import EngineError, SupersededError
from fillmask_ls.engine.fallback import FallbackEngine
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.settings import Settings

from .client import Client
from .configuration import Configuration
from .documents import Documents
from .model_download import download_with_progress, offer_download
from .progress import progress_bar
from .reader import Reader
from .shared_engine import SharedEngine

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 3.0
"""Seconds without a change before the user is asked anything: some editors ask in a prompt that swallows typed letters."""


@dataclass(frozen=True, slots=True)
class _LocalModel:
    """The model on this machine, as arguments of :func:`fillmask_ls.mlm.load`."""

    model: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    runtime: str = "torch"


class ModelManager:
    """The models of one server. With a shared engine, a local model is loaded only when it is needed.

    Attributes:
        engine: answers questions with the chosen model.
        on_model_change: called when another model answers.
    """

    def __init__(
        self,
        local: LocalEngine,
        client: Client,
        configuration: Configuration,
        documents: Documents,
        reader: Reader,
    ) -> None:
        self.engine = FallbackEngine(local, need_local=self._load_local, changed=self._shared_engine_changed)
        self.on_model_change: Callable[[], None] = lambda: None
        self._client, self._configuration, self._documents = client, configuration, documents
        self._reader = reader
        self._tasks: set[asyncio.Task[None]] = set()
        self._state = "starting"
        self._wanted: _LocalModel | None = None
        self._load_task: asyncio.Task[None] | None = None
        self._error: str | None = None
        self._shared = SharedEngine()
        self._connect_task: asyncio.Task[None] | None = None
        self._needs_local = False
        self._reported_hosts: set[str] = set()

    @property
    def is_loading_first(self) -> bool:
        """Whether the first model is being loaded, or will be soon."""
        return self.engine.model_name is None and self._state in ("starting", "loading")

    def status(self) -> dict[str, Any]:
        """Return what ``fillmask/status`` and the command ``fillmask.status`` report.

        ``error`` keeps the reason why the wanted model could not be loaded until it is loaded or another is wanted.
        ``notes`` says where the local model differs from the settings.
        ``engine`` says which engine answers now, ``host`` names the shared engine, ``leavesMachine`` says whether text may travel
        over a network.
        """
        engine, shared = self.engine, self._shared
        state, error = self._state, self._error
        if engine.is_remote:
            state, error = ("ready" if engine.model_name else "loading"), None
        elif engine.problem is not None:
            state = state if self._needs_local else "failed"
            error = str(engine.problem)
        return {
            "state": state,
            "model": engine.model_name,
            "error": error,
            "notes": [] if engine.is_remote else list(engine.local.notes),
            "version": __version__,
            "engine": "remote" if engine.is_remote else "local",
            "host": engine.remote.address.host if engine.remote else None,
            "leavesMachine": shared.leaves_machine,
        }

    def ensure_started(self, settings: Settings) -> None:
        """Call :meth:`load`, unless it was called before: a client may ask before it sends ``initialized``."""
        if self._wanted is None and self.engine.remote is None:
            self.load(settings)

    def load(self, settings: Settings) -> None:
        """Connect to the engine and load the model that the settings name, unless they named the same before."""
        self._connect(SharedEngine.named_by(settings))
        if self.engine.remote is not None and not self._needs_local:
            return
        # A provider's model need not be on this machine.
        model = "auto" if self._shared.provider else settings.model
        wanted = _LocalModel(model, settings.device, settings.dtype, settings.runtime)
        if wanted != self._wanted:
            self._wanted = wanted
            self._load_task = run_in_background(self._tasks, self._load(wanted))

    def retry_failed(self) -> None:
        """Let :meth:`load` try a model again that could not be loaded."""
        if self._error is not None:
            self._wanted = None

    async def select(self, model: str) -> dict[str, Any]:
        """Load ``model`` and use it until the settings change; return the :meth:`status` after that.

        Raises:
            EngineError: a shared engine answers, which chooses its model itself.
        """
        if self._shared.url:
            raise EngineError(f"{self._shared.host} answers, and chooses its model itself.")
        self._configuration.choose_model(model)
        self._wanted = None
        self.load(self._configuration.settings)
        tasks = {task for task in (self._load_task, self._connect_task) if task is not None}
        if tasks:
            await asyncio.wait(tasks)
        return self.status()

    async def download(self, model: str) -> dict[str, Any]:
        """Download ``model`` with progress, and load it if the settings name it; return the :meth:`status` after that.

        Raises:
            EngineError: the download failed.
            JsonRpcException: the user cancelled it.
        """
        await download_with_progress(self._client, model)
        wanted = self._configuration.settings.model
        return await self.select(wanted) if wanted in ("auto", model) and not self._shared.url else self.status()

    def _connect(self, shared: SharedEngine) -> None:
        """Use the shared engine that the settings name, or none."""
        if shared == self._shared:
            return
        self._shared, self._needs_local = shared, False
        remote = shared.create_engine(self._configuration.engine_token)
        self._connect_task = self.engine.use(remote, falls_back=shared.falls_back)
        self._notify()

    def _load_local(self) -> None:
        """Load a local model: the shared engine can't answer, or not every question."""
        if not self._needs_local:
            self._needs_local = True
            self.load(self._configuration.settings)

    def _shared_engine_changed(self) -> None:
        """Report that the shared engine was found or lost."""
        engine = self.engine
        if engine.problem is not None and engine.remote is not None:
            logger.warning("lost the shared engine: %s", engine.problem)
            host = engine.remote.address.host
            if host not in self._reported_hosts:
                self._reported_hosts.add(host)
                meanwhile = " The model on this machine answers meanwhile." if self._shared.falls_back else ""
                self._client.show_message_once(f"{engine.problem}{meanwhile}", types.MessageType.Warning)
        elif engine.remote is not None:
            logger.info("the shared engine answers with %s", engine.model_name)
            self.on_model_change()
        self._notify()

    async def _load(self, wanted: _LocalModel) -> None:
        """Load a model. If that fails, keep the previous model, or load the default model if there is none."""
        self._set_state("loading")
        try:
            name = await self._load_with_progress(wanted)
        except SupersededError:
            return
        except EngineError as error:
            await self._use_another(wanted, str(error))
            return
        logger.info("the model %s is ready", name)
        if wanted == self._wanted:
            self._error = None
        self._set_state("ready" if self._is_latest_load() else "loading")
        self.on_model_change()
        if (wanted.model, name) == ("auto", "embedded") and self.engine.remote is None:
            run_in_background(self._tasks, self._offer_download())

    async def _use_another(self, wanted: _LocalModel, error: str) -> None:
        """Go on without a model that could not be loaded."""
        if not self._is_latest_load():
            return
        if wanted == self._wanted:
            self._error = error
        current = self.engine.local.model_name
        self._set_state("ready" if current else "failed")
        if current is not None:
            self._show_error(f"{error} {current} stays in use.")
        elif wanted == self._wanted != _LocalModel():
            self._show_error(f"{error} The default model is used instead.")
            await self._load(_LocalModel())
        else:
            self._show_error(error)

    def _show_error(self, message: str) -> None:
        """Show why a model was not loaded, unless the client shows the status' error with buttons of its own."""
        if not self._client.capabilities.status_notifications:
            self._client.show_message_once(message, types.MessageType.Error)

    def _is_latest_load(self) -> bool:
        """Return whether this task loads the model that was chosen last."""
        return self._load_task is asyncio.current_task()

    async def _load_with_progress(self, wanted: _LocalModel) -> str:
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        run_in_background(self._tasks, self._show_loading(wanted.model, done))
        outcome = "failed"
        try:
            name = await self.engine.local.load(wanted.model, wanted.device, wanted.dtype, wanted.runtime)
            outcome = f"{name} is ready"
            return name
        except SupersededError:
            outcome = "another model was chosen"
            raise
        finally:
            if not done.done():
                done.set_result(outcome)

    async def _show_loading(self, model: str, done: asyncio.Future[str]) -> None:
        async with progress_bar(self._client, "Loading the language model", model, has_percentage=False) as bar:
            bar.outcome = await done

    def _set_state(self, state: str) -> None:
        self._state = state
        self._notify()

    def _notify(self) -> None:
        self._client.notify_status(self.status())

    async def _offer_download(self) -> None:
        """Offer a better model than the embedded one, once for each user, in a client that shows buttons."""
        if not self._configuration.trusted:
            return
        await self._documents.wait_until_idle(_IDLE_SECONDS)
        with suppress(JsonRpcException):
            if not await offer_download(self._client, self._reader):
                return
            try:
                await self.download(download.RECOMMENDED_MODEL)
            except EngineError as error:
                await self._reader.run(download.withdraw_offer)
                message = f"{error} It is offered again at the next start; the command fillmask.downloadModel tries again now."
                self._client.show_message_once(message, types.MessageType.Error)
