"""A grammar of the protocol's messages, honest and hostile, each with the response that it must get."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

URI = "file:///a.txt"
TEXT = "It was a [MASK] day.\nThe man was taken to the [MASK] by ambulance. 😀 He was [MASK] and [MASK].\r\n"

PARSE, INVALID, NO_METHOD, BAD_PARAMS, NOT_READY = -32700, -32600, -32601, -32602, -32002
CHANGED, SERVER_CANCELLED, FAILED, CANCELLED = -32801, -32802, -32803, -32800
RESULT = 0
"""In the place of a code: a result."""

HONEST = frozenset({RESULT, CHANGED, SERVER_CANCELLED, FAILED})
MUTATED = HONEST | {BAD_PARAMS}
"""A field that is not looked at may hold anything."""


@dataclass(frozen=True)
class Message:
    """Bytes of one body, and what must come back: nothing, or one response with an id and one of the codes."""

    body: bytes
    codes: frozenset[int] = frozenset()
    id: Any = None


def nested(depth: int) -> Any:
    value: Any = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"x": value}
    return value


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
    ("workspace/executeCommand", _command("score", text="It was late.", form="within_word_l2r")),
    ("workspace/executeCommand", _command("inspect", text="It was late.", format="html", rate=0.2, seed=3)),
    ("workspace/executeCommand", _command("status")),
]
LOADING: list[tuple[str, Any]] = [
    ("workspace/executeCommand", _command("selectModel", model="no/such")),
    ("workspace/executeCommand", _command("downloadModel", model="no/such")),
]
"""Each costs seconds: the model is loaded anew at the next change of the settings."""

CHEAP = [
    (method, params)
    for method, params in REQUESTS
    if any(name in method for name in ("completionItem", "semantic", "codeLens"))
    or any(name in str(params) for name in ("unmask", "status", "'fine'", "'character': 2}"))
]
"""Those for which the model is not asked, or seldom."""

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
    """As JSON; an infinite number as one that overflows."""
    return json.dumps(message).replace("Infinity", "1e999").encode()


def paths(value: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field in a value, as the keys that lead to it, as deep as our own go; the value itself first."""
    yield at
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children if len(at) < 8 else ():
        yield from paths(child, (*at, key))


def replaced(value: Any, at: tuple[Any, ...], junk: object) -> Any:
    """A copy of a value with another one in a field."""
    if not at:
        return junk
    changed = value.copy()
    changed[at[0]] = replaced(value[at[0]], at[1:], junk)
    return changed


def request(id: Any, method: Any, params: object, codes: frozenset[int]) -> Message:
    return Message(encoded({"jsonrpc": "2.0", "id": id, "method": method, "params": params}), codes, id)


def notification(method: str, params: object) -> Message:
    return Message(encoded({"jsonrpc": "2.0", "method": method, "params": params}))


def every_field_wrong() -> Iterator[Message]:
    """Each method that is served, with each kind of junk in each field of its parameters."""
    number = 0
    for method, params in [*REQUESTS, *LOADING]:
        for at in paths(params):
            for junk in JUNK:
                number += 1
                yield request(f"f{number}", method, replaced(params, at, junk), MUTATED)
    for method, params in NOTIFICATIONS:
        for at in paths(params):
            for junk in JUNK:
                yield notification(method, replaced(params, at, junk))


class Grammar:
    """Messages without end, by chance.

    ``asking``: the share of requests that may ask the model.
    """

    def __init__(self, chance: random.Random, asking: float = 0.2) -> None:
        self._chance = chance
        self._asking = asking
        self._number = 0

    def message(self) -> Message:
        """The next one, to a server that is initialized."""
        kinds = (self._request, self._notification, self._stranger, self._broken)
        return self._chance.choices(kinds, (5, 4, 2, 2))[0]()

    def outside(self, code: int) -> Message:
        """The next one, to a server that is not initialized yet, or was shut down: every request is refused."""
        message = self._chance.choice((self._request, self._notification, self._broken))()
        known = message.id is not None and message.codes not in ({INVALID}, {PARSE})
        return Message(message.body, frozenset({code}) if known else message.codes, message.id)

    def id(self) -> Any:
        self._number += 1
        number = self._number
        return self._chance.choice((number, -number, str(number), f"é\ud800{number}", number + 10**30, "x" * 300))

    def _request(self) -> Message:
        method, params = self._chance.choice(REQUESTS if self._chance.random() < self._asking else CHEAP)
        # What a command names may have been edited away by now.
        codes = MUTATED if method == "workspace/executeCommand" else HONEST
        while self._chance.random() < 0.6:
            params, codes = self._mutated(params), MUTATED
        # Any request may be cancelled by a notification with its id in it.
        return request(self.id(), method, params, codes | {CANCELLED})

    def _notification(self) -> Message:
        method, params = self._chance.choice(NOTIFICATIONS)
        if method == "$/cancelRequest":
            params = {"id": self._chance.choice((self._number, -self._number, str(self._number)))}
        while self._chance.random() < 0.6:
            params = self._mutated(params)
        return notification(method, params)

    def _stranger(self) -> Message:
        """What no server knows, or none would answer."""
        choose, id = self._chance.choice, self.id()
        junk = choose(JUNK)
        return choose(
            (
                request(id, choose(["no/such", "$/no", "", "x" * 10_000, "\ud800"]), junk, frozenset({NO_METHOD})),
                request(id, choose([None, 5, [], {}]), junk, frozenset({INVALID})),
                request(id, "initialize", {"processId": None, "capabilities": {}}, frozenset({INVALID})),
                request(id, "textDocument/didOpen", junk, frozenset({INVALID})),
                Message(encoded({"jsonrpc": "1.0", "id": id, "method": "shutdown"}), frozenset({INVALID}), id),
                notification(choose(["no/such", "$/no", "textDocument/hover", "shutdown"]), junk),
                Message(encoded({"jsonrpc": "2.0", "id": id, "result": junk})),
                Message(encoded({"jsonrpc": "2.0", "id": id, "error": junk})),
            )
        )

    def _broken(self) -> Message:
        """What is no message."""
        body = encoded({"jsonrpc": "2.0", "id": 1, "method": "textDocument/hover", "params": self._chance.choice(JUNK)})
        cut = self._chance.randrange(len(body))
        no_id = request(self._chance.choice([None, 1.5, True, [], {}]), "textDocument/hover", {}, frozenset({INVALID}))
        return self._chance.choice(
            (
                Message(body[:cut], frozenset({PARSE})),
                Message(body[:cut] + b"\xff" + body[cut:], frozenset({PARSE})),
                Message(b'{"jsonrpc":"2.0","id":1,"method":"shutdown","params":NaN}', frozenset({PARSE})),
                Message(b"[" * 5_000, frozenset({PARSE})),
                Message(b"[%s,%s]" % (body, body), frozenset({INVALID})),
                Message(encoded(self._chance.choice([5, "x", None, [], {}])), frozenset({INVALID})),
                Message(no_id.body, no_id.codes),
            )
        )

    def _mutated(self, params: Any) -> Any:
        at = self._chance.choice(list(paths(params)))
        return replaced(params, at, self._chance.choice(JUNK))


def framed(body: bytes, chance: random.Random) -> bytes:
    """Headers in any case and order, with others beside them."""
    length = chance.choice([b"Content-Length: %d", b"content-length:%d", b"CONTENT-LENGTH: \t%d"]) % len(body)
    headers = [length, *chance.sample([b"Content-Type: application/vscode-jsonrpc; charset=utf-8", b"X: y"], 1)]
    chance.shuffle(headers)
    return b"\r\n".join(headers[chance.randrange(2) if headers[0] is not length else 0 :]) + b"\r\n\r\n" + body
