"""Segmentation data: windows over large images."""

from keras_dl.data.segmentation.sliding_window import sliding_window

__all__ = ["sliding_window"]
