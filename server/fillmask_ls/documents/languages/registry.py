"""The known languages: which one a document has, and which module, grammar or lexer reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from posixpath import basename, splitext
from types import ModuleType
from urllib.parse import unquote

from fillmask_ls.spans import Span

from . import code
from .code_language import CodeLanguage
from .fragments import Fragment

MarkupReader = Callable[[str], Iterator[Fragment]]
"""Yields the fragments of a source."""

# The modules for markup languages, and the ids that editors use.
_MARKUP = {
    "gitcommit": "gitcommit git-commit",
    "html": "html xhtml vue svelte astro blade razor htmldjango",
    "latex": "latex latex-expl3 pweave rnoweb rsweave plaintex tex",
    "markdown": "markdown gfm markdown-math mdx myst pandoc quarto rmarkdown rmd telekasten vimwiki",
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
# The endings of file names that Pygments doesn't know, or gives to another language.
_ENDINGS = {
    "html": ".astro .ejs .hbs .heex .htm .html .jinja .jinja2 .j2 .liquid .mustache .njk .svelte .twig .vue .xhtml",
    "latex": ".aux .cls .dtx .ins .latex .ltx .rnw .rtex .snw .sty .tex",
    "markdown": ".livemd .markdown .md .mdown .mdwn .mdx .mkd .mkdn .mkdown .qmd .rmd .rmarkdown .ronn",
    "org": ".org .org_archive",
    "perl": ".pl",
    "restructuredtext": ".rest .rst .rstx",
    "typst": ".typ .typst",
}
_LANGUAGE_BY_ENDING = {ending: language for language, endings in _ENDINGS.items() for ending in endings.split()}
_UNMARKED_TEXT = {"", "plaintext", "text", "txt"}
_COMMIT_MESSAGES = ("COMMIT_EDITMSG", "MERGE_MSG", "TAG_EDITMSG")


def find_language(language_id: str, uri: str = "") -> str:
    """Return the language of a document, by the id that its editor uses, or else by its file's name.

    Returns:
        The name of a module in this package or of a lexer of Pygments; empty for plain text.
    """
    by_id = _language_by_ids(language_id.lower())
    if by_id or not uri:
        return by_id
    name = basename(unquote(uri))
    return _language_by_name(name) or _language_by_name(name.lower())  # some systems use capitals


def is_language_named(language_id: str, names: Collection[str]) -> bool:
    """Return whether a document's language is among some names; editors have several names for some languages.

    Args:
        names: language ids; without any, all languages are among them.
    """
    if not names or language_id in names:
        return True
    if language_id in _UNMARKED_TEXT:
        return not _UNMARKED_TEXT.isdisjoint(names)
    language = find_language(language_id)
    return language != "" and language in {find_language(name) for name in names}


def is_code(language: str) -> bool:
    """Return whether a language is neither plain text nor markup."""
    return language not in ("", *_MARKUP)


def lexer_name(language: str) -> str:
    """Return the name of Pygments' lexer for a language."""
    return _LEXERS.get(language, language)


def markup_reader(language: str) -> MarkupReader | None:
    """Return the function that reads a markup language; None for other languages."""
    module = _markup_module(language)
    return module.fragments if module else None


def simplify(source: str, language: str) -> list[tuple[Span, str]]:
    """Return spans of a markup language, in order, and what its reader sees in their place; the text is never longer."""
    function = getattr(_markup_module(language), "simplify", None)
    return function(source) if function else []


def find_code_block(source: str, index: int, language: str) -> tuple[Span, str] | None:
    """Return the span and the language of the code that contains ``index``, in a markup language that tells them."""
    function = getattr(_markup_module(language), "find_code_block", None)
    return function(source, index) if function else None


@lru_cache(maxsize=256)
def code_language(language: str) -> CodeLanguage:
    """Return the declaration of a programming language, from its file in ``code/``; an empty one without a file."""
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    try:
        aliases = find_lexer_class_by_name(lexer_name(language)).aliases
    except ClassNotFound:
        return CodeLanguage()
    files = {module.name for module in iter_modules(code.__path__)}
    name = next((alias for alias in aliases if alias in files), None)
    return import_module(f"{code.__name__}.{name}").LANGUAGE if name else CodeLanguage()


def _markup_module(language: str) -> ModuleType | None:
    # Imported when it is needed: most users write in one or two languages.
    return import_module(f"{__package__}.{language}") if language in _MARKUP else None


def _language_by_ids(ids: str) -> str:
    """Return the first known language of an id, which in Vim can name several: ``markdown.mdx``."""
    return next(filter(None, map(_language_by_id, [ids, *ids.split(".")])), "")


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
    ending = splitext(name)[1].lower()
    if ending in _LANGUAGE_BY_ENDING:
        return _LANGUAGE_BY_ENDING[ending]
    from pygments.lexers import find_lexer_class_for_filename

    lexer = find_lexer_class_for_filename(name)
    return _language_by_id(lexer.aliases[0]) if lexer is not None and lexer.aliases else ""
