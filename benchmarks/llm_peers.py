"""What genair's engine is measured against; run by llm.py, each in a process of its own.

    python benchmarks/llm_peers.py PEER WORK.json     # prints {"items", "tokens", "seconds"}

WORK.json: `prompts` (system, user, answer), `max_tokens`, `shipped` and `fast` (GGUF files), `folder` (the
same weights for transformers). Loading the model is not timed. The server needs xllamacpp, which llm.py
installs into an environment of its own; the others need what genair needs.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Work = dict[str, Any]
Result = tuple[int, Callable[[], int]]  # items, and what returns the tokens


def messages(prompt: dict[str, str]) -> list[dict[str, str]]:
    """Return a prompt as chat messages."""
    return [{"role": "system", "content": prompt["system"]}, {"role": "user", "content": prompt["user"]}]


def loop(work: Work, model: str, threads: int) -> Result:
    """Text only, by `Llama.create_chat_completion`, one item after the other."""
    from llama_cpp import Llama

    llama = Llama(work[model], n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False)

    def run() -> int:
        return sum(
            llama.create_chat_completion(
                messages(prompt), max_tokens=work["max_tokens"], temperature=0.0, repeat_penalty=1.1
            )["usage"]["completion_tokens"]
            for prompt in work["prompts"]
        )

    return len(work["prompts"]), run


def server(work: Work, model: str, slots: int) -> Result:
    """Text only, by llama.cpp's own server with slots, all items asked at once."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = work[model]
    params.n_parallel, params.n_ctx = slots, slots * 768
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.warmup = False
    serving = xllamacpp.Server(params)

    def ask(prompt: dict[str, str]) -> int:
        body = {
            "messages": messages(prompt),
            "max_tokens": work["max_tokens"],
            "temperature": 0.0,
            "repeat_penalty": 1.1,
        }
        answer = serving.handle_chat_completions(body)
        answer = json.loads(answer) if isinstance(answer, str) else answer
        return int(answer["usage"]["completion_tokens"])

    def run() -> int:
        with ThreadPoolExecutor(len(work["prompts"])) as pool:
            return sum(pool.map(ask, work["prompts"]))

    return len(work["prompts"]), run


def transformers_generate(work: Work, dtype: str, batch: int) -> Result:
    """Text only, by `model.generate` on padded batches."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(work["folder"], padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(work["folder"], dtype=getattr(torch, dtype))
    texts = [
        tokenizer.apply_chat_template(messages(prompt), add_generation_prompt=True, tokenize=False)
        for prompt in work["prompts"]
    ]

    def run() -> int:
        tokens = 0
        for start in range(0, len(texts), batch):
            inputs = tokenizer(
                texts[start : start + batch], return_tensors="pt", padding=True, add_special_tokens=False
            )
            with torch.inference_mode():
                out = model.generate(
                    **inputs, max_new_tokens=work["max_tokens"], do_sample=False, repetition_penalty=1.1
                )
            new = out[:, inputs["input_ids"].shape[1] :]
            tokens += int((new != tokenizer.pad_token_id).sum())
        return tokens

    return len(texts), run


def embed_loop(work: Work, model: str) -> Result:
    """Hidden states of prompt and answer, by `Llama.embed`, one item after the other."""
    from llama_cpp import LLAMA_POOLING_TYPE_MEAN, Llama

    llama = Llama(
        work[model], n_ctx=2048, embedding=True, pooling_type=LLAMA_POOLING_TYPE_MEAN, verbose=False
    )
    texts = [" ".join(prompt.values()) for prompt in work["prompts"]]

    def run() -> int:
        return sum(len(llama.tokenize(text.encode())) for text in texts if llama.embed(text))

    return len(texts), run


def embed_padded(work: Work, dtype: str, batch: int) -> Result:
    """Mean hidden states of prompt and answer, by padded batches as sentence-transformers makes them."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(work["folder"], padding_side="right")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModel.from_pretrained(work["folder"], dtype=getattr(torch, dtype))
    texts = sorted((" ".join(prompt.values()) for prompt in work["prompts"]), key=len)

    def run() -> int:
        tokens = 0
        for start in range(0, len(texts), batch):
            inputs = tokenizer(texts[start : start + batch], return_tensors="pt", padding=True)
            mask = inputs["attention_mask"]
            with torch.inference_mode():
                states = model(**inputs).last_hidden_state
            (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            tokens += int(mask.sum())
        return tokens

    return len(texts), run


PEERS: dict[str, Callable[[Work], Result]] = {
    "loop, as shipped, 1 thread": lambda work: loop(work, "shipped", 1),
    "loop, as shipped, 2 threads": lambda work: loop(work, "shipped", 2),
    "loop, fast copy, 2 threads": lambda work: loop(work, "fast", 2),
    "server, 16 slots, as shipped": lambda work: server(work, "shipped", 16),
    "server, 16 slots, fast copy": lambda work: server(work, "fast", 16),
    "transformers, fp32, batch 16": lambda work: transformers_generate(work, "float32", 16),
    "transformers, fp32, batch 32": lambda work: transformers_generate(work, "float32", 32),
    "transformers, fp32, batch 64": lambda work: transformers_generate(work, "float32", 64),
    "transformers, bf16, batch 16": lambda work: transformers_generate(work, "bfloat16", 16),
    "embed loop, as shipped": lambda work: embed_loop(work, "shipped"),
    "embed loop, fast copy": lambda work: embed_loop(work, "fast"),
    "embed, padded batches, fp32": lambda work: embed_padded(work, "float32", 16),
    "embed, padded batches, bf16": lambda work: embed_padded(work, "bfloat16", 16),
}


def main() -> None:
    """Run one peer."""
    work = json.loads(Path(sys.argv[2]).read_text())
    items, run = PEERS[sys.argv[1]](work)
    start = time.perf_counter()
    tokens = run()
    print(json.dumps({"items": items, "tokens": tokens, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
