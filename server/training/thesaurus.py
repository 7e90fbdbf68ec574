"""The thesaurus that ships, made from WordNet (Miller 1995): words of related and of opposite meaning.

WordNet lists lemmas; the thesaurus lists each of their forms beside the same form of the others: *walked* and *marched*.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lemminflect import getAllInflections, getAllLemmas

from .errors import StepError

_FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_UNIVERSAL = {"n": "NOUN", "v": "VERB", "a": "ADJ", "r": "ADV"}
_BASE_FORMS = {"n": "NN", "v": "VB", "a": "JJ", "r": "RB"}
_ANTONYM, _SIMILAR = "!", "&"
_NEAR = {_SIMILAR, "@", "@i", "~", "^", "$", "*"}
"""Pointers to similar (&), broader (@, @i) and narrower (~) words, to "see also" (^), to verbs of the same group ($), and
to what a verb entails (*)."""
_SENSES = 3
"""How many senses of a word, the most frequent ones, have near words. All have synonyms and antonyms."""

Synset = tuple[str, str]
"""A part of speech and an offset in its file."""
Lemma = tuple[str, str]
"""A word in lower case and a part of speech."""


class WordNetError(StepError):
    """A folder is not WordNet's; the message states the reason."""


@dataclass(frozen=True)
class WordNet:
    """Senses of words, and the words and pointers of each sense.

    Attributes:
        senses: the senses of each lemma, the most frequent first.
        words: the words of each sense, with underscores between words of a phrase.
        pointers: the kind and the target of each pointer of a sense.
    """

    senses: dict[Lemma, list[Synset]] = field(default_factory=dict)
    words: dict[Synset, list[str]] = field(default_factory=dict)
    pointers: dict[Synset, list[tuple[str, Synset]]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> WordNet:
        """Read the ``index`` and ``data`` files of WordNet 3.0.

        Raises:
            WordNetError: a file is missing or has another format.
        """
        wordnet = cls()
        try:
            for part, name in _FILES.items():
                for line in _lines(folder / f"data.{name}"):
                    wordnet._add_synset(part, line.split(" | ")[0].split())
                for line in _lines(folder / f"index.{name}"):
                    lemma, _, count, *fields = line.split()
                    wordnet.senses[lemma, part] = [(part, offset) for offset in fields[-int(count) :]]
        except (OSError, ValueError, IndexError) as error:
            raise WordNetError(f"{folder} can't be read as WordNet 3.0: {error}") from error
        return wordnet

    def _add_synset(self, part: str, fields: list[str]) -> None:
        synset, count = (part, fields[0]), int(fields[3], 16)
        self.words[synset] = [word.split("(")[0].lower() for word in fields[4 : 4 + 2 * count : 2]]
        start = 5 + 2 * count
        pointers = iter(fields[start : start + 4 * int(fields[start - 1])])
        self.pointers[synset] = [
            (kind, ("a" if to == "s" else to, offset))
            for kind, offset, to, _ in zip(pointers, pointers, pointers, pointers, strict=True)
        ]

    def related(self, lemma: Lemma) -> set[str]:
        """Return synonyms in any sense, and near words in the most frequent senses."""
        senses = self.senses.get(lemma, [])
        found = {word for sense in senses for word in self.words[sense]}
        for sense in senses[:_SENSES]:
            found |= {word for near in self._targets(sense, _NEAR) for word in self.words[near]}
        return found - {lemma[0]}

    def antonyms(self, lemma: Lemma) -> set[str]:
        """Return antonyms in any sense, what is similar to them, and the antonyms of what is similar."""
        found: set[str] = set()
        for sense in self.senses.get(lemma, []):
            opposite = list(self._targets(sense, {_ANTONYM}))
            opposite += [near for target in opposite for near in self._targets(target, {_SIMILAR})]
            opposite += [
                target for near in self._targets(sense, {_SIMILAR}) for target in self._targets(near, {_ANTONYM})
            ]
            found |= {word for synset in opposite for word in self.words[synset]}
        return found - {lemma[0]}

    def _targets(self, synset: Synset, kinds: Collection[str]) -> Iterator[Synset]:
        return (target for kind, target in self.pointers[synset] if kind in kinds)


def write_thesaurus(wordnet: WordNet, words: Iterable[str], is_offered: Callable[[str], bool], out: Path) -> None:
    """Write a line for each word that has any: the word, its related words, its antonyms, and its other forms.

    Tabs separate the parts, and spaces the words of a part.

    Args:
        wordnet: the relations.
        words: the words that get a line, in lower case.
        is_offered: whether a related word, an antonym or another form is worth listing.
        out: a ``.gz`` file.
    """
    lines = []
    for word in sorted(words):
        related = _in_form(wordnet, word, wordnet.related)
        antonyms = _in_form(wordnet, word, wordnet.antonyms) - related
        parts = [" ".join(filter(is_offered, sorted(found))) for found in (related, antonyms, _other_forms(word))]
        if any(parts):
            lines.append("\t".join([word, *parts]) + "\n")
    out.write_bytes(gzip.compress("".join(lines).encode("ascii"), mtime=0))


def _in_form(wordnet: WordNet, word: str, relation: Callable[[Lemma], set[str]]) -> set[str]:
    """Return the words in a relation to any lemma of a word, in the word's form."""
    return {
        form
        for lemma, tag in _lemmas_and_tags(word)
        if lemma in wordnet.senses
        for other in relation(lemma)
        for form in _forms((other, lemma[1])).get(tag, ())
    } - {word}


def _other_forms(word: str) -> set[str]:
    """Return the other forms of a word's lemmas: *ran*, *runs* and *running* of *run*."""
    forms = {form for lemma, _ in _lemmas_and_tags(word) for spellings in _forms(lemma).values() for form in spellings}
    return forms - {word}


def _lemmas_and_tags(word: str) -> Iterator[tuple[Lemma, str]]:
    """Yield each lemma of a word with the tag, such as ``VBD``, of the form that the word is."""
    lemmas = getAllLemmas(word)
    for part_of_speech, universal in _UNIVERSAL.items():
        for lemma in lemmas.get(universal, (word,)):
            for tag, forms in _forms((lemma, part_of_speech)).items():
                if word in forms:
                    yield (lemma, part_of_speech), tag


@cache
def _forms(lemma: Lemma) -> dict[str, list[str]]:
    """Return the forms of a lemma by their tags."""
    word, part = lemma
    forms = {_BASE_FORMS[part]: [word]}
    for tag, spellings in getAllInflections(word, _UNIVERSAL[part]).items():
        # A plural like "fish" is listed as a second spelling of many nouns that have none.
        forms[tag] = [form for form in spellings if form == spellings[0] or form != word]
    if "VBD" in forms:
        forms.setdefault("VBN", forms["VBD"])
    return forms


def _lines(file: Path) -> list[str]:
    """Return a file's lines after the license, which is indented."""
    return [line for line in file.read_text(encoding="ascii").splitlines() if not line.startswith(" ")]
