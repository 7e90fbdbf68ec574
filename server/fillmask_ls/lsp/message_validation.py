"""Validate and repair messages before pygls handles them.

pygls trusts its client: it leaves a malformed request unanswered and converts a null where a string belongs. Everything
here is a function of one message; :mod:`.protocol` decides what to do with the result.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidRequest, JsonRpcParseError
from pygls.protocol import default_converter

Json: TypeAlias = Any
"""Whatever :func:`json.loads` returns."""

MAX_DEPTH = 100
"""Levels of nesting: more than any real message has, and few enough for recursive code to handle."""


class InvalidMessageError(Exception):
    """The bytes are not a JSON-RPC message.

    Attributes:
        id: the id to answer with; None if it can't be told.
        error: the error to answer with.
    """

    def __init__(self, error: JsonRpcException, id: int | str | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.id = id


def parse_message(body: bytes) -> dict[str, Json]:
    """Parse the body of one message.

    Returns:
        A JSON object with ``"jsonrpc": "2.0"``. Every number in it is finite, so it can be sent again as JSON.

    Raises:
        InvalidMessageError: the body isn't JSON, or isn't such an object.
    """
    try:
        message = json.loads(body, parse_float=_finite_float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidMessageError(JsonRpcParseError("the message is not JSON")) from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        id = message.get("id") if isinstance(message, dict) else None
        error = JsonRpcInvalidRequest("the message is not a JSON-RPC 2.0 object")
        raise InvalidMessageError(error, id if is_id(id) else None)
    return message


def _finite_float(digits: str) -> float:
    return max(-sys.float_info.max, min(sys.float_info.max, float(digits)))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def is_id(value: object) -> bool:
    """Return whether a value can be the id of a request: an integer or a string."""
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def is_too_deep(message: Json) -> bool:
    """Return whether arrays and objects are nested more than :data:`MAX_DEPTH` levels deep."""
    level = [message]
    for _ in range(MAX_DEPTH + 1):
        containers = [value for value in level if isinstance(value, (dict, list))]
        if not containers:
            return False
        level = [child for value in containers for child in (value.values() if isinstance(value, dict) else value)]
    return True


@cache
def strict_converter() -> Converter:
    """Return pygls' converter, made strict: it refuses a number where a string belongs, and the reverse.

    All servers of a process share one: a new one compiles its hooks for a tenth of a second.
    """
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]

    # ``cls`` is the type itself, bool (a subclass of int), or an enumeration of strings or integers.
    def to_str(value: object, cls: type[str]) -> str:
        if not isinstance(value, str):
            raise TypeError("not a string")
        return value if cls is str else cls(value)

    def to_int(value: object, cls: type[int]) -> int:
        if isinstance(value, bool) is not (cls is bool) or not isinstance(value, (int, float)) or value != int(value):
            raise TypeError("not an integer, or not a boolean")
        return int(value) if cls is int else cls(value)

    converter.register_structure_hook(str, to_str)
    converter.register_structure_hook(int, to_int)
    return converter


def keep_known_capabilities(message: dict[str, Json], converter: Converter) -> dict[str, Json]:
    """Return ``initialize`` without the parts that lsprotocol can't read, so that newer clients can start.

    Only folders on this machine are kept; a root without folders becomes one.
    """
    params = message.get("params")
    if not isinstance(params, dict) or not isinstance(params.get("capabilities"), dict):
        return message
    known: dict[str, dict[str, Json]] = {}
    for section, features in params["capabilities"].items():
        for name, value in features.items() if isinstance(features, dict) else ():
            if _is_readable({section: {name: value}}, converter):
                known.setdefault(section, {})[name] = value
    folders = params.get("workspaceFolders")
    uris = [folder.get("uri") for folder in folders if isinstance(folder, dict)] if isinstance(folders, list) else []
    local = [{"uri": uri, "name": ""} for uri in uris or [params.get("rootUri")] if _is_file_uri(uri)]
    roots = {"rootUri": None, "rootPath": None, "workspaceFolders": local or None}
    return {**message, "params": {**params, **roots, "capabilities": known}}


def _is_file_uri(uri: Json) -> bool:
    if not isinstance(uri, str) or not uri.isprintable():
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme == "file" and bool(parts.path)


def _is_readable(capability: Json, converter: Converter) -> bool:
    try:
        converter.structure(capability, types.ClientCapabilities)
    except Exception:
        return False
    return True


def fill_in_versions(message: dict[str, Json], next_version: Callable[[str], int]) -> None:
    """Give each document of a ``didChange`` a version if it has none, in place.

    Older clients send ``"version": null``, which the protocol allowed before 3.17.

    Args:
        next_version: returns the version that follows an open document's current one.
    """
    for document in changed_documents(message):
        if document.get("version") is None:
            document["version"] = next_version(document["uri"])


def changed_documents(message: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the identifier, which has a URI at least, of each document whose text a ``didChange`` changes."""
    match message.get("params"):
        case {"textDocument": document}:
            documents = [document]
        case {"change": {"cells": {"textContent": [*contents]}}}:
            documents = [content.get("document") for content in contents if isinstance(content, dict)]
        case _:
            documents = []
    return [each for each in documents if isinstance(each, dict) and isinstance(each.get("uri"), str)]


def redact_token(message: Json) -> Json:
    """Return the message without the token of a shared engine, which ``initialize`` may contain."""
    match message:
        case {"params": {"initializationOptions": {"engineToken": _, **options}, **params}}:
            return {**message, "params": {**params, "initializationOptions": {**options, "engineToken": "…"}}}
    return message
