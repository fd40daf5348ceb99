"""Sources of frozen feature networks: a classifier trained on the data set itself, or InceptionV3."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.metrics.features import Features, ends_in_softmax, with_features
from keras_dl.types import PathLike, Shape, Tensor
from keras_dl.untuned import UNTUNED

INCEPTION_SIDE = 299
FEWEST_EPOCHS, FEWEST_STEPS = 6, 1000


def train_features(
    classifier: keras.Model,
    x: Tensor,
    y: Tensor,
    name: str,
    file: PathLike | None = None,
    layer: int | str = -2,
    epochs: int | None = None,
    batch_size: int = 128,
    seed: int = 0,
) -> Features:
    """Trains a classifier on a data set and returns it, frozen, as `Features`; reads them if `file` exists.

    The features are the outputs of a layer near the classifier's end. With `file`, every comparison uses the same
    weights: the first call trains and writes them, later ones read them.

    Args:
        classifier: Built functional `keras.Model` from images to class logits (or, by a softmax,
            probabilities), such as `keras_dl.networks.lenet5(x.shape[1:], num_classes=10)`. Its weights are changed.
            What it starts from is the caller's: `keras.utils.set_random_seed` before it is built.
        x: Array of training images, `(num_images, *shape)`.
        y: Array of labels from 0 to `classes - 1`, `(num_images,)`.
        name: What results call the features, such as `"lenet-mnist"`.
        file: Path of a `.keras` file to keep them in, or `None`.
        layer: Name or index of the layer whose outputs are the features.
        epochs: Int, passes over the data, the learning rate of Adam falling from 1e-3 to 0 along a cosine; `None` for
            6, or as many as make 1,000 steps.
        batch_size: Int, images per step.
        seed: Int, of the order of the images.

    Returns:
        `Features` with class probabilities, whose `value_range` is that of `x`.

    Raises:
        ValueError: If images and labels do not fit the classifier, or the features in `file` do not.

    Example:

    >>> (x, y), (x_test, y_test) = keras_dl.data.load("digits")
    >>> features = train_features(keras_dl.networks.lenet5(x.shape[1:], 10), x[:200], y[:200], "lenet-digits", epochs=1)
    >>> features(x_test).shape
    (360, 84)
    """
    x, y = np.asarray(x, "float32"), np.asarray(y)
    _check_data(classifier, x, y)
    value_range = float(x.min()), float(x.max())
    if file is not None and Path(file).is_file():
        return _load(file, name, classifier, value_range)
    steps = -(-len(x) // batch_size)
    epochs = max(FEWEST_EPOCHS, -(-FEWEST_STEPS // steps)) if epochs is None else epochs
    classifier.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, epochs * steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=not ends_in_softmax(classifier)),
        jit_compile=False,  # on a CPU XLA runs convolutions slower
    )
    shuffled = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=seed)
    batches = shuffled.batch(batch_size).prefetch(4).with_options(UNTUNED)
    classifier.fit(batches, epochs=epochs, shuffle=False, verbose=0)
    features = Features(with_features(classifier, layer, name), name, value_range)
    if file is not None:
        features.save(file)
    return features


def inception_features(input_shape: Shape, weights: PathLike | None = "imagenet", batch_size: int = 64) -> Features:
    """Returns `keras.applications.InceptionV3` as `Features`: 2,048 averages of its last maps, and 1,000 classes.

    Images are resized to 299x299 (bilinear, antialiased), grey ones repeated over three channels, and scaled from
    [0, 1] to [-1, 1]. These are the weights of Keras, not the graph of 2015 that most published figures rest on: the
    figures compare with each other, not with those.

    Args:
        input_shape: Shape of an image, `(height, width, 1 or 3)`, of values in [0, 1].
        weights: `"imagenet"`, which Keras downloads once; the path of a weights file; or `None` for random weights.
        batch_size: Int, images per call.

    Returns:
        `Features` named `"inception_v3"`, or `"inception_v3-random"`.

    Raises:
        ValueError: If the images have other channels.
        OSError: If the weights cannot be had.
    """
    if len(input_shape) != 3 or input_shape[-1] not in (1, 3):
        raise refusal("`input_shape` should be (height, width, 1 or 3)", input_shape)
    network = with_features(_inception(weights), "avg_pool")
    inputs = keras.Input(input_shape, name="images")
    images = keras.layers.Resizing(INCEPTION_SIDE, INCEPTION_SIDE, antialias=True, name="resize")(inputs)
    images = keras.layers.Rescaling(2.0, -1.0, name="rescale")(images)
    if input_shape[-1] == 1:
        images = keras.layers.Concatenate(name="repeat")([images] * 3)
    name = "inception_v3" if weights is not None else "inception_v3-random"
    return Features(keras.Model(inputs, network(images), name=name), name, (0.0, 1.0), batch_size)


def _inception(weights):
    try:
        return keras.applications.InceptionV3(weights=weights)
    except Exception as error:  # keras.utils.get_file raises a plain Exception if a download fails
        raise refusal(
            "InceptionV3's weights could not be had: let Keras download them once, or give `weights` the path of "
            "the file",
            f"weights={weights!r} ({error})",
            error=OSError,
        ) from error


def _check_data(classifier, x, y):
    classes = classifier.output_shape[-1]
    if y.shape != x.shape[:1] or y.dtype.kind not in "iu" or not len(y):
        raise refusal("`y` should hold one integer label per image", f"{x.shape} images, {y.shape} labels {y.dtype}")
    if y.min() < 0 or y.max() >= classes:
        raise refusal(f"labels should be from 0 to {classes - 1}", f"labels from {y.min()} to {y.max()}")
    if tuple(classifier.input_shape[1:]) != x.shape[1:]:
        raise refusal(f"images should have the shape {classifier.input_shape[1:]}", f"{x.shape[1:]}")


def _load(file, name, classifier, value_range):
    features = Features.load(file, name, value_range)
    network = features.network
    shapes = [tuple(classifier.input_shape[1:]), classifier.output_shape[-1]]
    classes = network.outputs[-1].shape[-1] if features.has_probabilities else None
    loaded = [tuple(network.input_shape[1:]), classes]
    if network.name != name or loaded != shapes:
        raise refusal(
            f"{file} should hold the features {name} of images {shapes[0]} in {shapes[1]} classes",
            f"{network.name}, {loaded[0]}, {loaded[1]}",
        )
    return features
