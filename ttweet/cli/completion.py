"""`--install-completion`: write cyclopts' script where the shell reads it, and ask a new shell whether it works.

bash and zsh need a line in their startup file besides. The command reports success only when a new shell, started as
the user would start it, completes ttweet.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from ttweet.cli import shell
from ttweet.cli.completion_words import with_words
from ttweet.cli.main import ALIASES, make_app
from ttweet.cli.options import FILE
from ttweet.cli.output_file import STDOUT, Force, naming_the_fix, refuse_needless_force, write_stdout
from ttweet.files import trusted_path, write_texts

SHELL_TIMEOUT_S = 10.0  # for a new shell to start and answer: slow startup files take seconds

Shell = Literal["bash", "zsh", "fish"]
ShellName = Annotated[
    Shell | None,
    Parameter(name="--shell", metavar="SHELL", help="bash, zsh or fish; default: the current shell."),
]
Output = Annotated[
    Path | None,
    FILE,
    Parameter(
        name=["--output", "-o"],
        allow_leading_hyphen=True,
        help="Write the script to FILE, or to stdout (-); change no startup file.",
    ),
]

_BASH_LOOK = "complete -p ttweet | grep -q _ttweet && printf '\\0yes'"
_ZSH_LOOK = "(( ${+_comps[ttweet]} )) && printf '\\0yes'"
_ZSH_END = """
if [[ ${zsh_eval_context[-1]} == file ]]; then
  (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit -i; }
  compdef _cyclopts_ttweet ttweet
else
  _cyclopts_ttweet "$@"
fi
"""  # an autoloaded file runs for each completion; a new zsh needs compinit first, and -i asks for no confirmation
_ZSH_NO_ACTION = re.compile(r"^( +'(?:[0-9]+|\*):(?:[^:\\\n]|\\.)*)'(?=(?: \\)?$)", re.MULTILINE)
"""An argument for which zsh has nothing to offer: without an empty list it does not complete options in its place."""
_FISH_LOOK = "function ttweet; end; complete -C 'ttweet tag' | string match -q 'tags*' && printf '\\0yes'"
_ZSH_FOLDER = 'printf "\\0%s" "${ZDOTDIR-$HOME}"'  # .zshenv may set ZDOTDIR without exporting it
_LOGIN_FILES = (".bash_profile", ".bash_login", ".profile")  # bash reads the first that it finds


@dataclass(frozen=True, slots=True)
class ScriptTarget:
    """Where the script goes, how a shell is asked whether it reads it, and which startup file loads it, if one has to.

    A look is a shell's option and a program that prints NUL and `yes` when the shell completes ttweet.
    """

    script: Path
    look: tuple[str, str]
    startup: Path | None = None

    @property
    def line(self) -> str:
        """The line of a startup file that loads the script."""
        word = shlex.quote(str(self.script))
        return f"[ ! -r {word} ] || . {word}  # completion of ttweet"


def install_completion(*, shell_name: ShellName = None, output: Output = None, force: Force = False) -> int:
    """Install completion for a shell and print where its script is. Raises UsageError and OSError."""
    refuse_needless_force("-o", output, force=force)
    name = shell_name or _detected()
    text = script(name)
    if output == STDOUT:
        write_stdout([text], "-o")
        return shell.DONE
    if output is not None:
        with naming_the_fix(output):
            _write(output, text, "choose another file with -o", overwrite=force)
        shell.write(str(output.absolute()))
        return shell.DONE
    target = _target(name)
    _install(name, target, text)
    shell.write(str(target.script))
    return _look(name, target)


def script(name: Shell) -> str:
    """Return the script of a shell that completes commands, options, tags and names."""
    app = make_app()
    for alias, command in ALIASES.items():
        app.command(app[command], name=alias)
    text = app.generate_completion(shell=name)
    if name == "zsh":
        text = _ZSH_NO_ACTION.sub(r"\1:()'", text)
    return with_words(name, text) + (_ZSH_END if name == "zsh" else "")


def _detected() -> Shell:
    from cyclopts.completion import ShellDetectionError
    from cyclopts.completion.detect import detect_shell

    with suppress(ShellDetectionError):
        found = detect_shell()
        if found in get_args(Shell):  # it knows PowerShell too
            return found  # type: ignore[return-value]
    seen = os.environ.get("SHELL", "")
    raise shell.UsageError(f"unknown shell {seen!r}; use bash, zsh or fish: ttweet --install-completion --shell bash")


def _target(name: Shell) -> ScriptTarget:
    match name:
        case "bash":
            script = _base("XDG_DATA_HOME", name, ".local/share") / "bash-completion/completions/ttweet"
            return ScriptTarget(script, ("-ic", _BASH_LOOK), _home(name) / ".bashrc")
        case "zsh":
            script = _base("XDG_DATA_HOME", name, ".local/share") / "ttweet/completion.zsh"
            return ScriptTarget(script, ("-ic", _ZSH_LOOK), _zsh_folder() / ".zshrc")
        case "fish":
            folder = _base("XDG_CONFIG_HOME", name, ".config") / "fish/completions"
            return ScriptTarget(folder / "ttweet.fish", ("-c", _FISH_LOOK))


def _base(variable: str, name: Shell, default: str) -> Path:
    """Return a base folder of the XDG specification, which ignores relative ones."""
    said = Path(os.environ.get(variable, ""))
    return said if said.is_absolute() else _home(name) / default


def _zsh_folder() -> Path:
    said = _answer("zsh", "-c", _ZSH_FOLDER) or os.environ.get("ZDOTDIR")
    return Path(said).absolute() if said else _home("zsh")


def _home(name: Shell) -> Path:
    with suppress(RuntimeError):  # no HOME, and the user has no entry in passwd
        home = Path.home()
        if home.is_absolute() and os.environ.get("HOME") != "":
            return home
    seen = repr(os.environ["HOME"]) if "HOME" in os.environ else "not set"
    raise shell.UsageError(f"no home folder: HOME is {seen}; {_elsewhere(name)}")


def _install(name: Shell, target: ScriptTarget, script: str) -> None:
    _write(target.script, script, _elsewhere(name))
    if target.startup is None:
        return
    try:
        if _add_line(target.startup, target.line):
            shell.hint(f"added to {target.startup}: {target.line}")
    except OSError as exc:
        raise OSError(exc.errno, f"{exc.strerror}; add this line to it: {target.line}", str(target.startup)) from exc


def _write(path: Path, script: str, way_out: str, *, overwrite: bool = True) -> None:
    try:
        trusted_path(path.parent).mkdir(parents=True, exist_ok=True)
        write_texts(path, [script], mode=0o644, overwrite=overwrite)  # a package's script is for all users
    except FileExistsError:
        raise
    except OSError as exc:
        raise OSError(exc.errno, f"{exc.strerror}; {way_out}", exc.filename or str(path)) from exc


def _elsewhere(name: Shell) -> str:
    return f"write the script elsewhere: ttweet --install-completion --shell {name} -o FILE"


def _add_line(startup: Path, line: str) -> bool:
    """Append the line to the file, which may be a link or not be there, and return whether it was missing."""
    content = startup.read_bytes() if startup.exists() else b""
    entry = os.fsencode(f"{line}\n")
    if b"\n" + entry in b"\n" + content:
        return False
    trusted_path(startup.parent).mkdir(parents=True, exist_ok=True)
    with trusted_path(startup).open("ab") as file:
        file.write(entry if not content or content.endswith(b"\n") else b"\n" + entry)
    return True


def _look(name: Shell, target: ScriptTarget) -> int:
    """Ask a new shell whether it completes ttweet, and report that."""
    if shutil.which(name) is None:
        shell.hint(f"{name} is not installed here, so completion was not checked")
        return shell.DONE
    if _answer(name, *target.look) != "yes":
        read = target.startup or target.script
        shell.complain(
            f"a new {name} does not complete ttweet: it did not read {str(read)!r} to its end; try: {name} -i"
        )
        return shell.FAILED
    shell.hint(f"completion works in each new {name}")
    if name == "bash" and _answer(name, "-lic", _BASH_LOOK) != "yes":
        _explain_login_shells(_home(name))
    return shell.DONE


def _explain_login_shells(home: Path) -> None:
    file = next((file for file in _LOGIN_FILES if (home / file).exists()), _LOGIN_FILES[0])
    shell.hint(f'except in a login shell, which does not read .bashrc; add to ~/{file}: [ -z "$BASH" ] || . ~/.bashrc')


def _answer(name: Shell, option: str, program: str) -> str:
    """Return the output of a new shell after its last NUL, which follows that of its startup files. Empty if nothing.

    It gets neither our terminal nor our pipes, which a program that it leaves behind would hold open.
    """
    with tempfile.TemporaryFile() as out:
        command = [name, option, program]
        try:
            process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError:  # it is not installed here
            return ""
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(SHELL_TIMEOUT_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        out.seek(0)
        return os.fsdecode(out.read().rpartition(b"\0")[2])
