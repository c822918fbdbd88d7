"""Both schemes can be read, and the window follows from one to the other."""

from collections.abc import Iterator
from dataclasses import fields

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPalette
from PySide6.QtWidgets import QLabel

from app import icons, parts, theme
from app.application import Application
from app.lists.conversations import ConversationList
from app.theme import DARK, LIGHT, Tokens
from backends.chat.types import Conversation
from backends.core.errors import NotFound
from backends.core.paths import resource


@pytest.fixture(autouse=True)
def _light_again(qapp: Application) -> Iterator[None]:
    yield
    qapp.theme.follow("light")


def test_the_formula_of_contrast() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.scheme)
def test_every_text_can_be_read_on_its_ground(tokens: Tokens) -> None:
    for text, ground in tokens.pairs():
        assert theme.contrast(text, ground) >= 4.5, f"{text} on {ground}"


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.scheme)
def test_what_can_be_used_is_seen_by_its_frame(tokens: Tokens) -> None:
    for frame, ground in tokens.edges():
        assert theme.contrast(frame, ground) >= 3, f"{frame} on {ground}"


def test_the_whole_app_changes_with_the_scheme(qapp: Application) -> None:
    heard: list[str] = []
    connection = qapp.theme.changed.connect(lambda: heard.append(theme.tokens().scheme))
    qapp.theme.follow("light")
    qapp.theme.follow("dark")
    assert theme.tokens() is DARK
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
    assert DARK.accent in qapp.styleSheet()
    assert LIGHT.accent not in qapp.styleSheet()
    qapp.theme.follow("light")
    assert heard[-2:] == ["dark", "light"]
    qapp.theme.changed.disconnect(connection)


def test_without_a_wish_the_system_decides(qapp: Application) -> None:
    qapp.theme.follow("dark")
    qapp.theme.follow("system")
    dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    assert theme.tokens() is (DARK if dark else LIGHT)


def test_icons_take_the_colour_of_the_scheme(qapp: Application) -> None:
    def ink() -> set[str]:
        image = QImage(32, 32, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        icons.icon("square", "accent").paint(painter, image.rect())
        painter.end()
        colors = (image.pixelColor(x, y) for x in range(32) for y in range(32))
        return {color.name() for color in colors if color.alpha() == 255}

    qapp.theme.follow("light")
    assert ink() == {LIGHT.accent}
    qapp.theme.follow("dark")
    assert ink() == {DARK.accent}


def test_an_icon_that_is_not_there_is_said(qapp: Application) -> None:
    with pytest.raises(NotFound):
        icons.icon("no-such-icon")


def test_every_icon_can_be_drawn(qapp: Application) -> None:
    for path in resource("icons").glob("*.svg"):
        assert not icons.icon(path.stem).pixmap(16, 16).toImage().isNull()


def test_labels_never_read_markup(qapp: Application) -> None:
    label = parts.label("<img src='file:///etc/passwd'><b>x</b>", role="title")
    assert label.textFormat() is Qt.TextFormat.PlainText
    assert isinstance(label, QLabel)


def test_tool_tips_never_read_markup(qapp: Application) -> None:
    assert parts.tip("A plain title & more") == "A plain title & more"
    assert parts.tip("<img src='file:///etc/passwd'>") == "<span>&lt;img src=&#x27;file:///etc/passwd&#x27;&gt;</span>"
    listed = ConversationList()
    listed.show([Conversation(1, "<b>x</b>", True, "", 0.0, 0.0)])
    assert listed.index(1).data(Qt.ItemDataRole.ToolTipRole) == "<span>&lt;b&gt;x&lt;/b&gt;</span>"


def test_type_grows_with_the_system() -> None:
    small, large = theme.Type(14, ("A",), ("M",)), theme.Type(21, ("A",), ("M",))
    assert small.sizes["body"] == 14
    assert all(large.sizes[role] > small.sizes[role] for role in small.sizes)


def test_icons_are_as_sharp_as_the_screen(qapp: Application) -> None:
    pixmap = icons.icon("copy").pixmap(QSize(16, 16), 2.0)
    assert (pixmap.width(), pixmap.devicePixelRatio()) == (32, 2.0)


def test_lengths_grow_with_the_text(qapp: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qapp.theme, "type", theme.Type(28, ("A",), ("M",)))
    assert theme.px(36) == 72


def test_the_page_about_the_look_says_what_the_theme_does() -> None:
    """Each table of `resources/themes/DESIGN.md` is read, and its numbers are those of the code."""
    page = resource("themes/DESIGN.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| `")
    ]
    said = {cells[0].strip("`"): cells[1:] for cells in rows}
    sizes = theme.Type(14, (), ()).sizes
    assert {name: said[name][0] for name in sizes} == {name: str(size) for name, size in sizes.items()}
    space = vars(theme.SPACE)
    assert {name: said[name][0] for name in space} == {name: str(size) for name, size in space.items()}
    colours = [field.name for field in fields(Tokens) if field.name != "scheme"]
    assert set(said) == {*sizes, *space, *colours}
    for name in colours:
        for tokens, (colour, figure) in ((LIGHT, said[name][1:3]), (DARK, said[name][3:5])):
            assert colour == f"`{getattr(tokens, name)}`"
            if figure:
                ground = tokens.sunken if name.startswith("code_") else tokens.window
                assert figure == f"{theme.contrast(getattr(tokens, name), ground):.1f}", name
    flat = " ".join(page.split())
    for light, dark in (
        (min(theme.contrast(*pair) for pair in tokens.pairs()) for tokens in (LIGHT, DARK)),
        (min(theme.contrast(*pair) for pair in tokens.edges()) for tokens in (LIGHT, DARK)),
    ):
        assert f"{light:.1f} in light, {dark:.1f} in dark" in flat or f"({light:.1f} and {dark:.1f})" in flat
    assert f"at most {theme.PAGE_WIDTH} wide" in flat
    assert f"round by {theme.RADIUS} " in flat
