"""Models, data, metrics and the rest for tests/test_fuzz.py, each with what it takes; and all parts by group."""

import inspect
import tempfile

import keras
import numpy as np

from keras_dl import callbacks, data, losses, metrics, models, networks, objectives, runtime
from tests import fuzz_parts as tensors
from tests.fuzz_parts import IMAGES, LABELS, POINTS, Part, arguments_of
from tests.layers.cases import CASES

# Models: one of each family, untrained.


def built(kind):
    keras.utils.set_random_seed(0)
    shape = (8, 8, 1)
    if kind is models.VAE:
        return {"encoder": networks.mlp_encoder(shape, 2, (4,)), "decoder": networks.mlp_decoder(2, shape, (4,))}
    return {"generator": networks.mlp_generator(2, shape, (4,)), "critic": networks.mlp_critic(shape, (4,))}


def model(kind):
    options = {name: default for name, default in arguments_of(kind).items() if default is not inspect.Parameter.empty}
    return Part(lambda **given: np.zeros(len(kind(**built(kind), **given).weights)), options)


def compiled(kind):
    found = kind(**built(kind), seed=0)
    found.compile(**{name: keras.optimizers.SGD(1e-3) for name in found.optimizer_names}, jit_compile=False)
    return found


def method(found, name, valid, arrays=("x",), says=None):
    """A method of a model, whose weights are the same before every call."""
    weights = found.get_weights()

    def call(**given):
        found.set_weights(weights)
        result = getattr(found, name)(**given)
        return result.history if isinstance(result, keras.callbacks.History) else result

    says = says or {"x": ("data", "input"), "latents": ("z",)}
    return Part(call, valid, arrays, says, checks_values=True)


def methods():
    vae, gan = compiled(models.VAE), compiled(models.GAN)
    fit = {"x": IMAGES, "batch_size": 4, "epochs": 1, "verbose": 0}
    latents = np.zeros((2, 2), np.float32)
    found = {
        "VAE.fit": method(vae, "fit", fit),
        "VAE.evaluate": method(vae, "evaluate", {"x": IMAGES, "batch_size": 4, "verbose": 0}),
        "VAE.predict": method(vae, "predict", {"x": IMAGES, "batch_size": 4, "verbose": 0}),
        "VAE.encode": method(vae, "encode", {"x": IMAGES}),
        "VAE.reconstruct": method(vae, "reconstruct", {"x": IMAGES}),
        "VAE.decode": method(vae, "decode", {"latents": latents}, ("latents",)),
        "VAE.sample": method(vae, "sample", {"num_samples": 2, "condition": None, "seed": 0}, ("condition",)),
        "VAE.log_prob": method(vae, "log_prob", {"x": IMAGES, "num_samples": 2, "seed": 0}),
        "GAN.fit": method(gan, "fit", fit),
        "GAN.predict": method(gan, "predict", {"x": latents, "verbose": 0}, says={"x": ("data", "latents")}),
        "GAN.sample": method(gan, "sample", {"num_samples": 2, "condition": None, "seed": 0}, ("condition",)),
    }
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    classifier = models.Supervised(network, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.SGD(1e-3), loss=loss, jit_compile=False)
    given = {"x": IMAGES, "y": LABELS, "sample_weight": None, "batch_size": 4, "verbose": 0}
    says = {"x": ("data", "input"), "y": ("data", "target", "label"), "sample_weight": ("weight", "array 2")}
    found["Supervised.fit"] = method(classifier, "fit", given, ("x", "y", "sample_weight"), says)
    return found


# Data, metrics, objectives, callbacks, runtime.


def read_pipeline(**given):
    return list(data.pipeline(**given))


def data_parts():
    given = {**arguments_of(data.pipeline), "x": IMAGES, "y": LABELS, "batch_size": 4}
    says = {"y": ("array 1",), "sample_weight": ("array 2", "array 1"), "x": ("data",)}
    arrays = ("x", "y", "sample_weight")
    return {
        "pipeline": Part(read_pipeline, given, arrays, says, checks_values=True),
        "load": Part(
            lambda **given: data.load(**given), {"name": "digits", "held_out": "test"}, says={"name": ("name",)}
        ),
        "sample_points": Part(data.sample_points, {"name": "ring", "num_samples": 5, "seed": 0}),
        "centres": Part(data.centres, {"name": "grid"}),
        "pixels": Part(data.pixels, {"image": IMAGES[0]}, ("image",), checks_values=True),
    }


def metric_parts():
    real, generated = POINTS[:20], POINTS[20:]
    two = {"real": real, "generated": generated}
    p = np.exp(POINTS) / np.exp(POINTS).sum(-1, keepdims=True)
    functions = {
        "frechet_distance": two,
        "kernel_distance": {**two, "degree": 3},
        "precision_recall": {**two, "k": 3},
        "density_coverage": {**two, "k": 3},
        "sliced_wasserstein": {**two, "num_projections": 4, "order": 2, "seed": 0},
        "wasserstein_2": {**two, "max_samples": 10},
        "inception_score": {"probabilities": p, "splits": 2},
        "mode_coverage": {
            "samples": POINTS[:, :2], "centres": POINTS[:3, :2], "deviation": 0.5, "num_deviations": 3.0,
            "smallest_share": 0.01,
        },
    }  # fmt: skip
    arrays = ("real", "generated", "probabilities", "samples", "centres")
    says = dict.fromkeys(arrays, ("features", "samples", "points", "shape"))
    return {
        name: Part(getattr(metrics, name), given, tuple(a for a in arrays if a in given), says, checks_values=True)
        for name, given in functions.items()
    }


def objective_parts():
    given = {
        "Attributes": {"sizes": (3, None)},
        "Cyclical": {"steps": 10},
        "GridLikelihood": {"bounds": (-4.0, 4.0)},
        "Linear": {"steps": 10},
        "Sigmoid": {"steps": 10},
    }
    found = {}
    for name in objectives.__all__:
        kind = getattr(objectives, name)
        if inspect.isclass(kind) and name not in ("Adversarial", "Penalty", "Schedule"):
            options = {**arguments_of(kind), **given.get(name, {})}
            make = lambda kind=kind, **options: kind.from_config(options) and None  # noqa: E731
            found[name] = Part(make, options)
    return found


def runtime_parts(folder):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    supervised = models.Supervised(network, seed=0)
    supervised.compile(keras.optimizers.SGD(1e-3), loss="mse")

    def checkpoint(**given):
        runtime.Checkpoint(**given)

    return {
        "export": Part(
            lambda model, version, format: (
                runtime.export(model, tempfile.mkdtemp(dir=folder), version, format) and None
            ),
            {"model": supervised, "version": 1, "format": "saved_model"},
        ),
        "restore": Part(lambda **given: runtime.restore(**given), {"model": supervised, "folder": folder}),
        "latest": Part(lambda folder: runtime.latest(folder), {"folder": folder}),
        "load_latest": Part(lambda folder: runtime.load_latest(folder), {"folder": folder}),
        "strategy": Part(lambda **given: runtime.strategy(**given) and None, {"name": "none", "devices": None}),
        "Checkpoint": Part(checkpoint, {"folder": folder, "every": "epoch", "keep": 3, "resume": False}),
    }


def callback_parts(folder):
    given = {
        "CriticBalance": {},
        "KLAnnealing": {"schedule": objectives.Linear(10)},
        "LatentInterpolation": {"folder": folder},
        "SampleGrid": {"folder": folder},
        "StopOnKID": {},
    }
    found = {}
    for name, options in given.items():
        kind = getattr(callbacks, name)
        found[name] = Part(lambda kind=kind, **o: kind(**o) and None, {**arguments_of(kind), **options})
    found["image_grid"] = Part(
        callbacks.image_grid,
        {"images": IMAGES, "columns": 3, "padding": 1},
        ("images",),
        {"images": ("image", "shape")},
    )
    return found


GROUPS = (
    "losses",
    "layers",
    "networks",
    "likelihoods",
    "models",
    "data",
    "metrics",
    "objectives",
    "runtime",
    "callbacks",
)


def parts(group, folder):
    """Those of one package, by name.

    Args:
        group: One of `GROUPS`.
        folder: Folder for files.
    """
    kinds = (models.VAE, models.GAN, models.WGAN, models.WGANGP)
    make = {
        "losses": lambda: {name: tensors.loss(getattr(losses, name)) for name in tensors.LOSS_DATA},
        "layers": lambda: {name: tensors.layer(case) for name, case in CASES.items() if "-" not in name},
        "networks": lambda: {name: tensors.network(name) for name in tensors.NETWORKS},
        "likelihoods": tensors.likelihood_parts,
        "models": lambda: {**{kind.__name__: model(kind) for kind in kinds}, **methods()},
        "data": data_parts,
        "metrics": metric_parts,
        "objectives": objective_parts,
        "runtime": lambda: runtime_parts(folder),
        "callbacks": lambda: callback_parts(folder),
    }
    return {f"{group}.{name}": part for name, part in make[group]().items()}
