"""Images enlarged by repeating pixels, of any size."""

from keras_dl.checks import check_count
from keras_dl.layers.bilinear import BilinearUpsampling2D
from keras_dl.layers.options import register


@register(scale=check_count)
class NearestUpsampling2D(BilinearUpsampling2D):
    """Enlarges images by repeating each pixel.

    The values are those of `keras.layers.UpSampling2D`, which in Keras 3.15 forgets the channels of images of unknown
    size, so that LiteRT cannot convert a convolution behind it.

    Args:
        scale: Int, how often a pixel is repeated along both axes.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, scale height, scale width, channels)`.

    Example:

    >>> x = keras.ops.reshape(keras.ops.arange(2.0), (1, 2, 1, 1))
    >>> NearestUpsampling2D(2)(x)[0, :, 0, 0].numpy().tolist()
    [0.0, 0.0, 1.0, 1.0]
    """

    def _phases(self, x, axis):
        return [x] * self.scale
