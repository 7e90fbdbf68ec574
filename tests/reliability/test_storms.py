"""Typing in many documents at once with all features on: flat memory, fast responses, and an idle processor afterwards."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from queue import Empty
from statistics import median
from typing import Any

import pytest

from reliability.campaign import processor_share, program_with, resident_memory, seeded, slope
from wire import SERVER, Wire

DOCUMENTS = 50
KEYS_PER_SECOND = 30
SENTENCES = [
    "The man was taken to the [MASK] by ambulance. ",
    "She opened the [MASK] and looked at the old house by the river.\n",
    "It was a [MASK] day, and nobody knew why 🙂. ",
    "Nothing of that was told to the others for a long time.\n\n",
]
SETTINGS = {"diagnostics": {"enabled": True}, "inlayHints": {"enabled": True}, "codeLens": {"enabled": True}}
CAPABILITIES: dict[str, Any] = {"textDocument": {"inlayHint": {}, "publishDiagnostics": {}}}
MAX_LENGTH = 1_000
LONG_TEXT = "".join(SENTENCES) * 4
"""Long enough that a document reaches every length of the campaign within the first minutes."""
TIMEOUT = 600
"""Seconds for the last requests and checks: a busy machine needs time for the hints of all documents."""


@dataclass
class TypedDocument:
    """A document in the editor.

    Attributes:
        rest: the part of its sentence that isn't typed yet.
        pending: the ids of the last requests.
    """

    uri: str
    text: str
    version: int = 1
    rest: str = ""
    pending: list[int] = field(default_factory=list)


class Storm:
    """Types at a steady rate, and measures response times and memory.

    Attributes:
        alone: seconds of one completion without other requests, before and after each gust.
        completions: the time of each completion at a mask, as a multiple of ``alone`` around its gust, because a machine's
            speed varies within an hour.
        hints: the same for inlay hints.
        memory: the resident bytes after so many seconds of typing.
        last: the maximum of all gusts of the seconds from the last key to the last response.
        idle: the maximum of the seconds from then until the processor is idle; infinite if it never is.
    """

    def __init__(self, dice: random.Random, program: Sequence[str] = SERVER, text: str = "") -> None:
        self.dice = dice
        self.wire = Wire(program=program)
        self.keys = self.requests = self.refused = 0
        self.alone: list[float] = []
        self.completions: list[float] = []
        self.hints: list[float] = []
        self.last = self.idle = 0.0
        self.memory: list[tuple[float, float]] = []
        self._waiting: dict[int, tuple[float, list[float] | None]] = {}
        self._documents = []
        for number in range(DOCUMENTS):
            # In only some documents a mask is complete: nobody types fifty masks in a second.
            cut = SENTENCES[0].index("]") - number % 17
            shorter = number * 7 % DOCUMENTS  # long and short documents alternate
            typed = text[len(text) * shorter // DOCUMENTS :] + "".join(SENTENCES) + SENTENCES[0][:cut]
            self._documents.append(TypedDocument(f"file:///{number}.txt", typed, rest=SENTENCES[0][cut:]))

    def __enter__(self) -> Storm:
        self.wire.initialize(CAPABILITIES, initializationOptions=SETTINGS)
        self._wait_for_model()
        for document in self._documents:
            self.wire.open(document.text, document.uri)
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.__exit__()

    def _wait_for_model(self) -> None:
        self.wire.open("It was a [MASK] day.", "file:///model.txt")
        assert self.wire.request("textDocument/hover", self.wire.position_params(0, 12, "file:///model.txt"), TIMEOUT)[
            "result"
        ]
        self.wire.close("file:///model.txt")

    def fill_caches(self, documents: int) -> None:
        """Fill the server's caches, so that they don't grow during the measurement."""
        for number in range(documents):  # diagnostics read the paragraphs near the last edit
            sentences = (SENTENCES[1].replace("[MASK]", f"door {number} {n}").strip() for n in range(200))
            self.wire.open("\n\n".join(sentences), f"file:///cached{number}.txt")
        assert self.becomes_idle(TIMEOUT)
        for number in range(documents):
            self.wire.close(f"file:///cached{number}.txt")

    def _measure_alone(self) -> float:
        """Return the seconds of a completion without other requests, in a text as long as the longest typed one."""
        took = []
        for number in range(9):
            uri = f"file:///alone{number}.txt"
            text = f"{self.dice.random()}. {LONG_TEXT[-MAX_LENGTH:]}The man was taken to the [MASK]"
            self.wire.open(text, uri)
            start = time.perf_counter()
            params = {"textDocument": {"uri": uri}, "position": self._end(text)}
            assert self.wire.request("textDocument/completion", params, timeout=TIMEOUT)["result"]["items"]
            took.append(time.perf_counter() - start)
            self.wire.close(uri)
        return median(took)

    def gust(self, seconds: float) -> None:
        """Type for some seconds, and wait until every request is answered."""
        start, typed = time.perf_counter(), self.keys
        while (now := time.perf_counter() - start) < seconds:
            if self.keys - typed <= now * KEYS_PER_SECOND:
                self._type_key(self._documents[self.keys % DOCUMENTS])
                self.keys += 1
                if self.keys % KEYS_PER_SECOND == 0:
                    self.memory.append((self.keys / KEYS_PER_SECOND, resident_memory(self.wire.process.pid)))
            else:
                self._take_message((self.keys - typed) / KEYS_PER_SECOND - now)
        stopped = time.monotonic()
        while self._waiting and time.monotonic() < stopped + TIMEOUT:
            self._take_message(0.1)
        assert not self._waiting, f"unanswered: {len(self._waiting)} requests"
        self.last = max(self.last, time.monotonic() - stopped)

    def measured_gust(self, seconds: float) -> None:
        """Type as in :meth:`gust`, and measure times and how soon the processor is idle."""
        before, completions, hints = self._measure_alone(), len(self.completions), len(self.hints)
        self.gust(seconds)
        answered = time.monotonic()
        idle = self.becomes_idle(TIMEOUT)  # after the diagnostics of the typed text
        self.idle = max(self.idle, time.monotonic() - answered if idle else inf)
        after = self._measure_alone()
        self.alone += [before, after]
        for times, first in ((self.completions, completions), (self.hints, hints)):
            times[first:] = [2 * time / (before + after) for time in times[first:]]

    def _type_key(self, document: TypedDocument) -> None:
        """Type one key, cancel the requests of the previous key, and send those that an editor sends after a key."""
        document.rest = document.rest or self.dice.choice(SENTENCES)
        key, document.rest = document.rest[0], document.rest[1:]
        document.version += 1
        if len(document.text) > MAX_LENGTH:
            document.text = document.text[MAX_LENGTH // 2 :]
            changes: list[dict[str, Any]] = [{"text": document.text + key}]
        else:
            end = self._end(document.text)
            changes = [{"range": {"start": end, "end": end}, "text": key}]
        document.text += key
        identifier = {"uri": document.uri, "version": document.version}
        self.wire.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})
        for id in document.pending:
            if id in self._waiting:
                self.wire.notify("$/cancelRequest", {"id": id})
        of, end = {"textDocument": {"uri": document.uri}}, self._end(document.text)
        whole = {"start": {"line": 0, "character": 0}, "end": end}
        times = self.completions if document.text.endswith("[MASK]") else None
        document.pending = [
            self._send_request("textDocument/completion", {**of, "position": end}, times),
            self._send_request("textDocument/inlayHint", {**of, "range": whole}, self.hints),
        ]

    def _send_request(self, method: str, params: object, times: list[float] | None) -> int:
        self.requests += 1
        id = self.wire.send_request(method, params)
        self._waiting[id] = time.perf_counter(), times
        return id

    def _take_message(self, seconds: float) -> None:
        try:
            message = self.wire.receive(max(0.001, seconds))
        except Empty:
            return
        if "method" in message:
            return
        start, times = self._waiting.pop(message["id"])
        if "error" in message:
            self.refused += 1
        elif times is not None:
            result = message["result"]
            if result["items"] if isinstance(result, dict) else result:
                times.append(time.perf_counter() - start)

    def becomes_idle(self, seconds: float) -> bool:
        """Wait until the server leaves the processor idle; return False if it doesn't in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if processor_share(self.wire.process.pid, 2) < 0.02:
                return True
        return False

    @staticmethod
    def _end(text: str) -> dict[str, int]:
        return {"line": text.count("\n"), "character": len(text.rpartition("\n")[2].encode("utf-16-le")) // 2}


def tenths(memory: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the median of each tenth of the time: memory grows in steps, so neighboring seconds aren't independent."""
    size = len(memory) // 10
    parts = [memory[number * size : (number + 1) * size] for number in range(10)]
    return [(median(second for second, _ in part), median(bytes_ for _, bytes_ in part)) for part in parts]


def growth(memory: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the growth in bytes per second in the second half of the time, and its standard error."""
    return slope(tenths(memory[len(memory) // 2 :]))


def is_flat(memory: Sequence[tuple[float, float]]) -> bool:
    """Return whether memory in the second half of the time doesn't grow significantly faster than 5 MB per hour."""
    rate, error = growth(memory)
    return rate - 3 * error < 5_000_000 / 3600


def report(storm: Storm, seconds: float) -> str:
    rate, error = growth(storm.memory)
    memory = [size / 1e6 for _, size in tenths(storm.memory)]
    return (
        f"{seconds / 60:.1f} minutes, {storm.keys} keys, {storm.requests} requests, {storm.refused} cancelled or stale; "
        f"memory by tenths {', '.join(f'{size:.0f}' for size in memory)} MB, in the second half "
        f"{rate * 3600 / 1e6:+.1f} ± {error * 3600 / 1e6:.1f} MB per hour; one completion alone "
        f"{', '.join(f'{1000 * alone:.0f}' for alone in storm.alone)} ms; times in multiples of it: "
        f"completions at masks {summary(storm.completions)}; hints {summary(storm.hints)}; "
        f"last answer {storm.last:.1f} s after the last key, idle {storm.idle:.0f} s after that"
    )


def percentile(times: Sequence[float], share: float) -> float:
    """Return a percentile of the times, given its share."""
    return sorted(times)[int(len(times) * share)]


def summary(times: Sequence[float]) -> str:
    return f"{len(times)}: median {median(times):.2f}, 99 % {percentile(times, 0.99):.2f}, largest {max(times):.2f}"


@pytest.mark.process
def test_every_request_in_a_gust_of_typing_is_answered() -> None:
    with Storm(seeded(1)) as storm:
        storm.gust(3)
        assert storm.keys


@pytest.mark.long
@pytest.mark.timeout(2 * 3600)
def test_an_hour_of_typing_in_fifty_documents_keeps_memory_flat_and_responses_fast(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``FILLMASK_STORM_MINUTES`` in the environment makes it shorter."""
    monkeypatch.delenv("OMP_NUM_THREADS")  # like a user's server, with all cores
    minutes = float(os.environ.get("FILLMASK_STORM_MINUTES", 60))
    seconds = 60 * minutes
    with Storm(seeded(2), text=LONG_TEXT) as storm:
        storm.fill_caches(documents=max(1, min(10, int(minutes))))
        for _ in range(10):
            storm.measured_gust(seconds / 10)
        print(report(storm, seconds))
        assert storm.idle < TIMEOUT
        assert is_flat(storm.memory)
        assert percentile(storm.completions, 0.99) < 2


def test_growing_memory_is_told_from_noise() -> None:
    dice = random.Random(3)
    noise = [(float(second), 5e8 + dice.gauss(0, 1e6)) for second in range(600)]
    assert is_flat(noise)
    assert not is_flat([(second, bytes_ + second * 10_000) for second, bytes_ in noise])  # 36 MB per hour


@pytest.mark.long
def test_storm_finds_a_planted_leak() -> None:
    planted = """
from fillmask_ls.lsp.documents import Documents
kept = []
def change(self, *arguments, original=Documents.change):
    kept.append(bytearray(200_000))
    original(self, *arguments)
Documents.change = change
"""
    with Storm(seeded(4), program_with(planted)) as storm:
        storm.gust(60)
        # A third of the growth in the first minute is code and caches.
        assert growth(storm.memory)[0] > 100_000 * KEYS_PER_SECOND


@pytest.mark.long
@pytest.mark.timeout(300)
def test_storm_finds_a_busy_processor() -> None:
    planted = """
import threading
def burn():
    while True: pass
threading.Thread(target=burn, daemon=True).start()
"""
    with Storm(seeded(5), program_with(planted)) as storm:
        assert not storm.becomes_idle(30)
