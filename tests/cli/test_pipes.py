"""Real processes, real pipes, real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

GENAIR = f"{sys.executable} -m genair_cli"
ECHO = "--backend echo --workers 1"


def bash(script: str, **options) -> subprocess.CompletedProcess:
    words = ["bash", "-o", "pipefail", "-c", script]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, **options)


def test_the_five_commands_chain_by_pipes(files, tmp_path):
    script = f"""
    {GENAIR} archetype {files.items} {ECHO} | {GENAIR} embed {ECHO} \
    | {GENAIR} calibrate -i {files.log} --steps 20 --dim 16 - \
    | {GENAIR} train -i {files.log} --epochs 2 --dim 16 - -o model.h5 && {GENAIR} eval model.h5 -i {files.log}
    """
    done = bash(script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.strip().split("\n")]
    assert {(row["metric"], row["k"]) for row in rows} == {
        (metric, k) for metric in ("hr", "ndcg", "mrr") for k in (5, 10, 20, 50)
    }
    assert (tmp_path / "model.h5").read_bytes() == files.model.read_bytes()  # files or pipes: same bytes


def test_a_failing_stage_fails_the_whole_pipe_with_one_error_each(files, tmp_path):
    script = f"{GENAIR} archetype nothing.jsonl {ECHO} | {GENAIR} embed {ECHO} -o emb.h5"
    done = bash(script, cwd=tmp_path)
    assert done.returncode != 0
    assert "nothing.jsonl: no such file" in done.stderr
    assert "stdin: no archetypes: the input is empty" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "script",
    [
        "{g} archetype {f.items} {e} | head -n 1",
        "{g} embed {f.archetypes} {e} | head -c 1 > /dev/null",
        "{g} eval {f.model} -i {f.log} | head -n 1",
        "{g} info {f.model} | true",
    ],
)
def test_a_reader_that_leaves_early_is_no_error(files, script):
    done = bash(script.format(g=GENAIR, e=ECHO, f=files))
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower()
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    "script",
    [
        "{g} archetype {f.items} {e} > /dev/full",
        "{g} embed {f.archetypes} {e} > /dev/full",
        "{g} eval {f.model} -i {f.log} > /dev/full",
    ],
)
def test_a_full_disk_on_stdout_is_one_line_and_exit_1(files, script):
    done = bash(script.format(g=GENAIR, e=ECHO, f=files))
    assert done.returncode == 1
    assert [line for line in done.stderr.split("\n") if "No space left" in line]
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", ["archetype", "embed"])
def test_a_disk_that_fills_up_leaves_nothing_under_the_final_name(files, tmp_path, command):
    source = {"archetype": files.items, "embed": files.archetypes}[command]
    done = bash(f"ulimit -f 8; {GENAIR} {command} {source} {ECHO} -o out", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def started(folder: Path, *words: str, sigint: str = "default_int_handler", **options) -> subprocess.Popen:
    """Start a command that takes SIGINT as a foreground job does, even if the tests themselves do not."""
    taken = f"import signal; signal.signal(signal.SIGINT, signal.{sigint})"
    code = f"{taken}; from genair_cli.main import run; run()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=folder, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_signals_stop_the_work_and_leave_no_partial_output(files, tmp_path, sent, status, workers):
    words = ("archetype", "-", "-o", "out.jsonl", "--backend", "echo", "--workers", workers, "--wave", "4")
    process = started(tmp_path, *words, stdin=subprocess.PIPE)
    process.stdin.write(files.items.read_text(encoding="utf-8"))
    process.stdin.flush()
    partial = tmp_path / "out.jsonl.partial"
    wait_until(lambda: partial.exists() and partial.stat().st_size > 0, process)
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_background_job_that_ignores_ctrl_c_goes_on(files, tmp_path):
    words = ("archetype", "-", "-o", "out.jsonl", "--backend", "echo", "--workers", "1", "--wave", "4")
    process = started(tmp_path, *words, sigint="SIG_IGN", stdin=subprocess.PIPE)
    wait_until((tmp_path / "out.jsonl.partial").exists, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(files.items.read_text(encoding="utf-8"), timeout=60)
    assert process.returncode == 0, err
    assert (tmp_path / "out.jsonl").is_file()


def test_kill_9_leaves_only_a_partial_file_that_the_next_run_replaces(files, tmp_path):
    words = ("archetype", "-", "-o", "out.jsonl", "--backend", "echo", "--workers", "1", "--wave", "4")
    process = started(tmp_path, *words, stdin=subprocess.PIPE)
    process.stdin.write(files.items.read_text(encoding="utf-8"))
    process.stdin.flush()
    partial = tmp_path / "out.jsonl.partial"
    wait_until(lambda: partial.exists() and partial.stat().st_size > 0, process)
    process.kill()
    process.communicate(timeout=60)
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl.partial"]
    done = bash(f"{GENAIR} archetype {files.items} {ECHO} -o out.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_second_writer_on_the_same_output_is_refused(files, tmp_path):
    words = ("archetype", "-", "-o", "out.jsonl", "--backend", "echo", "--workers", "1")
    first = started(tmp_path, *words, stdin=subprocess.PIPE)
    wait_until((tmp_path / "out.jsonl.partial").exists, first)
    second = bash(f"{GENAIR} archetype {files.items} {ECHO} -o out.jsonl", cwd=tmp_path)
    assert second.returncode == 1
    assert "another process is writing this output" in second.stderr
    _, err = first.communicate(files.items.read_text(encoding="utf-8"), timeout=60)
    assert first.returncode == 0, err
    assert (tmp_path / "out.jsonl").read_bytes() == files.archetypes.read_bytes()


def test_workers_do_not_outlive_a_killed_parent(files, tmp_path):
    words = ("archetype", "-", "-o", "out.jsonl", "--backend", "echo", "--workers", "2", "--wave", "4")
    process = started(tmp_path, *words, stdin=subprocess.PIPE)
    process.stdin.write(files.items.read_text(encoding="utf-8"))
    process.stdin.flush()
    wait_until(lambda: children_of(process.pid), process)
    workers = children_of(process.pid)
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while any(is_running(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.05)


def test_hdf5_is_not_written_to_a_terminal(files):
    import pty

    master, slave = pty.openpty()
    words = [sys.executable, "-m", "genair_cli", "embed", str(files.archetypes), *ECHO.split()]
    done = subprocess.run(words, stdout=slave, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(slave)
    os.close(master)
    assert done.returncode == 2
    assert "will not write HDF5 to a terminal" in done.stderr


def test_a_terminal_as_stdin_is_not_waited_for(files):
    import pty

    master, slave = pty.openpty()
    words = [sys.executable, "-m", "genair_cli", "archetype", *ECHO.split()]
    done = subprocess.run(words, stdin=slave, capture_output=True, text=True, timeout=60, check=False)
    os.close(slave)
    os.close(master)
    assert done.returncode == 2
    assert "no input: name a file" in done.stderr


def test_a_closed_stderr_does_not_change_the_result(files, tmp_path):
    done = bash(f"{GENAIR} archetype {files.items} {ECHO} -o out.jsonl 2>&-", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "out.jsonl").read_bytes() == files.archetypes.read_bytes()


def wait_until(condition, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(fields[1]) == pid:
            found.append(int(entry.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
