"""Answer items, and keep the errors of one item from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import CommandError
from .backend import Backend
from .items import Item
from .records import Answer, error_answer
from .task import Task


class Answerer:
    """Computes the answers of a task. It can be pickled until its model is loaded."""

    def __init__(self, task: Task, backend: Backend) -> None:
        self._task, self._backend = task, backend

    def __call__(self, items: Sequence[Item]) -> list[Sequence[Answer]]:
        """Return the answers for each item; an item without an answer gets its error.

        Raises:
            CommandError: no item can be answered, for example because there is no model.
        """
        problems = [item.error or self._task.check(item) for item in items]
        good = [item for item, problem in zip(items, problems, strict=True) if not problem]
        if good:
            self._backend.start()
        answers = iter(self._compute(good))
        return [[error_answer(problem)] if problem else next(answers) for problem in problems]

    def _compute(self, items: Sequence[Item]) -> list[Sequence[Answer]]:
        """Return the answers for each item; if the command fails, halve the items until the one at fault is alone."""
        try:
            answered = self._task.answer(items) if items else []
            return [[replace(answer, model=self._backend.name) for answer in answers] for answers in answered]
        except (CommandError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic in a Rust extension is not an Exception
            if len(items) > 1:
                middle = len(items) // 2
                return [*self._compute(items[:middle]), *self._compute(items[middle:])]
            if str(error).startswith("text at index 0: "):  # the library's index, of a text that is alone here
                error = error.__cause__ or error
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            return [[error_answer(f"{kind}{error}".partition("\n")[0])]]
