"""Numbers with units, and tables that align with wide characters."""

import pytest

from backends.commands.figures import columns, duration, rate, size


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (5_027_784_224, "4.68 GiB"),
        (12 * 2**30, "12.0 GiB"),
        (150 * 2**30, "150 GiB"),
        (1023.99 * 2**30, "1.00 TiB"),
        (3 * 2**50, "3072 TiB"),
        (None, "–"),
    ],
)
def test_sizes(number: int | None, text: str) -> None:
    assert size(number) == text


def test_speeds_and_durations_in_both_languages() -> None:
    assert [rate(7.26, "en"), rate(42.4, "zh")] == ["7.3 tokens/s", "42 token/秒"]
    assert [duration(x, "en") for x in (0.2, 59.6, 200, 7500)] == ["0 s", "1 min", "3 min 20 s", "2 h 5 min"]
    assert duration(200, "zh") == "3 分 20 秒"


def test_columns_align_by_what_they_measure_on_the_screen() -> None:
    lines = columns([["处理器", "1"], ["RAM", "200"]], right=(1,))
    assert lines == ["处理器    1", "RAM     200"]
    assert columns([]) == []
