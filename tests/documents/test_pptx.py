"""Slides: their order, titles, tables, groups, charts, diagrams, notes."""

from pathlib import Path

from backends.documents.types import Closed, Opened, Section
from tests.kit.office import A, C, P, R, events, pptx, refusal, relations, sections, shape

_CHART = (
    f'<c:chartSpace xmlns:c="{C}" xmlns:a="{A}"><c:title><a:p><a:r><a:t>Sales 销售</a:t></a:r></a:p></c:title><c:ser>'
    '<c:tx><c:strCache><c:pt idx="0"><c:v>2024</c:v></c:pt></c:strCache></c:tx>'
    '<c:cat><c:pt idx="0"><c:v>Q1</c:v></c:pt><c:pt idx="1"><c:v>Q2</c:v></c:pt></c:cat>'
    '<c:val><c:pt idx="0"><c:v>19.2</c:v></c:pt><c:pt idx="1"><c:v>0.30000000000000004</c:v></c:pt></c:val>'
    "</c:ser></c:chartSpace>"
)


def frame(inner: str) -> str:
    return f"<p:graphicFrame><p:nvGraphicFramePr><p:nvPr/></p:nvGraphicFramePr>{inner}</p:graphicFrame>"


def table(*rows: tuple[str, ...]) -> str:
    def cell(text: str) -> str:
        return f"<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"

    lines = "".join(f"<a:tr>{''.join(map(cell, row))}</a:tr>" for row in rows)
    return frame(f'<a:tbl><a:tblPr firstRow="1"/>{lines}</a:tbl>')


def test_slides_come_in_the_order_in_which_they_are_shown(tmp_path: Path) -> None:
    slides = {f"slide{at}": shape(f"Title {at}", kind="title") + shape(f"body {at}") for at in range(1, 13)}
    path = pptx(tmp_path / "a.pptx", slides, ["slide10", "slide2", "slide12"])
    found = events(path, "pptx")
    assert found[0] == Opened("pptx", "", 3, None)
    assert [(one.page, one.headings, one.text) for one in found if isinstance(one, Section)] == [
        (1, ("Title 10",), "Title 10\nbody 10\n"),
        (2, ("Title 2",), "Title 2\nbody 2\n"),
        (3, ("Title 12",), "Title 12\nbody 12\n"),
    ]
    assert found[-1] == Closed(3)


def test_everything_on_a_slide_is_read_and_what_all_slides_repeat_is_not(tmp_path: Path) -> None:
    group = f"<p:grpSp><p:grpSp>{shape('in a group')}</p:grpSp></p:grpSp>"
    twice = f"<mc:AlternateContent><mc:Choice>{shape('new')}</mc:Choice><mc:Fallback>{shape('OLD')}</mc:Fallback>"
    shapes = (
        shape("Body 内容", "second line", kind="body")
        + shape("FOOTER", kind="ftr")
        + shape("7", kind="sldNum")
        + table(("Region", "2021"), ("North", "1,024.50"))
        + group
        + twice
        + "</mc:AlternateContent>"
        + frame('<c:chart r:id="c1"/>')
        + frame('<dgm:relIds xmlns:dgm="d" r:dm="d1"/>')
        + shape("The title", kind="ctrTitle")
    )
    notes = f'<p:notes xmlns:p="{P}" xmlns:a="{A}"><p:spTree>{shape("said aloud", kind="body")}'
    parts = {
        "ppt/slides/_rels/slide1.xml.rels": relations(
            ("c1", "chart", "../charts/c.xml"), ("d1", "diagramData", "../d.xml"), ("n", "notesSlide", "../notes/n.xml")
        ),
        "ppt/charts/c.xml": _CHART,
        "ppt/d.xml": f'<d:pts xmlns:d="d" xmlns:a="{A}"><d:pt><a:p><a:r><a:t>a step</a:t></a:r></a:p></d:pt></d:pts>',
        "ppt/notes/n.xml": notes + shape("1", kind="sldNum") + "</p:spTree></p:notes>",
    }
    found = sections(pptx(tmp_path / "a.pptx", {"slide1": shapes}, ["slide1"], parts), "pptx")
    assert {one.page for one in found} == {1}
    assert {one.headings for one in found} == {("The title",)}
    said = "".join(one.text for one in found)
    for words in (
        "Body 内容\nsecond line\n",
        "in a group",
        "new",
        "Region: North | 2021: 1,024.50",
        "Sales 销售",
        "a step",
    ):
        assert said.count(words) == 1, words
    assert "2024: 19.2" in said
    assert "Q2 | 2024: 0.3\n" in said
    assert "FOOTER" not in said
    assert "OLD" not in said
    assert [one.text for one in found if one.kind == "notes"] == ["said aloud\n"]


def test_what_has_no_slides_is_damaged(tmp_path: Path) -> None:
    assert (
        refusal(pptx(tmp_path / "a.pptx", {}, [], {"ppt/presentation.xml": f'<x xmlns:r="{R}"/>'}), "pptx")
        == "damaged_file"
    )
