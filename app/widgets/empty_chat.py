"""A conversation that has not begun: what to do next, in one look."""

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app import parts
from app.language import Retranslated
from app.model_state import ModelState
from app.theme import SPACE, px

_NARROW = 560


class _Example(QPushButton):
    """A question to press, on as many lines as it needs."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "example")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._words = parts.label(wrap=True)
        self._words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._words.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setLayout(parts.column(self._words, margin=(SPACE.l, SPACE.m, SPACE.l, SPACE.m)))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_question(self, question: str) -> None:
        self._words.setText(question)
        self.setAccessibleName(question)

    def question(self) -> str:
        return self._words.text()

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(max(self.width(), 200)))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 48)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return max(52, self._words.heightForWidth(width - 2 * SPACE.l) + 2 * SPACE.m)


class EmptyChat(Retranslated, QWidget):
    """With a model: a greeting and questions to begin with. Without: the way to one."""

    question_chosen = Signal(str)
    model_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = ModelState()
        self._mark = QLabel()
        self._mark.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._title = parts.label(role="title", wrap=True)
        self._text = parts.label(tone="muted", wrap=True)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._get_model = parts.button(kind="primary", icon="download")
        self._get_model.clicked.connect(self.model_requested)
        self._examples = [_Example() for _ in range(4)]
        for example in self._examples:
            example.clicked.connect(partial(self._on_example, example))
        self._grid = QGridLayout()
        self._grid.setSpacing(SPACE.m)
        self._columns = 0
        self._inside = inside = QWidget()
        inside.setMaximumWidth(px(680))
        inside.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._choices = QWidget()
        self._choices.setLayout(self._grid)
        self._grid.setContentsMargins(0, SPACE.m, 0, 0)
        inside.setLayout(
            parts.column(
                self._mark,
                SPACE.s,
                self._title,
                self._text,
                parts.row(None, self._get_model, None),
                self._choices,
                space=SPACE.s,
            )
        )
        middle = parts.row(margin=(SPACE.xl, 0, SPACE.xl, 0))
        middle.addStretch(1)
        middle.addWidget(inside, 100)
        middle.addStretch(1)
        whole = parts.column()
        whole.addStretch(2)
        whole.addLayout(middle)
        whole.addStretch(3)
        self.setLayout(whole)
        self._arrange(2)
        self.retranslate()

    def show_state(self, state: ModelState) -> None:
        self._state = state
        self.retranslate()

    def retranslate(self) -> None:
        stage = self._state.stage
        without = stage == "empty"
        self._mark.setPixmap(QGuiApplication.windowIcon().pixmap(QSize(56, 56), self.devicePixelRatioF()))
        self._title.setText(self.tr("One thing is missing: a model") if without else self.tr("What can I do for you?"))
        self._text.setText(
            self.tr("DeskSeek looks at this computer and proposes the DeepSeek model that suits it.")
            if without
            else self.tr("Answers are made on this computer. Nothing you write leaves it.")
        )
        self._get_model.setText(self.tr("Choose a model"))
        self._get_model.setVisible(without)
        self._choices.setVisible(not without)
        questions = (
            self.tr("Explain to a ten-year-old how a heat pump works"),
            self.tr("Write a polite e-mail that declines a meeting"),
            self.tr("Plan three days in Chengdu on a small budget"),
            self.tr("Write a Python function that removes duplicate lines from a file"),
        )
        for example, question in zip(self._examples, questions, strict=True):
            example.show_question(question)
        self._inside.setVisible(stage != "starting")  # not itself: which page is seen is the stack's to say

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        low = self.height() < px(400)
        self._mark.setVisible(not low)
        self._text.setVisible(self.height() >= px(96))
        self._choices.setMaximumHeight(0 if self.height() < px(260) else 16_777_215)
        self._arrange(1 if self.width() < px(_NARROW) and not low else 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 56)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for index, example in enumerate(self._examples):
            self._grid.addWidget(example, index // columns, index % columns)

    def _on_example(self, example: _Example) -> None:
        self.question_chosen.emit(example.question())
