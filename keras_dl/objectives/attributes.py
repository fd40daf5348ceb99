"""The loss of predicted attributes: how far a critic's reading of a sample is from the attributes asked for."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_dl.checks import check_number, refusal
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Attributes(Configurable):
    r"""Loss of predicted attributes, in nats per sample: a class label, or several categorical and continuous ones.

    $$\sum_{j \text{ categorical}} -\log p_j(c_j | x) + \sum_{j \text{ continuous}} \tfrac12 (\hat c_j(x) - c_j)^2$$

    With one class label this is the auxiliary loss of Odena et al. 2017, "Conditional image synthesis with auxiliary
    classifier GANs".

    Args:
        sizes: The number of classes of a label, an integer; or a tuple with an entry an attribute, the number of its
            classes or `None` for a continuous one: `(4, 2, None)` for four hair colours, glasses or none, and age.
        weight: Weight of the loss beside the adversarial one.
        on_generated: Whether the critic learns attributes from generated samples too, as Odena et al. do.

    Raises:
        ValueError: If `sizes` is empty or has an entry below 2.

    Example:

    >>> attributes = keras_dl.objectives.Attributes((3, None))
    >>> attributes.num_outputs                      # three logits and a number
    4
    >>> loss = attributes(np.zeros((1, 4), "float32"), np.array([[2.0, 1.0]], "float32"))
    >>> round(float(loss[0]), 4)                    # log 3 + 1/2
    1.5986
    """

    def __init__(self, sizes: int | Sequence, weight: float = 1.0, on_generated: bool = False):
        entries = tuple(sizes) if isinstance(sizes, (list, tuple)) else (sizes,)
        counts = [n for n in entries if n is not None]
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 1 for n in counts)
        if not entries or not whole or sizes is None:
            raise refusal("sizes should hold numbers of classes, from 2, or None for numbers", sizes=sizes)
        self.sizes = sizes if isinstance(sizes, int) else entries
        self.weight = check_number(weight, "weight", least=0)
        self.on_generated = on_generated

    @property
    def widths(self) -> list:
        """How many outputs of a network each attribute takes."""
        widths = []
        for num_classes in self._entries:
            widths.append(1 if num_classes is None else num_classes)
        return widths

    @property
    def reads(self) -> str | None:
        """What is read of a network's outputs, in words, if they may be any real numbers; else `None`."""
        categorical = [n for n in self._entries if n is not None]
        return "logits" if categorical else None

    @property
    def num_outputs(self) -> int:
        """How many outputs a network needs to predict all attributes."""
        return sum(self.widths)

    @property
    def _entries(self):
        return (self.sizes,) if isinstance(self.sizes, int) else self.sizes

    def __call__(self, outputs: Tensor, condition: Tensor) -> Tensor:
        """Returns the unweighted loss of every sample, shape `(batch,)`.

        Args:
            outputs: Predictions, float32 of shape `(batch, num_outputs)`: logits, and means of continuous attributes.
            condition: Labels of shape `(batch,)` if `sizes` is an integer, else attributes of shape
                `(batch, len(sizes))`.
        """
        condition = tf.reshape(condition, [-1, len(self._entries)])
        parts = zip(self._entries, tf.split(outputs, self.widths, -1), tf.unstack(condition, axis=-1), strict=True)
        return tf.add_n([_loss(size, output, value) for size, output, value in parts])


def _loss(size, output, value):
    if size is None:
        return 0.5 * tf.square(output[:, 0] - tf.cast(value, tf.float32))
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.cast(value, tf.int32), logits=output)
