"""The people of the scenario: made up, different for each seed, on names and numbers reserved for examples."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta

FIRST_NAMES = ("mia", "noah", "ava", "leo", "ida", "sam", "zoe", "finn", "ruth", "otto", "lena", "hugo")
LAST_NAMES = ("ashdown", "birke", "castell", "dunmore", "estrada", "falk", "grantham", "holm")
CHILDREN = ("Nora", "Theo", "Maya", "Elio", "Wren")
MAIL_DOMAINS = ("example.com", "example.net", "example.org")
# RFC 5737: nobody's addresses.
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
AREA_CODES = ("202", "303", "415", "617", "808")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with an account."""

    email: str
    phone: str
    ip: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A picture as the mobile app uploads it."""

    keep_id: str
    file_name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, kw_only=True)
class Household:
    """Everybody and everything in one playing of the scenario."""

    parent: Person
    grandparent: Person
    stranger: Person
    prober_ip: str
    circle_name: str
    child: str
    child_born: date
    photos: tuple[Photo, ...]
    new_password: str = field(repr=False)


def _person(rng: random.Random, used: set[str]) -> Person:
    email = f"{rng.choice(FIRST_NAMES)}.{rng.choice(LAST_NAMES)}{rng.randrange(16**6):06x}@{rng.choice(MAIL_DOMAINS)}"
    while (ip := f"{rng.choice(NETWORKS)}.{rng.randrange(100, 255)}") in used:
        pass
    used.add(ip)
    return Person(
        email=email,
        phone=f"+1{rng.choice(AREA_CODES)}555{rng.randrange(100, 200):04d}",
        ip=ip,
        password=f"{rng.getrandbits(64):016x}",
    )


def _degrees(rng: random.Random, limit: int) -> float:
    # Two digits at least before the point, so that no other number contains these by chance, and six after it
    # of which the last is not zero, so that the number is written everywhere with the same digits.
    number = float(f"{rng.randrange(11, limit)}.{rng.randrange(10**5):05d}{rng.randrange(1, 10)}")
    return rng.choice((-1, 1)) * number


def _photo(rng: random.Random) -> Photo:
    return Photo(
        keep_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        file_name=f"IMG_{rng.randrange(10_000):04d}.{rng.choice(('HEIC', 'JPG'))}",
        latitude=_degrees(rng, 80),
        longitude=_degrees(rng, 170),
    )


def household(rng: random.Random) -> Household:
    """Make up a family, a stranger and their photos."""
    used: set[str] = set()
    parent, grandparent, stranger = (_person(rng, used) for _ in range(3))
    return Household(
        parent=parent,
        grandparent=grandparent,
        stranger=stranger,
        prober_ip=f"{rng.choice(NETWORKS)}.{rng.randrange(20, 100)}",
        circle_name=f"Family {rng.randrange(1000):03d}",
        child=rng.choice(CHILDREN),
        child_born=date(2017, 1, 1) + timedelta(days=rng.randrange(3000)),
        photos=tuple(_photo(rng) for _ in range(4)),
        new_password=f"{rng.getrandbits(64):016x}",
    )
