"""References in an answer become marks, wherever they stand, and nothing else does."""

import re

from hypothesis import given
from hypothesis import strategies as st

from app.cited import LINK, Mark, hidden, shown
from app.growing import Growing
from app.markdown import Code, Paragraph, Span, Table, parse

ANSWER = """The bridge opened in 1937 [1][2].

- In a list [2]
  and **bold [1]** too

| Year | Length |
| --- | --- |
| 1937 [1] | 2,737 m [3] |

```python
print(rows[1])  # not a reference
```

中文回答。[1]"""


def marks_of(text: str, verdict: str = "verified") -> list[Mark]:
    """All of them, those in code, too: whoever asks decides."""
    return [Mark(m.start(), m.end(), int(m[1]), verdict) for m in re.finditer(r"\[(\d)\]", text)]  # type: ignore[arg-type]


def spans(blocks: tuple[object, ...]) -> list[Span]:
    found: list[Span] = []
    for block in blocks:
        if isinstance(block, Paragraph):
            found += block.spans
        elif isinstance(block, Table):
            found += [span for row in (block.header, *block.rows) for cell in row for span in cell]
    return found


def test_marks_stand_where_the_answer_wrote_them() -> None:
    marks = marks_of(ANSWER)
    blocks = shown(parse(hidden(ANSWER, marks)), ANSWER, marks)
    assert [span.link for span in spans(blocks) if span.mark] == [f"{LINK}{n}" for n in (1, 2, 2, 1, 1, 3, 1)]
    (code,) = [block for block in blocks if isinstance(block, Code)]
    assert code.text == "print(rows[1])  # not a reference"
    plain = "".join(span.text for span in spans(blocks))
    assert "[" not in plain
    assert not re.search("[\U000f0000-\U000fffff]", plain)


def test_what_the_source_does_not_say_is_seen_without_colour() -> None:
    text = "It is so [1]."
    (mark,) = marks_of(text, "unfounded")
    (paragraph,) = shown(parse(hidden(text, [mark])), text, [mark])
    assert isinstance(paragraph, Paragraph)
    assert [span.text.strip() for span in paragraph.spans if span.mark] == ["1?"]


def test_a_model_cannot_write_a_mark_by_itself() -> None:
    text = "\U000f0000 and [x](source:1) [1]"
    (mark,) = marks_of(text)
    found = [span for span in spans(shown(parse(hidden(text, [mark])), text, [mark])) if span.mark]
    assert [span.text.strip() for span in found] == ["1"]


@given(st.lists(st.sampled_from(["a ", "[1]", "\n\n", "- ", "`", "|", "**", "中", "[2]", "\n"]), max_size=40))
def test_an_answer_that_grows_ends_as_the_whole_one(pieces: list[str]) -> None:
    growing, text = Growing(), ""
    for piece in pieces:
        text += piece
        marks = marks_of(text, "unread")
        grown = shown(growing.read(hidden(text, marks)), text, marks)
        assert grown == shown(parse(hidden(text, marks)), text, marks)
