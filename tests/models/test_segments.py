"""Who fetches what: every byte once, the file in order, and nobody waits for the slowest."""

from hypothesis import given
from hypothesis import strategies as st

from backends.models.segments import Gap, Segment, Segments

MB = 1 << 20


class World:
    """A file of whole blocks, and connections of different speeds that fetch it; time is counted, not waited for."""

    def __init__(self, size: int, speeds: list[float], gaps: list[Gap] | None = None) -> None:
        self.now = 0.0
        self.size = size
        self.speeds = speeds
        self.came = bytearray(size // MB)  # how often each MiB came
        self.holes: list[float] = []
        gaps = gaps if gaps is not None else [(0, size)]
        for begin, end in gaps:
            assert begin % MB == end % MB == 0
        self.gaps = gaps
        self.segments = Segments(gaps, MB, smallest=4 * MB, clock=lambda: self.now)
        self.requests = 0

    def run(self) -> float:
        """Until nobody can do anything any more; the seconds it took. Speeds are MiB a second."""
        at_work: dict[int, Segment] = {}
        rest = [0.0] * len(self.speeds)
        while True:
            for number in range(len(self.speeds)):
                if number not in at_work and (segment := self.segments.take(len(self.speeds))):
                    at_work[number] = segment
                    self.requests += 1
            if not at_work:
                return self.now
            self.now += 0.5
            for number, segment in list(at_work.items()):
                rest[number] += self.speeds[number] * 0.5
                while rest[number] >= 1 and not segment.done:
                    self.came[segment.at // MB] += 1
                    self.segments.advance(segment, MB)
                    rest[number] -= 1
                if segment.done:
                    self.segments.end(segment, self.missing)
                    del at_work[number]
                    rest[number] = 0
            assert self.now < 100_000

    def missing(self) -> list[Gap]:
        return [(max(begin, at), end) for begin, end in self.gaps if (at := self._came_to(begin, end)) < end]

    def _came_to(self, begin: int, end: int) -> int:
        return next((at for at in range(begin, end, MB) if not self.came[at // MB]), end)


@given(
    st.integers(1, 400),
    st.lists(st.sampled_from([0.5, 1.0, 3.0, 10.0, 40.0]), min_size=1, max_size=8),
)
def test_every_byte_comes_once_whatever_the_speeds(megabytes, speeds):
    world = World(megabytes * MB, speeds)
    world.run()
    assert set(world.came) == {1}


@given(st.sets(st.integers(0, 99), max_size=40), st.integers(1, 8))
def test_of_a_file_with_holes_only_the_holes_are_fetched(holes, connections):
    gaps = [(at * MB, (at + 1) * MB) for at in sorted(holes)]
    world = World(100 * MB, [5.0] * connections, gaps)
    world.run()
    assert {at for at, count in enumerate(world.came) if count} == holes
    assert set(world.came) <= {0, 1}


def test_all_are_done_at_the_same_time_though_one_is_slow():
    world = World(1000 * MB, [10.0, 10.0, 10.0, 1.0])
    best = 1000 / 31
    assert world.run() <= best + 6


def test_one_that_stands_still_loses_what_it_had():
    world = World(200 * MB, [10.0, 10.0])
    dead = world.segments.take(3)
    assert dead is not None
    world.now = 10.0
    assert world.run() <= 10 + 200 / 20 + 4
    assert dead.done
    assert set(world.came) == {1}


def test_stretches_grow_with_the_speed_so_that_there_are_few_requests():
    world = World(4000 * MB, [10.0] * 4)
    world.run()
    assert world.requests < 80


def test_one_connection_asks_for_everything_at_once():
    world = World(4000 * MB, [10.0])
    world.run()
    assert world.requests == 1


def test_the_file_fills_from_its_beginning():
    """So that whoever hashes it in order is never far behind."""
    world = World(1000 * MB, [10.0] * 4)
    segments = [world.segments.take(4) for _ in range(4)]
    assert [segment.begin for segment in segments if segment] == [n * 4 * MB for n in range(4)]


def test_a_whole_file_goes_to_one_connection_and_the_others_wait():
    segments = Segments([(0, 100 * MB)], MB, smallest=4 * MB)
    first, second = segments.take(2), segments.take(2)
    assert first is not None
    assert second is not None
    assert not segments.widen(second, 100 * MB)
    segments.end(second, list)
    assert segments.widen(first, 100 * MB)
    assert (first.at, first.end) == (0, 100 * MB)
    assert segments.take(2) is None
