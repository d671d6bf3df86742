"""RecBole itself reads the export, with the settings that docs/formats.md shows.

Its last release wants NumPy 1 and an old pandas, so it lives in an environment of its own, which has torch
and the rest from this one.
"""

import json
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

from genair.export.recbole import _MISSING

ROOT = Path(__file__).parents[2]
NEEDS = (
    "numpy<2",
    "pandas<3",
    "colorlog==4.7.2",
    "colorama==0.4.4",
    "texttable",
    "scikit-learn",
    "tensorboard",
)
IDS = [
    "cold",
    "007",
    "7",
    "a b",
    " 7 ",
    "😀",
    "a\u2028b",
    "a\u0085b",
    'in"side',
    "it's",
    str(2**60),
    "#1",
    "last",
]
READ = """
import json, sys
from recbole.config import Config
from recbole.data import create_dataset
import yaml

settings = yaml.safe_load(sys.argv[1])
settings |= {"data_path": sys.argv[2], "train_neg_sample_args": None}
settings |= {"USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id", "TIME_FIELD": "timestamp"}
dataset = create_dataset(Config(model="SASRec", dataset="toy", config_dict=settings))
weights = dataset.get_preload_weight("iid")
found = {item_id: weights[row].tolist() for item_id, row in dataset.field2token_id["item_id"].items()}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    if sys.version_info >= (3, 13):
        pytest.skip("RecBole 1.2.1 needs NumPy 1, which has no build for Python 3.13 and later")
    folder = tmp_path_factory.mktemp("recbole")
    venv.create(folder)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--only-binary", ":all:", *NEEDS], check=True)
    subprocess.run([*pip, "--no-deps", "recbole==1.2.1"], check=True)
    site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (site / "torch.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.slow
def test_what_its_reader_takes_for_missing_is_what_is_refused(python):
    code = "import pandas._libs.parsers as p; print(*sorted(p.STR_NA_VALUES), sep='\\n', end='')"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split("\n")) == _MISSING


def settings_shown() -> str:
    section = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").split("\n## Exports\n")[1]
    return re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0]


@pytest.mark.slow
def test_recbole_gives_each_item_its_vector(numbers, vectors_of, write, tmp_path, python):
    table = numbers(len(IDS))
    (tmp_path / "toy").mkdir()
    write(vectors_of(IDS, table), "recbole", "toy/toy.itememb")
    events = (f"u{user}\t{item_id}\t{time}\n" for user in range(2) for time, item_id in enumerate(IDS[1:]))
    header = "user_id:token\titem_id:token\ttimestamp:float\n"
    (tmp_path / "toy" / "toy.inter").write_text(header + "".join(events), encoding="utf-8", newline="\n")
    words = [str(python), "-W", "ignore", "-c", READ, settings_shown(), str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().split("\n")[-1])
    assert found.pop("[PAD]") == [0.0] * 8
    assert sorted(found) == sorted(IDS)
    for item_id, row in zip(IDS, table, strict=True):
        assert np.array_equal(np.float32(found[item_id]), row), item_id
