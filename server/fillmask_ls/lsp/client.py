"""What the client says it can do."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from .features.completion import Abilities


def completion_abilities(capabilities: types.ClientCapabilities) -> Abilities:
    """What it can do with a completion list."""
    text_document = capabilities.text_document
    completion = text_document and text_document.completion
    item, list_ = (completion.completion_item, completion.completion_list) if completion else (None, None)
    formats = (item and item.documentation_format) or ()
    known = (types.MarkupKind.Markdown, types.MarkupKind.PlainText)
    defaults = (list_ and list_.item_defaults) or ()
    modes = item.insert_text_mode_support.value_set if item and item.insert_text_mode_support else ()
    return Abilities(
        label_details=bool(item and item.label_details_support),
        default_range="editRange" in defaults,
        default_data="data" in defaults,
        markup=next((kind for kind in known if kind in formats), None),
        as_is=types.InsertTextMode.AsIs in modes,
    )


def shows_markdown(capabilities: types.ClientCapabilities) -> bool:
    """Whether its hovers, and so its tooltips, show Markdown."""
    text_document = capabilities.text_document
    formats = text_document and text_document.hover and text_document.hover.content_format
    return types.MarkupKind.Markdown in (formats or ())


def takes_versioned_edits(capabilities: types.ClientCapabilities) -> bool:
    """Whether an edit may say for which version of a document it holds."""
    workspace = capabilities.workspace
    return bool(workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes)


def applies_edits(capabilities: types.ClientCapabilities) -> bool:
    """Whether it makes edits that the server asks for."""
    return bool(capabilities.workspace and capabilities.workspace.apply_edit)


def resolves_action_edits(capabilities: types.ClientCapabilities) -> bool:
    """Whether a code action may come without its edit, which is asked for when the action is chosen."""
    text_document = capabilities.text_document
    action = text_document and text_document.code_action
    resolve = action and action.resolve_support
    return bool(action and action.data_support and resolve and "edit" in resolve.properties)


def takes_action_literals(capabilities: types.ClientCapabilities) -> bool:
    """Whether a code action may be more than a command."""
    text_document = capabilities.text_document
    return bool(text_document and text_document.code_action and text_document.code_action.code_action_literal_support)


def answers_questions(capabilities: types.ClientCapabilities) -> bool:
    """Whether a message to the user may offer something to choose."""
    window = capabilities.window
    return bool(window and window.show_message and window.show_message.message_action_item)


def wants_status(capabilities: types.ClientCapabilities) -> bool:
    """Whether it takes our own ``fillmask/status`` notifications."""
    experimental = capabilities.experimental
    return isinstance(experimental, dict) and experimental.get("fillmaskStatus") is True


_NEEDS = {
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


def withhold(features: dict[str, Any], capabilities: types.ClientCapabilities) -> None:
    """Take out of ``features`` those that the client doesn't know; completion and hover every client has."""
    for method, need in _NEEDS.items():
        if getattr(capabilities.text_document, need, None) is None:
            features.pop(method, None)
