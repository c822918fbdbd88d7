"""Running headers, footers and page numbers go; whatever only looks like them stays."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.documents.extract.pdf_lines import Box
from backends.documents.extract.pdf_margins import AHEAD, Margins, Sheet
from backends.documents.extract.reader import Reader
from backends.documents.types import Reading, Section
from tests.kit.pdfs import Line, Pdf

TRUTH = Path(__file__).resolve().parents[1] / "data" / "truth"
_SENTENCES = ("The pump is serviced once a year by the maker", "and its filter is washed every month in warm water.")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    one = Reader()
    yield one
    one.close()


def texts(reader: Reader, path: Path) -> list[str]:
    """Of each page."""
    found: dict[int, str] = {}
    for event in reader.read(path, cancel=CancelToken()):
        if isinstance(event, Section):
            found[event.page] = found.get(event.page, "") + event.text
    return [found[page] for page in sorted(found)]


def book(path: Path, pages: int, edge: Callable[[int], Sequence[Line]]) -> Path:
    """Each page begins with what `edge` says for its number, wherever that stands, and has a sentence of its own."""
    made = Pdf()
    for page in range(1, pages + 1):
        lines = [f"Sentence {page * page} begins here.", *_SENTENCES * 3]
        placed = [Line(line, y=700 - 14 * n) for n, line in enumerate(lines)]
        made.page([*edge(page), *placed])
    return made.save(path)


def is_all(text: str, page: int) -> bool:
    """Whether the page has its text, and nothing before or behind it."""
    return text.startswith(f"Sentence {page * page} begins here.") and text.endswith("in warm water.")


def test_headers_footers_and_numbers_go_and_the_text_stays(reader: Reader, tmp_path: Path) -> None:
    def edge(page: int) -> list[Line]:
        side = 60 if page % 2 else 480
        return [Line("Annual report of the Brook Company", y=800), Line(f"{page + 4}", x=side, y=40)]

    pages = texts(reader, book(tmp_path / "a.pdf", 60, edge))
    assert len(pages) == 60
    assert pages[0].partition("Sentence")[0].strip() == "Annual report of the Brook Company"
    assert is_all(pages[0].partition("Company")[2].lstrip(), 1)
    assert all(is_all(text, number) for number, text in enumerate(pages[1:], 2))


@pytest.mark.parametrize("words", ["Page {} of 30", "- {} -", "第 {} 页 共 30 页", "{} / 30"])
def test_ways_to_number_a_page(reader: Reader, tmp_path: Path, words: str) -> None:
    pages = texts(reader, book(tmp_path / "a.pdf", 30, lambda page: [Line(words.format(page), x=280, y=40)]))
    assert all(is_all(text, number) for number, text in enumerate(pages, 1))


def test_roman_numbers(reader: Reader, tmp_path: Path) -> None:
    numbers = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"]
    pages = texts(reader, book(tmp_path / "a.pdf", 12, lambda page: [Line(numbers[page - 1], x=280, y=40)]))
    assert all(is_all(text, number) for number, text in enumerate(pages, 1))


def test_each_chapter_has_its_header_once(reader: Reader, tmp_path: Path) -> None:
    names = ("Pumps", "Valves", "Filters")
    path = book(tmp_path / "a.pdf", 30, lambda page: [Line(f"Handbook: {names[(page - 1) // 10]}", y=800)])
    everything = "\n".join(texts(reader, path))
    assert [everything.count(f"Handbook: {name}") for name in names] == [1, 1, 1]


def test_the_header_of_a_real_file_goes_but_for_the_first(reader: Reader) -> None:
    pages = texts(reader, TRUTH / "qt_twocolumn.pdf")
    assert [number for number, text in enumerate(pages, 1) if "Running header" in text] == [1]


@pytest.mark.parametrize(
    "words",
    [
        *("Invoice {:04}", "Lesson {}", "Sum of page {}: 17", "Employee No. {}"),  # a title for every page
        "{} was a good year",
    ],
)
def test_what_counts_and_says_more_stays(reader: Reader, tmp_path: Path, words: str) -> None:
    pages = texts(reader, book(tmp_path / "a.pdf", 30, lambda page: [Line(words.format(page), y=760)]))
    assert all(words.format(number) in text for number, text in enumerate(pages, 1))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (lambda page: Line(str(1990 + page), y=790), "years"),
        (lambda page: Line(str(page * 7), y=40), "numbers that do not follow one another"),
        (lambda page: Line("Results", y=790, size=20), "a title in larger letters"),
        (lambda page: Line("Figures of the company", y=714), "a line close to the text"),
        (lambda page: Line(f"Notice {'of the board' if page in (3, 8) else page * page}", y=790), "on few pages"),
    ],
    ids=["years", "numbers", "title", "close", "few"],
)
def test_what_only_looks_alike_stays(reader: Reader, tmp_path: Path, line: Callable[[int], Line], why: str) -> None:
    pages = texts(reader, book(tmp_path / "a.pdf", 30, lambda page: [line(page)]))
    assert all(line(number).text in text for number, text in enumerate(pages, 1)), why


@pytest.mark.parametrize("apart", [14, 24, 40])
def test_the_head_of_a_table_stays_on_every_page(reader: Reader, tmp_path: Path, apart: int) -> None:
    """However far it is from the rows: of figures, or of words in columns."""
    figures, names = Pdf(), Pdf()
    for page in range(30):
        head = [Line("Region        2021        2022", y=760)]
        rows = [Line(f"North {page}     1,0{n}4.50     1,310.75", y=760 - apart - 14 * n) for n in range(20)]
        figures.page([*head, *rows])
        head = [Line(word, x=60 + 150 * n, y=760) for n, word in enumerate(("Name", "Town", "Task"))]
        rows = [
            Line(word, x=60 + 150 * column, y=760 - apart - 14 * n)
            for n in range(20)
            for column, word in enumerate((f"Ada {page}", "Leiden", "paints"))
        ]
        names.page([*head, *rows])
    assert all("Region" in text for text in texts(reader, figures.save(tmp_path / "a.pdf")))
    assert all("Town" in text for text in texts(reader, names.save(tmp_path / "b.pdf")))


def test_a_short_document_keeps_all(reader: Reader, tmp_path: Path) -> None:
    path = book(tmp_path / "a.pdf", 3, lambda page: [Line("Minutes", y=800), Line(str(page), y=40)])
    assert [text.split()[:2] for text in texts(reader, path)] == [["Minutes", str(page)] for page in (1, 2, 3)]


def test_pages_are_told_a_few_pages_behind(reader: Reader, tmp_path: Path) -> None:
    events = reader.read(book(tmp_path / "a.pdf", 300, lambda _: []), cancel=CancelToken())
    read = told = 0
    for event in events:
        if isinstance(event, Reading):
            read = event.done
        elif isinstance(event, Section):
            told = event.page
        assert read - told <= AHEAD + 1
    assert (read, told) == (300, 300)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(("7", "8", "9", "a b", "页眉 3", "")), st.integers(0, 800)), max_size=9),
        max_size=20,
    )
)
def test_nothing_goes_but_lines_that_repeat_or_count(pages: list[list[tuple[str, int]]]) -> None:
    margins = Margins()
    sheets = [
        Sheet(
            number,
            "\r\n".join(words for words, _ in lines),
            [Box(60, 90, foot, 10, foot) if words else None for words, foot in lines],
            0,
            842,
        )
        for number, lines in enumerate(pages, 1)
    ]
    for sheet in sheets:
        margins.meet(sheet)
    everywhere = [line for sheet in sheets for line in sheet.text.split("\r\n")]
    for sheet in sheets:
        text, boxes = margins.without(sheet)
        before, after = sheet.text.split("\r\n"), text.split("\r\n")
        assert len(boxes) == len(after) or text == sheet.text
        for words in set(before):
            if before.count(words) > after.count(words):
                assert everywhere.count(words) >= 4 or words.isdigit()
