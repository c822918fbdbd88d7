"""A GGUF at an address that is no hub: what it would take here, and why it is not downloaded."""

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame

from app import figures, parts
from app.language import Retranslated, say
from app.picture import Direct
from app.theme import SPACE
from app.widgets import verdict
from app.widgets.elided import ElidedLabel
from app.widgets.working import WorkingRow


class DirectCard(Retranslated, QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._direct: Direct | None = None
        self._name = ElidedLabel("strong", mode=Qt.TextElideMode.ElideMiddle)
        self._verdict = parts.label(role="pill")
        self._figures = parts.label(role="caption", tone="muted", wrap=True)
        self._trouble = parts.label(role="caption", tone="danger", wrap=True, select=True)
        self._message = parts.label(wrap=True, select=True)
        self._hint = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._working = WorkingRow()
        self._open = parts.button(kind="secondary", icon="external-link")
        self._open.clicked.connect(self._on_open)
        words = parts.column(
            parts.row(self._name, self._verdict, None), self._figures, self._trouble, self._message, self._hint,
            space=SPACE.xs,
        )  # fmt: skip
        buttons = parts.row(self._open, None)
        margin = (SPACE.l, SPACE.m, SPACE.m, SPACE.m)
        self.setLayout(parts.column(words, self._working, buttons, space=SPACE.s, margin=margin))
        self.hide()
        self.retranslate()

    def retranslate(self) -> None:
        self._open.setText(self.tr("Open the link in the browser"))
        self._draw()

    def show_direct(self, direct: Direct | None) -> None:
        if direct != self._direct:
            self._direct = direct
            self._draw()

    def _draw(self) -> None:
        direct = self._direct
        self.setVisible(direct is not None)
        if direct is None:
            return
        plan = direct.plan
        self._name.setText(direct.name)
        self._name.setToolTip(parts.tip(direct.address))
        looking = plan is None and not direct.trouble.en
        self._working.setVisible(looking)
        if looking:
            self._working.show_work(self.tr("Planning"))
        self._verdict.setVisible(plan is not None)
        if plan is not None:
            word = "fits" if plan.fits else "too_large"
            self._verdict.setText(verdict.word(word))
            parts.set_look(self._verdict, tone=verdict.TONES[word])
            memory = self.tr("memory %1").replace("%1", figures.memory_size(plan.total))
            context = self.tr("context %1").replace("%1", figures.tokens(plan.options.context))
            self._figures.setText(figures.line(plan.architecture, context, memory))
        self._figures.setVisible(plan is not None)
        for label, text in (
            (self._trouble, direct.trouble), (self._message, direct.message), (self._hint, direct.hint)
        ):  # fmt: skip
            label.setText(say(text))
            label.setVisible(bool(text.en))

    @Slot()
    def _on_open(self) -> None:
        if self._direct is not None:
            QDesktopServices.openUrl(QUrl(self._direct.address))
