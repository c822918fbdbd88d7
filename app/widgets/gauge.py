"""A line at the foot of the window while a model is loaded or something works: speed, graphics memory, heat."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app import figures, monitor_words
from app.language import Retranslated
from backends.hardware.samples import GpuSample
from backends.monitor.types import Sample


class Gauge(Retranslated, QPushButton):
    """Hidden until there is something to show. A click is for the page of the monitor."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sample: Sample | None = None
        self.setProperty("kind", "gauge")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.hide()

    def retranslate(self) -> None:
        self.show_sample(self._sample)

    def show_sample(self, sample: Sample | None) -> None:
        """None: nothing works, or nobody wants to see it."""
        self._sample = sample
        if sample is not None:
            words = self.words(sample)
            self.setAccessibleName(self.tr("Monitor: %1").replace("%1", words))
            self.setText(self._fitting(words))
        self.setVisible(sample is not None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._sample is not None:
            self.setText(self._fitting(self.words(self._sample)))

    def words(self, sample: Sample) -> str:
        engine, system, cards = sample.engine, sample.hardware.system, sample.hardware.gpus
        said: list[str] = []
        if engine.model is not None:
            working = engine.decode is not None and (engine.running or engine.generated_tokens)
            said.append(figures.rate(engine.decode or 0.0) if working else self.tr("Idle"))
        if (card := _fullest(cards)) is not None and card.memory_total and card.memory_used is not None:
            size = monitor_words.memory_of(card.memory_used, card.memory_total)
            said.append(self.tr("Graphics memory %1").replace("%1", size))
        elif system.memory_total and system.memory_available is not None:
            size = monitor_words.memory_of(system.memory_total - system.memory_available, system.memory_total)
            said.append(self.tr("Memory %1").replace("%1", size))
        heat = [card.temperature for card in cards if card.temperature is not None]
        if heat or system.cpu_temperature is not None:
            said.append(figures.temperature(max(heat) if heat else system.cpu_temperature or 0.0))
        if lost := next((card for card in cards if card.state == "lost"), None):
            said.append(f"{lost.name}: {monitor_words.state_pill(lost.state)[0]}")
        return figures.line(*said)

    def _fitting(self, words: str) -> str:
        room = max(0, self.width() - 40)
        return self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room) if self.width() > 40 else words


def _fullest(cards: tuple[GpuSample, ...]) -> GpuSample | None:
    """The card with the least left of its memory."""
    told = [card for card in cards if card.memory_total and card.memory_used is not None]
    return max(told, key=lambda card: (card.memory_used or 0) / (card.memory_total or 1), default=None)
