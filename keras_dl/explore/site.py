"""Files of a page: exported signatures, the runtime, the manifest, examples of the data, and the page itself."""

import functools
import json
import shutil
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.explore import manifest, npm
from keras_dl.models import formats
from keras_dl.report.style import STYLE
from keras_dl.types import PathLike

_OPEN = 64  # pixels a side of images of any size, without examples
#: Files of the runtime -> where they lie beside the page. Some servers know no type for `.mjs`.
RUNTIME = {
    "ort.wasm.bundle.min.mjs": "runtime/ort.js",
    "ort-wasm-simd-threaded.mjs": "runtime/ort-wasm.js",
    "ort-wasm-simd-threaded.wasm": "runtime/ort.wasm",
}


class Exhibit(NamedTuple):
    """A model to be shown.

    Attributes:
        title: What the page is called.
        about: A sentence about the model.
        model: A model with `name`, `condition_classes()` and layers; what its signatures are of.
        signatures: Dict of its `Signature`s by name.
        views: Dict of what each view needs to know beside the signatures, by the view's name; see `Task.views`.
        classes: Names of the classes; None if they are not known.
        examples: Array of data as the model takes them, and their labels or None; see `Task.examples`. None if there
            are none.
    """

    title: str
    about: str
    model: Any
    signatures: dict
    views: dict
    classes: list | None = None
    examples: tuple | None = None


def write(folder: PathLike, exhibit: Any, cache: PathLike | None = None) -> dict[str, Any]:
    """Writes the page of a model as static files, which any web server may serve.

    Args:
        folder: Folder to write to; files of ours in it are replaced.
        exhibit: `Exhibit`.
        cache: Folder of packages; see `keras_dl.explore.fetch`.

    Returns:
        The manifest, a dict.

    Raises:
        ValueError: If there is nothing to show, or a signature cannot be written as ONNX.
        OSError: If the runtime cannot be fetched, or a file of a user's is in the way.
        ImportError: If the extra `onnx` is missing.
    """
    names = [name for name in manifest.needed(exhibit.views) if name in exhibit.signatures]
    if not names:
        raise refusal("The model should have something to show in a browser", f"{exhibit.title}, without views")
    folder, runtime = Path(folder), npm.fetch(npm.ONNX_RUNTIME, cache)
    with tempfile.TemporaryDirectory() as temporary:
        chosen = {name: exhibit.signatures[name] for name in names}
        formats.write_files(exhibit.model, temporary, "onnx", chosen)
        described = manifest.signatures(temporary)
        sources = {f"models/{path.name}": path for path in sorted(Path(temporary).glob("*.onnx"))}
        sources |= {place: runtime[name] for name, place in RUNTIME.items()}
        content = contents(exhibit, described)
        files.check_free([folder / name for name in (*sources, *content)])
        for name, source in sources.items():
            files.replace(folder / name, functools.partial(shutil.copyfile, source))
        for name, data in content.items():
            files.replace(folder / name, functools.partial(_put, data))
    return json.loads(content["manifest.json"])


def contents(exhibit, described):
    """Returns the bytes of the files that are not copied, by name: the page, its manifest, examples of the data."""
    page = resources.files("keras_dl.explore") / "page"
    content = {part.name: part.read_bytes() for part in page.iterdir() if part.name.endswith((".html", ".js"))}
    content["style.css"] = STYLE.encode() + (page / "explore.css").read_bytes()
    about = {
        "title": exhibit.title,
        "about": exhibit.about,
        "views": exhibit.views,
        "signatures": described,
        "latent_size": manifest.latent_size(described),
        "classes": exhibit.classes,
        "conditions": _conditions(exhibit.model),
        "shape": _shape(exhibit, described),
        "range": [0.0, 1.0],
        "examples": None,
    }
    if exhibit.examples is not None:
        x, labels, *details = exhibit.examples
        x = [np.asarray(one, "<f4") for one in x]
        content["examples.bin"] = b"".join(one.tobytes() for one in x)
        # Images lie in [0, 1], unless some of their values do not.
        about["range"] = [min(0.0, *(float(one.min()) for one in x)), max(1.0, *(float(one.max()) for one in x))]
        labels = None if labels is None else np.asarray(labels).tolist()
        shapes = [list(one.shape) for one in x]
        known = details[0] if details else None
        about["examples"] = {"file": "examples.bin", "shapes": shapes, "labels": labels, "details": known}
    content["manifest.json"] = (json.dumps(about, indent=1) + "\n").encode()
    return content


def _conditions(model):
    """The numbers of classes of a model's attributes, or of its one condition; None if they are not known."""
    classes = None if model is None else model.condition_classes()
    return [classes] if isinstance(classes, int) else classes and list(classes)


def _shape(exhibit, described):
    """The shape of one sample: what a view says, or else the signatures, or the examples where sizes are open."""
    shapes = [facts["shape"] for facts in exhibit.views.values() if "shape" in facts]
    shape = shapes[0] if shapes else manifest.sample_shape(described)
    if shape is None or None not in shape:
        return shape
    if exhibit.examples is not None:
        return list(np.shape(exhibit.examples[0])[1:])
    return [_OPEN if size is None else size for size in shape]


def _put(data, path):
    path.write_bytes(data)
