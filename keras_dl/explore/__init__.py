"""Models in the browser: a page with the exported files of a model, and the runtime that computes them there.

A page is a folder of static files. What it shows are views, which the model's task names, and which read nothing but
the folder's `manifest.json`: no view asks a model what it can do.
"""

from keras_dl.explore.npm import AXE, ONNX_RUNTIME, Package, fetch
from keras_dl.explore.saved import SavedModel
from keras_dl.explore.server import serving
from keras_dl.explore.site import Exhibit, write

__all__ = ["AXE", "ONNX_RUNTIME", "Exhibit", "Package", "SavedModel", "fetch", "serving", "write"]
