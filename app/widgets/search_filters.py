"""What narrows a search: a collection, a kind of document, a time; and the chips that the question itself brought."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QWidget

from app import figures, icons, parts
from app.language import Retranslated
from app.theme import SPACE
from app.viewing import Asked
from backends.documents.types import Chip, Collection


class SearchFilters(Retranslated, QWidget):
    """`changed` when a person has chosen; `put_into` says what."""

    changed = Signal()
    chip_removed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._collections: tuple[Collection, ...] = ()
        self._chips: tuple[Chip, ...] = ()
        self._chosen: int | None = None
        self._collection, self._kind, self._period = QComboBox(), QComboBox(), QComboBox()
        for box in (self._collection, self._kind, self._period):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            box.setMinimumContentsLength(8)
            box.activated.connect(self._on_activated)
        self._collection.setMaximumWidth(240)
        self._row = parts.row(space=SPACE.xs)
        self._chip_row = QWidget()
        self._chip_row.setLayout(self._row)
        boxes = parts.row(self._collection, self._kind, self._period, None)
        self.setLayout(parts.column(boxes, self._chip_row, space=SPACE.s))
        self.retranslate()

    def retranslate(self) -> None:
        self._collection.setAccessibleName(self.tr("Collection"))
        self._kind.setAccessibleName(self.tr("Kind of document"))
        self._period.setAccessibleName(self.tr("Date"))
        kinds = (
            ("", self.tr("Every kind")),
            ("pdf", "PDF"),
            ("text", self.tr("Texts")),
            ("slides", self.tr("Slides")),
            ("tables", self.tr("Tables")),
            ("mail", self.tr("E-mail")),
            ("web", self.tr("Web pages and books")),
            ("code", self.tr("Code")),
        )
        periods = (
            ("", self.tr("Any date")),
            ("month", self.tr("Last 30 days")),
            ("year", self.tr("Last 12 months")),
            ("older", self.tr("Older than a year")),
        )
        self._fill(self._kind, kinds)
        self._fill(self._period, periods)
        self._draw_collections()
        self._draw_chips()

    def put_into(self, text: str, without: frozenset[str]) -> Asked:
        return Asked(text, self._chosen, self._kind.currentData(), self._period.currentData(), without)

    def clear(self) -> None:
        self._chosen = None
        for box in (self._collection, self._kind, self._period):
            box.setCurrentIndex(0)

    def show_collections(self, collections: Sequence[Collection]) -> None:
        if tuple(collections) != self._collections:
            self._collections = tuple(collections)
            if self._chosen is not None and all(one.id != self._chosen for one in collections):
                self._chosen = None
            self._draw_collections()

    def show_chips(self, chips: Sequence[Chip]) -> None:
        if tuple(chips) != self._chips:
            self._chips = tuple(chips)
            self._draw_chips()

    def _draw_collections(self) -> None:
        rows = [(None, self.tr("All documents")), *((one.id, one.name) for one in self._collections)]
        self._fill(self._collection, rows)
        with QSignalBlocker(self._collection):
            ids = [id for id, _ in rows]
            self._collection.setCurrentIndex(ids.index(self._chosen) if self._chosen in ids else 0)
        self._collection.setVisible(len(self._collections) > 1)

    def _draw_chips(self) -> None:
        parts.clear(self._row)
        self._chip_row.setVisible(bool(self._chips))
        if not self._chips:
            return
        only = parts.label(self.tr("Only:"), role="caption", tone="muted")
        self._row.addWidget(only)
        for chip in self._chips:
            several = self.tr("%1 (%2 documents)").replace("%2", figures.number(chip.documents))
            words = self.tr("%1 (1 document)") if chip.documents == 1 else several
            button = parts.button(words.replace("%1", chip.words), kind="scope")
            button.setIcon(icons.icon("x", "accent"))
            button.setToolTip(parts.tip(self.tr("Search in the others, too")))
            button.setAccessibleName(self.tr("No longer only %1").replace("%1", chip.words))
            button.clicked.connect(lambda _=False, key=chip.key: self.chip_removed.emit(key))
            self._row.addWidget(button)
        self._row.addStretch(1)

    @staticmethod
    def _fill(box: QComboBox, rows: Sequence[tuple[object, str]]) -> None:
        with QSignalBlocker(box):
            chosen = max(0, box.currentIndex())
            box.clear()
            for data, words in rows:
                box.addItem(words, data)
            box.setCurrentIndex(chosen if chosen < len(rows) else 0)

    @Slot()
    def _on_activated(self) -> None:
        self._chosen = self._collection.currentData()
        self.changed.emit()
