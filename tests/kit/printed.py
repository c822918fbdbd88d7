"""PDF files of known text, printed by Qt (any script, embedded fonts); locked by pypdf."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMarginsF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QFont,
    QPageSize,
    QPainter,
    QPalette,
    QPdfWriter,
    QTextDocument,
)

FILLER = (
    "The ground under a small building keeps ten degrees all the year round. Pipes of one metre depth take little of "
    "it in summer and give it back in winter; how much depends on the soil, on its water, and on the length of the "
    "pipes. A test of three days is cheaper than a year of regret.\n"
)
FILLER_ZH = (
    "小型建筑下方的土壤全年保持在十度左右。埋深一米的管道夏季吸热很少，冬季则把热量送回；"
    "多少取决于土质、含水量以及管道长度。三天的测试比一年的后悔便宜得多。\n"
)
LAST = "A pump that is too large starts and stops all day."
LAST_ZH = "功率过大的热泵会整天启停。"


def handbook(*, zh: bool, passage: str) -> list[str]:
    """Three pages; the passage stands on the second one."""
    filler = FILLER_ZH if zh else FILLER
    title = "小型建筑热泵技术手册" if zh else "Handbook of Heat Pumps for Small Buildings"
    heading = "3.2 性能系数" if zh else "3.2 Coefficient of performance"
    last = LAST_ZH if zh else LAST
    return [
        f"{title}\n\n" + filler * 4,
        f"{heading}\n\n" + filler * 2 + f"\n{passage}\n\n" + filler * 3,
        f"{filler}{last}\n\n{filler}",
    ]


def write(path: Path, pages: Sequence[str], password: str = "") -> Path:
    """A page each, on A4. The text of a page must fit on it."""
    writer = QPdfWriter(str(path))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(20, 20, 20, 20))
    writer.setResolution(96)
    document = QTextDocument()
    font = QFont("DejaVu Sans")  # its digits keep their meaning
    font.setPixelSize(16)
    document.setDefaultFont(font)
    document.setTextWidth(writer.width())
    painter = QPainter(writer)
    for number, text in enumerate(pages):
        if number:
            writer.newPage()
        document.setPlainText(text)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(QPalette.ColorRole.Text, Qt.GlobalColor.black)  # type: ignore[attr-defined]
        document.documentLayout().draw(painter, context)
    painter.end()
    if password:
        _lock(path, password)
    return path


def _lock(path: Path, password: str) -> None:
    from pypdf import PdfReader, PdfWriter

    locked = PdfWriter(clone_from=PdfReader(path))
    locked.encrypt(password, algorithm="RC4-128")
    locked.write(path)
