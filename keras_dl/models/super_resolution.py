"""Super-resolution by a network that is trained on pairs of small and large images."""

from typing import Any, Self

import keras
import numpy as np

from keras_dl.checks import refusal
from keras_dl.models import shapes
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.enlarging import Enlarging
from keras_dl.models.supervised import Supervised, unpack
from keras_dl.types import Nest, Optimizer


@keras.saving.register_keras_serializable(package="keras_dl")
class SuperResolution(Enlarging, Supervised):
    r"""A network that enlarges images, trained on small images beside large ones.

    $$\min_\theta \mathbb{E}[\ell(f_\theta(x_\text{small}), x_\text{large})]$$

    Data are `(small, large)` in [0, 1], as `keras_dl.data.images.ImagePatches` gives them.

    Args:
        network: Built Keras model from small images to images `scale` times as large, `keras_dl.networks.edsr`,
            `srresnet`, `rrdb` or `espcn`; of unknown sizes, so that it takes whole images.
        pixel_loss: Loss of the pixels, Keras' or its name: `"mae"` (Lim et al. 2017), `"mse"` for the highest PSNR.
        seed: Integer that decides the data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by `upscale` and `predict`; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If the network does not enlarge images by a whole number.

    Example:

    >>> from keras_dl.data import images
    >>> patches = images.ImagePatches(images.Images([images.named.drawing(0, 48)]), 16, images.Degradation(2), 4)
    >>> model = keras_dl.models.SuperResolution(keras_dl.networks.edsr(scale=2, filters=4, num_blocks=1))
    >>> model.compile("adam", metrics=[keras_dl.metrics.PSNR()])
    >>> sorted(model.fit(patches.dataset(2), verbose=0).history)
    ['loss', 'psnr']
    >>> model.upscale(np.zeros((40, 30, 3)), tile=16).shape
    (80, 60, 3)
    """

    def __init__(
        self,
        network: keras.Model,
        pixel_loss: Any = "mae",
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(network, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.pixel_loss = pixel_loss
        self.scale  # noqa: B018 - refuses a network that does not enlarge

    def compile(self, optimizer: Optimizer = "adam", loss: Any = None, *args, **options) -> None:
        """Configures training; see `Supervised.compile`. `loss=None` means `pixel_loss`."""
        super().compile(optimizer, self.pixel_loss if loss is None else loss, *args, **options)

    def check_data(self, data: Nest) -> None:
        small, large, _ = unpack(data)
        shapes.check_x(small, shapes.input_shape(self.network, "x"), "small images")
        expected = [self.scale * n for n in np.shape(small)[1:3]]
        if list(np.shape(large)[1:3]) != expected:
            text = f"large images should have {self.scale} times the sides of small ones, {expected[0]}x{expected[1]}"
            raise refusal(text, f"shape {np.shape(large)}")
        self.check_levels(small, large)
        super().check_data(data)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pixel_loss": keras.saving.serialize_keras_object(self.pixel_loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        read = keras.saving.deserialize_keras_object
        return cls(**{**config, **{name: read(config[name]) for name in ("network", "pixel_loss")}})
