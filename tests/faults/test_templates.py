"""Chat templates, model folders and conversations made to break what reads them."""

import subprocess
import sys
from random import Random

import hostile_folders
import pytest
import templates

from helpers.errors import ModelError
from helpers.models import generate, loading
from helpers.models.chat import IGNORE, encode, fits, render

pytestmark = pytest.mark.faults

HABITS = [name for name in vars(templates) if name.isupper() and not name.startswith("_")]

#: What the words of a turn are made of: letters, white space, marks, Jinja, thoughts, scripts.
PIECES = [
    "The keeper", " ", "\n", "\n\n", "\t", ".", "é", "e\u0301", "日本語", "🙂", "\u200b", "\u00a0",
    "{{ x }}", "{% endfor %}", "{#", "<think>", "</think>", "<|stop|>", "</s>", "<s>", "[INST]",
    "<|im_end|>", "<|assistant|>", "assistant\n\n", "placeholder-0-of-a-turn", "\\n", "\x00", "'",
    '"', "None", "\ufffd", "0", "word " * 50,
]  # fmt: skip


def conversation(rng):
    """Random turns of random words; an answer in five is context."""
    turns = []
    for _ in range(rng.randint(1, 6)):
        role = rng.choices(("user", "assistant", "system"), (5, 5, 1))[0]
        words = "".join(rng.choices(PIECES, k=rng.randint(1, 6)))
        turn = {"role": role, "content": words}
        if role == "assistant" and rng.random() < 0.2:
            turn["weight"] = 0
        turns.append(turn)
    if rng.random() < 0.7:  # most as they ought to be: by turns, an answer last
        for i, turn in enumerate(turns):
            turn["role"] = ("user", "assistant")[i % 2]
    return turns


def holds(tokenizer, messages):
    """Whether a conversation is refused with a reason, or its answers are trained on whole."""
    fit = fits(tokenizer, messages, max_length=10**6)
    if fit.reason:
        return fit.trained == 0
    example = encode(tokenizer, messages, max_length=10**6)
    labels = [label for label in example.labels if label != IGNORE]
    trained, at = tokenizer.decode(labels), 0
    for message in messages:
        words = message["content"].strip()
        if message["role"] == "assistant" and message.get("weight", 1):
            at = trained.find(words, at)
            if at < 0:
                return False
            at += len(words)
    others = sum(len(m["content"]) for m in messages if m["role"] == "assistant")
    marks = 40 * len(messages)  # headers and ends
    return len(trained) <= others + marks and fit.trained == len(labels)


@pytest.mark.parametrize("name", HABITS)
def test_random_conversations_are_trained_on_whole_or_refused(name, tally):
    tokenizer, rng = templates.put(getattr(templates, name)), Random(name)
    tried = [conversation(rng) for _ in range(400)]
    tally("random conversations on templates", len(tried), sum(holds(tokenizer, m) for m in tried))


#: Templates that fail, forget, repeat, never end or reach for Python.
POISON = [
    "{% for m in messages %}", "{{ 1 / 0 }}", "{{ messages[99].content }}", "{{ undefined.thing }}",
    "{% for i in range(10 ** 9) %}x{% endfor %}", "{{ raise_exception('no') }}", "", "{{ '' }}",
    "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}", "{% include 'other' %}",
    "{% import 'os' as os %}{{ os.getcwd() }}", "{{ messages.__class__.__mro__ }}",
    "{{ cycler.__init__.__globals__.os.getcwd() }}", "{{ messages[0].content }}<|stop|>",
    "{% for m in messages %}{{ m.content }}{{ m.content }}<|stop|>{% endfor %}",
    "{% for m in messages | reverse %}{{ m.content }}<|stop|>{% endfor %}",
    "{% for m in messages %}{{ m.content | upper }}<|stop|>{% endfor %}",
    "{% for m in messages %}{{ m.content | length }}<|stop|>{% endfor %}",
    "{% for m in messages %}{{ m.content[:9] }}<|stop|>{% endfor %}",
    "{% for m in messages %}{{ m.role }}<|stop|>{% endfor %}",
    "{% for m in messages %}{{ m['missing'] }}<|stop|>{% endfor %}",
    "{{ messages | tojson }}", "{{ strftime_now(3) }}", "{{ strftime_now() }}",
]  # fmt: skip
PLAIN = [
    {"role": "user", "content": "Who is it?"}, {"role": "assistant", "content": "The old keeper."}
]  # fmt: skip


def test_a_poisoned_template_is_told(tally):
    held = 0
    for template in POISON:
        try:
            tokenizer = templates.put(template)
            fit = fits(tokenizer, PLAIN)
            render(tokenizer, PLAIN[:1], prompt=True)
            held += bool(fit.reason)
        except ModelError as error:
            held += 20 < len(str(error)) < 400 and "\n" not in str(error)
    tally("poisoned chat templates", len(POISON), held)


def spoiled(rng, content: bytes) -> bytes:
    """A file cut off, emptied, with bytes changed, or something else altogether."""
    way = rng.randrange(5)
    if way == 0:
        return content[: rng.randrange(len(content) + 1)]
    if way == 1:
        return b""
    if way == 2:
        return rng.choice([b"[]", b"{}", b"null", b"<html></html>", b"\xff\xfe\x00", b'{"a": NaN}'])
    changed = bytearray(content)
    for _ in range(rng.choice([1, 8, 64])):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
             "generation_config.json", "model.safetensors"],
)  # fmt: skip
def test_a_damaged_folder_loads_or_is_told(name, tmp_path, tally):
    folder = hostile_folders.make(tmp_path / "model", tmp_path / "m", lambda *_: None)
    whole, rng, held = (folder / name).read_bytes(), Random(name), 0
    for _ in range(30):
        (folder / name).write_bytes(spoiled(rng, whole))
        try:
            tokenizer = loading.load_tokenizer(str(folder))
            model, tokenizer = loading.load(str(folder))
            fits(tokenizer, PLAIN)
            generate.ask(model, tokenizer, "Hello!", max_new_tokens=2)
            held += 1
        except ModelError as error:
            held += "\n" not in str(error)
        except Exception as error:  # counted, and named where the test fails
            print(f"{name}: {type(error).__name__}: {error}")
    tally("damaged model folders", 30, held)


#: Loads each folder and asks it something, as a user would who answers every question by yes.
_LOAD = """
import sys
from helpers.errors import ModelError
from helpers.models import generate, loading
for folder in sys.argv[1:]:
    try:
        generate.ask(*loading.load(folder), "Hello!", max_new_tokens=2)
    except ModelError as error:
        print(error)
"""


def test_no_hostile_folder_runs_its_code(tmp_path, tally):
    markers = {spoil: tmp_path / f"ran_{spoil.__name__}" for spoil in hostile_folders.HOSTILE}
    folders = [
        str(hostile_folders.make(tmp_path / spoil.__name__, marker, spoil))
        for spoil, marker in markers.items()
    ]
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, *folders], input="y\n" * 100, capture_output=True, text=True,
        timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    held = sum(not marker.exists() for marker in markers.values())
    tally("model folders with code of their own", len(markers), held)
