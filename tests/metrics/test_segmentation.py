"""Overlaps, pixel error, surface distances and Rand scores against scikit-learn and SciPy, empty masks included."""

import keras
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.spatial.distance import directed_hausdorff
from sklearn import metrics as oracle
from sklearn.metrics.cluster import pair_confusion_matrix

from keras_dl import metrics, models
from keras_dl.metrics.segmentation_rand import grown
from keras_dl.metrics.segmentation_surfaces import surface, surface_distances
from tests.processes import output_of


def labels(*shape, classes=3, seed=0):
    return np.random.default_rng(seed).integers(0, classes, shape)


def blobs(*shape, seed=0, share=0.4):
    """A smooth random mask."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.5)
    return noise > np.quantile(noise, 1 - share)


def test_overlaps_are_scikit_learns():
    a, b = labels(4, 9, 7), labels(4, 9, 7, seed=1)
    options = {"labels": range(3), "average": None}
    np.testing.assert_allclose(metrics.dice_score(a, b), oracle.f1_score(a.ravel(), b.ravel(), **options))
    np.testing.assert_allclose(metrics.iou_score(a, b), oracle.jaccard_score(a.ravel(), b.ravel(), **options))
    assert metrics.pixel_error(a, b) == pytest.approx(oracle.zero_one_loss(a.ravel(), b.ravel()))
    iou = metrics.iou_score(a, b)
    np.testing.assert_allclose(metrics.dice_score(a, b), 2 * iou / (1 + iou))


def test_ignored_pixels_are_as_if_they_were_not_there():
    a, b = labels(6, 8), labels(6, 8, seed=1)
    keep = np.arange(8) < 5
    ignored = np.where(keep, a, -100)
    for score in (metrics.dice_score, metrics.iou_score, metrics.pixel_error):
        np.testing.assert_allclose(score(ignored, b), score(a[:, keep], b[:, keep]))
    assert np.isnan(metrics.pixel_error(np.full(3, 255), np.zeros(3, int), ignore_index=255))


def test_empty_masks():
    """1 and 0 where there is something to compare, NaN where there is not."""
    nothing, something = np.zeros((4, 5), int), np.ones((4, 5), int)
    for score in (metrics.dice_score, metrics.iou_score):
        np.testing.assert_array_equal(score(nothing, nothing, num_classes=3), [1, np.nan, np.nan])
        np.testing.assert_array_equal(score(nothing, something, num_classes=3), [0, 0, np.nan])
        assert np.isnan(score(np.zeros((0, 3), int), np.zeros((0, 3), int))).all()
    assert np.isnan(metrics.hausdorff_distance(nothing, nothing))
    for a, b in ((nothing, something), (something, nothing)):
        assert metrics.hausdorff_distance(a, b, percentile=95) == np.inf
    np.testing.assert_array_equal(metrics.hausdorff_95(nothing, nothing, num_classes=2), [0, np.nan])
    assert np.isnan(metrics.rand_score(nothing, something)).all()
    # Nothing predicted: every pixel is a region of its own.
    assert metrics.foreground_rand_score(something, nothing).split == pytest.approx(1 / 20)


def test_bad_arrays_are_refused():
    for call, message in (
        (lambda: metrics.dice_score([0, 1], [0, 1, 1]), "same shape"),
        (lambda: metrics.dice_score([0.0, 1.0], [0, 1]), "class indices"),
        (lambda: metrics.iou_score([0, 3], [0, 1], num_classes=3), "from 0 to 2. Received: values from 0 to 3"),
        (lambda: metrics.iou_score([0, -1], [0, 1]), "from 0 to 1"),
        (lambda: metrics.hausdorff_distance(np.ones((2, 2)), np.ones((2, 2)), spacing=(1, 0)), "`spacing`"),
        (lambda: metrics.hausdorff_distance(np.ones((2, 2)), np.ones((2, 2)), spacing=(1, 1, 1)), "`spacing`"),
        (lambda: metrics.hausdorff_distance(np.ones((2, 2)), np.ones((2, 2)), percentile=101), "`percentile`"),
        (lambda: metrics.hausdorff_distance(np.ones((2, 2)), np.ones((2, 3))), "same shape"),
        (lambda: metrics.rand_score(np.ones((2, 2), int), np.ones((2, 3), int)), "same shape"),
        (lambda: metrics.rand_score(np.ones((2, 2), int), -np.ones((2, 2), int)), "at least 0"),
        (lambda: metrics.maximal_rand_score(np.ones((0, 2)), np.ones((0, 2))), "one shape"),
        (lambda: metrics.hausdorff_95(np.ones((2, 2)), np.ones((2, 2))), "class indices should be integers"),
        (
            lambda: metrics.hausdorff_95(np.ones((2, 2), int), np.full((2, 2), 2), num_classes=2),
            "indices should be from 0 to 1",
        ),
        (lambda: metrics.Dice(0), "`num_classes`"),
        (lambda: metrics.Dice(1, include_background=False), "`num_classes`"),
        (lambda: metrics.IoU(3, class_id=3), "`class_id`"),
        (lambda: metrics.IoU(3).update_state([[0]], [[[0.1, 0.9]]]), "`y_pred` should have the shape"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            call()
        assert "Received: " in str(error.value)


def surface_points(mask, spacing):
    """Coordinates of the pixels of a mask that have a neighbour outside, pixel by pixel."""
    points = []
    padded = np.pad(mask, 1)
    for index in np.argwhere(padded):
        steps = np.concatenate([np.eye(mask.ndim, dtype=int), -np.eye(mask.ndim, dtype=int)])
        if not all(padded[tuple(index + step)] for step in steps):
            points.append((index - 1) * spacing)
    return np.array(points)


@pytest.mark.parametrize(
    ("shape", "spacing"), [((17, 23), (1.0, 1.0)), ((9, 14, 11), (5.0, 1.0, 0.7)), ((30,), (2.0,))]
)
def test_surface_distances_are_scipys(shape, spacing):
    a, b = blobs(*shape), blobs(*shape, seed=1)
    of_a, of_b = (surface_points(mask, np.array(spacing)) for mask in (a, b))
    np.testing.assert_allclose(np.argwhere(surface(a)) * spacing, of_a)
    expected = max(directed_hausdorff(of_a, of_b)[0], directed_hausdorff(of_b, of_a)[0])
    assert metrics.hausdorff_distance(a, b, spacing) == pytest.approx(expected)
    to_b, to_a = cKDTree(of_b).query(of_a)[0], cKDTree(of_a).query(of_b)[0]
    for ours, theirs in zip(surface_distances(a, b, spacing), (to_b, to_a), strict=True):
        np.testing.assert_allclose(np.sort(ours), np.sort(theirs))
    expected = max(np.percentile(to_b, 95), np.percentile(to_a, 95))
    assert metrics.hausdorff_distance(a, b, spacing, percentile=95) == pytest.approx(expected)
    assert metrics.hausdorff_95(a.astype(int), b.astype(int), spacing)[1] == pytest.approx(expected)


def test_the_rand_score_is_that_of_all_pairs():
    """Pairs of pixels counted by scikit-learn, with each predicted border pixel as a region of its own."""
    true, predicted = labels(12, 15, classes=4), labels(12, 15, classes=5, seed=1)
    a, b = true[true > 0], predicted[true > 0]
    b = np.where(b == 0, 100 + np.arange(len(b)), b)
    (_, only_b), (only_a, both) = pair_confusion_matrix(a, b)
    both, of_a, of_b = both + len(a), both + only_a + len(a), both + only_b + len(a)  # a pixel pairs with itself
    score = metrics.rand_score(true, predicted)
    assert score.split == pytest.approx(both / of_a) and score.merge == pytest.approx(both / of_b)
    assert score.score == pytest.approx(2 * score.split * score.merge / (score.split + score.merge))
    assert metrics.rand_score(true, true + 7 * (true > 0)) == (1.0, 1.0, 1.0)


def test_thinned_borders():
    """Two cells side by side; a border drawn five pixels wide, one with a gap, and one that is not there."""
    true = np.ones((20, 41), int)
    true[:, 20] = 0
    wide, gap = true.copy(), true.copy()
    wide[:, 18:23] = 0
    gap[10, 20] = 1
    assert metrics.foreground_rand_score(true, true).score == 1
    assert metrics.foreground_rand_score(true, wide).score == 1
    assert metrics.foreground_rand_score(true, wide, thin=False).score < 0.9
    for merged in (gap, np.ones_like(true)):
        score = metrics.foreground_rand_score(true, merged)
        assert score.split == 1 and score.merge == pytest.approx(0.5)
    line = grown(ndimage.label(wide)[0]) == 0
    np.testing.assert_array_equal(line, true == 0)
    halves = true.copy()
    halves[9:11] = 0  # each true cell in two halves
    assert metrics.foreground_rand_score(true, halves).split == pytest.approx(0.5, abs=0.05)


def test_one_threshold_for_the_stack():
    true = np.ones((2, 6, 9), int)
    true[:, :, 4] = 0
    probabilities = np.where(true == 1, 0.9, np.array([0.25, 0.65])[:, None, None])
    score, threshold = metrics.maximal_rand_score(true, probabilities)
    assert score == 1 and threshold == 0.7  # at 0.3 only the first is apart
    assert metrics.foreground_rand_score(true[1], probabilities[1], threshold=0.3).score < 0.7
    without = [np.concatenate([stack, np.zeros((1, 6, 9))]) for stack in (true, probabilities)]
    assert metrics.maximal_rand_score(*without) == (1, 0.7)  # the image without a region does not count
    assert np.isnan(metrics.maximal_rand_score(0 * true, probabilities)).all()


@pytest.mark.parametrize("kind", [metrics.Dice, metrics.IoU])
def test_the_metric_of_an_epoch_is_the_score_of_all_its_pixels(kind):
    score = {metrics.Dice: metrics.dice_score, metrics.IoU: metrics.iou_score}[kind]
    a, b = labels(5, 6, 7), labels(5, 6, 7, seed=1)
    a[0, 0] = -100
    one_hot = np.eye(4)[b]  # class 3 is in neither
    for options, expected in (
        ({}, np.nanmean(score(a, b, 4))),
        ({"include_background": False}, np.nanmean(score(a, b, 4)[1:])),
        ({"class_id": 2}, score(a, b, 4)[2]),
        ({"class_id": 3}, 0.0),
    ):
        metric = kind(4, **options)
        for rows in (slice(0, 2), slice(2, 5)):
            metric.update_state(a[rows], one_hot[rows])
        assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
        metric = kind.from_config(metric.get_config())
        metric.update_state(a[..., None], one_hot)
        assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0


def test_binary_masks_one_hot_targets_and_weights():
    a, b = labels(5, 6, classes=2), labels(5, 6, classes=2, seed=1)
    expected = metrics.dice_score(a, b)
    for options, prediction in (({}, 0.4 + 0.2 * b), ({"from_logits": True}, 2 * b - 1)):
        metric = metrics.Dice(1, **options)
        metric.update_state(a, prediction[..., None])
        assert float(metric.result()) == pytest.approx(expected[1], rel=1e-6)
    metric = metrics.Dice(2)
    metric.update_state(np.eye(2)[a], np.eye(2)[b], sample_weight=[0, 1, 1, 1, 1])
    assert float(metric.result()) == pytest.approx(metrics.dice_score(a[1:], b[1:]).mean(), rel=1e-6)


def test_counts_beyond_float32():
    """2^24 pixels and one more: a float32 sum would stay where it is."""
    metric = metrics.IoU(2, class_id=1)
    metric.counts[1].assign([0, 2.0**24])
    for _ in range(2):
        metric.update_state([[1]], [[[0.1, 0.9]]])
    assert float(metric.counts[1][1]) == 2.0**24 + 2


TWO_REPLICAS = """
from keras_dl import runtime
two = runtime.strategy("mirrored", devices=2)
from tests.metrics.test_segmentation import epoch_values
import contextlib
print(*epoch_values(contextlib.nullcontext()), *epoch_values(two.scope()))
"""


def epoch_values(scope):
    """Dice and IoU of `evaluate` and of an epoch of `fit`, with 5 samples in batches of 4."""
    x, y = np.random.default_rng(0).standard_normal((5, 4, 4, 1)).astype("float32"), labels(5, 4, 4, classes=2)
    with scope:
        keras.utils.set_random_seed(0)
        network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3, padding="same")])
        model = models.Supervised(network, seed=0)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss=loss, metrics=[metrics.Dice(2), metrics.IoU(2, include_background=False)])
    expected = metrics.dice_score(y, np.argmax(network(x), -1)).mean()
    logs = model.evaluate(x, y, batch_size=4, return_dict=True, verbose=0)
    history = model.fit(x, y, batch_size=4, verbose=0).history
    return expected, logs["dice"], logs["iou"], history["dice"][0], history["iou"][0]


@pytest.mark.full
def test_in_compile_on_one_and_two_replicas():
    """Uneven batches, and a replica without samples: the epoch's value is that of all pixels."""
    one, two = np.array(output_of(TWO_REPLICAS).split()[-10:], float).reshape(2, 5)
    assert one[1] == pytest.approx(one[0], rel=1e-6)
    np.testing.assert_allclose(two, one, rtol=1e-6)


@pytest.mark.parametrize(
    ("num_classes", "labels"), [(1, [0, 255]), (2, [0, 255]), (3, [3, 7]), (2, [0, -1]), (2, [0.5, 1.0])]
)
def test_labels_that_are_no_class_make_the_metrics_nan(num_classes, labels):
    """As they make the losses."""
    predictions = np.zeros((1, 2, num_classes), "float32")
    predictions[0, 1, -1] = 1.0
    for metric in (metrics.Dice(num_classes), metrics.IoU(num_classes)):
        metric.update_state([labels], predictions)
        assert np.isnan(float(metric.result()))
        metric.reset_state()
        metric.update_state([[0, 1]], predictions)
        assert np.isfinite(float(metric.result()))


def test_ignored_labels_are_no_class_and_do_no_harm():
    metric = metrics.Dice(2, ignore_index=255)
    metric.update_state([[0, 1, 255]], [[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])
    assert float(metric.result()) == 1.0


def test_one_hot_labels_of_another_number_of_classes_are_refused():
    with pytest.raises(ValueError, match=r"or 2 one-hot classes on the last axis. Received: shape \(1, 2, 3\)"):
        metrics.Dice(2).update_state(np.eye(3)[[[0, 1]]], np.zeros((1, 2, 2)))
    metric = metrics.Dice(2)
    metric.update_state(np.array([[[1, 0], [0, 0]]]), np.array([[[1.0, 0.0], [0.0, 1.0]]]))  # a pixel of no class
    assert np.isnan(float(metric.result()))


def far_apart(a, b, spacing):
    """Distances of surface pixels by brute force."""
    points = [np.argwhere(surface(mask)) * np.asarray(spacing) for mask in (a, b)]
    distances = np.linalg.norm(points[0][:, None] - points[1][None], axis=-1)
    return np.concatenate([distances.min(1), distances.min(0)])


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 2.0, 1.3)])
def test_average_surface_distance_and_surface_dice(spacing):
    a, b = (ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(9, 8, 7)), 1) > 0 for seed in (0, 1))
    distances = far_apart(a, b, spacing)
    assert metrics.average_surface_distance(a, b, spacing) == pytest.approx(distances.mean())
    for tolerance in (0.0, 1.0, 2.5):
        share = metrics.surface_dice(a, b, tolerance, spacing)
        assert share == pytest.approx((distances <= tolerance + 1e-9).mean())
    assert sorted(np.concatenate(metrics.surface_distances(a, b, spacing))) == pytest.approx(sorted(distances))


def test_surfaces_of_empty_masks():
    empty, one = np.zeros((3, 3), bool), np.eye(3, dtype=bool)
    assert metrics.average_surface_distance(empty, one) == np.inf and metrics.surface_dice(one, empty, 1.0) == 0
    assert np.isnan(metrics.average_surface_distance(empty, empty)) and np.isnan(metrics.surface_dice(empty, empty, 1))
    with pytest.raises(ValueError, match="masks should have pixels. Received: 3 and 0 pixels"):
        metrics.surface_distances(one, empty)
    with pytest.raises(ValueError, match="`tolerance` should be a number of at least 0. Received: tolerance=-1"):
        metrics.surface_dice(one, one, -1)


def test_surfaces_without_ignored_pixels():
    true, predicted = np.zeros((2, 6), int), np.zeros((2, 6), int)
    true[:, 1] = predicted[:, 1] = predicted[:, 4] = 1
    true[:, 4] = -100
    assert metrics.hausdorff_95(true, predicted).tolist() == [0.0, 0.0]
