"""Which request is answered by what: the only place that registers features and commands."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.engine.api import EngineError

from . import acting, commands, diagnosing, hovering, requests
from .features import code_actions, semantic_tokens

if TYPE_CHECKING:
    from .server import FillmaskServer


def register(server: FillmaskServer) -> None:
    """Register all features and commands."""

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.initialize(params)

    @server.feature(types.INITIALIZED)
    async def initialized(_params: types.InitializedParams) -> None:
        await server.initialized()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        await server.configure(params.settings)

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=["[", "]"], resolve_provider=True),
    )
    async def complete(params: types.CompletionParams) -> types.CompletionList | None:
        return await requests.complete(server, params)

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    async def resolve_completion(item: types.CompletionItem) -> types.CompletionItem:
        return await requests.resolve_completion(server, item)

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def inlay_hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        return await requests.inlay_hints_in(server, params)

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def complete_inline(params: types.InlineCompletionParams) -> list[types.InlineCompletionItem] | None:
        return await requests.complete_inline(server, params)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=code_actions.KINDS, resolve_provider=True),
    )
    async def act(params: types.CodeActionParams) -> list[types.CodeAction | types.Command] | None:
        return await acting.act(server, params)

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve_action(action: types.CodeAction) -> types.CodeAction:
        return await acting.resolve_action(server, action)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlight(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight] | None:
        return await requests.highlight(server, params)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outline(
        params: types.DocumentSymbolParams,
    ) -> list[types.DocumentSymbol] | list[types.SymbolInformation]:
        return await requests.outline(server, params)

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, semantic_tokens.LEGEND)
    async def colour(params: types.SemanticTokensParams) -> types.SemanticTokens | None:
        return await requests.colour(server, params)

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, semantic_tokens.LEGEND)
    async def colour_range(params: types.SemanticTokensRangeParams) -> types.SemanticTokens | None:
        return await requests.colour(server, params)

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=True))
    async def lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        return await requests.lenses(server, params)

    @server.feature(types.CODE_LENS_RESOLVE)
    async def resolve_lens(lens: types.CodeLens) -> types.CodeLens:
        return await requests.resolve_lens(server, lens)

    for name, command in commands.COMMANDS.items():
        server.command(name)(_handler(server, command))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def show(params: types.HoverParams) -> types.Hover | None:
        return await hovering.show(server, params)

    @server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, diagnosing.OPTIONS)
    async def diagnose(params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
        return await server.diagnosing.pull(params.text_document.uri, params.previous_result_id)


def _handler(server: FillmaskServer, command: commands.Command) -> Callable[..., Coroutine[Any, Any, commands.Answer]]:
    async def handler(*arguments: Any) -> commands.Answer:
        try:
            return await command(server, commands.Arguments(server, arguments))
        except EngineError as error:
            raise JsonRpcException(str(error), code=types.LSPErrorCodes.RequestFailed) from error

    return handler
