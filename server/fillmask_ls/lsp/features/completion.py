"""``textDocument/completion``: the words that fit the mask at the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.engine.api import Predictions
from fillmask_ls.presentation.markdown import escape_markdown
from fillmask_ls.presentation.percent import percent
from fillmask_ls.spans import Span

_REACH = 120
"""How many characters of the passage are shown on either side of a word."""

_PROSE = {"", "asciidoc", "gitcommit", "git-commit", "html", "latex", "mail", "markdown", "norg", "org", "plaintext",
          "quarto", "restructuredtext", "rst", "rmd", "tex", "text", "txt", "typst", "vimwiki"}  # fmt: skip


def offers_unasked(language_id: str, before: str) -> bool:
    """Whether to offer a mask at a ``[`` behind ``before`` when nobody asked for completions.

    In code a bracket mostly begins a list or an index, and an editor would put the mask there at the next Enter.
    """
    return language_id in _PROSE and not before[-1:].isalnum()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a completion list was made of, to say more of its items later.

    Attributes:
        text: the passage.
        masks: the spans of its masks.
        focus: the number of the one that is completed.
        ranking: of all of them.
    """

    text: str
    masks: Sequence[Span]
    focus: int
    ranking: Predictions


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a client can do with a list."""

    label_details: bool = False
    default_range: bool = False
    default_data: bool = False
    markup: types.MarkupKind | None = None
    as_is: bool = False


def words(
    shown: Shown, replaced: types.Range, key: str, abilities: Abilities, sentences: Sequence[types.CompletionItem] = ()
) -> types.CompletionList:
    """The ranked words for a mask, each one plain edit over ``replaced``; behind them ``sentences``.

    The list is incomplete, so that a client asks anew at each letter that is typed behind the mask; the filter text
    begins with the mask, because that is what clients compare with the text in the edit's range.

    Args:
        key: names the list when one of its items is to be resolved.
    """
    items = []
    for rank, word in enumerate(shown.ranking.predictions[shown.focus].candidates):
        probability = percent(word.probability)
        items.append(
            types.CompletionItem(
                label=word.text,
                label_details=types.CompletionItemLabelDetails(description=probability)
                if abilities.label_details
                else None,
                kind=types.CompletionItemKind.Text,
                detail=probability,
                sort_text=f"{rank:04}",
                filter_text=MASK + word.text,
                preselect=rank == 0,
                text_edit=None if abilities.default_range else types.TextEdit(replaced, word.text),
                text_edit_text=word.text if abilities.default_range else None,
                data=None if abilities.default_data else key,
            )
        )
    defaults = types.CompletionItemDefaults(
        edit_range=replaced if abilities.default_range else None, data=key if abilities.default_data else None
    )
    return types.CompletionList(
        is_incomplete=True,
        items=_as_is([*items, *sentences], abilities),
        item_defaults=defaults if abilities.default_range or abilities.default_data else None,
    )


def sentence(fill: Sequence[str], rank: int, replaced: types.Range, before: str, text: str) -> types.CompletionItem:
    """All masks of a passage filled together, as one item.

    Args:
        fill: the words.
        before: what stands from the start of ``replaced`` to the cursor.
        text: what ``replaced`` becomes.
    """
    return types.CompletionItem(
        label=" … ".join(fill),
        kind=types.CompletionItemKind.Snippet,
        detail="all masks together",
        sort_text=f"{9000 + rank:04}",
        filter_text=before + text,
        text_edit=types.TextEdit(replaced, text),
    )


def resolved(item: types.CompletionItem, shown: Shown, markup: types.MarkupKind | None) -> types.CompletionItem:
    """The item with its documentation: the sentence with the word in it, its rank, and the other words.

    Args:
        markup: what the client shows; None if it knows nothing but a text.
    """
    words = shown.ranking.predictions[shown.focus].candidates
    rank = next((rank for rank, word in enumerate(words) if word.text == item.label), None)
    if rank is None:
        return item
    word = words[rank]
    others = ", ".join(other.text for other in words if other is not word) or "none"
    before, after = _around(shown)
    place = f"Rank {rank + 1} of {len(words)}, {percent(word.probability)}."
    if markup is types.MarkupKind.Markdown:
        text = f"{_sentence_in_markdown(before, word.text, after)}\n\n{place}\n\nOthers: {escape_markdown(others)}"
    else:
        text = f"{before}{word.text}{after}\n{place}\nOthers: {others}"
    item.documentation = text if markup is None else types.MarkupContent(markup, text)
    return item


def _sentence_in_markdown(before: str, word: str, after: str) -> str:
    # What is escaped has no blanks at its ends.
    left, right = (" " if beside.isspace() else "" for beside in (before[-1:], after[:1]))
    return f"{escape_markdown(before)}{left}**{escape_markdown(word)}**{right}{escape_markdown(after)}"


def _around(shown: Shown) -> tuple[str, str]:
    """The passage around the mask, cut to some words."""
    start, end = shown.masks[shown.focus]
    before, after = shown.text[:start], shown.text[end:]
    if len(before) > _REACH:
        before = "…" + before[-_REACH:].partition(" ")[2]
    if len(after) > _REACH:
        after = after[:_REACH].rpartition(" ")[0] + "…"
    return before, after


def _as_is(items: list[types.CompletionItem], abilities: Abilities) -> list[types.CompletionItem]:
    """The items, none of which is a reason to indent its line anew, as lsp-mode does by default."""
    if abilities.as_is:
        for item in items:
            item.insert_text_mode = types.InsertTextMode.AsIs
    return items


def mask(replaced: types.Range, abilities: Abilities) -> types.CompletionList:
    """The mask itself, for someone who began to type one."""
    item = types.CompletionItem(
        label=MASK,
        kind=types.CompletionItemKind.Keyword,
        detail="a word for the model to find",
        filter_text=MASK,
        text_edit=types.TextEdit(replaced, MASK),
    )
    return types.CompletionList(is_incomplete=False, items=_as_is([item], abilities))
