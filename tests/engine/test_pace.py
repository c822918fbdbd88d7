"""How much of a prompt is read beside those who speak: learnt from steps, told in seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.pace import Pace


def learnt(
    base: float, token: float, slices: int = 60, *, small: float = 0.0, person: bool = True
) -> tuple[Pace, list[float]]:
    """A machine on which a step takes `base` and so much a token (`small`: in steps of less than 64 rows); how long
    each step took that read beside one who speaks, behind a prompt that was read alone."""
    pace, took = Pace(), []
    pace.learn(0, 512, 512 * token)
    for _ in range(5):
        pace.learn(1, 0, base)
    for _ in range(slices):
        count = pace.slice(512, 1, person=person)
        took.append(base + (small if small and count < 63 else token) * count)
        pace.learn(1, count, took[-1])
    return pace, took


MACHINES = [(0.023, 0.0054), (0.060, 0.0054), (0.010, 0.0001), (0.005, 0.00001), (0.3, 0.05), (0.02, 0.001)]


@pytest.mark.parametrize(("base", "token"), MACHINES)
def test_a_person_reads_on(base: float, token: float) -> None:
    _, took = learnt(base, token)
    assert max(took) <= max(0.35, 2.5 * base, base + 16 * token) * 1.001


@pytest.mark.parametrize(("base", "token"), MACHINES)
def test_programs_wait_a_little_longer(base: float, token: float) -> None:
    _, took = learnt(base, token, person=False)
    assert max(took) <= max(2.0, 2.5 * base, base + 16 * token) * 1.001


def test_what_is_quick_is_read_in_large_slices_and_what_is_slow_gets_on() -> None:
    assert learnt(0.005, 0.00001)[0].slice(512, 1, person=True) == 512
    assert learnt(0.02, 0.0005)[0].slice(512, 1, person=True) >= 256
    assert learnt(0.3, 0.05)[0].slice(512, 1, person=True) == 15
    assert learnt(0.02, 0.001)[0].slice(8, 1, person=True) == 8


def test_beside_programs_prompts_are_read_in_whole_tiles_of_attention_two_at_a_time() -> None:
    """On two cores, at the beginning of a context and behind 4,000 tokens; not where that would take seconds."""
    assert learnt(0.02, 0.0063, small=0.0068, person=False)[0].slice(512, 1, person=False) == 127
    assert learnt(0.04, 0.012, small=0.027, person=False)[0].slice(512, 1, person=False) == 127
    assert learnt(0.14, 0.0063, small=0.0068, person=False)[0].slice(512, 8, person=False) == 120
    assert learnt(0.08, 0.024, small=0.053, person=False)[0].slice(512, 1, person=False) == 63
    assert learnt(0.1, 0.04, small=0.04, person=False)[0].slice(512, 1, person=False) == 15


def test_beside_a_person_they_are_not_where_that_would_be_felt() -> None:
    assert learnt(0.02, 0.002)[0].slice(512, 1, person=True) == 127
    assert learnt(0.02, 0.004)[0].slice(512, 1, person=True) == 63


def test_on_a_slow_machine_too_where_small_slices_cost_half_as_much() -> None:
    """Behind 4,000 tokens, a person or not; where they cost as much, only programs wait so long."""
    for person in (True, False):
        assert learnt(0.08, 0.024, small=0.053, person=person)[0].slice(512, 1, person=person) == 63
    assert learnt(0.08, 0.024, small=0.026)[0].slice(512, 1, person=True) == 15
    assert learnt(0.08, 0.04, small=0.042, person=False)[0].slice(512, 1, person=False) == 15


def test_what_a_small_slice_costs_says_nothing_about_large_ones() -> None:
    pace = learnt(0.02, 0.004, small=0.04)[0]
    for _ in range(30):
        pace.learn(1, 15, 0.02 + 15 * 0.04)
    assert pace.slice(512, 1, person=True) == 63
    assert pace.token_cost == pytest.approx(0.004)


def test_a_machine_that_becomes_slower_is_noticed() -> None:
    pace, _ = learnt(0.02, 0.0001)
    for _ in range(30):
        count = pace.slice(512, 1, person=True)
        pace.learn(1, count, 0.02 + 0.004 * count)
    assert pace.slice(512, 1, person=True) <= 64


def test_before_anything_is_known_it_is_careful() -> None:
    assert Pace().slice(512, 1, person=True) == 63


@given(st.integers(1, 256), st.floats(0.001, 1), st.floats(0.00001, 0.1), st.booleans())
def test_steps_are_whole_tiles_and_prompts_get_on(speaking: int, base: float, token: float, person: bool) -> None:
    pace = learnt(base, token)[0]
    count = pace.slice(512, speaking, person=person)
    assert count >= 8
    assert (speaking + count) % 16 == 0 or count == 512
