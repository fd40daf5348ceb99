"""Exponential moving averages of networks."""

import keras
import tensorflow as tf

from keras_dl.checks import check_number


class Averages:
    """Copies of networks whose weights follow the originals slowly: `e <- m e + (1 - m) w` after each step.

    Buffers (the statistics of batch normalization) are copied, not averaged, as the average of the weights wants the
    statistics of the latest activations.

    Args:
        momentum: `m`, between 0 and 1; `None` keeps no copies.
        networks: Dict of the networks to follow, by name.
    """

    def __init__(self, momentum, networks):
        self.momentum = None if momentum is None else check_number(momentum, "ema_momentum", least=0, below=1)
        self._followed = networks if momentum is not None else {}
        self.networks = {name: _copy(network) for name, network in self._followed.items()}

    def update(self):
        """Moves the averages one step."""
        for name, copy in self.networks.items():
            network = self._followed[name]
            trained = {id(v) for v in network.trainable_variables}
            for average, variable in zip(copy.weights, network.weights, strict=True):
                if id(variable) in trained:
                    rate = tf.cast(1.0 - self.momentum, average.dtype)
                    average.assign(average.value + rate * (variable.value - average.value))
                else:
                    average.assign(variable.value)


def _copy(network):
    copy = keras.models.clone_model(network)
    if not copy.built:
        copy.build(network.input_shape)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy
