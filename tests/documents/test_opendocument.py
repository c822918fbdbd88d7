"""OpenDocument: texts, sheets, slides, flat files, encrypted ones."""

from pathlib import Path

from backends.documents.types import Closed, Opened
from tests.kit.office import ODF, events, opendocument, refusal, sections, text

META = (
    f'<office:document-meta {ODF} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta><dc:title>报告</dc:title>'
    "<dc:date>2024-03-15T10:00:00</dc:date></office:meta></office:document-meta>"
)


def cell(text: str, more: str = "") -> str:
    return f"<table:table-cell {more}><text:p>{text}</text:p></table:table-cell>"


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def test_texts(tmp_path: Path) -> None:
    body = (
        "<office:text><text:tracked-changes><text:changed-region><text:deletion><text:p>STRUCK</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes>"
        '<text:h text:outline-level="1">One</text:h><text:p>a<text:s text:c="3"/>b<text:span> 中文</text:span>'
        "<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>a note</text:p></text:note-body></text:note>"
        "<office:annotation><text:p>COMMENT</text:p></office:annotation></text:p>"
        '<text:h text:outline-level="2">Two</text:h><text:list><text:list-item>'
        "<text:p>item</text:p></text:list-item></text:list>"
        f"<table:table><table:table-header-rows>{row(cell('City'), cell('Sum'))}</table:table-header-rows>"
        f"{row(cell('Bonn'), cell('7'))}</table:table>"
        "<text:p><draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame>beside</text:p></office:text>"
    )
    path = opendocument(tmp_path / "a.odt", "text", body, {"meta.xml": META})
    assert events(path, "odt")[0] == Opened("odt", "报告", 0, 1710496800.0)
    assert [(one.headings, one.kind, one.text) for one in sections(path, "odt")] == [
        (("One",), "text", "One\na   b 中文\n"),
        (("One",), "notes", "a note\n"),
        (("One", "Two"), "text", "Two\nitem\n"),
        (("One", "Two"), "table", "City | Sum\nCity: Bonn | Sum: 7\n"),
        (("One", "Two"), "text", "beside\nboxed\n"),
    ]


def test_pages_where_they_are_written_down(tmp_path: Path) -> None:
    styles = '<style:style style:name="P9"><style:paragraph-properties fo:break-before="page"/></style:style>'
    body = (
        '<office:text text:use-soft-page-breaks="true"><text:p>one</text:p>'
        "<text:p>begins<text:soft-page-break/>ends</text:p>"
        '<text:soft-page-break/><text:p>three</text:p><text:p text:style-name="P9">four</text:p></office:text>'
    )
    path = opendocument(tmp_path / "a.odt", "text", body, styles=styles)
    assert [(one.page, one.text) for one in sections(path, "odt")] == [
        (1, "one\nbegins"), (2, "ends\n"), (3, "three\n"), (4, "four\n"),
    ]  # fmt: skip


def test_sheets(tmp_path: Path) -> None:
    far = 'table:number-rows-repeated="1048000"'
    body = (
        "<office:spreadsheet><table:table table:name='收入'>"
        + row(cell("City"), cell("Sum"))
        + row(cell("Bonn"), cell("1,024.50"))
        + row("<table:table-cell/>", more=far)
        + row('<table:table-cell table:number-columns-repeated="16000"/>', cell("far"))
        + row(cell("same", 'table:number-columns-repeated="9999"'), more=far)
        + "</table:table><table:table table:name='B'>"
        + row(cell("x"))
        + "</table:table></office:spreadsheet>"
    )
    path = opendocument(tmp_path / "a.ods", "spreadsheet", body)
    found = sections(path, "ods")
    assert found[0].text == "收入\nCity | Sum\nCity: Bonn | Sum: 1,024.50\n"
    assert (found[0].page, found[0].label) == (1, "收入!A1:B2")
    assert found[1].text.startswith("far\n")
    assert (found[-1].page, found[-1].label, found[-1].text) == (2, "B!A1", "B\nx\n")
    assert len(text(path, "ods")) < 5000
    assert events(path, "ods")[-1] == Closed(2)


def test_slides(tmp_path: Path) -> None:
    def frame(words: str, kind: str = "") -> str:
        mark = f'presentation:class="{kind}"' if kind else ""
        return f"<draw:frame {mark}><draw:text-box><text:p>{words}</text:p></draw:text-box></draw:frame>"

    page = f"<draw:page>{frame('body')}{frame('The title', 'title')}<draw:g>{frame('grouped')}</draw:g>"
    page += f"<presentation:notes>{frame('said aloud', 'notes')}</presentation:notes></draw:page>"
    path = opendocument(tmp_path / "a.odp", "presentation", f"<office:presentation>{page}{page}</office:presentation>")
    assert [(one.page, one.headings, one.kind, one.text) for one in sections(path, "odp")][2:] == [
        (2, ("The title",), "text", "The title\nbody\ngrouped\n"),
        (2, ("The title",), "notes", "said aloud\n"),
    ]


def test_a_flat_file_and_an_encrypted_one(tmp_path: Path) -> None:
    flat = tmp_path / "a.fodt"
    body = "<office:body><office:text><text:p>flat 平</text:p></office:text></office:body>"
    flat.write_text(f"<office:document {ODF}>{body}</office:document>", encoding="utf-8")
    assert text(flat, "odt") == "flat 平\n"
    manifest = {"META-INF/manifest.xml": "<m><encryption-data/></m>"}
    locked = opendocument(tmp_path / "b.odt", "text", "", manifest)
    assert refusal(locked, "odt") == "encrypted"
