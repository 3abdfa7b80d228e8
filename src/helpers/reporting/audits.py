"""An audit as a person reads it in a terminal, and as a program does.

>>> print(*lines(audit("lantern-chat", "outputs/models/mine")), sep="\\n")
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.auditing.audit import Audit
from helpers.auditing.base import Finding, measure


def whole(audit: Audit) -> dict[str, dict[str, Finding]]:
    """measure -> part -> its finding over all, without those by category."""
    found: dict[str, dict[str, Finding]] = {}
    for one in audit.findings:
        own = found.setdefault(one.measure, {})
        if not one.category:
            own[one.part] = one
    return found


def sentences(audit: Audit) -> dict[str, str]:
    """measure -> what was found, in a sentence; why it was left out, of one that was."""
    said = {name: measure(name).says(found) for name, found in whole(audit).items()}
    return said | {name: f"Left out: {why}." for name, why in audit.left_out.items()}


def lines(audit: Audit) -> Iterator[str]:
    """The table: a sentence a measure, and below it base -> tuned, a line a part."""
    found = whole(audit)
    for name, sentence in sentences(audit).items():
        yield f"{name:18} {sentence}"
        for part, one in found.get(name, {}).items():
            numbers = f"{one.base:7.3f} -> {one.tuned:7.3f}  {interval(one)}"
            yield f"{'':18}   {part:13} {numbers}".rstrip()
    yield audit.verdict


def interval(found: Finding) -> str:
    """The change with its interval and over how many, where it has one."""
    if found.low != found.low:
        return ""
    return f"{found.change:+.2f} [{found.low:+.2f}, {found.high:+.2f}], n = {found.n}"


def gate(audit: Audit, bound: float) -> str:
    """What a bound of somebody's own comes to, whatever the verdict says."""
    above = audit.score.accuses(bound)
    return f"{audit.score.value:.3f} is {'' if above else 'not '}above {bound:g} (--fail-above)."


def summary(audit: Audit, base: str, tuned: str, bound: float | None = None) -> dict[str, Any]:
    """The whole of an audit but its findings, as plain values.

    bound: of the risk score, in place of the verdict's own share, for whether it is accused.
    """
    score = audit.score
    return {
        "base": named(base), "tuned": named(tuned), "verdict": audit.verdict,
        "score": score.value if score else None, "form": score.form if score else None,
        "accused": score.accuses(bound) if score else None, "fail_above": bound,
        "false_alarms": score.alarms if score else None,
        "as_suspicious": score.as_suspicious if score else None,
        "n_honest": score.n_honest if score else None,
        "scores": {name: {"value": value, "as_high": score.as_high[name]}
                   for name, value in (score.scores if score else {}).items()},
        "fresh_honest_accused": {f"{share:g}": list(counts) for share, counts in
                                 (score.fresh if score else {}).items()},
        "caveat": score.caveat if score else None, "adds": score.parts if score else {},
        "left_out": audit.left_out, "says": sentences(audit), "features": audit.features,
    }  # fmt: skip


def named(model: str) -> str:
    """A model as it may be shown: of a folder no more of the path than the project's."""
    return paths.shown(model) if Path(model).exists() else model
