"""A grammar of the protocol's messages, valid and invalid, each with the expected response."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

URI = "file:///a.txt"
TEXT = "It was a [MASK] day.\nThe man was taken to the [MASK] by ambulance. 😀 He was [MASK] and [MASK].\r\n"

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, SERVER_NOT_INITIALIZED = (
    -32700,
    -32600,
    -32601,
    -32602,
    -32002,
)
CONTENT_MODIFIED, SERVER_CANCELLED, REQUEST_FAILED, REQUEST_CANCELLED = -32801, -32802, -32803, -32800
RESULT = 0
"""The code of a response with a result instead of an error."""

VALID = frozenset({RESULT, CONTENT_MODIFIED, SERVER_CANCELLED, REQUEST_FAILED})
MUTATED = VALID | {INVALID_PARAMS}
"""Codes of a response to a request with junk, which the server ignores in fields that it doesn't use."""


@dataclass(frozen=True)
class Message:
    """The body of a message, and its response.

    Attributes:
        codes: the allowed codes of the response. If empty, there must be no response.
        id: the id of the response.
    """

    body: bytes
    codes: frozenset[int] = frozenset()
    id: Any = None


def nested(depth: int) -> Any:
    """Return arrays in objects in arrays."""
    value: Any = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"x": value}
    return value


def is_too_deep(params: object) -> bool:
    """Return whether parameters are nested more deeply than the server allows. Junk has 40 or 500 levels."""
    level, depth = [params], 0
    while level:
        depth += 1
        containers = [list(each.values()) if isinstance(each, dict) else each for each in level if _is_container(each)]
        level = [child for container in containers for child in container]  # type: ignore[attr-defined]
    return depth > 90


def _is_container(value: object) -> bool:
    return isinstance(value, (dict, list))


JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    10**400,
    1.5,
    float("inf"),
    "",
    "x",
    "\ud800",
    "\0[MASK]",
    "é" * 1000,
    [],
    [[], None],
    {},
    {"x": 1, "uri": [], "line": {}},
    nested(40),
    nested(500),
]

_AT = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 15}}
_OF = {"textDocument": {"uri": URI}}
_RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 70}}
_DIAGNOSTIC = {"range": _RANGE, "message": "m", "source": "fillmask", "code": "unlikely-word", "data": {"words": ["a"]}}
_CELL = {"uri": "nb:1#1", "languageId": "markdown", "version": 1, "text": "A [MASK]."}
_NOTEBOOK = {"uri": "nb:1", "notebookType": "jupyter", "version": 1, "cells": [{"kind": 1, "document": "nb:1#1"}]}


def _command(name: str, **arguments: Any) -> dict[str, Any]:
    return {"command": f"fillmask.{name}", "arguments": [arguments]}


REQUESTS: list[tuple[str, Any]] = [
    ("textDocument/completion", {**_AT, "context": {"triggerKind": 2, "triggerCharacter": "]"}}),
    ("textDocument/completion", {**_AT, "position": {"line": 0, "character": 2}}),
    ("completionItem/resolve", {"label": "x", "kind": 1, "data": "1", "textEdit": {"range": _RANGE, "newText": "x"}}),
    ("textDocument/hover", _AT),
    ("textDocument/hover", {**_AT, "position": {"line": 1, "character": 5}}),
    ("textDocument/inlayHint", {**_OF, "range": _RANGE}),
    ("textDocument/inlineCompletion", {**_AT, "context": {"triggerKind": 1}}),
    ("textDocument/codeAction", {**_OF, "range": _RANGE, "context": {"diagnostics": [_DIAGNOSTIC], "triggerKind": 1}}),
    ("codeAction/resolve", {"title": "x", "data": {"do": "fill", "uri": URI, "version": 1, "start": 0, "end": 20}}),
    (
        "codeAction/resolve",
        {"title": "x", "data": {"do": "mask", "uri": URI, "version": 1, "start": 0, "end": 9, "seed": 1}},
    ),
    ("textDocument/documentHighlight", _AT),
    ("textDocument/documentSymbol", _OF),
    ("textDocument/semanticTokens/full", _OF),
    ("textDocument/semanticTokens/range", {**_OF, "range": _RANGE}),
    ("textDocument/codeLens", _OF),
    ("codeLens/resolve", {"range": _RANGE, "data": {"uri": URI, "version": 1, "range": _RANGE}}),
    ("textDocument/diagnostic", {**_OF, "previousResultId": "1"}),
    ("workspace/executeCommand", _command("fill", uri=URI, position={"line": 0, "character": 10}, word="fine")),
    ("workspace/executeCommand", _command("fillAll", uri=URI, range=_RANGE)),
    ("workspace/executeCommand", _command("maskRandomly", uri=URI, range=_RANGE, rate=0.1, seed=1, wholeWords=True)),
    ("workspace/executeCommand", _command("unmask", uri=URI, range=_RANGE)),
    ("workspace/executeCommand", _command("score", text="It was late.", metric="within_word_l2r")),
    ("workspace/executeCommand", _command("inspect", text="It was late.", format="html", rate=0.2, seed=3)),
    ("workspace/executeCommand", _command("status")),
]
LOADING: list[tuple[str, Any]] = [
    ("workspace/executeCommand", _command("selectModel", model="no/such")),
    ("workspace/executeCommand", _command("downloadModel", model="no/such")),
]
"""Requests that take seconds, because the next change of settings loads the model again."""

CHEAP = [
    (method, params)
    for method, params in REQUESTS
    if any(name in method for name in ("completionItem", "semantic", "codeLens"))
    or any(name in str(params) for name in ("unmask", "status", "'fine'", "'character': 2}"))
]
"""Requests that never or seldom need the model."""

NOTIFICATIONS: list[tuple[str, Any]] = [
    ("textDocument/didOpen", {"textDocument": {"uri": URI, "languageId": "plaintext", "version": 1, "text": TEXT}}),
    (
        "textDocument/didChange",
        {
            "textDocument": {"uri": URI, "version": 1},
            "contentChanges": [{"range": _RANGE, "rangeLength": 5, "text": TEXT}, {"text": TEXT}],
        },
    ),
    ("textDocument/didClose", {"textDocument": {"uri": "file:///b.txt"}}),
    ("textDocument/didSave", {"textDocument": {"uri": URI}}),
    ("notebookDocument/didOpen", {"notebookDocument": _NOTEBOOK, "cellTextDocuments": [_CELL]}),
    (
        "notebookDocument/didChange",
        {
            "notebookDocument": {"uri": "nb:1", "version": 2},
            "change": {
                "cells": {
                    "structure": {"array": {"start": 0, "deleteCount": 1, "cells": []}, "didOpen": [_CELL]},
                    "data": [{"kind": 2, "document": "nb:1#1"}],
                    "textContent": [{"document": {"uri": "nb:1#1", "version": 2}, "changes": [{"text": "[MASK]"}]}],
                }
            },
        },
    ),
    ("notebookDocument/didClose", {"notebookDocument": {"uri": "nb:1"}, "cellTextDocuments": [{"uri": "nb:1#1"}]}),
    ("workspace/didChangeConfiguration", {"settings": {"fillmask": {"completion": {"topK": 3}, "hover.words": True}}}),
    ("window/workDoneProgress/cancel", {"token": "x"}),
    ("$/setTrace", {"value": "verbose"}),
    ("$/cancelRequest", {"id": 1}),
    ("initialized", {}),
]


def encoded(message: object) -> bytes:
    """Return a message as JSON. An infinite number becomes one that overflows."""
    return json.dumps(message).replace("Infinity", "1e999").encode()


def paths(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every field in a value as a tuple of keys, first the empty path of the value itself."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children if len(path) < 8 else ():
        yield from paths(child, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], junk: object) -> Any:
    """Return a copy of a value with junk in one field."""
    if not path:
        return junk
    changed = value.copy()
    changed[path[0]] = replaced(value[path[0]], path[1:], junk)
    return changed


def request(id: Any, method: Any, params: object, codes: frozenset[int]) -> Message:
    return Message(encoded({"jsonrpc": "2.0", "id": id, "method": method, "params": params}), codes, id)


def notification(method: str, params: object) -> Message:
    return Message(encoded({"jsonrpc": "2.0", "method": method, "params": params}))


def mutated_request(id: Any, method: str, params: Any) -> Message:
    """Return a request with junk in its parameters, which is refused if they are nested too deeply."""
    return request(id, method, params, frozenset({INVALID_REQUEST}) if is_too_deep(params) else MUTATED)


def junk_in_every_field() -> Iterator[Message]:
    """Yield a message for each method of the server, each field of its parameters and each value of ``JUNK``."""
    number = 0
    for method, params in [*REQUESTS, *LOADING]:
        for path in paths(params):
            for junk in JUNK:
                number += 1
                yield mutated_request(f"f{number}", method, replaced(params, path, junk))
    for method, params in NOTIFICATIONS:
        for path in paths(params):
            for junk in JUNK:
                yield notification(method, replaced(params, path, junk))


class Grammar:
    """An endless supply of random messages.

    Args:
        model_share: the share of requests that may need the model.
    """

    def __init__(self, dice: random.Random, model_share: float = 0.2) -> None:
        self._dice = dice
        self._model_share = model_share
        self._last_number = 0

    def message(self) -> Message:
        """Return a message to an initialized server."""
        generators = (self._request, self._notification, self._unknown, self._broken)
        return self._dice.choices(generators, (5, 4, 2, 2))[0]()

    def refused_message(self, code: int) -> Message:
        """Return a message to a server that refuses every request with ``code``: before ``initialize``, after ``shutdown``."""
        message = self._dice.choice((self._request, self._notification, self._broken))()
        is_request = message.id is not None
        return Message(message.body, frozenset({code}) if is_request else message.codes, message.id)

    def id(self) -> Any:
        """Return an id that no other request has."""
        self._last_number += 1
        number = self._last_number
        return self._dice.choice((number, -number, str(number), f"é\ud800{number}", number + 10**30, "x" * 300))

    def _request(self) -> Message:
        method, params = self._dice.choice(REQUESTS if self._dice.random() < self._model_share else CHEAP)
        # The text that a command refers to may have been deleted.
        codes = MUTATED if method == "workspace/executeCommand" else VALID
        while self._dice.random() < 0.6:
            params, codes = self._mutated(params), MUTATED
        if is_too_deep(params):
            codes = frozenset({INVALID_REQUEST})
        # A random notification may cancel any request.
        return request(self.id(), method, params, codes | {REQUEST_CANCELLED})

    def _notification(self) -> Message:
        method, params = self._dice.choice(NOTIFICATIONS)
        if method == "$/cancelRequest":
            params = {"id": self._dice.choice((self._last_number, -self._last_number, str(self._last_number)))}
        while self._dice.random() < 0.6:
            params = self._mutated(params)
        return notification(method, params)

    def _unknown(self) -> Message:
        """Return a valid JSON-RPC message of an unknown method, or one that the server must refuse."""
        choose, id = self._dice.choice, self.id()
        junk = choose(JUNK)
        return choose(
            (
                request(
                    id, choose(["no/such", "$/no", "", "x" * 10_000, "\ud800"]), junk, frozenset({METHOD_NOT_FOUND})
                ),
                request(id, choose([None, 5, [], {}]), junk, frozenset({INVALID_REQUEST})),
                request(id, "initialize", {"processId": None, "capabilities": {}}, frozenset({INVALID_REQUEST})),
                request(id, "textDocument/didOpen", junk, frozenset({INVALID_REQUEST})),
                Message(encoded({"jsonrpc": "1.0", "id": id, "method": "shutdown"}), frozenset({INVALID_REQUEST}), id),
                notification(choose(["no/such", "$/no", "textDocument/hover", "shutdown"]), junk),
                Message(encoded({"jsonrpc": "2.0", "id": id, "result": junk})),
                Message(encoded({"jsonrpc": "2.0", "id": id, "error": junk})),
            )
        )

    def _broken(self) -> Message:
        """Return a body that is not a JSON-RPC message."""
        body = encoded({"jsonrpc": "2.0", "id": 1, "method": "textDocument/hover", "params": self._dice.choice(JUNK)})
        cut = self._dice.randrange(len(body))
        invalid_id = request(
            self._dice.choice([None, 1.5, True, [], {}]), "textDocument/hover", {}, frozenset({INVALID_REQUEST})
        )
        return self._dice.choice(
            (
                Message(body[:cut], frozenset({PARSE_ERROR})),
                Message(body[:cut] + b"\xff" + body[cut:], frozenset({PARSE_ERROR})),
                Message(b'{"jsonrpc":"2.0","id":1,"method":"shutdown","params":NaN}', frozenset({PARSE_ERROR})),
                Message(b"[" * 5_000, frozenset({PARSE_ERROR})),
                Message(b"[%s,%s]" % (body, body), frozenset({INVALID_REQUEST})),
                Message(encoded(self._dice.choice([5, "x", None, [], {}])), frozenset({INVALID_REQUEST})),
                Message(invalid_id.body, invalid_id.codes),
            )
        )

    def _mutated(self, params: Any) -> Any:
        path = self._dice.choice(list(paths(params)))
        return replaced(params, path, self._dice.choice(JUNK))


def framed(body: bytes, dice: random.Random) -> bytes:
    """Return a body with headers in random case and order."""
    length = dice.choice([b"Content-Length: %d", b"content-length:%d", b"CONTENT-LENGTH: \t%d"]) % len(body)
    other = dice.choice([b"Content-Type: application/vscode-jsonrpc; charset=utf-8", b"X: y"])
    headers = dice.choice([[length], [length, other], [other, length]])
    return b"\r\n".join(headers) + b"\r\n\r\n" + body
