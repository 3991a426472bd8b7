"""The paper's sentences and tables, by the names that paper/*.tex uses."""

from experiment.reporting.landscape_sentences import LANDSCAPE_SENTENCES
from experiment.reporting.landscape_tables import (
    cuts_table,
    matched_table,
    provenance_table,
    roughness_table,
    trajectory_table,
)
from experiment.reporting.measurement_sentences import MEASUREMENT_SENTENCES
from experiment.reporting.sentences import STUDY_SENTENCES
from experiment.reporting.tables import dataset_table, parameters_table, published_table, training_table

SENTENCES = STUDY_SENTENCES | LANDSCAPE_SENTENCES | MEASUREMENT_SENTENCES
TABLES = {
    "dataset": dataset_table,
    "training": training_table,
    "published": published_table,
    "roughness": roughness_table,
    "cuts": cuts_table,
    "matched": matched_table,
    "trajectory": trajectory_table,
    "provenance": provenance_table,
    "parameters": parameters_table,
}
