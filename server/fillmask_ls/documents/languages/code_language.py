"""The declaration of a programming language, one in each file of ``code/``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeLanguage:
    """Where the prose of a programming language is. Pygments reads a language without an installed grammar.

    Attributes:
        grammar: the Python package of its grammar for tree-sitter, an optional dependency.
        grammar_function: the function of this package that returns the grammar.
        query: the nodes with prose, in tree-sitter's query syntax. Captures: ``@comment`` and ``@doc`` are read
            together, ``@string`` is a passage of its own, in which a placeholder stands for ``@interpolation``, and
            ``@markup`` is left out. Each line of ``@lines`` is a comment.
        string_tokens: names of Pygments' token types for strings, besides ``Literal.String``.
        markers: regular expressions for starts and ends of comments and strings that are unusual in other languages; an
            empty end for comments up to the line's end.
        slow_marks: characters at each of which Pygments' lexer searches the rest of the line.
        min_words: fewer words of a comment or string say too little by themselves, and are read within the source;
            ``server/docs/performance.md`` contains the figures.
    """

    grammar: str = ""
    grammar_function: str = "language"
    query: str = ""
    string_tokens: tuple[str, ...] = ()
    markers: tuple[tuple[str, str], ...] = ()
    slow_marks: str = ""
    min_words: int = 17
