"""Tasks: what a model is for, with its data, measures, pictures and card."""

from keras_dl.tasks.arrays import Arrays
from keras_dl.tasks.base import Task
from keras_dl.tasks.density import AnomalyDetection, Density
from keras_dl.tasks.embedding import Embedding
from keras_dl.tasks.field import Field
from keras_dl.tasks.flow import Flow
from keras_dl.tasks.generation import Generation
from keras_dl.tasks.growing import Growing
from keras_dl.tasks.image_sets import ImageSets
from keras_dl.tasks.linear import Clusters, Components
from keras_dl.tasks.measure import Context, Measure, Report
from keras_dl.tasks.pyramid import Pyramid
from keras_dl.tasks.scales import Scales
from keras_dl.tasks.scans import Scans
from keras_dl.tasks.segmentation import Ensemble, Segmentation
from keras_dl.tasks.showing import trajectory, velocities
from keras_dl.tasks.styles import Styles
from keras_dl.tasks.super_resolution import SuperResolution
from keras_dl.tasks.translation import Translation, Translations
from keras_dl.tasks.two_stage import TwoStage

__all__ = [
    "AnomalyDetection",
    "Arrays",
    "Clusters",
    "Components",
    "Context",
    "Density",
    "Embedding",
    "Ensemble",
    "Field",
    "Flow",
    "Generation",
    "Growing",
    "ImageSets",
    "Measure",
    "Pyramid",
    "Report",
    "Scales",
    "Scans",
    "Segmentation",
    "Styles",
    "SuperResolution",
    "Task",
    "Translation",
    "Translations",
    "TwoStage",
    "trajectory",
    "velocities",
]
