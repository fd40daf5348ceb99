"""Signatures as files for ONNX Runtime and LiteRT, compared with the model before anyone sees them.

Keras' own exporters write the one function `call`; here every signature that draws no noise is written, with the names
of its inputs and outputs. What a format cannot hold is a `ValueError` with the operation and its layer.
"""

from keras_dl.models.formats.litert import write_litert
from keras_dl.models.formats.onnx import write_onnx
from keras_dl.models.formats.portable import signatures_without_noise
from keras_dl.models.formats.writing import FORMATS, write, write_files

__all__ = ["FORMATS", "signatures_without_noise", "write", "write_files", "write_litert", "write_onnx"]
