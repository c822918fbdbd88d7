"""The groups of settings about the window and what is said in it (see `settings`; the others: `setting_groups`)."""

from dataclasses import dataclass
from typing import Literal

from backends.core.fields import setting
from backends.core.phrase import Phrase


@dataclass(frozen=True, slots=True)
class GeneralSettings:
    language: Literal["system", "en", "zh"] = setting(
        "system",
        "choice",
        Phrase("Language", "语言"),
        Phrase("The language of the window and of messages.", "界面和提示所用的语言。"),
        choices={
            "system": Phrase("As the system", "跟随系统"),
            "en": Phrase("English", "English"),
            "zh": Phrase("简体中文", "简体中文"),
        },
    )
    theme: Literal["system", "light", "dark"] = setting(
        "system",
        "choice",
        Phrase("Appearance", "外观"),
        Phrase("Light or dark.", "浅色或深色。"),
        choices={
            "system": Phrase("As the system", "跟随系统"),
            "light": Phrase("Light", "浅色"),
            "dark": Phrase("Dark", "深色"),
        },
    )
    tray: bool = setting(
        True,
        "flag",
        Phrase("Icon in the system tray", "系统托盘图标"),
        Phrase("For a quick question. Where the desktop has such a place.", "用于快速提问。仅在桌面支持托盘时显示。"),
    )
    stay: bool = setting(
        False,
        "flag",
        Phrase("Keep running in the tray", "关闭窗口后留在托盘"),
        Phrase(
            "Closing the window only hides it while the icon is there.",
            "托盘图标显示时，关闭窗口只会将其隐藏。",
        ),
    )


@dataclass(frozen=True, slots=True)
class ChatSettings:
    enter_sends: bool = setting(
        True,
        "flag",
        Phrase("Enter sends", "按 Enter 发送"),
        Phrase("Off: Enter makes a new line, Ctrl+Enter sends.", "关闭后 Enter 换行，Ctrl+Enter 发送。"),
    )
    system_prompt: str = setting(
        "",
        "paragraph",
        Phrase("Standing instructions", "固定指令"),
        Phrase("What the model should know or do in every conversation.", "模型在每个对话中都应知道或遵守的内容。"),
    )
    thinking_budget: int = setting(
        0,
        "integer",
        Phrase("Think at most", "思考上限"),
        Phrase(
            "In tokens; then the answer begins. 0: as long as the model likes.",
            "以 token 计，达到后开始回答。0 表示不限。",
        ),
        range=(0, 1_000_000),
    )
    preset: str = setting(
        "",
        "text",
        Phrase("Preset for new chats", "新对话的预设"),
        Phrase("Its name, as in the settings of a chat. Empty: none.", "预设名称（见对话设置）。留空则不使用。"),
    )
    label_ai: bool = setting(
        True,
        "flag",
        Phrase("Mark what AI wrote", "标注 AI 生成内容"),
        Phrase(
            "Answers that are copied or exported say that they are AI-generated. Off: a list is kept of when that was "
            "left out.",
            "复制或导出的回答会标明“人工智能生成”。关闭后会记录每次未标注的时间。",
        ),
    )
    name_chats: bool = setting(
        True,
        "flag",
        Phrase("Name new chats", "自动命名对话"),
        Phrase("The model gives them a title when it has nothing else to do.", "模型空闲时为对话生成标题。"),
    )
    notify: bool = setting(
        True,
        "flag",
        Phrase("Say when a long answer is done", "长回答完成时通知"),
        Phrase(
            "By a notification with the title of the chat, while another window is in front.",
            "窗口不在前台时弹出通知，仅显示对话标题。",
        ),
    )
    announce: bool = setting(
        True,
        "flag",
        Phrase("Read answers to a screen reader", "向读屏软件朗读回答"),
        Phrase("Sentence by sentence as they come, where one is running.", "读屏软件运行时，逐句朗读正在生成的回答。"),
    )
