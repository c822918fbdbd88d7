"""Where models come from: hubs that speak the protocol of huggingface.co or that of ModelScope, as equals.

    source = open_source(network, "https://huggingface.co")
    file = choose(source.files("unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"), "Q4_K_M", repo)
    remote = source.resolve(repo, file.file)     # address, size, sha256 of the bytes; `download` fetches them

A repository has the same name on all of them. Its bytes are the same too, or not accepted (`accepts`).
"""

from backends.core.cancel import CancelToken
from backends.core.fields import MODELSCOPE
from backends.core.network import Network
from backends.models.catalog import Catalog
from backends.models.hub import Hub
from backends.models.links import MODELSCOPE_HOSTS, Ref, check_direct, check_repo, parse_ref
from backends.models.listing import accepts, choose, same_file
from backends.models.modelscope import ModelScope
from backends.models.remote import HUGGING_FACE, RemoteFile, Source, split_endpoint
from backends.models.types import ModelFile

__all__ = [
    "HUGGING_FACE",
    "Hub",
    "ModelScope",
    "Ref",
    "RemoteFile",
    "Source",
    "accepts",
    "check_repo",
    "choose",
    "locate",
    "open_source",
    "parse_ref",
    "same_file",
]


def open_source(network: Network, endpoint: str = HUGGING_FACE, token: str | None = None) -> Source:
    """The hub at `endpoint`, an address that a person typed; `modelscope:` before it names the protocol of a host that
    is not known by its name. `token` belongs to that host. Asks nothing yet. InvalidInput (`bad_endpoint`)."""
    of_scope = endpoint.strip().startswith(MODELSCOPE) or split_endpoint(endpoint).hostname in MODELSCOPE_HOSTS
    return ModelScope(network, endpoint, token) if of_scope else Hub(network, endpoint, token)


def locate(source: Source, catalog: Catalog, text: str, *, cancel: CancelToken | None = None) -> tuple[str, ModelFile]:
    """The repository and the file that `text` (see `parse_ref`) means, as they are at the source now.

    Raises what `parse_ref`, `check_direct`, `Catalog.find`, `Source.files` and `choose` raise.
    """
    ref = parse_ref(text)
    check_direct(ref)
    repo = ref.name if ref.is_repo else catalog.find(ref.name).repo
    return repo, choose(source.files(repo, revision=ref.revision, cancel=cancel), ref.wanted, repo)
