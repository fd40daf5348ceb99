"""Cases that `dataset.json` lists or counts, compared with those that are in the folder."""

from pathlib import PurePosixPath

from keras_dl.checks import refusal
from keras_dl.data.segmentation.file_names import IMAGES, LABELS, path_stem
from keras_dl.data.segmentation.problems import listed as in_words
from keras_dl.data.segmentation.problems import named

COUNT, ENDING = "numTraining", "file_ending"


def listed(content):
    """Returns what a description says of the files of training cases: `names`, `numTraining` and `file_ending`.

    Args:
        content: The dict of `dataset.json`. The Medical Segmentation Decathlon lists files as `training`, nnU-Net those
            that lie elsewhere as `dataset`.

    Returns:
        A dict of what it says.

    Raises:
        ValueError: If it is not understood.

    Example:

    >>> listed({"training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}], "numTraining": 1})
    {'numTraining': 1, 'names': ['a']}
    """
    claims = {name: content[name] for name in (COUNT, ENDING) if content.get(name) is not None}
    if not isinstance(claims.get(COUNT, 0), int) or not isinstance(claims.get(ENDING, ""), str):
        raise ValueError(f"{claims}, which are no number of cases and no ending of files")
    if content.get("training"):
        claims["names"] = [path_stem(PurePosixPath(_label_of(case))) for case in content["training"]]
    elif content.get("dataset"):
        claims["names"] = [_of_folder(name, case) for name, case in content["dataset"].items()]
    return claims


def _label_of(case):
    """The path of a case's labels, of `{"image": ..., "label": ...}`, or of its image."""
    return case if isinstance(case, str) else str(case.get("label", case["image"]))


def _of_folder(name, case):
    """A name under `dataset`, whose files may be listed where they are anyway."""
    paths = [*((path, IMAGES) for path in case["images"]), (case["label"], LABELS)]
    strange = [path for path, folders in paths if PurePosixPath(path).parent.name not in folders]
    if strange:
        text = f"dataset with files elsewhere, {in_words(strange)}: put these into {IMAGES[0]} and {LABELS[0]}"
        raise ValueError(text)
    return name


def check_listed(said, images, labels):
    """Refuses a folder that holds other cases than its description says, such as one that was copied in part.

    Args:
        said: What `listed` returned.
        images: The paths of the channels of each case, by name.
        labels: The path of each case's labels, by name.

    Raises:
        ValueError: If cases are missing or not listed, or files end otherwise.
    """
    ending = said.get(ENDING)
    strange = [path for paths in images.values() for path in paths if ending and not path.name.endswith(ending)]
    strange += [path for path in labels.values() if ending and not path.name.endswith(ending)]
    if strange:
        text = f"files should end in {ending}, as file_ending in dataset.json says; correct it, or convert the files"
        raise refusal(text, in_words(map(named, strange)))
    _check_names(said, labels)
    count = said.get(COUNT, len(labels))
    if count != len(labels):
        text = f"there should be {count} cases, as numTraining in dataset.json says; add what is missing, or correct it"
        raise refusal(text, f"{len(labels)}")


def _check_names(said, labels):
    expected = set(said.get("names", labels))
    parts = (("no", expected - set(labels)), ("also", set(labels) - expected))
    differences = [f"{word} {in_words(sorted(names))}" for word, names in parts if names]
    if differences:
        text = "the labels should be those that training in dataset.json lists; add what is missing, or correct it"
        raise refusal(text, "; ".join(differences))
