"""The judged claims: how many have which verdict, what is decided, the generalisation gaps, and a table of all."""

from collections import Counter
from itertools import groupby
from math import floor, log10
from statistics import fmean
from typing import Any

from experiment.claims.declared import FLATTER, STATE_NAMES, WIDER
from experiment.claims.verdicts import (
    CONTRADICTED,
    INCONCLUSIVE,
    ONE_OBSERVATION,
    SUPPORTED,
    UNJUDGED,
    VERDICTS,
)
from experiment.evidence import CLAIMS
from experiment.reporting.latex import (
    ABSENT,
    enumeration,
    error_decimals,
    escape,
    fixed,
    measured,
    significant,
    typewriter,
)
from experiment.reporting.results import Results
from experiment.reporting.wording import capital, count, count_noun, paragraph
from experiment.storage import read_json

REVISED = r"\textsuperscript{\textdagger}"  # beside a quantity that was chosen or changed after data on it had been seen
SIGNS = {1: r"\ensuremath{+}", -1: r"\ensuremath{-}", 0: r"\textpm{}"}
SIDES_IN_SHORT = {1: "for", -1: "against", 0: "neither", None: ABSENT}
DECIDED = (SUPPORTED, CONTRADICTED)
ABLATION = "measure_ablation"  # the stage that makes its evidence
LEFT_ALONE = "by measures that rescaling leaves alone"
GAP = "less_overfitting"  # the claim on the generalisation gap

Entry = dict[str, Any]  # of claims.json


def entries() -> list[Entry]:
    return read_json(CLAIMS)["claims"]


def side(entry: Entry) -> int | None:
    """1 where the interval lies on the claimed side of 0, -1 on the other, 0 where it holds 0; None: no interval.

    Of a two-sided claim both sides are the claimed one.
    """
    low, high = entry["low"], entry["high"]
    if not (measured(low) and measured(high)):
        return None
    if low <= 0 <= high:
        return 0
    sign = 1 if low > 0 else -1
    return 1 if entry["expected_sign"] in (0, sign) else -1


def verdict_count(results: Results) -> str:
    """`Of 35 judgements, 3 are supported and 32 are inconclusive. Of the single observations, ...`"""
    text = f"Of {len(entries())} judgements, {counts()}.{why_inconclusive()}"
    single = [e for e in entries() if e["verdict"] == ONE_OBSERVATION]
    if not single:
        return text
    sides = Counter(map(side, single))
    return (
        f"{text} Of the single observations, {sides[1]} {'lies' if sides[1] == 1 else 'lie'} on the claimed side of zero with "
        f"{'its' if sides[1] == 1 else 'their'} whole interval, {sides[-1]} on the other, {sides[0]} "
        f"{'contains' if sides[0] == 1 else 'contain'} zero and {sides[None]} {'has' if sides[None] == 1 else 'have'} no "
        f"interval{why_none(single)}. {by_values(single)}"
    )


def why_inconclusive() -> str:
    """` Why inconclusive: the interval contains 0 (5); ... (1).`; nothing where none is."""
    reasons = Counter(entry["reason"] for entry in entries() if entry["verdict"] == INCONCLUSIVE)
    listed = "; ".join(f"{reason} ({number})" for reason, number in reasons.most_common())
    return f" Why inconclusive: {listed}." if reasons else ""


def within_pairs(results: Results) -> str:
    """Which verdicts would differ if sides were exchanged within pairs; nothing where no pairs have a p."""
    tested = [entry for entry in entries() if measured(entry["p_paired"])]
    if not tested:
        return ""
    others: dict[str, list[str]] = {}
    for entry in entries():
        if entry["verdict_paired"] != entry["verdict"]:
            others.setdefault(entry["verdict_paired"], []).append(typewriter(entry["id"]))
    changed = [f"{enumeration(names)} would be {verdict}" for verdict, names in others.items()]
    start = "Were sides exchanged within pairs instead, a test that was not declared,"
    return f"{start} {enumeration(changed) if changed else 'no verdict would differ'}."


def by_values(found: list[Entry]) -> str:
    """On which side of zero the estimates lie, whatever their intervals."""
    signs = Counter(side_of_value(entry) for entry in found if measured(entry["estimate"]))
    return (
        f"By their values alone {signs[1]} {'lies' if signs[1] == 1 else 'lie'} on the claimed side, {signs[-1]} on the other and "
        f"{signs[0]} at zero."
    )


def side_of_value(entry: Entry) -> int:
    """1 where the estimate has the claimed sign, -1 where it has the other one, 0 at zero."""
    sign = (entry["estimate"] > 0) - (entry["estimate"] < 0)
    return sign * entry["expected_sign"] if entry["expected_sign"] else abs(sign)


def emphasised(claim: str) -> str:
    return rf"\emph{{{escape(claim)}}}"


def why_none(found: list[Entry]) -> str:
    """` (22: nothing is drawn more than once; 7: ...)`, by reason how many have no interval."""
    reasons = Counter(entry["reason"] for entry in found if side(entry) is None)
    return (
        f" ({'; '.join(f'{number}: {reason}' for reason, number in reasons.most_common())})"
        if reasons
        else ""
    )


def counts() -> str:
    """`3 are supported and 32 are inconclusive`."""
    found = Counter(entry["verdict"] for entry in entries())
    return enumeration([f"{found[v]} {said(v, found[v])}" for v in VERDICTS if found[v]])


def decided(results: Results) -> str:
    """An item for each judgement that is supported or contradicted, and how many of them were revised after data."""
    items = [decided_item(e) for verdict in DECIDED for e in entries() if e["verdict"] == verdict]
    listed = [r"\begin{itemize}\setlength{\itemsep}{\parskip}", *items, r"\end{itemize}"] if items else []
    return "\n".join([*listed, hindsight(results)])


def decided_item(entry: Entry) -> str:
    """`Supported: claim (identifier), quantity; comparison: -1.7 [-1.8, -1.6] nats over seeds; a mean over ...`"""
    return (
        f"\\item \\emph{{{capital(entry['verdict'])}}}: {name(entry)} ({typewriter(entry['id'])}), {subject(entry)}: "
        f"{estimate(entry)} over {entry['interval_covers']}{spread_over_strata(entry)}{caveat(entry, '. Mind that ')}."
    )


def caveat(entry: Entry, before: str) -> str:
    """What else than the shortcut may have decided a contradiction, after `before`; nothing of other verdicts."""
    said = entry["caveat"] and entry["verdict"] == CONTRADICTED
    return before + escape(entry["caveat"]) if said else ""


def spread_over_strata(entry: Entry) -> str:
    """What the estimate is a mean over, the range of what it averages, and where the sign is the other one."""
    effects = entry["by_stratum"]
    if len(effects) < 2:
        return ""
    low, high = (significant(pick(effects.values()), 2) for pick in (min, max))
    text = f"; a mean over {count(len(effects))} {entry['strata']} of effects from {low} to {high}"
    return text + opposite(entry)


def against_mean(entry: Entry) -> str:
    """`in the mean over five depths, with the opposite sign at depth 8`; nothing where what is averaged has one sign."""
    exceptions = opposite(entry)
    return (
        f"in the mean over {count(len(entry['by_stratum']))} {entry['strata']}{exceptions}"
        if exceptions
        else ""
    )


def opposite(entry: Entry) -> str:
    """`, with the opposite sign at depth 8 and depth 20`; nothing where what is averaged has one sign."""
    effects = entry["by_stratum"]
    found = [escape(stratum) for stratum, effect in effects.items() if effect * (entry["estimate"] or 0) < 0]
    return f", with the opposite sign at {enumeration(found)}" if found else ""


def decided_with_hindsight() -> list[bool]:
    """Of each decided judgement, whether it was chosen or changed after data had been seen."""
    return [entry["revised"] for entry in entries() if entry["verdict"] in DECIDED]


def hindsight(results: Results) -> str:
    """Whether anything is decided, and whether what is was fixed before data were seen: those of the laptop scale.

    There what was chosen afterwards is no prediction; other scales have runs of their own.
    """
    found = decided_with_hindsight()
    revised, same_runs = sum(found), results.scale == "laptop"
    data = "data" if same_runs else "the laptop scale's data"
    be = "is" if revised == 1 or all(found) else "are"
    after = f"{be} no prediction" if same_runs else f"{be} judged here on other runs"
    if not found:
        return "None is supported or contradicted."
    if all(found):
        return (
            f"No judgement that was fixed before {data} were seen is decided: what is supported or contradicted was chosen "
            f"or changed afterwards and {after}."
        )
    if not any(found):
        return f"All that is supported or contradicted was fixed before {data} were seen."
    return (
        f"Of the decided judgements, {count(revised)} {'was' if revised == 1 else 'were'} chosen or changed after {data} had "
        f"been seen and {after}."
    )


def unjudged(results: Results) -> str:
    """Which judgements cannot be made, and why; nothing where all can."""
    missing: dict[str, list[str]] = {}
    for entry in entries():
        if entry["verdict"] == UNJUDGED:
            missing.setdefault(entry["reason"], []).append(typewriter(entry["id"]))
    return paragraph(
        [
            f"Of {enumeration(found)} there is no estimate ({escape(reason)})."
            for reason, found in missing.items()
        ]
    )


def ablation_answer(results: Results) -> str:
    """`Of the claims judged on these networks (Table 3), one is supported (claim) and two are inconclusive (claim; claim).`"""
    found = [entry for entry in entries() if entry["stage"] == ABLATION]
    groups = {verdict: [name(e) for e in found if e["verdict"] == verdict] for verdict in VERDICTS}
    texts = [
        f"{count(len(names))} {said(verdict, len(names))} ({'; '.join(names)})"
        for verdict, names in groups.items()
        if names
    ]
    return (
        f"Of the claims judged on these networks (\\cref{{tab:claims}}), {enumeration(texts)}."
        if texts
        else ""
    )


def gaps(results: Results) -> str:
    """The generalisation gaps of every pair of networks, means over seeds."""
    found = next(entry for entry in entries() if entry["id"] == GAP)["observations"]
    if not found:
        return "No generalisation gap was measured in both networks of a pair."
    pairs = dict.fromkeys(observation["of"] for observation in found)
    clauses = [f"{gap(found, pair)} ({typewriter(pair)})" for pair in pairs]
    several = len({observation["seed"] for observation in found}) > 1
    return (
        f"The generalisation gap, residual against plain{', means over seeds' if several else ''}, is "
        f"{enumeration(clauses)}."
    )


def gap(found: list[dict[str, Any]], pair: str) -> str:
    """`0.102 against 0.093 nats`."""
    sides = (fmean(o[side] for o in found if o["of"] == pair) for side in ("first", "second"))
    return f"{' against '.join(map(significant, sides))} nats"


def name(entry: Entry) -> str:
    """The claim's words, marked where it was revised."""
    return f"{escape(entry['claim'])}{REVISED if entry['revised'] else ''}"


def said(verdict: str, number: int) -> str:
    """The verdict on `number` judgements as a predicate."""
    if verdict == UNJUDGED:
        return verdict
    if verdict == ONE_OBSERVATION:
        return "is a single observation" if number == 1 else "are single observations"
    return f"{'is' if number == 1 else 'are'} {verdict}"


def rule(results: Results) -> str:
    """The rule of the verdicts in words."""
    declared = results.parameters["claims"]
    return (
        f"A claim is \\emph{{supported}} where the {100 * declared['confidence']:g}\\,\\% bootstrap interval lies wholly on "
        f"the claimed side of zero and the permutation test's $p$, corrected by Holm's method over all judgements that have one, is below "
        f"{declared['significance']:g}; \\emph{{contradicted}} where both hold for the other side; else \\emph{{inconclusive}}. "
        "Where all observations are of one seed it is \\emph{one observation}, whatever the interval over directions says; where there "
        f"are more, and some network, depth or weight decay has fewer than {declared['least_seeds']}, it is inconclusive, whatever "
        f"interval and $p$ are. Without an estimate it \\emph{{cannot be judged}}.{two_sided()}"
    )


def two_sided() -> str:
    """What the verdict on an effect of either sign can be; nothing where none is judged."""
    number = sum(entry["expected_sign"] == 0 for entry in entries())
    if not number:
        return ""
    return (
        f" {capital(count_noun(number, 'judgement'))} of an effect of either sign (\\textpm{{}} in \\cref{{tab:claims}}) can "
        "be supported and cannot be contradicted, since both sides are the claimed one."
    )


def subject(entry: Entry) -> str:
    """Quantity and comparison."""
    return escape(f"{entry['quantity']}; {entry['comparison']}")


def estimate(entry: Entry) -> str:
    """Value and interval, with the unit where there is one, and for a correlation the number of its points."""
    points = rf"(\ensuremath{{n={entry['n']}}})" if entry["correlation"] else ""
    parts = (value(entry), interval(entry), escape(entry["unit"]), points)
    return " ".join(part for part in parts if part)


def value(entry: Entry) -> str:
    """The estimate with two figures, or as many as the width of its interval leaves to it, one at least."""
    return _rounded(entry["estimate"], entry)


def interval(entry: Entry) -> str:
    """`[-0.020, 0.0001]`: the ends, rounded as the estimate is; nothing where there is none."""
    if not measured(entry["low"]):
        return ""
    return f"[{_rounded(entry['low'], entry)}, {_rounded(entry['high'], entry)}]"


def _rounded(number: float | None, entry: Entry) -> str:
    """What is not 0 never prints as 0, so that an interval is seen to exclude it."""
    low, high = entry["low"], entry["high"]
    if number and measured(low) and high > low:
        finest = error_decimals(high - low) + 2
        needed = 1 - floor(log10(abs(number)))
        if needed > finest:
            return fixed(number, finest) if round(number, finest) else significant(number, 1)
    return significant(number, 2)


def probability(p: float | None) -> str:
    """Three decimals; `< 0.001` below."""
    if not measured(p):
        return ABSENT
    return r"\ensuremath{<} 0.001" if p < 0.001 else f"{p:.3f}"


def claims_table(results: Results) -> str:
    """Every judgement in a row below its claim, as a longtable."""
    heads = ["Judgement", "Sign", "$n$", "Estimate", "Interval", "$p$", "Holm", "Side", "Verdict"]
    wrapped = r">{{\raggedright\arraybackslash}}p{{{}\linewidth}}"
    columns = rf"@{{}}{wrapped.format(0.352)}ccrlrrl{wrapped.format(0.095)}@{{}}"
    head = rf"\toprule {' & '.join(heads)} \\ \midrule"
    rows = [
        line
        for _, found in groupby(entries(), lambda entry: entry["claim"])
        for line in claim_rows(list(found), len(heads))
    ]
    caption = (
        r"\caption{Every judgement, below its claim and the claim's source, which makes it or from whose argument it follows. "
        r"Each begins with its identifier in \texttt{results/claims.json} and \cref{fig:claims}. Relative: the difference "
        r"$2(a-b)/(|a|+|b|)$. Sign: that which the claim gives the estimate, \textpm{} where it speaks of an effect of either "
        r"sign. $n$: on how much the estimate rests (pairs, runs or networks), in parentheses how much is missing. Shares are "
        r"of one, powers of ten of the ratio. Estimates over several pairs of networks, depths or weight decays are means, and "
        r"those whose own estimate has the opposite sign are named. A difference of 0 without an interval: all values are the same, at "
        r"the bound of what is resolved. Intervals over seeds, directions or networks, $p$ over runs, networks or strengths of the shortcut. Side: where the "
        rf"whole interval lies. {REVISED}: chosen or changed after data had been seen. An em dash: cannot be "
        r"had.}\label{tab:claims} \\"
    )
    body = [caption, head + r" \endfirsthead", head + r" \endhead", r"\bottomrule \endfoot", *rows]
    table = [rf"\begin{{longtable}}{{{columns}}}", *body, r"\end{longtable}"]
    return "\n".join([r"{\setlength{\tabcolsep}{3pt}", *table, "}"]) + "\n"


def claim_rows(found: list[Entry], columns: int) -> list[str]:
    """The claim with its source and where it is shown, on the same page as the first of its judgements."""
    source = found[0]["source"]
    cited = rf"\citep{{{source}}}" if source else "(ours)"
    shown = enumeration([rf"\cref{{{label}}}" for label in dict.fromkeys(entry["shown"] for entry in found)])
    claim = rf"\emph{{{escape(capital(found[0]['claim']))}}} {cited}, {shown}"
    head = rf"\multicolumn{{{columns}}}{{@{{}}p{{0.95\linewidth}}@{{}}}}{{{claim}}} \\*"
    return [head, *(" & ".join(row(entry)) + r" \\" for entry in found), r"\addlinespace"]


def row(entry: Entry) -> list[str]:
    unit = f" ({escape(entry['unit'])})" if entry["unit"] else ""
    missing = f" ({len(entry['missing'])})" if entry["missing"] else ""
    return [
        f"{typewriter(entry['id'])}{REVISED if entry['revised'] else ''}: {subject(entry)}{unit}{opposite(entry)}",
        SIGNS[entry["expected_sign"]],
        f"{entry['n']}{missing}" if entry["n"] else ABSENT,
        value(entry),
        interval(entry) or ABSENT,
        probability(entry["p"]),
        probability(entry["p_corrected"]),
        SIDES_IN_SHORT[side(entry)],
        entry["verdict"],
    ]


def judged_claims_summary(results: Results) -> str:
    """For the abstract: how many claims were judged, and what is decided."""
    found = entries()
    return (
        f"We judge {len({entry['claim'] for entry in found})} claims by declared statistics in {len(found)} judgements: "
        f"{counts()}. {paragraph([flatness_in_short(), hindsight(results)])}"
    )


def flatness_in_short() -> str:
    """How many judgements of flat minima, by measures that can compare networks, are decided in each comparison.

    Nothing where none is.
    """
    flat = [entry for entry in entries() if entry["claim"] == FLATTER and not entry["raw"]]
    if not any(entry["verdict"] in DECIDED for entry in flat):
        return ""
    parts = [f"{verdict} in {_by_place(flat, verdict)}" for verdict in DECIDED if _of_verdict(flat, verdict)]
    wide = [entry for entry in entries() if entry["claim"] == WIDER]
    number = count(len(_of_verdict(wide, SUPPORTED)))
    wider = (
        f" That they are wider is {SUPPORTED} in {number} of {count_noun(len(wide), 'judgement')}."
        if wide
        else ""
    )
    return f"{capital(LEFT_ALONE)}, that {FLATTER} is {enumeration(parts)}.{wider}"


def _of_verdict(found: list[Entry], verdict: str) -> list[Entry]:
    return [entry for entry in found if entry["verdict"] == verdict]


def _shares(found: list[Entry], verdict: str) -> str:
    """`in three of four judgements at the final weights and none of four at equal training loss by measures that ...`"""
    kinds: dict[bool, list[Entry]] = {}
    for entry in found:
        kinds.setdefault(entry["raw"], []).append(entry)
    words = {
        False: f" {LEFT_ALONE}",
        True: " by measures that rescaling moves, so that they cannot compare networks",
    }
    parts = [
        f"in {_by_place(part, verdict)}{words[raw] if len(kinds) > 1 else ''}" for raw, part in kinds.items()
    ]
    return ", and ".join(parts)


def _by_place(found: list[Entry], verdict: str) -> str:
    """`three of four judgements at the final weights and none of four judgements at equal training loss`"""
    places: dict[str, list[Entry]] = {}
    for entry in found:
        place = next(
            (f" {name}" for state, name in STATE_NAMES.items() if entry["id"].endswith(f"_{state}")), ""
        )
        places.setdefault(place, []).append(entry)
    return enumeration(
        [
            f"{count(len(_of_verdict(part, verdict)))} of {count_noun(len(part), 'judgement')}{place}"
            for place, part in places.items()
        ]
    )


def _in_conclusion(claim: str, verdict: str) -> str:
    """The claim, in how many of its judgements it has the verdict where not in all, exceptions and caveats."""
    found = [entry for entry in entries() if entry["claim"] == claim]
    mine = _of_verdict(found, verdict)
    share = _shares(found, verdict) if len(mine) < len(found) else ""
    exceptions = [
        (f"{typewriter(entry['id'])} " if len(found) > 1 else "") + against_mean(entry)
        for entry in mine
        if against_mean(entry)
    ]
    caveats = [caveat(entry, "but ") for entry in mine]
    notes = "; ".join(filter(None, [share, *exceptions, *caveats]))
    return emphasised(claim) + (f" ({notes})" if notes else "")


def decided_claims() -> list[str]:
    """`Supported: claim, claim and claim.` and the same of what is contradicted, where something is."""
    claims = {v: list(dict.fromkeys(e["claim"] for e in _of_verdict(entries(), v))) for v in DECIDED}
    return [
        f"{capital(verdict)}: {enumeration([_in_conclusion(claim, verdict) for claim in found])}."
        for verdict, found in claims.items()
        if found
    ]


def undecided_sides() -> str:
    """`Undecided, with the whole interval for the claim: a and b; against the claim: c (an interval of no width).`"""
    inconclusive = _of_verdict(entries(), INCONCLUSIVE)
    words = {1: "for the claim:", -1: "against the claim:"}
    parts = [
        f"{claimed} {enumeration(found)}"
        for sign, claimed in words.items()
        if (found := [_undecided(entry) for entry in inconclusive if side(entry) == sign])
    ]
    return f"Undecided, with the whole interval {'; '.join(parts)}." if parts else ""


def _undecided(entry: Entry) -> str:
    """Its identifier, with what makes its side say less."""
    notes = {
        "an effect of either sign": entry["expected_sign"] == 0,
        "an interval of no width": entry["low"] == entry["high"],
    }
    held = [note for note, holds in notes.items() if holds]
    return typewriter(entry["id"]) + (f" ({'; '.join(held)})" if held else "")


def conclusion(results: Results) -> str:
    """How the judgements fell, which claims are supported and contradicted, what is not although its interval lies on one side,
    and whether all that is decided is known with hindsight.
    """
    named = decided_claims()
    hindsight = named and all(decided_with_hindsight())
    return paragraph(
        [
            f"Of {len(entries())} judgements, {counts()}.",
            *named,
            undecided_sides(),
            "All that is decided was chosen or changed after data had been seen." if hindsight else "",
        ]
    )


CLAIMS_SENTENCES = {
    "conclusion_claims": conclusion,
    "claims_summary": judged_claims_summary,
    "claims_rule": rule,
    "claims_count": verdict_count,
    "claims_within_pairs": within_pairs,
    "claims_decided": decided,
    "claims_unjudged": unjudged,
    "claims_gaps": gaps,
    "ablation_answer": ablation_answer,
}
CLAIMS_TABLES = {"claims": claims_table}
