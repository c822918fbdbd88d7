"""A quiet button with a picture and a name, which is cut with an ellipsis where its row is short."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QStyleOptionButton, QToolTip, QWidget

from app import parts
from app.theme import SPACE, px

_LEAST_NAME = 40  # of a name that is cut and has words around it


class NameChip(QPushButton):
    """Between `least`, before others in its row have to give way, and `most` wide; `side`: of its picture. Pixels at
    the usual size of the type. The tool tip is the hint and, where the name is cut, what there is no room for."""

    def __init__(self, side: int, least: int, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._least, self._most = px(least), px(most)
        self._name = self._frame = self._hint = ""
        self.setProperty("kind", "chip")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIconSize(QSize(px(side) + 4, px(side)))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def say(self, name: str, hint: str, frame: str = "{0}") -> None:
        """`frame`: the words around the name, which stay when that is cut."""
        self._name, self._frame, self._hint = name, frame, hint
        self.setText(frame.format(name).replace("&", "&&"))

    @property
    def shown(self) -> str:
        """What there is room for."""
        option = QStyleOptionButton()
        super().initStyleOption(option)
        inside = self.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, self)
        room = inside.width() - (0 if self.icon().isNull() else self.iconSize().width() + SPACE.xs)
        metrics, elide = self.fontMetrics(), Qt.TextElideMode.ElideRight
        whole = self._frame.format(self._name)
        beside = metrics.horizontalAdvance(self._frame.format(""))
        if metrics.horizontalAdvance(whole) <= room or room - beside < px(_LEAST_NAME):
            return metrics.elidedText(whole, elide, room)
        return self._frame.format(metrics.elidedText(self._name, elide, room - beside))

    @property
    def tip(self) -> str:
        """What the tool tip says."""
        whole = self._frame.format(self._name)
        return "\n".join(filter(None, (whole if self.shown != whole else "", self._hint)))

    def sizeHint(self) -> QSize:
        whole = super().sizeHint()
        return QSize(min(whole.width(), self._most), whole.height())

    def minimumSizeHint(self) -> QSize:
        whole = self.sizeHint()
        return QSize(min(whole.width(), self._least), whole.height())

    def initStyleOption(self, option: QStyleOptionButton) -> None:
        super().initStyleOption(option)
        option.text = self.shown.replace("&", "&&")

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), parts.tip(self.tip), self)
            return True
        return super().event(event)
