"""A corpus of pictures, whole, odd, broken and hostile, through the real POST in a process of its own.

`python -m tests.web.picture_corpus [--files 500] [--seed S]` makes the files in one process, posts
them in another, and prints what became of each kind and how much memory the worst of them took. The
kernel's own high-water mark is reset before each post, so that each file answers for itself.
"""

from __future__ import annotations

import argparse
import collections
import io
import json
import random
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
MB = 1 << 20
# One post in a process: both files, what is decoded of them (160 MB), and copies on the way.
GROWTH_AT_MOST_MB = 224
PNG = b"\x89PNG\r\n\x1a\n"
MARK = "posted: "


# What valid files look like


def encoded(mode="RGB", size=(320, 260), kind="PNG", *, noise=True, **options):
    image = Image.effect_noise(size, 60) if noise else Image.new("L", size, 90)
    image = image.convert("RGB").convert(mode) if mode != "RGBA" else image.convert("RGBA")
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, rows=None, *, bits=8, colour=2, interlaced=0, extra=b"", level=9):
    """A PNG by hand; `rows` are pieces of raw pixel data."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if rows is None:
        rows = [b"\0" + b"\xff" * ((width * channels * bits + 7) // 8)] * height
    packer = zlib.compressobj(level)
    packed = b"".join([*(packer.compress(row) for row in rows), packer.flush()])
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    body = chunk(b"IHDR", head) + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return PNG + body


def zeros(size):
    """So many zeros as a zlib stream: one block, packed once, again and again (RFC 1950 and 1951)."""
    packer, block, check = zlib.compressobj(9, wbits=-15), bytes(MB), 1
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(size // MB):
        check = zlib.adler32(block, check)
    return b"\x78\xda" + packed * (size // MB) + packer.flush() + struct.pack(">I", check)


def adam7(width=264, height=256):
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # fmt: skip
    rows = []
    for x, y, step_x, step_y in passes:
        columns, lines = -(-(width - x) // step_x), -(-(height - y) // step_y)
        rows += [b"\0" + b"\x80" * (3 * columns)] * lines
    return png(width, height, rows, interlaced=1)


def mpo():
    file, second = io.BytesIO(), Image.new("RGB", (320, 260))
    Image.effect_noise((320, 260), 50).convert("RGB").save(
        file, "MPO", save_all=True, append_images=[second]
    )
    return file.getvalue()


def many(kind, **options):
    frames = [Image.new("RGB", (300, 260), (n * 60, 0, 0)) for n in range(3)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def with_more(data):
    """A PNG with pixels behind its last pixel, and an end that holds something."""
    return data[:-12] + chunk(b"IDAT", b"51.5007N, 0.1246W") + chunk(b"IEND", b"body 4711")


def flat(kind, side, mode="RGB", **options):
    return encoded(mode, (side, side), kind, noise=False, **options)


VALID = {
    "png rgb": encoded,
    "png grey": lambda: encoded("L"),
    "png palette": lambda: encoded("P"),
    "png one bit": lambda: encoded("1"),
    "png opaque alpha": lambda: encoded("RGBA"),
    "png grey and alpha": lambda: encoded("LA"),
    "png turned": lambda: encoded(exif=exif(6)),
    "png interlaced": adam7,
    "png profile that is none": lambda: png(300, 300, extra=chunk(b"iCCP", b"51.5007N, 0.1246W")),
    "png colours cut short": lambda: png(300, 300, extra=chunk(b"cHRM", bytes(17))),
    "png more behind the pixels": lambda: with_more(encoded()),
    "jpeg": lambda: encoded(kind="JPEG"),
    "jpeg grey": lambda: encoded("L", kind="JPEG"),
    "jpeg progressive": lambda: encoded(kind="JPEG", progressive=True),
    "jpeg 4:4:4": lambda: encoded(kind="JPEG", subsampling=0, quality=95),
    "jpeg turned": lambda: encoded(kind="JPEG", exif=exif(8)),
    "jpeg mirrored": lambda: encoded(kind="JPEG", exif=exif(5)),
    "mpo": mpo,
    "motion photo": lambda: encoded(kind="JPEG") + b"\0\0\0\x18ftypisom" + b"\xff\xda" * 60,
    "bmp": lambda: encoded(kind="BMP"),
    "bmp palette": lambda: encoded("P", kind="BMP"),
    "bmp one bit": lambda: encoded("1", kind="BMP"),
    "webp": lambda: encoded(kind="WEBP"),
    "webp lossless": lambda: encoded(kind="WEBP", lossless=True),
    "webp opaque alpha": lambda: encoded("RGBA", kind="WEBP", exact=True),
    "webp turned": lambda: encoded(kind="WEBP", exif=exif(3)),
}

# Whole and large: what fits the bounds is taken, in bounded memory.
LARGE = {
    "png 8000x8000": lambda: png(8000, 8000),
    "png 8000x8000 palette": lambda: png(
        8000, 8000, [b"\0" * 8001] * 8000, colour=3, extra=chunk(b"PLTE", b"sky")
    ),
    "jpeg 8000x8000": lambda: flat("JPEG", 8000),
    "jpeg 8000x8000 turned": lambda: flat("JPEG", 8000, exif=exif(6)),
    "jpeg 6000x6000 progressive": lambda: flat("JPEG", 6000, progressive=True),
    "png 4400x4400 opaque alpha": lambda: png(4400, 4400, colour=6),
    "webp 3000x3000": lambda: flat("WEBP", 3000),
}

# name -> (file, a part of the reason)
REFUSED = {
    "gif": (lambda: encoded("P", kind="GIF"), "GIF"),
    "gif animated": (lambda: many("GIF"), "GIF"),
    "tiff": (lambda: encoded(kind="TIFF"), "TIFF"),
    "avif": (lambda: encoded(kind="AVIF"), "AVIF"),
    "jpeg 2000": (lambda: encoded(kind="JPEG2000"), "JPEG 2000"),
    "ico": (lambda: encoded(size=(256, 256), kind="ICO"), "ICO"),
    "pdf": (lambda: encoded(kind="PDF"), "PDF"),
    "psd": (lambda: b"8BPS\0\1" + bytes(400), "PSD"),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"/>', "SVG"),
    "svg with head": (lambda: b'<?xml version="1.0"?><svg/>', "SVG"),
    "heic": (lambda: b"\0\0\0\x18ftypheic" + bytes(200), "HEIC"),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n", "PostScript"),
    "html": (lambda: b"<!DOCTYPE html><title>404</title>", "HTML"),
    "zip": (lambda: b"PK\3\4" + bytes(100), "ZIP"),
    "text": (lambda: b"hello " * 100, "no picture"),
    "nothing": (lambda: b"", "empty file"),
    "one byte": (lambda: b"\x89", "no picture"),
    "png 16 bits grey": (lambda: png(300, 300, bits=16, colour=0), "16 bits"),
    "png 16 bits rgb": (lambda: png(300, 300, bits=16), "16 bits"),
    "jpeg cmyk": (lambda: encoded("CMYK", kind="JPEG"), "CMYK"),
    "apng": (lambda: many("PNG"), "animated PNG"),
    "webp animated": (lambda: many("WEBP"), "animated WEBP"),
    "png transparent": (lambda: transparent("PNG"), "transparent"),
    "png transparent colour": (lambda: encoded("P", transparency=0), "transparent"),
    "webp transparent": (lambda: transparent("WEBP"), "transparent"),
    "too small": (lambda: encoded(size=(239, 400)), "239x400"),
    "too wide": (lambda: png(8001, 300), "8001x300"),
    "png of 2 gigapixels a side": (lambda: png(2**31 - 1, 2**31 - 1, [b""]), "2147483647x"),
    "png 65535x65535": (lambda: png(65535, 65535, [b""]), "65535x65535"),
    "jpeg 65500x65500": (lambda: jpeg_of(65500, 65500), "65500x65500"),
    "webp 16383x16383": (lambda: webp_of(16383, 16383), "16383x16383"),
    "bmp 2 gigapixels a side": (lambda: bmp_of(2**31 - 1, 2**31 - 1), "2147483647x"),
    "bmp run-length": (lambda: bmp_of(8000, 8000, packing=1), "compressed BMP"),
    "png 8000x8000 with alpha": (lambda: png(8000, 8000, colour=6), "million pixels"),
    "jpeg 8000x8000 progressive": (
        lambda: flat("JPEG", 8000, progressive=True, subsampling=0), "million pixels"),
    "webp 8000x8000": (lambda: webp_of(8000, 8000), "million pixels"),
    "png of 256 MB pixels": (lambda: bomb_of_pixels(256), "more pixels"),
    "png zTXt bomb": (lambda: png(300, 300, extra=text_bomb(b"zTXt", b"a\0\0")), "unpack to more"),
    "png iTXt bomb": (
        lambda: png(300, 300, extra=text_bomb(b"iTXt", b"a\0\1\0\0\0")), "unpack to more"),
    "png iCCP bomb": (lambda: png(300, 300, extra=text_bomb(b"iCCP", b"a\0\0")), "unpack to more"),
    "png 1000 texts of 7 MB": (
        lambda: png(300, 300, extra=chunk(b"zTXt", b"a\0\0" + zeros(7 * MB)) * 1000), "unpack to more"),
    "png too few rows": (lambda: png(300, 300, [b"\0" * 901] * 200), "fewer pixels"),
    "png wrong filter": (lambda: png(300, 300, [b"\7" + bytes(900)] * 300), "row of its pixels"),
    "png without palette": (lambda: png(300, 300, colour=3), "palette is missing"),
    "png of 100,000 parts": (
        lambda: png(300, 300, extra=chunk(b"teSt", b"") * 100_000), "too many parts"),
    "png checksum": (lambda: flipped(encoded(), 40), "checksum"),
    "png breaks off": (lambda: encoded()[:5000], "breaks off"),
    "jpeg breaks off": (lambda: encoded(kind="JPEG")[:5000], "breaks off"),
    "webp breaks off": (lambda: encoded(kind="WEBP")[:3000], "breaks off"),
    "bmp breaks off": (lambda: encoded(kind="BMP")[:5000], "breaks off"),
    "jpeg of 500 scans": (lambda: scans(500), "scans"),
    "jpeg of 30,000 parts": (
        lambda: b"\xff\xd8" + b"\xff\xe5\0\2" * 30_000 + encoded(kind="JPEG")[2:], "at its beginning"),
    "11 MB": (lambda: png(300, 300, extra=chunk(b"teSt", bytes(11 * MB))), "10485760 bytes"),
}  # fmt: skip


def transparent(kind):
    image = Image.new("RGBA", (300, 300), (9, 9, 9, 255))
    image.putpixel((299, 299), (0, 0, 0, 254))
    file = io.BytesIO()
    image.save(file, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return file.getvalue()


def jpeg_of(width, height):
    data = bytearray(encoded(kind="JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_of(width, height):
    data = bytearray(encoded(kind="WEBP"))
    data[26:30] = struct.pack("<HH", width, height)
    return bytes(data)


def bmp_of(width, height, packing=0):
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, packing, 0, 0, 0, 0, 0)
    body = head + bytes(1024) + b"\xff\0" * 1000
    return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 14 + 40 + 1024) + body


def bomb_of_pixels(megabytes):
    return png(300, 300, (bytes(MB) for _ in range(megabytes)))


def text_bomb(kind, start):
    return chunk(kind, start + zeros(256 * MB))


def scans(count):
    data = encoded(kind="JPEG")
    at = data.index(b"\xff\xda")
    return data[:at] + data[at:-2] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * count + b"\xff\xd9"


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


# Mutations


def flip(data, draw):
    data = bytearray(data)
    for _ in range(draw.randint(1, 20)):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def flip_head(data, draw):
    data = bytearray(data)
    for _ in range(draw.randint(1, 6)):
        data[draw.randrange(min(64, len(data)))] = draw.randrange(256)
    return bytes(data)


def cut(data, draw):
    return data[: draw.randrange(1, len(data))]


def blank(data, draw):
    start = draw.randrange(len(data))
    end = min(len(data), start + draw.randint(1, 400))
    return data[:start] + bytes(end - start) + data[end:]


def stutter(data, draw):
    start = draw.randrange(len(data))
    return data[:start] + data[start : start + draw.randint(1, 300)] * 2 + data[start:]


def drop(data, draw):
    start = draw.randrange(len(data))
    return data[:start] + data[start + draw.randint(1, 300) :]


def splice(data, draw):
    other = VALID[draw.choice(sorted(VALID))]()
    return data[: draw.randrange(len(data))] + other[draw.randrange(len(other)) :]


def tail(data, draw):
    return data + draw.randbytes(draw.randint(1, 4000))


def grow(data, draw):
    """Four bytes somewhere in the head become a huge number."""
    at = draw.randrange(min(80, len(data) - 4))
    return data[:at] + draw.choice([b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff"]) + data[at + 4 :]


MUTATIONS = (flip, flip_head, cut, blank, stutter, drop, splice, tail, grow)


def corpus(files, seed):
    """Name, bytes, expectation (`taken`, a part of the reason, or None for either)."""
    draw = random.Random(seed)
    for name, make in VALID.items():
        yield name, make(), "taken"
    for name, make in LARGE.items():
        yield name, make(), "taken"
    for name, (make, reason) in REFUSED.items():
        yield name, make(), reason
    names = sorted(VALID)
    for number in range(max(20, files - len(VALID) - len(LARGE) - len(REFUSED))):
        name = names[number % len(names)]
        change = draw.choice(MUTATIONS)
        yield f"{name}, {change.__name__} {number}", change(VALID[name](), draw), None


# Posting


def status(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def known(data):
    """Whether Pillow opens a file."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error):
        return False
    return True


def post_all(folder):
    """In the child: post each file as the first frame, and say what happened as a line of JSON."""
    from tests.conftest import film  # the parent needs no world
    from tests.world import World, picture

    world = World(film)
    last = picture()
    world.post()  # everything is imported
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets the high-water mark
        answer = world.client.post(
            "/v1/videos",
            data={
                "first_frame": (io.BytesIO(data), path.name),
                "last_frame": (io.BytesIO(last), "last.png"),
                "prompt": "rain",
            },
        )
        grown = status("VmHWM") - before
        error = (answer.get_json() or {}).get("error") or {}
        opens = True
        for blob in world.bucket.list_blobs():  # the emulator keeps objects in this very process
            if blob.name.startswith("frames/"):
                opens = opens and known(blob.download_as_bytes())
            if not blob.name.startswith("gates/"):
                blob.delete()
        line = {
            "file": path.name,
            "status": answer.status_code,
            "code": error.get("code"),
            "param": error.get("param"),
            "message": error.get("message", ""),
            "grown_mb": round(grown, 1),
            "opens": opens,
        }
        print(MARK + json.dumps(line), flush=True)


def run(files, seed):
    """Make the files, post them in a child, and judge its lines."""
    with tempfile.TemporaryDirectory() as name:
        folder, wanted = Path(name), {}
        for number, (title, data, expected) in enumerate(corpus(files, seed)):
            file = f"{number:04}"
            (folder / file).write_bytes(data)
            wanted[file] = title, expected, len(data)
        child = subprocess.run(
            [sys.executable, "-m", "tests.web.picture_corpus", "--child", name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = child.stdout.splitlines()
        rows = [json.loads(line[len(MARK) :]) for line in lines if line.startswith(MARK)]
    for row in rows:
        row["title"], row["expected"], row["bytes"] = wanted[row["file"]]
    return rows, len(wanted), child.returncode


def wrong(row):
    """What is wrong with an answer; empty when nothing is."""
    refused = row["status"] == 400 and row["code"] in {"invalid_frame", "invalid_request"}
    named = row["param"] == "first_frame" and row["message"].startswith("first_frame: ")
    if row["grown_mb"] > GROWTH_AT_MOST_MB:
        return f"took {row['grown_mb']} MB"
    if row["status"] == 202 and row["expected"] in {"taken", None}:
        return "" if row["opens"] else "was stored as a file that does not open"
    if row["expected"] == "taken":
        return f"refused: {row['message']}"
    if not (refused and named):
        return f"answered {row['status']} {row['code']} {row['param']}: {row['message']}"
    if row["expected"] and row["expected"] not in row["message"]:
        return f"another reason: {row['message']}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        post_all(given.child)
        return 0
    rows, made, code = run(given.files, given.seed)
    bad = [(row["title"], wrong(row)) for row in rows if wrong(row)]
    for row in rows:
        if row["expected"] is not None:
            shown = (
                "taken" if row["status"] == 202 else row["message"].removeprefix("first_frame: ")
            )
            print(
                f"{row['title']:28} {row['bytes'] / 1000:8.0f} kB {row['grown_mb']:6.0f} MB  {shown[:100]}"
            )
    tally = collections.Counter(
        "taken" if row["status"] == 202 else f"{row['status']} {row['code']}" for row in rows
    )
    for title, what in bad:
        print(f"WRONG {title}: {what}")
    worst = max(rows, key=lambda row: row["grown_mb"])
    print(
        f"{len(rows)} of {made} files, seed {given.seed}: "
        + ", ".join(f"{count} {name}" for name, count in tally.most_common())
        + f"; {len(bad)} wrong; exit {code}; most memory for one post: {worst['grown_mb']} MB "
        f"({worst['title']}), allowed {GROWTH_AT_MOST_MB} MB"
    )
    return 1 if bad or code or len(rows) != made else 0


if __name__ == "__main__":
    sys.exit(main())
