"""What is chosen in the list of documents: how it is in whole sentences, and what can be done about it."""

from PySide6.QtCore import QLocale, Signal, Slot
from PySide6.QtWidgets import QFrame, QLineEdit

from app import document_words, parts
from app.language import Retranslated, say, sentences
from app.lists.documents import DocumentRow
from app.theme import SPACE
from app.widgets.elided import ElidedLabel
from backends.documents.types import Document


class PasswordField(Retranslated, QLineEdit):
    """`given(password)` on Enter. What is typed is shown as dots and is not kept."""

    given = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.returnPressed.connect(self.give)
        self.retranslate()

    def retranslate(self) -> None:
        self.setPlaceholderText(self.tr("Password of the document"))
        self.setAccessibleName(self.tr("Password of the document"))

    @Slot()
    def give(self) -> None:
        if password := self.text():
            self.clear()
            self.given.emit(password)


class DocumentFoot(Retranslated, QFrame):
    """Hidden while nothing is chosen."""

    open_requested = Signal(object)  # Document
    reveal_requested = Signal(object)
    retry_requested = Signal(int)
    recognise_requested = Signal(int)
    password_given = Signal(int, str)
    delete_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "foot")
        self._row: DocumentRow | None = None
        self._count = 0
        self._recognises = False
        self._low = False
        self._title = ElidedLabel("strong", steady=True)
        self._facts = ElidedLabel("caption", "muted", steady=True)
        self._message = parts.label(role="caption", wrap=True, select=True)
        self._hint = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self.password = PasswordField()
        self._unlock = parts.button(kind="primary")
        self._again = parts.button(kind="secondary", icon="rotate-cw")
        self._recognise = parts.button(kind="secondary", icon="scan-text")
        self._open = parts.button(kind="secondary", icon="book-open")
        self._reveal = parts.icon_button("folder-open")
        self._delete = parts.icon_button("trash-2")
        self.password.given.connect(self._on_password)
        self._unlock.clicked.connect(self.password.give)
        self._again.clicked.connect(lambda: self._ask(self.retry_requested, self._id))
        self._recognise.clicked.connect(lambda: self._ask(self.recognise_requested, self._id))
        self._open.clicked.connect(lambda: self._ask(self.open_requested, self._document))
        self._reveal.clicked.connect(lambda: self._ask(self.reveal_requested, self._document))
        self._delete.clicked.connect(self.delete_requested)
        said = parts.column(self._title, self._facts, space=2)
        head = parts.row(said, self._again, self._recognise, self._open, self._reveal, self._delete)
        head.setStretch(0, 1)
        field = parts.row(self.password, self._unlock, None)
        self.password.setMaximumWidth(320)
        field.setStretch(0, 2)
        body = parts.column(head, self._message, self._hint, field, space=SPACE.xs)
        body.setContentsMargins(SPACE.xl, SPACE.m, SPACE.xl, SPACE.m)
        self.setLayout(body)
        self.hide()
        self.retranslate()

    def retranslate(self) -> None:
        self._unlock.setText(self.tr("Unlock"))
        self._again.setText(self.tr("Read again"))
        self._recognise.setText(self.tr("Recognise the text"))
        self._open.setText(self.tr("Open"))
        parts.name_button(self._reveal, self.tr("Show in its folder"))
        parts.name_button(self._delete, self.tr("Delete"))
        self._draw()

    def show_chosen(self, row: DocumentRow | None, count: int, *, recognises: bool = False) -> None:
        """`row`: the one that is chosen, if it is one of `count`."""
        if row is None or self._row is None or row.document.id != self._row.document.id:
            self.password.clear()
        self._row, self._count, self._recognises = row, count, recognises
        self._draw()

    def set_low(self, low: bool) -> None:
        """There is little room: without what the row says already."""
        self._low = low
        self._draw()

    @property
    def _document(self) -> Document | None:
        return self._row.document if self._row else None

    @property
    def _id(self) -> int | None:
        return self._row.document.id if self._row else None

    def _draw(self) -> None:
        document, status = self._document, self._document.status if self._document else ""
        partly = document is not None and status == "ready" and document.unread > 0
        self._title.setText(document_words.title_of(document) if document else self._many())
        self._facts.setText(document_words.facts_of(document) if document else "")
        self._facts.setVisible(document is not None and not self._low)
        self._draw_problem()
        self.password.setVisible(status == "encrypted")
        self._unlock.setVisible(status == "encrypted")
        self._again.setVisible(status in ("failed", "empty"))
        self._recognise.setVisible((status == "scanned" or partly) and self._recognises)
        self._open.setVisible(document is not None and status in ("ready", "scanned"))
        self._reveal.setVisible(document is not None and bool(document.path))
        self.setVisible(self._count > 0)

    def _draw_problem(self) -> None:
        row = self._row
        message = hint = tone = ""
        if row is not None:
            said = document_words.state_of(row.document, row.done, row.total)
            problem, tone = row.document.problem, said.tone
            calm = row.document.status in ("waiting", "reading") or said.tone in ("success", "accent")
            message = "" if calm else said.words
            if problem is not None:
                partly = row.document.status == "ready" and row.document.unread
                message = sentences([said.words, problem.message]) if partly else say(problem.message)
                hint = say(problem.hint)
            hint = hint or (self._advice(row.document) if not calm else "")
        self._message.setText(message)
        self._hint.setText(hint)
        parts.set_look(self._message, tone=tone)
        short = self._low and row is not None and row.document.status == "encrypted"  # its row and the field say it
        self._message.setVisible(bool(message) and not short)
        self._hint.setVisible(bool(hint) and not short)

    def _advice(self, document: Document) -> str:
        """What to do, where the problem itself does not say."""
        match document.status:
            case "encrypted":
                return self.tr("Type its password: it is used to read it once and is not kept.")
            case "scanned" if not self._recognises:
                return self.tr("The file stays listed. Its text can be recognised with the extra part deskseek[ocr].")
            case "empty":
                return self.tr("If that is not so, save it anew with the program it comes from, and read it again.")
        return ""

    def _many(self) -> str:
        return self.tr("%1 documents chosen").replace("%1", QLocale().toString(self._count))

    @staticmethod
    def _ask(signal: object, what: object) -> None:
        if what is not None:
            signal.emit(what)  # type: ignore[attr-defined]

    @Slot(str)
    def _on_password(self, password: str) -> None:
        if self._id is not None:
            self.password_given.emit(self._id, password)
