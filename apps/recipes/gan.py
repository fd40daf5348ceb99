"""Generative adversarial network, non-saturating, with R1 and averaged weights (Goodfellow et al. 2014).

    python -m apps.train gan --out runs/gan

One to four minutes on two cores. 10,000 samples beside the held-out digits, seed 0 (python -m apps.evaluate runs/gan):
precision 0.70, recall 0.63, coverage 1.00, FID 13.5 +- 4.0 by the features of a LeNet, inception score 8.9.
"""

import keras

import keras_dl
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled GAN for samples of `data_spec.shape`."""
    generator, critic = networks(hp, data_spec)
    r1 = hp.Float(Name("r1", "weight of the critic's squared gradient"), 1e-3, 100.0, default=0.3, sampling="log")
    model = keras_dl.models.GAN(
        generator,
        critic,
        objective=game(hp),
        penalty=keras_dl.objectives.R1(r1),
        ema_momentum=ema_momentum(hp),
    )
    model.compile(**optimizers(hp))
    return model


def game(hp):
    """Returns the game that critic and generator play."""
    games = keras_dl.objectives.GAMES
    kind = games[hp.Choice(Name("objective", "the game that critic and generator play"), list(games))]
    if issubclass(kind, keras_dl.objectives.Minimax):
        return kind(hp.Float(Name("label_smoothing", "how far the target of data lies below 1"), 0.0, 0.3))
    return kind()


def fit_options(hp, batch_size=64, critic_steps=1, epochs=300):
    """Returns the batch size, `critic_steps` times that of an update, and the number of epochs."""
    rows = hp.Int(Name("batch_size", "samples per update"), 16, 512, default=batch_size, sampling="log")
    return {
        "batch_size": rows * steps_of_critic(hp, critic_steps),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), epochs),
    }


def steps_of_critic(hp, default=1):
    """Returns the number of critic updates a generator update."""
    return hp.Int(Name("critic_steps", "critic updates per generator update"), 1, 10, default=default)


def networks(hp, data_spec, num_classes=None, kind="mlp", critic_normalization=None):
    """Returns a generator and a critic: dense, DCGAN's or residual ones; of images, in [0, 1], or of any numbers."""
    latent_size = hp.Int(Name("latent_size", "size of the latent vector"), 2, 256, default=32, sampling="log")
    kinds = ["mlp", "dcgan", "resnet"] if len(data_spec.shape) == 3 else ["mlp"]
    if kind not in kinds:
        data_spec.check_images(f"images, for a {kind} network")
    kind = hp.Choice(Name("network", "kind of network"), kinds, default=kind)
    generator_options = {"num_classes": num_classes, "output_activation": None}
    if len(data_spec.shape) == 3:
        generator_options["output_activation"] = "sigmoid"
    critic_options = {"num_classes": num_classes, "projection": num_classes is not None}
    critic_options["spectral_norm"] = hp.Boolean(Name("spectral_norm", "normalise the critic's weights spectrally"))
    if kind == "mlp":
        units = hp.Int(Name("hidden_units", "width of each hidden dense layer"), 16, 1024, default=256, sampling="log")
        hidden = (units,) * hp.Int(Name("hidden_layers", "number of hidden dense layers"), 1, 4, default=2)
        return (
            keras_dl.networks.mlp_generator(latent_size, data_spec.shape, hidden, **generator_options),
            keras_dl.networks.mlp_critic(data_spec.shape, hidden, **critic_options),
        )
    names = {"none": None, "batch": "batch", "layer": "layer"}
    default = critic_normalization or "none"
    normalization = hp.Choice(Name("critic_normalization", "normalisation in the critic"), list(names), default=default)
    critic_options["normalization"] = names[normalization]
    return _convolutional(hp, kind, data_spec.shape, latent_size, generator_options, critic_options)


def _convolutional(hp, kind, shape, latent_size, generator_options, critic_options):
    """Networks of images, `"dcgan"` or `"resnet"`."""
    filters = hp.Int(Name("filters", "channels of the largest feature maps"), 4, 256, default=32, sampling="log")
    if kind == "resnet":
        return (
            keras_dl.networks.resnet_generator(latent_size, shape, filters, **generator_options),
            keras_dl.networks.resnet_critic(shape, filters, **critic_options),
        )
    default = 2 if min(shape[:2]) < 16 else 4
    smallest = hp.Int(Name("smallest_size", "height of the smallest feature maps"), 1, 8, default=default)
    return (
        keras_dl.networks.dcgan_generator(latent_size, shape, filters, smallest_size=smallest, **generator_options),
        keras_dl.networks.dcgan_critic(shape, filters, smallest_size=smallest, **critic_options),
    )


def optimizers(hp, generator=5e-4, critic=1e-3, beta_1=0.5, beta_2=0.99, schedule=None):
    """Returns an Adam for each player, each with a learning rate of its own (Heusel et al. 2017).

    `schedule(name, rate)`, if given, makes what the optimizer of that name follows.
    """
    rates = {
        "generator_optimizer": hp.Float(
            Name("generator_learning_rate", "step size of the generator"), 1e-5, 1e-2, default=generator, sampling="log"
        ),
        "critic_optimizer": hp.Float(
            Name("critic_learning_rate", "step size of the critic"), 1e-5, 1e-2, default=critic, sampling="log"
        ),
    }
    beta_1 = hp.Float(Name("beta_1", "decay of Adam's mean gradient"), 0.0, 0.9, default=beta_1)
    if schedule is not None:
        rates = {name: schedule(name, rate) for name, rate in rates.items()}
    return {name: keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=beta_2) for name, rate in rates.items()}


def ema_momentum(hp, default=0.998):
    """Returns the momentum of the generator's averaged weights, or `None` for 0: no averages are kept."""
    momentum = hp.Float(Name("ema_momentum", "decay of averaged weights; 0 for none"), 0.0, 0.9999, default=default)
    return momentum or None


TASK = keras_dl.tasks.Generation(latents=True, critic=True)
