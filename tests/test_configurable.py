"""Objects that are what their arguments are: configuration, equality, representation."""

import json

import keras
import pytest

import keras_dl
from keras_dl import objectives
from keras_dl.configurable import Configurable
from keras_dl.data import augment

# One object of every public class, off its defaults where it has arguments, and the call that its representation reads.
CASES = {
    "AdaptiveAugmentation(target=0.5, start=0.1)": lambda: objectives.AdaptiveAugmentation(0.5, start=0.1),
    "Attributes(sizes=(3, None), weight=0.5)": lambda: objectives.Attributes((3, None), 0.5),
    "ConditionalNoiseContrastive(scale=0.2, ratio=3)": lambda: objectives.ConditionalNoiseContrastive(0.2, 3),
    "ConsistencyTerm(weight=3.0, margin=0.1)": lambda: objectives.ConsistencyTerm(3.0, margin=0.1),
    "ContrastiveDivergence(energy_penalty=0.1)": lambda: objectives.ContrastiveDivergence(0.1),
    "Cyclical(steps=100, ratio=0.25, cycles=4)": lambda: objectives.Cyclical(100, ratio=0.25, cycles=4),
    "DenoisingScoreMatching(scale=0.1)": objectives.DenoisingScoreMatching,
    "Dragan(weight=10.0, noise=0.5)": lambda: objectives.Dragan(noise=0.5),
    "ELBO(beta=Linear(steps=10, stop=4.0), kl='monte_carlo')": lambda: objectives.ELBO(
        objectives.Linear(10, stop=4.0), kl="monte_carlo"
    ),
    "GradientPenalty(weight=10.0)": lambda: objectives.GradientPenalty(10.0),
    "GridLikelihood(bounds=(-4.0, 4.0), points=100)": lambda: objectives.GridLikelihood((-4, 4), points=100),
    "HierarchicalELBO(beta=0.5, balancing='code')": lambda: objectives.HierarchicalELBO(0.5, balancing="code"),
    "Hinge()": objectives.Hinge,
    "IWAE(num_samples=5)": lambda: objectives.IWAE(5),
    "ImprovedContrastiveDivergence(capacity=200, entropy_weight=0.1)": lambda: objectives.ImprovedContrastiveDivergence(
        200, entropy_weight=0.1
    ),
    "JacobianClamping(weight=1.0, largest=10.0)": lambda: objectives.JacobianClamping(largest=10.0),
    "LeastSquares(fake=-1.0, target=0.0)": lambda: objectives.LeastSquares(-1.0, target=0.0),
    "Linear(steps=7)": lambda: objectives.Linear(7),
    "Minimax(label_smoothing=0.1)": lambda: objectives.Minimax(0.1),
    "NoiseContrastive(ratio=4)": lambda: objectives.NoiseContrastive(4),
    "NonSaturating(label_smoothing=0.0)": objectives.NonSaturating,
    "OutputVariance(weight=2.0)": lambda: objectives.OutputVariance(2.0),
    "PersistentContrastiveDivergence(capacity=100, restart=0.01)": lambda: objectives.PersistentContrastiveDivergence(
        100, 0.01
    ),
    "R1(weight=10.0)": objectives.R1,
    "R2(weight=1.0)": lambda: objectives.R2(1.0),
    "RelativisticAverage()": objectives.RelativisticAverage,
    "ScoreMatching(num_slices=2)": lambda: objectives.ScoreMatching(2),
    "Sigmoid(steps=7, steepness=6.0)": lambda: objectives.Sigmoid(7, steepness=6.0),
    "SpectralRegularization(weight=0.01, of_norms=False)": lambda: objectives.SpectralRegularization(of_norms=False),
    "Wasserstein()": objectives.Wasserstein,
    "WeightClipping(limit=0.02)": lambda: objectives.WeightClipping(0.02),
    "Affine(rotation=(-15.0, 15.0))": lambda: augment.Affine(rotation=15),
    "Blur(stddev=(1.0, 1.0))": lambda: augment.Blur(1.0),
    "LowResolution(zoom=(0.5, 0.5))": lambda: augment.LowResolution(0.5),
    "Contrast(factor=(0.5, 1.5))": lambda: augment.Contrast(0.5),
    "CropAndPad(size=(4, 4), pad=2)": lambda: augment.CropAndPad((4, 4), 2),
    "Elastic(stddev=(2.0, 2.0), probability=0.5)": lambda: augment.Elastic(2.0, probability=0.5),
    "Flip(axes=(-1,))": augment.Flip,
    "Gamma(gamma=(2.0, 2.0))": lambda: augment.Gamma(2.0),
    "JPEG(quality=(50.0, 90.0))": lambda: augment.JPEG((50, 90)),
    "Intensity(factor=(0.8, 1.2))": lambda: augment.Intensity(0.2),
    "Noise(stddev=(0.0, 0.1))": lambda: augment.Noise((0, 0.1)),
    "Perspective(distortion=(-0.2, 0.2))": lambda: augment.Perspective(0.2),
}
BASES = {"Adversarial", "Bound", "EnergyObjective", "GeneratorPenalty", "Penalty", "Schedule", "Transform"}


def keras_layer():
    return augment.KerasLayer(keras.layers.RandomFlip(name="flip", seed=1), probability=0.5)


@pytest.mark.parametrize("call", CASES)
def test_a_representation_reads_like_the_call(call):
    made = CASES[call]()
    shown = repr(made)
    assert shown.startswith(type(made).__name__ + "(")
    names = {**vars(objectives), **vars(augment)}
    assert eval(shown, names) == made  # noqa: S307 - our own text


@pytest.mark.parametrize("call", [c for c in CASES if c.split("(")[0] in vars(objectives)])
def test_a_representation_shows_what_is_not_the_default(call):
    assert repr(CASES[call]()) == call


@pytest.mark.parametrize("make", [*CASES.values(), keras_layer], ids=[*CASES, "KerasLayer"])
def test_configurations_make_equal_objects(make):
    made = make()
    assert made == make() and hash(made) == hash(make())
    assert type(made).from_config(made.get_config()) == made
    through_json = json.loads(json.dumps(keras.saving.serialize_keras_object(made)))
    again = keras.saving.deserialize_keras_object(through_json)
    assert again == made and again is not made
    assert made != object() and made != "R1"


def test_every_public_class_has_a_case():
    public = {name for room in (objectives, augment) for name in room.__all__}
    classes = {n for n in public if isinstance(getattr(objectives, n, getattr(augment, n, None)), type)}
    assert classes - BASES == {call.split("(")[0] for call in CASES} | {"KerasLayer"}
    assert all(issubclass(getattr(objectives, n, getattr(augment, n, None)), Configurable) for n in classes)


def test_other_arguments_make_other_objects():
    assert objectives.R1(1.0) != objectives.R1(2.0)
    assert objectives.R1(1.0) != objectives.R2(1.0)
    assert len({objectives.R1(1.0), objectives.R1(1.0), objectives.R1(2.0)}) == 2
    ramp = objectives.Linear(10)
    assert objectives.ELBO(ramp) == objectives.ELBO(objectives.Linear(10)) != objectives.ELBO(objectives.Linear(11))


def test_configurations_of_earlier_files_load():
    elbo = {"beta": keras.saving.serialize_keras_object(objectives.Linear(5)), "num_samples": 2, "kl": "analytic"}
    assert objectives.ELBO.from_config({**elbo, "free_bits": 0.0}) == objectives.ELBO(objectives.Linear(5), 2)
    assert objectives.Dragan.from_config({"weight": 1.0, "target": 1.0, "one_sided": False, "noise": 0.2}).noise == 0.2
    saved = {
        "module": "keras_dl.objectives.attributes",
        "class_name": "Attributes",
        "registered_name": "keras_dl>Attributes",
        "config": {"sizes": [3, None], "weight": 1.0, "on_generated": False},
    }
    assert keras.saving.deserialize_keras_object(saved) == keras_dl.objectives.Attributes((3, None))
