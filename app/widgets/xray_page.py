"""How an answer came about: what was searched for, what was found and by what, what was dropped, what the model got."""

from PySide6.QtCore import QLocale, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent, QTextOption
from PySide6.QtWidgets import QFrame, QGridLayout, QPlainTextEdit, QWidget

from app import document_words, parts, theme
from app.language import Retranslated
from app.theme import SPACE, px
from app.widgets.elided import ElidedLabel
from backends.chat.xray import DroppedPassage, FoundPassage, Part, XRay

_MOST = 40  # passages that are listed
_PROMPT = 480  # pixels of height


class Shares(QWidget):
    """Parts of the context, side by side, each as wide as it is large."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[Part, ...] = ()
        self.setFixedHeight(px(14))

    def show_parts(self, shares: tuple[Part, ...]) -> None:
        self._parts = shares
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        whole = sum(part.tokens for part in self._parts)
        x = 0.0
        for index, part in enumerate(self._parts):
            width = self.width() * part.tokens / whole if whole else 0.0
            painter.fillRect(QRectF(x, 0, max(0.0, width - 1), self.height()), tone(index, part.name))
            x += width
        painter.end()


class Dot(QWidget):
    """The colour of a part, beside its name."""

    def __init__(self, index: int, name: str) -> None:
        super().__init__()
        self._index, self._name = index, name
        self.setFixedSize(px(10), px(10))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone(self._index, self._name))
        painter.drawEllipse(self.rect())
        painter.end()


def tone(index: int, name: str) -> QColor:
    tokens = theme.tokens()
    if name == "answer":
        return QColor(tokens.line_strong)
    tones = (tokens.accent, tokens.code_number, tokens.code_string, tokens.muted, tokens.danger)
    return QColor(tones[index % len(tones)])


class XRayPage(Retranslated, parts.Page):
    back_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._xray = XRay("")
        self._back = parts.button(kind="quiet", icon="arrow-left")
        self._back.clicked.connect(self.back_requested)
        self._title = parts.label(role="title")
        self._question = parts.label(wrap=True, select=True)
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(SPACE.l)
        self._facts.setVerticalSpacing(SPACE.xs)
        self._facts.setColumnStretch(1, 1)
        self._found_title = parts.label(role="heading")
        self._found = parts.column(space=SPACE.s)
        self._dropped = parts.label(role="caption", tone="muted", wrap=True)
        self._tokens_title = parts.label(role="heading")
        self._shares = Shares()
        self._tokens = parts.column(space=2)
        self._prompt_title = parts.label(role="heading")
        self._prompt = QPlainTextEdit()  # however long it is, only what is in sight is set
        self._prompt.setReadOnly(True)
        self._prompt.setFrameShape(QFrame.Shape.NoFrame)
        self._prompt.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._prompt.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._prompt.viewport().setAutoFillBackground(False)
        self._prompt.document().setDocumentMargin(0)
        self._prompt.setFont(theme.current().type.font("mono"))
        self.body.addLayout(parts.row(self._back, None))
        self.body.addWidget(self._title)
        self.body.addWidget(parts.card(self._question, self._facts))
        self._found_card = parts.card(self._found_title, self._found, self._dropped)
        self._tokens_card = parts.card(self._tokens_title, self._shares, self._tokens)
        self._prompt_card = parts.card(self._prompt_title, self._prompt)
        for card in (self._found_card, self._tokens_card, self._prompt_card):
            self.body.addWidget(card)
        self.retranslate()

    def show_xray(self, xray: XRay) -> None:
        self._xray = xray
        self._prompt.setPlainText("\n\n".join(f"[{role}]\n{text}" for role, text in xray.prompt))
        self.retranslate()
        self.verticalScrollBar().setValue(0)

    def retranslate(self) -> None:
        self._back.setText(self.tr("Back to the chat"))
        self._title.setText(self.tr("How this was found"))
        self._found_title.setText(self.tr("Passages"))
        self._tokens_title.setText(self.tr("What the context was used for"))
        self._prompt_title.setText(self.tr("What the model was given"))
        self._prompt.setAccessibleName(self._prompt_title.text())
        self._question.setText(self._xray.question)
        self._write_facts()
        self._write_found()
        self._write_tokens()
        self._prompt_card.setVisible(bool(self._xray.prompt))
        self._set_prompt_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_prompt_height()

    def _set_prompt_height(self) -> None:
        """As high as its text; a long one scrolls."""
        document, height, most = self._prompt.document(), 0.0, px(_PROMPT)
        block = document.begin()
        while block.isValid() and height < most:
            height += document.documentLayout().blockBoundingRect(block).height()
            block = block.next()
        self._prompt.setFixedHeight(min(most, round(height) + 4))

    # ---- what it says

    def _write_facts(self) -> None:
        xray, number = self._xray, QLocale().toString
        parts.clear(self._facts)
        facts: list[tuple[str, str]] = []
        if xray.searched_for and xray.searched_for != xray.question:
            facts.append((self.tr("Searched for"), xray.searched_for))
        if xray.translated:
            facts.append((self.tr("And in the other language"), xray.translated))
        if xray.whole:
            facts.append((self.tr("Documents"), self.tr("They fit the context: the model read them whole")))
        else:
            read = self.tr("{0} read, {1} searched").format(
                number(xray.documents_read), number(xray.documents_searched)
            )
            facts.append((self.tr("Documents"), read))
        if xray.narrowed:
            facts.append((self.tr("Narrowed to"), self.tr(", ").join(xray.narrowed)))
        if xray.methods:
            facts.append((self.tr("Methods"), self.tr(", ").join(self._method(one) for one in xray.methods)))
        if not xray.enough and not xray.whole:
            facts.append((self.tr("Evidence"), self.tr("Weak: nothing clearly speaks of what was asked")))
        facts.append((self.tr("Time"), self.tr("{0} s").format(number(xray.seconds, "f", 2))))
        for row, (name, words) in enumerate(facts):
            value = parts.label(words, wrap=True, select=True)
            self._facts.addWidget(parts.label(name, tone="muted"), row, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(value, row, 1)

    def _method(self, method: str) -> str:
        name, failed, why = method.partition(" failed")
        if failed:
            return self.tr("{0} failed{1}").format(self._method(name), why)
        return {
            "text": self.tr("words"),
            "vector": self.tr("meaning"),
            "text:translated": self.tr("words of the translation"),
            "vector:translated": self.tr("meaning of the translation"),
            "rerank": self.tr("reranker"),
        }.get(method, method)

    def _write_found(self) -> None:
        parts.clear(self._found)
        for passage in self._xray.found[:_MOST]:
            self._found.addWidget(self._passage(passage))
        self._found_card.setVisible(bool(self._xray.found))
        reasons: dict[str, int] = {}
        given = {passage.passage_id for passage in self._xray.found if passage.source is not None}
        for dropped in self._xray.dropped:
            if dropped.passage_id not in given:
                words = self._reason(dropped)
                reasons[words] = reasons.get(words, 0) + 1
        said = "; ".join(f"{words}: {count}" for words, count in reasons.items())
        self._dropped.setText(self.tr("Not given to the model: {0}").format(said) if said else "")
        self._dropped.setVisible(bool(said))

    def _reason(self, dropped: DroppedPassage) -> str:
        return {
            "duplicate": self.tr("nearly the same as another"),
            "diversity": self.tr("others of the same document were better"),
            "threshold": self.tr("too far from the question"),
            "limit": self.tr("behind the best ones"),
            "room": self.tr("no room in the context"),
            "merged": self.tr("joined with its neighbour"),
        }.get(dropped.why, dropped.why)

    def _passage(self, passage: FoundPassage) -> QFrame:
        frame = parts.surface("well")
        number = parts.label(f"[{passage.source}]" if passage.source else "–", role="strong")
        number.setProperty("tone", "accent" if passage.source else "muted")
        title = ElidedLabel("strong")
        title.setText(passage.document)
        page = document_words.place_in(passage.name, passage.page, passage.label)
        ranks = "   ".join(
            self.tr("{0}: place {1}").format(self._method(method), rank) for method, rank, _ in passage.ranks
        )
        head = parts.row(number, title, parts.label(page, role="caption", tone="muted"), None)
        text = ElidedLabel("caption", steady=True)
        text.setText(" ".join(passage.text.split()))
        column = parts.column(
            head, parts.label(ranks, role="caption", tone="muted", wrap=True), text, space=2, margin=SPACE.s
        )
        frame.setLayout(column)
        return frame

    def _write_tokens(self) -> None:
        shares = tuple(part for part in self._xray.parts if part.tokens > 0)
        parts.clear(self._tokens)
        self._shares.show_parts(shares)
        for index, part in enumerate(shares):
            dot = Dot(index, part.name)
            words = self.tr("{0}: {1} tokens").format(self._part(part.name), QLocale().toString(part.tokens))
            self._tokens.addLayout(parts.row(dot, parts.label(words), None))
        self._tokens_card.setVisible(bool(shares))

    def _part(self, name: str) -> str:
        return {
            "instructions": self.tr("Instructions"),
            "documents": self.tr("Documents"),
            "conversation": self.tr("What was said before"),
            "question": self.tr("Question"),
            "template": self.tr("The model's own marks"),
            "answer": self.tr("Left for the answer"),
        }.get(name, name)
