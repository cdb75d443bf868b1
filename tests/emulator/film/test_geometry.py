"""The camera's way: it begins where it stands, ends at its model, and its middle is half of it."""

import numpy as np
import pytest

from lib.emulator.film.geometry import Path, between_sizes, corners, project, zoom_about

SIZE = (320, 240)


def test_a_zoom_leaves_its_point_where_it_is():
    matrix = zoom_about(2.0, 100, 50)
    assert project(matrix, np.array([[100.0, 50.0], [101.0, 50.0]])) == pytest.approx(
        np.array([[100.0, 50.0], [102.0, 50.0]])
    )


def test_pixel_edges_of_one_size_lie_on_those_of_another():
    edges = np.array([[-0.5, -0.5], [319.5, 239.5]])
    assert project(between_sizes(SIZE, (160, 60)), edges) == pytest.approx(
        np.array([[-0.5, -0.5], [159.5, 59.5]])
    )


@pytest.mark.parametrize(
    "model",
    [
        zoom_about(1.8, 40, 30),
        np.array([[1, 0, -30], [0, 1, 12], [0, 0, 1.0]]),
        np.array([[1, 0.02, -30], [0.01, 1, 12], [1e-4, 5e-5, 1.0]]),
    ],
    ids=["zoom", "pan", "perspective"],
)
def test_a_way_leads_from_the_first_view_to_its_model(model):
    path, frame = Path(model, SIZE), corners(SIZE)
    assert project(path.at(0.0), frame) == pytest.approx(frame, abs=0.01)
    assert project(path.at(1.0), frame) == pytest.approx(project(model, frame), abs=0.05)


def test_a_zoom_grows_evenly_by_factor_and_travel_by_what_the_camera_does():
    path = Path(zoom_about(4.0, 160, 120), SIZE)
    assert path.zoom == pytest.approx(4.0)
    assert np.linalg.det(path.at(0.5)[:2, :2]) ** 0.5 == pytest.approx(2.0)
    still, pan = Path(np.eye(3), SIZE), Path(np.array([[1, 0, -32], [0, 1, 0], [0, 0, 1.0]]), SIZE)
    assert still.travel == pytest.approx(0.0, abs=1e-9)
    assert pan.travel == pytest.approx(0.1)
