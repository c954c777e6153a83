"""`ttweet post --lines`: each line of stdin a message, many in flight, every line accounted for.

Lines are posted as they come, so `tail -f log | ttweet post --lines` works; those that come together travel together.
"""

import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from typing import NamedTuple

from ttweet.cli import output, shell
from ttweet.cli.advice import beyond_the_limit
from ttweet.cli.progress import Show, progress
from ttweet.client.sync_client import Client
from ttweet.model.errors import REQUEST_FAULTS, ConnectError, Refused
from ttweet.model.tweets import MAX_CHARACTERS
from ttweet.protocol.replies import Stored

READ_BYTES = 64 * 1024  # of one read of a pipe
MAX_LINE_BYTES = 1024 * 1024  # of a line of stdin, which is kept in memory; a message has 600
TOO_LONG = Refused("too_long", f"too long: more than {MAX_LINE_BYTES:,} bytes; use at most {MAX_CHARACTERS} characters")
ALONE = "post it alone: ttweet post --split MESSAGE"
PROGRESS_EVERY = 64  # outcomes between two looks of the progress bar, which takes 20 us for one


class InputLine(NamedTuple):
    """A line and its number, from 1. Bytes that are not UTF-8 are lone surrogates, which no text may hold.

    The text is None for a line of more than MAX_LINE_BYTES, which is not kept.
    """

    number: int
    text: str | None


@dataclass(slots=True)
class PostTally:
    """The outcomes of the lines so far, each of which is shown, as `json` or not; if `quiet`, only the refused ones."""

    json: bool
    quiet: bool
    stored: int = 0
    refused: int = 0
    under_way: deque[int] = field(default_factory=deque)  # the numbers of the lines that are not answered yet
    answered: int = 0  # the number of the last line that is
    fault: Refused | None = None  # what ended it
    begun: float = field(default_factory=time.monotonic)

    def take(self, line: InputLine, outcome: Stored | Refused) -> None:
        """Count the outcome of a line, and show it."""
        if isinstance(outcome, Refused):
            self.refused += 1
            if outcome.code not in REQUEST_FAULTS:  # the next line would be refused too
                self.fault = outcome
            _show_refused(line, outcome, json=self.json)
        else:
            self.stored += 1
            if not self.quiet:
                _show_stored(line, outcome, json=self.json)

    @property
    def total(self) -> str:
        """The outcome at the end."""
        return f"{self._counts}, in {time.monotonic() - self.begun:.1f} s"

    @property
    def rate(self) -> str:
        """How it goes, on the way."""
        return f"{self._counts}, {self.stored / (time.monotonic() - self.begun + 0.001):,.0f} a second"

    @property
    def _counts(self) -> str:
        return f"{self.stored:,} posted" + (f", {self.refused:,} refused" if self.refused else "")


def post_lines(
    client: Client, stream: BufferedReader, *, tags: list[str], key: str | None, json: bool, quiet: bool
) -> int:
    """Post each line and return the exit code. Raises ConnectError, KeyboardInterrupt; both say what is unknown."""
    tally = PostTally(json, quiet)
    with progress(wanted=not quiet) as show:
        try:
            for lines in read_lines(stream):
                if lines and lines[0].text is None:
                    tally.take(lines[0], TOO_LONG)
                    continue
                _post_together(client, lines, tally, tags=tags, key=key, show=show)
                if tally.fault:
                    break
        except ConnectError as error:
            raise type(error)(error.code, f"{shell.sentence(error)}{_left(tally, key)}") from error
        except OSError as error:  # of stdin or stdout
            raise OSError(error.errno, f"{error.strerror or error}{_left(tally, key)}", error.filename) from error
        except KeyboardInterrupt:
            shell.complain(f"interrupted{_left(tally, key)}")
            raise
    if tally.refused or (shell.on_terminal(sys.stderr) and not quiet):
        shell.hint(tally.total)
    if tally.fault:
        return shell.exit_code(tally.fault)
    return shell.REFUSED if tally.refused else shell.DONE


def read_lines(stream: BufferedReader) -> Iterator[list[InputLine]]:
    """Yield the lines of a stream, together those that came together; empty ones are counted and left out.

    A line that is too long comes alone, and at most MAX_LINE_BYTES and READ_BYTES of it are in memory.
    """
    number, rest, too_long = 0, b"", False
    while data := stream.read1(READ_BYTES):
        *complete, rest = (rest + data).split(b"\n")
        if too_long and complete:
            number, complete, too_long = number + 1, complete[1:], False
            yield [InputLine(number, None)]
        yield _numbered(complete, number)
        number += len(complete)
        if too_long or len(rest) > MAX_LINE_BYTES:
            rest, too_long = b"", True
    yield [InputLine(number + 1, None)] if too_long else _numbered([rest], number)


def _numbered(lines: list[bytes], before: int) -> list[InputLine]:
    texts = [line.removesuffix(b"\r").decode(errors="surrogateescape") for line in lines]
    return [InputLine(number, text) for number, text in enumerate(texts, before + 1) if text.strip()]


def _post_together(
    client: Client, lines: list[InputLine], tally: PostTally, *, tags: list[str], key: str | None, show: Show
) -> None:
    keys = (None if key is None else f"{key}:{line.number}" for line in lines)
    outcomes = client.post_many(_hand_over(lines, tally), tags=tags, keys=keys)
    for outcome, line in zip(outcomes, lines, strict=False):  # in this order: the outcomes must come to their own end
        tally.answered = tally.under_way.popleft()
        tally.take(line, outcome)
        if line.number % PROGRESS_EVERY == 0:
            show(tally.answered, None, tally.rate)
    show(tally.answered, None, tally.rate)
    if sys.stdout is not None:
        sys.stdout.flush()


def _hand_over(lines: Iterable[InputLine], tally: PostTally) -> Iterator[str]:
    for line in lines:
        if tally.fault:
            return
        tally.under_way.append(line.number)
        yield line.text or ""


def _show_stored(line: InputLine, stored: Stored, *, json: bool) -> None:
    if stored.deleted:
        shell.hint(f"line {line.number}: {output.key_of_deleted(stored)}")
    if json:
        output.write_json({"line": line.number, **output.stored_json(stored)})
    elif not shell.on_terminal(sys.stdout):
        shell.write(str(stored.id))


def _show_refused(line: InputLine, refused: Refused, *, json: bool) -> None:
    text = _reason(line, refused)
    shell.complain(f"line {line.number}: {text}")
    if json:
        output.write_json({"line": line.number, "code": refused.code, "text": text})


def _reason(line: InputLine, refused: Refused) -> str:
    try:
        shell.checked_text(line.text or "", "the text")
    except shell.UsageError as error:
        return str(error)  # the server speaks of surrogates, but the file has bytes
    return refused.text if line.text is None else beyond_the_limit(refused, ALONE).text


def _left(tally: PostTally, key: str | None) -> str:
    """Return the end of the message after an early end: the finished and the unknown lines."""
    done = f"; {tally.stored:,} acknowledged" if tally.answered else ""
    if not tally.under_way:
        return done and f"{done}, up to line {tally.answered}"
    first, last = tally.under_way[0], tally.under_way[-1]
    unknown = f"line {last} is" if first == last else f"lines {first} to {last} are"
    again = "repeat the command: no line is stored twice" if key else "use --key to be able to repeat the command"
    return f"{done}; whether {unknown} stored is unknown; {again}"
