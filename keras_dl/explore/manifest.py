"""Manifest of a page: what the model is, what it takes and gives, and which views show it, as JSON."""

import math
from pathlib import Path

from keras_dl.checks import refusal

#: View -> names of the signatures that it runs; those in the second place it does without.
SIGNATURES = {
    "latents": (("decode", "generate"), ("discriminate",)),
    "posterior": (("encode", "decode"), ()),
    "classify": (("predict", "classify"), ()),
    "segment": (("predict",), ()),
    "translate": (("translate", "forward", "backward", "upscale", "predict"), ()),
    "trajectory": (("denoise", "velocity", "decode_steps"), ()),
    "zoom": (("predict",), ()),
    "pyramid": (("levels", "refine_levels", "coarsen"), ()),
    "styles": (("style", "paint", "synthesize"), ()),
}
#: Ways of translation of exported models -> their signatures.
_WAYS = {"source to target": "translate", "A to B": "forward", "enlarged": "upscale"}
NUMBERS = {1: "float32", 6: "int32", 7: "int64", 9: "bool"}  # as ONNX numbers them


def needed(views):
    """The names of the signatures that views run, of which a model may lack some.

    Example:

    >>> needed(["posterior"])
    ('encode', 'decode')
    """
    names = dict.fromkeys(name for view in views for part in SIGNATURES[view] for name in part)
    return tuple(names)


def views_of(shapes):
    """Returns the views of an exported model, of which nothing is known but its signatures.

    Args:
        shapes: Dict by name of the signatures' `(inputs, outputs)`, dicts of shapes by name, without their batch axes.

    Example:

    >>> views_of({"predict": ({"x": (8, 8, 1)}, {"predictions": (10,)})})
    {'classify': {}}
    """
    views: dict[str, dict] = {}
    if "latents" in shapes.get("decode", shapes.get("generate", ({}, {})))[0]:
        views["latents"] = {"uniform": True} if "refine" in shapes else {}  # of a LAPGAN
    if "latents" in views and "encode" in shapes:
        views["posterior"] = {}
    ways = {title: name for title, name in _WAYS.items() if name in shapes}
    if ways:
        views["translate"] = {"ways": ways}
    ranks = [tuple(map(len, part.values())) for part in shapes.get("predict", shapes.get("classify", ({}, {})))]
    if ranks == [(3,), (1,)]:
        views["classify"] = {}
    return views


def signatures(folder):
    """Reads off files of ONNX what their functions take and give.

    Args:
        folder: Folder of files `<signature>.onnx`.

    Returns:
        Dict by signature: `file`, and `inputs` and `outputs`, lists of `name`, `type` and `shape`, in which open axes
        are null; an output also has `called`, its name in the file.
    """
    import onnx

    described = {}
    for path in sorted(Path(folder).glob("*.onnx")):
        graph = onnx.load(path).graph
        inputs = [_value(value) for value in graph.input]
        outputs = [_value(value) | {"called": value.name} for value in graph.output]
        outputs = [value | {"name": value["name"].removesuffix("_out")} for value in outputs]
        described[path.stem] = {"file": f"models/{path.name}", "inputs": inputs, "outputs": outputs}
    return described


def _value(value):
    of = value.type.tensor_type
    if of.elem_type not in NUMBERS:
        raise refusal(f"{value.name} should hold numbers of {', '.join(NUMBERS.values())}", f"type {of.elem_type}")
    shape = [axis.dim_value if axis.HasField("dim_value") else None for axis in of.shape.dim]
    return {"name": value.name, "type": NUMBERS[of.elem_type], "shape": shape}


def sample_shape(described):
    """The shape of one sample, by the input or output `x` of the signatures; None if there is none."""
    for signature in described.values():
        for value in (*signature["inputs"], *signature["outputs"]):
            if value["name"] == "x":
                return value["shape"][1:]
    return None


def latent_size(described):
    """How many latents the signatures take; None if they take none."""
    for signature in described.values():
        for value in signature["inputs"]:
            if value["name"] == "latents":
                return math.prod(value["shape"][1:])
    return None
