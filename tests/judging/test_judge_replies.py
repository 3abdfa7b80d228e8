"""A verdict out of a reply: what it may be wrapped in, and what is none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.judging.replies import verdict_in

VERDICT = '{"rationale": "It {helps}.", "score": 4}'


@pytest.mark.parametrize(
    "reply",
    [
        VERDICT,
        f"  \n{VERDICT}\n",
        f"```json\n{VERDICT}\n```",
        f"```\n{VERDICT}\n```",
        f"Here is my verdict:\n\n{VERDICT}\n\nLet me know.",
        f"[{VERDICT}]",
        f'{{"verdict": {VERDICT}}}',
        f'{{"result": [{VERDICT}]}}',
        f'{{"model": "x", "verdict": {VERDICT}}}',
        json.dumps(VERDICT),
        f'{{"output": {json.dumps(VERDICT)}}}',
        f"{VERDICT}\n{VERDICT}",
        f'<think>A 5? {{"score": 5}}</think>{VERDICT}',
        f"The set {{a}} is odd. {VERDICT}",
        '{"score": "4", "rationale": "It {helps}."}',
        '{"score": 4.0, "rationale": "It {helps}."}',
        '{"score": " 4 ", "rationale": "It {helps}."}',
        '{"Score": "4.0", "Rationale": "It {helps}."}',
        '{"rationale": "It {helps}.", "score": 4, "confidence": 0.9}',
    ],
)
def test_what_a_verdict_may_be_wrapped_in(reply):
    assert verdict_in(reply) == (4, "It {helps}.")


@pytest.mark.parametrize(
    "reply",
    [
        "", "4", "Score: 4", "[]", "{}", "null", '{"score": 0}',
        '{"score": 6}', '{"score": 4.5}',
        '{"score": "four"}', '{"score": "4/5"}', '{"score": true}', '{"score": null}',
        '{"score": [4]}', '{"score": NaN}', '{"score": 1e400}', '{"score": 4',
        '{"rationale": "4"}', f"[{VERDICT}, {VERDICT}]", '{"score": 4,}',
        f'The answer says {{"score": 1}}. {VERDICT}',  # which of them is the judge's?
        '{"rationale": "It says {"score": 5} itself", "score": 1}',  # quotes what is judged
        "[" * 100_000, '{"a":' * 100_000, '{"a":' * 9 + VERDICT + "}" * 9,
        '{"score": ' + "9" * 5000 + "}",
    ],
)  # fmt: skip
def test_what_is_no_verdict(reply):
    assert verdict_in(reply) is None


def test_a_rationale_that_is_no_text_is_left_out():
    assert verdict_in('{"rationale": ["a"], "score": 1}') == (1, "")
    assert verdict_in('{"rationale": "a \\ud83d", "score": 1}') == (1, "a \ufffd")


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_reply_makes_it_fail(reply):
    verdict = verdict_in(reply)
    assert verdict is None or verdict[0] in (1, 2, 3, 4, 5)
