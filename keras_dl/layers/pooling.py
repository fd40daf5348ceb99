"""The poolings that blocks take by name, for each number of spatial axes."""

import keras
from keras import ops

from keras_dl.layers.blur_pool import BLUR_POOLS


class Float32UnderFloat16(keras.layers.Layer):
    """Mixin that pools float16 in float32, as TensorFlow has no float16 pooling of volumes on a CPU."""

    def call(self, inputs):
        if keras.backend.standardize_dtype(inputs.dtype) != "float16":
            return super().call(inputs)
        return ops.cast(super().call(ops.cast(inputs, "float32")), "float16")


@keras.saving.register_keras_serializable(package="keras_dl")
class _AveragePooling3D(Float32UnderFloat16, keras.layers.AveragePooling3D):
    pass


@keras.saving.register_keras_serializable(package="keras_dl")
class _MaxPooling3D(Float32UnderFloat16, keras.layers.MaxPooling3D):
    pass


POOLS = {
    "average": {1: keras.layers.AveragePooling1D, 2: keras.layers.AveragePooling2D, 3: _AveragePooling3D},
    "max": {1: keras.layers.MaxPooling1D, 2: keras.layers.MaxPooling2D, 3: _MaxPooling3D},
    "blur": BLUR_POOLS,
}
