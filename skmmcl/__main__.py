"""The commands of ``skmmcl`` and ``python -m skmmcl``: check, compare, report and demo."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from skmmcl.utils._files import user_path

# Slow imports come after the options are read, so that --help answers at once.

COMMANDS = {
    "demo": "cross-validate embeddings, single modalities and concatenation, with a figure",
    "compare": "compare them with intervals and corrected tests; resumes after an interruption",
    "report": "the same as one HTML file, with contributions, confounds and the code",
    "check": "list the content of a folder, missing modalities and problems; nothing is trained",
}
EPILOG = """Without a command, demo runs. Exit codes: 0 done; 1 done, but check found problems or
fits failed; 2 something must be corrected first; 130 interrupted."""


def parse(args: list[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Return the parser and the options that it read."""
    args = list(sys.argv[1:] if args is None else args)
    command = args.pop(0) if args and args[0] in COMMANDS else None
    parser = _make_parser(command or "demo", top=command is None)
    options = parser.parse_args(args)
    options.command = command or "demo"
    if not hasattr(options, "folds"):
        options.folds, options.repeats = 5, 1
    if options.folds < 2 or options.repeats < 1:
        parser.error("--folds must be at least 2 and --repeats at least 1")
    if getattr(options, "folder", None):
        if options.data is not None:
            parser.error("give the folder once, as FOLDER or as --data FOLDER")
        options.data = options.folder
    of_data = options.target, options.id, options.rows, options.groups, options.task != "auto"
    if options.data is None and any(of_data):
        parser.error("--target, --id, --rows, --groups and --task need --data")
    if options.data is None and options.command == "check":
        parser.error("which folder? skmmcl check FOLDER")
    if not all("=" in choice for choice in options.rows or ()):
        parser.error("--rows must be COLUMN=VALUE")
    _check_output(parser, options)
    return parser, options


def _make_parser(command: str, *, top: bool) -> argparse.ArgumentParser:
    name = "skmmcl" if top else f"skmmcl {command}"
    parser = argparse.ArgumentParser(
        name, description=COMMANDS[command].capitalize() + ".", epilog=EPILOG
    )
    if top:
        listed = "; ".join(f"{name}: {text}" for name, text in COMMANDS.items())
        parser.usage = "skmmcl [{" + ",".join(COMMANDS) + "}] [options]"
        parser.description = f"{listed}. 'skmmcl COMMAND --help' lists the options of each."
    if command != "demo":
        parser.add_argument("folder", metavar="FOLDER", nargs="?", help="the same as --data")
    parser.add_argument(
        "--data", metavar="FOLDER", help="folder with <modality>.npy, .npz, .csv or .tsv"
    )
    parser.add_argument("--target", metavar="COLUMN", help="column to predict: classes or numbers")
    parser.add_argument("--id", metavar="COLUMN", help="column of the subjects' identifiers")
    parser.add_argument(
        "--rows", metavar="COLUMN=VALUE", action="append", help="keep these rows, such as session=1"
    )
    parser.add_argument(
        "--groups", metavar="COLUMN", help="families, people or sites that folds keep together"
    )
    parser.add_argument("--task", choices=["auto", "classification", "regression"], default="auto")
    if command != "check":
        _add_fits(parser, command)
    return parser


def _add_fits(parser: argparse.ArgumentParser, command: str) -> None:
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1)
    is_demo = command == "demo"
    parser.add_argument(
        "--n-jobs",
        type=int,
        default=2 if is_demo else None,
        help="processes; -1: one per core" if is_demo else "fits at once; by default, a stack",
    )
    parser.add_argument(
        "--quick", action="store_true", help="train for few epochs, only to see it run"
    )
    outputs = {
        "demo": ("skmmcl_demo.png", "the figure"),
        "compare": (None, "a table of all scores, .csv; by default none"),
        "report": ("skmmcl_report.html", "the report"),
    }
    default, text = outputs[command]
    parser.add_argument(
        "--output", type=user_path, default=default and Path(default), metavar="FILE", help=text
    )
    if is_demo:
        return
    parser.add_argument(
        "--work", type=user_path, default=Path("skmmcl_work"), metavar="FOLDER",
        help="folder of finished fits, from which the same command resumes (default: skmmcl_work)",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace an output that exists")


def _check_output(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    output = getattr(options, "output", None)
    if output is None:
        return
    if not output.parent.is_dir():
        parser.error(f"--output: there is no folder {output.parent}")
    if output.is_dir():
        parser.error(f"--output: {output} is a folder")
    suffix = {"demo": ".png", "compare": ".csv", "report": ".html"}[options.command]
    if not output.suffix:
        options.output = output = output.with_suffix(suffix)
    if options.command == "demo":
        return
    if output.suffix.lower() not in {suffix, suffix[:4]}:  # .htm is .html
        parser.error(f"--output: {output.name} must end with {suffix}")
    if output.exists() and not options.overwrite:
        parser.error(f"--output: {output} exists; name another file, or add --overwrite")


def main(args: list[str] | None = None) -> int:
    """Run a command; errors that the user can correct end with a message and exit code 2."""
    parser, options = parse(args)
    from skmmcl.exceptions import TrainingError

    try:
        return _run(options)
    except KeyboardInterrupt:
        kept = getattr(options, "work", None)
        advice = f" The same command goes on with the fits kept in {kept}." if kept else ""
        print(f"\nInterrupted.{advice}", file=sys.stderr)
        return 130
    except (ValueError, TrainingError, OSError, ImportError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")


def _run(options: argparse.Namespace) -> int:
    if options.command == "check":
        from skmmcl._check import run_check

        return run_check(options)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # small networks lose more by threads than they gain
        if options.command == "demo":
            from skmmcl._job import run

            run(options)
            return 0
        from skmmcl._study import run_study

        return run_study(options)


if __name__ == "__main__":
    sys.exit(main())
