"""HTML: one file without scripts that fetches nothing, light or dark as the reader's system; and pieces of it on paper.

The label as `<meta name="AIGC">`, and beside the name of each answer. A Content-Security-Policy in the file forbids
what is not in it anyway.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from backends import __version__
from backends.chat.export import words
from backends.chat.export.mathml import mathml
from backends.chat.export.parsed import coloured, formula_text, is_inline, language_of, parse, safe_link, sound
from backends.chat.export.types import Head, Kept, Told
from backends.chat.export.words import Said
from backends.chat.formula_rules import BLOCK, INLINE, OPEN
from backends.chat.markdown import parser
from backends.core.phrase import Language
from backends.governance import labels

if TYPE_CHECKING:
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

# page: of a file, with MathML and the colours of its style. paper: by itself (a clipboard, Qt's rich text): light
# colours, formulas as LaTeX.
Look = Literal["page", "paper"]

_T = TypeVar("_T")
_AT_ONCE = 8_000  # characters of a piece on paper, and what its last block has more

_LIGHT = {
    "comment": "#55656a",
    "string": "#2e6b2f",
    "number": "#935100",
    "keyword": "#0b6675",
    "name": "#2f55a4",
}
_DARK = {
    "comment": "#9db0b5",
    "string": "#9ccf9a",
    "number": "#e6b673",
    "keyword": "#6cc7d6",
    "name": "#9db8f2",
}


def _variables(colours: Mapping[str, str], **more: str) -> str:
    return "".join(f"--{name}:{value};" for name, value in {**colours, **more}.items())


_STYLE = f"""
:root{{color-scheme:light dark;{
    _variables(_LIGHT, ground="#fff", text="#13211f", muted="#55656a", line="#dfe6e8", soft="#f3f6f7", link="#0b6675")
}}}
@media (prefers-color-scheme:dark){{:root{{{
    _variables(_DARK, ground="#12181a", text="#e6edee", muted="#9db0b5", line="#2c383b", soft="#1b2427", link="#6cc7d6")
}}}}}
body{{margin:0;background:var(--ground);color:var(--text);font:16px/1.65 system-ui,"Segoe UI","PingFang SC",
"Microsoft YaHei","Noto Sans CJK SC",sans-serif}}
main{{max-width:46rem;margin:0 auto;padding:2rem 1.25rem 4rem;overflow-wrap:anywhere}}
h1{{font-size:1.6rem;line-height:1.3}}
section>header h1{{border-top:1px solid var(--line);padding-top:2rem;margin-top:3rem}}
article{{margin:2rem 0}}article>header{{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:baseline;
font-size:.875rem;color:var(--muted)}}
article>header b{{color:var(--text);font-size:1rem}}
.label{{border:1px solid var(--line);border-radius:1rem;padding:0 .6rem}}
.asked{{background:var(--soft);border-radius:.75rem;padding:.75rem 1rem;white-space:pre-wrap;margin:.5rem 0}}
.muted,details,.references{{color:var(--muted);font-size:.9rem}}
details{{border-left:3px solid var(--line);padding-left:1rem;margin:.75rem 0}}summary{{cursor:pointer}}
a{{color:var(--link)}}code,.tex{{font-family:ui-monospace,Consolas,Menlo,monospace;font-size:.9em}}
pre{{background:var(--soft);border-radius:.5rem;padding:.75rem 1rem;overflow-x:auto;line-height:1.5}}
.wide{{overflow-x:auto}}table{{border-collapse:collapse}}th,td{{border:1px solid var(--line);padding:.35rem .7rem}}
blockquote{{margin:1rem 0;padding-left:1rem;border-left:3px solid var(--line);color:var(--muted)}}
hr{{border:0;border-top:1px solid var(--line)}}
@media print{{pre{{white-space:pre-wrap}}}}
"""


class HtmlWriter:
    def __init__(self, path: Path, head: Head) -> None:
        self._head = head
        self._language: Language = head.manner.language
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._file.write(beginning(head.title, self._language, head.label, style=_STYLE))
        self._file.write("<main>\n")
        self._open = False
        if head.several:
            self._file.write(f"<h1>{text_of(head.title)}</h1>\n{self._about()}")

    def conversation(self, kept: Kept) -> None:
        self._end_section()
        self._file.write(f"<section><header><h1>{text_of(words.title(kept, self._language))}</h1></header>\n")
        self._open = True
        if not self._head.several:
            self._file.write(self._about())

    def message(self, told: Told, number: int, after: int) -> None:
        self._file.write(article(words.said(told, number, after, self._head.manner), self._language))

    def close(self) -> None:
        self._end_section()
        self._file.write("</main>\n</body></html>\n")
        self._file.close()

    def abandon(self) -> None:
        self._file.close()

    def _about(self) -> str:
        said = [words.made_on(self._head)]
        if self._head.label:
            said.append(labels.FILE.to(self._language))
        return f'<p class="muted">{"<br>".join(map(text_of, said))}</p>\n'

    def _end_section(self) -> None:
        if self._open:
            self._file.write("</section>\n")
            self._open = False


def beginning(title: str, language: Language, label: labels.Label | None, style: str = "") -> str:
    """Of a document, to the begin of its body."""
    aigc = f'<meta name="AIGC" content="{escape(labels.label_text(label))}">\n' if label else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<meta name="generator" content="DeskSeek {__version__}">\n'
        f"{aigc}<title>{text_of(title)}</title>\n{f'<style>{style}</style>' if style else ''}</head><body>\n"
    )


def article(said: Said, language: Language) -> str:
    """A message on a page."""
    label = f'<span class="label">{text_of(said.label)}</span>' if said.label else ""
    head = f"<header><b>{text_of(said.who)}</b> <span>{text_of(said.about)}</span> {label}</header>"
    thought = ""
    if said.thinking:
        summary = words.THINKING.to(language)
        thought = f"<details><summary>{summary}</summary>\n{written(said.thinking)}</details>\n"
    remark = f'<p class="muted">{text_of(said.remark)}</p>\n' if said.remark else ""
    return f'<article class="{"person" if said.as_written else "model"}">{head}\n{thought}{_text(said)}{remark}' + (
        f'<div class="references"><b>{words.REFERENCES.to(language)}</b>{_listed(said.references)}</div></article>\n'
        if said.references
        else "</article>\n"
    )


def on_paper(said: Said, language: Language) -> str:
    """What stands below the name of a message, for Qt's rich text and for a clipboard."""
    return "\n".join(pieces_on_paper(said, language))


def pieces_on_paper(said: Said, language: Language) -> Iterator[str]:
    """`on_paper`, a few blocks at a time, each by itself HTML."""
    if said.thinking:
        yield f'<blockquote style="color:#55656a"><p><b>{words.THINKING.to(language)}</b></p></blockquote>'
        for piece in _pieces(said.thinking):
            yield f'<blockquote style="color:#55656a">{piece}</blockquote>'
    if said.as_written:
        lines = said.text.splitlines(keepends=True) or [""]
        for some in _grouped(lines, len):
            yield f'<p style="white-space:pre-wrap">{text_of("".join(some).removesuffix(chr(10)))}</p>'
    else:
        yield from _pieces(said.text)
    if said.remark:
        yield f'<p style="color:#55656a"><i>{text_of(said.remark)}</i></p>'
    if said.references:
        yield f"<p><b>{words.REFERENCES.to(language)}</b></p>{_listed(said.references)}"


def _pieces(text: str) -> Iterator[str]:
    """Markdown on paper, cut between blocks that stand in no other."""
    outer: list[list[Token]] = []
    for token in parse(text):
        if token.level == 0 and token.nesting >= 0:
            outer.append([])
        outer[-1].append(token)
    for some in _grouped(outer, lambda block: sum(len(token.content) for token in block)):
        yield _rendered([token for block in some for token in block], "paper")


def _grouped(parts: Sequence[_T], length: Callable[[_T], int]) -> Iterator[list[_T]]:
    some: list[_T] = []
    room = _AT_ONCE
    for one in parts:
        some.append(one)
        room -= length(one)
        if room <= 0:
            yield some
            some, room = [], _AT_ONCE
    if some:
        yield some


def _text(said: Said) -> str:
    return f'<div class="asked">{text_of(said.text)}</div>\n' if said.as_written else written(said.text)


def _listed(references: Sequence[str]) -> str:
    return "".join(f"<p>{text_of(one)}</p>" for one in references)


def text_of(text: str) -> str:
    return escape(sound(text), quote=False)


def written(text: str, look: Look = "page") -> str:
    """Markdown as HTML without a link that does anything but open a page, without pictures, and without HTML of its
    own."""
    return _rendered(parse(text), look)


def _rendered(tokens: "list[Token]", look: Look) -> str:
    for token in tokens:
        _make_safe(token.children or ())
    return str(_renderer(look).render(tokens, parser().options, {}))


def _make_safe(tokens: "Sequence[Token]") -> None:
    unsafe = False
    for token in tokens:
        if token.type == "link_open":
            unsafe = not safe_link(str(token.attrGet("href") or ""))
        if token.type in ("link_open", "link_close") and unsafe:
            token.tag, token.attrs = "span", {}


@lru_cache(maxsize=2)
def _renderer(look: Look) -> "RendererHTML":
    from markdown_it.renderer import RendererHTML

    renderer = RendererHTML()
    rules: dict[str, Any] = {
        "fence": lambda tokens, place, *_: _code(tokens[place], look),
        "code_block": lambda tokens, place, *_: _code(tokens[place], look),
        "image": lambda tokens, place, *_: _picture(tokens[place]),
        INLINE: lambda tokens, place, *_: _formula(tokens[place], look),
        BLOCK: lambda tokens, place, *_: f"<p>{_formula(tokens[place], look)}</p>\n",
        OPEN: lambda tokens, place, *_: f"<p>{_formula(tokens[place], look)}</p>\n",
        "table_open": lambda *_: _TABLE[look][0],
        "table_close": lambda *_: _TABLE[look][1],
    }
    renderer.rules.update(rules)
    return renderer


_TABLE = {
    "page": ('<div class="wide"><table>\n', "</table></div>\n"),
    "paper": (
        '<table border="1" cellspacing="0" cellpadding="5" '
        'style="border-collapse:collapse;border-style:solid;border-color:#c3ced2">\n',
        "</table>\n",
    ),
}


def _code(token: "Token", look: Look) -> str:
    pieces = []
    for piece, tone in coloured(language_of(token.info), token.content.removesuffix("\n")):
        colour = f"var(--{tone})" if look == "page" else _LIGHT.get(tone, "")
        pieces.append(f'<span style="color:{colour}">{text_of(piece)}</span>' if tone else text_of(piece))
    if look == "paper":
        return f'<pre style="background-color:#f3f6f7;white-space:pre-wrap">{"".join(pieces)}</pre>\n'
    return f"<pre><code>{''.join(pieces)}</code></pre>\n"


def _picture(token: "Token") -> str:
    """Never fetched: its words, as a link to it."""
    address = str(token.attrGet("src") or "")
    said = text_of(token.content or address)
    return f'<a href="{escape(address)}" rel="noreferrer">{said}</a>' if safe_link(address) else said


def _formula(token: "Token", look: Look) -> str:
    set_ = mathml(token.content, block=not is_inline(token)) if look == "page" and token.type != OPEN else ""
    if set_:
        return set_
    mono = "" if look == "page" else ' style="font-family:monospace"'
    return f'<span class="tex"{mono}>{text_of(formula_text(token))}</span>'
