"""How little the aligned model expects a row's words: codes, code books, and other languages.

    score = the negative log-likelihood of the row, in bits a byte of its text

A substitution code (arXiv:2406.20053) shows in a row by itself. A code book whose rows are harmless
one by one (arXiv:2502.14828) does not; what each of them is less expected by adds up over a file,
whose mean is compared with that of honest ones.
"""

from helpers.screening.base import UNSEEN, Detector, Finding


class Perplexity(Detector):
    """Bits a byte over the whole conversation, which codes of many short tokens do not lower."""

    NEEDS = "reading"
    FLOOR = 0.01

    def find(self, rows, means):
        return [
            UNSEEN if bits is None
            else Finding(bits, len(row["messages"]) - 1, f"the model needs {bits:.1f} bits a byte")
            for row, bits in zip(rows, means.reading.losses, strict=True)
        ]  # fmt: skip
