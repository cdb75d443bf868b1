"""How the cost of reading something grows with its length, in CPU time of one thread.

A busy machine makes a measurement longer and never shorter, so the least of several counts; and a
measurement that looks too steep is taken again: reading that is too slow never becomes steep
enough, however often it is looked at.
"""

import gc
import time

TIMES = 8
STEEP = 3 * TIMES  # a square would be TIMES * TIMES
TURNS = 8


def cost(read, given, clock):
    """Seconds of reading something once."""
    began = clock()
    read(given)
    return clock() - began


def growth(make, read, length, clock=time.thread_time):
    """How many times as much it costs to read `TIMES` as much; near `TIMES` for a line.

    Args:
        make: an input of a length.
        read: reads one; whatever it raises is the caller's mistake.
        length: of the shorter input.
        clock: seconds; another than this thread's for what another process reads.
    """
    short, long = make(length), make(length * TIMES)
    read(short)  # imports and caches
    least = [float("inf")] * 2
    gc.disable()  # its cost depends on what else is alive
    try:
        for _ in range(TURNS):
            least = [
                min(known, cost(read, given, clock))
                for known, given in zip(least, (short, long), strict=True)
            ]
            if least[1] <= STEEP * least[0]:
                break
    finally:
        gc.enable()
    return least[1] / max(least[0], 1e-6)
