"""The current settings: the server's, and those of each document if the client answers ``workspace/configuration``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.engine import http_client
from fillmask_ls.settings import Settings, merge_document_settings, merge_settings

from .client import SECONDS_TO_ANSWER, Client

logger = logging.getLogger(__name__)


class PendingSettings:
    """A pending configuration request: awaited up to a deadline, applied whenever it arrives."""

    def __init__(self, request: Coroutine[Any, Any, Settings]) -> None:
        self._task = asyncio.ensure_future(request)
        self._deadline = asyncio.get_running_loop().time() + SECONDS_TO_ANSWER

    @property
    def result(self) -> Settings | None:
        """The settings; None until they arrive."""
        return self._task.result() if self._task.done() else None

    async def wait_until_deadline(self) -> bool:
        """Wait for the settings until the deadline, and return whether they arrived."""
        if not self._task.done():
            timeout = self._deadline - asyncio.get_running_loop().time()
            await asyncio.wait({self._task}, timeout=max(0, timeout))
        return self._task.done()

    async def wait(self) -> None:
        """Wait for the settings without a deadline."""
        await asyncio.wait({self._task})


class Configuration:
    """The settings of one server and of its documents.

    A document's settings are pulled once, when they are first needed; every change of the client's settings drops them.

    Attributes:
        settings: the server's, which are also those of every document without its own.
        trusted: whether the workspace may choose a model.
        distinguishes_manual_trigger: whether the client asks for completion with the trigger kind ``Invoked`` only if
            the user does; many clients do so at each letter, too.
        engine_token: the token of the shared engine, from the client's secret store.
    """

    def __init__(self, client: Client) -> None:
        self.settings = Settings()
        self.trusted = True
        self.distinguishes_manual_trigger = False
        self.engine_token: str | None = None
        self._client = client
        self._initial = Settings()
        self._initial_problems: list[str] = []
        self._pending: PendingSettings | None = None
        self._by_document: dict[str, PendingSettings] = {}
        self._answers_pulls = False
        self._changes = self._last_applied = 0

    def initialize(self, options: object) -> None:
        """Apply ``initializationOptions``.

        ``userSettings`` among them are the user's own: they apply in an untrusted workspace, too.
        """
        values = dict(options) if isinstance(options, Mapping) else {}
        self.trusted = values.pop("trusted", True) is True
        self.distinguishes_manual_trigger = values.pop("distinguishesManualTrigger", False) is True
        token, user_settings = values.pop("engineToken", None), values.pop("userSettings", None)
        self.engine_token = http_client.usable_token(token)
        base, self._initial_problems = merge_settings(Settings(), user_settings)
        self._initial, problems = merge_settings(
            base, values if isinstance(options, Mapping) else options, trusted=self.trusted
        )
        self._initial_problems += problems
        if token is not None and self.engine_token is None:
            self._initial_problems.append("engineToken must contain visible ASCII characters only; it is ignored.")
        self.settings = self._initial

    def change(self, values: object) -> PendingSettings:
        """Apply changed settings over the initial ones, and report invalid values to the user.

        Args:
            values: the settings that the client pushed; not used if it answers ``workspace/configuration``.
        """
        self._pending = PendingSettings(self._changed_settings(values))
        return self._pending

    def choose_model(self, model: str) -> None:
        """Use another model until the client changes its settings."""
        self.settings = replace(self.settings, model=model)

    async def settings_for(self, uri: str | None = None) -> Settings:
        """Return the settings of a document, or the server's; waits for the client up to a deadline."""
        if self._pending is not None:
            await self._pending.wait_until_deadline()
        if uri is None or not self._answers_pulls:
            return self.settings
        if uri not in self._by_document:
            self._by_document[uri] = PendingSettings(self._document_settings(uri))
        pending = self._by_document[uri]
        await pending.wait_until_deadline()
        return pending.result or self.settings

    def forget(self, uri: str) -> None:
        """Drop the settings of a closed document."""
        self._by_document.pop(uri, None)

    def known_settings(self) -> Iterator[Settings]:
        """Yield the server's settings and those of the documents that have arrived."""
        yield self.settings
        yield from (pending.result for pending in self._by_document.values() if pending.result)

    async def _changed_settings(self, values: object) -> Settings:
        self._changes += 1
        number, pushed_nothing = self._changes, values is None
        self._answers_pulls = False
        if self._client.capabilities.configuration:
            try:
                values = await self._client.pull_settings(None)
                self._answers_pulls, pushed_nothing = True, False
            except JsonRpcException:
                logger.warning("the client refused to send its settings")
        if number < self._last_applied:  # the client answered a later request first
            return self.settings
        self._last_applied = number
        self._by_document.clear()
        base = self.settings if pushed_nothing else self._initial
        self.settings, problems = merge_settings(base, values, trusted=self.trusted)
        self._report([*self._initial_problems, *problems])
        return self.settings

    async def _document_settings(self, uri: str) -> Settings:
        try:
            settings, problems = merge_document_settings(self.settings, await self._client.pull_settings(uri))
        except JsonRpcException:
            logger.warning("the client refused to send the settings of a document")
            return self.settings
        self._report(problems)
        return settings

    def _report(self, problems: list[str]) -> None:
        for problem in problems:
            self._client.show_message_once(problem, types.MessageType.Warning)
