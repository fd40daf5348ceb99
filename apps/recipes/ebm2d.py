"""Energy-based models of points in the plane: noise contrast, score matching, contrastive divergence, likelihood.

    python -m apps.train ebm2d --out runs/ebm2d
    python -m apps.train ebm2d --dataset moons --set objective=denoising --out runs/moons

The network gives the energy relative to a normal around the data. `density.png` shows samples beside the density, whose
normaliser is a sum over 512 x 512 cells; `chains.png` the energy as a surface of heights, and the chains that lead to
samples. Evaluation gives the Kullback-Leibler divergence from the true density in nats, and by how much annealed
importance sampling misses log Z. Objectives are compared by `python -m benchmarks.energy2d`.
"""

import math

import keras
import numpy as np

import keras_dl
from apps.recipes import flow2d
from keras_dl import objectives, samplers
from keras_dl.checks import refusal
from keras_dl.runs import Name
from keras_dl.tasks import Measure, drawing, flow_drawing
from keras_dl.tasks.log_density import NOTE

DATASET = "eight_gaussians"
OBJECTIVES = {
    "noise_contrastive": lambda batch: objectives.NoiseContrastive(4),
    "conditional_noise_contrastive": lambda batch: objectives.ConditionalNoiseContrastive(1.0, 8),
    "score_matching": lambda batch: objectives.ScoreMatching(),
    "sliced": lambda batch: objectives.ScoreMatching(1),
    "denoising": lambda batch: objectives.DenoisingScoreMatching(0.02),
    "cd": lambda batch: objectives.ContrastiveDivergence(1e-4),
    # Chains cannot cross from mode to mode: with few restarts the modes' shares of them, and so their energies, drift.
    "pcd": lambda batch: objectives.PersistentContrastiveDivergence(max(2048, batch), 0.2, 1e-4),
    "likelihood": lambda batch: objectives.GridLikelihood((-4.0, 4.0), 160),
}
_SIDE = 3.5  # half the width of the pictures


def build(hp, data_spec):
    """Returns a compiled energy model for points in the plane."""
    if tuple(data_spec.shape) != (2,):
        raise refusal("ebm2d expects points in the plane", f"samples of shape {data_spec.shape}")
    options = fit_options(hp)
    width = hp.Int(Name("width", "sines of each hidden layer"), 8, 512, default=128, sampling="log")
    layers = hp.Int(Name("num_layers", "hidden layers"), 1, 8, default=2)
    frequency = hp.Float(Name("frequency", "frequency of the first layer of sines"), 0.1, 100.0, default=8.0)
    # Of sines, as modes are fifty times narrower than the plane: a network of swish needs far more steps.
    network = keras_dl.networks.siren(2, 1, (width,) * layers, omega_0=frequency)
    kind = hp.Choice(Name("objective", "what trains the energy"), list(OBJECTIVES), default="noise_contrastive")
    steps = hp.Int(Name("chain_steps", "steps of a chain in training"), 1, 200, default=20, sampling="log")
    sampler = samplers.MALA(steps, 0.002)
    model = keras_dl.models.EnergyModel(
        network,
        OBJECTIVES[kind](options["batch_size"]),
        sampler,
        relative=True,
        sample_steps=hp.Int(Name("sample_steps", "steps of a chain that ends in a sample"), 1, 10_000, default=1000),
        ema_momentum=0.99,
    )
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-5, 1e-1, default=1e-3, sampling="log")
    total = options["epochs"] * math.ceil(data_spec.num_samples / options["batch_size"])
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, total)))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 4096, default=512, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 30),
    }


class Plane(keras_dl.tasks.Generation):
    """An energy in the plane, whose density is compared with the true one."""

    progress = ("loss", "val_loss")
    card_pictures = ("density.png", "samples_epoch_*.png")

    def measures(self, model, data, context=None):
        measures = super(keras_dl.tasks.Generation, self).measures(model, data, context)
        grid, annealed = model.log_normalizer("grid"), model.log_normalizer("ais", steps=200)
        values = np.asarray(model.log_prob(data.x_test, grid), "float64")
        error = float(values.std(ddof=1) / len(values) ** 0.5)
        measures["log_prob"] = Measure(float(values.mean()), error, "max", "log p(x)", NOTE, "nats")
        title = "log Z by annealed importance sampling, less that by quadrature"
        missed, error = float(annealed.value - grid.value), float(annealed.standard_error)
        measures["log_normalizer_error"] = Measure(missed, error, None, title, unit="nats")
        return measures | flow2d.divergence(model, data)

    def goals(self, model, data, options, features=None):
        return ["loss"]

    def pictures(self, model, data, folder, context=None):
        context = context or keras_dl.tasks.Context()
        title = drawing.title("Density", model, data, context)
        flow_drawing.density(folder / "density.png", model, data.x_test[:2000], title)
        draw_chains(folder / "chains.png", model, drawing.title("Energy and chains", model, data, context))
        return super().pictures(model, data, folder, context) | {
            folder / "density.png": "held-out data, samples and the model's density",
            folder / "chains.png": "the energy, chains that go down on it, and samples after more and more steps",
        }


def draw_chains(path, model, title):
    """Draws the energy as heights, twelve chains on it, and samples after more and more steps."""
    plt = drawing.pyplot()
    line = np.linspace(-_SIDE, _SIDE, 160, dtype="float32")
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    heights = np.asarray(model.energy(grid)).reshape(160, 160)
    heights = np.minimum(heights - heights.min(), np.quantile(heights - heights.min(), 0.9))
    figure, panels = plt.subplots(1, 4, figsize=(17, 4.4), layout="constrained", sharex=True, sharey=True)
    drawn = panels[0].contourf(line, line, heights, levels=24, cmap="viridis_r")
    figure.colorbar(drawn, ax=panels[0], label="E(x) - min E")
    panels[0].set_title("energy, and chains of 1,000 steps")
    places = np.stack([model.sample(12, seed=0, steps=steps) for steps in (1, 4, 16, 64, 250, 1000)])
    for place in places.transpose(1, 2, 0):
        panels[0].plot(*place, color="white", linewidth=0.8)
    panels[0].scatter(*places[-1].T, s=12, color="black", zorder=3)
    for panel, steps in zip(panels[1:], (1, 100, 1000), strict=True):
        panel.scatter(*np.asarray(model.sample(2000, seed=1, steps=steps)).T, s=3, alpha=0.6)
        panel.set_title("1 step" if steps == 1 else f"{steps} steps")
    for panel in panels:
        panel.set(xlabel="x1", ylabel="x2", aspect="equal", xlim=(-_SIDE, _SIDE), ylim=(-_SIDE, _SIDE))
    drawing.finish_figure(path, figure, title)


TASK = Plane()
