"""The Markdown of a model, read for files."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from backends.chat.formula_rules import INLINE, OPEN
from backends.chat.markdown import is_thick, parser, pieces

if TYPE_CHECKING:
    from markdown_it.token import Token
    from pygments.lexer import Lexer

LONGEST_CODE = 60_000  # characters; beyond, code stays in one colour
_SAFE = ("https://", "http://", "mailto:")
_FENCE = re.compile(r"(?:[ >]|\d+[.)] |[-*+] )*(`{3,}|~{3,})(.*)")
_PLAIN = re.compile(r"[^\n\\`*_~\[\]!<&$]*")  # nothing in it begins anything
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


def parse(text: str) -> "list[Token]":
    """The blocks, each with what stands in it."""
    read: list[Token] = []
    reader, env = parser(), {}
    reader.block.parse(sound(text), reader, env, read)
    for token in read:
        if token.type == "inline":
            token.children = [child for piece in pieces(token.content) for child in _children(piece, env)]
    return read


def _children(piece: str, env: dict[str, Any]) -> "list[Token]":
    if _PLAIN.fullmatch(piece) or is_thick(piece):
        from markdown_it.token import Token

        return [Token("text", "", 0, content=piece)]
    return parser().parseInline(piece, env)[0].children or []


def formula_text(token: "Token") -> str:
    """A formula as LaTeX between its delimiters; as it was written where it has no end."""
    if token.type == OPEN or token.content == token.markup:
        return token.markup
    before, after = ("\\(", "\\)") if is_inline(token) else ("\\[", "\\]")
    return f"{before}{token.content.strip()}{after}"


def is_inline(token: "Token") -> bool:
    return token.type == INLINE and not token.meta["display"]


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
    if not language or len(text) > LONGEST_CODE or (lexer := _lexer(language)) is None:
        return [(text, "")]
    found: list[tuple[str, str]] = []
    for _, kind, piece in lexer.get_tokens_unprocessed(text):
        tone = _tone(kind)
        if found and (found[-1][1] == tone or piece.isspace()):
            found[-1] = (found[-1][0] + piece, found[-1][1])
        else:
            found.append((piece, tone))
    return found


@lru_cache(maxsize=64)
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


@lru_cache(maxsize=512)
def _tone(kind: object) -> str:
    name = str(kind).removeprefix("Token.")
    return next((tone for prefix, tone in _TONES if name.startswith(prefix)), "")


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
