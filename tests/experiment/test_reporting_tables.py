"""Tables of the study: parameters as they stand in params.yaml, published errors by their citations."""

import pytest
from synthetic import write_synthetic_results

from experiment.published import PUBLISHED_ERRORS
from experiment.reporting.parameters import parameter_rows
from experiment.reporting.results import load_results
from experiment.reporting.tables import parameters_table, published_table
from experiment.reporting.values import published_note

PARAMETERS = """networks: [resnet8]  # He; ours
radii: {l2: 0.1, filter: 0.05}  # ours, lowered
sharpness:
  rise: 1.0                       # nats; ours
  radii: {l2: 0.1, filter: 0.05}  # ours, filter lowered
  sigma: 0.2                      # ours
  cuts:
    points_of: 5
"""


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_synthetic_results(tmp_path, ["resnet20", "plain20"], [0])
    return load_results()


def test_an_inline_mapping_is_one_row_with_its_comment(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMETERS)
    rows = {row.key: (row.value, row.comment) for row in parameter_rows(path)}
    assert rows["sharpness.radii"] == ({"l2": 0.1, "filter": 0.05}, "ours, filter lowered")
    assert list(rows) == [
        "networks",
        "radii",
        "sharpness.rise",
        "sharpness.radii",
        "sharpness.sigma",
        "sharpness.cuts.points_of",
    ]


def test_the_table_has_every_value_once_below_its_section(results, tmp_path):
    (tmp_path / "params.yaml").write_text(PARAMETERS)
    table = parameters_table(results)
    study, section = table.split(r"\end{tabular}")[:2]
    assert r"{\bfseries \texttt{study}}" in study and r"\texttt{networks} & resnet8 \emph{(He)} \\" in study
    assert r"{\bfseries \texttt{sharpness}}" in section
    assert r"\texttt{rise} & 1 \emph{(nats)} \\" in section  # that a value is ours goes without saying
    assert r"\texttt{radii} & l2: 0.1, filter: 0.05 \emph{(ours, filter lowered)} \\" in section
    assert r"\texttt{sigma} & 0.2 \\" in section
    assert table.count("filter lowered") == 1


def test_published_errors_are_cited_by_key_alone(results):
    table = published_table(results)
    assert r"\citet{he2016deep}, Table 6 & resnet & 8.75" in table
    assert r"\citet{idelbayev2018proper} & resnet" in table
    assert "citeyear" not in table and "(2016)" not in table
    assert r"\citet{he2016deep}, Table 6: depth 110" in published_note()
    assert all(entry.citation for entry in PUBLISHED_ERRORS)
