"""What llama.cpp says about a load is kept by who loads."""

import threading

from backends.engine.native_log import NativeLog, Told

ERROR = 4


def test_two_loads_at_a_time_keep_their_own_words() -> None:
    log, both_inside, first_done = NativeLog(), threading.Barrier(2), threading.Event()
    kept: dict[str, Told] = {}

    def load(name: str) -> None:
        with log.keep() as told:
            both_inside.wait(30)
            if name == "second":
                first_done.wait(30)
            log.receive(ERROR, f"{name} cannot be loaded".encode())
        kept[name] = told
        first_done.set()

    threads = [threading.Thread(target=load, args=[name]) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {name: told.reason for name, told in kept.items()} == {
        "first": "first cannot be loaded",
        "second": "second cannot be loaded",
    }


def test_one_inside_another_gives_it_back() -> None:
    log = NativeLog()
    with log.keep() as outer:
        with log.keep() as inner:
            log.receive(ERROR, b"inner words")
        log.receive(ERROR, b"outer words")
    log.receive(ERROR, b"nobody listens")
    assert (inner.reason, outer.reason) == ("inner words", "outer words")
    assert len(inner.lines) == len(outer.lines) == 1
