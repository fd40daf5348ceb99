"""Metrics of samples in `fit` and `evaluate`, and the stop by the kernel distance."""

import math
import warnings

import keras
import numpy as np
import pytest

from keras_dl import callbacks, metrics, models
from tests.models.builders import small_classifier
from tests.models.gan_builders import compiled, images, small_gan


def gan(**options):
    return compiled(small_gan(**options), steps_per_execution=1)


def fit(model, given, epochs=1, **options):
    return model.fit(images(20), batch_size=10, epochs=epochs, verbose=0, callbacks=list(given), **options).history


def test_fit_logs_what_the_metric_says():
    watched = callbacks.SampleMetrics([metrics.KID(), metrics.PrecisionRecall()], images(30, seed=5), num_samples=40)
    model = gan()
    history = fit(model, [watched], epochs=2)
    expected = metrics.KID()(images(30, seed=5), callbacks.draw_samples(model, 40))["kid"]
    assert history["val_kid"][-1] == pytest.approx(expected.value, rel=1e-6)
    assert history["val_kid_standard_error"][-1] == pytest.approx(expected.standard_error, rel=1e-6)
    assert history["val_kid"][0] != history["val_kid"][1] and len(history["val_precision"]) == 2
    assert watched.results["kid"] == expected and watched.logs["recall"] == history["val_recall"][-1]


def test_with_and_without_validation_the_logs_are_the_same():
    plain, validated = (fit(gan(), [callbacks.SampleMetrics(metrics.KID(), images(30))], **options)
                        for options in ({}, {"validation_data": (images(10),)}))  # fmt: skip
    assert plain["val_kid"] == validated["val_kid"] and "val_critic_loss" in validated
    assert not any(name in validated for name in ("kid", "val_val_kid"))


@pytest.mark.parametrize("clip", [(1.0, 0.0), (0.0,), 1.0])
def test_what_is_no_range_is_refused(clip):
    with pytest.raises(ValueError, match=r"`clip` should be \(low, high\) or None. Received: clip="):
        callbacks.SampleMetrics(metrics.KID(), images(30), clip=clip)


def test_every_few_epochs_and_the_last():
    class Keep(keras.callbacks.Callback):
        found = ()

        def on_epoch_end(self, epoch, logs=None):
            self.found = [*self.found, "val_kid" in logs]

    keep = Keep()
    fit(gan(), [callbacks.SampleMetrics(metrics.KID(), images(30), every=3), keep], epochs=5)
    assert keep.found == [False, False, True, False, True]


def test_evaluate():
    class Keep(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            self.logs = dict(logs)

    model, watched, keep = gan(), callbacks.SampleMetrics(metrics.KID(), images(30)), Keep()
    found = model.evaluate(images(10), verbose=0, callbacks=[watched, keep], return_dict=True)
    assert keep.logs == found and {"critic_loss", "kid", "kid_standard_error"} <= set(found)
    assert {name: found[name] for name in watched.logs} == watched.logs
    listed = model.evaluate(images(10), verbose=0, callbacks=[watched])
    assert len(listed) == len(found) and watched.logs["kid"] in listed
    fit(model, [watched], validation_data=(images(10),))
    before = watched.logs
    model.evaluate(images(10), verbose=0, callbacks=[watched, keep])  # the same callback, after training
    assert watched.logs == before == {name: keep.logs[name] for name in before}


def test_training_is_not_touched():
    weights = []
    for given in ([], [callbacks.SampleMetrics([metrics.KID(), metrics.SlicedWasserstein()], images(30))]):
        model = gan(ema_momentum=0.9)
        fit(model, given, epochs=2)
        weights.append([*model.get_weights(), model.state.draws])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_averages_are_what_is_measured():
    model = gan(ema_momentum=0.9)
    history = fit(model, [callbacks.SampleMetrics(metrics.KID(), images(30))], epochs=2)
    model.generator.set_weights([w * 0 for w in model.generator.get_weights()])
    found = callbacks.SampleMetrics(metrics.KID(), images(30))
    found.set_model(model)
    assert found.measure()["kid"].value == pytest.approx(history["val_kid"][-1], rel=1e-6)


def test_conditional_samples():
    model = gan(kind=models.ConditionalGAN, num_classes=3)
    labels = np.arange(25) % 3
    samples = callbacks.draw_samples(model, 25, labels, seed=4, batch_size=10)
    assert samples.shape == (25, 4, 4, 1) and len(np.unique(samples.reshape(25, -1), axis=0)) == 25
    np.testing.assert_array_equal(callbacks.draw_samples(model, 25, labels, seed=4, batch_size=10), samples)
    assert (callbacks.draw_samples(model, 25, labels, seed=5, batch_size=10) != samples).any()
    watched = callbacks.SampleMetrics(metrics.KID(), images(30), num_samples=25, condition=labels)
    watched.set_model(model)
    expected = metrics.KID()(images(30), callbacks.draw_samples(model, 25, labels))
    assert watched.measure() == expected
    with pytest.raises(ValueError, match="one condition per sample. Received"):
        callbacks.SampleMetrics(metrics.KID(), images(30), condition=labels)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`every`.*Received: every=0"):
        callbacks.SampleMetrics(metrics.KID(), images(5), every=0)
    with pytest.raises(ValueError, match="twice kid"):
        callbacks.SampleMetrics([metrics.KID(), metrics.KID()], images(5))
    with pytest.raises(ValueError, match="`num_samples`.*Received: num_samples=0"):
        callbacks.draw_samples(None, 0)
    with pytest.raises(ValueError, match="`patience`.*Received: patience=0"):
        callbacks.StopOnKID(patience=0)
    model = small_classifier()
    model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    with pytest.raises(ValueError, match="`sample` method. Received"):
        model.fit(images(4), np.zeros((4, 3)), verbose=0, callbacks=[callbacks.SampleMetrics(metrics.KID(), images(5))])


class Measured(keras.callbacks.Callback):
    """Logs given distances, and keeps the weights of every epoch's end."""

    def __init__(self, values, error=1.0):
        super().__init__()
        self.values, self.error, self.weights = values, error, []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())
        if self.values[epoch] is not None:
            logs.update(val_kid=self.values[epoch], val_kid_standard_error=self.error)


@pytest.mark.parametrize(
    ("values", "stopped", "best"),
    [
        ([9, 5, 7, 7, 7], 3, 1),  # clearly worse, twice in a row
        ([9, 5, 6.3, 6.3, 6.3, 6.3], None, 1),  # worse by less than the root of 2
        ([9, 5, 7, 6.3, 7, 6.3, 7], None, 1),  # clearly worse, but never twice in a row
        ([9, 5, 7, 4, 7, 7, 7], 5, 3),  # a new best in between
        ([9, 5, None, 7, None, 7, None], 5, 1),  # epochs without a measurement do not count
        ([9, 8, 7, 6], None, 3),
    ],
)
def test_stops_only_where_it_is_worse_by_more_than_the_error(values, stopped, best):
    stop = callbacks.StopOnKID(patience=2)
    history = fit(gan(), [Measured(values), stop], epochs=len(values))
    assert stop.stopped_epoch == stopped
    assert len(history["critic_loss"]) == (len(values) if stopped is None else stopped + 1)
    assert stop.best_epoch == best and stop.best == values[best]


def test_the_best_weights_come_back():
    measured = Measured([9, 5, 8, 8, 8])
    model = gan(ema_momentum=0.5)
    fit(model, [measured, callbacks.StopOnKID(patience=3, restore_best_weights=True)], epochs=5)
    ends = [*model.get_weights()]
    assert len(ends) > len(model.generator.weights) + len(model.critic.weights)  # the averages among them
    for weight, best, last in zip(ends, measured.weights[1], measured.weights[-1], strict=True):
        np.testing.assert_array_equal(weight, best)
        assert (best != last).any()


class Drift(keras.callbacks.Callback):
    """Turns the generator's samples brighter after the third epoch, more with every epoch."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch > 2:
            bias = self.model.generator.get_layer("values").bias
            bias.assign(bias + 1.0)


def test_a_real_stop_composed_with_sample_metrics():
    model = gan()
    watched = callbacks.SampleMetrics(metrics.KID(), images(200, seed=3))
    stop = callbacks.StopOnKID(patience=2, restore_best_weights=True)
    history = fit(model, [Drift(), watched, stop], epochs=12)
    assert stop.best_epoch <= 2 < 4 <= stop.stopped_epoch < 11
    assert len(history["val_kid"]) == stop.stopped_epoch + 1
    assert watched.measure()["kid"].value == pytest.approx(min(history["val_kid"]), rel=1e-5)


def test_state_is_kept_in_checkpoints():
    stop, other = callbacks.StopOnKID(patience=3, restore_best_weights=True), callbacks.StopOnKID(patience=3)
    fit(gan(), [Measured([9, 5, 8]), stop], epochs=3)
    other.set_state(stop.get_state())
    assert (other.best, other.best_epoch, other.wait, other.best_error) == (5, 1, 1, 1.0)
    fit(gan(), [Measured([1.0]), other])  # a new training begins anew
    assert other.best == 1.0 and other.wait == 0


def test_without_a_measurement_it_warns():
    with pytest.warns(UserWarning, match="No epoch had 'val_kid'"):
        fit(gan(), [callbacks.StopOnKID()])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        stop = callbacks.StopOnKID(start_from_epoch=1, monitor="val_sliced_wasserstein")
        fit(gan(), [callbacks.SampleMetrics(metrics.SlicedWasserstein(), images(30)), stop], epochs=2)
    assert stop.best_epoch == 1 and math.isfinite(stop.best)
