"""A mistake of ours in what is sampled: who looks is told, nobody waits for ever, and the next look begins anew."""

import pytest

from backends.core.cancel import CancelToken
from backends.hardware.samples import HardwareSample
from backends.services import Services
from tests.services.test_monitoring import LONG, Machine, monitor, watched


class Mistaken(Machine):
    def __init__(self) -> None:
        super().__init__()
        self.mistaken = True

    def sample(self, cancel: CancelToken) -> HardwareSample:
        if self.mistaken:
            raise ZeroDivisionError
        return super().sample(cancel)


def test_who_looks_is_told_and_may_look_again(services: Services) -> None:
    machine = Mistaken()
    with monitor(services, machine) as monitoring:
        stream = monitoring.watch()
        assert stream.wait(LONG)
        with pytest.raises(ZeroDivisionError):
            list(stream)
        machine.mistaken = False
        assert len(watched(monitoring, 2)) == 2
