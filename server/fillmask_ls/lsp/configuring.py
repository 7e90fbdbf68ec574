"""The client's settings: those of the server, and those of each document where the client can be asked for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.engine import http_client
from fillmask_ls.settings import SECTION, Settings, merge_document_settings, merge_settings

if TYPE_CHECKING:
    from .server import FillmaskServer

logger = logging.getLogger(__name__)

SECONDS_FOR_THE_CLIENT = 2
"""How long a client may take to say its settings, or yes to a progress bar, before we go on without."""


class Configuration:
    """The settings in force, and how they come to be.

    A document's own are asked for once, when they are needed first; every change of the client's settings forgets them.

    Attributes:
        settings: the server's; a document's, too, where the client has no others for it.
        trusted: whether the workspace may choose a model.
        engine_token: of the shared engine, from the client's secret store.
    """

    def __init__(self, server: FillmaskServer) -> None:
        self.settings = Settings()
        self.trusted = True
        self.engine_token: str | None = None
        self._server = server
        self._initial = Settings()
        self._problems: list[str] = []
        self._changing: _Change | None = None
        self._own: dict[str, _Change] = {}
        self._answers = False

    def begin(self, options: object) -> None:
        """Take what the client said in ``initialize``.

        Its ``userSettings`` are the user's own, whatever the workspace says: they hold without trust, too.
        """
        said = dict(options) if isinstance(options, Mapping) else {}
        self.trusted = said.pop("trusted", True) is True
        token, users = said.pop("engineToken", None), said.pop("userSettings", None)
        self.engine_token = http_client.usable_token(token)
        base, self._problems = merge_settings(Settings(), users)
        values = said if isinstance(options, Mapping) else options
        self._initial, problems = merge_settings(base, values, trusted=self.trusted)
        self._problems += problems
        if token is not None and self.engine_token is None:
            self._problems.append("engineToken must be a text of visible characters; it was not taken.")
        self.settings = self._initial

    def change(self, values: object) -> _Change:
        """Lay the client's settings over the initial ones, and report what is wrong with them.

        Args:
            values: what the client pushed; a client that can be asked is asked instead.
        """
        self._changing = _Change(self._changed(values))
        return self._changing

    def choose(self, model: str) -> None:
        """Let the settings name a model, until the client changes them."""
        self.settings = replace(self.settings, model=model)

    async def settled(self, uri: str | None = None) -> Settings:
        """The server's settings, or a document's, when the client has said them, or had its time to."""
        if self._changing is not None:
            await self._changing.in_time()
        if uri is None or not self._answers:
            return self.settings
        if uri not in self._own:
            self._own[uri] = _Change(self._asked(uri))
        asking = self._own[uri]
        await asking.in_time()
        return asking.result or self.settings

    def forget(self, uri: str) -> None:
        """Forget the settings of a document that was closed."""
        self._own.pop(uri, None)

    def known(self) -> Iterator[Settings]:
        """The server's settings, and those that documents are known to have."""
        yield self.settings
        yield from (asking.result for asking in self._own.values() if asking.result)

    async def _changed(self, values: object) -> Settings:
        workspace = self._server.client_capabilities.workspace
        nothing_said = values is None
        self._answers = False
        if workspace and workspace.configuration:
            try:
                values = await self._pulled(None)
                self._answers, nothing_said = True, False
            except JsonRpcException:
                logger.warning("the client didn't say its settings")
        self._own.clear()
        self.settings, problems = merge_settings(
            self.settings if nothing_said else self._initial, values, trusted=self.trusted
        )
        for problem in [*self._problems, *problems]:
            self._server.tell(problem, types.MessageType.Warning)
        return self.settings

    async def _asked(self, uri: str) -> Settings:
        try:
            settings, problems = merge_document_settings(self.settings, await self._pulled(uri))
        except JsonRpcException:
            logger.warning("the client didn't say the settings of a document")
            return self.settings
        for problem in problems:
            self._server.tell(problem, types.MessageType.Warning)
        return settings

    async def _pulled(self, uri: str | None) -> object:
        params = types.ConfigurationParams([types.ConfigurationItem(scope_uri=uri, section=SECTION)])
        answer = await self._server.workspace_configuration_async(params)
        return answer[0] if answer else None


class _Change:
    """Settings that come to be: for some time they are waited for, and later they are taken all the same."""

    def __init__(self, work: Coroutine[Any, Any, Settings]) -> None:
        self._task = asyncio.ensure_future(work)
        self._deadline = asyncio.get_running_loop().time() + SECONDS_FOR_THE_CLIENT

    @property
    def result(self) -> Settings | None:
        """The settings; None while they are not known."""
        return self._task.result() if self._task.done() else None

    async def in_time(self) -> bool:
        """Return when the settings are known, or the time for it is over; returns whether they are known."""
        if not self._task.done():
            left = self._deadline - asyncio.get_running_loop().time()
            await asyncio.wait({self._task}, timeout=max(0, left))
        return self._task.done()

    async def at_last(self) -> None:
        """Return when the settings are known."""
        await asyncio.wait({self._task})
