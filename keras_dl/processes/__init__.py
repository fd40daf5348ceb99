"""Processes: paths from data to noise, their predictions, and the conversions between these."""

from keras_dl.processes.base import Process
from keras_dl.processes.conversions import KINDS, coefficients, convert, target
from keras_dl.processes.couplings import ConditionalTransport, Coupling, EntropicTransport, OptimalTransport
from keras_dl.processes.diffusions import Cosine, SubVariancePreserving, VariancePreserving
from keras_dl.processes.exploding import EDM, VarianceExploding
from keras_dl.processes.straight import Bridge, Plain, RectifiedFlow

__all__ = [
    "EDM",
    "KINDS",
    "Bridge",
    "ConditionalTransport",
    "Cosine",
    "Coupling",
    "EntropicTransport",
    "OptimalTransport",
    "Plain",
    "Process",
    "RectifiedFlow",
    "SubVariancePreserving",
    "VarianceExploding",
    "VariancePreserving",
    "coefficients",
    "convert",
    "target",
]
