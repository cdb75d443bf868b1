"""What the deployment's `MALLOC_MMAP_THRESHOLD_` does: large blocks go back to the system when they
are freed, whichever thread had them. By itself glibc learns from the first large block that is freed
to keep such blocks for later, once for each thread's heap (mallopt(3))."""

import os
import subprocess
import sys

import pytest

VARIABLE = "MALLOC_MMAP_THRESHOLD_"
SCRIPT = """
import os, sys, threading
os.environ.update(dict([sys.argv[1].split("=")] if sys.argv[1:] else []))
def rss():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1]) >> 10
def work(barrier):
    for size in (31, 2, 9, 17):
        block = bytearray(size << 20)
        barrier.wait()
        del block
    barrier.wait()
    barrier.wait()
barrier = threading.Barrier(9)
before = rss()
threads = [threading.Thread(target=work, args=[barrier]) for _ in range(8)]
for thread in threads: thread.start()
for _ in range(5): barrier.wait()
print(rss() - before)
barrier.wait()
"""


def kept_mb(*late, **environ):
    """What a process keeps of what its threads have freed; `late` is set when it runs already."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *late],
        capture_output=True,
        text=True,
        env={**{name: value for name, value in os.environ.items() if name != VARIABLE}, **environ},
    )
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


def test_what_threads_have_freed_is_the_systems_again():
    assert kept_mb(**{VARIABLE: "262144"}) < 20


@pytest.mark.skipif("glibc" not in os.confstr("CS_GNU_LIBC_VERSION"), reason="of glibc alone")
def test_it_counts_from_the_start_of_a_process_and_without_it_much_is_kept():
    assert kept_mb() > 60
    assert kept_mb(f"{VARIABLE}=262144") > 60
