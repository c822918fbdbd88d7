"""Rich text: code pages, characters of all kinds, tables, what is not text."""

from pathlib import Path

from backends.documents.types import Opened
from tests.kit.office import events, refusal, sections, text

HEAD = (
    "{\\rtf1\\ansi\\ansicpg936\\deff0"
    "{\\fonttbl{\\f0\\fnil\\fcharset134 \\'cb\\'ce\\'cc\\'e5;}{\\f1\\fswiss\\fcharset0 Arial;}}"
    "{\\info{\\title \\'b1\\'a8\\'b8\\'e6}{\\creatim\\yr2024\\mo3\\dy5\\hr1}}\\viewkind4\\uc1\\pard "
)


def rtf(path: Path, body: str, head: str = HEAD) -> Path:
    path.write_bytes(f"{head}{body}}}".encode("latin-1"))
    return path


def test_characters_of_all_kinds(tmp_path: Path) -> None:
    body = "\\f0 \\'b5\\'da\\'d2\\'bb\\'d5\\'c2\\par\\f1 caf\\'e9 \\u20013?\\u25991? \\u-10179?\\u-8704? end\\par"
    path = rtf(tmp_path / "a.rtf", body)
    assert events(path, "rtf")[0] == Opened("rtf", "报告", 0, 1709596800.0)
    assert text(path, "rtf") == "第一章\ncafé 中文 😀 end\n"


def test_tables_are_rows_and_pictures_are_not_text(tmp_path: Path) -> None:
    row = "\\trowd\\cellx1000\\cellx2000\\pard\\intbl {}\\cell {}\\cell\\row"
    picture = "{\\pict\\pngblip " + "89504e47" * 50_000 + "}{\\pict\\bin6 {}{}\\x}"
    body = f"before {picture}\\par{row.format('City', 'Sum')}{row.format('Bonn', '7')}\\pard after\\par"
    found = sections(rtf(tmp_path / "a.rtf", body), "rtf")
    assert [(one.text, one.kind) for one in found] == [
        ("before\n", "text"),
        ("City | Sum\nCity: Bonn | Sum: 7\n", "table"),
        ("after\n", "text"),
    ]


def test_links_cost_no_time_however_many(tmp_path: Path) -> None:
    body = '{\\field{\\*\\fldinst{HYPERLINK "http://x.y/"' * 5000
    assert refusal(rtf(tmp_path / "a.rtf", body), "rtf") == ""


def test_what_is_no_rtf(tmp_path: Path) -> None:
    assert refusal(rtf(tmp_path / "a.rtf", "text", head="{"), "rtf") == "damaged_file"
