"""Archetypes and vectors a second on one card, by the transformers backend, at several batch sizes; offline.

    python benchmarks/gpu_llm.py                                       # the embedded model
    python benchmarks/gpu_llm.py --model FOLDER --batches 64,256 --items 2048 --seconds 60
    python benchmarks/gpu_llm.py --model FOLDER --random-weights       # FOLDER needs no weights: speed alone

Results go to benchmarks/results/gpu-llm-DEVICE.json, a row as soon as it is measured. Every row is of whole
waves of four batches, after one batch that is not counted; it ends after --items items or --seconds seconds,
whichever comes first. Loading and converting the model is not timed.

`parity` compares mean states with those of the same weights elsewhere: transformers in fp32 on the CPU, and
llama.cpp with an F16 copy if it is installed and the model is a GGUF. Of each the smallest cosine over some
items counts.
"""

import argparse
import importlib.util
import json
import platform
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from genair.archetype.generate import Request, requests
from genair.catalogue import items_path
from genair.config import DEFAULT_MODEL, ArchetypeConfig, Decoding
from genair.io.jsonl import read_jsonl
from genair.llm.base import Answered, BackendSpec, LLMBackend, PooledStates
from genair.llm.models import backend_spec, find_model
from genair.llm.transformers_.backend import TransformersBackend

RESULTS = Path(__file__).parent / "results"
ANSWER = " those who like to cook, walk and read good books in the evening, and who live by the sea" * 2
PARITY_ITEMS = 8
WAVE = 4  # batches
Work = Callable[[Sequence[Request]], int]


def items(count: int, config: ArchetypeConfig) -> list[Request]:
    """Return prompts of the embedded catalogue, as often as need be."""
    with items_path().open("rb") as lines:
        rows = [row for _, row in read_jsonl(lines, "items")]
    every = [
        (f"items:{number}", {**rows[number % len(rows)], "item_id": str(number)}) for number in range(count)
    ]
    return [one for one in requests(every, config) if isinstance(one, Request)]


def measure(work: Work, wanted: Sequence[Request], batch: int, seconds: float) -> dict[str, float]:
    """Run waves until there is enough; return what came of them."""
    work(wanted[:batch])
    forget_peak()
    tokens = done = 0
    start = time.perf_counter()
    for wave in waves(wanted, WAVE * batch):
        tokens += work(wave)
        done += len(wave)
        if time.perf_counter() - start > seconds:
            break
    took = time.perf_counter() - start
    return {
        "items": done,
        "seconds": round(took, 2),
        "items_per_s": round(done / took, 2),
        "tokens_per_s": round(tokens / took, 1),
        "peak_mib": peak_mib(),
    }


def waves(wanted: Sequence[Request], size: int) -> Iterator[Sequence[Request]]:
    """Cut the items into waves."""
    for first in range(0, len(wanted), size):
        yield wanted[first : first + size]


def writing(backend: LLMBackend, decoding: Decoding, *, want_states: bool) -> Work:
    """Return what writes a wave, and counts the generated tokens."""

    def work(wave: Sequence[Request]) -> int:
        seeds = [one.seed for one in wave]
        written = backend.generate([one.prompt for one in wave], decoding, seeds, want_states=want_states)
        return sum(len(one.tokens) for one in written)

    return work


def reading(backend: LLMBackend) -> Work:
    """Return what reads a wave of prompts with an answer, and counts all tokens."""
    size = backend.count_tokens(items(1, ArchetypeConfig())[0].prompt, ANSWER)

    def work(wave: Sequence[Request]) -> int:
        backend.states([Answered(one.prompt, ANSWER, None, cut=False) for one in wave])
        return size * len(wave)  # about

    return work


def forget_peak() -> None:
    """Begin a new measurement of memory, where that can be done."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_mib() -> int:
    """Return the most memory taken: of the card since `forget_peak`, else of this process since it began."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def parity(
    spec: BackendSpec, backend: LLMBackend, model: str, wanted: Sequence[Request]
) -> dict[str, object]:
    """Return the smallest cosines with the same weights elsewhere."""
    wave = [Answered(one.prompt, ANSWER, None, cut=False) for one in wanted[:PARITY_ITEMS]]
    ours = backend.states(wave)
    found: dict[str, object] = {}
    if spec.runs != "fp32 cpu":
        other = TransformersBackend(replace(spec, device="cpu", dtype="fp32"))
        found["transformers, fp32 cpu"] = cosines(ours, other.states(wave))
    gguf = model == DEFAULT_MODEL or model.endswith(".gguf")
    if gguf and importlib.util.find_spec("llama_cpp") is not None:
        found["llama.cpp, f16 cpu"] = cosines(ours, llama_states(model, wave))
    return found


def llama_states(model: str, wave: Sequence[Answered]) -> list[PooledStates]:
    """Return the states that llama.cpp gives with an F16 copy."""
    from genair.llm.llamacpp.backend import LlamaCppBackend
    from genair.llm.llamacpp.gguf import requantize

    with tempfile.TemporaryDirectory() as folder:
        copy = str(Path(folder) / "f16.gguf")
        requantize(str(find_model(model).path), copy, 1)
        return LlamaCppBackend(BackendSpec("llamacpp", copy, model, "", "f16", 4)).states(wave)


def cosines(ours: Sequence[PooledStates], others: Sequence[PooledStates]) -> dict[str, float]:
    """Return the smallest cosine of each view."""
    pairs = list(zip(ours, others, strict=True))
    return {
        view: round(min(cosine(getattr(one, view), getattr(other, view)) for one, other in pairs), 7)
        for view in ("context", "archetype")
    }


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Return the cosine of two vectors."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def random_copy(source: Path, target: Path) -> None:
    """Write a folder's config and tokenizer with random weights: of the same size, so of the same speed."""
    import transformers

    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(source, local_files_only=True)
    transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float16).save_pretrained(target)
    transformers.AutoTokenizer.from_pretrained(source, local_files_only=True).save_pretrained(target)


def device_name(device: str) -> str:
    """Return the card's name."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a folder, a GGUF file, or a name")
    parser.add_argument("--random-weights", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--batches", default="16,64,255", help="sequences decoded together, comma-separated")
    parser.add_argument("--items", type=int, default=4096, help="most items of a row")
    parser.add_argument(
        "--seconds", type=float, default=60, help="most seconds of a row, the last wave aside"
    )
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--output", type=Path, help="where to write, instead of benchmarks/results")
    return parser.parse_args()


def main() -> None:
    """Measure every batch size, the smallest first, and save each row."""
    given = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        model = given.model
        if given.random_weights:
            model = str(Path(scratch) / "random")
            random_copy(Path(given.model), Path(model))
        spec = backend_spec("transformers", model, 1, device=given.device, dtype=given.dtype)
        run(given, spec, model)


def run(given: argparse.Namespace, spec: BackendSpec, model: str) -> None:
    """Measure, print and save."""
    config = ArchetypeConfig(decoding=Decoding(max_tokens=given.max_tokens))
    wanted = items(given.items, config)
    name = device_name(spec.device)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    output = given.output or RESULTS / f"gpu-llm-{slug}.json"
    packages = ("genair", "torch", "transformers", "numpy")
    report = {
        "device": name,
        "processor": platform.processor() or platform.machine(),
        "model": {"name": spec.name, "sha256": spec.sha256, "runs": spec.runs},
        "weights": "random" if given.random_weights else "the model's",
        "max_tokens": given.max_tokens,
        "versions": {package: version(package) for package in packages},
        "parity": {},
        "rows": [],
    }
    for batch in sorted(int(size) for size in given.batches.split(",")):
        backend = TransformersBackend(replace(spec, parallel=batch))
        if not report["parity"] and not given.random_weights:
            report["parity"] = parity(spec, backend, model, wanted)
        work = {
            "text and states": writing(backend, config.decoding, want_states=True),
            "text": writing(backend, config.decoding, want_states=False),
            "read": reading(backend),
        }
        for what, measured in work.items():
            row = {"what": what, "batch": batch, **measure(measured, wanted, batch, given.seconds)}
            report["rows"].append(row)
            output.write_text(json.dumps(report, indent=1) + "\n")
            print(row, file=sys.stderr)
        del backend, work
    print(json.dumps(report["parity"]), file=sys.stderr)


if __name__ == "__main__":
    main()
