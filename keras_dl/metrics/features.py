"""Frozen networks by whose features samples are compared."""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.types import PathLike, Tensor


class Extracted(NamedTuple):
    """What a feature network makes of images.

    Attributes:
        vectors: Float32 array of shape `(num_images, size)`.
        probabilities: Float32 array of shape `(num_images, classes)`, or `None` if the network has no classes.
    """

    vectors: np.ndarray
    probabilities: np.ndarray | None


class Features:
    """A frozen network by whose features samples are compared, under a name that results carry.

    Distances between features mean something only beside distances between the same features: `name` says which
    network it is, `fingerprint` whether it has the same weights.

    Args:
        network: Built `keras.Model` from images `(batch, *shape)` to feature vectors `(batch, size)`, or to a pair of
            these and class probabilities `(batch, classes)`, which the inception score needs; `with_features` makes
            the latter of a classifier. What prepares images (scaling, resizing) is part of it.
        name: What results call it; `None` takes the network's.
        value_range: Pair of the smallest and largest value of an image, beyond which images are refused; `None` for
            any numbers.
        batch_size: Int, images per call of the compiled network.

    Raises:
        TypeError: If `network` is not a built Keras model.
        ValueError: If it has other inputs or outputs.

    Example:

    >>> network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    >>> features = Features(network, "random")
    >>> features(np.zeros((5, 4, 4, 1))).shape
    (5, 3)
    """

    def __init__(
        self,
        network: keras.Model,
        name: str | None = None,
        value_range: Sequence[float] | None = None,
        batch_size: int = 500,
    ):
        _check_network(network)
        self.network = network
        self.name = name or network.name
        self.value_range = value_range
        self.batch_size = batch_size
        self.has_probabilities = len(network.outputs) == 2
        signature = tf.TensorSpec((None, *network.input_shape[1:]), "float32")
        self._compiled = tf.function(functools.partial(self._apply), input_signature=[signature], autograph=False)

    def _apply(self, images):
        outputs = self.network(images, training=False)
        return [tf.cast(output, "float32") for output in tf.nest.flatten(outputs)]

    def __call__(self, images: Tensor) -> np.ndarray:
        """Returns the feature vectors of images, a float32 array of shape `(num_images, size)`."""
        return self.extract(images).vectors

    def extract(self, images: Tensor) -> Extracted:
        """Returns what the network makes of images, batch by batch.

        Args:
            images: Array of shape `(num_images, *shape)`.

        Returns:
            An `Extracted(vectors, probabilities)`.

        Raises:
            ValueError: If the images have another shape, leave the range of values, or hold NaN.
        """
        images = np.asarray(images, "float32")
        self._check(images)
        starts = range(0, len(images), self.batch_size)
        batches = [self._compiled(images[start : start + self.batch_size]) for start in starts]
        outputs = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
        return Extracted(outputs[0], outputs[1] if self.has_probabilities else None)

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits of a hash of the weights: the same for the same features."""
        digest = hashlib.sha256()
        for weight in self.network.get_weights():
            digest.update(np.ascontiguousarray(weight).tobytes())
        return digest.hexdigest()[:8]

    def accuracy(self, x: Tensor, y: Tensor) -> float:
        """Returns the share of images whose most probable class is their label, a float."""
        if not self.has_probabilities:
            raise refusal("features should have class probabilities", f"{self.name}, which has none")
        return float(np.mean(self.extract(x).probabilities.argmax(-1) == np.asarray(y)))

    def save(self, path: PathLike) -> None:
        """Writes the network as a `.keras` file, in one step; a file that we did not write is refused."""
        path = Path(path)
        if path.suffix != ".keras":
            raise refusal("`path` should end in .keras", f"{str(path)!r}")
        files.replace(path, self.network.save)

    @classmethod
    def load(
        cls, path: PathLike, name: str | None = None, value_range: Sequence[float] | None = None, batch_size: int = 500
    ) -> Self:
        """Reads what `save` wrote.

        Raises:
            ValueError: If the file is damaged, or holds no feature network.
        """
        try:
            network = keras.saving.load_model(path, compile=False)
        except Exception as error:  # a damaged archive raises whatever its reader stumbles over
            raise refusal("`path` should be a .keras file of a feature network", f"{path} ({error})") from error
        return cls(network, name, value_range, batch_size)

    def _check(self, images):
        expected = tuple(self.network.input_shape[1:])
        if images.ndim != len(expected) + 1 or not len(images) or not _fits(images.shape[1:], expected):
            shape = ", ".join(str(n) for n in expected)
            raise refusal(f"images should have the shape (num_images, {shape})", f"{images.shape}")
        low, high = float(images.min()), float(images.max())
        if not np.isfinite([low, high]).all():
            raise refusal("images should be finite", "images with NaN or infinity")
        if self.value_range is not None:
            least, most = self.value_range
            slack = 1e-3 * (most - least)
            if low < least - slack or high > most + slack:
                extent = f"values from {low:.4g} to {high:.4g}"
                raise refusal(f"images should be in [{least}, {most}] for {self.name}", extent)


def with_features(classifier: keras.Model, layer: int | str = -2, name: str | None = None) -> keras.Model:
    """Returns a classifier as a network of two outputs: the output of one of its layers, and class probabilities.

    Args:
        classifier: Functional `keras.Model` from images to class logits, or to probabilities if it ends in a softmax.
        layer: Name or index of the layer whose outputs, vectors, are the features; by default the last but one.
        name: Name of the network; `None` takes the classifier's.

    Returns:
        A `keras.Model` from images to `(vectors, probabilities)` that shares the classifier's weights.

    Raises:
        ValueError: If there is no such layer.

    Example:

    >>> classifier = keras_dl.networks.lenet5((28, 28, 1), num_classes=10)
    >>> [output.shape for output in with_features(classifier).outputs]
    [(None, 84), (None, 10)]
    """
    source = classifier.get_layer(layer) if isinstance(layer, str) else classifier.get_layer(index=layer)
    probabilities = classifier.outputs[0]
    if not ends_in_softmax(classifier):
        probabilities = keras.layers.Softmax(name="probabilities")(probabilities)
    return keras.Model(classifier.inputs[0], (source.output, probabilities), name=name or classifier.name)


def ends_in_softmax(classifier):
    """Whether the last layer of a model gives probabilities, and not logits."""
    last = classifier.layers[-1]
    return isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax


def _check_network(network):
    if not isinstance(network, keras.Model) or not network.built:
        raise refusal(
            "`network` should be a built keras.Model", f"{network!r}, {type(network).__name__}", error=TypeError
        )
    inputs, outputs = getattr(network, "inputs", None) or [], getattr(network, "outputs", None) or []
    shapes = [tuple(tensor.shape) for tensor in outputs]
    if len(inputs) != 1 or len(outputs) not in (1, 2) or any(len(shape) != 2 for shape in shapes):
        raise refusal(
            "`network` should map one batch of images to vectors (batch, size), or to a pair of these and "
            "probabilities (batch, classes)",
            f"{len(inputs)} inputs and outputs of shape {shapes}",
        )


def _fits(shape, expected):
    return all(size in (None, length) for length, size in zip(shape, expected, strict=True))
