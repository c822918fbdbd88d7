"""Packages that are made to harm: each is refused with a clear word, at once, in little memory."""

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from backends.documents.extract.package import Package
from tests.kit.office import (
    W,
    cell,
    compound,
    docx,
    docx_parts,
    epub,
    opendocument,
    para,
    pptx,
    refusal,
    shape,
    text,
    xlsx,
    zipped,
)

MIB = 1024 * 1024


def test_a_part_is_found_by_its_relation_and_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip.docx", docx_parts("", {"word\\odd.xml": "odd"}))
    with Package(path) as package:
        assert [one.target for one in package.relations("")] == ["word/document.xml"]
        assert package.read("WORD/odd.xml") == b"odd"
        assert package.read("word/none.xml") == b""
        assert "word/document.xml" in package


def lying(path: Path, said: int, really: int) -> Path:
    """A part that says it unpacks to `said` bytes, and unpacks to `really`."""
    zipped(path, docx_parts("", {"word/styles.xml": b" " * really}, [("s", "styles", "styles.xml")]))
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            if struct.unpack_from("<I", data, at + place)[0] == really:
                struct.pack_into("<I", data, at + place, said)
    path.write_bytes(data)
    return path


def overlapping(path: Path) -> Path:
    """Many entries that are the same bytes (D. Fifield)."""
    core = zlib.compress(b"a" * MIB)[2:-4]
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(core), MIB, 1, 0) + b"a" + core
    entries = b""
    for at in range(100):
        name = f"word/{at}.xml".encode()
        entries += struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(core), MIB, len(name), 0, 0, 0, 0, 0, 0
        )
        entries += name
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 100, 100, len(entries), len(local), 0)
    path.write_bytes(local + entries + end)
    return path


def many(path: Path) -> Path:
    return zipped(path, docx_parts("", {f"word/{at}.xml": "" for at in range(5001)}))


def countless(path: Path) -> Path:
    """A list of entries that no one should build."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    entries = entry * 200_000
    path.write_bytes(entries + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 99, 99, len(entries), 0, 0))
    return path


def nested(path: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("a", "b")
    return zipped(path, docx_parts("", {"word/styles.xml": inner.getvalue()}, [("s", "styles", "styles.xml")]))


BOMBS = {
    "ratio": (lambda path: docx(path, para("x" * 30 * MIB)), "too_large"),
    "many": (many, "too_large"),
    "countless": (countless, "too_large"),
    "lying": (lambda path: lying(path, 1000, 900_000), "damaged_file"),
    "overlapping": (overlapping, "too_large"),
    "nested": (nested, "too_large"),
    "zip within": (lambda path: zipped(path, docx_parts("", {"a.zip": "PK"})), "too_large"),
    "absolute": (lambda path: zipped(path, docx_parts("", {"/etc/passwd": "x"})), "damaged_file"),
    "climbing": (lambda path: zipped(path, docx_parts("", {"word/../../x": "x"})), "damaged_file"),
    "drive": (lambda path: zipped(path, docx_parts("", {"C:\\x": "x"})), "damaged_file"),
    "encrypted": (lambda path: compound(path, {"EncryptedPackage": b"x", "EncryptionInfo": b"x"}), "encrypted"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(tmp_path: Path, bomb: str) -> None:
    make, code = BOMBS[bomb]
    assert refusal(make(tmp_path / "a.docx"), "docx") == code


def test_a_picture_that_is_large_is_no_bomb(tmp_path: Path) -> None:
    picture = bytes(range(256)) * 4096
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as file:
        for name, data in docx_parts(para("words")).items():
            file.writestr(name, data, zipfile.ZIP_DEFLATED)
        for at in range(210):
            file.writestr(f"word/media/{at}.png", picture)
    assert text(tmp_path / "a.docx", "docx") == "words\n"


LAUGHS = "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(12))
LAUGHING = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">{LAUGHS}]>'
REACHING = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "{}">]>'
BODY = f'<w:document xmlns:w="{W}"><w:body><w:p><w:r><w:t>&a;</w:t></w:r></w:p></w:body></w:document>'


@pytest.mark.parametrize("prolog", [LAUGHING, REACHING, "<!--" + " " * 9000 + "-->" + REACHING.partition("?>")[2]])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_neither_grow_nor_reach_a_file(tmp_path: Path, prolog: str, encoding: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET", encoding="utf-8")
    start = prolog.replace("{}", secret.as_uri())
    for name, format, made in (
        ("a.docx", "docx", lambda data: zipped(tmp_path / "a.docx", docx_parts("", {"word/document.xml": data}))),
        ("b.docx", "docx", lambda data: docx(tmp_path / "b.docx", "", {"docProps/core.xml": data})),
        ("a.pptx", "pptx", lambda data: pptx(tmp_path / "a.pptx", {}, [], {"ppt/presentation.xml": data})),
        ("a.odt", "odt", lambda data: opendocument(tmp_path / "a.odt", "text", "", {"content.xml": data})),
        ("a.ods", "ods", lambda data: opendocument(tmp_path / "a.ods", "spreadsheet", "", {"content.xml": data})),
        ("a.epub", "epub", lambda data: epub(tmp_path / "a.epub", {}, parts={"OEBPS/book.opf": data})),
    ):
        assert refusal(made((start + BODY).encode(encoding)), format) == "damaged_file", name
    sheet = xlsx(tmp_path / "a.xlsx", {"S": ""})
    with zipfile.ZipFile(sheet) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["xl/sharedStrings.xml"] = (start + "<sst><si><t>&a;</t></si></sst>").encode(encoding)
    assert refusal(zipped(sheet, parts), "xlsx") == "damaged_file"


def test_a_text_said_a_million_times_is_refused(tmp_path: Path) -> None:
    row = "".join(cell(f"{chr(65 + at)}1", "0", "s") for at in range(26))
    sheet = f'<row r="1">{row}</row>' * 4000
    path = xlsx(tmp_path / "a.xlsx", {"S": sheet}, strings=f"<si><t>{'long ' * 6000}</t></si>")
    assert refusal(path, "xlsx") == "too_large"


@pytest.mark.parametrize(
    ("format", "make"),
    [
        ("docx", lambda path: docx(path, para("words " * 900) * 40)),
        ("pptx", lambda path: pptx(path, {"s": shape("words " * 900)}, ["s"])),
        ("xlsx", lambda path: xlsx(path, {"S": f'<row r="1">{cell("A1", "words " * 900, "inlineStr")}</row>'})),
        ("epub", lambda path: epub(path, {"a": "<p>words</p>" * 900})),
        (
            "odt",
            lambda path: opendocument(
                path, "text", "<office:text>" + "<text:p>words</text:p>" * 900 + "</office:text>"
            ),
        ),
    ],
)
def test_a_file_that_ends_early_or_is_flipped_somewhere(tmp_path: Path, format: str, make) -> None:
    """It is damaged, or what is read of it is: nothing else comes out."""
    path = make(tmp_path / f"a.{format}")
    whole = path.read_bytes()
    for part in range(1, 20):
        path.write_bytes(whole[: len(whole) * part // 20])
        assert refusal(path, format) == "damaged_file"
    for at in range(7, len(whole), max(len(whole) // 150, 1)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        assert refusal(path, format) in ("", "damaged_file", "too_large", "encrypted")


def test_a_bomb_costs_little(tmp_path: Path) -> None:
    """In a process of its own: seconds, and memory beyond what reading anything takes."""
    bombs = [
        BOMBS[name][0](tmp_path / f"{at}.docx")
        for at, name in enumerate(("ratio", "countless", "overlapping", "nested"))
    ]
    code = (
        "import resource, sys; from pathlib import Path; from tests.kit.office import refusal, docx, para\n"
        "text = docx(Path(sys.argv[1]) / 'small.docx', para('x')); refusal(text, 'docx')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "codes = [refusal(Path(one), 'docx') for one in sys.argv[2:]]\n"
        "print(*codes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), *map(str, bombs)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    *codes, grown = done.stdout.split()
    assert codes == ["too_large"] * 4
    assert int(grown) < 100 * 1024
