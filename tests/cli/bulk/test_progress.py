"""The progress line of a long run."""

from __future__ import annotations

import io

from fillmask_ls.cli.bulk.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return self.getvalue().split("\r\x1b[K")[1:]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_shows_share_rows_speed_and_time_left() -> None:
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    progress.update(256, 0.1)  # the model was loaded meanwhile: not measured
    clock.now = 10
    progress.update(100, 0.2)
    assert terminal.lines == ["20% · 100 rows · 10.0 rows per second · 1:20 left"]
    progress.clear()
    assert terminal.lines[-1] == ""


def test_progress_is_not_shown_more_than_twice_a_second() -> None:
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    for _ in range(100):
        clock.now += 0.1
        progress.update(1, 0.5)
    assert len(terminal.lines) <= 20


def test_progress_of_a_pipe_has_no_time_left() -> None:
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    progress.update(1, None)
    clock.now = 2
    progress.update(1, None)
    assert terminal.lines == ["1 rows · 0.5 rows per second"]


def test_nothing_is_shown_elsewhere() -> None:
    clock = Clock()
    for progress in (
        Progress(file := io.StringIO(), clock=clock),
        Progress(terminal := Terminal(), is_shown=False, clock=clock),
    ):
        progress.update(1, 0.1)
        clock.now += 10
        progress.update(1, 0.2)
        progress.clear()
    assert file.getvalue() == terminal.getvalue() == ""
