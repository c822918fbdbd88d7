"""How the files of a repository would run here: one header is fetched, each quant judged by its size."""

from collections.abc import Iterator

from backends.core.cancel import CancelToken
from backends.core.stream import Runner, Stream
from backends.models import advisor
from backends.models.quants import preferred
from backends.models.remote_header import fetch
from backends.models.types import Choice
from backends.services.foundation import Foundation
from backends.services.hubs import HubServices, Listed
from backends.services.machine import MachineServices


class JudgingServices:
    """Its thread: `judge`."""

    def __init__(self, foundation: Foundation, hubs: HubServices, machine: MachineServices) -> None:
        self._base = foundation
        self._hubs = hubs
        self._machine = machine
        self._runner = Runner("judge")

    def close(self) -> None:
        self._runner.close()

    def judge(self, listed: Listed) -> Stream[Choice]:
        """A choice for each file, told by its `file.file`. InvalidInput where the model cannot run here at all."""
        return self._runner.start(self._judge, listed)

    def _judge(self, listed: Listed, *, cancel: CancelToken) -> Iterator[Choice]:
        base = self._base
        sample = preferred(listed.files)
        if sample is None:
            return
        source = self._hubs.source(listed.endpoint)
        cache, revision = base.paths.cache / "headers", listed.revision
        found = fetch(base.network, source, listed.repo, sample, cache, revision=revision, cancel=cancel)
        model = advisor.model_of(found.header, base.catalog.match(listed.repo, sample.file))
        budget = self._machine.budget(next(self._machine.look(cancel=cancel)))
        for file in listed.files:
            cancel.check()
            described = base.catalog.described(file)
            yield advisor.choice_for(model, budget, self._machine.wish, described, experience=base.experience)
