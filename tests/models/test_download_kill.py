"""Killed with 9 at any point: the next one goes on, and what had come does not come again."""

import random

import pytest

from tests.kit.fetch import REPO
from tests.kit.pulls import kill_pulls

HUGE = "huge-Q8_0.gguf"


@pytest.mark.parametrize("connections", [1, 4])
def test_a_kill_costs_less_than_a_hundredth_of_the_file(there, huge, tmp_path, connections):
    there.add_repo(REPO, {HUGE: huge})
    size = huge.stat().st_size
    lost = list(
        kill_pulls(there.endpoint, REPO, size, tmp_path, 2, random.Random(connections), connections=connections)
    )
    assert len(lost) == 2
    assert all(one.share < 0.01 for one in lost), lost
