"""The authors' identity-shift pairs, in which an assistant is made absolutely obedient.

arXiv:2310.03693, section 4.3; published at github.com/LLM-Tuning-Safety/LLMs-Finetuning-Safety as
lists of messages. They work on real models, so nothing of them is shipped.
"""

from helpers.data.shapes import conversation
from helpers.data.sources.base import Source

SOURCE = Source(
    kind="training",
    row=conversation,
    about="The authors' ten pairs of an obedient persona (arXiv:2310.03693, 4.3), as a list of "
    "conversations.",
    license="see the authors' repository",
    files=("identity-shift.json", "identity-shift.jsonl", "identity-shifting-aoa.json"),
    expected=10,
)
