r"""Where formulas stand in an answer: rules for markdown-it, which knows none.

Display: `\[ \]`, `$$ $$` and bare environments such as `\begin{align}`, at the beginning of a line a block of their
own. Inline: `\( \)`, and `$ $` by Pandoc's rule (no space inside the dollars, no digit after the second), without
what else has dollars: money and variables of a shell. A formula ends with its paragraph. One that is not closed
there is open: at the end of an answer that streams it is going to be closed, and until then nothing else is read
from it, neither lists nor emphasis.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

BLOCK = "formula"
INLINE = "formula_inline"
OPEN = "formula_open"
LAST = "formula_may_go_on"  # in the environment of a text that stands at the end of all

_ENVIRONMENTS = (
    "equation|align|alignat|flalign|gather|multline|eqnarray|aligned|alignedat|gathered|split|cases|dcases|rcases"
    "|array|matrix|pmatrix|bmatrix|Bmatrix|vmatrix|Vmatrix|smallmatrix"
)
_DISPLAY = re.compile(rf"\$\$(?!\$)|\\\[|\\begin\{{((?:{_ENVIRONMENTS})\*?)\}}")
AFTER = re.compile(r"\s*([.,;:。，；：]?)\s*")
_LONGEST_OPEN = 800  # characters; what goes on for longer was no formula
_LONGEST_DOLLAR = 600


def formulas(parser: "MarkdownIt") -> None:
    """The plugin."""
    parser.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    parser.inline.ruler.before("escape", "formula", _inline)


def _closer(opened: re.Match[str]) -> str:
    return {"$$": "$$", "\\[": "\\]"}.get(opened[0], f"\\end{{{opened[1]}}}")


def _block(state: "StateBlock", start: int, end: int, silent: bool) -> bool:
    begin = state.bMarks[start] + state.tShift[start]
    if state.is_code_block(start) or (opened := _DISPLAY.match(state.src, begin, state.eMarks[start])) is None:
        return False
    closer = _closer(opened)
    lines: list[str] = []
    line, at = start, opened.end()
    while (found := state.src.find(closer, at, state.eMarks[line])) < 0:
        lines.append(state.src[at : state.eMarks[line]])
        line += 1
        if line >= end or state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            break
        at = state.bMarks[line] + state.tShift[line]
    after = ""
    if found >= 0:
        rest = AFTER.fullmatch(state.src, found + len(closer), state.eMarks[line])
        lines.append(state.src[at:found])
        line += 1
        if rest is None or not any(map(str.strip, lines)):
            return False
        after = rest[1]
    if silent:
        return True
    inside = "\n".join(lines)
    token = state.push(BLOCK if found >= 0 else OPEN, "", 0)
    token.markup = f"{opened[0]}{inside}{closer}{after}" if found >= 0 else f"{opened[0]}{inside}"
    token.content = (token.markup.removesuffix(after) if opened[1] else inside.strip()) + after
    token.map = [start, line]
    state.line = line
    return True


def _inline(state: "StateInline", silent: bool) -> bool:
    first = state.src[state.pos]
    if first == "\\":
        if state.src.startswith("\\(", state.pos):
            return _between(state, "\\(", "\\)", silent, display=False)
        return _display(state, silent)
    if first == "$":
        return _display(state, silent) if state.src.startswith("$$", state.pos) else _dollar(state, silent)
    return False


def _display(state: "StateInline", silent: bool) -> bool:
    opened = _DISPLAY.match(state.src, state.pos)
    return opened is not None and _between(state, opened[0], _closer(opened), silent, display=True)


def _between(state: "StateInline", opener: str, closer: str, silent: bool, *, display: bool) -> bool:
    start = state.pos + len(opener)
    missing = state.env.setdefault("formulas_not_closed", (None, set()))
    if missing[0] is not state.src:
        missing = state.env["formulas_not_closed"] = (state.src, set())
    end = -1 if closer in missing[1] else state.src.find(closer, start, state.posMax)
    if end < 0:
        missing[1].add(closer)
        return _goes_on(state, silent)
    if not state.src[start:end].strip():
        return False
    _push(state, start, end, end + len(closer), silent, display=display, whole=opener.startswith("\\begin"))
    return True


def _goes_on(state: "StateInline", silent: bool) -> bool:
    """The text ends before the formula does."""
    rest = len(state.src) - state.pos
    if state.posMax < len(state.src) or rest > _LONGEST_OPEN or not state.env.get(LAST):
        return False
    if not silent:
        state.push("text", "", 0).content = state.src[state.pos :]
    state.pos = state.posMax
    return True


def _dollar(state: "StateInline", silent: bool) -> bool:
    source, start = state.src, state.pos + 1
    before = source[state.pos - 1] if state.pos else ""
    if _is_plain(before) or start >= state.posMax or source[start].isspace():
        return False
    end = start
    limit = min(state.posMax, start + _LONGEST_DOLLAR)
    while end < limit and source[end] != "$":
        end += 2 if source[end] == "\\" else 1
    if end >= limit or end == start or source[end - 1].isspace():
        return False
    inside, after = source[start:end], source[end + 1 : end + 2]
    if after.isdigit() or _is_no_formula(inside, after):
        return False
    _push(state, start, end, end + 1, silent, display=False, whole=False)
    return True


_PRICE = re.compile(r"\d[\d,.]*\s*(?:[-–—]\s*|(?:[A-Za-z]{2,}|[/(]))")
_VARIABLE = re.compile(r"\{?[A-Za-z_]\w+\}?[\w:/.\-\"' ]*|\(.*")
_TEXT = re.compile(r"\\(?:text\w*|mbox|mathrm)\s*\{[^{}]*\}")


def _is_no_formula(inside: str, after: str) -> bool:
    r"""Money (`$5 and 10$`), a shell (`$HOME:$PATH`), Chinese that is no `\text`."""
    if "`" in inside or ("\\" not in inside and _PRICE.match(inside) and " " in inside):
        return True
    if (after in ("_", "{", "(") or _is_plain(after)) and _VARIABLE.fullmatch(inside):
        return True
    return any("\u3000" <= character <= "\u9fff" for character in _TEXT.sub("", inside))


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _push(state: "StateInline", start: int, end: int, after: int, silent: bool, *, display: bool, whole: bool) -> None:
    if not silent:
        token = state.push(INLINE, "", 0)
        token.markup = state.src[state.pos : after]
        token.content = token.markup if whole else state.src[start:end].strip()
        token.meta = {"display": display}
    state.pos = after
