"""Tokens of Pygments' lexers, which give fragments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .fragments import Fragment, paragraph_break
from .time_limit import TimeLimitError, timer

_MAX_MARKS = 200
_SECONDS_TO_IMPORT = 0.3
"""Processor time for what a lexer imports when it is used for the first time."""

_used_lexers: set[str] = set()


class Token(NamedTuple):
    """A token of a lexer: its start in the source, Pygments' token type, and its text."""

    start: int
    type: Any
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def fragment(self, text: str | None = None) -> Fragment:
        """Return the token as a fragment that reads as ``text``, by default as the token's own text."""
        return Fragment(self.start, self.end, self.text if text is None else text)

    def trimmed(self, left: int, right: int) -> Fragment:
        """Return the token without its first ``left`` and its last ``right`` characters."""
        end = max(left, len(self.text) - right)
        return Fragment(self.start + left, self.start + end, self.text[left:end])

    def paragraph_break(self) -> Fragment:
        """Return the end of a paragraph, in place of the token."""
        return paragraph_break(self.start)


def blank_dense_marks(source: str, marks: str) -> str:
    """Return a source with spaces in place of the marks in each line with hundreds of them.

    A lexer that searches the rest of the line at each mark would take quadratic time.

    Args:
        marks: characters.
    """
    mark = re.compile(f"[{re.escape(marks)}]")
    lines = source.split("\n")
    return "\n".join(line if len(mark.findall(line)) < _MAX_MARKS else mark.sub(" ", line) for line in lines)


def tokens(lexer: str, source: str) -> Iterator[Token]:
    """Yield the tokens of a source, by one of Pygments' lexers.

    Raises:
        TimeLimitError: it takes too long.
    """
    # Unlike this method, get_tokens() strips whitespace at the ends, which would shift every index. Many lexers
    # recognize a comment by its line end, which the last line can lack.
    stream = _lexer(lexer).get_tokens_unprocessed(f"{source}\n")
    is_exceeded = timer(more=0.0 if lexer in _used_lexers else _SECONDS_TO_IMPORT)
    _used_lexers.add(lexer)
    size = len(source)
    for start, token_type, text in stream:
        if is_exceeded():
            raise TimeLimitError
        if start < size:
            yield Token(start, token_type, text if start + len(text) <= size else text[: size - start])


@lru_cache(maxsize=16)
def _lexer(name: str) -> Any:
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(name)
