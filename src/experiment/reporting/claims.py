"""The claims of the source article with their verdicts: a sentence for each, a table, a count."""

from collections import Counter
from typing import Any

from experiment.evidence import CLAIMS
from experiment.reporting.latex import ABSENT, enumeration, escape, measured, significant, typewriter
from experiment.reporting.results import Results
from experiment.reporting.wording import capital, count, count_noun
from experiment.storage import read_json

SIDES = {1: "on the claimed side", -1: "on the other side", 0: "on neither side"}
REVISED = r"\textsuperscript{\textdagger}"  # beside a quantity that was chosen or changed after data on it had been seen
MOST_NAMED = 4  # claims that are named one by one in the abstract
SIGNS = {1: r"\ensuremath{+}", -1: r"\ensuremath{-}", 0: r"\textpm{}"}
SIDES_IN_SHORT = {1: "for", -1: "against", 0: "neither", None: ABSENT}
VERDICT_ORDER = ("supported", "contradicted", "inconclusive", "one observation", "cannot be judged")

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
    """`Of 35 judgements, 3 are supported and 32 are inconclusive. Of the single observations, ...`"""
    text = f"Of {len(entries())} judgements, {counts()}."
    sides = Counter(side(e) for e in entries() if e["verdict"] == "one observation")
    if not sides:
        return text
    return (
        f"{text} Of the single observations, {sides[1]} lie on the claimed side of zero with their whole interval, "
        f"{sides[-1]} on the other, {sides[0]} contain zero and {sides[None]} have no interval, as nothing is drawn "
        "more than once."
    )


def counts() -> str:
    """`3 are supported and 32 are inconclusive`."""
    found = Counter(entry["verdict"] for entry in entries())
    return enumeration([f"{found[v]} {said(v, found[v])}" for v in VERDICT_ORDER if found[v]])


def decided(results: Results) -> str:
    """What is supported and what contradicted, by the claims' names; how many of them were revised after data."""
    found = {verdict: [e for e in entries() if e["verdict"] == verdict] for verdict in VERDICT_ORDER[:2]}
    parts = [
        f"{capital(verdict)}: {enumeration([name(entry) for entry in of_verdict])}."
        for verdict, of_verdict in found.items()
        if of_verdict
    ]
    revised = [entry for of_verdict in found.values() for entry in of_verdict if entry["revised"]]
    if not parts:
        return "None is supported or contradicted."
    if revised:
        parts.append(
            f"Of these, {count(len(revised))} {'was' if len(revised) == 1 else 'were'} chosen or changed after data had "
            f"been seen ({REVISED}) and {'is' if len(revised) == 1 else 'are'} no prediction."
        )
    return " ".join(parts)


def name(entry: Entry) -> str:
    """The claim's words, marked where it was revised."""
    return f"{escape(entry['claim'])}{REVISED if entry['revised'] else ''}"


def said(verdict: str, number: int) -> str:
    """The verdict on `number` judgements as a predicate."""
    if verdict == "cannot be judged":
        return verdict
    if verdict == "one observation":
        return "is a single observation" if number == 1 else "are single observations"
    return f"{'is' if number == 1 else 'are'} {verdict}"


def rule(results: Results) -> str:
    """The rule of the verdicts in words."""
    declared = results.parameters["claims"]
    return (
        f"A claim is \\emph{{supported}} where the {100 * declared['confidence']:g}\\,\\% bootstrap interval lies wholly on "
        f"the claimed side of zero and the permutation test's $p$, corrected by Holm's method over all judgements that have one, is below "
        f"{declared['significance']:g}; \\emph{{contradicted}} where both hold for the other side; else \\emph{{inconclusive}}. "
        f"With one seed it is \\emph{{one observation}} whatever the interval over directions says, and with fewer than "
        f"{declared['least_seeds']} seeds inconclusive. Without an estimate it \\emph{{cannot be judged}}."
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
    """`largest Hessian eigenvalue: -0.40 [-0.61, -0.20], one observation, on the claimed side (0 for, 1 missing)`."""
    quantity = escape(entry["quantity"])
    if entry["verdict"] == "cannot be judged":
        return f"{quantity}: {entry['verdict']} ({escape(entry['reason'])})"
    notes = [entry["reason"]] if entry["reason"] not in (None, "one seed") else []
    if entry["missing"]:
        notes.append(
            f"{len(entry['missing'])} of {len(entry['missing']) + len(entry['observations'])} missing"
        )
    return f"{quantity}: {estimate(entry)}, {standing(entry)}{f' ({escape(enumeration(notes))})' if notes else ''}"


def estimate(entry: Entry) -> str:
    """Value and interval, with the unit where there is one."""
    parts = (significant(entry["estimate"], 2), interval(entry), entry["unit"])
    return " ".join(part for part in parts if part)


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
        r"@{}>{\raggedright\arraybackslash}p{0.18\linewidth}>{\raggedright\arraybackslash}p{0.19\linewidth}"
        r"crlrrl>{\raggedright\arraybackslash}p{0.1\linewidth}@{}"
    )
    heads = ["Claim", "Quantity", "Sign", "Estimate", "Interval", "$p$", "Holm", "Side", "Verdict"]
    head = rf"\toprule {' & '.join(heads)} \\ \midrule"
    rows, last = [], None
    for entry in entries():
        rows.append(" & ".join(row(entry, repeated=entry["claim"] == last)) + r" \\")
        last = entry["claim"]
    caption = (
        r"\caption{Every judgement. Estimates as \texttt{results/claims.json} says of each: residual minus plain, relative "
        r"differences $2(a-b)/(|a|+|b|)$, or rank correlations. Sign: that which the claim gives the estimate, \textpm{} "
        r"where it speaks of an effect of either sign. Shares are of one, powers of ten of the ratio. Intervals over seeds, "
        rf"directions or networks, $p$ over seeds. Side: where the whole interval lies. {REVISED}: chosen or changed after "
        r"data had been seen. An em dash: cannot be had.}\label{tab:claims} \\"
    )
    body = [caption, head + r" \endfirsthead", head + r" \endhead", r"\bottomrule \endfoot", *rows]
    table = [rf"\begin{{longtable}}{{{columns}}}", *body, r"\end{longtable}"]
    return "\n".join([r"{\setlength{\tabcolsep}{4pt}", *table, "}"]) + "\n"


def row(entry: Entry, repeated: bool) -> list[str]:
    claim = "" if repeated else escape(capital(entry["claim"]))
    unit = f" ({escape(entry['unit'])})" if entry["unit"] else ""
    return [
        claim,
        f"{escape(entry['quantity'])}{unit}{REVISED if entry['revised'] else ''}",
        SIGNS[entry["expected_sign"]],
        significant(entry["estimate"], 2),
        interval(entry) or ABSENT,
        probability(entry["p"]),
        probability(entry["p_corrected"]),
        SIDES_IN_SHORT[side(entry)],
        entry["verdict"],
    ]


def judged_claims_summary(results: Results) -> str:
    """For the abstract: how many claims were judged, from how many seeds, and what is decided."""
    claims = len({entry["claim"] for entry in entries()})
    by_seeds = Counter(len(entry["seeds"]) for entry in entries() if entry["seeds"])
    seeds = enumeration(
        [f"{number} rest on {count_noun(seeds, 'seed')}" for seeds, number in sorted(by_seeds.items())]
    )
    settled = sum(entry["verdict"] in VERDICT_ORDER[:2] for entry in entries())
    named = f" {decided(results)}" if 0 < settled <= MOST_NAMED else ""
    return (
        f"We judge {claims} claims by declared statistics in {len(entries())} judgements, of which {seeds}: "
        f"{counts()}.{named}"
    )


CLAIMS_SENTENCES = {
    "claims_summary": judged_claims_summary,
    "claims_rule": rule,
    "claims_count": verdict_count,
    "claims_decided": decided,
    "claims": sentences,
}
CLAIMS_TABLES = {"claims": claims_table}
