"""An inspection as a page to look at: one HTML file that loads nothing and runs nothing; and as short Markdown."""

from __future__ import annotations

import re
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

from fillmask_ls.presentation.markdown import escape_markdown
from fillmask_ls.presentation.percent import percent

if TYPE_CHECKING:
    from fillmask_ls.mlm.results import InspectedToken, Inspection

_TOKENS, _CHARACTERS, _MASKS, _ROWS = 5_000, 100_000, 500, 50
"""The most that a page shows of a text, and the most rows in Markdown: more would only make it slow to open."""

_BITS = (1, 3, 6, 10)
"""Where one level of surprisal ends and the next begins."""
_LEVELS = (
    ("under 1 bit", "likelier than not"),
    ("1 to 3 bits", "50 % to 12.5 %"),
    ("3 to 6 bits", "12.5 % to 1.6 %"),
    ("6 to 10 bits", "1.6 % to 0.1 %"),
    ("10 bits and more", "under 0.1 %"),
)

_CONTROLS = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), *range(0xD800, 0xE000)), 0xFFFD),
}
"""What HTML can't hold, and the pictures of it."""

_LONE_RETURN = re.compile(r"\r(?!\n)")

_LIGHT = """
  --paper: #ffffff; --panel: #f5f6f8; --line: #d5d8de; --ink: #1c1d21; --quiet: #545963; --accent: #1f4fc4;
  --rule: #7c2d12; --bar: #93a4c7; --best: #c2540a;
  --s0: #ffffff; --s1: #fff1cf; --s2: #ffdd9b; --s3: #ffbe66; --s4: #ff9a55;
"""
_DARK = """
  --paper: #15161a; --panel: #1e2026; --line: #3a3e48; --ink: #e9eaee; --quiet: #a9aeba; --accent: #8fb4ff;
  --rule: #ffb866; --bar: #56688f; --best: #f59a42;
  --s0: #15161a; --s1: #33290f; --s2: #4d3a0d; --s3: #6b440a; --s4: #8a3d10;
"""

# VS Code says by a class of the body whether its theme is light or dark, whatever the system prefers.
_STYLE = """
:root { color-scheme: light dark; @LIGHT@ }
@media (prefers-color-scheme: dark) { :root { @DARK@ } }
.vscode-light, .vscode-high-contrast-light { color-scheme: light; @LIGHT@ }
.vscode-dark, .vscode-high-contrast:not(.vscode-high-contrast-light) { color-scheme: dark; @DARK@ }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body {
  max-width: 64rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif;
}
h1, h2, h3, p, dl, dd, ul, figure { margin: 0; padding: 0; }
h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
h3 { font-size: 1rem; overflow-wrap: anywhere; }
a { color: var(--accent); }
:focus-visible, article:target { outline: 3px solid var(--accent); outline-offset: 2px; }
nav ul, .legend { display: flex; flex-wrap: wrap; gap: .35rem 1.25rem; list-style: none; }
nav { margin: .5rem 0 1.25rem; }
.facts { display: flex; flex-wrap: wrap; gap: .75rem; }
.facts div { flex: 1 1 13rem; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); }
.facts dt, .quiet, caption, figcaption, summary small { color: var(--quiet); font-size: .875rem; }
.facts .value { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; }
.note { margin: .75rem 0; padding: .5rem .8rem; border-left: 4px solid var(--best); background: var(--panel); }
.legend { margin: .75rem 0; font-size: .875rem; }
.legend .masked { margin: 0; }
.text {
  padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: .5rem; font-size: 1.0625rem; line-height: 2.1;
  white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; unicode-bidi: plaintext;
}
.s0, .s1, .s2, .s3, .s4 {
  padding: .1em 0; border-bottom: 0 solid var(--rule); border-radius: 2px; color: var(--ink); text-decoration: none;
  -webkit-print-color-adjust: exact; print-color-adjust: exact;
}
.s0 { background: var(--s0); }
.s1 { background: var(--s1); border-bottom-width: 1px; }
.s2 { background: var(--s2); border-bottom-width: 2px; }
.s3 { background: var(--s3); border-bottom-width: 3px; }
.s4 { background: var(--s4); border-bottom-width: 5px; }
.masked { margin: 0 .2em; padding: .1em .25em; outline: 2px solid var(--accent); border-radius: .25em; }
.masked:focus-visible { outline-width: 4px; outline-offset: 1px; }
.masked[data-number]::after {
  content: "\\2060" attr(data-number); margin-left: .2em; color: var(--ink); font-size: .65em; font-weight: 700;
  vertical-align: .45em; white-space: nowrap; overflow-wrap: normal;
}
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
article { position: relative; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); }
article header { display: flex; justify-content: space-between; gap: 1rem; }
article header a { flex: none; font-size: .875rem; }
.context { margin: .25rem 0; overflow-wrap: anywhere; unicode-bidi: plaintext; }
mark { margin: 0 .15em; padding: 0 .15em; border-radius: .2em; outline: 2px solid var(--accent); background: none; color: inherit; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
article table { width: 100%; margin-top: .4rem; }
article caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
caption { text-align: left; }
th, td { padding: .15rem .5rem .15rem 0; text-align: left; font-weight: inherit; vertical-align: baseline; }
thead th { color: var(--quiet); font-size: .8125rem; }
.number { text-align: right; white-space: nowrap; }
.token { overflow-wrap: anywhere; min-width: 9ch; font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9375rem; }
.wide { width: 36%; padding-right: 0; }
.bar { display: block; width: 100%; height: .7rem; overflow: hidden; border-radius: 2px; }
.bar rect, .norms rect { fill: var(--bar); }
.original { font-weight: 700; }
.original .bar rect { fill: var(--best); }
.below td, .below th { border-top: 1px dashed var(--quiet); }
h1 bdi { font-family: ui-monospace, "DejaVu Sans Mono", monospace; color: var(--accent); }
.tag { font-family: system-ui, sans-serif; font-size: .75rem; color: var(--ink); white-space: nowrap; }
.norms { display: block; width: 100%; max-width: 48rem; }
figcaption { margin-top: .25rem; }
.norms text { fill: var(--ink); font-size: .875rem; }
summary { cursor: pointer; }
.all { overflow-x: auto; }
.all td, .all th { padding: .15rem 1rem .15rem 0; border-bottom: 1px solid var(--line); }
@media (max-width: 30rem) { .facts div { flex-basis: 9rem; } }
@media (forced-colors: active) { mark { background: Canvas; color: CanvasText; } }
@media print { article, .facts div { break-inside: avoid; } nav, article header a { display: none; } }
""".replace("@LIGHT@", _LIGHT.strip()).replace("@DARK@", _DARK.strip())

_POLICY = "; ".join(
    [
        "default-src 'none'",
        f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Characters of the text and the numbers of the tokens there: more than one where they are bytes of a character."""

    start: int
    end: int
    tokens: list[int]


@dataclass(frozen=True, slots=True)
class _Fact:
    name: str
    value: str
    remark: str


def page(inspection: Inspection, text: str) -> str:
    """One HTML page, complete in itself: ``text`` coloured by surprisal, the predictions at its masks, the figures.

    It can be saved as UTF-8 whatever ``text`` holds. Of a long text it shows the first part, and says so.

    Args:
        text: the one that was inspected.
    """
    text = _LONE_RETURN.sub("\n", text)
    places = _places(inspection, text)
    end = min(len(text), _CHARACTERS)
    if len(inspection.tokens) > _TOKENS:
        end = places[-1].end if places else 0
    masked = [number for number, token in enumerate(inspection.tokens[:_TOKENS]) if token.masked]
    cards = {number: card for card, number in enumerate(masked[:_MASKS], 1)}
    title = _clipped(" ".join(text[:200].split()), 50) or "An empty text"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{_html(title)} – fillmask-ls inspect</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            *_header(inspection),
            "<main>",
            *_text(inspection, text[:end], places, cards, len(text)),
            *_masks(inspection, text, places, cards),
            *_norms(inspection),
            *_all(inspection),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def markdown(inspection: Inspection, text: str) -> str:
    """The figures as a list, then a table of the masked tokens; nothing in it acts as Markdown or HTML.

    Args:
        text: the one that was inspected.
    """
    lines = [
        f"- **{fact.name}**: {escape_markdown(_shown(fact.value))} ({escape_markdown(fact.remark)})"
        for fact in _facts(inspection)
    ]
    masked = [token for token in inspection.tokens if token.masked]
    if masked:
        lines += ["", "| | masked | probability | rank | best predictions |", "|--:|:--|--:|--:|:--|"]
    for number, token in enumerate(masked[:_ROWS], 1):
        best = ", ".join(f"{escape_markdown(_shown(p.token))} {percent(p.probability)}" for p in token.predictions)
        original = escape_markdown(_surface(token, text))
        lines.append(f"| {number} | {original} | {_percent(token)} | {_rank(token)} | {best} |")
    if len(masked) > _ROWS:
        lines += ["", f"The first {_ROWS} of {len(masked):,} masked tokens."]
    return "\n".join(lines)


def _facts(inspection: Inspection) -> list[_Fact]:
    masked = [token for token in inspection.tokens if token.masked]
    ranks = [token.rank for token in masked if token.rank is not None]
    own = len(masked) - len(ranks)
    chance = f"at rate {inspection.rate:g} with seed {inspection.seed}"
    facts = [
        _Fact("Model", inspection.model, f"{inspection.layers - 1} layers, {inspection.hidden_size} wide"),
        _Fact("Tokens", f"{len(inspection.tokens):,}", "special tokens included"),
        _Fact("Masked", f"{len(ranks):,}", f"{chance}; besides, {own:,} of the text’s own" if own else chance),
        _Fact("Loss", f"{inspection.loss:.4f} nats", "the mean over all positions"),
        _Fact("Perplexity", f"{inspection.perplexity:,.2f}", "over all positions"),
    ]
    if inspection.masked_loss is not None:
        facts.insert(4, _Fact("Masked loss", f"{inspection.masked_loss:.4f} nats", "the mean over the masked tokens"))
    if ranks:
        first, best = sum(rank == 1 for rank in ranks), max(len(token.predictions) for token in masked)
        among = sum(rank <= best for rank in ranks)
        facts.insert(
            3,
            _Fact(
                "Predicted first", f"{first:,} of {len(ranks):,}", f"{among:,} of {len(ranks):,} among the best {best}"
            ),
        )
    return facts


def _header(inspection: Inspection) -> Iterator[str]:
    yield "<header>"
    yield f"<h1>What the model <bdi>{_html(inspection.model)}</bdi> makes of this text</h1>"
    parts = {"text": "Text", "masked": "Masked tokens", "layers": "Layers", "all": "All tokens"}
    links = "".join(f'<li><a href="#{id}">{name}</a></li>' for id, name in parts.items())
    yield f'<nav aria-label="Parts of this page"><ul>{links}</ul></nav>'
    yield '<dl class="facts">'
    for fact in _facts(inspection):
        value = f'<dd class="value"><bdi>{_html(fact.value)}</bdi></dd>'
        yield f'<div><dt>{fact.name}</dt>{value}<dd class="quiet">{_html(fact.remark)}</dd></div>'
    yield "</dl>"
    yield "</header>"


def _text(
    inspection: Inspection, text: str, places: Sequence[_Place], cards: dict[int, int], characters: int
) -> Iterator[str]:
    yield '<section id="text" aria-labelledby="text-heading">'
    yield '<h2 id="text-heading">The text, by surprisal</h2>'
    yield "<p>The surprisal of a token is how little the model expected it: each bit more halves the probability."
    yield "Framed tokens were masked, and each leads to its predictions. The others the model could read, so it is"
    yield "seldom surprised at them.</p>"
    yield '<ul class="legend" aria-label="Levels of surprisal">'
    for level, (bits, probability) in enumerate(_LEVELS):
        yield f'<li><span class="s{level}">{bits}</span> <span class="quiet">({probability})</span></li>'
    yield '<li><span class="s0 masked">masked</span></li>'
    yield "</ul>"
    if len(text) < characters:
        tokens = min(_TOKENS, sum(len(place.tokens) for place in places))
        yield f'<p class="note">Only the first part of the text is shown: {len(text):,} of {characters:,} characters,'
        yield f"{tokens:,} of {len(inspection.tokens):,} tokens. The figures above are those of the whole text.</p>"
    if text:
        yield f'<div class="text" lang="" dir="auto">{"".join(_flow(inspection, text, places, cards))}</div>'
    else:
        yield "<p>The text is empty.</p>"
    yield "</section>"


def _flow(inspection: Inspection, text: str, places: Sequence[_Place], cards: dict[int, int]) -> Iterator[str]:
    """``text`` as it stands, an element around each place."""
    at = 0
    for place in places:
        yield _html(text[at : place.start])
        tokens = [inspection.tokens[number] for number in place.tokens]
        known = [token.surprisal for token in tokens if token.surprisal is not None]
        bits = sum(known)
        classes = f"s{bisect_right(_BITS, bits)}" + (" masked" if any(token.masked for token in tokens) else "")
        title = f' title="{bits:.1f} bits, {percent(2**-bits)}"' if known else ""
        word = _html(text[place.start : place.end])
        card = next((cards[number] for number in place.tokens if number in cards), None)
        if card is None:
            yield f'<span class="{classes}"{title}>{word}</span>'
        else:
            anchor = f'id="t{place.tokens[0]}" href="#m{card}" data-number="{card}"'
            yield f'<a class="{classes}" {anchor}{title}>{word}</a>'
        at = place.end
    yield _html(text[at:])


def _masks(inspection: Inspection, text: str, places: Sequence[_Place], cards: dict[int, int]) -> Iterator[str]:
    anchors = {number: place.tokens[0] for place in places for number in place.tokens}
    count = sum(token.masked for token in inspection.tokens)
    yield '<section id="masked" aria-labelledby="masked-heading">'
    yield '<h2 id="masked-heading">The masked tokens and their predictions</h2>'
    if not count:
        yield "<p>No token was masked.</p>"
    if count > len(cards):
        yield f'<p class="note">Only the first {len(cards):,} of {count:,} masked tokens are shown.</p>'
    yield '<div class="cards">'
    for number, card in cards.items():
        yield from _card(inspection.tokens[number], card, text, anchors.get(number))
    yield "</div>"
    yield "</section>"


def _card(token: InspectedToken, card: int, text: str, anchor: int | None) -> Iterator[str]:
    original = _html(_clipped(_surface(token, text), 40))
    start, end = token.span
    yield f'<article id="m{card}" tabindex="-1" aria-labelledby="m{card}-heading">'
    back = (
        f'<a href="#t{anchor}" aria-label="Back to {card} in the text">↑ in the text</a>' if anchor is not None else ""
    )
    yield f'<header><h3 id="m{card}-heading">{card}. <bdi lang="">{original}</bdi></h3>{back}</header>'
    if end > start:
        before, after = _html(_before(text, start)), _html(_after(text, end))
        yield f'<p class="context quiet" lang="" dir="auto">{before}<mark>{original}</mark>{after}</p>'
    if token.surprisal is None:
        yield "<p>A mask of the text’s own: there is no original.</p>"
    else:
        yield f"<p>Probability {_html(_percent(token))}, {token.surprisal:.1f} bits, rank {_rank(token)}</p>"
    yield f'<table><caption>Best predictions at <bdi lang="">{original}</bdi></caption>'
    yield '<thead><tr><th scope="col" class="number">rank</th><th scope="col">token</th>'
    yield '<th scope="col" class="number">probability</th><td class="wide"></td></tr></thead><tbody>'
    for rank, prediction in enumerate(token.predictions, 1):
        name = "original" if prediction.token == token.token and token.rank is not None else ""
        yield _row(f"{rank}", prediction.token, prediction.probability, name)
    if token.probability is not None and all(prediction.token != token.token for prediction in token.predictions):
        yield _row(_rank(token), token.token, token.probability, "original below")
    yield "</tbody></table>"
    yield "</article>"


def _row(rank: str, token: str, probability: float, name: str) -> str:
    tag = ' <span class="tag">← original</span>' if name else ""
    return (
        f'<tr class="{name}"><td class="number">{rank}</td>'
        f'<th scope="row" class="token"><bdi lang="">{_html(_clipped(token, 40))}</bdi>{tag}</th>'
        f'<td class="number">{_html(percent(probability))}</td><td class="wide">'
        f'<svg class="bar" aria-hidden="true"><rect width="{max(probability, 0.01):.1%}" height="100%"/></svg></td></tr>'
    )


def _norms(inspection: Inspection) -> Iterator[str]:
    yield '<section id="layers" aria-labelledby="layers-heading">'
    yield '<h2 id="layers-heading">The layers</h2>'
    norms = inspection.hidden_norms
    names = ["embeddings", *(f"layer {layer}" for layer in range(1, len(norms)))]
    told = "; ".join(f"{name} {norm:.1f}" for name, norm in zip(names, norms, strict=False))
    longest = max(norms, default=0.0) or 1.0
    yield "<figure>"
    yield f'<svg class="norms" role="img" aria-labelledby="norms-title norms-text" height="{24 * len(norms)}">'
    yield '<title id="norms-title">Mean L2 norm of the hidden states of each layer</title>'
    yield f'<desc id="norms-text">{told}</desc>'
    for row, (name, norm) in enumerate(zip(names, norms, strict=False)):
        y = 24 * row
        yield f'<text x="0" y="{y + 16}">{name}</text><text x="140" y="{y + 16}" text-anchor="end">{norm:.1f}</text>'
        yield f'<rect x="152" y="{y + 5}" width="{norm / longest / 2:.2%}" height="14" rx="2"/>'
    yield "</svg>"
    yield "<figcaption>The mean L2 norm of the hidden states over all positions: of what the embeddings give, then of"
    yield "what each layer makes of it.</figcaption>"
    yield "</figure>"
    yield "</section>"


def _all(inspection: Inspection) -> Iterator[str]:
    shown = inspection.tokens[:_TOKENS]
    count = f"the first {len(shown):,} of {len(inspection.tokens):,}" if len(shown) < len(inspection.tokens) else "all"
    yield '<section id="all" aria-labelledby="all-heading">'
    yield '<h2 id="all-heading">All tokens</h2>'
    yield f"<details><summary>A table of {count} tokens, special tokens included</summary>"
    yield '<div class="all"><table><caption>Each position: what stands there, and what the model made of it</caption>'
    columns = ("position", "token", "masked", "bits", "probability", "rank", "predicted")
    yield "<thead><tr>" + "".join(f'<th scope="col">{column}</th>' for column in columns) + "</tr></thead><tbody>"
    for position, token in enumerate(shown):
        bits = "" if token.surprisal is None else f"{token.surprisal:.1f}"
        yield (
            f'<tr><td class="number">{position}</td><th scope="row" class="token"><bdi lang="">'
            f"{_html(_clipped(token.token, 40))}</bdi></th><td>{'masked' if token.masked else ''}</td>"
            f'<td class="number">{bits}</td><td class="number">{_html(_percent(token))}</td>'
            f'<td class="number">{_rank(token)}</td>'
            f'<td class="token"><bdi lang="">{_html(_clipped(token.predicted, 40))}</bdi></td></tr>'
        )
    yield "</tbody></table></div></details>"
    yield "</section>"


def _places(inspection: Inspection, text: str) -> list[_Place]:
    """Where the tokens that are shown stand, in order, none in another, without the spaces around them."""
    places: list[_Place] = []
    end = 0
    for number, token in enumerate(inspection.tokens[:_TOKENS]):
        start, stop = max(token.span[0], end), min(token.span[1], len(text), _CHARACTERS)
        if stop > start:
            word = text[start:stop]
            if word.strip():
                start += len(word) - len(word.lstrip())
                stop = start + len(word.strip())
            places.append(_Place(start, stop, [number]))
            end = stop
        elif places and token.span[0] < min(token.span[1], end):
            places[-1].tokens.append(number)
    return places


def _surface(token: InspectedToken, text: str) -> str:
    """The token as it stands in the text; one that the text doesn't hold, as it is in the vocabulary."""
    return _shown(text[slice(*token.span)].strip() or token.token)


def _before(text: str, start: int, reach: int = 40) -> str:
    """The words before ``start``, none of them cut unless it is a long one."""
    near = text[max(0, start - reach) : start]
    return near if start <= reach else "…" + (near[near.find(" ") :] if " " in near.rstrip() else near)


def _after(text: str, end: int, reach: int = 40) -> str:
    near = text[end : end + reach]
    return near if len(text) <= end + reach else (near[: near.rfind(" ") + 1] if " " in near.lstrip() else near) + "…"


def _percent(token: InspectedToken) -> str:
    return "" if token.probability is None else percent(token.probability)


def _rank(token: InspectedToken) -> str:
    return "" if token.rank is None else f"{token.rank:,}"


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _html(text: str) -> str:
    return escape(_shown(text))


def _shown(text: str) -> str:
    """``text`` with pictures for what can't be shown or saved; of ``\\r\\n`` only the end of the line."""
    return text.replace("\r", "").translate(_CONTROLS)
