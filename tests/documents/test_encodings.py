"""Texts in every encoding people keep them in are read as they were written."""

import io
from random import Random

import pytest

from backends.documents.extract.encodings import BLOCK, blocks, decoded, guess

CHINESE = "会议时间：周三下午三点。请各部门负责人准时参加，并提前准备好本季度的工作总结和下一步计划。"
TRADITIONAL = "東犬燈塔創建於西元1872年，為台灣第一批採用花崗石建造的洋式燈塔，樓高四層。會議時間：週三下午三點。"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。会議は水曜日の午後三時から開催されます。"
KOREAN = "대한민국의 수도는 서울이다. 회의는 수요일 오후 세 시에 시작합니다. 모든 국민은 법 앞에 평등하다."
FRENCH = "Le général a été élevé à l’école près de la forêt ; ça coûte « très » cher où Noël a été fêté."
RUSSIAN = "Все люди рождаются свободными и равными в своем достоинстве и правах."
GREEK = "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα."

WRITTEN = [
    *((CHINESE, name) for name in ("gbk", "gb18030", "utf-8", "utf-8-sig", "utf-32")),
    *((CHINESE, name) for name in ("utf-16", "utf-16-le", "utf-16-be")),
    *((TRADITIONAL, name) for name in ("big5", "cp950", "utf-16-le", "gb18030")),
    *((JAPANESE, name) for name in ("cp932", "euc_jp", "iso2022_jp", "utf-16-be")),
    *((KOREAN, name) for name in ("euc_kr", "cp949", "utf-16-le")),
    *((FRENCH, name) for name in ("cp1252", "utf-8", "utf-16-le")),
    *((RUSSIAN, name) for name in ("cp1251", "koi8-r")),
    (GREEK, "cp1253"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), WRITTEN, ids=[f"{text[:3]}-{name}" for text, name in WRITTEN])
def test_what_was_written_is_read(text: str, name: str) -> None:
    assert decoded(text.encode(name)).removeprefix("\ufeff") == text
    assert "".join(blocks(io.BytesIO(text.encode(name)))).removeprefix("\ufeff") == text


@pytest.mark.parametrize("text", ["会议时间：周三下午三点", "第三季度预算", "合同已经签订", "你好，世界"])
def test_a_few_characters_are_enough(text: str) -> None:
    assert decoded(text.encode("gbk")) == text


def test_plain_ascii_is_utf_8_and_nothing_is_nothing() -> None:
    assert guess(b"just words") == guess(b"") == "utf-8"
    assert list(blocks(io.BytesIO(b""))) in ([], [""])


@pytest.mark.parametrize("declared", ["gb2312", "GBK", " 'gb2312' ", "nonsense", "utf-8", ""])
def test_a_declaration_is_taken_for_the_set_that_holds_it(declared: str) -> None:
    text = "镕、喆、㐂：这些字不在 gb2312 里面。" * 3
    assert decoded(text.encode("gb18030"), declared) == text


def test_a_wrong_declaration_is_not_believed() -> None:
    assert decoded(CHINESE.encode("utf-8"), "gb2312") == CHINESE
    assert decoded(CHINESE.encode("gbk"), "utf-8") == CHINESE


def test_a_few_broken_bytes_do_not_spoil_the_rest() -> None:
    data = bytearray((CHINESE * 20).encode("utf-8"))
    data[301] = data[900] = 0xFF
    assert guess(bytes(data)) == "utf-8"
    assert decoded(bytes(data)).count("\ufffd") < 10


def test_what_begins_with_ascii_is_judged_by_what_comes_later() -> None:
    words = "only ASCII in the beginning\r\n" * (3 * BLOCK // 29)
    text = words + CHINESE * 50
    assert "".join(blocks(io.BytesIO(text.encode("gb18030")))) == text.replace("\r\n", "\n")


@pytest.mark.parametrize("name", ["utf-8", "gb18030", "utf-16-le", "cp932"])
def test_characters_across_the_ends_of_blocks(name: str) -> None:
    words = JAPANESE if name == "cp932" else CHINESE
    text = "".join(Random(1).choices([words, "a\r\n", "b"], k=BLOCK // 10))
    assert len(text.encode(name)) > 2 * BLOCK
    parts = list(blocks(io.BytesIO(text.encode(name))))
    assert len(parts) > 2
    assert "".join(parts) == text.replace("\r\n", "\n")


def test_the_text_is_there_whatever_the_bytes_are() -> None:
    random = Random(2)
    for size in range(300):
        assert isinstance(decoded(random.randbytes(size)), str)
