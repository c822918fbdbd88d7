<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>AboutPage</name>
    <message>
        <source>Version %1</source>
        <translation>版本 %1</translation>
    </message>
    <message>
        <source>What leaves this computer</source>
        <translation>哪些内容会离开这台电脑</translation>
    </message>
    <message>
        <source>Nothing that you write, ask or open. DeskSeek connects to the network only when you press a button that says so, such as Download. It looks for no updates and sends no statistics.</source>
        <translation>您输入、提问或打开的内容都不会外传。只有当您点击写明联网操作的按钮（例如“下载”）时，DeskSeek 才会连接网络。它不检查更新，也不发送统计数据。</translation>
    </message>
    <message>
        <source>Where things lie</source>
        <translation>文件位置</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Logs</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>Open the folder: %1</source>
        <translation>打开文件夹：%1</translation>
    </message>
    <message>
        <source>Versions</source>
        <translation>版本信息</translation>
    </message>
    <message>
        <source>Check this machine</source>
        <translation>检查本机</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy the versions</source>
        <translation>复制版本信息</translation>
    </message>
    <message>
        <source>DeskSeek is free software under the Apache License 2.0. It stands on Qt, llama.cpp, llama-cpp-python, huggingface_hub and others; their licences are in the file NOTICE. The models have licences of their own.</source>
        <translation>DeskSeek 是采用 Apache License 2.0 许可的自由软件，基于 Qt、llama.cpp、llama-cpp-python、huggingface_hub 等项目，其许可见 NOTICE 文件。各模型有其自己的许可。</translation>
    </message>
</context>
<context>
    <name>Actions</name>
    <message>
        <source>Actions</source>
        <translation>操作</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Quick question</source>
        <translation>快速提问</translation>
    </message>
    <message>
        <source>New folder for chats</source>
        <translation>新建对话文件夹</translation>
    </message>
    <message>
        <source>Open a model file…</source>
        <translation>打开模型文件…</translation>
    </message>
    <message>
        <source>Add documents…</source>
        <translation>添加文档…</translation>
    </message>
    <message>
        <source>Export all chats…</source>
        <translation>导出所有对话…</translation>
    </message>
    <message>
        <source>Import chats…</source>
        <translation>导入对话…</translation>
    </message>
    <message>
        <source>Chat</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Documents</source>
        <translation>文档</translation>
    </message>
    <message>
        <source>Search in the documents</source>
        <translation>搜索文档</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>API for programs</source>
        <translation>供程序使用的 API</translation>
    </message>
    <message>
        <source>Monitor</source>
        <translation>监控</translation>
    </message>
    <message>
        <source>Check this machine</source>
        <translation>检查本机</translation>
    </message>
    <message>
        <source>Connections</source>
        <translation>网络连接</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>About DeskSeek</source>
        <translation>关于 DeskSeek</translation>
    </message>
    <message>
        <source>Show or hide the conversations</source>
        <translation>显示或隐藏对话列表</translation>
    </message>
    <message>
        <source>Search the chats</source>
        <translation>搜索对话</translation>
    </message>
    <message>
        <source>Chat settings</source>
        <translation>对话设置</translation>
    </message>
    <message>
        <source>Write a question</source>
        <translation>输入问题</translation>
    </message>
    <message>
        <source>Saved prompts…</source>
        <translation>已保存的提示词…</translation>
    </message>
    <message>
        <source>Copy the last answer</source>
        <translation>复制最后一条回答</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>重新回答</translation>
    </message>
    <message>
        <source>Go on with a cut-off answer</source>
        <translation>继续中断的回答</translation>
    </message>
    <message>
        <source>End the thinking, answer now</source>
        <translation>结束思考，立即回答</translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation>停止回答</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
</context>
<context>
    <name>Adapters</name>
    <message>
        <source>Adapters (LoRA)</source>
        <translation>适配器（LoRA）</translation>
    </message>
    <message>
        <source>Small files that change how a model answers.</source>
        <translation>改变模型回答方式的小文件。</translation>
    </message>
    <message>
        <source>Add an adapter…</source>
        <translation>添加适配器…</translation>
    </message>
    <message>
        <source>Choose an adapter</source>
        <translation>选择适配器</translation>
    </message>
    <message>
        <source>Adapters (*.gguf)</source>
        <translation>适配器 (*.gguf)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
</context>
<context>
    <name>Announcer</name>
    <message>
        <source>The model is thinking.</source>
        <translation>模型正在思考。</translation>
    </message>
    <message>
        <source>Code.</source>
        <translation>代码。</translation>
    </message>
</context>
<context>
    <name>Answer</name>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Answer, {0} of {1} versions</source>
        <translation>回答，第 {0} 个版本，共 {1} 个</translation>
    </message>
    <message>
        <source>The conversation is longer than the model&apos;s context: the oldest {0} messages were left out.</source>
        <translation>对话超出了模型的上下文长度：最早的 {0} 条消息未发送给模型。</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
</context>
<context>
    <name>ApiExamples</name>
    <message>
        <source>Documents</source>
        <translation>文档</translation>
    </message>
    <message>
        <source>Example</source>
        <translation>示例</translation>
    </message>
    <message>
        <source>New key…</source>
        <translation>新建密钥…</translation>
    </message>
    <message>
        <source>Ask once, on the command line.</source>
        <translation>在命令行中提问一次。</translation>
    </message>
    <message>
        <source>The openai package; others of its kind are told the same.</source>
        <translation>使用 openai 库；其他兼容的库设置方法相同。</translation>
    </message>
    <message>
        <source>An assistant in VS Code and JetBrains. Put this into its configuration.</source>
        <translation>VS Code 与 JetBrains 中的编程助手。请将以下内容写入其配置文件。</translation>
    </message>
    <message>
        <source>Set these before it is started.</source>
        <translation>启动前请设置以下环境变量。</translation>
    </message>
    <message>
        <source>Programs made for Ollama ask here as well.</source>
        <translation>为 Ollama 编写的程序也可以直接使用。</translation>
    </message>
    <message>
        <source>Add a document, then ask what is in yours: the answer names its sources.</source>
        <translation>先上传文档，再就文档内容提问，回答会注明出处。</translation>
    </message>
    <message>
        <source>The key “%1” stands in it.</source>
        <translation>其中已填入密钥“%1”。</translation>
    </message>
    <message>
        <source>Put your key in the place of %1.</source>
        <translation>请将 %1 替换为您的密钥。</translation>
    </message>
</context>
<context>
    <name>ApiKeys</name>
    <message>
        <source>Each program has a key of its own: then one can be taken back without the others.</source>
        <translation>请为每个程序使用单独的密钥，这样可以只撤销其中一个。</translation>
    </message>
    <message>
        <source>New key…</source>
        <translation>新建密钥…</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在查找…</translation>
    </message>
    <message>
        <source>There is no key yet. Without one, no program can ask.</source>
        <translation>还没有密钥。没有密钥，任何程序都无法访问。</translation>
    </message>
</context>
<context>
    <name>ApiNewKey</name>
    <message>
        <source>New key</source>
        <translation>新建密钥</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>May do</source>
        <translation>权限</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Requests a minute</source>
        <translation>每分钟请求数</translation>
    </message>
    <message>
        <source>Tokens a minute</source>
        <translation>每分钟 token 数</translation>
    </message>
    <message>
        <source>Valid for</source>
        <translation>有效期</translation>
    </message>
    <message>
        <source>Who uses it, such as “Editor”</source>
        <translation>由谁使用，例如“编辑器”</translation>
    </message>
    <message>
        <source>all; or some, such as r1-*, qwen3*</source>
        <translation>留空为全部；或填写部分，例如 r1-*, qwen3*</translation>
    </message>
    <message>
        <source>no limit</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Make the key</source>
        <translation>创建密钥</translation>
    </message>
    <message>
        <source>Until it is revoked</source>
        <translation>直到撤销</translation>
    </message>
    <message>
        <source>1 day</source>
        <translation>1 天</translation>
    </message>
    <message>
        <source>%1 days</source>
        <translation>%1 天</translation>
    </message>
</context>
<context>
    <name>ApiPage</name>
    <message>
        <source>API</source>
        <translation>API</translation>
    </message>
    <message>
        <source>Requests</source>
        <translation>请求</translation>
    </message>
    <message>
        <source>Connect</source>
        <translation>连接</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>密钥</translation>
    </message>
    <message>
        <source>Options</source>
        <translation>选项</translation>
    </message>
</context>
<context>
    <name>ApiRequests</name>
    <message>
        <source>Running now</source>
        <translation>正在处理</translation>
    </message>
    <message>
        <source>Earlier</source>
        <translation>历史记录</translation>
    </message>
    <message>
        <source>Erase the list</source>
        <translation>清空记录</translation>
    </message>
    <message>
        <source>Requests that are over</source>
        <translation>已结束的请求</translation>
    </message>
    <message>
        <source>No program is asking.</source>
        <translation>当前没有程序在请求。</translation>
    </message>
    <message>
        <source>What programs have asked is listed here: when, by which key, at what cost.</source>
        <translation>程序发出的请求会列在这里：时间、所用密钥和用量。</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在查找…</translation>
    </message>
    <message>
        <source>The whole list is erased, with the texts in it.</source>
        <translation>将清除全部记录及其中的文字。</translation>
    </message>
    <message>
        <source>Erase</source>
        <translation>清除</translation>
    </message>
</context>
<context>
    <name>ApiSwitch</name>
    <message>
        <source>Let programs on this computer use the model</source>
        <translation>允许本机程序使用模型</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>已关闭</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在启动…</translation>
    </message>
    <message>
        <source>On</source>
        <translation>已开启</translation>
    </message>
    <message>
        <source>Ending what runs…</source>
        <translation>正在结束当前请求…</translation>
    </message>
    <message>
        <source>Could not start</source>
        <translation>无法启动</translation>
    </message>
    <message>
        <source>Copy the address</source>
        <translation>复制地址</translation>
    </message>
    <message>
        <source>Editors, scripts and other programs find it here. Only this computer can ask, with a key.</source>
        <translation>编辑器、脚本等程序可通过此地址访问。仅限本机，且需要密钥。</translation>
    </message>
    <message>
        <source>Use port %1</source>
        <translation>改用端口 %1</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>No key is needed: every program on this computer can ask.</source>
        <translation>无需密钥：本机的任何程序都可以访问。</translation>
    </message>
    <message>
        <source>Other computers can ask too, if they have a key.</source>
        <translation>其他计算机凭密钥也可以访问。</translation>
    </message>
    <message>
        <source>It was started so by “deskseek serve”, and ends with it.</source>
        <translation>由“deskseek serve”以此方式启动，并随其结束。</translation>
    </message>
</context>
<context>
    <name>Banner</name>
    <message>
        <source>Close this notice</source>
        <translation>关闭此提示</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 / %2</translation>
    </message>
    <message>
        <source>Notice %1: show the next one</source>
        <translation>通知 %1：显示下一条</translation>
    </message>
</context>
<context>
    <name>ChatHitList</name>
    <message>
        <source>New chat</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Title</source>
        <translation>标题</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Your message</source>
        <translation>你的消息</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation>昨天</translation>
    </message>
    <message>
        <source>Today</source>
        <translation>今天</translation>
    </message>
</context>
<context>
    <name>ChatPage</name>
    <message>
        <source>Show or hide the conversations</source>
        <translation>显示或隐藏对话列表</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>To the end</source>
        <translation>跳到末尾</translation>
    </message>
    <message>
        <source>Title of the conversation</source>
        <translation>对话标题</translation>
    </message>
    <message>
        <source>Click to rename</source>
        <translation>点击可重命名</translation>
    </message>
    <message>
        <source>More about this chat</source>
        <translation>本对话的更多操作</translation>
    </message>
    <message>
        <source>%1 is missing</source>
        <translation>缺少 %1</translation>
    </message>
    <message>
        <source>%1 changed</source>
        <translation>已改 %1 项</translation>
    </message>
    <message>
        <source>Chat settings: %1</source>
        <translation>对话设置：%1</translation>
    </message>
    <message>
        <source>Chat settings</source>
        <translation>对话设置</translation>
    </message>
</context>
<context>
    <name>ChatSearchBox</name>
    <message>
        <source>Search the chats</source>
        <translation>搜索对话</translation>
    </message>
    <message>
        <source>Up and down choose, Enter opens, Escape ends the search.</source>
        <translation>上下键选择，回车打开，Esc 结束搜索。</translation>
    </message>
</context>
<context>
    <name>ChatSearchResults</name>
    <message>
        <source>Chats that were found</source>
        <translation>找到的对话</translation>
    </message>
    <message>
        <source>Older chats are still being read. What they say appears here by itself.</source>
        <translation>正在读取较早的对话，内容会自动出现在这里。</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>未找到</translation>
    </message>
    <message>
        <source>Nothing found yet</source>
        <translation>暂未找到</translation>
    </message>
    <message>
        <source>No chat has all of these words.</source>
        <translation>没有对话包含全部这些词。</translation>
    </message>
    <message>
        <source>There is more. Another word narrows it down.</source>
        <translation>还有更多结果，可再加一个词缩小范围。</translation>
    </message>
    <message>
        <source>Searching…</source>
        <translation>正在搜索…</translation>
    </message>
</context>
<context>
    <name>CodeBlock</name>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Copy the code</source>
        <translation>复制代码</translation>
    </message>
    <message>
        <source>Code {0}</source>
        <translation>代码 {0}</translation>
    </message>
</context>
<context>
    <name>CollectionList</name>
    <message>
        <source>All documents</source>
        <translation>全部文档</translation>
    </message>
    <message>
        <source>%1 documents</source>
        <translation>%1 个文档</translation>
    </message>
</context>
<context>
    <name>CollectionPanel</name>
    <message>
        <source>New collection</source>
        <translation>新建资料库</translation>
    </message>
    <message>
        <source>Name of the collection</source>
        <translation>资料库名称</translation>
    </message>
    <message>
        <source>Collections</source>
        <translation>资料库</translation>
    </message>
    <message>
        <source>Watched folders</source>
        <translation>监视的文件夹</translation>
    </message>
    <message>
        <source>Watch a folder…</source>
        <translation>监视文件夹…</translation>
    </message>
    <message>
        <source>Its documents, and those of its subfolders, are kept up to date by themselves.</source>
        <translation>其中及子文件夹中的文档会自动保持最新。</translation>
    </message>
    <message>
        <source>and %1 more</source>
        <translation>另有 %1 个</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
</context>
<context>
    <name>ComingCard</name>
    <message>
        <source>Sooner</source>
        <translation>提前</translation>
    </message>
    <message>
        <source>Later</source>
        <translation>推后</translation>
    </message>
</context>
<context>
    <name>Composer</name>
    <message>
        <source>Ask anything</source>
        <translation>输入任何问题</translation>
    </message>
    <message>
        <source>Your question</source>
        <translation>您的问题</translation>
    </message>
    <message>
        <source>Saved prompts</source>
        <translation>已保存的提示词</translation>
    </message>
    <message>
        <source>Saved prompts: / in an empty box opens them</source>
        <translation>已保存的提示词：在空输入框中输入 / 打开</translation>
    </message>
    <message>
        <source>Leave it as it is</source>
        <translation>保持原样</translation>
    </message>
    <message>
        <source>Save as a prompt…</source>
        <translation>另存为提示词…</translation>
    </message>
    <message>
        <source>Change saved prompts…</source>
        <translation>管理提示词…</translation>
    </message>
    <message>
        <source>Explain simply</source>
        <translation>通俗解释</translation>
    </message>
    <message>
        <source>Explain this so that somebody without prior knowledge understands it, with an example:</source>
        <translation>请用没有基础的人也能听懂的话解释下面的内容，并举一个例子：</translation>
    </message>
    <message>
        <source>Summarise</source>
        <translation>总结要点</translation>
    </message>
    <message>
        <source>Summarise the following text in five short points:</source>
        <translation>请用五个简短的要点总结下面的文字：</translation>
    </message>
    <message>
        <source>Improve my text</source>
        <translation>润色文字</translation>
    </message>
    <message>
        <source>Correct and improve this text. Keep its tone, and list what you changed:</source>
        <translation>请修改并润色下面的文字，保持原有语气，并列出改动之处：</translation>
    </message>
    <message>
        <source>The pasted text is too long to be written here ({0} characters).</source>
        <translation>粘贴的文本过长，无法直接写入（{0} 个字符）。</translation>
    </message>
    <message>
        <source>Add as a document</source>
        <translation>作为文档添加</translation>
    </message>
    <message>
        <source>A long text was pasted ({0} characters).</source>
        <translation>粘贴了一段较长的文本（{0} 个字符）。</translation>
    </message>
    <message>
        <source>Add as a document instead</source>
        <translation>改为作为文档添加</translation>
    </message>
    <message>
        <source>Shift+Enter for a new line</source>
        <translation>Shift+Enter 换行</translation>
    </message>
    <message>
        <source>Ctrl+Enter to send</source>
        <translation>Ctrl+Enter 发送</translation>
    </message>
    <message>
        <source>about {0} tokens</source>
        <translation>约 {0} 个 token</translation>
    </message>
    <message>
        <source>1 token</source>
        <translation>1 个 token</translation>
    </message>
    <message>
        <source>{0} tokens</source>
        <translation>{0} 个 token</translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation>停止回答</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
</context>
<context>
    <name>Confirm</name>
    <message>
        <source>Keep</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
</context>
<context>
    <name>ConnectionsDesk</name>
    <message>
        <source>Export the list</source>
        <translation>导出列表</translation>
    </message>
    <message>
        <source>connections</source>
        <translation>网络连接</translation>
    </message>
</context>
<context>
    <name>ConnectionsLink</name>
    <message>
        <source>Every connection of DeskSeek is listed: when, to which host, what for.</source>
        <translation>DeskSeek 的每次连接都有记录：时间、主机和用途。</translation>
    </message>
    <message>
        <source>Connections</source>
        <translation>网络连接</translation>
    </message>
</context>
<context>
    <name>ConnectionsPage</name>
    <message>
        <source>Connections</source>
        <translation>网络连接</translation>
    </message>
    <message>
        <source>All that DeskSeek has fetched or tried to: the host and the purpose, no addresses of pages, no texts.</source>
        <translation>DeskSeek 发起或尝试的所有连接：只记录主机和用途，不记录网页地址和文字。</translation>
    </message>
    <message>
        <source>Export CSV…</source>
        <translation>导出 CSV…</translation>
    </message>
    <message>
        <source>Erase the list</source>
        <translation>清空记录</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Refused</source>
        <translation>已阻止</translation>
    </message>
    <message>
        <source>Connections shown</source>
        <translation>显示的连接</translation>
    </message>
    <message>
        <source>Find a host or a purpose</source>
        <translation>查找主机或用途</translation>
    </message>
    <message>
        <source>Connections, the newest first</source>
        <translation>连接，最新的在前</translation>
    </message>
    <message>
        <source>The whole list is erased, that of earlier days too.</source>
        <translation>将清空整个列表，包括以前的记录。</translation>
    </message>
    <message>
        <source>Erase</source>
        <translation>清空</translation>
    </message>
    <message>
        <source>Nothing like that</source>
        <translation>没有匹配的连接</translation>
    </message>
    <message>
        <source>Nothing in the list matches what you look for.</source>
        <translation>列表中没有符合条件的连接。</translation>
    </message>
    <message>
        <source>Nothing has left this computer</source>
        <translation>没有任何数据离开本机</translation>
    </message>
    <message>
        <source>Models and documents stay here. What you download or look for on the net is listed here.</source>
        <translation>模型和文档都保存在本机。下载和联网查找会列在这里。</translation>
    </message>
</context>
<context>
    <name>ConversationList</name>
    <message>
        <source>New chat</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>No chats in this folder</source>
        <translation>此文件夹中没有对话</translation>
    </message>
    <message>
        <source>Pinned</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>Today</source>
        <translation>今天</translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation>昨天</translation>
    </message>
    <message>
        <source>Last 7 days</source>
        <translation>最近 7 天</translation>
    </message>
    <message>
        <source>Last 30 days</source>
        <translation>最近 30 天</translation>
    </message>
    <message>
        <source>Older</source>
        <translation>更早</translation>
    </message>
    <message>
        <source>collapsed</source>
        <translation>已折叠</translation>
    </message>
    <message>
        <source>expanded</source>
        <translation>已展开</translation>
    </message>
    <message>
        <source>folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>第 %1 个，共 %2 个</translation>
    </message>
    <message>
        <source>pinned</source>
        <translation>已置顶</translation>
    </message>
    <message>
        <source>being answered</source>
        <translation>正在回答</translation>
    </message>
    <message>
        <source>a new answer</source>
        <translation>有新回答</translation>
    </message>
    <message>
        <source>1 chat</source>
        <translation>1 个对话</translation>
    </message>
    <message>
        <source>%1 chats</source>
        <translation>%1 个对话</translation>
    </message>
</context>
<context>
    <name>ConversationMenu</name>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>取消置顶</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>Chat settings</source>
        <translation>对话设置</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>复制一份</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Back to the list</source>
        <translation>移回列表</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>归档</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>新建文件夹</translation>
    </message>
    <message>
        <source>Out of the folder</source>
        <translation>移出文件夹</translation>
    </message>
    <message>
        <source>Move to</source>
        <translation>移动到</translation>
    </message>
    <message>
        <source>%1 chats</source>
        <translation>%1 个对话</translation>
    </message>
    <message>
        <source>Delete the folder</source>
        <translation>删除文件夹</translation>
    </message>
</context>
<context>
    <name>ConversationPanel</name>
    <message>
        <source>New chat</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>新建文件夹</translation>
    </message>
    <message>
        <source>Back to all chats</source>
        <translation>返回全部对话</translation>
    </message>
    <message>
        <source>Archived</source>
        <translation>已归档</translation>
    </message>
    <message>
        <source>Nothing is archived. What you archive leaves the list, and is kept here.</source>
        <translation>没有已归档的对话。归档后会移出列表，保留在这里。</translation>
    </message>
    <message>
        <source>All your chats are archived.</source>
        <translation>所有对话都已归档。</translation>
    </message>
    <message>
        <source>Archived (%1)</source>
        <translation>已归档（%1）</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Archived conversations</source>
        <translation>已归档的对话</translation>
    </message>
    <message>
        <source>Your conversations will be listed here. They stay on this computer.</source>
        <translation>您的对话会列在这里，只保存在这台电脑上。</translation>
    </message>
</context>
<context>
    <name>CopyButton</name>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
</context>
<context>
    <name>DayList</name>
    <message>
        <source>Day</source>
        <translation>日期</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>回答数</translation>
    </message>
    <message>
        <source>Tokens written</source>
        <translation>生成 token</translation>
    </message>
    <message>
        <source>Tokens read</source>
        <translation>读取 token</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>读取</translation>
    </message>
    <message>
        <source>First token</source>
        <translation>首个 token</translation>
    </message>
    <message>
        <source>Busy</source>
        <translation>忙碌时间</translation>
    </message>
    <message>
        <source>Energy</source>
        <translation>耗电</translation>
    </message>
    <message>
        <source>%1, of them %2 known from before</source>
        <translation>共 %1，其中 %2 来自缓存</translation>
    </message>
</context>
<context>
    <name>DaysCard</name>
    <message>
        <source>By day and model</source>
        <translation>按日期和模型</translation>
    </message>
    <message>
        <source>Erase what was recorded</source>
        <translation>清除记录</translation>
    </message>
    <message>
        <source>All that was counted and recorded is erased: this table, and the plots with their past.</source>
        <translation>将清除全部统计和记录：此表格，以及曲线的历史数据。</translation>
    </message>
    <message>
        <source>Erase</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Answers are counted here, once a model has given some.</source>
        <translation>模型有了回答之后，这里会显示统计。</translation>
    </message>
    <message>
        <source>Reading…</source>
        <translation>正在读取…</translation>
    </message>
    <message>
        <source>Show %1 older</source>
        <translation>显示更早的 %1 条</translation>
    </message>
</context>
<context>
    <name>DeletedStrip</name>
    <message>
        <source>Deleted</source>
        <translation>最近删除</translation>
    </message>
    <message>
        <source>Models that you deleted stay here for a day.</source>
        <translation>已删除的模型会在此保留一天。</translation>
    </message>
    <message>
        <source>Free %1 now</source>
        <translation>立即释放 %1</translation>
    </message>
    <message>
        <source>Put back</source>
        <translation>恢复</translation>
    </message>
</context>
<context>
    <name>Desk</name>
    <message>
        <source>Add files to this chat</source>
        <translation>向本对话添加文件</translation>
    </message>
    <message>
        <source>Open a model file</source>
        <translation>打开模型文件</translation>
    </message>
</context>
<context>
    <name>DirectCard</name>
    <message>
        <source>Open the link in the browser</source>
        <translation>在浏览器中打开链接</translation>
    </message>
    <message>
        <source>Planning</source>
        <translation>正在规划</translation>
    </message>
    <message>
        <source>memory %1</source>
        <translation>内存 %1</translation>
    </message>
    <message>
        <source>context %1</source>
        <translation>上下文 %1</translation>
    </message>
</context>
<context>
    <name>DoctorDesk</name>
    <message>
        <source>Save report</source>
        <translation>保存报告</translation>
    </message>
    <message>
        <source>Text (*.txt)</source>
        <translation>文本 (*.txt)</translation>
    </message>
</context>
<context>
    <name>DoctorPage</name>
    <message>
        <source>Monitor</source>
        <translation>监控</translation>
    </message>
    <message>
        <source>Back to the monitor</source>
        <translation>返回监控</translation>
    </message>
    <message>
        <source>Check this machine</source>
        <translation>检查本机</translation>
    </message>
    <message>
        <source>Graphics cards, engine, models, databases, keys, disks, network, port. Looking changes nothing.</source>
        <translation>检查显卡、引擎、模型、数据库、密钥、磁盘、网络和端口。检查不会更改任何内容。</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>重新检查</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Save report…</source>
        <translation>保存报告…</translation>
    </message>
    <message>
        <source>Copy report</source>
        <translation>复制报告</translation>
    </message>
    <message>
        <source>Without keys, texts, names and places of yours</source>
        <translation>不含您的密钥、文字、名称和路径</translation>
    </message>
    <message>
        <source>Read every byte of models and databases, too. This may take minutes.</source>
        <translation>同时读取模型和数据库的每个字节，可能需要数分钟。</translation>
    </message>
    <message>
        <source>What needs you</source>
        <translation>需要处理</translation>
    </message>
    <message>
        <source>In order</source>
        <translation>正常</translation>
    </message>
    <message>
        <source>Nothing was looked at yet.</source>
        <translation>尚未检查。</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在检查…</translation>
    </message>
    <message>
        <source>Stopped. What was found until then stands below.</source>
        <translation>已停止，下面是已检查的结果。</translation>
    </message>
    <message>
        <source>1 problem was found.</source>
        <translation>发现 1 个问题。</translation>
    </message>
    <message>
        <source>%1 problems were found.</source>
        <translation>发现 %1 个问题。</translation>
    </message>
    <message>
        <source>Nothing is broken. 1 thing to look at.</source>
        <translation>没有故障，有 1 项需要注意。</translation>
    </message>
    <message>
        <source>Nothing is broken. %1 to look at.</source>
        <translation>没有故障，有 %1 项需要注意。</translation>
    </message>
    <message>
        <source>All is well.</source>
        <translation>一切正常。</translation>
    </message>
</context>
<context>
    <name>DocumentFoot</name>
    <message>
        <source>Unlock</source>
        <translation>解锁</translation>
    </message>
    <message>
        <source>Read again</source>
        <translation>重新读取</translation>
    </message>
    <message>
        <source>Recognise the text</source>
        <translation>识别文字</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Show in its folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Type its password: it is used to read it once and is not kept.</source>
        <translation>请输入密码：仅用于读取一次，不会保存。</translation>
    </message>
    <message>
        <source>The file stays listed. Its text can be recognised with the extra part deskseek[ocr].</source>
        <translation>文件会保留在列表中。安装附加组件 deskseek[ocr] 后即可识别其中的文字。</translation>
    </message>
    <message>
        <source>If that is not so, save it anew with the program it comes from, and read it again.</source>
        <translation>如果并非如此，请用原程序重新保存，再重新读取。</translation>
    </message>
    <message>
        <source>%1 documents chosen</source>
        <translation>已选择 %1 个文档</translation>
    </message>
</context>
<context>
    <name>DocumentsPage</name>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>A new chat whose answers are made from these documents</source>
        <translation>新建对话，并根据这些文档回答</translation>
    </message>
    <message>
        <source>Add a folder</source>
        <translation>添加文件夹</translation>
    </message>
    <message>
        <source>Add files</source>
        <translation>添加文件</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Erase now</source>
        <translation>立即清除</translation>
    </message>
    <message>
        <source>Documents</source>
        <translation>文档</translation>
    </message>
    <message>
        <source>Collection</source>
        <translation>资料库</translation>
    </message>
    <message>
        <source>Order</source>
        <translation>排序</translation>
    </message>
    <message>
        <source>Filter by name or title</source>
        <translation>按名称或标题筛选</translation>
    </message>
    <message>
        <source>Newest first</source>
        <translation>最新添加</translation>
    </message>
    <message>
        <source>By name</source>
        <translation>按名称</translation>
    </message>
    <message>
        <source>By date</source>
        <translation>按日期</translation>
    </message>
    <message>
        <source>By size</source>
        <translation>按大小</translation>
    </message>
    <message>
        <source>By pages</source>
        <translation>按页数</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 / %2</translation>
    </message>
    <message>
        <source>1 document deleted.</source>
        <translation>已删除 1 个文档。</translation>
    </message>
    <message>
        <source>It is erased for good when you leave this page.</source>
        <translation>离开此页面后将彻底清除。</translation>
    </message>
    <message>
        <source>%1 documents deleted.</source>
        <translation>已删除 %1 个文档。</translation>
    </message>
    <message>
        <source>They are erased for good when you leave this page.</source>
        <translation>离开此页面后将彻底清除。</translation>
    </message>
    <message>
        <source>Collection removed.</source>
        <translation>资料库已移除。</translation>
    </message>
    <message>
        <source>Undo puts back the collection “%1”.</source>
        <translation>撤销将恢复资料库“%1”。</translation>
    </message>
    <message>
        <source>Undo puts back “%1”.</source>
        <translation>撤销将恢复“%1”。</translation>
    </message>
    <message>
        <source>Undo puts back the last %1 documents.</source>
        <translation>撤销将恢复最近删除的 %1 个文档。</translation>
    </message>
    <message>
        <source>Erase the quotes in 1 old answer, too</source>
        <translation>同时清除 1 个回答中引用的原文</translation>
    </message>
    <message>
        <source>Erase the quotes in %1 old answers, too</source>
        <translation>同时清除 %1 个回答中引用的原文</translation>
    </message>
    <message>
        <source>All documents</source>
        <translation>全部文档</translation>
    </message>
    <message>
        <source>Add documents</source>
        <translation>添加文档</translation>
    </message>
    <message>
        <source>Add a folder of documents</source>
        <translation>添加文档文件夹</translation>
    </message>
    <message>
        <source>Watch a folder of documents</source>
        <translation>监视文档文件夹</translation>
    </message>
</context>
<context>
    <name>DownloadBar</name>
    <message>
        <source>Download source</source>
        <translation>下载来源</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Download: %1</source>
        <translation>下载：%1</translation>
    </message>
    <message>
        <source>From %1 now.</source>
        <translation>现从 %1 下载。</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在开始…</translation>
    </message>
    <message>
        <source>Waits its turn</source>
        <translation>排队中</translation>
    </message>
    <message>
        <source>Trying again…</source>
        <translation>正在重试…</translation>
    </message>
    <message>
        <source>Next try in %1</source>
        <translation>%1 后重试</translation>
    </message>
    <message>
        <source>Verifying that every byte is right: %1</source>
        <translation>正在校验文件完整性：%1</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>Delete the %1 that have arrived?</source>
        <translation>要删除已下载的 %1 吗？</translation>
    </message>
    <message>
        <source>Discard</source>
        <translation>放弃</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>%1 left</source>
        <translation>剩余 %1</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 / %2</translation>
    </message>
</context>
<context>
    <name>DropVeil</name>
    <message>
        <source>Drop files for this conversation only</source>
        <translation>拖到这里，仅用于本对话</translation>
    </message>
    <message>
        <source>Drop documents here</source>
        <translation>将文档拖到这里</translation>
    </message>
    <message>
        <source>For all conversations, drop them on the page Documents.</source>
        <translation>如需用于所有对话，请拖到“文档”页面。</translation>
    </message>
    <message>
        <source>They are read on this computer and can be searched.</source>
        <translation>文档在本机读取，随后即可搜索。</translation>
    </message>
</context>
<context>
    <name>Editor</name>
    <message>
        <source>Edit your message</source>
        <translation>编辑您的消息</translation>
    </message>
    <message>
        <source>Edit the answer</source>
        <translation>编辑回答</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Shift+Enter for a new line</source>
        <translation>Shift+Enter 换行</translation>
    </message>
    <message>
        <source>Ctrl+Enter when done</source>
        <translation>完成后按 Ctrl+Enter</translation>
    </message>
    <message>
        <source>The pasted text is too long to be written here ({0} characters).</source>
        <translation>粘贴的文本过长，无法直接写入（{0} 个字符）。</translation>
    </message>
</context>
<context>
    <name>EmptyChat</name>
    <message>
        <source>One thing is missing: a model</source>
        <translation>还差一步：选择模型</translation>
    </message>
    <message>
        <source>What can I do for you?</source>
        <translation>有什么可以帮您？</translation>
    </message>
    <message>
        <source>DeskSeek looks at this computer and proposes the DeepSeek model that suits it.</source>
        <translation>DeskSeek 会检测这台电脑，并推荐适合它的 DeepSeek 模型。</translation>
    </message>
    <message>
        <source>Answers are made on this computer. Nothing you write leaves it.</source>
        <translation>回答在这台电脑上生成，您写下的内容不会离开它。</translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation>选择模型</translation>
    </message>
    <message>
        <source>Explain to a ten-year-old how a heat pump works</source>
        <translation>给十岁的孩子讲讲热泵是怎么工作的</translation>
    </message>
    <message>
        <source>Write a polite e-mail that declines a meeting</source>
        <translation>写一封婉拒会议的邮件</translation>
    </message>
    <message>
        <source>Plan three days in Chengdu on a small budget</source>
        <translation>制定一份预算不高的成都三日游计划</translation>
    </message>
    <message>
        <source>Write a Python function that removes duplicate lines from a file</source>
        <translation>写一个去除文件中重复行的 Python 函数</translation>
    </message>
</context>
<context>
    <name>EngineCard</name>
    <message>
        <source>1 answer</source>
        <translation>1 个回答</translation>
    </message>
    <message>
        <source>%1 answers</source>
        <translation>%1 个回答</translation>
    </message>
    <message>
        <source>Idle</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>%1 waiting</source>
        <translation>%1 个等待中</translation>
    </message>
    <message>
        <source>Writes</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>Reads</source>
        <translation>读取</translation>
    </message>
    <message>
        <source>First token after</source>
        <translation>首个 token 用时</translation>
    </message>
    <message>
        <source>Known from before</source>
        <translation>缓存命中</translation>
    </message>
    <message>
        <source>%1 tokens</source>
        <translation>%1 token</translation>
    </message>
    <message>
        <source>Context in use</source>
        <translation>已用上下文</translation>
    </message>
</context>
<context>
    <name>ExportDesk</name>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Import chats</source>
        <translation>导入对话</translation>
    </message>
</context>
<context>
    <name>ExportSheet</name>
    <message>
        <source>Back to the chat</source>
        <translation>返回对话</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>What</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>Where</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>Thinking</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Change…</source>
        <translation>更改…</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Settings of the mark for AI text</source>
        <translation>AI 内容标注的设置</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>The %1 chosen chats</source>
        <translation>所选的 %1 个对话</translation>
    </message>
    <message>
        <source>This message</source>
        <translation>此消息</translation>
    </message>
    <message>
        <source>The chat up to this message</source>
        <translation>截至此消息的对话</translation>
    </message>
    <message>
        <source>The chat as it is shown</source>
        <translation>当前显示的对话</translation>
    </message>
    <message>
        <source>The chat with all its branches</source>
        <translation>对话及其所有分支</translation>
    </message>
    <message>
        <source>All chats</source>
        <translation>所有对话</translation>
    </message>
    <message>
        <source>Text for editors and note apps.</source>
        <translation>纯文本，适合编辑器和笔记应用。</translation>
    </message>
    <message>
        <source>One page for the browser that needs no internet.</source>
        <translation>单个网页，可离线用浏览器打开。</translation>
    </message>
    <message>
        <source>A document to write on in Word or another office program.</source>
        <translation>可在 Word 等办公软件中继续编辑的文档。</translation>
    </message>
    <message>
        <source>Pages to print or to send.</source>
        <translation>适合打印或发送的页面。</translation>
    </message>
    <message>
        <source>Everything, for DeskSeek on another computer or as a copy.</source>
        <translation>完整数据，可用于备份或导入其他电脑上的 DeskSeek。</translation>
    </message>
    <message>
        <source>What the model wrote is marked as AI-generated.</source>
        <translation>模型生成的内容会标明“人工智能生成”。</translation>
    </message>
    <message>
        <source>What the model wrote is not marked as AI-generated; when and what is noted.</source>
        <translation>模型生成的内容不会标注；导出的时间与范围会被记录。</translation>
    </message>
</context>
<context>
    <name>FindBox</name>
    <message>
        <source>Find a model, or paste a link</source>
        <translation>搜索模型，或粘贴链接</translation>
    </message>
    <message>
        <source>Find a model on the hub</source>
        <translation>在站点上搜索模型</translation>
    </message>
    <message>
        <source>Nothing is sent before you press Enter.</source>
        <translation>按下回车之前不会发送任何内容。</translation>
    </message>
</context>
<context>
    <name>FirstRunPage</name>
    <message>
        <source>Welcome to DeskSeek</source>
        <translation>欢迎使用 DeskSeek</translation>
    </message>
    <message>
        <source>It runs DeepSeek on this computer: what you write stays here. It needs a model first, once.</source>
        <translation>DeepSeek 就在这台电脑上运行，您写的内容不会离开本机。首次使用需要先下载一个模型。</translation>
    </message>
    <message>
        <source>On this computer</source>
        <translation>本机已有</translation>
    </message>
    <message>
        <source>On their way</source>
        <translation>正在下载</translation>
    </message>
    <message>
        <source>Others that run here</source>
        <translation>本机还可以运行</translation>
    </message>
    <message>
        <source>All models</source>
        <translation>全部模型</translation>
    </message>
</context>
<context>
    <name>Footer</name>
    <message>
        <source>Copy the answer</source>
        <translation>复制回答</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>重新回答</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Write on from the last word</source>
        <translation>从中断处继续写</translation>
    </message>
    <message>
        <source>Show what follows</source>
        <translation>显示后面的内容</translation>
    </message>
    <message>
        <source>There are messages below this one</source>
        <translation>此条下面还有消息</translation>
    </message>
    <message>
        <source>Edited by you</source>
        <translation>由您修改</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>Cut off: the context is full</source>
        <translation>已截断：上下文已满</translation>
    </message>
    <message>
        <source>First word after {0}</source>
        <translation>{0}后出现第一个字</translation>
    </message>
    <message>
        <source>{0} tokens</source>
        <translation>{0} 个 token</translation>
    </message>
    <message>
        <source>1 token</source>
        <translation>1 个 token</translation>
    </message>
    <message>
        <source>Question and what went before: {0} tokens</source>
        <translation>问题及前文：{0} 个 token</translation>
    </message>
    <message>
        <source>of which {0} were still in memory</source>
        <translation>其中 {0} 个仍在内存中，无需重读</translation>
    </message>
</context>
<context>
    <name>FormulaBlock</name>
    <message>
        <source>Formula</source>
        <translation>公式</translation>
    </message>
</context>
<context>
    <name>Found</name>
    <message>
        <source>Close the search</source>
        <translation>关闭搜索</translation>
    </message>
    <message>
        <source>Download source</source>
        <translation>下载来源</translation>
    </message>
    <message>
        <source>Asking the hub</source>
        <translation>正在询问站点</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在查找…</translation>
    </message>
    <message>
        <source>The search did not work</source>
        <translation>搜索未成功</translation>
    </message>
    <message>
        <source>From your link</source>
        <translation>来自您的链接</translation>
    </message>
    <message>
        <source>Found on %1</source>
        <translation>在 %1 上找到</translation>
    </message>
    <message>
        <source>Nothing with that name is there as GGUF. Try fewer words, such as deepseek.</source>
        <translation>没有找到同名的 GGUF 模型。请减少关键词，例如 deepseek。</translation>
    </message>
</context>
<context>
    <name>Gauge</name>
    <message>
        <source>Monitor: %1</source>
        <translation>监控：%1</translation>
    </message>
    <message>
        <source>Idle</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>Graphics memory %1</source>
        <translation>显存 %1</translation>
    </message>
    <message>
        <source>Memory %1</source>
        <translation>内存 %1</translation>
    </message>
</context>
<context>
    <name>GpuCard</name>
    <message>
        <source>In use</source>
        <translation>使用率</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Power</source>
        <translation>功耗</translation>
    </message>
    <message>
        <source>Clock</source>
        <translation>频率</translation>
    </message>
    <message>
        <source>Memory clock</source>
        <translation>显存频率</translation>
    </message>
    <message>
        <source>Memory bus in use</source>
        <translation>显存带宽占用</translation>
    </message>
    <message>
        <source>Fan</source>
        <translation>风扇</translation>
    </message>
    <message>
        <source>PCIe</source>
        <translation>PCIe</translation>
    </message>
    <message>
        <source>To the card</source>
        <translation>传入显卡</translation>
    </message>
    <message>
        <source>From the card</source>
        <translation>传出显卡</translation>
    </message>
    <message>
        <source>Memory, shared with the processor</source>
        <translation>内存（与处理器共用）</translation>
    </message>
    <message>
        <source>Graphics memory</source>
        <translation>显存</translation>
    </message>
    <message>
        <source>Used %1</source>
        <translation>已用 %1</translation>
    </message>
    <message>
        <source>This program %1</source>
        <translation>本程序 %1</translation>
    </message>
    <message>
        <source>Others %1</source>
        <translation>其他 %1</translation>
    </message>
    <message>
        <source>Free %1</source>
        <translation>可用 %1</translation>
    </message>
</context>
<context>
    <name>HitList</name>
    <message>
        <source>Score %1</source>
        <translation>得分 %1</translation>
    </message>
    <message>
        <source>by its words</source>
        <translation>按词语</translation>
    </message>
    <message>
        <source>by its meaning</source>
        <translation>按语义</translation>
    </message>
    <message>
        <source>by its words in the other language</source>
        <translation>按另一种语言的词语</translation>
    </message>
    <message>
        <source>by reading it again</source>
        <translation>重新研读</translation>
    </message>
    <message>
        <source>%1: place %2</source>
        <translation>%1：第 %2 名</translation>
    </message>
</context>
<context>
    <name>HitRows</name>
    <message>
        <source>also in %1 other documents</source>
        <translation>另见 %1 个文档</translation>
    </message>
    <message>
        <source>also in another document</source>
        <translation>另见 1 个文档</translation>
    </message>
</context>
<context>
    <name>IntakeStrip</name>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>What is read already stays.</source>
        <translation>已读取的会保留。</translation>
    </message>
    <message>
        <source>Documents that are read</source>
        <translation>正在读取的文档</translation>
    </message>
    <message>
        <source>Paused: %1 of %2 documents are read</source>
        <translation>已暂停：已读取 %1 / %2 个文档</translation>
    </message>
    <message>
        <source>Looking for documents…</source>
        <translation>正在查找文档…</translation>
    </message>
    <message>
        <source>Reading documents: %1 of %2</source>
        <translation>正在读取文档：%1 / %2</translation>
    </message>
    <message>
        <source>%1 left</source>
        <translation>剩余 %1</translation>
    </message>
    <message>
        <source>%1 cannot be read</source>
        <translation>%1 个无法读取</translation>
    </message>
    <message>
        <source>What is read already can be searched.</source>
        <translation>已读取的文档可以搜索。</translation>
    </message>
</context>
<context>
    <name>LimitCard</name>
    <message>
        <source>What holds it back</source>
        <translation>瓶颈分析</translation>
    </message>
    <message>
        <source>Load again</source>
        <translation>重新加载</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在检查…</translation>
    </message>
    <message>
        <source>Loading the model again</source>
        <translation>正在重新加载模型</translation>
    </message>
    <message>
        <source>Close what you do not need, then load the model again.</source>
        <translation>关闭不需要的程序，然后重新加载模型。</translation>
    </message>
    <message>
        <source>The driver does not say which. Close what you do not need, then load the model again.</source>
        <translation>驱动未说明是哪些程序。关闭不需要的程序，然后重新加载模型。</translation>
    </message>
</context>
<context>
    <name>MachineCard</name>
    <message>
        <source>This computer</source>
        <translation>这台电脑</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新检测</translation>
    </message>
</context>
<context>
    <name>MachineStrip</name>
    <message>
        <source>Look again</source>
        <translation>重新检测</translation>
    </message>
</context>
<context>
    <name>MakeSmaller</name>
    <message>
        <source>Make a smaller version</source>
        <translation>制作更小的版本</translation>
    </message>
    <message>
        <source>It is computed on this computer from this file; nothing is downloaded.</source>
        <translation>由本机从该文件计算得出，无需下载。</translation>
    </message>
    <message>
        <source>Quant of the smaller version</source>
        <translation>更小版本的量化类型</translation>
    </message>
    <message>
        <source>Choose a quant</source>
        <translation>选择量化类型</translation>
    </message>
    <message>
        <source>Make it</source>
        <translation>开始制作</translation>
    </message>
    <message>
        <source>Working out what it takes…</source>
        <translation>正在估算所需资源…</translation>
    </message>
    <message>
        <source>memory %1</source>
        <translation>内存 %1</translation>
    </message>
    <message>
        <source>%1 of the disk&apos;s %2 free</source>
        <translation>需磁盘空间 %1，可用 %2</translation>
    </message>
</context>
<context>
    <name>MemoryCard</name>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Others %1</source>
        <translation>其他 %1</translation>
    </message>
    <message>
        <source>This program %1</source>
        <translation>本程序 %1</translation>
    </message>
    <message>
        <source>Free %1</source>
        <translation>可用 %1</translation>
    </message>
    <message>
        <source>In use</source>
        <translation>使用率</translation>
    </message>
    <message>
        <source>Swap, on the disk</source>
        <translation>交换空间（磁盘）</translation>
    </message>
    <message>
        <source>Swapping</source>
        <translation>正在交换</translation>
    </message>
    <message>
        <source>From and to the disk</source>
        <translation>与磁盘交换</translation>
    </message>
</context>
<context>
    <name>MemoryTable</name>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>Computing</source>
        <translation>计算</translation>
    </message>
    <message>
        <source>In all</source>
        <translation>合计</translation>
    </message>
    <message>
        <source>Measured</source>
        <translation>实测</translation>
    </message>
    <message>
        <source>Last answer: %1, predicted %2.</source>
        <translation>最近一次回答：%1，预测 %2。</translation>
    </message>
    <message>
        <source>As the engine itself plans it.</source>
        <translation>由引擎自身规划得出。</translation>
    </message>
    <message>
        <source>By formula.</source>
        <translation>按公式估算。</translation>
    </message>
    <message>
        <source>Loads on this computer took %1 more.</source>
        <translation>本机以往加载比预测多占用 %1。</translation>
    </message>
    <message>
        <source>Loads on this computer took %1 less.</source>
        <translation>本机以往加载比预测少占用 %1。</translation>
    </message>
</context>
<context>
    <name>MessageMenu</name>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy as</source>
        <translation>复制为</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>重新回答</translation>
    </message>
    <message>
        <source>Branch into a new chat</source>
        <translation>从这里分出新对话</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Continue from here</source>
        <translation>从这里继续</translation>
    </message>
    <message>
        <source>Delete with what follows</source>
        <translation>删除此条及其后内容</translation>
    </message>
    <message>
        <source>Markdown</source>
        <translation>Markdown</translation>
    </message>
    <message>
        <source>Plain text</source>
        <translation>纯文本</translation>
    </message>
    <message>
        <source>Formatted text</source>
        <translation>带格式文本</translation>
    </message>
</context>
<context>
    <name>ModelCard</name>
    <message>
        <source>Recommended</source>
        <translation>推荐</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Load</source>
        <translation>加载</translation>
    </message>
    <message>
        <source>Unload</source>
        <translation>卸载</translation>
    </message>
    <message>
        <source>Take it off the list (the file stays)</source>
        <translation>从列表中移除（保留文件）</translation>
    </message>
    <message>
        <source>Delete it from this computer</source>
        <translation>从这台电脑删除</translation>
    </message>
    <message>
        <source>Hide the details</source>
        <translation>收起详细信息</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Loading</source>
        <translation>正在加载</translation>
    </message>
    <message>
        <source>Trying it for the first time</source>
        <translation>正在首次试运行</translation>
    </message>
    <message>
        <source>Verifying that every byte is right</source>
        <translation>正在逐字节校验</translation>
    </message>
    <message>
        <source>Fetching what is damaged</source>
        <translation>正在重新下载损坏的部分</translation>
    </message>
    <message>
        <source>Making a smaller version</source>
        <translation>正在制作更小的版本</translation>
    </message>
    <message>
        <source>Copying</source>
        <translation>正在复制</translation>
    </message>
    <message>
        <source>%1 left</source>
        <translation>剩余 %1</translation>
    </message>
    <message>
        <source>In use</source>
        <translation>使用中</translation>
    </message>
    <message>
        <source>Cannot be loaded</source>
        <translation>无法加载</translation>
    </message>
    <message>
        <source>context up to %1</source>
        <translation>上下文最长 %1</translation>
    </message>
</context>
<context>
    <name>ModelChip</name>
    <message>
        <source>Starting…</source>
        <translation>正在启动…</translation>
    </message>
    <message>
        <source>No model yet</source>
        <translation>还没有模型</translation>
    </message>
    <message>
        <source>No model loaded</source>
        <translation>未加载模型</translation>
    </message>
    <message>
        <source>Loading {0}</source>
        <translation>正在加载 {0}</translation>
    </message>
    <message>
        <source>Not loaded: {0}</source>
        <translation>加载失败：{0}</translation>
    </message>
    <message>
        <source>Loads when you ask</source>
        <translation>提问时自动加载</translation>
    </message>
    <message>
        <source>Runs on {0}</source>
        <translation>运行于 {0}</translation>
    </message>
    <message>
        <source>Only in this chat</source>
        <translation>仅用于本对话</translation>
    </message>
    <message>
        <source>Model: {0}</source>
        <translation>模型：{0}</translation>
    </message>
    <message>
        <source>For all chats</source>
        <translation>用于所有对话</translation>
    </message>
    <message>
        <source>Only for this chat</source>
        <translation>仅用于本对话</translation>
    </message>
    <message>
        <source>As for all chats</source>
        <translation>与所有对话相同</translation>
    </message>
    <message>
        <source>Unload</source>
        <translation>卸载</translation>
    </message>
    <message>
        <source>Stop loading</source>
        <translation>停止加载</translation>
    </message>
    <message>
        <source>All models…</source>
        <translation>所有模型…</translation>
    </message>
</context>
<context>
    <name>ModelDetails</name>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Verify the file</source>
        <translation>校验文件</translation>
    </message>
    <message>
        <source>Look for a newer version</source>
        <translation>检查新版本</translation>
    </message>
    <message>
        <source>Show in its folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Planning</source>
        <translation>正在规划</translation>
    </message>
</context>
<context>
    <name>ModelDrop</name>
    <message>
        <source>Drop models here</source>
        <translation>将模型拖放到此处</translation>
    </message>
</context>
<context>
    <name>ModelRow</name>
    <message>
        <source>As in the settings</source>
        <translation>与设置相同</translation>
    </message>
    <message>
        <source>%1 (not on this computer)</source>
        <translation>%1（不在这台电脑上）</translation>
    </message>
</context>
<context>
    <name>ModelsPage</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>On this computer</source>
        <translation>本机已有</translation>
    </message>
    <message>
        <source>On their way</source>
        <translation>正在下载</translation>
    </message>
    <message>
        <source>For this computer</source>
        <translation>适合本机</translation>
    </message>
    <message>
        <source>For documents</source>
        <translation>文档检索</translation>
    </message>
    <message>
        <source>Small models that find the right passages, beside the one that answers.</source>
        <translation>与对话模型同时运行的小模型，用于找出相关段落。</translation>
    </message>
    <message>
        <source>Too large for this computer</source>
        <translation>超出本机能力</translation>
    </message>
    <message>
        <source>Looking at this computer</source>
        <translation>正在检测这台电脑</translation>
    </message>
</context>
<context>
    <name>MonitorDesk</name>
    <message>
        <source>Table of figures (%1)</source>
        <translation>数据表 (%1)</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
</context>
<context>
    <name>MonitorPage</name>
    <message>
        <source>Monitor</source>
        <translation>监控</translation>
    </message>
    <message>
        <source>Check this machine</source>
        <translation>检查本机</translation>
    </message>
    <message>
        <source>Connections</source>
        <translation>网络连接</translation>
    </message>
    <message>
        <source>Export CSV…</source>
        <translation>导出 CSV…</translation>
    </message>
    <message>
        <source>The time that is shown</source>
        <translation>当前显示的时间段</translation>
    </message>
    <message>
        <source>All that was recorded</source>
        <translation>全部记录</translation>
    </message>
    <message>
        <source>Whole time</source>
        <translation>全部时间</translation>
    </message>
    <message>
        <source>Looking at this computer…</source>
        <translation>正在查看本机…</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Cancel the export</source>
        <translation>取消导出</translation>
    </message>
    <message>
        <source>1 min</source>
        <translation>1 分钟</translation>
    </message>
    <message>
        <source>10 min</source>
        <translation>10 分钟</translation>
    </message>
    <message>
        <source>24 h</source>
        <translation>24 小时</translation>
    </message>
    <message>
        <source>Time shown</source>
        <translation>显示的时间</translation>
    </message>
</context>
<context>
    <name>NoDocuments</name>
    <message>
        <source>Add files</source>
        <translation>添加文件</translation>
    </message>
    <message>
        <source>Add a folder</source>
        <translation>添加文件夹</translation>
    </message>
    <message>
        <source>Show all</source>
        <translation>全部显示</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Drop documents here</source>
        <translation>将文档拖到这里</translation>
    </message>
    <message>
        <source>PDF, Word, PowerPoint, Excel, e-mail, web pages, books, notes and code. They are read on this computer, and can be searched at once, without a model.</source>
        <translation>支持 PDF、Word、PowerPoint、Excel、邮件、网页、电子书、笔记和代码。文档在本机读取，无需模型即可搜索。</translation>
    </message>
    <message>
        <source>Nothing is in this collection yet</source>
        <translation>此资料库还没有文档</translation>
    </message>
    <message>
        <source>Drop documents here, or choose files or a folder of them.</source>
        <translation>将文档拖到这里，或选择文件、文件夹。</translation>
    </message>
    <message>
        <source>No document is called that</source>
        <translation>没有匹配的文档</translation>
    </message>
    <message>
        <source>Looked for: %1</source>
        <translation>筛选条件：%1</translation>
    </message>
    <message>
        <source>Opening the documents</source>
        <translation>正在打开文档库</translation>
    </message>
</context>
<context>
    <name>NoGpuCard</name>
    <message>
        <source>No graphics card</source>
        <translation>没有显卡</translation>
    </message>
    <message>
        <source>None was found whose figures can be read. Models run on the processor.</source>
        <translation>没有找到可读取数据的显卡，模型在处理器上运行。</translation>
    </message>
</context>
<context>
    <name>NotifyingController</name>
    <message>
        <source>The answer is done.</source>
        <translation>回答已完成。</translation>
    </message>
    <message>
        <source>There is no whole answer.</source>
        <translation>回答未能完成。</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>新对话</translation>
    </message>
</context>
<context>
    <name>Offers</name>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Download source</source>
        <translation>下载来源</translation>
    </message>
    <message>
        <source>Reading what there is</source>
        <translation>正在读取文件列表</translation>
    </message>
    <message>
        <source>All %1 files</source>
        <translation>全部 %1 个文件</translation>
    </message>
    <message>
        <source>This is from %1.</source>
        <translation>以下内容来自 %1。</translation>
    </message>
</context>
<context>
    <name>OptionRow</name>
    <message>
        <source>As usual again</source>
        <translation>恢复默认</translation>
    </message>
    <message>
        <source>As usual again: %1</source>
        <translation>恢复默认：%1</translation>
    </message>
</context>
<context>
    <name>OptionSheet</name>
    <message>
        <source>Chat settings</source>
        <translation>对话设置</translation>
    </message>
    <message>
        <source>Close the chat settings</source>
        <translation>关闭对话设置</translation>
    </message>
    <message>
        <source>How words are chosen</source>
        <translation>取词方式</translation>
    </message>
    <message>
        <source>All as usual again</source>
        <translation>全部恢复默认</translation>
    </message>
    <message>
        <source>They hold for this chat, from the next answer on.</source>
        <translation>仅用于本对话，从下一个回答开始生效。</translation>
    </message>
    <message>
        <source>For the next chat.</source>
        <translation>用于下一个对话。</translation>
    </message>
    <message>
        <source>In the settings: %1</source>
        <translation>设置中：%1</translation>
    </message>
    <message>
        <source>Usual: another one each time.</source>
        <translation>默认：每次不同。</translation>
    </message>
    <message>
        <source>any</source>
        <translation>随机</translation>
    </message>
    <message>
        <source>Usual: as long as there is room.</source>
        <translation>默认：只要上下文放得下。</translation>
    </message>
    <message>
        <source>no limit</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>Publisher&apos;s: %1</source>
        <translation>发布者建议：%1</translation>
    </message>
    <message>
        <source>Usual: %1</source>
        <translation>默认：%1</translation>
    </message>
</context>
<context>
    <name>OrganisingController</name>
    <message>
        <source>Copy of %1</source>
        <translation>%1 的副本</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>新建文件夹</translation>
    </message>
    <message>
        <source>New folder %1</source>
        <translation>新建文件夹 %1</translation>
    </message>
</context>
<context>
    <name>OtherSources</name>
    <message>
        <source>Try %1</source>
        <translation>试试 %1</translation>
    </message>
</context>
<context>
    <name>OwnFileButton</name>
    <message>
        <source>I have a file…</source>
        <translation>我有模型文件…</translation>
    </message>
    <message>
        <source>Use GGUF files that are on this computer already; they stay where they are</source>
        <translation>使用本机已有的 GGUF 文件，文件保留在原处</translation>
    </message>
    <message>
        <source>I have a model file</source>
        <translation>我有模型文件</translation>
    </message>
    <message>
        <source>A model file…</source>
        <translation>模型文件…</translation>
    </message>
    <message>
        <source>A folder, or another program&apos;s models…</source>
        <translation>文件夹，或其他程序的模型…</translation>
    </message>
    <message>
        <source>Choose a model file</source>
        <translation>选择模型文件</translation>
    </message>
    <message>
        <source>Models (*.gguf)</source>
        <translation>模型 (*.gguf)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
    <message>
        <source>Choose a folder with models</source>
        <translation>选择含有模型的文件夹</translation>
    </message>
</context>
<context>
    <name>ParagraphRow</name>
    <message>
        <source>Use none in this chat</source>
        <translation>本对话不使用指令</translation>
    </message>
    <message>
        <source>None, also not those of the settings.</source>
        <translation>无指令，也不使用设置中的指令。</translation>
    </message>
    <message>
        <source>As in the settings: %1</source>
        <translation>与设置相同：%1</translation>
    </message>
    <message>
        <source>For example: Answer in short sentences.</source>
        <translation>例如：请用短句回答。</translation>
    </message>
</context>
<context>
    <name>PasswordField</name>
    <message>
        <source>Password of the document</source>
        <translation>文档密码</translation>
    </message>
</context>
<context>
    <name>PlotCard</name>
    <message>
        <source>Speed of writing</source>
        <translation>生成速度</translation>
    </message>
    <message>
        <source>Speed of reading</source>
        <translation>读取速度</translation>
    </message>
    <message>
        <source>In use</source>
        <translation>使用率</translation>
    </message>
    <message>
        <source>Graphics memory</source>
        <translation>显存</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Power</source>
        <translation>功耗</translation>
    </message>
    <message>
        <source>Disk and network</source>
        <translation>磁盘与网络</translation>
    </message>
</context>
<context>
    <name>PresetList</name>
    <message>
        <source>Presets</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>Keep these settings as a preset</source>
        <translation>将当前设置存为预设</translation>
    </message>
    <message>
        <source>Add a preset from a file…</source>
        <translation>从文件添加预设…</translation>
    </message>
    <message>
        <source>Name of the preset, then Enter</source>
        <translation>预设名称，按 Enter 保存</translation>
    </message>
    <message>
        <source>Name of the preset</source>
        <translation>预设名称</translation>
    </message>
    <message>
        <source>None yet. Keep settings that you need again as a preset.</source>
        <translation>还没有预设。可将常用设置存为预设。</translation>
    </message>
    <message>
        <source>In use here: %1</source>
        <translation>本对话正在使用：%1</translation>
    </message>
    <message>
        <source>Use in this chat: %1</source>
        <translation>用于本对话：%1</translation>
    </message>
    <message>
        <source>More about %1</source>
        <translation>%1：更多操作</translation>
    </message>
    <message>
        <source>new chats</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Use for new chats</source>
        <translation>用于新对话</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Save as a file…</source>
        <translation>另存为文件…</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Add a preset from a file</source>
        <translation>从文件添加预设</translation>
    </message>
    <message>
        <source>Save the preset as a file</source>
        <translation>将预设另存为文件</translation>
    </message>
    <message>
        <source>Presets (*.json)</source>
        <translation>预设 (*.json)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
</context>
<context>
    <name>ProcessorCard</name>
    <message>
        <source>Processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>Slowed down: heat or power</source>
        <translation>已降频：过热或功耗</translation>
    </message>
    <message>
        <source>On battery</source>
        <translation>使用电池</translation>
    </message>
    <message>
        <source>In use</source>
        <translation>使用率</translation>
    </message>
    <message>
        <source>Each core: %1</source>
        <translation>各核心：%1</translation>
    </message>
    <message>
        <source>By this program</source>
        <translation>本程序占用</translation>
    </message>
    <message>
        <source>Clock</source>
        <translation>频率</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
</context>
<context>
    <name>Progress</name>
    <message>
        <source>One moment…</source>
        <translation>请稍候…</translation>
    </message>
    <message>
        <source>Waiting for the model…</source>
        <translation>正在等待模型…</translation>
    </message>
    <message>
        <source>Searching the documents…</source>
        <translation>正在搜索文档……</translation>
    </message>
    <message>
        <source>Read {0} of {1} passages…</source>
        <translation>已阅读 {1} 段中的 {0} 段……</translation>
    </message>
    <message>
        <source>Paused: others go first. It goes on by itself.</source>
        <translation>已暂停：先处理其他回答，随后自动继续。</translation>
    </message>
    <message>
        <source>Trying {0} for the first time…</source>
        <translation>正在首次试运行 {0}…</translation>
    </message>
    <message>
        <source>Loading {0}…</source>
        <translation>正在加载 {0}…</translation>
    </message>
    <message>
        <source>Reading the question…</source>
        <translation>正在阅读问题…</translation>
    </message>
    <message>
        <source>Thinking…</source>
        <translation>正在思考…</translation>
    </message>
    <message>
        <source>Writing…</source>
        <translation>正在回答…</translation>
    </message>
    <message>
        <source>Waiting: one answer comes first…</source>
        <translation>等待中：前面还有 1 个回答…</translation>
    </message>
    <message>
        <source>Waiting: {0} answers come first…</source>
        <translation>等待中：前面还有 {0} 个回答…</translation>
    </message>
</context>
<context>
    <name>PromptEditor</name>
    <message>
        <source>Saved prompts</source>
        <translation>已保存的提示词</translation>
    </message>
    <message>
        <source>New prompt</source>
        <translation>新建提示词</translation>
    </message>
    <message>
        <source>Close the saved prompts</source>
        <translation>关闭提示词</translation>
    </message>
    <message>
        <source>Suggestions: they are yours once you change and save one.</source>
        <translation>建议：修改并保存后即成为您自己的提示词。</translation>
    </message>
</context>
<context>
    <name>PromptList</name>
    <message>
        <source>Suggestions</source>
        <translation>建议</translation>
    </message>
    <message>
        <source>Saved prompts</source>
        <translation>已保存的提示词</translation>
    </message>
    <message>
        <source>Change saved prompts…</source>
        <translation>管理提示词…</translation>
    </message>
</context>
<context>
    <name>Prose</name>
    <message>
        <source>Text</source>
        <translation>正文</translation>
    </message>
    <message>
        <source>Open the source</source>
        <translation>打开来源</translation>
    </message>
    <message>
        <source>The source says so. Open it</source>
        <translation>与来源一致，点击打开</translation>
    </message>
    <message>
        <source>The source does not say so. Open it</source>
        <translation>来源中没有这样说，点击打开</translation>
    </message>
    <message>
        <source>Could not be checked: another language. Open the source</source>
        <translation>语言不同，无法核对，点击打开来源</translation>
    </message>
</context>
<context>
    <name>Question</name>
    <message>
        <source>Text of your message</source>
        <translation>您的消息正文</translation>
    </message>
    <message>
        <source>Your message</source>
        <translation>您的消息</translation>
    </message>
    <message>
        <source>Your message, {0} of {1} versions</source>
        <translation>您的消息，第 {0} 个版本，共 {1} 个</translation>
    </message>
</context>
<context>
    <name>QuickQuestion</name>
    <message>
        <source>Quick question</source>
        <translation>快速提问</translation>
    </message>
    <message>
        <source>Ask anything</source>
        <translation>输入任何问题</translation>
    </message>
    <message>
        <source>Your question</source>
        <translation>您的问题</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Open in DeskSeek</source>
        <translation>在 DeskSeek 中打开</translation>
    </message>
    <message>
        <source>Esc closes. The answer is kept among the chats.</source>
        <translation>按 Esc 关闭，回答会保存在对话列表中。</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation>停止回答</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
</context>
<context>
    <name>Rail</name>
    <message>
        <source>Chat</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Documents</source>
        <translation>文档</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>API</source>
        <translation>API</translation>
    </message>
    <message>
        <source>Monitor</source>
        <translation>监控</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>About</source>
        <translation>关于</translation>
    </message>
    <message>
        <source>Offline</source>
        <translation>离线</translation>
    </message>
    <message>
        <source>Offline: nothing leaves this computer</source>
        <translation>离线模式：不会有数据离开本机</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>菜单</translation>
    </message>
</context>
<context>
    <name>ReadOnlyText</name>
    <message>
        <source>Copy the selection</source>
        <translation>复制所选内容</translation>
    </message>
    <message>
        <source>Copy the address</source>
        <translation>复制地址</translation>
    </message>
</context>
<context>
    <name>Recommended</name>
    <message>
        <source>Recommended for this computer</source>
        <translation>为这台电脑推荐</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>开始使用</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新检测</translation>
    </message>
    <message>
        <source>Download and start  ·  %1</source>
        <translation>下载并开始  ·  %1</translation>
    </message>
    <message>
        <source>Close other programs and look again, or use a smaller model file of your own.</source>
        <translation>请关闭其他程序后重新检测，或使用您自己的较小的模型文件。</translation>
    </message>
    <message>
        <source>Loading %1</source>
        <translation>正在加载 %1</translation>
    </message>
    <message>
        <source>Trying %1 for the first time</source>
        <translation>正在首次试运行 %1</translation>
    </message>
    <message>
        <source>Looking at this computer</source>
        <translation>正在检测这台电脑</translation>
    </message>
    <message>
        <source>It is loaded by itself when it is here, and the chat opens.</source>
        <translation>下载完成后会自动加载并打开对话。</translation>
    </message>
    <message>
        <source>It is loaded and ready.</source>
        <translation>已加载，可以使用。</translation>
    </message>
</context>
<context>
    <name>Remembered</name>
    <message>
        <source>%1 of what was read is kept on this disk. Forgetting it costs nothing but time.</source>
        <translation>本机磁盘上保留了 %1 已读内容。清除后只是需要重新读取。</translation>
    </message>
    <message>
        <source>Nothing of what was read is kept on this disk now.</source>
        <translation>本机磁盘上目前没有保留已读内容。</translation>
    </message>
    <message>
        <source>Forget</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Forget what was read</source>
        <translation>清除已读内容</translation>
    </message>
</context>
<context>
    <name>Repository</name>
    <message>
        <source>In the catalogue</source>
        <translation>目录中已有</translation>
    </message>
    <message>
        <source>Wants a sign-in</source>
        <translation>需要登录</translation>
    </message>
    <message>
        <source>%1 downloads</source>
        <translation>%1 次下载</translation>
    </message>
    <message>
        <source>changed %1</source>
        <translation>更新于 %1</translation>
    </message>
    <message>
        <source>Hide files</source>
        <translation>收起文件</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
</context>
<context>
    <name>ScopeChip</name>
    <message>
        <source>Documents: {0}</source>
        <translation>文档：{0}</translation>
    </message>
    <message>
        <source>Which documents the answer is made from</source>
        <translation>回答所依据的文档</translation>
    </message>
    <message>
        <source>No documents</source>
        <translation>不使用文档</translation>
    </message>
    <message>
        <source>All documents</source>
        <translation>全部文档</translation>
    </message>
    <message>
        <source>1 file of this chat</source>
        <translation>本对话的 1 个文件</translation>
    </message>
    <message>
        <source>{0} files of this chat</source>
        <translation>本对话的 {0} 个文件</translation>
    </message>
    <message>
        <source>1 document</source>
        <translation>1 个文档</translation>
    </message>
    <message>
        <source>{0} documents</source>
        <translation>{0} 个文档</translation>
    </message>
    <message>
        <source>Documents</source>
        <translation>文档</translation>
    </message>
    <message>
        <source>{0} collections</source>
        <translation>{0} 个文档集</translation>
    </message>
    <message>
        <source>Only the files of this chat ({0})</source>
        <translation>仅本对话的文件（{0}）</translation>
    </message>
    <message>
        <source>Add files to this chat…</source>
        <translation>向本对话添加文件……</translation>
    </message>
    <message>
        <source>All documents of this computer…</source>
        <translation>查看本机的所有文档……</translation>
    </message>
</context>
<context>
    <name>SearchFilters</name>
    <message>
        <source>Collection</source>
        <translation>资料库</translation>
    </message>
    <message>
        <source>Kind of document</source>
        <translation>文档类型</translation>
    </message>
    <message>
        <source>Date</source>
        <translation>日期</translation>
    </message>
    <message>
        <source>Every kind</source>
        <translation>所有类型</translation>
    </message>
    <message>
        <source>Texts</source>
        <translation>文字文档</translation>
    </message>
    <message>
        <source>Slides</source>
        <translation>幻灯片</translation>
    </message>
    <message>
        <source>Tables</source>
        <translation>表格</translation>
    </message>
    <message>
        <source>E-mail</source>
        <translation>邮件</translation>
    </message>
    <message>
        <source>Web pages and books</source>
        <translation>网页和电子书</translation>
    </message>
    <message>
        <source>Code</source>
        <translation>代码</translation>
    </message>
    <message>
        <source>Any date</source>
        <translation>任何日期</translation>
    </message>
    <message>
        <source>Last 30 days</source>
        <translation>最近 30 天</translation>
    </message>
    <message>
        <source>Last 12 months</source>
        <translation>最近 12 个月</translation>
    </message>
    <message>
        <source>Older than a year</source>
        <translation>一年以前</translation>
    </message>
    <message>
        <source>All documents</source>
        <translation>全部文档</translation>
    </message>
    <message>
        <source>Only:</source>
        <translation>仅限：</translation>
    </message>
    <message>
        <source>%1 (%2 documents)</source>
        <translation>%1（%2 个文档）</translation>
    </message>
    <message>
        <source>%1 (1 document)</source>
        <translation>%1（1 个文档）</translation>
    </message>
    <message>
        <source>Search in the others, too</source>
        <translation>同时搜索其他文档</translation>
    </message>
    <message>
        <source>No longer only %1</source>
        <translation>不再仅限 %1</translation>
    </message>
</context>
<context>
    <name>SearchPage</name>
    <message>
        <source>Search in the documents</source>
        <translation>搜索文档</translation>
    </message>
    <message>
        <source>Passages that were found</source>
        <translation>找到的段落</translation>
    </message>
    <message>
        <source>Add documents</source>
        <translation>添加文档</translation>
    </message>
    <message>
        <source>Search everywhere</source>
        <translation>搜索全部</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Also searched for: %1</source>
        <translation>同时搜索：%1</translation>
    </message>
    <message>
        <source>%1 documents are still being read. What they say appears here by itself.</source>
        <translation>还有 %1 个文档正在读取，完成后会自动出现在这里。</translation>
    </message>
    <message>
        <source>1 document is still being read. What it says appears here by itself.</source>
        <translation>还有 1 个文档正在读取，完成后会自动出现在这里。</translation>
    </message>
    <message>
        <source>%1 passages from %2 documents</source>
        <translation>%2 个文档中的 %1 个段落</translation>
    </message>
    <message>
        <source>1 passage from %2 documents</source>
        <translation>%2 个文档中的 1 个段落</translation>
    </message>
    <message>
        <source>1 passage from 1 document</source>
        <translation>1 个文档中的 1 个段落</translation>
    </message>
    <message>
        <source>%1 passages from 1 document</source>
        <translation>1 个文档中的 %1 个段落</translation>
    </message>
    <message>
        <source>looking further…</source>
        <translation>继续查找…</translation>
    </message>
    <message>
        <source>none of them may be what you look for</source>
        <translation>可能都不是您要找的</translation>
    </message>
    <message>
        <source>Searching</source>
        <translation>正在搜索</translation>
    </message>
    <message>
        <source>There is nothing to search yet</source>
        <translation>还没有可搜索的文档</translation>
    </message>
    <message>
        <source>Drop documents on the window, or add them. Searching needs no model.</source>
        <translation>将文档拖入窗口，或点击添加。搜索无需模型。</translation>
    </message>
    <message>
        <source>Search in %1 documents</source>
        <translation>在 %1 个文档中搜索</translation>
    </message>
    <message>
        <source>Search in 1 document</source>
        <translation>在 1 个文档中搜索</translation>
    </message>
    <message>
        <source>A few words, a number or a whole question. What is found stands on its page beside it.</source>
        <translation>输入几个词、一个数字或完整的问题，结果会与所在页面并排显示。</translation>
    </message>
    <message>
        <source>Nothing found in %1 documents</source>
        <translation>在 %1 个文档中未找到</translation>
    </message>
    <message>
        <source>Nothing found in 1 document</source>
        <translation>在 1 个文档中未找到</translation>
    </message>
    <message>
        <source>Try other or fewer words.</source>
        <translation>请换用其他词语，或减少词语。</translation>
    </message>
</context>
<context>
    <name>SettingRow</name>
    <message>
        <source>Takes effect at the next start.</source>
        <translation>下次启动时生效。</translation>
    </message>
    <message>
        <source>Back to the default</source>
        <translation>恢复默认值</translation>
    </message>
    <message>
        <source>Back to the default: %1</source>
        <translation>恢复默认值：%1</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Choose: %1</source>
        <translation>选择：%1</translation>
    </message>
    <message>
        <source>The last one used</source>
        <translation>上次使用的模型</translation>
    </message>
</context>
<context>
    <name>SettingsPage</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
</context>
<context>
    <name>SourceCard</name>
    <message>
        <source>Address</source>
        <translation>地址</translation>
    </message>
    <message>
        <source>If that fails</source>
        <translation>备用站点</translation>
    </message>
    <message>
        <source>Proxy</source>
        <translation>代理</translation>
    </message>
    <message>
        <source>Access token</source>
        <translation>访问令牌</translation>
    </message>
    <message>
        <source>At most</source>
        <translation>限速</translation>
    </message>
    <message>
        <source>Stay offline</source>
        <translation>离线模式</translation>
    </message>
    <message>
        <source>Address to download from</source>
        <translation>下载地址</translation>
    </message>
    <message>
        <source>Addresses to try when that fails</source>
        <translation>主站点失败时尝试的地址</translation>
    </message>
    <message>
        <source>None. Several are tried in turn, with commas between them</source>
        <translation>未设置。可填写多个，用逗号分隔，依次尝试</translation>
    </message>
    <message>
        <source>As the system, or http://127.0.0.1:7890</source>
        <translation>跟随系统，或 http://127.0.0.1:7890</translation>
    </message>
    <message>
        <source>Download at most so many megabytes a second</source>
        <translation>下载速度上限（MB/秒）</translation>
    </message>
    <message>
        <source>No limit</source>
        <translation>不限速</translation>
    </message>
    <message>
        <source>MB/s, over</source>
        <translation>MB/秒，使用</translation>
    </message>
    <message>
        <source>Connections for a download</source>
        <translation>每个下载的连接数</translation>
    </message>
    <message>
        <source>connections</source>
        <translation>个连接</translation>
    </message>
    <message>
        <source>Download from %1</source>
        <translation>从 %1 下载</translation>
    </message>
    <message>
        <source>Try %1 when that fails</source>
        <translation>失败时尝试 %1</translation>
    </message>
    <message>
        <source>Offline: nothing is downloaded. Change…</source>
        <translation>离线模式：不会下载任何内容。更改…</translation>
    </message>
    <message>
        <source>Downloads come from %1. Mirror, proxy, token…</source>
        <translation>下载站点：%1。镜像、代理、令牌…</translation>
    </message>
    <message>
        <source>Mirror, proxy, token…</source>
        <translation>镜像、代理、令牌…</translation>
    </message>
    <message>
        <source>Downloads come from %1, else from %2. Mirror, proxy, token…</source>
        <translation>下载站点：%1，备用：%2。镜像、代理、令牌…</translation>
    </message>
    <message>
        <source>Opens and closes the settings for downloads</source>
        <translation>展开或收起下载设置</translation>
    </message>
    <message>
        <source>Where downloads come from</source>
        <translation>下载来源</translation>
    </message>
</context>
<context>
    <name>SourceRow</name>
    <message>
        <source>A document that is erased</source>
        <translation>已清除的文档</translation>
    </message>
    <message>
        <source>The source says so</source>
        <translation>与来源一致</translation>
    </message>
    <message>
        <source>Not in the source</source>
        <translation>来源中没有</translation>
    </message>
    <message>
        <source>Not checkable: another language</source>
        <translation>语言不同，无法核对</translation>
    </message>
    <message>
        <source>Source deleted</source>
        <translation>来源已删除</translation>
    </message>
    <message>
        <source>Source {0}: {1}</source>
        <translation>来源 {0}：{1}</translation>
    </message>
    <message>
        <source>Open it where it says so</source>
        <translation>打开并定位到原文</translation>
    </message>
</context>
<context>
    <name>Sources</name>
    <message>
        <source>Sources</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>How this was found</source>
        <translation>查找过程</translation>
    </message>
    <message>
        <source>Show {0} more that were read</source>
        <translation>显示另外 {0} 段读过的内容</translation>
    </message>
    <message>
        <source>Narrowed to</source>
        <translation>仅限符合以下条件的文档</translation>
    </message>
    <message>
        <source>Answer again without this limit</source>
        <translation>去掉此限制并重新回答</translation>
    </message>
    <message>
        <source>Without “{0}”</source>
        <translation>去掉“{0}”</translation>
    </message>
</context>
<context>
    <name>TableBlock</name>
    <message>
        <source>Table</source>
        <translation>表格</translation>
    </message>
</context>
<context>
    <name>TextPane</name>
    <message>
        <source>Text of the document</source>
        <translation>文档文字</translation>
    </message>
</context>
<context>
    <name>Thinking</name>
    <message>
        <source>Thinking {0} s</source>
        <translation>正在思考 {0} 秒</translation>
    </message>
    <message>
        <source>{0} of at most {1} tokens</source>
        <translation>{0} / 最多 {1} 个 token</translation>
    </message>
    <message>
        <source>Thought for {0} s</source>
        <translation>思考了 {0} 秒</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Ending…</source>
        <translation>正在结束…</translation>
    </message>
    <message>
        <source>Answer now</source>
        <translation>立即回答</translation>
    </message>
    <message>
        <source>End the thinking and write the answer</source>
        <translation>结束思考，直接写回答</translation>
    </message>
    <message>
        <source>Hide the thoughts</source>
        <translation>收起思考过程</translation>
    </message>
    <message>
        <source>Show the thoughts</source>
        <translation>展开思考过程</translation>
    </message>
    <message>
        <source>1 token</source>
        <translation>1 个 token</translation>
    </message>
    <message>
        <source>{0} tokens</source>
        <translation>{0} 个 token</translation>
    </message>
</context>
<context>
    <name>TokenField</name>
    <message>
        <source>Hub of the access token</source>
        <translation>访问令牌所属站点</translation>
    </message>
    <message>
        <source>Access token</source>
        <translation>访问令牌</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Save the access token</source>
        <translation>保存访问令牌</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Remove the access token</source>
        <translation>移除访问令牌</translation>
    </message>
    <message>
        <source>Looking into the keyring…</source>
        <translation>正在读取密钥环…</translation>
    </message>
    <message>
        <source>None</source>
        <translation>未设置</translation>
    </message>
    <message>
        <source>There is one for %1.</source>
        <translation>已设置用于 %1 的令牌。</translation>
    </message>
    <message>
        <source>Only for models that want a sign-in. It is sent to %1 alone.</source>
        <translation>仅用于需要登录的模型，且只会发送给 %1。</translation>
    </message>
</context>
<context>
    <name>Transcript</name>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
</context>
<context>
    <name>TransferCard</name>
    <message>
        <source>Disk and network, of this program</source>
        <translation>本程序的磁盘与网络</translation>
    </message>
    <message>
        <source>Read</source>
        <translation>读取</translation>
    </message>
    <message>
        <source>Written</source>
        <translation>写入</translation>
    </message>
    <message>
        <source>From the net</source>
        <translation>从网络接收</translation>
    </message>
    <message>
        <source>To the net</source>
        <translation>发送到网络</translation>
    </message>
    <message>
        <source>From programs</source>
        <translation>从程序接收</translation>
    </message>
    <message>
        <source>To programs</source>
        <translation>发送给程序</translation>
    </message>
    <message>
        <source>%1 free</source>
        <translation>剩余 %1</translation>
    </message>
    <message>
        <source>Disk of the models</source>
        <translation>模型所在磁盘</translation>
    </message>
</context>
<context>
    <name>Tray</name>
    <message>
        <source>Open DeskSeek</source>
        <translation>打开 DeskSeek</translation>
    </message>
    <message>
        <source>Quick question</source>
        <translation>快速提问</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>API: on, port {0}</source>
        <translation>API：已开启，端口 {0}</translation>
    </message>
    <message>
        <source>API: off</source>
        <translation>API：已关闭</translation>
    </message>
</context>
<context>
    <name>Uses</name>
    <message>
        <source>Mostly for</source>
        <translation>主要用于</translation>
    </message>
    <message>
        <source>Chat</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Long documents</source>
        <translation>长文档</translation>
    </message>
    <message>
        <source>Code</source>
        <translation>编程</translation>
    </message>
    <message>
        <source>Maths</source>
        <translation>数学</translation>
    </message>
</context>
<context>
    <name>Variants</name>
    <message>
        <source>Earlier answer</source>
        <translation>上一个回答</translation>
    </message>
    <message>
        <source>Earlier version</source>
        <translation>上一个版本</translation>
    </message>
    <message>
        <source>Later answer</source>
        <translation>下一个回答</translation>
    </message>
    <message>
        <source>Later version</source>
        <translation>下一个版本</translation>
    </message>
</context>
<context>
    <name>Versions</name>
    <message>
        <source>Versions</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>In use</source>
        <translation>使用中</translation>
    </message>
    <message>
        <source>Use this one</source>
        <translation>使用此版本</translation>
    </message>
</context>
<context>
    <name>Viewer</name>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Copy the passage with its source</source>
        <translation>复制段落及出处</translation>
    </message>
    <message>
        <source>Show in its folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Open in its own program</source>
        <translation>用默认程序打开</translation>
    </message>
    <message>
        <source>Show large</source>
        <translation>放大显示</translation>
    </message>
    <message>
        <source>Read again</source>
        <translation>重新读取</translation>
    </message>
    <message>
        <source>Show the text</source>
        <translation>显示文字</translation>
    </message>
    <message>
        <source>Unlock</source>
        <translation>解锁</translation>
    </message>
    <message>
        <source>The pages are locked with a password. It is not kept.</source>
        <translation>页面已用密码锁定。密码不会保存。</translation>
    </message>
    <message>
        <source>Opening…</source>
        <translation>正在打开…</translation>
    </message>
    <message>
        <source>Pages of the document</source>
        <translation>文档页面</translation>
    </message>
    <message>
        <source>The file is no longer there. This is the text that was read from it.</source>
        <translation>文件已不存在。以下是先前读取的文字。</translation>
    </message>
    <message>
        <source>The file has changed since it was read: the passage may stand elsewhere now.</source>
        <translation>文件在读取后有改动：段落位置可能已变化。</translation>
    </message>
    <message>
        <source>The passage cannot be marked on this page. It is marked in the text that was read.</source>
        <translation>无法在此页面上标出段落，可在读取的文字中查看。</translation>
    </message>
    <message>
        <source>The pages cannot be shown. This is the text that was read from them.</source>
        <translation>无法显示页面。以下是从中读取的文字。</translation>
    </message>
    <message>
        <source>That is not the password of these pages.</source>
        <translation>密码不正确。</translation>
    </message>
</context>
<context>
    <name>ViewerBar</name>
    <message>
        <source>Page</source>
        <translation>页码</translation>
    </message>
    <message>
        <source>Page before</source>
        <translation>上一页</translation>
    </message>
    <message>
        <source>Next page</source>
        <translation>下一页</translation>
    </message>
    <message>
        <source>Smaller</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Larger</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>As wide as the window</source>
        <translation>适合宽度</translation>
    </message>
    <message>
        <source>Passage before</source>
        <translation>上一处</translation>
    </message>
    <message>
        <source>Next passage</source>
        <translation>下一处</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文字</translation>
    </message>
    <message>
        <source>The text that was read, instead of the pages</source>
        <translation>显示读取的文字而非页面</translation>
    </message>
    <message>
        <source>of %1</source>
        <translation>/ %1</translation>
    </message>
    <message>
        <source>Passage %1 of %2</source>
        <translation>第 %1 处，共 %2 处</translation>
    </message>
</context>
<context>
    <name>WatchedRow</name>
    <message>
        <source>No longer watch %1</source>
        <translation>停止监视 %1</translation>
    </message>
</context>
<context>
    <name>WorkingRow</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>XRayPage</name>
    <message>
        <source>Back to the chat</source>
        <translation>返回对话</translation>
    </message>
    <message>
        <source>How this was found</source>
        <translation>查找过程</translation>
    </message>
    <message>
        <source>Passages</source>
        <translation>段落</translation>
    </message>
    <message>
        <source>What the context was used for</source>
        <translation>上下文的用途</translation>
    </message>
    <message>
        <source>What the model was given</source>
        <translation>提供给模型的内容</translation>
    </message>
    <message>
        <source>Searched for</source>
        <translation>检索内容</translation>
    </message>
    <message>
        <source>And in the other language</source>
        <translation>另一种语言的检索内容</translation>
    </message>
    <message>
        <source>Documents</source>
        <translation>文档</translation>
    </message>
    <message>
        <source>They fit the context: the model read them whole</source>
        <translation>可放入上下文：模型已通读全文</translation>
    </message>
    <message>
        <source>{0} read, {1} searched</source>
        <translation>阅读 {0} 个，搜索 {1} 个</translation>
    </message>
    <message>
        <source>Narrowed to</source>
        <translation>限定范围</translation>
    </message>
    <message>
        <source>, </source>
        <translation>、</translation>
    </message>
    <message>
        <source>Methods</source>
        <translation>方法</translation>
    </message>
    <message>
        <source>Evidence</source>
        <translation>依据</translation>
    </message>
    <message>
        <source>Weak: nothing clearly speaks of what was asked</source>
        <translation>不足：没有明确涉及所问的内容</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>用时</translation>
    </message>
    <message>
        <source>{0} s</source>
        <translation>{0} 秒</translation>
    </message>
    <message>
        <source>{0} failed{1}</source>
        <translation>{0}失败{1}</translation>
    </message>
    <message>
        <source>words</source>
        <translation>词语</translation>
    </message>
    <message>
        <source>meaning</source>
        <translation>语义</translation>
    </message>
    <message>
        <source>words of the translation</source>
        <translation>译文词语</translation>
    </message>
    <message>
        <source>meaning of the translation</source>
        <translation>译文语义</translation>
    </message>
    <message>
        <source>reranker</source>
        <translation>重排序</translation>
    </message>
    <message>
        <source>Not given to the model: {0}</source>
        <translation>未提供给模型：{0}</translation>
    </message>
    <message>
        <source>nearly the same as another</source>
        <translation>与另一段几乎相同</translation>
    </message>
    <message>
        <source>others of the same document were better</source>
        <translation>同一文档中有更好的段落</translation>
    </message>
    <message>
        <source>too far from the question</source>
        <translation>与问题相差太远</translation>
    </message>
    <message>
        <source>behind the best ones</source>
        <translation>排在最佳段落之后</translation>
    </message>
    <message>
        <source>no room in the context</source>
        <translation>上下文空间不足</translation>
    </message>
    <message>
        <source>joined with its neighbour</source>
        <translation>已与相邻段落合并</translation>
    </message>
    <message>
        <source>{0}: place {1}</source>
        <translation>{0}：第 {1} 名</translation>
    </message>
    <message>
        <source>{0}: {1} tokens</source>
        <translation>{0}：{1} 个 token</translation>
    </message>
    <message>
        <source>Instructions</source>
        <translation>说明</translation>
    </message>
    <message>
        <source>What was said before</source>
        <translation>之前的对话</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>The model&apos;s own marks</source>
        <translation>模型自身的标记</translation>
    </message>
    <message>
        <source>Left for the answer</source>
        <translation>留给回答的空间</translation>
    </message>
</context>
<context>
    <name>_Actions</name>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
</context>
<context>
    <name>_Detail</name>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Asked</source>
        <translation>请求内容</translation>
    </message>
    <message>
        <source>Answered</source>
        <translation>回答内容</translation>
    </message>
    <message>
        <source>What was asked and answered is not kept.</source>
        <translation>未保存请求与回答的文字。</translation>
    </message>
</context>
<context>
    <name>_Form</name>
    <message>
        <source>New prompt</source>
        <translation>新建提示词</translation>
    </message>
    <message>
        <source>Change the prompt</source>
        <translation>修改提示词</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Name of the prompt</source>
        <translation>提示词名称</translation>
    </message>
    <message>
        <source>What you often write</source>
        <translation>您常写的内容</translation>
    </message>
    <message>
        <source>Text of the prompt</source>
        <translation>提示词内容</translation>
    </message>
    <message>
        <source>{clipboard} stands for what was copied last.</source>
        <translation>{clipboard} 代表最近复制的内容。</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>_Live</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancel: %1, %2</source>
        <translation>取消：%1，%2</translation>
    </message>
</context>
<context>
    <name>_Row</name>
    <message>
        <source>Use %1</source>
        <translation>启用 %1</translation>
    </message>
    <message>
        <source>How strongly %1 is applied</source>
        <translation>%1 的应用强度</translation>
    </message>
    <message>
        <source>Take %1 off the list (the file stays)</source>
        <translation>从列表中移除 %1（保留文件）</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>From your link</source>
        <translation>来自您的链接</translation>
    </message>
    <message>
        <source>Best here</source>
        <translation>最适合本机</translation>
    </message>
    <message>
        <source>size not known</source>
        <translation>大小未知</translation>
    </message>
    <message>
        <source>%1 files</source>
        <translation>%1 个文件</translation>
    </message>
    <message>
        <source>no checksum published</source>
        <translation>未公布校验值</translation>
    </message>
    <message>
        <source>about %1</source>
        <translation>约 %1</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在查找…</translation>
    </message>
    <message>
        <source>Revoke</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Revoke %1</source>
        <translation>撤销 %1</translation>
    </message>
    <message>
        <source>Erase</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Erase %1 from the list</source>
        <translation>从列表中清除 %1</translation>
    </message>
    <message>
        <source>“%1” opens nothing any more, for good. What runs for it ends.</source>
        <translation>“%1”将永久失效，使用它的请求会立即结束。</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>使用</translation>
    </message>
</context>
<context>
    <name>_Secret</name>
    <message>
        <source>The key “%1” is made</source>
        <translation>密钥“%1”已创建</translation>
    </message>
    <message>
        <source>The key</source>
        <translation>密钥</translation>
    </message>
    <message>
        <source>Copy the key</source>
        <translation>复制密钥</translation>
    </message>
    <message>
        <source>Copy it now: it cannot be shown again. Only its fingerprint is stored.</source>
        <translation>请立即复制：之后无法再次显示，本机只保存其指纹。</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
</context>
<context>
    <name>_TableText</name>
    <message>
        <source>Copy the table</source>
        <translation>复制表格</translation>
    </message>
    <message>
        <source>Copy as Markdown</source>
        <translation>复制为 Markdown</translation>
    </message>
</context>
<context>
    <name>api</name>
    <message>
        <source>Full access</source>
        <translation>完全访问</translation>
    </message>
    <message>
        <source>Standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>Read only</source>
        <translation>只读</translation>
    </message>
    <message>
        <source>Counters only</source>
        <translation>仅统计</translation>
    </message>
    <message>
        <source>Asks models, reads and changes documents, unloads models, reads counters.</source>
        <translation>使用模型、读写文档、卸载模型、读取统计数据。</translation>
    </message>
    <message>
        <source>Asks models, searches, adds and deletes documents.</source>
        <translation>使用模型，搜索、添加和删除文档。</translation>
    </message>
    <message>
        <source>Lists models, searches documents. Asks no model.</source>
        <translation>列出模型、搜索文档，不能向模型提问。</translation>
    </message>
    <message>
        <source>Reads the counters at /metrics, nothing else.</source>
        <translation>只能读取 /metrics 的统计数据。</translation>
    </message>
    <message>
        <source>Revoked</source>
        <translation>已撤销</translation>
    </message>
    <message>
        <source>Expired</source>
        <translation>已过期</translation>
    </message>
    <message>
        <source>made %1</source>
        <translation>创建于 %1</translation>
    </message>
    <message>
        <source>never used</source>
        <translation>从未使用</translation>
    </message>
    <message>
        <source>last used %1</source>
        <translation>上次使用 %1</translation>
    </message>
    <message>
        <source>revoked %1</source>
        <translation>撤销于 %1</translation>
    </message>
    <message>
        <source>valid until %1</source>
        <translation>有效期至 %1</translation>
    </message>
    <message>
        <source>%1 requests a minute</source>
        <translation>每分钟 %1 次请求</translation>
    </message>
    <message>
        <source>%1 tokens a minute</source>
        <translation>每分钟 %1 个 token</translation>
    </message>
    <message>
        <source>models: %1</source>
        <translation>模型：%1</translation>
    </message>
    <message>
        <source>only: %1</source>
        <translation>仅限：%1</translation>
    </message>
    <message>
        <source>waits</source>
        <translation>等待</translation>
    </message>
    <message>
        <source>model loads</source>
        <translation>加载模型</translation>
    </message>
    <message>
        <source>reads</source>
        <translation>读取</translation>
    </message>
    <message>
        <source>writes</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>ends</source>
        <translation>结束</translation>
    </message>
    <message>
        <source>cancelled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>refused</source>
        <translation>已拒绝</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>first token %1</source>
        <translation>首个 token %1</translation>
    </message>
    <message>
        <source>%1 + %2 tokens</source>
        <translation>%1 + %2 token</translation>
    </message>
</context>
<context>
    <name>disk</name>
    <message>
        <source>The disk lacks %1 for it.</source>
        <translation>磁盘空间不足，还差 %1。</translation>
    </message>
</context>
<context>
    <name>documents</name>
    <message>
        <source>Waits its turn</source>
        <translation>等待读取</translation>
    </message>
    <message>
        <source>Could not be read</source>
        <translation>无法读取</translation>
    </message>
    <message>
        <source>Locked with a password</source>
        <translation>已用密码锁定</translation>
    </message>
    <message>
        <source>Pictures of pages only: there is no text in it yet</source>
        <translation>只有页面图片，尚无文字</translation>
    </message>
    <message>
        <source>There is nothing to read in it</source>
        <translation>没有可读取的内容</translation>
    </message>
    <message>
        <source>Reading…</source>
        <translation>正在读取…</translation>
    </message>
    <message>
        <source>Reading page %1 of %2</source>
        <translation>正在读取第 %1 页，共 %2 页</translation>
    </message>
    <message>
        <source>Reading: %1</source>
        <translation>正在读取：%1</translation>
    </message>
    <message>
        <source>%1 of %2 pages are pictures and were not read</source>
        <translation>%2 页中有 %1 页是图片，未读取</translation>
    </message>
    <message>
        <source>Ready; %1 pages recognised from pictures</source>
        <translation>已就绪；其中 %1 页由图片识别</translation>
    </message>
    <message>
        <source>Ready; 1 page recognised from a picture</source>
        <translation>已就绪；其中 1 页由图片识别</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>已就绪</translation>
    </message>
    <message>
        <source>1 slide</source>
        <translation>1 张幻灯片</translation>
    </message>
    <message>
        <source>%1 slides</source>
        <translation>%1 张幻灯片</translation>
    </message>
    <message>
        <source>1 sheet</source>
        <translation>1 个工作表</translation>
    </message>
    <message>
        <source>%1 sheets</source>
        <translation>%1 个工作表</translation>
    </message>
    <message>
        <source>1 chapter</source>
        <translation>1 章</translation>
    </message>
    <message>
        <source>%1 chapters</source>
        <translation>%1 章</translation>
    </message>
    <message>
        <source>1 page</source>
        <translation>1 页</translation>
    </message>
    <message>
        <source>%1 pages</source>
        <translation>%1 页</translation>
    </message>
    <message>
        <source>slide %1</source>
        <translation>第 %1 张幻灯片</translation>
    </message>
    <message>
        <source>sheet %1</source>
        <translation>第 %1 个工作表</translation>
    </message>
    <message>
        <source>chapter %1</source>
        <translation>第 %1 章</translation>
    </message>
    <message>
        <source>page %1</source>
        <translation>第 %1 页</translation>
    </message>
    <message>
        <source>p. %1</source>
        <translation>第 %1 页</translation>
    </message>
    <message>
        <source>“%1” — %2</source>
        <translation>“%1”——%2</translation>
    </message>
    <message>
        <source>, </source>
        <translation>，</translation>
    </message>
</context>
<context>
    <name>figures</name>
    <message>
        <source>d MMM yyyy</source>
        <translation>yyyy年M月d日</translation>
    </message>
    <message>
        <source>d MMM</source>
        <translation>M月d日</translation>
    </message>
    <message>
        <source>%1 tokens/s</source>
        <translation>%1 token/秒</translation>
    </message>
    <message>
        <source>%1/s</source>
        <translation>%1/秒</translation>
    </message>
    <message>
        <source>%1 s</source>
        <translation>%1 秒</translation>
    </message>
    <message>
        <source>%1 min</source>
        <translation>%1 分钟</translation>
    </message>
    <message>
        <source>%1 h %2 min</source>
        <translation>%1 小时 %2 分钟</translation>
    </message>
</context>
<context>
    <name>finding</name>
    <message>
        <source>In order</source>
        <translation>正常</translation>
    </message>
    <message>
        <source>Attention</source>
        <translation>注意</translation>
    </message>
    <message>
        <source>Problem</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Copy the command</source>
        <translation>复制命令</translation>
    </message>
    <message>
        <source>Show the models</source>
        <translation>查看模型</translation>
    </message>
    <message>
        <source>Take off the list</source>
        <translation>从列表移除</translation>
    </message>
    <message>
        <source>Repair</source>
        <translation>修复</translation>
    </message>
    <message>
        <source>Make it anew</source>
        <translation>重建</translation>
    </message>
    <message>
        <source>Quit DeskSeek</source>
        <translation>退出 DeskSeek</translation>
    </message>
    <message>
        <source>Open settings</source>
        <translation>打开设置</translation>
    </message>
    <message>
        <source>Go online</source>
        <translation>恢复联网</translation>
    </message>
    <message>
        <source>Ask the sources</source>
        <translation>检查下载站点</translation>
    </message>
    <message>
        <source>%1 % done</source>
        <translation>已完成 %1 %</translation>
    </message>
</context>
<context>
    <name>fit</name>
    <message>
        <source>The oldest message has no room and will not be sent: “{0}”.</source>
        <translation>最早的 1 条消息放不下，不会发送：“{0}”。</translation>
    </message>
    <message>
        <source>The oldest {0} messages have no room and will not be sent: from “{1}” to “{2}”.</source>
        <translation>最早的 {0} 条消息放不下，不会发送：从“{1}”到“{2}”。</translation>
    </message>
    <message>
        <source>There is no room for passages of documents: shorten the question.</source>
        <translation>没有空间放入文档段落：请缩短问题。</translation>
    </message>
    <message>
        <source>Of the best {1} passages of the documents, about {0} will have room.</source>
        <translation>文档中最相关的 {1} 个段落，约 {0} 个放得下。</translation>
    </message>
    <message>
        <source>Too long to be read whole: {0}. About {1} passages that suit the question are read.</source>
        <translation>过长，无法全文阅读：{0}。将阅读约 {1} 个与问题相关的段落。</translation>
    </message>
</context>
<context>
    <name>limit</name>
    <message>
        <source>Choose a model</source>
        <translation>选择模型</translation>
    </message>
    <message>
        <source>Load again</source>
        <translation>重新加载</translation>
    </message>
    <message>
        <source>Shorten the context</source>
        <translation>缩短上下文</translation>
    </message>
    <message>
        <source>Use the smaller cache</source>
        <translation>使用较小的缓存</translation>
    </message>
    <message>
        <source>Load again with more layers</source>
        <translation>重新加载更多层</translation>
    </message>
    <message>
        <source>Show the programs</source>
        <translation>查看程序</translation>
    </message>
    <message>
        <source>Check this machine</source>
        <translation>检查本机</translation>
    </message>
    <message>
        <source>Open the settings</source>
        <translation>打开设置</translation>
    </message>
</context>
<context>
    <name>machine</name>
    <message>
        <source>%1 free</source>
        <translation>可用 %1</translation>
    </message>
    <message>
        <source>1 core</source>
        <translation>1 核</translation>
    </message>
    <message>
        <source>%1 cores</source>
        <translation>%1 核</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>Disk for models</source>
        <translation>模型所在磁盘</translation>
    </message>
    <message>
        <source>Graphics</source>
        <translation>显卡</translation>
    </message>
    <message>
        <source>memory unknown</source>
        <translation>显存未知</translation>
    </message>
    <message>
        <source>shares the memory, up to %1</source>
        <translation>共享内存，最多 %1</translation>
    </message>
    <message>
        <source>%1, %2 free</source>
        <translation>%1，可用 %2</translation>
    </message>
    <message>
        <source>No graphics card that models can use</source>
        <translation>没有可供模型使用的显卡</translation>
    </message>
</context>
<context>
    <name>monitor</name>
    <message>
        <source>Processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>读取</translation>
    </message>
    <message>
        <source>This program</source>
        <translation>本程序</translation>
    </message>
    <message>
        <source>In all</source>
        <translation>总计</translation>
    </message>
    <message>
        <source>Read</source>
        <translation>读取</translation>
    </message>
    <message>
        <source>Written</source>
        <translation>写入</translation>
    </message>
    <message>
        <source>From the net</source>
        <translation>从网络接收</translation>
    </message>
    <message>
        <source>To the net</source>
        <translation>发送到网络</translation>
    </message>
    <message>
        <source>From programs</source>
        <translation>从程序接收</translation>
    </message>
    <message>
        <source>To programs</source>
        <translation>发送给程序</translation>
    </message>
    <message>
        <source>Gone</source>
        <translation>已丢失</translation>
    </message>
    <message>
        <source>Does not answer</source>
        <translation>无响应</translation>
    </message>
    <message>
        <source>No access</source>
        <translation>无权限</translation>
    </message>
    <message>
        <source>The driver says that this card is gone. If it does not come back, restart the computer.</source>
        <translation>驱动程序报告该显卡已丢失。如果没有恢复，请重启电脑。</translation>
    </message>
    <message>
        <source>Its driver does not answer. It is asked again now and then.</source>
        <translation>驱动程序没有响应，稍后会再次询问。</translation>
    </message>
    <message>
        <source>This account may not read the figures of this card.</source>
        <translation>当前用户无权读取该显卡的数据。</translation>
    </message>
    <message>
        <source>heat</source>
        <translation>过热</translation>
    </message>
    <message>
        <source>power limit</source>
        <translation>功耗上限</translation>
    </message>
    <message>
        <source>power supply</source>
        <translation>供电不足</translation>
    </message>
    <message>
        <source>protection of the card</source>
        <translation>硬件保护</translation>
    </message>
    <message>
        <source>other reason</source>
        <translation>其他原因</translation>
    </message>
    <message>
        <source>, </source>
        <translation>、</translation>
    </message>
    <message>
        <source>Slowed down: %1</source>
        <translation>已降频：%1</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 / %2</translation>
    </message>
    <message>
        <source>%1 cores</source>
        <translation>%1 核</translation>
    </message>
    <message>
        <source>Nothing in this time</source>
        <translation>该时间段没有数据</translation>
    </message>
</context>
<context>
    <name>origins</name>
    <message>
        <source>made on this computer</source>
        <translation>在本机制作</translation>
    </message>
    <message>
        <source>from the cache of Hugging Face, used where it lies</source>
        <translation>来自 Hugging Face 缓存，原位使用</translation>
    </message>
    <message>
        <source>from %1, used where it lies</source>
        <translation>来自 %1，原位使用</translation>
    </message>
</context>
<context>
    <name>runs</name>
    <message>
        <source>context %1</source>
        <translation>上下文 %1</translation>
    </message>
    <message>
        <source>loaded in %1 s</source>
        <translation>加载用时 %1 秒</translation>
    </message>
    <message>
        <source>Runs on the processor</source>
        <translation>在处理器上运行</translation>
    </message>
    <message>
        <source>Runs on %1</source>
        <translation>在 %1 上运行</translation>
    </message>
    <message>
        <source>Runs on %1 (%2 of %3 layers) and the processor</source>
        <translation>在 %1（%3 层中的 %2 层）和处理器上运行</translation>
    </message>
    <message>
        <source>Planned for the graphics card, but the processor does it: answers come slower than predicted.</source>
        <translation>原计划使用显卡，实际由处理器运行：回答会比预计的慢。</translation>
    </message>
    <message>
        <source>The graphics card is not used: answers come slower than they could.</source>
        <translation>未使用显卡：回答会比本可达到的速度慢。</translation>
    </message>
</context>
<context>
    <name>verdict</name>
    <message>
        <source>Fits</source>
        <translation>适合</translation>
    </message>
    <message>
        <source>Just fits</source>
        <translation>刚好适合</translation>
    </message>
    <message>
        <source>Partly on GPU</source>
        <translation>部分使用显卡</translation>
    </message>
    <message>
        <source>Too large</source>
        <translation>过大</translation>
    </message>
    <message>
        <source>Not supported</source>
        <translation>不支持</translation>
    </message>
    <message>
        <source>a page in about %1</source>
        <translation>每页约 %1</translation>
    </message>
    <message>
        <source>about %1</source>
        <translation>约 %1</translation>
    </message>
    <message>
        <source>context %1</source>
        <translation>上下文 %1</translation>
    </message>
    <message>
        <source>memory %1</source>
        <translation>内存 %1</translation>
    </message>
    <message>
        <source>A typical answer takes about %1.</source>
        <translation>一次典型的回答约需 %1。</translation>
    </message>
</context>
</TS>
