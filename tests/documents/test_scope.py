"""Which documents a question names, by names and by years, in both languages."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.documents.folding import folded
from backends.documents.scope import Names
from backends.documents.times import times
from backends.documents.types import Document

FILES = [
    "Meridian_2021_annual_report.pdf",
    "Meridian_2022_annual_report.pdf",
    "Meridian 2022 Q3.pdf",
    "Apple-2022-10-K.pdf",
    "Apple_2023_10K.pdf",
    "苹果公司2022年年度报告.pdf",
    "华为2022年年报.pdf",
    "华为2023年第三季度报告.pdf",
    "租赁合同.docx",
    "Employee Handbook v3 final.docx",
    "AnnualReport2022Contoso.pdf",
    "会议纪要 2024-05-14.docx",
]
EVERY = array("q", range(len(FILES)))


def document(id: int, file: str, title: str = "") -> Document:
    path = f"/shelf/{file}" if "." in file else ""
    return Document(id, 1, path, file, title, "pdf", 1, 0.0, None, "", "ready", None, 9, 99, 50, "en", 0, 0, 0.0)


def library(*files: str) -> Names:
    names = Names()
    for id, file in enumerate(files or FILES):
        names.add(document(id, file))
    return names


@pytest.mark.parametrize(
    ("question", "words", "files"),
    [
        ("How much did Meridian earn in the third quarter of 2022?", ["Meridian", "third quarter of 2022"], [2]),
        ("meridian revenue 2021", ["meridian", "2021"], [0]),
        ("What was Apple's revenue in 2022 and 2023?", ["Apple", "2022 2023"], [3, 4]),
        ("苹果2022年的营收是多少", ["苹果", "2022"], [5]),
        ("华為2023年第三季度的利润", ["华為", "2023年第三季度"], [7]),
        ("租賃合同什么时候到期", ["租賃合同"], [8]),
        ("What does the employee handbook say about leave?", ["employee handbook"], [9]),
        ("contoso net income", ["contoso"], [10]),
        ("2024年5月的会议上说了什么", ["2024年5月"], [11]),
        ("compare Apple and Meridian in FY22", ["Apple", "Meridian", "FY22"], [1, 2, 3]),
    ],
)
def test_a_question_names_documents(question: str, words: list[str], files: list[int]) -> None:
    named = library().named(question, EVERY)
    assert named is not None
    assert list(named.ids) == files
    assert {chip.words for chip in named.chips} >= set(words) - {"2022"}


@pytest.mark.parametrize(
    "question", ["What happened in 1999?", "年度报告", "annual report", "how are you", "", "2022%"]
)
def test_what_names_nothing_narrows_nothing(question: str) -> None:
    assert library().named(question, EVERY) is None


def test_a_chip_that_was_taken_away_counts_no_more() -> None:
    names, question = library(), "Meridian 2022"
    named = names.named(question, EVERY)
    assert named is not None
    keys = {chip.words: chip.key for chip in named.chips}
    without_year = names.named(question, EVERY, {keys["2022"]})
    assert without_year is not None
    assert list(without_year.ids) == [0, 1, 2]
    without_name = names.named(question, EVERY, {keys["Meridian"]})
    assert without_name is not None
    assert set(without_name.ids) > {1, 2}
    assert names.named(question, EVERY, set(keys.values())) is None


def test_only_what_can_be_seen_is_named_and_counted() -> None:
    named = library().named("Meridian revenue", array("q", [0, 3, 5, 8]))
    assert named is not None
    assert (list(named.ids), [chip.documents for chip in named.chips]) == ([0], [1])
    assert library().named("Meridian revenue", array("q", [3, 5, 8])) is None


def test_what_most_documents_are_called_is_no_choice() -> None:
    names = library(*(f"Meridian part {letter}.pdf" for letter in "abcdefghijkl"))
    assert names.named("What does Meridian sell?", EVERY) is None


def test_a_title_counts_and_so_does_a_new_name() -> None:
    names = Names()
    for id, title in enumerate(["Normans", "Amazon rainforest", "Martin Luther"]):
        names.add(document(id, f"line-{id}", title))
    named = names.named("When were the Normans in Normandy?", array("q", [0, 1, 2]))
    assert named is not None
    assert list(named.ids) == [0]
    names.add(document(0, "line-0", "Vikings"))
    assert names.named("When were the Normans in Normandy?", array("q", [0, 1, 2])) is None
    names.remove(0)
    assert names.named("vikings", array("q", [0, 1, 2])) is None
    assert len(names) == 2


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Q3 report, May 2022", ["q3", "m05", "2022"]),
        ("二〇二二年第三季度", ["2022", "q3"]),
        ("2023年上半年", ["2023", "h1"]),
        ("FY2021 and FY22", ["2021", "2022"]),
        ("minutes 20240514", ["2024", "m05"]),
        ("2024-05-14", ["2024", "m05"]),
        ("second half of 2020", ["h2", "2020"]),
        ("part 120221 costs 3,2022 or 2022.5 or 20 %", []),
        ("iphone q10 h264", []),
    ],
)
def test_times(text: str, keys: list[str]) -> None:
    assert [time.key for time in times(folded(text))] == keys


@given(st.text())
def test_any_question_is_taken(question: str) -> None:
    named = library().named(question, EVERY)
    assert named is None or 0 < len(named.ids) < len(EVERY)
    for chip in named.chips if named else ():
        assert chip.words
