"""Answers with formulas, tables and two scripts, for pictures."""

# ruff: noqa: E501 (a line of Markdown is a line)

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.lists.messages import MessageRow

if TYPE_CHECKING:
    from tests.kit.shots import Studio

MATHEMATICS = r"""## 一元二次方程的求根公式

设方程 \(ax^2 + bx + c = 0\)（其中 \(a \neq 0\)），则两个根为：

\[
x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a} \tag{1}
\]

当 $\Delta = b^2 - 4ac < 0$ 时，方程没有实数根。判别式的几何意义见下表：

| 判别式 | 根的情况 | 例子 |
|:--|:-:|--:|
| $\Delta > 0$ | 两个不相等的实数根 | $x^2 - 3x + 2 = 0$ |
| $\Delta = 0$ | 两个相等的实数根，即 $x = -\frac{b}{2a}$ | `x**2 - 2*x + 1` |
| $\Delta < 0$ | 没有实数根 | $x^2 + 1 = 0$ |

1. 配方，得
   $$
   \left(x + \frac{b}{2a}\right)^2 = \frac{b^2 - 4ac}{4a^2}
   $$
2. 两边开方，注意 $\frac{1}{2}$ 与 $\sqrt{4a^2} = 2|a|$。

> 交叉熵损失：\(\mathcal{L} = -\sum_i y_i \log \hat{y}_i\)

\begin{align}
f(x) &= \begin{cases} x^2 & \text{如果 } x \ge 0 \\ -x & \text{否则} \end{cases} \\
A &= \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}
\end{align}
"""

ENGLISH = r"""### Attention and its cost

The weights are \(\operatorname{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)\), and a head costs \(O(n^2 d)\):

$$\text{Attention}(Q, K, V) = \text{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$$

It is priced at $20 per month, or $30 with support; set `$HOME` first. Water forms by $\ce{2H2 + O2 -> 2H2O}$ at once.

\[ P(x) = a_0 + a_1 x + a_2 x^2 + a_3 x^3 + a_4 x^4 + a_5 x^5 + a_6 x^6 + a_7 x^7 + a_8 x^8 + a_9 x^9 + a_{10} x^{10} + R \]

A formula that nobody can read stays as it is: $\frac{1}{\nosuchcommand}$, and one that is not done:

\[
E = mc^2 + \int_0^1 f(t)"""

SCRIPTS = """## 中英文混排 mixed scripts

在Python中使用DeepSeek-R1模型时，上下文长度为128K个token，显存占用约24GB。用“GPU 占用”一词指显存的使用率——它不是温度……

He said “it’s done”, and *this is slanted* while **this is bold**; *这里是强调的文字*，**这里是粗体**，`code()`之后是中文。

运行时间从3.5秒降到0.8秒（约快4倍），共有1024个样本；其中95%是正确的。请看[官方文档](https://example.org/docs)与https://example.org。

| Language | 语言 | Description | 说明 | Notes |
|---|---|---|---|---|
| Python | 通用编程语言 | A language for everything, from scripts to servers, read by many people | 语法简洁，适合初学者，也适合数据科学和机器学习的研究人员使用 | `pip install` |
| Rust | 系统编程语言 | Memory safety without a garbage collector | 编译期检查所有权 | `cargo add` |
"""


def shown(text: str) -> "Callable[[Studio], None]":
    def scene(studio: "Studio") -> None:
        studio.with_conversations()
        studio.messages.reset([MessageRow(1, "user", "?"), MessageRow(2, "assistant", text)])
        studio.chat.transcript.verticalScrollBar().setValue(0)

    return scene


SCENES: "dict[str, Callable[[Studio], None]]" = {
    "formulas": shown(MATHEMATICS),
    "formulas_english": shown(ENGLISH),
    "scripts": shown(SCRIPTS),
}
