"""Creates whose answer nobody heard, and what the upstream's list tells of them."""

from tests.simulation.scenario_runner import CREATE, FOREIGN_KEY, KEY


def a_twin_is_filed_before_the_doubt(runner):
    """Two equal jobs; one is delivered and filed, the other's create never arrived."""
    runner.warm()
    runner.post()
    runner.world.clock.advance(2)
    runner.poster().until("before", CREATE).lose()
    runner.tick(pause_s=60)
    runner.runs_s = 600.0
    runner.post(prompt="it shows our key while the others are judged")


def another_key_of_the_account(runner):
    """A stranger's task with our prompt, in the window of a create that never arrived."""
    runner.warm()
    runner.poster().until("before", CREATE).lose()
    runner.strange()


def another_program_with_our_key(runner):
    """Its task is the only candidate; its prompt is not ours."""
    runner.warm()
    runner.poster().until("before", CREATE).lose()
    runner.strange("something else", key=KEY)


def the_accounts_key_is_changed(runner):
    """The first answer under the new key is lost; the list has shown the old one only."""
    runner.warm()
    runner.world.deploy({"DASHSCOPE_API_KEY": FOREIGN_KEY})
    runner.poster().until("after", CREATE).lose()


def a_create_arrives_late(runner):
    """It left within the lease and arrives when the job is in doubt already."""
    runner.warm()
    late = runner.poster().until("before", CREATE)
    runner.world.clock.advance(31)
    runner.tick()
    late.end()


def two_in_doubt_at_once(runner):
    """The older one's task exists; the younger one, judged first, could take it for its own."""
    runner.warm()
    runner.poster().until("after", CREATE).lose()
    runner.world.clock.advance(2)
    runner.poster().until("before", CREATE).lose()


def two_in_doubt_and_one_task(runner):
    """The older one's task exists; the younger one's create never arrived."""
    runner.warm()
    older = runner.poster().until("before", CREATE)
    runner.world.clock.advance(45)
    runner.poster().until("before", CREATE).lose()
    older.until("after", CREATE).lose()


def two_in_doubt_and_the_younger_ones_task(runner):
    """The older one gives up first; the task is the younger one's."""
    runner.warm()
    runner.poster().until("before", CREATE).lose()
    runner.world.clock.advance(40)
    runner.poster().until("after", CREATE).lose()


def two_in_doubt_before_our_key_is_known(runner):
    """The older one's task exists and is given up; then a list shows our key, and the twin looks again."""
    older = runner.poster().until("before", CREATE)
    runner.world.clock.advance(20)
    older.until("after", CREATE).lose()
    runner.world.clock.advance(7)
    runner.poster().until("before", CREATE).lose()
    runner.world.clock.advance(275)
    giver = runner.ticker().until("after", "DELETE .*pending/")
    runner.post(prompt="it shows our key")
    giver.end()


def a_job_is_written_late(runner):
    """Its lease was stamped before its twin's and reaches the bucket when the twin's film is filed."""
    runner.warm()
    late = runner.poster().until("before", "POST .*pending/")
    runner.world.clock.advance(2)
    runner.poster().until("after", CREATE).lose()
    runner.rest()
    late.end()


def the_first_job_of_an_account(runner):
    """No list has ever shown our key, and the answer is lost."""
    runner.poster().until("after", CREATE).lose()


def half_a_list(runner):
    """The lost task stands on the second page, which does not come."""
    runner.warm()
    runner.runs_s = 1.0
    runner.poster().until("after", CREATE).lose()
    for _ in range(54):
        runner.world.clock.advance(3)
        runner.strange()
    runner.post(prompt="it shows our key on the first page")
    runner.ticker().until("before", "GET .*page_no=2").lose()
