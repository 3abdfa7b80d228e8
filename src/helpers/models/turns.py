"""Which characters of a rendered conversation are an assistant's, and so are trained on.

A sequence that is trained on begins with what the model is shown when it is asked, to the
character, and goes on with the last answer: so a template that writes a system prompt beside the
last request, opens a thought before an answer or forgets earlier ones is trained on as it is asked.
An answer is all that the model must write itself: from the end of the generation prompt through the
token that ends the turn. Of white space behind that token nothing is trained on.
"""

from collections.abc import Callable, Iterator, Sequence

from jinja2 import TemplateError

from helpers.models.skeleton import Refused, changed, check, end_of_turn, forms, skeleton
from helpers.models.templates import Message, apply


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
    yield messages
    if (joined := _joined(messages)) != messages:
        yield joined
    if [m["role"] for m in messages[:2]] == ["system", "user"]:
        system, first, *rest = messages
        folded = [first | {"content": f"{system['content']}\n\n{first['content']}"}, *rest]
        yield folded
        if (joined := _joined(folded)) != folded:
            yield joined


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


def is_trained(message: Message) -> bool:
    """Whether a message is an answer that is trained on, and no context."""
    return message["role"] == "assistant" and message.get("weight", 1) != 0


def answer_spans(tokenizer, messages: Sequence[Message]) -> tuple[str, list[tuple[int, int]]]:
    """The text that is trained on and the character span of each answer, end of turn included.

    Raises Refused where the template does not take the conversation, and ModelError where it ends
    no answer.
    """
    end = end_of_turn(tokenizer)
    if not any(map(is_trained, messages)):
        raise Refused("it has no assistant's words to train on")
    if any(end in m["content"] for m in messages if is_trained(m)):
        raise Refused(f"the assistant's words hold {end}, by which the template ends a turn")

    def context(shape: list[Message]) -> tuple[list[Message], bool]:
        last = shape[-1]["role"] == "assistant"
        return shape[:-1] if last else shape, last

    def takes(shape: list[Message]) -> None:
        before, prompt = context(shape)
        check(tokenizer, _roles(before), prompt)
        if skeleton(tokenizer, _roles(shape)).order[-1:] != (len(shape) - 1,):
            raise Refused("this model's chat template leaves out the words of the last turn")

    messages = _first_that(takes, messages)
    before, prompt = context(messages)
    roles = _roles(messages)
    frame = skeleton(tokenizer, _roles(before), prompt)
    text = apply_to(tokenizer, before, prompt)
    words = frame.spans(text, before)
    spans = []
    for i, message in enumerate(before):
        if is_trained(message):
            start, stop = words[i]
            opening = _own_opening(tokenizer, roles[:i], frame.before(i))
            spans.append((start - len(opening), stop + _length_through(end, frame.after(i))))
    if prompt:
        i = len(before)
        whole = skeleton(tokenizer, roles)
        answer = _last_words(
            apply_to(tokenizer, messages), messages[i], whole.before(i), whole.after(i)
        )
        opening = _own_opening(tokenizer, roles[:i], whole.before(i))
        closing = whole.after(i) if end in whole.after(i) else whole.after(i) + end
        if is_trained(messages[i]):
            length = len(opening) + len(answer) + _length_through(end, closing)
            spans.append((len(text), len(text) + length))
        text += opening + answer + closing
    return text, spans


def apply_to(tokenizer, messages: Sequence[Message], prompt: bool = False) -> str:
    """The template's text. Raises Refused for words that it raises an exception on."""
    try:
        return apply(tokenizer, messages, prompt)
    except (TemplateError, TypeError, ValueError) as error:
        raise Refused(f"this model's chat template refuses the conversation ({error})") from None


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
    """How much of a piece belongs to the answer before it: all through the end of turn, if it has
    one."""
    return piece.index(end) + len(end) if end in piece else 0


def _last_words(text: str, message: Message, before: str, after: str) -> str:
    """The last answer's words as they stand at the end of the whole conversation's text."""
    words = (w for w in forms(message["content"]) if text.endswith(before + w + after))
    answer = next(words, None)
    if answer is None:
        raise Refused(changed(message))
    return answer
