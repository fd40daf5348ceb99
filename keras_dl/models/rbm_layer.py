"""The layer of a restricted Boltzmann machine: energies, conditionals, and Gibbs chains."""

import math

import keras
import tensorflow as tf

from keras_dl.models.base import Draw
from keras_dl.models.energy_parts import _STEP

_AT_ONCE = 4096  # states of the enumerated units that are summed together


@keras.saving.register_keras_serializable(package="keras_dl")
class RestrictedBoltzmann(keras.layers.Layer):
    r"""Weights and biases of a restricted Boltzmann machine of binary units, with the free energy of visible ones.

    $$F(v) = -b^T v - \sum_j \log\left(1 + e^{c_j + (v^T W)_j}\right)$$

    Args:
        num_visible: Number of visible units.
        num_hidden: Number of hidden units.
        **kwargs: Arguments of `keras.layers.Layer`.

    Example:

    >>> from keras_dl.models.rbm_layer import RestrictedBoltzmann
    >>> layer = RestrictedBoltzmann(3, 2)
    >>> layer.set_weights([np.zeros((3, 2)), np.zeros(3), np.zeros(2), np.zeros(3)])
    >>> round(float(layer.free_energy(tf.ones([1, 3]))[0]), 4), round(float(layer.log_z()), 4)     # 2 log 2, 5 log 2
    (-1.3863, 3.4657)
    """

    def __init__(self, num_visible, num_hidden, **kwargs):
        super().__init__(**kwargs)
        self.num_visible, self.num_hidden = num_visible, num_hidden
        options = {"dtype": "float32", "autocast": False}
        small = keras.initializers.RandomNormal(stddev=0.01)  # Hinton 2012, "A practical guide", section 8
        self.w = self.add_weight(name="w", shape=(num_visible, num_hidden), initializer=small, **options)
        self.b = self.add_weight(name="b", shape=(num_visible,), initializer="zeros", **options)
        self.c = self.add_weight(name="c", shape=(num_hidden,), initializer="zeros", **options)
        #: Logits of the data's rates, from which annealing begins.
        self.rates = self.add_weight(
            name="rates", shape=(num_visible,), initializer="zeros", trainable=False, **options
        )
        self.built = True

    def begin(self, mean):
        """Takes the rates of the data, as visible biases too (Hinton 2012, section 8.1)."""
        mean = tf.clip_by_value(mean, 0.01, 0.99)
        self.rates.assign(tf.math.log(mean / (1.0 - mean)))
        self.b.assign(self.rates)

    def hidden_logits(self, v):
        """Logits of the hidden units given visible ones, shape `(rows, num_hidden)`."""
        return tf.matmul(v, self.w) + self.c

    def visible_logits(self, h):
        """Logits of the visible units given hidden ones, shape `(rows, num_visible)`."""
        return tf.matmul(h, self.w, transpose_b=True) + self.b

    def free_energy(self, v):
        """$F(v)$, shape `(rows,)`."""
        return -tf.linalg.matvec(v, self.b) - tf.reduce_sum(tf.nn.softplus(self.hidden_logits(v)), -1)

    def log_z(self):
        r"""$\log Z$, exact, by a sum over all states of the visible or of the hidden units, whichever are fewer."""
        weights, own, others = tf.convert_to_tensor(self.w), self.b, self.c
        if self.num_hidden < self.num_visible:
            weights, own, others = tf.transpose(weights), self.c, self.b
        count = min(self.num_visible, self.num_hidden)
        size = min(2**count, _AT_ONCE)

        def block(first):
            numbers = first * size + tf.range(size)
            bits = tf.bitwise.right_shift(numbers[:, None], tf.range(count)) & 1
            states = tf.cast(bits, tf.float32)
            sums = tf.reduce_sum(tf.nn.softplus(tf.matmul(states, weights) + others), -1)
            return tf.reduce_logsumexp(tf.linalg.matvec(states, tf.convert_to_tensor(own)) + sums)

        return tf.reduce_logsumexp(tf.map_fn(block, tf.range(2**count // size), fn_output_signature=tf.float32))

    def gibbs(self, v, steps, seed, call, stream, rows, offset=0, betas=None):
        r"""Runs block Gibbs sampling; returns visible units, and their rates in the last step.

        Args:
            v: Visible units where the chains begin, shape `(rows, num_visible)`.
            steps: Number of steps, an integer scalar.
            seed, call, stream, rows, offset: What decides the noise; see `keras_dl.models.base.Draw`.
            betas: Function of a step's number that gives $\beta$ of the density
                $e^{(1-\beta) a^T v - F_\beta(v)}$ with rates $a$; `None` for 1.
        """

        def body(index, v, _):
            draw = Draw(seed + (tf.cast(index, tf.int64) + 1) * _STEP, call, stream, rows, offset)
            beta = 1.0 if betas is None else betas(index)
            chances = tf.sigmoid(beta * self.hidden_logits(v))
            h = tf.cast(draw.uniform((self.num_hidden,)) < chances, tf.float32)
            chances = tf.sigmoid(beta * self.visible_logits(h) + (1.0 - beta) * self.rates)
            v = tf.cast(draw.uniform((self.num_visible,)) < chances, tf.float32)
            shape = [None, self.num_visible]
            return index + 1, tf.ensure_shape(v, shape), tf.ensure_shape(chances, shape)

        v = tf.ensure_shape(v, [None, self.num_visible])
        return tf.while_loop(lambda index, *_: index < steps, body, (tf.constant(0), v, v))[1:]

    def annealed_energy(self, v, beta):
        r"""The energy of the density at $\beta$ between the rates' and the machine's (Salakhutdinov & Murray 2008)."""
        own = beta * tf.linalg.matvec(v, self.b) + (1.0 - beta) * tf.linalg.matvec(v, self.rates)
        return -own - tf.reduce_sum(tf.nn.softplus(beta * self.hidden_logits(v)), -1)

    def log_z_of_rates(self):
        r"""$\log Z$ at $\beta = 0$: independent visible units, and hidden ones without weights."""
        return self.num_hidden * math.log(2.0) + tf.reduce_sum(tf.nn.softplus(self.rates))

    def call(self, v):
        """Returns the free energy."""
        return self.free_energy(tf.cast(v, tf.float32))

    def get_config(self):
        return {**super().get_config(), "num_visible": self.num_visible, "num_hidden": self.num_hidden}


def anneal(layer, v, seed, call, stream, steps, backwards=False):
    """Log-weights of annealing from the rates to the machine, or backwards from the machine's samples `v`."""
    schedule = tf.cast(tf.linspace(tf.constant(0.0, tf.float64), 1.0, steps + 1), tf.float32)
    rows = tf.shape(v)[0]

    def body(index, v, log_weights):
        k = steps - 1 - index if backwards else index
        before, after = schedule[k], schedule[k + 1]

        def moved(v):
            own = seed + (tf.cast(index, tf.int64) + 1) * (_STEP - 2)
            return layer.gibbs(v, 1, own, call, stream, rows, betas=lambda _: after)[0]

        v = moved(v) if backwards else v
        log_weights += layer.annealed_energy(v, before) - layer.annealed_energy(v, after)
        return index + 1, v if backwards else moved(v), log_weights

    start = tf.constant(0), v, tf.zeros([rows])
    return tf.while_loop(lambda index, *_: index < steps, body, start)[2]
