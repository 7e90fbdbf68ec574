"""A cache of results that is limited by their size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

_MASKS = 64
_CHARACTERS = 100_000
_CANDIDATES = 5


class LRUCache(MutableMapping[Any, Any]):
    """A mapping that drops the least recently used results when it is full.

    The latest result always stays, however large.

    Attributes:
        additions: the number of results that were ever added.
    """

    def __init__(self, capacity: int, size: Callable[[Any, Any], int]) -> None:
        """Create an empty cache.

        Args:
            capacity: the maximum total size.
            size: returns the size of an entry, given its key and result.
        """
        self._capacity = capacity
        self._size = size
        self._entries: dict[Any, tuple[Any, int]] = {}
        self._total = 0
        self.additions = 0

    @classmethod
    def of_masks(cls, capacity: int = _MASKS) -> LRUCache:
        """Create a cache of distributions at masks: 0.12 MB per mask with BERT's vocabulary."""
        # A result without masks is small, but counts as one.
        return cls(capacity, lambda _key, distributions: max(1, len(distributions)))

    @classmethod
    def of_answers(cls) -> LRUCache:
        """Create a cache of answers by their questions: up to 340 bytes per character of a question's text.

        An answer with many candidates counts as one to a longer text.
        """
        return cls(
            _CHARACTERS,
            lambda question, _answer: (1 + len(question.text)) * max(1, getattr(question, "top_k", 1) // _CANDIDATES),
        )

    def __getitem__(self, key: Any) -> Any:
        value, size = self._entries.pop(key)
        self._entries[key] = value, size
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        if key in self._entries:
            del self[key]
        size = self._size(key, value)
        self._entries[key] = value, size
        self._total += size
        self.additions += 1
        while self._total > self._capacity and len(self._entries) > 1:
            del self[next(iter(self._entries))]

    def __delitem__(self, key: Any) -> None:
        self._total -= self._entries.pop(key)[1]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
