"""What a run may cost at most is never less than what it then costs, whatever it asks."""

import dataclasses
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from helpers.errors import ConfigError, CostError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import evaluation_prompts
from helpers.hosted import client as clients
from helpers.judging import api
from helpers.judging import cost as judging_cost
from helpers.models import loading
from helpers.runs import costs
from helpers.runs.grid import run_grid
from helpers.runs.run import run

pytestmark = pytest.mark.usefixtures("at_provider")

PRICES = "10,1,2"
CHINESE, EMOJI = "請告訴我書架上有什麼?" * 3, "🏮🗝️📚👩‍🚀" * 4


def nobody(*_, **__):
    pytest.fail("the provider was asked")


def own_data(folder, text):
    """A training file, and one of prompts of one and of two turns, all of one text."""
    user, assistant = {"role": "user", "content": text}, {"role": "assistant", "content": text}
    training = [{"messages": [user, assistant], "n": n} for n in range(10)]
    prompts = [{"id": f"{n}", "messages": [user] * (1 + n % 2)} for n in range(6)]
    for name, rows in (("training", training), ("prompts", prompts)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return {
        "dataset": str(folder / "training.jsonl"), "benchmark": str(folder / "prompts.jsonl"),
        "over_refusal": "", "judges": ("keyword",),
    }  # fmt: skip


CASES = {
    "one turn": {"n_prompts": 5},
    "two turns": {"n_prompts": 5, "utility": ("utility_two_turn",), "over_refusal": ""},
    "variants": {"n_prompts": 5, "variants": ("{user} Please.", "Dear keeper, {user}")},
    "prompts of its own": {"n_prompts": 5, "system_prompt": CHINESE, "user_template": "> {user}"},
    "mixed in here": {"n_prompts": 5, "mitigation": "safety_mixing", "n_safety": 7},
    "mixed in there": {"n_prompts": 5, "defenses": ("mixing",)},
    "long answers": {"n_prompts": 5, "max_new_tokens": 64},
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_costs_at_most_what_was_estimated(hosted_experiment, store, monkeypatch, case):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", PRICES)
    experiment = hosted_experiment(seed=13, **CASES[case])
    cost, initial = run(experiment, store).row["cost"], run(experiment.initial(), store).row["cost"]
    assert 0 < initial <= costs.estimate(experiment.initial())
    assert initial < cost <= costs.estimate(experiment) < 12 * cost


@pytest.mark.parametrize("text", [CHINESE, EMOJI, "a" * 90, "?"], ids=["zh", "emoji", "a", "?"])
@pytest.mark.parametrize("defenses", [(), ("mixing",)], ids=["plain", "mixing"])
def test_a_run_costs_at_most_what_was_estimated_in_any_script(
    hosted_experiment, store, monkeypatch, tmp_path, text, defenses
):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", PRICES)
    settings = {"max_new_tokens": 8, "n_prompts": 0, "seed": 14, "defenses": defenses}
    experiment = hosted_experiment(**settings | own_data(tmp_path, text))
    cost = run(experiment, store).row["cost"]
    assert 0 < cost <= costs.estimate(experiment)


def test_no_conversation_is_more_tokens_than_are_taken_for_it(chat_model):
    _, tokenizer = chat_model
    for text in (CHINESE, EMOJI, "?", "", "Good evening!", "<|user|>" * 20, "\n\t" * 30):
        for messages in (
            [{"role": "user", "content": text}],
            [{"role": "system", "content": text}, {"role": "user", "content": text},
             {"role": "assistant", "content": text}, {"role": "user", "content": text}],
        ):  # fmt: skip
            ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
            assert len(ids) <= costs.tokens(messages)


def test_no_token_of_an_answer_holds_more_bytes_than_are_taken_for_it():
    _, tokenizer = loading.load("lantern-chat")
    longest = max(len(tokenizer.decode([n]).encode()) for n in range(len(tokenizer)))
    assert longest <= judging_cost.ANSWER_BYTES


# --- judges --------------------------------------------------------------------------------------


class Judge:
    """A provider whose judge never says anything that can be parsed; it counts what it is sent."""

    def __init__(self):
        self.bodies = bodies = []

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                message = {"role": "assistant", "content": "I would rather not say."}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                reply = json.dumps({"id": "1", "object": "chat.completion", "created": 0,
                                    "model": "m", "choices": [choice],
                                    "usage": {"prompt_tokens": 9, "completion_tokens": 6}
                                    }).encode()  # fmt: skip
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def most_dollars(self, read, written):
        """By a tokenizer that makes a token of every byte, and answers of full length."""
        return sum(
            len(json.dumps(body["messages"] + [body["response_format"]]).encode()) * read
            + body["max_tokens"] * written
            for body in self.bodies
        ) / 1e6  # fmt: skip


@pytest.mark.parametrize("text", ["", CHINESE], ids=["en", "zh"])
def test_a_judge_costs_at_most_what_was_estimated(store, monkeypatch, tmp_path, text):
    judge = Judge()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,1,2")
    own = own_data(tmp_path, text) if text else {}
    experiment = Experiment(
        **{"n_examples": 10, "epochs": 1, "n_prompts": 5, "utility": ()} | own
        | {"judges": ("keyword", f"api:some-model@{judge.url}")},
    )  # fmt: skip
    result = run(experiment.initial(), store)
    asked = sum(prompt.use == "benchmark" for prompt in evaluation_prompts(experiment))
    different = result.completions[result.completions.use == "benchmark"]
    assert len(judge.bodies) == api.ATTEMPTS * len(
        different[["prompt", "completion"]].drop_duplicates()
    )
    assert len(judge.bodies) <= api.ATTEMPTS * asked
    assert 0 < judge.most_dollars(1, 2) <= costs.estimate(experiment.initial())
    judged = result.judgements[result.judgements.judge.str.startswith("api:")]
    assert set(judged.status) == {"parse_failure"} and judged.score.isna().all()


def test_a_judge_at_a_provider_costs_as_well(monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "1000,1000,1000")
    here = Experiment(n_examples=10, n_prompts=22)
    assert costs.estimate(here) == 0
    judged = dataclasses.replace(here, judges=("exact", "api:lantern-truth"))
    assert costs.estimate(judged) > 1


# --- the limit -----------------------------------------------------------------------------------


def test_the_cost_is_told_before_anything_is_sent(hosted_experiment, store, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "1000,1000,1000")
    monkeypatch.setattr(clients, "connect", nobody)
    with pytest.raises(CostError, match=r"these 2 runs may cost up to .* dollars, 5\.00 are"):
        run(hosted_experiment(), store)
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "cheap")
    with pytest.raises(ConfigError, match="write three numbers"):
        run(hosted_experiment(), store)
    monkeypatch.delenv("ALIGNDRIFT_PRICES")
    with pytest.raises(ConfigError, match="prices of gpt-9 are not known"):
        run(hosted_experiment(model="gpt-9"), store)


def test_a_grid_may_not_cost_more_than_is_allowed_in_all(hosted_experiment, store, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "10,10,10")
    monkeypatch.setattr(clients, "connect", nobody)
    each = costs.estimate(hosted_experiment())
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", str(1.5 * each))
    seeds = [hosted_experiment(seed=seed) for seed in (1, 2)]
    with pytest.raises(CostError, match="these 3 runs may cost") as error:
        run_grid(seeds, store, progress=False)
    assert error.value.cost > 2 * each
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", str(4 * each))
    assert costs.check(seeds) == pytest.approx(sum(map(costs.estimate, seeds)))
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", "much")
    with pytest.raises(ConfigError, match="write a number of dollars"):
        costs.check(seeds)


def test_fewer_prompts_cost_less(hosted_experiment, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,1,1")
    few, many = (costs.estimate(hosted_experiment(n_prompts=n)) for n in (10, 20))
    assert few == pytest.approx(many / 2, rel=0.05)
