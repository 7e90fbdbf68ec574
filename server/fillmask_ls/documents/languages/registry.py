"""The known languages: which one a document has, and which module or lexer reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from posixpath import basename
from urllib.parse import unquote

from .fragments import Fragment

MarkupReader = Callable[[str], Iterator[Fragment]]
"""Yields the fragments of a source."""

# The modules for markup languages, and the ids that editors use.
_MARKUP = {
    "gitcommit": "gitcommit git-commit",
    "html": "html xhtml vue svelte astro blade razor htmldjango",
    "latex": "latex tex plaintex",
    "markdown": "markdown gfm mdx quarto rmd rmarkdown pandoc vimwiki",
    "org": "org orgmode",
    "restructuredtext": "restructuredtext rst",
    "typst": "typst typ",
}
_MARKUP_BY_ID = {language_id: module for module, ids in _MARKUP.items() for language_id in ids.split()}
_PLAIN_TEXT = {
    "", "asciidoc", "bbcode", "email", "eml", "fundamental", "groff", "help", "mail", "man", "mediawiki", "moin",
    "norg", "nroff", "plaintext", "tid", "text", "textile", "trac-wiki", "txt", "wikitext",
}  # fmt: skip
# Pygments' lexers for ids and modules with another name.
_LEXERS = {
    "c++": "cpp", "c-sharp": "csharp", "cuda-cpp": "cuda", "git-rebase": "sh", "gitcommit": "text", "javascriptreact": "jsx",
    "jsonc": "json5", "latex": "tex", "objective-cpp": "objective-c++", "perl6": "raku", "plaintex": "tex",
    "shellscript": "sh", "terraform": "hcl", "typescriptreact": "tsx", "vb": "vb.net", "viml": "vim",
}  # fmt: skip
_COMMIT_MESSAGES = ("COMMIT_EDITMSG", "MERGE_MSG", "TAG_EDITMSG")


def find_language(language_id: str, uri: str = "") -> str:
    """Return the language of a document, by the id that its editor uses, or else by its file's name.

    Returns:
        The name of a module in this package or of a lexer of Pygments; empty for plain text.
    """
    by_id = _language_by_id(language_id.lower())
    if by_id or not uri:
        return by_id
    name = basename(unquote(uri))
    return _language_by_name(name) or _language_by_name(name.lower())  # some systems use capitals


def is_code(language: str) -> bool:
    """Return whether a language is neither plain text nor markup."""
    return language not in ("", *_MARKUP)


def lexer_name(language: str) -> str:
    """Return the name of Pygments' lexer for a language."""
    return _LEXERS.get(language, language)


def markup_reader(language: str) -> MarkupReader | None:
    """Return the function that reads a markup language; None for other languages."""
    if language not in _MARKUP:
        return None
    # Imported when it is needed: most users write in one or two languages.
    return import_module(f"{__package__}.{language}").fragments  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def _language_by_id(language_id: str) -> str:
    if language_id in _PLAIN_TEXT:
        return ""
    if language_id in _MARKUP_BY_ID:
        return _MARKUP_BY_ID[language_id]
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    name = lexer_name(language_id)
    try:
        find_lexer_class_by_name(name)
    except ClassNotFound:
        return ""
    return name


@lru_cache(maxsize=256)
def _language_by_name(name: str) -> str:
    if name in _COMMIT_MESSAGES:
        return "gitcommit"
    from pygments.lexers import find_lexer_class_for_filename

    lexer = find_lexer_class_for_filename(name)
    return _language_by_id(lexer.aliases[0]) if lexer is not None and lexer.aliases else ""
