"""More memory is never a step back: whatever is added to a machine, the pick's score does not fall."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.models.advisor import Budget, Wish, advise
from backends.models.catalog import Catalog
from backends.models.machines import Figures
from backends.models.types import USES, Use

GIB = 1 << 30
CATALOG, FIGURES = Catalog.load(), Figures.load()
MEMORY = st.integers(0, 8 * 300).map(lambda eighths: eighths * GIB // 8)
CARD = st.integers(0, 8 * 96).map(lambda eighths: eighths * GIB // 8)
MORE = st.integers(0, 8 * 64).map(lambda eighths: eighths * GIB // 8)
CONTEXT = st.sampled_from([4096, 8192, 16384, 32768, 131072])


USE = st.sampled_from(USES)


def score(budget: Budget, context: int, use: Use = "chat") -> float:
    advice = advise(CATALOG, budget, Wish(context, None, use))
    return advice.pick.score if advice.pick else 0.0


@settings(max_examples=60, deadline=None)
@given(ram=MEMORY, card=CARD, more_ram=MORE, more_card=MORE, context=CONTEXT, use=USE)
@example(ram=8 * GIB, card=0, more_ram=0, more_card=GIB // 2, context=16384, use="chat")
def test_more_of_either_memory(ram: int, card: int, more_ram: int, more_card: int, context: int, use: Use) -> None:
    less = Budget.typical(ram, [card], FIGURES)
    more = Budget.typical(ram + more_ram, [card + more_card], FIGURES)
    assert score(more, context, use) >= score(less, context, use) - 1e-9


@settings(max_examples=40, deadline=None)
@given(memory=MEMORY, more=MORE, context=CONTEXT, use=USE)
def test_a_larger_mac(memory: int, more: int, context: int, use: Use) -> None:
    less, larger = (Budget.typical_unified(size, FIGURES) for size in (memory, memory + more))
    assert score(larger, context, use) >= score(less, context, use) - 1e-9


@settings(max_examples=30, deadline=None)
@given(
    ram=st.sampled_from([8, 16, 32, 64, 128]),
    cards=st.lists(CARD, min_size=2, max_size=4),
    which=st.integers(0, 3),
    more=MORE,
    use=USE,
)
def test_several_cards_of_any_size(ram: int, cards: list[int], which: int, more: int, use: Use) -> None:
    larger = list(cards)
    larger[which % len(cards)] += more
    less, then = (Budget.typical(ram * GIB, [max(1, size) for size in sizes], FIGURES) for sizes in (cards, larger))
    assert score(then, 16384, use) >= score(less, 16384, use) - 1e-9


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "budget", [Budget.typical(16 * GIB, [8 * GIB], FIGURES), Budget.typical(64 * GIB, (), FIGURES)]
)
def test_a_longer_context_costs(budget: Budget, use: Use) -> None:
    scores = [score(budget, context, use) for context in (4096, 8192, 16384, 32768, 65536, 131072)]
    assert scores == sorted(scores, reverse=True)
