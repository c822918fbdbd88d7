"""What holds the model back: a sentence with its figures, the button that helps, and what came of pressing it."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, Signal, Slot
from PySide6.QtWidgets import QFrame, QProgressBar, QWidget

from app import figures, parts
from app.holding_picture import HoldingPicture
from app.language import Retranslated, say
from app.theme import SPACE, px
from app.widgets.working import WorkingRow
from backends.hardware.samples import Program
from backends.monitor.types import Limit, Remedy

MOST_SHOWN = 4
_CALM = ("idle", "no_model", "prompt", "bandwidth", "compute", "unknown")  # so it is; nothing is wrong


class LimitCard(Retranslated, QFrame):
    """`remedy_requested` with the limit whose button was pressed."""

    remedy_requested = Signal(object)
    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._picture = HoldingPicture()
        self._title = parts.label(role="heading")
        self._first = _LimitRow(role="body")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._others = [_LimitRow(role="caption") for _ in range(MOST_SHOWN - 1)]
        self._programs = parts.label(role="caption", wrap=True, select=True)
        self._again = parts.button(icon="rotate-cw")
        self._working = WorkingRow()
        self._result = parts.label(role="caption", tone="success", wrap=True, select=True)
        self._again.clicked.connect(self._on_again)
        self._working.cancel_requested.connect(self.cancel_requested)
        for one in (self._first, *self._others):
            one.pressed.connect(self.remedy_requested)
        self._programs_row = QWidget()
        self._programs_row.setLayout(
            parts.column(
                self._programs, parts.row(self._again, None), space=SPACE.s, margin=(px(20) + SPACE.m, 0, 0, SPACE.xs)
            )
        )
        body = parts.column(
            self._title, self._first, self._bar, self._working, self._result, self._programs_row, *self._others,
            space=SPACE.s, margin=SPACE.l,
        )  # fmt: skip
        self.setLayout(body)
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("What holds it back"))
        self.setAccessibleName(self._title.text())
        self._again.setText(self.tr("Load again"))
        self._draw()

    def show_picture(self, picture: HoldingPicture) -> None:
        if picture != self._picture:
            self._picture = picture
            self._draw()

    # ---- drawing

    def _draw(self) -> None:
        picture = self._picture
        busy = picture.work is not None
        limits = self._shown(picture.limits)
        self._first.show_limit(limits[0] if limits else None, self.tr("Looking…"), enabled=not busy)
        for row, limit in zip(self._others, [*limits[1:], *[None] * len(self._others)], strict=False):
            row.setVisible(limit is not None)
            row.show_limit(limit, "", enabled=not busy)
        share = limits[0].share if limits else None
        self._bar.setVisible(share is not None)
        if share is not None:
            self._bar.setValue(round(share * 1000))
            self._bar.setAccessibleName(figures.percent(share))
        self._working.setVisible(busy)
        if picture.work is not None:
            self._working.show_work(self.tr("Loading the model again"), picture.work.fraction, cancel=True)
        self._result.setText(say(picture.result))
        self._result.setVisible(bool(self._result.text()) and not busy)
        self._draw_programs(picture.programs, busy=busy)

    def _shown(self, limits: Sequence[Limit] | None) -> list[Limit]:
        """As many as there is room for. One button of a kind is enough: it stands where it is said first."""
        shown: list[Limit] = []
        offered: set[Remedy] = set()
        for one in (limits or ())[:MOST_SHOWN]:
            again = one.remedy in offered
            shown.append(replace(one, remedy=None) if again else one)
            offered |= {one.remedy} if one.remedy is not None else set()
        return shown

    def _draw_programs(self, programs: Sequence[Program] | None, *, busy: bool) -> None:
        self._programs_row.setVisible(programs is not None)
        if programs is None:
            return
        lines = [
            f"{one.name}  {figures.memory_size(one.memory)}" if one.memory is not None else one.name for one in programs
        ]
        then = (
            self.tr("Close what you do not need, then load the model again.")
            if lines
            else self.tr("The driver does not say which. Close what you do not need, then load the model again.")
        )
        self._programs.setText("\n".join([*lines, then]))
        self._again.setEnabled(not busy)

    @Slot()
    def _on_again(self) -> None:
        for one in self._picture.limits or ():
            if one.remedy == "unload_others":
                self.remedy_requested.emit(replace(one, remedy="plan_again"))
                return


class _LimitRow(QWidget):
    """A sentence, how serious it is, and its button."""

    pressed = Signal(object)

    def __init__(self, role: str) -> None:
        super().__init__()
        self._limit: Limit | None = None
        size = 20 if role == "body" else 16
        self._warning = parts.picture("triangle-alert", "warning", size)
        self._fine = parts.picture("circle-check", "success", size)
        self._so = parts.picture("gauge", "muted", size)
        self._words = parts.label(role=role, tone="" if role == "body" else "muted", wrap=True, select=True)
        self._button = parts.button(kind="secondary" if role == "body" else "link")
        self._button.clicked.connect(self._on_pressed)
        pictures = parts.row(self._warning, self._fine, self._so, space=0)
        layout = parts.row(parts.column(None, pictures, None, space=0), self._words, space=SPACE.m)
        layout.setStretch(1, 1)
        layout.addLayout(parts.column(None, self._button, None, space=0))
        self.setLayout(layout)

    def show_limit(self, limit: Limit | None, otherwise: str, *, enabled: bool) -> None:
        self._limit = limit
        kind = limit.kind if limit is not None else "idle"
        self._fine.setVisible(kind == "nothing")
        self._so.setVisible(kind in _CALM)
        self._warning.setVisible(kind != "nothing" and kind not in _CALM)
        words = say(limit.sentence) if limit is not None else otherwise
        self._words.setText(words)
        remedy = limit.remedy if limit is not None else None
        self._button.setVisible(remedy is not None)
        if remedy is not None:
            self._button.setText(_words_of(remedy))
            self._button.setAccessibleName(f"{self._button.text()}: {words}")
            self._button.setEnabled(enabled)

    @Slot()
    def _on_pressed(self) -> None:
        if self._limit is not None:
            self.pressed.emit(self._limit)


def _words_of(remedy: Remedy) -> str:
    """What a button says."""
    words: dict[Remedy, str] = {
        "choose_model": QCoreApplication.translate("limit", "Choose a model"),
        "plan_again": QCoreApplication.translate("limit", "Load again"),
        "shorter_context": QCoreApplication.translate("limit", "Shorten the context"),
        "small_kv": QCoreApplication.translate("limit", "Use the smaller cache"),
        "more_layers": QCoreApplication.translate("limit", "Load again with more layers"),
        "unload_others": QCoreApplication.translate("limit", "Show the programs"),
        "doctor": QCoreApplication.translate("limit", "Check this machine"),
        "settings_engine": QCoreApplication.translate("limit", "Open the settings"),
    }
    return words[remedy]
