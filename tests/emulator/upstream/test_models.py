"""Which region has which models, and which tiers they render."""

import pytest

from tests.emulator.upstream.test_create import refused

FLASH = "wan2.2-kf2v-flash"


PLUS = "wan2.1-kf2v-plus"


INVALID = (400, "InvalidParameter", "Required parameter(")


# model, region, key, answer, source
MODELS = {
    "of Beijing in Singapore": ("wanx2.1-kf2v-plus", "singapore", (404, "ModelNotFound"), "guide"),
    "of Singapore in Beijing": (PLUS, "beijing", (404, "ModelNotFound"), "guide"),
    "of no region": ("wan9-kf2v", "singapore", (404, "ModelNotFound"), "errors"),
    "of another path": ("wan2.2-t2v-plus", "singapore", (400, "InvalidParameter"), "errors"),
    "in upper case": (FLASH.upper(), "singapore", (400, "InvalidParameter"), "silent"),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_foreign_model_is_refused(emulated, a_body, case):
    model, region, (status, code), _source = MODELS[case]
    answer = emulated.post(a_body(model=model), region=region, key=f"sk-{region}")
    refused(emulated, answer, (status, code, ""))


@pytest.mark.parametrize("tier", ["480P", "1080P"])
@pytest.mark.parametrize(
    ("model", "region"), [(PLUS, "singapore"), ("wanx2.1-kf2v-plus", "beijing")]
)
def test_2_1_takes_720p_only(emulated, a_body, model, region, tier):  # guide
    parameters = {"resolution": tier}
    given = a_body(model=model, parameters=parameters)
    refused(emulated, emulated.post(given, region=region, key=f"sk-{region}"), INVALID)


@pytest.mark.parametrize("tier", ["480P", "720P", "1080P"])
def test_2_2_takes_every_tier(emulated, tier):  # guide
    emulated.create(parameters={"resolution": tier})
    (task,) = emulated.app.tasks
    assert task.film.resolution == tier
