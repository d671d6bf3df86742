"""Archetypes and vectors a second: genair's engine, its peers, and the ceiling the weights set, in one run.

    python benchmarks/llm.py [--items 64] [--rounds 2]      # writes benchmarks/results/llm.json

Everybody answers the same prompts of the embedded catalogue with the same weights (SmolLM2-135M-Instruct),
greedily, at most 64 tokens, on all cores; loading is not timed. Rounds are interleaved and the best one of
each counts, since other load only ever slows. genair writes text *and* hidden states, the peers text only.
Run it on an otherwise idle machine.

The ceiling is what the same context could do at most: the tokens of all prompts (the shared prefix once a
wave) at the rate of pure prefill, plus all generated tokens at the rate of decoding a full wave behind
prompts of 128 tokens, without sampling, tokenising, copying or waiting.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np

from genair.archetype.generate import requests, write_archetypes
from genair.catalogue import items_path
from genair.config import DEFAULT_MODEL, ArchetypeConfig, Decoding, EmbedConfig
from genair.device import usable_cores
from genair.embed.extract import extract_states, read_archetypes
from genair.io.jsonl import read_jsonl
from genair.llm.base import BackendSpec
from genair.llm.models import backend_spec, find_model
from genair.llm.waves import waves_of

HERE = Path(__file__).parent
RESULT = HERE / "results" / "llm.json"
MAX_TOKENS = 64
CONFIG = ArchetypeConfig(decoding=Decoding(max_tokens=MAX_TOKENS))


def rows(limit: int) -> list[tuple[str, dict]]:
    """Return items of the catalogue, as often as need be, under ids of their own."""
    with items_path().open("rb") as lines:
        items = [row for _, row in read_jsonl(lines, "items")]
    return [
        (f"items:{index}", {**items[index % len(items)], "item_id": str(index)}) for index in range(limit)
    ]


def engine(spec: BackendSpec, items: int, workers: int) -> dict[str, float]:
    """Measure text and states, from the first wave of each worker on, so that loading is not timed."""
    warm = workers  # waves that are not counted
    wanted = requests(rows(items + warm * CONFIG.wave), CONFIG)
    tokens = done = 0
    start = time.perf_counter()
    units = write_archetypes(waves_of(wanted, CONFIG.wave), CONFIG, spec, workers, want_states=True)
    for number, unit in enumerate(units, start=1):
        if number > warm:
            done += len(unit.outcomes)
            tokens += sum(one.archetype.archetype_tokens for one in unit.outcomes)
        elif number == warm:
            start = time.perf_counter()
    return {"items": done, "tokens": tokens, "seconds": time.perf_counter() - start}


def embedder(spec: BackendSpec, items: int, workers: int) -> dict[str, float]:
    """Measure the teacher-forced pass over prompts and answers."""
    config = EmbedConfig()
    answer = " " + " ".join(["people who like to cook, walk and read good books in the evening"] * 4)
    prompts = requests(rows(items + workers * config.wave), CONFIG)
    lines = [
        (
            one.where,
            {"item_id": one.item_id, "prompt": one.prompt.user, "archetype": one.prompt.prime + answer},
        )
        for one in prompts
    ]
    start, done = time.perf_counter(), 0
    waves = waves_of(read_archetypes(lines, config), config.wave)
    for number, unit in enumerate(extract_states(waves, config, spec, workers), start=1):
        if number > workers:
            done += len(unit.outcomes)
        elif number == workers:
            start = time.perf_counter()
    return {"items": done, "tokens": 0, "seconds": time.perf_counter() - start}


def raw_rates(model: str) -> tuple[float, float]:
    """Return tokens/s of pure prefill and of decoding a wave, in this process with one thread."""
    from genair.llm.llamacpp.backend import LlamaCppBackend

    backend = LlamaCppBackend(BackendSpec("llamacpp", model, "", "", ""))
    wave = CONFIG.wave
    context = backend.new_context(wave + 1, 128 + MAX_TOKENS, want_states=False)
    size, slots = context.batch_size, np.arange(1, wave + 1, dtype=np.int32)
    seconds = 0.0
    for _ in range(2):
        for slot in slots.tolist():
            context.clear(slot)
        for first in range(0, wave, size // 128):
            chosen = slots[first : first + size // 128]
            tokens = np.full(len(chosen) * 128, 100, np.int32)
            positions = np.tile(np.arange(128, dtype=np.int32), len(chosen))
            start = time.perf_counter()
            context.read(tokens, positions, np.repeat(chosen, 128))
            context.synchronize()
            seconds += time.perf_counter() - start
    prefill = 2 * wave * 128 / seconds
    start = time.perf_counter()
    for step in range(MAX_TOKENS):
        context.decode(np.full(wave, 100, np.int32), np.full(wave, 128 + step, np.int32), slots)
        context.logits(0)
    return prefill, wave * MAX_TOKENS / (time.perf_counter() - start)


def ceiling(spec: BackendSpec, items: int, workers: int) -> dict[str, float]:
    """Return how fast the given items could be answered if nothing but the weights took time."""
    code = "import llm, json, sys; print(json.dumps(llm.raw_rates(sys.argv[1])))"
    running = [
        subprocess.Popen([sys.executable, "-c", code, spec.model], cwd=HERE, stdout=subprocess.PIPE)
        for _ in range(workers)
    ]
    rates = np.array([json.loads(process.communicate()[0]) for process in running]).sum(axis=0)
    from genair.llm.engine import shared_prefix
    from genair.llm.llamacpp.backend import LlamaCppBackend

    backend = LlamaCppBackend(spec)
    fed = 0
    for wave in waves_of(requests(rows(items), CONFIG), CONFIG.wave):
        prompts = [backend.prompt_tokens(one.prompt).tolist() for one in wave]
        shared = shared_prefix(prompts)
        fed += sum(map(len, prompts)) - shared * (len(prompts) - 1)
    seconds = fed / rates[0] + items * MAX_TOKENS / rates[1]
    return {
        "items": items,
        "tokens": items * MAX_TOKENS,
        "seconds": seconds,
        "prefill_tokens_per_s": rates[0],
        "decode_tokens_per_s": rates[1],
    }


def peer(python: str, name: str, work: Path) -> dict[str, float]:
    """Measure a peer in a process of its own."""
    done = subprocess.run(
        [python, HERE / "llm_peers.py", name, work], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(f"{name}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return {}
    return json.loads(done.stdout.strip().splitlines()[-1])


def server_python(folder: Path) -> str:
    """Return the interpreter of an environment that has xllamacpp, made once."""
    python = folder / "bin" / "python"
    if not python.is_file():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "xllamacpp"], check=True)
    return str(python)


def prompts_of(items: int) -> list[dict[str, str]]:
    """Return what the peers are asked."""
    answer = " people who like to cook, walk and read good books in the evening" * 4
    return [
        {"system": one.prompt.system, "user": one.prompt.user, "answer": one.prompt.prime + answer}
        for one in requests(rows(items), CONFIG)
    ]


def main() -> None:
    """Measure everybody in turns and keep the best round of each."""
    from llm_peers import PEERS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default="", help="names that hold this")
    parser.add_argument("--peers", type=Path, default=Path("genair-demo/peers"), help="their environment")
    given = parser.parse_args()
    spec = backend_spec("llamacpp", DEFAULT_MODEL, CONFIG.wave)
    folder = backend_spec("transformers", DEFAULT_MODEL, CONFIG.wave).model
    workers = usable_cores()
    best: dict[str, dict[str, float]] = json.loads(RESULT.read_text())["rows"] if RESULT.is_file() else {}
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch) / "work.json"
        shipped = str(find_model(DEFAULT_MODEL).path)
        work.write_text(
            json.dumps(
                {
                    "prompts": prompts_of(given.items),
                    "max_tokens": MAX_TOKENS,
                    "shipped": shipped,
                    "fast": spec.model,
                    "folder": folder,
                }
            )
        )
        contestants = {
            "genair, text and states": lambda: engine(spec, given.items, workers),
            "genair embed": lambda: embedder(spec, given.items, workers),
            "ceiling": lambda: ceiling(spec, given.items, workers),
            **{
                name: lambda name=name: peer(
                    server_python(given.peers) if name.startswith("server") else sys.executable, name, work
                )
                for name in PEERS
            },
        }
        for _ in range(given.rounds):
            for name, measure in contestants.items():
                if given.only not in name:
                    continue
                row = measure()
                if row and (name not in best or row["seconds"] < best[name]["seconds"]):
                    best[name] = {key: round(value, 3) for key, value in row.items()}
                    save(best, given.items, workers)
    for name, row in best.items():
        rates = f"{row['tokens'] / row['seconds']:8.1f} tokens/s {row['items'] / row['seconds']:8.2f} items/s"
        print(f"{name:32} {rates}")


def save(rows: dict[str, dict[str, float]], items: int, workers: int) -> None:
    """Write what there is, with the machine it was measured on."""
    machine = {"cores": workers, "machine": platform.machine()}
    RESULT.write_text(json.dumps({"machine": machine, "items": items, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
