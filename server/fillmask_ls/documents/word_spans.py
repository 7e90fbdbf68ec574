"""Which word a pointer is at, and which words of a text stand for themselves."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from fillmask_ls.spans import Span
from fillmask_ls.words import find_unmasked_words

from .text import TextDocument

_LONGEST = 64

# Not a part of a path, an address, a name in code or a compound.
_FREE_BEFORE = regex.compile(r"""(?:\A|[\s(\[{"'“‘«—–])\Z""")
_FREE_BEHIND = regex.compile(r"""[)\]}"'”’».,;:!?…]*(?:\Z|[\s—–])""")

_QUOTED = r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\s*\n).){1,500}?(?<!`)(?P=ticks)(?!`)"
_ELEMENT = r"<(?P<tag>code|kbd|samp|tt|var)\b[^<>]*>(?:(?!\n\s*\n).){1,500}?</(?P=tag)\s*>"
_LITERAL = {
    "html": _ELEMENT,
    "latex": r"\\(?:texttt|path|url)\{[^{}\n]{1,500}\}|\\(?:verb\*?|lstinline)(?P<bar>[^\w\s*{\\])[^\n]{1,500}?(?P=bar)",
    "org": r"(?<!\w)(?P<mark>[=~])(?!\s)[^\n]{1,500}?(?P=mark)(?!\w)",
}
_LITERALS = {name: regex.compile(pattern, regex.DOTALL) for name, pattern in _LITERAL.items()}
_OTHER_LITERALS = regex.compile(f"{_QUOTED}|{_ELEMENT}", regex.DOTALL)


def free_words(text: str) -> list[Span]:
    """Those between blanks, quotes and the marks of a sentence; none of ``a/path``, ``x.com`` or ``well-known``."""
    return [
        (start, end)
        for start, end in find_unmasked_words(text)
        if _FREE_BEFORE.search(text, max(0, start - 1), start) and _FREE_BEHIND.match(text, end)
    ]


def is_written(text: str, span: Span, origins: Sequence[int], source: str) -> bool:
    """Whether a word of a text stands in its source letter by letter, and not for a formula, a number or an entity."""
    return all(source[origins[at] : origins[at] + 1] == text[at] for at in range(*span))


def word_at(document: TextDocument, index: int) -> Span | None:
    """The word that the character at ``index`` belongs to, as far as it has no markup inside."""
    low = max(0, index - _LONGEST)
    near = find_unmasked_words(document.slice(low, index + _LONGEST))
    return next(((low + start, low + end) for start, end in near if start <= index - low < end), None)


def word_in_selection(document: TextDocument, span: Span) -> Span | None:
    """The one word that a cursor is in or at the end of, or that is selected; None where there is none."""
    low = max(0, span[0] - _LONGEST)
    near = find_unmasked_words(document.slice(low, span[1] + _LONGEST))
    return next(
        ((low + start, low + end) for start, end in near if low + start <= span[0] and span[1] <= low + end), None
    )


def literals(source: str, language: str) -> list[Span]:
    """What a source marks as code in the midst of its prose, in order, the markup included.

    Args:
        language: from :func:`~fillmask_ls.documents.prose.language`.
    """
    return [found.span() for found in _LITERALS.get(language, _OTHER_LITERALS).finditer(source)]
