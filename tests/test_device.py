"""Cores that may be used, and devices by name."""

import os

import pytest
import torch

from genair.device import DTYPES, dtype_name, resolve_device, resolve_dtype, usable_cores
from genair.errors import UsageError

OWN = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000\n", OWN),
        (f"{OWN * 100000} 100000\n", OWN),
        ("100000 100000\n", 1),
        ("150000 100000\n", 1),
        ("50000 100000\n", 1),
        (f"{OWN * 10**9} 100000\n", OWN),
        ("", OWN),
        ("nonsense\n", OWN),
    ],
)
def test_a_quota_caps_the_cores(tmp_path, text, expected):
    (tmp_path / "cpu.max").write_text(text)
    assert usable_cores(tmp_path / "cpu.max") == expected


def test_without_a_quota_the_affinity_counts(tmp_path):
    assert usable_cores(tmp_path / "absent") == OWN


def test_affinity_is_respected(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores(tmp_path / "absent") == 1
    finally:
        os.sched_setaffinity(0, before)


def test_auto_is_a_device_that_works():
    assert torch.ones(2, device=resolve_device("auto")).sum().item() == 2


def test_cpu_is_cpu():
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["", "tpu", "CPU", "cuda:99", "cuda:-1", "cuda:x", "hpu"])
def test_a_device_this_machine_lacks_is_refused_by_name(name):
    with pytest.raises(UsageError, match=f"^device '{name}' cannot be used here .*: try --device cpu$"):
        resolve_device(name)


@pytest.mark.parametrize(("float64", "chosen"), [(False, "mps"), (True, "cpu")])
def test_auto_leaves_out_what_lacks_the_numbers_that_are_needed(float64, chosen, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto", float64=float64).type == chosen


def test_a_device_without_the_numbers_that_are_needed_is_refused():
    with pytest.raises(
        UsageError, match=r"^device 'mps' has no float64, which this needs: try --device cpu$"
    ):
        resolve_device("mps", float64=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has it")
def test_cuda_without_cuda_is_refused():
    with pytest.raises(UsageError, match="'cuda'"):
        resolve_device("cuda")


def test_a_dtype_by_its_short_name():
    cpu = torch.device("cpu")
    assert resolve_dtype("auto", cpu) is torch.float32
    for name in DTYPES:
        assert dtype_name(resolve_dtype(name, cpu)) == name
    with pytest.raises(UsageError, match="unknown dtype 'half': choose from auto, bf16, fp16, fp32"):
        resolve_dtype("half", cpu)
