"""Adversarial objectives by name."""

from keras_dl.objectives.adversarial import (
    Adversarial,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    Wasserstein,
)

#: Classes of adversarial objectives by name, for programs that let their user choose one.
GAMES: dict[str, type[Adversarial]] = {
    "non_saturating": NonSaturating,
    "minimax": Minimax,
    "least_squares": LeastSquares,
    "hinge": Hinge,
    "wasserstein": Wasserstein,
    "relativistic_average": RelativisticAverage,
}
