"""How a task is asked to stop."""

import threading

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled

LONG = 120.0  # seconds that nobody waits, unless something is wrong


def test_the_flag_goes_up_once_and_calls_everybody_once() -> None:
    token, called = CancelToken(), []
    token.on_cancel(lambda: called.append("first"))
    token.on_cancel(lambda: called.append("second"))
    token.check()
    assert not token.cancelled
    assert not token.wait(0)
    token.cancel()
    token.cancel()
    assert called == ["first", "second"]
    assert token.cancelled
    assert token.wait(0)
    with pytest.raises(Cancelled):
        token.check()


def test_who_comes_too_late_is_called_at_once() -> None:
    token, called = CancelToken(), []
    token.cancel()
    forget = token.on_cancel(lambda: called.append(1))
    assert called == [1]
    forget()


def test_who_has_gone_is_not_called() -> None:
    token, called = CancelToken(), []
    forget = token.on_cancel(lambda: called.append(1))
    forget()
    forget()
    token.cancel()
    assert called == []


def test_a_callback_may_forget_another_and_cancel_again() -> None:
    token = CancelToken()
    token.on_cancel(token.cancel)
    token.on_cancel(lambda: token.on_cancel(lambda: None)())
    token.cancel()
    assert token.cancelled


def test_cancel_wakes_whoever_pauses() -> None:
    token = CancelToken()
    woken: list[bool] = []
    pausing = threading.Thread(target=lambda: woken.append(token.wait(60)))
    pausing.start()
    token.cancel()
    pausing.join(LONG)
    assert woken == [True]


def test_many_cancel_at_once_and_the_callback_runs_once() -> None:
    for _ in range(50):
        token, called = CancelToken(), []
        together = threading.Barrier(4)

        def cancel(token: CancelToken = token, together: threading.Barrier = together) -> None:
            together.wait(LONG)
            token.cancel()

        token.on_cancel(lambda called=called: called.append(1))
        threads = [threading.Thread(target=cancel) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert called == [1]
