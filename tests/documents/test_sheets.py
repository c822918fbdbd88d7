"""Workbooks and CSV: which cells a section is, heads of columns, numbers as they are shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.documents.extract.grid import column_name
from backends.documents.extract.number_formats import shown
from backends.documents.types import Closed, Opened
from tests.kit.office import biff, cell, compound, events, refusal, sections, text, text_rows, xlsx


def test_a_section_says_its_sheet_and_its_cells(tmp_path: Path) -> None:
    rows = [["Region", "2021", "营业收入"], *([f"R{at} area", "1,024.50", str(at)] for at in range(60))]
    path = xlsx(tmp_path / "a.xlsx", {"收入 Revenue": text_rows(rows), "Empty": "", "Third": text_rows([["note"]])})
    found = sections(path, "xlsx")
    assert [(one.page, one.label, one.headings, one.kind) for one in found] == [
        (1, "收入 Revenue!A1:C40", ("收入 Revenue",), "table"),
        (1, "收入 Revenue!A41:C61", ("收入 Revenue",), "table"),
        (3, "Third!A1", ("Third",), "table"),
    ]
    assert found[1].text.splitlines()[0] == "Region: R39 area | 2021: 1,024.50 | 营业收入: 39"
    assert events(path, "xlsx")[0] == Opened("xlsx", "", 3, None)
    assert events(path, "xlsx")[-1] == Closed(3)


def test_values_read_as_they_are_shown(tmp_path: Path) -> None:
    row = (
        cell("A1", "45366", style=1)
        + cell("B1", "0.1234", style=2)
        + cell("C1", "1024.5", style=3)
        + cell("D1", "0", "s")
        + cell("E1", "1", "b")
        + cell("F1", "0.30000000000000004")
        + cell("G1", "#DIV/0!", "e")
        + cell("H1", "42", style=4)
        + '<c r="I1" t="str"><f>A1&amp;B1</f><v>joined</v></c><c r="J1"><f>1+1</f></c>'
    )
    strings = "<si><r><t>rich </t></r><r><t>text_x000D_</t></r><rPh><t>PHONETIC</t></rPh></si>"
    formats = ("yyyy-mm-dd", "0.00%", '"¥"#,##0.00', "000000")
    path = xlsx(tmp_path / "a.xlsx", {"S": f'<row r="1">{row}</row>'}, strings=strings, formats=formats)
    assert text(path, "xlsx") == (
        "S\n2024-03-15 | 12.34% | ¥1,024.50 | rich text | TRUE | 0.3 | #DIV/0! | 000042 | joined\n"
    )


def test_years_of_1904_and_rows_without_places(tmp_path: Path) -> None:
    row = '<row><c s="1"><v>43904</v></c><c t="inlineStr"><is><t>x</t></is></c></row>'
    path = xlsx(tmp_path / "a.xlsx", {"S": row}, formats=("yyyy-mm-dd",), book='<workbookPr date1904="1"/>')
    assert text(path, "xlsx") == "S\n2024-03-15 | x\n"


@pytest.mark.parametrize(
    ("code", "value", "seen"),
    [
        ("General", 1e21, "1e+21"),
        ("#,##0.00;[Red]-#,##0.00", -1024.5, "-1,024.50"),
        ("[$¥-804]#,##0.00;[Red]-[$¥-804]#,##0.00", -1024.5, "-¥1,024.50"),
        ('_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', -12.5, "-12.50"),
        ("0;(0)", -3, "(3)"),
        ("0.##", 2, "2"),
        ("#,##0,", 1_234_567, "1,235"),
        ('0.00"元"', 3, "3.00元"),
        ("[h]:mm:ss", 1.5, "36:00:00"),
        ("yyyy/m/d h:mm", 45366.5, "2024-03-15 12:00"),
        ('yyyy"年"m"月"d"日"', 45366, "2024年3月15日"),
        ("yyyy-mm-dd", 1e300, "1e+300"),
    ],
)
def test_formats(code: str, value: float, seen: str) -> None:
    assert shown(code)(float(value)) == seen


@given(st.text('#0?,.;%"\\_*[]$-hmsydE+/@ 年G', max_size=20), st.floats(allow_nan=True, allow_infinity=True))
def test_no_code_of_a_format_breaks_a_number(code: str, value: float) -> None:
    assert isinstance(shown(code)(value), str)


@given(st.integers(0, 16_383))
def test_names_of_columns_count(column: int) -> None:
    number = 0
    for letter in column_name(column):
        number = number * 26 + ord(letter) - 64
    assert number == column + 1


def test_a_title_above_the_heads_and_a_second_table_below(tmp_path: Path) -> None:
    rows = [["Report 2024"], ["City", "Sum"], ["Bonn", "1"], [], ["Name", "Age"], ["Wang", "33"], ["Item 1", "Item 2"]]
    lines = text(xlsx(tmp_path / "a.xlsx", {"S": text_rows(rows)}), "xlsx").splitlines()
    assert lines == ["S", "Report 2024", "City | Sum", "City: Bonn | Sum: 1", "Name | Age", "Name: Wang | Age: 33",
                     "Name: Item 1 | Age: Item 2"]  # fmt: skip


def test_rows_of_data_are_not_taken_for_heads(tmp_path: Path) -> None:
    rows = [["0", "Order 000000"], ["1", "Order 000001"]]
    assert text(xlsx(tmp_path / "a.xlsx", {"S": text_rows(rows)}), "xlsx") == "S\n0 | Order 000000\n1 | Order 000001\n"


def test_cells_at_the_far_corner_take_no_room(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1", "7")}</row><row r="1048576">{cell("XFD1048576", "8")}</row>'
    assert [one.label for one in sections(xlsx(tmp_path / "a.xlsx", {"S": rows}), "xlsx")] == ["S!A1", "S!XFD1048576"]


def test_excel_97(tmp_path: Path) -> None:
    book = biff({"收入": [["City", "Sum"], ["Bonn", 1024.5], ["Kiel", 3.0]], "B": [["x"]]})
    path = compound(tmp_path / "a.xls", {"Workbook": book})
    assert [(one.page, one.label, one.text) for one in sections(path, "xls")] == [
        (1, "收入!A1:B3", "收入\nCity | Sum\nCity: Bonn | Sum: 1024.5\nCity: Kiel | Sum: 3\n"),
        (2, "B!A1", "B\nx\n"),
    ]
    (tmp_path / "b.xls").write_bytes(path.read_bytes()[:3000])
    assert refusal(tmp_path / "b.xls", "xls") == "damaged_file"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_of_any_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [["地区", "说明", "金额"], ["华北", '"多行\n文字, 引号""内"', "1024.5"], ["华南", "会议时间周三下午", "88"]]
    path = tmp_path / "a.csv"
    path.write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding))
    only = sections(path, "csv")
    assert [(one.label, one.page, one.kind) for one in only] == [("A1:C3", 0, "table")]
    assert only[0].text.splitlines() == [
        "地区 | 说明 | 金额",
        '地区: 华北 | 说明: 多行 文字, 引号"内 | 金额: 1024.5',
        "地区: 华南 | 说明: 会议时间周三下午 | 金额: 88",
    ]


def test_csv_with_a_quote_that_never_closes_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('size,name\n12,5" disk\n14,"no end\n15,last\n', encoding="utf-8")
    assert "15 | name: last" in text(path, "csv")


@pytest.mark.parametrize("before", [0, 3000, 30_000])
def test_csv_of_any_length_keeps_its_rows_wherever_a_quote_is_not_closed(tmp_path: Path, before: int) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{number},words of row {number}" for number in range(40_000)]
    rows.insert(before, '99,"no end')
    rows.insert(before + 2000, '98,"closed, with\na line"')
    path.write_text("number,name\n" + "\n".join(rows) + "\n", encoding="utf-8")
    lines = text(path, "csv").splitlines()
    assert sum("words of row" in line for line in lines) == 40_000
    assert any("no end" in line for line in lines)
    assert any("closed, with a line" in line for line in lines)


def test_csv_whose_every_line_opens_a_quote(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "number,name\n" + "".join(f'{number},"open {number}\n' for number in range(20_001)), encoding="utf-8"
    )
    assert sum(line.count("open") for line in text(path, "csv").splitlines()) == 20_001
