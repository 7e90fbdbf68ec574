"""Words of related and of opposite meaning, and the forms of words.

``thesaurus.txt.gz`` is made from WordNet 3.0 by ``python -m training thesaurus``, under the license in ``COPYING``. A
line is a word in lower case, its related words, its antonyms, and its other forms. Related words and antonyms have the
word's form. Only those are listed that are one subword of BERT's uncased vocabulary: others can't be substitutes.
"""

from __future__ import annotations

import gzip
from bisect import bisect_left
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "thesaurus.txt.gz"


def related_words(word: str) -> list[str]:
    """Return synonyms of a word, and similar, broader and narrower words, in lower case and in its form.

    >>> related_words("Answered")[:3]
    ['countered', 'did', 'done']
    """
    return _words(word, 1)


def antonyms(word: str) -> list[str]:
    """Return words that mean the opposite of a word, in lower case and in its form.

    >>> antonyms("quickly"), antonyms("table")
    (['easy', 'slow', 'slowly'], [])
    """
    return _words(word, 2)


def other_forms(word: str) -> list[str]:
    """Return the other forms of a word, in lower case, of all its lemmas.

    >>> other_forms("running"), other_forms("better")
    (['ran', 'run', 'runs'], ['best', 'good', 'well'])
    """
    return _words(word, 3)


def _words(word: str, part: int) -> list[str]:
    start = f"{word.casefold()}\t"
    index = bisect_left(_lines(), start)
    found = _lines()[index : index + 1]
    return found[0].split("\t")[part].split() if found and found[0].startswith(start) else []


@cache
def _lines() -> list[str]:
    """Return the lines, which are sorted."""
    return gzip.decompress(_FILE.read_bytes()).decode("ascii").split("\n")[:-1]
