"""The readme and the addresses in the metadata of a built package. TTWEET_SITE is the address of the published site."""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

SCRIPTS = Path(__file__).parents[1]


class ReadmeHook(MetadataHookInterface):
    """Have an index of packages show a readme whose links lead somewhere. Without a site they stay as they are."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the dynamic fields `readme` and `urls`."""
        sys.path.insert(0, str(SCRIPTS))
        from docs_site.readme import absolute

        text = (SCRIPTS.parent / "README.md").read_text(encoding="utf-8")
        site = os.environ.get("TTWEET_SITE", "")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, site) if site else text}
        metadata["urls"] = {"Documentation": site, "Changelog": f"{site.rstrip('/')}/CHANGELOG.html"} if site else {}
