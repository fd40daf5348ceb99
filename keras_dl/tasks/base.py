"""Tasks: what a model is for. A task knows its data, measures, pictures and card; programs only ask it."""

from pathlib import Path

from keras_dl.checks import refusal
from keras_dl.data import segmentation
from keras_dl.tasks.arrays import Arrays
from keras_dl.tasks.measure import Context, Measure, Report, direction, shown, untracked
from keras_dl.tasks.units import unit, without_repeats


class Task:
    """Base of the tasks, and the task of a model that predicts: it is worth what its loss and metrics say.

    A recipe ends in `TASK = keras_dl.tasks.Density(...)`. A recipe's own measure or picture is a subclass:

    ```python
    class Faces(keras_dl.tasks.Generation):
        def measures(self, model, data, context=None):
            smiling = keras_dl.tasks.Measure(share(model.sample(100)), direction="max")
            return super().measures(model, data, context) | {"smiling": smiling}

        def pictures(self, model, data, folder, context=None):
            draw(folder / "faces.png", model)
            return super().pictures(model, data, folder, context) | {folder / "faces.png": "faces, enlarged"}

    TASK = Faces()
    ```

    What a task asks of a model is said in its docstring; nothing is guessed from the model's methods.

    Args:
        condition: What the model sees beside the samples: `"labels"`, `"values"`, which it learns to predict,
            `"masks"`, `"images"` that it learns to make, or `None`.
    """

    #: Patterns of the pictures, the best first, of which one goes onto the card of an exported model.
    card_pictures: tuple[str, ...] = ()
    #: Metrics that tell most about the progress of training, the first that there is; a tuple stands for several.
    progress: tuple[str | tuple[str, ...], ...] = ("loss",)
    #: Metric -> its unit, where its name alone does not say it.
    units: dict[str, str] = {}
    #: Whether the model has `sample`.
    generates: bool = False
    #: Whether the model has `log_density`, so that its measures are of likelihoods, not of samples.
    has_density: bool = False
    #: Metric -> its title in tables, where its name alone does not say what it is of.
    titles: dict[str, str] = {}
    #: Objective of a search -> hyperparameters that change its meaning, which are not searched for it.
    unsearched = {}
    #: Hyperparameters that say what is to be learned, which no search may choose: the easiest problem would win.
    problem: tuple[str, ...] = ()

    def __init__(self, condition=None):
        if condition not in (None, "labels", "values", "masks", "images"):
            raise refusal('`condition` should be "labels", "values", "masks", "images" or None', condition=condition)
        self.condition = condition

    def load(self, name, folder=None, label_values=None, track=untracked):
        """Returns the data of a named set or of a folder.

        Args:
            name: Name of the set; of a folder or file, what it is called.
            folder: Folder or file of samples, see `keras_dl.data.open`; for segmentation a folder of images and masks;
                or `None`.
            label_values: Of such a folder, the values of a run's classes; see `Scans.load`.
            track: Function `track(items, title)` that goes through items.

        Returns:
            Data with `spec`, `pipelines(options, seed)`, `held_out(options)` and what else `tasks.Arrays` has.

        Raises:
            ValueError: If the set does not have what the model learns from, or is damaged.
            OSError: If a file cannot be read.
        """
        if name in segmentation.NAMES or (folder and _holds_masks(folder)):
            raise refusal(
                f"{folder or name} holds scans with masks, from which only recipes of segmentation learn",
                f"a recipe that learns from {self.condition or 'samples alone'}",
            )
        return Arrays.open(folder, name, self.condition) if folder else Arrays.load(name, self.condition)

    def options(self, hp, data_spec):
        """Returns what goes into the run's options beside the recipe's `fit_options`, as JSON holds it."""
        return {}

    def callbacks(self, data, folder):
        """Returns the callbacks that draw pictures into a folder while a model trains."""
        return []

    def measures(self, model, data, context=None):
        """Measures a model on held-out data.

        Args:
            model: The model.
            data: What `load` returned.
            context: `Context`: options, numbers of samples, folders; `None` for the defaults.

        Returns:
            Dict of `Measure`s by name: here the loss and the compiled metrics.
        """
        context = context or Context()
        held_out = data.pipelines(context.options, context.seed)[1]
        losses = model.evaluate(held_out, verbose=0, return_dict=True)
        return {
            name: Measure(float(value), None, direction(name), self.titles.get(name), unit=unit(name, self.units))
            for name, value in losses.items()
        }

    def pictures(self, model, data, folder, context=None):
        """Draws what can be shown of a trained model.

        Args:
            model: The model.
            data: What `load` returned.
            folder: Folder that the pictures go to.
            context: `Context`; `None` for the defaults.

        Returns:
            Dict of the meanings of the pictures by path.
        """
        return {}

    def evaluate(self, model, data, context=None):
        """Returns the `Report` of a model on held-out data."""
        context = context or Context()
        measures, rows = self.measures(model, data, context), data.num_held_out(context.options)
        title = f"{data.name}, {rows:,} held-out samples"
        title = f"{context.folder} on {title}" if context.folder else title
        rest = without_repeats({name: measure.value for name, measure in measures.items()})
        column = shown({name: measures[name] for name in rest})
        return Report(measures, rows, [(title, {"held out": column})], {})

    def finish(self, model, data, folder, context=None):
        """Returns the `Report` that a training run ends with: here the pictures alone."""
        context = context or Context()
        pictures = self.pictures(model, data, folder, context)
        return Report({}, data.num_held_out(context.options), [], pictures)

    def samples(self, model, num_classes=None, num_samples=None, labels=None, seed=None):
        """Draws samples from a model, a row per class if it is conditional and none are named.

        Args:
            model: The model.
            num_classes: Number of classes of a conditional model.
            num_samples: How many; `None` for 64, or 8 per class.
            labels: Sequence of labels, repeated in turn; `None` for all.
            seed: Integer that fixes the samples, or `None` for others at every call.

        Returns:
            Array of samples.

        Raises:
            ValueError: If the model does not generate, or takes no labels.
        """
        text = f"the model does not generate: {type(model).__name__} has no `sample` that its task knows of"
        raise refusal(text, model=model)

    def translate_folder(self, model, source, folder, track=untracked, backward=False):
        """Writes what a model makes of the images of a folder as files; a task of such models writes this method.

        Args:
            model: The model.
            source: The folder of images.
            folder: The folder that the files go to.
            track: Function `track(items, title)` that goes through items.
            backward: Whether the second domain of a model of two is translated to the first.

        Returns:
            Dict of the meanings of what was written by path.

        Raises:
            ValueError: If the model makes no images of images.
        """
        raise refusal(f"the model makes no images of images: {type(model).__name__}", f"{source}")

    def two_stage(self, model, data, components, options, seed=0):
        """Returns what samples from a mixture fitted on the model's latents of training data; see `tasks.TwoStage`.

        Args:
            model: The model.
            data: What `load` returned.
            components: How many Gaussians the mixture has.
            options: The run's `fit_options`.
            seed: Integer that decides the order of the data, and the mixture.

        Raises:
            ValueError: If the model has no latents to be sampled.
        """
        raise refusal("A mixture of latents should be fitted for a VAE, which has them", model=model)

    def goals(self, model, data, options, features=None):
        """Returns the names of the metrics by which a search can compare models, the best known first.

        Args:
            model: A model that the recipe built.
            data: What `load` returned.
            options: The recipe's `fit_options`.
            features: File of features to compare images by, or `None`.
        """
        names = model.evaluate(*data.glance(options), verbose=0, return_dict=True)
        return sorted(filter(direction, names), key=lambda name: name == "loss")

    def watches(self, goal, data, epochs, context=None):
        """Returns the callbacks that log a goal after an epoch as `val_<goal>`, if validation does not.

        Args:
            goal: One of `goals`.
            data: What `load` returned.
            epochs: Largest number of epochs of a trial, in which the goal is measured about ten times.
            context: `Context`, of which `folder`, `features` and `options` count.
        """
        return []

    def views(self, model, options=None):
        """Returns what can be seen of a model in a browser: what each view needs to know, by its name.

        Args:
            model: The model.
            options: The recipe's `fit_options`, and what `options` added.

        Returns:
            Dict whose keys are among those of `keras_dl.explore.manifest.SIGNATURES`; empty if nothing is shown.
        """
        return {"classify": {}} if self.condition == "labels" else {}

    def examples(self, data, options, count):
        """Returns a few held-out samples as the model takes them, and their labels.

        Args:
            data: What `load` returned.
            options: The recipe's `fit_options`.
            count: How many at most.

        Returns:
            Arrays `(x, y)`, the second of them `None` if there are no labels; `None` if there is nothing to be shown.
        """
        x, y = data.held_out(options)
        return x[:count], None if y is None else y[:count]

    def card(self, config):
        """Returns lines of Markdown for the card of an exported model, made of the run's config."""
        return []


def _holds_masks(folder):
    """Whether a folder is one of images with masks, by the names of what it holds."""
    pairs = ("images", "masks"), ("imagesTr", "labelsTr")
    return any(all(Path(folder, name).is_dir() for name in pair) for pair in pairs)
