"""The groups of settings, each field with all there is to know about it (see `settings`)."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from backends.core.fields import MODELSCOPE, setting
from backends.core.phrase import Phrase


@dataclass(frozen=True, slots=True)
class ModelSettings:
    folder: str = setting(
        "",
        "folder",
        Phrase("Model folder", "模型文件夹"),
        Phrase(
            "Where downloaded models are kept. Empty: the usual place. Models take many gigabytes.",
            "下载的模型存放的位置。留空则使用默认位置。模型可能占用数十 GB。",
        ),
        restart=True,
    )
    default_model: str = setting(
        "",
        "model",
        Phrase("Model to use", "默认模型"),
        Phrase("The model that answers. Empty: the last one used.", "用来回答的模型。留空则使用上次的模型。"),
    )
    context: int = setting(
        16384,
        "integer",
        Phrase("Context length", "上下文长度"),
        Phrase(
            "How much text the model can keep in view, in tokens. More needs more memory.",
            "模型一次能看到的文字量，以 token 计。越大占用内存越多。",
        ),
        range=(1024, 1_048_576),
    )
    min_speed: float = setting(
        5.0,
        "number",
        Phrase("Slowest speed that is fine", "可接受的最低速度"),
        Phrase(
            "Models that would be slower than this, in tokens a second, are not recommended.",
            "预计速度低于此值（token/秒）的模型不会被推荐。",
        ),
        range=(0, 1000),
    )
    use: Literal["chat", "documents", "code", "maths"] = setting(
        "chat",
        "choice",
        Phrase("Mostly for", "主要用途"),
        Phrase("What the recommendation looks at first.", "推荐模型时优先考虑的用途。"),
        choices={
            "chat": Phrase("Chat", "对话"),
            "documents": Phrase("Long documents", "长文档"),
            "code": Phrase("Code", "编程"),
            "maths": Phrase("Maths", "数学"),
        },
    )
    find_others: bool = setting(
        True,
        "flag",
        Phrase("Find models of other programs", "查找其他程序的模型"),
        Phrase(
            "Models that LM Studio, Ollama, Jan, llama.cpp or the hub cache keep on this disk are used where they lie.",
            "直接使用 LM Studio、Ollama、Jan、llama.cpp 或 Hugging Face 缓存中已有的模型，不再复制。",
        ),
    )
    load_at_start: bool = setting(
        True,
        "flag",
        Phrase("Load the model at start", "启动时加载模型"),
        Phrase("The first answer then comes sooner.", "这样第一个回答会更快。"),
    )


@dataclass(frozen=True, slots=True)
class EngineSettings:
    threads: int = setting(
        0,
        "integer",
        Phrase("Processor threads", "处理器线程数"),
        Phrase("0: as many as this computer has cores.", "0 表示与处理器核心数相同。"),
        range=(0, 1024),
    )
    gpu_layers: int = setting(
        -1,
        "integer",
        Phrase("Layers on the graphics card", "放到显卡上的层数"),
        Phrase("-1: as many as fit. 0: none.", "-1 表示尽量多，0 表示不使用显卡。"),
        range=(-1, 1000),
    )
    kv_type: Literal["auto", "f16", "q8_0"] = setting(
        "auto",
        "choice",
        Phrase("Precision of the context memory", "上下文缓存精度"),
        Phrase("The smaller one needs half the memory and loses very little.", "较小的精度只占一半内存，损失很小。"),
        choices={
            "auto": Phrase("Automatic", "自动"),
            "f16": Phrase("Full (f16)", "完整（f16）"),
            "q8_0": Phrase("Small (q8_0)", "较小（q8_0）"),
        },
    )
    gpu_margin: str = setting(
        "1024",
        "margins",
        Phrase("Graphics memory to leave free", "显存预留"),
        Phrase(
            "In MiB. Several cards: one number each, as 1024,2048; the first is usually the one with the display.",
            "以 MiB 计。多块显卡时每块一个数字，例如 1024,2048；通常第一块连接显示器。",
        ),
    )
    try_first: bool = setting(
        True,
        "flag",
        Phrase("Try unknown models apart first", "先在单独进程中试加载"),
        Phrase(
            "A model that was never loaded here is tried in a process of its own, so that a failure ends only that.",
            "从未在本机加载过的模型先在单独的进程中尝试，失败也不会影响程序。",
        ),
    )
    parallel: int = setting(
        4,
        "integer",
        Phrase("Answers at the same time", "同时生成的回答数"),
        Phrase(
            "They share the context of the loaded model. The person at the window always comes first.",
            "多个回答共用已加载模型的上下文；窗口前的用户始终优先。",
        ),
        range=(1, 16),
    )
    lookup: bool = setting(
        True,
        "flag",
        Phrase("Guess quotes ahead", "预测引用内容"),
        Phrase(
            "Where an answer repeats what it has read, several words are computed in one step; the text is the same.",
            "回答重复已读内容时，一步计算多个词，文字不变。",
        ),
    )
    warm: bool = setting(
        True,
        "flag",
        Phrase("Remember what was read", "记住已读内容"),
        Phrase(
            "Conversations and documents need not be read again after a restart. Kept on this disk only.",
            "重启后无需重新读取对话和文档。数据仅保存在本机磁盘。",
        ),
    )
    warm_budget: float = setting(
        8.0,
        "number",
        Phrase("Disk space for that", "占用磁盘上限"),
        Phrase("In GB. What was not used for the longest time goes first.", "以 GB 计，最久未用的先删除。"),
        range=(0.1, 1000),
    )
    idle_unload: int = setting(
        0,
        "integer",
        Phrase("Unload when idle", "空闲时卸载模型"),
        Phrase("After so many minutes without a question. 0: never.", "无提问达到该分钟数后卸载，0 表示从不。"),
        range=(0, 10_000),
    )
    lock_memory: bool = setting(
        False,
        "flag",
        Phrase("Keep the model in memory", "将模型锁定在内存中"),
        Phrase(
            "The system may not move it to the disk. It takes effect at the next load.",
            "系统不会将其换出到磁盘，下次加载时生效。",
        ),
    )
    numa: bool = setting(
        False,
        "flag",
        Phrase("Several processors (NUMA)", "多处理器（NUMA）"),
        Phrase(
            "Spread the work over the memory of each processor. It takes effect at the next start.",
            "将计算分布到各处理器的内存，下次启动时生效。",
        ),
    )
    gpu_sharing: Literal["auto", "layer", "tensor"] = setting(
        "auto",
        "choice",
        Phrase("Several graphics cards", "多块显卡"),
        Phrase(
            "How they share a model: whole layers each, or a part of every layer, which is faster where the cards are "
            "connected well.",
            "多块显卡分担模型的方式：各放若干层，或各算每层的一部分（显卡间连接较快时速度更高）。",
        ),
        choices={
            "auto": Phrase("Automatic", "自动"),
            "layer": Phrase("Whole layers", "按层"),
            "tensor": Phrase("Parts of every layer", "按张量"),
        },
    )


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    endpoint: str = setting(
        "https://huggingface.co",
        "url",
        Phrase("Download from", "下载站点"),
        Phrase(
            "The hub that models come from, or a mirror such as https://hf-mirror.com.",
            "模型的下载站点，或镜像，例如 https://hf-mirror.com。",
        ),
    )
    more_sources: str = setting(
        "",
        "sources",
        Phrase("If that fails", "备用站点"),
        Phrase(
            "Addresses tried in turn, with commas between them: https://hf-mirror.com, https://modelscope.cn. "
            "Only the very same bytes are accepted.",
            "依次尝试的站点，用逗号分隔，例如 https://hf-mirror.com, https://modelscope.cn。只接受内容完全一致的文件。",
        ),
    )
    connections: int = setting(
        4,
        "integer",
        Phrase("Connections for a download", "每个下载的连接数"),
        Phrase("More may be faster where each one is slow.", "单个连接较慢时，增加连接数可能更快。"),
        range=(1, 8),
    )
    speed_limit: float = setting(
        0.0,
        "number",
        Phrase("Download at most", "下载限速"),
        Phrase("In MB a second. 0: no limit.", "以 MB/秒计，0 表示不限速。"),
        range=(0, 100_000),
    )
    proxy: str = setting(
        "",
        "proxy",
        Phrase("Proxy", "代理"),
        Phrase(
            "For example http://127.0.0.1:7890. Empty: the proxy of the system, if there is one.",
            "例如 http://127.0.0.1:7890。留空则使用系统代理（如果有）。",
        ),
    )
    ca_file: str = setting(
        "",
        "file",
        Phrase("Certificate file", "证书文件"),
        Phrase("Certificates of your company (PEM), if it needs some.", "公司网络要求的证书（PEM 格式），没有则留空。"),
    )
    offline: bool = setting(
        False,
        "flag",
        Phrase("Stay offline", "离线模式"),
        Phrase("Nothing is sent or fetched, whatever is pressed.", "无论点击什么，都不会发送或下载任何内容。"),
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """The addresses that models may come from, in the order in which they are tried."""
        more = (one.strip() for one in self.more_sources.split(","))
        return tuple(dict.fromkeys(filter(None, (self.endpoint, *more))))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Theirs, with ports; each has an access token of its own."""
        return tuple(dict.fromkeys(urlsplit(one.removeprefix(MODELSCOPE)).netloc for one in self.sources))


@dataclass(frozen=True, slots=True)
class ApiSettings:
    enabled: bool = setting(
        False,
        "flag",
        Phrase("Let programs on this computer use the model", "允许本机程序使用模型"),
        Phrase("A server that answers this computer alone.", "启动一个仅供本机访问的服务。"),
    )
    port: int = setting(
        8642,
        "integer",
        Phrase("Port", "端口"),
        Phrase("Where programs find it.", "程序连接所用的端口。"),
        range=(1024, 65535),
    )
    origins: str = setting(
        "",
        "origins",
        Phrase("Web pages that may ask", "允许访问的网页"),
        Phrase(
            "Addresses such as http://localhost:3000, with commas between them. Empty: none.",
            "例如 http://localhost:3000，多个地址用逗号分隔。留空则不允许任何网页。",
        ),
    )
    load_models: bool = setting(
        True,
        "flag",
        Phrase("Programs may load another model", "允许程序切换模型"),
        Phrase(
            "Off: only the model that is loaded answers them.",
            "关闭后，程序只能使用已加载的模型。",
        ),
    )
    keep_texts: bool = setting(
        False,
        "flag",
        Phrase("Keep what was asked and answered", "保存请求与回答的文字"),
        Phrase(
            "In the list of requests, on this computer. Off: only times, tokens and names.",
            "保存在本机的请求记录中。关闭后只记录时间、token 数和名称。",
        ),
    )
    keep_days: int = setting(
        30,
        "integer",
        Phrase("Keep the list of requests for", "请求记录保留天数"),
        Phrase("In days.", "以天计。"),
        range=(1, 3650),
    )
