"""Turns: one after another, in order, and whoever is tired of waiting may go."""

import threading

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.core.turns import Turns

LONG = 120.0  # seconds that nobody waits, unless something is wrong


def test_everybody_has_a_turn_in_the_order_of_coming() -> None:
    turns, said, threads = Turns(), [], []

    def take(number: int, queued: threading.Event) -> None:
        with turns.mine(CancelToken(), queued.set):
            said.append(number)

    with turns.mine(CancelToken()):
        for number in range(5):
            queued = threading.Event()
            threads.append(threading.Thread(target=take, args=(number, queued)))
            threads[-1].start()
            assert queued.wait(LONG)
        assert said == []
    for thread in threads:
        thread.join(LONG)
    assert said == [0, 1, 2, 3, 4]


def test_who_is_cancelled_while_waiting_goes_and_blocks_nobody() -> None:
    turns, token = Turns(), CancelToken()
    with turns.mine(CancelToken()):
        with pytest.raises(Cancelled), turns.mine(token, token.cancel):
            pytest.fail("it was not its turn")
        with pytest.raises(Cancelled), turns.mine(token):
            pytest.fail("it was not its turn")
    with turns.mine(CancelToken(), lambda: pytest.fail("nobody is before us")):
        pass


def test_an_error_ends_the_turn() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="mine"), turns.mine(CancelToken()):
        raise ValueError("mine")
    with turns.mine(CancelToken(), lambda: pytest.fail("nobody is before us")):
        pass
