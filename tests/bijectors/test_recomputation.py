"""A chain that computes its steps again: the gradients of one that does not, states that move once, less memory."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import bijectors, models
from tests import processes
from tests.models import flow_builders

POINTS = np.random.default_rng(0).standard_normal((24, 4)).astype("float32")
CONDITION = np.random.default_rng(1).standard_normal((24, 3)).astype("float32")


def chain(recompute):
    """Steps that find their inputs, and such as keep them; a network with noise and averages among them."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [keras.layers.Dense(6, "tanh"), keras.layers.Dropout(0.5, seed=3), keras.layers.BatchNormalization()]
    )
    steps = [
        bijectors.ActNorm(),
        bijectors.AffineCoupling(network=network),
        bijectors.BatchNorm(),
        bijectors.InvertibleLinear(),
        bijectors.SplineCoupling(4, hidden=(6,), swap=True),
        bijectors.Autoregressive(hidden=(6,)),
        bijectors.TFP("Softplus"),
        bijectors.Split(bijectors.Chain([bijectors.Permute(), bijectors.AffineCoupling(hidden=(4,))], recompute)),
        bijectors.Planar(),
    ]
    made = bijectors.Chain(steps, recompute)
    made.build((None, 4), (None, 3))
    rng = np.random.default_rng(2)
    for weight in made.trainable_weights:
        weight.assign(weight + 0.1 * rng.standard_normal(weight.shape))
    return made


def training_step(made, x, condition):
    weights = [weight.value for weight in made.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch([x, condition, *weights])
        z, log_det = made.forward_and_log_det(x, condition, training=True)
        loss = tf.reduce_sum(tf.square(z)) - tf.reduce_sum(log_det * tf.range(24.0))
    return z, log_det, tape.gradient(loss, [x, condition, *weights])


@pytest.mark.grid("None")
@pytest.mark.parametrize("compiled", [None, False, True])
def test_gradients_and_states_are_those_without(compiled):
    found = []
    for recompute in (False, True):
        made = chain(recompute)
        step = training_step if compiled is None else tf.function(training_step, jit_compile=compiled)
        z, log_det, gradients = step(made, tf.constant(POINTS), tf.constant(CONDITION))
        states = [np.asarray(state) for state in made.non_trainable_variables]
        found.append([z, log_det, *gradients, *states])
    for ours, theirs in zip(*found, strict=True):
        scale = max(1.0, float(np.abs(theirs).max()))
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * scale)


def test_only_training_computes_again():
    made, plain = chain(True), chain(False)
    for ours, theirs in zip(
        *(c.forward_and_log_det(tf.constant(POINTS), tf.constant(CONDITION)) for c in (made, plain)), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert made.get_config()["recompute"] is True
    with pytest.raises(ValueError, match="`recompute` should be True or False"):
        bijectors.Chain([bijectors.ActNorm()], recompute="yes")


FORMS = {
    "RealNVP": lambda **options: models.RealNVP((3,), 2, (4,), seed=0, **options),
    "MAF": lambda **options: models.MAF((3,), 2, (4,), normalization="batch", condition=3, seed=0, **options),
    "NeuralSplineFlow": lambda **options: models.NeuralSplineFlow((3,), 2, (4,), 4, seed=0, **options),
    "Glow": flow_builders.glow,
}


@pytest.mark.grid("MAF")
@pytest.mark.parametrize("name", FORMS)
def test_a_flow_trains_as_without_and_its_file_says_so(name, tmp_path):
    data = flow_builders.LEVELS if name == "Glow" else flow_builders.POINTS
    labels = (np.arange(len(data)) % 3,) if name == "MAF" else ()
    weights = []
    for recompute in (False, True):
        keras.utils.set_random_seed(0)
        model = FORMS[name](recompute=recompute)
        model.compile(keras.optimizers.SGD(1e-2), jit_compile=False)
        model.fit(data, *labels, batch_size=5, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert loaded.recompute and loaded.bijector.recompute


def test_a_deep_chain_takes_less_than_half_of_the_memory():
    """What a gradient adds to the peak of the resident memory of a process of its own; measured 0.1."""
    plain, again = (processes.shared().call(added_memory, recompute) for recompute in (False, True))
    assert plain > 100 and again < 0.5 * plain, (plain, again)


def added_memory(recompute):
    """Megabytes that a gradient of 16 couplings adds, at its peak, to those held before it."""
    steps = [bijectors.AffineCoupling(hidden=(256, 256), swap=number % 2) for number in range(16)]
    made = bijectors.Chain(steps, recompute)
    made.build((None, 4))
    weights = [weight.value for weight in made.trainable_weights]

    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def slope(x):
        with tf.GradientTape() as tape:
            z, log_det = made.forward_and_log_det(x, training=True)
            loss = tf.reduce_sum(tf.square(z)) - tf.reduce_sum(log_det)
        return tf.add_n([tf.reduce_sum(part) for part in tape.gradient(loss, weights)])

    slope(tf.ones([8, 4]))
    before, x = _memory("VmRSS"), tf.ones([8192, 4])
    slope(x)
    return _memory("VmHWM") - before


def _memory(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) / 1024
