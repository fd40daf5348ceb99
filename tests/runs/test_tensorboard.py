"""More for TensorBoard: pictures, histograms of weights, hyperparameters."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import lazy, runs
from keras_dl.runs.tensorboard import LogDetails


def events(folder):
    for path in folder.iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                yield event.step, value


def test_pictures_histograms_and_hyperparameters_are_logged(tmp_path):
    folder = runs.RunFolder(tmp_path / "run")
    folder.create()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="end")], name="net")
    logs = LogDetails(folder, {"rate": 0.5, "hidden": [4, 5], "binarize": None, "beta": True})
    logs.set_model(model)
    pixels = (np.arange(48) % 7 * 36).reshape(4, 4, 3).astype("uint8")
    keras.utils.save_img(folder.pictures / "before.png", pixels, scale=False)
    logs.on_train_begin()
    for epoch in range(2):
        keras.utils.save_img(folder.pictures / f"samples_epoch_000{epoch + 1}.png", pixels, scale=False)
        logs.on_epoch_end(epoch)
    logs.on_train_end()
    logged = list(events(folder.tensorboard / "details"))
    pictures = {(step, value.tag): tf.make_ndarray(value.tensor) for step, value in logged if value.tag == "samples"}
    assert set(pictures) == {(1, "samples"), (2, "samples")}
    assert (tf.io.decode_png(pictures[1, "samples"][2]).numpy() == pixels).all()
    histograms = {(step, value.tag) for step, value in logged if value.metadata.plugin_data.plugin_name == "histograms"}
    assert histograms == {(step, f"net/end/{name}") for step in (1, 2) for name in ("kernel", "bias")}
    counts = next(tf.make_ndarray(value.tensor)[:, 2] for _, value in logged if value.tag == "net/end/kernel")
    assert counts.sum() == 6
    content = b"".join(value.metadata.plugin_data.content for _, value in logged)
    for text in (b"rate", b"hidden", b"[4, 5]", b"binarize", b"None"):
        assert text in content


def test_without_tensorboard_it_is_refused(tmp_path, monkeypatch):
    def missing(module, what):
        raise ImportError(f"{what} should find TensorBoard")

    monkeypatch.setattr(lazy, "need", missing)
    with pytest.raises(ImportError, match="should find TensorBoard"):
        LogDetails(runs.RunFolder(tmp_path), {})
