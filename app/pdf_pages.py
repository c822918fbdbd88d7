"""Where a text that is set may be cut, so that it goes on on another page."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtGui import QTextBlock, QTextDocument, QTextTable

_UNDIVIDED = 6  # lines of a paragraph that stays on one page
Place = tuple[float, float]  # top and bottom


def undivided(document: QTextDocument) -> list[Place]:
    """Every line, short paragraphs and the rows of tables."""
    layout = document.documentLayout()
    found: list[Place] = []
    tables: dict[int, dict[int, Place]] = {}
    block = document.begin()
    while block.isValid():
        top, own = layout.blockBoundingRect(block).top(), block.layout()
        bottom = top + own.boundingRect().height()
        if 1 < own.lineCount() <= _UNDIVIDED:
            found.append((top, bottom))
        for line in map(own.lineAt, range(own.lineCount())):
            found.append((top + line.y(), top + line.y() + line.height()))
        if (table := _table(document, block)) is not None:
            rows = tables.setdefault(table.firstPosition(), {})
            row = table.cellAt(block.position()).row()
            first, last = rows.get(row, (top, bottom))
            rows[row] = min(first, top), max(last, bottom)
        block = block.next()
    return found + [place for rows in tables.values() for place in _with_borders(list(rows.values()))]


def _with_borders(rows: Sequence[Place]) -> list[Place]:
    """Up to the middle between the text of two rows."""
    between = [(above[1] + below[0]) / 2 for above, below in pairwise(rows)]
    return list(zip([rows[0][0], *between], [*between, rows[-1][1]], strict=True))


def _table(document: QTextDocument, block: QTextBlock) -> QTextTable | None:
    frame = document.frameAt(block.position())
    return frame if isinstance(frame, QTextTable) else None


def begun_before(document: QTextDocument, place: float) -> QTextBlock | None:
    """The paragraph, in no table, that has lines above `place` and below."""
    layout = document.documentLayout()
    block = document.begin()
    while block.isValid():
        rect = layout.blockBoundingRect(block)
        if rect.top() < place - 0.5 and rect.bottom() > place + 0.5 and _table(document, block) is None:
            return block
        block = block.next()
    return None


class Cuts:
    """Of a text of this height, in which these places must not be cut in two unless a page is shorter."""

    def __init__(self, places: Sequence[Place], height: float) -> None:
        self._height = height
        self._places = sorted(places)
        self._tops = [top for top, _ in self._places]

    def last(self, start: float, limit: float) -> float:
        """The last one up to `limit`; `start` if there is none."""
        if limit >= self._height:
            return self._height
        end = limit
        while True:
            reach = bisect_left(self._tops, end - 0.5)
            first = bisect_left(self._tops, start - 0.5)
            higher = min((top for top, bottom in self._places[first:reach] if bottom > end + 0.5), default=end)
            if higher >= end:
                return end
            if higher <= start:
                return start
            end = higher
