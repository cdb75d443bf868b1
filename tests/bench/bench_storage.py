"""Speed of the storage emulator beside the others that PyPI offers, through the real client.

    .venv/bin/python tests/bench/bench_storage.py [--rounds 3]

Rounds go through all emulators in turn; the medians are printed as a Markdown table. Ratios compare
with the Python peer; the Go binary is shown, not compared.
"""

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from requests.adapters import HTTPAdapter

from tests.bench import peers

KB, MB = 1024, 1024 * 1024
WARM, ONE_BY_ONE, TOGETHER = 20, 300, 680  # 1,000 objects
ROWS = {
    "start to first answer, s": ("start", min),
    "1 KB creates/s, 1 thread": ("creates_1", max),
    "1 KB creates/s, 16 threads": ("creates_16", max),
    "list of 1,000 objects, s": ("list", min),
    "50 MB resumable upload, s": ("upload", min),
    "memory for 1,000 objects, MB": ("memory", min),
}


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def creates(bucket, prefix, count, threads):
    """Create-once uploads of 1 KB per second."""
    data = os.urandom(KB)

    def one(number):
        bucket.blob(f"{prefix}/{number:05}").upload_from_string(data, if_generation_match=0)

    with ThreadPoolExecutor(threads) as pool:
        return count / timed(lambda: list(pool.map(one, range(count))))


def upload(bucket):
    """A 50 MB resumable upload in chunks of 8 MiB, read back to be believed."""
    data = os.urandom(50 * MB)
    blob = bucket.blob("film", chunk_size=8 * MB)
    seconds = timed(lambda: blob.upload_from_file(io.BytesIO(data), size=len(data)))
    if bucket.blob("film").download_as_bytes() != data:
        raise RuntimeError("the bytes came back as others")
    return seconds


def listing(bucket):
    """The median of three lists of all 1,000 objects, counted."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        found = list(bucket.list_blobs())
        seconds.append(time.perf_counter() - begun)
        if len(found) != WARM + ONE_BY_ONE + TOGETHER:
            raise RuntimeError(f"{len(found)} objects were listed")
    return statistics.median(seconds)


def measure(running):
    """All figures of one emulator."""
    client = storage.Client(
        project="bench",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": running.url},
    )
    client._http.mount("http://", HTTPAdapter(pool_maxsize=16))
    bucket = client.create_bucket("bench-bucket")
    idle = running.rss_mb
    figures = {"start": running.start_s}
    creates(bucket, "warm", WARM, 1)
    figures["creates_1"] = creates(bucket, "one", ONE_BY_ONE, 1)
    figures["creates_16"] = creates(bucket, "many", TOGETHER, 16)
    figures["memory"] = running.rss_mb - idle
    figures["list"] = listing(bucket)
    figures["upload"] = upload(bucket)
    client.close()
    return figures


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main():
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    names = (peers.OURS, peers.GSE, peers.FGS)
    figures = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        home = peers.install(folder)
        for _ in range(rounds):
            for name in names:
                with peers.started(name, home, folder) as running:
                    figures[name].append(measure(running))
    say(f"{peers.machine()}; medians of {rounds} rounds, one after the other\n")
    say(
        f"| | {peers.OURS} | {peers.GSE} (Python) | ratio, above 1 ours is better | {peers.FGS} (Go) |"
    )
    say("|---|---|---|---|---|")
    for title, (key, better) in ROWS.items():
        ours, gse, fgs = (statistics.median(one[key] for one in figures[name]) for name in names)
        ratio = ours / gse if better is max else gse / ours
        say(f"| {title} | {ours:.3g} | {gse:.3g} | {ratio:.2g} | {fgs:.3g} |")


if __name__ == "__main__":
    main()
