"""Linear and mixture latent models: components, clusters and what they leave of the data."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl.tasks import clustering, drawing, flow_drawing, linear_drawing
from keras_dl.tasks.density import Density
from keras_dl.tasks.log_density import as_array
from keras_dl.tasks.measure import ROWS, Context, Measure
from keras_dl.types import Tensor

MOST_ROWS = 10_000  # training samples from which eigenvalues are drawn
MOST_COMPONENTS = 256  # that a number of components is chosen among


class Components(Density):
    """The task of principal components: a `Density` whose model is a `keras_dl.models.PPCA` or `PCA`."""

    card_pictures = ("components.png", "components_in_plane.png", "samples_epoch_*.png")

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        shows = not model.missing and (len(model.shape) == 3 or tuple(model.shape) == (2,))
        images = {"posterior": {}} if len(model.shape) == 3 else {}
        return {"latents": {}, **images} if shows else {}

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        errors, squares = [], []
        for start in range(0, len(data.x_test), ROWS):
            x = np.asarray(data.x_test[start : start + ROWS], "float64")
            errors.append(np.square(x - as_array(model.reconstruct(x.astype("float32")))).reshape(len(x), -1).sum(1))
            squares.append(np.square(x - model.mean_.reshape(x.shape[1:])).reshape(len(x), -1).sum(1))
        share = 1.0 - np.concatenate(errors).sum() / np.concatenate(squares).sum()
        title = "share of the held-out variance that the components keep"
        measure = Measure(float(share), None, "max", title)
        return super().measures(model, data, context) | {"explained_variance": measure}

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        pictures = self.scree(model, data, folder, context)
        x, _ = data.first(data.pipelines(context.options, context.seed)[1], drawing.MOST_POINTS)
        if x.shape[1:] == (2,):
            path, title = folder / "components_in_plane.png", drawing.title("Components", model, data, context)
            linear_drawing.axes_in_plane(path, model, x, title)
            pictures[path] = "held-out data and their components, two standard deviations long"
        if x.ndim == 4:
            pictures |= self.of_images(model, data, folder, x, context)
        return pictures | super().pictures(model, data, folder, context)

    def scree(self, model: keras.Model, data: Any, folder: Path, context: Context) -> dict[Path, str]:
        """Draws the variances along all components; returns the meaning of the picture by path."""
        x, path = data.training(MOST_ROWS)[0], folder / "scree.png"
        try:
            selection = model.select(x, "minka", min(MOST_COMPONENTS, x[0].size - 1))
        except ValueError:  # data too few or too flat to choose from
            return {}
        title = drawing.title("Variance by component", model, data, context)
        linear_drawing.scree(path, selection, model.num_components, title)
        return {path: "variances along the components, the model's number and the one that Minka's evidence chooses"}

    def of_images(self, model: keras.Model, data: Any, folder: Path, x: Tensor, context: Context) -> dict[Path, str]:
        """Draws components and reconstructions; returns the meanings of the pictures by path."""
        components, reconstructions = folder / "components.png", folder / "reconstructions.png"
        linear_drawing.components(components, model, drawing.title("Components", model, data, context))
        title = drawing.title("Reconstructions by number of components", model, data, context)
        linear_drawing.reconstructions(reconstructions, model, x, title)
        return {
            components: "the mean, and the directions of most variance",
            reconstructions: "held-out originals, and what 1, 2, 4, ... components keep of them",
        }


class Clusters(Density):
    """The task of a mixture: a `Density` whose model is a `keras_dl.models.GaussianMixture`."""

    card_pictures = ("clusters.png", "ellipses.png", "samples_epoch_*.png")

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        found = clustering.scores(data, lambda x: model.predict(x, verbose=0))
        return super().measures(model, data, context) | found

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        x, _ = data.first(data.pipelines(context.options, context.seed)[1], drawing.MOST_POINTS)
        pictures = {}
        if x.shape[1:] == (2,):
            ellipses, density = folder / "ellipses.png", folder / "density.png"
            linear_drawing.ellipses(ellipses, model, x, drawing.title("Clusters", model, data, context))
            flow_drawing.density(density, model, x, drawing.title("Density", model, data, context))
            pictures[ellipses] = "held-out data by cluster, covariances at two deviations, and responsibilities"
            pictures[density] = "held-out data, samples and the density"
        if x.ndim == 4:
            path, title = folder / "clusters.png", drawing.title("Means of clusters", model, data, context)
            likely = as_array(model.predict_proba(x))
            linear_drawing.clusters(path, model.mixture_weights, model.means, likely, x, title)
            pictures[path] = "means of clusters, each before the held-out images that belong to it most"
        return pictures | super().pictures(model, data, folder, context)
