"""Signing in to the console and out, and what is refused before a page is reached."""

import asyncio
import re
from datetime import UTC, datetime
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from click.testing import CliRunner

from command.accounts import accounts
from console.app import add_console
from console.origin import address_of, origin_of
from console.passwords import hash_password, matches
from console.sign_in_limits import (
    ATTEMPTS_PER_ADDRESS_MAX,
    ATTEMPTS_PER_EMAIL_MAX,
    COUNTERS_MAX,
    WINDOW_SECONDS,
    SignInLimits,
)
from demo.console_account import seed_account
from demo.folder import DemoFolder
from ledger.accounts import AccountRefused, add_account, change_password, disable_account, find_account
from ledger.connect import Pool, open_pool

EMAIL = "camille@mandataire.example"
PASSWORD = "une phrase assez longue"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
async def client(client: TestClient, connection, password_hash: str) -> TestClient:
    """The whole service, with one account."""
    await add_account(
        connection, email=EMAIL, name="Camille Perrin", password_hash=password_hash, actor="tests"
    )
    return client


async def sign_in(client: TestClient, email: str = EMAIL, password: str = PASSWORD, **headers: str):
    return await client.post(
        "/console/connexion",
        data={"email": email, "password": password},
        headers=headers or OURS,
        allow_redirects=False,
    )


async def is_signed_in(client: TestClient) -> bool:
    async with client.get("/console", allow_redirects=False) as response:
        assert response.status in {200, 303}
        return response.status == 200


async def csrf_token(client: TestClient) -> str:
    async with client.get("/console") as response:
        return re.search(r'name="csrf" value="([0-9a-f]{64})"', await response.text())[1]


async def test_the_right_password_opens_a_session_that_only_our_server_reads(client):
    assert not await is_signed_in(client)

    response = await sign_in(client, email=" Camille@Mandataire.example ")

    assert response.status == 303
    assert response.headers["Location"] == "/console"
    cookie = response.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/console", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie
    assert await is_signed_in(client)


async def test_behind_https_the_cookie_never_travels_in_the_clear(client):
    response = await sign_in(client, **OURS, **{"X-Forwarded-Proto": "https"})
    assert "Secure" in response.headers["Set-Cookie"]


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client):
    wrong = await sign_in(client, password="une phrase bien trop longue")
    unknown = await sign_in(client, email="personne@mandataire.example")
    never_one = await sign_in(client, email="pas une adresse\0")

    pages = [(await one.text()).replace(EMAIL, "") for one in (wrong, unknown, never_one)]
    assert [one.status for one in (wrong, unknown, never_one)] == [403] * 3
    assert all("Adresse ou mot de passe incorrect." in page for page in pages)
    assert not await is_signed_in(client)


async def test_no_more_than_a_few_tries_per_address_of_mail(client):
    for _ in range(ATTEMPTS_PER_EMAIL_MAX):
        assert (await sign_in(client, password="faux, mais assez long")).status == 403

    limited = await sign_in(client)

    assert limited.status == 429
    assert 0 < int(limited.headers["Retry-After"]) <= WINDOW_SECONDS
    assert "Trop d’essais. Réessayez dans 15 minutes." in await limited.text()


def test_tries_are_counted_per_mail_and_per_address_and_forgotten_after_the_window():
    limits = SignInLimits()
    for n in range(ATTEMPTS_PER_ADDRESS_MAX):
        assert limits.wait_seconds(email=f"{n}@x", address="192.0.2.1", at=100.0) == 0

    assert limits.wait_seconds(email="other@x", address="192.0.2.1", at=101.0) == WINDOW_SECONDS - 1
    assert limits.wait_seconds(email="other@x", address="192.0.2.2", at=101.0) == 0
    assert limits.wait_seconds(email="other@x", address="192.0.2.1", at=100.0 + WINDOW_SECONDS) == 0


def test_signing_in_gives_back_its_own_try_but_not_those_on_other_accounts():
    limits = SignInLimits()
    for n in range(ATTEMPTS_PER_ADDRESS_MAX - 1):
        limits.wait_seconds(email=f"{n}@x", address="192.0.2.1", at=0.0)
    for _ in range(3):
        assert limits.wait_seconds(email="own@x", address="192.0.2.1", at=1.0) == 0
        limits.forgive(email="own@x", address="192.0.2.1")

    assert limits.wait_seconds(email="a@x", address="192.0.2.1", at=1.0) == 0
    assert limits.wait_seconds(email="b@x", address="192.0.2.1", at=1.0) > 0


def test_a_flood_of_names_takes_bounded_memory():
    limits = SignInLimits()
    for n in range(COUNTERS_MAX + 100):
        limits.wait_seconds(email=f"{n}@x", address=str(n), at=0.0)
    assert len(limits._emails._seen) == COUNTERS_MAX


async def test_a_session_ends_after_its_hours(client, superuser):
    await sign_in(client)
    left = await superuser.fetchval("SELECT expires_at - now() FROM sessions")
    assert 11.9 * 3600 < left.total_seconds() <= 12 * 3600

    await superuser.execute("UPDATE sessions SET expires_at = now()")

    assert not await is_signed_in(client)


async def test_signing_out_ends_the_session_itself_not_only_the_cookie(client, superuser):
    await sign_in(client)
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/console"))["poincon_console"].value

    async with client.post(
        "/console/deconnexion",
        data={"csrf": await csrf_token(client)},
        headers=OURS,
        allow_redirects=False,
    ) as response:
        assert response.headers["Location"] == "/console/connexion"

    async with client.get(
        "/console", headers={"Cookie": f"poincon_console={cookie}"}, allow_redirects=False
    ) as response:
        assert response.status == 303
    assert await superuser.fetchval("SELECT count(*) FROM sessions") == 0
    actions = await superuser.fetch(
        "SELECT action FROM events WHERE actor = $1 ORDER BY id", f"account:{EMAIL}"
    )
    assert [row["action"] for row in actions] == ["account.sign_in", "account.sign_out"]


async def test_the_record_holds_no_token_that_opens_a_session(client, superuser):
    await sign_in(client)
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/console"))["poincon_console"].value
    stored = await superuser.fetchval("SELECT token_sha256 FROM sessions")
    assert len(cookie) >= 43  # 32 random bytes
    assert stored != cookie.encode()


async def test_a_disabled_account_is_out_at_once_and_for_good(client, connection):
    await sign_in(client)
    await disable_account(connection, EMAIL, at=datetime.now(UTC), actor="tests", reason="départ")
    await disable_account(connection, EMAIL, at=datetime.now(UTC), actor="tests", reason="départ")

    assert not await is_signed_in(client)
    assert (await sign_in(client)).status == 403
    assert await connection.fetchval("SELECT count(*) FROM events WHERE action = 'account.disable'") == 1


async def test_another_password_ends_the_sessions_of_whoever_knew_the_old_one(client, connection):
    await sign_in(client)
    await change_password(connection, EMAIL, hash_password("un autre mot de passe"), actor="tests")

    assert not await is_signed_in(client)
    assert (await sign_in(client)).status == 403
    assert (await sign_in(client, password="un autre mot de passe")).status == 303


FROM_ELSEWHERE = (
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://ailleurs.example"},
    {"Origin": "null"},
    {"Origin": "http://[", "Referer": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
)


async def test_a_form_that_another_site_sent_is_refused(client):
    own = str(client.make_url("/")).rstrip("/")
    for headers in FROM_ELSEWHERE:
        response = await client.post(
            "/console/connexion",
            data={"email": EMAIL, "password": PASSWORD},
            headers={name: own if value == "OWN" else value for name, value in headers.items()},
        )
        assert response.status == 403, headers
        assert "ne vient pas d’une page de la console" in await response.text()


async def test_without_the_browsers_word_our_own_origin_will_do(client):
    own = str(client.make_url("/")).rstrip("/")
    assert (await sign_in(client, Origin=own)).status == 303


async def test_a_form_without_the_sessions_own_token_is_refused(client, superuser):
    await sign_in(client)
    for given in ("", "0" * 64, "é"):
        response = await client.post("/console/deconnexion", data={"csrf": given}, headers=OURS)
        assert response.status == 403, given
        assert "Formulaire périmé" in await response.text()
    assert await superuser.fetchval("SELECT count(*) FROM sessions") == 1


FORM = "application/x-www-form-urlencoded"
HOSTILE_FORMS = (
    (b"x" * 20_000, FORM, 413),
    (b"email=%ff&password=x", FORM, 403),
    (b"\xff=1", FORM, 400),
    (b"&".join(b"a=1" for _ in range(50)), FORM, 400),
    (b'{"email": "x"}', "application/json", 400),
    (b"email=a%40b&password=" + b"x" * 5000, f"{FORM}; charset=nope", 403),
)


async def test_a_hostile_form_is_a_page_of_refusal(client):
    for body, content_type, status in HOSTILE_FORMS:
        headers = OURS | {"Content-Type": content_type}
        response = await client.post("/console/connexion", data=body, headers=headers)
        assert response.status == status, body[:40]
        assert response.content_type == "text/html"


async def test_one_address_opens_one_account(connection, password_hash, client):
    with pytest.raises(AccountRefused, match="already"):
        await add_account(
            connection, email=EMAIL.upper(), name="X", password_hash=password_hash, actor="tests"
        )
    with pytest.raises(AccountRefused, match="not an e-mail address"):
        await add_account(connection, email="é@x.fr", name="X", password_hash=password_hash, actor="tests")
    with pytest.raises(AccountRefused, match="no account"):
        await change_password(connection, "personne@x.fr", password_hash, actor="tests")
    assert await connection.fetchval("SELECT count(*) FROM persons WHERE name = 'X'") == 0


async def test_the_demos_account_is_made_once_and_its_password_kept(connection, tmp_path):
    folder = DemoFolder(tmp_path)
    first = await seed_account(connection, folder)
    again = await seed_account(connection, folder)
    account = await find_account(connection, first["email"])

    assert first == again
    assert matches(first["password"], account.password_hash)
    assert await connection.fetchval("SELECT count(*) FROM accounts") == 1


async def test_accounts_are_opened_renewed_and_closed_by_command(instance, connection):
    async def command(*words: str, typed: str = ""):
        run = partial(CliRunner().invoke, accounts, words, input=typed, env={"DATABASE_URL": instance.dsn})
        return await asyncio.to_thread(run)

    generated = await command("add", "Paul@x.fr", "--name", "Paul Petit", "--generate")
    shown_once = re.search(r"shown once\): (\S+)", generated.output)[1]
    assert matches(shown_once, (await find_account(connection, "paul@x.fr")).password_hash)

    assert (await command("add", "paul@x.fr", "--name", "Paul", "--generate")).exit_code == 1
    too_short = await command("password", "paul@x.fr", typed="court\ncourt\n")
    assert "12 to 200 characters, not 5" in too_short.output
    assert (await command("password", "paul@x.fr", typed=f"{PASSWORD}\n{PASSWORD}\n")).exit_code == 0
    assert matches(PASSWORD, (await find_account(connection, "paul@x.fr")).password_hash)

    assert (await command("disable", "paul@x.fr", "--reason", "départ")).exit_code == 0
    assert "paul@x.fr  Paul Petit, preparer, disabled" in (await command("list")).output


async def test_while_the_record_cannot_be_reached_the_page_says_so():
    pool = web.AppKey("pool", Pool)

    async def run_pool(app: web.Application):
        async with open_pool("postgresql://nobody@127.0.0.1:1/none", purpose="tests") as app[pool]:
            yield

    app = web.Application()
    app.cleanup_ctx.append(run_pool)
    add_console(app, pool=pool, public_url=None)
    async with TestClient(TestServer(app), cookies={"poincon_console": "x"}) as client:
        response = await client.get("/console")
        assert response.status == 503
        assert "Le registre ne répond pas" in await response.text()
        assert (await sign_in(client)).status == 503


def test_a_balancers_word_counts_only_when_it_speaks_from_a_private_network():
    claimed = {"X-Forwarded-For": "192.0.2.1, 203.0.113.9", "Host": "scan.example"}
    request = make_mocked_request("GET", "/console", headers=claimed)

    assert address_of(request.clone(remote="10.0.0.2")) == "203.0.113.9"
    assert address_of(request.clone(remote="8.8.8.8")) == "8.8.8.8"
    assert origin_of(request, "https://passes.example/") == "https://passes.example"
    assert origin_of(request, None) == "http://scan.example"


def test_an_accent_typed_as_two_code_points_is_the_same_password():
    stored = hash_password("déjà vu, déjà vu")
    assert matches("de\u0301ja\u0300 vu, déjà vu", stored)
    assert not matches("deja vu, deja vu", stored)
    assert not matches("déjà vu, déjà vu", None)


@pytest.mark.usefixtures("costly_hashes")
def test_a_stored_password_costs_who_steals_it_64_mib_three_times_over_for_each_guess():
    stored = hash_password("déjà vu, déjà vu")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert matches("déjà vu, déjà vu", stored)
