"""A command's argument: one object, checked value by value."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from fillmask_ls.documents.text import TextDocument
from fillmask_ls.spans import Span

from ..documents import Documents
from ..ranges import to_index, to_span


class Arguments:
    """The object that a command was called with.

    Every method raises ``JsonRpcInvalidParams`` with the name of a value that is missing or has the wrong type.
    """

    def __init__(self, documents: Documents, arguments: Sequence[Any]) -> None:
        values = arguments[0] if arguments else {}
        if len(arguments) > 1 or not isinstance(values, dict):
            raise JsonRpcInvalidParams("a command takes one object")
        self._documents = documents
        self._values: dict[str, Any] = values

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            raise JsonRpcInvalidParams(f"{name!r} must be a non-empty string")
        return value

    def choice(self, name: str, default: str, allowed: Sequence[str]) -> str:
        value = self._values.get(name, default)
        if value not in allowed:
            raise JsonRpcInvalidParams(f"{name!r} must be one of {', '.join(allowed)}")
        return str(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise JsonRpcInvalidParams(f"{name!r} must be true or false")
        return value

    def rate(self) -> float:
        value = self._values.get("rate", 0.15)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise JsonRpcInvalidParams("'rate' must be a number from 0 to 1")
        return float(value)

    def seed(self) -> int:
        """Return ``seed``; a random one by default."""
        value = self._values.get("seed")
        if value is None:
            return secrets.randbelow(2**31)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            raise JsonRpcInvalidParams("'seed' must be a whole number, 0 or more")
        return value

    def document(self) -> TextDocument:
        document = self._documents.get(self.text("uri"))
        if document is None:
            raise JsonRpcInvalidParams("'uri' must name an open document")
        return document

    def index(self, document: TextDocument) -> int:
        """Return the index of ``position``."""
        return to_index(document, _position(self._values.get("position"), "position"))

    def span(self, document: TextDocument) -> Span:
        """Return the span of ``range``; the whole document by default."""
        value = self._values.get("range")
        if value is None:
            return 0, len(document)
        if not isinstance(value, dict):
            raise JsonRpcInvalidParams("'range' must be an object with 'start' and 'end'")
        start, end = (_position(value.get(name), f"range.{name}") for name in ("start", "end"))
        return to_span(document, types.Range(start, end))


def _position(value: object, name: str) -> types.Position:
    if isinstance(value, dict):
        line, character = value.get("line"), value.get("character")
        if type(line) is int and type(character) is int:
            with contextlib.suppress(ValueError):  # negative, or too large for the protocol
                return types.Position(line, character)
    raise JsonRpcInvalidParams(f"{name!r} must be an object with 'line' and 'character'")
