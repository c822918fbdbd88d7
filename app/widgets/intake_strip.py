"""How far taking documents in is, in all: a bar, words, and the buttons that hold it or end it."""

from PySide6.QtCore import QLocale, Signal
from PySide6.QtWidgets import QFrame, QProgressBar

from app import figures, parts
from app.language import Retranslated
from app.library import Intake
from app.theme import SPACE
from app.widgets.elided import ElidedLabel

_PARTS = 1000  # of the bar


class IntakeStrip(Retranslated, QFrame):
    """Takes no room while nothing is taken in."""

    pause_requested = Signal()
    going_on_requested = Signal()
    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._intake: Intake | None = None
        self._words = ElidedLabel("strong", steady=True)
        self._detail = ElidedLabel("caption", "muted", steady=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, _PARTS)
        self._pause = parts.button(kind="secondary", icon="pause")
        self._go_on = parts.button(kind="primary", icon="play")
        self._cancel = parts.button(kind="quiet", icon="x")
        self._pause.clicked.connect(self.pause_requested)
        self._go_on.clicked.connect(self.going_on_requested)
        self._cancel.clicked.connect(self.cancel_requested)
        said = parts.column(self._words, self._detail, space=2)
        head = parts.row(said, self._cancel, self._pause, self._go_on)
        head.setStretch(0, 1)
        self.setLayout(parts.column(head, self._bar, space=SPACE.s, margin=(SPACE.l, SPACE.m, SPACE.m, SPACE.m)))
        self._low = False
        self.hide()
        self.retranslate()

    def retranslate(self) -> None:
        self._pause.setText(self.tr("Pause"))
        self._go_on.setText(self.tr("Go on"))
        self._cancel.setText(self.tr("Cancel"))
        self._cancel.setToolTip(self.tr("What is read already stays."))
        self._bar.setAccessibleName(self.tr("Documents that are read"))
        self._draw()

    def show_intake(self, intake: Intake | None) -> None:
        if intake != self._intake:
            self._intake = intake
            self._draw()

    def set_low(self, low: bool) -> None:
        """There is little room: without the details."""
        self._low = low
        self._draw()

    def _draw(self) -> None:
        intake = self._intake
        self.setVisible(intake is not None)
        if intake is None:
            return
        self._pause.setVisible(not intake.paused)
        self._go_on.setVisible(intake.paused)
        parts.set_look(self._bar, tone="warning" if intake.paused else "")
        self._bar.setValue(round(intake.fraction * _PARTS))
        self._words.setText(self._sentence(intake))
        self._detail.setText(self._details(intake))
        self._detail.setVisible(not self._low)

    def _sentence(self, intake: Intake) -> str:
        if intake.paused:
            words = self.tr("Paused: %1 of %2 documents are read")
        elif not intake.files:
            return self.tr("Looking for documents…")
        else:
            words = self.tr("Reading documents: %1 of %2")
        return words.replace("%1", QLocale().toString(intake.done)).replace("%2", QLocale().toString(intake.files))

    def _details(self, intake: Intake) -> str:
        left = failed = ""
        if intake.seconds_left is not None and not intake.paused:
            left = self.tr("%1 left").replace("%1", figures.duration(intake.seconds_left))
        if intake.failed:
            failed = self.tr("%1 cannot be read").replace("%1", QLocale().toString(intake.failed))
        name = "" if intake.paused else intake.name
        if name and intake.total:
            name = f"{name} ({figures.percent(intake.read / intake.total)})"
        if intake.paused:
            name = self.tr("What is read already can be searched.")
        return figures.line(left, failed, name)
