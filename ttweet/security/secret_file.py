"""Files that hold a secret of this side: a token, or a password. Quick to import."""

from __future__ import annotations

import os

from ttweet.files import refuse_replaceable, secret_objection, trusted_path
from ttweet.model.errors import SetupError
from ttweet.model.remedies import reason


def read_secret(path: str, source: str, max_bytes: int) -> bytes:
    """Return the content of a file, at most so many bytes of it. `source` names the file in errors.

    Raises SetupError `token` for a file that cannot be read, that other users can read, or that any user can replace.
    """
    try:
        trusted_path(path)
        with open(path, "rb") as file:
            if (wrong := secret_objection(path, os.fstat(file.fileno()))) is not None:
                raise SetupError("token", f"other users can read {source} {wrong}")
            refuse_replaceable(path)
            return file.read(max_bytes)
    except OSError as exc:
        raise SetupError("token", f"{source} cannot be read: {reason(exc)}") from exc
