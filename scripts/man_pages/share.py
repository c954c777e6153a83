"""The files of share/ in an installation: manual pages and completion scripts, by their names below share/."""

from pathlib import Path

from man_pages.pages import command_page, program_page
from ttweet.cli import completion
from ttweet.cli.main import COMMANDS
from ttweet.cli.manual import server


def files() -> dict[str, str]:
    """Return the text of each file. The date of the pages is SOURCE_DATE_EPOCH, or else today."""
    pages = {"ttweet": program_page(server.ROOT), **{f"ttweet-{name}": command_page(name) for name in COMMANDS}}
    return {
        **{f"man/man1/{name}.1": text for name, text in pages.items()},
        "bash-completion/completions/ttweet": completion.script("bash"),
        "zsh/site-functions/_ttweet": completion.script("zsh"),
        "fish/vendor_completions.d/ttweet.fish": completion.script("fish"),
    }


def write(folder: Path) -> dict[str, Path]:
    """Write the files into a folder, which is made if it is missing, and return where each is."""
    written = {}
    for name, text in files().items():
        written[name] = folder / name
        written[name].parent.mkdir(parents=True, exist_ok=True)
        written[name].write_text(text)
    return written
