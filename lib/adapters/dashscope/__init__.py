"""DashScope's asynchronous tasks over plain HTTP: one account in one region, as `DashScope`.

`client` is what the flows call; `connection` asks and reads, `creates` sends what is paid for,
`listing` reads the list of tasks, `uploads` puts frames on the service's temporary storage. Wire
facts: Alibaba Cloud Model Studio, "Wan image-to-video by first and last frame" API reference,
"Asynchronous task management" and "Error codes"; all restated in `lib/emulator/PROTOCOL.md`.
"""

from lib.adapters.dashscope.client import DashScope

__all__ = ["DashScope"]
