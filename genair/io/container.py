"""The HDF5 file that stages hand on: typed, versioned, checksummed, and marked when complete.

Attributes: `format` (which kind of file), `format_version`, `complete`. `/item_ids` are UTF-8 strings;
`/provenance/steps` is a string dataset, oldest first. Every dataset that can be chunked carries Fletcher-32
checksums, so a flipped bit is an error when read and not a wrong number. Equal content gives equal bytes:
no timestamps, datasets in the order written.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from genair.errors import GenairError, InputError
from genair.io.disk import Disk
from genair.provenance import Step

Array = npt.NDArray[Any]
FORMATS = {"genair-embeddings": 1, "genair-model": 1, "genair-checkpoint": 1}
_STEPS = "provenance/steps"
_CHUNK_BYTES = 1 << 20
_LIBVER = ("v110", "v110")  # checksums on HDF5's own bookkeeping, too
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)  # what h5py raises on damaged bytes


def ids_digest(item_ids: Sequence[str]) -> str:
    """Return the SHA-256 (hex) of the ids in order; equal digests mean that rows are aligned."""
    digest = hashlib.sha256()
    for item_id in item_ids:
        data = item_id.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


class Container:
    """An open file: named arrays, attributes and provenance."""

    def __init__(self, file: h5py.File, name: str, check_disk: Callable[[], None] = lambda: None) -> None:
        """Wrap an open HDF5 file; `name` is what errors call it, `check_disk` raises if a write failed."""
        self._file = file
        self.name = name
        self._check_disk = check_disk

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Turn what HDF5 says of damaged bytes into an error that names the file.

        Raises:
            InputError: the block met damaged bytes.
        """
        try:
            yield
        except _DAMAGE as error:
            raise InputError(f"{what} is damaged ({_short(error)})", where=self.name) from error

    @property
    def kind(self) -> str:
        """Return the format's name, e.g. `genair-embeddings`."""
        return str(self._file.attrs["format"])

    def attributes(self) -> dict[str, Any]:
        """Return the root attributes as plain Python values."""
        with self.reading("an attribute"):
            return {key: _plain(value) for key, value in self._file.attrs.items()}

    def set_attributes(self, **values: str | int | bool) -> None:
        """Set root attributes."""
        with self._writing():
            for key, value in values.items():
                self._file.attrs[key] = value

    def write(self, path: str, array: Array) -> None:
        """Store an array, in chunks of whole rows with checksums; a scalar or empty one plainly."""
        if array.ndim == 0 or array.size == 0:
            with self._writing():
                self._file.create_dataset(path, data=array)
            return
        self._create(path, array, chunk_rows=min(len(array), _rows_per_chunk(array)), grows=False)

    def append(self, path: str, rows: Array) -> None:
        """Add rows to a dataset that grows, for data that does not fit in memory."""
        if path not in self._file:
            self._create(path, rows, chunk_rows=_rows_per_chunk(rows), grows=True)
            return
        with self._writing():
            dataset = self.dataset(path)
            count = len(dataset)
            dataset.resize(count + len(rows), axis=0)
            dataset[count:] = rows

    def _create(self, path: str, array: Array, *, chunk_rows: int, grows: bool) -> None:
        shape = array.shape[1:]
        limits = {"maxshape": (None, *shape)} if grows else {}
        with self._writing():
            self._file.create_dataset(
                path, data=array, chunks=(chunk_rows, *shape), fletcher32=True, **limits
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Write nothing behind an error of the disk, and raise it as soon as it is there."""
        self._check_disk()
        yield
        self._check_disk()

    def read(self, path: str) -> Array:
        """Return a whole array.

        Raises:
            InputError: there is no such array, its checksum does not match, or it holds no numbers.
        """
        dataset = self.dataset(path)
        with self.reading(f"/{path}"):
            if dataset.dtype.kind not in "biuf":
                raise TypeError(f"{dataset.dtype} where numbers should be")
            return np.asarray(dataset[...])

    def dataset(self, path: str) -> h5py.Dataset:
        """Return a dataset without reading it.

        Raises:
            InputError: there is no such array.
        """
        with self.reading(f"/{path}"):
            found = self._file.get(path)
        if not isinstance(found, h5py.Dataset):
            raise InputError(f"has no /{path}", where=self.name)
        return found

    def write_strings(self, path: str, values: Sequence[str]) -> None:
        """Store strings as variable-length UTF-8."""
        with self._writing():
            self._file.create_dataset(path, data=list(values), dtype=h5py.string_dtype("utf-8"))

    def read_strings(self, path: str) -> list[str]:
        """Return what `write_strings` stored."""
        dataset = self.dataset(path)
        with self.reading(f"/{path}"):
            return [str(value) for value in dataset.asstr()[...]]

    def names(self, group: str = "") -> list[str]:
        """Return the paths of all datasets below a group, sorted.

        Raises:
            InputError: there is no such group.
        """
        found: list[str] = []
        if group and not self.has(group):
            raise InputError(f"has no /{group}", where=self.name)
        prefix = f"{group}/" if group else ""

        def visit(path: str, node: object) -> None:
            if isinstance(node, h5py.Dataset):
                found.append(prefix + path)

        with self.reading(f"/{group}"):
            (self._file[group] if group else self._file).visititems(visit)
        return sorted(found)

    def has(self, path: str) -> bool:
        """Return whether there is a dataset or group at `path`."""
        with self.reading(f"/{path}"):
            return path in self._file

    @property
    def steps(self) -> list[Step]:
        """Return the provenance, oldest step first."""
        with self.reading(f"/{_STEPS}"):
            return [Step.from_json(text) for text in self.read_strings(_STEPS)]

    def write_steps(self, steps: Sequence[Step]) -> None:
        """Store the provenance."""
        self.write_strings(_STEPS, [step.to_json() for step in steps])


@contextmanager
def create_container(path: Path, kind: str) -> Iterator[Container]:
    """Yield a new file to fill; it is marked complete when the block ends without an error.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    with path.open("w+b", buffering=0) as raw:
        disk = Disk(raw, str(path))
        try:
            with h5py.File(disk, "w", libver=_LIBVER) as file:
                container = Container(file, str(path), disk.check)
                container.set_attributes(format=kind, format_version=FORMATS[kind], complete=False)
                yield container
                container.set_attributes(complete=True)
        finally:
            disk.leave()
            disk.check()  # whatever else went wrong, a full disk is the cause


@contextmanager
def open_container(path: Path, name: str, kind: str | None = None) -> Iterator[Container]:
    """Open a file for reading and make sure it is what is expected.

    Raises:
        GenairError: there is no such file, or it may not be read.
        InputError: not HDF5, cut off, not ours, of another kind or a newer version, or incomplete.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except FileNotFoundError:
        raise GenairError("no such file", where=name) from None
    except (PermissionError, IsADirectoryError) as error:
        raise GenairError(str(error.strerror), where=name) from error
    except _DAMAGE as error:
        raise InputError(f"not an HDF5 file, or cut off ({_short(error)})", where=name) from error
    with file:
        container = Container(file, name)
        _check_format(container, kind)
        yield container


def _check_format(container: Container, kind: str | None) -> None:
    found = container.attributes()
    if not isinstance(found.get("format"), str) or found["format"] not in FORMATS:
        raise InputError("an HDF5 file, but not one of genair's", where=container.name)
    if kind is not None and found["format"] != kind:
        raise InputError(f"is a {found['format']} file, expected {kind}", where=container.name)
    known = FORMATS[found["format"]]
    if found.get("format_version") != known:
        raise InputError(
            f"has format version {found.get('format_version')}, this genair reads {known}:"
            " make it again or upgrade genair",
            where=container.name,
        )
    if not found.get("complete"):
        raise InputError("is incomplete: its writer did not finish", where=container.name)


def _rows_per_chunk(array: Array) -> int:
    row_bytes = int(np.prod(array.shape[1:], dtype=np.int64)) * array.itemsize
    return max(1, _CHUNK_BYTES // max(1, row_bytes))


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _short(error: Exception) -> str:
    return str(error).splitlines()[0].strip() if str(error) else type(error).__name__
