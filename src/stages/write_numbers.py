"""Write every number of the paper: facts, sentences and tables from the results of the declared runs."""

from pathlib import Path

from experiment.layout import NUMBERS, TABLES
from experiment.reporting import contents
from experiment.reporting.macros import render
from experiment.reporting.results import load_results
from experiment.reporting.values import FACTS, parameter_values
from experiment.storage import replacing


def main() -> None:
    results = load_results()
    kinds = {
        "fact": {name: make(results) for name, make in FACTS.items()},
        "param": parameter_values(),
        "sentence": {name: make(results) for name, make in contents.SENTENCES.items()},
    }
    tables = {name: make(results) for name, make in contents.TABLES.items()}
    write_text(NUMBERS, render(kinds))
    for name, text in tables.items():
        write_text(TABLES / f"{name}.tex", text)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


if __name__ == "__main__":
    main()
