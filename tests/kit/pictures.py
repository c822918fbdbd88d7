"""Made pictures for the pages about models: a few computers, the real catalogue and advisor, every state of a model."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from app.picture import AccessToken, Download, DownloadState, Loading, Picture
from backends.core.phrase import NOTHING, Phrase
from backends.core.settings import NetworkSettings
from backends.engine.protocol import LoadedModel
from backends.hardware.types import Cpu, Disk, Gpu, Machine, Memory
from backends.models.advisor import Budget, advise
from backends.models.catalog import Catalog
from backends.models.types import Choice, LocalModel

GIB = 1 << 30
GB = 10**9
MODELS = Path("/home/lin/models")

GAMER = Machine(
    cpu=Cpu("AMD Ryzen 7 7700 8-Core Processor", 8, 16, ("avx2",), "x86_64"),
    memory=Memory(32 * GIB, 24 * GIB),
    disk=Disk(str(MODELS), 1000 * GB, 412 * GB),
    gpus=(Gpu("NVIDIA GeForce RTX 4060", "nvidia", 8 * GIB, int(7.4 * GIB), bandwidth=272e9),),
    system="Linux",
)
LAPTOP = replace(
    GAMER,
    cpu=Cpu("Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz", 4, 8, ("avx2",), "x86_64"),
    memory=Memory(8 * GIB, int(5.1 * GIB)),
    disk=Disk(str(MODELS), 256 * GB, 900_000_000),
    gpus=(),
    notes=(
        Phrase("No NVIDIA driver was found.", "未发现 NVIDIA 驱动。"),
        Phrase("No AMD or Intel graphics with memory of its own was found.", "未发现 AMD 或 Intel 独立显卡。"),
    ),
)
TOO_SMALL = replace(LAPTOP, memory=Memory(2 * GIB, GIB // 2))
WORKSTATION = replace(
    GAMER,
    cpu=Cpu("AMD EPYC 9554 64-Core Processor", 64, 128, ("avx512f",), "x86_64"),
    memory=Memory(512 * GIB, 480 * GIB),
    gpus=(Gpu("NVIDIA RTX 6000 Ada Generation", "nvidia", 48 * GIB, 47 * GIB, bandwidth=960e9),) * 2,
)

NO_ANSWER = Phrase("huggingface.co does not answer.", "huggingface.co 没有响应。")
NO_ANSWER_HINT = Phrase(
    "Check the network, or use a mirror or a proxy. What has arrived is kept; continue when you like.",
    "请检查网络，或使用镜像、代理。已下载的部分会保留，可随时继续。",
)
LOST = Phrase("The connection to huggingface.co was lost.", "与 huggingface.co 的连接已断开。")
DISK_FULL = Phrase(
    f"6.03 GB must be free for this download (1 GB stays free), and the disk of {MODELS} has 2.12 GB.",
    f"此下载需要 6.03 GB 可用空间（其中 1 GB 留作余量），而 {MODELS} 所在磁盘仅剩 2.12 GB。",
)
DISK_FULL_HINT = Phrase(
    "Free some space, choose a models folder on another disk (Settings, Models), or a smaller quant.",
    "请清理磁盘空间，将模型文件夹设到其他磁盘（设置 → 模型），或选择更小的量化版本。",
)


@cache
def of(machine: Machine = GAMER) -> Picture:
    """This computer has been looked at; nothing is on the disk."""
    return Picture(
        machine=machine,
        advice=advise(Catalog.load(), Budget.from_machine(machine)),
        local=(),
        folder=MODELS,
        network=NetworkSettings(),
        token=AccessToken("huggingface.co"),
    )


def pick(picture: Picture) -> Choice:
    assert picture.advice is not None
    assert picture.advice.pick is not None
    return picture.advice.pick


def ref(choice: Choice) -> str:
    return f"{choice.model.id}:{choice.file.quant}"


def coming(picture: Picture, state: DownloadState, *, done: int = 1_900_000_000, **more: object) -> Picture:
    """The recommended model is on its way."""
    choice = pick(picture)
    return replace(picture, downloads=(Download(ref(choice), state, done, choice.file.size, **more),))  # type: ignore[arg-type]


def downloaded(choice: Choice, quant: str = "") -> LocalModel:
    """The file of a model of the catalogue as the library tells of it."""
    quant = quant or choice.file.quant
    model = choice.model
    return LocalModel(
        id=f"{model.id}:{quant}",
        name=model.name,
        path=MODELS / model.repo.replace("/", "--") / f"{model.id}-{quant}.gguf",
        size=choice.file.size,
        architecture=model.shape.architecture,
        quant=quant,
        context_train=model.shape.context_train,
        catalog_id=model.id,
        sha256=None,
        source=model.repo,
        verified=True,
    )


def own(
    name: str = "my-finetune", *, folder: Path = Path("/home/lin/Downloads"), problem: Phrase = NOTHING
) -> LocalModel:
    """A file of the person's own."""
    return LocalModel(
        id=name,
        name=name,
        path=folder / f"{name}.gguf",
        size=3_890_000_000,
        architecture="qwen2",
        quant="Q4_K_M",
        context_train=131_072,
        catalog_id=None,
        sha256=None,
        source="",
        verified=False,
        problem=problem,
    )


LONG_NAME = own(
    "DeepSeek-R1-Distill-Qwen-14B-abliterated-v2-of-some-community-with-a-very-long-name-imatrix",
    folder=Path("/home/lin/Downloads/大模型/community/very/deep/folder/structure/that/goes/on/for/ever"),
)
BROKEN = own(
    "my-model-v41",
    problem=Phrase(
        "This engine cannot run models of the kind deepseek41 yet. Choose another model.",
        "当前引擎还不能运行 deepseek41 类型的模型。请选择其他模型。",
    ),
)


def loaded(model: LocalModel, *, gpu_layers: int = 28, notes: tuple[Phrase, ...] = ()) -> LoadedModel:
    """`model` answers, with so many of its 28 layers on the graphics card."""
    devices = ("CPU",) if not gpu_layers else ("CUDA0",) if gpu_layers == 28 else ("CUDA0", "CPU")
    return LoadedModel(
        model.id, model.path, model.architecture, 16384, 131_072, "f16", 28, gpu_layers, devices, model.size, 1.2, notes
    )


def busy(picture: Picture | None = None) -> Picture:
    """A page as full as it gets: files of every kind, one in use, downloads with and without a card."""
    picture = picture or of()
    small = downloaded(smallest(picture))
    return replace(
        coming(picture, "running", bytes_per_s=12.4e6, seconds_left=252),
        local=(small, LONG_NAME, own(folder=MODELS), BROKEN),
        loaded=loaded(small),
        downloads=(
            *coming(picture, "running", bytes_per_s=12.4e6, seconds_left=252).downloads,
            Download("bartowski/Some-GGUF:Q4_K_M", "verifying", 5 * GB, 5 * GB, fraction=0.4),
        ),
    )


def smallest(picture: Picture) -> Choice:
    assert picture.advice is not None
    return min(picture.advice.others, key=lambda choice: choice.model.parameters)


def loading(picture: Picture, model: LocalModel, fraction: float = 0.35) -> Picture:
    return replace(picture, local=(model,), loading=Loading(model, fraction))
