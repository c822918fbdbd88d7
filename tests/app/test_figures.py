"""Numbers and dates stand as the language of the window has them, not as the system does."""

from collections.abc import Callable
from datetime import datetime

import pytest
from PySide6.QtCore import QLocale, Qt

from app import api_words, figures
from app.application import Application
from app.language import Languages
from app.lists.collections import CollectionList
from backends.documents.types import Collection

THIS_YEAR = datetime.now().year
NOVEMBER = datetime(THIS_YEAR, 11, 22, 23, 59, 59, 900_000).timestamp()
LONG_AGO = datetime(2019, 1, 6, 12).timestamp()


@pytest.mark.parametrize(
    ("say", "english", "chinese"),
    [
        (lambda: figures.number(12_345), "12,345", "12,345"),
        (lambda: figures.file_size(1_500_000_000), "1.5 GB", "1.5 GB"),
        (lambda: figures.percent(0.4), "40%", "40%"),
        (lambda: figures.day(NOVEMBER), "22 Nov", "11月22日"),
        (lambda: figures.day(NOVEMBER, year=True), f"22 Nov {THIS_YEAR}", f"{THIS_YEAR}年11月22日"),
        (lambda: figures.day(LONG_AGO), "6 Jan 2019", "2019年1月6日"),
        (lambda: api_words.moment_of(LONG_AGO), "6 Jan 2019 12:00", "2019年1月6日 12:00"),
        (lambda: figures.rate(9.25), "9.3 tokens/s", "9.3 token/秒"),
        (lambda: figures.count(12_400), "12.4K", "12.4K"),
    ],
    ids=["number", "size", "percent", "day", "day_and_year", "another_year", "moment", "rate", "count"],
)
def test_figures_of_both_languages(qapp: Application, say: Callable[[], str], english: str, chinese: str) -> None:
    qapp.follow("light", "en")
    assert say() == english
    qapp.follow("light", "zh")
    assert say() == chinese


def test_an_english_window_on_a_german_system(qapp: Application) -> None:
    """Points and commas are those of the language that is read, from the first word on."""
    QLocale.setDefault(QLocale(QLocale.Language.German))
    assert figures.number(12_345) == "12.345"
    languages = Languages(qapp)
    languages.setParent(None)
    assert figures.number(12_345) == "12,345"
    assert figures.file_size(1_500_000_000) == "1.5 GB"


@pytest.mark.parametrize(("count", "said"), [(1, "1 document"), (0, "0 documents"), (1_204, "1,204 documents")])
def test_one_is_not_many(qapp: Application, count: int, said: str) -> None:
    shown = CollectionList()
    shown.show((Collection(1, "House", documents=count),))
    assert shown.index(1).data(Qt.ItemDataRole.AccessibleTextRole) == f"House, {said}"
