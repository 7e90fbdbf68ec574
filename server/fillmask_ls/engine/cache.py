"""What was found before, so that it need not be asked of the model again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

_MASKS = 64
_CHARACTERS = 100_000


class Memory(MutableMapping[Any, Any]):
    """Results by what they are about; the ones that lay longest unused go first.

    The latest result is always kept, however large.

    Attributes:
        additions: how many results have been added so far.
    """

    def __init__(self, most: int, size: Callable[[Any, Any], int]) -> None:
        """Remember results whose ``size``, of a key and its result, is at most ``most`` in all."""
        self._most = most
        self._size = size
        self._found: dict[Any, tuple[Any, int]] = {}
        self._held = 0
        self.additions = 0

    @classmethod
    def of_masks(cls) -> Memory:
        """For what the network said at masks: a probability for every token each, 0.12 MB with BERT's vocabulary."""
        # A result without masks is small, and counts as one all the same.
        return cls(_MASKS, lambda _key, found: max(1, len(found)))

    @classmethod
    def of_answers(cls) -> Memory:
        """For answers to questions: up to 340 bytes for each character that is asked about."""
        return cls(_CHARACTERS, lambda question, _answer: 1 + len(question.text))

    def __getitem__(self, key: Any) -> Any:
        value, size = self._found.pop(key)
        self._found[key] = value, size
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        if key in self._found:
            del self[key]
        size = self._size(key, value)
        self._found[key] = value, size
        self._held += size
        self.additions += 1
        while self._held > self._most and len(self._found) > 1:
            del self[next(iter(self._found))]

    def __delitem__(self, key: Any) -> None:
        self._held -= self._found.pop(key)[1]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
