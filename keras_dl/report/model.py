"""The model of a run as a layer table and a diagram, read off `model.keras` without TensorFlow."""

import dataclasses
import io
import json
import math
import re
import zipfile

from . import markup
from .markup import element

#: Layers of a diagram; a larger network is shown by its table alone.
MOST_DRAWN = 150
WIDTH, HEIGHT, ACROSS, DOWN = 210, 36, 24, 22  # of a box, and between boxes


@dataclasses.dataclass
class Layer:
    """A layer of a network.

    Attributes:
        name, kind: its name and its class.
        takes: the shapes of its inputs, without the batch.
        weights: how many numbers it holds; None if they cannot be counted.
        inputs: names of the layers before it.
    """

    name: str
    kind: str
    takes: list
    weights: int | None
    inputs: list


def section(record):
    """Returns the pieces that show a run's model; a sentence if there is no whole file of it."""
    path = record.path / "model.keras"
    if not path.is_file():
        return [element("p", "There is no model yet: no epoch is behind this run.", class_="note")]
    try:
        kind, networks, counted = read(path)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        return [element("p", f"model.keras cannot be read: {error}", class_="alarm")]
    total = sum(layer.weights or 0 for layers in networks.values() for layer in layers)
    text = f"{kind} of {', '.join(networks) or 'no networks'}"
    parts = [element("p", f"{text}: {total:,} weights." if counted else f"{text}.")]
    for name, layers in networks.items():
        rows = [[layer.name, layer.kind, " + ".join(layer.takes), markup.number(layer.weights)] for layer in layers]
        header = ["layer", "class", "takes", "weights"]
        listed = markup.table(f"{name}: layers", header, rows, numeric=False)
        joined = any(layer.inputs for layer in layers)
        drawing = diagram(name, layers) if joined and len(layers) <= MOST_DRAWN else markup.Markup()
        count = f"{len(layers)} layer" + ("s" if len(layers) > 1 else "")
        parts.append(markup.details(f"{name}: {count}", drawing, listed))
    return parts


def read(path):
    """Returns the model's class, its networks as lists of `Layer`s by name, and whether weights could be counted.

    Parts with weights that are no networks of Keras, such as bijectors, are lists of the groups of their weights.
    """
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        counts = _counts(archive.read("model.weights.h5"))
    if "layers" in config["config"]:
        name = config["config"].get("name", "network")
        return config["class_name"], {name: _layers(config["config"], counts, "")}, counts is not None
    homes, parts = _homes(counts or {}), dict(_parts(config["config"]))
    networks = {}
    for name, value in parts.items():
        if "layers" in value["config"]:
            home = _home(name, value["config"], homes)
            networks[name] = _layers(value["config"], counts, f"{home}/")
            homes.pop(home, None)
    for home, sizes in homes.items():
        name = home.rpartition("/")[2]
        networks[name] = _groups(name, parts.get(name, {}).get("class_name", ""), sizes)
    return config["class_name"], networks, counts is not None


def _parts(config):
    """The parts of a model by name, as its config has them; of a list `generators` they are `generator_0` and so on."""
    for name, value in config.items():
        several = value if isinstance(value, list) else [value]
        for number, one in enumerate(several):
            if isinstance(one, dict) and isinstance(one.get("config"), dict):
                yield f"{name.removesuffix('s')}_{number}" if isinstance(value, list) else name, one


def _homes(counts):
    """The groups of a file of weights that hold parts of a model: their weights by the path within, not averages."""
    homes = {}
    for path, count in counts.items():
        first, _, rest = path.partition("/")
        if first in ("vars", "ema_networks") or first.endswith("optimizer") or first.startswith("_"):
            continue
        if first == "layers":  # Keras files there what comes later in the alphabet
            second, _, rest = rest.partition("/")
            first = f"layers/{second}"
        homes.setdefault(first, {})[rest] = count
    return homes


def _home(name, config, homes):
    """The group in which a network's weights lie: its own, or the first among the layers' that has its layers."""
    groups = {f"layers/{group}" for group in _numbered(config["layers"])}
    for home, sizes in homes.items():
        if home.startswith("layers/") and {"/".join(path.split("/")[:2]) for path in sizes} <= groups:
            return name if name in homes else home
    return name


def _groups(name, kind, sizes):
    """The groups of weights of a part that is no network of Keras, as `Layer`s."""
    totals = {}
    for path, count in sizes.items():
        group = "/".join(path.split("/")[:-2][:2])
        totals[group] = totals.get(group, 0) + count
    return [Layer(group or name, "" if group else kind, [], count, []) for group, count in totals.items()]


def _numbered(layers):
    """What Keras calls the groups of layers' weights: their class in snake case, numbered among its own."""
    names, seen = [], {}
    for layer in layers:
        place = _snake_case(layer["class_name"])
        seen[place] = seen.get(place, -1) + 1
        names.append(place + (f"_{seen[place]}" if seen[place] else ""))
    return names


def _layers(config, counts, prefix):
    """The layers of a network's config, as Keras numbers their weights in its file."""
    layers = []
    for layer, place in zip(config["layers"], _numbered(config["layers"]), strict=True):
        group = f"{prefix}layers/{place}"
        weights = None if counts is None else sum(n for key, n in counts.items() if key.startswith(f"{group}/"))
        tensors = list(_tensors(layer.get("inbound_nodes", [])))
        shapes = [_shape(tensor["shape"]) for tensor in tensors] or [_shape(layer["config"].get("batch_shape") or [])]
        inputs = list(dict.fromkeys(tensor["keras_history"][0] for tensor in tensors))
        name = layer.get("name") or layer["config"].get("name", "")
        if not inputs and layers and "input_layers" not in config:  # a Sequential
            inputs = [layers[-1].name]
            shapes = [_shape(layer.get("build_config", {}).get("input_shape") or [])]
        layers.append(Layer(name, layer["class_name"], shapes, weights, inputs))
    return layers


def _tensors(value):
    """The tensors that a layer is called with, wherever they are among its arguments."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _tensors(part)


def _counts(content):
    """How many numbers lie in each array of a file of weights, by its path; None if h5py is not there."""
    try:
        import h5py
    except ImportError:
        return None
    counts = {}
    with h5py.File(io.BytesIO(content), "r") as file:

        def visit(name, node):
            if isinstance(node, h5py.Dataset):
                counts[name] = math.prod(node.shape)

        file.visititems(visit)
    return counts


def _snake_case(name):
    """A class's name as Keras writes it in files of weights."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _shape(shape):
    return "x".join("?" if size is None else str(size) for size in shape[1:]) if isinstance(shape, list) else ""


def diagram(name, layers):
    """Returns a network as boxes and lines, each layer below those that it takes."""
    rows = {}
    for layer in layers:
        rows[layer.name] = 1 + max((rows[one] for one in layer.inputs if one in rows), default=-1)
    places, filled = {}, {}
    for layer in layers:
        row = rows[layer.name]
        places[layer.name] = (filled.get(row, 0) * (WIDTH + ACROSS) + 1, row * (HEIGHT + DOWN) + 1)
        filled[row] = filled.get(row, 0) + 1
    shapes = []
    for layer in layers:
        x, y = places[layer.name]
        for one in layer.inputs:
            if one in places:
                shapes.append(element("path", d=_line(*places[one], x, y)))
        shapes.append(element("rect", x=x, y=y, width=WIDTH, height=HEIGHT, rx=5))
        shapes.append(element("text", layer.name[:28], x=x + 8, y=y + 15))
        shapes.append(element("text", f"{layer.kind} {' + '.join(layer.takes)}"[:28], x=x + 8, y=y + 30))
    width = max(filled.values(), default=0) * (WIDTH + ACROSS)
    height = len(filled) * (HEIGHT + DOWN)
    label = f"diagram of {name}: the table below says the same"
    size = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}"}
    return element("div", element("svg", *shapes, role="img", aria_label=label, **size), class_="scroll", tabindex="0")


def _line(x, y, to_x, to_y):
    """The path of a line from below one box to above another; past boxes between them it bends to the right."""
    start, end, bottom = x + WIDTH / 2, to_x + WIDTH / 2, y + HEIGHT
    if to_y - bottom <= DOWN:
        return f"M{start} {bottom} L{end} {to_y}"
    side = max(x, to_x) + WIDTH + ACROSS / 2
    return f"M{start} {bottom} L{side} {bottom + DOWN / 2} L{side} {to_y - DOWN / 2} L{end} {to_y}"
