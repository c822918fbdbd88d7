"""A scheduler on the thread of the test: the real llama.cpp, step by step, and nothing that depends on time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.engine.abilities import abilities
from backends.engine.adapters import Adapters
from backends.engine.context import Context, ContextOptions
from backends.engine.native import Model
from backends.engine.protocol import GenerateEvent, GenerateRequest, Sampling, Turn
from backends.engine.room import outputs, sequences
from backends.engine.scheduler import Scheduler
from backends.engine.sequence import Job
from backends.engine.speculation import Speculation
from backends.engine.template import ChatTemplate
from tests.kit.answers import Heard, hear

GREEDY = Sampling(temperature=0)


class Desk:
    """`asked` answers are computed by `step`; what was said is in their streams."""

    def __init__(self, model: Model, context: Context, scheduler: Scheduler) -> None:
        self.model, self.context, self.scheduler = model, context, scheduler

    def ask(self, question: str = "Hello!", **options: object) -> Job:
        return self.submit(GenerateRequest([Turn("user", question)], **({"sampling": GREEDY} | options)))  # type: ignore[arg-type]

    def submit(self, request: GenerateRequest, family: int = -1) -> Job:
        job = Job(request, family=family)
        self.scheduler.submit(job)
        return job

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        while not until() and self.scheduler.step():
            continue

    def heard(self, *jobs: Job) -> list[Heard]:
        self.run()
        return [hear(job.stream) for job in jobs]

    def alone(self, question: str = "Hello!", **options: object) -> Heard:
        """What it says when nobody else does, and nothing is in the cache."""
        self.run()
        self.scheduler.forget()
        return self.heard(self.ask(question, **options))[0]


def told(job: Job) -> list[GenerateEvent]:
    """What it said since the last time."""
    return job.stream.drain()


@contextmanager
def desk(
    path: Path, *, context: int = 4096, parallel: int = 4, batch: int = 512, lookup: bool = False, aside: int = 0
) -> Iterator[Desk]:
    """`aside`: bytes of main memory for what is in the way."""
    model = Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    can = abilities(model.architecture)
    options = ContextOptions(context, "f16", 1, batch, sequences(can, parallel), outputs(can, parallel))
    made = Context(model, options)
    made.warm_up(0)
    speculation = Speculation(lookup, None)
    adapters = Adapters(path, model, made, isolated=True)
    template = ChatTemplate(model.chat_template, model.vocabulary)
    scheduler = Scheduler(model, made, template, "CPU", made.batch.size, parallel, speculation, adapters, aside)
    try:
        yield Desk(model, made, scheduler)
    finally:
        scheduler.close()
        speculation.close()
        made.close()
        model.close()
