"""The list of connections: read while somebody looks on, written to a file, erased."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

from app.bridge import Pump
from app.language import language
from app.lists.connections import ConnectionList
from app.notices import Notice, NoticeBoard
from backends.core.phrase import Phrase
from backends.services.connections import ConnectionServices

PAUSE_MS = 500  # between two looks while connections come


class ConnectionsController(QObject):
    def __init__(
        self,
        services: ConnectionServices,
        pump: Pump,
        connections: ConnectionList,
        board: NoticeBoard,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services, self._pump, self._connections, self._board = services, pump, connections, board
        self._shown = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._look)

    def on_changes(self, changes: Sequence[str]) -> None:
        if "connections" in changes and self._shown and not self._pause.isActive():
            self._pause.start()

    def set_shown(self, shown: bool) -> None:
        """Whether somebody looks on."""
        self._shown = shown
        if shown:
            self._look()

    @Slot()
    def erase(self) -> None:
        self._pump.follow(self._services.erase(), lambda _: None, self._look, self._board.post_error)

    @Slot(str)
    def export(self, path: str) -> None:
        stream = self._services.export(Path(path), language())
        self._pump.follow(stream, self._on_exported, on_error=self._board.post_error)

    def _on_exported(self, paths: Sequence[Path]) -> None:
        name = paths[-1].name
        message = Phrase(f"The list was saved as {name}.", f"列表已保存为 {name}。")
        self._board.post(Notice(message, tone="success", key="connections"))

    @Slot()
    def _look(self) -> None:
        self._connections.show_connections(self._services.recent())
