"""TF Serving's list of models, `models.config`: what stands in it stays, and models that it lacks are added."""

import re

NAME = re.compile(r'\bname\s*:\s*["\']([^"\']*)["\']')
BEGINNING = re.compile(r"\bmodel_config_list\s*:?\s*\{")
#: What is skipped where braces are counted: comments and quoted texts.
SKIPPED = re.compile(r'#[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
ENTRY = '  config {{\n    name: "{0}"\n    base_path: "/models/{0}"\n    model_platform: "tensorflow"\n  }}\n'


def models_config(folder, more=()):
    """Returns the text of a list of every SavedModel in a folder; it expects the folder as `/models`.

    Args:
        folder: `pathlib.Path` of the folder of models.
        more: Names of models that will be there.
    """
    return _text(_saved_models(folder, more))


def merged_config(text, folder, more=()):
    """Returns a list to which the SavedModels of a folder that it lacks are added.

    A list that we wrote becomes the list of what is there now. In a list of a user's, every entry and comment stays.

    Args:
        text: The text of the list.
        folder: `pathlib.Path` of the folder of models.
        more: Names of models that will be there.

    Returns:
        The new text; None if the text holds no list that entries can be added to.
    """
    names = NAME.findall(SKIPPED.sub(_without_comment, text))
    if text == _text(names):
        return models_config(folder, more)
    end = _end(text)
    if end is None:
        return None
    entries = "".join(ENTRY.format(name) for name in _saved_models(folder, more) if name not in names)
    line = text.rfind("\n", 0, end) + 1
    place = line if not text[line:end].strip() else end
    return text[:place] + ("\n" if entries and place == end else "") + entries + text[place:]


def _saved_models(folder, more):
    names = {path.parents[1].name for path in folder.glob("*/*/saved_model.pb") if path.parent.name.isdecimal()}
    return sorted(names | set(more))


def _text(names):
    return "model_config_list {\n" + "".join(map(ENTRY.format, names)) + "}\n"


def _without_comment(match):
    return "" if match[0].startswith("#") else match[0]


def _end(text):
    """The place of the brace that closes the list; None if there is none."""
    text = SKIPPED.sub(lambda match: " " * len(match[0]), text)
    beginning = BEGINNING.search(text)
    if beginning is None:
        return None
    depth = 1
    for place in range(beginning.end(), len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return None
