"""Every corner of the protocol's bounds: a create that arrives within them is paid once, whoever's clock says what.

The bounds are written out as numbers, on purpose: they are what the reliability promise names, and the
constants of the code are held to them.
"""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.core.protocol.evidence import Claim, Doubt, Evidence, unclaimed
from lib.core.protocol.reconcile import Adopt, SendAgain, conclude
from lib.core.upstream.outcomes import Listing, Row, TaskStatus
from lib.flows.context import Times

LEASE, MARGIN, DELAY, SKEW = 30.0, 60.0, 60.0, 10.0
WINDOW = Times().window
START = 10_000.0
KNOWN = Row("known", TaskStatus.SUCCEEDED, "wan2.2-kf2v-flash", "k1", START - 5000)
CLAIMS = {"known": Claim("vid_known", "")}
END = 1000.0

ARRIVALS = (0.0, 1.0, 29.0, 88.0, 89.0, 90.0)
LAGS = (0.0, 1.0, 31.0, 59.0, 60.0)
CLOCKS = [
    clocks
    for clocks in itertools.product((-10.0, -9.0, -4.2, 0.0, 4.2, 9.0, 10.0), repeat=3)
    if max(clocks) - min(clocks) <= SKEW
]


def live(arrival, lag, clocks, every=0.5, takes=0.0):
    """What happens to one lost answer.

    Args:
        arrival: when its task is made, true seconds after the lease began; None: never.
        lag: how much later the list shows it.
        clocks: how far the clocks of sender, ticker and upstream are ahead of the truth.
        every: true seconds between two looks.
        takes: how long the list is read; its rows are those of its first page's time.

    Returns:
        How many tasks were made, whether ours was adopted, and the tasks that the alarm named.
    """
    sender, ticker, upstream = clocks
    since = START + sender
    doubt = Doubt("vid_a", "wan2.2-kf2v-flash", since=since, until=since + LEASE)
    row = None
    if arrival is not None:
        row = Row("t1", TaskStatus.RUNNING, "wan2.2-kf2v-flash", "k1", START + arrival + upstream)
    made, claims, recorded, doubts = int(row is not None), dict(CLAIMS), {}, (doubt,)
    true = START + LEASE
    alarm = set()
    while true < START + END:
        true += every
        seen = row is not None and true >= START + arrival + lag
        listing = Listing((row, KNOWN) if seen else (KNOWN,), true + ticker)
        evidence = Evidence(listing, recorded, claims, doubts, key_ids=frozenset({"k1"}))
        alarm |= set(unclaimed(evidence, WINDOW))
        if not doubts:
            continue
        conclusion = conclude(doubt, evidence, WINDOW, true + ticker + takes)
        if isinstance(conclusion, Adopt):
            return made, True, alarm
        if isinstance(conclusion, SendAgain):
            # The second task is recorded at once; its create needs no further look here.
            made, recorded, doubts = made + 1, {"t2": ""}, ()
    return made, False, alarm


@pytest.mark.parametrize("arrival", ARRIVALS)
def test_inside_the_bounds_exactly_one(arrival):
    for lag, clocks in itertools.product(LAGS, CLOCKS):
        made, adopted, alarm = live(arrival, lag, clocks)
        assert (made, adopted, alarm) == (1, True, set()), (arrival, lag, clocks)


def test_a_create_that_never_arrived_is_sent_once():
    for clocks in CLOCKS:
        assert live(None, 0.0, clocks) == (1, False, set()), clocks


def test_nothing_is_waited_for_longer_than_the_bounds_ask():
    """Sending again may not be put off for ever: with equal clocks, at L + M + D + skew."""
    since = START
    doubt = Doubt("vid_a", "wan2.2-kf2v-flash", since=since, until=since + LEASE)
    for at, expected in ((160.0, False), (160.5, True)):
        listing = Listing((KNOWN,), since + at)
        evidence = Evidence(listing, {}, CLAIMS, (doubt,), key_ids=frozenset({"k1"}))
        concluded = conclude(doubt, evidence, WINDOW, since + at)
        assert isinstance(concluded, SendAgain) is expected


within = st.floats(-SKEW / 2, SKEW / 2)


@settings(max_examples=150, deadline=None)
@given(
    st.floats(0, LEASE + MARGIN),
    st.floats(0, DELAY),
    st.tuples(within, within, within),
    st.floats(0, 20),
)
def test_anywhere_inside_the_bounds_exactly_one(arrival, lag, clocks, takes):
    assert live(arrival, lag, clocks, every=7.0, takes=takes) == (1, True, set())


OUTSIDE = {
    "the create arrives a second too late": (91.0, 60.0, (0.0, 10.0, 0.0)),
    "the list shows it a second too late": (90.0, 61.0, (0.0, 10.0, 0.0)),
    "the ticker's clock is a second too far ahead": (90.0, 60.0, (0.0, 11.0, 0.0)),
    "the sender's clock is a second too far behind": (90.0, 60.0, (-1.0, 10.0, 0.0)),
}


@pytest.mark.parametrize("how", OUTSIDE)
def test_just_outside_the_bounds_it_is_noticed(how):
    made, adopted, alarm = live(*OUTSIDE[how])
    assert (made, adopted) == (2, False), "this corner is inside after all"
    assert alarm == {"t1"}


@pytest.mark.parametrize("upstream", [-301.0, -101.0, -30.0, -12.0, 12.0, 30.0, 101.0, 301.0])
def test_a_clock_of_the_upstream_that_nobody_measured_pays_nothing_twice(upstream):
    for arrival, lag in itertools.product(ARRIVALS, LAGS):
        made, _, _ = live(arrival, lag, (0.0, 0.0, upstream), every=5.0)
        assert made == 1, (arrival, lag)


def test_the_constants_are_those_of_the_promise():
    times = Times()
    found = (times.lease_s, times.margin_s, times.delay_s, times.skew_s, times.far_s)
    assert found == (LEASE, MARGIN, DELAY, SKEW, 300.0)
    assert WINDOW.far_s == 300.0
