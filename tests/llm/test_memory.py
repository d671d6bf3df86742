"""The estimate of a run's memory: what it is made of, what it refuses, and that it is near the truth."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from genair.config import DEFAULT_MODEL
from genair.errors import GenairError
from genair.llm import memory
from genair.llm.base import BackendSpec
from genair.llm.facts import ModelFacts
from genair.llm.memory import PROMPT_TOKENS, estimate_folder, estimate_memory, require_memory
from genair.llm.models import ModelFile, backend_spec
from genair.llm.models.configs import folder_facts
from genair.llm.models.headers import facts_of

MIB = 1 << 20
FACTS = ModelFacts("llama", 135 * 10**6, "F16", 270 * MIB, 8192, 576, 30, 3, 11520, 49152, True, "")
SPEC = BackendSpec("llamacpp", "/models/m.gguf", "m", "ab", "f16", 16)


def test_weights_are_shared_and_the_rest_is_each_workers_own():
    one, two, three = (estimate_memory(FACTS, 16, 256, workers) for workers in (1, 2, 3))
    assert three - two == two - one == one - FACTS.size
    assert estimate_memory(FACTS, 16, 256, 0) == one


def test_rearranged_weights_are_each_workers_own():
    facts = replace(FACTS, quantization="Q4_K_M")
    growth = estimate_memory(facts, 16, 256, 2) - estimate_memory(facts, 16, 256, 1)
    assert growth == estimate_memory(FACTS, 16, 256, 2) - estimate_memory(FACTS, 16, 256, 1) + FACTS.size


def test_sequences_and_their_lengths_take_key_value_memory():
    cell = 2 * FACTS.kv_width
    assert estimate_memory(FACTS, 16, 513, 1) - estimate_memory(FACTS, 16, 512, 1) == 17 * 256 * cell
    assert estimate_memory(FACTS, 17, 256, 1) - estimate_memory(FACTS, 16, 256, 1) == 256 * cell
    assert estimate_memory(FACTS, 16, 10**9, 1) == estimate_memory(FACTS, 16, FACTS.context, 1)


def test_long_prompts_run_fewer_together():
    def remembered(length):
        return estimate_memory(FACTS, 64, length, 1) - estimate_memory(FACTS, 1, length, 1)

    assert remembered(256) == 63 * 256 * 2 * FACTS.kv_width
    assert remembered(257) == 31 * 512 * 2 * FACTS.kv_width


def test_states_take_the_logits_of_every_token_of_a_prompt():
    def more(length):
        return estimate_memory(FACTS, 16, length, 1) - estimate_memory(
            FACTS, 16, length, 1, want_states=False
        )

    row = (FACTS.vocabulary + FACTS.hidden_size) * 4
    assert more(100) == 2 * (100 - 16) * row
    assert more(600) == 2 * (512 - 16) * row
    assert more(2000) == 2 * (512 - 8) * row  # of such there is room for 8 together


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 800 * MIB)
    monkeypatch.setattr(memory, "facts_of", lambda _: FACTS)


def test_too_little_memory_is_told_before_the_start_with_both_numbers(little):
    require_memory(SPEC, 1, 16, 40)
    needed = estimate_memory(FACTS, 16, PROMPT_TOKENS + 40, 2) // MIB
    with pytest.raises(GenairError) as caught:
        require_memory(SPEC, 2, 16, 40)
    assert str(caught.value) == (
        f"not enough memory: 2 workers with m would take about {needed} MiB, and 800 MiB are available:"
        " try fewer --workers, a smaller --wave, or a smaller model"
    )


def test_more_sequences_need_more(little):
    with pytest.raises(GenairError, match="1 worker with m"):
        require_memory(SPEC, 0, 200, 40)
    require_memory(SPEC, 0, 8, 40)


def test_transformers_holds_the_weights_in_every_process_where_it_computes(monkeypatch):
    spec = BackendSpec("transformers", "/models/m", "m", "ab", "bf16 cuda", 16, device="cuda:0", dtype="bf16")
    monkeypatch.setattr(memory, "folder_facts", lambda _: FACTS)
    monkeypatch.setattr(memory, "free_on", lambda device: {"cuda:0": 1500 * MIB}[device])
    require_memory(spec, 0, 16, 40)
    with pytest.raises(GenairError, match=r"2 workers with m would take about .*1500 MiB are free on cuda:0"):
        require_memory(spec, 2, 16, 40)


def test_what_is_not_known_is_not_refused(little, monkeypatch):
    require_memory(replace(SPEC, backend="echo"), 1000, 32)
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    require_memory(SPEC, 1000, 32)


WORKER = """
import json, sys, threading, time
from genair.config import Decoding
from genair.llm import BACKENDS
from genair.llm.base import BackendSpec
from genair.records import ChatPrompt

spec, words, tokens, states = json.loads(sys.argv[1])
peak = 0

def watch():
    global peak
    while True:
        with open("/proc/self/smaps_rollup") as file:
            rows = dict(line.split()[:2] for line in file if ":" in line and "kB" in line)
        peak = max(peak, int(rows["Rss:"]))
        time.sleep(0.1)

threading.Thread(target=watch, daemon=True).start()
backend = BACKENDS.get(spec["backend"])(BackendSpec(**spec))
lamps = " lamp" * words
prompts = [ChatPrompt("You know people.", f"Who likes {n}?{lamps}", "People who") for n in range(16)]
longest = max(backend.count_tokens(prompt) for prompt in prompts)
backend.generate(prompts, Decoding(max_tokens=tokens), [0] * 16, want_states=states)
print(json.dumps([peak * 1024, longest]))
"""


@pytest.mark.llm
@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="needs llama.cpp")
@pytest.mark.parametrize(("parallel", "words", "states"), [(16, 60, True), (4, 60, False)])
def test_the_estimate_is_within_half_of_what_a_worker_takes(parallel, words, states):
    spec = backend_spec("llamacpp", DEFAULT_MODEL, parallel)
    run = [sys.executable, "-c", WORKER, json.dumps([vars(spec), words, 4, states])]
    peak, longest = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
    facts = facts_of(ModelFile(spec.name, memory.Path(spec.model)))
    estimate = estimate_memory(facts, parallel, longest + 4, 1, want_states=states)
    assert 1 / 1.5 < estimate / peak < 1.5, f"{estimate / MIB:.0f} MiB estimated, {peak / MIB:.0f} taken"


@pytest.mark.llm
def test_the_estimate_is_within_half_of_what_transformers_takes():
    pytest.importorskip("transformers")
    spec = backend_spec("transformers", DEFAULT_MODEL, 16, device="cpu", dtype="fp32")
    run = [sys.executable, "-c", WORKER, json.dumps([vars(spec), 60, 4, True])]
    peak, longest = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
    estimate = estimate_folder(folder_facts(memory.Path(spec.model)), 4, "cpu", 16, longest + 4, 1)
    assert 1 / 1.5 < estimate / peak < 1.5, f"{estimate / MIB:.0f} MiB estimated, {peak / MIB:.0f} taken"
