"""Put the manual pages and completion scripts into a wheel, when hatchling builds one."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPTS = Path(__file__).parents[1]


class ShareHook(BuildHookInterface[Any]):
    """Write share/ to a folder of its own, which lasts until the wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name each file with its place in the environment. A checkout that is installed in place has none."""
        if version == "editable":
            return
        sys.path[:0] = [str(SCRIPTS), str(SCRIPTS.parent)]
        from man_pages.share import write

        self._folder = tempfile.TemporaryDirectory()
        build_data["shared_data"] |= {
            str(path): f"share/{name}" for name, path in write(Path(self._folder.name)).items()
        }

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the folder."""
        if version != "editable":
            self._folder.cleanup()
