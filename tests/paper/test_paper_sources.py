"""The paper's sources name what is generated, all of it and nothing else, and type no result."""

import re
from pathlib import Path

import pytest

from experiment.published import PUBLISHED_ERRORS
from experiment.reporting.contents import SENTENCES, TABLES
from experiment.reporting.figures import FIGURES
from experiment.reporting.parameters import parameter_leaves
from experiment.reporting.values import FACTS

ROOT = Path(__file__).parents[2]
REPORTING = ROOT / "src/experiment/reporting"


def text_of(name: str) -> str:
    """A source without its comments."""
    return re.sub(r"(?<!\\)%.*", "", (ROOT / "paper" / name).read_text())


def paper() -> str:
    return "\n".join(text_of(file.name) for file in sorted((ROOT / "paper").glob("*.tex")))


def arguments(command: str, text: str) -> set[str]:
    return set(re.findall(rf"\\{command}(?:\[[^]]*\])*\{{([^}}#]+)\}}", text))


def cited(text: str) -> set[str]:
    lists = re.findall(r"\\cite[a-z]*(?:\[[^]]*\])*\{{1,2}([\w,\s]+)\}", text)
    return {key.strip() for entry in lists for key in entry.split(",")}


@pytest.mark.parametrize(
    ("command", "generated"),
    [("sentence", set(SENTENCES)), ("(?:long)?resulttable", set(TABLES)), ("fact", set(FACTS))],
)
def test_what_the_paper_names_is_what_is_generated(command, generated):
    assert arguments(command, paper()) == generated


@pytest.mark.parametrize("scale", ["", "scales/gpu", "scales/laptop", "scales/smoke"])
def test_parameters_that_the_paper_names_are_declared(scale):
    declared = {leaf.key for leaf in parameter_leaves(ROOT / scale / "params.yaml")}
    named = arguments("param", paper())
    assert named and named <= declared


def test_figures():
    assert arguments("includegraphics", paper()) == {f"figures/{name}.pdf" for name in FIGURES}


def test_every_figure_and_table_is_referred_to():
    generated = "\n".join(file.read_text() for file in sorted(REPORTING.glob("*.py")))
    labels = arguments("label", paper()) | arguments("label", generated)
    references = {
        key.strip() for entry in re.findall(r"\\[cC]ref\{([^}]+)\}", paper()) for key in entry.split(",")
    }
    assert references <= labels
    assert {label for label in labels if label.startswith(("fig:", "tab:"))} <= references


def test_bibliography_is_cited_and_complete():
    generated = "\n".join(file.read_text() for file in sorted(REPORTING.glob("*.py")))
    keys = re.findall(r"^@\w+\{(\w+),", (ROOT / "paper/references.bib").read_text(), re.MULTILINE)
    assert len(keys) == len(set(keys)) > 20
    citations = cited(paper()) | cited(generated) | {entry.citation for entry in PUBLISHED_ERRORS}
    assert citations == set(keys)


@pytest.mark.parametrize("entry", re.split(r"\n(?=@)", (ROOT / "paper/references.bib").read_text().strip()))
def test_bibliography_entries_say_who_what_where_and_when(entry):
    fields = set(re.findall(r"^\s*(\w+)\s*=", entry, re.MULTILINE))
    assert {"author", "title", "year"} <= fields
    assert fields & {"booktitle", "journal", "institution", "publisher", "howpublished"}


def result_prose() -> str:
    """All text that may state a result: the abstract, the results, the discussion up to the deviations, what was published."""
    abstract = re.search(r"\\begin\{abstract\}(.*?)\\end\{abstract\}", text_of("paper.tex"), re.DOTALL)[1]
    discussion = text_of("discussion.tex")
    before = discussion[: discussion.index(r"\section{Deviations from the originals}")]
    return abstract + text_of("training.tex") + whole("results.tex") + before + text_of("published.tex")


def whole(name: str) -> str:
    """A source with those that it inputs."""
    return re.sub(r"\\input\{(\w+)\}", lambda found: whole(f"{found[1]}.tex"), text_of(name))


def test_no_result_is_typed():
    named = r"\\(?:label|[cC]ref|cite\w*|includegraphics|(?:long)?resulttable|sentence|fact|param)(?:\[[^]]*\])*\{[^}]*\}"
    prose = re.sub(named, "", result_prose()).replace("SHA-256", "").replace("CIFAR-10", "")
    assert re.findall(r"[^\n]*\d[^\n]*", prose) == []


def test_no_date_is_typeset():
    assert "\\today" not in paper()
    assert "\\date{}" in paper()
