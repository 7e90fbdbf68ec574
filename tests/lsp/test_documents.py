"""Documents as clients keep them: opened twice, closed, changed in language, by the thousand, and large."""

from __future__ import annotations

import itertools
from typing import Any

import psutil

from wire import Wire

HOSPITAL = "The man was taken to the [MASK] by ambulance."


def open_as(wire: Wire, uri: str, language: str, text: str) -> None:
    item = {"uri": uri, "languageId": language, "version": 1, "text": text}
    wire.notify("textDocument/didOpen", {"textDocument": item})


def close(wire: Wire, uri: str) -> None:
    wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def change(wire: Wire, uri: str, *changes: tuple[tuple[int, int], tuple[int, int], str] | str) -> None:
    content = [
        {"text": each}
        if isinstance(each, str)
        else {
            "range": {
                "start": {"line": each[0][0], "character": each[0][1]},
                "end": {"line": each[1][0], "character": each[1][1]},
            },
            "text": each[2],
        }
        for each in changes
    ]
    wire.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": content})


def words(wire: Wire, uri: str, line: int, character: int) -> Any:
    """What a hover shows; None where there is no mask."""
    hover = wire.request("textDocument/hover", wire.at(line, character, uri))["result"]
    return hover and hover["contents"]["value"]


def test_several_changes_in_one_notification_are_made_in_their_order() -> None:
    with Wire() as wire:
        wire.initialize()
        open_as(wire, "untitled:Untitled-1", "plaintext", "")
        assert words(wire, "untitled:Untitled-1", 0, 0) is None
        change(
            wire,
            "untitled:Untitled-1",
            "The man\u2028was \x0ctaken",
            ((0, 99), (7, 7), " to the [MAS"),
            ((0, 33), (0, 33), "K] by ambulance."),
        )
        assert "hospital" in words(wire, "untitled:Untitled-1", 0, 28)
        change(wire, "untitled:Untitled-1", "")
        assert words(wire, "untitled:Untitled-1", 0, 0) is None


def test_opened_twice_the_second_text_holds_and_a_new_language_is_read_in_its_way() -> None:
    with Wire() as wire:
        wire.initialize({"general": {"positionEncodings": ["utf-8"]}})
        open_as(wire, "file:///one/a", "plaintext", "Nothing here.")
        open_as(wire, "file:///one/a", "plaintext", HOSPITAL)
        assert "hospital" in words(wire, "file:///one/a", 0, 27)
        wrapped = "x = 1\n# 😀 The man was taken\n# to the [MASK] by\n# ambulance.\n"
        close(wire, "file:///one/a")
        open_as(wire, "file:///one/a", "python", wrapped)
        assert "hospital" in words(wire, "file:///one/a", 2, 10)
        open_as(wire, "file:///two/a", "python", "# Another root's [MASK].")
        assert "hospital" in words(wire, "file:///one/a", 2, 10)
        close(wire, "file:///two/a")
        assert words(wire, "file:///two/a", 0, 20) is None


def test_memory_returns_to_where_it_was_after_thousands_of_documents() -> None:
    text = f"{HOSPITAL} 😀\n" * 400
    languages = itertools.cycle(["plaintext", "markdown", "python", "latex", "nobody-knows-it"])

    def open_and_close(count: int) -> None:
        for number in range(count):
            uri = f"file:///folder/{number}"
            open_as(wire, uri, next(languages), text)
            change(wire, uri, ((300, 0), (300, 3), "A"))
            if number % 50 == 0:
                assert words(wire, uri, 200, 27)
            close(wire, uri)
        assert words(wire, "file:///folder/0", 0, 27) is None

    with Wire() as wire:
        wire.initialize()
        process = psutil.Process(wire.process.pid)
        open_and_close(300)
        before = process.memory_info().rss
        open_and_close(2_000)  # 40 MB of text
        assert process.memory_info().rss - before < 10_000_000


def test_ten_megabytes_and_a_hundred_thousand_masks() -> None:
    line = f"# {HOSPITAL} " + "It was late, and nobody else had been there that night.\n"
    with Wire() as wire:
        wire.initialize()
        open_as(wire, "file:///large", "markdown", line * 100_000)
        assert words(wire, "file:///large", 50_000, 29)
        change(wire, "file:///large", ((50_000, 2), (50_000, 2), "\n\nSo it goes.\n\n"))
        assert words(wire, "file:///large", 50_004, 27)
