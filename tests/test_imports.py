"""The house rules that can be read off the source: who may import whom, and what is written in one place only."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# package of keras_dl (or "apps") -> the packages of ours it may import, beside itself
LOW = {"activations", "losses", "layers", "networks", "likelihoods", "bijectors", "processes", "objectives", "samplers"}
LOW |= {"metrics", "data"}
ANYWHERE = {"checks", "configurable", "files", "lazy", "onednn", "types", "untuned"}
MAY_IMPORT = {
    "checks": set(),
    "configurable": set(),
    "files": set(),
    "backend": set(),
    "lazy": set(),
    "onednn": set(),
    "types": set(),
    "untuned": set(),
    "activations": set(),
    "losses": set(),
    "layers": {"activations"},
    "networks": {"layers", "activations"},
    "data": set(),
    "likelihoods": set(),
    "bijectors": {"layers", "activations", "likelihoods"},
    "processes": {"likelihoods"},
    "objectives": {"losses", "likelihoods", "bijectors", "processes"},
    "samplers": {"likelihoods", "bijectors", "processes"},
    "metrics": {"losses", "likelihoods"},
    "models": LOW,
    "callbacks": LOW | {"models"},
    "testing": LOW | {"models"},
    "runtime": LOW | {"models", "callbacks", ""},  # "": keras_dl itself, for its version
    "tasks": LOW | {"models", "callbacks", "runtime"},
    "report": set(),
    "explore": LOW | {"models", "report"},
    "runs": LOW | {"models", "callbacks", "runtime", "tasks", "report", ""},
    "search": LOW | {"models", "callbacks", "runtime", "tasks", "runs", ""},
    "apps": LOW | {"models", "callbacks", "runtime", "tasks", "runs", "search", "report", "explore", ""},
    "": LOW | {"models", "callbacks", "runtime", "tasks", "backend"},  # keras_dl/__init__.py
}

WITH_TFP = ("likelihoods", "bijectors", "objectives", "processes", "metrics", "models")
WITH_TAPE = ("models.base", "objectives", "bijectors", "processes", "samplers", "metrics", "testing")
# what -> the modules (of keras_dl, or "apps") where it may be named; (): nowhere
MAY_NAME = {
    "tensorflow_probability": WITH_TFP,
    "tensorflow_probability.layers": (),
    "keras_tuner": ("runtime.tuning", "runs.space", "search"),  # a space is of KerasTuner's objects
    "rich": ("apps.show",),
    "tensorflow.GradientTape": WITH_TAPE,
    "keras.layers.Lambda": (),
    "keras.config.enable_unsafe_deserialization": (),
    "pickle": (),
    "dill": (),
    "cloudpickle": (),
    "joblib": (),
    "torch": (),
    "jax": (),
}
KERAS_OPS_ONLY = ("activations", "losses", "layers")  # no tensorflow there, but for its fused kernels in:
FUSED_KERNELS = ("layers.batch_normalization", "layers.channel_filter")
#: Modules that programs read without the package, before TensorFlow: they import nothing of ours.
STANDARD_LIBRARY_ALONE = {"files"}
#: Packages that programs read so: their modules name one another by a dot, as they lie under another name then.
LOADED_ALONE = {"report"}
STEPS = {"train_step", "test_step"}
ASK = ("apps", "runs", "search", "tasks", "callbacks")  # what a model or data can do is said, not guessed
GUESSES = {"hasattr", "getattr", "isinstance"}


def inside(module, places):
    return any(module == place or module.startswith(place + ".") for place in places)


def package_of(module):
    first = module.split(".")[0]
    return "" if first.startswith("__") else first  # keras_dl.__version__ is keras_dl's own


def begins_with_expected(call):
    """Whether the text that a call is given first, an f-string perhaps, begins with "Expected"."""
    text = call.args[0] if call.args else None
    if isinstance(text, ast.JoinedStr):
        text = text.values[0]
    return isinstance(text, ast.Constant) and str(text.value).startswith("Expected")


class Reader(ast.NodeVisitor):
    """Collects what a file imports, the full names it uses, what it calls and the methods it defines."""

    def __init__(self, module, is_package):
        self.parts = [] if module == "" else module.split(".")
        if self.parts[:1] not in (["apps"], ["benchmarks"]):
            self.parts = ["keras_dl", *self.parts]
        self.is_package = is_package
        self.aliases, self.imports, self.names, self.calls, self.defines = {}, [], [], [], []
        self.guesses, self.refusals = [], []

    def visit_Import(self, node):
        for alias in node.names:
            self.imports.append((node.lineno, alias.name))
            first = alias.name.split(".")[0]
            self.aliases[alias.asname or first] = alias.name if alias.asname else first

    def visit_ImportFrom(self, node):
        base = (node.module or "").split(".") if node.module else []
        if node.level:
            keep = len(self.parts) - node.level + self.is_package
            base = self.parts[:keep] + base
        for alias in node.names:
            name = ".".join([*base, alias.name])
            self.imports.append((node.lineno, name))
            self.aliases[alias.asname or alias.name] = name

    def full_name(self, node):
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.full_name(node.value)
            return owner and f"{owner}.{node.attr}"
        return None

    def visit_Attribute(self, node):
        if name := self.full_name(node):
            self.names.append((node.lineno, name))
        self.generic_visit(node)

    def visit_Call(self, node):
        keywords = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
        self.calls.append((node.lineno, self.full_name(node.func) or "", keywords))
        subject = node.args[0] if node.args else None
        subject = getattr(subject, "attr", None) or getattr(subject, "id", None)
        named = getattr(node.func, "id", None) == "getattr" and len(node.args) == 2  # it must be there: no question
        if getattr(node.func, "id", None) in GUESSES and not named and subject in ("model", "data"):
            self.guesses.append((node.lineno, f"{node.func.id}({subject}, ...)"))
        error = getattr(node.func, "id", "").endswith("Error") and node.func.id != "AssertionError"
        texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)] if error else []
        if any(isinstance(text, str) and "Received: " in text for text in texts):
            self.refusals.append((node.lineno, f"{node.func.id} written by hand: raise checks.refusal(...)"))
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        if name == "refusal" and begins_with_expected(node):
            self.refusals.append((node.lineno, "a refusal that begins with Expected: say what `x` should be"))
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.defines.append((node.lineno, node.name))
        self.generic_visit(node)


def target_package(name):
    """The package of ours that a full name lies in, or None for others' names."""
    first, _, rest = name.partition(".")
    if first in ("apps", "benchmarks"):
        return first
    return package_of(rest) if first == "keras_dl" else None


def full_names(path):
    """Lines that import from keras_dl by its name rather than by a dot."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if any(name.split(".")[0] == "keras_dl" for name in names):
            yield node.lineno


def problems_of_file(path, module):
    reader = Reader(module, path.name == "__init__.py")
    reader.visit(ast.parse(path.read_text()))
    package = package_of(module)
    if package == "benchmarks":  # beside the peers, they may use anything but the programs
        programs = [(line, name) for line, name in reader.imports if target_package(name) == "apps"]
        return [f"{path}:{line}: benchmarks imports {name}" for line, name in programs]
    if package not in MAY_IMPORT:
        return [f"{path}: {package} has no row in MAY_IMPORT"]
    found = list(reader.refusals)  # one helper makes them, so that all read alike
    if module in STANDARD_LIBRARY_ALONE:
        others = [(line, name) for line, name in reader.imports if name.split(".")[0] not in sys.stdlib_module_names]
        found = [(line, f"{module} imports {name}") for line, name in others]
    if package in LOADED_ALONE:
        found += [(line, f"{package}, which programs load alone, names keras_dl") for line in full_names(path)]
    for line, name in reader.imports + reader.names:
        target = target_package(name)
        if target is not None and target not in MAY_IMPORT[package] | ANYWHERE | {package}:
            found.append((line, f"{package} imports {name}"))
        for what, places in MAY_NAME.items():
            if (name == what or name.startswith(what + ".")) and not inside(module, places):
                found.append((line, f"{what} outside {list(places)}"))
        if package in KERAS_OPS_ONLY and name.split(".")[0] == "tensorflow" and module not in FUSED_KERNELS:
            found.append((line, f"tensorflow in {package}, which uses keras.ops only"))
    for line, name, keywords in reader.calls:
        if name.startswith("tensorflow.distribute") and name.endswith("Strategy") and module != "runtime.strategy":
            found.append((line, "a strategy created outside runtime/strategy.py"))
        # Gradients with respect to inputs, which are watched by name: a tape that watches weights is the base's.
        watches = name == "tensorflow.GradientTape" and keywords.get("watch_accessed_variables") is not False
        if watches and inside(module, set(WITH_TAPE) - {"models.base", "testing"}):
            found.append((line, "a tape outside models/base that watches variables"))
        if keywords.get("allow_pickle") is True or keywords.get("safe_mode") is False:
            found.append((line, "pickle or unsafe loading switched on"))
    if inside(module, ASK):
        found += [(line, f"{guess}: ask the task, or `declared`") for line, guess in reader.guesses]
    for line, name in reader.defines:
        if name in STEPS and not inside(module, ("models.base",)):
            found.append((line, f"{name} defined outside models/base"))
    return sorted({f"{path}:{line}: {text}" for line, text in found})


def problems(root):
    found = []
    for folder in ("keras_dl", "apps", "benchmarks"):
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            parts = parts[1:] if folder == "keras_dl" else parts
            found += problems_of_file(path, ".".join(part for part in parts if part != "__init__"))
    return found


def test_the_house_keeps_its_rules():
    assert problems(ROOT) == []


def test_every_package_is_read():
    packages = {path.stem for path in (ROOT / "keras_dl").glob("[!_]*") if path.suffix in ("", ".py")}
    assert {"data"} <= packages <= set(MAY_IMPORT)


KEPT = {
    "keras_dl/__init__.py": "from keras_dl import data, models\n",
    "keras_dl/activations.py": "import keras\n",
    "keras_dl/files.py": "import os\ndef f(x): raise OSError(f'{x} is there. Received: {x}')\n",
    "keras_dl/layers/batch_normalization.py": "import tensorflow as tf\ny = tf.compat.v1.nn.fused_batch_norm\n",
    "keras_dl/layers/dense.py": "from keras_dl import activations\n",
    "keras_dl/models/__init__.py": "from .vae import VAE\nfrom ..layers import dense\n",
    "keras_dl/models/vae.py": "import tensorflow_probability as tfp\nfrom keras_dl import losses\ntfp.math\n",
    "keras_dl/models/base/step.py": "import tensorflow as tf\ndef train_step(): tf.GradientTape()\n",
    "keras_dl/objectives/penalty.py": "import tensorflow as tf\ntf.GradientTape(watch_accessed_variables=False)\n",
    "keras_dl/report/page.py": "from .records import Record\n",
    "keras_dl/runtime/strategy.py": "import tensorflow as tf\ntf.distribute.MirroredStrategy()\n",
    "keras_dl/runtime/tuning.py": "import keras_tuner as kt\nfrom keras_dl.models import VAE\n",
    "keras_dl/tasks/density.py": "from keras_dl import runtime\nmodel = None\nmodel.log_prob\n",
    "keras_dl/runs/space.py": "import keras_dl\nimport keras_tuner\nfrom keras_dl.tasks import Task\n",
    "apps/recipes/vae.py": "import keras_dl\nfrom apps import cli\nkeras_dl.models.VAE()\n",
    "apps/show.py": "import rich\n",
    "benchmarks/vae.py": "import keras_dl.runs\nfrom benchmarks import stamp\n",
}
BROKEN = {
    "keras_dl/files.py": "from keras_dl.checks import refusal",
    "keras_dl/losses/l1.py": "from keras_dl.layers import dense",
    "keras_dl/layers/conv.py": "import tensorflow as tf",
    "keras_dl/networks/mlp.py": "import tensorflow_probability as tfp",
    "keras_dl/networks/conv.py": "from ..models import vae",
    "keras_dl/networks/whole.py": "import keras_dl",
    "keras_dl/objectives/elbo.py": "def f():\n    from keras_dl import networks",
    "keras_dl/samplers/ode.py": "import keras_dl.objectives",
    "keras_dl/metrics/fid.py": "from keras_dl.networks import lenet",
    "keras_dl/models/gan.py": "import tensorflow as tf\nwith tf.GradientTape() as tape: pass",
    "keras_dl/objectives/penalties.py": "import tensorflow as tf\ntf.GradientTape(persistent=True)",
    "keras_dl/models/flow.py": "class Flow:\n    def train_step(self, data): pass",
    "keras_dl/models/vae.py": "from apps import cli",
    "keras_dl/models/rbm.py": "from tensorflow_probability import layers",
    "keras_dl/models/base/fit.py": "import tensorflow_probability as p\np.layers.DenseFlipout",
    "keras_dl/callbacks.py": "from keras_dl.runtime import export",
    "keras_dl/runtime/export.py": "import keras_tuner",
    "keras_dl/runtime/checkpoint.py": "import tensorflow as tf\ntf.distribute.experimental.TPUStrategy(None)",
    "keras_dl/data/files.py": "import numpy as np\nnp.load('x', allow_pickle=True)",
    "keras_dl/data/cache.py": "import pickle",
    "keras_dl/layers/lambdas.py": "from keras import layers\nlayers.Lambda(abs)",
    "keras_dl/layers/rules.py": "from keras.layers import Lambda as L",
    "keras_dl/utils/things.py": "",
    "keras_dl/losses/focal.py": "def f(x): raise ValueError(f'`x` should be positive. Received: x={x!r}')",
    "keras_dl/metrics/kid.py": "def f(x): raise checks.refusal(f'Expected {x} images', 'none')",
    "keras_dl/tasks/field.py": "from keras_dl.runs import RunFolder",
    "keras_dl/tasks/embedding.py": "def f(model): return hasattr(model, 'embed')",
    "keras_dl/callbacks/pictures.py": "class Grid:\n    def f(self): return hasattr(self.model, 'decode')",
    "keras_dl/report/page.py": "from keras_dl.report.records import Record",
    "keras_dl/report/tables.py": "from keras_dl.types import PathLike",
    "keras_dl/runs/run.py": "import rich.progress",
    "keras_dl/runs/card.py": "class Card:\n    def f(self): return getattr(self.model, 'decode', None)",
    "keras_dl/runs/folder.py": "from apps import cli",
    "keras_dl/runtime/tasks.py": "import keras_dl.tasks",
    "apps/evaluate.py": "import keras_tuner",
    "apps/sample.py": "def f(data): return isinstance(data, list)",
    "benchmarks/record.py": "from apps import train",
    "apps/train.py": "import keras\nkeras.saving.load_model('m.keras', safe_mode=False)",
    "apps/tune.py": "import tensorflow as tf\ntf.distribute.MirroredStrategy()",
}


def write_tree(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def test_a_tree_that_keeps_the_rules_passes(tmp_path):
    write_tree(tmp_path, KEPT)
    assert problems(tmp_path) == []


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_rule_is_found(tmp_path, name):
    write_tree(tmp_path, KEPT | {name: BROKEN[name]})
    found = problems(tmp_path)
    assert len(found) == 1 and str(tmp_path / name) in found[0], found
