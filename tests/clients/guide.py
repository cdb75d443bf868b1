"""The guide's examples as stored in `guide.md`, and the two things that a test replaces in them."""

import re
from pathlib import Path

TEXT = Path(__file__).with_name("guide.md").read_text("utf-8")
EXAMPLE = re.compile(r"^## (\S+)\n\n(Source: .*?)\n\n```\w+\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
EXAMPLES = {name: (source, code) for name, source, code in EXAMPLE.findall(TEXT)}

HOST = "https://dashscope-intl.aliyuncs.com"
PICTURE_HOSTS = ("https://help-static-aliyun-doc.aliyuncs.com", "https://wanx.alicdn.com")
PICTURE = re.compile("|".join(rf"{re.escape(host)}/[\w./-]+\.png" for host in PICTURE_HOSTS))


def replaced(name, target):
    """What a test replaces in an example: the thing, as it stands there, and by what."""
    _, code = EXAMPLES[name]
    pictures = [
        ("picture URL", url, f"{target.pictures}/{url.rpartition('/')[2]}")
        for url in dict.fromkeys(PICTURE.findall(code))
    ]
    return [("base URL's host", HOST, target.origin), *pictures]


def example(name, target):
    """An example with the two things replaced, ready to run."""
    _, code = EXAMPLES[name]
    for _, theirs, ours in replaced(name, target):
        code = code.replace(theirs, ours)
    return code
