"""What answers look like: fields of each state, usage of each model."""

import pytest

PLUS = "wan2.1-kf2v-plus"


def test_the_fields_of_each_state(emulated):  # reference
    task_id = emulated.create(pause_s=0)
    pending = emulated.get(task_id)
    assert set(pending) == {"request_id", "output"}
    assert set(pending["output"]) == {"task_id", "task_status", "submit_time"}
    emulated.clock.advance(20)
    running = emulated.get(task_id)["output"]
    assert set(running) == {"task_id", "task_status", "submit_time", "scheduled_time"}
    emulated.clock.advance(80)
    done = emulated.get(task_id)
    assert set(done) == {"request_id", "output", "usage"}
    assert set(done["output"]) == {
        *("task_id", "task_status", "submit_time", "scheduled_time", "end_time"),
        *("video_url", "orig_prompt", "actual_prompt"),
    }
    assert done["output"]["orig_prompt"] == "rain"
    assert done["output"]["actual_prompt"].startswith("rain ")


def test_a_failed_task_tells_inside_the_output(emulated):  # reference: 200, no usage
    answer = emulated.finished("rain #internal")
    assert set(answer) == {"request_id", "output"}
    assert set(answer["output"]) == {"task_id", "task_status", "code", "message"}
    assert answer["output"]["code"] == "InternalError"


def test_actual_prompt_only_when_it_was_rewritten(emulated):  # reference
    output = emulated.finished(parameters={"prompt_extend": False})["output"]
    assert output["orig_prompt"] == "rain"
    assert "actual_prompt" not in output


@pytest.mark.parametrize("tier", ["480P", "720P", "1080P"])
def test_usage_of_2_2(emulated, tier):  # reference: SR, no video_ratio
    usage = emulated.finished(parameters={"resolution": tier})["usage"]
    assert usage == {"video_duration": 5, "video_count": 1, "SR": int(tier[:-1])}


def test_usage_of_2_1(emulated):  # reference: video_ratio, no SR
    usage = emulated.finished(model=PLUS)["usage"]
    assert usage == {"video_duration": 5, "video_count": 1, "video_ratio": "standard"}


@pytest.mark.parametrize("path", ["/tasks", "/tasks/"])
def test_a_row_of_the_list(emulated, path):
    start = emulated.clock.now()
    task_id = emulated.create(pause_s=0)
    emulated.clock.advance(100)
    answer = emulated.call("GET", path)
    said = answer.json()
    request_id = said.pop("request_id")
    (row,) = said.pop("data")
    assert said == {"total": 1, "total_page": 1, "page_no": 1, "page_size": 10}
    times = [row.pop(name) for name in ("gmt_create", "start_time", "end_time")]
    assert all(isinstance(time, int) for time in times)
    assert times == [int((start + after) * 1000) for after in (0, 10, 70)]
    (task,) = emulated.app.tasks
    assert row.pop("request_id") == task.request_id != request_id
    assert row == {
        "api_key_id": "40000",
        "caller_parent_id": "1",
        "caller_uid": "1",
        "model_name": "wan2.2-kf2v-flash",
        "region": "ap-southeast-1",
        "status": "SUCCEEDED",
        "task_id": task_id,
        "user_api_unique_key": "apikey:v1:aigc:image2video:video-synthesis:wan2.2-kf2v-flash",
    }


def test_times_that_have_not_come_are_not_in_a_row(emulated):
    emulated.create(pause_s=0)
    (pending,) = emulated.listed()["data"]
    assert not {"start_time", "end_time"} & set(pending)
    emulated.clock.advance(20)
    (running,) = emulated.listed()["data"]
    assert "start_time" in running
    assert "end_time" not in running
