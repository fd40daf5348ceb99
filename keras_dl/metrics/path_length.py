"""Perceptual path length: how much images change along short steps between latents."""

import math
from collections.abc import Callable

import numpy as np

from keras_dl.checks import check_count, check_number, check_seed, refusal
from keras_dl.types import Tensor


def perceptual_path_length(
    generate: Callable,
    first: Tensor,
    second: Tensor,
    features: Callable | None = None,
    spherical: bool = False,
    epsilon: float = 1e-4,
    trim: float = 0.01,
    batch_size: int = 64,
    seed: int = 0,
) -> float:
    r"""Mean squared distance of the features of images, per squared step, on paths between pairs of latents.

    $$\mathbb{E}\Big[\tfrac{1}{\epsilon^2}\,
      \big\|h(g(z_t)) - h(g(z_{t + \epsilon}))\big\|^2\Big], \qquad t \sim U(0, 1)$$

    with $z_t$ on the line from one latent to the other, or on the great circle between their directions (Karras et al.
    2019, "A style-based generator architecture for generative adversarial networks", section 4.1, where $h$ is LPIPS's
    VGG16 and the smallest and largest hundredth of the distances are left out). Values compare only with others of the
    same features, and of the same space: styles of `StyleGAN.style`, or latents.

    Args:
        generate: Function from latents, or styles, of the shape of `first` to images.
        first: Array, the ends where paths start, one row each.
        second: Array of the same shape, the other ends.
        features: Function from images to features of any shape; `None` compares pixels.
        spherical: Whether paths are great circles, for normal latents, rather than lines, for styles.
        epsilon: $\epsilon$.
        trim: Share of the distances left out at each end.
        batch_size: Rows at a time.
        seed: Integer that fixes the places $t$.

    Returns:
        The mean, a float.

    Raises:
        ValueError: If the ends do not fit together, or a number is out of range.

    Example:

    >>> first, second = np.zeros((4, 2), "float32"), np.ones((4, 2), "float32")
    >>> round(perceptual_path_length(lambda z: 3.0 * z, first, second, epsilon=0.1), 2)    # 2 numbers change by 3
    18.0
    """
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    if first.shape != second.shape or first.ndim < 2 or not len(first):
        raise refusal("`first` and `second` should be arrays of one shape", f"{first.shape} and {second.shape}")
    epsilon, trim = check_number(epsilon, "epsilon", above=0), check_number(trim, "trim", least=0, below=0.5)
    batch_size = check_count(batch_size, "batch_size")
    places = np.random.default_rng(check_seed(seed)).random((len(first), *(1,) * (first.ndim - 1)))
    between = _on_circles if spherical else _on_lines
    distances = []
    for start in range(0, len(first), batch_size):
        rows = slice(start, start + batch_size)
        ends = [between(first[rows], second[rows], places[rows] + step) for step in (0.0, epsilon)]
        values = [_features(generate(one.astype("float32")), features) for one in ends]
        distances.append(((values[1] - values[0]) ** 2).sum(1) / epsilon**2)
    distances = np.sort(np.concatenate(distances))
    out = math.floor(trim * len(distances))
    return float(distances[out : len(distances) - out].mean())


def _features(images, features):
    values = np.asarray(images if features is None else features(images), "float64")
    return values.reshape(len(values), -1)


def _on_lines(first, second, places):
    return first + places * (second - first)


def _on_circles(first, second, places):
    """Directions between two, of the length of a normal latent after normalization."""
    first, second = (one / np.linalg.norm(one, axis=-1, keepdims=True) for one in (first, second))
    cosine = (first * second).sum(-1, keepdims=True)
    ahead = second - cosine * first
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-12)
    angle = places * np.arccos(np.clip(cosine, -1, 1))
    return math.sqrt(first.shape[-1]) * (np.cos(angle) * first + np.sin(angle) * ahead)
