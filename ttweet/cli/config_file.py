"""The config file in TOML: settings, and profiles that replace some of them. Quick to import."""

from __future__ import annotations

import os

from ttweet.cli.shell import UsageError, quoted
from ttweet.defaults import SYSTEM_CA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "ttweet/config.toml"
PROFILES = "profiles"
KEYS = ("server", "ca", "token_file", "name", "tags")
OF_THE_SERVER = ("ca", "token_file")
MAX_FILE_BYTES = 64 * 1024  # of the config file: a hundred profiles fit


class Setting:
    """The value of a setting, and where it comes from."""

    __slots__ = ("source", "value")

    def __init__(self, value: str, source: str) -> None:
        self.value = value
        self.source = source


class _File:
    """The name and the text of the file, for errors with the number of a line."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    def error(self, key: str, value: object, problem: str) -> UsageError:
        return UsageError(f"{self.path}, line {self._line(key, value)}: {problem}")

    def _line(self, key: str, value: object) -> int:
        """Return the line that gives a key this value, or else the first with the key."""
        lines = list(enumerate(self.text.splitlines(), 1))
        with_key = [(number, line) for number, line in lines if line.strip(" \t[\"'").startswith(key)]
        exact = [number for number, line in with_key if str(value) in line]
        return (exact or [number for number, _ in with_key] or [1])[0]


def path() -> str | None:
    """Return the name of the config file, whether it exists or not; None for a user without a home folder."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if base.startswith("/"):
        return f"{base}/{FILE}"
    home = os.environ.get("HOME", "")
    return f"{home}/.config/{FILE}" if home else None


def read(profile: str | None) -> dict[str, Setting]:
    """Return the settings of the file, with those of the profile in front. Raises UsageError."""
    name = path()
    text = name and _text(name)
    if not name or text is None:
        if profile:
            raise UsageError(f"no profile {quoted(profile)}: there is no config file; write {name or FILE}")
        return {}
    return _settings(_File(name, text), profile)


def without_server(settings: dict[str, Setting]) -> dict[str, Setting]:
    """Return the settings that do not depend on the file's server."""
    return {key: setting for key, setting in settings.items() if key not in OF_THE_SERVER}


def _text(name: str) -> str | None:
    try:
        with open(name, "rb") as file:
            _refuse_replaceable(name)
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        if not os.path.exists(name):  # noqa: PTH110  # or it is in the home of another user, as with sudo
            return None
        raise UsageError(f"config file {name!a} cannot be read: {exc.strerror}; repair or remove it") from exc
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"config file {name!a} is too long; use at most {MAX_FILE_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise UsageError(f"{name}, line {line}: invalid UTF-8; save the file as UTF-8") from exc


def _refuse_replaceable(name: str) -> None:
    """Raise UsageError if any user can change the file, and so where messages and a token go. Raises OSError."""
    from ttweet.files import NotOursError, refuse_replaceable  # most users have no such file

    try:
        refuse_replaceable(name)
    except NotOursError as error:
        raise UsageError(f"config file {name!a} is not safe: {error.strerror}") from error


def _settings(file: _File, profile: str | None) -> dict[str, Setting]:
    import tomllib  # most users have no such file

    try:
        document = tomllib.loads(file.text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise UsageError(f"{file.path}: invalid TOML: {exc}; quote each value, as in server = 'host:13001'") from exc
    profiles = document.pop(PROFILES, {})
    if not isinstance(profiles, dict):
        raise file.error(PROFILES, profiles, f"invalid {PROFILES}; use a table, such as [{PROFILES}.work]")
    common = _checked(file, document, file.path)
    if profile is None:
        return common
    chosen = profiles.get(profile)
    if chosen is not None and not isinstance(chosen, dict):
        raise file.error(profile, chosen, f"invalid profile {quoted(profile)}; use a table: [{PROFILES}.{profile}]")
    if chosen is None:
        known = f"use one of: {', '.join(profiles)}" if profiles else f"add a table such as [{PROFILES}.work]"
        raise UsageError(f"no profile {quoted(profile)} in {file.path}; {known}")
    own = _checked(file, chosen, f"{file.path}, profile {profile}")
    return (without_server(common) if "server" in own else common) | own


def _checked(file: _File, table: dict[str, Any], source: str) -> dict[str, Setting]:
    """Return the settings of a table. Raises UsageError."""
    settings = {}
    for key, value in table.items():
        if key not in KEYS:
            raise file.error(key, value, f"unknown key {quoted(key)}; use {', '.join(KEYS)} or {PROFILES}")
        if key == "tags" and isinstance(value, list) and all(isinstance(tag, str) for tag in value):
            _refuse_several_in_one(file, value)
            value = " ".join(value)  # as TTWEET_TAG has them
        if not isinstance(value, str) or not (value or key == "tags") or "\0" in value:
            fix = "use a text in quotes, or a list of them" if key == "tags" else "use a text in quotes"
            raise file.error(key, value, f"invalid {key} {quoted(str(value))}; {fix}")
        if problem := _problem(key, value):
            raise file.error(key, value, problem)
        settings[key] = Setting(_beside(file, value) if key in OF_THE_SERVER and value != SYSTEM_CA else value, source)
    return settings


def _refuse_several_in_one(file: _File, tags: list[str]) -> None:
    """Raise UsageError for a text of a list that is not one word: each is one tag, with or without its #."""
    for tag in tags:
        if tag.split() != [tag]:
            words = ", ".join([f'"{word}"' for word in tag.split()])
            fix = f"write one tag in each text: [{words}]" if words else "omit it"
            raise file.error("tags", tag, f"invalid tag {quoted(tag)}; {fix}")


def _beside(file: _File, name: str) -> str:
    """Return the name of a file, which the folder of the config file is the start of unless it is absolute."""
    return os.path.join(os.path.dirname(file.path), os.path.expanduser(name))  # noqa: PTH111, PTH118, PTH120


def _problem(key: str, value: str) -> str | None:
    """Return the error that a command would raise for a value."""
    from ttweet.client.servers import parse
    from ttweet.model.errors import TtweetError
    from ttweet.model.tweets import refuse_impossible

    try:
        match key:
            case "server":
                parse(value)
            case "name":
                refuse_impossible("", by=value)
            case "tags":
                refuse_impossible("a text", tags=value.split())
    except TtweetError as error:
        return error.text
    return None
