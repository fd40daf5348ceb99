"""Density: a model that says how likely data are, such as a VAE or a flow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl import metrics
from keras_dl.tasks import clustering, drawing, linear_drawing
from keras_dl.tasks.anomaly_drawing import draw_scores
from keras_dl.tasks.base import Task
from keras_dl.tasks.generation import MEASUREMENTS, Generation
from keras_dl.tasks.log_density import NOTE, as_array, draws, log_density
from keras_dl.tasks.measure import ROWS, Context, Measure, of_estimate
from keras_dl.tasks.two_stage import two_stage
from keras_dl.types import PathLike, Tensor


class Density(Generation):
    """The task of a model with a density.

    The model has `log_density(x, condition=None)`, as every `ObjectiveModel` with a `log_prob` has: it says whether
    the values are exact, bounds or estimates, and with `dequantized` how many bits per dimension they are. Unless
    `generates` is false, it has `sample(num_samples, condition=None, seed=None)`.

    Args:
        condition: `"labels"` for a density of `x` given its class, or `None`.
        latents: Whether the model has latents, as a VAE has: then it has `encode`, `decode`, `reconstruct` and
            `latent_size`.
        goals: Metrics of held-out data by which searches compare such models, the best known first; `None` for
            `log_prob` and `loss`, and with latents `elbo` before them.
        generates: Whether the model has `sample`.
    """

    has_density = True
    progress: tuple[str | tuple[str, ...], ...] = ("elbo", "loss")
    units = {"loss": "nats"}
    #: What other likelihoods, weights of terms and numbers of samples measure is something else.
    unsearched = {
        "elbo": ("likelihood",),
        "log_prob": ("likelihood",),
        "loss": ("likelihood", "beta", "warm_up_epochs", "num_samples"),
    }

    def __init__(
        self,
        condition: str | None = None,
        latents: bool = False,
        goals: Sequence[str] | None = None,
        generates: bool = True,
    ):
        super().__init__(condition, latents)
        bounds = ("elbo", "log_prob", "loss") if latents else ("log_prob", "loss")
        self.bounds = list(bounds if goals is None else goals)
        self.generates = generates

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        context = context or Context()
        measures = super(Generation, self).measures(model, data, context)
        of_clusters = {}
        if clustering.has_clusters(model, data):
            of_clusters = clustering.scores(data, lambda x: clustering.of_latents(model, x))
        if context.num_samples == 0:
            return {name: measure._replace(note=NOTE) for name, measure in measures.items()} | of_clusters
        held_out = data.pipelines(context.options, context.seed)[1]
        density = log_density(model, data, held_out, context.num_samples)
        figures = {"log_prob": density.measure("log p(x | y)" if data.conditional else "log p(x)")}
        if model.dequantized is not None:
            figures["bits_per_dimension"] = density.bits_per_dimension(model.dequantized)
        return measures | of_clusters | figures | density.circumstances()

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        pictures = {}
        if self.latents:
            x, condition = data.first(data.pipelines(context.options, context.seed)[1], drawing.MOST_POINTS)
            title = drawing.title("Reconstructions of held-out data", model, data, context)
            drawing.reconstructions(folder / "reconstructions.png", model, x, condition, title=title)
            pictures[folder / "reconstructions.png"] = "held-out originals, each above its reconstruction"
            if x.ndim == 4 and clustering.has_clusters(model, data):
                pictures |= self.clusters(model, data, folder / "clusters.png", x, context)
        return pictures | super().pictures(model, data, folder, context)

    def clusters(self, model: keras.Model, data: Any, path: Path, x: Tensor, context: Context) -> dict[Path, str]:
        """Draws what the components of a mixture as prior decode to; returns the meaning of the picture by path."""
        title = drawing.title("Components of the prior", model, data, context)
        likely, means = clustering.responsibilities(model, x), as_array(model.decode(model.prior.loc))
        linear_drawing.clusters(path, as_array(model.prior.probabilities), means, likely, x, title)
        return {path: "decoded means of the prior's components, each before the held-out images that belong to it most"}

    def plane(self, model: keras.Model, data: Any, folder: Path, x: Tensor, context: Context) -> dict[Path, str]:
        title = drawing.title("Images over the two latents", model, data, context)
        drawing.manifold(folder / "manifold.png", model.decode, title=title)
        title = drawing.title("Posterior means of held-out data", model, data, context)
        drawing.latent_means(folder / "latents.png", model, x, data.y_test, title)
        return {
            folder / "manifold.png": "images over the two-dimensional latent space",
            folder / "latents.png": "where the held-out images lie in it",
        }

    def two_stage(self, model: keras.Model, data: Any, components: int, options: dict[str, Any], seed: int = 0) -> Any:
        if not self.latents:
            return super().two_stage(model, data, components, options, seed)
        return two_stage(model, data, components, options, seed)

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        return super().views(model, options) | ({"posterior": {}} if self.latents else {})

    def goals(
        self, model: keras.Model, data: Any, options: dict[str, Any], features: PathLike | None = None
    ) -> list[str]:
        return self.bounds + super().goals(model, data, options, features)

    def watches(
        self, goal: str, data: Any, epochs: int, context: Context | None = None
    ) -> list[keras.callbacks.Callback]:
        context = context or Context()
        if goal == "log_prob":
            return [LogProb(data, context.options, -(-epochs // MEASUREMENTS))]
        return super().watches(goal, data, epochs, context)


class AnomalyDetection(Density):
    """The task of a model that has not seen one class, named by the option `anomaly_class`, and should notice it.

    The model has `anomaly_score(x, score=)` and says in `anomaly_scores` which scores it knows: images of that class
    should be less likely and reconstructed worse (An & Cho 2015), or have more energy. See `Density` for one of
    likelihoods, which has latents.
    """

    card_pictures: tuple[str, ...] = ("scores.png", "samples_epoch_*.png")
    problem = ("anomaly_class",)
    progress = ("elbo", "sample_energy", "loss")

    def __init__(self):
        super().__init__(latents=True)

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        context = context or Context()
        if _is_likely(model):
            measures = super().measures(model, data, context)
        else:  # the loss alone: samples of an energy take long chains
            measures = Task.measures(self, model, data, context)
        label = context.options.get("anomaly_class")
        if label is None or context.num_samples == 0:
            return measures
        for name, area in areas(model, data.x_test, data.y_test == label, context.num_samples).items():
            measures[f"roc_auc_{name}"] = of_estimate(area, "max", f"ROC-AUC of class {label} by {name}", NOTE)
        return measures

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context, draw = context or Context(), super().pictures if _is_likely(model) else Generation().pictures
        pictures = draw(model, data, folder, context)
        label = context.options.get("anomaly_class")
        if label is None or context.num_samples == 0:
            return pictures
        x, anomalous = data.x_test[: drawing.MOST_POINTS], data.y_test[: drawing.MOST_POINTS] == label
        title = drawing.title("Scores of held-out data", model, data, context)
        names = ("other classes", f"class {label}, left out of training")
        values = scores(model, x, context.num_samples)
        draw_scores(folder / "scores.png", values, anomalous, names, title)
        return pictures | {folder / "scores.png": f"scores of class {label}, left out of training, and of the others"}

    def goals(
        self, model: keras.Model, data: Any, options: dict[str, Any], features: PathLike | None = None
    ) -> list[str]:
        if _is_likely(model):
            return super().goals(model, data, options, features)
        return Generation().goals(model, data, options, features)


def _is_likely(model):
    """Whether a model finds anomalies by their likelihood, as one with latents does."""
    return "likelihood" in model.anomaly_scores


class LogProb(keras.callbacks.Callback):
    """Logs log p(x) of held-out data as `val_log_prob`.

    Args:
        data: `Arrays`.
        options: the recipe's `fit_options`.
        every: after every so many epochs, and after the last one.
    """

    def __init__(self, data, options, every=1):
        super().__init__()
        self.data, self.every = data, every
        self.held_out = data.pipelines({**options, "batch_size": ROWS}, seed=0)[1]

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"]:
            logs["val_log_prob"] = log_density(self.model, self.data, self.held_out).measure().value


def areas(model, x, anomalous, num_samples=None):
    """Returns the ROC-AUC of scores of images, a dict of `Estimate`s by the name of the score.

    Args:
        model: a model with `anomaly_score` and `anomaly_scores`.
        x: images of all classes.
        anomalous: booleans, which of them are of the class that the model has not seen.
        num_samples: how many draws a likelihood takes, where it takes some; `None` for the usual number.
    """
    of_images = scores(model, x, num_samples)
    return {name: metrics.roc_auc(values[~anomalous], values[anomalous]) for name, values in of_images.items()}


def scores(model, x, num_samples=None):
    """Returns the scores of images, arrays by the name of the score; see `areas`."""
    arrays = {}
    for name in model.anomaly_scores:
        options = draws(model, num_samples) if name == "likelihood" else {}
        batches = [x[start : start + ROWS] for start in range(0, len(x), ROWS)]
        parts = [as_array(model.anomaly_score(batch, score=name, **options)) for batch in batches]
        arrays[name] = np.concatenate(parts)
    return arrays
