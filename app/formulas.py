r"""Formulas: LaTeX as shapes that a painter fills in any colour, at any size.

The only importer of ziamath, which turns LaTeX into MathML (latex2mathml) and that into outlines of STIX Two Math.
Characters which that font lacks (`\text{中文}`) are outlines of the window's own fonts. What models write is not
trusted: the length and the number of parts to be set are bounded (`_LONGEST`, `_MOST_PARTS`: rows are set twice
to stretch their brackets, which doubles with every nested `\left`), macros are not read, and whatever the libraries
raise ends here. A formula that cannot be set is shown as it was written.
"""

import re
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPainterPathStroker, QTransform

from app import latex, theme
from app.mathml import tuned

if TYPE_CHECKING:
    from ziamath.zmath import Math

_EM = 24.0  # the size formulas are set at, in their own units; ziamath's least size is relative to it
_LONGEST = 3_000  # characters of LaTeX
_MOST_PARTS = 700  # of rows, 0.1 to 0.4 ms each; short formulas may have fewer
_PARTS_A_CHARACTER = 3
_LARGEST = 400.0  # em, either way
_CACHE_BYTES = 12_000_000
_ELEMENT_BYTES = 32  # of a path
_FIT = 1.13  # STIX is small beside the fonts of a desktop


@dataclass(frozen=True, slots=True)
class Ink:
    """What has one colour, "" for that of the text around. `rules` are lines to be set on whole pixels."""

    color: str
    path: QPainterPath
    rules: tuple[QRectF, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    r"""A set formula, in em of the text around it; the baseline at 0, y downwards. `tag`: its number, of `\tag`."""

    inks: tuple[Ink, ...]
    left: float
    width: float
    ascent: float
    descent: float
    tag: str
    cost: int

    def paint(self, painter: QPainter, at: QPointF, size: float, color: QColor) -> None:
        """With the left end of the baseline at `at`; `size`: pixels of the text's font."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(at)
        scale = size * _FIT / _EM
        painter.scale(scale, scale)
        painter.translate(-self.left * _EM / _FIT, 0)
        for ink in self.inks:
            tone = _visible(QColor.fromString(ink.color), color) if ink.color else color
            painter.fillPath(ink.path, tone)
            for rule in ink.rules:
                painter.fillRect(_on_pixels(rule, painter.deviceTransform()), tone)
        painter.restore()


def shape(source: str, *, display: bool) -> Shape | None:
    """The formula, without its delimiters; None if it cannot be set."""
    return _kept(source, display)


def load() -> None:
    """Load the libraries and their font, which the first formula would wait for. Any thread."""
    _Setter.once()


class _Kept:
    """What was set last, up to so many bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._shapes: OrderedDict[tuple[str, bool], Shape | None] = OrderedDict()
        self.bytes = 0

    def __call__(self, source: str, display: bool) -> Shape | None:
        key = (source, display)
        if key in self._shapes:
            self._shapes.move_to_end(key)
            return self._shapes[key]
        made = None if len(source) > _LONGEST else _set(source, display)
        if len(source) <= _LONGEST:
            self._shapes[key] = made
            self.bytes += _cost(source, made)
            while self.bytes > self._most:
                (old, _), gone = self._shapes.popitem(last=False)
                self.bytes -= _cost(old, gone)
        return made


def _cost(source: str, made: Shape | None) -> int:
    return 200 + 4 * len(source) + (made.cost if made else 0)


_kept = _Kept(_CACHE_BYTES)


def _set(source: str, display: bool) -> Shape | None:
    try:
        body, tag = latex.without_tag(source)
        return _Setter.once().shape(latex.prepared(body), tag, display)
    except _foreign():
        return None


@cache
def _foreign() -> tuple[type[Exception], ...]:
    """What the libraries raise on LaTeX that they cannot read; latex2mathml's errors have no common parent."""
    from latex2mathml import exceptions

    own = [error for error in vars(exceptions).values() if isinstance(error, type) and issubclass(error, Exception)]
    plain = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError)
    return (*plain, StopIteration, SyntaxError, TypeError, UnboundLocalError, ValueError, *own)


class _Setter:
    """ziamath with three things of our own: rows that are set once where once is enough, a bound on the parts of a
    formula, and characters of other fonts."""

    def __init__(self) -> None:
        from ziafont.fonttypes import BBox
        from ziafont.glyph import SimpleGlyph
        from ziamath import operators, zmath
        from ziamath.drawable import HLine, VLine
        from ziamath.mathfont import MathFont
        from ziamath.nodes.mrow import Mrow
        from ziamath.nodes.mtable import Mtable
        from ziamath.nodes.nodetools import elementtext
        from ziamath.styles import MathVariant
        from ziamath.tex import tex2mml

        setter = self

        def stretches(element: ElementTree.Element) -> bool:
            """The height of its row matters to it."""
            text = elementtext(element)
            if element.tag == "mo" or (element.tag == "mi" and text in operators.names):
                form = element.get("form", "infix")
                wanted = element.get("stretchy") or operators.get_params(text, form).get("stretchy")
                return wanted not in (None, "false")
            return element.tag not in ("mrow", "mtable", "mtext", "mn") and any(map(stretches, element))

        class Row(Mrow, tag="mrow"):
            def __init__(self, element: ElementTree.Element, parent: Any, **kwargs: Any) -> None:
                if element.tag != "mrow":
                    raise ValueError(f"no way to set <{element.tag}>")
                setter.spend(len(element) + len(element) ** 2 // 50)
                super().__init__(element, parent, **kwargs)

            def _get_height_nostretch(self, line: list[ElementTree.Element], **kwargs: Any) -> tuple[float, float]:
                if not any(map(stretches, line)):
                    return 0.0, 0.0
                return super()._get_height_nostretch(line, **kwargs)

        class Table(Mtable, tag="mtable"):
            """With the lines between columns and rows that `array` asks for."""

            def _setup(self, **kwargs: Any) -> None:
                super()._setup(**kwargs)
                columns, rows = (self.element.get(name, "").split() for name in ("columnlines", "rowlines"))
                placed = list(zip(self.nodes, self.nodexy, strict=True))
                thick = self.units_to_points(self.font.math.consts.fractionRuleThickness)
                count = max((len(row) for row in self.element), default=0)
                for n, kind in enumerate(columns[: count - 1]):
                    if kind == "solid":
                        left = max(x + node.bbox.xmax for node, (x, _) in placed[n::count])
                        right = min(x + node.bbox.xmin for node, (x, _) in placed[n + 1 :: count])
                        self.nodes.append(VLine(self.bbox.ymax - self.bbox.ymin, thick, self.style, **kwargs))
                        self.nodexy.append(((left + right) / 2, -self.bbox.ymax))
                for n, kind in enumerate(rows):
                    if kind == "solid":
                        above = max(y - node.bbox.ymin for node, (_, y) in placed[n * count : (n + 1) * count])
                        below = min(y - node.bbox.ymax for node, (_, y) in placed[(n + 1) * count :][:count])
                        self.nodes.append(HLine(self.bbox.xmax, thick, self.style, **kwargs))
                        self.nodexy.append((0, (above + below) / 2))

        class OtherGlyph(SimpleGlyph):
            """A character of a font of the window; its outline is `_outline(character)`."""

            def __init__(self, character: str, font: MathFont) -> None:
                path, width = _outline(character)
                box = path.boundingRect()
                super().__init__(0, [], BBox(box.left(), box.right(), -box.bottom(), -box.top()), font)
                self.id = f"{_OTHER}{character}"
                self.width = width

            def advance(self, nextchr: SimpleGlyph | None = None) -> int:
                return round(self.width)

        class Font(MathFont):
            def findglyph(self, char: str, variant: MathVariant) -> SimpleGlyph:
                char = latex.ESCAPED.get(char, char)
                glyph = super().findglyph(char, variant)
                return OtherGlyph(char, self) if glyph.index == 0 and not char.isspace() else glyph

        # The one font that is loaded already becomes ours: a second copy would cost 60 ms and its memory.
        zmath.loadedfonts["default"].__class__ = Font
        self._math = zmath.Math
        self._mathml = tex2mml
        self._left = 0

    @staticmethod
    @cache
    def once() -> "_Setter":
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # how ziamath finds its font
            return _Setter()

    def spend(self, parts: int) -> None:
        self._left -= parts
        if self._left < 0:
            raise ValueError("too many parts")

    def shape(self, source: str, tag: str, display: bool) -> Shape:
        self._left = min(_MOST_PARTS, 100 + _PARTS_A_CHARACTER * len(source))
        mathml = self._mathml(source, inline=not display)
        if latex.UNREAD.search(mathml):
            raise ValueError("a command that is not known")
        made = self._math(tuned(mathml), size=_EM)
        box = made.node.bbox
        sides = (box.xmin, box.xmax, box.ymin, box.ymax)
        if not all(-_LARGEST * _EM < side < _LARGEST * _EM for side in sides):
            raise ValueError("too large")
        inks = tuple(_inks(made))
        cost = sum(_ELEMENT_BYTES * (ink.path.elementCount() + len(ink.rules)) + 200 for ink in inks)
        left, right, low, high = (side * _FIT / _EM for side in sides)
        return Shape(inks, left, right - left, high, -low, tag, cost)


# ---- from ziamath's drawing to paths


_PARTS = re.compile(r"([MLQCZ])([^MLQCZ]*)")
_OTHER = "other:"
_SYMBOL = 12.0  # points that ziafont's symbols are drawn at


def _inks(made: "Math") -> Iterator[Ink]:
    """One for each colour. The tree of the drawing has symbols, uses of them, and lines."""
    drawing = made.svgxml()
    paths: dict[str, QPainterPath] = {}
    rules: dict[str, list[QRectF]] = {}
    symbols = {symbol.get("id", ""): symbol for symbol in drawing.iter("symbol")}
    for part in drawing:
        stroke = part.get("stroke", "")
        color = stroke if part.tag != "use" and stroke else part.get("fill", "")
        color = "" if color in ("black", "none") or not QColor.isValidColorName(color) else color
        path = paths.setdefault(color, QPainterPath())
        path.setFillRule(Qt.FillRule.WindingFill)
        lines = rules.setdefault(color, [])
        if part.tag == "use":
            symbol = symbols[part.attrib["href"].removeprefix("#")]
            left, top, _, height = map(float, symbol.attrib["viewBox"].split())
            scale = float(part.attrib["height"]) / height
            x, y = float(part.attrib["x"]) - left * scale, float(part.attrib["y"]) - top * scale
            path.addPath(QTransform(scale, 0, 0, scale, x, y).map(_symbol_path(symbol)))
        elif part.tag == "rect" and not stroke:
            if part.get("fill") != made.style.mathbackground:
                lines.append(_rect(part))
        elif part.tag in ("rect", "ellipse", "path"):
            _add_stroke(path, part)
    for color, path in paths.items():
        yield Ink(color, path, tuple(rules[color]))


def _rect(part: ElementTree.Element) -> QRectF:
    return QRectF(*(float(part.attrib[name]) for name in ("x", "y", "width", "height")))


def _add_stroke(path: QPainterPath, part: ElementTree.Element) -> None:
    outline = QPainterPath()
    if part.tag == "rect":
        radius = float(part.get("rx", "0"))
        outline.addRoundedRect(_rect(part), radius, radius)
    elif part.tag == "ellipse":
        cx, cy, rx, ry = (float(part.attrib[name]) for name in ("cx", "cy", "rx", "ry"))
        outline.addEllipse(QPointF(cx, cy), rx, ry)
    else:
        outline = _path(part.attrib["d"])
    stroker = QPainterPathStroker()
    stroker.setWidth(float(part.get("stroke-width", "1")))
    path.addPath(stroker.createStroke(outline))


def _symbol_path(symbol: ElementTree.Element) -> QPainterPath:
    identity = symbol.get("id", "")
    if identity.startswith(_OTHER):
        scale = _SYMBOL / _UNITS
        return QTransform.fromScale(scale, scale).map(_outline(identity.removeprefix(_OTHER))[0])
    return _path(" ".join(path.attrib["d"] for path in symbol.iter("path")))  # tall brackets are of several


@lru_cache(maxsize=1_000)
def _path(drawn: str) -> QPainterPath:
    path = QPainterPath()
    for kind, numbers in _PARTS.findall(drawn):
        values = [float(number) for number in numbers.replace(",", " ").split()]
        if kind == "M":
            path.moveTo(*values)
        elif kind == "L":
            path.lineTo(*values)
        elif kind == "Q":
            path.quadTo(*values)
        elif kind == "C":
            path.cubicTo(*values)
        else:
            path.closeSubpath()
    return path


_UNITS = 1000  # to the em, as in STIX Two Math
_SMALLER = 0.88  # Chinese fills its em, Latin letters do not


@lru_cache(maxsize=2_000)
def _outline(character: str) -> tuple[QPainterPath, float]:
    """A character of the window's fonts and how far it goes on, in 1/1000 em, y downwards."""
    font = QFont()
    font.setFamilies(list(theme.current().type.chinese))
    font.setPixelSize(round(_UNITS * _SMALLER))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    path = QPainterPath()
    path.addText(0, 0, font, character)
    if path.isEmpty():
        raise ValueError(f"no outline of {character!r}")
    return path, QFontMetricsF(font).horizontalAdvance(character)


def _on_pixels(rule: QRectF, device: QTransform) -> QRectF:
    """A line that begins and ends between pixels, at least one thick."""
    seen = device.mapRect(rule)
    left, top = round(seen.left()), round(seen.top())
    width = max(1, round(seen.right()) - left if seen.width() > seen.height() else round(seen.width()))
    height = max(1, round(seen.bottom()) - top if seen.height() > seen.width() else round(seen.height()))
    return device.inverted()[0].mapRect(QRectF(left, top, width, height))


def _visible(color: QColor, text: QColor) -> QColor:
    """A colour that the model chose, light enough for a dark ground (where the text is light), or dark enough."""
    light = text.lightnessF() > 0.5
    lightness = max(color.lightnessF(), 0.66) if light else min(color.lightnessF(), 0.42)
    return QColor.fromHslF(max(0.0, color.hslHueF()), color.hslSaturationF(), lightness)
