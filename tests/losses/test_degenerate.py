"""Batches in which nothing counts: the loss is 0, and its gradient finite, in every reduction, eager and XLA."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import losses

LOGITS = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
IGNORED = np.full((3, 4), -100)
ZEROS = np.zeros((3, 5), "float32")
MININGS = ("all", "semi-hard", "hard")

NOTHING = {
    "nll": (losses.NegativeLogLikelihood, {}, IGNORED, np.log(0.5 + 0 * LOGITS)),
    "cross_entropy": (losses.CrossEntropy, {}, IGNORED, LOGITS),
    "cross_entropy_far": (losses.CrossEntropy, {"label_smoothing": 0.1}, IGNORED, 1e4 * LOGITS),
    "cross_entropy_255": (losses.CrossEntropy, {"ignore_index": 255}, IGNORED.astype("uint8") * 0 + 255, LOGITS),
    "no_class_weighs": (losses.CrossEntropy, {"weight": [0.0, 1.0]}, 0 * IGNORED, LOGITS),
    "dice_no_mask": (losses.Dice, {"from_logits": True}, 0 * IGNORED, LOGITS[..., :1]),
    "dice_no_mask_nor_prediction": (losses.Dice, {}, 0 * IGNORED, 0 * LOGITS[..., :1]),
    "dice_ignored": (losses.Dice, {"from_logits": True}, IGNORED, LOGITS),
    "dice_only_background": (losses.Dice, {"include_background": False}, 0 * IGNORED, 0 * LOGITS),
    "tversky_no_mask": (losses.Tversky, {"alpha": 0.0, "beta": 1.0}, 0 * IGNORED, 0 * LOGITS[..., :1]),
    "tversky_far": (losses.Tversky, {"from_logits": True}, 0 * IGNORED, 1e4 * LOGITS[..., :1]),
    "dice_cross_entropy": (losses.DiceCrossEntropy, {}, IGNORED, LOGITS),
    "dice_cross_entropy_binary": (losses.DiceCrossEntropy, {"ignore_index": 255}, 0 * IGNORED + 255, LOGITS[..., :1]),
    "focal": (losses.Focal, {"from_logits": True}, IGNORED, LOGITS),
    "focal_sure": (losses.Focal, {"gamma": 0.5}, IGNORED + 100, np.float32([1, 0]) + 0 * LOGITS),
    "cosine_dissimilar": (losses.CosineEmbedding, {}, [-1, -1, -1], (ZEROS, ZEROS)),
    "contrastive_equal": (losses.Contrastive, {}, [1, 1, 1], (ZEROS, ZEROS)),
    "kl_nothing": (losses.KLDivergence, {}, ZEROS, ZEROS - np.inf),
    "kl_nothing_log": (losses.KLDivergence, {"log_target": True}, ZEROS - np.inf, ZEROS),
}  # fmt: skip
NOTHING |= {f"one_class_{m}": (losses.TripletMargin, {"mining": m}, [1, 1, 1], ZEROS + 1) for m in MININGS}
NOTHING |= {f"no_two_alike_{m}": (losses.TripletMargin, {"mining": m}, [0, 1, 2], ZEROS) for m in MININGS}
NOTHING |= {f"one_row_{m}": (losses.TripletMargin, {"mining": m}, [0], ZEROS[:1]) for m in MININGS}


def value_and_gradients(loss, y_true, y_pred, jit_compile=False):
    y_pred = keras.tree.map_structure(lambda x: tf.constant(x, "float32"), y_pred)

    def compute(y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = loss(y_true, y_pred)
        return value, keras.tree.flatten(tape.gradient(value, y_pred))

    return tf.function(compute, jit_compile=True)(y_pred) if jit_compile else compute(y_pred)


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.grid(
    "nll",
    "cross_entropy_far",
    "no_class_weighs",
    "dice_no_mask",
    "tversky_far",
    "dice_cross_entropy_binary",
    "focal_sure",
    "cosine_dissimilar",
    "kl_nothing_log",
    "one_class_hard",
    "no_two_alike_semi-hard",
    "one_row_all",
)
def test_nothing_counts(name):
    make, options, y_true, y_pred = NOTHING[name]
    for reduction in ("mean", "sum", "batchmean", "none"):
        value, gradients = value_and_gradients(make(**options, reduction=reduction), y_true, y_pred)
        np.testing.assert_array_equal(value, 0 * value.numpy())
        assert all(np.isfinite(gradient).all() for gradient in gradients)
    value, gradients = value_and_gradients(make(**options), y_true, y_pred, jit_compile=True)
    assert value == 0
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0, float("inf")])
def test_collapsed_embeddings_cost_the_margin(p):
    """All embeddings equal, as when a network collapses: each triplet costs m, and the gradient is finite."""
    for eps in (1e-6, 0.0):
        for swap in (False, True):
            options = {"p": p, "eps": eps, "swap": swap, "margin": 0.75}
            for mining in ("all", "hard"):
                loss = losses.TripletMargin(**options, mining=mining)
                value, gradients = value_and_gradients(loss, [0, 0, 1], ZEROS + 0.3)
                np.testing.assert_allclose(value, 0.75, rtol=1e-6)
                assert np.isfinite(gradients[0]).all()
            value, gradients = value_and_gradients(losses.TripletMargin(**options), None, (ZEROS, ZEROS, ZEROS))
            np.testing.assert_allclose(value, 0.75, rtol=1e-6)
            assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_zero_vectors_have_cosine_zero():
    one = np.eye(3, 5, dtype="float32")
    for pair in ((ZEROS, ZEROS), (ZEROS, one), (one, ZEROS), (1e-20 * one, one), (1e4 * one, 1e4 * one[::-1])):
        value, gradients = value_and_gradients(losses.CosineEmbedding(), [1, 1, 1], pair)
        assert np.isfinite(value)
        assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert float(losses.CosineEmbedding()([1, 1, 1], (ZEROS, one))) == 1.0


def test_impossible_probabilities_cost_a_hundred_with_a_finite_gradient():
    certain = np.array([0.0, 1.0, 0.0, 1.0], "float32")
    value, gradients = value_and_gradients(losses.BinaryCrossEntropy(reduction="none"), [1.0, 0.0, 0.0, 1.0], certain)
    np.testing.assert_array_equal(value, [100.0, 100.0, 0.0, 0.0])
    np.testing.assert_allclose(gradients[0], [-1e12, 1e12, 0.0, 0.0], rtol=1e-6)
    value, gradients = value_and_gradients(losses.Focal(gamma=0.5), [[1], [0], [0], [1]], certain[:, None])
    assert np.isfinite(value)
    assert np.isfinite(gradients[0]).all()


def test_an_absent_class_does_not_count_in_the_mean():
    """A sample without a mask adds nothing to the mean of the one that has it."""
    masks = np.array([[1, 0, 1, 1], [0, 0, 0, 0]])
    p = np.array([[0.9, 0.2, 0.8, 0.6], [0.9, 0.9, 0.1, 0.2]], "float32")[..., None]
    alone = losses.Dice()(masks[:1], p[:1])
    np.testing.assert_allclose(alone, 1 - 2 * 2.3 / (2.5 + 3), rtol=1e-6)
    np.testing.assert_allclose(losses.Dice()(masks, p), alone, rtol=1e-6)


INFINITE = [
    (losses.NegativeLogLikelihood, {}),
    (losses.CrossEntropy, {"label_smoothing": 0.1}),
    (losses.Focal, {"from_logits": True}),
    (losses.Dice, {"from_logits": True}),
    (losses.DiceCrossEntropy, {}),
]


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(("kind", "options"), INFINITE)
def test_ignored_elements_may_hold_anything(kind, options, jit_compile):
    loss = kind(**options)

    @tf.function(jit_compile=jit_compile)
    def both(y_true, y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = loss(y_true, y_pred)
        return value, tape.gradient(value, y_pred)

    y_true = tf.constant([[0, -100, 1]])
    clean = np.log([[[0.5, 0.5], [0.5, 0.5], [0.2, 0.8]]]).astype("float32")
    expected, gradient = both(y_true, tf.constant(clean))
    for strange in (-np.inf, np.inf, np.nan):
        dirty = clean.copy()
        dirty[0, 1, 0] = strange
        found, other = both(y_true, tf.constant(dirty))
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        np.testing.assert_allclose(other, gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("label", [-1, 2])
@pytest.mark.parametrize(("kind", "options"), INFINITE)
def test_labels_that_do_not_exist_never_pass(kind, options, label):
    loss = kind(**options)
    compiled = tf.function(loss, jit_compile=True)
    y_pred = tf.constant(np.log([[[0.5, 0.5], [0.2, 0.8]]]).astype("float32"))
    assert np.isnan(compiled(tf.constant([[0, label]]), y_pred))


BROKEN = {
    "pairs": (losses.Contrastive, {}, [1, 0, 1], (ZEROS, ZEROS + 1)),
    "cosine": (losses.CosineEmbedding, {}, [1, -1, 1], (ZEROS, ZEROS + 1)),
    "triplets": (losses.TripletMargin, {}, None, (ZEROS, ZEROS, ZEROS + 1)),
    "cross_entropy": (losses.CrossEntropy, {}, 0 * IGNORED, LOGITS),
    "dice": (losses.Dice, {"from_logits": True}, 0 * IGNORED, LOGITS),
    "focal": (losses.Focal, {"from_logits": True}, 0 * IGNORED, LOGITS),
}
BROKEN |= {f"mined_{m}": (losses.TripletMargin, {"mining": m}, [0, 0, 1], ZEROS) for m in MININGS}


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", BROKEN)
def test_predictions_that_are_not_finite_are_seen(name, jit_compile, value):
    kind, options, y_true, y_pred = BROKEN[name]
    broken = tuple(part.copy() for part in y_pred) if isinstance(y_pred, tuple) else y_pred.copy()
    first = broken[0] if isinstance(broken, tuple) else broken
    first[0, ..., 0] = value
    loss = tf.function(kind(**options), jit_compile=jit_compile)(y_true, broken)
    assert not np.isfinite(float(loss))
