"""Writes a tiny model of the Llama architecture with random weights: `tiny_model.py FILE`.

It talks nonsense, but it is a real model for a real server: it is loaded, its tokens are counted,
its window is kept. Some 300 kB, made in a moment.
"""

import sys

import gguf
import numpy

LAYERS, WIDTH, HEADS, INNER = 2, 64, 4, 128
WORDS = "the sea is calm and a ship goes home with all its light".split()
# As chat templates are written, with the words that a person or a model begins with.
TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def vocabulary():
    """Tokens as SentencePiece has them: special ones, all bytes, a few words."""
    kind = gguf.TokenType
    tokens = [("<unk>", kind.UNKNOWN), ("<s>", kind.CONTROL), ("</s>", kind.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", kind.BYTE) for byte in range(256)]
    tokens += [(f"\u2581{word}", kind.NORMAL) for word in WORDS]
    return tokens


def write(path):
    random = numpy.random.default_rng(7)
    tokens = vocabulary()

    def weights(*shape, scale=0.3):
        return (random.standard_normal(shape) * scale).astype(numpy.float32)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token for token, _ in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)

    writer.add_tensor("token_embd.weight", weights(len(tokens), WIDTH))
    for layer in range(LAYERS):
        blk = f"blk.{layer}"
        writer.add_tensor(f"{blk}.attn_norm.weight", numpy.ones(WIDTH, numpy.float32))
        for name in ["attn_q", "attn_k", "attn_v", "attn_output"]:
            writer.add_tensor(f"{blk}.{name}.weight", weights(WIDTH, WIDTH))
        writer.add_tensor(f"{blk}.ffn_norm.weight", numpy.ones(WIDTH, numpy.float32))
        writer.add_tensor(f"{blk}.ffn_gate.weight", weights(INNER, WIDTH))
        writer.add_tensor(f"{blk}.ffn_up.weight", weights(INNER, WIDTH))
        writer.add_tensor(f"{blk}.ffn_down.weight", weights(WIDTH, INNER))
    writer.add_tensor("output_norm.weight", numpy.ones(WIDTH, numpy.float32))
    # Only words are said; bytes and the end have no weight of their own.
    output = numpy.zeros((len(tokens), WIDTH), numpy.float32)
    output[-len(WORDS) :] = weights(len(WORDS), WIDTH, scale=1)
    writer.add_tensor("output.weight", output)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(sys.argv[1])
