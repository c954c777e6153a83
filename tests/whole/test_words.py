"""The language of docs, help, docstrings and comments: forbidden words, long sentences, long pages, dead links."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from docs_tables import limits

from tests.support import prose
from ttweet.cli.main import COMMANDS, make_app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MAX_SENTENCE_WORDS = 35
MAX_DOCS_WORDS = 18_180  # of docs/*.md together, without generated tables and decision records
MAX_READ_WORDS = 17_000  # of the same pages, without bars of tables and other words that have no letter or digit

MAX_PAGE_WORDS = {  # each page has one subject; what is generated does not count
    "CONTRIBUTING.md": 430,
    "README.md": 1_000,
    "contrib/README.md": 560,
    "docs/cluster.md": 1_090,
    "docs/commands.md": 2_560,
    "docs/design.md": 990,
    "docs/export.md": 560,
    "docs/getting-started.md": 360,
    "docs/http.md": 1_170,
    "docs/limits.md": 240,
    "docs/operating.md": 540,
    "docs/performance.md": 480,
    "docs/promises.md": 760,
    "docs/protocol.md": 3_510,
    "docs/python.md": 160,
    "docs/recipes.md": 490,
    "docs/schema.md": 2_620,
    "docs/security.md": 2_070,
    "docs/storage.md": 580,
}
PAGES = [*MAX_PAGE_WORDS, "CHANGELOG.md", *(str(path.relative_to(ROOT)) for path in sorted(DOCS.glob("adr/*.md")))]

# No subject of a sentence is `who`: name the server, the client, the command, or say `you`.
FORBIDDEN = {
    r"\b[Ww]ho(m|so)?ever\b": "the client, the server, you",
    r"^([Ww]ho|[Ww]hom|[Ww]hose)\b(?!.*\?$)": "the client that ..., a user who ...",
    r"([;:(] ?|\b(and|or|but|if|when|until|unless|because|since|by|for|of|from|to) )who\b": "the client that ...",
    r"\b([Hh]e|[Oo]ne|[Tt]hose) (who|whom)\b": "the noun that is meant",
    r"^What\b(?!.*\?$)": "the noun that is meant",
    r"\b([Ss]omebody|[Nn]obody|[Ee]verybody|[Aa]nybody)\b": "the client, the user, no client",
    r"\b[Tt]hat which\b": "the noun that is meant",
    r"^Of (a|an|the|each|every|them)\b": "the actor first",
    r"\b(is|are|was|were|be|been) told\b": "the server sends, logs, prints",
    r"\b[Ff]or ever\b": "until stopped",
    r"\b([Aa]new|[Aa]fresh)\b": "again",
    r"\b[Ss]hall\b": "must, should",
    r"\bparted by\b": "separated by",
    r"\b[Ll]est\b": "so that ... not",
    r"\b[Bb]e it\b": "even",
    r"\b[Ll]ook(s|ed|ing)?( it| a file| the file)? over\b": "check",
    r"\b([Gg]o(es)?|going|went|gone) on\b": "continue, resume",
    r"\b([Ll]et(s|ting)? go|turned away)\b": "disconnected, rejected",
    r"\b([Hh]ears?|heard)\b": "receive",
    r"\b([Bb]rings? in|brought in)\b": "import",
    r"\b[Bb]eside (a|the|its)( running)? server\b": "while a server is running",
    r"\bno server (may )?holds?\b": "a database that is not in use",
    r"\b(server|client|command|program|it) wants?\b": "needs, expects",
    r"\b[Ss]ome \d": "about",
    r"\b[Ss]ign of life\b": "keep-alive",
    r"\bcannot be meant\b": "invalid",
    r"\b[Bb]lanks?\b": "space",
    r"\bmust never know\b": "must not depend on",
    r"\b([Ww]hat the log says|[Ll]ines told)\b": "report lines",
    r"\b(client|connection|follower)s? (is|are|was|were|be|been) ended\b": "disconnected",
    r"\b([Ss]erver|[Cc]lient) (says|knows)\b": "sends, prints, logs; has",
    r"\b(?<![Ii]n )places? of (a|the|each) deleted tweets?\b": "tombstone",
    r"\b[Qq]uestions?\b(?! mark)": "query",
    r"\b[Ww]ho (a|the) client is\b": "identity, principal",
    r"\b(thereof|therein|thereby|hereby|whilst|upon)\b": "a plain word",
}


def broken(sentences: Iterable[str], rules: dict[str, str]) -> list[str]:
    """Each sentence that has a forbidden word, with what to write in its place."""
    return [
        f"{sentence!r}: not {found[0]!r} but {instead}"
        for sentence in sentences
        for rule, instead in rules.items()
        if (found := re.search(rule, sentence))
    ]


def long(sentences: Iterable[str]) -> list[str]:
    return [
        f"{len(words)} words: {' '.join(words)}" for one in sentences if len(words := one.split()) > MAX_SENTENCE_WORDS
    ]


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_forbidden_word(page: str) -> None:
    assert broken(prose.sentences(text_of(page)), FORBIDDEN) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_of_a_page_is_long(page: str) -> None:
    assert long(prose.sentences(text_of(page))) == []


def test_a_page_has_no_more_words_than_its_subject_needs() -> None:
    counts = {page: prose.word_count(text_of(page)) for page in MAX_PAGE_WORDS}
    assert {page: count for page, count in counts.items() if count > MAX_PAGE_WORDS[page]} == {}


def test_every_page_of_docs_has_a_limit_and_all_limits_together_are_small() -> None:
    pages = {str(path.relative_to(ROOT)) for path in DOCS.glob("*.md")}
    assert pages <= set(MAX_PAGE_WORDS)
    assert sum(MAX_PAGE_WORDS[page] for page in pages) <= MAX_DOCS_WORDS


def test_the_pages_of_docs_have_few_words_to_read() -> None:
    assert sum(prose.read_words(path.read_text()) for path in DOCS.glob("*.md")) <= MAX_READ_WORDS


@pytest.mark.parametrize("page", PAGES)
def test_an_anchor_of_a_link_is_that_of_a_heading(page: str) -> None:
    for target in prose.links(text_of(page)):
        path, _, anchor = target.partition("#")
        other = ((ROOT / page).parent / path if path else ROOT / page).resolve()
        if anchor:
            assert anchor in prose.anchors(other.read_text()), f"{page} links to {target}"


# Help pages.


def help_sentences(name: str) -> Iterator[str]:
    """The sentences of a command's help page, with those that describe its options."""
    _, page = COMMANDS[name]
    yield from prose.sentences(page.text(full=True))
    for argument in make_app()[name].assemble_argument_collection():
        yield from prose.sentences(argument.parameter.help or "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_no_forbidden_word_and_no_long_sentence(name: str) -> None:
    sentences = list(help_sentences(name))
    assert broken(sentences, FORBIDDEN) == []
    assert long(sentences) == []


# Docstrings and comments.


def faults(rules: dict[str, str], files: Iterable[Path]) -> dict[str, list[str]]:
    """The broken rules in the docstrings and comments of Python files, by file and line."""
    found = {
        f"{path.relative_to(ROOT)}:{remark.line}": broken(prose.sentences(remark.text), rules)
        for path in files
        for remark in prose.remarks(path)
    }
    return {place: faults for place, faults in found.items() if faults}


def strings(path: Path) -> Iterator[str]:
    """Yield the strings of a Python file that are no docstrings: messages, names of fields and others."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value.replace("_", " ")


def python_files() -> Iterator[Path]:
    for folder in ("ttweet", "migrations", "scripts", "tests"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_docstrings_and_comments_have_no_forbidden_word() -> None:
    assert faults(FORBIDDEN, python_files()) == {}


def test_messages_and_names_of_fields_have_no_forbidden_word() -> None:
    found = {path: broken(strings(path), FORBIDDEN) for path in (ROOT / "ttweet").rglob("*.py")}
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_the_name_of_a_test_has_no_forbidden_word() -> None:
    names = re.findall(r"def test_(\w+)", "".join([path.read_text() for path in python_files()]))
    assert broken([name.replace("_", " ").capitalize() for name in names], FORBIDDEN) == []


def test_the_reason_of_a_limit_has_no_forbidden_word() -> None:
    packages = sorted({path.relative_to(limits.PACKAGE).parts[0] for path in limits.PACKAGE.rglob("*.py")})
    reasons = [limit.reason for package in packages for limit in limits.limits(package.removesuffix(".py"))]
    assert broken(reasons, FORBIDDEN) == []


# The measure itself.


def test_sentences_are_cut_at_their_ends_and_code_is_no_prose() -> None:
    page = (
        "# A title\n\nOne `x.y`. Two (a. b) is\nlong!\n\n```sh\nwhoever\n```\n\n- item\n\n| a | b c |\n| --- | --- |\n"
    )
    assert list(prose.sentences(page)) == ["A title", "One CODE.", "Two (a. b) is long!", "item", " a ".strip(), "b c"]


def test_a_generated_table_counts_no_words() -> None:
    assert prose.word_count("Two words\n<!-- generated: options of post -->\n| a |\n<!-- end of generated -->\n") == 2


def test_bars_and_dashes_are_no_words_to_a_reader() -> None:
    assert prose.read_words("| a | `b` |\n| --- | --- |\n\n```\nls -l | wc\n```\n- é 2") == 7


def test_the_docstrings_of_constants_and_attributes_are_remarks_too(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text('X = 1\n"""A constant."""\n\nclass A:\n    y = 1  # a reason\n    """An attribute."""\n')
    assert {(remark.line, remark.text) for remark in prose.remarks(file)} == {
        (2, "A constant."),
        (5, "a reason"),
        (6, "An attribute."),
    }


@pytest.mark.parametrize(
    ("sentence", "faults"),
    [
        ("Let go of the file.", 1),
        ("who sends without a pause is disconnected", 1),
        ("Who is too fast hears of it.", 2),
        ("Who may post?", 0),
        ("A client that exceeds the rate limit gets `slow_down`.", 0),
        ("The lines are parted by tabs, for ever.", 2),
        ("It takes some 15 ms.", 1),
    ],
)
def test_a_forbidden_word_is_found(sentence: str, faults: int) -> None:
    assert len(broken([sentence], FORBIDDEN)) == faults
