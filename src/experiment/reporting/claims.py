"""The claims of the source article with their verdicts: a sentence for each, a table, a count."""

from collections import Counter
from typing import Any

from experiment.evidence import CLAIMS
from experiment.reporting.latex import ABSENT, enumeration, escape, measured, significant, typewriter
from experiment.reporting.results import Results
from experiment.reporting.wording import capital, count_noun
from experiment.storage import read_json

SIDES = {1: "on the claimed side", -1: "on the other side", 0: "on neither side"}
SIDES_IN_SHORT = {1: "for", -1: "against", 0: "neither", None: ABSENT}
VERDICT_ORDER = ("supported", "contradicted", "inconclusive", "one observation", "not measured")

Entry = dict[str, Any]  # of claims.json


def entries() -> list[Entry]:
    return read_json(CLAIMS)["claims"]


def side(entry: Entry) -> int | None:
    """1 where the interval lies on the claimed side of 0, -1 on the other, 0 where it holds 0; None: no interval."""
    low, high = entry["low"], entry["high"]
    if not (measured(low) and measured(high)):
        return None
    if low <= 0 <= high:
        return 0
    sign = 1 if low > 0 else -1
    return 1 if entry["expected_sign"] in (0, sign) else -1


def standing(entry: Entry) -> str:
    """The verdict; for one observation with the side of 0 on which it lies."""
    if entry["verdict"] != "one observation":
        return entry["verdict"]
    found = side(entry)
    return f"one observation, {'without an interval' if found is None else SIDES[found]}"


def verdict_count(results: Results) -> str:
    """`Of 35 judgements 3 are supported and 32 inconclusive.`"""
    counts = Counter(entry["verdict"] for entry in entries())
    parts = [
        f"{counts[verdict]} {'is' if counts[verdict] == 1 else 'are'} {plural(verdict, counts[verdict])}"
        for verdict in VERDICT_ORDER
        if counts[verdict]
    ]
    text = f"Of {sum(counts.values())} judgements, {enumeration(parts)}."
    sides = Counter(side(e) for e in entries() if e["verdict"] == "one observation")
    if not sides:
        return text
    return (
        f"{text} Of the single observations, {sides[1]} lie on the claimed side of zero with their whole interval, "
        f"{sides[-1]} on the other, {sides[0]} hold zero and {sides[None]} have no interval, as nothing is drawn "
        "more than once."
    )


def plural(verdict: str, count: int) -> str:
    if verdict != "one observation":
        return verdict
    return "a single observation" if count == 1 else "single observations"


def rule(results: Results) -> str:
    """The rule of the verdicts in words."""
    declared = results.parameters["claims"]
    return (
        f"A claim is \\emph{{supported}} where the {100 * declared['confidence']:g}\\,\\% bootstrap interval lies wholly on "
        f"the claimed side of zero and the permutation test's $p$, corrected by Holm's method over all judgements, is below "
        f"{declared['significance']:g}; \\emph{{contradicted}} where both hold for the other side; else \\emph{{inconclusive}}. "
        f"With one seed it is \\emph{{one observation}} whatever the interval over directions says, and with fewer than "
        f"{declared['least_seeds']} seeds inconclusive."
    )


def sentences(results: Results) -> str:
    """An item for each claim: its judgements, worded by their verdicts, and the stage that measured."""
    claims: dict[str, list[Entry]] = {}
    for entry in entries():
        claims.setdefault(entry["claim"], []).append(entry)
    return "\n".join(f"\\item {claim_sentence(text, found)}" for text, found in claims.items())


def claim_sentence(text: str, found: list[Entry]) -> str:
    clauses = "; ".join(clause(entry) for entry in found)
    shown = enumeration([f"\\cref{{{label}}}" for label in dict.fromkeys(entry["shown"] for entry in found)])
    stages = enumeration([typewriter(stage) for stage in dict.fromkeys(entry["stage"] for entry in found)])
    return f"\\emph{{{escape(capital(text))}}}: {clauses} ({stages}, {shown})."


def clause(entry: Entry) -> str:
    """`largest Hessian eigenvalue -0.40 [-0.61, -0.20], one observation, on the claimed side`."""
    quantity = escape(entry["quantity"])
    if entry["verdict"] == "not measured":
        return f"{quantity} not measured ({escape(entry['reason'])})"
    reason = f" ({escape(entry['reason'])})" if entry["verdict"] == "inconclusive" else ""
    return f"{quantity} {estimate(entry)}, {standing(entry)}{reason}"


def estimate(entry: Entry) -> str:
    return " ".join(part for part in (significant(entry["estimate"], 2), interval(entry)) if part)


def interval(entry: Entry) -> str:
    if not measured(entry["low"]):
        return ""
    return f"[{significant(entry['low'], 2)}, {significant(entry['high'], 2)}]"


def probability(p: float | None) -> str:
    """Three decimals; `< 0.001` below."""
    if not measured(p):
        return ABSENT
    return r"\ensuremath{<} 0.001" if p < 0.001 else f"{p:.3f}"


def claims_table(results: Results) -> str:
    """Every judgement in a row, as a longtable."""
    columns = (
        r"@{}>{\raggedright\arraybackslash}p{0.185\linewidth}>{\raggedright\arraybackslash}p{0.16\linewidth}"
        r"rlrrll@{}"
    )
    head = r"\toprule Claim & Quantity & Estimate & Interval & $p$ & Holm & Side & Verdict \\ \midrule"
    rows, last = [], None
    for entry in entries():
        rows.append(" & ".join(row(entry, repeated=entry["claim"] == last)) + r" \\")
        last = entry["claim"]
    caption = (
        r"\caption{Every judgement. Estimates as \texttt{results/claims.json} says of each: residual minus plain, relative "
        r"differences $2(a-b)/(|a|+|b|)$, or rank correlations. Intervals over seeds and directions, $p$ over seeds. "
        r"Side: where the whole interval lies. An em dash: cannot be had.}\label{tab:claims} \\"
    )
    body = [caption, head + r" \endfirsthead", head + r" \endhead", r"\bottomrule \endfoot", *rows]
    return "\n".join([rf"\begin{{longtable}}{{{columns}}}", *body, r"\end{longtable}"]) + "\n"


def row(entry: Entry, repeated: bool) -> list[str]:
    claim = "" if repeated else escape(capital(entry["claim"]))
    return [
        claim,
        escape(entry["quantity"]),
        significant(entry["estimate"], 2),
        interval(entry) or ABSENT,
        probability(entry["p"]),
        probability(entry["p_corrected"]),
        SIDES_IN_SHORT[side(entry)],
        entry["verdict"],
    ]


def judged_claims_summary(results: Results) -> str:
    """For the abstract: how many claims were judged, from how many seeds."""
    claims = len({entry["claim"] for entry in entries()})
    seeds = count_noun(len(results.study.seeds), "seed")
    return f"We judge {claims} claims by declared statistics from {seeds}. {verdict_count(results)}"


CLAIMS_SENTENCES = {
    "claims_summary": judged_claims_summary,
    "claims_rule": rule,
    "claims_count": verdict_count,
    "claims": sentences,
}
CLAIMS_TABLES = {"claims": claims_table}
