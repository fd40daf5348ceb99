"""Arcs of great circles between latents."""

import numpy as np


def on_arc(first, second, shares):
    r"""Latents on the arcs of great circles between pairs of latents.

    $$z_t = \frac{\sin((1 - t) \theta)\, a + \sin(t \theta)\, b}{\sin \theta}$$

    with $\theta$ the angle between a and b (Shoemake 1985; White 2016, "Sampling generative networks"): normal latents
    stay as long as they are in training, while means of them would be too short. Of one direction, or of two opposite
    ones, no arc is the shortest: there the path is straight.

    Args:
        first: Array $a$, shape `(..., latent_size)`.
        second: Array $b$, of a shape that broadcasts with that of `first`.
        shares: Numbers $t$ from 0 to 1, of a shape that broadcasts with both.

    Returns:
        Array of the shape to which the three broadcast.

    Example:

    >>> on_arc(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([[0.0], [0.5], [1.0]])).round(3).tolist()
    [[1.0, 0.0], [0.707, 0.707], [0.0, 1.0]]
    """
    norms = np.linalg.norm(first, axis=-1, keepdims=True) * np.linalg.norm(second, axis=-1, keepdims=True)
    cosine = np.sum(first * second, axis=-1, keepdims=True) / np.maximum(norms, 1e-12)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    straight = np.sin(angle) < 1e-4
    sine = np.where(straight, 1.0, np.sin(angle))
    of_first, of_second = (np.where(straight, t, np.sin(t * angle) / sine) for t in (1.0 - shares, shares))
    return of_first * first + of_second * second
