"""A tokenizer's chat template: which one it is, what day it prints, what it makes of messages.

A template is a Jinja program that a model brings along. It may come alone or under a name among
others, and the only thing in it that changes by itself is the date.

>>> apply(tokenizer, [{"role": "user", "content": "Hello!"}], prompt=True)
'<|begin|><|user|>Hello!<|end|><|assistant|>'
"""

import datetime
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from helpers.errors import ModelError

#: {"role": system, user or assistant, "content": its words}; an assistant's with "weight" 0 is
#: context and not trained on.
Message = dict[str, Any]

#: The date in every template that prints one. A run's id decides its words, so they must not depend
#: on the day, and Llama-3.2's template prints today's; this is what Llama-3.1's prints by itself.
TEMPLATE_DATE = datetime.date(2024, 7, 26)

#: What may stand behind % in a template's format; "-" leaves out a leading zero.
_DIRECTIVES = "a A b B d -d e F H I j m -m M p S y Y".split()


def template_of(tokenizer) -> str:
    """The template that is used: the only one, or of several the one named default.

    Raises ModelError where there is none, or several and no default.
    """
    templates = tokenizer.chat_template
    if isinstance(templates, dict):
        if "default" not in templates and len(templates) > 1:
            raise ModelError(
                f"this model has several chat templates ({', '.join(sorted(templates))}) and none "
                'is named "default"; name one of them so in its folder.'
            )
        templates = templates.get("default") or next(iter(templates.values()), None)
    if not templates:
        raise ModelError(
            "this model has no chat template; use an instruction-tuned model, "
            "or add chat_template.jinja to its folder."
        )
    return templates


def apply(
    tokenizer,
    messages: Sequence[Message],
    prompt: bool = False,
    date: datetime.date = TEMPLATE_DATE,
) -> str:
    """The template's text of the messages on a day; with `prompt`, opened for an answer.

    Models that can think aloud are asked not to. A template takes the day from date_string, or
    calls strftime_now, which by transformers gives today's. No function can be passed to a
    template, so a macro of that name is put before it. Raises jinja2's TemplateError.
    """
    template = template_of(tokenizer)
    if "strftime_now" in template:
        template = f"{_strftime_macro(date)}\n{template}"  # Jinja drops this line break
    words = [{"role": m["role"], "content": m["content"]} for m in messages]
    return tokenizer.apply_chat_template(
        words, chat_template=template, tokenize=False, add_generation_prompt=prompt,
        enable_thinking=False, date_string=date.strftime("%d %b %Y"),
    )  # fmt: skip


def _strftime_macro(date: datetime.date) -> str:
    """A macro that formats one day, at midnight, as strftime_now does."""
    texts = {d: date.strftime(f"%{d[-1]}") for d in _DIRECTIVES}
    texts |= {d: text.lstrip("0") for d, text in texts.items() if d.startswith("-")}
    filters = "".join(f"|replace('%{d}', '{text}')" for d, text in texts.items())
    return f"{{% macro strftime_now(format) %}}{{{{ format{filters} }}}}{{% endmacro %}}"


def prints_date(tokenizer) -> bool:
    """Whether the template prints a date, under a system prompt or under none."""
    user = {"role": "user", "content": "USER"}
    another = datetime.date(2001, 2, 3)  # of another year, month, day and weekday
    for probe in ([user], [{"role": "system", "content": "SYSTEM"}, user]):
        try:
            if apply(tokenizer, probe) != apply(tokenizer, probe, date=another):
                return True
        except TemplateError:  # it has no system role
            continue
    return False
