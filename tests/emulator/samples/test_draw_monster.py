"""The sample frames in the tree are what their module draws."""

import io

import numpy as np
import pytest
from PIL import Image

from lib.emulator.samples import draw_monster, monster


@pytest.mark.parametrize("name", ["FIRST", "LAST"])
def test_the_samples_are_what_the_module_draws(name):
    stored = {"FIRST": monster.first, "LAST": monster.last}[name]()
    drawn = np.asarray(draw_monster.drawn(getattr(draw_monster, name))).astype(int)
    # Another Pillow may round a blur otherwise.
    assert np.abs(np.asarray(Image.open(io.BytesIO(stored))).astype(int) - drawn).mean() < 1
