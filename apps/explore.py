"""A model in the browser: `python -m apps.explore --help`."""

import contextlib
import sys
import tempfile
import webbrowser
from pathlib import Path

from apps import catalogue, cli, early, options
from apps.cli import UserError, user_errors

DESCRIPTION = """\
Shows a model on a page of this machine, where the browser itself computes it, by ONNX Runtime Web: latents by a pad and
sliders, classes, films between two latents; what an encoder and a decoder make of a dropped image; the classes of one
that is shifted and turned; a mask over it; a field, enlarged; noise on its way to a sample; styles, mixed layer by
layer; a pyramid, level by level. What there is to see depends on what the model is for.

The runtime, a package of npm, is fetched once (20 MB) and checked. Needs the extra onnx (pip install "keras_dl[onnx]").
"""
EXAMPLES = """\
examples:
  python -m apps.explore runs/vae --open
  python -m apps.explore saved_models/vae_digits            the last version of an exported model
  python -m apps.explore runs/vae --to page                 static files, for any web server
"""
EXAMPLES_SHOWN = 12


def parser():
    parser = options.Parser(prog="python -m apps.explore", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("model", metavar="RUN|SAVED_MODEL", help="a run folder, or an exported model's")
    parser.add_argument("--port", type=options.whole_number(0, 65535), default=8000, metavar="N", help="default: 8000")
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    parser.add_argument("--to", metavar="FOLDER", help="write the page as static files, and serve nothing")
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    saved = saved_model(arguments.model)
    if saved is None:
        early.check_run(arguments.model)
    if arguments.to and Path(arguments.to).is_file():
        raise UserError(f"--to expects a folder, and {arguments.to} is a file")
    cli.start_tensorflow()
    from keras_dl import explore

    with contextlib.ExitStack() as stack:
        place = arguments.to or stack.enter_context(tempfile.TemporaryDirectory())
        server = None if arguments.to else stack.enter_context(listening(place, arguments.port))
        with user_errors(ValueError, OSError, ImportError):
            explore.fetch(explore.ONNX_RUNTIME)
            exhibit = of_saved_model(saved) if saved else of_run(arguments.model)
            explore.write(place, exhibit)
        if server is None:
            print(f"written:\n  {Path(place) / 'index.html'}  the page; open it by way of any web server")
            return
        serve(server, arguments.open)


def saved_model(path):
    """The folder of a SavedModel: the path itself, or its last version; None if there is none."""
    place = Path(path)
    with user_errors(OSError):
        versions = [one.parent for one in place.glob("*/saved_model.pb") if one.parent.name.isdecimal()]
        if (place / "saved_model.pb").is_file():
            return place
    return max(versions, key=lambda version: int(version.name), default=None)


def of_saved_model(path):
    """What can be shown of an exported model: what its signatures say."""
    from keras_dl import explore
    from keras_dl.explore import manifest

    model = explore.SavedModel(path)
    views = manifest.views_of(model.shapes())
    signatures = model.signatures(manifest.needed(views))
    place = path.resolve()
    about = f"An exported model, version {place.name}."
    return explore.Exhibit(place.parent.name, about, model, signatures, views)


def of_run(path):
    """What can be shown of a run's model, with examples of its held-out data."""
    from apps import show
    from keras_dl import explore

    folder, config, recipe = cli.open_run(path)
    model, task, recipe_name = folder.load_model(), recipe.TASK, catalogue.title(config["recipe"])
    views, examples = task.views(model, config["fit"]), None
    try:
        place = config.get("folder")
        data = task.load(config["dataset"], place, config["data"].get("label_values"), **cli.reading_of(config))
        examples = task.examples(data.of_run(config, folder.path), config["fit"], EXAMPLES_SHOWN)
    except (ValueError, OSError) as error:  # the model can be shown without its data
        show.say(f"note: the page has no examples of the data: {error}")
    about = catalogue.docstring(config["recipe"]).partition("\n")[0]
    count = config["data"].get("num_classes")
    classes = config["data"].get("classes") or (count and [str(label) for label in range(count)])
    title = f"{recipe_name} on {config['dataset']}"
    signatures = model.signatures() | task.page_signatures(model)
    return explore.Exhibit(title, about, model, signatures, views, classes, examples)


def listening(folder, port):
    """A server of a folder, which has its port before there is a page."""
    from keras_dl import explore

    with user_errors(OSError, about=f"cannot listen on port {port}, give another --port"):
        return explore.serving(folder, port)


def serve(server, shown):
    """Answers until Ctrl-C."""
    address = f"http://127.0.0.1:{server.server_port}/"
    print(f"{address}  until Ctrl-C", flush=True)
    if shown:
        webbrowser.open(address)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    cli.run(main)
