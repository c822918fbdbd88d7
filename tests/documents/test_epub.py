"""Books: the spine, chapters as pages, headings, contents, markup that is not well-formed."""

from pathlib import Path

from backends.documents.types import Closed, Opened
from tests.kit.office import epub, events, refusal, sections, text

XHTML = "http://www.w3.org/1999/xhtml"


def test_chapters_come_in_the_order_of_the_spine(tmp_path: Path) -> None:
    chapters = {"a": "<h1>First</h1><p>alpha</p><h2>Part</h2><p>beta</p>", "b": "<p>gamma</p>", "c": "<p>left out</p>"}
    path = epub(tmp_path / "a.epub", chapters, spine=["b", "a"])
    assert events(path, "epub")[0] == Opened("epub", "A book 一本书", 2, 1620086400.0)
    assert [(one.page, one.headings, one.text) for one in sections(path, "epub")] == [
        (1, (), "gamma\n"),
        (2, ("First",), "First\nalpha\n"),
        (2, ("First", "Part"), "Part\nbeta\n"),
    ]
    assert events(path, "epub")[-1] == Closed(2)


def test_text_reads_as_it_is_shown(tmp_path: Path) -> None:
    body = (
        "<p>one <b>bold</b>\n  word&nbsp;&mdash; caf&eacute; &amp; more</p><script>BAD()</script>"
        "<p>线<ruby>漢<rt>KAN</rt></ruby>字"
        "<br/>next</p><ul><li>item</li></ul><pre>a  b\n  c</pre><table><tr><th>City</th><th>Sum</th></tr>"
        "<tr><td>Bonn</td><td>7</td></tr></table><aside>a note</aside>"
    )
    assert text(epub(tmp_path / "a.epub", {"a": body}), "epub").splitlines() == [
        "one bold word\xa0— café & more", "线漢字", "next", "item", "a  b", "c", "City | Sum", "City: Bonn | Sum: 7",
        "a note",
    ]  # fmt: skip


def test_markup_of_all_kinds(tmp_path: Path) -> None:
    chapters = {
        "strict": '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://x/y">'
        f'<html xmlns="{XHTML}"><head><title/><script src="x"/></head><body><p>strict 严格</p></body></html>',
        "soup": "<!DOCTYPE html><html><body><p>soup <b>of <p>tags & more</html>",
    }
    assert text(epub(tmp_path / "a.epub", chapters), "epub").split() == [
        "strict",
        "严格",
        "soup",
        "of",
        "tags",
        "&",
        "more",
    ]


def test_a_declaration_that_never_ends_loses_nothing(tmp_path: Path) -> None:
    assert text(epub(tmp_path / "a.epub", {"a": "<?xml version='1.0' <html><body><p>left"}), "epub") == "left\n"


def test_the_contents_name_what_has_no_heading(tmp_path: Path) -> None:
    nav = f'<html xmlns="{XHTML}"><body><nav><a href="text/../a.xhtml#x">第一章 起</a></nav></body></html>'
    manifest = '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    path = epub(tmp_path / "a.epub", {"a": "<p>alpha</p>"}, manifest=manifest, parts={"OEBPS/nav.xhtml": nav})
    assert sections(path, "epub")[0].headings == ("第一章 起",)


def test_a_locked_book_says_so_and_mangled_fonts_are_no_lock(tmp_path: Path) -> None:
    lock = '<encryption xmlns:e="e"><e:EncryptionMethod Algorithm="{}"/></encryption>'
    for method, code in (
        ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "unsupported_format"),
        ("http://www.idpf.org/2008/embedding", ""),
    ):
        parts = {"META-INF/encryption.xml": lock.format(method)}
        assert refusal(epub(tmp_path / "a.epub", {"a": "<p>x</p>"}, parts=parts), "epub") == code


def test_entities_that_a_chapter_makes_up_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE html [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><html><body><p>&b;</p></body></html>'
    assert refusal(epub(tmp_path / "a.epub", {"a": bomb}), "epub") == "damaged_file"
    assert refusal(epub(tmp_path / "b.epub", {"a": "<p/>"}, parts={"OEBPS/book.opf": "<x/>"}), "epub") == "damaged_file"
