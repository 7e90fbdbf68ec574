"""What was found before, so that it need not be asked of the model again."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any


class Memory(MutableMapping[Any, Any]):
    """Results by what they are about; the ones that lay longest unused go first.

    The latest result is always kept, however large.

    Attributes:
        additions: how many results have been added so far.
    """

    def __init__(self, most: int) -> None:
        """Remember at most ``most`` masks: each is a probability for every token, 0.12 MB with BERT's vocabulary."""
        self._most = most
        self._found: dict[Any, Any] = {}
        self.additions = 0

    def __getitem__(self, key: Any) -> Any:
        value = self._found.pop(key)
        self._found[key] = value
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        self._found.pop(key, None)
        self._found[key] = value
        self.additions += 1
        # A result without masks is small, and counts as one all the same.
        while len(self._found) > 1 and sum(max(1, len(each)) for each in self._found.values()) > self._most:
            del self._found[next(iter(self._found))]

    def __delitem__(self, key: Any) -> None:
        del self._found[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
