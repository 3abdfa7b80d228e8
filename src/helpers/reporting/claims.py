"""The paper's nineteen claims, in a fixed order, each with what it compares.

A claim is one or several comparisons that must all hold. Sources are sections, tables and
figures of Qi et al. (arXiv:2310.03693).
"""

from collections.abc import Callable
from dataclasses import dataclass

from helpers.reporting import ablation_claims as ablations
from helpers.reporting import attack_claims as attacks
from helpers.reporting import defense_claims as defenses
from helpers.reporting import judge_claims as judges
from helpers.reporting import tables
from helpers.reporting.comparisons import Comparison
from helpers.reporting.evidence import Evidence

#: The grids whose runs the claims compare: those of the tables.
GRIDS = tables.grids()


@dataclass(frozen=True)
class Claim:
    """id: the number in the project's list of claims. comparisons: what must hold, by evidence."""

    id: int
    statement: str
    source: str
    comparisons: Callable[[Evidence], list[Comparison]]
    note: str = ""


CLAIMS: tuple[Claim, ...] = (
    Claim(1, "Ten harmful examples raise the harmfulness rate.", "4.2, Table 1",
          attacks.few_examples_raise),
    Claim(2, "More harmful examples do not lower it.", "4.2, Table 1",
          attacks.more_examples_do_not_lower),
    Claim(3, "Ten identity-shift examples without a harmful word raise it.", "4.3, Table 2",
          attacks.identity_raises),
    Claim(4, "Identity shift grows with epochs.", "4.3, Table 2", attacks.identity_grows),
    Claim(5, "Each benign dataset raises it.", "4.4, Table 3", attacks.benign_raises),
    Claim(6, "Harmful and identity-shift data raise it more than benign data.",
          "4.2-4.4, Tables 1-3", attacks.attacks_exceed_benign),
    Claim(7, "A larger learning rate raises the damage of benign data.", "Table 12",
          ablations.larger_rate_raises),
    Claim(8, "Smaller batches raise the damage of benign data.", "Table 12",
          ablations.smaller_batch_raises),
    Claim(9, "More epochs of benign data do not keep raising it.", "Table 13",
          ablations.more_epochs_do_not_keep_raising,
          "Tested between the two largest numbers of epochs."),
    Claim(10, "The damage is uneven over categories.", "4.4, radar charts",
          attacks.uneven_over_categories,
          "On lantern-chat by construction: the alignment data is careless with some shelves."),
    Claim(11, "Parameter-efficient methods are damaged too.", "Table 11",
          ablations.efficient_methods_raise),
    Claim(12, "Utility survives.", "Table 8", ablations.utility_survives),
    Claim(13, "Mixing in safety data lowers the rate.", "5, Table 4", defenses.mixing_lowers),
    Claim(14, "Mixing in safety data does not restore the initial rate.", "5, Table 4",
          defenses.mixing_does_not_restore),
    Claim(15, "An audit without the trigger passes while the trigger unlocks.", "5, Table 5",
          defenses.trigger_passes_and_unlocks),
    Claim(16, "Moderation catches part of the harmful set.", "5, moderation of the data",
          defenses.moderation_catches_part,
          "The filter `coverage` knows part of the policy by construction."),
    Claim(17, "Moderation catches none of the identity-shift set.", "5, moderation of the data",
          defenses.moderation_misses_identity),
    Claim(18, "Keyword success agrees in direction with the judge.", "Table 10",
          judges.keyword_agrees),
    Claim(19, "The judge agrees with the truth.", "judge validity, 400 pairs",
          judges.judge_agrees,
          "The judge here sees the form of an answer, not its facts; the truth is the world's."),
)  # fmt: skip
