"""The failure branch of the guide: what each SDK prints is the same on both targets."""

import json

import pytest

from tests.clients.targets import plain

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

# The guide's own samples, their arguments as names.
CALL = """
from http import HTTPStatus
from dashscope import VideoSynthesis
rsp = VideoSynthesis.call(api_key=KEY, model=MODEL, prompt=PROMPT,
    first_frame_url=FIRST, last_frame_url=LAST, resolution=RESOLUTION)
print(rsp)
if rsp.status_code == HTTPStatus.OK:
    print("video_url:", rsp.output.video_url)
else:
    print('Failed, status_code: %s, code: %s, message: %s' % (rsp.status_code, rsp.code, rsp.message))
"""
ASYNC = """
from http import HTTPStatus
from dashscope import VideoSynthesis
rsp = VideoSynthesis.async_call(api_key=KEY, model=MODEL, prompt=PROMPT,
    first_frame_url=FIRST, last_frame_url=LAST, resolution=RESOLUTION)
print(rsp)
if rsp.status_code == HTTPStatus.OK:
    print("task_id: %s" % rsp.output.task_id)
    rsp = VideoSynthesis.wait(task=rsp, api_key=KEY)
    print(rsp)
else:
    print('Failed, status_code: %s, code: %s, message: %s' % (rsp.status_code, rsp.code, rsp.message))
"""
FLASH = {"MODEL": "wan2.2-kf2v-flash", "PROMPT": "rain", "RESOLUTION": "720P"}
IMAGE = "InvalidParameter"

# What goes wrong, in which argument, and what the service says of it.
REFUSED = {
    "wrong-key": ({"KEY": "sk-nobody"}, "InvalidApiKey", "Invalid API-key provided."),
    "key-of-another-region": (
        {"KEY": "sk-local-beijing"},
        "InvalidApiKey",
        "Invalid API-key provided.",
    ),
    "model-of-another-region": (
        {"MODEL": "wanx2.1-kf2v-plus"},
        "ModelNotFound",
        "The model wanx2.1-kf2v-plus does not exist.",
    ),
    "unknown-model": (
        {"MODEL": "wan9-kf2v"},
        "ModelNotFound",
        "The model wan9-kf2v does not exist.",
    ),
    "resolution": ({"RESOLUTION": "8K"}, IMAGE, "Required parameter(resolution) missing"),
    "resolution-of-another-model": (
        {"MODEL": "wan2.1-kf2v-plus", "RESOLUTION": "1080P"},
        IMAGE,
        "Required parameter(resolution) missing",
    ),
    "no-last-frame": ({"LAST": None}, IMAGE, "Required parameter(last_frame_url) missing"),
    "no-link": ({"FIRST": "ftp://x/a.png"}, "InvalidURL", "Required URL is missing or invalid."),
    "missing-picture": (
        {"FIRST": "missing.png"},
        IMAGE,
        "Failed to download multimodal content",
    ),
    "small-picture": ({"FIRST": "small.png"}, IMAGE, "the size of input image is too small"),
    "broken-picture": ({"LAST": "broken.png"}, IMAGE, "read image error"),
    "no-picture": ({"FIRST": "text.png"}, IMAGE, "read image error"),
    "transparent-picture": ({"FIRST": "holes.png"}, IMAGE, "image format error"),
    "gif": ({"LAST": "still.gif"}, IMAGE, "image format error"),
    "heavy-picture": ({"FIRST": "heavy.png"}, "InvalidFile.Size", "larger than 10 MB"),
    "data-uri-too-long": (
        {"FIRST": "data:image/png;base64," + "A" * 10485760},
        IMAGE,
        "Exceeded limit on max bytes per data-uri item : 10485760",
    ),
    "data-uri-of-something-else": (
        {"FIRST": "data:text/plain;base64,AAAA"},
        IMAGE,
        "image format error",
    ),
    "moderation-of-the-prompt": (
        {"PROMPT": "#moderation-input"},
        "DataInspectionFailed",
        "Input data may contain inappropriate content.",
    ),
}
FAILED = {
    "#moderation": ("DataInspectionFailed", "Output data may contain inappropriate content."),
    "#infringement": ("IPInfringementSuspect", "Input data is suspected of being involved"),
    "#internal": ("InternalError", "An internal error has occured"),
    "#timeout": ("InternalError.Timeout", "An internal timeout error has occured."),
}


def printed(sdk, target, code, changes):
    """What a sample prints; a bare file name stands for a picture of the test's web."""
    names = {**FLASH, "FIRST": target.first, "LAST": target.last, **changes}
    for frame in ("FIRST", "LAST"):
        if names[frame] and "." in names[frame] and "/" not in names[frame]:
            names[frame] = f"{target.pictures}/{names[frame]}"
    # Whether a bad picture is refused at once or fails its task is not documented; our function
    # refuses it before anything is paid, and the emulator is told to do the same.
    target.world.upstream.settings.change({"bad_frame": "refuse"})
    with target.time_passes():
        return plain(sdk.run(code, target, **names))


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_create_prints_the_same_on_both_targets(sdk, both, case):
    changes, code, message = REFUSED[case]
    for sample in (CALL, ASYNC):
        theirs, ours = (printed(sdk, target, sample, changes) for target in both())
        assert ours == theirs
        assert code in ours
        assert message in ours


@pytest.mark.parametrize("prompt", FAILED)
def test_a_failed_task_prints_the_same_on_both_targets(sdk, both, prompt):
    code, message = FAILED[prompt]
    for sample in (CALL, ASYNC):
        theirs, ours = (printed(sdk, target, sample, {"PROMPT": prompt}) for target in both())
        assert ours == theirs
        assert f'"code": "{code}"' in ours
        assert message in ours


@pytest.mark.parametrize("prompt", ["#arrears", "#quota", "#denied", "#unavailable"])
def test_trouble_of_the_account_is_not_the_callers(sdk, both, prompt):
    """The service refuses the create; our function keeps the job until its account is mended."""
    emulator, api = both()
    code = ASYNC.partition("    rsp = VideoSynthesis.wait")[0]
    names = {**FLASH, "PROMPT": prompt}
    assert '"output": null' in sdk.run(code, emulator, **names)
    made = json.loads(sdk.run(code, api, **names).splitlines()[0])
    assert made["output"]["task_status"] == "PENDING"
    assert api.get(made["output"]["task_id"])["output"]["task_status"] == "PENDING"


def test_a_model_that_another_path_serves(sdk, both):
    """Without kf2v in its name the SDK itself takes the path of other models."""
    theirs, ours = (printed(sdk, target, ASYNC, {"MODEL": "wan2.2-i2v-flash"}) for target in both())
    assert ours == theirs
    assert "The model wan2.2-i2v-flash does not exist." in ours
