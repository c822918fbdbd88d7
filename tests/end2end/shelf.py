"""What the hub of these stories has on its shelf: a made model under the name of the real one.

Which one is recommended depends on the machine that the tests run on, so it is put there once the page has said.
"""

import re
from pathlib import Path
from typing import Literal

from backends.models.catalog import Catalog
from backends.models.types import CatalogModel, ModelFile
from tests.kit.ggufs import Script, scripted_model
from tests.kit.hub import HubServer

THOUGHTS = (
    "The person asks how to sort. First I look at what there is to be sorted: a list of numbers, it seems, and not a "
    "large one. Then there are two ways, one that changes it in place, another that leaves it alone and makes a new "
    "one. Beginners trip over the former because it gives nothing back. So I show sorted, with an example that can be "
    "tried at once, and greet in Chinese too since somebody may read along."
)
SAID = (
    "Use `sorted()`: it leaves your own values untouched.\n\n```python\nprint(sorted([3, 1, 2]))\n```\n\n"
    "Both **strings** and tuples work as well; pass `reverse=True` for descending order. 你好，祝你编程愉快。"
)
COUNTING = " ".join(f"n{number}" for number in range(200))
COUNT = "count"  # the word in a question that makes the model count, for ever
BRIEF = "briefly"  # the word that makes it say this, without a thought
SAID_BRIEFLY = "Yes, certainly."
SLOW = 96  # MiB that each token must read: some milliseconds

Architecture = Literal["qwen2", "qwen3"]
Made = dict[Architecture, Path]


def made_models(folder: Path) -> Made:
    others = [Script("", COUNTING, word=COUNT, endless=True), Script("", SAID_BRIEFLY, word=BRIEF)]
    made: Made = {}
    for architecture in ("qwen2", "qwen3"):
        path = folder / f"{architecture}.gguf"
        made[architecture] = scripted_model(path, THOUGHTS, SAID, slow=SLOW, scripts=others, architecture=architecture)
    return made


def recommended(page: str) -> tuple[CatalogModel, ModelFile]:
    """What the first page offers."""
    offer = page[page.index("Recommended for this computer") :]
    (model,) = (model for model in Catalog.load().models if f"\n{model.name} in " in offer)
    reason = re.search(rf"{re.escape(model.name)} in (\S+) is the best model that runs well here", offer)
    assert reason is not None
    (file,) = (file for file in model.files if file.quant == reason[1])
    return model, file


def put_on_shelf(hub: HubServer, made: Made, model: CatalogModel, file: ModelFile) -> None:
    """Under the name of the real one; where that comes in several parts, in one. Large architectures cannot be made
    so small, and a qwen2 stands in for them."""
    name = file.file.rpartition("/")[2]
    if "-of-" in name:
        name = f"{model.id}-{file.quant}.gguf"
    content = made["qwen3"] if model.shape.architecture == "qwen3" else made["qwen2"]
    hub.add_repo(model.repo, {name: content, "README.md": b"# A model"}, plain=["README.md"])
