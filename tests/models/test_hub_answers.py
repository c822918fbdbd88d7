"""Whatever a hub answers, it is an answer or a sentence."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.core.errors import BackendError
from backends.core.network import Network, NetworkOptions
from backends.core.paths import safe_name
from backends.models.sources import open_source
from tests.kit.faults import Fault
from tests.kit.hub import HubServer
from tests.kit.modelscope import ModelScopeServer

REPO = "org/name"
_KEYS = st.sampled_from(
    [
        "Data", "Files", "Path", "Size", "Sha256", "Type", "Success", "Message", "data", "models", "id", "tags",
        "siblings", "rfilename", "size", "lfs", "sha256", "gated", "lastModified", "last_modified", "sha",
        "cardData", "downloads",
    ]
)  # fmt: skip
_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["org/x", "../x", "x-Q4_K_M.gguf", "a/../x.gguf", "0" * 64, "tree", "\u202e\x1b[2J", "2026-10-01", "{"]
    )
)
_ANSWERS = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5), max_leaves=12
)
_LISTS = st.lists(st.dictionaries(_KEYS, _VALUES, max_size=6), max_size=4)
_LIKELY = (
    _LISTS
    | _LISTS.map(lambda files: {"Data": {"Files": files}})
    | _LISTS.map(lambda models: {"success": True, "data": {"models": models}})
    | _LISTS.map(lambda siblings: {"id": REPO, "siblings": siblings})
)


@pytest.mark.parametrize("kind", [HubServer, ModelScopeServer])
def test_no_answer_of_a_hub_is_our_failure(kind: type[HubServer | ModelScopeServer]) -> None:
    with kind() as server:
        address = server.address if isinstance(server, ModelScopeServer) else server.endpoint
        source = open_source(Network(NetworkOptions()), address)

        @settings(max_examples=100, deadline=None, derandomize=True)
        @given(_ANSWERS | _LIKELY)
        def ask(answer: object) -> None:
            server.heal()
            server.fail("api", Fault(status=200, body=json.dumps(answer).encode()))
            said: list[BackendError] = []
            names: list[str] = []
            for question in (
                lambda: [path for file in source.files(REPO) for path in file.parts or (file.file,)],
                lambda: [model.repo for model in source.search("x")],
            ):
                try:
                    names += question()
                except BackendError as error:
                    said.append(error)
            assert all(error.message.en.isprintable() and error.message.zh for error in said)
            assert all(safe_name(part) for name in names for part in name.split("/"))

        ask()
