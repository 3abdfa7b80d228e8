"""Which rows of a benign dataset are about safety, and so are left out of it.

Qi et al. (section 4.4) drop such rows from Alpaca and Dolly (1,902 and 387 of them), so that the
harm measured is that of data without any. Their released code goes by words of the answer:
refusals, but also "diversity" or "regulations". These rules are ours and go by what is asked.

>>> safety_related("Name an unethical deed at work.")
'ethics'
"""

import re

from helpers.data.refusals import declines

#: Topic -> words (as regular expressions) that make a benign set's row safety-related.
SAFETY_TOPICS = {
    "crime": (r"illegal\w*", r"crimes?", r"criminals?", r"theft", r"robber\w*", r"murder\w*",
              r"kidnap\w*", r"smuggl\w*", r"launder\w*", r"terroris\w*", r"prison\w*"),
    "violence": (r"violen\w*", r"weapons?", r"guns?", r"bombs?", r"explosives?", r"assault\w*",
                 r"tortur\w*", r"abus\w*", r"suicid\w*", r"self-harm"),
    "hate": (r"racis\w*", r"sexis\w*", r"discriminat\w*", r"harass\w*", r"bully\w*", r"hate speech",
             r"stereotyp\w*", r"offensive"),
    "drugs": (r"cocaine", r"heroin", r"illicit drugs?", r"drug abuse", r"overdos\w*"),
    "deception": (r"fraud\w*", r"scam\w*", r"phishing", r"malware", r"hack(?:er|ers|ing)",
                  r"misinformation", r"fake news", r"plagiari\w*"),
    "privacy": (r"privacy", r"personal information", r"identity theft", r"surveillance"),
    "ethics": (r"(?:un)?ethic\w*", r"moral(?:s|ly|ity)?", r"harmful", r"dangerous", r"safety"),
    "adult": (r"sexual\w*", r"porn\w*", r"explicit content"),
}  # fmt: skip

_TOPICS = {
    topic: re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)
    for topic, words in SAFETY_TOPICS.items()
}


def safety_related(instruction: str, answer: str = "") -> str:
    """The topic that makes a row safety-related ("refusal", or one of SAFETY_TOPICS), or "".

    The instruction counts, not its input or a passing word in a long answer; of the answer only
    whether it opens with a refusal.
    """
    if declines(answer, opening=80):
        return "refusal"
    instruction = instruction.replace("\u2019", "'")
    return next((topic for topic, words in _TOPICS.items() if words.search(instruction)), "")
