"""Chat templates of our own, each with one habit of a family of real ones, for small tests.

All are put on lantern-chat's tokenizer, to which their marks are added as tokens.
"""

from transformers import AutoTokenizer

from helpers import paths

_ALTERNATE = (
    "{% for m in turns %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% endfor %}"
)
_SPLIT = (
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}"
    "{% set turns = messages[1:] %}{% else %}{% set turns = messages %}{% endif %}"
)

#: The system prompt in the first request; roles alternate; words are stripped (Llama-2).
FIRST_REQUEST = (
    _SPLIT + _ALTERNATE + "{% for m in turns %}{% if m.role == 'user' %}<s>[INST] "
    "{% if loop.first and system is defined %}<<SYS>>{{ system }}<</SYS>> {% endif %}"
    "{{ m.content.strip() }} [/INST]{% else %} {{ m.content.strip() }} </s>{% endif %}{% endfor %}"
)
#: The system prompt beside the last message if that is a request, else nowhere (Mistral v0.3).
LAST_REQUEST = (
    _SPLIT + _ALTERNATE + "<s>{% for m in turns %}{% if m.role == 'user' %}[INST] "
    "{% if loop.last and system is defined %}{{ system }}\n\n{% endif %}{{ m.content }}[/INST]"
    "{% else %} {{ m.content | trim }}</s>{% endif %}{% endfor %}"
)
#: An empty thought before an answer, in the last turn alone; a thought is taken apart (Qwen3).
EMPTY_THOUGHT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content.split('</think>')[-1].lstrip('\n') }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
#: A thought is opened in the prompt and in no answer (DeepSeek-R1).
OPEN_THOUGHT = (
    "<s>{% for m in messages %}{% if m.role == 'user' %}<|User|>{{ m.content }}"
    "{% elif m.role == 'assistant' %}<|Assistant|>{{ m.content.split('</think>')[-1] }}</s>"
    "{% else %}{{ m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|Assistant|><think>\n{% endif %}"
)
#: Channels, a date, and an end of the last answer that others do not have (gpt-oss).
CHANNELS = (
    "<|start|>system<|message|>Current date: {{ strftime_now('%Y-%m-%d') }}<|stop|>"
    "{% for m in messages %}<|start|>{{ m.role }}"
    "{% if m.role == 'assistant' %}<|channel|>final{% endif %}<|message|>{{ m.content }}"
    "{% if m.role == 'assistant' and loop.last %}<|return|>{% else %}<|stop|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
#: A prompt is opened whether it is asked for or not, and turns end with no eos token (Llama-3).
ALWAYS_OPEN = (
    "<s>{% for m in messages %}<|head|>{{ m.role }}\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{{ '<|head|>assistant\n\n' }}"
)
#: The eos token ends the conversation and not a turn (Phi-3).
EOS_LAST = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|stop|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}"
)
#: What opens the next turn ends an answer (GLM-4).
NEXT_ENDS = (
    "<s>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
#: A space behind the prompt, which a tokenizer would put to the answer's first word.
SPACE_LAST = (
    "{% for m in messages %}{{ m.role.upper() }}: {{ m.content }}"
    "{{ '</s>' if m.role == 'assistant' else ' ' }}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT: {% endif %}"
)
#: No system role, which is told by an exception (Gemma); roles alternate.
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% set turns = messages %}" + _ALTERNATE + "<s>{% for m in messages %}<|head|>"
    "{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<|stop|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|head|>model\n{% endif %}"
)
#: An answer before the first question is left out without a word, as are later system prompts.
SILENT = (
    "{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}<|stop|>"
    "{% elif m.role == 'assistant' and not loop.first %}<|assistant|>{{ m.content }}<|stop|>"
    "{% elif loop.first and m.role == 'system' %}<|system|>{{ m.content }}<|stop|>"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

_MARKS = (
    "<s> </s> <|im_start|> <|im_end|> <|start|> <|stop|> <|channel|> <|message|> <|return|> "
    "<|head|> <|eot_id|> <|User|> <|Assistant|>"
).split()


def put(template: str | dict):
    """lantern-chat's tokenizer with a template and with all marks as tokens; eos is another."""
    tokenizer = AutoTokenizer.from_pretrained(paths.data() / "models" / "lantern-chat")
    tokenizer.add_special_tokens({"eos_token": "<|endoftext|>", "extra_special_tokens": _MARKS})
    tokenizer.chat_template = template
    return tokenizer
