"""What this machine offers besides cores: memory, and a processor with a name."""

import pytest

from genair.device import available_memory, processor

MEMINFO = "MemTotal:       24684096 kB\nMemFree:  1 kB\nMemAvailable:   1000 kB\nHugePages_Total:       0\n"
CPUINFO = (
    "processor : 0\nmodel name : Fast One\nflags : b a\n\nprocessor : 1\nmodel name : Fast One\nflags : a b\n"
)


@pytest.fixture
def proc(tmp_path):
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "meminfo").write_text(MEMINFO)
    (folder / "cpuinfo").write_text(CPUINFO)
    return folder


def cgroup(folder, most, current, inactive=0):
    folder.mkdir()
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\n")
    return folder


@pytest.mark.parametrize(
    ("most", "current", "inactive", "expected"),
    [
        ("max", 500, 0, 1000 * 1024),
        (900_000, 500_000, 0, 400_000),
        (900_000, 500_000, 100_000, 500_000),  # cached files are given back
        (1 << 40, 0, 0, 1000 * 1024),
        (1000, 5000, 0, 0),
    ],
)
def test_the_smaller_of_machine_and_container_counts(proc, tmp_path, most, current, inactive, expected):
    assert available_memory(proc, cgroup(tmp_path / "cgroup", most, current, inactive)) == expected


def test_without_a_limit_the_machine_counts_and_without_either_nothing_is_known(proc, tmp_path):
    assert available_memory(proc, tmp_path / "absent") == 1000 * 1024
    assert available_memory(tmp_path / "absent", tmp_path / "absent") is None


def test_this_machine_has_some():
    assert (available_memory() or 1 << 40) > 1 << 24


def test_a_processor_is_its_name_and_what_it_can_do(proc, tmp_path):
    first = processor(proc)
    assert first.startswith("Fast One ")
    (proc / "cpuinfo").write_text(CPUINFO.replace("b a", "a b"))
    assert processor(proc) == first
    (proc / "cpuinfo").write_text(CPUINFO.replace("b a", "b a avx512_bf16"))
    assert processor(proc) != first
    assert processor(tmp_path / "absent")
