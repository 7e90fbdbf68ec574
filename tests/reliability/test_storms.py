"""Many documents typed in at once, with everything on: memory stays flat, nobody waits, and quiet is quiet."""

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

from reliability.campaign import busy, chance, resident, sabotaged, slope
from wire import SERVER, Wire

DOCUMENTS = 50
KEYS_A_SECOND = 30
SENTENCES = [
    "The man was taken to the [MASK] by ambulance. ",
    "She opened the [MASK] and looked at the old house by the river.\n",
    "It was a [MASK] day, and nobody knew why 🙂. ",
    "Nothing of that was told to the others for a long time.\n\n",
]
SETTINGS = {"diagnostics": {"enabled": True}, "inlayHints": {"enabled": True}, "codeLens": {"enabled": True}}
CAPABILITIES: dict[str, Any] = {"textDocument": {"inlayHint": {}, "publishDiagnostics": {}}}
LONGEST = 1_000
FULL = "".join(SENTENCES) * 4
"""So long that a document has all lengths that the campaign gives it in its first minutes."""
PATIENCE = 300
"""Seconds for the last requests: on a slow machine the hints of all documents take their time."""


@dataclass
class Typed:
    """A document as its editor has it."""

    uri: str
    text: str
    version: int = 1
    rest: str = ""
    asked: list[int] = field(default_factory=list)


class Storm:
    """Typing at a steady rate, and what it costs.

    Attributes:
        alone: the seconds of one forward when nothing else is asked, before and after each blow.
        ages: how long each completion at a mask took that was answered with words, in forwards as they are before and
            after that blow: a machine's speed changes over an hour.
        hints: the same of hints.
        memory: seconds of typing, and bytes.
        last: seconds from the last key to the last answer, the longest of all blows.
        rested: seconds from then until the processor is given back, the longest; infinite if it never was.
    """

    def __init__(self, dice: random.Random, program: Sequence[str] = SERVER, full: str = "") -> None:
        self.dice = dice
        self.wire = Wire(program=program)
        self.keys = self.requests = self.cancelled = 0
        self.alone: list[float] = []
        self.ages: list[float] = []
        self.hints: list[float] = []
        self.last = self.rested = 0.0
        self.memory: list[tuple[float, float]] = []
        self._waiting: dict[int, tuple[float, list[float] | None]] = {}
        self._documents = []
        for n in range(DOCUMENTS):
            # Some are at the end of a mask, and the others not: nobody types fifty of them in a second.
            at = SENTENCES[0].index("]") - n % 17
            shorter = n * 7 % DOCUMENTS  # a long one after a short one
            text = full[len(full) * shorter // DOCUMENTS :] + "".join(SENTENCES) + SENTENCES[0][:at]
            self._documents.append(Typed(f"file:///{n}.txt", text, rest=SENTENCES[0][at:]))

    def __enter__(self) -> Storm:
        self.wire.initialize(CAPABILITIES, initializationOptions=SETTINGS)
        self._one_forward()
        for document in self._documents:
            self.wire.open(document.text, document.uri)
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.__exit__()

    def fill(self) -> None:
        """Fill what the server remembers, as days of use do, so that it has its full size from the start."""
        for number in range(10):  # of each, what is near the last edit is checked
            sentences = (SENTENCES[1].replace("[MASK]", f"door {number} {n}").strip() for n in range(200))
            self.wire.open("\n\n".join(sentences), f"file:///remembered{number}.txt")
        assert self.rests(PATIENCE)
        for number in range(10):
            self.wire.notify("textDocument/didClose", {"textDocument": {"uri": f"file:///remembered{number}.txt"}})

    def _one_forward(self) -> float:
        """Seconds that a completion takes when nothing else is asked, in a new text as long as the longest that is typed."""
        took = []
        for number in range(9):
            uri = f"file:///alone{number}.txt"
            text = f"{self.dice.random()}. {FULL[-LONGEST:]}The man was taken to the [MASK]"
            self.wire.open(text, uri)
            start = time.perf_counter()
            at = {"textDocument": {"uri": uri}, "position": self._end(text)}
            while not self.wire.request("textDocument/completion", at, timeout=PATIENCE)["result"]["items"]:
                pass  # the model is not loaded yet
            took.append(time.perf_counter() - start)
            self.wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        return median(took)

    def blow(self, seconds: float) -> None:
        """Type for so long, until all is answered and the processor given back."""
        before, ages, hints = self._one_forward(), len(self.ages), len(self.hints)
        start, typed = time.perf_counter(), self.keys
        while (now := time.perf_counter() - start) < seconds:
            if self.keys - typed <= now * KEYS_A_SECOND:
                self._key(self._documents[self.keys % DOCUMENTS])
                self.keys += 1
                if self.keys % KEYS_A_SECOND == 0:
                    self.memory.append((self.keys / KEYS_A_SECOND, resident(self.wire.process.pid)))
            else:
                self._take((self.keys - typed) / KEYS_A_SECOND - now)
        quiet = time.monotonic()
        while self._waiting and time.monotonic() < quiet + PATIENCE:
            self._take(0.1)
        assert not self._waiting, f"unanswered: {len(self._waiting)} requests"
        answered = time.monotonic()
        self.last = max(self.last, answered - quiet)
        rested = self.rests(PATIENCE)  # what was typed is looked through for unlikely words first
        self.rested = max(self.rested, time.monotonic() - answered if rested else inf)
        after = self._one_forward()
        self.alone += [before, after]
        for waits, first in ((self.ages, ages), (self.hints, hints)):
            waits[first:] = [2 * wait / (before + after) for wait in waits[first:]]

    def _key(self, document: Typed) -> None:
        """One key, with what an editor asks for at it; what it asked before is cancelled."""
        document.rest = document.rest or self.dice.choice(SENTENCES)
        key, document.rest = document.rest[0], document.rest[1:]
        document.version += 1
        if len(document.text) > LONGEST:
            document.text = document.text[LONGEST // 2 :]
            changes: list[dict[str, Any]] = [{"text": document.text + key}]
        else:
            end = self._end(document.text)
            changes = [{"range": {"start": end, "end": end}, "text": key}]
        document.text += key
        identifier = {"uri": document.uri, "version": document.version}
        self.wire.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})
        for id in document.asked:
            if id in self._waiting:
                self.wire.notify("$/cancelRequest", {"id": id})
        of, end = {"textDocument": {"uri": document.uri}}, self._end(document.text)
        whole = {"start": {"line": 0, "character": 0}, "end": end}
        document.asked = [
            self._ask(
                "textDocument/completion",
                {**of, "position": end},
                self.ages if document.text.endswith("[MASK]") else None,
            ),
            self._ask("textDocument/inlayHint", {**of, "range": whole}, self.hints),
        ]

    def _ask(self, method: str, params: object, ages: list[float] | None) -> int:
        self.requests += 1
        id = self.wire.ask(method, params)
        self._waiting[id] = time.perf_counter(), ages
        return id

    def _take(self, seconds: float) -> None:
        try:
            message = self.wire.receive(max(0.001, seconds))
        except Empty:
            return
        if "method" in message:
            return
        since, ages = self._waiting.pop(message["id"])
        if "error" in message:
            self.cancelled += 1
        elif ages is not None:
            result = message["result"]
            if result["items"] if isinstance(result, dict) else result:
                ages.append(time.perf_counter() - since)

    def rests(self, seconds: float) -> bool:
        """Whether the processor is given back within that time; waits until it is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if busy(self.wire.process.pid, 2) < 0.02:
                return True
        return False

    @staticmethod
    def _end(text: str) -> dict[str, int]:
        return {"line": text.count("\n"), "character": len(text.rpartition("\n")[2].encode("utf-16-le")) // 2}


def tenths(memory: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The median of each tenth of the time: what is allocated changes in steps, so that seconds don't err by themselves."""
    size = len(memory) // 10
    parts = [memory[n * size : (n + 1) * size] for n in range(10)]
    return [(median(second for second, _ in part), median(bytes_ for _, bytes_ in part)) for part in parts]


def growth(memory: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Bytes a second, once half of the time is over, and the standard error."""
    return slope(tenths(memory[len(memory) // 2 :]))


def is_flat(memory: Sequence[tuple[float, float]]) -> bool:
    """Whether memory doesn't grow, but for chance and a few megabytes an hour, once half of the time is over."""
    found, error = growth(memory)
    return found - 3 * error < 5_000_000 / 3600


def report(storm: Storm, seconds: float) -> str:
    found, error = growth(storm.memory)
    memory = [size / 1e6 for _, size in tenths(storm.memory)]
    return (
        f"{seconds / 60:.1f} minutes, {storm.keys} keys, {storm.requests} requests, {storm.cancelled} cancelled; "
        f"memory by tenths {', '.join(f'{size:.0f}' for size in memory)} MB, in the second half "
        f"{found * 3600 / 1e6:+.1f} ± {error * 3600 / 1e6:.1f} MB an hour; one forward "
        f"{', '.join(f'{1000 * alone:.0f}' for alone in storm.alone)} ms; "
        f"completions at masks {in_forwards(storm.ages)}; hints {in_forwards(storm.hints)}; "
        f"the last answer {storm.last:.1f} s after the last key, at rest {storm.rested:.0f} s after that"
    )


def share(ages: Sequence[float], most: float) -> float:
    """The age that this share of all ages is below."""
    return sorted(ages)[int(len(ages) * most)]


def in_forwards(ages: Sequence[float]) -> str:
    return f"{len(ages)}: median {median(ages):.2f}, 99 % {share(ages, 0.99):.2f}, oldest {max(ages):.2f} forwards"


def test_seconds_of_typing_in_fifty_documents() -> None:
    with Storm(chance(1)) as storm:
        storm.blow(3)
        assert storm.requests > 3 * KEYS_A_SECOND
        assert median(storm.ages) < 10
        assert storm.rested < 60


@pytest.mark.long
@pytest.mark.timeout(2 * 3600)
def test_an_hour_of_typing_in_fifty_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """``FILLMASK_STORM_MINUTES`` makes it shorter."""
    monkeypatch.delenv("OMP_NUM_THREADS")  # all cores, as a user's server
    seconds = 60 * float(os.environ.get("FILLMASK_STORM_MINUTES", 60))
    with Storm(chance(2), full=FULL) as storm:
        storm.fill()
        for _ in range(10):
            storm.blow(seconds / 10)
        print(report(storm, seconds))
        assert storm.rested < PATIENCE
        assert is_flat(storm.memory)
        assert share(storm.ages, 0.99) < 2


def test_memory_that_grows_is_seen_and_noise_is_not() -> None:
    dice = random.Random(3)
    noise = [(float(second), 5e8 + dice.gauss(0, 1e6)) for second in range(600)]
    assert is_flat(noise)
    assert not is_flat([(second, bytes_ + second * 10_000) for second, bytes_ in noise])  # 36 MB an hour


@pytest.mark.long
def test_a_planted_leak_is_seen() -> None:
    planted = """
from fillmask_ls.lsp.documents import Documents
kept = []
def patched(self, *arguments, change=Documents.change):
    kept.append(bytearray(200_000))
    change(self, *arguments)
Documents.change = patched
"""
    with Storm(chance(4), sabotaged(planted)) as storm:
        storm.blow(60)
        assert (
            growth(storm.memory)[0] > 100_000 * KEYS_A_SECOND
        )  # what is compiled and remembered in the first minute is a third of it


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_processor_that_is_not_given_back_is_seen() -> None:
    planted = """
import threading
def burn():
    while True: pass
threading.Thread(target=burn, daemon=True).start()
"""
    with Storm(chance(5), sabotaged(planted)) as storm:
        assert not storm.rests(30)
