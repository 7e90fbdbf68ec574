"""Replacements in a document as the protocol's edits."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.documents.text import TextDocument
from fillmask_ls.spans import Span

from .features.places import span_range

Replacements = Sequence[tuple[Span, str]]
"""Characters of a document and what they become."""


def workspace_edit(document: TextDocument, replacements: Replacements, *, versioned: bool) -> types.WorkspaceEdit:
    """All replacements as one edit.

    Args:
        versioned: whether the client takes edits that hold for one version of a document only.
    """
    edits = [types.TextEdit(span_range(document, span), text) for span, text in replacements]
    if not versioned:
        return types.WorkspaceEdit(changes={document.uri: edits})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, list(edits))])


def changed() -> JsonRpcException:
    """What a request is answered whose document is no longer what it was about."""
    return JsonRpcException("the document was changed", code=types.LSPErrorCodes.ContentModified)
