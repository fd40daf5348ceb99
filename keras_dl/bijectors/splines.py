r"""Monotone rational-quadratic splines with linear tails.

Gregory & Delbourgo 1982, in the notation of Durkan et al. 2019 ("Neural spline flows", equations 4 to 8): in a bin of
width $w$ and height $h$ with slopes $d_0, d_1$ at its ends and $s = h / w$, for $\xi = (x - x_0) / w$,

$$y = y_0 + \frac{h (s \xi^2 + d_0 \xi (1 - \xi))}{s + (d_0 + d_1 - 2 s) \xi (1 - \xi)}$$

Outside of $[-B, B]$ the spline is the identity, and the slopes at both ends are 1. At a knot both bins give the same
value and slope. Where a branch is not taken, its inputs are replaced before, not after: no gradient is NaN.
"""

import tensorflow as tf


def forward(x, widths, heights, slopes, bound):
    """Returns `y` and `log dy/dx`.

    Args:
        x: Tensor of any shape.
        widths: Tensor of shape `(*x.shape, bins)`, positive, which add up to `2 * bound`.
        heights: Likewise.
        slopes: Positive slopes at the inner knots, `(*x.shape, bins - 1)`.
        bound: The spline's ends are at `-bound` and `bound`.
    """
    inside = tf.abs(x) < bound
    u = tf.where(inside, x, tf.zeros_like(x))
    left, width, bottom, height, d0, d1 = _bin_of(u, widths, heights, slopes, bound, in_heights=False)
    s = height / width
    xi = (u - left) / width
    rest = (left + width - u) / width
    denominator = s + (d0 + d1 - 2.0 * s) * xi * rest
    y = bottom + height * (s * tf.square(xi) + d0 * xi * rest) / denominator
    slope = tf.square(s) * (d1 * tf.square(xi) + 2.0 * s * xi * rest + d0 * tf.square(rest)) / tf.square(denominator)
    return tf.where(inside, y, x), tf.where(inside, tf.math.log(slope), tf.zeros_like(x))


def inverse(y, widths, heights, slopes, bound):
    """Returns `x` and `log dx/dy`; see `forward`."""
    inside = tf.abs(y) < bound
    v = tf.where(inside, y, tf.zeros_like(y))
    left, width, bottom, height, d0, d1 = _bin_of(v, widths, heights, slopes, bound, in_heights=True)
    s = height / width
    rise = v - bottom
    twist = d0 + d1 - 2.0 * s
    a = height * (s - d0) + rise * twist
    b = height * d0 - rise * twist
    c = -s * rise
    # Positive for every increasing spline; rounding may take the last digit of a tiny number below zero.
    root = tf.sqrt(tf.maximum(tf.square(b) - 4.0 * a * c, tf.constant(1e-30, y.dtype)))
    rising = b >= 0.0  # which of two forms of the same root does not subtract near numbers
    q = -0.5 * (b + tf.where(rising, root, -root))
    xi = tf.where(rising, c, q) / tf.where(rising, q, a)
    rest = 1.0 - xi
    denominator = s + twist * xi * rest
    slope = tf.square(s) * (d1 * tf.square(xi) + 2.0 * s * xi * rest + d0 * tf.square(rest)) / tf.square(denominator)
    return tf.where(inside, left + width * xi, y), tf.where(inside, -tf.math.log(slope), tf.zeros_like(y))


def _bin_of(u, widths, heights, slopes, bound, in_heights):
    """Left end, width, bottom, height and both slopes of the bin in which `u` lies, each of its shape."""
    ends = tf.cumsum(heights if in_heights else widths, axis=-1)[..., :-1] - bound
    above = tf.cast(u[..., None] >= ends, u.dtype)  # of the inner knots; they come in order
    ones, zeros = tf.ones_like(u)[..., None], tf.zeros_like(u)[..., None]
    chosen = tf.concat([ones, above], -1) - tf.concat([above, zeros], -1)  # 1 in the bin of u, else 0
    lower = tf.concat([above, zeros], -1)  # 1 in the bins left of it

    def pick(values):
        return tf.reduce_sum(values * chosen, -1)

    one = tf.ones_like(u)[..., None]
    left = tf.reduce_sum(widths * lower, -1) - bound
    bottom = tf.reduce_sum(heights * lower, -1) - bound
    d0, d1 = pick(tf.concat([one, slopes], -1)), pick(tf.concat([slopes, one], -1))
    return left, pick(widths), bottom, pick(heights), d0, d1
