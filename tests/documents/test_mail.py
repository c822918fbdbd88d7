"""Letters: heads, bodies in every encoding, attachments, letters within letters, Outlook's own files."""

import base64
import struct
from email.message import EmailMessage
from pathlib import Path

import pytest

from backends.core.errors import BackendError
from backends.documents.extract.outlook import unpacked
from backends.documents.types import Opened
from tests.kit.office import compound, docx, events, para, sections, text


def test_head_and_body_of_old_chinese_mail(tmp_path: Path) -> None:
    body = base64.encodebytes("会议改到周三。\r\n\r\n请准时 镕".encode("gb18030")).decode()
    path = tmp_path / "a.eml"
    path.write_bytes(
        b"Subject: =?gb2312?B?" + base64.b64encode("预算".encode("gb2312")) + b"?= Q3\nFrom: "
        + "张三 <z@x.cn>".encode("gbk") + b"\nTo: li@x.cn\nDate: Fri, 15 Mar 2024 10:00:00 +0800\n"
        + b'Content-Type: text/plain; charset="gb2312"\nContent-Transfer-Encoding: base64\n\n' + body.encode()
    )  # fmt: skip
    head, only = sections(path, "mail")
    assert events(path, "mail")[0] == Opened("mail", "预算 Q3", 0, 1710468000.0)
    assert head.text.splitlines() == [
        "预算 Q3", "From: 张三 <z@x.cn>", "To: li@x.cn", "Date: Fri, 15 Mar 2024 10:00:00 +0800",
    ]  # fmt: skip
    assert only.headings == ("预算 Q3",)
    assert only.text == "会议改到周三。\n请准时 镕\n"


def letter(subject: str, words: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"] = subject, "a@x.org"
    made.set_content(words)
    return made


def test_the_part_that_says_more_is_the_body(tmp_path: Path) -> None:
    first = letter("s", "plain words that say the same thing")
    first.add_alternative("<p>plain words that say the SAME</p>", subtype="html")
    second = letter("s", "see html")
    second.add_alternative(
        "<h1>Head</h1><p>much more is said here than there, 网页正文</p><script>BAD</script>", subtype="html"
    )
    for made, there, absent in ((first, "say the same thing", "SAME"), (second, "网页正文", "BAD")):
        (tmp_path / "a.eml").write_bytes(bytes(made))
        said = text(tmp_path / "a.eml", "mail")
        assert there in said
        assert absent not in said


def test_attachments_are_read_and_those_that_cannot_be_are_named(tmp_path: Path) -> None:
    made = letter("With files", "see there")
    whole = docx(tmp_path / "x.docx", para("inside 附件正文")).read_bytes()
    made.add_attachment(whole, maintype="application", subtype="octet-stream", filename="合同.docx")
    made.add_attachment(whole[:200], maintype="application", subtype="octet-stream", filename="broken.docx")
    made.add_attachment("a,b\n1,2\n", subtype="csv", filename="t.csv")
    made.add_attachment(letter("Inner", "inner words"))
    (tmp_path / "a.eml").write_bytes(bytes(made))
    found = sections(tmp_path / "a.eml", "mail")
    assert "Attachments: 合同.docx, broken.docx, t.csv\n" in found[0].text
    by_text = {one.text: (one.label, one.headings) for one in found}
    assert by_text["inside 附件正文\n"] == ("合同.docx", ("With files", "合同.docx"))
    assert by_text["inner words\n"][1] == ("With files", "Inner")
    assert any("a: 1 | b: 2" in one.text and one.label == "A1:B2" for one in found)


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n", b"Subject: =?x?B?!!?=\n\nhi", b"Date: 99\nSubject\n\n\xff\xfe", b"From: a\n" * 99]
)
def test_letters_that_break_the_rules_are_read_anyway(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.eml").write_bytes(raw)
    assert events(tmp_path / "a.eml", "mail")


def utf16(words: str) -> bytes:
    return words.encode("utf-16-le")


def msg(path: Path, body: dict[str, bytes]) -> Path:
    sent = struct.pack("<IIQ", 0x00390040, 6, (1710468000 + 11_644_473_600) * 10**7)
    page = struct.pack("<IIii", 0x3FDE0003, 6, 936, 0)
    inner = "__attach_version1.0_#00000001/__substg1.0_3701000D"
    return compound(
        path,
        {
            "__properties_version1.0": bytes(32) + sent + page,
            "__substg1.0_0037001F": utf16("关于预算 Budget"),
            "__substg1.0_0C1A001F": utf16("Zhang"),
            "__substg1.0_5D01001F": utf16("z@x.cn"),
            **body,
            "__attach_version1.0_#00000000/__substg1.0_3707001F": utf16("n.txt"),
            "__attach_version1.0_#00000000/__substg1.0_37010102": b"attached words".ljust(4096),
            f"{inner}/__properties_version1.0": bytes(24),
            f"{inner}/__substg1.0_0037001F": utf16("Forwarded"),
            f"{inner}/__substg1.0_1000001F": utf16("inner words"),
        },
    )


_RTF = b"{\\rtf1\\ansi\\ansicpg936 \\'d5\\'fd\\'ce\\'c4 words}"
_STORED = struct.pack("<IIII", len(_RTF) + 12, len(_RTF), 0x414C454D, 0) + _RTF


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"__substg1.0_1000001F": utf16("正文 words")}, "正文 words"),
        ({"__substg1.0_1000001E": "正文 words".encode("gbk")}, "正文 words"),
        ({"__substg1.0_10130102": "<p>正文 <b>words</b></p>".encode("gbk")}, "正文 words"),
        ({"__substg1.0_10090102": _STORED}, "正文 words"),
    ],
)
def test_outlook_letters(tmp_path: Path, body: dict[str, bytes], words: str) -> None:
    path = msg(tmp_path / "a.msg", body)
    found = sections(path, "mail")
    assert events(path, "mail")[0] == Opened("mail", "关于预算 Budget", 0, 1710468000.0)
    assert "From: Zhang <z@x.cn>" in found[0].text
    assert words in found[1].text
    assert any(one.text.startswith("attached words") and one.label == "n.txt" for one in found)
    assert any(one.text == "inner words\n" and one.headings == ("关于预算 Budget", "Forwarded") for one in found)


def test_compressed_rtf_of_the_specification() -> None:
    """[MS-OXRTFCP] 4.1.1 and 4.2.1: both examples with their results."""
    simple = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af320 68656c090020627705b06c647d0a800fa0".replace(
            " ", ""
        )
    )
    assert unpacked(simple) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert unpacked(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


@pytest.mark.parametrize("packed", [b"", bytes(15), bytes(16), struct.pack("<IIII", 0, 2**31, 0x75465A4C, 0) + b"x"])
def test_what_is_not_compressed_rtf(packed: bytes) -> None:
    with pytest.raises(BackendError):
        unpacked(packed)
