"""Made findings of the doctor, and scenes of its page for `tests.kit.shots`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.doctor_picture import DoctorPicture
from app.widgets.doctor_page import DoctorPage
from backends.core.phrase import NOTHING, Phrase
from backends.doctor.types import Finding
from backends.doctor.words import arranged

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]

WELL = (
    Finding(
        "driver",
        "card_ok",
        "ok",
        Phrase(
            "NVIDIA GeForce RTX 4090: 24.0 GiB, driver 550.54.14, CUDA 12.4.",
            "NVIDIA GeForce RTX 4090：24.0 GiB，驱动 550.54.14，CUDA 12.4。",
        ),
    ),
    Finding("wheel", "uses_card", "ok", Phrase("The engine computes on CUDA0.", "引擎使用 CUDA0 计算。")),
    Finding(
        "devices",
        "device_ok",
        "ok",
        Phrase("CUDA0: NVIDIA GeForce RTX 4090, 22.8 GiB free.", "CUDA0：NVIDIA GeForce RTX 4090，可用 22.8 GiB。"),
        subject="CUDA0",
    ),
    Finding(
        "devices",
        "device_ok",
        "ok",
        Phrase("CPU: AMD Ryzen 9 7950X, 51.3 GiB free.", "CPU：AMD Ryzen 9 7950X，可用 51.3 GiB。"),
        subject="CPU",
    ),
    Finding(
        "libraries",
        "libraries_ok",
        "ok",
        Phrase("All 6 libraries of the engine load.", "引擎的 6 个库均可加载。"),
    ),
    Finding(
        "models", "models_ok", "ok", Phrase("3 model files are whole (21.4 GiB).", "3 个模型文件完好（21.4 GiB）。")
    ),
    Finding("databases", "database_ok", "ok", Phrase("chats.db is whole (38 MiB).", "chats.db 完好（38 MiB）。")),
    Finding(
        "databases",
        "index_ok",
        "ok",
        Phrase("The search index holds all documents.", "搜索索引包含所有文档。"),
        subject="search",
    ),
    Finding("keyring", "keyring_ok", "ok", Phrase("The system's keyring keeps keys.", "系统密钥环工作正常。")),
    Finding(
        "disk",
        "disk_ok",
        "ok",
        Phrase("412.0 GiB of 931.5 GiB are free where data are kept.", "数据所在磁盘可用 412.0 GiB，共 931.5 GiB。"),
    ),
    Finding(
        "network",
        "not_asked",
        "ok",
        Phrase("The sources of models were not asked.", "未检查模型下载站点。"),
        action="ask_sources",
    ),
    Finding("port", "port_free", "ok", Phrase("Port 8642 is free for the API.", "端口 8642 可供 API 使用。")),
    Finding("settings", "settings_ok", "ok", Phrase("All settings are understood.", "所有设置均有效。")),
)
WRONG = (
    Finding(
        "wheel",
        "driver_too_old",
        "fail",
        Phrase(
            "The engine is built for CUDA 13, but the driver 535.183.01 runs CUDA 12.2 at most: models run on the "
            "processor.",
            "引擎为 CUDA 13 版本，而驱动 535.183.01 最高支持 CUDA 12.2，因此模型在处理器上运行。",
        ),
        Phrase(
            "Update NVIDIA's driver, or set DeskSeek up again (python3 installers/run.py setup) to get the build for "
            "this one.",
            "请更新 NVIDIA 驱动，或重新安装（python3 installers/run.py setup）以获得匹配的版本。",
        ),
        "engine_for_gpu",
    ),
    Finding(
        "models",
        "model_size",
        "fail",
        Phrase(
            "DeepSeek-R1-0528-Qwen3-8B-Q4_K_M.gguf is not as it was published: 4,102,938,112 / 5,027,784,224 B.",
            "DeepSeek-R1-0528-Qwen3-8B-Q4_K_M.gguf 与发布内容不一致：4,102,938,112 / 5,027,784,224 B。",
        ),
        Phrase("Repair it: only what is damaged is downloaded again.", "请修复：只重新下载损坏的部分。"),
        "download_again",
    ),
    Finding(
        "databases",
        "index_damaged",
        "fail",
        Phrase("The search index of the documents is damaged.", "文档的搜索索引已损坏。"),
        Phrase("Make it anew; the documents themselves are whole.", "请重建索引；文档本身不受影响。"),
        "rebuild_search",
        subject="search",
    ),
    Finding(
        "port",
        "port_taken",
        "warn",
        Phrase("Port 8642 is used by node.", "端口 8642 正被 node 使用。"),
        Phrase("Choose another port for the API, or end that program.", "请为 API 换一个端口，或关闭占用它的程序。"),
        "settings_api",
    ),
    Finding(
        "keyring",
        "no_keyring",
        "warn",
        Phrase(
            "This system offers no keyring. Access tokens are kept in memory and asked for again after each start.",
            "系统没有可用的密钥环。访问令牌只保存在内存中，每次启动后需要重新输入。",
        ),
        Phrase(
            "Install GNOME Keyring or KWallet if you use access tokens; nothing else needs it.",
            "如果使用访问令牌，请安装 GNOME Keyring 或 KWallet；其他功能不受影响。",
        ),
    ),
)


def _all(*findings: Finding) -> tuple[Finding, ...]:
    named = {one.topic for one in findings if one.repair != NOTHING}
    return tuple(arranged([*findings, *(one for one in WELL if one.topic not in named)]))


def page(picture: DoctorPicture) -> Scene:
    def scene(studio: "Studio") -> None:
        page = DoctorPage()
        page.show_picture(picture)
        studio.window.add_page("doctor", page)
        studio.window.show_page("doctor")

    return scene


SCENES: dict[str, Scene] = {
    "doctor_well": page(DoctorPicture("done", _all())),
    "doctor_wrong": page(DoctorPicture("done", _all(*WRONG))),
    "doctor_odd": page(DoctorPicture("done", _all(*WRONG[3:]))),
    "doctor_looking": page(DoctorPicture("looking", _all(WRONG[1])[4:9], deep=True)),
    "doctor_rebuilding": page(DoctorPicture("done", _all(WRONG[2]), rebuilding=0.42)),
    "doctor_stopped": page(DoctorPicture("stopped", WELL[9:])),
}
