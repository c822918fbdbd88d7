"""The grammar of the command line: what is understood, and what is said when it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.chat.titles import width
from backends.commands.arguments import SIZE, SIZES, HelpWanted, Parser, WrongUsage, number, one_of, whole, wrap
from backends.core.phrase import Language, Phrase


def parser(language: Language = "en") -> Parser:
    made = Parser("deskseek ask", Phrase("Ask.", "提问。"), language)
    made.word("text", "TEXT", Phrase("the question", "问题"), required=True, many=True)
    made.option("--ram", "SIZE", Phrase("memory", "内存"), kind=SIZE)
    made.option("--vram", "SIZES", None, kind=SIZES)
    made.option("--context", "N", Phrase("context", "上下文"), kind=whole(1, 100))
    made.option("--temperature", "T", Phrase("heat", "温度"), kind=number(0, 2))
    made.option("--theme", "T", Phrase("theme", "主题"), kind=one_of("light", "dark"))
    made.option("--speed", "X", None, kind=number(0, 1_000_000))
    made.json_switch()
    return made


def refusal(argv: list[str], language: Language = "en") -> str:
    with pytest.raises(WrongUsage) as caught:
        parser(language).read(argv)
    assert caught.value.code == "wrong_usage"
    return caught.value.message.to(language)


def test_options_may_stand_anywhere_around_the_words() -> None:
    read = parser().read(["why", "--json", "is", "--context", "5", "it", "--ram=8GiB", "so"])
    assert (read.text, read.json, read.context, read.ram) == (["why", "is", "it", "so"], True, 5, 8 * 2**30)


def test_two_dashes_end_the_options() -> None:
    read = parser().read(["--json", "--", "--ram", "-x"])
    assert (read.text, read.json, read.ram) == (["--ram", "-x"], True, None)


def test_a_single_dash_is_a_word() -> None:
    assert parser().read(["read this:", "-", "-5"]).text == ["read this:", "-", "-5"]


def test_sizes_are_read_with_their_units() -> None:
    texts = ["8GiB", "8G", "8gb", "512MiB", "0", "1.5TiB", "1024"]
    assert [parser().read(["x", "--ram", text]).ram for text in texts] == [
        8 * 2**30,
        8 * 2**30,
        8 * 10**9,
        512 * 2**20,
        0,
        3 * 2**39,
        1024,
    ]
    assert parser().read(["x", "--vram", "24GiB,8GiB"]).vram == (24 * 2**30, 8 * 2**30)


@pytest.mark.parametrize(
    "text", ["", "GiB", "-8GiB", "8 gallons", "eight", "8GiB,", "nan", "1e3", "16", f"{'9' * 400}GiB", "2000000TiB"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    assert "--vram" in refusal(["x", f"--vram={text}"])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "TEXT is missing."),
        (["x", "--context"], "--context needs a value."),
        (["x", "--context", "--json"], "--context needs a value."),
        (["x", "--json=yes"], "--json takes no value."),
        (["x", "--context", "101"], "--context: '101' is not a whole number from 1 to 100."),
        (["x", "--context", "many"], "--context: 'many' is not a whole number from 1 to 100."),
        (["x", "--temperature", "nan"], "--temperature: 'nan' is not a number from 0 to 2."),
        (["x", "--speed", "-1"], "--speed: '-1' is not a number from 0 to 1000000."),
        (["x", "--theme", "pink"], "--theme: 'pink' is not one of light, dark."),
        (["x", "--contxt", "5"], "--contxt is not known here."),
        (["x", "--con", "5"], "--con is not known here."),
    ],
)
def test_every_mistake_is_named(argv: list[str], said: str) -> None:
    assert refusal(argv) == said


def test_mistakes_are_named_in_chinese_too() -> None:
    said = [refusal(argv, "zh") for argv in ([], ["x", "--context"], ["x", "--contxt=1"], ["x", "--ram", "viel"])]
    assert said == [
        "缺少 TEXT。",
        "--context 需要一个取值。",
        "无法识别 --contxt。",
        "--ram：'viel' 无效，应为大小，例如 8GiB。",
    ]


def test_a_mistyped_option_brings_the_right_one_to_mind() -> None:
    with pytest.raises(WrongUsage) as caught:
        parser().read(["x", "--contxt", "5"])
    assert caught.value.hint.en == "Did you mean --context?"


def test_help_speaks_the_language_and_hides_what_is_hidden() -> None:
    with pytest.raises(HelpWanted) as caught:
        parser("zh").read(["--help"])
    text = caught.value.text
    assert text.startswith("用法：deskseek ask")
    assert "选项：\n" in text
    assert "显示此帮助" in text
    assert "--vram" not in text
    assert not any(word in text for word in ("usage", "options", "positional", "show this"))


@given(st.text(alphabet="ab ，。模型language", max_size=120), st.integers(8, 30))
def test_wrapped_lines_fit_and_lose_nothing(text: str, limit: int) -> None:
    lines = wrap(text, limit)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    longest_piece = max((width(piece) for piece in text.split()), default=0)
    assert all(width(line) <= max(limit, longest_piece) for line in lines)
