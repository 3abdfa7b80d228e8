"""The form of a request follows what a service refuses: once a model, at no price."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from helpers.hosted.client import HostedError
from helpers.judging import api, dialect
from helpers.judging.registry import judge_named

#: Parameter (or format) -> what services say of it, in their words.
REFUSALS = {
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    "'max_completion_tokens' instead.",
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model. Only the "
    "default (1) value is supported.",
    "seed": "Extra inputs are not permitted: body.seed",
    "json_schema": "Invalid parameter: 'response_format' of type 'json_schema' is not supported "
    "with this model.",
    "json_object": "This response_format type is unavailable now",
}  # fmt: skip

GOOD = json.dumps({"rationale": "It helps.", "score": 4})


class Service:
    """Refuses what it does not know, and counts what it answered and what it refused."""

    def __init__(self, unknown: tuple[str, ...], replies: tuple[str | None, ...] = (GOOD,)) -> None:
        self.answered: list[dict] = []
        self.refused = 0
        lock, service = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                known = set(body) | {body.get("response_format", {}).get("type")}
                wrong = next((name for name in unknown if name in known), None)
                with lock:
                    if wrong:
                        service.refused += 1
                    else:
                        service.answered.append(body)
                reply = replies[min(len(service.answered), len(replies)) - 1]
                message = {"role": "assistant", "content": reply}
                reason = "stop" if reply else "length"
                content = (
                    {"error": {"message": REFUSALS[wrong], "param": None}} if wrong else
                    {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"],
                     "choices": [{"index": 0, "message": message, "finish_reason": reason}],
                     "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
                )  # fmt: skip
                data = json.dumps(content).encode()
                self.send_response(400 if wrong else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/v1"


@pytest.fixture
def ask(monkeypatch):
    """A function that has a service judge that many answers."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setattr(api, "_dialects", {})

    def judge(service, count, model="some-model"):
        rows = [{"messages": [{"role": "user", "content": f"{n}?"}]} for n in range(count)]
        return judge_named(f"api:{model}@{service.url}").judge_all(rows, ["An answer."] * count)

    return judge


@pytest.mark.parametrize(
    ("unknown", "sent", "not_sent"),
    [
        ((), {"max_tokens": api.MAX_TOKENS, "temperature": 0}, ["max_completion_tokens"]),
        (("max_tokens", "temperature"),
         {"max_completion_tokens": dialect.ROOM * api.MAX_TOKENS, "seed": 0},
         ["max_tokens", "temperature"]),
        (("seed",), {"temperature": 0, "max_tokens": api.MAX_TOKENS}, ["seed"]),
        (("json_schema",), {"response_format": {"type": "json_object"}}, []),
        (("json_schema", "json_object"), {"temperature": 0}, ["response_format"]),
        (tuple(REFUSALS), {"max_completion_tokens": dialect.ROOM * api.MAX_TOKENS},
         ["max_tokens", "temperature", "seed", "response_format"]),
    ],
)  # fmt: skip
def test_what_a_service_does_not_take_is_left_out_for_all_answers(ask, unknown, sent, not_sent):
    service = Service(unknown)
    assert [verdict.score for verdict in ask(service, 9)] == [4] * 9
    assert service.refused == len(unknown)  # learned once, and not for each answer
    assert len(service.answered) == 9
    for body in service.answered:
        assert body.items() >= sent.items() and not set(not_sent) & set(body)
    ask(service, 12)
    assert service.refused == len(unknown) and len(service.answered) == 12


def test_a_thought_that_took_all_the_room_is_paid_for_once_more_with_twice_the_room(ask):
    service = Service(("max_tokens",), (None, GOOD))
    assert [verdict.score for verdict in ask(service, 1)] == [4]
    room = [body["max_completion_tokens"] for body in service.answered]
    assert room == [dialect.ROOM * api.MAX_TOKENS, 2 * dialect.ROOM * api.MAX_TOKENS]
    service = Service(("max_tokens",), (None,))
    assert [verdict.status for verdict in ask(service, 1)] == ["parse_failure"]
    assert len(service.answered) == 2


def test_what_was_learned_is_one_models(ask):
    service = Service(("seed",))
    ask(service, 1), ask(service, 1, model="another")
    assert service.refused == 2


def test_a_refusal_that_names_nothing_to_leave_out_is_told(ask, monkeypatch):
    monkeypatch.setitem(REFUSALS, "messages", "The model is not for chat.")
    with pytest.raises(HostedError, match="refuses the request: The model is not for chat"):
        ask(Service(("messages",)), 3)


def test_a_service_that_refuses_what_it_asked_for_is_not_asked_for_ever(ask, monkeypatch):
    monkeypatch.setitem(REFUSALS, "max_completion_tokens", REFUSALS["max_tokens"])
    service = Service(("max_tokens", "max_completion_tokens"))
    with pytest.raises(HostedError, match="max_completion_tokens"):
        ask(service, 3)
    assert service.refused == 2


@pytest.mark.parametrize(
    ("model", "thinks"),
    [("o3-mini", True), ("gpt-5", True), ("openai/o4-mini", True), ("deepseek-r1", True),
     ("gpt-4o-mini", False), ("mistral-large", False), ("claude-opus-4", False)],
)  # fmt: skip
def test_a_model_that_may_think_is_taken_to_cost_more(model, thinks):
    _, written = api.most_tokens(model, "Why?")
    assert written >= api.ATTEMPTS * dialect.ROOM * api.MAX_TOKENS if thinks else written < 1000
