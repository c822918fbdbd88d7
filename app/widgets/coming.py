"""What is on its way, in the order in which it comes: a bar each, and the places in the queue."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QWidget

from app import parts
from app.language import Retranslated
from app.picture import Download
from app.theme import SPACE
from app.widgets.download_bar import DownloadBar
from app.widgets.elided import ElidedLabel
from app.widgets.shelf import keep, pass_on


class DownloadShelf(QWidget):
    """Without downloads it takes no room."""

    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    move_requested = Signal(str, int)  # ref, position
    source_requested = Signal()
    other_source_requested = Signal(str, str)  # address, ref

    def __init__(self) -> None:
        super().__init__()
        self._title = parts.label(role="heading")
        self._column = parts.column(space=SPACE.s)
        self.cards: dict[str, ComingCard] = {}
        self.setLayout(parts.column(self._title, self._column))
        self.hide()

    def name(self, title: str) -> None:
        self._title.setText(title)

    @property
    def bars(self) -> dict[str, DownloadBar]:
        return {ref: card.bar for ref, card in self.cards.items()}

    def show_downloads(self, downloads: Sequence[Download]) -> None:
        keep(self._column, self.cards, [download.ref for download in downloads], self._make)
        for position, download in enumerate(downloads):
            self.cards[download.ref].show_download(download, position, len(downloads))
        self.setVisible(bool(downloads))

    def _make(self, ref: str) -> "ComingCard":
        card = ComingCard()
        pass_on(card, self)
        return card


class ComingCard(Retranslated, QFrame):
    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    move_requested = Signal(str, int)
    source_requested = Signal()
    other_source_requested = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._download = Download("", "queued")
        self._place = (0, 1)  # of how many
        self._name = ElidedLabel("strong", mode=Qt.TextElideMode.ElideMiddle)
        self._up = parts.icon_button("arrow-up", size=16)
        self._down = parts.icon_button("arrow-down", size=16)
        self._up.clicked.connect(self._on_up)
        self._down.clicked.connect(self._on_down)
        self.bar = DownloadBar(one_of_many=True)
        pass_on(self.bar, self)
        head = parts.row(self._name, self._up, self._down, space=SPACE.xs)
        head.setStretch(0, 1)
        self.setLayout(parts.column(head, self.bar, space=SPACE.xs, margin=(SPACE.l, SPACE.m, SPACE.m, SPACE.m)))
        self.retranslate()

    def retranslate(self) -> None:
        position, count = self._place
        self._up.setVisible(count > 1)
        self._down.setVisible(count > 1)
        self._up.setEnabled(position > 0)
        self._down.setEnabled(position < count - 1)
        for button, words in ((self._up, self.tr("Sooner")), (self._down, self.tr("Later"))):
            parts.name_button(button, words)
            button.setAccessibleName(f"{words}: {self._download.title}")

    def show_download(self, download: Download, position: int, count: int) -> None:
        renamed = download.title != self._download.title or (position, count) != self._place
        self._download, self._place = download, (position, count)
        if renamed:
            self._name.setText(download.title)
            self.retranslate()
        self.bar.show_download(download)

    @Slot()
    def _on_up(self) -> None:
        self.move_requested.emit(self._download.ref, self._place[0] - 1)

    @Slot()
    def _on_down(self) -> None:
        self.move_requested.emit(self._download.ref, self._place[0] + 1)
