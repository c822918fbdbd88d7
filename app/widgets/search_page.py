"""Searching the documents: exact passages as one types, the page beside them. Works without any model."""

from collections.abc import Sequence

from PySide6.QtCore import QLocale, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QFrame, QSplitter, QStackedLayout, QWidget

from app import figures, parts
from app.language import Retranslated, say
from app.lists.hits import HitList
from app.theme import SPACE, px
from app.viewing import Asked, Search
from app.widgets.filter_box import FilterBox
from app.widgets.hit_rows import HitView
from app.widgets.search_filters import SearchFilters
from app.widgets.viewer import Viewer
from app.widgets.working import WorkingRow
from backends.documents.types import Hit

PREVIEW_FITS = 900  # narrower, a passage is opened to be seen on its page
SETTLED_MS = 160  # after the last key
LOOKED_AT_MS = 120  # before the page of a passage is drawn


class SearchPage(Retranslated, QFrame):
    """Draws a `Search`; asks for what is typed and pressed."""

    search_requested = Signal(object)  # Asked
    preview_requested = Signal(object)  # Hit
    open_requested = Signal(object)  # Hit
    documents_requested = Signal()

    def __init__(self, hits: HitList) -> None:
        super().__init__()
        self.setProperty("surface", "page")
        self._hits = hits
        self._search = Search()
        self._asked = Asked()
        self._fits: bool | None = None
        self.box = FilterBox()
        self.filters = SearchFilters()
        self._status = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._waiting = parts.label(role="caption", tone="warning", wrap=True)
        self._translated = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self.view = HitView(hits)
        self._message = parts.label(role="heading", wrap=True)
        self._hint = parts.label(tone="muted", wrap=True, select=True)
        self._add = parts.button(kind="primary", icon="plus")
        self._widen = parts.button(kind="secondary")
        self._again = parts.button(kind="secondary", icon="rotate-cw")
        self._working = WorkingRow()
        self.preview = Viewer(beside=True)
        self._settled, self._looked_at = QTimer(self), QTimer(self)
        for timer, pause in ((self._settled, SETTLED_MS), (self._looked_at, LOOKED_AT_MS)):
            timer.setSingleShot(True)
            timer.setInterval(pause)
        self._build()
        self._connect()
        self.setFocusProxy(self.box)
        self.retranslate()

    def _build(self) -> None:
        for label in (self._message, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        said = parts.column(self._status, self._translated, self._waiting, space=2)
        upper = parts.column(
            self.box, self.filters, said, space=SPACE.s, margin=(SPACE.xl, SPACE.xl, SPACE.xl, SPACE.s)
        )
        buttons = parts.row(None, self._add, self._widen, self._again, None)
        inside = parts.column(self._message, self._hint, SPACE.xs, buttons, self._working, space=SPACE.s)
        nothing = QWidget()
        whole = parts.column(space=0, margin=(SPACE.xl, 0, SPACE.xl, 0))
        whole.addStretch(2)
        whole.addLayout(inside)
        whole.addStretch(3)
        nothing.setLayout(whole)
        self._nothing = nothing
        middle = QWidget()
        self._middle = QStackedLayout(middle)
        self._middle.addWidget(nothing)
        self._middle.addWidget(self.view)
        rows = parts.column(middle, margin=(SPACE.m, 0, 0, SPACE.s))
        left = QWidget()
        column = parts.column(upper, rows, space=0)
        column.setStretch(1, 1)
        left.setLayout(column)
        left.setMinimumWidth(320)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self.preview)
        self.splitter.setSizes([520, 560])
        self.splitter.setStretchFactor(1, 1)
        self.setLayout(parts.column(self.splitter, space=0))

    def _connect(self) -> None:
        self.box.textEdited.connect(self._on_edited)
        self.box.textChanged.connect(self._on_text_changed)
        self.box.returnPressed.connect(self._on_return)
        self.box.down_pressed.connect(self._on_down)
        self._settled.timeout.connect(self._ask)
        self._looked_at.timeout.connect(self._on_looked_at)
        self.filters.changed.connect(self._ask)
        self.filters.chip_removed.connect(self._on_chip_removed)
        self.view.chosen.connect(lambda _: self._looked_at.start())
        self.view.opened.connect(self.open_requested)
        self.view.left_upwards.connect(lambda: self.box.setFocus(Qt.FocusReason.BacktabFocusReason))
        self._add.clicked.connect(self.documents_requested)
        self._widen.clicked.connect(self._on_widen)
        self._again.clicked.connect(self._ask)

    def retranslate(self) -> None:
        self.box.name(self.tr("Search in the documents"))
        self.view.setAccessibleName(self.tr("Passages that were found"))
        self._add.setText(self.tr("Add documents"))
        self._widen.setText(self.tr("Search everywhere"))
        self._again.setText(self.tr("Try again"))
        self._hits.retranslate()
        self._draw()

    # ---- what is shown

    def show_search(self, search: Search) -> None:
        if search == self._search:
            return
        renewed = search.state == self._search.state == "found" and search.asked == self._search.asked
        self._search = search
        hits = search.found.hits if search.found else ()
        if renewed:
            self._renew(hits)
        else:
            kept = self.view.hit
            if self._hits.show(hits):
                self._choose(kept)
        self._draw()

    def _choose(self, kept: Hit | None) -> None:
        """The one that was chosen stays so if it is still there; else the best one."""
        place = self._hits.place_of(kept.passage.id) if kept is not None else None
        if self._hits.hits:
            self.view.setCurrentIndex(self._hits.index(place or 0))

    def _renew(self, hits: Sequence[Hit]) -> None:
        """The same was asked again, because documents have come or gone: nobody loses the place they read at."""
        kept, looking, place = self.view.hit, self._looked_at.isActive(), self.view.place
        if self._hits.show(hits):
            self._choose(kept)
            self.view.go_back(place)
            if not looking and kept is not None and self.view.hit is not None and kept.passage == self.view.hit.passage:
                self._looked_at.stop()

    def _draw(self) -> None:
        search, found = self._search, self._search.found
        self.filters.show_collections(search.collections)
        self.filters.show_chips(found.chips if found else ())
        self.filters.setVisible(search.documents > 0)
        self._status.setText(self._sentence())
        self._status.setVisible(bool(self._status.text()))
        translated = found.translated if found else ""
        self._translated.setText(self.tr("Also searched for: %1").replace("%1", translated))
        self._translated.setVisible(bool(translated))
        still = self.tr("%1 documents are still being read. What they say appears here by itself.")
        one = self.tr("1 document is still being read. What it says appears here by itself.")
        waiting = search.waiting
        self._waiting.setText(one if waiting == 1 else still.replace("%1", QLocale().toString(waiting)))
        self._waiting.setVisible(waiting > 0)
        rows = bool(self._hits.hits)
        self._middle.setCurrentWidget(self.view if rows else self._nothing)
        self.view.setFocusPolicy(Qt.FocusPolicy.StrongFocus if rows else Qt.FocusPolicy.NoFocus)
        self.preview.setVisible(bool(self._fits) and rows)
        self._draw_nothing()

    def _sentence(self) -> str:
        search, found = self._search, self._search.found
        if found is None or not found.hits:
            return ""
        many = self.tr("%1 passages from %2 documents")
        if len(found.hits) == 1:
            many = self.tr("1 passage from %2 documents")
        if found.searched == 1:
            many = (
                self.tr("1 passage from 1 document") if len(found.hits) == 1 else self.tr("%1 passages from 1 document")
            )
        count, searched = QLocale().toString(len(found.hits)), QLocale().toString(found.searched)
        going_on = search.state == "searching" or not found.final
        return figures.line(
            many.replace("%1", count).replace("%2", searched),
            figures.moment(found.seconds) if found.seconds and not going_on else "",
            self.tr("looking further…") if going_on else "",
            "" if found.enough or going_on else self.tr("none of them may be what you look for"),
        )

    def _draw_nothing(self) -> None:
        search = self._search
        message, hint = self._words()
        self._message.setText(message)
        self._hint.setText(hint)
        self._message.setVisible(bool(message))
        self._hint.setVisible(bool(hint))
        parts.set_look(self._message, tone="danger" if search.state == "failed" else "")
        self._add.setVisible(search.state == "idle" and not search.documents and not search.waiting)
        self._widen.setVisible(search.state == "found" and (search.asked.narrowed or bool(search.asked.without)))
        self._again.setVisible(search.state == "failed")
        self._working.setVisible(search.state == "searching")
        if search.state == "searching":
            self._working.show_work(self.tr("Searching"))

    def _words(self) -> tuple[str, str]:
        search = self._search
        documents = QLocale().toString(search.documents)
        match search.state:
            case "idle" if not search.documents and not search.waiting:
                return (
                    self.tr("There is nothing to search yet"),
                    self.tr("Drop documents on the window, or add them. Searching needs no model."),
                )
            case "idle":
                several = self.tr("Search in %1 documents").replace("%1", documents)
                return (
                    self.tr("Search in 1 document") if search.documents == 1 else several,
                    self.tr("A few words, a number or a whole question. What is found stands on its page beside it."),
                )
            case "failed":
                return say(search.message), say(search.hint)
            case "found":
                searched = search.found.searched if search.found else search.documents
                nothing = self.tr("Nothing found in %1 documents").replace("%1", QLocale().toString(searched))
                one = self.tr("Nothing found in 1 document")
                return (one if searched == 1 else nothing, self.tr("Try other or fewer words."))
        return "", ""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        fits = self.width() >= px(PREVIEW_FITS)
        if fits != self._fits:
            self._fits = fits
            self._draw()
            if fits:
                self._looked_at.start()

    @property
    def previews(self) -> bool:
        return bool(self._fits)

    # ---- what a person does

    def ask_for(self, text: str) -> None:
        """Search for this, as if it had been typed."""
        self.box.setText(text)
        self._ask()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Find):
            self.box.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.box.selectAll()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _on_edited(self) -> None:
        self._asked = Asked()  # chips belong to a question
        self._settled.start()

    @Slot(str)
    def _on_text_changed(self, text: str) -> None:
        if not text:
            self._ask()

    @Slot()
    def _on_return(self) -> None:
        if self.box.composing:
            return
        if self._settled.isActive() or self._search.asked.text != self.box.text().strip():
            self._ask()
        elif (hit := self.view.hit) is not None:
            self.open_requested.emit(hit)

    @Slot()
    def _ask(self) -> None:
        self._settled.stop()
        self._asked = self.filters.put_into(self.box.text().strip(), self._asked.without)
        self.search_requested.emit(self._asked)

    @Slot(str)
    def _on_chip_removed(self, key: str) -> None:
        self._asked = Asked(without=self._asked.without | {key})
        self._ask()

    @Slot()
    def _on_widen(self) -> None:
        self.filters.clear()
        self._asked = Asked()
        self._ask()

    @Slot()
    def _on_down(self) -> None:
        if self._hits.hits:
            self.view.setFocus(Qt.FocusReason.TabFocusReason)
            if not self.view.currentIndex().isValid():
                self.view.setCurrentIndex(self._hits.index(0))

    @Slot()
    def _on_looked_at(self) -> None:
        if self._fits and self.isVisible() and (hit := self.view.hit) is not None:
            self.preview_requested.emit(hit)
