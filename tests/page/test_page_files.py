"""GET / and /page/…: the right types, headers that fence the page in, revalidation. No browser here."""

import re

import pytest

from mobile_web.page import HEADERS, read_files

TYPES = {
    "/": "text/html; charset=utf-8",
    "/page/main.js": "text/javascript; charset=utf-8",
    "/page/base.css": "text/css; charset=utf-8",
    "/page/mark.svg": "image/svg+xml",
}


@pytest.mark.parametrize("path", TYPES)
async def test_each_file_has_its_type_and_every_protective_header(files_alone, path):
    async with files_alone.get(path) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == TYPES[path]
        assert {name: response.headers[name] for name in HEADERS} == HEADERS


async def test_a_known_file_is_not_sent_again(files_alone):
    async with files_alone.get("/page/main.js") as response:
        etag = response.headers["ETag"]
    async with files_alone.get("/page/main.js", headers={"If-None-Match": f'"other", {etag}'}) as response:
        assert response.status == 304
        assert await response.read() == b""
        assert response.headers["ETag"] == etag
        assert response.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
    async with files_alone.get("/page/main.js", headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", ["/page/", "/page/page.py", "/page/../page.py", "/page/%2e%2e/page.py"])
async def test_nothing_else_of_the_package_is_served(files_alone, path):
    async with files_alone.get(path) as response:
        assert response.status == 404


def test_the_policy_starts_from_nothing_and_allows_no_inline_code():
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "*" not in policy


def test_the_markup_holds_no_script_no_style_and_no_handler():
    (index,) = (file.body.decode() for file in read_files() if file.name == "index.html")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", index)
    assert not re.search(r"<script(?![^>]*\ssrc=)", index)


def test_no_file_names_another_host():
    for file in read_files():
        text = file.body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, file.name
