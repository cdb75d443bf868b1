"""A task that ended is found by the next list, whatever its end was; not only when it is late."""

import pytest

from tests.world import KEY, UPSTREAM

SOON_S = 45.0  # two ticks' lists, and the pauses between ticks of `run`


def cancel_upstream(world):
    """Somebody cancels the task in the console."""
    (task,) = world.paid()
    address = f"{UPSTREAM}/singapore/api/v1/tasks/{task.id}/cancel"
    answer = world.session().post(address, headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("prompt", "draw", "ends_after_s", "act", "status"),
    [
        ("rain", (1.0, 60.0), 61, lambda _world: None, "completed"),
        ("rain #moderation", (1.0, 60.0), 61, lambda _world: None, "failed"),
        ("rain", (900.0, 60.0), 15, cancel_upstream, "cancelled"),
    ],
)
def test_the_end_of_a_task_is_found_soon(make_world, prompt, draw, ends_after_s, act, status):
    world = make_world(draw=lambda: draw, env={"FIRST_LOOK_S": "15"})
    began = world.clock.now()
    job = world.post(prompt=prompt).get_json()["id"]
    act(world)
    world.run()
    # A tick returns when nothing is pending any more.
    assert world.clock.now() - began <= ends_after_s + SOON_S
    assert world.job(job)["status"] == status
