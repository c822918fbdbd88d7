"""The group of settings about watching the machine (see `settings`; others: `setting_groups`, `window_settings`)."""

from dataclasses import dataclass

from backends.core.fields import setting
from backends.core.phrase import Phrase


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    gauge: bool = setting(
        True,
        "flag",
        Phrase("Gauge at the edge of the window", "窗口边缘的状态条"),
        Phrase("Speed, graphics memory and temperature while a model is loaded.", "加载模型时显示速度、显存和温度。"),
    )
    alerts: bool = setting(
        True,
        "flag",
        Phrase("Warn of heat and full memory", "过热和存储不足提醒"),
        Phrase(
            "In the window, and by a notification while it is not in front.", "在窗口中提示；窗口不在前台时弹出通知。"
        ),
    )
    temperature: int = setting(
        90,
        "integer",
        Phrase("Warn from this temperature", "温度提醒"),
        Phrase("Of a graphics card, in °C.", "显卡温度达到此值（°C）时提醒。"),
        range=(40, 120),
    )
    vram_free: int = setting(
        256,
        "integer",
        Phrase("Warn below this much graphics memory", "显存提醒"),
        Phrase("What is left free, in MiB. 0: never.", "剩余显存低于此值（MiB）时提醒。0 表示不提醒。"),
        range=(0, 1_048_576),
    )
    disk_free: int = setting(
        5,
        "integer",
        Phrase("Warn below this much disk", "磁盘提醒"),
        Phrase(
            "What is left free where the models are, in GB. 0: never.",
            "模型所在磁盘剩余低于此值（GB）时提醒。0 表示不提醒。",
        ),
        range=(0, 100_000),
    )
    keep_days: int = setting(
        30,
        "integer",
        Phrase("Keep the course of figures for", "监控曲线保留天数"),
        Phrase("In days. Sums per model and day are kept longer.", "以天计。每个模型每天的统计会保留更久。"),
        range=(1, 365),
    )
