"""Draws the sample frames anew: `python -m lib.emulator.samples.draw_monster`.

Everything is drawn in scene coordinates and seen through a camera, so that what stands still in the
scene moves as it should between the two frames. Drawing takes seconds, so its results lie beside
this module and are read by `monster`. Needs Pillow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter

from lib.emulator.samples.monster import FIRST_FILE, LAST_FILE
from lib.emulator.seeded import seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT = 1280, 720
SCALE = 2  # drawn twice as large and reduced: smooth edges
_LIT = ((52, 128), (112, 188), (208, 255))  # the body's colour from its edge to the lamp's side
Point = tuple[float, float]
Colour = tuple[int, int, int, int]


@dataclass(frozen=True)
class Pose:
    """Where the camera stands and where the monster looks.

    Attributes:
        zoom: 1 shows the whole scene.
        centre: the scene point in the middle of the picture.
        gaze: from -1 (down at the ground) to 1 (up at the sky).
    """

    zoom: float
    centre: Point
    gaze: float


FIRST = Pose(1.0, (640.0, 360.0), -1.0)
LAST = Pose(1.42, (640.0, 385.0), 1.0)


def drawn(pose: Pose) -> Image.Image:
    """A frame, drawn anew."""
    return _Picture(pose).draw().resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


class _Picture:
    """One picture in the making."""

    def __init__(self, pose: Pose) -> None:
        self._pose = pose
        self._random = seeded(7)  # the same rain in both frames

    def draw(self) -> Image.Image:
        self._image = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE))
        self._sky()
        self._lights()
        self._houses()
        self._street()
        self._monster()
        self._rain()
        return self._image.convert("RGB")

    # Camera

    def _at(self, point: Point) -> Point:
        zoom, (x, y) = self._pose.zoom * SCALE, self._pose.centre
        return (
            (point[0] - x) * zoom + WIDTH * SCALE / 2,
            (point[1] - y) * zoom + HEIGHT * SCALE / 2,
        )

    def _length(self, length: float) -> float:
        return length * self._pose.zoom * SCALE

    def _layer(self, blur: float, paint: Callable[[ImageDraw.ImageDraw], None]) -> None:
        layer = Image.new("RGBA", self._image.size)
        paint(ImageDraw.Draw(layer))
        if blur:
            layer = layer.filter(ImageFilter.GaussianBlur(self._length(blur)))
        self._image.alpha_composite(layer)

    def _oval(self, draw: ImageDraw.ImageDraw, centre: Point, radii: Point, colour: Colour) -> None:
        x, y = self._at(centre)
        a, b = self._length(radii[0]), self._length(radii[1])
        draw.ellipse((x - a, y - b, x + a, y + b), fill=colour)

    def _shape(self, draw: ImageDraw.ImageDraw, points: Sequence[Point], colour: Colour) -> None:
        draw.polygon([self._at(point) for point in points], fill=colour)

    # Scene

    def _sky(self) -> None:
        def paint(draw: ImageDraw.ImageDraw) -> None:
            for row in range(HEIGHT * SCALE):
                y = (row - HEIGHT * SCALE / 2) / (self._pose.zoom * SCALE) + self._pose.centre[1]
                share = min(max(y / 470, 0.0), 1.0)
                colour = (int(14 + 44 * share), int(20 + 52 * share), int(48 + 62 * share), 255)
                draw.line((0, row, WIDTH * SCALE, row), fill=colour)

        self._layer(0, paint)

    def _lights(self) -> None:
        spots = seeded(3)  # the same town in both frames
        tones = [(255, 190, 92), (255, 140, 90), (120, 200, 255), (255, 224, 160)]

        def paint(draw: ImageDraw.ImageDraw) -> None:
            for _ in range(46):
                centre = (spots.uniform(-60, 1340), spots.gauss(330, 80))
                radius = spots.uniform(9, 30)
                tone = spots.choice(tones)
                self._oval(draw, centre, (radius, radius), (*tone, spots.randint(50, 135)))

        self._layer(1.6, paint)

    def _houses(self) -> None:
        town = seeded(11)

        def paint(draw: ImageDraw.ImageDraw) -> None:
            x = -80.0
            while x < WIDTH + 80:
                width, top = town.uniform(90, 190), town.uniform(150, 330)
                shade = town.randint(16, 30)
                corners = [(x, top), (x + width, top), (x + width, 480), (x, 480)]
                self._shape(draw, corners, (shade, shade + 6, shade + 22, 210))
                for wx in range(int(x) + 14, int(x + width) - 20, 26):
                    for wy in range(int(top) + 18, 440, 34):
                        if town.randrange(3) == 0:
                            glow = (255, 205, 120, town.randint(80, 190))
                            window = [(wx, wy), (wx + 12, wy), (wx + 12, wy + 17), (wx, wy + 17)]
                            self._shape(draw, window, glow)
                x += width + town.uniform(4, 26)

        self._layer(1.1, paint)

    def _street(self) -> None:
        stones = seeded(5)

        def ground(draw: ImageDraw.ImageDraw) -> None:
            self._shape(
                draw, [(-200, 470), (1480, 470), (1480, 1000), (-200, 1000)], (30, 38, 58, 255)
            )
            for row in range(14):
                y = 476 + row * row * 1.55
                high = 3 + row * 1.9
                shift = stones.uniform(0, 80)
                for column in range(-4, 24):
                    x = (column - 8) * (58 + row * 6) + 600 + shift
                    tint = stones.randint(-9, 12)
                    wide = 50 + row * 5
                    stone = [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]
                    self._shape(draw, stone, (46 + tint, 56 + tint, 80 + tint, 255))

        def shine(draw: ImageDraw.ImageDraw) -> None:
            for _ in range(40):
                centre = (stones.uniform(-60, 1340), stones.uniform(480, 720))
                tone = stones.choice([(255, 190, 110), (140, 190, 255), (255, 150, 110)])
                self._oval(draw, centre, (stones.uniform(10, 46), 3), (*tone, 60))
            self._oval(draw, (640, 612), (250, 34), (118, 158, 214, 120))

        self._layer(0, ground)
        self._layer(2.2, shine)

    def _monster(self) -> None:
        self._layer(7, lambda d: self._oval(d, (640, 608), (138, 20), (6, 10, 24, 190)))
        self._layer(0.6, self._body)
        self._layer(0.4, self._face)

    def _body(self, draw: ImageDraw.ImageDraw) -> None:
        dark = (26, 64, 138, 255)
        for side in (-1, 1):
            self._oval(draw, (640 + side * 58, 596), (40, 20), dark)
            self._oval(draw, (640 + side * 128, 500), (26, 58), dark)
            ear = [(640 + side * 52, 330), (640 + side * 118, 262), (640 + side * 100, 372)]
            self._shape(draw, ear, dark)
            tip = [(640 + side * 68, 330), (640 + side * 108, 282), (640 + side * 96, 358)]
            self._shape(draw, tip, (236, 146, 160, 255))
        # A round body, lighter towards the lamp on the upper left.
        for step in range(26):
            share = step / 25
            radii = (132 - 62 * share, 150 - 74 * share)
            centre = (640 - 30 * share, 456 - 44 * share)
            red, green, lit = (int(a + (b - a) * share) for a, b in _LIT)
            self._oval(draw, centre, radii, (red, green, lit, 255))
        self._oval(draw, (640, 530), (74, 62), (164, 208, 255, 190))
        fur = seeded(2)
        for _ in range(420):
            angle, far = fur.uniform(0, math.tau), math.sqrt(fur.random())
            x, y = 640 + 122 * far * math.cos(angle), 456 + 140 * far * math.sin(angle)
            tone = fur.randint(-26, 30)
            colour = (70 + tone, 128 + tone, 216 + tone, 150)
            self._shape(draw, [(x, y), (x + 3, y + 1), (x + fur.uniform(-3, 3), y + 15)], colour)

    def _face(self, draw: ImageDraw.ImageDraw) -> None:
        gaze = self._pose.gaze
        lift = -14 * (gaze + 1) / 2
        for side in (-1, 1):
            eye = (640 + side * 48, 416 + lift)
            self._oval(draw, eye, (39, 43), (18, 40, 92, 255))
            self._oval(draw, eye, (35, 39), (250, 252, 255, 255))
            pupil = (eye[0] - side * 4, eye[1] - 15 * gaze)
            self._oval(draw, pupil, (21, 23), (44, 92, 150, 255))
            self._oval(draw, pupil, (14, 16), (10, 16, 34, 255))
            self._oval(draw, (pupil[0] - 6, pupil[1] - 8), (6, 6), (255, 255, 255, 255))
            self._oval(draw, (pupil[0] + 7, pupil[1] + 6), (3, 3), (255, 255, 255, 200))
            self._lid(draw, eye, side)
        x, y = self._at((640, 492 + lift))
        wide, high = self._length(25), self._length(17)
        box = (x - wide, y - high, x + wide, y + high)
        draw.arc(box, 205, 335, fill=(16, 34, 80, 255), width=int(self._length(5)))

    def _lid(self, draw: ImageDraw.ImageDraw, eye: Point, side: int) -> None:
        """An upper lid that hangs outwards, as sad ones do, and opens as the gaze goes up."""
        (x, y), reach = self._at(eye), (self._length(40), self._length(44))
        box = (x - reach[0], y - reach[1], x + reach[0], y + reach[1])
        half, tilt = 74 - 30 * (self._pose.gaze + 1) / 2, 11 * side
        start, end = 270 - half + tilt, 270 + half + tilt
        draw.chord(box, start, end, fill=(70, 134, 224, 255))
        draw.arc(box, start, end, fill=(18, 40, 92, 255), width=int(self._length(4)))

    def _rain(self) -> None:
        def paint(draw: ImageDraw.ImageDraw) -> None:
            for _ in range(300):
                x, y = self._random.uniform(-80, 1360), self._random.uniform(-60, 760)
                long = self._random.uniform(14, 36)
                start, end = self._at((x, y)), self._at((x - long * 0.16, y + long))
                wide = max(1, int(self._length(self._random.uniform(0.6, 1.5))))
                tone = (206, 226, 255, self._random.randint(40, 120))
                draw.line((*start, *end), fill=tone, width=wide)
            for _ in range(40):
                centre = (self._random.uniform(40, 1240), self._random.uniform(510, 700))
                self._oval(draw, centre, (self._random.uniform(5, 12), 1.6), (214, 230, 255, 90))

        self._layer(0.3, paint)


if __name__ == "__main__":
    drawn(FIRST).save(FIRST_FILE, optimize=True)
    drawn(LAST).save(LAST_FILE, optimize=True)
