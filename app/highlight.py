"""Colours for code: Pygments' tokens reduced to the five colours of the theme."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST = 60_000  # characters; beyond, code stays in one colour rather than make the window wait

_TONES = (
    ("Comment", "code_comment"),
    ("Literal.String", "code_string"),
    ("Literal.Number", "code_number"),
    ("Keyword.Constant", "code_number"),
    ("Keyword", "code_keyword"),
    ("Operator.Word", "code_keyword"),
    ("Name.Function", "code_name"),
    ("Name.Class", "code_name"),
    ("Name.Decorator", "code_name"),
    ("Name.Tag", "code_keyword"),
    ("Name.Attribute", "code_name"),
    ("Name.Builtin", "code_name"),
    ("Generic.Deleted", "danger"),
    ("Generic.Inserted", "success"),
)


@lru_cache(maxsize=128)
def highlighted(language: str, text: str) -> tuple[tuple[str, str], ...]:
    """What `highlight` gives, kept for code that comes into sight again."""
    return tuple(highlight(language, text))


def highlight(language: str, text: str) -> Iterator[tuple[str, str]]:
    """(piece, tone) in order; the pieces joined are the text. Tone "" is the plain colour of text."""
    lexer = _lexer(language) if language and len(text) <= LONGEST else None
    if lexer is None:
        yield text, ""
        return
    pieces = ((_tone(kind), piece) for _, kind, piece in lexer.get_tokens_unprocessed(text))
    before, run = "", list[str]()
    for tone, piece in pieces:
        if tone != before and not piece.isspace():  # room has no colour
            if run:
                yield "".join(run), before
            before, run = tone, []
        run.append(piece)
    if run:
        yield "".join(run), before


@lru_cache(maxsize=512)
def _tone(kind: object) -> str:
    name = str(kind).removeprefix("Token.")
    return next((tone for prefix, tone in _TONES if name.startswith(prefix)), "")


@lru_cache(maxsize=16)
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None
