"""Where the window is low, its notices come one at a time: the newest first, each with which of how many it is."""

from PySide6.QtCore import QEvent, QObject, Slot

from app.notices import Banner, NoticeBoard

_SHARE = 4  # of the window's height, a part of so many: what notices that stand below each other may take


class NoticeTurns(QObject):
    """Over several boards of one window, of which those on other pages do not count."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._boards: list[NoticeBoard] = []
        self._shown: Banner | None = None
        self._newest = 0

    def add(self, board: NoticeBoard) -> None:
        """One that has its place in a layout."""
        self._boards.append(board)
        board.changed.connect(self._on_changed)
        if (place := board.parentWidget()) is not None:
            place.installEventFilter(self)

    @Slot()
    def begin_anew(self) -> None:
        """Another page: the newest of those there are."""
        self._shown = None
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self._arrange()
        return super().eventFilter(watched, event)

    @property
    def _banners(self) -> list[Banner]:
        """On the page, the newest first."""
        there = (one for board in self._boards if board.on_page for one in board.banners)
        return sorted(there, key=lambda one: one.number, reverse=True)

    @Slot()
    def _on_changed(self) -> None:
        banners = self._banners
        if banners and banners[0].number > self._newest:
            self._newest = banners[0].number
            self._shown = banners[0]
        self._arrange()

    def _arrange(self) -> None:
        banners = self._banners
        one_at_a_time = len(banners) > 1 and not self._fit()
        if one_at_a_time and self._shown not in banners:
            self._shown = banners[0]
        for place, banner in enumerate(banners, 1):
            banner.show_turn(place, len(banners) if one_at_a_time else 1, self._go_on)
            banner.setVisible(not one_at_a_time or banner is self._shown)
        for board in self._boards:
            board.setVisible(any(not banner.isHidden() for banner in board.banners))

    def _fit(self) -> bool:
        """Below each other they leave enough of the window to what it is there for."""
        needed = sum(board.height_of_all() for board in self._boards)
        return needed <= self._boards[0].window().height() // _SHARE

    def _go_on(self) -> None:
        """To the next one, after the last to the first."""
        banners = self._banners
        before = self._shown
        by_key = before is not None and before.turn.hasFocus()
        place = banners.index(before) + 1 if before in banners else 0
        self._shown = banners[place % len(banners)]
        self._arrange()
        if by_key:
            self._shown.turn.setFocus()
