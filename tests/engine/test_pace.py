"""How much of a prompt is read beside those who speak: learnt from steps, told in seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.pace import Pace


def learnt(base: float, token: float, slices: int = 60) -> tuple[Pace, list[float]]:
    """A machine on which a step takes `base` and so much a token; how long each step took that read beside others."""
    pace, took = Pace(), []
    for _ in range(5):
        pace.learn(1, 0, base)
    for _ in range(slices):
        count = pace.slice(512, 1)
        took.append(base + token * count)
        pace.learn(1, count, took[-1])
    return pace, took


@pytest.mark.parametrize(
    ("base", "token"),
    [(0.023, 0.0054), (0.060, 0.0054), (0.010, 0.0001), (0.005, 0.00001), (0.3, 0.05), (0.02, 0.001)],
)
def test_steps_keep_their_pace(base: float, token: float) -> None:
    _, took = learnt(base, token)
    assert max(took[1:]) <= max(0.08, 2.5 * base, base + 16 * token) * 1.001


def test_what_is_quick_is_read_in_large_slices_and_what_is_slow_gets_on() -> None:
    assert learnt(0.005, 0.00001)[0].slice(512, 1) == 512
    assert learnt(0.02, 0.0001)[0].slice(512, 1) >= 256
    assert learnt(0.3, 0.05)[0].slice(512, 1) == 15
    assert learnt(0.02, 0.001)[0].slice(8, 1) == 8


def test_a_machine_that_becomes_slower_is_noticed() -> None:
    pace, _ = learnt(0.02, 0.0001)
    for _ in range(30):
        count = pace.slice(512, 1)
        pace.learn(1, count, 0.02 + 0.001 * count)
    assert pace.slice(512, 1) <= 64


def test_before_anything_is_known_it_is_careful() -> None:
    assert Pace().slice(512, 1) == 63


@given(st.integers(1, 256), st.floats(0.001, 1), st.floats(0.00001, 0.1))
def test_steps_are_whole_tiles_and_prompts_get_on(speaking: int, base: float, token: float) -> None:
    pace = learnt(base, token)[0]
    count = pace.slice(512, speaking)
    assert count >= 8
    assert (speaking + count) % 16 == 0 or count == 512
