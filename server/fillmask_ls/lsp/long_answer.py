"""Answers that take long: the client shows how much is computed, and its user can cancel them."""

from __future__ import annotations

import asyncio
from typing import Any

from fillmask_ls.engine.api import InspectQuestion, ScoreQuestion

from .progress import progress_bar
from .session import Session

_SHORT_TEXT = 2_000
"""Characters of a text that is answered before a person would read a progress bar."""


async def long_answer(session: Session, question: ScoreQuestion | InspectQuestion, title: str) -> Any:
    """Answer a question while the client shows a progress bar with a button that cancels the question.

    The bar shows a percentage where this process computes the answer.
    """
    if len(question.text) <= _SHORT_TEXT:
        return await session.engine.answer(question)
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    engine = session.engine
    total = 0 if engine.is_remote else await session.reader.run(engine.local.count_work, question)
    done = 0
    async with progress_bar(session.client, title, cancel=task.cancel, has_percentage=total > 0) as bar:
        bar.outcome = "cancelled"

        def report(tokens: int) -> None:
            nonlocal done
            done += tokens
            bar.report(done, total)

        def on_progress(tokens: int) -> None:
            loop.call_soon_threadsafe(report, tokens)

        answer = await engine.answer(question, on_progress=on_progress)
        bar.outcome = "done"
        return answer
