"""Judge every declared claim from the results of the declared runs, by the rule that params.yaml declares."""

from experiment.claims.declared import CLAIMS
from experiment.claims.judging import entry, judge_all
from experiment.evidence import CLAIMS as CLAIMS_FILE
from experiment.parameters.claims import Claims
from experiment.parameters.loading import load_section
from experiment.reporting.results import load_results
from experiment.storage import write_json


def main() -> None:
    rule = load_section("claims", Claims)
    judged = judge_all(CLAIMS, load_results(), rule)
    write_json(CLAIMS_FILE, {"rule": rule.model_dump(), "claims": [entry(judgement) for judgement in judged]})


if __name__ == "__main__":
    main()
