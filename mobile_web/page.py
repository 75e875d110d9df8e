"""Serves the médiateur's page."""

from aiohttp import web


def add_page(app: web.Application) -> None:
    pass
