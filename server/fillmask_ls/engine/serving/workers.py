"""The shared engine in several processes that accept connections at one socket, each with a model of its own.

A forward pass for one person gains little from a second core, but a second process can compute for another person.
``server/docs/cluster.md`` contains the figures.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from ..api import EngineError
from . import http_server
from .http_server import ServeOptions

logger = logging.getLogger(__name__)

_SECONDS_TO_END = http_server.SECONDS_TO_DRAIN + 5
_SECONDS_BEFORE_RESTART = 1.0

_READY = "ready"


@dataclass(slots=True)
class _Worker:
    """A process that serves.

    Attributes:
        number: from 1.
        process: runs an HTTP server with a model of its own.
        messages: receives :data:`_READY` or the reason why the process can't serve.
        is_ready: whether it serves.
    """

    number: int
    process: SpawnProcess
    messages: Connection
    is_ready: bool = False

    def read_message(self) -> str:
        """Return its message; empty if it has ended without one."""
        try:
            return str(self.messages.recv())
        except (EOFError, OSError):
            return ""


def serve_until_signal(options: ServeOptions, bound: socket.socket, ready: Callable[[], None], *, count: int) -> None:
    """Serve with several processes until SIGTERM or Ctrl-C. A process that ends is replaced.

    Args:
        options: of each process; without ``cpus``, the cores are divided among them.
        bound: the listening socket, which all processes share.
        ready: called once all processes answer requests.
        count: the number of processes.

    Raises:
        EngineError: a process can't load the model.
    """
    if options.cpus is None:
        options = replace(options, cpus=max(1, (os.cpu_count() or 1) // count))
    with _stop_pipe() as stop:
        workers = [_start(options, bound, number) for number in range(1, count + 1)]
        try:
            if _wait_until_ready(workers, stop):
                ready()
                _replace_ended(workers, options, bound, stop)
        finally:
            bound.close()
            _end(workers)


def _start(options: ServeOptions, bound: socket.socket, number: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(replace(options, worker=number), bound, theirs))
    process.start()
    theirs.close()
    return _Worker(number, process, ours)


def _wait_until_ready(workers: list[_Worker], stop: Connection) -> bool:
    """Return whether all processes serve; False if this one is told to end before."""
    while loading := {each.messages: each for each in workers if not each.is_ready}:
        for connection in wait([stop, *loading]):
            if connection is stop:
                return False
            worker = loading[connection]  # type: ignore[index]
            message = worker.read_message()
            if message != _READY:
                raise EngineError(
                    message or f"process {worker.number} of {len(workers)} ended while it loaded the model"
                )
            worker.is_ready = True
    return True


def _replace_ended(workers: list[_Worker], options: ServeOptions, bound: socket.socket, stop: Connection) -> None:
    """Replace each process that ends, until this one is told to end."""
    while True:
        sentinels = [each.process.sentinel for each in workers]
        if stop in wait([stop, *sentinels]):
            return
        for index, worker in enumerate(workers):
            if not worker.process.is_alive():
                logger.error("process %d ended with code %s; starting another", worker.number, worker.process.exitcode)
                if stop.poll(_SECONDS_BEFORE_RESTART):
                    return
                worker.messages.close()
                workers[index] = _start(options, bound, worker.number)


def _end(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(_SECONDS_TO_END)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


@contextlib.contextmanager
def _stop_pipe() -> Iterator[Connection]:
    """Yield a connection that becomes readable at SIGTERM or SIGINT."""
    readable, writable = multiprocessing.Pipe(duplex=False)
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: writable.send_bytes(b"stop")) for number in numbers}
    try:
        yield readable
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _work(options: ServeOptions, bound: socket.socket, messages: Connection) -> None:
    """Serve in this process; it ends with its parent."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        http_server.serve_until_signal(options, bound, lambda: messages.send(_READY))
    except EngineError as error:
        messages.send(str(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
