"""Messages and requests from the server to the client."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from fillmask_ls.settings import SECTION

from .capabilities import Capabilities

logger = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 2.0
"""Seconds to wait for the client's settings or its progress bar before the server continues without them."""


class Client:
    """The client of one server.

    Attributes:
        server: carries the messages.
        capabilities: what the client can do; set at ``initialize``.
    """

    def __init__(self, server: LanguageServer) -> None:
        self.server = server
        self.capabilities = Capabilities()
        self._shown: set[str] = set()

    def show_message_once(self, message: str, kind: types.MessageType) -> None:
        """Show a message to the user, unless it was shown before."""
        if message not in self._shown:
            self._shown.add(message)
            prefix = "" if message.startswith(f"{SECTION}.") else "fillmask: "
            self.server.window_show_message(types.ShowMessageParams(type=kind, message=prefix + message))

    async def ask(self, message: str, buttons: Sequence[str]) -> str | None:
        """Show a message with buttons, and return the title of the pressed one.

        Raises:
            JsonRpcException: the client refuses.
        """
        actions = [types.MessageActionItem(title=title) for title in buttons]
        answer = await self.server.window_show_message_request_async(
            types.ShowMessageRequestParams(type=types.MessageType.Info, message=message, actions=actions)
        )
        return answer.title if answer is not None else None

    async def pull_settings(self, uri: str | None) -> object:
        """Return the client's settings, or those of a document; unchecked.

        Raises:
            JsonRpcException: the client refuses.
        """
        params = types.ConfigurationParams([types.ConfigurationItem(scope_uri=uri, section=SECTION)])
        answer = await self.server.workspace_configuration_async(params)
        return answer[0] if answer else None

    async def register_for_settings(self) -> None:
        """Ask to be told of every change of the settings."""
        registration = types.Registration(
            id="fillmask-configuration",
            method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
            register_options=types.DidChangeConfigurationRegistrationOptions(section=SECTION),
        )
        try:
            await self.server.client_register_capability_async(types.RegistrationParams([registration]))
        except JsonRpcException:
            logger.warning("the client refused to register changes of settings")

    async def apply_edit(self, edit: types.WorkspaceEdit) -> bool:
        """Ask the client to make an edit, and return whether it did.

        Raises:
            JsonRpcException: with the code ``RequestFailed``; the client cannot, or refuses.
        """
        self.require_apply_edit()
        try:
            params = types.ApplyWorkspaceEditParams(edit, label="fillmask")
            result = await self.server.workspace_apply_edit_async(params)
        except JsonRpcException as error:
            raise request_failed(
                "The editor refused the change. Try again: the document may have changed meanwhile."
            ) from error
        return result is not None and result.applied

    def require_apply_edit(self) -> None:
        """Check that the client makes edits.

        Raises:
            JsonRpcException: with the code ``RequestFailed``; it does not.
        """
        if not self.capabilities.apply_edit:
            raise request_failed(
                "This editor can't make changes that a language server asks for (workspace/applyEdit). Use completion or code "
                "actions instead."
            )

    def refresh(self) -> None:
        """Let the client ask again for hints and lenses."""
        if self.capabilities.refresh_inlay_hints:
            self.server.workspace_inlay_hint_refresh(None)
        if self.capabilities.refresh_code_lenses:
            self.server.workspace_code_lens_refresh(None)

    async def refresh_diagnostics(self) -> None:
        """Let the client ask again for diagnostics."""
        if self.capabilities.refresh_diagnostics:
            try:
                await self.server.workspace_diagnostic_refresh_async(None)
            except JsonRpcException:
                logger.warning("the client refused to refresh its diagnostics")

    def publish_diagnostics(self, uri: str, diagnostics: Sequence[types.Diagnostic], version: int | None) -> None:
        """Show the diagnostics of a document."""
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics, version))

    def notify_status(self, status: Mapping[str, Any]) -> None:
        """Send our own ``fillmask/status`` notification to a client that wants it."""
        if self.capabilities.status_notifications:
            self.server.protocol.notify("fillmask/status", dict(status))


def request_failed(message: str) -> JsonRpcException:
    """Return the error that answers a request which failed for a reason outside the server."""
    return JsonRpcException(message, code=types.LSPErrorCodes.RequestFailed)
