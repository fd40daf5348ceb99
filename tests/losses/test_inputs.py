"""The kinds of labels and shapes that losses take, those they refuse, and Keras' masks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import losses

RANDOM = np.random.default_rng(1)
LOGITS = RANDOM.normal(size=(6, 4)).astype("float32")
LABELS = np.array([0, 3, 1, 2, 1, 3])
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
BY_CLASS = {
    "cross_entropy": losses.CrossEntropy(weight=[1.0, 2.0, 3.0, 4.0], ignore_index=3),
    "nll": losses.NegativeLogLikelihood(ignore_index=3),
    "focal": losses.Focal(from_logits=True, ignore_index=3),
}


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("name", BY_CLASS)
def test_labels_of_any_number_type(name, dtype):
    loss = BY_CLASS[name]
    expected = loss(LABELS, LOGITS)
    np.testing.assert_array_equal(loss(LABELS.astype(dtype), LOGITS), expected)
    np.testing.assert_array_equal(loss(tf.constant(LABELS.astype(dtype)), tf.constant(LOGITS)), expected)
    np.testing.assert_array_equal(loss(LABELS.astype(dtype)[:, None], LOGITS), expected)


def test_one_hot_labels_are_probabilities():
    one_hot = np.eye(4)[LABELS]
    for labels in (one_hot, one_hot.astype(int), one_hot.astype(bool), one_hot.tolist()):
        np.testing.assert_allclose(losses.CrossEntropy()(labels, LOGITS), losses.CrossEntropy()(LABELS, LOGITS), 1e-6)
        np.testing.assert_allclose(
            losses.Focal(from_logits=True)(labels, LOGITS), losses.Focal(from_logits=True)(LABELS, LOGITS), 1e-6
        )
        pixels, images = np.reshape(labels, (1, 6, 4)), LOGITS[None]
        for loss in (losses.Dice(from_logits=True), losses.DiceCrossEntropy()):
            np.testing.assert_allclose(loss(pixels, images), loss(LABELS[None], images), 1e-6)


def test_cross_entropy_agrees_with_keras():
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS, LOGITS)
    np.testing.assert_allclose(losses.CrossEntropy()(LABELS, LOGITS), expected, rtol=1e-6)
    expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)(np.eye(4)[LABELS], LOGITS)
    np.testing.assert_allclose(losses.CrossEntropy(label_smoothing=0.2)(LABELS, LOGITS), expected, rtol=1e-6)


def test_segmentation_losses_agree_with_keras():
    masks, p = RANDOM.integers(2, size=(1, 6, 6, 1)), RANDOM.uniform(size=(1, 6, 6, 1)).astype("float32")
    np.testing.assert_allclose(losses.Dice()(masks, p), keras.losses.Dice()(masks, p), rtol=1e-5)
    expected = keras.losses.Tversky(alpha=0.8, beta=0.2)(
        masks, p
    )  # its code has them the other way round than its text
    np.testing.assert_allclose(losses.Tversky(alpha=0.2, beta=0.8)(masks, p), expected, rtol=1e-5)
    expected = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.3, gamma=3.0)(masks, p)
    np.testing.assert_allclose(losses.Focal(alpha=0.3, gamma=3.0)(masks, p), expected, rtol=1e-5)
    expected = keras.losses.CategoricalFocalCrossentropy(alpha=0.3, gamma=3.0)(np.eye(4)[LABELS], PROBABILITIES)
    np.testing.assert_allclose(losses.Focal(alpha=0.3, gamma=3.0)(LABELS, PROBABILITIES), expected, rtol=1e-5)


def test_dice_cross_entropy_is_the_sum_where_every_class_is_there():
    labels, logits = np.array([LABELS, LABELS[::-1]]), np.array([LOGITS, 2 * LOGITS])
    loss = losses.DiceCrossEntropy(dice_weight=0.3, cross_entropy_weight=2.0, smooth=0.5)
    expected = 0.3 * losses.Dice(from_logits=True, smooth=0.5)(labels, logits) + 2 * losses.CrossEntropy()(
        labels, logits
    )
    np.testing.assert_allclose(loss(labels, logits), expected, rtol=1e-6)


def test_a_softmax_is_not_looked_behind():
    """Keras would take the logits out of the softmax's memory; ours treats what it gets as logits, always."""
    once = losses.CrossEntropy()(LABELS, keras.ops.convert_to_tensor(PROBABILITIES))
    np.testing.assert_array_equal(losses.CrossEntropy()(LABELS, keras.activations.softmax(tf.constant(LOGITS))), once)


def test_missing_and_additional_last_axes():
    y, x = RANDOM.normal(size=5), RANDOM.normal(size=(5, 1)).astype("float32")
    for loss in (losses.L1(), losses.L2(), losses.SmoothL1()):
        np.testing.assert_array_equal(loss(y, x), loss(y[:, None], x))
        np.testing.assert_array_equal(loss(y[:, None], x[:, 0]), loss(y[:, None], x))
    bits = RANDOM.integers(2, size=5)
    loss = losses.BinaryCrossEntropy(from_logits=True)
    np.testing.assert_array_equal(loss(bits, x), loss(bits[:, None], x))


def test_pairs_and_triplets_as_tuple_list_and_stack():
    a, b, c = RANDOM.normal(size=(3, 4, 5)).astype("float32")
    signs = np.array([1, -1, 1, -1])
    for loss in (losses.CosineEmbedding(), losses.Contrastive()):
        expected = loss(signs, (a, b))
        for pair in ([a, b], np.stack([a, b], 1), (tf.constant(a), tf.constant(b))):
            np.testing.assert_array_equal(loss(signs, pair), expected)
        np.testing.assert_array_equal(loss(signs[:, None], (a, b)), expected)
    loss = losses.MarginRanking(margin=0.1)
    np.testing.assert_array_equal(loss(signs, np.stack([a[:, 0], b[:, 0]], 1)), loss(signs, (a[:, 0], b[:, 0])))
    loss = losses.TripletMargin()
    expected = loss(None, (a, b, c))
    for arguments in ((a, b, c), (signs, (a, b, c)), (None, [a, b, c]), (signs, np.stack([a, b, c], 1))):
        np.testing.assert_array_equal(loss(*arguments), expected)
    weights = np.array([1.0, 0.0, 2.0, 0.5], "float32")
    weighted = loss(signs, np.stack([a, b, c], 1), weights)
    np.testing.assert_allclose(weighted, (losses.triplet_margin(a, b, c) * weights).numpy().mean(), rtol=1e-6)


def test_sample_weights_of_pixels():
    labels, logits = LABELS.reshape(2, 3), LOGITS.reshape(2, 3, 4)
    pixels = RANDOM.uniform(size=(2, 3)).astype("float32")
    values = losses.cross_entropy(labels, logits).numpy()
    for weights in (pixels, pixels[..., None]):
        np.testing.assert_allclose(losses.CrossEntropy()(labels, logits, weights), (values * pixels).mean(), rtol=1e-6)


def test_keras_mask_removes_time_steps():
    labels, logits = LABELS.reshape(2, 3), tf.constant(LOGITS.reshape(2, 3, 4))
    mask = np.array([[True, True, False], [True, False, False]])
    logits._keras_mask = tf.constant(mask)
    values = losses.cross_entropy(labels, logits).numpy()
    np.testing.assert_allclose(losses.CrossEntropy()(labels, logits), values[mask].mean(), rtol=1e-6)
    y = np.zeros((2, 3, 4), "float32")
    np.testing.assert_allclose(losses.L2()(y, logits), (logits.numpy()[mask] ** 2).mean(), rtol=1e-6)
    np.testing.assert_allclose(losses.L2(reduction="sum")(y, logits), (logits.numpy()[mask] ** 2).sum(), rtol=1e-6)


WRONG = {
    "shapes": lambda: losses.L1()([[1.0, 2.0]], [[1.0, 2.0, 3.0]]),
    "shapes_broadcast": lambda: losses.L2()(np.zeros((4, 1)), np.zeros((4, 3))),
    "class_shapes": lambda: losses.CrossEntropy()(LABELS[:5], LOGITS),
    "class_weights": lambda: losses.CrossEntropy(weight=[1.0, 2.0])(LABELS, LOGITS),
    "probabilities_and_ignored": lambda: losses.CrossEntropy(ignore_index=0)(np.eye(4)[LABELS], LOGITS),
    "focal_probabilities_and_ignored": lambda: losses.Focal(ignore_index=0)(np.eye(4)[LABELS], LOGITS),
    "nll_of_probabilities": lambda: losses.NegativeLogLikelihood()(np.eye(4)[LABELS], LOGITS),
    "label_smoothing": lambda: losses.CrossEntropy(label_smoothing=1.5),
    "beta": lambda: losses.SmoothL1(beta=-1.0),
    "function_beta": lambda: losses.smooth_l1([1.0], [1.0], beta=-1.0),
    "p": lambda: losses.TripletMargin(p=0.0),
    "mining": lambda: losses.TripletMargin(mining="easy"),
    "embeddings": lambda: losses.TripletMargin(mining="all")([0, 1], np.zeros((2, 3, 4))),
    "one_tensor": lambda: losses.Contrastive()([1, 0], np.zeros((2, 3))),
    "three_of_a_pair": lambda: losses.Contrastive()([1, 0], (LOGITS, LOGITS, LOGITS)),
    "pair_shapes": lambda: losses.CosineEmbedding()([1, 1], (np.zeros((2, 3)), np.zeros((2, 4)))),
    "gamma": lambda: losses.Focal(gamma=-1.0),
    "alphas": lambda: losses.Focal(alpha=[1.0, 2.0])(LABELS, LOGITS),
    "only_background": lambda: losses.Dice(include_background=False)([[1, 0]], np.zeros((1, 2, 1))),
    "no_classes": lambda: losses.Dice()([1, 0], np.zeros(2)),
    "binary_class_weights": lambda: losses.DiceCrossEntropy(weight=[1.0])([[1, 0]], np.zeros((1, 2, 1))),
    "sample_weight": lambda: losses.L1()(LOGITS, LOGITS, sample_weight=np.ones(5)),
    "sample_weight_rank": lambda: losses.CrossEntropy()(LABELS, LOGITS, sample_weight=np.ones((6, 2))),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_refused(name):
    with pytest.raises(ValueError, match="(?s)should (be|have|hold) .*Received: "):
        WRONG[name]()


@pytest.mark.parametrize("label", [-1, 4])
@pytest.mark.parametrize("function", [losses.cross_entropy, losses.negative_log_likelihood])
def test_labels_out_of_range_are_refused(function, label):
    """Neither counted from the end nor left out."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        function(np.array([0, 1, 2, 3, 0, label]), LOGITS)
    with pytest.raises(tf.errors.InvalidArgumentError):
        function(np.array([0, 1, 2, 3, 0, label]), LOGITS, weight=[1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (losses.Focal(from_logits=True), [[[0.0], [255.0]]]),
        (losses.Dice(from_logits=True), [[[0.0], [255.0]]]),
        (losses.DiceCrossEntropy(), [[[0.0], [255.0]]]),
        (losses.DiceCrossEntropy(), [[[0.0], [-1.0]]]),
    ],
)
def test_masks_outside_0_to_1_give_nan(loss, targets):
    """As labels that are no class do; a mask of 0 and 255 would otherwise train on a plausible loss."""
    predictions = np.zeros((1, 2, 1), "float32")
    assert np.isnan(float(loss(np.array(targets, "float32"), predictions)))
    assert np.isfinite(float(loss(np.clip(targets, 0, 1).astype("float32"), predictions)))


SHARES = {
    "binary": (losses.BinaryCrossEntropy(), 0.4),
    "binary_logits": (losses.BinaryCrossEntropy(from_logits=True), 0.4),
    "classes": (losses.CrossEntropy(), 0.4),
    "kl": (losses.KLDivergence(), -0.4),
}


@pytest.mark.parametrize("name", SHARES)
def test_targets_outside_0_to_1_give_nan_where_they_count(name):
    """A target such as -1, with a weight of 0, is padding; interpolated targets may miss the range by rounding."""
    loss, prediction = SHARES[name]
    x = tf.Variable(np.full((2, 2), prediction, "float32"))
    weights = np.array([[1.0, 1.0], [0.0, 0.0]], "float32")
    weights = weights[:, 0] if name == "classes" else weights
    padded = tf.constant([[0.0, 1.0], [-1.0, 255.0]])
    assert np.isnan(float(loss(padded, x)))
    with tf.GradientTape() as tape:
        value = loss(padded, x, sample_weight=weights)
    assert np.isfinite(float(value)) and np.isfinite(tape.gradient(value, x)).all()
    np.testing.assert_allclose(value, loss([[0.0, 1.0], [0.0, 0.0]], x, sample_weight=weights), rtol=1e-6)
    assert np.isfinite(float(loss([[0.0, 1.000001], [-1e-6, 1.0]], x)))


PADDED = {
    "focal": (losses.Focal(), [[[1.0]], [[255.0]]], [[[0.4]], [[0.4]]]),
    "focal of classes": (losses.Focal(), [[1], [7]], [[[0.4, 0.6]], [[0.4, 0.6]]]),
    "dice": (losses.Dice(), [[[1.0]], [[255.0]]], [[[0.4]], [[0.4]]]),
    "dice of classes": (losses.Dice(), [[1, 0], [-1, 0]], [[[0.4, 0.6], [0.7, 0.3]]] * 2),
    "tversky of shares": (losses.Tversky(), [[[0.0, 1.0]], [[0.0, 3.0]]], [[[0.4, 0.6]], [[0.4, 0.6]]]),
    "dice and entropy": (losses.DiceCrossEntropy(), [[[1.0]], [[-1.0]]], [[[0.4]], [[0.4]]]),
    "contrastive": (losses.Contrastive(), [1.0, -1.0], [[[0.1], [0.4]], [[0.2], [0.5]]]),
    "cosine": (losses.CosineEmbedding(), [1.0, 0.0], [[[0.1, 1.0], [0.4, 0.3]], [[0.2, 0.1], [0.5, 1.0]]]),
    "ranking": (losses.MarginRanking(1.0), [1.0, 0.0], [[0.1, 0.4], [0.2, 0.5]]),
}


@pytest.mark.parametrize("name", PADDED)
def test_gradients_are_finite_where_strange_targets_count_for_nothing(name):
    """The values were NaN with a weight of 0 left out, and the gradients NaN all the same."""
    loss, targets, predictions = PADDED[name]
    x = tf.Variable(np.array(predictions, "float32"))
    assert np.isnan(float(loss(np.array(targets), x)))
    gradients = []
    for second in (targets[1], targets[0]):
        with tf.GradientTape() as tape:
            value = loss(np.array([targets[0], second]), x, sample_weight=np.array([1.0, 0.0], "float32"))
        gradients.append(tape.gradient(value, x).numpy())
        assert np.isfinite(float(value)) and np.isfinite(gradients[-1]).all() and gradients[-1][0].any()
    np.testing.assert_allclose(*gradients, rtol=1e-6)


def test_labels_of_pairs_are_those_of_the_loss():
    """0 would otherwise cost nothing, and pairs that are alike alone would draw all embeddings onto one point."""
    pairs, scores = (LOGITS, LOGITS[::-1]), (LOGITS[:, 0], LOGITS[::-1, 0])
    for loss, of in ((losses.CosineEmbedding(), pairs), (losses.MarginRanking(), scores)):
        assert np.isfinite(float(loss([1, -1, 1, -1, 1, -1], of)))
        for strange in (0, 2, 0.5, np.nan):
            assert np.isnan(float(loss([1, -1, 1, -1, 1, strange], of)))
    with pytest.raises(ValueError, match=r"one a pair. Received: labels of shape \(6, 4\)"):
        losses.Contrastive()(np.eye(4)[LABELS], pairs)


@pytest.mark.parametrize("mining", ["all", "semi-hard", "hard"])
def test_labels_of_mined_triplets(mining):
    loss = losses.TripletMargin(mining=mining)
    large = 2**40 + LABELS  # no float32 tells them apart
    assert float(loss(large, LOGITS)) == float(loss(LABELS, LOGITS)) > 0
    assert np.isnan(float(loss(np.where(LABELS == 1, np.nan, LABELS), LOGITS)))
    with pytest.raises(ValueError, match=r"for each of 6 embeddings. Received: labels of shape \(5,\)"):
        loss(LABELS[:5], LOGITS)


@pytest.mark.parametrize("labels", [[0, 2**32], [0, 2**40 + 1], [0.0, 2.0**32]])
def test_indices_that_int32_does_not_hold_are_no_classes(labels):
    """The lower half of 2^32 is class 0."""
    for loss in (losses.Focal(from_logits=True), losses.Dice(from_logits=True)):
        assert np.isnan(float(loss(np.array([labels]), LOGITS[None, :2])))
    with pytest.raises(tf.errors.InvalidArgumentError):
        losses.CrossEntropy()(np.array(labels), LOGITS[:2])


def test_fractions_are_no_class_indices():
    assert np.isnan(float(losses.Focal(from_logits=True)(np.array([0.0, 1.5], "float32"), LOGITS[:2])))


def test_labels_of_pairs_and_triplets():
    pairs = (LOGITS, LOGITS[::-1])
    assert np.isnan(losses.contrastive(-np.ones(6), pairs).numpy()).all()
    with pytest.raises(ValueError, match=r"of one-hot labels, their argmax. Received: labels of shape \(6, 4\)"):
        losses.TripletMargin(mining="hard")(np.eye(4, dtype="float32")[LABELS], LOGITS)
