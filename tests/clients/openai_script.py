"""A script as users of `client.videos` wrote it while the service behind it was open."""

import sys
import time
from pathlib import Path

from openai import OpenAI

client = OpenAI()

video = client.videos.create(
    model="sora-2",
    prompt="The cat looks up",
    size="1280x720",
    input_reference=Path("first.png"),
)
print("Video generation started:", video.id)

while video.status in ("queued", "in_progress"):
    video = client.videos.retrieve(video.id)
    bar = "=" * int(30 * (video.progress or 0) / 100)
    print(f"{video.status}: [{bar:<30}] {video.progress} %")
    time.sleep(1)

if video.status == "failed":
    sys.exit(video.error.message)

print("Video generation completed:", video.model, video.size, video.seconds, "s")
client.videos.download_content(video.id, variant="video").write_to_file("video.mp4")
print("Wrote video.mp4")

again = client.videos.create_and_poll(
    model="sora-2",
    prompt="The cat looks down",
    size="1280x720",
    input_reference=Path("first.png"),
)
print("And another:", again.status)
client.videos.delete(again.id)
