"""The log: one line per record on standard error, without document text; it never blocks on its reader."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Iterator
from io import FileIO, RawIOBase

import pytest

from fillmask_ls.lsp import log


class MemoryFile(RawIOBase):
    """A file in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.content = b""

    def write(self, data: object) -> int:
        self.content += bytes(data)  # type: ignore[call-overload]
        return len(data)  # type: ignore[arg-type]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The server's logger without its handlers, so that only the test's log receives the records."""
    logger = logging.getLogger("fillmask_ls")
    handlers, propagate, level = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [], False
    logger.setLevel("DEBUG")
    yield logger
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


def attach_log(logger: logging.Logger, file: RawIOBase, max_queued: int = 100) -> log.Log:
    """Return a log that writes the records of a logger to a file."""
    new_log = log.Log(file, max_queued)
    logger.addHandler(new_log.handler)
    return new_log


def fail(message: str) -> None:
    raise ValueError(message)


def test_record_is_one_line_without_control_characters() -> None:
    file = MemoryFile()
    logger = logging.Logger("fillmask_ls")  # not in the hierarchy: pytest's report can't encode a lone surrogate
    lines = attach_log(logger, file)
    logger.info("the model %s is ready", "a\nfillmask-ls: ERROR: \x1b[31mforged\x9b \ud800 é")
    lines.close()
    assert file.content.decode() == (
        "fillmask-ls: INFO: the model a\\nfillmask-ls: ERROR: \\x1b[31mforged\\x9b \\ud800 é is ready\n"
    )


def test_exception_is_logged_with_type_and_location(logger: logging.Logger) -> None:
    file = MemoryFile()
    lines = attach_log(logger, file)
    try:
        fail("secret text")
    except ValueError:
        logger.exception("the server failed")
    lines.close()
    text = file.content.decode()
    assert text.startswith("fillmask-ls: ERROR: the server failed: ValueError < test_log.py:")
    assert " in fail < test_log.py:" in text
    assert "secret" not in text
    assert text.count("\n") == 1


async def test_exception_of_a_background_task_is_logged_once(logger: logging.Logger) -> None:
    """asyncio's default handler would print the message and a traceback."""
    file = MemoryFile()
    lines = attach_log(logger, file)
    asyncio.get_running_loop().set_exception_handler(log.handle_loop_exception)

    async def work() -> None:
        fail("secret text")

    task = asyncio.ensure_future(work())
    await asyncio.wait([task])
    del task
    gc.collect()
    cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    cancelled.set_exception(asyncio.CancelledError())
    del cancelled
    gc.collect()
    await asyncio.sleep(0)
    lines.close()
    [line] = file.content.decode().splitlines()
    assert "a background task failed: ValueError < " in line
    assert "secret" not in line


def test_exception_of_a_thread_is_logged_by_type(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = MemoryFile()
    lines = attach_log(logger, file)
    monkeypatch.setattr(threading, "excepthook", log.log_thread_exception)
    thread = threading.Thread(target=fail, args=("secret text",))
    thread.start()
    thread.join()
    lines.close()
    assert b"a thread failed: ValueError < " in file.content
    assert b"secret" not in file.content
    assert capsys.readouterr().err == ""


def test_exception_of_a_finalizer_is_logged_by_type(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Fails:
        def __del__(self) -> None:
            fail("secret text")

    file = MemoryFile()
    lines = attach_log(logger, file)
    monkeypatch.setattr(sys, "unraisablehook", log.log_unraisable_exception)
    Fails()
    lines.close()
    assert b"an exception was ignored: ValueError < " in file.content
    assert b"secret" not in file.content
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name != "posix", reason="fills a pipe")
@pytest.mark.parametrize("blocking", [True, False])
def test_unread_log_never_blocks_the_logger(logger: logging.Logger, blocking: bool) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, blocking)
    lines = attach_log(logger, FileIO(writing, "wb"))
    for number in range(2_000):
        logger.warning("record %d %s", number, "x" * 100)
    lines.close()
    with FileIO(reading, "rb") as unread:
        assert unread.read(100).startswith(b"fillmask-ls: WARNING: record 0 ")


@pytest.mark.skipif(os.name != "posix", reason="closes a pipe")
def test_log_survives_the_end_of_its_reader(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    lines = attach_log(logger, FileIO(writing, "wb"))
    for _ in range(10):
        logger.warning("nobody reads this")
    lines.close()
    assert capsys.readouterr().err == ""
