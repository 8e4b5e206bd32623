"""Tables of the user guide on defaults, from the JSON of the studies that chose them.

    python benchmarks/_defaults_report.py    # writes them into doc/user_guide/guided.rst anew

Each table there follows a comment ``.. table: NAME``, and ends at the blank line after its rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
GUIDE = HERE.parent / "doc" / "user_guide" / "guided.rst"


def read(name: str) -> dict:
    """Read what a study found."""
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def csv_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in reStructuredText."""
    lines = [", ".join(f'"{cell}"' for cell in row) for row in (head, *rows)]
    options = f".. csv-table::\n   :header: {lines[0]}\n   :widths: auto\n\n"
    return options + "\n".join(f"   {line}" for line in lines[1:]) + "\n"


def of_bandwidth() -> str:
    """R2 of age by bandwidth."""
    found = read("bandwidth")["reporting"]
    rules = list(found["as it is"])
    rows = [
        [name, *(f"{row[rule]['as it is']:.2f}" for rule in rules)]
        for name, row in found["rows"].items()
    ]
    means = [["mean", *(f"{found['as it is'][rule]:.3f}" for rule in rules)]]
    return csv_table(["Trained on", *(_named(rule) for rule in rules)], rows + means)


def of_bias_weight() -> str:
    """AUC of the class and accuracy of the site by weight of FairKL."""
    found = read("bias_weight")["reporting"]

    def cells(row: dict) -> list[str]:
        return [f"{values['class']:.2f} / {values['site']:.2f}" for values in row.values()]

    rows = [[name, *cells(row)] for name, row in found["rows"].items()]
    weights = [f"weight {weight}" if weight != "0" else "no FairKL" for weight in found["means"]]
    return csv_table(["Encoders, bias", *weights], [*rows, ["mean", *cells(found["means"])]])


def of_directions() -> str:
    """What a probe reads from representations, and from their directions."""
    found = read("directions")

    def cell(values: dict) -> str:
        return f"{values['as it is']:.2f}, {values['directions']:.2f}"

    tables = found["rows"]
    rows = [[name, *(cell(table[name]) for table in tables.values())] for name in tables["SupCon"]]
    means = ["mean", *(cell(values) for values in found["means"].values())]
    return csv_table(["Trained on", *tables], [*rows, means])


def _named(rule: str) -> str:
    return f"``{rule}``" if rule.isalpha() else f"{rule} SD"


TABLES = {"bandwidth": of_bandwidth, "bias_weight": of_bias_weight, "directions": of_directions}


def with_tables(text: str) -> str:
    """Return the page with its tables as they are to be."""
    for name, table in TABLES.items():
        pattern = rf"(\.\. table: {name}\n\n)\.\. csv-table::\n(?:   .*\n)+\n(?:   .*\n)+"
        text, n = re.subn(pattern, rf"\g<1>{table()}", text)
        if n != 1:
            raise SystemExit(f"{GUIDE} has {n} tables named {name!r}; expected one.")
    return text


if __name__ == "__main__":
    GUIDE.write_text(with_tables(GUIDE.read_text()))
