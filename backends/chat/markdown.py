"""How the Markdown of a model is read, in the window and for files: CommonMark with tables, strike-through and formulas
(`formula_rules`). HTML in it is text. What no person writes is read as text, so that nothing takes long.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from backends.chat.formula_rules import formulas

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock

LONGEST = 4000  # characters of a paragraph or cell that are read at once; marks that go beyond are text
_THICKEST = 400  # brackets and marks in so much text; where there are more, they are text
_DEEPEST = 32  # quotes, lists and items in each other; what lies deeper is text


@lru_cache(maxsize=1)
def parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST + 8}).enable(["table", "strikethrough"])
    reader.disable(["html_block", "html_inline"])
    reader.block.ruler.before("table", "deep", _deep)
    return reader.use(formulas)


def pieces(content: str) -> Iterator[str]:
    """Cut where there is a space, so that a text that grows is cut where it was before."""
    begin = 0
    while len(content) - begin > LONGEST:
        end = max(content.rfind(space, begin + LONGEST // 2, begin + LONGEST) for space in " \n")
        end = end + 1 if end >= 0 else begin + LONGEST
        yield content[begin:end]
        begin = end
    yield content[begin:]


def is_thick(piece: str) -> bool:
    return sum(map(piece.count, "[]*_~`<")) > _THICKEST


def _deep(state: "StateBlock", first: int, end: int, silent: bool) -> bool:
    """What is nested too deep is one paragraph; the parser would leave it out."""
    if state.level < _DEEPEST:
        return False
    state.line = end
    three: tuple[tuple[str, Literal[-1, 0, 1]], ...] = (("paragraph_open", 1), ("inline", 0), ("paragraph_close", -1))
    for kind, nesting in three:
        token = state.push(kind, "p" if nesting else "", nesting)
        token.map = [first, end]
        if not nesting:
            token.content = state.getLines(first, end, state.blkIndent, False).strip()
            token.children = []
    return True
