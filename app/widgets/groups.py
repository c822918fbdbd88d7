"""An answer's blocks in groups, each for one widget, none of them endless: what is long is set in pieces, so that only
those in sight have to exist."""

from collections.abc import Iterator, Sequence

from app import theme
from app.markdown import Block, Code, Formula, Paragraph, Table
from app.spans import ems
from app.theme import px

Group = list[Paragraph] | Code | Table | Formula

LONGEST_PROSE = 6000  # characters of one widget
LONGEST_CODE = 240  # lines
LARGEST_CODE = 12_000  # characters
WIDEST_CODE = 2000  # characters of a line; the rest stands in the next one
LONGEST_TABLE = 40  # rows
LEAST_WEIGHT = 2
ROW = 22  # pixels of the design: of a row of a text that nobody has read
_LEADING = 1.6


def groups(blocks: Sequence[Block]) -> list[Group]:
    """A text that grows at its end changes the last group only, and adds more."""
    result: list[Group] = []
    length = 0
    for block in blocks:
        if isinstance(block, Paragraph):
            here = sum(len(span.text) for span in block.spans)
            last = result[-1] if result else None
            if isinstance(last, list) and length + here <= LONGEST_PROSE:
                last.append(block)
                length += here
            else:
                result.append([block])
                length = here
        elif isinstance(block, Code):
            result += _code(block)
        elif isinstance(block, Table) and len(block.rows) > LONGEST_TABLE:
            for begin in _steps(block.rows, LONGEST_TABLE):
                rows = block.rows[begin : begin + LONGEST_TABLE]
                result.append(Table(block.header, rows, block.align, block.indent))
        else:
            result.append(block)
    return result


def _code(code: Code) -> Iterator[Code]:
    """In pieces that stay as they are when more comes."""
    if code.text.count("\n") < LONGEST_CODE and len(code.text) <= WIDEST_CODE:
        yield code
        return
    piece: list[str] = []
    length = count = 0
    for line in code.text.split("\n"):
        for begin in _steps(line, WIDEST_CODE):
            part = line[begin : begin + WIDEST_CODE]
            if len(piece) == LONGEST_CODE or (piece and length + len(part) > LARGEST_CODE):
                yield Code(code.language, "\n".join(piece), code.indent, count)
                piece, length, count = [], 0, count + 1
            piece.append(part)
            length += len(part)
    yield Code(code.language, "\n".join(piece), code.indent, count)


def _steps(whole: Sequence[object], length: int) -> range:
    return range(0, max(1, len(whole)), length)


def suits(before: Group, now: Group) -> bool:
    """The widget of the one can show the other."""
    return type(before) is type(now)


def indent_of(group: Group) -> int:
    return 0 if isinstance(group, list) else group.indent


def weight(group: Group) -> int:
    """How much work it is to set it, about in milliseconds."""
    if isinstance(group, list):
        spans = [span for paragraph in group for span in paragraph.spans]
        formulas = sum(1 + len(span.formula) // 20 for span in spans if span.formula)
        return LEAST_WEIGHT + sum(len(span.text) + 40 for span in spans) // 800 + formulas
    if isinstance(group, Code):
        return LEAST_WEIGHT + len(group.text) // 300
    if isinstance(group, Table):
        cells = [span for row in (group.header, *group.rows) for cell in row for span in cell]
        formulas = sum(4 + len(span.formula) // 10 for span in cells if span.formula)
        return LEAST_WEIGHT + (len(group.rows) + 1) * len(group.header) // 8 + formulas
    return 2 * LEAST_WEIGHT + len(group.source) // 10


def weight_of_text(text: str) -> int:
    """How much work it is to read it."""
    return 1 + len(text) // 1000


def guess_text(text: str) -> int:
    """About how high a text will be, before anybody has read it."""
    return sum(map(rows_of, text.split("\n"))) * px(ROW)


def rows_of(line: str) -> int:
    """About how many rows a line of a text takes that nobody has read. Chinese takes three bytes and twice the room."""
    length = len(line)
    if length < 40 or line.isascii():
        return 1 + length // 80
    return 1 + (length + len(line.encode("utf-8", "surrogatepass"))) // 160


def guess(group: Group, width: int) -> int:
    """About how high it will be, in pixels, before anybody has set it."""
    kind = theme.current().type
    if isinstance(group, Code):
        return round((group.text.count("\n") + 1) * kind.sizes["mono"] * _LEADING) + px(48)
    if isinstance(group, Table):
        return round((len(group.rows) + 1) * (kind.body * _LEADING + 15))
    if isinstance(group, Formula):
        return px(56)
    return sum(guess_paragraph(paragraph, width) for paragraph in group)


def guess_paragraph(paragraph: Paragraph, width: int) -> int:
    """Of one paragraph, with the room around it."""
    body = theme.current().type.body
    wide = sum(ems(span.text) for span in paragraph.spans)
    room = max(10.0, width / body - 2 * (paragraph.indent + paragraph.quote))
    return round((1 + int(wide / room)) * body * _LEADING + body * 0.5)
