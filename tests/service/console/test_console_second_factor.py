"""A second factor: enrolled by its first right code, asked for at sign-in and before what releases money."""

import base64
import re
from datetime import UTC, datetime
from html import unescape

import pytest

from console.routes import ROUTES
from console.sign_in_limits import ATTEMPTS_PER_EMAIL_MAX
from keys.second_factor import code_at, step_of
from ledger.account_rows import Role
from ledger.accounts import find_account
from ledger.second_factors import remove_second_factor
from validator.settings import Settings, SettingsError

ENROL = "/console/securite/second-facteur"
CONFIRM = "/console/securite/confirmation"


def secret_shown(page) -> bytes:
    typed = re.search(r'class="link">([A-Z2-7 ]+)<', page.text)[1]
    return base64.b32decode(typed.replace(" ", ""))


def codes_shown(page) -> list[str]:
    return re.findall(r"<li>([0-9a-z-]{14})</li>", page.text)


def code_now(secret: bytes, steps_later: int = 0) -> str:
    return code_at(secret, step_of(datetime.now(UTC)) + steps_later)


@pytest.fixture
def time_passes(house):
    """As if the last code had been used long ago."""

    async def passed(account) -> None:
        async with house.as_superuser() as superuser:
            await superuser.execute("SET session_replication_role = replica")
            await superuser.execute(
                "UPDATE second_factors SET last_step = 1 WHERE account_id = $1", account.id
            )

    return passed


@pytest.fixture
def enrol(time_passes):
    async def enrolled(person) -> tuple[bytes, list[str]]:
        """The secret, and the recovery codes."""
        page = await person.open(ENROL)
        secret = secret_shown(page)
        answer = await person.send(ENROL, cle=page.field("cle"), code=code_now(secret))
        assert answer.status == 200, answer.words
        await time_passes(person.account)
        return secret, codes_shown(answer)

    return enrolled


async def test_enrolling_takes_a_right_code_and_shows_ten_recovery_codes_once(enter, house, events_of):
    person = await enter(Role.PREPARER)
    page = await person.open(ENROL)
    assert 'src="data:image/svg+xml' in page.text
    wrong = await person.send(ENROL, cle=page.field("cle"), code="000000")
    assert wrong.status == 422
    assert secret_shown(wrong) == secret_shown(page)
    answer = await person.send(ENROL, cle=wrong.field("cle"), code=code_now(secret_shown(page)))
    assert len(set(codes_shown(answer))) == 10
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await person.open(ENROL)).goes_to == "/console/securite"
    assert "Il reste 10 codes de secours" in (await person.open("/console/securite")).words.replace(
        "\u00a0", " "
    )
    assert "account.second_factor" in await events_of(person.account)
    async with house.database() as connection:
        stored = await connection.fetchval(
            "SELECT sealed_secret FROM second_factors WHERE account_id = $1", person.account.id
        )
        macs = await connection.fetch(
            "SELECT mac FROM recovery_codes WHERE account_id = $1", person.account.id
        )
    assert secret_shown(page) not in stored
    assert not any(code.encode() in row["mac"] for row in macs for code in codes_shown(answer))


async def test_a_secret_that_was_sealed_for_somebody_else_is_not_enrolled(enter):
    one, other = await enter(Role.PREPARER), await enter(Role.PREPARER)
    page = await one.open(ENROL)
    for sealed in (page.field("cle"), "", "é", "AAAA"):
        answer = await other.send(ENROL, cle=sealed, code=code_now(secret_shown(page)))
        assert answer.status == 400, sealed


async def test_signing_in_then_takes_the_password_and_a_code(enter, enrol, house):
    person = await enter(Role.PREPARER)
    secret, _ = await enrol(person)
    elsewhere = person.elsewhere()
    assert (await elsewhere.sign_in()).goes_to == "/console/connexion/code"
    half = dict(elsewhere.cookies)
    for path in ("/console", "/console/securite", "/console/journal"):
        assert (await elsewhere.open(path)).goes_to == "/console/connexion/code"
    assert (await elsewhere.send("/console/carnets/annulation", numero="1")).goes_to.endswith("/code")

    answer = await elsewhere.send("/console/connexion/code", code="000000")
    assert answer.status == 403
    answer = await elsewhere.send("/console/connexion/code", code=code_now(secret))
    assert answer.goes_to == "/console"
    for part in ("HttpOnly", "SameSite=Strict", "Path=/console"):
        assert part in answer.headers["Set-Cookie"]
    assert (await elsewhere.open("/console")).status == 200

    elsewhere.cookies = half  # what the half session was opened by opens nothing any more
    assert (await elsewhere.open("/console")).goes_to == "/console/connexion"


async def test_the_same_code_is_refused_the_second_time(enter, enrol, events_of):
    person = await enter(Role.PREPARER)
    secret, _ = await enrol(person)
    code = code_now(secret)
    first, second = person.elsewhere(), person.elsewhere()
    await first.sign_in()
    await second.sign_in()
    assert (await first.send("/console/connexion/code", code=code)).status == 303
    answer = await second.send("/console/connexion/code", code=code)
    assert answer.status == 403
    assert "a déjà servi" in answer.words
    assert (await events_of(person.account))[-1] == "account.code_refused"


async def test_a_recovery_code_serves_once(enter, enrol, events_of):
    person = await enter(Role.PREPARER)
    _, codes = await enrol(person)
    for typed, status in ((codes[0].upper().replace("-", " "), 303), (codes[0], 403), (codes[1], 303)):
        elsewhere = person.elsewhere()
        await elsewhere.sign_in()
        assert (await elsewhere.send("/console/connexion/code", code=typed)).status == status, typed
    assert "Il reste 8 codes" in (await person.open("/console/securite")).words.replace("\u00a0", " ")
    assert (await events_of(person.account)).count("account.recovery") == 2


async def test_new_recovery_codes_make_the_old_ones_worthless(enter, enrol):
    person = await enter(Role.PREPARER)
    _, old = await enrol(person)
    new = codes_shown(await person.send(f"{ENROL}/codes"))
    assert len(new) == 10
    elsewhere = person.elsewhere()
    await elsewhere.sign_in()
    assert (await elsewhere.send("/console/connexion/code", code=old[0])).status == 403
    assert (await elsewhere.send("/console/connexion/code", code=new[0])).status == 303


async def test_codes_are_guessed_no_oftener_than_passwords(enter, enrol):
    person = await enter(Role.PREPARER)
    secret, codes = await enrol(person)
    elsewhere = person.elsewhere()
    await elsewhere.sign_in()
    for _ in range(ATTEMPTS_PER_EMAIL_MAX):
        assert (await elsewhere.send("/console/connexion/code", code="000000")).status == 403
    for right in (code_now(secret), codes[0]):
        answer = await elsewhere.send("/console/connexion/code", code=right)
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 0


async def test_other_sessions_end_when_a_second_factor_is_added(enter, enrol):
    person = await enter(Role.PREPARER)
    elsewhere = person.elsewhere()
    await elsewhere.sign_in()
    await enrol(person)
    assert (await elsewhere.open("/console")).goes_to == "/console/connexion"
    assert (await person.open("/console")).status == 200


@pytest.fixture
def forgets_proof(house):
    """As if the person had last proved who it is an hour ago."""

    async def forgotten(person) -> None:
        async with house.as_superuser() as superuser:
            await superuser.execute(
                "UPDATE sessions SET proved_at = now() - interval '11 minutes' WHERE account_id = $1",
                person.account.id,
            )

    return forgotten


async def test_what_releases_asks_again_who_it_is_and_comes_back(enter, enrol, forgets_proof, events_of):
    person = await enter(Role.APPROVER)
    secret, _ = await enrol(person)
    await forgets_proof(person)
    answer = await person.send(f"{ENROL}/codes")
    assert unescape(answer.goes_to) == f"{CONFIRM}?suite=/console/securite"
    page = await person.open(answer.goes_to)
    assert page.field("suite") == "/console/securite"
    assert (await person.send(CONFIRM, suite="/console/securite", preuve="000000")).status == 422
    answer = await person.send(CONFIRM, suite="/console/securite", preuve=code_now(secret))
    assert answer.goes_to == "/console/securite"
    assert (await person.send(f"{ENROL}/codes")).status == 200
    assert "account.prove" in await events_of(person.account)


async def test_nothing_is_signed_or_decided_without_a_proof_of_the_last_minutes(enter, forgets_proof):
    asking = {route.path.rpartition("/")[2] for route in ROUTES if route.is_releasing}
    assert asking >= {"signature", "devenir", "accord", "approbation", "refus", "mesure", "decision"}
    assert asking >= {"suspension", "reprise", "activation", r"{decision:\d+}"}
    for role in (Role.PREPARER, Role.APPROVER, Role.FUNDER):
        person = await enter(role)
        await forgets_proof(person)
        deciding = [route for route in ROUTES if route.is_releasing and role in route.roles]
        for route in (one for one in deciding if one.method == "POST"):
            answer = await person.send("/console" + re.sub(r"\{\w+(:\\d\+)?\}", "1", route.path))
            assert answer.goes_to.startswith(CONFIRM), (role, route.path)


async def test_without_a_second_factor_the_password_is_the_proof(enter, forgets_proof):
    person = await enter(Role.PREPARER)
    await forgets_proof(person)
    answer = await person.open(ENROL)
    assert answer.goes_to.startswith(CONFIRM)
    wrong = await person.send(CONFIRM, suite=ENROL, preuve="autre chose de long")
    assert "pas le vôtre" in wrong.words
    assert (await person.send(CONFIRM, suite=ENROL, preuve="une phrase assez longue")).goes_to == ENROL


async def test_a_confirmation_leads_to_no_other_site(enter):
    person = await enter(Role.PREPARER)
    for path in (
        "https://ailleurs.example",
        "//ailleurs.example",
        "/consoleur",
        "/console/../v1",
        "/console\\x",
    ):
        answer = await person.send(CONFIRM, suite=path, preuve="une phrase assez longue")
        assert answer.goes_to == "/console", path


async def test_where_it_is_required_who_approves_enrols_before_anything_else(house, open_account, enrol):
    async with house.another_service(require_totp=True) as client:
        approver = await open_account(Role.APPROVER, client=client)
        preparer = await open_account(Role.PREPARER, client=client)
        assert (await preparer.sign_in()).goes_to == "/console"
        assert (await preparer.open("/console")).status == 200
        assert (await preparer.send("/console/fin-de-validite/1/signature")).goes_to == ENROL
        assert (await approver.sign_in()).goes_to == "/console"
        for path in ("/console", "/console/journal"):
            assert (await approver.open(path)).goes_to == ENROL
        await enrol(approver)
        assert (await approver.open("/console")).status == 200


async def test_a_lost_phone_is_forgotten_by_command_and_sessions_end(enter, enrol, house, events_of):
    person = await enter(Role.APPROVER)
    await enrol(person)
    async with house.database() as connection:
        account = await find_account(connection, person.account.email)
        assert account.has_second_factor
        assert await remove_second_factor(connection, account, actor="cli:root", reason="téléphone perdu")
        assert not await remove_second_factor(connection, account, actor="cli:root", reason="encore")
    assert (await person.open("/console")).goes_to == "/console/connexion"
    assert (await person.sign_in()).goes_to == "/console"


async def test_removing_it_oneself_signs_out_everywhere(enter, enrol):
    person = await enter(Role.PREPARER)
    await enrol(person)
    assert (await person.send(f"{ENROL}/retrait")).goes_to == "/console/connexion"
    assert (await person.sign_in()).goes_to == "/console"


async def test_the_second_step_is_for_half_sessions_alone(enter):
    person = await enter(Role.PREPARER)
    assert (await person.open("/console/connexion/code")).goes_to == "/console"
    stranger = person.elsewhere()
    assert (await stranger.open("/console/connexion/code")).goes_to == "/console/connexion"


def test_approving_asks_for_a_second_factor_unless_the_setting_says_no(house):
    settings, file = house.settings, house.settings.keys.parent / "passphrase-of-settings"
    file.write_text(settings.passphrase)
    given = {
        "DATABASE_URL": settings.database_url,
        "POINCON_KEYS": str(settings.keys),
        "POINCON_PASSPHRASE_FILE": str(file),
    }
    assert Settings.from_environment(given).require_totp
    assert not Settings.from_environment(given | {"POINCON_REQUIRE_TOTP": "no"}).require_totp
    with pytest.raises(SettingsError, match="is yes or no, not 'peut-être'"):
        Settings.from_environment(given | {"POINCON_REQUIRE_TOTP": "peut-être"})
