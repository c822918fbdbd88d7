import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from backends.core.network import Network, NetworkOptions
from tests.kit.sites import Proxy, Site, proxying, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as one:
        yield one


@pytest.fixture
def other_site() -> Iterator[Site]:
    with serving(Site()) as one:
        yield one


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A company that signs its own certificates."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def secure_site(authority: trustme.CA) -> Iterator[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", "hub.example").configure_cert(context)
    with serving(Site(), context) as one:
        yield one


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def network() -> Network:
    return Network(NetworkOptions())


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxying(Proxy()) as one:
        yield one
