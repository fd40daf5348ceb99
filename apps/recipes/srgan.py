"""Images made larger by an adversarial game (SRGAN; Ledig et al. 2017, and ESRGAN; Wang et al. 2018).

    python -m apps.train srgan --out runs/srgan
    python -m apps.train srgan --data FOLDER --set features=vgg19 --set scale=4 --out runs/mine
    KERAS_DL_DATA=DATA python -m apps.train srgan --preset t91 --out runs/t91_game

Trains a generator by differences of pixels first, then against a critic, both in one run: by default on drawings made
up here, else on t91 or a folder of images, as the recipe `super_resolution` does, whose options it shares.
Textures become sharper, and the PSNR falls: that of `super_resolution` is the better where pixels have to be right.

`features=vgg19` also compares what VGG-19 sees in images, as the papers do; Keras downloads its weights.
`network=rrdb` and `relativistic=true` are ESRGAN's. `python -m apps.translate RUN --data FOLDER` enlarges others.

Two held-out drawings, twice as large, 16 epochs, seed 0: 34.66 dB beside bicubic's 33.02, SSIM 0.952 beside 0.940.
"""

import keras

import keras_dl
from apps.recipes import super_resolution, vae
from keras_dl.checks import refusal
from keras_dl.runs import Name

DATASET = "drawings"
PRESETS = {"t91": {"filters": 32, "blocks": 6, "patch_size": 24, "steps": 200, "epochs": 100, "critic_filters": 32}}


def build(hp, data_spec):
    """Returns a compiled game of a network that enlarges images of as many channels as the data have."""
    options, channels = fit_options(hp), data_spec.shape[-1]
    generator = super_resolution.enlarger(hp, data_spec, options["scale"], ["edsr", "srresnet", "rrdb"])
    critic = keras_dl.networks.patch_critic(
        (None, None, channels),
        filters=hp.Int(Name("critic_filters", "channels of the critic"), 4, 128, default=16, sampling="log"),
        # As many as leave something to judge of the smallest patches that a search may draw.
        num_layers=hp.Fixed(Name("critic_layers", "halvings of the critic; more for larger patches"), 2),
        normalization=None,
    )
    relativistic = hp.Boolean(Name("relativistic", "real images judged beside generated ones, as in ESRGAN"))
    default = 5e-3 if relativistic else 1e-3  # the papers'
    weight = hp.Float(Name("adversarial_weight", "weight of the game"), 0.0, 10.0, default=default)
    share = hp.Float(Name("pretraining", "share of training by pixels alone"), 0.0, 0.95, default=0.6)
    pretraining = int(share * options["epochs"] * options["steps"] * options["batch_size"])
    game = keras_dl.models.ESRGAN if relativistic else keras_dl.models.SRGAN
    settings = {"adversarial_weight": weight, "pretraining": pretraining, "ema_momentum": vae.ema_momentum(hp)}
    model = game(generator, critic, _features(hp, channels), **settings)
    rate = hp.Float(Name("learning_rate", "step size"), 1e-5, 1e-1, default=1e-3, sampling="log")
    model.compile(**{name: keras.optimizers.Adam(rate) for name in model.optimizer_names})
    return model


def _features(hp, channels):
    """The network that sees what is compared, or None."""
    name = hp.Fixed(Name("features", "what else is compared", values=("none", "vgg19")), "none")
    if name == "none":
        return None
    if channels != 3:
        raise refusal("features=vgg19 expects images in colour", f"{channels} channels")
    return keras_dl.networks.vgg19_maps()


def fit_options(hp):
    """Returns what `super_resolution` does: the scale, how patches are drawn and made small, and how many."""
    return super_resolution.fit_options(hp)


TASK = keras_dl.tasks.SuperResolution()
