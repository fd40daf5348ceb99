"""Export of a trained model for TF Serving: `python -m apps.export --help`."""

import sys

from apps import catalogue, cli, early, options
from apps.cli import user_errors

DESCRIPTION = """\
Writes the model of a run folder in TF Serving's layout, with a model card beside it:

  TO/VERSION/       the SavedModel: named signatures with an unknown batch size, and requests to warm up a server
  TO/README.md      the model card: data, command, figures, signatures, picture
  TO/samples.png    the picture
  models.config     beside TO: every SavedModel of that folder, for tensorflow_model_server

Files of yours stay: beside them the card is README_2.md, and a models.config keeps what stands in it.

Other formats hold the signatures that draw no noise (not "sample"), and need no TensorFlow where they run:

  --format onnx     TO/VERSION/SIGNATURE.onnx, for onnxruntime (pip install "keras_dl[onnx]")
  --format litert   TO/VERSION/model.tflite, for LiteRT

saved_models/compose.yaml serves all SavedModels of its folder with Docker; python -m apps.clients.rest_client and
apps.clients.grpc_client call them.
"""
EXAMPLES = """\
examples:
  python -m apps.export runs/vae                                   saved_models/vae_digits/1
  python -m apps.export runs/vae --to saved_models/vae_digits      the next version: saved_models/vae_digits/2
  python -m apps.export runs/vae --format onnx                     saved_models/vae_digits_onnx/1
"""


def parser():
    parser = options.Parser(prog="python -m apps.export", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("folder", metavar="FOLDER", help="a run folder, as apps.train leaves it")
    parser.add_argument(
        "--to", metavar="TO", help="the model's folder (default: saved_models/RECIPE_DATASET, with _FORMAT for others)"
    )
    parser.add_argument(
        "--version", type=options.count, metavar="N", help="never overwritten (default: the next one)"
    )
    formats = catalogue.formats()
    parser.add_argument(
        "--format",
        type=options.one_of("format", formats),
        default="saved_model",
        metavar="NAME",
        help="saved_model (the default), onnx or litert",
    )
    return parser


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    names = [text for text in argv if not str(text).startswith("-")]
    if len(argv) == len(names) == 2:
        raise cli.UserError(f"unexpected argument {argv[1]!r}: where the model goes is --to {argv[1]}")
    arguments = parser().parse(argv)
    early.check_run(arguments.folder)
    cli.start_tensorflow()
    publish(arguments.folder, arguments.to, arguments.version, arguments.format)


def publish(path, to=None, version=None, format="saved_model"):
    """Writes a run's model as a new version, with a model card and, for servers, the folder's `models.config`."""
    from apps import show
    from keras_dl import runs

    folder, config, recipe = cli.open_run(path)
    name = f"{catalogue.title(config['recipe'])}_{config['dataset']}"
    target = to or f"saved_models/{name}" + ("" if format == "saved_model" else f"_{format}")
    about = catalogue.docstring(config["recipe"]).partition("\n")[0]
    with user_errors(ValueError, OSError, ImportError, about=f"cannot export to {target}"):
        paths = runs.publish(folder, target, recipe.TASK, about, version, format, show.say)
    show.written(paths)


if __name__ == "__main__":
    cli.run(main)
