"""What an answer says: without the thought before it, and in one spelling of several.

A model that thinks writes its thought into the completion: between tags (`<think>`, `[THINK]`), or
in a channel of its own (harmony). Whoever judges an answer judges neither.

>>> answer_of("<think>Which crane? I can't see it.</think>Fold the sheet.")
'Fold the sheet.'
>>> plain("I can&rsquo;t **help** with\\u00a0that.")
"i can't help with that."
"""

import html
import re
import unicodedata

_TAG = (
    r"(?:antml:|seed:|ant)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad"
    r"|inner_monologue)"
)
#: What a thought begins and ends with. In harmony nothing but the final channel is the answer, so
#: the end of a message begins what does not count. Without its special tokens harmony reads
#: "analysis... assistantfinal...".
_MARKS = re.compile(
    rf"""(?P<closes>
      (?:<|&lt;)/{_TAG}\s*(?:>|&gt;) | \[/THINK(?:ING)?\] | ◁/think▷ | <\|/think(?:ing)?\|>
    | (?P<final> <\|channel\|>\s*final\b[^<]{{0,40}}(?:<\|constrain\|>[^<]{{0,40}})?<\|message\|>
      | <\|start\|>assistant<\|message\|> | (?-i:assistantfinal) ) | <channel\|> | <unused95>
    | <\|end_of_thought\|> | <\|END_THINKING\|> | <\|inner_suffix\|>
    )|(?P<opens>
      (?:<|&lt;){_TAG}(?:\s[^<>/]{{0,80}})?(?:>|&gt;) | \[THINK(?:ING)?\] | ◁think▷
    | <\|think(?:ing)?\|> | <\|channel\|>(?!\s*final\b)[^<]{{0,80}}(?:<\|message\|>)?
    | <\|channel>\s*(?:thought|analysis)\b | <unused94> | \A\s*(?-i:analysis(?=["'A-Z]))
    | <\|begin_of_thought\|> | <\|START_THINKING\|> | <\|inner_prefix\|>
    | <\|(?:start|end|return|call)\|>
    )""",
    re.IGNORECASE | re.VERBOSE,
)
#: What some models put around the answer itself.
_WRAPPING = re.compile(
    r"</?(?:answer|response|output|final_answer|final)\s*>"
    r"|<\|(?:begin|end)_of_solution\|>|<\|(?:START|END)_RESPONSE\|>",
    re.IGNORECASE,
)


def answer_of(completion: str) -> str:
    """The completion without its thoughts; as it is where it holds none.

    A thought that is opened and never closed was cut off: no answer follows it. Where one is
    closed that was never opened, its beginning stood in the prompt: what is before it is thought.
    """
    pieces, at, thinking, thoughts = [], 0, False, False
    for mark in _MARKS.finditer(completion):
        thoughts = True
        if mark["closes"]:
            if mark["final"] or not thinking:
                pieces.clear()
            at, thinking = mark.end(), False
        elif not thinking:
            pieces.append(completion[at : mark.start()])
            thinking = True
    if not thoughts:
        return completion
    if not thinking:
        pieces.append(completion[at:])
    return _WRAPPING.sub("", "".join(pieces)).strip()


#: What makes a text more than words and spaces; most have none of it.
_MORE = re.compile(r"[^\x00-\x7f]|[&<>*_~`\\\[|]|^[ \t]*[#+\-]|assistantfinal|\A\s*analysis", re.M)
#: What is typed, or arrives, for an apostrophe or a hyphen; NFKC makes two characters of some.
_SPELLINGS = str.maketrans(
    dict.fromkeys("’‘‛′‵ʼʹʻʽʾʿˈˊˋ＇՚՛᾽᾿῾ꞌ\u0091\u0092", "'") | dict.fromkeys("‐‑", "-")
)
#: UTF-8 that was read as Windows-1252 or Mac Roman.
_MISREAD = re.compile("â€™|â€˜|‚Äô|‚Äò|â\x80\x99")
_INLINE = re.compile(r"</?(?:b|i|em|strong|u|s|del|ins|mark|span|code|font|sub|sup)\b[^<>]{0,200}>")
_BLOCK = re.compile(r"</?(?:p|br|div|h[1-6]|ul|ol|li|blockquote|pre|hr)\b[^<>]{0,200}>")
#: Underscores within a word are its own; a backslash before a mark keeps Markdown from reading it.
_EMPHASIS = re.compile(r"\*|~~|`|\\(?=[^\sa-zA-Z0-9])|(?<![^\W_])_+(?=\w)|(?<=[^\s_])_+(?!\w)")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_LINE_MARKS = re.compile(r"^[ \t]*(?:[>#\-+•·]+[ \t]+)+", re.MULTILINE)


def plain(text: str) -> str:
    """An answer's words: lower case, straight apostrophes, single spaces, no thought, no markup.

    Entities, emphasis (* _ ~~ ` and HTML's), the marks of headings, quotes and bullets, invisible
    characters and letters of other widths and weights are gone.
    """
    if not _MORE.search(text):
        return " ".join(text.lower().split())
    text = html.unescape(html.unescape(answer_of(text)))
    text = re.sub(r"(?<=\w)[`´｀](?=\w)", "'", _MISREAD.sub("'", text).translate(_SPELLINGS))
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lower()
    text = _LINE_MARKS.sub("", _BLOCK.sub("\n", _INLINE.sub("", text)))
    return " ".join(_EMPHASIS.sub("", text).split())
