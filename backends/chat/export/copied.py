"""One message for the clipboard: as Markdown, as plain text, or as HTML for who takes it. Formulas keep their LaTeX."""

from dataclasses import dataclass
from typing import Literal

from backends.chat import formula_rules
from backends.chat.export import words
from backends.chat.export.html import beginning, on_paper, text_of
from backends.chat.export.parsed import closed, formula_text, parse
from backends.chat.export.types import Manner, Told
from backends.governance import labels

As = Literal["markdown", "text", "rich"]


@dataclass(frozen=True, slots=True)
class Copied:
    """`html` is "" but for "rich"."""

    text: str
    html: str = ""


def copied(told: Told, manner: Manner, how: As) -> Copied:
    """Without what was thought. With its references, and the label below what a model wrote."""
    said = words.said(told, 0, 0, manner)
    language = manner.language
    text = said.text if how == "markdown" or said.as_written else plain(said.text)
    if how == "markdown" and not said.as_written and (said.references or said.label):
        text = closed(text)
    parts = [text.strip("\n")]
    if said.references:
        listed = "\n".join(said.references)
        parts.append(_bold_list(said, manner) if how == "markdown" else f"{words.REFERENCES.to(language)}\n\n{listed}")
    if said.label:
        parts.append(f"*{said.label}*" if how == "markdown" else said.label)
    if how != "rich":
        return Copied("\n\n".join(parts))
    made = labels.label(told.message.model) if said.label else None
    below = f'<p style="color:#55656a">{text_of(said.label)}</p>' if said.label else ""
    page = beginning("", language, made) + on_paper(words.without_thinking(said), language) + below + "</body></html>"
    return Copied("\n\n".join(parts), page)


def _bold_list(said: words.Said, manner: Manner) -> str:
    listed = "\n".join(f"- {one}" for one in said.references)
    return f"**{words.REFERENCES.to(manner.language)}**\n\n{listed}"


def plain(text: str) -> str:
    """Markdown without its marks: lists keep theirs, a table its cells between tabs, a link its address."""
    lines: list[str] = []
    lists: list[int | None] = []  # the next number, None: bullets
    marker, row = "", None
    for token in parse(text):
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                if not lists:
                    lines.append("")
            case "list_item_open":
                number = lists[-1]
                marker = "• " if number is None else f"{number}. "
                lists[-1] = None if number is None else number + 1
            case "tr_open":
                row = []
            case "tr_close":
                lines.append("\t".join(row or ()))
                row = None
            case "table_close" | "heading_close":
                lines.append("")
            case "paragraph_close" if not lists:
                lines.append("")
            case "inline" if row is not None:
                row.append(_line(token.children or ()))
            case "inline":
                lines.append(_indented(_line(token.children or ()), len(lists), marker))
                marker = ""
            case "fence" | "code_block":
                lines += [_indented(token.content.rstrip("\n"), len(lists), marker), ""]
                marker = ""
            case formula_rules.BLOCK | formula_rules.OPEN:
                lines += [formula_text(token), ""]
    return "\n".join(lines).strip("\n")


def _indented(text: str, depth: int, marker: str) -> str:
    before = "  " * max(0, depth - 1)
    further = before + ("  " if depth else "")
    first = before + marker if marker else further
    return first + text.replace("\n", "\n" + further)


def _line(tokens: "object") -> str:
    pieces: list[str] = []
    address, begin = "", 0
    for token in tokens:  # type: ignore[attr-defined]
        match token.type:
            case "softbreak" | "hardbreak":
                pieces.append(" " if token.type == "softbreak" else "\n")
            case formula_rules.INLINE:
                pieces.append(formula_text(token))
            case "link_open":
                address = str(token.attrGet("href") or "")
                begin = len(pieces)
            case "link_close":
                if "".join(pieces[begin:]) != address:
                    pieces.append(f" ({address})")
            case _:
                pieces.append(token.content)
    return "".join(pieces)
