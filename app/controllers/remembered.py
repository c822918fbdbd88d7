"""What the models have read and is kept on the disk: counted when somebody looks, forgotten when somebody asks."""

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.notices import NoticeBoard
from backends.core.stream import Runner
from backends.services import Services


class RememberedController(QObject):
    counted = Signal(object)  # bytes, more than the 31 bits of an int that Qt carries

    def __init__(self, services: Services, pump: Pump, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._board = board
        self._runner = Runner("counting")

    def close(self) -> None:
        self._runner.close()

    @Slot()
    def look(self) -> None:
        self._pump.call(self._runner, self._services.warmth.size, then=self._tell, on_error=self._board.post_error)

    @Slot()
    def forget(self) -> None:
        stream = self._services.warmth.erase(None)
        self._pump.follow(stream, lambda _: None, self.look, self._board.post_error)

    def _tell(self, count: int) -> None:
        self.counted.emit(count)
