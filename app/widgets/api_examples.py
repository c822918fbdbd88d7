"""How programs are told of this server, ready to be copied."""

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import parts
from app.api_examples import CLIENTS, NO_KEY, Client, example
from app.api_picture import ApiPicture
from app.language import Retranslated
from app.markdown import Code
from app.theme import SPACE
from app.widgets.code import CodeBlock
from app.widgets.segments import Segments


class ApiExamples(Retranslated, QWidget):
    key_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._picture = ApiPicture()
        self._client: Client = CLIENTS[0]
        self._segments = Segments(CLIENTS)
        self._segments.chosen.connect(self._on_chosen)
        self._lead = parts.label(wrap=True)
        self.code = _Code()
        self._note = parts.label(role="caption", tone="muted", wrap=True)
        self._new_key = parts.button(kind="secondary", icon="key")
        self._new_key.clicked.connect(self.key_wanted)
        foot = parts.row(self._note, self._new_key, space=SPACE.l)
        foot.setStretch(0, 1)
        self.setLayout(parts.column(parts.row(self._segments, None), self._lead, self.code, foot))
        self.retranslate()

    def show_picture(self, picture: ApiPicture) -> None:
        self._picture = picture
        self._draw()

    def show_client(self, client: Client) -> None:
        self._client = client
        self._segments.choose(client)
        self._draw()

    @Slot(str)
    def _on_chosen(self, client: Client) -> None:
        self.show_client(client)

    def retranslate(self) -> None:
        names = {
            "curl": "curl",
            "python": "Python",
            "continue": "Continue",
            "claude": "Claude Code",
            "ollama": "Ollama",
            "documents": self.tr("Documents"),
        }
        self._segments.name(names, self.tr("Example"))
        self._new_key.setText(self.tr("New key…"))
        self._draw()

    def _draw(self) -> None:
        picture = self._picture
        self._lead.setText(
            {
                "curl": self.tr("Ask once, on the command line."),
                "python": self.tr("The openai package; others of its kind are told the same."),
                "continue": self.tr("An assistant in VS Code and JetBrains. Put this into its configuration."),
                "claude": self.tr("Set these before it is started."),
                "ollama": self.tr("Programs made for Ollama ask here as well."),
                "documents": self.tr("Add a document, then ask what is in yours: the answer names its sources."),
            }[self._client]
        )
        made = picture.made
        address = picture.address or f"http://127.0.0.1:{picture.port}"
        key = "no-key-needed" if picture.open_to_all else made.secret if made else ""
        shown = example(self._client, address, picture.model, key)
        self.code.show_code(Code(shown.language, shown.text))
        self.code.updateGeometry()
        if picture.open_to_all:
            said = ""
        elif made is not None:
            said = self.tr("The key “%1” stands in it.").replace("%1", made.key.name)
        else:
            said = self.tr("Put your key in the place of %1.").replace("%1", NO_KEY)
        self._note.setText(said)
        self._new_key.setVisible(made is None and not picture.open_to_all)


class _Code(CodeBlock):
    """As high as its lines."""

    def __init__(self) -> None:
        super().__init__()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self.height_for(width)

    def sizeHint(self) -> QSize:
        return QSize(300, self.height_for(max(300, self.width())))
