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
    xi, rest = _shares(u, left, width)
    denominator = s * (tf.square(xi) + tf.square(rest)) + (d0 + d1) * xi * rest
    y = bottom + height * (s * tf.square(xi) + d0 * xi * rest) / denominator
    log_slope = _log_slope(s, d0, d1, xi, rest)
    return tf.where(inside, y, x), tf.where(inside, log_slope, tf.zeros_like(x))


def inverse(y, widths, heights, slopes, bound):
    """Returns `x` and `log dx/dy`; see `forward`."""
    inside = tf.abs(y) < bound
    v = tf.where(inside, y, tf.zeros_like(y))
    left, width, bottom, height, d0, d1 = _bin_of(v, widths, heights, slopes, bound, in_heights=True)
    s = height / width
    # The root of a quadratic in xi, of sums of positive numbers alone: no digits are lost, and it lies in the bin.
    low, high = _shares(v, bottom, height)
    lean = d0 * high - d1 * low
    root = tf.abs(lean) + tf.sqrt(tf.square(lean) + 4.0 * tf.square(s) * low * high)
    leaning = lean >= 0.0
    other = 2.0 * s * tf.where(leaning, low, high)
    smaller, larger = other / (root + other), root / (root + other)
    xi, rest = tf.where(leaning, smaller, larger), tf.where(leaning, larger, smaller)
    log_slope = _log_slope(s, d0, d1, xi, rest)
    return tf.where(inside, left + width * xi, y), tf.where(inside, -log_slope, tf.zeros_like(y))


def _shares(value, start, size):
    """Shares of a bin below and above a value; rounding makes none negative and takes no gradient at a knot."""
    shares = (value - start) / size, (start + size - value) / size
    return tuple(share + tf.stop_gradient(tf.maximum(share, 0.0) - share) for share in shares)


def _log_slope(s, d0, d1, xi, rest):
    """The logarithm of the derivative, of sums of positive numbers."""
    denominator = s * (tf.square(xi) + tf.square(rest)) + (d0 + d1) * xi * rest
    return tf.math.log(d1 * tf.square(xi) + 2.0 * s * xi * rest + d0 * tf.square(rest)) + 2.0 * tf.math.log(
        s / denominator
    )


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
