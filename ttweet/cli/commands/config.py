"""The command `config`: the settings in force, and where each comes from."""

import sys

from ttweet.cli import config_file, output, settings, shell
from ttweet.cli.options import Json


def config(*, json: Json = False) -> int:
    """Show the settings. Raises UsageError."""
    found = settings.in_force()
    if json:
        for key, setting in found.items():
            output.write_json({"key": key, "value": setting.value, "source": setting.source})
    else:
        output.write_settings(found)
    if not json and shell.on_terminal(sys.stdout):
        shell.hint(f"the config file: {config_file.path() or 'none, as HOME is not set'}")
    return shell.DONE
