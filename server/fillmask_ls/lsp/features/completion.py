"""``textDocument/completion``: the words that fit the mask at the cursor."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.engine.query import Ranking
from fillmask_ls.percent import percent

_PROSE = {"", "asciidoc", "gitcommit", "git-commit", "html", "latex", "mail", "markdown", "norg", "org", "plaintext",
          "quarto", "restructuredtext", "rst", "rmd", "tex", "text", "txt", "typst", "vimwiki"}  # fmt: skip


def offers_unasked(language_id: str, before: str) -> bool:
    """Whether to offer a mask at a ``[`` behind ``before`` when nobody asked for completions.

    In code a bracket mostly begins a list or an index, and an editor would put the mask there at the next Enter.
    """
    return language_id in _PROSE and not before[-1:].isalnum()


def words(ranking: Ranking, focus: int, replaced: types.Range, *, label_details: bool) -> types.CompletionList:
    """The ranked words for the mask number ``focus``, each one plain edit over ``replaced``.

    The list is incomplete, so that a client asks anew at each letter that is typed behind the mask; the filter text
    begins with the mask, because that is what clients compare with the text in the edit's range.
    """
    items = []
    for rank, word in enumerate(ranking.masks[focus].words):
        probability = percent(word.probability)
        items.append(
            types.CompletionItem(
                label=word.text,
                label_details=types.CompletionItemLabelDetails(description=probability) if label_details else None,
                kind=types.CompletionItemKind.Text,
                detail=probability,
                sort_text=f"{rank:04}",
                filter_text=MASK + word.text,
                preselect=rank == 0,
                text_edit=types.TextEdit(replaced, word.text),
            )
        )
    return types.CompletionList(is_incomplete=True, items=items)


def mask(replaced: types.Range) -> types.CompletionList:
    """The mask itself, for someone who began to type one."""
    item = types.CompletionItem(
        label=MASK,
        kind=types.CompletionItemKind.Keyword,
        detail="a word for the model to find",
        filter_text=MASK,
        text_edit=types.TextEdit(replaced, MASK),
    )
    return types.CompletionList(is_incomplete=False, items=[item])
