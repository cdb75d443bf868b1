"""`python -m tests.clients.failures`: the guide's failure branch, as each SDK prints it on both targets.

Installs the SDKs when they are missing. Returns 1 when a line differs between the targets.
"""

import json
import sys

from tests.bench.screen import table
from tests.clients.sdks import VERSIONS, Sdk
from tests.clients.targets import NAMES, Target
from tests.clients.test_sdk_failures import ASYNC, REFUSED, printed
from tests.conftest import film

SHOWN = {
    "wrong key": REFUSED["wrong-key"][0],
    "key of another region": REFUSED["key-of-another-region"][0],
    "model of another region": REFUSED["model-of-another-region"][0],
    "unknown model": REFUSED["unknown-model"][0],
    "bad picture": REFUSED["broken-picture"][0],
    "moderation, at once": REFUSED["moderation-of-the-prompt"][0],
    "moderation, later": {"PROMPT": "#moderation"},
}


def last_line(sdk, name, changes):
    """What the sample's last line says on a fresh target."""
    target = Target(name, film)
    try:
        line = printed(sdk, target, ASYNC, changes).strip().splitlines()[-1]
        if not line.startswith("{"):
            return line
        output = json.loads(line)["output"]
        return f"{output['task_status']}, code: {output['code']}, message: {output['message']}"
    finally:
        target.close()


def main():
    """Print what each release prints, once where the targets agree."""
    different = 0
    with table() as say:
        for version in VERSIONS:
            sdk = Sdk(version)
            say(f"dashscope {version}")
            for case, changes in SHOWN.items():
                said = {name: last_line(sdk, name, changes) for name in NAMES}
                same = len(set(said.values())) == 1
                different += not same
                say(f"  {case:24} {'same' if same else 'DIFFERENT'}  {said['api']}")
            sdk.close()
        say(f"{different} differences between the emulator and our function")
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
