"""The parts of the completion scripts that offer tags and names: they ask `ttweet --complete`, see line_completion.

A shell quotes the words when it inserts them.
"""

import re

from ttweet.cli.line_completion import COMMANDS, OPTIONS

_BASH = """
_ttweet() {
  local line="${COMP_LINE:0:COMP_POINT}" word before
  COMPREPLY=()
  case "${COMP_WORDS[1]}" in
    %(commands)s)
      before="${COMP_WORDS[COMP_CWORD]}"
      while [[ "$before" != -* ]] && IFS= read -r word; do
        [[ "$COMP_WORDBREAKS" != *:* ]] || word="${word##*:}"
        printf -v word %%q "$word"
        COMPREPLY+=("$word")
      done < <(command ttweet --complete "$line" 2>/dev/null)
      ;;
  esac
  [[ ${#COMPREPLY[@]} -gt 0 ]] || _ttweet_options
}

complete -F _ttweet ttweet
"""  # readline completes what stands behind a colon as a word of its own

_ZSH = """
_cyclopts_ttweet() {
  local -a found
  if [[ "$words[2]" == (%(commands)s) && "$words[CURRENT]" != -* ]]; then
    found=("${(@f)$(command ttweet --complete "${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
    [[ -n "$found[1]" ]] && compadd -U -a found && return
  fi
  _ttweet_options "$@"
}
"""

_FISH = """
function __ttweet_words
    command ttweet --complete (commandline -cp | string collect) 2>/dev/null
end
complete -c ttweet -n '__fish_seen_subcommand_from %(commands)s' -f -a '(__ttweet_words)'
"""


def with_words(shell: str, script: str) -> str:
    """Return the script of a shell with the part that offers tags and names, before commands and options."""
    match shell:
        case "bash":
            return re.sub(r"\b_ttweet\b", "_ttweet_options", script) + _BASH % {"commands": "|".join(COMMANDS)}
        case "zsh":
            return script.replace("_cyclopts_ttweet", "_ttweet_options") + _ZSH % {"commands": "|".join(COMMANDS)}
        case _:
            return script + _FISH % {"commands": " ".join(COMMANDS)} + "".join(map(_fish_option, [*OPTIONS, "--find"]))


def _fish_option(option: str) -> str:
    kind = "-l" if option.startswith("--") else "-s"
    return f"complete -c ttweet {kind} {option.strip('-')} -x -a '(__ttweet_words)'\n"
