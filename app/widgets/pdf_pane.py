"""Pages of a PDF, one below the other, with a passage lit. The only user of QtPdf; imported when a PDF is first shown.

Where pages lie is worked out as QPdfView itself does it (zoom factor x screen resolution, pages centred, the widest
decides): it does not tell. A test compares what is drawn with what is lit.
"""

from bisect import bisect_right
from typing import Literal

from PySide6.QtCore import QEvent, QMargins, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtPdf import QPdfDocument
from PySide6.QtPdfWidgets import QPdfView
from PySide6.QtWidgets import QFrame, QWidget
from shiboken6 import isValid

from app import theme
from app.lit import lines, place_in
from app.theme import SPACE

Opened = Literal["open", "locked", "broken"]
LEAST, MOST = 0.2, 6.0  # zoom
STEP = 1.2
READABLE = 1.25  # zoom at which one begins, where there is room for more
_SHIFT = 24  # characters that two counts of a page's text may differ by


class PdfPane(QPdfView):
    page_changed = Signal(int)  # from 1
    zoom_changed = Signal(float)

    def __init__(self, pdf: QPdfDocument, parent: QWidget) -> None:
        """Use `in_widget`."""
        super().__init__(parent)
        self._pdf = pdf
        self.setDocument(pdf)
        self._path = ""
        self._boxes: dict[int, list[QRectF]] = {}  # page from 0: boxes in points
        self._tops: list[int] = []
        self._sizes: list[tuple[int, int]] = []
        self._widest = 0
        self._fit = True
        self._begun = True  # nobody has asked for a size yet
        self._target: tuple[int, float] | None = None  # page from 0, points from its top: where to stand
        self._page = 0
        self.setPageMode(QPdfView.PageMode.MultiPage)
        self.setZoomMode(QPdfView.ZoomMode.Custom)
        self.setDocumentMargins(QMargins(SPACE.m, SPACE.m, SPACE.m, SPACE.m))
        self.setPageSpacing(SPACE.m)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._recolour()
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    @classmethod
    def in_widget(cls, parent: QWidget) -> "PdfPane":
        """The document is the parent's and older than the pane, so that it goes before it: a view that takes its own
        document along scrolls once more while it is being destroyed, and that ends the process."""
        return cls(QPdfDocument(parent), parent)

    # ---- opening

    def open(self, path: str, password: str = "") -> Opened:
        """Take this file, if it is not the one that is open. Milliseconds: pages are drawn when they are seen."""
        if path == self._path and self._pdf.status() is QPdfDocument.Status.Ready:
            return "open"
        self.close_file()
        self._pdf.setPassword(password)
        error = self._pdf.load(path)
        if error is QPdfDocument.Error.IncorrectPassword:
            return "locked"
        if error is not QPdfDocument.Error.None_ or not self._pdf.pageCount():
            return "broken"
        self._path = path
        self._fit = self._begun = True
        self._zoom_to(min(self._fitting(), READABLE))
        return "open"

    def close_file(self) -> None:
        """So that the file may be moved or deleted on Windows."""
        if self._path:
            self._pdf.close()
            self._path = ""
            self._boxes.clear()

    @property
    def pages(self) -> int:
        """0 also while the window is being taken down: views scroll once more when their document goes."""
        return self._pdf.pageCount() if isValid(self._pdf) else 0

    @property
    def page(self) -> int:
        """From 1: the one that most is seen of."""
        return self._page + 1

    @property
    def boxes(self) -> dict[int, list[QRectF]]:
        return self._boxes

    # ---- where to stand

    def show_page(self, page: int) -> None:
        """Page from 1, at its top."""
        self._stand(min(max(page, 1), max(self.pages, 1)) - 1, 0.0)

    def light(self, page: int, quote: str) -> bool:
        """Light `quote` on `page` (from 1) or one beside it, and stand there; else stand on the page. True if it is
        lit."""
        self._boxes.clear()
        found = False
        for near in (page - 1, page, page - 2) if quote else ():
            if 0 <= near < self.pages and (boxes := self._find(near, quote)):
                self._boxes[near] = boxes
                self._stand(near, boxes[0].top())
                found = True
                break
        if not found:
            self.show_page(page)
        self.viewport().update()
        return found

    def _find(self, page: int, quote: str) -> list[QRectF]:
        text = self._pdf.getAllText(page).text()
        place = place_in(quote, text)
        if place is None:
            return []
        start, length = place[0], place[1] - place[0]
        wanted = "".join(text[place[0] : place[1]].split())
        for shift in sorted(range(-_SHIFT, _SHIFT + 1), key=abs):  # both counts are the same but for rare characters
            if start + shift < 0:
                continue
            selection = self._pdf.getSelectionAtIndex(page, start + shift, length)
            if "".join(selection.text().split()) == wanted:
                break
        else:
            selection = self._pdf.getSelectionAtIndex(page, start, length)
        rects = [polygon.boundingRect() for polygon in selection.bounds()]
        return [QRectF(*box) for box in lines([(r.x(), r.y(), r.width(), r.height()) for r in rects])]

    def _stand(self, page: int, top: float) -> None:
        self._target = (page, top)
        self._go()

    def _go(self) -> None:
        if self._target is None or not self._tops:
            return
        page, top = self._target
        down = self._tops[page] + top * self._scale
        margin = self.viewport().height() * 0.3 if top else SPACE.m
        self.verticalScrollBar().setValue(round(down - margin))
        boxes = self._boxes.get(page)
        if boxes:
            across = self._left(page) + boxes[0].left() * self._scale
            self.horizontalScrollBar().setValue(round(across - SPACE.xl))
        self._note_page()

    # ---- how large

    @property
    def zoom(self) -> float:
        return self.zoomFactor()

    def zoom_by(self, factor: float) -> None:
        self._fit = False
        self._zoom_to(self.zoomFactor() * factor)

    def fit_width(self) -> None:
        self._fit, self._begun = True, False
        self._zoom_to(self._fitting())

    def _fitting(self) -> float:
        widest = max((self._pdf.pagePointSize(page).width() for page in range(min(self.pages, 50))), default=0.0)
        room = self.viewport().width() - 2 * SPACE.m
        return room / (widest * self._resolution) if widest > 0 else 1.0

    def _zoom_to(self, zoom: float) -> None:
        anchor = self._anchor()
        self.setZoomFactor(min(max(zoom, LEAST), MOST))
        self._measure()
        if self._target is not None:
            self._go()
        elif anchor is not None:
            page, part = anchor
            self.verticalScrollBar().setValue(round(self._tops[page] + part * self._sizes[page][1]))
        self.zoom_changed.emit(self.zoomFactor())

    def _anchor(self) -> tuple[int, float] | None:
        """What stands at the upper edge: a page, and how far down it is."""
        if not self._tops:
            return None
        value = self.verticalScrollBar().value()
        page = max(0, bisect_right(self._tops, value) - 1)
        return page, (value - self._tops[page]) / max(1, self._sizes[page][1])

    @property
    def _resolution(self) -> float:
        return QGuiApplication.primaryScreen().logicalDotsPerInch() / 72.0

    @property
    def _scale(self) -> float:
        """Pixels a point."""
        return self._resolution * self.zoomFactor()

    def _measure(self) -> None:
        """Sizes and tops of all pages at this zoom."""
        self._tops, self._sizes = [], []
        top = SPACE.m
        for page in range(self.pages):
            size = (self._pdf.pagePointSize(page) * self._scale).toSize()
            self._tops.append(top)
            self._sizes.append((size.width(), size.height()))
            top += size.height() + SPACE.m
        self._widest = max((width for width, _ in self._sizes), default=0) + 2 * SPACE.m

    def _left(self, page: int) -> int:
        return (max(self._widest, self.viewport().width()) - self._sizes[page][0]) // 2

    # ---- Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        painter.translate(-self.horizontalScrollBar().value(), -self.verticalScrollBar().value())
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Multiply)  # black letters stay black
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.LIGHT.lit))  # paper is white in both schemes
        for page, boxes in self._boxes.items():
            if page >= len(self._tops):
                continue
            for box in boxes:
                painter.drawRect(self.on_view(page, box).adjusted(-1, -1, 1, 1))
        painter.end()

    def on_view(self, page: int, box: QRectF) -> QRectF:
        """Points of a page (from 0) as pixels of all pages together."""
        scale = self._scale
        return QRectF(
            self._left(page) + box.left() * scale,
            self._tops[page] + box.top() * scale,
            box.width() * scale,
            box.height() * scale,
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fit and self.pages:
            self._zoom_to(min(self._fitting(), READABLE) if self._begun else self._fitting())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(STEP if event.angleDelta().y() > 0 else 1 / STEP)
            event.accept()
            return
        self._target = None
        super().wheelEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self._recolour()

    def _recolour(self) -> None:
        palette = self.palette()
        for role in (palette.ColorRole.Dark, palette.ColorRole.Window, palette.ColorRole.Base):
            palette.setColor(role, QColor(theme.tokens().sunken))
        if palette != self.palette():
            self.setPalette(palette)

    @Slot()
    def _on_scrolled(self) -> None:
        if not self.pages:
            return
        if self.verticalScrollBar().isSliderDown():
            self._target = None
        self._note_page()

    def _note_page(self) -> None:
        if not self._tops:
            return
        middle = self.verticalScrollBar().value() + self.viewport().height() // 3
        page = max(0, bisect_right(self._tops, middle) - 1)
        if page != self._page:
            self._page = page
            self.page_changed.emit(page + 1)
