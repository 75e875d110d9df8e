"""Which addresses a webhook may have: of the open internet, over https, unless the instance says otherwise.

A name is looked at when it is resolved for the very connection that is made: one that points inside later is
refused then (a server of ours must not be talked into calling our own network).
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

URL_CHARS_MAX = 500
# The last part of no name, and of an IPv4 address that is spelled otherwise (127.1, 0x7f.1, 2130706433).
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Translates into any IPv4 address, a private one too (RFC 6052, RFC 8215).
NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
OPEN_IPV6 = ip_network("2000::/3")  # all that was ever given to anybody
# What clouds tell their own machines, at addresses that look like anybody's.
CLOUDS = (ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"))


class AddressRefused(Exception):
    """A URL that is not called; the text says why, in French: it is shown where it was typed."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour or address.teredo or any(address in network for network in NAT64):
            return False
        return address in OPEN_IPV6 and address.is_global
    return address.is_global and not address.is_multicast and not any(address in one for one in CLOUDS)


def check_url(url: str, *, allows_private: bool) -> None:
    """What can be known before any name is resolved."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("Cette adresse ne se lit pas.") from None
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if len(url) > URL_CHARS_MAX or not is_plain or not host or port == 0:
        raise AddressRefused("Écrivez une adresse complète, par exemple https://exemple.fr/avis.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("L’adresse ne porte ni identifiant, ni mot de passe, ni ancre.")
    literal = _literal(host)
    if literal is None and NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise AddressRefused("Écrivez une adresse complète, par exemple https://exemple.fr/avis.")
    is_loopback = literal.is_loopback if literal else host.rstrip(".").endswith("localhost")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback and allows_private):
        raise AddressRefused("L’adresse commence par https://.")
    if not allows_private and (is_loopback or (literal is not None and not is_public(literal))):
        raise AddressRefused("Cette adresse est celle d’un réseau privé : elle n’est pas appelée.")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


@dataclass
class GuardedResolver(AbstractResolver):
    """Tells a connection only addresses that may be called."""

    allows_private: bool
    inner: AbstractResolver

    @classmethod
    def system(cls, *, allows_private: bool) -> "GuardedResolver":
        return cls(allows_private, ThreadedResolver())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self.inner.resolve(host, port, family)
        usable = [one for one in found if self.allows_private or is_public(ip_address(_bare(one["host"])))]
        if not usable:
            raise AddressRefused(f"{host} : adresse d’un réseau privé, non appelée")
        return usable

    async def close(self) -> None:
        await self.inner.close()


def _bare(host: str) -> str:
    return host.partition("%")[0]
