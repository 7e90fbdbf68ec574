"""The words of a document that random masking may replace."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import chain

from fillmask_ls.spans import Span

from .languages.inline_code import find_inline_code
from .prose import Prose, find_verbatim
from .word_spans import find_addresses


def maskable_words(prose: Prose, spans: Iterable[Span], source: str, language: str) -> list[Span]:
    """Return the spans in a source of those words of its prose that are no punctuation, inline code or part of an address.

    Args:
        spans: of words and punctuation in the prose, in order.
        language: of the source, from :func:`~fillmask_ls.documents.languages.registry.find_language`.
    """
    addresses = list(chain.from_iterable(find_addresses(prose.text)))
    code = list(chain.from_iterable(find_inline_code(source, language)))
    # An odd number of edges precedes what is inside an address or code.
    words = (span for span in spans if bisect_right(addresses, span[0]) % 2 == 0 and prose.text[span[0]].isalnum())
    return [span for span in find_verbatim(prose, words, source) if bisect_right(code, span[0]) % 2 == 0]
