"""What each model did, day by day, the newest first."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QDate,
    QDateTime,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    QTime,
)

from app import figures
from backends.monitor.types import Day

_ANY_INDEX = QModelIndex | QPersistentModelIndex
COLUMNS = ("day", "model", "answers", "written", "read", "decode", "prefill", "first", "busy", "energy")
LESS_NEEDED = ("prefill", "energy", "busy", "first", "read", "answers")  # which go first where there is no room
_NONE = "–"


class DayList(QAbstractTableModel):
    def __init__(self) -> None:
        super().__init__()
        self._days: tuple[Day, ...] = ()

    def show(self, days: Sequence[Day]) -> None:
        if tuple(days) != self._days:
            self.beginResetModel()
            self._days = tuple(days)
            self.endResetModel()

    def retranslate(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._days) if parent is None or not parent.isValid() else 0

    def columnCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(COLUMNS) if parent is None or not parent.isValid() else 0

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._days):
            return None
        day, column = self._days[index.row()], COLUMNS[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            words = said(day, column)
            return words if role == Qt.ItemDataRole.DisplayRole or column == "model" else told_of(day, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{heading(column)}: {said(day, column)}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Vertical or not 0 <= section < len(COLUMNS):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return heading(COLUMNS[section])
        return _side(COLUMNS[section]) if role == Qt.ItemDataRole.TextAlignmentRole else None


def heading(column: str) -> str:
    translate = QCoreApplication.translate
    words = {
        "day": translate("DayList", "Day"),
        "model": translate("DayList", "Model"),
        "answers": translate("DayList", "Answers"),
        "written": translate("DayList", "Tokens written"),
        "read": translate("DayList", "Tokens read"),
        "decode": translate("DayList", "Writing"),
        "prefill": translate("DayList", "Reading"),
        "first": translate("DayList", "First token"),
        "busy": translate("DayList", "Busy"),
        "energy": translate("DayList", "Energy"),
    }
    return words[column]


def said(day: Day, column: str) -> str:
    """A cell; a dash where nothing was measured."""
    if column == "day":
        return _date(day.day)
    words: dict[str, str | None] = {
        "model": day.model,
        "answers": figures.number(day.answers),
        "written": figures.count(day.generated_tokens),
        "read": figures.count(day.prompt_tokens + day.cached_tokens),
        "decode": None if day.decode is None else figures.rate(day.decode),
        "prefill": None if day.prefill is None else figures.rate(day.prefill),
        "first": None if day.first_token is None else figures.moment(day.first_token),
        "busy": figures.duration(day.busy),
        "energy": None if day.energy is None else f"{figures.decimal(day.energy, 0 if day.energy >= 10 else 1)} Wh",
    }
    return words[column] or _NONE


def told_of(day: Day, column: str) -> str:
    """More of a cell: exact counts."""
    if column == "written":
        return figures.number(day.generated_tokens)
    if column == "read":
        words = QCoreApplication.translate("DayList", "%1, of them %2 known from before")
        whole = day.prompt_tokens + day.cached_tokens
        return words.replace("%1", figures.number(whole)).replace("%2", figures.number(day.cached_tokens))
    return ""


def _side(column: str) -> Qt.AlignmentFlag:
    across = Qt.AlignmentFlag.AlignLeft if column in ("day", "model") else Qt.AlignmentFlag.AlignRight
    return across | Qt.AlignmentFlag.AlignVCenter


def _date(day: str) -> str:
    """2026-11-22, as the language writes it."""
    date = QDate.fromString(day, Qt.DateFormat.ISODate)
    if not date.isValid():
        return day
    return figures.day(QDateTime(date, QTime(12, 0)).toSecsSinceEpoch())
