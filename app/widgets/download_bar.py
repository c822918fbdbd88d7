"""A download as one row: a bar, what is going on in words, and the buttons that fit."""

import math
import time

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QProgressBar, QWidget

from app import figures, parts
from app.language import Retranslated, say, sentences
from app.picture import Download
from app.theme import SPACE
from app.widgets.confirm import Confirm
from app.widgets.elided import ElidedLabel
from app.widgets.other_sources import OtherSources

_PARTS = 1000  # of the bar


class DownloadBar(Retranslated, QWidget):
    """While bytes come in only the bar and one line of steady width change. Its one timer runs while it waits for the
    next try, and is seen."""

    pause_requested = Signal(str)
    resume_requested = Signal(str)
    discard_requested = Signal(str)
    source_requested = Signal()  # the mirror, the proxy, the token
    other_source_requested = Signal(str, str)  # address, ref: let this hub be asked too

    def __init__(self, *, one_of_many: bool = False) -> None:
        """`one_of_many`: going on is not what most people press next."""
        super().__init__()
        self._download: Download | None = None
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._words = ElidedLabel("caption", "muted", steady=True)
        self._message = parts.label(wrap=True, select=True)
        self._hint = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._notice = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._others = OtherSources()
        self._source = parts.button(kind="quiet", icon="globe")
        self._discard = parts.button(kind="quiet", icon="trash-2")
        self._pause = parts.button(kind="secondary", icon="pause")
        self._resume = parts.button(kind="secondary" if one_of_many else "primary", icon="play")
        self._confirm = Confirm()
        self._second = QTimer(self)
        self._second.setInterval(1000)
        self._second.timeout.connect(self._on_second)
        self._source.clicked.connect(self.source_requested)
        self._others.chosen.connect(self._on_other)
        self._discard.clicked.connect(self._on_discard)
        self._pause.clicked.connect(self._on_pause)
        self._resume.clicked.connect(self._on_resume)
        self._confirm.confirmed.connect(self._on_confirmed)
        row = parts.row(self._words, self._discard, self._source, self._pause, self._resume)
        row.setStretch(0, 1)
        self.setLayout(
            parts.column(
                self._bar, self._message, self._hint, self._notice, row, self._others, self._confirm, space=SPACE.s
            )
        )
        self.retranslate()

    def retranslate(self) -> None:
        self._source.setText(self.tr("Download source"))
        self._discard.setText(self.tr("Discard"))
        self._pause.setText(self.tr("Pause"))
        if self._download is not None:
            self._draw(self._download)

    def show_download(self, download: Download) -> None:
        if download == self._download:
            return
        before, self._download = self._download, download
        if before is None or (before.ref, before.state) != (download.ref, download.state):
            self._confirm.hide()
            self._draw(download)
        else:
            self._draw_progress(download)
            self._draw_message(download)

    def _draw(self, download: Download) -> None:
        """All of it, as after a change of state."""
        stopped = download.state in ("paused", "failed")
        self._draw_progress(download)
        self._draw_message(download)
        parts.set_look(self._bar, tone="warning" if stopped else "")
        self._pause.setVisible(not stopped)
        self._resume.setVisible(stopped)
        self._resume.setText(self.tr("Try again") if download.state == "failed" else self.tr("Resume"))
        self._discard.setVisible(stopped or download.state == "queued")
        self._others.show_sources(download.other_sources)
        self._source.setVisible(download.state == "failed" and download.source_may_help)
        for button in (self._source, self._discard, self._pause, self._resume):
            button.setAccessibleName(f"{button.text()}: {download.title}")
        self._bar.setAccessibleName(self.tr("Download: %1").replace("%1", download.title))
        self._keep_time()

    def _draw_progress(self, download: Download) -> None:
        known = download.total > 0 or download.state in ("queued", "paused", "verifying", "failed")
        fraction = download.done / download.total if download.total else 0.0
        if download.state == "verifying":
            fraction = download.fraction
        self._bar.setRange(0, _PARTS if known else 0)
        self._bar.setValue(min(_PARTS, round(fraction * _PARTS)))
        self._words.setText(self._sentence(download))

    def _draw_message(self, download: Download) -> None:
        self._message.setText(say(download.message))
        self._message.setVisible(bool(download.message.en))
        parts.set_look(self._message, tone="danger" if download.state == "failed" else "warning")
        self._hint.setText(say(download.hint))
        self._hint.setVisible(bool(download.hint.en))
        self._notice.setText(self._whence(download))
        self._notice.setVisible(bool(self._notice.text()))
        parts.set_look(self._notice, tone="muted" if download.source else "warning")

    def _whence(self, download: Download) -> str:
        """From which source, if not from the first, and why."""
        notice = say(download.notice)
        if not download.source:
            return notice
        source = self.tr("From %1 now.").replace("%1", download.source)
        return sentences([source, notice])

    def _sentence(self, download: Download) -> str:
        amount = _amount(self.tr("%1 of %2"), download)
        match download.state:
            case "starting":
                return figures.line(self.tr("Starting…"), amount)
            case "queued":
                return figures.line(self.tr("Waits its turn"), amount or _size(download))
            case "running":
                left = ""
                if download.seconds_left is not None:
                    left = self.tr("%1 left").replace("%1", figures.duration(download.seconds_left))
                return figures.line(amount, figures.speed(download.bytes_per_s), left)
            case "waiting":
                seconds = math.ceil(download.next_try - time.monotonic())
                if seconds <= 0:
                    return figures.line(self.tr("Trying again…"), amount)
                return figures.line(self.tr("Next try in %1").replace("%1", figures.duration(seconds)), amount)
            case "verifying":
                return self.tr("Verifying that every byte is right: %1").replace(
                    "%1", figures.percent(download.fraction)
                )
            case "paused":
                return figures.line(self.tr("Paused"), amount)
            case "failed":
                return amount

    # ---- the countdown

    def _keep_time(self) -> None:
        waits = self._download is not None and self._download.state == "waiting" and self.isVisible()
        if waits != self._second.isActive():
            self._second.start() if waits else self._second.stop()

    @Slot()
    def _on_second(self) -> None:
        if self._download is not None:
            self._words.setText(self._sentence(self._download))

    def showEvent(self, event: object) -> None:
        self._on_second()
        self._keep_time()

    def hideEvent(self, event: object) -> None:
        self._keep_time()

    # ---- buttons

    @Slot()
    def _on_pause(self) -> None:
        if self._download:
            self.pause_requested.emit(self._download.ref)

    @Slot()
    def _on_resume(self) -> None:
        if self._download:
            self.resume_requested.emit(self._download.ref)

    @Slot()
    def _on_discard(self) -> None:
        if self._download and not self._download.done:
            self._on_confirmed()
        elif self._download:
            words = self.tr("Delete the %1 that have arrived?")
            self._confirm.ask(words.replace("%1", figures.file_size(self._download.done)))

    @Slot(str)
    def _on_other(self, address: str) -> None:
        if self._download:
            self.other_source_requested.emit(address, self._download.ref)

    @Slot()
    def _on_confirmed(self) -> None:
        if self._download:
            self.discard_requested.emit(self._download.ref)


def _size(download: Download) -> str:
    return figures.file_size(download.total) if download.total else ""


def _amount(words: str, download: Download) -> str:
    """How much of how much; nothing before the size is known, nor of one that has not begun."""
    if not download.total or (download.state == "queued" and not download.done):
        return ""
    return words.replace("%1", figures.file_size(download.done)).replace("%2", figures.file_size(download.total))
