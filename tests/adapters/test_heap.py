"""Large blocks go back to the system, whichever thread had them."""

import subprocess
import sys

SCRIPT = """
import sys, threading
from lib.adapters import heap
if sys.argv[1] == "on":
    assert heap.return_large_blocks()
def rss():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1]) >> 10
def work(barrier):
    for size in (2, 9, 17, 31):
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


def test_what_threads_have_freed_is_the_systems_again():
    ran = subprocess.run([sys.executable, "-c", SCRIPT, "on"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 20
