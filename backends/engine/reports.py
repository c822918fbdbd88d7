"""What native code tells while it works, as events of a task."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from backends.core.stream import Stream

E = TypeVar("E")


def reports(work: Callable[[Callable[[E], None]], object]) -> Iterator[E]:
    """Run `work(tell)` on a thread of its own and yield what it tells, as it comes; then raise what it raised."""
    stream: Stream[E] = Stream("reports")
    with ThreadPoolExecutor(1, thread_name_prefix="native work") as threads:
        future = threads.submit(work, stream.put)
        future.add_done_callback(lambda _: stream.close())
        yield from stream
        future.result()
