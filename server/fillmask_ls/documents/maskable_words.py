"""The words of a document that random masking may replace."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import chain

import regex

from fillmask_ls.spans import Span

from .languages.inline_code import find_inline_code
from .prose import Prose, find_verbatim

_UNBROKEN = regex.compile(r"\S+")
_ADDRESS = regex.compile(r"@\w|://|\\\w|\w[._=+^]\w")
"""How an unbroken row of characters shows that it is an address, a path, a name in code or a formula."""


def maskable_words(prose: Prose, spans: Iterable[Span], source: str, language: str) -> list[Span]:
    """Return the spans in a source of those words of its prose that are no punctuation, inline code or part of an address.

    Args:
        spans: of words and punctuation in the prose, in order.
        language: of the source, from :func:`~fillmask_ls.documents.languages.registry.find_language`.
    """
    unbroken = (match for match in _UNBROKEN.finditer(prose.text) if _ADDRESS.search(match[0]))
    addresses = list(chain.from_iterable(match.span() for match in unbroken))
    code = list(chain.from_iterable(find_inline_code(source, language)))
    # An odd number of edges precedes what is inside an address or code.
    words = (span for span in spans if bisect_right(addresses, span[0]) % 2 == 0 and prose.text[span[0]].isalnum())
    return [span for span in find_verbatim(prose, words, source) if bisect_right(code, span[0]) % 2 == 0]
