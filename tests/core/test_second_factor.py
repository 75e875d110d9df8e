"""Codes of authenticator apps: RFC 6238's own examples, which steps count as now, how secrets are kept."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.second_factor import (
    SecondFactorKeys,
    SecretUnreadable,
    code_at,
    enrolment_uri,
    matching_step,
    new_secret,
    step_of,
)

MASTER = bytes(range(32))
# Appendix B of RFC 6238 has eight digits; an authenticator app shows the last six.
RFC_SECRET = b"12345678901234567890"
RFC_EXAMPLES = (
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
)


def test_codes_are_those_of_rfc_6238():
    for seconds, code in RFC_EXAMPLES:
        assert code_at(RFC_SECRET, step_of(datetime.fromtimestamp(seconds, UTC))) == code[-6:]


@given(st.integers(0, 2**33), st.integers(-5, 5))
def test_a_code_counts_half_a_minute_early_or_late_and_no_more(seconds, aside):
    now = datetime.fromtimestamp(seconds + 300, UTC)
    step = step_of(now) + aside
    found = matching_step(RFC_SECRET, code_at(RFC_SECRET, step), now=now)
    near = {code_at(RFC_SECRET, one): one for one in range(step_of(now) - 1, step_of(now) + 2)}
    assert found == near.get(code_at(RFC_SECRET, step))
    if abs(aside) <= 1:
        assert found is not None


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "28708x", "٢٨٧٠٨٢", "-28708", "28708²"])
def test_what_is_no_code_matches_nothing(typed):
    assert matching_step(RFC_SECRET, typed, now=datetime.fromtimestamp(59, UTC)) is None


def test_a_code_is_read_as_apps_show_it():
    assert matching_step(RFC_SECRET, "287 082", now=datetime.fromtimestamp(59, UTC)) == 1


def test_an_app_is_told_secret_account_and_issuer():
    uri = urlsplit(enrolment_uri(RFC_SECRET, "camille@mandataire.example"))
    told = parse_qs(uri.query)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert told["secret"] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
    assert told["issuer"] == ["Poinçon"]
    assert (told["digits"], told["period"]) == (["6"], ["30"])


def test_a_sealed_secret_opens_for_its_account_under_its_master_alone():
    keys, secret = SecondFactorKeys(MASTER), new_secret()
    sealed = keys.seal(secret, 7)
    assert keys.unseal(sealed, 7) == secret
    assert secret not in sealed
    assert keys.seal(secret, 7) != sealed
    for others, account, blob in (
        (SecondFactorKeys(MASTER[::-1]), 7, sealed),
        (keys, 8, sealed),
        (keys, 7, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (keys, 7, b""),
        (keys, 7, b"short"),
    ):
        with pytest.raises(SecretUnreadable):
            others.unseal(blob, account)


def test_a_recovery_code_is_the_same_however_it_is_typed_and_another_for_another_account():
    keys = SecondFactorKeys(MASTER)
    mac = keys.recovery_mac("abcd-efgh-2345", 7)
    assert keys.recovery_mac(" ABCD efgh 2345 ", 7) == mac
    assert keys.recovery_mac("abcd\u2011efgh\u20112345", 7) == mac
    assert keys.recovery_mac("abcd-efgh-2346", 7) != mac
    assert keys.recovery_mac("abcd-efgh-2345", 8) != mac
    assert SecondFactorKeys(MASTER[::-1]).recovery_mac("abcd-efgh-2345", 7) != mac


def test_two_secrets_are_never_the_same():
    assert new_secret() != new_secret()
    later = datetime.fromtimestamp(59, UTC) + timedelta(seconds=1)
    assert step_of(later) == 2
