"""What a text looks like before it is set: its words in about their places, painted in a fraction of the time. A reader
who turns pages faster than they can be set sees these for a frame or two, and no empty paper."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import ceil

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter

from app import theme
from app.markdown import Code, Formula, Paragraph, Table
from app.spans import Span
from app.theme import SPACE, px
from app.widgets import groups
from app.widgets.groups import Group
from app.widgets.prose import INDENT, LEADING, QUOTE

_SIGNS = re.compile(r"^[#>\s]+|[*`|$\\]+|^[-:\s|]+$")
_LONGEST = 300  # characters of a line that are painted
Line = tuple[float, float, str]  # left and baseline in pixels, and what stands there


def rows(text: str) -> list[str]:
    """A text that nobody has read yet, in the rows that `groups.guess_text` counts."""
    return [row for line in text.split("\n") for row in _cut(_SIGNS.sub("", line), groups.rows_of(line))]


def _cut(text: str, count: int) -> Iterator[str]:
    length = max(1, ceil(len(text) / count))
    return (text[n * length : (n + 1) * length] for n in range(count))


def paint_rows(painter: QPainter, text: Sequence[str], clip: QRectF) -> None:
    """What `rows` gave, from the top of the widget on."""
    height = px(groups.ROW)
    first, last = max(0, int(clip.top() / height)), ceil(clip.bottom() / height)
    seen = enumerate(islice(text, first, max(first, last)), first)
    _paint(painter, _font("body"), ((0.0, (n + 0.75) * height, row) for n, row in seen))


def paint_group(painter: QPainter, group: Group, place: QRectF, clip: QRectF) -> None:
    """A group that nobody has set yet, where it is going to stand."""
    painter.save()
    painter.setClipRect(place & clip)
    if isinstance(group, Code):
        painter.fillRect(place, QColor(theme.tokens().sunken))
        step = theme.current().type.sizes["mono"] * LEADING
        top = place.top() + (SPACE.m if group.part else px(36))
        lines = enumerate(group.text.split("\n"))
        drawn = ((place.left() + SPACE.m, top + (n + 0.75) * step, line) for n, line in lines)
        _paint(painter, _font("mono"), _seen(drawn, step, clip))
    elif isinstance(group, Table):
        step = place.height() / (1 + len(group.rows))
        column = place.width() / max(1, len(group.header))
        cells = ((n, m, _text(cell)) for n, row in enumerate((group.header, *group.rows)) for m, cell in enumerate(row))
        drawn = ((place.left() + m * column, place.top() + (n + 0.62) * step, text) for n, m, text in cells)
        _paint(painter, _font("body"), _seen(drawn, step, clip))
    elif isinstance(group, Formula):
        painter.setFont(_font("body"))
        painter.setPen(QColor(theme.tokens().text))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, group.source[:_LONGEST])
    else:
        step = theme.current().type.body * LEADING
        _paint(painter, _font("body"), _seen(_lines(group, place), step, clip))
    painter.restore()


def _lines(group: list[Paragraph], place: QRectF) -> Iterator[Line]:
    """Of paragraphs: in as many lines as were guessed for each, over the height that all of them have."""
    guessed = [groups.guess_paragraph(paragraph, int(place.width())) for paragraph in group]
    scale = place.height() / max(1, sum(guessed))
    y = place.top()
    for paragraph, height in zip(group, guessed, strict=True):
        count = max(1, round(height / (theme.current().type.body * LEADING)))
        left = place.left() + px(INDENT) * paragraph.indent + px(QUOTE) * paragraph.quote
        step = height * scale / count
        for n, row in enumerate(_cut(_text(paragraph.spans), count)):
            yield left, y + (n + 0.7) * step, row
        if paragraph.marker:
            yield left - px(INDENT), y + 0.7 * step, paragraph.marker
        y += height * scale


def _seen(lines: Iterable[Line], step: float, clip: QRectF) -> Iterator[Line]:
    return (line for line in lines if clip.top() - step < line[1] < clip.bottom() + step)


def _paint(painter: QPainter, font: QFont, lines: Iterable[Line]) -> None:
    painter.setFont(font)
    painter.setPen(QColor(theme.tokens().text))
    for left, baseline, text in lines:
        if text:
            painter.drawText(QPointF(left, baseline), text[:_LONGEST])


def _font(name: str) -> QFont:
    font = theme.current().type.font(name)
    if name == "body":
        font.setPixelSize(round(theme.current().type.body * 1.04))
    return font


def _text(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans)
