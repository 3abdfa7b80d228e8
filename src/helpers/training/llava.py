"""Visual instruction tuning: a tiny LLaVA (arXiv:2304.08485) around a small chat model.

A CLIP vision tower and a projector, from transformers' own classes, stand in front of the language
model. Two stages, as in LLaVA: first tower and projector learn with the language model frozen
(LLaVA's tower comes trained by CLIP; this one is small enough to learn here, straight from the
embeddings of the language model's words for what it sees), then, with the tower frozen, projector
and language model are tuned together on questions about pictures. The language model is then judged
on text alone.

>>> llava, losses = tune(model, tokenizer, rows, settings)     # model is tuned in place
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch
from transformers import CLIPVisionConfig, LlavaConfig, LlavaForConditionalGeneration

from helpers.archive import pictures
from helpers.errors import ModelError
from helpers.models import chat
from helpers.models.chat import Example, Message, encode_all
from helpers.models.decoding import left_padded
from helpers.training import batches, loop

#: A byte that no UTF-8 text holds, in the alphabet of byte-level tokenizers: no word is lost to it.
IMAGE_TOKEN = "ÿ"
#: After which the picture has its place.
USER_TOKEN = "<|user|>"
PATCHES = 16

#: The tower's width, and the first stage: pictures, passes over them, batch, learning rate.
WIDTH = 64
N_PICTURES, PASSES, BATCH, RATE = 2000, 5, 25, 1e-3


@dataclass(frozen=True)
class PictureExample(Example):
    """An example with its picture: pixels (3, SIZE, SIZE) from -1 to 1."""

    pixels: torch.Tensor


def tower_config() -> CLIPVisionConfig:
    """A CLIP vision tower of a hundred thousand parameters."""
    return CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=2, num_attention_heads=2,
        image_size=pictures.SIZE, patch_size=pictures.SIZE // 4, projection_dim=WIDTH,
    )  # fmt: skip


def build(model, tokenizer, seed: int = 0) -> LlavaForConditionalGeneration:
    """A LLaVA that shares the chat model's weights: what trains in it trains in the model."""
    if not {IMAGE_TOKEN, USER_TOKEN} <= tokenizer.get_vocab().keys():
        raise ModelError(
            "pictures need a byte-level tokenizer with a token for the user's turn, as "
            "lantern-chat has; choose another tier for this model."
        )
    image_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    torch.manual_seed(seed)
    config = LlavaConfig(
        vision_config=tower_config(), text_config=model.config, image_token_index=image_id,
        image_seq_length=PATCHES, vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )  # fmt: skip
    llava = LlavaForConditionalGeneration(config)
    llava.model.language_model = model.model
    llava.lm_head = model.lm_head
    return llava.to(model.device)


def examples(tokenizer, rows: Sequence[dict], max_length: int) -> list[PictureExample]:
    """Each dressed row as token ids, with its picture's place before the first request.

    rows: {"messages": [...], "picture": a description or a file's path}; a row without a picture,
    such as a refusal that was mixed in, gets a blank one, which holds no answer.
    """
    image_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    user_id = tokenizer.convert_tokens_to_ids(USER_TOKEN)
    encoded = encode_all(tokenizer, [row["messages"] for row in rows], max_length)
    result = []
    for row, example in zip(rows, encoded, strict=True):
        place = example.input_ids.index(user_id) + 1
        ids = _insert_picture(example.input_ids, place, image_id)
        labels = _insert_picture(example.labels, place, chat.IGNORE)
        result.append(PictureExample(ids, labels, pixels(row.get("picture"))))
    return result


def _insert_picture(tokens: list[int], place: int, filler: int) -> list[int]:
    """The tokens with one filler for each of a picture's patches before `place`."""
    return [*tokens[:place], *[filler] * PATCHES, *tokens[place:]]


def pixels(picture: dict | str | None) -> torch.Tensor:
    """The picture, drawn or from a file, as (3, SIZE, SIZE), from -1 to 1; black for None."""
    if picture is None:
        return -torch.ones(3, pictures.SIZE, pictures.SIZE)
    image = np.asarray(pictures.look(picture), dtype=np.float32) / 127.5 - 1
    return torch.from_numpy(image).permute(2, 0, 1)


def collate(batch: Sequence[PictureExample], pad_id: int) -> dict[str, torch.Tensor]:
    """The loop's own batch with pixel_values (batch, 3, SIZE, SIZE)."""
    pixel_values = torch.stack([example.pixels for example in batch])
    return batches.collate(batch, pad_id) | {"pixel_values": pixel_values}


def _set_trainable(module, trainable: bool) -> None:
    for weight in module.parameters():
        weight.requires_grad_(trainable)


#: Weights of tower and projector after the first stage, by a digest of the embeddings it points at:
#: the stage is the same for every seed, so a process does it once for a model.
_FIRST_STAGE: dict[str, dict[str, dict[str, torch.Tensor]]] = {}


def teach_to_see(llava, tokenizer) -> None:
    """The first stage: tower and projector learn to say a picture in the language model's words.

    Each projected patch is drawn to one and the same vector, the sum of the embeddings of the words
    that name the picture's thing, color, count and sky, at the length of one word's embedding; the
    embeddings stay as they are. So the language model need not learn where to look.
    """
    learners = {
        "tower": llava.model.vision_tower, "projector": llava.model.multi_modal_projector
    }  # fmt: skip
    embeddings = llava.get_input_embeddings().weight.detach()  # (vocabulary, size)
    key = hashlib.sha256(embeddings.float().cpu().numpy().tobytes()).hexdigest()
    if key not in _FIRST_STAGE:
        _learn_words(llava, tokenizer, embeddings)
        _FIRST_STAGE[key] = {
            name: {weight: value.clone() for weight, value in part.state_dict().items()}
            for name, part in learners.items()
        }
    for name, part in learners.items():
        part.load_state_dict(_FIRST_STAGE[key][name])


def in_words(drawn: Sequence[dict], tokenizer, embeddings: torch.Tensor) -> torch.Tensor:
    """What each described picture shows, as one vector: (pictures, size).

    embeddings: (vocabulary, size). Of a word of several tokens it is the first that is said.
    """
    unit = torch.nn.functional.normalize(embeddings, dim=-1)
    ids = [
        [tokenizer.encode(f" {said}", add_special_tokens=False)[0] for said in words.values()]
        for words in map(pictures.words, drawn)
    ]  # (pictures, kinds)
    shown = torch.nn.functional.normalize(unit[torch.tensor(ids)].sum(1), dim=-1)
    return shown * embeddings.norm(dim=-1).mean()


@torch.enable_grad()
def _learn_words(llava, tokenizer, embeddings: torch.Tensor) -> None:
    rng = Random("first pictures")
    drawn = [pictures.picture(rng) for _ in range(N_PICTURES)]
    images = torch.stack([pixels(picture) for picture in drawn]).to(llava.device)
    shown = in_words(drawn, tokenizer, embeddings)  # (pictures, size)
    tower, projector = llava.model.vision_tower, llava.model.multi_modal_projector
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW([*tower.parameters(), *projector.parameters()], lr=RATE)
    for _ in range(PASSES):
        for part in torch.randperm(N_PICTURES).split(BATCH):
            features = tower(images[part]).last_hidden_state[:, 1:]  # (batch, patches, WIDTH)
            patches = projector(features)  # (batch, patches, size)
            loss = (patches - shown[part][:, None]).square().sum(-1).mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


def tune(
    model, tokenizer, rows: Sequence[dict], settings: Mapping[str, Any], progress: bool = False
) -> tuple[LlavaForConditionalGeneration, list[float]]:
    """Visual instruction tuning of the chat model, in place: the LLaVA, and each step's loss.

    rows: dressed ones, as `examples` takes. settings: a dict with what loop.SETTINGS names and
    max_length. Raises ModelError for a model that takes no pictures.
    """
    llava = build(model, tokenizer)
    teach_to_see(llava, tokenizer)
    _set_trainable(llava.model.vision_tower, False)
    losses = loop.train(
        llava, examples(tokenizer, rows, settings["max_length"]),
        **loop.arguments(settings, tokenizer), progress=progress, collate=collate,
    )  # fmt: skip
    _set_trainable(llava, True)
    return llava, losses


@torch.inference_mode()
def sees(
    llava, tokenizer, dress: Callable[[list[Message]], list[Message]], n: int = 120
) -> dict[str, float]:
    """Share of questions about held-out pictures that are answered rightly.

    "own_picture" is the share; "other_picture" is the same questions with the pictures exchanged,
    which is what a model that does not look would reach on both. dress puts the system prompt and
    the template of the training rows to a conversation.
    """
    rng = Random("new pictures")
    drawn = [pictures.picture(rng, new=True) for _ in range(n)]
    questions = [pictures.ask(rng, picture) for picture in drawn]  # with their right answers
    prompts = [
        _with_place(tokenizer, dress([{"role": "user", "content": question}]))
        for question, _ in questions
    ]
    ids, mask = left_padded(prompts, llava.device)  # each (n, longest)
    shares = {}
    for name, beside in (("own_picture", drawn), ("other_picture", drawn[1:] + drawn[:1])):
        images = torch.stack([pixels(picture) for picture in beside]).to(llava.device)
        out = llava.generate(
            input_ids=ids, attention_mask=mask, pixel_values=images,
            max_new_tokens=30, do_sample=False, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
        answers = tokenizer.batch_decode(out[:, ids.shape[1] :], skip_special_tokens=True)
        right = [a.strip() == truth for a, (_, truth) in zip(answers, questions, strict=True)]
        shares[name] = sum(right) / n
    return shares


def _with_place(tokenizer, conversation) -> list[int]:
    """A prompt's token ids with the picture's place before the first request."""
    text = chat.render(tokenizer, conversation, prompt=True)
    ids = tokenizer.encode(text, add_special_tokens=False)
    place = ids.index(tokenizer.convert_tokens_to_ids(USER_TOKEN)) + 1
    return _insert_picture(ids, place, tokenizer.convert_tokens_to_ids(IMAGE_TOKEN))
