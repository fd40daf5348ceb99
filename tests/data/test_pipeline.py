import numpy as np
import pytest
import tensorflow as tf

from keras_dl.data import open as open_data
from keras_dl.data import pipeline
from keras_dl.data.pipeline import pipelines


def rows_of(dataset):
    return [batch.numpy().astype(int).tolist() for batch in dataset]


def test_every_epoch_holds_each_row_once_in_an_order_of_its_own():
    dataset = pipeline(np.arange(10.0), batch_size=4, seed=1)
    first, second = rows_of(dataset), rows_of(dataset)
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert sorted(sum(first, [])) == sorted(sum(second, [])) == list(range(10))
    assert first != second
    assert dataset.cardinality() == 3


def test_the_order_is_a_function_of_seed_and_epoch():
    x = np.arange(50.0)
    dataset, again = pipeline(x, batch_size=8, seed=1), pipeline(x, batch_size=8, seed=1)
    epochs = [rows_of(dataset) for _ in range(4)]
    again.order.place(2)
    assert rows_of(again) == epochs[2]
    assert rows_of(again) == epochs[3]
    assert rows_of(pipeline(x, batch_size=8, seed=2)) != epochs[0]


def test_orders_of_neighbouring_epochs_are_unrelated():
    dataset = pipeline(np.arange(2000.0), batch_size=2000, seed=1)
    orders = [np.concatenate(rows_of(dataset)) for _ in range(6)]
    correlations = np.corrcoef([*orders, np.arange(2000)])
    assert np.abs(correlations - np.eye(7)).max() < 0.1


def test_an_iterator_that_is_dropped_waits_for_no_thread_that_tunes_it():
    """Such threads sleep for up to a minute; with the tuning off there are none."""
    assert pipeline(np.arange(10.0)).options().autotune.enabled is False


def test_targets_and_weights_stay_with_their_rows():
    x = np.arange(9.0)
    for a, b, c in pipeline(x, 10 * x, batch_size=2, sample_weight=100 * x):
        np.testing.assert_array_equal(b, 10 * a)
        np.testing.assert_array_equal(c, 100 * a)


def test_unshuffled_batches_keep_the_order_and_the_remainder_can_go():
    assert rows_of(pipeline(np.arange(5), batch_size=2, shuffle=False)) == [[0, 1], [2, 3], [4]]
    assert rows_of(pipeline(np.arange(5), batch_size=2, shuffle=False, drop_remainder=True)) == [[0, 1], [2, 3]]


def test_stochastic_binarisation_is_fresh_each_epoch_and_has_the_right_mean():
    x = np.full((4000, 3), [0.0, 0.3, 1.0], np.float32)
    dataset = pipeline(x, batch_size=1000, shuffle=False, binarize="stochastic")
    first, second = (np.concatenate(list(dataset)) for _ in range(2))
    assert set(np.unique(first)) == {0.0, 1.0}
    np.testing.assert_allclose(first.mean(0), [0.0, 0.3, 1.0], atol=0.03)
    assert (first != second).any()
    assert (first[:1000] != first[1000:2000]).any()
    dataset.order.place(0)
    np.testing.assert_array_equal(np.concatenate(list(dataset)), first)


def test_static_binarisation_is_the_same_in_every_epoch():
    x = np.full((500, 3), 0.5, np.float32)
    dataset = pipeline(x, batch_size=100, shuffle=False, binarize="static")
    first, second = (np.concatenate(list(dataset)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert set(np.unique(first)) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (np.zeros((0, 3)), {}, "empty"),
        (np.array([[1.0, np.nan]]), {}, "finite"),
        (np.float32(3), {}, "row a sample"),
        (np.array(["a"]), {}, "numbers"),
        (np.full((4, 2), 1.5), {"binarize": "static"}, r"\[0, 1\]"),
        (np.zeros((4, 2)), {"binarize": "sometimes"}, "binarize"),
        (np.zeros((4, 2)), {"batch_size": 0}, "batch_size"),
        (np.zeros((4, 2)), {"batch_size": 8, "drop_remainder": True}, "no batch"),
        (np.zeros((4, 2)), {"y": np.zeros(3)}, "as many rows"),
    ],
)
def test_bad_data_are_refused(x, options, message):
    with pytest.raises((ValueError, TypeError), match=rf"(?s){message}.*Received"):
        pipeline(x, **options)


@pytest.mark.parametrize(("which", "name"), [(0, "training data"), (1, "held-out data")])
@pytest.mark.parametrize(
    ("x", "message"),
    [(np.array([[np.nan, 1.0]]), "finite"), (np.array(["a"]), "numbers"), (None, "x should be an array")],
)
def test_a_refusal_says_which_of_two_sets_it_is_of(which, name, x, message):
    sets = [(np.ones((2, 2)), None), (np.ones((2, 2)), None)]
    sets[which] = x, None
    with pytest.raises((ValueError, TypeError), match=rf"{message}.*Received.*\({name}\)"):
        pipelines(*sets)


def test_a_pipeline_feeds_a_mirrored_strategy():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    dataset = strategy.experimental_distribute_dataset(pipeline(np.arange(5.0), batch_size=2, shuffle=False))
    assert rows_of(dataset) == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("binarize", ["static", "stochastic"])
@pytest.mark.parametrize("dtype", ["int64", "float64", "bool", "uint8"])
def test_zeros_and_ones_of_any_type_stay_as_they_are(binarize, dtype, tmp_path):
    """Integers failed in the graph, and pixels of 0 to 255 with them instead of being refused."""
    x = (np.arange(24).reshape(6, 4) % 3 == 0).astype(dtype)
    (batch,) = pipeline(x, batch_size=6, shuffle=False, binarize=binarize)
    np.testing.assert_array_equal(batch, x)
    if binarize == "stochastic" and dtype != "uint8":
        np.save(tmp_path / "x.npy", x)
        (batch,) = pipeline(open_data(tmp_path / "x.npy").x, batch_size=6, shuffle=False, binarize=binarize)
        np.testing.assert_array_equal(batch, x)


def test_pixels_that_are_integers_are_refused(tmp_path):
    x = np.arange(24).reshape(6, 4) * 10
    with pytest.raises(ValueError, match=r"x should lie in \[0, 1\]: divide pixels of 0 to 255 by 255.*0 to 230"):
        pipeline(x, binarize="stochastic")
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"should lie in \[0, 1\]"):
        list(pipeline(open_data(tmp_path / "x.npy").x, binarize="stochastic"))


@pytest.mark.parametrize(("binarize", "held_out"), [(None, None), ("static", "static"), ("stochastic", "static")])
def test_two_pipelines_are_those_of_training_and_of_held_out_data(binarize, held_out):
    x, y = np.random.default_rng(0).random((11, 3), dtype="float32"), np.arange(11)
    training, testing = pipelines((x[:7], y[:7]), (x[7:], None), batch_size=3, seed=5, binarize=binarize)
    expected = pipeline(x[:7], y[:7], 3, seed=5, binarize=binarize)
    for (batch, labels), (other, others) in zip(training, expected, strict=True):
        np.testing.assert_array_equal(batch, other)
        np.testing.assert_array_equal(labels, others)
    for batch, other in zip(testing, pipeline(x[7:], None, 3, shuffle=False, seed=5, binarize=held_out), strict=True):
        np.testing.assert_array_equal(batch, other)
