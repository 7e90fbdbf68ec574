"""The text that a command is about: given as is, or the prose of a document."""

from __future__ import annotations

from ..session import Session
from .arguments import Arguments


async def prose(session: Session, arguments: Arguments) -> str:
    """Return ``text``, or the prose of ``range`` in the document ``uri``: without markup and code."""
    if arguments.has("text"):
        return arguments.text("text")
    document = arguments.document()
    span = arguments.span(document)
    async with session.snapshot(document) as snapshot:
        return (await snapshot.prose(span)).text
