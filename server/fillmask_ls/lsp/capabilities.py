"""What the client can do, resolved once at ``initialize`` into named values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lsprotocol import types

_CLIENT_CAPABILITIES = {
    types.TEXT_DOCUMENT_CODE_ACTION: "code_action",
    types.TEXT_DOCUMENT_CODE_LENS: "code_lens",
    types.TEXT_DOCUMENT_DIAGNOSTIC: "diagnostic",
    types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: "document_highlight",
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: "document_symbol",
    types.TEXT_DOCUMENT_INLAY_HINT: "inlay_hint",
    types.TEXT_DOCUMENT_INLINE_COMPLETION: "inline_completion",
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: "semantic_tokens",
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE: "semantic_tokens",
}
"""Requests that are announced only to clients with a capability. Every client has completion and hover."""


@dataclass(frozen=True, slots=True)
class CompletionCapabilities:
    """What the client can do with a completion list.

    Attributes:
        label_details: shows a description beside a label.
        default_range: takes one edit range for all items of a list.
        default_data: takes one ``data`` for all items of a list.
        markup: the format of an item's documentation; None for a plain string.
        as_is: can insert an item without changing its indentation.
    """

    label_details: bool = False
    default_range: bool = False
    default_data: bool = False
    markup: types.MarkupKind | None = None
    as_is: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The client's capabilities; the defaults are those of a client that announces none.

    Attributes:
        hover_markdown: shows Markdown in hovers and tooltips.
        versioned_edits: accepts edits that are valid for one version of a document only.
        apply_edit: makes edits that the server asks for.
        resolve_action_edits: asks for a code action's edit when the action is chosen.
        action_literals: accepts code actions that are more than a command.
        message_actions: shows buttons in a message.
        status_notifications: wants our own ``fillmask/status`` notifications.
        suggest_command: opens the suggestions at a position by our own ``fillmask.suggest`` command.
        work_done_progress: shows progress bars.
        configuration: answers ``workspace/configuration``.
        register_configuration: lets the server register for changes of its settings.
        hierarchical_symbols: accepts ``DocumentSymbol``, not only ``SymbolInformation``.
        symbol_kind: the symbol kind of a mask that the client has an icon for.
        pull_diagnostics: asks for diagnostics by itself.
    """

    completion: CompletionCapabilities = CompletionCapabilities()
    hover_markdown: bool = False
    versioned_edits: bool = False
    apply_edit: bool = False
    resolve_action_edits: bool = False
    action_literals: bool = False
    message_actions: bool = False
    status_notifications: bool = False
    suggest_command: bool = False
    work_done_progress: bool = False
    configuration: bool = False
    register_configuration: bool = False
    hierarchical_symbols: bool = False
    symbol_kind: types.SymbolKind = types.SymbolKind.String
    pull_diagnostics: bool = False
    refresh_diagnostics: bool = False
    refresh_inlay_hints: bool = False
    refresh_code_lenses: bool = False


def resolve(client: types.ClientCapabilities) -> Capabilities:
    """Return what the client announced in ``initialize``."""
    text, workspace, window = client.text_document, client.workspace, client.window
    action = text and text.code_action
    symbol = text and text.document_symbol
    hover_formats = (text and text.hover and text.hover.content_format) or ()
    symbol_kinds = (symbol and symbol.symbol_kind and symbol.symbol_kind.value_set) or ()
    changes = workspace and workspace.did_change_configuration
    experimental = client.experimental if isinstance(client.experimental, dict) else {}
    return Capabilities(
        completion=_completion(text.completion if text else None),
        hover_markdown=types.MarkupKind.Markdown in hover_formats,
        versioned_edits=bool(workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes),
        apply_edit=bool(workspace and workspace.apply_edit),
        resolve_action_edits=bool(
            action and action.data_support and action.resolve_support and "edit" in action.resolve_support.properties
        ),
        action_literals=bool(action and action.code_action_literal_support),
        message_actions=bool(window and window.show_message and window.show_message.message_action_item),
        status_notifications=experimental.get("fillmaskStatus") is True,
        suggest_command=experimental.get("fillmaskSuggest") is True,
        work_done_progress=bool(window and window.work_done_progress),
        configuration=bool(workspace and workspace.configuration),
        register_configuration=bool(changes and changes.dynamic_registration),
        hierarchical_symbols=bool(symbol and symbol.hierarchical_document_symbol_support),
        symbol_kind=types.SymbolKind.Key if types.SymbolKind.Key in symbol_kinds else types.SymbolKind.String,
        pull_diagnostics=bool(text and text.diagnostic is not None),
        refresh_diagnostics=bool(workspace and workspace.diagnostics and workspace.diagnostics.refresh_support),
        refresh_inlay_hints=bool(workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support),
        refresh_code_lenses=bool(workspace and workspace.code_lens and workspace.code_lens.refresh_support),
    )


def drop_unsupported(features: dict[str, Any], client: types.ClientCapabilities) -> None:
    """Remove the requests that the client does not know from ``features``, in place."""
    for method, needed in _CLIENT_CAPABILITIES.items():
        if getattr(client.text_document, needed, None) is None:
            features.pop(method, None)


def _completion(completion: types.CompletionClientCapabilities | None) -> CompletionCapabilities:
    item = completion and completion.completion_item
    completion_list = completion and completion.completion_list
    formats = (item and item.documentation_format) or ()
    defaults = (completion_list and completion_list.item_defaults) or ()
    modes = item.insert_text_mode_support.value_set if item and item.insert_text_mode_support else ()
    known_formats = (types.MarkupKind.Markdown, types.MarkupKind.PlainText)
    return CompletionCapabilities(
        label_details=bool(item and item.label_details_support),
        default_range="editRange" in defaults,
        default_data="data" in defaults,
        markup=next((kind for kind in known_formats if kind in formats), None),
        as_is=types.InsertTextMode.AsIs in modes,
    )
