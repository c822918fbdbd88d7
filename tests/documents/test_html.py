"""Web pages: what a person reads of them, in order, with their headings."""

import pytest

from backends.documents.extract.html import page
from backends.documents.types import Opened, Section


def read(text: str | bytes) -> tuple[Opened, list[Section]]:
    opened, *events = page(text)
    assert isinstance(opened, Opened)
    return opened, [event for event in events if isinstance(event, Section)]


def text(words: str | bytes) -> str:
    return "".join(one.text for one in read(words)[1])


def test_what_moves_one_about_is_left_out() -> None:
    found = text(
        "<title>T</title><body><nav>NAV</nav><div class='sidebar left'>SIDE</div><div role=navigation>ROLE</div>"
        "<header><h1>Title</h1></header><main>Hello <b>bold</b>, <i>it</i>alic<script>JS</script><style>CSS</style>"
        "<div hidden>HID</div><p style='display: none'>NONE</p><noscript>NOSCRIPT</noscript><button>OK</button>"
        "<p>and <a href='x'>a link</a>.</p></main><footer>FOOT</footer>"
    )
    assert found == "Title\n\nHello bold, italic\n\nand a link.\n"


def test_a_page_that_has_nothing_else_is_read_with_it() -> None:
    assert text("<body><nav>one <a>two</a></nav>") == "one two\n"


def test_headings_and_blocks() -> None:
    _, sections = read(
        "<h1>Big <b>news</b></h1>Intro<br>next<ul><li>one<li>two</ul><h2>Sub</h2><p>a</p><pre>x = 1\n  y</pre>z"
        "<h3>Deep</h3>d<h2>第二</h2>e"
    )
    assert [(one.headings, one.kind, one.text) for one in sections] == [
        (("Big news",), "text", "Big news\n\nIntro\nnext\n\none\ntwo\n"),
        (("Big news", "Sub"), "text", "Sub\n\na\n"),
        (("Big news", "Sub"), "code", "x = 1\n  y\n"),
        (("Big news", "Sub"), "text", "z\n"),
        (("Big news", "Sub", "Deep"), "text", "Deep\n\nd\n"),
        (("Big news", "第二"), "text", "第二\n\ne\n"),
    ]


def test_rows_of_a_table_say_their_columns() -> None:
    _, sections = read(
        "<table><tr><th rowspan=2>Region<th colspan=2>Sales</tr><tr><th>2021<th>2022</tr>"
        "<tr><td rowspan=2>North<td>1,024.50<td>3</tr><tr><td>5<td></tr></table>"
    )
    assert [(one.kind, one.text) for one in sections] == [
        ("table", "Region: North | Sales 2021: 1,024.50 | Sales 2022: 3\nRegion: North | Sales 2021: 5\n")
    ]


def test_a_first_row_of_words_and_years_heads_a_table_without_th() -> None:
    found = text("<table><tr><td>地区<td>2021<td>营业收入(万元)</tr><tr><td>华北<td>1,024.50<td>88,012</tr></table>")
    assert found == "地区: 华北 | 2021: 1,024.50 | 营业收入(万元): 88,012\n"


def test_a_table_that_only_lays_out_is_text() -> None:
    found = text("<table><tr><td><table><tr><td>left</td></tr></table></td><td><h2>Head</h2>right</td></tr></table>")
    assert found.split() == ["left", "Head", "right"]


def test_a_title_and_a_date() -> None:
    opened, _ = read(
        "<title> A  title </title><meta property='article:published_time' content='2024-03-05T08:00:00+08:00'>x"
    )
    assert (opened.title.split(), opened.dated) == (["A", "title"], 1709596800.0)
    assert read("<time datetime='2024-03-05'>")[0].dated == 1709596800.0
    assert read("<meta name=date content='soon'>")[0].dated is None


@pytest.mark.parametrize("label", ["gb2312", "gbk", "GB18030", "utf-8", ""])
def test_a_label_is_not_taken_at_its_word(label: str) -> None:
    words = "朱镕基与陶喆：这两个人的名字里有 gb2312 没有的字。"
    data = f"<meta charset='{label}'><p>{words}</p>".encode("gb18030")
    assert text(data) == words + "\n"


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 3000 + "x",
        "<table><tr><td>" * 500 + "x",
        "<b>" * 20_000 + "x",
        "x<p " + "a=1 " * 50_000 + ">",
        "<table>" + "<tr><td rowspan=1000 colspan=1000>x" * 500 + "</table>",
        "<!--" + "x" * 100_000,
        "<![CDATA[x]]>x<?php x ?>",
        "<p>x</p><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>&a;",
        "",
    ],
)
def test_markup_that_means_harm(markup: str) -> None:
    found = text(markup)
    assert "x" in found or "x" not in markup or markup.startswith("<!--")
    assert "root:" not in found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("<p>Hello</p>" + "<div>" * 50_000 + "deep" + "</div>" * 50_000 + "<p>bye", "Hello deep bye"),
        ("<div>line " * 50_000, " ".join(["line"] * 50_000)),
        ("<table><tr><td>" * 10_000 + "deep", "deep"),
        ("<div " * 50_000, ""),
    ],
    ids=["closed", "open", "tables", "torn"],
)
def test_however_deep_it_is_it_is_read_in_the_time_of_a_flat_one(words: str, found: str) -> None:
    """Without a bound each takes minutes."""
    assert " ".join(text(words).split()) == found


def test_boxes_beside_one_another_are_not_deep() -> None:
    assert text("<div><p>a</div>" * 2000).split() == ["a"] * 2000
    assert text("<table><tr><th>n<th>m<tr><td>1<td>2</table>" * 600).count("n: 1") == 600
