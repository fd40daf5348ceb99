"""Options of `apps.train`."""

from typing import Any

from apps import catalogue, options

DESCRIPTION = """\
Trains a system on a data set. Everything goes into one run folder:

  config.json    what was asked for, enough to do it again
  model.keras    the model after the last whole epoch, with optimizer and random state
  checkpoints/   the last states of the run, each with its checksums; --resume takes the newest whole one
  history.csv    every metric after every epoch; also in tensorboard/
  results.json   the metrics at the end
  pictures/      loss curves, reconstructions, samples as training goes on
"""
EXAMPLES = """\
examples:
  python -m apps.train vae                               digits, the recipe's defaults, into runs/vae
  python -m apps.train vae --help                        about the recipe itself
  python -m apps.train vae --options                     its hyperparameters, with defaults and ranges
  python -m apps.train vae --dataset mnist --out runs/m --epochs 20 --set latent_size=2 --set network=conv
  python -m apps.train dcgan --data FOLDER --out runs/mine                   a folder of images, or a file: see --data
  python -m apps.train vae --out runs/m --resume         go on after an interruption, as if there had been none
  python -m apps.train nnunet --data FOLDER --export saved_models/mine      trained, evaluated and exported
  python -m apps.train vae --replicas 2                  each batch on two devices: the same steps
"""


DATASET = (
    "the data: {names} (default: the recipe's own). With the environment variable KERAS_DL_DATA=FOLDER the files "
    "of NAME are read from FOLDER/NAME/, else keras.datasets downloads them"
)
DATA = (
    "the data, instead of --dataset: a folder of images of one size, in a subfolder per class if there are "
    "labels; or a .npy, .npz, .csv, .parquet or .tfrecord file, see keras_dl.data.open; a tenth is held out. For "
    "unet, unet3d and nnunet: a folder with images/ and masks/, or imagesTr/ and labelsTr/, as PNG, TIFF, NIfTI "
    "(images also as JPEG) files of the same names; masks of 0, 1, 2 ..., 0 and 255, or as dataset.json or "
    "--label-values says; fewer than five are all trained on"
)
#: Options of the run and of what is made of it, and what `add_argument` takes of them.
RUN: dict[str, dict[str, Any]] = {
    "--resume": {"action": "store_true", "help": "go on with the run in the run folder"},
    "--extend": {
        "action": "store_true",
        "help": "with --resume and a larger --epochs: learning rates and weights follow the schedules of a run of so "
        "many epochs from where the run stands; without it they stay those of the first command",
    },
    "--checkpoint-every": {
        "type": options.count,
        "metavar": "STEPS",
        "help": "keep a checkpoint after every so many steps, too, and not only after every epoch",
    },
    "--export": {
        "metavar": "TO",
        "help": "export the trained model, too, as python -m apps.export OUT --to TO does",
    },
    "--tensorboard": {
        "action": "store_true",
        "help": "log pictures, histograms of weights and hyperparameters for TensorBoard, too, and not only metrics",
    },
}


def parser(argv):
    names, strategies, datasets = catalogue.recipes(), catalogue.strategies(), catalogue.datasets()
    recipe = next(filter(catalogue.is_recipe, argv), None)
    presets = catalogue.presets(recipe)
    parser = options.Parser(
        prog="python -m apps.train",
        description=catalogue.docstring(recipe) if recipe else DESCRIPTION + "\n" + options.recipes_text(names),
        epilog=None if recipe else EXAMPLES,
    )
    parser.add_argument("--version", action=options.Version)
    help = f"the system to train: {', '.join(names)}, or a file"
    parser.add_argument("recipe", type=options.recipe_of(names), help=help)
    options.add_data(parser, datasets, DATASET, DATA)
    options.add_reading(parser)
    parser.add_argument(
        "--folds",
        action="store_true",
        help="of scans: train all folds, five or those that --groups makes, into OUT/fold_0, OUT/fold_1 ...",
    )
    parser.add_argument("--out", metavar="FOLDER", help="the run folder (default: runs/RECIPE)")
    options.add_hyperparameters(parser, presets, one=" (--options lists them)")
    options.add_seed(parser, "weights, noise, data order")
    for name, meaning in RUN.items():
        parser.add_argument(name, **meaning)
    options.add_machine(parser, strategies)
    parser.add_argument("--options", action="store_true", help="list the recipe's hyperparameters and stop")
    return parser
