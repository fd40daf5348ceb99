"""Keras' transposed convolution, which is saved with all of its options."""

import keras


@keras.saving.register_keras_serializable(package="keras_dl")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`, whose `output_padding` Keras 3.14 leaves out of the configuration.

    Without it a loaded network would give images of other sizes.

    Args:
        *args, **kwargs: As for `keras.layers.Conv2DTranspose`.

    Example:

    >>> layer = Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=0)
    >>> tuple(Conv2DTranspose.from_config(layer.get_config()).compute_output_shape((1, 4, 4, 3)))
    (1, 7, 7, 2)
    """

    def get_config(self):
        return {**super().get_config(), "output_padding": self.output_padding}
