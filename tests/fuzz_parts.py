"""Functions of tensors and networks for tests/test_fuzz.py, each with arguments that it takes."""

import inspect
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_dl import likelihoods, networks

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((6, 8, 8, 1), dtype=np.float32)
POINTS = RANDOM.normal(size=(40, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 2, 1, 0], np.int32)


class Part(NamedTuple):
    """Something public to call.

    Attributes:
        call: Takes `valid` as keyword arguments, works with what it is given, and returns a nest of numbers.
        valid: Dict of arguments that it takes.
        arrays: Names of those that are arrays.
        says: Dict from an argument to other words by which a message may name it.
        checks_values: Whether NaN and infinities in arrays must be refused. Functions of tensors (losses, layers,
            likelihoods) let them through, as Keras' do, and leave it to TensorFlow to refuse what is no number.
    """

    call: Callable
    valid: dict
    arrays: tuple = ()
    says: dict = {}
    checks_values: bool = False


def arguments_of(function):
    """The arguments of a function or class that can be given by name, with defaults where there are some."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in found if p.kind in kinds and p.name not in ("name", "dtype", "reduction")}


# Losses: every option of every class, and both arrays.

BINARY = (np.array([[1.0], [0.0], [1.0]], np.float32), np.array([[0.3], [0.6], [0.9]], np.float32))
CLASSES = (np.array([0, 2, 1]), np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]], np.float32))
MAPS = (np.eye(3, dtype=np.float32)[[[0, 1], [2, 2]]], np.full((2, 2, 3), 1 / 3, np.float32))
PAIR = (np.array([1.0, -1.0, 1.0], np.float32), (POINTS[:3], POINTS[3:6]))
LOSS_DATA = {
    "BinaryCrossEntropy": BINARY,
    "Contrastive": (np.array([1.0, 0.0, 1.0], np.float32), PAIR[1]),
    "CosineEmbedding": PAIR,
    "CrossEntropy": CLASSES,
    "Dice": MAPS,
    "DiceCrossEntropy": MAPS,
    "Focal": CLASSES,
    "KLDivergence": (CLASSES[1], CLASSES[1][::-1]),
    "L1": (POINTS, POINTS + 1),
    "L2": (POINTS, POINTS + 1),
    "MarginRanking": (PAIR[0], (POINTS[:3, 0], POINTS[3:6, 0])),
    "NegativeLogLikelihood": (CLASSES[0], np.log(CLASSES[1])),
    "SmoothL1": (POINTS, POINTS + 1),
    "TripletMargin": (np.zeros(3, np.float32), (POINTS[:3], POINTS[3:6], POINTS[6:9])),
    "Tversky": MAPS,
}


def loss(kind):
    def call(y_true, y_pred, **options):
        return kind.from_config({**kind().get_config(), **options})(y_true, y_pred)

    y_true, y_pred = LOSS_DATA[kind.__name__]
    given = {**arguments_of(kind), "y_true": y_true, "y_pred": y_pred}
    arrays = {"y_true": ("y_pred", "labels", "shape"), "y_pred": ("y_true", "shape", "predictions")}
    return Part(call, given, tuple(arrays), {**arrays, "multilabel": ("have one shape",)})


# Layers: every option and the inputs.


def layer(case):
    def call(inputs, **options):
        made = case.make()
        made = case.layer.from_config({**made.get_config(), **options}) if options else made
        return made(inputs)

    shapes = case.input_shape if isinstance(case.input_shape, list) else [case.input_shape]
    tensors = [RANDOM.normal(size=shape).astype(np.float32) for shape in shapes]
    inputs = tensors if isinstance(case.input_shape, list) else tensors[0]
    options = dict.fromkeys(arguments_of(case.layer))
    config = case.make().get_config()
    given = {name: config[name] for name in options if name in config}
    return Part(call, {**given, "inputs": inputs}, ("inputs",), {"inputs": ("input", "shape", "axes")})


# Networks.

SIZES = {"latent_size": 2, "num_classes": 3, "input_shape": (8, 8, 1), "output_shape": (8, 8, 1)}
SMALL = {"hidden": (4,), "filters": (4,), "features": (4,)}
NETWORKS = (
    "conv_decoder", "conv_encoder", "dcgan_critic", "dcgan_generator", "lenet5", "mlp_critic", "mlp_decoder",
    "mlp_encoder", "mlp_generator", "nvae_encoder", "resnet_critic", "resnet_generator", "siren",
)  # fmt: skip


def network(name):
    factory = getattr(networks, name)
    given = arguments_of(factory)
    for argument, value in {**SIZES, "condition_shape": None}.items():
        required = given.get(argument) is inspect.Parameter.empty
        if argument in given and (required or argument != "num_classes"):
            given[argument] = value
    given |= {"lenet5": {"input_shape": (28, 28, 1)}, "siren": {"hidden": (4, 4)}}.get(name, {})
    if name.startswith(("mlp", "conv")):
        given["hidden"] = (4,)
    if "filters" in given:
        given["filters"] = (4,) if name.startswith("conv") else 4
    says = {argument: ("shape",) for argument in given if argument.endswith("shape")} | {"dropout": ("rate",)}
    return Part(lambda **options: np.zeros(len(factory(**options).layers)), given, says=says)


# Likelihoods.


def likelihood(kind, channels, **given):
    def call(parameters, x, **options):
        made = kind.from_config({**kind(**given).get_config(), **options})
        made.check(x)
        return made(parameters).log_prob(x)

    parameters = RANDOM.normal(size=(6, 8, 8, channels)).astype(np.float32)
    x = np.rint(IMAGES)
    return Part(call, {**given, "parameters": parameters, "x": x}, ("parameters", "x"), {"parameters": ("shape", "x")})


def likelihood_parts():
    return {
        "Bernoulli": likelihood(likelihoods.Bernoulli, 1),
        "Categorical": likelihood(likelihoods.Categorical, 4, num_classes=4),
        "DiscretizedLogistic": likelihood(likelihoods.DiscretizedLogistic, 2, num_levels=17),
        "Gaussian": likelihood(likelihoods.Gaussian, 1, scale=0.5),
    }
