"""`genair export`: from either kind of file, to files, pairs of files and pipes."""

import gzip
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from gensim.models import KeyedVectors

from genair.export import FORMATS
from genair.io.checkpoints import read_model
from genair.io.embeddings import read_table
from genair.models.table import item_table

PAIRS = ["npy", "faiss"]
BINARY = ["safetensors", "parquet", "word2vec-binary"]
TEXT = ["word2vec", "recbole"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def read_npy(path):
    ids = json.loads(path.with_name(path.name + ".ids.json").read_bytes())["item_ids"]
    return ids, np.load(path)


def test_all_formats_are_tried_here():
    assert sorted([*PAIRS, *BINARY, *TEXT]) == sorted(FORMATS.names())


@pytest.mark.parametrize("to", FORMATS.names())
def test_every_format_is_written_whole_and_reported(run, files, tmp_path, to):
    result = run("export", files.calibrated, "--to", to, "-o", tmp_path / "out")
    assert result.status == 0, result.err
    assert result.out == b""
    assert result.err == "genair export: 40 vectors of 16 numbers\n"
    assert names(tmp_path) == (["out", "out.ids.json"] if to in PAIRS else ["out"])


def test_the_vectors_of_an_embedding_file(run, files, tmp_path):
    assert run("export", files.calibrated, "--to", "npy", "-o", tmp_path / "out").status == 0
    ids, found = read_npy(tmp_path / "out")
    table = read_table(files.calibrated, "cal.h5")
    assert ids == table.item_ids
    assert np.array_equal(found, table.vectors)


def test_the_table_of_a_model(run, files, tmp_path):
    assert run("export", files.model, "--to", "npy", "-o", tmp_path / "out").status == 0
    ids, found = read_npy(tmp_path / "out")
    model = read_model(files.model, "model.h5")
    assert ids == model.item_ids
    assert np.array_equal(found, item_table(model))
    steps = json.loads((tmp_path / "out.ids.json").read_bytes())["genair_steps"]
    assert [step["command"] for step in steps][-2:] == ["train", "export"]


@pytest.mark.parametrize("view", ["context", "archetype"])
def test_a_raw_view(run, files, tmp_path, view):
    words = ("export", files.vectors, "--to", "npy", "-o", tmp_path / "out", "--view", view)
    assert run(*words).status == 0
    with h5py.File(files.vectors) as file:
        assert np.array_equal(read_npy(tmp_path / "out")[1], file[f"views/{view}"][:])


def test_normalize(run, files, tmp_path):
    assert run("export", files.model, "--to", "npy", "-o", tmp_path / "out", "--normalize").status == 0
    np.testing.assert_allclose(np.linalg.norm(read_npy(tmp_path / "out")[1], axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("to", [*BINARY, *TEXT])
def test_a_pipe_gets_the_bytes_of_the_file(run, files, tmp_path, to):
    assert run("export", files.calibrated, "--to", to, "-o", tmp_path / "out").status == 0
    piped = run("export", "--to", to, stdin=files.calibrated.read_bytes())
    assert piped.status == 0
    assert piped.out == (tmp_path / "out").read_bytes()


def test_names_that_end_in_gz_are_gzip(run, files, tmp_path):
    words = ("export", files.calibrated, "--to", "word2vec", "-o")
    assert run(*words, tmp_path / "out.txt").status == run(*words, tmp_path / "out.txt.gz").status == 0
    assert gzip.decompress((tmp_path / "out.txt.gz").read_bytes()) == (tmp_path / "out.txt").read_bytes()
    assert len(KeyedVectors.load_word2vec_format(str(tmp_path / "out.txt.gz"))) == 40


@pytest.mark.parametrize("to", PAIRS)
@pytest.mark.parametrize("output", [(), ("-o", "-")])
def test_two_files_need_a_name(run, files, to, output):
    result = run("export", files.calibrated, "--to", to, *output)
    result.fails(2, f"--to {to} writes two files", "-o FILE")


@pytest.mark.parametrize("to", [*BINARY, *TEXT])
def test_only_text_goes_to_a_terminal(run, files, monkeypatch, to):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    result = run("export", files.calibrated, "--to", to)
    if to in TEXT:
        assert result.out.startswith((b"40 16\n", b"iid:token\t"))
    else:
        result.fails(2, f"will not write {to} to a terminal: use -o FILE or a pipe")


@pytest.mark.parametrize("to", FORMATS.names())
def test_what_is_there_stays_unless_forced(run, files, tmp_path, to):
    (tmp_path / "out").write_bytes(b"mine")
    words = ("export", files.calibrated, "--to", to, "-o", tmp_path / "out")
    run(*words).fails(1, "exists already", "--force")
    assert (tmp_path / "out").read_bytes() == b"mine"
    assert names(tmp_path) == ["out"]
    assert run(*words, "--force").status == 0
    assert (tmp_path / "out").stat().st_size > 1000


def test_ids_that_are_there_stay_unless_forced(run, files, tmp_path):
    (tmp_path / "out.ids.json").write_bytes(b"mine")
    run("export", files.calibrated, "--to", "npy", "-o", tmp_path / "out").fails(
        1, "out.ids.json: exists already"
    )
    assert names(tmp_path) == ["out.ids.json"]


@pytest.mark.parametrize("to", [*BINARY, *TEXT])
def test_a_full_device_is_an_error(run, files, to):
    run("export", files.calibrated, "--to", to, "-o", "/dev/full").fails(1, "No space left")


@pytest.fixture
def damaged(files, tmp_path):
    path = tmp_path / "bad.h5"
    path.write_bytes(files.calibrated.read_bytes())
    with h5py.File(path, "r+") as file:
        file["vectors"][39, 0] = np.inf
    return path


@pytest.mark.parametrize("to", FORMATS.names())
def test_numbers_that_are_not_finite_leave_no_file(run, damaged, tmp_path, to):
    run("export", damaged, "--to", to, "-o", tmp_path / "out").fails(
        3, "bad.h5: vector of item", "not finite"
    )
    assert names(tmp_path) == ["bad.h5"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("export", "CAL"), 2, "--to"),
        (("export", "CAL", "--to", "pickle"), 2, "unknown format 'pickle': choose from npy, safetensors"),
        (("export", "EMB", "--to", "npy", "--view", "left"), 2, "--view must be context or archetype"),
        (("export", "MODEL", "--to", "npy", "--view", "context"), 2, "a model has no views"),
        (("export", "CAL", "--to", "npy", "--view", "context"), 3, "has no view 'context'"),
        (("export", "LOG", "--to", "npy"), 3, "not an HDF5 file"),
        (("export", "none.h5", "--to", "npy"), 1, "none.h5: no such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, files, tmp_path, monkeypatch, words, status, said):
    monkeypatch.chdir(tmp_path)
    named = {"CAL": files.calibrated, "EMB": files.vectors, "MODEL": files.model, "LOG": files.log}
    run(*(named.get(word, word) for word in words), "-o", "out").fails(status, said)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("to", "library", "package"), [("parquet", "pyarrow", "pyarrow"), ("faiss_", "faiss", "faiss-cpu")]
)
def test_a_missing_library_names_the_pip_install_that_mends_it(
    run, files, tmp_path, monkeypatch, to, library, package
):
    monkeypatch.delitem(sys.modules, f"genair.export.{to}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    result = run("export", files.calibrated, "--to", to.strip("_"), "-o", tmp_path / "out")
    result.fails(1, f"genair export: error: {package} is not installed: pip install 'genair[export]'")
    assert names(tmp_path) == []


def test_help_and_an_embedding_file_need_no_library_but_the_format_s(files, tmp_path):
    code = f"""
import sys
from genair_cli.main import main
assert main(["export", "--help"]) == 0
print(*(sys.modules.keys() & {{"numpy", "h5py", "torch", "faiss", "pyarrow"}}), file=sys.stderr)
assert main(["export", {str(files.calibrated)!r}, "--to", "npy", "-o", "out", "-q"]) == 0
print(*(sys.modules.keys() & {{"torch", "faiss", "pyarrow"}}), file=sys.stderr)
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == "\n\n"


@pytest.mark.slow
def test_a_reader_that_leaves_ends_it_quietly(files):
    code = "import sys; from genair_cli.main import main; sys.exit(main())"
    for to in ("word2vec", "parquet"):
        words = [sys.executable, "-c", code, "export", str(files.calibrated), "--to", to]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.close()
            err = process.stderr.read()
        assert process.returncode == 0, err
        assert b"Traceback" not in err
