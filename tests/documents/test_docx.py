"""Word documents: headings, tables, what was tracked, boxes, notes, numbers, pages."""

from pathlib import Path

from backends.documents.types import Closed, Opened
from tests.kit.office import W, core, docx, docx_parts, events, para, refusal, sections, text, word_table, zipped

STYLES = (
    "word/styles.xml",
    f'<w:styles xmlns:w="{W}">'
    '<w:style w:styleId="1"><w:name w:val="heading 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
    '<w:style w:styleId="2"><w:name w:val="berschrift2"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
    '<w:style w:styleId="own"><w:name w:val="Mine"/><w:basedOn w:val="2"/></w:style>'
    '<w:style w:styleId="wps"><w:name w:val="标题 1"/></w:style>'
    "</w:styles>",
)
STYLED = [("s", "styles", "styles.xml")]


def with_styles(path: Path, body: str) -> Path:
    return docx(path, body, dict([STYLES]), STYLED)


def test_headings_are_found_by_what_styles_mean_in_any_language(tmp_path: Path) -> None:
    body = (
        para("Alpha", "1")
        + para("one")
        + para("Beta", "own")
        + para("two")
        + para("Gamma", "wps")
        + para("three")
        + para("Delta", properties='<w:outlineLvl w:val="2"/>')
        + para("four")
    )
    found = {
        one.text.splitlines()[-1]: one.headings for one in sections(with_styles(tmp_path / "a.docx", body), "docx")
    }
    assert found == {
        "one": ("Alpha",),
        "two": ("Alpha", "Beta"),
        "three": ("Gamma",),
        "four": ("Gamma", "Delta"),
    }


def test_a_row_says_what_its_cells_mean(tmp_path: Path) -> None:
    table = word_table(["Region", "2021", "营业收入"], ["North", "1,024.50", "88,012"], ["South", "", "76,540"])
    only = sections(docx(tmp_path / "a.docx", para("Chapter") + table), "docx")
    assert [one.kind for one in only] == ["text", "table"]
    assert only[1].text.splitlines() == [
        "Region | 2021 | 营业收入",
        "Region: North | 2021: 1,024.50 | 营业收入: 88,012",
        "Region: South | 营业收入: 76,540",
    ]


def test_a_merged_cell_is_said_in_each_row_and_a_table_in_a_cell_follows(tmp_path: Path) -> None:
    down = "<w:tcPr><w:vMerge w:val='restart'/></w:tcPr>"
    on = "<w:tcPr><w:vMerge/></w:tcPr>"
    rows = (
        f"<w:tr><w:tc>{para('Year')}</w:tc><w:tc>{para('City')}</w:tc></w:tr>"
        f"<w:tr><w:tc>{down}{para('2024')}</w:tc><w:tc>{para('Bonn')}</w:tc></w:tr>"
        f"<w:tr><w:tc>{on}{para()}</w:tc><w:tc>{para('Kiel')}{word_table(['inner', 'table'])}</w:tc></w:tr>"
    )
    said = text(docx(tmp_path / "a.docx", f"<w:tbl>{rows}</w:tbl>"), "docx")
    assert "Year: 2024 | City: Bonn\nYear: 2024 | City: Kiel\n" in said
    assert "inner | table" in said


def test_what_was_put_in_is_there_and_what_was_struck_out_is_not(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>kept </w:t></w:r><w:ins><w:r><w:t>added</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>STRUCK</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>MOVED</w:t></w:r></w:moveFrom>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>HIDDEN</w:t></w:r>"
        "<w:r><w:instrText>HYPERLINK http://elsewhere/</w:instrText></w:r>"
        "<w:hyperlink><w:r><w:t> link</w:t></w:r></w:hyperlink></w:p>"
        f"<w:sdt><w:sdtContent>{para('control')}</w:sdtContent></w:sdt><w:ins>{para('whole')}</w:ins>"
    )
    assert text(docx(tmp_path / "a.docx", body), "docx") == "kept added link\ncontrol\nwhole\n"


def test_a_text_box_that_is_written_twice_is_read_once(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{para('in the box')}</w:txbxContent>"
    twice = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    body = para("before", inner=f"<w:r>{twice}</w:r>") + para("after")
    assert text(docx(tmp_path / "a.docx", body), "docx") == "before\nin the box\nafter\n"


def test_notes_follow_the_section_that_refers_to_them_and_edges_come_once(tmp_path: Path) -> None:
    mark = '<w:r><w:footnoteReference w:id="7"/></w:r>'
    parts = {
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{W}">'
        f'<w:footnote w:id="0" w:type="separator">{para("LINE")}</w:footnote>'
        f'<w:footnote w:id="7">{para("a note")}</w:footnote></w:footnotes>',
        **{f"word/header{at}.xml": f'<w:hdr xmlns:w="{W}">{para("The head")}</w:hdr>' for at in (1, 2)},
    }
    links = [("f", "footnotes", "footnotes.xml"), ("h", "header", "header1.xml"), ("i", "header", "header2.xml")]
    found = sections(docx(tmp_path / "a.docx", para("text", inner=mark), parts, links), "docx")
    assert [(one.text, one.kind) for one in found] == [
        ("text\n", "text"),
        ("a note\n", "notes"),
        ("The head\n", "notes"),
    ]


def test_numbers_that_word_draws_are_read(tmp_path: Path) -> None:
    numbering = (
        f'<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="5">'
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="第%1条"/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%2)"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="9"><w:abstractNumId w:val="5"/></w:num></w:numbering>'
    )

    def item(words: str, level: int) -> str:
        return para(words, properties=f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="9"/></w:numPr>')

    body = item("甲方", 0) + item("付款", 1) + item("交货", 1) + item("乙方", 0) + item("验收", 1)
    path = docx(tmp_path / "a.docx", body, {"word/numbering.xml": numbering}, [("n", "numbering", "numbering.xml")])
    assert text(path, "docx").split("\n")[:-1] == ["第一条 甲方", "(a) 付款", "(b) 交货", "第二条 乙方", "(a) 验收"]


def test_pages_are_those_that_word_drew(tmp_path: Path) -> None:
    drawn, put = "<w:r><w:lastRenderedPageBreak/></w:r>", '<w:r><w:br w:type="page"/></w:r>'
    long = f"<w:p><w:r><w:t>first half </w:t></w:r>{drawn}<w:r><w:t>second half</w:t></w:r></w:p>"
    body = (
        para("one")
        + long
        + para(inner=put)
        + f"<w:p>{drawn}<w:r><w:t>three</w:t></w:r></w:p>"
        + f"<w:p>{drawn}<w:r><w:t>four</w:t></w:r></w:p>"
        + word_table(["a", f"<w:p>{drawn}<w:r><w:t>b</w:t></w:r></w:p>", f"<w:p>{drawn}<w:r><w:t>c</w:t></w:r></w:p>"])
    )
    path = docx(tmp_path / "a.docx", body)
    pages = {one.text: one.page for one in sections(path, "docx")}
    assert pages == {"one\nfirst half ": 1, "second half\n": 2, "three\n": 3, "four\n": 4, "a | b | c\n": 5}
    assert events(path, "docx")[-1] == Closed(5)
    assert {one.page for one in sections(docx(tmp_path / "b.docx", para("no breaks")), "docx")} == {0}


def test_it_says_its_title_and_date(tmp_path: Path) -> None:
    parts = docx_parts(para("x"), {"docProps/core.xml": core("预算 Budget", "2024-03-15T10:00:00Z")})
    assert events(zipped(tmp_path / "a.docx", parts), "docx")[0] == Opened("docx", "预算 Budget", 0, 1710496800.0)


def test_ten_thousand_rows_come_in_sections(tmp_path: Path) -> None:
    rows = word_table(["Order", "Sum"], *([f"No. {at}", str(at * 7)] for at in range(10_000)))
    found = sections(docx(tmp_path / "a.docx", rows), "docx")
    assert len(found) > 200
    assert max(len(one.text) for one in found) < 32_768
    assert found[-1].text.splitlines()[-1] == "Order: No. 9999 | Sum: 69993"


def test_what_is_no_document_is_damaged(tmp_path: Path) -> None:
    assert refusal(zipped(tmp_path / "a.docx", docx_parts("<w:p>")), "docx") == "damaged_file"
    assert refusal(zipped(tmp_path / "b.docx", {"word/document.xml": "<html/>"}), "docx") == "damaged_file"
    assert refusal(zipped(tmp_path / "c.docx", {"mimetype": "x"}), "docx") == "damaged_file"
