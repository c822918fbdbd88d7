"""Near-duplicates: copies and versions, but never two texts that differ in a figure or a "not"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.documents.near import OVERLAPPING, SAME, Sketch, alike, likeness, same

LEASE = (
    "The tenant shall pay the rent of 1,200 on the first working day of each month. The landlord shall keep the roof "
    "in repair. Either side may end the lease with notice of three months to the end of a quarter."
)
合同 = "承租人应于每月第一个工作日支付租金1200元。出租人负责房屋主体的维修。任何一方可提前三个月书面通知对方解除合同。"


@pytest.mark.parametrize(
    "other",
    [
        LEASE.upper(),
        LEASE.replace(" ", "  \n"),
        LEASE.replace("in repair", "in good repair"),
        LEASE.replace(".", " ."),
    ],
)
def test_a_version_of_a_text_is_the_same(other: str) -> None:
    assert same(Sketch(LEASE), Sketch(other))


def test_traditional_and_simplified_are_the_same() -> None:
    traditional = (
        "承租人應於每月第一個工作日支付租金1200元。出租人負責房屋主體的維修。任何一方可提前三個月書面通知對方解除合同。"
    )
    assert same(Sketch(合同), Sketch(traditional))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LEASE, LEASE.replace("1,200", "1,300")),
        (LEASE, LEASE.replace("shall keep", "shall not keep")),
        (LEASE, LEASE.replace("shall keep", "shan't keep")),
        (合同, 合同.replace("1200", "1500")),
        (合同, 合同.replace("出租人负责", "出租人不负责")),
        (LEASE, LEASE[: len(LEASE) // 2]),
        (LEASE, 合同),
        ("", ""),
    ],
)
def test_a_figure_or_a_not_makes_two_of_them(one: str, other: str) -> None:
    assert not same(Sketch(one), Sketch(other))


@given(st.text(), st.text())
def test_likeness_is_a_share_and_goes_both_ways(one: str, other: str) -> None:
    there, back = likeness(Sketch(one), Sketch(other)), likeness(Sketch(other), Sketch(one))
    assert 0.0 <= there == back <= 1.0
    assert likeness(Sketch(one), Sketch(one)) in (0.0, 1.0)


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([OVERLAPPING, SAME]))
def test_what_is_alike_is_at_least_so_like(one: str, other: str, least: float) -> None:
    first, second = Sketch(one), Sketch(other)
    assert alike(first, second, least) == alike(second, first, least)
    assert not alike(first, second, least) or likeness(first, second) >= least


def test_half_of_a_text_in_another_one_is_seen_wherever_it_stands() -> None:
    """Not every shingle is compared before a pair is given up."""
    texts = [format(n * 7919, "x") * 3 for n in range(400)]
    shared, one, other = ("".join(texts[a:b]) for a, b in ((0, 200), (200, 250), (250, 300)))
    for first, second in ((shared + one, other + shared), (one + shared, shared + other), (shared, one + shared)):
        assert alike(Sketch(first), Sketch(second), OVERLAPPING)
