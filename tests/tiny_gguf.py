"""lantern-chat as a GGUF file, written as llama.cpp's converter writes a Llama model."""

import json
from pathlib import Path

from helpers.models import loading

#: A layer's tensors: transformers' name -> GGUF's.
LAYER = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def write(file: Path) -> None:
    """Weights in Q8_0, norms in float32, the tokenizer and template inside."""
    import gguf

    model, tokenizer = loading.load("lantern-chat")
    config, weights = model.config, model.state_dict()
    out = gguf.GGUFWriter(file, "llama")
    out.add_name("Lantern")
    out.add_vocab_size(config.vocab_size)
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_rope_dimension_count(config.head_dim)
    out.add_rope_freq_base(config.rope_parameters["rope_theta"])
    out.add_layer_norm_rms_eps(config.rms_norm_eps)

    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    special = set(tokenizer.all_special_tokens)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list([token for token, _ in vocabulary])
    out.add_token_types([3 if token in special else 1 for token, _ in vocabulary])
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    out.add_token_merges([" ".join(pair) for pair in merges])
    out.add_bos_token_id(tokenizer.bos_token_id)
    out.add_eos_token_id(tokenizer.eos_token_id)
    out.add_pad_token_id(tokenizer.pad_token_id)
    out.add_add_space_prefix(False)
    out.add_chat_template(tokenizer.chat_template)

    def add(name, weight):
        kind = gguf.GGMLQuantizationType.Q8_0 if weight.ndim == 2 else gguf.GGMLQuantizationType.F32
        packed = gguf.quants.quantize(weight.float().numpy(), kind)
        out.add_tensor(f"{name}.weight", packed, raw_dtype=kind)

    add("token_embd", weights["model.embed_tokens.weight"])
    add("output_norm", weights["model.norm.weight"])
    for layer in range(config.num_hidden_layers):
        for theirs, name in LAYER.items():
            weight = weights[f"model.layers.{layer}.{theirs}.weight"]
            if name in ("attn_q", "attn_k"):  # rotary halves stand side by side in GGUF
                heads = weight.unflatten(0, (-1, 2, config.head_dim // 2))
                weight = heads.swapaxes(1, 2).flatten(0, 2).contiguous()
            add(f"blk.{layer}.{name}", weight)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
