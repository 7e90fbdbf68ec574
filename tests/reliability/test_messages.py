"""A client that says anything: every request gets exactly one response of the right kind, and the server lives on."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from reliability.campaign import chance, resident, sabotaged
from reliability.messages import (
    INVALID,
    NOT_READY,
    RESULT,
    TEXT,
    Grammar,
    Message,
    every_field_wrong,
    framed,
    request,
)
from wire import SERVER, Wire

CAPABILITIES = {
    "workspace": {"configuration": False, "applyEdit": True, "inlayHint": {"refreshSupport": True}},
    "textDocument": {
        name: {}
        for name in (
            "codeLens",
            "diagnostic",
            "documentHighlight",
            "documentSymbol",
            "inlayHint",
            "inlineCompletion",
            "semanticTokens",
        )
    }
    | {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}},
}
CAPABILITIES["textDocument"]["semanticTokens"] = {
    "requests": {"full": True, "range": True},
    "tokenTypes": [],
    "tokenModifiers": [],
    "formats": ["relative"],
}


class Campaign:
    """Messages to one server, and what is wrong with its answers."""

    patience = 30.0

    def __init__(self, dice: random.Random, program: Sequence[str] = SERVER) -> None:
        self.dice, self.program = dice, program
        self.sent = self.requests = 0
        self.begun = False
        self.wire = Wire(program=program)

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.__exit__()

    def begin(self) -> None:
        self.wire.initialize(CAPABILITIES)
        self.wire.open(TEXT)
        assert self.wire.request("textDocument/hover", self.wire.at(0, 10), timeout=100)["result"]
        self.begun = True

    def play(self, messages: Iterable[Message], at_once: int = 200) -> None:
        """Send the messages; each batch gets what it must before the next goes."""
        messages = iter(messages)
        while batch := list(itertools.islice(messages, at_once)):
            wrong = self._exchange(batch)
            if wrong:
                print(wrong, "after", self.sent, "messages")
                pytest.fail(f"{wrong}\nafter {self.sent} messages, among these:\n" + self._shrunk(batch, wrong))

    def _exchange(self, batch: Sequence[Message]) -> str:
        """Send a batch and take its responses; returns what is wrong, if anything is."""
        self.sent += len(batch)
        expected = Counter(_key(message.id) for message in batch if message.codes)
        self.requests += expected.total()
        allowed: dict[object, set[int]] = {}
        for message in batch:
            allowed.setdefault(_key(message.id), set()).update(message.codes)
        data = b"".join(framed(message.body, self.dice) for message in batch)
        cut = self.dice.randrange(len(data))
        try:
            self.wire.send_bytes(data[:cut])
            self.wire.send_bytes(data[cut:])
            # Behind all: what is answered twice, or late, is seen before it.
            fence = f"fence {self.sent}"
            self.wire.send({"jsonrpc": "2.0", "id": fence, "method": "fillmask/fence"})
            expected[_key(fence)] += 1
            allowed[_key(fence)] = {-32601, INVALID, NOT_READY}
            deadline = time.monotonic() + self.patience
            while expected.total():
                reply = self.wire.receive(max(0.01, deadline - time.monotonic()))
                if "method" in reply:
                    if problem := self._asked(reply):
                        return problem
                    continue
                key = _key(reply.get("id"))
                code = reply["error"]["code"] if "error" in reply else RESULT
                if not expected[key]:
                    return f"a response that nothing asked for: {str(reply)[:500]}"
                if code not in allowed[key]:
                    return f"code {code}, not one of {sorted(allowed[key])}: {str(reply)[:500]}"
                expected[key] -= 1
        except queue.Empty:
            return f"unanswered: {[key for key in expected if expected[key]]}"
        except (EOFError, BrokenPipeError):
            return f"the server ended with {self.wire.wait(10)}"
        return ""

    def _asked(self, message: dict[str, Any]) -> str:
        """Answer what the server asks, well or not; it shows nothing but what is wrong with settings or models."""
        if message["method"] == "window/showMessage":
            shown = message["params"]["message"]
            return (
                ""
                if shown.startswith(("fillmask.", "fillmask: model", "fillmask: The settings"))
                else f"a pop-up: {shown}"
            )
        if "id" in message:
            answers = ({"result": {"applied": True}}, {"result": 5}, {"error": {"code": 1, "message": "no"}}, {})
            self.wire.send({"jsonrpc": "2.0", "id": message["id"], **self.dice.choice(answers)})
            if self.dice.random() < 0.3:
                self.wire.notify("$/cancelRequest", {"id": message["id"]})
        return ""

    def _shrunk(self, batch: Sequence[Message], wrong: str) -> str:
        """The messages of a batch that are wrong by themselves, on a new server; all, where that isn't so."""
        while len(batch) > 1 and self.begun:
            for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                with Campaign(self.dice, self.program) as again:
                    again.patience = self.patience
                    again.begin()
                    if again._exchange(half).split(":")[0] == wrong.split(":")[0]:
                        batch = half
                        break
            else:
                break
        return "\n".join(repr(message.body[:1000]) for message in batch)

    def honest_session(self) -> None:
        """Whoever comes next is served as if nothing had been."""
        self.wire.notify("workspace/didChangeConfiguration", {"settings": {"fillmask": {}}})
        self.wire.open("The man was taken to the [MASK] by ambulance.", "file:///honest.txt")
        found = self.wire.request("textDocument/completion", self.wire.at(0, 31, "file:///honest.txt"))["result"]
        assert len(found["items"]) == 10
        assert "hospital" in [item["label"] for item in found["items"]]


def _key(id: object) -> object:
    return type(id).__name__, id


def a_life(dice: random.Random, messages: int, asking: float = 0.1, program: Sequence[str] = SERVER) -> tuple[int, int]:
    """A server from before ``initialize`` to its end; returns how many messages and requests it was sent."""
    with Campaign(dice, program) as campaign:
        grammar = Grammar(dice, asking)
        campaign.play(grammar.outside(NOT_READY) for _ in range(messages // 20))
        campaign.begin()
        campaign.play(grammar.message() for _ in range(messages // 10))
        before = resident(campaign.wire.process.pid)
        campaign.play(grammar.message() for _ in range(messages))
        campaign.honest_session()
        assert resident(campaign.wire.process.pid) - before < 60_000_000
        assert campaign.wire.request("shutdown")["result"] is None
        campaign.play(grammar.outside(INVALID) for _ in range(messages // 20))
        campaign.wire.notify("exit")
        assert campaign.wire.wait(10) == 0
        return campaign.sent, campaign.requests


def test_messages_by_chance() -> None:
    a_life(chance(1), 1_000)


@pytest.mark.skipif(sys.platform == "win32", reason="asks by a signal")
def test_nothing_is_kept_of_notifications_that_are_done(tmp_path: Path) -> None:
    asked = f"""
import signal
from fillmask_ls.lsp.protocol import Protocol
def initialize(self, *arguments, before=Protocol.__init__):
    before(self, *arguments)
    write = lambda *_: open({str(tmp_path / "kept")!r}, "w").write(str(len(self._request_futures)))
    signal.signal(signal.SIGUSR1, write)
Protocol.__init__ = initialize
"""
    with Wire(program=sabotaged(asked)) as wire:
        wire.initialize()
        for _ in range(20):
            wire.open("The man was taken to the [MASK] by ambulance.")
            wire.notify("textDocument/didClose", {"textDocument": {"uri": "file:///a.txt"}})
            wire.notify("workspace/didChangeConfiguration", {"settings": {"fillmask": {}}})
        wire.open("The man was taken to the [MASK] by ambulance.")
        wire.request("textDocument/hover", wire.at(0, 28))
        os.kill(wire.process.pid, signal.SIGUSR1)
        end = time.monotonic() + 30
        while not (tmp_path / "kept").exists() or not (tmp_path / "kept").read_text():
            assert time.monotonic() < end
            time.sleep(0.05)
        assert int((tmp_path / "kept").read_text()) < 5


def test_a_wrong_value_in_every_field_of_every_method() -> None:
    every = list(every_field_wrong())
    dice = chance(2)
    with Campaign(dice) as campaign:
        campaign.begin()
        campaign.play(dice.sample(every, 1_000))
        campaign.honest_session()


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_a_million_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """``FILLMASK_MESSAGES`` makes them fewer."""
    monkeypatch.setattr(Campaign, "patience", 120)
    each = int(os.environ.get("FILLMASK_MESSAGES", 1_000_000)) * 10 // 48
    dice = chance(3)
    with Campaign(dice) as campaign:
        campaign.begin()
        campaign.play(every_field_wrong())
        campaign.honest_session()
    lives = [a_life(dice, each, asking=0.01) for _ in range(4)]
    print(f"{sum(sent for sent, _ in lives)} messages, {sum(asked for _, asked in lives)} requests; none unanswered")


FRAMES = [
    b"\r\n\r\n",
    b"Content-Length: 3\r\n\r\n{}",
    b"Content-Length: 1\r\n\r\n{}",
    b"Content-Length: x\r\n\r\n{}",
    b"Content-Length: -5\r\n\r\n",
    b"Content-Length\r\n\r\n",
    b"\x00\xff\n\n\r\r\n",
    b"Content-Length: 2\n\n{}",
    b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"x" * 60_000 + b"\r\n",
]


def test_a_frame_that_is_wrong_costs_a_few_messages_and_no_more() -> None:
    dice = chance(4)
    with Wire() as wire:
        wire.initialize()
        for number, frame in enumerate(FRAMES):
            wire.send_bytes(frame)
            honest = [f"{number}.{again}" for again in range(4)]
            for id in honest:
                wire.send_bytes(framed(request(id, "textDocument/hover", wire.at(0, 0), frozenset()).body, dice))
            assert wire.answer(honest[-1], timeout=20)["result"] is None


@pytest.mark.parametrize("header", [b"x" * 200_000, b"Content-Length: 99999999999\r\n\r\n"])
def test_what_would_take_all_memory_ends_the_connection(header: bytes) -> None:
    with Wire() as wire:
        wire.initialize()
        wire.send_bytes(header)
        assert wire.wait(10) == 1


def test_fifty_megabytes_in_pieces() -> None:
    dice = chance(5)
    text = "It was a [MASK] day.\n" + "\ud83d" + "é" * 25_000_000
    open_ = {"textDocument": {"uri": "file:///large", "languageId": "plaintext", "version": 1, "text": text}}
    with Wire() as wire:
        wire.initialize()
        data = framed(json.dumps({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": open_}).encode(), dice)
        while data:
            size = dice.choice([1, 100, 10_000, 30_000_000])
            wire.send_bytes(data[:size])
            data = data[size:]
        found = wire.request("textDocument/completion", wire.at(0, 2, "file:///large"), timeout=60)
        assert found["result"] is None
        wire.notify("textDocument/didClose", {"textDocument": {"uri": "file:///large"}})
        wire.request("textDocument/hover", wire.at(0, 0))
        assert resident(wire.process.pid) < 1_500_000_000


def test_a_client_that_sends_and_does_not_read_is_not_remembered_without_end() -> None:
    """100 MB of requests, whose responses nobody takes, and the like of notifications while the server is busy."""
    with Wire() as wire:
        wire.initialize()
        wire.open(TEXT)
        assert wire.request("textDocument/hover", wire.at(0, 10))["result"]
        before = resident(wire.process.pid)
        wire.holds = True
        request = {"jsonrpc": "2.0", "id": "x" * 10_000, "method": "no/such"}
        body = json.dumps(request).encode()
        frame = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)

        def flood() -> None:
            with contextlib.suppress(OSError, ValueError):
                for _ in range(120):
                    wire.send_bytes(frame * 100)

        flooding = threading.Thread(target=flood, daemon=True)
        flooding.start()
        flooding.join(4)
        assert resident(wire.process.pid) - before < 60_000_000
        wire.holds = False
        flooding.join(30)
        assert not flooding.is_alive()
        assert wire.request("textDocument/hover", wire.at(0, 10))["result"]


BUGS = {
    "a response is lost": "self._count % 50",
    "a response comes twice": "(send(self, data) or True)",
    "a code is wrong": "not (isinstance(data, dict) and data['error'].__setitem__('code', -32603))",
    "a crash": "self._count < 40 or __import__('os')._exit(7)",
    "a hang": "self._count < 40 or __import__('time').sleep(100)",
}


@pytest.mark.parametrize("bug", ["a response is lost", *(pytest.param(b, marks=pytest.mark.long) for b in BUGS)])
def test_a_planted_bug_is_caught(bug: str) -> None:
    planted = f"""
from fillmask_ls.lsp.protocol import Protocol
def patched(self, data, send=Protocol._send_data):
    self._count = getattr(self, '_count', 0) + 1
    if {BUGS[bug]}:
        send(self, data)
Protocol._send_data = patched
"""
    dice = chance(6)
    with Campaign(dice, sabotaged(planted)) as campaign:
        campaign.patience = 3
        grammar = Grammar(dice)
        with pytest.raises(pytest.fail.Exception, match=r"unanswered|nothing asked|not one of|ended with 7"):
            campaign.play((grammar.outside(NOT_READY) for _ in range(400)), at_once=50)


@pytest.mark.long
def test_a_planted_leak_is_caught() -> None:
    planted = """
from fillmask_ls.lsp.protocol import Protocol
kept = []
def patched(self, body, receive=Protocol.receive):
    kept.append(bytes(50_000))
    receive(self, body)
Protocol.receive = patched
"""
    with pytest.raises(AssertionError, match="60000000"):
        a_life(chance(7), 4_000, program=sabotaged(planted))
