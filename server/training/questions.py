"""Sentences with one mask and known answers: everyday sentences, facts and minimal pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fillmask_ls import mlm

EVERYDAY = Path(__file__).parent / "everyday.json"
"""Twenty sentences with the words that are right, chosen before any model was trained for them."""


@dataclass(frozen=True, slots=True)
class Question:
    """A sentence with one mask.

    Attributes:
        text: the sentence.
        right: the words that are right there.
        wrong: the word that a minimal pair compares with the right one; None for an open question.
    """

    text: str
    right: tuple[str, ...]
    wrong: str | None = None


def everyday_questions() -> list[Question]:
    """Return the twenty everyday sentences."""
    answers = json.loads(EVERYDAY.read_text(encoding="utf-8"))
    return [Question(text, tuple(right)) for text, right in answers.items()]


def share_right(model: mlm.MaskedLM, questions: list[Question]) -> float:
    """Return the share (0 to 1) of questions that a model answers right.

    The first word of one subword that :func:`fillmask_ls.mlm.predict` finds must be right, or, in a minimal pair, the right word must
    be more probable than the wrong one.
    """
    return sum(answer(model, question) in question.right for question in questions) / len(questions)


def answer(model: mlm.MaskedLM, question: Question) -> str:
    """Return the model's word, spelled as in the question where it is right."""
    if question.wrong is not None:
        return mlm.rank_targets(model, question.text, [*question.right, question.wrong])[0].text
    [prediction] = mlm.predict(model, question.text, top_k=1, max_subwords=1)
    first = prediction.candidates[0].text if prediction.candidates else ""
    return next((word for word in question.right if word.lower() == first.lower()), first)


_CAPITALS = (
    "Amsterdam Netherlands, Ankara Turkey, Athens Greece, Baghdad Iraq, Beijing China, Berlin Germany, Brussels Belgium, "
    "Budapest Hungary, Cairo Egypt, Canberra Australia, Copenhagen Denmark, Damascus Syria, Dublin Ireland, Hanoi Vietnam, "
    "Helsinki Finland, Jakarta Indonesia, Kabul Afghanistan, Lisbon Portugal, London England, Madrid Spain, Manila Philippines, "
    "Moscow Russia, Nairobi Kenya, Oslo Norway, Ottawa Canada, Rome Italy, Santiago Chile, "
    "Stockholm Sweden, Tehran Iran, Tokyo Japan, Vienna Austria, Warsaw Poland"
)
_OPPOSITES = (
    "hot cold, big small, early late, open closed, rich poor, up down, black white, heavy light, empty full, strong weak, "
    "happy sad, young old, wet dry, true false, inside outside, before after, left right, high low, day night, north south"
)
_LANGUAGES = (
    "Brazil Portuguese, Mexico Spanish, Germany German, Austria German, France French, Italy Italian, Poland Polish, "
    "Russia Russian, China Chinese, Japan Japanese, Argentina Spanish, Egypt Arabic, Sweden Swedish, Greece Greek, "
    "Turkey Turkish, Hungary Hungarian"
)
_COLORS = "grass green, snow white, blood red, coal black, milk white, chocolate brown, gold yellow, the sky blue"
_AFTER = (
    "Monday Tuesday, Tuesday Wednesday, Thursday Friday, Saturday Sunday, January February, March April, May June, "
    "August September, October November, spring summer, autumn winter"
)
_PROFESSIONS = (
    "teaches children:teacher, flies planes:pilot, bakes bread:baker, writes novels:novelist, paints pictures:painter, "
    "catches fish:fisherman, grows crops:farmer, repairs cars:mechanic, defends people in court:lawyer, "
    "takes photographs:photographer"
)
_PARTS = (
    "finger hand, toe foot, wheel car, page book, branch tree, petal flower, key keyboard, roof house, kitchen house"
)


def facts() -> list[Question]:
    """Return questions about the world, by templates; every answer is one word of BERT's vocabulary."""
    return [
        *(Question(f"{city} is the capital of [MASK].", (country,)) for city, country in _pairs(_CAPITALS)),
        *(Question(f"The capital of {country} is [MASK].", (city,)) for city, country in _pairs(_CAPITALS)),
        *(Question(f"The opposite of {word} is [MASK].", (opposite,)) for word, opposite in _pairs(_OPPOSITES)),
        *(Question(f"Most people in {country} speak [MASK].", (language,)) for country, language in _pairs(_LANGUAGES)),
        *(Question(f"{_capital(thing)} is usually [MASK].", (color,)) for thing, color in _pairs(_COLORS)),
        *(Question(f"After {first} comes [MASK].", (second,)) for first, second in _pairs(_AFTER)),
        *(
            Question(f"Someone who {does} for a living is a [MASK].", (name,))
            for does, name in (entry.split(":") for entry in _PROFESSIONS.split(", "))
        ),
        *(Question(f"A {part} is part of a [MASK].", (whole,)) for part, whole in _pairs(_PARTS)),
    ]


def minimal_pairs() -> list[Question]:
    """Return minimal pairs, by templates: grammar, reference, and answers beside the word that the sentence contains."""
    return [*_number(), *_reflexives(), *_tense(), *_small_words(), *_reference(), *_not_repeated()]


def _number() -> Iterator[Question]:
    subjects = ("key keys", "author authors", "picture pictures", "report reports", "student students", "road roads")
    attractors = ("near the old house", "near the old houses", "that my sister likes", "that my sisters like")
    for one, many in map(str.split, subjects):
        for attractor in attractors:
            yield Question(f"The {one} {attractor} [MASK] here.", ("is",), "are")
            yield Question(f"The {many} {attractor} [MASK] here.", ("are",), "is")
        yield Question(f"I saw [MASK] {one} yesterday.", ("this",), "these")
        yield Question(f"I saw [MASK] {many} yesterday.", ("these",), "this")
        yield Question(f"The {one} [MASK] already been mentioned.", ("has",), "have")
        yield Question(f"The {many} [MASK] already been mentioned.", ("have",), "has")


def _reflexives() -> Iterator[Question]:
    owners = ("king himself herself", "queen herself himself", "boys themselves himself", "girl herself themselves")
    for verb in ("hurt", "introduced", "blamed", "prepared"):
        for owner, right, wrong in map(str.split, owners):
            yield Question(f"The {owner} near the teachers {verb} [MASK] yesterday.", (right,), wrong)


def _tense() -> Iterator[Question]:
    for past, base, participle in (
        ("went", "go", "gone"),
        ("saw", "see", "seen"),
        ("wrote", "write", "written"),
        ("took", "take", "taken"),
        ("gave", "give", "given"),
        ("began", "begin", "begun"),
    ):
        rest = {"went": "home", "began": "early"}.get(past, "it")
        yield Question(f"Last week she [MASK] {rest}.", (past,), base)
        yield Question(f"Tomorrow she will [MASK] {rest}.", (base,), past)
        yield Question(f"She has never [MASK] {rest} before.", (participle,), past)
        yield Question(f"She did not [MASK] {rest}.", (base,), past)


def _small_words() -> Iterator[Question]:
    for noun, article in _pairs("apple an, house a, idea an, table a, engine an, bridge a, orange an, cat a"):
        yield Question(f"He drew [MASK] {noun} on the wall.", (article,), "a" if article == "an" else "an")
    for text, right, wrong in (
        ("Nobody has [MASK] been there.", "ever", "never"),
        ("She did not buy [MASK] bread.", "any", "some"),
        ("This is a secret between you and [MASK].", "me", "I"),
        ("My brother and [MASK] went home.", "I", "me"),
        ("She is taller [MASK] her brother.", "than", "then"),
        ("She is as tall [MASK] her brother.", "as", "than"),
        ("The man [MASK] lives next door is a doctor.", "who", "which"),
        ("He asked me [MASK] I was tired.", "if", "that"),
        ("Neither the cat [MASK] the dog was fed.", "nor", "or"),
        ("There are too [MASK] people here.", "many", "much"),
        ("There is too [MASK] noise here.", "much", "many"),
        ("They have lived here [MASK] ten years.", "for", "since"),
        ("They have lived here [MASK] 1990.", "since", "for"),
        ("She is interested [MASK] music.", "in", "on"),
        ("It depends [MASK] the weather.", "on", "of"),
        ("He is good [MASK] chess.", "at", "in"),
    ):
        yield Question(text, (right,), wrong)


def _reference() -> Iterator[Question]:
    people = "woman herself, king himself, girls themselves, mother herself, man himself, doctors themselves"
    for person, right in _pairs(people):
        for others, wrong in _pairs(people):
            if wrong != right:
                yield Question(f"The {person} who knew the {others} had only [MASK] to blame.", (right,), wrong)


def _not_repeated() -> Iterator[Question]:
    for city, country in _pairs(_CAPITALS):
        yield Question(f"{city} is the capital of [MASK].", (country,), city)
    for word, opposite in _pairs(_OPPOSITES):
        yield Question(f"The opposite of {word} is [MASK].", (opposite,), word)


def _pairs(listed: str) -> Iterator[tuple[str, str]]:
    for entry in listed.split(", "):
        first, _, second = entry.rpartition(" ")
        yield first, second


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
