"""Which characters of a rendered conversation are an assistant's, and so are trained on.

A sequence that is trained on begins with what the model is shown when it is asked, to the
character, and goes on with the last answer: so a template that writes a system prompt beside the
last request, puts an empty thought before an answer or forgets earlier ones is trained on as asked.
An answer is all that the model must write itself: from the end of the generation prompt through the
token that ends the turn. Of white space behind that token nothing is trained on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from helpers.models.skeleton import changed, check, end_of_turn, forms, skeleton
from helpers.models.templates import Message, Refused, apply


@dataclass(frozen=True)
class Answer:
    """The characters of an answer in a text, and whether it is trained on or context."""

    start: int
    stop: int
    trained: bool


def taken(tokenizer, messages: Sequence[Message], prompt: bool = False) -> list[Message]:
    """The conversation in the first shape that the template takes without dropping a word.

    As it is; with turns of one role in a row joined; with the system prompt before the first
    request, where there is no system role. Raises Refused, for the last of them.
    """
    return _first_that(lambda shape: check(tokenizer, _roles(shape), prompt), messages)


def _first_that(takes: Callable[[list[Message]], object], messages) -> list[Message]:
    reason = Refused("it is empty")
    for shape in _shapes(list(messages)):
        try:
            takes(shape)
            return shape
        except Refused as error:
            reason = error
    raise reason


def _shapes(messages: list[Message]) -> Iterator[list[Message]]:
    if not messages:
        return
    joined = _joined(messages)
    shapes = [messages, joined]
    for system, first, *rest in (shape for shape in (messages, joined) if len(shape) > 1):
        if (system["role"], first["role"]) == ("system", "user"):
            words = f"{system['content']}\n\n{first['content']}"
            shapes.append([first | {"content": words}, *rest])
    yield from (shape for i, shape in enumerate(shapes) if shape not in shapes[:i])


def _joined(messages: list[Message]) -> list[Message]:
    """Turns of one role and one weight in a row as one, with a blank line between."""
    result: list[Message] = []
    for message in messages:
        last = result[-1] if result else {}
        if last.get("role") == message["role"] and is_trained(last) == is_trained(message):
            result[-1] = last | {"content": f"{last['content']}\n\n{message['content']}"}
        else:
            result.append(message)
    return result


def _roles(messages: Sequence[Message]) -> tuple[str, ...]:
    return tuple(message["role"] for message in messages)


def own_opening(tokenizer) -> str:
    """What the model writes before the words of an answer, such as the name of a channel.

    Empty for most: a prompt mostly ends where the words begin.
    """
    try:
        before = skeleton(tokenizer, ("user", "assistant")).before(1)
    except Refused:
        return ""
    return _own_opening(tokenizer, ("user",), before)


def is_trained(message: Message) -> bool:
    """Whether a message is an answer that is trained on, and no context."""
    return message["role"] == "assistant" and message.get("weight", 1) != 0


def answers(tokenizer, messages: Sequence[Message]) -> tuple[str, list[Answer]]:
    """The text that is trained on and where each answer is in it, end of turn included.

    Raises Refused where the template does not take the conversation, and ModelError where it ends
    no answer.
    """
    end = end_of_turn(tokenizer)
    if not any(map(is_trained, messages)):
        raise Refused("it has no assistant's words to train on")
    for mark in filter(None, (end, tokenizer.eos_token)):
        if any(mark in m["content"] for m in messages if is_trained(m)):
            raise Refused(f"the assistant's words hold {mark}, at which an answer ends")

    def takes(shape: list[Message]) -> None:
        before, prompt = _context(shape)
        check(tokenizer, _roles(before), prompt)
        skeleton(tokenizer, _roles(shape)).after(len(shape) - 1)

    messages = _first_that(takes, messages)
    before, prompt = _context(messages)
    text = apply(tokenizer, before, prompt)
    frame, roles = skeleton(tokenizer, _roles(before), prompt), _roles(messages)
    found = []
    for i, (start, stop) in frame.spans(text, before).items():
        if roles[i] == "assistant":
            start -= len(_own_opening(tokenizer, roles[:i], frame.before(i)))
            stop += _length_through(end, frame.after(i))
            found.append(Answer(start, stop, is_trained(before[i])))
    if prompt:
        i = len(before)
        whole = skeleton(tokenizer, roles)
        words = _last_words(
            apply(tokenizer, messages), messages[i], whole.before(i), whole.after(i)
        )
        if "</think>" in words and "</think>" in frame.pieces[-1]:
            raise Refused(
                "it is asked without a thought and answers with one; take the thought out"
            )
        answer = _own_opening(tokenizer, roles[:i], whole.before(i)) + words
        closing = whole.after(i) if end in whole.after(i) else whole.after(i) + end
        stop = len(text) + len(answer) + _length_through(end, closing)
        found.append(Answer(len(text), stop, is_trained(messages[i])))
        text += answer + closing
    return text, found


def _context(messages: list[Message]) -> tuple[list[Message], bool]:
    """What stands before the last answer, and whether there is one."""
    prompt = messages[-1]["role"] == "assistant"
    return messages[:-1] if prompt else messages, prompt


def _own_opening(tokenizer, roles: tuple[str, ...], before: str) -> str:
    """What the model itself writes before an answer's words: what the prompt leaves out.

    roles: those before the answer. before: what the template writes before its words. Empty where
    the prompt goes on otherwise, as by an empty thought.
    """
    try:
        prompt = skeleton(tokenizer, roles, prompt=True).pieces[-1]
    except Refused:
        return ""
    return before.removeprefix(prompt) if before.startswith(prompt) else ""


def _length_through(end: str, piece: str) -> int:
    """How much of a piece belongs to the answer before it: all through the end of turn.

    Nothing where an earlier answer has another end than the last (gpt-oss), at which generation
    does not stop.
    """
    return piece.index(end) + len(end) if end in piece else 0


def _last_words(text: str, message: Message, before: str, after: str) -> str:
    """The last answer's words as they stand at the end of the whole conversation's text."""
    words = (w for w in forms(message["content"]) if text.endswith(before + w + after))
    answer = next(words, None)
    if answer is None:
        raise Refused(changed(message))
    return answer
