"""What has left this computer or was refused, the newest first, as far as it matches what somebody looks for."""

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app import api_words, figures, parts
from app.language import say
from backends.core import connection_words
from backends.core.connections import Connection

_ANY_INDEX = QModelIndex | QPersistentModelIndex


class ConnectionList(QAbstractListModel):
    """`total`: how many there are, shown or not. `drawn`: there may be others, or others may be shown."""

    drawn = Signal()

    class Role(IntEnum):
        CONNECTION = Qt.ItemDataRole.UserRole + 1

    def __init__(self) -> None:
        super().__init__()
        self._all: Sequence[Connection] = ()
        self._shown: list[Connection] = []
        self._text = ""
        self._refused = False

    # ---- what Qt asks

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._shown) if parent is None or not parent.isValid() else 0

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._shown):
            return None
        connection = self._shown[index.row()]
        if role == self.Role.CONNECTION:
            return connection
        if role == Qt.ItemDataRole.DisplayRole:
            return connection.host
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = (connection.host, say(connection_words.outcome(connection)), api_words.moment_of(connection.time))
            return ". ".join((*said, facts(connection)))
        if role == Qt.ItemDataRole.ToolTipRole:
            return parts.tip(f"{connection.host}\n{facts(connection)}")
        return None

    # ---- what there is, and what is looked for

    @property
    def total(self) -> int:
        return len(self._all)

    def show_connections(self, connections: Sequence[Connection]) -> None:
        """Oldest first, as the services have them."""
        self._all = connections
        self._draw()

    def look_for(self, text: str, *, refused: bool) -> None:
        """Those with these letters in host, purpose or outcome; `refused`: only what DeskSeek stopped."""
        self._text, self._refused = text.strip().casefold(), refused
        self._draw()

    def retranslate(self) -> None:
        self._draw()
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))

    def _matches(self, one: Connection) -> bool:
        if self._refused and not connection_words.refused(one):
            return False
        said = (one.host, say(connection_words.why(one)), say(connection_words.outcome(one)))
        return any(self._text in text.casefold() for text in said)

    def _draw(self) -> None:
        """Those that stay keep their rows: new ones come above, the oldest go below, some may have ended since."""
        found = [one for one in reversed(self._all) if self._matches(one)]
        before, now = [_key(one) for one in self._shown], [_key(one) for one in found]
        new = now.index(before[0]) if before and before[0] in now else len(now)
        staying = len(now) - new
        if not staying or now[new:] != before[:staying]:
            self.beginResetModel()
            self._shown = found
            self.endResetModel()
        else:
            if staying < len(before):
                self.beginRemoveRows(QModelIndex(), staying, len(before) - 1)
                del self._shown[staying:]
                self.endRemoveRows()
            changed = [row for row in range(new, len(found)) if found[row] != self._shown[row - new]]
            if new:
                self.beginInsertRows(QModelIndex(), 0, new - 1)
                self._shown = found
                self.endInsertRows()
            self._shown = found
            for row in changed:
                self.dataChanged.emit(self.index(row), self.index(row))
        self.drawn.emit()


def facts(connection: Connection) -> str:
    """Why, how much, how long."""
    received = figures.file_size(connection.received) if connection.received else ""
    lasted = figures.moment(connection.seconds) if connection.seconds else ""
    return figures.line(say(connection_words.why(connection)), received, lasted)


def _key(connection: Connection) -> tuple[float, str, str]:
    return connection.time, connection.purpose, connection.host
