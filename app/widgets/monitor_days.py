"""What each model did, day by day, as a table."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QSizePolicy, QTableView

from app import parts
from app.language import Retranslated
from app.lists.days import COLUMNS, LESS_NEEDED, DayList
from app.theme import SPACE, px
from app.widgets.confirm import Confirm
from backends.monitor.types import Day

FEW = 14  # rows that stand there before somebody asks for more


class DayTable(QTableView):
    """As high as its rows: the page scrolls. Columns that find no room go, those least needed first."""

    def __init__(self, days: DayList) -> None:
        super().__init__()
        self.setModel(days)
        self.setProperty("kind", "figures")
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(px(32))
        self.horizontalHeader().setSectionsClickable(False)
        self.horizontalHeader().setHighlightSections(False)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        days.modelReset.connect(self.fit)

    def fit(self) -> None:
        """Columns and height for the room there is."""
        header = self.horizontalHeader()
        model = COLUMNS.index("model")
        for column in range(len(COLUMNS)):
            self.setColumnHidden(column, False)
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        wanted = {
            name: max(header.sectionSizeHint(n), self.sizeHintForColumn(n)) + SPACE.s for n, name in enumerate(COLUMNS)
        }
        wanted["model"] = min(wanted["model"], px(140))
        for name in LESS_NEEDED:
            if sum(wanted.values()) <= self.viewport().width():
                break
            wanted.pop(name)
            self.setColumnHidden(COLUMNS.index(name), True)
        header.setSectionResizeMode(model, QHeaderView.ResizeMode.Stretch)
        rows = sum(self.rowHeight(row) for row in range(self.model().rowCount()) if not self.isRowHidden(row))
        self.setFixedHeight(header.sizeHint().height() + rows + 2 * self.frameWidth() + SPACE.xs)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class DaysCard(Retranslated, QFrame):
    erase_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self.list = DayList()
        self._days: Sequence[Day] | None = ()
        self._known = False
        self._all = False
        self._title = parts.label(role="strong")
        self._none = parts.label(role="caption", tone="muted", wrap=True)
        self.table = DayTable(self.list)
        self.more = parts.button(kind="link")
        self.more.clicked.connect(self._on_more)
        self.erase = parts.button(kind="quiet", icon="trash-2")
        self.erase.clicked.connect(self._on_erase)
        self._confirm = Confirm()
        self._confirm.confirmed.connect(self.erase_requested)
        column = parts.column(self._title, self._none, self.table, self._confirm, space=SPACE.s, margin=SPACE.l)
        column.addLayout(parts.row(self.more, None, self.erase))
        self.setLayout(column)
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("By day and model"))
        self.table.setAccessibleName(self._title.text())
        self.erase.setText(self.tr("Erase what was recorded"))
        self.list.retranslate()
        self._draw()

    def show_days(self, days: Sequence[Day] | None) -> None:
        """None: not read yet."""
        if days is self._days:
            return
        self._days = days
        self._known = days is not None
        self.list.show(days or ())
        self._draw()

    def _on_more(self) -> None:
        self._all = True
        self._draw()

    def _on_erase(self) -> None:
        said = self.tr("All that was counted and recorded is erased: this table, and the plots with their past.")
        self._confirm.ask(said, self.tr("Erase"))

    def _draw(self) -> None:
        count = self.list.rowCount()
        none = self.tr("Answers are counted here, once a model has given some.")
        self._none.setText(none if self._known else self.tr("Reading…"))
        self._none.setVisible(not count)
        self.table.setVisible(bool(count))
        for row in range(count):
            self.table.setRowHidden(row, row >= FEW and not self._all)
        self.more.setVisible(count > FEW and not self._all)
        self.more.setText(self.tr("Show %1 older").replace("%1", str(count - FEW)))
        self.table.fit()
