"""The paper's sentences and tables, by the names that paper/*.tex uses."""

from experiment.reporting.ablation import ABLATION_SENTENCES, ABLATION_TABLES
from experiment.reporting.claims import CLAIMS_SENTENCES, CLAIMS_TABLES
from experiment.reporting.convexity_sentences import CONVEXITY_SENTENCES
from experiment.reporting.curvature import CURVATURE_SENTENCES, CURVATURE_TABLES
from experiment.reporting.deviations import DEVIATIONS_SENTENCES
from experiment.reporting.gradients import GRADIENTS_SENTENCES, GRADIENTS_TABLES
from experiment.reporting.landscape_sentences import LANDSCAPE_SENTENCES
from experiment.reporting.landscape_tables import (
    cuts_table,
    matched_table,
    provenance_table,
    roughness_table,
    trajectory_table,
)
from experiment.reporting.measurement_sentences import MEASUREMENT_SENTENCES
from experiment.reporting.plane_roughness import PLANE_ROUGHNESS_SENTENCES, PLANE_ROUGHNESS_TABLES
from experiment.reporting.rises import RISES_SENTENCES
from experiment.reporting.robustness import ROBUSTNESS_SENTENCES, ROBUSTNESS_TABLES
from experiment.reporting.sentences import STUDY_SENTENCES
from experiment.reporting.sharpness import SHARPNESS_SENTENCES, SHARPNESS_TABLES
from experiment.reporting.tables import dataset_table, parameters_table, published_table, training_table
from experiment.reporting.times import TIMES_SENTENCES
from experiment.reporting.trials import TRIALS_SENTENCES, TRIALS_TABLES

SENTENCES = (
    STUDY_SENTENCES
    | LANDSCAPE_SENTENCES
    | RISES_SENTENCES
    | MEASUREMENT_SENTENCES
    | PLANE_ROUGHNESS_SENTENCES
    | CURVATURE_SENTENCES
    | CONVEXITY_SENTENCES
    | SHARPNESS_SENTENCES
    | GRADIENTS_SENTENCES
    | ROBUSTNESS_SENTENCES
    | ABLATION_SENTENCES
    | TRIALS_SENTENCES
    | CLAIMS_SENTENCES
    | DEVIATIONS_SENTENCES
    | TIMES_SENTENCES
)
TABLES = (
    {
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
    | PLANE_ROUGHNESS_TABLES
    | CURVATURE_TABLES
    | SHARPNESS_TABLES
    | GRADIENTS_TABLES
    | ROBUSTNESS_TABLES
    | ABLATION_TABLES
    | TRIALS_TABLES
    | CLAIMS_TABLES
)
