"""One thing that was looked at: how it is, by picture and word, what to do, and the button that does it."""

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app import parts
from app.language import Retranslated, say, sentences
from app.theme import SPACE, px
from backends.doctor.types import Finding, Repair, Verdict
from backends.doctor.words import TITLES

_TOPIC = 116  # pixels: room for the longest title
_ICONS = {"ok": "circle-check", "warn": "triangle-alert", "fail": "circle-alert"}
_TONES = {"ok": "success", "warn": "warning", "fail": "danger"}


def word(verdict: Verdict) -> str:
    match verdict:
        case "ok":
            return QCoreApplication.translate("finding", "In order")
        case "warn":
            return QCoreApplication.translate("finding", "Attention")
        case "fail":
            return QCoreApplication.translate("finding", "Problem")


def label_of(action: Repair) -> str:
    """What stands on the button."""
    translate = QCoreApplication.translate
    match action:
        case "engine_for_gpu":
            return translate("finding", "Copy the command")
        case "free_disk" | "check_models":
            return translate("finding", "Show the models")
        case "remove_model":
            return translate("finding", "Take off the list")
        case "download_again":
            return translate("finding", "Repair")
        case "rebuild_search":
            return translate("finding", "Make it anew")
        case "restore_database":
            return translate("finding", "Quit DeskSeek")
        case "settings_network" | "settings_models" | "settings_api":
            return translate("finding", "Open settings")
        case "go_online":
            return translate("finding", "Go online")
        case "ask_sources":
            return translate("finding", "Ask the sources")


class FindingRow(Retranslated, QWidget):
    repair_requested = Signal(object)  # Finding

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding
        self._busy = ""
        tone = _TONES[finding.verdict]
        self._word = parts.label(role="caption", tone=tone)
        self._topic = parts.label(role="caption", tone="muted")
        self._what = parts.label(wrap=True, select=True)
        self._repair = parts.label(tone="muted", wrap=True, select=True)
        self.button = parts.button(kind="secondary")
        self.button.setVisible(False)
        self.button.clicked.connect(lambda: self.repair_requested.emit(self.finding))
        layout = self._brief() if finding.verdict == "ok" else self._full()
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setLayout(layout)
        self.retranslate()

    def _full(self) -> QHBoxLayout:
        head = parts.row(self._word, self._topic, None, space=SPACE.s)
        words = parts.column(head, self._what, self._repair, space=2)
        picture = parts.column(self._picture(), None, space=0, margin=(0, 1, 0, 0))
        layout = parts.row(picture, words, space=SPACE.m, margin=(0, SPACE.m, 0, SPACE.m))
        layout.setStretch(1, 1)
        return layout

    def _brief(self) -> QHBoxLayout:
        """One line; the card says that all of them are in order."""
        self._topic.setFixedWidth(px(_TOPIC))
        for widget in (self._word, self._repair):
            widget.setParent(self)
            widget.hide()
        layout = parts.row(self._picture(), self._topic, self._what, space=SPACE.m, margin=(0, SPACE.s, 0, SPACE.s))
        layout.setStretch(2, 1)
        return layout

    def _picture(self) -> QWidget:
        return parts.picture(_ICONS[self.finding.verdict], _TONES[self.finding.verdict], 18)

    def show_busy(self, fraction: float | None) -> None:
        """The repair is under way, so far."""
        words = ""
        if fraction is not None:
            words = QCoreApplication.translate("finding", "%1 % done").replace("%1", f"{fraction * 100:.0f}")
        if words != self._busy:
            self._busy = words
            self.retranslate()

    def retranslate(self) -> None:
        finding = self.finding
        title, what, repair = say(TITLES[finding.topic]), say(finding.what), say(finding.repair)
        self._word.setText(word(finding.verdict))
        self._topic.setText(title)
        self._what.setText(what)
        self._repair.setText(self._busy or repair)
        self._repair.setVisible(bool(self._busy or repair))
        self.setAccessibleName(sentences((f"{word(finding.verdict)}: {title}.", what, repair)))
        if finding.action is not None:
            name = label_of(finding.action)
            self.button.setText(name)
            self.button.setAccessibleName(f"{name}: {what}")
            self.button.setEnabled(not self._busy)
        self.button.setVisible(finding.action is not None)
