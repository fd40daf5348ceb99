"""Random maps of images and of their colours, which have derivatives of any order (Karras et al. 2020, appendix B)."""

import math

import tensorflow as tf

SHIFT = 0.125  # of an image's side: whole pixels up to it, other shifts by it as deviation
STRETCH = 0.2  # deviation of logarithms to the base of 2 of scales
BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.5, 1.0  # deviations: of half ranges, and of logarithms to the base of 2


def maps(size, probability, draw, kinds):
    """Maps from places in outputs to places in inputs, about the centre, in pixels: shape `(rows, 3, 3)`.

    Args:
        size: `(height, width)` of the images.
        probability: That of each change.
        draw: The `Draw` that gives the noise.
        kinds: Which groups of changes there are.
    """
    height, width = size
    # Two rotations, before and after the stretching, of which one happens with the whole probability.
    rotates = 1.0 - tf.sqrt(1.0 - probability)
    chances = [probability] * 4 + [rotates, probability, rotates, probability]
    happens = tf.unstack(_happening(draw, chances), axis=1)
    mirror, turns, across, down, *angles = tf.unstack(draw.uniform((6,)), axis=1)
    scale, stretch, *moves = tf.unstack(draw.normal((4,)), axis=1)
    blits = [
        _diagonal(1.0 - 2.0 * happens[0] * tf.round(mirror), tf.ones_like(mirror)),
        _rotation(happens[1] * tf.floor(4.0 * turns) * (0.5 * math.pi)),
        _translation(
            *(happens[2] * tf.round(n * SHIFT * (2.0 * u - 1.0)) for n, u in ((width, across), (height, down)))
        ),
    ]
    scale, stretch = (2.0 ** (STRETCH * happens[k] * n) for k, n in ((3, scale), (5, stretch)))
    geometric = [
        _diagonal(scale, scale),
        _rotation(happens[4] * math.pi * (2.0 * angles[0] - 1.0)),
        _diagonal(stretch, 1.0 / stretch),
        _rotation(happens[6] * math.pi * (2.0 * angles[1] - 1.0)),
        _translation(happens[7] * SHIFT * width * moves[0], happens[7] * SHIFT * height * moves[1]),
    ]
    total = tf.eye(3, batch_shape=[tf.shape(mirror)[0]])
    for one in (*(blits if "blit" in kinds else ()), *(geometric if "geometric" in kinds else ())):
        total = tf.matmul(total, one)
    return total


def moved(images, transforms):
    """Images read at mapped places by bilinear interpolation, mirrored at their borders.

    Args:
        images: Shape `(rows, height, width, channels)`, sizes known.
        transforms: Shape `(rows, 3, 3)`, of `(x, y, 1)` in pixels from the centre.
    """
    height, width = images.shape[1:3]
    centre = tf.constant([[(width - 1) / 2], [(height - 1) / 2]])
    x, y = tf.meshgrid(tf.range(width, dtype=tf.float32), tf.range(height, dtype=tf.float32))
    points = tf.reshape(tf.stack([x, y]), (2, -1)) - centre
    points = tf.concat([points, tf.ones_like(points[:1])], axis=0)
    places = tf.matmul(transforms[:, :2], tf.broadcast_to(points, (tf.shape(images)[0], *points.shape))) + centre
    columns, rows = _mirrored(places[:, 0], width), _mirrored(places[:, 1], height)
    left, top = tf.floor(columns), tf.floor(rows)
    flat = tf.reshape(images, (-1, height * width, images.shape[-1]))
    total = 0.0
    for row, share_of_row in ((top, 1.0 - (rows - top)), (top + 1.0, rows - top)):
        for column, share in ((left, 1.0 - (columns - left)), (left + 1.0, columns - left)):
            index = tf.minimum(row, height - 1.0) * width + tf.minimum(column, width - 1.0)
            read = tf.gather(flat, tf.cast(index, tf.int32), axis=1, batch_dims=1)
            total += (share_of_row * share)[..., None] * read
    return tf.reshape(total, tf.shape(images))


def drawn_colours(probability, draw):
    """Random arguments of `coloured`, a list of vectors `(rows,)`: each is that of no change, or not."""
    happens = tf.unstack(_happening(draw, [probability] * 5), axis=1)
    brightness, contrast, saturation = tf.unstack(draw.normal((3,)), axis=1)
    flip, hue = tf.unstack(draw.uniform((2,)), axis=1)
    return [
        BRIGHTNESS * happens[0] * brightness,
        2.0 ** (CONTRAST * happens[1] * contrast),
        happens[2] * tf.round(flip),
        happens[3] * math.pi * (2.0 * hue - 1.0),
        2.0 ** (SATURATION * happens[4] * saturation),
    ]


def coloured(x, brightness, contrast, flip, hue, saturation):
    r"""Images of other colours: $S\,H\,F\,c\,(x + b)$, of numbers about the middle of their range, which spans 2.

    With $v$ the direction of greys, $F = I - 2 v v^\top$ inverts greys and keeps hues, $H$ is a rotation about $v$ and
    $S = v v^\top + s (I - v v^\top)$. Images that are not of three channels have no hue.

    Args:
        x: Shape `(rows, height, width, channels)`.
        brightness: $b$.
        contrast: $c$.
        flip: 1 for $F$, 0 for none.
        hue: The angle of $H$.
        saturation: $s$.
    """
    changes = brightness, contrast, flip, hue, saturation
    brightness, contrast, flip, hue, saturation = (one[:, None, None, None] for one in changes)
    x = (x + brightness) * contrast
    x -= 2.0 * flip * tf.reduce_mean(x, axis=-1, keepdims=True)
    grey = tf.reduce_mean(x, axis=-1, keepdims=True)
    colour = x - grey
    if x.shape[-1] == 3:
        across = (tf.roll(colour, -2, axis=-1) - tf.roll(colour, -1, axis=-1)) / math.sqrt(3.0)  # v x colour
        colour = tf.cos(hue) * colour + tf.sin(hue) * across
    return grey + saturation * colour


def _happening(draw, chances):
    """Whether each change happens to each sample, `(rows, number of chances)`, 1 or 0."""
    return tf.cast(draw.uniform((len(chances),)) < tf.stack([tf.cast(one, tf.float32) for one in chances]), tf.float32)


def _matrix(rows):
    """Matrices of rows of vectors `(rows,)`, over `[0, 0, 1]`."""
    one = tf.ones_like(rows[0][0])
    rows = [*rows, [tf.zeros_like(one), tf.zeros_like(one), one]]
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=1)


def _diagonal(x, y):
    zero = tf.zeros_like(x)
    return _matrix([[x, zero, zero], [zero, y, zero]])


def _rotation(angle):
    cos, sin, zero = tf.cos(angle), tf.sin(angle), tf.zeros_like(angle)
    return _matrix([[cos, -sin, zero], [sin, cos, zero]])


def _translation(x, y):
    zero, one = tf.zeros_like(x), tf.ones_like(x)
    return _matrix([[one, zero, x], [zero, one, y]])


def _mirrored(places, size):
    """Places within 0 and `size - 1`, mirrored at both."""
    period = max(2.0 * (size - 1.0), 1.0)
    places = tf.math.floormod(places, period)
    return tf.minimum(places, period - places)
