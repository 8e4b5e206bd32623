"""``python -m skmmcl``: cross-validate embeddings, single modalities and concatenation."""

from __future__ import annotations

import argparse
from pathlib import Path

# What takes long to import is imported after the options are read: --help is for the impatient.


def parse(args: list[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Return the parser and what it read."""
    parser = argparse.ArgumentParser("python -m skmmcl", description=__doc__.partition(": ")[2])
    parser.add_argument("--data", metavar="FOLDER", help="with <modality>.npy, .npz, .csv or .tsv")
    parser.add_argument("--target", metavar="COLUMN", help="classes or numbers to predict")
    parser.add_argument("--id", metavar="COLUMN", help="of the subjects' identifiers")
    parser.add_argument(
        "--rows", metavar="COLUMN=VALUE", action="append", help="to take, such as session=1"
    )
    parser.add_argument("--task", choices=["auto", "classification", "regression"], default="auto")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("skmmcl_demo.png"), metavar="FILE")
    parser.add_argument("--n-jobs", type=int, default=2, help="processes; -1: one per core")
    parser.add_argument("--quick", action="store_true", help="few epochs, only to see it run")
    options = parser.parse_args(args)
    if options.folds < 2 or options.repeats < 1:
        parser.error("--folds must be at least 2 and --repeats at least 1")
    of_data = options.target or options.id or options.rows or options.task != "auto"
    if options.data is None and of_data:
        parser.error("--target, --id, --rows and --task need --data")
    if not all("=" in choice for choice in options.rows or ()):
        parser.error("--rows must be COLUMN=VALUE")
    if not options.output.parent.is_dir():
        parser.error(f"--output: there is no folder {options.output.parent}")
    if options.output.is_dir():
        parser.error(f"--output: {options.output} is a folder")
    if not options.output.suffix:
        options.output = options.output.with_suffix(".png")
    return parser, options


def main(args: list[str] | None = None) -> None:
    """Run the job; what the user can mend ends it with a message and exit code 2."""
    parser, options = parse(args)
    from threadpoolctl import threadpool_limits

    from skmmcl._job import run
    from skmmcl.exceptions import TrainingError

    try:
        with threadpool_limits(1):  # small networks lose more to threads than they win
            run(options)
    except (ValueError, TrainingError, OSError, ModuleNotFoundError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
