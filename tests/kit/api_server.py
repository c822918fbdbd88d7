"""The localhost API as programs meet it: a real server, a real engine, a real data folder.

with api_server(folder, [model]) as served:
    openai.OpenAI(base_url=f"{served.url}/v1", api_key=served.key)
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from backends.api import asking
from backends.api.request_log import Logged
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.governance.access import Role
from backends.services import Services
from backends.services.api import Serving
from tests.kit.ggufs import Script, scripted_model

LONG = 300.0  # seconds after which something hangs


@dataclass(frozen=True, slots=True)
class ApiServed:
    """`key` opens everything."""

    services: Services
    url: str
    key: str

    def client(self, key: str | None = None, timeout: float = 60.0) -> httpx.Client:
        """Sends the key with every request; close it."""
        secret = self.key if key is None else key
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)

    def key_for(self, role: Role, name: str = "one more") -> str:
        return self.services.api.keys.add(name, role)[1]

    def until(self, so: Callable[[], object]) -> None:
        """Wait until it is so: asked whenever something has changed, on the thread of who waits."""
        changes, woken, due = self.services.changes(), threading.Event(), time.monotonic() + LONG
        changes.on_wake(woken.set)
        try:
            while not so():
                assert time.monotonic() < due, self.services.api.running()
                woken.wait(LONG)
                woken.clear()
                changes.drain()
        finally:
            changes.on_wake(None)
            changes.cancel()

    def logged(self, running: int = 0) -> list[Logged]:
        """What has been asked, the oldest first. A request is written down after its last byte has gone, and before
        it leaves the live ones: waits until so many are left."""
        self.until(lambda: len(self.services.api.running()) == running)
        self.services.api.log.settle().wait()
        return list(reversed(self.services.api.log.entries(1000)))


@contextmanager
def api_server(
    home: Path,
    models: Sequence[Path] = (),
    *,
    serving: Serving | None = None,
    parallel: int = 4,
    context: int = 2048,
    load: bool = True,
) -> Iterator[ApiServed]:
    """`models` are put into the library, and the first chat model is loaded (unless `load` is False). However slow the
    machine is, nobody is told to come again because a model takes long to load."""
    here = Path.cwd()
    with pytest.MonkeyPatch.context() as patch, Services.open(Paths.under(home)) as services:
        patch.setattr(asking, "LOAD_WAIT", LONG)
        os.chdir(here)  # Services goes to its data folder; other tests are here too
        services.secrets = Secrets(candidates=())
        for key, value in (("engine.parallel", parallel), ("models.context", context), ("engine.try_first", False)):
            services.settings.set(key, value)
        for model in models:
            services.library.add(model)
        if load and (local := services.loading.default_model()) is not None:
            for _ in services.loading.load(local):
                pass
        (url,) = services.api.start(serving or Serving(port=0))
        yield ApiServed(services, url, services.api.keys.add("tests", "admin")[1])


@contextmanager
def endless_server(folder: Path) -> Iterator[ApiServed]:
    """Its model, asked with `endless`, goes on for a minute at any speed: there is time to stop it."""
    goes_on = Script("", "And on it goes, and on. ", word="endless", endless=True)
    model = scripted_model(folder / "scripted.gguf", scripts=[goes_on], breaks=True, slow=24)
    with api_server(folder / "home", [model], context=32768) as served:
        yield served
