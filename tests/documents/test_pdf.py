"""PDF: pages, paragraphs, headings, what is not text, and files that mean harm."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.documents.extract.asked import MIB
from backends.documents.extract.pdf_lines import Box, Words, paragraphs
from backends.documents.extract.reader import Limits, Reader
from backends.documents.types import Closed, Opened, ReadEvent, Section
from tests.kit.pdfs import Line, Pdf

TRUTH = Path(__file__).resolve().parents[1] / "data" / "truth"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    one = Reader(Limits(seconds=20, silence=120))
    yield one
    one.close()


def read(reader: Reader, path: Path, password: str = "") -> list[ReadEvent]:
    return list(reader.read(path, password=password, cancel=CancelToken()))


def sections(events: Sequence[ReadEvent]) -> list[Section]:
    return [event for event in events if isinstance(event, Section)]


def opened(events: Sequence[ReadEvent]) -> Opened:
    assert isinstance(events[0], Opened)
    return events[0]


def refusal(reader: Reader, path: Path) -> str:
    with pytest.raises(BackendError) as refused:
        read(reader, path)
    return refused.value.code


# ---- pages and paragraphs


def test_each_page_has_its_number(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    for n in range(1, 2101):
        book.page([f"This is page {n}."])
    events = read(reader, book.save(tmp_path / "book.pdf"))
    assert [(section.page, section.text) for section in sections(events)] == [
        (n, f"This is page {n}.") for n in range(1, 2101)
    ]
    assert opened(events).pages == 2100
    assert events[-1] == Closed(2100)


def test_lines_of_a_paragraph_are_joined_and_paragraphs_are_kept(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(
        [
            Line("Annual report", size=20, y=780),
            Line("The company sold more machines than in any of the years before, and", y=740),
            Line("it expects to sell still more of them in the one that has just begun.", y=726),
            Line("This is a new paragraph, which stands a little further below the first", y=690),
            Line("one.", y=676),
        ]
    )
    (section,) = sections(read(reader, book.save(tmp_path / "book.pdf")))
    assert section.text == (
        "Annual report\n\nThe company sold more machines than in any of the years before, and it expects to sell still "
        "more of them in the one that has just begun.\n\n"
        "This is a new paragraph, which stands a little further below the first one."
    )


def test_chinese_lines_are_joined_without_a_space(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["苏镜宇年少时在张家口足校踢球，后来所在的梯队被上海申花买", "断，他成了二队的球员。"])
    (section,) = sections(read(reader, book.save(tmp_path / "book.pdf")))
    assert section.text == "苏镜宇年少时在张家口足校踢球，后来所在的梯队被上海申花买断，他成了二队的球员。"


def test_items_and_rows_keep_their_lines(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    rows = ["Region 2021 2022 2023", "North 1,024.50 1,310.75 88,012", "South 987.25 1,105.00 76,540"]
    items = ["1. first of all", "2. and then", "• a dot"]
    contents = ["Introduction ............ 3", "Results ................. 17"]
    book.page([*rows, *items, *contents])
    (section,) = sections(read(reader, book.save(tmp_path / "book.pdf")))
    assert section.text.split("\n") == [*rows, *items, *contents]


def test_columns_are_read_one_after_the_other(reader: Reader) -> None:
    first = sections(read(reader, TRUTH / "qt_twocolumn.pdf"))[0].text
    assert "such as in the Peruvian Amazon indigenous peoples' rainforest communities continue" in first
    assert "American television history, with unprecedented ratings for its finale." in first


def test_a_hyphen_at_the_end_of_a_line() -> None:
    words = Words()
    words.learn("The government of human beings, and what each primate is. It is non-human, well-known and re-used.")
    assert words.join("the govern\ufffement said") == "the government said"
    assert words.join("a non\ufffehuman being") == "a non-human being"
    assert words.join("an unheard\ufffeofthing") == "an unheardofthing"
    assert words.join("the Paris\ufffeDakar race") == "the Paris-Dakar race"
    assert words.join("pages 12\ufffe14 of 1990\ufffe") == "pages 12-14 of 1990-"


@given(st.lists(st.text(st.sampled_from("ab 1,2.中文，。-\ufffe("), max_size=30), max_size=12), st.randoms())
def test_no_letter_is_lost_wherever_lines_lie(lines: list[str], random: Random) -> None:
    boxes: list[Box | None] = []
    for line in lines:
        left, foot, height = random.uniform(0, 500), random.uniform(0, 800), random.uniform(0, 40)
        box = Box(left, left + random.uniform(-5, 500), foot, height, foot)
        boxes.append(box if line.strip() and random.random() > 0.1 else None)
    joined = paragraphs("\r\n".join(lines), boxes, Words())
    assert _letters(joined) == _letters("".join(lines))


def _letters(text: str) -> str:
    return "".join(character for character in text if character not in " \n-\ufffe")


# ---- what the file says of itself


def test_title_and_date(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["x"])
    events = read(reader, book.save(tmp_path / "a.pdf", title="年度报告 2023", created="D:20240102030405+08'00'"))
    assert opened(events).title == "年度报告 2023"
    assert opened(events).dated == datetime(2024, 1, 1, 19, 4, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "title", ["untitled", "Microsoft Word - 12.doc", "C:\\Users\\me\\x", "无标题", "01", "scan.pdf"]
)
def test_titles_that_say_nothing_are_none(reader: Reader, tmp_path: Path, title: str) -> None:
    book = Pdf()
    book.page(["x"])
    first = opened(read(reader, book.save(tmp_path / "a.pdf", title=title, created="D:2024139")))
    assert (first.title, first.dated) == ("", None)


def test_the_outline_names_the_headings(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["Preface", "Before all else."])
    book.page(["1 Machines", "They run.", Line("1.1 Engines", y=500), "They drive them."])
    book.page(["Nothing new here."])
    book.outline = [(0, "Preface", 1), (0, "Machines", 2), (1, "Engines", 2), (0, "第四章", 3)]
    found = sections(read(reader, book.save(tmp_path / "a.pdf")))
    assert [(one.page, one.headings, one.text.split("\n")[0]) for one in found] == [
        (1, ("Preface",), "Preface"),
        (2, ("Machines",), "1 Machines"),
        (2, ("Machines", "Engines"), "1.1 Engines"),
        (3, ("第四章",), "Nothing new here."),
    ]


def test_values_of_forms_and_notes_are_text(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["Application"], book.text_field("姓名", "张三丰"))
    book.page(["Draft"], book.note("Please check the figures."))
    found = [(one.page, one.kind, one.text) for one in sections(read(reader, book.save(tmp_path / "a.pdf")))]
    assert found == [
        (1, "text", "Application"),
        (1, "text", "姓名: 张三丰"),
        (2, "text", "Draft"),
        (2, "notes", "Please check the figures."),
    ]


def test_pages_that_are_pictures_are_unread_and_empty_ones_are_not(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["Text"])
    book.picture()
    book.page()
    book.drawn(b"0 0 m " + b"10 10 l 20 30 l S 0 0 m " * 200)  # letters as curves
    events = read(reader, book.save(tmp_path / "a.pdf"))
    assert events[-1] == Closed(4, (2, 4))


def test_owner_passwords_keep_nobody_from_reading(reader: Reader) -> None:
    assert "苏镜宇" in sections(read(reader, TRUTH / "encrypted_owner_only.pdf"))[0].text


# ---- harm


def test_a_tree_of_pages_that_holds_itself(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["x"])
    book.objects[1] = b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000000>>"
    assert refusal(reader, book.save(tmp_path / "a.pdf")) in ("damaged_file", "out_of_time")


def test_a_tree_that_lies_about_its_pages(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["The only one."])
    path = book.save(tmp_path / "a.pdf", count=2_000_000)
    try:
        found = [one.text for one in sections(read(reader, path))]
    except BackendError as error:
        found = [error.code]
    assert found in (["The only one."], ["damaged_file"])


def test_forms_that_draw_themselves(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    number = len(book.objects) + 1
    assert number == book.stream(
        b"/F Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F %d 0 R>>>>" % number
    )
    book.drawn(b"BT /L 11 Tf 60 700 Td (Still here) Tj ET /F Do", resources=b"/XObject<</F %d 0 R>>" % number)
    assert "Still here" in sections(read(reader, book.save(tmp_path / "a.pdf")))[0].text


def test_doubling_forms(reader: Reader, tmp_path: Path) -> None:
    """Each draws the next ten times: 10 ** 12 in all."""
    book = Pdf()
    last = book.stream(b"0 0 m 9 9 l S", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")
    for _ in range(12):
        last = book.stream(
            b"/F Do " * 10, b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F %d 0 R>>>>" % last
        )
    book.drawn(b"BT /L 11 Tf 60 700 Td (First) Tj ET /F Do", resources=b"/XObject<</F %d 0 R>>" % last)
    _bounded(Reader(Limits(seconds=2, memory=600 * MIB)), book.save(tmp_path / "a.pdf"))


def test_a_stream_that_unpacks_to_gigabytes(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.drawn(b"BT /L 11 Tf 60 700 Td (bomb) Tj ET\n" + b" " * 300_000_000, packed=True)
    path = book.save(tmp_path / "a.pdf")
    assert path.stat().st_size < MIB
    _bounded(Reader(Limits(seconds=5, memory=400 * MIB)), path)


def test_a_loop_of_cross_references(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["Found all the same."])
    data = book.data()
    start = data.rindex(b"startxref\n") + 10
    place = data[start:].split()[0]
    path = tmp_path / "a.pdf"
    path.write_bytes(data.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev " + place))
    try:
        found = [one.text for one in sections(read(reader, path))]
    except BackendError as error:
        found = [error.code]
    assert found in (["Found all the same."], ["damaged_file"])


def test_a_damaged_table_of_references_is_made_anew(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["Found all the same."])
    path = tmp_path / "a.pdf"
    path.write_bytes(b"\n\n some words before it\n" + book.data().replace(b"startxref", b"startxxxx"))
    assert [one.text for one in sections(read(reader, path))] == ["Found all the same."]


def test_an_outline_that_goes_round(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page(["Text"])
    entry = len(book.objects) + 2
    root = book.add(b"<</Type/Outlines/First %d 0 R/Last %d 0 R/Count 1>>" % (entry, entry))
    book.add(
        b"<</Title(Round)/Parent %d 0 R/Next %d 0 R/First %d 0 R/Dest[%d 0 R/Fit]>>"
        % (root, entry, entry, book.pages[0])
    )
    book.objects[0] = b"<</Type/Catalog/Pages 2 0 R/Outlines %d 0 R>>" % root
    assert sections(read(reader, book.save(tmp_path / "a.pdf"))) == [Section("Text", 1, headings=("Round",))]


def test_a_table_of_three_hundred_pages(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    for page in range(300):
        book.page([f"Item {page * 50 + n} 1,{n:03}.50 {n * 7} 88,{page:03}" for n in range(50)])
    found = sections(read(reader, book.save(tmp_path / "a.pdf")))
    lines = [line for one in found for line in one.text.split("\n")]
    assert len(lines) == 15_000
    assert lines[14_999].startswith("Item 14999 ")


def test_a_page_with_more_text_than_fits_in_a_section(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    book.page([f"line {n} of a very long page indeed" for n in range(5000)])
    found = sections(read(reader, book.save(tmp_path / "a.pdf")))
    assert len(found) > 3
    assert {one.page for one in found} == {1}
    assert "line 4999" in found[-1].text


@pytest.mark.parametrize("cut", [10, 100, 1000, 100_000, 180_000])
def test_a_file_that_ends_early(reader: Reader, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes((TRUTH / "qt_embedded.pdf").read_bytes()[:cut])
    assert refusal(reader, path) == "damaged_file"


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_broken_it_is_read_or_refused(reader: Reader, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    data = bytearray((TRUTH / "encrypted_owner_only.pdf").read_bytes())
    for _ in range(random.randint(1, 40)):
        data[random.randrange(len(data))] = random.randrange(256)
    (tmp_path / "a.pdf").write_bytes(data)
    try:
        code = "" if isinstance(read(reader, tmp_path / "a.pdf")[-1], Closed) else "no end"
    except BackendError as error:
        code = error.code
    assert code in {"", "damaged_file", "encrypted", "unsupported_format", "reader_died", "out_of_time", "too_large"}


def _bounded(reader: Reader, path: Path) -> None:
    """It is read or given up; the next file is read either way."""
    try:
        code = "" if isinstance(read(reader, path)[-1], Closed) else "no end"
    except BackendError as error:
        code = error.code
    assert code in {"", "too_large", "out_of_time", "reader_died", "damaged_file"}
    book = Pdf()
    book.page(["next"])
    assert [one.text for one in sections(read(reader, book.save(path.with_name("next.pdf"))))] == ["next"]
    reader.close()
