"""Names of the parts of our networks in torchvision (and timm's SE-ResNets) and in keras.applications."""

import re

FAMILIES = {  # a layer that no other family has, in this order
    "vgg": "stage_1_conv_1",
    "googlenet": "stage_3_inception_a",
    "alexnet": "stage_3_conv_1",
    "squeezenet": "stage_1_fire_2",
    "resnet": "stage_1_block_1",
    "densenet": "stage_1",
}
# The last layers, which a source may have and a network without top may not.
HEADS = {
    "torchvision": re.compile(r"(fc|classifier|aux\d)(\..*)?"),
    "keras": re.compile(r"fc\d|predictions"),
}
# Ours as a pattern for a whole path, theirs as a template; {n-1} counts from 0 where ours counts from 1.
PATTERNS = {
    ("torchvision", "resnet"): {
        r"stem/convolution": "conv1",
        r"stem/normalization": "bn1",
        r"stage_(\d+)_block_(\d+)/conv_(\d)/convolution": "layer{0}.{1-1}.conv{2}",
        r"stage_(\d+)_block_(\d+)/conv_(\d)/normalization": "layer{0}.{1-1}.bn{2}",
        r"stage_(\d+)_block_(\d+)/shortcut/convolution": "layer{0}.{1-1}.downsample.0",
        r"stage_(\d+)_block_(\d+)/shortcut/normalization": "layer{0}.{1-1}.downsample.1",
        r"stage_(\d+)_block_(\d+)/squeeze_excite/squeeze": "layer{0}.{1-1}.se.fc1",
        r"stage_(\d+)_block_(\d+)/squeeze_excite/excite": "layer{0}.{1-1}.se.fc2",
        r"classes": "fc",
    },
    ("keras", "resnet"): {
        r"stem/convolution": "conv1_conv",
        r"stem/normalization": "conv1_bn",
        r"stage_(\d+)_block_(\d+)/conv_(\d)/convolution": "conv{0+1}_block{1}_{2}_conv",
        r"stage_(\d+)_block_(\d+)/conv_(\d)/normalization": "conv{0+1}_block{1}_{2}_bn",
        r"stage_(\d+)_block_(\d+)/shortcut/convolution": "conv{0+1}_block{1}_0_conv",
        r"stage_(\d+)_block_(\d+)/shortcut/normalization": "conv{0+1}_block{1}_0_bn",
        r"classes": "predictions",
    },
    ("torchvision", "densenet"): {
        r"stem/convolution": "features.conv0",
        r"stem/normalization": "features.norm0",
        r"stage_(\d+)/bottleneck_(\d+)/convolution": "features.denseblock{0}.denselayer{1}.conv1",
        r"stage_(\d+)/bottleneck_(\d+)/normalization": "features.denseblock{0}.denselayer{1}.norm1",
        r"stage_(\d+)/conv_(\d+)/convolution": "features.denseblock{0}.denselayer{1}.conv2",
        r"stage_(\d+)/conv_(\d+)/normalization": "features.denseblock{0}.denselayer{1}.norm2",
        r"transition_(\d+)/convolution/convolution": "features.transition{0}.conv",
        r"transition_(\d+)/convolution/normalization": "features.transition{0}.norm",
        r"stage_4_normalization": "features.norm5",
        r"classes": "classifier",
    },
    ("keras", "densenet"): {
        r"stem/convolution": "conv1_conv",
        r"stem/normalization": "conv1_bn",
        r"stage_(\d+)/bottleneck_(\d+)/convolution": "conv{0+1}_block{1}_1_conv",
        r"stage_(\d+)/bottleneck_(\d+)/normalization": "conv{0+1}_block{1}_0_bn",
        r"stage_(\d+)/conv_(\d+)/convolution": "conv{0+1}_block{1}_2_conv",
        r"stage_(\d+)/conv_(\d+)/normalization": "conv{0+1}_block{1}_1_bn",
        r"transition_(\d+)/convolution/convolution": "pool{0+1}_conv",
        r"transition_(\d+)/convolution/normalization": "pool{0+1}_bn",
        r"stage_4_normalization": "bn",
        r"classes": "predictions",
    },
    ("keras", "vgg"): {
        r"stage_(\d)_conv_(\d)/convolution": "block{0}_conv{1}",
        r"dense_(\d)": "fc{0}",
        r"classes": "predictions",
    },
    ("torchvision", "alexnet"): {
        r"dense_1": "classifier.1",
        r"dense_2": "classifier.4",
        r"classes": "classifier.6",
    },
    ("torchvision", "vgg"): {
        r"dense_1": "classifier.0",
        r"dense_2": "classifier.3",
        r"classes": "classifier.6",
    },
    ("torchvision", "squeezenet"): {
        r"stem/convolution": "features.0",
        r"classes/convolution": "classifier.1",
    },
    ("torchvision", "googlenet"): {
        r"stage_1_conv/convolution": "conv1.conv",
        r"stage_2_reduce/convolution": "conv2.conv",
        r"stage_2_conv/convolution": "conv3.conv",
        r"stage_(\d)_inception_(\w)/conv_1x1/convolution": "inception{0}{1}.branch1.conv",
        r"stage_(\d)_inception_(\w)/reduce_3x3/convolution": "inception{0}{1}.branch2.0.conv",
        r"stage_(\d)_inception_(\w)/conv_3x3/convolution": "inception{0}{1}.branch2.1.conv",
        r"stage_(\d)_inception_(\w)/reduce_5x5/convolution": "inception{0}{1}.branch3.0.conv",
        r"stage_(\d)_inception_(\w)/conv_5x5/convolution": "inception{0}{1}.branch3.1.conv",
        r"stage_(\d)_inception_(\w)/conv_pool/convolution": "inception{0}{1}.branch4.1.conv",
        r"auxiliary_(\d)_conv/convolution": "aux{0}.conv.conv",
        r"auxiliary_(\d)_dense": "aux{0}.fc1",
        r"auxiliary_(\d)": "aux{0}.fc2",
        r"classes": "fc",
    },
}


def source_names(layer_names, paths, convention):
    """Returns what the parts of a network are called elsewhere.

    Args:
        layer_names: Names of the network's layers.
        paths: Paths of its parts that have weights, in their order.
        convention: `"torchvision"` or `"keras"`.

    Returns:
        Dict from paths to names, without those that have no counterpart; `None` for a network that has none.
    """
    family = next((family for family, layer in FAMILIES.items() if layer in layer_names), None)
    if (convention, family) not in PATTERNS:
        return None
    names = {path: _by_pattern(path, PATTERNS[convention, family]) for path in paths}
    if convention == "torchvision":
        if family == "googlenet":
            names |= {p: names[_twin(p)].removesuffix("conv") + "bn" for p in paths if p.endswith("/normalization")}
        names_of_family = {"vgg": _vgg, "alexnet": _alexnet, "squeezenet": _squeezenet}.get(family)
        if names_of_family is not None:
            names |= names_of_family(paths)
    return {path: name for path, name in names.items() if name is not None}


def _by_pattern(path, patterns):
    for pattern, template in patterns.items():
        if match := re.fullmatch(pattern, path):
            return re.sub(r"{(\d)([+-]1)?}", lambda field: _group(match, field), template)
    return None


def _group(match, field):
    value = match[int(field[1]) + 1]
    return str(int(value) + int(field[2])) if field[2] else value


def _twin(path):
    """The convolution of a normalization."""
    return path.removesuffix("normalization") + "convolution"


def _vgg(paths):
    """Positions in `features`: each convolution, normalization, rectifier and pooling takes one."""
    names, position, stage = {}, -1, "1"
    for path in paths:
        match = re.fullmatch(r"stage_(\d)_conv_\d/(convolution|normalization)", path)
        if not match:
            continue
        if match[2] == "convolution":
            position += 1 if not names else 2 + (match[1] != stage)
        else:
            position += 1
        names[path], stage = f"features.{position}", match[1]
    return names


def _alexnet(paths):
    convolutions = [path for path in paths if path.endswith("/convolution")]
    return {path: f"features.{position}" for path, position in zip(convolutions, (0, 3, 6, 8, 10), strict=True)}


def _squeezenet(paths):
    """Positions in `features`: fire 2 has 3, behind the first convolution, its rectifier and the pooling."""
    names, parts = {}, {"squeeze": "squeeze", "expand_1x1": "expand1x1", "expand_3x3": "expand3x3"}
    for path in paths:
        if match := re.fullmatch(r"stage_(\d)_fire_(\d)/(\w+)/convolution", path):
            names[path] = f"features.{int(match[1]) + int(match[2])}.{parts[match[3]]}"
    return names
