"""How everything looks, said once: colours, spacing, type, and the style sheet made of them.

The vocabulary of a page. A widget says what it *is*, by dynamic properties set before it is shown (the
constructors in `app.parts` do it); `resources/themes/deskseek.qss` says how that looks in both schemes.

    role     on labels    title (one a page), heading (a section, a card), body, strong, caption, mono
    tone     on labels    muted, accent, success, warning, danger; none: normal text
    kind     on buttons   primary (one a page: what most people press next), secondary, quiet (no frame until
                          the pointer is there; icon buttons), danger
    surface  on frames    page, panel, rail, card, well (sunken: code, plots), info, success, warning, danger

`SPACE` is the only source of distances: 4 between things that are one, 8 inside a row, 12 between controls,
16 inside cards, 24 between sections, 32 around a page. `px(n)` grows lengths that hold text or stand beside it
(rows, icons, columns) with the text. `PAGE_WIDTH` is the widest a column of text or forms gets. `RADIUS` rounds
cards and buttons.

Colours come from `tokens()`; whoever paints by hand asks at paint time, whoever keeps colours (documents)
listens to `current().changed`. Every pair of text and ground in `Tokens.pairs()` has a contrast of at least
4.5, every frame and ground in `Tokens.edges()` of 3 (WCAG 2.2 AA), which a test computes. The one accent is a
deep sea blue-green; it marks what to press and what is selected, nothing else. The whole look on one page:
`resources/themes/DESIGN.md`.

The scheme follows the system at run time, or the setting (`Theme.follow`). The fonts are the system's, with
the platform's Chinese families behind them; sizes grow with the system's font size.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from string import Template
from types import SimpleNamespace
from typing import Literal

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from backends.core.paths import resource

Scheme = Literal["system", "light", "dark"]

SPACE = SimpleNamespace(xs=4, s=8, m=12, l=16, xl=24, xxl=32)
PAGE_WIDTH = 760
RADIUS = 8


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one scheme, as #rrggbb."""

    scheme: Literal["light", "dark"]
    window: str  # behind the text of a page
    panel: str  # beside the page: the conversation panel
    rail: str  # the outermost edge
    raised: str  # cards, inputs, menus
    sunken: str  # code, wells, the user's bubble
    hover: str
    pressed: str
    line: str  # separates
    line_strong: str  # frames what has words of its own: buttons, menus
    frame: str  # frames what is typed into, ticked or switched, and would not be seen without (3:1: `edges`)
    text: str
    muted: str  # less important, still read
    faint: str  # disabled: not to be read
    accent: str
    accent_hover: str
    accent_soft: str  # ground of what is selected
    on_accent: str
    success: str
    success_soft: str
    warning: str
    warning_soft: str
    danger: str
    danger_hover: str
    danger_soft: str
    on_danger: str
    lit: str  # ground of words that were looked for
    code_keyword: str
    code_string: str
    code_number: str
    code_name: str
    code_comment: str

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every (text, ground) that occurs."""
        grounds = (self.window, self.panel, self.rail, self.raised, self.sunken)
        for ground in grounds:
            for text in (self.text, self.muted, self.accent):
                yield text, ground
        for ground in (self.hover, self.accent_soft):
            yield self.text, ground
            yield self.muted, ground
        yield self.accent, self.accent_soft
        yield self.text, self.lit
        for ground in (self.accent, self.accent_hover):
            yield self.on_accent, ground
        for ground in (self.danger, self.danger_hover):
            yield self.on_danger, ground
        for text, soft in (
            (self.success, self.success_soft),
            (self.warning, self.warning_soft),
            (self.danger, self.danger_soft),
        ):
            for ground in (soft, self.window, self.raised):
                yield text, ground
            yield self.text, soft
            yield self.muted, soft
        for text in (self.code_keyword, self.code_string, self.code_number, self.code_name, self.code_comment):
            yield text, self.sunken

    def edges(self) -> Iterator[tuple[str, str]]:
        """Every (frame, ground) by which alone something to be used is seen."""
        for ground in (self.window, self.panel, self.raised, self.sunken):
            yield self.frame, ground
            yield self.accent, ground


LIGHT = Tokens(
    scheme="light",
    window="#ffffff",
    panel="#f5f7f8",
    rail="#edf1f2",
    raised="#ffffff",
    sunken="#f3f6f7",
    hover="#e8edef",
    pressed="#dde4e6",
    line="#e2e8ea",
    line_strong="#c3ced2",
    frame="#7f8f95",
    text="#13211f",
    muted="#55656a",
    faint="#9aa8ac",
    accent="#0b6675",
    accent_hover="#085663",
    accent_soft="#dcedf0",
    on_accent="#ffffff",
    success="#1b6e3c",
    success_soft="#e4f3e9",
    warning="#805400",
    warning_soft="#fcf2dc",
    danger="#b3261e",
    danger_hover="#96180f",
    danger_soft="#fcebe9",
    on_danger="#ffffff",
    lit="#ffe69a",
    code_keyword="#0b6675",
    code_string="#2e6b2f",
    code_number="#935100",
    code_name="#2f55a4",
    code_comment="#5f6f74",
)

DARK = Tokens(
    scheme="dark",
    window="#14191b",
    panel="#101416",
    rail="#0c1011",
    raised="#1b2224",
    sunken="#1d2527",
    hover="#232c2f",
    pressed="#2b3639",
    line="#273033",
    line_strong="#3c494d",
    frame="#66767b",
    text="#e4ebec",
    muted="#9fb0b4",
    faint="#5d6b6f",
    accent="#5cc3d0",
    accent_hover="#7ad3de",
    accent_soft="#173439",
    on_accent="#04262c",
    success="#7ccf98",
    success_soft="#16301f",
    warning="#e6b85c",
    warning_soft="#33280f",
    danger="#ff9d94",
    danger_hover="#ffb5ae",
    danger_soft="#3a1b19",
    on_danger="#3a0a06",
    lit="#574a12",
    code_keyword="#5cc3d0",
    code_string="#98cf8f",
    code_number="#e3b075",
    code_name="#94b8ff",
    code_comment="#93a2a6",
)


def contrast(text: str, ground: str) -> float:
    """The contrast ratio of WCAG 2.2 (1 to 21)."""

    def luminance(color: str) -> float:
        channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(text), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


@dataclass(frozen=True, slots=True)
class Type:
    """The type scale in logical pixels, grown from the system's own font size, and the families in order."""

    body: int
    families: tuple[str, ...]
    mono: tuple[str, ...]

    @property
    def sizes(self) -> dict[str, int]:
        return _sizes(self.body)

    @property
    def chinese(self) -> tuple[str, ...]:
        """The families for Chinese first, for text whose punctuation is Chinese too."""
        return _chinese_first(self.families)

    def font(self, role: str = "body") -> QFont:
        return QFont(_font(self, role))


@lru_cache(maxsize=8)
def _sizes(body: int) -> dict[str, int]:
    return {
        "caption": max(11, round(body * 0.86)),
        "body": body,
        "heading": round(body * 1.2),
        "title": round(body * 1.72),
        "mono": max(11, round(body * 0.93)),
    }


@lru_cache(maxsize=8)
def _chinese_first(families: tuple[str, ...]) -> tuple[str, ...]:
    ours = {name for names in (*_CJK.values(), _CJK_ELSEWHERE) for name in names}
    return tuple(sorted(families, key=lambda name: name not in ours))


@lru_cache(maxsize=32)
def _font(kind: Type, role: str) -> QFont:
    font = QFont()
    font.setFamilies(list(kind.mono if role == "mono" else kind.families))
    font.setPixelSize(kind.sizes.get(role, kind.body))
    if role in {"heading", "title", "strong"}:
        font.setWeight(QFont.Weight.DemiBold)
    if role == "mono":
        font.setStyleHint(QFont.StyleHint.Monospace)
    return font


# What a desktop without a chosen font falls to is DejaVu, which is wide and has no Chinese: prefer these.
_LATIN = ("Inter", "Adwaita Sans", "Noto Sans", "Cantarell", "Ubuntu Sans", "Ubuntu", "Open Sans")
_CJK = {
    "win32": ("Microsoft YaHei UI", "Microsoft YaHei"),
    "darwin": ("PingFang SC", "Hiragino Sans GB"),
}
_CJK_ELSEWHERE = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Droid Sans Fallback")
_MONO = ("Cascadia Code", "Cascadia Mono", "Consolas", "SF Mono", "Menlo", "JetBrains Mono", "DejaVu Sans Mono")


def system_type() -> Type:
    """The fonts of this desktop."""
    general = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    there = set(QFontDatabase.families())
    cjk = tuple(name for name in _CJK.get(sys.platform, _CJK_ELSEWHERE) if name in there)
    own = QFontInfo(general).family()
    if own.startswith(("DejaVu", "Sans Serif", "Bitstream")):
        latin = tuple(name for name in _LATIN if name in there)
        families = (*latin, *cjk, own)
    else:
        families = (general.family(), *cjk)
    mono = tuple(name for name in (*_MONO, QFontInfo(fixed).family()) if name in there)
    return Type(max(14, QFontInfo(general).pixelSize()), families, (*mono, *cjk))


def style_sheet(tokens: Tokens, type_: Type) -> str:
    source = Template(resource("themes/deskseek.qss").read_text(encoding="utf-8"))
    images = resource(f"themes/{tokens.scheme}").as_posix()
    sizes = {f"size_{name}": f"{size}px" for name, size in type_.sizes.items()}
    mono = ", ".join(f'"{name}"' for name in type_.mono)
    return source.substitute(asdict(tokens), **sizes, mono=mono, images=images)


def palette(tokens: Tokens) -> QPalette:
    """For what no style sheet reaches: text selections, native parts of Fusion, placeholder text."""
    role = QPalette.ColorRole
    colors = {
        role.Window: tokens.window,
        role.WindowText: tokens.text,
        role.Base: tokens.raised,
        role.AlternateBase: tokens.sunken,
        role.Text: tokens.text,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.danger,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.on_accent,
        role.Accent: tokens.accent,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
        role.Light: tokens.raised,
        role.Midlight: tokens.hover,
        role.Mid: tokens.line,
        role.Dark: tokens.line_strong,
        role.Shadow: tokens.line_strong,
    }
    result = QPalette()
    for name, color in colors.items():
        result.setColor(name, QColor(color))
    for name in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(tokens.faint))
    return result


class Theme(QObject):
    """The look in force. One a QApplication, its child; `current()` finds it."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self.type = system_type()
        self.tokens = LIGHT
        app.setStyle("Fusion")
        app.setFont(self.type.font())
        self._put_on()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_changed)

    def follow(self, scheme: Scheme) -> None:
        """Take the system's scheme, or insist on one (window frames of the platform follow too)."""
        wanted = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(scheme, Qt.ColorScheme.Unknown)
        QGuiApplication.styleHints().setColorScheme(wanted)
        self._put_on(wanted)

    @Slot()
    def _on_system_changed(self) -> None:
        self._put_on()

    def _put_on(self, wanted: Qt.ColorScheme = Qt.ColorScheme.Unknown) -> None:
        if wanted is Qt.ColorScheme.Unknown:
            wanted = QGuiApplication.styleHints().colorScheme()
        tokens = DARK if wanted is Qt.ColorScheme.Dark else LIGHT
        if self._app.styleSheet() and tokens is self.tokens:
            return
        self.tokens = tokens
        self._app.setPalette(palette(tokens))
        self._app.setStyleSheet(style_sheet(tokens, self.type))
        self.changed.emit()


def current() -> Theme:
    app = QApplication.instance()
    if app is None:
        raise RuntimeError("no Application yet")
    return _theme_of(app)


@lru_cache(maxsize=1)
def _theme_of(app: QCoreApplication) -> Theme:
    theme = app.findChild(Theme)
    if theme is None:
        raise RuntimeError("no Application yet")
    return theme


def tokens() -> Tokens:
    return current().tokens


def px(length: float) -> int:
    """A length of the design (made for text of 14 px) at the size of this desktop's text: rows, icons, columns."""
    return round(length * current().type.body / 14)
