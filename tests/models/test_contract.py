"""Every family keeps the contract of models, and goes on in a fresh process where it was saved."""

import doctest
import functools
import gc
import os
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import likelihoods, losses, models, networks, objectives, processes, runtime, samplers
from keras_dl.models.base.step import StepProgram
from keras_dl.testing import check_model
from tests.models import energy_builders, flow_builders, hierarchical_builders, linear_builders
from tests.models.builders import images, small_classifier, small_vae
from tests.models.gan_builders import adams, small_gan, small_lapgan, small_progressive, small_stylegan
from tests.models.translation_builders import critic as translation_critic
from tests.models.translation_builders import images as larger_images
from tests.models.translation_builders import pix2pix
from tests.processes import shared

X, LABELS = images(10), np.arange(10) % 3
POINTS = flow_builders.POINTS


def adam():
    return {"optimizer": keras.optimizers.Adam(1e-2), "jit_compile": False}


def no_optimizer():
    return {"jit_compile": False}


def two_adams():
    return {**adams(), "jit_compile": False}


def classification():
    loss = losses.CrossEntropy()
    return {**adam(), "loss": loss, "metrics": ["sparse_categorical_accuracy"]}


def siamese():
    return models.Siamese(networks.mlp_critic(X.shape[1:], hidden=(8,), num_outputs=4), seed=0, ema_momentum=0.9)


def gan():
    penalties = [objectives.R1(0.1), objectives.JacobianClamping()]
    return small_gan(penalty=penalties, critic_steps=2, instance_noise=0.1, ema_momentum=0.9)


def diffusion():
    network = networks.denoising_mlp(X.shape[1:], 8, 8, 1, num_classes=3)
    return models.Diffusion(network, seed=0, weighting="min_snr", condition_dropout=0.3)


def flow_matching():
    """Joins labels' data to a mixture."""
    network = networks.denoising_mlp(X.shape[1:], 8, 8, 1, num_classes=3)
    source = likelihoods.FixedMixture(np.eye(16)[:3].tolist(), 0.3)
    options = {"coupling": processes.ConditionalTransport(), "source": source, "ema_momentum": 0.9}
    return models.FlowMatching(network, seed=0, **options)


def continuous_flow():
    return models.ContinuousFlow(
        networks.denoising_mlp((3,), 4, 4, 1), solver_steps=1, sampler="euler", steps=2, seed=0
    )


def energy():
    """Chains in a buffer, whose step size adapts: both are resumed."""
    return energy_builders.small_energy(shape=X.shape[1:], sampler=samplers.MALA(3, 0.01), ema_momentum=0.9)


def joint():
    network = networks.mlp_critic(X.shape[1:], hidden=(8,), activation="swish", num_outputs=3)
    objective = objectives.PersistentContrastiveDivergence(30)
    return models.JEM(network, objective, samplers.Langevin(3, 0.01), input_noise=0.1, seed=0)


def machine():
    return models.RBM(X.shape[1:], 4, objectives.PersistentContrastiveDivergence(30), steps=2, seed=0)


def super_resolution():
    network = networks.espcn((4, 4, 1), 2, (4,), (3, 3), enlarged_input=True)
    return models.SuperResolution(network, "mse", seed=0, ema_momentum=0.9)


def cycle_gan():
    """Of single convolutions: tracing four networks in three updates is what takes time."""
    translators = [networks.espcn((8, 8, 1), 1, (2,), (3, 1)) for _ in range(2)]
    critics = [networks.patch_critic((8, 8, 1), filters=2, num_layers=0, normalization=None) for _ in range(2)]
    return models.CycleGAN(*translators, *critics, identity_weight=0.5, pool_size=3, seed=1)


def hierarchical():
    return hierarchical_builders.small(balancing="code", ema_momentum=0.9, beta=objectives.Linear(20))


def srgan(kind, **options):
    generator = networks.espcn((4, 4, 1), 2, (4,), (3, 3), enlarged_input=True)
    features = networks.espcn((8, 8, 1), 1, (2,), (3, 3))
    return kind(generator, translation_critic(), features, pretraining=12, seed=0, **options)


def stylegan():
    """All terms in every step, which is one program to compile: means of styles and path lengths are resumed."""
    return small_stylegan(r1_every=1, path_every=1)


# name -> (build, arguments of compile, data); half precision is the base's, and seen once per kind of update
CASES = {
    "VAE": (lambda: small_vae(dropout=0.2, ema_momentum=0.9), adam, (X,)),
    "ConditionalVAE": (lambda: small_vae(num_classes=3, objective=objectives.IWAE(2)), adam, (X, LABELS)),
    "GAN": (gan, two_adams, (X,)),
    "ConditionalGAN": (lambda: small_gan(models.ConditionalGAN, num_classes=3), two_adams, (X, LABELS)),
    "WGAN": (lambda: small_gan(models.WGAN, clip=0.05, critic_steps=2), two_adams, (X,)),
    "WGANGP": (lambda: small_gan(models.WGANGP, gradient_penalty=5.0, critic_steps=2), two_adams, (X,)),
    "DCGAN": (lambda: small_gan(models.DCGAN, label_smoothing=0.1), two_adams, (X,)),
    "LAPGAN": (lambda: small_lapgan(3, sides=(4,), generated_coarse=True, ema_momentum=0.9), two_adams, (X, LABELS)),
    "ProgressiveGAN": (lambda: small_progressive(ema_momentum=0.9), two_adams, (X,)),
    "StyleGAN": (stylegan, two_adams, (larger_images(),)),
    "Supervised": (small_classifier, classification, (X, LABELS)),
    "SuperResolution": (super_resolution, adam, (X, X.repeat(2, 1).repeat(2, 2))),
    "SRGAN": (lambda: srgan(models.SRGAN, ema_momentum=0.9), two_adams, (X, X.repeat(2, 1).repeat(2, 2))),
    "ESRGAN": (lambda: srgan(models.ESRGAN), two_adams, (X, X.repeat(2, 1).repeat(2, 2))),
    "Pix2Pix": (lambda: pix2pix(ema_momentum=0.9), two_adams, (larger_images(), larger_images(seed=1))),
    "CycleGAN": (cycle_gan, two_adams, (larger_images(), larger_images(seed=1))),
    "Siamese": (siamese, adam, (X, LABELS)),
    "NormalizingFlow": (flow_builders.general, adam, (POINTS, LABELS)),
    "RealNVP": (lambda: models.RealNVP((3,), 2, (4,), seed=0), adam, (POINTS,)),
    "MAF": (lambda: models.MAF((3,), 2, (4,), "batch", condition=(2,), seed=0), adam, (POINTS, POINTS[:, :2])),
    "NeuralSplineFlow": (lambda: models.NeuralSplineFlow((3,), 2, (4,), seed=0), adam, (POINTS,)),
    "Glow": (flow_builders.glow, adam, (flow_builders.LEVELS,)),
    "PCA": (lambda: models.PCA((3,), 2, method="gradient", whiten=True, seed=0), adam, (POINTS,)),
    "PPCA": (lambda: linear_builders.ppca(method="em", missing=True), no_optimizer, (linear_builders.POINTS,)),
    "GaussianMixture": (lambda: models.GaussianMixture((5,), 2, seed=0), no_optimizer, (linear_builders.POINTS,)),
    "KMeans": (lambda: models.KMeans((5,), 2, seed=0), no_optimizer, (linear_builders.POINTS,)),
    "HierarchicalVAE": (hierarchical, adam, (X,)),
    "NVAE": (lambda: hierarchical_builders.nvae((2,), beta=objectives.Linear(20)), adam, (X,)),
    "Diffusion": (diffusion, adam, (X, LABELS)),
    "EnergyModel": (energy, adam, (X,)),
    "JEM": (joint, adam, (X, LABELS)),
    "RBM": (machine, adam, (X,)),
    "FlowMatching": (flow_matching, adam, (X, LABELS)),
    "ContinuousFlow": (continuous_flow, adam, (POINTS,)),
}
# The default run takes one per kind of update and of data; the others are `full`.
SOME = ("VAE", "WGANGP", "Supervised", "PPCA", "KMeans")
OTHERS = tuple(name for name in CASES if name not in SOME)
#: Of the others those that save what no sibling does: pools, chains, a first batch, sums, mined pairs, two flows.
RESUMED = ("SRGAN", "CycleGAN", "Siamese", "Glow", "GaussianMixture", "JEM", "RBM", "FlowMatching")
IN_HALF_PRECISION = ("VAE", "GAN", "Supervised", "Glow", "Diffusion", "EnergyModel")


@functools.cache
def trained(name, folder):
    """The model of a case after the contract; in its process, tests share it."""
    build, options, data = CASES[name]
    model = check_model(build, options, data, folder, mixed_precision=name in IN_HALF_PRECISION)
    model.save(folder / f"{name}_again.keras")
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("contract")


@pytest.mark.parametrize("name", [*SOME, *(pytest.param(name, marks=pytest.mark.full) for name in OTHERS)])
def test_contract(name, folder):
    model = trained(name, folder)
    assert type(model) is getattr(models, name)


def test_the_family_in_the_help_for_authors_keeps_the_contract(tmp_path):
    [example] = doctest.DocTestFinder(recurse=False).find(models.base.ObjectiveModel, globs={"keras": keras})
    for statement in example.examples:
        exec(statement.source, example.globs)  # noqa: S102 - the words of the docstring

    def build():
        network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, kernel_initializer="identity")])
        return example.globs["Denoiser"](network, seed=0)

    check_model(build, adam, (POINTS,), tmp_path)


@pytest.mark.parametrize("names", [SOME, pytest.param(RESUMED, marks=pytest.mark.full)], ids=["some", "others"])
def test_training_goes_on_in_a_fresh_process(names, folder):
    here = {name: trained(name, folder) for name in names}
    there = shared().call(weights_after_another_epoch, folder, names, timeout=600)
    for name, model in here.items():
        model.fit(*CASES[name][2], batch_size=4, verbose=0)
        for ours, theirs in zip(model.get_weights(), there[name], strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def weights_after_another_epoch(folder, names):
    weights = {}
    for name in names:
        *_, data = CASES[name]
        model = keras.saving.load_model(folder / f"{name}_again.keras")
        model.fit(*data, batch_size=4, verbose=0)
        weights[name] = model.get_weights()
    return weights


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in CASES if name != "KMeans"])  # which moves by sums, not gradients
def test_graphs_of_steps_are_freed_with_the_model(name, monkeypatch):
    graphs, gradients = [], StepProgram._local_gradients

    def remembered(*args):
        graphs.append(weakref.ref(tf.compat.v1.get_default_graph()))
        return gradients(*args)

    monkeypatch.setattr(StepProgram, "_local_gradients", remembered)
    train_apart(name)
    keras.backend.clear_session()
    gc.collect()
    assert graphs and [graph() is None for graph in graphs] == [True] * len(graphs)


def train_apart(name):
    """Trains a model that nobody holds afterwards."""
    build, options, data = CASES[name]
    model = build()
    model.compile(**options())
    model.fit(*data, batch_size=4, verbose=0)


#: Whose `encode` takes steps that rounding decides on: other numbers in another runtime, which the export refuses.
ADAPTIVE = ("Diffusion", "FlowMatching", "ContinuousFlow")


@pytest.mark.full
@pytest.mark.parametrize("format", ["litert", "onnx"])
@pytest.mark.parametrize("name", [name for name in CASES if name not in ADAPTIVE])
def test_files_of_other_formats_give_the_models_numbers(name, format, tmp_path):
    """The export itself compares them: on usual, large and broken values, on one row and on none."""
    if format == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    assert os.listdir(runtime.export(CASES[name][0](), tmp_path / "model", format=format))
