"""The Markdown of a model, read for files: CommonMark with tables, strike-through and formulas. HTML in it is text."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST_CODE = 60_000  # characters; beyond, code stays in one colour
_SAFE = ("https://", "http://", "mailto:")
_FENCE = re.compile(r"(?:[ >]|\d+[.)] |[-*+] )*(`{3,}|~{3,})(.*)")
_KEPT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# Pygments' tokens as the colours of `html`
_TONES = (
    ("Comment", "comment"),
    ("Literal.String", "string"),
    ("Literal.Number", "number"),
    ("Keyword.Constant", "number"),
    ("Keyword", "keyword"),
    ("Operator.Word", "keyword"),
    ("Name.Function", "name"),
    ("Name.Class", "name"),
    ("Name.Decorator", "name"),
    ("Name.Tag", "keyword"),
    ("Name.Attribute", "name"),
    ("Name.Builtin", "name"),
)


@lru_cache(maxsize=1)
def parser() -> "MarkdownIt":
    """`$20` is no formula; `\\( \\)`, `\\[ \\]`, `$$ $$` and `$x$` are."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.texmath import texmath_plugin

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 40}).enable(["table", "strikethrough"])
    reader.use(texmath_plugin, delimiters="brackets")
    reader.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True, allow_labels=False)
    return reader


def parse(text: str) -> "list[Token]":
    return parser().parse(sound(text))


def sound(text: str) -> str:
    """With the line ends of Markdown, and without what XML 1.0 cannot hold (its production Char)."""
    return _KEPT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def safe_link(address: str) -> bool:
    """Whether a click on it does what a person expects of a link in a document."""
    return address.lower().startswith(_SAFE)


def language_of(info: str) -> str:
    """What a fence says of its code."""
    words = info.split()
    return words[0].lower() if words else ""


def coloured(language: str, text: str) -> list[tuple[str, str]]:
    """(piece, colour): comment, string, number, keyword, name, or "". The pieces joined are the text."""
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if not language or len(text) > LONGEST_CODE:
        return [(text, "")]
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return [(text, "")]
    pieces: list[tuple[str, str]] = []
    for _, kind, piece in lexer.get_tokens_unprocessed(text):
        name = str(kind).removeprefix("Token.")
        tone = next((tone for prefix, tone in _TONES if name.startswith(prefix)), "")
        if pieces and pieces[-1][1] == tone:
            pieces[-1] = (pieces[-1][0] + piece, tone)
        else:
            pieces.append((piece, tone))
    return pieces


def closed(text: str) -> str:
    """`text` with the end of a code fence that was begun and not ended: it would take in whatever follows."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE.fullmatch(line)
        if found is None:
            continue
        marks, rest = found.groups()
        if not fence:
            fence = marks if "`" not in rest or marks[0] == "~" else ""
        elif marks[0] == fence[0] and len(marks) >= len(fence) and not rest.strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text
