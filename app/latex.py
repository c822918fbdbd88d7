r"""LaTeX as models write it, in the words that latex2mathml reads.

It knows neither all environments nor `\ce`, takes a bare % for a comment, and ends `\text` at the first brace. Here
formulas are rewritten before they are set; nothing is expanded: macros are refused, brackets may nest so deep only.
"""

import re
from collections.abc import Callable

_DEEPEST = 40
_MACROS = re.compile(
    r"\\(?:(?:re|provide)?newcommand|(?:re)?newenvironment|[egx]?def|let|futurelet|DeclareMathOperator|loop|csname|input"
    r"|include|href|url|unicode|class|style|verb)(?![A-Za-z])"
)
UNREAD = re.compile(r">\s*\\[A-Za-z]+")  # in MathML: a command that came out as it went in

# Characters of \text that mean something to LaTeX or XML pass as private ones.
_PRIVATE = {"<": "\ue000", ">": "\ue001", "&": "\ue002", "_": "\ue003", "^": "\ue004", "\\": "\ue005", "%": "\ue006"}
_PRIVATE |= {"{": "\ue007", "}": "\ue008", "$": "\ue009", "#": "\ue00a", '"': "\ue00b"}
ESCAPED = {private: plain for plain, private in _PRIVATE.items()}

_ALIGNED = r"align|aligned|alignat|alignedat|flalign|eqnarray|split"
_GATHERED = r"gather|gathered|multline|multlined"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"(?<!\\)((?:\\\\)*)%", r"\1\\%"),
        (r"\\(?:begin|end)\{(?:equation|math|displaymath)\*?\}", " "),
        (rf"\\begin\{{(?:{_ALIGNED})\*?\}}(?:\[[tbc]\])?(?:\{{\d+\}})?", r"\\begin{align*}"),
        (rf"\\end\{{(?:{_ALIGNED})\*?\}}", r"\\end{align*}"),
        (rf"\\begin\{{(?:{_GATHERED})\*?\}}(?:\[[tbc]\])?", r"\\begin{matrix}"),
        (rf"\\end\{{(?:{_GATHERED})\*?\}}", r"\\end{matrix}"),
        (r"\\begin\{(?:dcases|cases)\*?\}", r"\\begin{cases}"),
        (r"\\end\{(?:dcases|cases)\*?\}", r"\\end{cases}"),
        (r"\\begin\{[dr]?rcases\*?\}", r"\\left.\\begin{matrix}"),
        (r"\\end\{[dr]?rcases\*?\}", r"\\end{matrix}\\right\\}"),
        (r"\\begin\{(p|b|B|v|V)smallmatrix\}", r"\\begin{\1matrix}"),
        (r"\\end\{(p|b|B|v|V)smallmatrix\}", r"\\end{\1matrix}"),
        (r"\\(?:nonumber|notag|allowbreak|centering|relax)(?![A-Za-z])", " "),
        (r"\\label\{[^{}]*\}", " "),
        (r"\\\\\s*\[\s*-?[\d.]+\s*[a-z]{2}\s*\]", r"\\\\ "),
        (r"\\(?:big|Big|bigg|Bigg)[lrm]?\s*\.", " "),
        (r"\\operatorname\*?\s*\{\s*arg\s*(?:\\[,;:! ])?\s*(max|min)\s*\}", r"\\arg\1 "),
        (r"\\arg\s*\\(?:,|limits)?\s*\\(max|min)(?![A-Za-z])", r"\\arg\1 "),
        (r"\\dots[bcmio](?![A-Za-z])", r"\\dots "),
        (r"\\h(?:space|skip)\*\s*", r"\\hspace"),
        (r"\\not\s*=", r"\\neq "),
        (r"\|\|", "| |"),
    )
)
_TEXT = re.compile(r"\\(text(?:normal|rm|bf|it|sf|tt|md|up)?|mbox|hbox|fbox|ce|pu|operatorname\*?)\s*\{")
_LETTERS = re.compile(r"[A-Za-z\s]+")
_TAG = re.compile(r"\\tag(\*?)\s*\{")


def prepared(source: str) -> str:
    """Raises ValueError for what is not to be set."""
    if _MACROS.search(source):
        raise ValueError("macros are not read")
    if any("\ue000" <= character <= "\uf8ff" for character in source):
        raise ValueError("private characters")
    result = _with_binomials(_with_text(" ".join(source.split())))
    for pattern, new in _RULES:
        result = pattern.sub(new, result)
    if _depth(result) > _DEEPEST:
        raise ValueError("nested too deep")
    return result


def without_tag(source: str) -> tuple[str, str]:
    r"""The formula without its `\tag{…}`, and that as it is shown, "" without one."""
    found = _TAG.search(source)
    if found is None:
        return source, ""
    inside, end = _braced(source, found.end())
    words = _words(inside).replace("$", "")
    return source[: found.start()] + source[end:], words if found[1] else f"({words})"


def _depth(source: str) -> int:
    deepest = depth = 0
    for mark in re.finditer(r"\\left(?![A-Za-z])|\\right(?![A-Za-z])|\\begin|\\end|\\sqrt|\\.|[{}]", source):
        if mark[0] in ("{", r"\left", r"\begin"):
            depth += 1
            deepest = max(deepest, depth)
        elif mark[0] in ("}", r"\right", r"\end"):
            depth -= 1
    return deepest


def _braced(source: str, start: int) -> tuple[str, int]:
    """What stands up to the brace that closes the one before `start`, and where it goes on after that."""
    depth = 1
    at = start
    while at < len(source):
        if source[at] == "\\":
            at += 1
        elif source[at] == "{":
            depth += 1
        elif source[at] == "}":
            depth -= 1
            if not depth:
                return source[start:at], at + 1
        at += 1
    raise ValueError("a brace is not closed")


def _with_text(source: str) -> str:
    """Text inside formulas, chemistry and names of operators, so that they are read to their end."""
    parts: list[str] = []
    at = 0
    while (found := _TEXT.search(source, at)) is not None:
        parts.append(source[at : found.start()])
        inside, at = _braced(source, found.end())
        command = found[1]
        if command in ("ce", "pu"):
            parts.append(f"{{{_chemistry(inside)}}}")
        elif command.startswith("operatorname"):
            known = "arg" in inside or _LETTERS.fullmatch(inside)
            parts.append(f"\\{command}{{{inside}}}" if known else f"\\mathrm {{{inside}}}")
        else:
            parts.append(_text(command, inside))
    return "".join((*parts, source[at:]))


_BINOMIAL = re.compile(r"\\[dt]?binom\s*\{")


def _with_binomials(source: str) -> str:
    parts: list[str] = []
    at = 0
    while (found := _BINOMIAL.search(source, at)) is not None:
        parts.append(source[at : found.start()])
        upper, after = _braced(source, found.end())
        if source[after : after + 1] != "{":
            raise ValueError("half a binomial")
        lower, at = _braced(source, after + 1)
        parts.append(rf"{{\left({{{upper}}}\atop{{{lower}}}\right)}}")
    return "".join((*parts, source[at:]))


def _text(command: str, inside: str) -> str:
    r"""`\text{if $x$ is}` as text, formula, text."""
    pieces = re.split(r"(?<!\\)\$", inside)
    if len(pieces) % 2 == 0:
        raise ValueError("a formula in a text is not closed")
    set_ = (
        f"{{{piece}}}" if n % 2 else f"\\{command}{{{_words(piece, _PRIVATE.__getitem__)}}}"
        for n, piece in enumerate(pieces)
        if piece
    )
    return "".join(set_) or "{}"


_ESCAPE = re.compile(r"\\([\\#$%&_{} ])|\\(?:textbf|textit|textrm|text|mathrm|emph)(?![A-Za-z])|\\[A-Za-z]+|\\.|[{}~]")
_SPECIAL = re.compile(r'[<>&_^%$#"]')


def _words(text: str, private: Callable[[str], str] = str) -> str:
    def plain(mark: re.Match[str]) -> str:
        if mark[1]:
            return private(mark[1]) if mark[1] in _PRIVATE else mark[1]
        return " " if mark[0] in ("~", "\\,", "\\;", "\\:", "\\quad") else ""

    return _SPECIAL.sub(lambda mark: private(mark[0]), _ESCAPE.sub(plain, text))


_ARROWS = (
    ("<=>", r"\rightleftharpoons "),
    ("<->", r"\leftrightarrow "),
    ("->", r"\rightarrow "),
    ("<-", r"\leftarrow "),
)
_LABELLED = re.compile(r"->\s*\[([^\[\]]*)\](?:\[([^\[\]]*)\])?")
_ATOMS = re.compile(r"([A-Za-z)\]])(\d+)")
_CHARGE = re.compile(r"\^\{?(\d*[+-])\}?")
_LONE_CHARGE = re.compile(r"(?<=[A-Za-z0-9)\]])([+-])(?=\s|$)")
_NAMES = re.compile(r"(?<![A-Za-z\\])([A-Z][A-Za-z]*|[a-z]{1,3})(?![A-Za-z])")


def _chemistry(source: str) -> str:
    r"""The common part of mhchem's `\ce`: atoms upright, counts below, charges above, arrows."""
    held: list[str] = []

    def hold(written: str) -> str:
        held.append(written)
        return f"\ue0ff{len(held) - 1}\ue0ff"

    result = _LABELLED.sub(lambda m: hold(rf"\xrightarrow{{\mathrm {{{m[1]}}}}}"), source)
    for arrow, command in _ARROWS:
        result = result.replace(arrow, hold(command))
    result = re.sub(r"\((aq|g|l|s)\)", lambda m: hold(rf"\mathrm {{({m[1]})}}"), result)
    result = re.sub(r"(?<=\s)\^(?=\s|$)", lambda _: hold(r"\uparrow "), result)
    result = re.sub(r"(?<=\s)v(?=\s|$)", lambda _: hold(r"\downarrow "), result)
    result = _CHARGE.sub(lambda m: hold(rf"^{{{m[1]}}}"), result)
    result = _LONE_CHARGE.sub(lambda m: hold(rf"^{{{m[1]}}}"), result)
    result = _ATOMS.sub(lambda m: m[1] + hold(rf"_{{{m[2]}}}"), result)
    result = _NAMES.sub(r"\\mathrm {\1}", result)
    return re.sub("\ue0ff(\\d+)\ue0ff", lambda m: held[int(m[1])], result)
