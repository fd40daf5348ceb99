"""Images made larger by a network (EDSR; Lim et al. 2017).

    python -m apps.train super_resolution --out runs/sr
    python -m apps.train super_resolution --data FOLDER --set scale=4 --out runs/mine
    KERAS_DL_DATA=DATA python -m apps.train super_resolution --preset t91 --out runs/t91

Trains on patches of images, turned and mirrored at random, beside their bicubic reductions: by default of drawings made
up here, of t91 (53 of the images of Yang et al. 2010, from KERAS_DL_DATA) or of a folder of images, all in colour or
all grey. A tenth of the images is held out, enlarged whole at the end and compared with bicubic enlargement:
`images.csv`, a table with PSNR and SSIM of the luma, and `comparison.png`. `python -m apps.translate RUN --data FOLDER`
enlarges others.

Half a minute of processor time. Two held-out drawings, twice as large, seed 0: 34.43 dB beside bicubic's 33.02, SSIM
0.953 beside 0.940.
"""

import keras

import keras_dl
from apps.recipes import vae
from keras_dl.runs import Name

DATASET = "drawings"
PRESETS = {"t91": {"filters": 32, "blocks": 6, "patch_size": 24, "steps": 200, "epochs": 100}}


def build(hp, data_spec):
    """Returns a compiled network that enlarges images of as many channels as the data have."""
    options = fit_options(hp)
    network = enlarger(hp, data_spec, options["scale"], ["edsr", "srresnet", "espcn", "rrdb"])
    loss = hp.Choice(Name("loss", "what is minimised per pixel"), ["mae", "mse"])
    model = keras_dl.models.SuperResolution(network, loss, ema_momentum=vae.ema_momentum(hp))
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-5, 1e-1, default=2e-3, sampling="log")
    rate = keras.optimizers.schedules.CosineDecay(rate, options["epochs"] * options["steps"])
    model.compile(keras.optimizers.Adam(rate), metrics=[keras_dl.metrics.PSNR()])
    return model


def enlarger(hp, data_spec, scale, kinds):
    """Returns a network that adds to bicubic enlargement, of one of `kinds`, the default first."""
    shape, kind = (None, None, data_spec.shape[-1]), hp.Choice(Name("network", "kind of network"), kinds)
    if kind == "espcn":
        return keras_dl.networks.espcn(shape, scale, enlarged_input=True)
    filters = hp.Int(Name("filters", "channels"), 4, 256, default=16, sampling="log")
    blocks = hp.Int(Name("blocks", "residual blocks"), 1, 32, default=4)
    factory = {name: getattr(keras_dl.networks, name) for name in ("edsr", "srresnet", "rrdb")}[kind]
    return factory(shape, scale, filters=filters, num_blocks=blocks, enlarged_input=True)


def fit_options(hp):
    """Returns by how much images become larger, how patches are drawn, what makes them small, and how many."""
    return {
        "scale": hp.Choice(Name("scale", "by how much images are enlarged"), [2, 3, 4]),
        "patch_size": hp.Int(Name("patch_size", "sides of the small patches in pixels"), 8, 256, default=16),
        "batch_size": hp.Int(Name("batch_size", "patches per step"), 1, 256, default=16, sampling="log"),
        "blur": hp.Float(Name("blur", "largest deviation of a blur before the reduction"), 0.0, 8.0, default=0.0),
        "noise": hp.Float(Name("noise", "largest deviation of noise on small images"), 0.0, 0.5, default=0.0),
        "jpeg": hp.Int(Name("jpeg", "lowest quality of JPEG of small images; 0 for none"), 0, 95, default=0),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 12),
        "steps": hp.Fixed(Name("steps", "batches per epoch"), 50),
    }


TASK = keras_dl.tasks.SuperResolution()
