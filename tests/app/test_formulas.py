r"""Formulas as DeepSeek writes them are set; money is not; bad ones stay text and cost no time worth a word."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QTextCursor
from pytestqt.qtbot import QtBot

from app import formulas, latex, theme
from app.application import Application
from app.formulas import Shape
from app.growing import Growing
from app.markdown import Formula, Paragraph, Table, parse
from app.spans import Span
from app.typography import runs
from app.widgets.code import CodeBlock
from app.widgets.formula import FormulaBlock
from app.widgets.markdown_view import MarkdownView
from app.widgets.prose import Prose
from app.widgets.table import TableBlock, markdown, tsv

WRITTEN = r"""
x^2 + y^2 = r^2
a_1, a_2, \ldots, a_n
\frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
\sum_{i=1}^{n} i = \frac{n(n+1)}{2}
\int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt{\pi}
\oint_C \mathbf{F}\cdot d\mathbf{r} = \iint_D f(x,y)\,dA
\lim_{n \to \infty} \left(1 + \frac{1}{n}\right)^n = e
\begin{vmatrix} a & b \\ c & d \end{vmatrix} = ad - bc
A = \begin{bmatrix} a_{11} & \cdots & a_{1n} \\ \vdots & \ddots & \vdots \\ a_{m1} & \cdots & a_{mn} \end{bmatrix}
f(x) = \begin{cases} x^2 & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}
\begin{aligned} (a+b)^2 &= a^2 + 2ab + b^2 \\ &= (a+b)(a+b) \end{aligned}
\begin{align} y &= mx + b \tag{1} \\ z &= 2 \nonumber \end{align}
\begin{align*} 3x + 2 &= 11 \\[4pt] 3x &= 9 \end{align*}
\begin{gathered} a = b \\ c = d \end{gathered}
\begin{equation} E = h\nu \label{eq:planck} \end{equation}
\begin{array}{c|cc} & 0 & 1 \\ \hline 0 & a & b \\ 1 & c & d \end{array}
\boxed{x = \frac{3}{4}}
\text{速度} = \frac{\text{路程}}{\text{时间}}
\text{当 } x > 0 \text{ 时，} f'(x) = 2x
P(A \mid B) = \frac{P(B \mid A)\,P(A)}{P(B)}
\binom{n}{k_{1}} = \frac{n!}{k!(n-k)!}
\mathcal{L}(\theta) = -\frac{1}{N}\sum_{i=1}^{N}\sum_{c=1}^{C} y_{i,c}\log \hat{y}_{i,c}
\mathbb{E}[X] = \int x\, p(x)\, \mathrm{d}x, \quad X \in \mathbb{R}^n
\operatorname{softmax}(z)_i = \frac{e^{z_i}}{\sum_j e^{z_j}}
\theta^* = \arg\min_{\theta} \|y - X\theta\|_2^2
\hat{\beta} = \operatorname*{argmin}_{\beta} \lVert y - X\beta \rVert^2
\nabla \times \vec{B} = \mu_0 \vec{J} + \mu_0\varepsilon_0 \frac{\partial \vec{E}}{\partial t}
i\hbar\frac{\partial}{\partial t}\Psi(\mathbf{r},t) = \hat{H}\Psi(\mathbf{r},t)
\langle \psi | \hat{A} | \psi \rangle
\left\{ x \in \mathbb{Z} : x \equiv 1 \pmod{3} \right\}
\left. \frac{df}{dx} \right|_{x=0} = 1
\left\lfloor \frac{n}{2} \right\rfloor + \left\lceil \frac{n}{2} \right\rceil = n
\overline{AB} \parallel \overline{CD}, \quad \angle ABC = 90^\circ
\underbrace{1 + 1 + \cdots + 1}_{n \text{ times}} = n
\overset{!}{=} \quad \stackrel{\text{def}}{=} \quad \underset{x}{\max}
A \xrightarrow{f} B \xleftarrow[g]{h} C
\ce{2H2 + O2 -> 2H2O}
\ce{CaCO3 ->[\Delta] CaO + CO2 ^}
\ce{SO4^2-} + \ce{NH4+}
\forall \epsilon > 0,\ \exists \delta > 0 : |x - a| < \delta \implies |f(x) - L| < \epsilon
A \cup B \subseteq C \setminus D, \quad \emptyset \neq \varnothing
p \land q \lor \neg r \iff s \therefore t
\sqrt[3]{27} = 3
\tfrac{1}{2} \dfrac{a}{b} \cfrac{1}{1+\cfrac{1}{x}}
50\% \text{ of } \$100
50% of x
\color{red}{x} + \textcolor{blue}{y}
\cancel{x} \bcancel{y}
a \not= b, \ c \ne d, \ e \leq f \geqslant g
O(n \log n), \Theta(n^2), \Omega(1)
\max_{1 \le i \le n} a_i, \sup_{x} f, \inf S
\bm{x}^\top \boldsymbol{\Sigma}^{-1} \mathbf{y}
\mathfrak{g} \mathscr{F} \mathsf{A} \mathtt{code} \mathbb{N}
\Bigl( \frac{a}{b} \Bigr) \bigl[ x \bigr] \Big| y \Big|
\text{Attention}(Q,K,V) = \text{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V
\sum_{\substack{i=1 \\ i \ne j}}^{n} a_i
\text{a < b & c_d $x^2$ done}
|a||b| \ge |ab|, \|x\|
\because x \triangleq y \coloneqq z \propto w \approx v \sim u
\left( \begin{array}{cc|c} 1 & 2 & 3 \\ 4 & 5 & 6 \end{array} \right)
f\colon A \to B, \ x \mapsto x^2
12{,}345.67 \times 10^{-3}\,\text{kg}\cdot\text{m/s}^2
x' + x'' = y^{\prime}
\overrightarrow{AB} + \widehat{ABC} + \tilde{x} + \bar{x}
S = \{1, 2, \dots, n\}
""".strip().split("\n")

EVIL = {
    "deep fractions": r"\frac{1}{" * 300 + "x" + "}" * 300,
    "deep brackets": r"\left(" * 38 + "x" + r"\right)" * 38,
    "brackets that double": r"\left(" * 9 + "x" + r"\right)" * 9,
    "deep roots without braces": r"\sqrt" * 700,
    "deep powers": "x^{" * 39 + "x" + "}" * 39,
    "deep hats": r"\hat{" * 30 + "x" + "}" * 30,
    "braces that never close": "{" * 1000,
    "a macro that grows": r"\def\a{\a\a}\a",
    "a command that grows": r"\newcommand{\a}{\a\a}\a",
    "endless": "x+" * 100_000,
    "long": "x+" * 1400,
    "many columns": r"\begin{matrix}" + "a&" * 900 + r"\end{matrix}",
    "deep tables": r"\begin{matrix}" * 39 + "x" + r"\end{matrix}" * 39,
    "slow to match": r"\binom{" * 400 + r"\mathrm{" * 100,
    "a wide space": r"x\hspace{99999999cm}y",
    "a large rule": r"\rule{9999cm}{9999cm}",
    "markup": r"\text{<b>&amp;</b>]]>}<script>&#0;",
    "an address": r"\href{file:///etc/passwd}{x}",
    "a style": r"\style{scriptlevel:-999}{x}",
    "a size by markup": '<mstyle mathsize="1e9px">x</mstyle>',
    "half a command": "\\frac{1}",
    "no such command": r"\nosuchcommand{x}",
    "two indices": "x_1_2",
    "nothing": "",
    "control characters": "\x00\x01\u202e" + "\u0301" * 500,
}


def painted(shape: Shape, color: str, ground: str, ratio: float = 1.0) -> QImage:
    size = 20.0
    image = QImage(
        round((shape.width + 1) * size * ratio), round((shape.ascent + shape.descent + 1) * size * ratio), _RGB
    )
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(ground))
    painter = QPainter(image)
    shape.paint(painter, QPointF(10, shape.ascent * size + 10), size, QColor(color))
    painter.end()
    return image


_RGB = QImage.Format.Format_RGB32


def lightness(image: QImage) -> tuple[float, float]:
    tones = [image.pixelColor(x, y).lightnessF() for x in range(image.width()) for y in range(image.height())]
    return min(tones), max(tones)


@pytest.mark.parametrize("source", WRITTEN)
def test_what_models_write_is_set(qapp: Application, source: str) -> None:
    for display in (True, False):
        shape = formulas.shape(source, display=display)
        assert shape is not None
        assert 0 < shape.width < 60
        assert 0.3 < shape.ascent + shape.descent < 9
        darkest, _ = lightness(painted(shape, "#000000", "#ffffff"))
        assert darkest < 0.5  # those in colours are lighter than the text


@pytest.mark.parametrize("source", EVIL.values(), ids=EVIL)
def test_a_bad_formula_is_bounded_and_no_error(qapp: Application, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the parts that are set, so that it ends alike on every machine."""
    formulas.shape("x", display=True)
    spent: list[int] = []
    monkeypatch.setattr(formulas._Setter, "spend", counted(formulas._Setter.spend, spent))
    shape = formulas.shape(source, display=True)
    assert sum(spent[:-1]) <= formulas._MOST_PARTS
    assert shape is None or (shape.width < 400 and shape.ascent + shape.descent < 400)


def counted(
    spend: Callable[[formulas._Setter, int], None], spent: list[int]
) -> Callable[[formulas._Setter, int], None]:
    def counting(setter: formulas._Setter, parts: int) -> None:
        spent.append(parts)
        spend(setter, parts)

    return counting


def test_brackets_in_brackets_are_set_as_far_as_people_write_them(qapp: Application) -> None:
    """Each level of \\left is set twice."""
    assert formulas.shape(r"\left(" * 3 + "x" + r"\right)" * 3, display=True) is not None
    assert formulas.shape(r"\left(" * 30 + "x" + r"\right)" * 30, display=True) is None


@given(st.text(alphabet=r"\{}[]()^_&$%#x1 中leftrigh<>" + "\n", max_size=40))
@settings(deadline=None, max_examples=150)
def test_any_text_ends_without_an_error(qapp: Application, source: str) -> None:
    formulas.shape(source, display=False)


def test_chinese_in_formulas_is_drawn(qapp: Application) -> None:
    empty = formulas.shape(r"\text{  }", display=False)
    chinese = formulas.shape(r"\text{中文}", display=False)
    other = formulas.shape(r"\text{国语}", display=False)
    assert empty is not None
    assert chinese is not None
    assert other is not None
    assert chinese.width > 1.5
    assert painted(chinese, "#000000", "#ffffff") != painted(other, "#000000", "#ffffff")


def test_a_formula_takes_the_colour_of_the_text(qapp: Application) -> None:
    shape = formulas.shape(r"\frac{a}{b}", display=True)
    assert shape is not None
    assert lightness(painted(shape, "#000000", "#ffffff"))[0] < 0.1
    assert lightness(painted(shape, "#ffffff", "#000000"))[1] > 0.9


def test_a_colour_of_the_formula_is_seen_on_either_ground(qapp: Application) -> None:
    for name in ("navy", "yellow", "darkred", "white"):
        shape = formulas.shape(rf"\color{{{name}}}{{x}}", display=True)
        assert shape is not None
        assert lightness(painted(shape, "#000000", "#ffffff"))[0] < 0.6
        assert lightness(painted(shape, "#ffffff", "#000000"))[1] > 0.4


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0, 3.0])
def test_the_line_of_a_fraction_is_sharp_at_every_scale(qapp: Application, ratio: float) -> None:
    shape = formulas.shape(r"\frac{\quad}{\quad}", display=True)
    assert shape is not None
    image = painted(shape, "#000000", "#ffffff", ratio)
    middle = image.width() // 2
    tones = {image.pixelColor(middle, y).lightness() for y in range(image.height())}
    assert all(tone < 8 or tone > 247 for tone in tones)
    assert min(tones) < 8


def test_the_cache_is_bounded_in_bytes(qapp: Application) -> None:
    kept = formulas._Kept(200_000)
    for n in range(60):
        kept(rf"\frac{{{n}}}{{x}} + y", True)
        assert kept.bytes <= 200_000
    assert kept.bytes > 50_000


def test_a_number_stands_apart(qapp: Application) -> None:
    assert latex.without_tag(r"x = 1 \tag{1.2}") == (r"x = 1 ", "(1.2)")
    assert latex.without_tag(r"x \tag*{甲}") == ("x ", "甲")


# ---- where formulas stand


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"a \(x_1\) b", ["x_1"]),
        ("so $x^2$ and $f(x)$.", ["x^2", "f(x)"]),
        ("函数$f(x)$的值", ["f(x)"]),
        ("$n$-th and $k$NN", ["n", "k"]),
        ("$2x + 1$ is odd, $3$ too", ["2x + 1", "3"]),
        ("**$x$** and *\\(y\\)*, [a $z$](http://a.example)", ["x", "y", "z"]),
        ("# A $x$", ["x"]),
        ("> - \\(x\\)", ["x"]),
        (r"$\text{价格}$", [r"\text{价格}"]),
        ("costs $20 and $30", []),
        ("$5 and 10$, or $5-10 per 1k$", []),
        ("from US$20 to A$30", []),
        ("价格为$100，另一个为5$", []),
        ("$HOME/bin:$PATH", []),
        ("${HOME}/x:${PATH}", []),
        ("echo $a $b $(ls) $1/$2", []),
        (r"\$x\$ and $ x $", []),
        ("`$x$` and ``\\(y\\)``", []),
        ("```sh\necho $x$ \\(y\\)\n```", []),
        ("    $x$", []),
        (r"\\(x\\)", []),
    ],
)
def test_formulas_in_the_text_and_what_is_none(text: str, found: list[str]) -> None:
    spans = [span for block in parse(text) if isinstance(block, Paragraph) for span in block.spans]
    assert [span.formula for span in spans if span.formula] == found
    assert all(span.formula in span.text for span in spans)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("\\[ x \\]", ["x"]),
        ("$$\nx\n- y\n= z\n$$", ["x\n- y\n= z"]),
        ("text\n\\[\nx\n\\]\nmore", ["x"]),
        ("we get \\[x\\] and $$y$$.", ["x", "y."]),
        ("\\[x\\].", ["x."]),
        ("1. a\n   \\[\n   x\n   \\]\n2. b", ["x"]),
        ("> $$\n> x\n> $$", ["x"]),
        ("\\begin{align}\na &= b\n\\end{align}", ["\\begin{align}\na &= b\n\\end{align}"]),
        ("```\n$$x$$\n```", []),
        ("$$ $$", []),
        ("\\begin{itemize}\nx\n\\end{itemize}", []),
    ],
)
def test_formulas_on_lines_of_their_own(text: str, sources: list[str]) -> None:
    assert [block.source for block in parse(text) if isinstance(block, Formula)] == sources


def test_formulas_in_tables() -> None:
    (table,) = parse("| $x$ | b |\n|--|--|\n| \\(y\\) | $\\|z\\|$ |")
    assert isinstance(table, Table)
    cells = [span.formula for row in (table.header, *table.rows) for cell in row for span in cell if span.formula]
    assert cells == ["x", "y", "|z|"]


STREAMED = "It is \\(a_1 * b_2 * c\\), so\n\\[\nx\n- y\n* z\n= 1\n\\]\nwith $$q_1 * q_2 * q$$ and more.\n\n- \\(k\\)"


def test_a_formula_that_streams_is_never_anything_else() -> None:
    """No emphasis, list or heading comes and goes, and it ends as the whole text is read."""
    growing, blocks = Growing(), ()
    for end in range(1, len(STREAMED) + 1):
        blocks = growing.read(STREAMED[:end])
        assert blocks == parse(STREAMED[:end])
        for block in blocks:
            if isinstance(block, Paragraph):
                assert not any(span.emphasis for span in block.spans)
                assert not block.heading
                assert not block.marker or end > STREAMED.index("\n\n-")
    assert not any(block.open for block in blocks if isinstance(block, Formula))
    assert [block.source for block in blocks if isinstance(block, Formula)] == ["x\n- y\n* z\n= 1", "q_1 * q_2 * q"]


def test_one_that_is_never_closed_is_shown_as_it_was_written() -> None:
    (block,) = parse("\\[\nE = mc^2\n- 1")
    assert block == Formula("E = mc^2\n- 1", "\\[\nE = mc^2\n- 1", open=True)
    first, second = parse("so \\(x *a* y\n\nthen")
    assert isinstance(first, Paragraph)
    assert any(span.emphasis for span in first.spans)
    assert isinstance(second, Paragraph)


@pytest.mark.parametrize("opener", ["\\(", "\\[", "$$", "$x", "\\begin{align}\n", "\\[x\\] a\n", "$$x$$ $x$ "])
def test_many_openers_are_read_to_their_end(opener: str) -> None:
    """Each looking for its own end through all of the text would take hours."""
    assert parse(opener * 20_000)


# ---- on the screen


@pytest.fixture
def prose(qtbot: QtBot) -> Prose:
    prose = Prose()
    qtbot.addWidget(prose)
    return prose


def show(prose: Prose, text: str, width: int = 600) -> QImage:
    prose.show_paragraphs([block for block in parse(text) if isinstance(block, Paragraph)])
    prose.resize(width, prose.height_for(width))
    image = QImage(prose.size(), _RGB)
    image.fill(QColor(theme.tokens().window))
    prose.render(image, QPoint())
    return image


def rows_of_ink(image: QImage, left: int, right: int) -> list[int]:
    ground = image.pixelColor(image.width() - 1, 0)
    return [
        y
        for y in range(image.height())
        if any(abs(image.pixelColor(x, y).lightness() - ground.lightness()) > 90 for x in range(left, right))
    ]


@pytest.mark.parametrize("formula", ["x", "x^2", r"x = \frac{1}{x}", r"\left(\frac{\frac{a}{b}}{c}\right) x"])
def test_formulas_stand_on_the_line_of_the_text(prose: Prose, formula: str) -> None:
    r"""H before the formula and in it: both end on the same row of pixels."""
    image = show(prose, f"H $\\mathrm{{H}} {formula}$")
    layout = prose.document().begin().layout()
    line = layout.lineAt(0)
    assert layout.lineCount() == 1
    before, _ = line.cursorToX(1)  # type: ignore[misc]
    start, _ = line.cursorToX(2)  # type: ignore[misc]
    of_text = rows_of_ink(image, 0, int(before))
    of_formula = rows_of_ink(image, int(start), int(start) + 11)
    assert abs(max(of_text) - max(of_formula)) <= 1


def test_a_high_formula_makes_room_and_a_low_one_leaves_the_lines_alone(prose: Prose) -> None:
    show(prose, "text " * 60)
    plain = prose.height_for(600)
    show(prose, "text " * 59 + "$x$")
    assert prose.height_for(600) == plain
    show(prose, "text " * 59 + r"$\frac{\frac{1}{2}}{\frac{3}{4}}$")
    assert prose.height_for(600) > plain + 8


def test_formulas_follow_the_scheme(qapp: Application, qtbot: QtBot) -> None:
    view = MarkdownView()
    qtbot.addWidget(view)
    view.show_text("\\[ \\frac{a}{b} \\]")
    view.resize(400, view.height_for(400))
    tones = []
    for scheme in ("light", "dark"):
        qapp.theme.follow(scheme)
        image = QImage(view.size(), _RGB)
        image.fill(QColor(qapp.theme.tokens.window))
        view.render(image, view.rect().topLeft())
        tones.append(lightness(image))
    (dark_ink, paper), (night, light_ink) = tones
    assert dark_ink < 0.3 < 0.9 < paper
    assert night < 0.2 < 0.7 < light_ink


def test_a_selection_is_copied_as_latex(qtbot: QtBot, prose: Prose) -> None:
    show(prose, "so **that** $x^2$, and \\(y\\)。\n\nEnd")
    prose.selectAll()
    prose.copy()
    assert QGuiApplication.clipboard().text() == "so that $x^2$, and \\(y\\)。\nEnd"
    cursor = prose.textCursor()
    cursor.setPosition(8)
    cursor.setPosition(11, QTextCursor.MoveMode.KeepAnchor)
    prose.setTextCursor(cursor)
    prose.copy()
    assert QGuiApplication.clipboard().text().startswith("$x^2$,")
    assert "$x^2$" in prose.accessibleDescription()


def test_a_formula_of_its_own_is_copied_heard_and_scrolled(qtbot: QtBot) -> None:
    block = FormulaBlock()
    qtbot.addWidget(block)
    (formula,) = parse("\\[ " + " + ".join(f"x_{{{n}}}" for n in range(40)) + " \\tag{7} \\]")
    assert isinstance(formula, Formula)
    block.show_formula(formula)
    block.resize(300, block.height_for(300))
    block.show()
    assert block.horizontalScrollBar().maximum() > 300
    assert block.horizontalScrollBar().value() == 0
    block.selectAll()
    block.copy()
    assert QGuiApplication.clipboard().text() == formula.text
    assert block.accessibleDescription() == formula.source
    assert block.height_for(4000) < block.height_for(300)


def test_a_bad_formula_is_seen_as_it_was_written(qtbot: QtBot, prose: Prose) -> None:
    show(prose, "so $\\frac{1}{\\nosuch}$.")
    assert prose.toPlainText() == "so $\\frac{1}{\\nosuch}$."
    block = FormulaBlock()
    qtbot.addWidget(block)
    block.show_formula(Formula("\\nosuch", "\\[\n\\nosuch\n\\]"))
    assert block.toPlainText() == "\\[\n\\nosuch\n\\]"


def test_a_table_is_copied_as_cells_and_as_markdown(qtbot: QtBot) -> None:
    (table,) = parse("| a | b |\n|:-:|--:|\n| $x$ | `1\\|2` |")
    assert isinstance(table, Table)
    assert tsv(table) == "a\tb\n$x$\t1|2"
    assert parse(markdown(table)) == (table,)
    block = TableBlock()
    qtbot.addWidget(block)
    block.show_table(table)
    block.height_for(400)
    block._text.selectAll()
    block._text.copy()
    assert QGuiApplication.clipboard().text() == tsv(table)


# ---- two scripts


def test_quotes_and_dashes_are_chinese_beside_chinese() -> None:
    def wide(text: str) -> str:
        return "".join(run.span.text for run in runs((Span(text),)) if run.wide)

    assert wide("用“GPU”一词——好……") == "用“”一词——好……"
    assert wide("“GPU 占用”一词") == "“占用”一词"
    assert wide("it’s “done” — and…") == ""
    assert wide("中文 it’s “done” now") == "中文"


def test_room_stands_between_scripts_and_is_no_text() -> None:
    def gaps(text: str) -> str:
        return "|".join("".join(run.span.text for run in part) for part in _parts(text))

    def _parts(text: str) -> list[list]:
        parts: list[list] = [[]]
        for run in runs((Span(text),)):
            parts[-1].append(run)
            if run.gap:
                parts.append([])
        return parts

    assert gaps("在Python中使用128K个，95%的（GPU）") == "在|Python|中使用|128K|个，95%|的（GPU）"
    assert gaps("在 Python 中") == "在 Python 中"
    assert "".join(run.span.text for run in runs((Span("在Python中"), Span("a", strong=True)))) == "在Python中a"


def test_no_line_begins_or_ends_with_the_wrong_point(prose: Prose) -> None:
    text = r"设函数 $f(x)$，其中（$x$）为：$y=\frac12$；则 \(a\)。“好”！又（见下）、$k$，对吧？「引用」……and ($z$), "
    prose.show_paragraphs([block for block in parse(text * 3) if isinstance(block, Paragraph)])
    for width in range(90, 500, 7):
        prose.height_for(width)
        layout = prose.document().begin().layout()
        starts = [layout.lineAt(n).textStart() for n in range(layout.lineCount())] + [len(layout.text())]
        for first, last in pairwise(starts):
            line = layout.text()[first:last].strip()
            assert line[:1] not in "。，！？）」”、；：,)…" or not line
            assert line[-1:] not in "（「“(" or not line


def test_chinese_is_emphasised_by_dots_not_by_a_slant(prose: Prose) -> None:
    plain, dotted = show(prose, "强调的文字"), show(prose, "*强调的文字*")
    assert dotted != plain
    below = prose.document().begin().layout().lineAt(0)
    bottom = int(below.y() + below.ascent()) + 2
    top_of_dotted, top_of_plain = (
        [[image.pixel(x, y) for x in range(image.width())] for y in range(bottom - 2)] for image in (dotted, plain)
    )
    assert top_of_dotted == top_of_plain


def test_code_of_thousands_of_lines_is_copied_whole(qtbot: QtBot) -> None:
    """Although it stands in several widgets, of which the first has the head."""
    code = "\n".join(f"line {n} = {n}" for n in range(1000))
    view = MarkdownView()
    qtbot.addWidget(view)
    view.show_text(f"```\nshort\n```\n\n```python\n{code}\n```\n\nend")
    view.resize(500, view.height_for(500))
    view.show()
    blocks = sorted(view.findChildren(CodeBlock), key=lambda block: block.y())
    assert len(blocks) > 3
    heads = [block._copy.isVisible() for block in blocks]
    assert heads == [True, True, *(False for _ in blocks[2:])]
    for block, wanted in zip(blocks[:2], ("short", code), strict=True):
        block._copy.click()
        assert QGuiApplication.clipboard().text() == wanted
