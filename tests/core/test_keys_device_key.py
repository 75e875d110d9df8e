"""The keys of devices: which JWK is one, what verifies, and how people compare two."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from keys.device_key import fingerprint, from_base64url, point_of_jwk, to_sign, verifies

# RFC 7515, appendix A.3: its key, its signing input and its signature.
RFC_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC_INPUT = (
    b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
    b"NvbS9pc19yb290Ijp0cnVlfQ"
)
RFC_SIGNATURE = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
WEBCRYPTO = {"ext": True, "key_ops": ["verify"]}  # what exportKey() adds

PRIVATE = derive_private_key(12345, SECP256R1())


def a_jwk(**changed: Any) -> dict[str, Any]:
    return {**RFC_JWK, **changed}


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def own_point() -> bytes:
    numbers = PRIVATE.public_key().public_numbers()
    jwk = {"x": base64url(numbers.x.to_bytes(32)), "y": base64url(numbers.y.to_bytes(32))}
    return point_of_jwk({"kty": "EC", "crv": "P-256", **jwk})


def signed(message: bytes) -> bytes:
    r, s = decode_dss_signature(PRIVATE.sign(message, ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def test_the_example_of_rfc_7515_verifies() -> None:
    point = point_of_jwk(RFC_JWK | WEBCRYPTO)
    assert verifies(point, from_base64url(RFC_SIGNATURE), RFC_INPUT)
    assert not verifies(point, from_base64url(RFC_SIGNATURE), RFC_INPUT + b" ")


@pytest.mark.parametrize(
    ("jwk", "told"),
    [
        ({}, "EC key on P-256"),
        (a_jwk(kty="OKP"), "EC key on P-256"),
        (a_jwk(crv="P-384"), "EC key on P-256"),
        (a_jwk(kty=["EC"]), "EC key on P-256"),
        (a_jwk(d="AQ"), "private key"),
        (a_jwk(x=None), "x must be 32 bytes"),
        (a_jwk(x=RFC_JWK["x"] + "="), "x must be 32 bytes"),
        (a_jwk(x=RFC_JWK["x"][:-1]), "x must be 32 bytes"),
        (a_jwk(x=RFC_JWK["x"][:-1] + "V"), "x must be 32 bytes"),  # another spelling of the same bytes
        (a_jwk(x="é" * 43), "x must be 32 bytes"),
        (a_jwk(y=7), "y must be 32 bytes"),
        (a_jwk(y=RFC_JWK["x"]), "not a point of P-256"),
        (a_jwk(x=base64url(bytes(32)), y=base64url(bytes(32))), "not a point of P-256"),
        (a_jwk(x=base64url(b"\xff" * 32)), "not a point of P-256"),
    ],
)
def test_anything_but_a_public_p_256_key_is_refused_in_words(jwk: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        point_of_jwk(jwk)


@given(st.binary(max_size=80), st.binary(max_size=50))
def test_no_bytes_that_the_key_did_not_sign_verify(signature: bytes, message: bytes) -> None:
    assert not verifies(own_point(), signature, message)


@pytest.mark.parametrize("r", [0, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1])
def test_signatures_out_of_range_are_refused(r: int, s: int) -> None:
    assert not verifies(own_point(), r.to_bytes(32) + s.to_bytes(32), b"")


def test_a_signature_is_of_one_method_one_path_with_its_query_and_one_body() -> None:
    request = {"method": "POST", "path": "/v1/scans?a=1", "body_sha256": hashlib.sha256(b"{}").digest()}
    signature = signed(to_sign(**request))  # type: ignore[arg-type]
    others = [
        {"method": "DELETE"},
        {"path": "/v1/scans"},
        {"path": "/v1/scans?a=2"},
        {"body_sha256": hashlib.sha256(b"{ }").digest()},
    ]
    assert verifies(own_point(), signature, to_sign(**request))  # type: ignore[arg-type]
    for other in others:
        assert not verifies(own_point(), signature, to_sign(**request | other))  # type: ignore[arg-type]


def test_what_is_signed_is_frozen() -> None:
    """The page in phones signs exactly these bytes."""
    message = to_sign(method="POST", path="/v1/scans", body_sha256=hashlib.sha256(b"{}").digest())
    assert message.hex() == (
        "706f696e636f6e20310a504f53540a2f76312f7363616e730a"
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )


def test_a_fingerprint_is_the_beginning_of_the_thumbprint_of_rfc_7638() -> None:
    x, y = RFC_JWK["x"], RFC_JWK["y"]
    text = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    digits = hashlib.sha256(text.encode()).hexdigest()
    assert fingerprint(point_of_jwk(RFC_JWK)) == f"{digits[:4]} {digits[4:8]} {digits[8:12]}"
