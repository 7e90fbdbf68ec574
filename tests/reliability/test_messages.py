"""A client that sends anything: every request gets exactly one response with a right code, and the server continues."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from fillmask_ls.lsp.server import FillmaskServer
from reliability.campaign import program_with, resident_memory, seeded
from reliability.messages import (
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    RESULT,
    SERVER_NOT_INITIALIZED,
    TEXT,
    Grammar,
    Message,
    framed,
    junk_in_every_field,
    request,
)
from scripted_engine import WORDS, ScriptedEngine
from wire import SERVER, TIMEOUT, Connection, ThreadWire, Wire

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

MAX_GROWTH = 60_000_000
"""Bytes that a server may grow by in a campaign."""


@pytest.fixture(autouse=True)
def _no_log_of_pygls() -> None:
    """Silence pygls as the program does, because it logs every malformed message with a traceback."""
    logging.getLogger("pygls").setLevel(logging.CRITICAL)


def scripted_server() -> ThreadWire:
    """Start a server with the scripted engine in this process."""
    engine = ScriptedEngine(("hospital", *WORDS))
    return ThreadWire(lambda: FillmaskServer(local=engine))  # type: ignore[arg-type]


class Campaign:
    """Sends messages to a server, and checks its responses.

    Attributes:
        sent: the number of messages sent.
        requests: the number of requests among them.
    """

    def __init__(self, dice: random.Random, wire: Connection, timeout: float = TIMEOUT) -> None:
        self.dice, self.wire = dice, wire
        self.sent = self.requests = 0
        self._timeout = timeout

    def initialize(self) -> None:
        self.wire.initialize(CAPABILITIES)
        self.wire.open(TEXT)
        assert self.wire.request("textDocument/hover", self.wire.position_params(0, 10))["result"]

    def play(self, messages: Iterable[Message], batch_size: int = 200) -> None:
        """Send the messages in batches, and check the responses to each batch."""
        messages = iter(messages)
        while batch := list(itertools.islice(messages, batch_size)):
            problem = self._exchange(batch)
            if problem:
                pytest.fail(f"{problem}\nafter {self.sent} messages")

    def _exchange(self, batch: Sequence[Message]) -> str:
        """Send a batch and receive its responses. Return a description of the problem, or an empty string."""
        self.sent += len(batch)
        expected = Counter(_key(message.id) for message in batch if message.codes)
        self.requests += expected.total()
        allowed: dict[object, set[int]] = {}
        bodies: dict[object, bytes] = {}
        for message in batch:
            allowed.setdefault(_key(message.id), set()).update(message.codes)
            bodies[_key(message.id)] = message.body[:1000]
        data = b"".join(framed(message.body, self.dice) for message in batch)
        cut = self.dice.randrange(len(data))
        try:
            self.wire.send_bytes(data[:cut])
            self.wire.send_bytes(data[cut:])
            # A last request. Second responses to earlier requests arrive before its response.
            last = f"last {self.sent}"
            self.wire.send({"jsonrpc": "2.0", "id": last, "method": "fillmask/last"})
            expected[_key(last)] += 1
            allowed[_key(last)] = {METHOD_NOT_FOUND, INVALID_REQUEST, SERVER_NOT_INITIALIZED}
            deadline = time.monotonic() + self._timeout
            while expected.total():
                reply = self.wire.receive(max(0.01, deadline - time.monotonic()))
                if "method" in reply:
                    if problem := self._handle(reply):
                        return problem
                    continue
                key = _key(reply.get("id"))
                code = reply["error"]["code"] if "error" in reply else RESULT
                if not expected[key]:
                    return f"a response to no request: {str(reply)[:500]}"
                if code not in allowed[key]:
                    return f"code {code}, not one of {sorted(allowed[key])}: {str(reply)[:500]} to {bodies.get(key)!r}"
                expected[key] -= 1
        except queue.Empty:
            return f"unanswered: {[bodies.get(key, key) for key in expected if expected[key]]}"[:5000]
        except (EOFError, BrokenPipeError):
            return "the server ended"
        return ""

    def _handle(self, message: dict[str, Any]) -> str:
        """Handle a message of the server, correctly or not. Return a description of its problem, or an empty string."""
        if message["method"] == "window/showMessage":  # only about settings, models and malformed changes
            shown = message["params"]["message"]
            is_expected = shown.startswith(
                ("fillmask.", "fillmask: model", "fillmask: Model", "fillmask: The settings", "fillmask: the editor")
            )
            return "" if is_expected else f"an unexpected message to the user: {shown}"
        if "id" in message:
            answers = ({"result": {"applied": True}}, {"result": 5}, {"error": {"code": 1, "message": "no"}}, {})
            self.wire.send({"jsonrpc": "2.0", "id": message["id"], **self.dice.choice(answers)})
            if self.dice.random() < 0.3:
                self.wire.notify("$/cancelRequest", {"id": message["id"]})
        return ""

    def check_service(self) -> None:
        """Check that the server still answers a valid request."""
        self.wire.notify("workspace/didChangeConfiguration", {"settings": {"fillmask": {}}})
        self.wire.open("The man was taken to the [MASK] by ambulance.", "file:///valid.txt")
        result = self.wire.request("textDocument/completion", self.wire.position_params(0, 31, "file:///valid.txt"))[
            "result"
        ]
        assert len(result["items"]) == 10
        assert "hospital" in [item["label"] for item in result["items"]]


def _key(id: object) -> object:
    return type(id).__name__, id


def play_session(
    dice: random.Random,
    wire: Wire | ThreadWire,
    messages: int,
    model_share: float = 0.1,
    check_memory: Callable[[], None] = lambda: None,
) -> Campaign:
    """Play a session from before ``initialize`` to the end of the server.

    Args:
        check_memory: called before and after most of the messages.
    """
    campaign = Campaign(dice, wire)
    grammar = Grammar(dice, model_share)
    campaign.play(grammar.refused_message(SERVER_NOT_INITIALIZED) for _ in range(messages // 20))
    campaign.initialize()
    campaign.play(grammar.message() for _ in range(messages // 10))
    check_memory()
    campaign.play(grammar.message() for _ in range(messages))
    campaign.check_service()
    check_memory()
    assert wire.request("shutdown")["result"] is None
    campaign.play(grammar.refused_message(INVALID_REQUEST) for _ in range(messages // 20))
    wire.notify("exit")
    assert wire.wait() == 0
    return campaign


def play_program(
    dice: random.Random, messages: int, model_share: float = 0.1, program: Sequence[str] = SERVER
) -> Campaign:
    """Play a session with the program, and check its memory."""
    sizes: list[int] = []

    def check_memory() -> None:
        sizes.append(resident_memory(wire.process.pid))
        assert sizes[-1] - sizes[0] < MAX_GROWTH

    with Wire(program=program) as wire:
        return play_session(dice, wire, messages, model_share, check_memory)


def test_random_messages_are_answered() -> None:
    with scripted_server() as wire:
        play_session(seeded(1), wire, 1_000, model_share=1)


def test_junk_in_any_field_of_any_method_is_answered() -> None:
    dice = seeded(2)
    with scripted_server() as wire:
        campaign = Campaign(dice, wire)
        campaign.initialize()
        campaign.play(dice.sample(list(junk_in_every_field()), 1_000))
        campaign.check_service()


@pytest.mark.process
def test_program_answers_random_messages() -> None:
    play_program(seeded(1), 1_000)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_a_million_messages_are_answered() -> None:
    """``FILLMASK_MESSAGES`` in the environment sets another number."""
    each = int(os.environ.get("FILLMASK_MESSAGES", 1_000_000)) * 10 // 48
    dice = seeded(3)
    with Wire() as wire:
        campaign = Campaign(dice, wire, timeout=120)
        campaign.initialize()
        every = list(junk_in_every_field())
        campaign.play(every if each > 10_000 else dice.sample(every, each))
        campaign.check_service()
    campaigns = [campaign, *(play_program(dice, each, model_share=0.01) for _ in range(4))]
    sent, requests = sum(each.sent for each in campaigns), sum(each.requests for each in campaigns)
    print(f"{sent} messages, {requests} requests, none unanswered")


BROKEN_FRAMES = [
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


def test_server_recovers_from_a_broken_frame_within_a_few_messages() -> None:
    dice = seeded(4)
    with scripted_server() as wire:
        wire.initialize()
        for number, frame in enumerate(BROKEN_FRAMES):
            wire.send_bytes(frame)
            ids = [f"{number}.{repeat}" for repeat in range(4)]
            for id in ids:
                wire.send_bytes(
                    framed(request(id, "textDocument/hover", wire.position_params(0, 0), frozenset()).body, dice)
                )
            assert wire.wait_for_response(ids[-1])["result"] is None


@pytest.mark.parametrize("header", [b"x" * 200_000, b"Content-Length: 99999999999\r\n\r\n"])
def test_oversized_message_ends_the_connection(header: bytes) -> None:
    with scripted_server() as wire:
        wire.initialize()
        wire.send_bytes(header)
        assert wire.wait() == 1


@pytest.mark.long
def test_document_of_fifty_megabytes_in_pieces_is_accepted() -> None:
    dice = seeded(5)
    text = "It was a [MASK] day.\n" + "\ud83d" + "é" * 25_000_000
    params = {"textDocument": {"uri": "file:///large", "languageId": "plaintext", "version": 1, "text": text}}
    with Wire() as wire:
        wire.initialize()
        body = json.dumps({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": params}).encode()
        data = framed(body, dice)
        while data:
            size = dice.choice([1, 100, 10_000, 30_000_000])
            wire.send_bytes(data[:size])
            data = data[size:]
        assert wire.request("textDocument/completion", wire.position_params(0, 2, "file:///large"))["result"] is None
        wire.close("file:///large")
        wire.request("textDocument/hover", wire.position_params(0, 0))
        assert resident_memory(wire.process.pid) < 1_500_000_000


@pytest.mark.long
def test_responses_that_the_client_does_not_read_are_not_kept_without_limit() -> None:
    """The client sends 120 MB of requests without reading the responses. The server stops reading at a limit."""
    with Wire() as wire:
        wire.initialize()
        wire.open(TEXT)
        assert wire.request("textDocument/hover", wire.position_params(0, 10))["result"]
        before = resident_memory(wire.process.pid)
        wire.reads.clear()
        body = json.dumps({"jsonrpc": "2.0", "id": "x" * 10_000, "method": "no/such"}).encode()
        frame = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)

        def flood() -> None:
            with contextlib.suppress(OSError, ValueError):
                for _ in range(120):
                    wire.send_bytes(frame * 100)

        flooding = threading.Thread(target=flood, daemon=True)
        flooding.start()
        flooding.join(4)
        assert resident_memory(wire.process.pid) - before < MAX_GROWTH
        wire.reads.set()
        flooding.join(TIMEOUT)
        assert not flooding.is_alive()
        assert wire.request("textDocument/hover", wire.position_params(0, 10))["result"]


class BrokenServer(ThreadWire):
    """A server whose every fiftieth message is lost, sent twice, or an error."""

    def __init__(self, bug: str) -> None:
        engine = ScriptedEngine()
        super().__init__(lambda: FillmaskServer(local=engine))  # type: ignore[arg-type]
        self._bug = bug
        self._received = 0
        self._again: dict[str, Any] | None = None

    def receive(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        if self._again is not None:
            message, self._again = self._again, None
            return message
        message = super().receive(timeout)
        self._received += 1
        if self._received % 50 == 0:
            if self._bug == "lost":
                return self.receive(timeout)
            if self._bug == "twice":
                self._again = message
            else:
                message = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32603, "message": "x"}}
        return message


@pytest.mark.parametrize(
    ("bug", "problem"), [("lost", "unanswered"), ("twice", "to no request"), ("wrong", "code -32603, not one of")]
)
def test_campaign_finds_a_planted_bug(bug: str, problem: str) -> None:
    dice = seeded(6)
    with BrokenServer(bug) as wire:
        campaign = Campaign(dice, wire, timeout=2)
        grammar = Grammar(dice)
        with pytest.raises(pytest.fail.Exception, match=problem):
            campaign.play((grammar.refused_message(SERVER_NOT_INITIALIZED) for _ in range(400)), batch_size=50)


@pytest.mark.long
def test_campaign_finds_a_planted_leak() -> None:
    planted = """
from fillmask_ls.lsp.protocol import Protocol
kept = []
def receive(self, body, original=Protocol.receive):
    kept.append(bytes(50_000))
    original(self, body)
Protocol.receive = receive
"""
    with pytest.raises(AssertionError, match=str(MAX_GROWTH)):
        play_program(seeded(7), 4_000, program=program_with(planted))
