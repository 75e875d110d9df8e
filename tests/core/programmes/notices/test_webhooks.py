"""How calls are signed, which addresses are called, and how patient the service is."""

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.webhook_secret import SecretUnreadable, WebhookKeys, new_name, new_secret, shown, signature
from programmes.notices.addresses import AddressRefused, GuardedResolver, check_url, is_public
from programmes.notices.mail_server import MailServer, MailSettingsError
from programmes.notices.retries import ATTEMPTS_MAX, next_attempt_at


def test_a_receiver_checks_a_signature_with_what_it_was_shown_and_the_raw_body(now):
    """As docs/avis.md tells receivers to."""
    secret, body = new_secret(), '{"kind":"paid","é":1}'.encode()
    timestamp, mac = (part.partition("=")[2] for part in signature(secret, body, at=now).split(","))
    expected = hmac.new(shown(secret).encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    assert hmac.compare_digest(mac, expected.hexdigest())
    assert int(timestamp) == int(now.timestamp())


def test_a_signature_is_of_its_moment_its_body_and_its_secret(now):
    secret = new_secret()
    made = {
        signature(secret, b"a", at=now).partition(",")[2],
        signature(secret, b"b", at=now).partition(",")[2],
        signature(secret, b"a", at=now + timedelta(seconds=1)).partition(",")[2],
        signature(new_secret(), b"a", at=now).partition(",")[2],
    }
    assert len(made) == 4


def test_a_sealed_secret_opens_under_its_own_name_and_master_secret_only():
    keys, secret, name = WebhookKeys(bytes(32)), new_secret(), new_name()
    sealed = keys.seal(secret, name)
    assert keys.unseal(sealed, name) == secret
    for other, under in ((keys, new_name()), (WebhookKeys(bytes(31) + b"1"), name)):
        with pytest.raises(SecretUnreadable):
            other.unseal(sealed, under)
    with pytest.raises(SecretUnreadable):
        keys.unseal(b"short", name)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        # Neither private nor of the open internet: what nobody was ever given, and clouds' own addresses.
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "fec0::1",
        "4000::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    ],
)
def test_what_leads_inside_is_no_public_address(address):
    assert not is_public(ip_address(address))


def test_addresses_of_the_open_internet_are_public():
    assert is_public(ip_address("93.184.216.34"))
    assert is_public(ip_address("2606:2800:220:1::1"))
    assert is_public(ip_address("::ffff:93.184.216.34"))


@pytest.mark.parametrize(
    "url",
    [
        "http://exemple.fr/avis",
        "ftp://exemple.fr/",
        "https://",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://192.168.0.1:8443/",
        "https://moi:secret@exemple.fr/",
        "https://exemple.fr/#ancre",
        "https://exemple.fr/ /",
        "https://exemple.fr\\@127.0.0.1/",
        "https://exemple.fr:99999/",
        "https://exemple.fr:0/",
        "https://éxemple.fr/",
        "https://exemple.fr/" + "a" * 500,
        "",
        "/avis",
    ],
)
def test_an_address_that_is_not_called_is_refused_when_it_is_typed(url):
    with pytest.raises(AddressRefused):
        check_url(url, allows_private=False)


def test_a_public_https_address_is_taken():
    check_url("https://exemple.fr:8443/avis?cle=1", allows_private=False)


def test_plain_http_is_for_this_very_machine_and_only_where_private_addresses_are_allowed():
    check_url("http://127.0.0.1:9000/avis", allows_private=True)
    check_url("https://10.0.0.1/avis", allows_private=True)
    with pytest.raises(AddressRefused):
        check_url("http://10.0.0.1/avis", allows_private=True)


class Names:
    """A resolver that tells what it was given."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(self, host, port=0, family=0):
        return [
            {"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0}
            for one in self._addresses
        ]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "host", ["2130706433", "127.1", "0x7f.1", "017700000001", "127.0.0.1.", "localhost."]
)
async def test_this_machine_spelled_otherwise_is_refused_when_it_is_typed_and_not_reached_all_the_same(host):
    with pytest.raises(AddressRefused):
        check_url(f"https://{host}/", allows_private=False)
    reached = []
    async with await asyncio.start_server(lambda *streams: reached.append(streams), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        resolver = GuardedResolver.system(allows_private=False)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as session:
            with pytest.raises((aiohttp.ClientError, AddressRefused)):
                await session.post(f"https://{host}:{port}/", data=b"{}", allow_redirects=False)
    assert reached == []


async def test_a_name_that_points_inside_when_it_is_called_is_refused_then():
    with pytest.raises(AddressRefused, match="privé"):
        await GuardedResolver(False, Names("127.0.0.1", "10.0.0.1")).resolve("inside.example", 443)
    mixed = await GuardedResolver(False, Names("10.0.0.1", "93.184.216.34")).resolve("mixed.example", 443)
    assert [one["host"] for one in mixed] == ["93.184.216.34"]
    assert await GuardedResolver(True, Names("127.0.0.1")).resolve("here.example", 443)


@given(st.integers(1, 50))
def test_waits_grow_and_end(attempts):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    at = next_attempt_at(attempts, now=now)
    assert (at is None) == (attempts >= ATTEMPTS_MAX)
    if at and attempts > 1:
        before = next_attempt_at(attempts - 1, now=now)
        assert before is not None
        assert now < before <= at <= now + timedelta(days=1)


def test_a_mail_server_is_reached_over_tls_unless_it_is_on_this_machine():
    far = MailServer.from_url("smtp://moi%40chez@mail.example", mail_from="avis@pass.example", password="x")
    assert (far.port, far.start_tls, far.use_tls, far.username) == (587, True, False, "moi@chez")
    assert MailServer.from_url("smtps://mail.example", mail_from="a@pass.example").use_tls
    near = MailServer.from_url("smtp://127.0.0.1:2525", mail_from="Pass <a@pass.example>")
    assert (near.port, near.start_tls, near.sender_name) == (2525, False, "Pass")


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("mail.example", "a@pass.example"),
        ("http://mail.example", "a@pass.example"),
        ("smtp://moi:secret@mail.example", "a@pass.example"),
        ("smtp://mail.example/x", "a@pass.example"),
        ("smtp://mail.example:99999", "a@pass.example"),
        ("smtp://mail.example", "pass.example"),
        ("smtp://mail.example", "é@pass.example"),
        ("smtp://mail.example", ""),
    ],
)
def test_a_mail_server_that_is_named_wrongly_is_refused_at_start(url, sender):
    with pytest.raises(MailSettingsError):
        MailServer.from_url(url, mail_from=sender)
