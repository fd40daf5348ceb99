"""The glance at the data that a run ends with."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl.runs import closing


@pytest.mark.parametrize("beside", [(), ([1, 0, 1],), ([[0.5], [0.1], [0.2]],)], ids=["alone", "labels", "values"])
def test_points_are_drawn_whatever_is_beside_them(beside, tmp_path):
    points = np.float32([[0, 1], [1, 2], [2, 0]])
    data = tf.data.Dataset.from_tensor_slices((points, *beside)).batch(2)
    closing.draw_glance(tmp_path / "data.png", data, (2,), "triangle")
    assert (tmp_path / "data.png").stat().st_size > 1000


def test_data_of_other_shapes_are_not_drawn(tmp_path):
    data = tf.data.Dataset.from_tensor_slices(np.zeros([3, 5], "float32")).batch(2)
    closing.draw_glance(tmp_path / "data.png", data, (5,), "columns")
    assert not list(tmp_path.iterdir())
