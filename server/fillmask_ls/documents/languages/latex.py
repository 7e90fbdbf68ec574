"""LaTeX: the text without commands, citations, displayed formulas and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pygments.token import Comment, Keyword, Name, Text

from .fragments import Fragment
from .lexing import Token, blanks, tokens

# Replaced before the lexer reads the source: code, and formulas, which are part of their sentence.
_CODE_OR_FORMULA = re.compile(
    r"""\\begin\{(?P<code>(?:verbatim|Verbatim|lstlisting|minted|comment|filecontents|tikzpicture)\*?)\}.*?\\end\{(?P=code)\}
    | \\begin\{(?P<formula>(?:align|alignat|displaymath|eqnarray|equation|flalign|gather|math|multline)\*?)\}
      .*?\\end\{(?P=formula)\}
    | (?<!\\)(?:\\\[(?:(?!\n\s*\n).)*?\\\] | \$\$(?:(?!\n\s*\n).)*?\$\$)
    | (?<!\\)(?P<open>\$ | \\\()(?P<inline>(?:(?!\n\s*\n)(?:\\[^)]|[^$\\]))*)(?:\$ | \\\))
    | (?<!\\)(?P<verb>\\verb\*?(?P<bar>[^\w\s*{\\]))(?P<verbatim>[^\n]*?)(?P=bar)
    | (?<!\\)\$""",
    re.DOTALL | re.VERBOSE,
)
_SIMPLE_FORMULA = re.compile(r"[\w ,.+=<>()-]{1,12}\Z")
_FORMULA_PLACEHOLDER = "x"
_REFERENCE_PLACEHOLDER = "1"
_ENVIRONMENTS_WITH_ARGUMENT = {"array", "longtable", "minipage", "multicols", "tabular", "wrapfigure"}
# How many arguments of a command are not prose; 0 for other commands.
_ARGUMENT_COUNTS = {
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
_BLOCKS = {"bigskip", "bottomrule", "centering", "clearpage", "hline", "item", "maketitle", "medskip", "midrule", "newpage",
           "noindent", "par", "smallskip", "tableofcontents", "toprule"}  # fmt: skip
_SYMBOLS = {
    **{f"\\{symbol}": symbol for symbol in "%&$#_{}"},
    **{f"\\{space}": " " for space in (" ", ",", ";", ":", "quad", "qquad", "newline", "\\")},
    "\\ldots": "…", "\\dots": "…", "\\LaTeX": "LaTeX", "\\TeX": "TeX", "\\BibTeX": "BibTeX", "\\-": "", "\\ss": "ß",
    "\\o": "ø", "\\O": "Ø", "\\ae": "æ", "\\oe": "œ", "\\aa": "å", "\\AA": "Å", "\\l": "ł", "\\i": "i", "\\j": "j",
    "\\textendash": "–", "\\textemdash": "—", "\\S": "§", "\\copyright": "©",
}  # fmt: skip
_TYPOGRAPHY = re.compile(r"---?|``|''|~")
_TYPOGRAPHIC = {"---": "—", "--": "–", "``": "“", "''": "”", "~": " "}


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of a LaTeX text; only simple inline formulas are kept, and accents are left out."""
    stream = list(tokens("tex", _CODE_OR_FORMULA.sub(_without_code_or_formula, source)))
    number = 0
    is_heading = False
    open_braces: list[bool] = []  # for each, whether it contains a heading
    while number < len(stream):
        token = stream[number]
        number += 1
        if token.type is Keyword:
            name = token.text[1:]
            number, argument = _skip_arguments(
                stream, number, 1 if _REFERENCE.match(name) else _ARGUMENT_COUNTS.get(name, 0)
            )
            if name in ("begin", "end"):
                has_argument = name == "begin" and argument.rstrip("*") in _ENVIRONMENTS_WITH_ARGUMENT
                number, _ = _skip_arguments(stream, number, int(has_argument))
                yield token.paragraph_break()
            elif _REFERENCE.match(name) and name.endswith("ref"):
                yield token.fragment(_REFERENCE_PLACEHOLDER)
            elif name.startswith("footnote"):
                yield token.fragment(" ")
            elif token.text in _SYMBOLS:
                yield token.fragment(_SYMBOLS[token.text])
            elif name == "item" and number < len(stream) and stream[number].type is Name.Attribute:
                yield token.paragraph_break()
                yield stream[number].trimmed(1, 1)
                number += 1
            elif name.rstrip("*") in _HEADINGS or name in _BLOCKS:
                is_heading = name not in _BLOCKS
                yield token.paragraph_break()
        elif token.type is Comment:
            yield token.fragment(" ")
        elif token.text == "{":
            open_braces.append(is_heading)
            is_heading = False
        elif token.text == "&" or (token.text == "}" and open_braces and open_braces.pop()):
            yield token.paragraph_break()
        elif token.type is Text:
            yield from _typeset(token)
        elif token.text in ("_", "^"):
            yield token.fragment()


def _without_code_or_formula(match: re.Match[str]) -> str:
    """Return what the lexer reads in place of code or a formula, of the same length."""
    source = match[0]
    if match["code"]:
        return blanks(source)
    if match["inline"] is not None:
        formula = match["inline"] if _SIMPLE_FORMULA.match(match["inline"]) else _FORMULA_PLACEHOLDER
        return formula.rjust(len(source))
    if match["verb"]:
        return " " * len(match["verb"]) + match["verbatim"] + " "
    return " " * len(source)


def _skip_arguments(stream: list[Token], number: int, count: int) -> tuple[int, str]:
    """Return the number of the token after ``count`` arguments, and the text of the first argument."""
    first = ""
    while number < len(stream) and count > 0:
        token = stream[number]
        if token.type is Name.Attribute or token.text in ("*", "["):
            number += 1
        elif token.text == "{":
            end = _after_closing_brace(stream, number)
            first = first or "".join(token.text for token in stream[number + 1 : end - 1])
            number = end
            count -= 1
        else:
            break
    return number, first


def _after_closing_brace(stream: list[Token], opening: int) -> int:
    """Return the number of the token after the brace that closes the one with number ``opening``."""
    depth = 0
    for number in range(opening, len(stream)):
        depth += (stream[number].text == "{") - (stream[number].text == "}")
        if depth == 0:
            return number + 1
    return len(stream)


def _typeset(token: Token) -> Iterator[Fragment]:
    """Yield a token's text with its dashes, quotes and spaces as they are printed."""
    copied = 0
    for match in _TYPOGRAPHY.finditer(token.text):
        yield token.trimmed(copied, len(token.text) - match.start())
        yield Fragment(token.start + match.start(), token.start + match.end(), _TYPOGRAPHIC[match[0]])
        copied = match.end()
    yield token.trimmed(copied, 0)
