"""The content of all renderings of an inspection: its figures, the text in segments, and a card for each masked token."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fillmask_ls.presentation.percent import percent

if TYPE_CHECKING:
    from fillmask_ls.mlm.results import InspectedToken, Inspection

MAX_TOKENS, MAX_CHARACTERS, MAX_CARDS = 5_000, 100_000, 500
"""The most that a page shows of a long text: a larger page opens slowly."""

LEVELS = (
    ("under 1 bit", "over 50 %"),
    ("1 to 3 bits", "50 % to 12.5 %"),
    ("3 to 6 bits", "12.5 % to 1.6 %"),
    ("6 to 10 bits", "1.6 % to 0.1 %"),
    ("10 bits or more", "under 0.1 %"),
)
"""Levels of surprisal, and the probabilities that they mean."""
_LEVEL_BOUNDS = (1, 3, 6, 10)

_MAX_WORD_LENGTH, _MAX_TITLE_LENGTH, _CONTEXT_LENGTH = 40, 50, 40
_LONE_RETURN = re.compile(r"\r(?!\n)")

_SUBSTITUTES = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), *range(0xD800, 0xE000)), 0xFFFD),
}
"""Pictures for the characters that an HTML file cannot contain."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of an inspection, such as the loss."""

    name: str
    value: str
    remark: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the text: a token, or what is between two tokens.

    Attributes:
        level: of surprisal, an index of :data:`LEVELS`; None between tokens.
        description: surprisal and probability, or an empty text.
        card: the number of the card that shows the token's predictions.
        anchor: the position of the token, for a link to it.
    """

    text: str
    level: int | None = None
    description: str = ""
    is_masked: bool = False
    card: int | None = None
    anchor: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate at a masked token. ``is_extra``: the original token, added below the best candidates."""

    rank: int | None
    token: str
    probability: float
    is_original: bool
    is_extra: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A masked token and its predictions.

    Attributes:
        original: the token as it is in the text.
        context: the text before and after the token; None if the token is not in the text.
        anchor: the position of the segment that links to this card; None if the page does not show it.
    """

    number: int
    original: str
    context: tuple[str, str] | None
    anchor: int | None
    token: InspectedToken
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class InspectionView:
    """The content of a page.

    Attributes:
        title: the beginning of the text.
        tokens: those that are shown, in order.
        token_count, character_count, masked_count: those of the whole text.
        shown_characters, shown_tokens: how much of the text is in ``segments``.
        norms: name and mean L2 norm of each set of hidden states.
    """

    model: str
    title: str
    figures: tuple[Figure, ...]
    segments: tuple[Segment, ...]
    cards: tuple[Card, ...]
    norms: tuple[tuple[str, float], ...]
    tokens: tuple[InspectedToken, ...]
    token_count: int
    character_count: int
    masked_count: int
    shown_characters: int
    shown_tokens: int


def inspection_view(inspection: Inspection, text: str) -> InspectionView:
    """Return what to show of an inspection of ``text``; of a long text, its beginning."""
    text = _LONE_RETURN.sub("\n", text)
    locations = _locations(inspection, text)
    end = min(len(text), MAX_CHARACTERS)
    if len(inspection.tokens) > MAX_TOKENS:
        end = locations[-1].end if locations else 0
    masked = [position for position, token in enumerate(inspection.tokens[:MAX_TOKENS]) if token.masked]
    card_numbers = {position: number for number, position in enumerate(masked[:MAX_CARDS], 1)}
    anchors = {position: location.positions[0] for location in locations for position in location.positions}
    names = ["embeddings", *(f"layer {layer}" for layer in range(1, len(inspection.hidden_norms)))]
    return InspectionView(
        model=inspection.model,
        title=clip(" ".join(text[:200].split()), _MAX_TITLE_LENGTH) or "An empty text",
        figures=figures(inspection),
        segments=tuple(_segments(inspection, text[:end], locations, card_numbers)),
        cards=tuple(
            _card(inspection.tokens[position], number, text, anchors.get(position))
            for position, number in card_numbers.items()
        ),
        norms=tuple(zip(names, inspection.hidden_norms, strict=False)),
        tokens=inspection.tokens[:MAX_TOKENS],
        token_count=len(inspection.tokens),
        character_count=len(text),
        masked_count=sum(token.masked for token in inspection.tokens),
        shown_characters=end,
        shown_tokens=sum(len(location.positions) for location in locations),
    )


def figures(inspection: Inspection) -> tuple[Figure, ...]:
    """Return the numbers of an inspection, in the order in which they are shown."""
    masked = [token for token in inspection.tokens if token.masked]
    ranks = [token.rank for token in masked if token.rank is not None]
    already_masked = len(masked) - len(ranks)
    how = f"at rate {inspection.rate:g} with seed {inspection.seed}"
    if already_masked:
        how += f"; {already_masked:,} more in the text itself"
    figures = [
        Figure("Model", inspection.model, f"{inspection.layers} layers, {inspection.hidden_size} wide"),
        Figure("Tokens", f"{len(inspection.tokens):,}", "special tokens included"),
        Figure("Masked", f"{len(ranks):,}", how),
    ]
    if ranks:
        first, top_k = sum(rank == 1 for rank in ranks), max(len(token.predictions) for token in masked)
        among = sum(rank <= top_k for rank in ranks)
        remark = f"{among:,} of {len(ranks):,} in the top {top_k}"
        figures.append(Figure("Predicted first", f"{first:,} of {len(ranks):,}", remark))
    figures.append(Figure("Loss", f"{inspection.loss:.4f} nats", "mean over all positions"))
    if inspection.masked_loss is not None:
        figures.append(Figure("Masked loss", f"{inspection.masked_loss:.4f} nats", "mean over the masked tokens"))
    figures.append(Figure("Perplexity", f"{inspection.perplexity:,.2f}", "over all positions"))
    return tuple(figures)


def original_text(token: InspectedToken, text: str) -> str:
    """Return a token as it is in the text; a token that the text does not contain, as it is in the vocabulary."""
    return text[slice(*token.span)].strip() or token.token


def clip(text: str, length: int = _MAX_WORD_LENGTH) -> str:
    """Shorten ``text`` to ``length`` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def visible(text: str) -> str:
    """Replace control characters and lone surrogates with pictures; drop the carriage return of a line end."""
    return text.replace("\r", "").translate(_SUBSTITUTES)


@dataclass(frozen=True, slots=True)
class _Location:
    """A span of the text and the positions of the tokens there: several where tokens are bytes of one character."""

    start: int
    end: int
    positions: list[int]


def _locations(inspection: Inspection, text: str) -> list[_Location]:
    """Return where the shown tokens are, in order, without overlaps and without the white space around them."""
    locations: list[_Location] = []
    end = 0
    for position, token in enumerate(inspection.tokens[:MAX_TOKENS]):
        start, stop = max(token.span[0], end), min(token.span[1], len(text), MAX_CHARACTERS)
        if stop > start:
            word = text[start:stop]
            if word.strip():
                start += len(word) - len(word.lstrip())
                stop = start + len(word.strip())
            locations.append(_Location(start, stop, [position]))
            end = stop
        elif locations and token.span[0] < min(token.span[1], end):
            locations[-1].positions.append(position)
    return locations


def _segments(
    inspection: Inspection, text: str, locations: Sequence[_Location], card_numbers: dict[int, int]
) -> Iterator[Segment]:
    end = 0
    for location in locations:
        yield Segment(text[end : location.start])
        tokens = [inspection.tokens[position] for position in location.positions]
        known = [token.surprisal for token in tokens if token.surprisal is not None]
        bits = sum(known)
        yield Segment(
            text[location.start : location.end],
            level=bisect_right(_LEVEL_BOUNDS, bits),
            description=f"{bits:.1f} bits, {percent(2**-bits)}" if known else "",
            is_masked=any(token.masked for token in tokens),
            card=next((card_numbers[position] for position in location.positions if position in card_numbers), None),
            anchor=location.positions[0],
        )
        end = location.end
    yield Segment(text[end:])


def _card(token: InspectedToken, number: int, text: str, anchor: int | None) -> Card:
    start, end = token.span
    rows = [
        Row(rank, candidate.token, candidate.probability, candidate.token == token.token and token.rank is not None)
        for rank, candidate in enumerate(token.predictions, 1)
    ]
    if token.probability is not None and all(row.token != token.token for row in rows):
        rows.append(Row(token.rank, token.token, token.probability, is_original=True, is_extra=True))
    return Card(
        number=number,
        original=clip(original_text(token, text)),
        context=(_words_before(text, start), _words_after(text, end)) if end > start else None,
        anchor=anchor,
        token=token,
        rows=tuple(rows),
    )


def _words_before(text: str, start: int) -> str:
    """Return the words before ``start``, the first one whole unless it is long."""
    near = text[max(0, start - _CONTEXT_LENGTH) : start]
    if start <= _CONTEXT_LENGTH:
        return near
    return "…" + (near[near.find(" ") :] if " " in near.rstrip() else near)


def _words_after(text: str, end: int) -> str:
    near = text[end : end + _CONTEXT_LENGTH]
    if len(text) <= end + _CONTEXT_LENGTH:
        return near
    return (near[: near.rfind(" ") + 1] if " " in near.lstrip() else near) + "…"
