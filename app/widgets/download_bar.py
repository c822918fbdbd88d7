"""A download as one row: a bar, what is going on in words, and the buttons that fit."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QProgressBar, QWidget

from app import figures, parts
from app.language import Retranslated, say
from app.picture import Download
from app.theme import SPACE


class DownloadBar(Retranslated, QWidget):
    pause_requested = Signal(str)
    resume_requested = Signal(str)
    discard_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._download: Download | None = None
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._words = parts.label(role="caption", tone="muted", wrap=True)
        self._error = parts.label(tone="danger", wrap=True, select=True)
        self._hint = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._pause = parts.button(kind="secondary", icon="pause")
        self._resume = parts.button(kind="primary", icon="play")
        self._discard = parts.button(kind="quiet", icon="trash-2")
        self._pause.clicked.connect(self._on_pause)
        self._resume.clicked.connect(self._on_resume)
        self._discard.clicked.connect(self._on_discard)
        buttons = parts.row(self._words, None, self._discard, self._pause, self._resume)
        buttons.setStretch(0, 1)
        self.setLayout(parts.column(self._bar, self._error, self._hint, buttons, space=SPACE.s))
        self.retranslate()

    def retranslate(self) -> None:
        self._pause.setText(self.tr("Pause"))
        self._resume.setText(self.tr("Resume"))
        self._discard.setText(self.tr("Discard"))
        self._bar.setAccessibleName(self.tr("Download"))
        if self._download is not None:
            self.show_download(self._download)

    def show_download(self, download: Download) -> None:
        self._download = download
        stopped = download.state in ("paused", "failed")
        fraction = download.fraction if download.state == "verifying" else _fraction(download)
        self._bar.setRange(0, 0 if download.state == "starting" and not download.total else 1000)
        self._bar.setValue(round(fraction * 1000))
        parts.set_look(self._bar, tone="warning" if stopped else "")
        self._words.setText(self._sentence(download))
        failed = download.state == "failed"
        self._error.setText(say(download.message) if failed else "")
        self._error.setVisible(failed)
        self._hint.setText(say(download.hint))
        self._hint.setVisible(bool(download.hint.en))
        self._pause.setVisible(not stopped)
        self._resume.setVisible(stopped)
        self._resume.setText(self.tr("Try again") if failed else self.tr("Resume"))
        self._discard.setVisible(stopped)

    def _sentence(self, download: Download) -> str:
        amount = self._amount(download)
        match download.state:
            case "starting":
                return self.tr("Connecting…")
            case "running":
                words = [amount, figures.speed(download.bytes_per_s)]
                if download.seconds_left is not None:
                    words.append(self.tr("%1 left").replace("%1", figures.duration(download.seconds_left)))
                return "  ·  ".join(words)
            case "waiting":
                wait = self.tr("next try in %1").replace("%1", figures.duration(download.seconds_left or 0))
                return f"{say(download.message)}  ·  {wait}"
            case "verifying":
                return self.tr("Verifying %1").replace("%1", figures.percent(download.fraction))
            case "paused":
                return self.tr("Paused  ·  %1").replace("%1", amount)
            case "failed":
                return amount if download.total else ""

    def _amount(self, download: Download) -> str:
        words = self.tr("%1 of %2").replace("%1", figures.file_size(download.done))
        return words.replace("%2", figures.file_size(download.total))

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
        if self._download:
            self.discard_requested.emit(self._download.ref)


def _fraction(download: Download) -> float:
    return download.done / download.total if download.total else 0.0
