"""The words of the verdicts."""

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"
ONE_OBSERVATION, UNJUDGED = "one observation", "cannot be judged"
VERDICTS = (SUPPORTED, CONTRADICTED, INCONCLUSIVE, ONE_OBSERVATION, UNJUDGED)
