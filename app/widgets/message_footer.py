"""Below a finished answer: what can be done with it, its variants, and what it took."""

from PySide6.QtCore import QEvent, QPoint, Signal, Slot
from PySide6.QtWidgets import QWidget

from app import figures, icons, parts
from app.language import Retranslated
from app.lists.messages import MessageRow
from app.theme import SPACE
from app.widgets.message_variants import Variants


class Footer(Retranslated, QWidget):
    """Below a finished answer: copy, answer again, the variants, and what it took."""

    copy_requested = Signal()
    regenerate_requested = Signal()
    going_on_requested = Signal()
    variant_requested = Signal(int)  # -1 the one before, 1 the next
    rest_requested = Signal()  # what stands below the end of the branch
    menu_requested = Signal(QPoint)  # at this place of the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = MessageRow(0, "assistant")
        self._copy = parts.icon_button("copy", size=16)
        self._again = parts.icon_button("rotate-cw", size=16)
        self._go_on = parts.button(kind="link")
        self._more = parts.icon_button("ellipsis", size=16)
        self._rest = parts.button(kind="link")
        self._facts = parts.label(role="caption", tone="muted")
        self._copy.clicked.connect(self.copy_requested)
        self._again.clicked.connect(self.regenerate_requested)
        self._go_on.clicked.connect(self.going_on_requested)
        self._rest.clicked.connect(self.rest_requested)
        self._more.clicked.connect(self._on_more)
        self._variants = Variants()
        self._variants.requested.connect(self.variant_requested)
        self.setLayout(
            parts.row(
                self._copy,
                self._again,
                self._more,
                self._variants,
                self._go_on,
                self._rest,
                SPACE.s,
                self._facts,
                None,
                space=2,
            )
        )
        self.retranslate()

    def show_row(self, row: MessageRow) -> None:
        self._row = row
        self._copy.setVisible(bool(row.text))
        self._go_on.setVisible(row.cut_off and row.problem is None)
        self._copy.setIcon(icons.icon("copy", "muted"))
        self._variants.show_row(row)
        self._rest.setVisible(row.goes_on)
        self.retranslate()

    def show_copied(self) -> None:
        """Until the message is looked at anew."""
        self._copy.setIcon(icons.icon("check", "success"))

    def leaveEvent(self, event: QEvent) -> None:
        self._copy.setIcon(icons.icon("copy", "muted"))
        super().leaveEvent(event)

    def retranslate(self) -> None:
        row = self._row
        parts.name_button(self._copy, self.tr("Copy the answer"))
        parts.name_button(self._again, self.tr("Answer again"))
        parts.name_button(self._more, self.tr("More"))
        self._go_on.setText(self.tr("Go on"))
        self._go_on.setToolTip(self.tr("Write on from the last word"))
        self._rest.setText(self.tr("Show what follows"))
        self._rest.setToolTip(self.tr("There are messages below this one"))
        facts: list[str] = []
        if row.edited:
            facts.append(self.tr("Edited by you"))
        if row.stopped and row.problem is None:
            facts.append(self.tr("Stopped"))
        if row.truncated:
            facts.append(self.tr("Cut off: the context is full"))
        if row.tokens_per_s:
            facts.append(figures.rate(row.tokens_per_s))
        if row.tokens:
            one, several = self.tr("1 token"), self.tr("{0} tokens").format(figures.number(row.tokens))
            facts.append(one if row.tokens == 1 else several)
        if row.device:
            facts.append(row.device)
        self._facts.setText("  ·  ".join(facts))
        self._facts.setToolTip(parts.tip("\n".join(filter(None, (row.model, *self._took())))))

    def _took(self) -> list[str]:
        """What the question took."""
        row, more = self._row, []
        if row.prompt_tokens:
            more.append(self.tr("Question and what went before: {0} tokens").format(figures.number(row.prompt_tokens)))
        if row.cached_tokens:
            more.append(self.tr("of which {0} were still in memory").format(figures.number(row.cached_tokens)))
        if row.ttft_s is not None:
            more.append(self.tr("First word after {0}").format(figures.moment(row.ttft_s)))
        return more

    @Slot()
    def _on_more(self) -> None:
        self.menu_requested.emit(self._more.mapToGlobal(self._more.rect().bottomLeft()))
