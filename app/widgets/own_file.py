"""'I have a file': a button that asks for a GGUF of the person's own."""

from PySide6.QtCore import QSize, QStandardPaths, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QPushButton

from app import icons
from app.language import Retranslated


class OwnFileButton(Retranslated, QPushButton):
    file_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "secondary")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIcon(icons.icon("folder-open", "muted"))
        self.setIconSize(QSize(20, 16))
        self.clicked.connect(self._on_clicked)
        self.retranslate()

    def retranslate(self) -> None:
        self.setText(self.tr("I have a file…"))
        self.setToolTip(self.tr("Use a GGUF file that is on this computer already; it stays where it is"))
        self.setAccessibleName(self.tr("I have a model file"))

    @Slot()
    def _on_clicked(self) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        dialog = QFileDialog(self.window(), self.tr("Choose a model file"), folder)
        dialog.setNameFilters([self.tr("Models (*.gguf)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.file_chosen)
        dialog.open()
