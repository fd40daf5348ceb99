"""A critic as objectives and penalties call it."""

import keras
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.models import conditions


class Scorer:
    """A critic at a batch's conditions: data to float32 scores of shape `(batch,)`.

    Args:
        critic: The critic's network.
        condition: Conditions of the batch, or `None`.
        training: What the network gets as `training=`.
    """

    def __init__(self, critic, condition=None, training=False):
        self.critic, self.condition, self.training = critic, condition, training

    def __call__(self, x):
        return self.outputs(x)[:, 0]

    def outputs(self, x):
        """All of the critic's outputs, shape `(batch, num_outputs)`: the score first."""
        outputs = tf.cast(conditions.apply(self.critic, "x", x, self.condition, self.training), tf.float32)
        return outputs[:, None] if outputs.shape.rank == 1 else outputs

    def with_features(self, x):
        """Scores, and what goes into the critic's layer named `score`.

        Raises:
            ValueError: If there is no such layer.
        """
        if "score" not in [layer.name for layer in getattr(self.critic, "layers", [])]:
            raise refusal("critic should have a layer named 'score', whose input the features are", "none")
        # A name of its own, as TensorFlow orders sums by names: a resumed run computes with the same graph.
        outputs = [self.critic.output, self.critic.get_layer("score").input]
        both = keras.Model(self.critic.input, outputs, name="features")
        scores, features = conditions.apply(both, "x", x, self.condition, self.training)
        return tf.cast(scores, tf.float32)[:, 0], features
