"""Sets of images for translation whose true classes are known: pairs, and two domains without pairs."""

import numpy as np
import tensorflow as tf

import keras_dl
from keras_dl.data.images import sources

HELD_OUT_COLOURS = 1000
#: Images enough to train a judge, and how far variants of fewer are moved, in pixels.
ENOUGH, MOVES = 40_000, 2


def edges():
    """Fashion-MNIST from its edges (Sobel): `(source, target, labels)` to train on, and to judge."""
    return [(sources.source_of(x, "edges"), x.astype("float32"), y) for x, y in keras_dl.data.load("fashion_mnist")]


def colours():
    """cifar10_subset from its grey version, the last thousand images held out; flipped images train, too."""
    parts = [np.concatenate(part) for part in zip(*keras_dl.data.load("cifar10_subset"), strict=True)]
    x, y = parts[0].astype("float32"), parts[1]
    training, held_out = (x[:-HELD_OUT_COLOURS], y[:-HELD_OUT_COLOURS]), (x[-HELD_OUT_COLOURS:], y[-HELD_OUT_COLOURS:])
    training = np.concatenate([training[0], training[0][:, :, ::-1]]), np.tile(training[1], 2)
    return [(sources.source_of(x, "grey"), x, y) for x, y in (training, held_out)]


def mnist_m():
    """MNIST in three channels, and MNIST-M: digits as differences from photographs (Ganin et al. 2016).

    The published set cuts its grounds from BSDS500; here they are cut from cifar10_subset, those of the judged images
    from its last thousand. The domains' training digits are two halves of MNIST.

    Returns:
        `[(a, labels of a, b, labels of b)]` to train on, and to judge.
    """
    (x, y), (x_test, y_test) = keras_dl.data.load("mnist")
    grounds = np.concatenate([images for images, _ in keras_dl.data.load("cifar10_subset")]).astype("float32")
    middle, judged = len(x) // 2, grounds[-HELD_OUT_COLOURS:]
    training = blended(x[middle:], grounds[:-HELD_OUT_COLOURS], 0)
    return [
        (coloured(x[:middle]), y[:middle], training, y[middle:]),
        (coloured(x_test), y_test, blended(x_test, judged, 1), y_test),
    ]


def digits():
    """Digits of 8x8, enlarged to 28x28, and MNIST: `[(a, labels of a, b, labels of b)]` to train on, and to judge."""
    return [
        (enlarged(a), labels, b.astype("float32"), classes)
        for (a, labels), (b, classes) in zip(keras_dl.data.load("digits"), keras_dl.data.load("mnist"), strict=True)
    ]


def coloured(x):
    """Grey images in three channels."""
    return np.repeat(x.astype("float32"), 3, -1)


def blended(x, grounds, seed):
    """Absolute differences of digits and random squares of photographs."""
    rng, side = np.random.default_rng(seed), x.shape[1]
    chosen = rng.integers(len(grounds), size=len(x))
    tops, lefts = rng.integers(grounds.shape[1] - side + 1, size=(2, len(x), 1))
    rows, columns = tops + np.arange(side), lefts + np.arange(side)
    squares = grounds[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
    return np.abs(squares - coloured(x))


def enlarged(x, margin=4):
    """Images of 8x8 as squares of 28x28 with a margin of black, MNIST's by default, by Lanczos' kernel."""
    side = 28 - 2 * margin
    large = tf.image.resize(x, (side, side), "lanczos5").numpy()
    return np.pad(np.clip(large, 0, 1), ((0, 0), (margin, margin), (margin, margin), (0, 0))).astype("float32")


def varied(x, y, seed=0):
    """Images and labels, or variants of them where they are few: moved, and photographs in other colours.

    A judge of few images reads their class from little things, such as exact colours, that say nothing of it.
    """
    copies = -(-ENOUGH // len(x))
    if copies < 3:
        return x, y
    rng, side = np.random.default_rng(seed), x.shape[1]
    padded = np.pad(np.tile(x, (copies, 1, 1, 1)), ((0, 0), (MOVES, MOVES), (MOVES, MOVES), (0, 0)), "edge")
    tops, lefts = rng.integers(2 * MOVES + 1, size=(2, len(padded), 1))
    rows, columns = tops + np.arange(side), lefts + np.arange(side)
    moved = padded[np.arange(len(padded))[:, None, None], rows[:, :, None], columns[:, None, :]]
    if x.shape[-1] == 3:
        moved = recoloured(moved, rng)
    return moved, np.tile(y, copies)


def recoloured(x, rng):
    """Images of which each has its saturation multiplied by 0 to 1.5, and each channel by 0.8 to 1.2."""
    grey = x @ np.array([0.299, 0.587, 0.114], "float32")
    saturation = rng.uniform(0, 1.5, (len(x), 1, 1, 1)).astype("float32")
    gains = rng.uniform(0.8, 1.2, (len(x), 1, 1, 3)).astype("float32")
    return np.clip((grey[..., None] + saturation * (x - grey[..., None])) * gains, 0, 1)


PAIRED = {"edges": edges, "colours": colours}
UNPAIRED = {"mnist_m": mnist_m, "digits": digits}
