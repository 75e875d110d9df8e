"""A ZIP whose bytes depend on its contents alone, with a manifest of hashes; written and read piece by piece.

The manifest comes last. Before it, SHA256SUMS is what `sha256sum` prints of the files in their order: it
checks them without us (`-c`), and its own hash is that of the whole.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

FILES_MAX = 100_000
BYTES_MAX = 8 * 1024**3  # of all contents
FILE_BYTES_MAX = 2 * 1024**3 - 1  # what a ZIP holds without its 64-bit form
MANIFEST_BYTES_MAX = 64 * 1024**2
PIECE_BYTES = 1024 * 1024
SUMS = "SHA256SUMS"
MANIFEST = "manifest.json"
FORMAT = "poincon-reddition-1"
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can tell: it tells nothing
UNIX, MODE = 3, 0o100644 << 16


class NotAnArchive(Exception):
    """The file is not an archive of ours, or not whole; the text says where."""


class FileHash(NamedTuple):
    name: str
    size: int
    sha256: str


class ArchiveWriter:
    def __init__(self, target: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self.files: list[FileHash] = []
        self._size = 0

    def add(self, name: str, content: bytes) -> None:
        with self.open(name) as file:
            file.write(content)

    def open(self, name: str) -> "Piecemeal":
        """Only one at a time."""
        assert len(self.files) < FILES_MAX, "the reader of the record bounds them"
        return Piecemeal(self, name, self._zip.open(_information(name), "w"))

    def done(self, file: FileHash) -> None:
        assert file.name not in {SUMS, MANIFEST, *(one.name for one in self.files[-1:])}
        self._size += file.size
        if self._size > BYTES_MAX:
            raise NotAnArchive(f"over {BYTES_MAX} bytes; render a shorter period")
        self.files.append(file)

    def close(self, facts: Mapping[str, Any]) -> str:
        """Write the manifest with these facts; the hash of the whole."""
        whole = whole_hash(self.files)
        manifest = {
            "format": FORMAT,
            **facts,
            "sha256": whole,
            "files": [{"name": one.name, "bytes": one.size, "sha256": one.sha256} for one in self.files],
        }
        self._zip.writestr(_information(SUMS), sums_of(self.files), compresslevel=6)
        text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
        self._zip.writestr(_information(MANIFEST), text.encode(), compresslevel=6)
        self._zip.close()
        return whole


class Piecemeal:
    """A file of the archive while it is written."""

    def __init__(self, archive: ArchiveWriter, name: str, target: IO[bytes]) -> None:
        self._archive, self._name, self._target = archive, name, target
        self._digest, self._size = hashlib.sha256(), 0

    def __enter__(self) -> "Piecemeal":
        return self

    def write(self, content: bytes) -> None:
        self._size += len(content)
        if self._size > FILE_BYTES_MAX:
            raise NotAnArchive(f"{self._name}: over {FILE_BYTES_MAX} bytes; render a shorter period")
        self._digest.update(content)
        self._target.write(content)

    def __exit__(self, failed: object, *_: object) -> None:
        self._target.close()
        if failed is None:
            self._archive.done(FileHash(self._name, self._size, self._digest.hexdigest()))


def sums_of(files: Iterable[FileHash]) -> bytes:
    return "".join(f"{file.sha256}  {file.name}\n" for file in files).encode()


def whole_hash(files: Iterable[FileHash]) -> str:
    return hashlib.sha256(sums_of(files)).hexdigest()


def _information(name: str) -> zipfile.ZipInfo:
    information = zipfile.ZipInfo(name, FIXED_TIME)
    information.compress_type = zipfile.ZIP_DEFLATED
    information.create_system = UNIX
    information.external_attr = MODE
    return information


class ArchiveReader:
    """Opened only when each of its files is the one that the manifest tells, bit for bit."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest = self._read_manifest()
            self.files = self._told()
            self._hold_names()
            for file in self.files:
                self._hold_hash(file)
            sums = sums_of(self.files)
            self._hold_hash(FileHash(SUMS, len(sums), hashlib.sha256(sums).hexdigest()))
        except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
            raise NotAnArchive(f"not a whole ZIP: {error}") from None
        except (RuntimeError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
            raise NotAnArchive(f"can't be read: {error}") from None
        if (found := whole_hash(self.files)) != self.manifest.get("sha256"):
            raise NotAnArchive(f"the hash of the whole is {found}, not what the manifest tells")

    def pieces(self, name: str) -> Iterator[bytes]:
        with self._zip.open(name) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def open(self, name: str) -> IO[bytes]:
        return self._zip.open(name)

    def _read_manifest(self) -> dict[str, Any]:
        try:
            with self._zip.open(MANIFEST) as file:
                text = file.read(MANIFEST_BYTES_MAX + 1)
        except KeyError:
            raise NotAnArchive(f"there is no {MANIFEST} in it") from None
        if len(text) > MANIFEST_BYTES_MAX:
            raise NotAnArchive(f"{MANIFEST} is over {MANIFEST_BYTES_MAX} bytes")
        try:
            manifest = json.loads(text)
        except ValueError as error:
            raise NotAnArchive(f"{MANIFEST}: {error}") from None
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise NotAnArchive(f"{MANIFEST} does not say that it is of the format {FORMAT}")
        return manifest

    def _told(self) -> list[FileHash]:
        try:
            files = [
                FileHash(str(one["name"]), int(one["bytes"]), str(one["sha256"]))
                for one in self.manifest["files"]
            ]
        except (KeyError, TypeError, ValueError):
            raise NotAnArchive(f"{MANIFEST} does not list its files") from None
        if len(files) > FILES_MAX or sum(file.size for file in files) > BYTES_MAX:
            raise NotAnArchive(f"over {FILES_MAX} files or {BYTES_MAX} bytes")
        return files

    def _hold_names(self) -> None:
        there = self._zip.namelist()
        told = [*(file.name for file in self.files), SUMS, MANIFEST]
        if there != told:
            strange = sorted(set(there) ^ set(told)) or ["their order, or one twice"]
            raise NotAnArchive(f"the files are not those of the manifest: {', '.join(strange[:5])}")

    def _hold_hash(self, file: FileHash) -> None:
        digest, size = hashlib.sha256(), 0
        for piece in self.pieces(file.name):
            size += len(piece)
            if size > file.size:
                raise NotAnArchive(f"{file.name} is longer than its {file.size} bytes")
            digest.update(piece)
        if (size, digest.hexdigest()) != (file.size, file.sha256):
            raise NotAnArchive(f"{file.name} is not what the manifest tells: its SHA-256 differs")
