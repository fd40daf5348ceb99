"""Films: paths on spheres, frames, and files that play what was written."""

import numpy as np
import pytest
from PIL import Image

from keras_dl.tasks import films


def test_paths_are_arcs_that_close():
    """Equal steps of angle on the sphere of equally long stops; the last frame is a step before the first."""
    stops = np.random.default_rng(0).standard_normal((3, 5, 8))
    stops /= np.linalg.norm(stops, axis=-1, keepdims=True)
    path = films.closed_path(stops, steps=6)
    assert path.shape == (18, 5, 8)
    np.testing.assert_allclose(path[::6], stops, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1.0, atol=1e-12)
    angles = np.arccos(np.clip(np.sum(path * np.roll(path, -1, 0), -1), -1, 1)).reshape(3, 6, 5)
    whole = np.arccos(np.sum(stops * np.roll(stops, -1, 0), -1))
    np.testing.assert_allclose(angles, np.repeat(whole[:, None] / 6, 6, axis=1), atol=1e-7)


def test_paths_between_alike_and_opposite_latents_are_finite():
    a = np.ones((1, 3))
    path = films.closed_path(np.stack([a, a, -a, 0 * a]), steps=4)
    assert np.isfinite(path).all()
    np.testing.assert_allclose(path[:4], np.ones((4, 1, 3)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_film_plays_what_was_generated(tmp_path, channels):
    seen = []

    def generate(latents):
        seen.append(latents)
        shade = 1 / (1 + np.exp(-latents[:, :1, None, None]))
        return np.broadcast_to(shade, (len(latents), 8, 8, channels))

    meaning = films.film_of_latents(tmp_path / "film.gif", generate, 4)
    assert list(meaning) == [tmp_path / "film.gif"]
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.info["loop"]) == (len(seen), 0) == (48, 0)
        assert film.size == (6 * 52 + 4, 2 * 52 + 4)
        for number in (0, 7, 47):
            film.seek(number)
            pixels = np.asarray(film.convert("RGB")).astype(int)
            expected = np.round(255 / (1 + np.exp(-seen[number][:, 0]))).reshape(2, 6)
            tolerance = 0 if channels == 1 else 4  # of the nearest of 256 colours
            assert np.abs(pixels[30::52, 30::52, 0] - expected).max() <= tolerance
            assert (pixels[1] == 255).all()


def test_frames_fill_up_with_white():
    frame = films.frame(np.zeros((7, 60, 50, 3)))
    assert frame.shape == (2 * 64 + 4, 6 * 54 + 4, 3)
    assert frame[80, 10].max() == 0 and frame[80, 80].min() == 255
