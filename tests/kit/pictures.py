"""Made pictures for the pages about models: a few computers, the real catalogue and advisor, every state of a model."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from app.picture import (
    AccessToken,
    Details,
    Direct,
    Download,
    DownloadState,
    Listing,
    Loading,
    Offer,
    Picture,
    Search,
    Smaller,
    Work,
)
from backends.core.phrase import NOTHING, Phrase
from backends.core.setting_groups import NetworkSettings
from backends.engine.protocol import LoadedModel
from backends.hardware.types import Cpu, Disk, Gpu, Machine, Memory
from backends.models.advisor import Budget, advise, choice_for
from backends.models.catalog import Catalog
from backends.models.companions import companions
from backends.models.experience import Measured
from backends.models.types import Choice, Deleted, DevicePlan, HubModel, LocalAdapter, LocalModel, Plan, RunOptions

GIB = 1 << 30
GB = 10**9
HUB = "https://huggingface.co"
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
    budget = Budget.from_machine(machine)
    advice = advise(Catalog.load(), budget)
    beside = companions(Catalog.load(), budget, advice.pick)
    return Picture(
        machine=machine,
        advice=advice,
        companions=tuple(filter(None, (beside.embedder, beside.reranker))),
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
    download = Download(ref(choice), state, done, choice.file.size, name=f"{choice.model.name}  {choice.file.quant}")
    return replace(picture, downloads=(replace(download, **more),))


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
        origin="downloaded",
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


def queued() -> Picture:
    """Several on their way: one from the second source, one that failed of the network, one that waits, one rests."""
    picture = of()
    (first,) = coming(picture, "running", bytes_per_s=3.1e6, seconds_left=1200).downloads
    reason = Phrase("huggingface.co did not answer in time.", "huggingface.co 未在规定时间内响应。")
    hubs = ("https://hf-mirror.com", "https://modelscope.cn")
    failed = Download(
        "bartowski/Some-GGUF:Q4_K_M", "failed", GB, 5 * GB, message=NO_ANSWER, hint=NO_ANSWER_HINT,
        source_may_help=True, other_sources=hubs,
    )  # fmt: skip
    waiting = Download("r1-distill-qwen-14b:IQ4_XS", "queued", 0, 8_100_000_000, name="DeepSeek R1 14B  IQ4_XS")
    rests = Download("somebody/A-very-long-name-of-a-finetune-of-a-finetune-GGUF:Q6_K", "paused", 2 * GB, 6 * GB)
    downloads = (replace(first, source="modelscope.cn", notice=reason), failed, waiting, rests)
    return replace(picture, downloads=downloads)


def of_others() -> Picture:
    """Files that other programs hold, one that was made here, embedders, and what was deleted."""
    picture = of()
    small = downloaded(smallest(picture))
    home = Path("/home/lin")
    ollama = replace(
        own("deepseek-r1:8b", folder=home), origin="ollama", path=home / f".ollama/models/blobs/sha256-{'3f' * 32}"
    )
    studio = replace(
        own("DeepSeek-R1-Distill-Llama-8B", folder=home / ".lmstudio/models/bartowski/R1-8B-GGUF"),
        origin="lm-studio", source="bartowski/R1-8B-GGUF",
    )  # fmt: skip
    made = replace(small, id="made", quant="Q3_K_M", origin="quantised", path=small.path.with_name("made.gguf"))
    finder = replace(downloaded(picture.companions[0]), kind="embedding")
    deleted = (
        Deleted("a", "DeepSeek R1 Distill Llama 8B", 4_920_000_000, 1.8e9),
        Deleted("b", "my-finetune", 0, 1.8e9),
    )
    return replace(picture, local=(ollama, studio, made, finder), deleted=deleted)


# ---- looked for on the hubs

HUB_MODELS = (
    HubModel("bartowski/DeepSeek-R1-Distill-Qwen-14B-GGUF", HUB, 84_300, "2026-02-11", "r1-distill-qwen-14b"),
    HubModel("bartowski/deepseek-ai_DeepSeek-R1-0528-Qwen3-8B-GGUF", HUB, 1_240_000, "2026-05-29", None),
    HubModel("somebody/DeepSeek-R1-Distill-Qwen-7B-a-very-long-name-of-a-finetune-of-a-finetune-GGUF", HUB, 41, ""),
    HubModel("company/DeepSeek-internal-GGUF", HUB, 0, "2026-10-02", None, True),
)


def searched(picture: Picture | None = None, *, opened: bool = True) -> Picture:
    """Words were looked for; the first repository is open, its files judged."""
    picture = picture or of()
    search = Search("deepseek r1", "found", "huggingface.co", HUB_MODELS)
    if opened:
        search = replace(search, listings=(listed(picture, HUB_MODELS[0].repo),))
    return replace(picture, search=search)


def listed(picture: Picture, repo: str, *, judged: bool = True, wanted: str = "") -> Listing:
    """The files of a model of the catalogue, as a hub lists them."""
    assert picture.machine is not None
    budget = Budget.from_machine(picture.machine)
    model = next(model for model in Catalog.load().models if model.repo == repo)
    files = sorted(model.files, key=lambda file: file.size)
    files = [replace(file, sha256="0" * 64) for file in files]
    offers = tuple(
        Offer(file, f"{repo}:{file.quant}", choice_for(model, budget, file=file) if judged else None, judged)
        for file in files
    )
    return Listing(repo, HUB, "huggingface.co", "listed", offers, wanted)


def linked(picture: Picture | None = None) -> Picture:
    """A link to one file was pasted; its files are still being judged."""
    picture = picture or of()
    repo = HUB_MODELS[0].repo
    files = listed(picture, repo, judged=False)
    files = replace(files, wanted=files.offers[3].file.file)
    link = f"{HUB}/{repo}/blob/main/{files.wanted}"
    return replace(picture, search=Search(link, "found", found=(HubModel(repo, HUB, None, ""),), listings=(files,)))


def direct(picture: Picture | None = None) -> Picture:
    """A link to a file on a host that is no hub."""
    link = "https://files.example.org/models/DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf"
    message = Phrase(
        "files.example.org is no model hub: it publishes no sha256 by which the file could be checked.",
        "files.example.org 不是模型站点，没有公布可用于校验文件的 sha256。",
    )
    hint = Phrase("Download it yourself and import the file.", "请自行下载，然后导入该文件。")
    known = Direct(link, "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M", message, hint, PLAN)
    return replace(picture or of(), search=Search(link, "found", direct=known))


def missed(picture: Picture | None = None) -> Picture:
    """The first hub did not answer, the second did."""
    picture = searched(picture)
    reason = (Phrase("huggingface.co did not answer in time.", "huggingface.co 未在规定时间内响应。"),)
    listings = tuple(replace(one, source="modelscope.cn", missed=reason) for one in picture.search.listings)
    return replace(picture, search=replace(picture.search, source="modelscope.cn", missed=reason, listings=listings))


def not_found(picture: Picture | None = None) -> Picture:
    return replace(picture or of(), search=Search("deepsek r9", "found", "huggingface.co"))


def not_searched(picture: Picture | None = None) -> Picture:
    hubs = ("https://hf-mirror.com", "https://modelscope.cn")
    failed = Search("deepseek", "failed", message=NO_ANSWER, hint=NO_ANSWER_HINT, other_sources=hubs)
    return replace(picture or of(), search=failed)


# ---- a card that is open

PLAN = Plan(
    architecture="qwen2",
    options=RunOptions(16384, "f16", 29),
    devices=(
        DevicePlan("CUDA0", "gpu", 893_000_000, 470_000_000, 85_000_000, 450_000_000, 7_900_000_000),
        DevicePlan("CPU", "cpu", 128_000_000, 0, 12_000_000, 60_000_000, 24_000_000_000),
    ),
    exact=True,
    fits=True,
    corrected=48 * 1024 * 1024,
)


def detailed(*, smaller: bool = True, work: bool = False) -> Picture:
    """A downloaded file in use, open: two versions, an adapter, a smaller one planned."""
    picture = of()
    model = replace(downloaded(smallest(picture), "Q8_0"), origin="downloaded", version="3f2a91c0")
    former = replace(model, version="b81e0d44", current=False, path=model.path.with_name("former.gguf"))
    devices, now = ("CUDA0", "CPU"), 1.8e9
    measured = (
        Measured("memory", ("CUDA0",), "qwen2", "0.3.36", model.name, 16384, 1.9e9, 1.93e9, now),
        Measured("memory", ("CPU",), "qwen2", "0.3.36", model.name, 16384, 2.0e8, 2.21e8, now),
        Measured("speed", devices, "qwen2", "0.3.36", model.name, 16384, 138.0, 151.3, now),
    )
    adapter = LocalAdapter("poems", "poems-in-the-style-of-li-bai", Path("/home/lin/poems.gguf"), 41_000_000, "qwen2")
    broken = LocalAdapter(
        "x", "for-another-model", Path("/home/lin/x.gguf"), 9_000_000, "llama",
        Phrase("It is for llama models, this one is a qwen2.", "它适用于 llama 模型，而此模型为 qwen2。"),
    )  # fmt: skip
    wish = Smaller(
        "Q4_K_M", 1_117_000_000, 1_600_000_000, 2_117_000_000, 412 * GB,
        Phrase("Answers get slightly worse; hardly anybody notices.", "回答质量略有下降，几乎察觉不到。"),
    )  # fmt: skip
    details = Details(
        model.path, PLAN, measured, (model, former), ((adapter, 0.8), (broken, 0.0)),
        ("Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M"), wish if smaller else None,
        Phrase("Verified today: every byte is as published.", "今天已校验：每个字节都与发布的一致。"),
    )  # fmt: skip
    works = (Work("quantise", str(model.path), model.name, 0.42, 95.0),) if work else ()
    return replace(
        picture, local=(model, own()), loaded=None if work else loaded(model), details=(details,), works=works
    )
