"""LaTeX: the text without commands, citations, displayed formulas and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from pygments.token import Comment, Keyword, Name, String, Text

from . import Piece, Token, blanked, tokens

_VERBATIM = re.compile(
    r"\\begin\{(verbatim\*?|Verbatim|lstlisting|minted|comment|filecontents\*?|tikzpicture)\}.*?\\end\{\1\}"
    r"|(?<!\\)(\\verb\*?([^\w\s*{\\]))[^\n]*?(\3)",
    re.DOTALL,
)
_WITH_COLUMNS = {"array", "longtable", "minipage", "multicols", "tabular", "wrapfigure"}
_FORMULAS = {"align", "alignat", "displaymath", "eqnarray", "equation", "flalign", "gather", "math", "multline",
             "thebibliography"}  # fmt: skip
# How many of a command's arguments are for LaTeX and not for readers; none of the others' are.
_ARGUMENTS = {
    **dict.fromkeys((
        "addbibresource", "begin", "bibliography", "bibliographystyle", "color", "documentclass", "end",
        "graphicspath", "hspace", "hyperlink", "hypertarget", "href", "include", "includegraphics", "index",
        "input", "label", "pagestyle", "textcolor", "thispagestyle", "url", "usepackage", "usetikzlibrary",
        "vspace"
    ), 1),
    **dict.fromkeys((
        "addtocounter", "definecolor", "newcommand", "newenvironment", "newtheorem", "providecommand",
        "renewcommand", "rule", "setcounter", "setlength"
    ), 3),
}  # fmt: skip
_REFERENCE = re.compile(r"[a-zA-Z]*(?:cite[a-zA-Z]*|(?<!h)ref)\Z")
_HEADINGS = {"author", "caption", "chapter", "date", "paragraph", "part", "section", "subparagraph", "subsection",
             "subsubsection", "title"}  # fmt: skip
_IN_SENTENCE = re.compile(r"text|emph|em\b|bf|it|tt|sc|rm|sf|underline|mbox|footnote|enquote|href|url|small|large")
_SYMBOLS = {
    **{f"\\{symbol}": symbol for symbol in "%&$#_{}"},
    **{f"\\{space}": " " for space in (" ", ",", ";", ":", "quad", "qquad", "newline", "\\")},
    "\\ldots": "…", "\\dots": "…", "\\LaTeX": "LaTeX", "\\TeX": "TeX", "\\BibTeX": "BibTeX", "\\-": "", "\\ss": "ß",
    "\\o": "ø", "\\O": "Ø", "\\ae": "æ", "\\oe": "œ", "\\aa": "å", "\\AA": "Å", "\\l": "ł", "\\i": "i", "\\j": "j",
    "\\textendash": "–", "\\textemdash": "—", "\\S": "§", "\\copyright": "©",
}  # fmt: skip
_TYPOGRAPHY = re.compile(r"---?|``|''|~")
_TYPED = {"---": "—", "--": "–", "``": "“", "''": "”", "~": " "}


def pieces(text: str) -> Iterator[Piece]:
    """The prose of a LaTeX text; inline formulas are kept as words, accents are left out."""
    hidden = ((found.span(),) if found[1] else (found.span(2), found.span(4)) for found in _VERBATIM.finditer(text))
    stream = list(tokens("tex", blanked(text, chain.from_iterable(hidden))))
    at = 0
    in_formula = heading = False
    braces: list[bool] = []  # whether each one that is open holds a heading
    while at < len(stream):
        token = stream[at]
        at += 1
        if token.kind is Keyword or (token.kind is Name.Variable and token.text in ("\\begin", "\\end")):
            name = token.text[1:]
            at, arguments = _arguments(stream, at, 1 if _REFERENCE.match(name) else _ARGUMENTS.get(name, 0))
            if name in ("begin", "end"):
                if arguments.rstrip("*") in _FORMULAS:
                    at = _behind_environment(stream, at, arguments) if name == "begin" else at
                else:
                    at, _ = _arguments(stream, at, int(name == "begin" and arguments.rstrip("*") in _WITH_COLUMNS))
                    yield token.gap()
            elif _REFERENCE.match(name) and name.endswith("ref"):
                yield token.piece("1")  # as good as any: a reader sees a number
            elif name.startswith("footnote"):
                yield token.piece(" ")
            elif token.text in _SYMBOLS:
                yield token.piece(_SYMBOLS[token.text])
            elif name == "item" and at < len(stream) and stream[at].kind is Name.Attribute:
                yield token.gap()
                yield stream[at].inside(1, 1)
                at += 1
            elif name.rstrip("*") in _HEADINGS:
                heading = True
                yield token.gap()
            elif len(name) > 1 and not _IN_SENTENCE.match(name) and not arguments:
                yield token.gap()
        elif token.kind is String.Backtick:
            in_formula = not in_formula
        elif token.kind is Comment:
            yield token.piece(" ")
        elif token.kind is String:  # the ends of an inline formula, or of a displayed one
            in_formula = in_formula and token.text != "\\]"
        elif in_formula:
            continue
        elif token.text == "{":
            braces.append(heading)
            heading = False
        elif token.text == "}":
            if braces and braces.pop():
                yield token.gap()
        elif token.text == "&":
            yield token.gap()
        elif token.kind is Name.Variable:
            yield token.inside(1, 0)
        elif token.kind is not Name.Attribute:
            yield from _typeset(token) if token.kind is Text else [token.piece()]


def _arguments(stream: list[Token], at: int, count: int) -> tuple[int, str]:
    """Where ``count`` arguments from token ``at`` on end, and the text of the first."""
    first = ""
    while at < len(stream) and count > 0:
        token = stream[at]
        if token.kind is Name.Attribute or token.text in ("*", "["):
            at += 1
        elif token.text == "{":
            end = _closed(stream, at)
            first = first or "".join(token.text for token in stream[at + 1 : end - 1])
            at = end
            count -= 1
        else:
            break
    return at, first


def _closed(stream: list[Token], at: int) -> int:
    """Behind the brace that closes the one at token ``at``."""
    depth = 0
    for place in range(at, len(stream)):
        depth += (stream[place].text == "{") - (stream[place].text == "}")
        if depth == 0:
            return place + 1
    return len(stream)


def _behind_environment(stream: list[Token], at: int, name: str) -> int:
    for place in range(at, len(stream)):
        if stream[place].text == "\\end":
            end, ended = _arguments(stream, place + 1, 1)
            if ended == name:
                return end
    return at


def _typeset(token: Token) -> Iterator[Piece]:
    at = 0
    for found in _TYPOGRAPHY.finditer(token.text):
        yield token.inside(at, len(token.text) - found.start())
        yield Piece(token.start + found.start(), token.start + found.end(), _TYPED[found[0]])
        at = found.end()
    yield token.inside(at, 0)
