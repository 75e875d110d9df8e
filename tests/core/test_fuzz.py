"""Hostile input by chance: each parser takes what was kept, and that changed. `make fuzz` goes on."""

import itertools
import random
import time
from pathlib import Path
from typing import Final

import pytest

from loadtests.fuzz.hunt import CORPORA, INPUT_SECONDS_MAX, SEED, seeds_of
from loadtests.fuzz.mutate import INPUT_BYTES_MAX, mutated
from loadtests.fuzz.targets import TARGETS

CORPUS_BYTES_MAX: Final = 12_000
FILES_MAX: Final = 40
INPUTS: Final = dict.fromkeys(TARGETS, 4_000) | dict.fromkeys(("form", "multipart"), 300)

# What aiohttp says of a wrong header within a form is not even logged (validator/log.py).
pytestmark = pytest.mark.filterwarnings(
    "ignore::aiohttp.BadContentDispositionHeader", "ignore::aiohttp.BadContentDispositionParam"
)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_what_its_caller_expects_leaves_a_parser(name: str) -> None:
    slowest = 0.0
    for data in itertools.islice(mutated(seeds_of(name), random.Random(SEED)), INPUTS[name]):
        started = time.process_time()
        TARGETS[name](data)
        slowest = max(slowest, time.process_time() - started)
    assert slowest < INPUT_SECONDS_MAX


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert {path.name for path in CORPORA.iterdir()} == set(TARGETS)


def test_corpora_stay_small() -> None:
    for folder in CORPORA.iterdir():
        sizes = [path.stat().st_size for path in folder.iterdir()]
        assert len(sizes) <= FILES_MAX, folder.name
        assert sum(sizes) <= CORPUS_BYTES_MAX, folder.name


def test_the_same_seed_makes_the_same_inputs() -> None:
    def some() -> list[bytes]:
        return list(itertools.islice(mutated([b"abc", b"--x\r\n"], random.Random(7)), 200))

    assert some() == some()
    assert max(map(len, some())) <= INPUT_BYTES_MAX
    assert len(set(some())) > 100


def test_an_input_that_breaks_a_parser_is_found() -> None:
    inputs = itertools.islice(mutated([b"sound"], random.Random(SEED)), 2_000)
    assert any(b"\xff\xff" in data for data in inputs)


def test_a_part_with_a_header_longer_than_is_read_is_a_form_that_can_not_be_read() -> None:
    """Found by `make fuzz`: it was our mistake, a 500."""
    TARGETS["multipart"]((CORPORA / "multipart" / "long-header").read_bytes())


def test_corpora_are_files_and_nothing_else() -> None:
    assert all(path.is_file() for path in Path(CORPORA).glob("*/*"))
