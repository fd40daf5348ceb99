"""Objectives: scalars to minimise, and how their weights change during training."""

from keras_dl.objectives.adversarial import (
    Adversarial,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    Wasserstein,
)
from keras_dl.objectives.attributes import Attributes
from keras_dl.objectives.augmentation import AdaptiveAugmentation
from keras_dl.objectives.derivatives import gradient, laplacian
from keras_dl.objectives.elbo import ELBO, IWAE, Bound
from keras_dl.objectives.energy import (
    ContrastiveDivergence,
    DenoisingScoreMatching,
    EnergyObjective,
    PersistentContrastiveDivergence,
    ScoreMatching,
)
from keras_dl.objectives.energy_chains import ImprovedContrastiveDivergence
from keras_dl.objectives.energy_normalizers import ConditionalNoiseContrastive, GridLikelihood, NoiseContrastive
from keras_dl.objectives.games import GAMES
from keras_dl.objectives.generator_penalties import JacobianClamping
from keras_dl.objectives.gradient_penalties import R1, R2, Dragan, GradientPenalty
from keras_dl.objectives.hierarchical_elbo import HierarchicalELBO
from keras_dl.objectives.penalties import ConsistencyTerm, GeneratorPenalty, OutputVariance, Penalty, WeightClipping
from keras_dl.objectives.schedules import Cyclical, Linear, Schedule, Sigmoid
from keras_dl.objectives.spectral import SpectralRegularization

__all__ = [
    "AdaptiveAugmentation",
    "Adversarial",
    "Attributes",
    "Bound",
    "ConditionalNoiseContrastive",
    "ConsistencyTerm",
    "ContrastiveDivergence",
    "Cyclical",
    "DenoisingScoreMatching",
    "Dragan",
    "ELBO",
    "EnergyObjective",
    "GAMES",
    "GeneratorPenalty",
    "GradientPenalty",
    "GridLikelihood",
    "HierarchicalELBO",
    "Hinge",
    "IWAE",
    "ImprovedContrastiveDivergence",
    "JacobianClamping",
    "LeastSquares",
    "Linear",
    "Minimax",
    "NoiseContrastive",
    "NonSaturating",
    "OutputVariance",
    "Penalty",
    "PersistentContrastiveDivergence",
    "R1",
    "R2",
    "RelativisticAverage",
    "Schedule",
    "ScoreMatching",
    "Sigmoid",
    "SpectralRegularization",
    "Wasserstein",
    "WeightClipping",
    "gradient",
    "laplacian",
]
