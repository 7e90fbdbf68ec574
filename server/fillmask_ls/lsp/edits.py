"""Replacements in a document as the protocol's edits."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from fillmask_ls.documents.text import Span, TextDocument

Replacements = Sequence[tuple[Span, str]]
"""Characters of a document and what they become."""


def range_of(document: TextDocument, span: Span) -> types.Range:
    """The client's range of a span."""
    start, end = (types.Position(*document.position(index)) for index in span)
    return types.Range(start, end)


def workspace_edit(document: TextDocument, replacements: Replacements, *, versioned: bool) -> types.WorkspaceEdit:
    """All replacements as one edit.

    Args:
        versioned: whether the client takes edits that hold for one version of a document only.
    """
    edits = [types.TextEdit(range_of(document, span), text) for span, text in replacements]
    if not versioned:
        return types.WorkspaceEdit(changes={document.uri: edits})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, list(edits))])
