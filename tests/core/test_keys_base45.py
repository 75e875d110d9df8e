"""Base45 as RFC 9285 has it, and nothing looser."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import base45


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
    ],
)
def test_the_examples_of_the_rfc(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=300))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


def test_each_two_bytes_are_the_three_digits_that_they_divide_into() -> None:
    values = range(2**16)
    text = base45.encode(b"".join([value.to_bytes(2) for value in values]))
    digits = [[base45.ALPHABET.index(digit) for digit in text[at : at + 3]] for at in range(0, len(text), 3)]
    assert digits == [[value % 45, value // 45 % 45, value // 2025] for value in values]


@given(st.text(alphabet=base45.ALPHABET, max_size=30))
def test_a_text_that_is_read_is_the_one_that_would_be_written(text: str) -> None:
    try:
        data = base45.decode(text)
    except ValueError:
        return
    assert base45.encode(data) == text


def test_of_all_pairs_of_characters_those_of_one_byte_are_read() -> None:
    read = 0
    for first, second in itertools.product(base45.ALPHABET, repeat=2):
        try:
            base45.decode(first + second)
        except ValueError:
            continue
        read += 1
    assert read == 256


@pytest.mark.parametrize(
    "text", ["A", "BB8A", "bb8", "GGW", ":::", "BB8V5", "::", "BB=", "É00", "0\ud800", "٣00", "BB8\n"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"character|ordinal|surrogates|group"):
        base45.decode(text)
