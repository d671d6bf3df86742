"""Real processes and real pipes: chained, broken, full, closed, and no pipe at all."""

import gzip
import json
import os
import pty
import re
import subprocess
import sys

import pytest

from genair.io.embeddings import read_table

pytestmark = pytest.mark.slow

GENAIR = f"{sys.executable} -m genair_cli"
ECHO = "--backend echo --workers 1"


def bash(script: str, **options) -> subprocess.CompletedProcess:
    words = ["bash", "-o", "pipefail", "-c", script]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, **options)


def test_the_five_commands_chain_by_pipes(files, tmp_path):
    script = f"""
    {GENAIR} archetype {files.items} {ECHO} | {GENAIR} embed {ECHO} \
    | {GENAIR} calibrate -i {files.log} --features 50 --dim 16 - \
    | {GENAIR} train -i {files.log} --epochs 2 --dim 16 - -o model.h5 && {GENAIR} eval model.h5 -i {files.log}
    """
    done = bash(script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.strip().split("\n")]
    assert {(row["metric"], row["k"]) for row in rows} >= {
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


def test_hdf5_may_come_through_a_named_pipe(files, tmp_path):
    script = f"{GENAIR} calibrate <(cat {files.vectors}) -i {files.log} -o a.h5 && {GENAIR} info a.h5 --check"
    done = bash(script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    script = f"mkfifo stdin; cat {files.vectors} > stdin & {GENAIR} calibrate stdin -i {files.log} -o b.h5"
    done = bash(f"{script} < /dev/null", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("form", ["npy", "faiss", "safetensors", "parquet", "word2vec", "word2vec-binary"])
def test_a_file_that_gets_too_large_is_named(files, tmp_path, form):
    done = bash(f"ulimit -f 1; {GENAIR} export {files.vectors} --to {form} -o out -vv", cwd=tmp_path)
    assert done.returncode == 1
    assert "out: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("both", ["--items - --interactions o", "--items o --interactions -"])
def test_outputs_beside_a_pipe_whose_reader_left_are_written(tmp_path, both):
    rows = "".join(f"user number {n // 9},item number {n % 9999},{n}\n" for n in range(30_000))
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\n" + rows)
    script = f"{GENAIR} import table log.csv {both} --report r | true; echo ${{PIPESTATUS[0]}}"
    done = bash(script, cwd=tmp_path)
    assert done.stdout == "0\n", done.stderr
    assert "error" not in done.stderr
    assert len((tmp_path / "o").read_bytes().split(b"\n")) > 9000
    assert (tmp_path / "r").stat().st_size > 0


@pytest.mark.parametrize(
    "script",
    [
        "{g} archetype {f.items} {e} > /dev/full",
        "{g} embed {f.archetypes} {e} > /dev/full",
        "{g} calibrate {f.vectors} -i {f.log} > /dev/full",
        "{g} export {f.vectors} --to safetensors > /dev/full",
        "{g} export {f.vectors} --to parquet > /dev/full",
        "{g} eval {f.model} -i {f.log} > /dev/full",
    ],
)
def test_a_full_disk_on_stdout_is_one_line_and_exit_1(files, script):
    done = bash(script.format(g=GENAIR, e=ECHO, f=files))
    assert done.returncode == 1
    assert [line for line in done.stderr.split("\n") if "stdout: No space left" in line]
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", ["archetype", "embed"])
def test_a_disk_that_fills_up_leaves_nothing_under_the_final_name(files, tmp_path, command):
    source = {"archetype": files.items, "embed": files.archetypes}[command]
    done = bash(f"ulimit -f 8; {GENAIR} {command} {source} {ECHO} -o out", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    left = [path.name for path in tmp_path.iterdir()]
    assert left == (["out.partial"] if "--resume" in done.stderr else [])
    done = bash(f"{GENAIR} {command} {source} {ECHO} -o out --resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = {"archetype": files.archetypes, "embed": files.vectors}[command]
    assert (tmp_path / "out").read_bytes() == made.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_hdf5_is_not_written_to_a_terminal(files):
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "genair_cli", "embed", str(files.archetypes), *ECHO.split()]
    done = subprocess.run(words, stdout=slave, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(slave)
    os.close(master)
    assert done.returncode == 2
    assert "will not write HDF5 to a terminal" in done.stderr


def test_a_terminal_as_stdin_is_not_waited_for(files):
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


@pytest.mark.parametrize(
    "words", ["info {f.model}", "eval {f.model} -i {f.log}", "calibrate {f.vectors} -i {f.log}"]
)
def test_a_closed_stdout_is_an_error_of_one_line(files, words):
    done = bash(f"{GENAIR} {words.format(f=files)} -q >&-")
    assert done.returncode == 1
    assert re.search(r"error: (stdout: )?Bad file descriptor$", done.stderr.strip())
    assert "Traceback" not in done.stderr


def test_closed_streams_are_no_matter_to_what_reads_and_writes_files(files, tmp_path):
    words = f"calibrate {files.vectors} -i {files.log} --features 50 --dim 16 -o {tmp_path / 'cal.h5'} -q"
    assert bash(f"{GENAIR} {words} <&- >&- 2>&-").returncode == 0
    assert (tmp_path / "cal.h5").read_bytes() == files.calibrated.read_bytes()


def test_a_closed_stdin_is_an_empty_input(files):
    done = bash(f"{GENAIR} calibrate -i {files.log} -o out.h5 <&-")
    assert (done.returncode, "error: stdin: the input is empty" in done.stderr) == (3, True)


@pytest.mark.parametrize("redirect", [">", ">>"])
@pytest.mark.parametrize("force", ["", "--force"])
def test_stdout_by_name_is_what_the_shell_made_it(files, tmp_path, redirect, force):
    (tmp_path / "link").symlink_to("/proc/self/fd/1")
    (tmp_path / "out").write_text("before\n")
    done = bash(f"{GENAIR} archetype {files.items} {ECHO} -o link {force} {redirect} out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    kept = "before\n" if redirect == ">>" else ""
    assert (tmp_path / "out").read_text() == kept + files.archetypes.read_text()
    assert (tmp_path / "link").is_symlink()


def test_a_named_pipe_whose_reader_left_is_no_error_and_no_reason_to_lose_the_output(files, tmp_path):
    gone = "exec 9> >(true); sleep 1;"
    done = bash(f"{gone} {GENAIR} embed {files.archetypes} {ECHO} -o /dev/fd/9", cwd=tmp_path)
    assert (done.returncode, "error" in done.stderr) == (0, False), done.stderr
    (tmp_path / "in.jsonl").write_bytes(b"{broken\n" + files.items.read_bytes())
    words = f"{ECHO} --on-error skip --errors /dev/fd/9 -o out.jsonl"
    done = bash(f"{gone} {GENAIR} archetype in.jsonl {words}", cwd=tmp_path)
    assert (done.returncode, "error" in done.stderr) == (4, False), done.stderr
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == len(
        files.items.read_bytes().splitlines()
    )


def test_a_named_pipe_is_packed_by_its_name(files, tmp_path):
    script = f"mkfifo f.gz; cat f.gz > out.gz & {GENAIR} archetype {files.items} {ECHO} -o f.gz && wait"
    done = bash(script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()) == files.archetypes.read_bytes()


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_descriptor_is_written_through_and_stays(tmp_path, name):
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\nu,a,1\nu,b,2\n")
    link = tmp_path / "fd"
    link.symlink_to("/proc/self/fd/1")
    outputs = {"first": "fd", "second": "other"} if name == "first" else {"first": "other", "second": "fd"}
    words = ["--interactions", outputs["first"], "--items", outputs["second"]]
    with (tmp_path / "seen").open("wb") as seen:
        seen.write(b"before\n")
        seen.flush()
        line = [sys.executable, "-m", "genair_cli", "import", "table", "log.csv", *words, "-q"]
        subprocess.run(line, stdout=seen, check=True, cwd=tmp_path)
    assert link.is_symlink()
    assert (tmp_path / "seen").read_bytes().startswith(b"before\n{")
    assert (tmp_path / "other").stat().st_size


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_stdout_that_takes_only_a_part_is_an_error(tmp_path, unbuffered):
    rows = "".join(f"u{n},a,{n}\n" for n in range(4000))
    (tmp_path / "long.csv").write_text("user_id,item_id,timestamp\n" + rows)
    words = f"{sys.executable} -m genair_cli import table long.csv --items items.jsonl --interactions - -q"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 40; exec {words} > cut.jsonl"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "cut.jsonl").stat().st_size == 40 * 1024
    assert done.returncode == 1
    assert done.stderr.strip() == "genair import: error: stdout: File too large"


@pytest.mark.parametrize("stream", ["stdout", "fifo"])
def test_a_reader_that_leaves_takes_no_other_output_along(start, files, tmp_path, unread, stream):
    """The lines are lost to who did not want them; vectors and skipped records were asked for by name."""
    (tmp_path / "items.jsonl").write_bytes(
        files.items.read_bytes() * 2
    )  # the second time their ids are taken
    words = (*ECHO.split(), "--embeddings", "emb.h5", "--on-error", "skip", "--errors", "bad.jsonl")
    to = () if stream == "stdout" else ("-o", unread)
    command = start("archetype", "items.jsonl", *words, *to, stdout=subprocess.PIPE)
    command.stdout.close()
    assert "40 skipped" in command.ends(4)
    assert len((tmp_path / "bad.jsonl").read_bytes().splitlines()) == 40
    assert len(read_table(tmp_path / "emb.h5", "emb.h5").item_ids) == 40
