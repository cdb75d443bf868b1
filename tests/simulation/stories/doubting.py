"""Creates whose answer nobody heard, and what the upstream's list tells of them."""

from tests.simulation.theatre import CREATE, FOREIGN_KEY, KEY


def a_twin_is_filed_before_the_doubt(play):
    """Two equal jobs; one is delivered and filed, the other's create never arrived."""
    play.warm()
    play.post()
    play.world.clock.advance(2)
    play.poster().until("before", CREATE).lose()
    play.tick(pause_s=60)
    play.runs_s = 600.0
    play.post(prompt="it shows our key while the others are judged")


def another_key_of_the_account(play):
    """A stranger's task with our prompt, in the window of a create that never arrived."""
    play.warm()
    play.poster().until("before", CREATE).lose()
    play.strange()


def another_program_with_our_key(play):
    """Its task is the only candidate; its prompt is not ours."""
    play.warm()
    play.poster().until("before", CREATE).lose()
    play.strange("something else", key=KEY)


def the_accounts_key_is_changed(play):
    """The first answer under the new key is lost; the list has shown the old one only."""
    play.warm()
    play.world.deploy({"DASHSCOPE_API_KEY": FOREIGN_KEY})
    play.poster().until("after", CREATE).lose()


def a_create_arrives_late(play):
    """It left within the lease and arrives when the job is in doubt already."""
    play.warm()
    late = play.poster().until("before", CREATE)
    play.world.clock.advance(31)
    play.tick()
    late.end()


def two_in_doubt_at_once(play):
    """The older one's task exists; the younger one, judged first, could take it for its own."""
    play.warm()
    play.poster().until("after", CREATE).lose()
    play.world.clock.advance(2)
    play.poster().until("before", CREATE).lose()


def two_in_doubt_and_one_task(play):
    """The older one's task exists; the younger one's create never arrived."""
    play.warm()
    older = play.poster().until("before", CREATE)
    play.world.clock.advance(45)
    play.poster().until("before", CREATE).lose()
    older.until("after", CREATE).lose()


def two_in_doubt_and_the_younger_ones_task(play):
    """The older one gives up first; the task is the younger one's."""
    play.warm()
    play.poster().until("before", CREATE).lose()
    play.world.clock.advance(40)
    play.poster().until("after", CREATE).lose()


def two_in_doubt_before_our_key_is_known(play):
    """The older one's task exists and is given up; then a list shows our key, and the twin looks again."""
    older = play.poster().until("before", CREATE)
    play.world.clock.advance(20)
    older.until("after", CREATE).lose()
    play.world.clock.advance(7)
    play.poster().until("before", CREATE).lose()
    play.world.clock.advance(275)
    giver = play.ticker().until("after", "DELETE .*pending/")
    play.post(prompt="it shows our key")
    giver.end()


def a_job_is_written_late(play):
    """Its lease was stamped before its twin's and reaches the bucket when the twin's film is filed."""
    play.warm()
    late = play.poster().until("before", "POST .*pending/")
    play.world.clock.advance(2)
    play.poster().until("after", CREATE).lose()
    play.rest()
    late.end()


def the_first_job_of_an_account(play):
    """No list has ever shown our key, and the answer is lost."""
    play.poster().until("after", CREATE).lose()


def half_a_list(play):
    """The lost task stands on the second page, which does not come."""
    play.warm()
    play.runs_s = 1.0
    play.poster().until("after", CREATE).lose()
    for _ in range(54):
        play.world.clock.advance(3)
        play.strange()
    play.post(prompt="it shows our key on the first page")
    play.ticker().until("before", "GET .*page_no=2").lose()
