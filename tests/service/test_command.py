"""The poincon command: help everywhere, status 2 for wrong usage, one plain line when something lacks."""

import json
import re
import subprocess
import sys

import click
import pytest

from command.main import poincon as group


def _commands(command, path=()):
    yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from _commands(_inside(command, name), (*path, name))


def _inside(command, name):
    return command.get_command(click.Context(command), name)


COMMANDS = list(_commands(group))
BARE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
NO_SERVER = {"DATABASE_URL": "postgresql://poincon_app:x@127.0.0.1:1/poincon"}


def plain(run) -> str:
    """What a person reads when a command fails: one line."""
    assert "Traceback" not in run.stderr, run.stderr
    assert run.stderr.count("\n") == 1, run.stderr
    assert len(run.stderr) > len("poincon: \n"), run.stderr
    return run.stderr


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_helps(path):
    command = group
    for name in path:
        command = _inside(command, name)
    with click.Context(command, info_name=" ".join(("poincon", *path))) as context:
        text = command.get_help(context)
    assert text.startswith("Usage: poincon")
    assert command.help, f"{path}: what does it do?"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden and not parameter.is_flag:
            assert parameter.help or parameter.name in {"out", "data", "as_json"}, (path, parameter.name)


def test_a_command_loads_what_it_needs_and_no_more():
    """A person waits for each, and `poincon` is run by timers too."""
    run_it = "import sys; from command.main import main\ntry: main()\nfinally: print(*sys.modules)"
    command = [sys.executable, "-c", run_it, "notices", "list", "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"aiohttp", "cv2", "numpy", "reportlab", "command.audit"} & set(run.stdout.split())


async def test_help_of_the_real_command_ends_with_status_0(poincon):
    run = await poincon("--help", env=BARE)
    assert run.returncode == 0
    assert "audit" in run.stdout
    assert run.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("booklets", "issue"),
        ("booklets", "issue", "--programme", "1", "--count", "0", "--out", "/tmp"),
        ("booklets", "issue", "--programme", "one", "--count", "1", "--out", "/tmp"),
        ("booklets", "cancel", "--cause", "lost"),
        ("booklets", "cancel", "1", "--cause", "eaten"),
        ("keys", "generate", "padlock"),
        ("programmes", "amend", "1", "--last-day", "demain", "--reason", "x"),
        ("serve", "--port", "70000"),
        ("receipts", "verify", "/nonexistent"),
        ("decode",),
        ("programmes", "amend", "1", "--last-day", "2027-12-30", "--reason", " "),
        ("devices", "enrol", "--site", "1", "--mediator", ""),
        ("keys", "activate", "not-hexadecimal"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(arguments, typed):
    run = typed(*arguments)
    assert run.returncode == 2, run
    assert "Error: " in run.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("audit",), "DATABASE_URL"),
        (("migrate",), "MIGRATION_DATABASE_URL"),
        (("booklets", "list"), "DATABASE_URL"),
        (("serve",), "DATABASE_URL"),
        (("keys", "generate", "pass"), "POINCON_KEYS"),
        (("guard", "rebuild"), "VALKEY_URL"),
        (("audit", "--data", "/nonexistent"), "/nonexistent"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_missing_setting_is_named_in_one_line(arguments, named, typed):
    run = typed(*arguments)
    assert run.returncode == 2
    assert named in plain(run)


async def test_an_unreachable_database_is_one_line(poincon):
    run = await poincon("audit", env=BARE | NO_SERVER)
    assert run.returncode == 2  # not 1: nothing was checked and found wanting
    assert "PostgreSQL" in plain(run)


def test_a_wrong_password_is_one_line(typed, house):
    dsn = house.settings.database_url.replace("poincon_app:", "poincon_app:wrong")
    assert "password" in plain(typed("booklets", "list", DATABASE_URL=dsn))


def test_a_database_that_is_not_there_is_one_line(typed, house):
    dsn = house.settings.database_url.replace("/house_", "/nobodys_")
    assert "nobodys_" in plain(typed("booklets", "list", DATABASE_URL=dsn))


def test_a_database_without_schema_is_one_line_that_tells_to_migrate(typed, house):
    dsn = re.sub(r"/house_\w+\?", "/postgres?", house.settings.database_url)
    assert "migrate" in plain(typed("booklets", "list", DATABASE_URL=dsn))


@pytest.mark.parametrize(
    "arguments",
    [
        ("booklets", "activate", "999999", "--reason", "x"),
        ("booklets", "cancel", "999999", "--cause", "lost"),
        ("programmes", "amend", "999999", "--last-day", "2027-12-30", "--reason", "x"),
        ("devices", "revoke", "999999", "--reason", "x"),
        ("devices", "enrol", "--site", "999999", "--mediator", "x"),
        ("devices", "invite", "--site", "999999", "--mediator", "x", "--url", "http://x"),
        ("keys", "activate", "00000000"),
    ],
    ids=" ".join,
)
def test_a_number_that_nobody_has_is_one_line(arguments, typed, house):
    run = typed(*arguments, DATABASE_URL=house.settings.database_url)
    assert run.returncode == 1
    plain(run)


def test_lists_can_be_read_by_programs(typed, house):
    for arguments in (("booklets", "list"), ("devices", "list"), ("programmes", "list"), ("keys", "list")):
        run = typed(*arguments, "--json", DATABASE_URL=house.settings.database_url)
        assert run.returncode == 0, run.stderr
        for line in run.stdout.splitlines():
            json.loads(line)
