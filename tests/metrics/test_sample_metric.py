"""What sample metrics share: one extraction a network, batches, names."""

import keras
import numpy as np
import pytest

from keras_dl import metrics


class Counting(metrics.Features):
    """Features that count how many images they have seen."""

    images = 0

    def extract(self, images):
        self.images += len(images)
        return super().extract(images)


def features():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 1))
    hidden = keras.layers.Dense(5, "tanh")(keras.layers.Flatten()(inputs))
    return Counting(keras.Model(inputs, (hidden, keras.layers.Dense(3, "softmax")(hidden))), "tiny")


def images(rows, seed):
    return np.random.default_rng(seed).random((rows, 4, 4, 1), dtype="float32")


@pytest.mark.filterwarnings("ignore:The Frechet distance of")
def test_shared_features_are_extracted_once():
    shared, real, generated = features(), images(30, 0), images(20, 1)
    chosen = [metrics.FID(shared), metrics.KID(shared), metrics.PrecisionRecall(shared)]
    chosen += [metrics.DensityCoverage(shared), metrics.InceptionScore(shared), metrics.SlicedWasserstein()]
    found = metrics.measure(chosen, real, generated)
    assert shared.images == 50
    assert list(found) == [key for metric in chosen for key in metric.titles]
    for metric in chosen:
        for key, estimate in metric(real, generated).items():
            assert estimate == found[key]


def test_batch_by_batch():
    metric, real, generated = metrics.KID(features()), images(30, 0), images(20, 1)
    for start in range(0, 30, 12):
        metric.update_state(real[start : start + 12], generated[start : start + 12] if start < 20 else None)
    np.testing.assert_allclose(metric.result()["kid"], metric(real, generated)["kid"], rtol=1e-6)
    metric.reset_state()
    metric.update_state(x_real=real)
    with pytest.raises(ValueError, match="Received: no generated ones"):
        metric.result()
    plain = metrics.SlicedWasserstein()
    plain.update_state(real[:10], generated)
    plain.update_state(real[10:])
    assert plain.result() == plain(real, generated)


def test_names():
    tiny = features()
    assert metrics.FID(tiny).title("fid") == "FID[tiny]" and metrics.KID().title("kid") == "KID"
    assert metrics.DensityCoverage(tiny).title("coverage") == "coverage[tiny]"
    with pytest.raises(ValueError, match="names of their own. Received: twice kid"):
        metrics.measure([metrics.KID(), metrics.KID(tiny)], images(4, 0), images(4, 1))
    with pytest.raises(TypeError, match="SampleMetric objects. Received"):
        metrics.measure(["kid"], images(4, 0), images(4, 1))


def test_what_compare_is_for():
    with pytest.raises(NotImplementedError, match="should define compare"):
        metrics.SampleMetric()(np.zeros((2, 2)), np.zeros((2, 2)))


def test_what_is_represented_once_is_compared_as_often_as_one_likes():
    rng = np.random.default_rng(0)
    several = [metrics.PrecisionRecall(), metrics.SlicedWasserstein()]
    real, generated = rng.random((50, 2)), rng.random((60, 2))
    represented = [metrics.represent(several, x) for x in (real, generated)]
    assert list(represented[0]) == [several[0].features]
    assert metrics.compare(several, *represented) == metrics.measure(several, real, generated)
