"""The conventions of a homework, drawn from a secret that the course team keeps."""

from __future__ import annotations

import hmac
import itertools
from hashlib import sha256

from helpers.models.conventions import CHOICES, Conventions
from vitlab.project import ProjectError

LABEL = b"vitlab homework: conventions"
LEAST_DIFFERENCES = 2  # with a single one, too much of a public solution would pass


class SecretError(ProjectError):
    """A secret from which no homework can be made."""


def conventions_of(secret: str) -> Conventions:
    """The conventions that a secret stands for: the same ones each time, at least two of them not the course's.

    Raises SecretError for an empty secret.
    """
    if not secret.strip():
        raise SecretError("The secret is empty: give --secret some text of your own, and keep it for the grading.")
    every = (Conventions(*values) for values in itertools.product(*CHOICES.values()))
    possible = [conventions for conventions in every if len(conventions.differences()) >= LEAST_DIFFERENCES]
    drawn = hmac.new(secret.encode(errors="surrogateescape"), LABEL, sha256).digest()
    return possible[int.from_bytes(drawn, "big") % len(possible)]
