"""Code and tables that stream are continued, and look in the end as if they had been there at once."""

import pytest
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from app.markdown import Code, Table, parse
from app.widgets.code import CodeBlock
from app.widgets.prose import ReadOnlyText
from app.widgets.table import TableBlock

CODE = (
    '''```python
def plan(layers: int) -> int:
    """Bytes of the 👩 cache.

    中文，也可以。"""
    total = 0  # the sum
    for layer in range(layers):
        total += 2 * "x".count('y')
    return total
```
'''
    + "\n"
)
TABLE = "".join(
    (
        "| Quant | Bits | **Loss** |\n|:---|---:|:-:|\n",
        *(f"| Q{n} | {n}.5 | *some* `x` 损失 |\n" for n in range(9)),
        "\nEnd.",
    )
)


@pytest.fixture(params=["code", "table"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def document(block: CodeBlock | TableBlock) -> QTextDocument:
    (text,) = block.findChildren(ReadOnlyText)
    return text.document()


def show(block: CodeBlock | TableBlock, text: str) -> None:
    first = parse(text)[0]
    if isinstance(block, CodeBlock) and isinstance(first, Code):
        block.show_code(first, growing=True)
    elif isinstance(block, TableBlock) and isinstance(first, Table):
        block.show_table(first)


def test_what_streams_is_continued_and_looks_like_the_whole(qtbot: QtBot, kind: str) -> None:
    text = CODE if kind == "code" else TABLE
    make = CodeBlock if kind == "code" else TableBlock
    grown, whole = make(), make()
    removed: list[int] = []
    for block in (grown, whole):
        qtbot.addWidget(block)
        block.ensurePolished()
    document(grown).contentsChange.connect(lambda place, less, more: removed.append(less))
    for end in range(1, len(text) + 1):
        show(grown, text[:end])
        grown.height_for(600)
    show(whole, text)
    assert grown.height_for(600) == whole.height_for(600)
    assert document(grown).toHtml() == document(whole).toHtml()
    assert sum(removed) < 12 * len(text)  # half of the text each time would be 150 times


def test_a_table_that_turns_out_to_be_another_is_set_anew(qtbot: QtBot) -> None:
    block, whole = TableBlock(), TableBlock()
    for widget in (block, whole):
        qtbot.addWidget(widget)
    show(block, "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n")
    for other in ("| a | b |\n|---|---|\n| 1 | 2 |\n", "| a |\n|---|\n| 1 |\n", "| a |\n|:-:|\n| 5 |\n| 6 |\n"):
        show(block, other)
        show(whole, other)
        assert block.height_for(300) == whole.height_for(300)
        assert document(block).toPlainText() == document(whole).toPlainText()
