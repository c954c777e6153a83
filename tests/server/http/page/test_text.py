"""The text of a tweet as HTML: what can be followed, what is marked, and that nothing of it is run."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.reports import escape
from ttweet.server.http.page.text import as_html

SCOTLAND = "\U0001f3f4" + "".join([chr(0xE0000 + ord(letter)) for letter in "gbsct"]) + "\U000e007f"
LINK = '<a href="{0}" rel="nofollow noreferrer">{0}</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;"),
        ("#a #b-c", '<a class="tag" href="/tags/a">#a</a> <a class="tag" href="/tags/b">#b</a>-c'),
        ("#cs#32", '<a class="tag" href="/tags/cs">#cs</a><a class="tag" href="/tags/32">#32</a>'),
        ("\uff03é", '<a class="tag" href="/tags/%C3%A9">\uff03é</a>'),
        ("a#b &#x", "a#b &amp;#x"),
        ("see http://a.b/c#d.", f"see {LINK.format('http://a.b/c#d')}."),
        ("(https://a.b/c)", f"({LINK.format('https://a.b/c')})"),
        ("https://a.b/c_(d)", LINK.format("https://a.b/c_(d)")),
        ("http://a.b/?x=1&y", '<a href="http://a.b/?x=1&amp;y" rel="nofollow noreferrer">http://a.b/?x=1&amp;y</a>'),
        ("javascript:alert(1) ftp://a", "javascript:alert(1) ftp://a"),
        ("a\u202eb\r\nc\td", 'a<span class="unseen">U+202E</span>b<span class="unseen">U+000D</span>\nc\td'),
    ],
)
def test_a_text_is_shown_as_it_was_written(text: str, html: str) -> None:
    assert as_html(text) == html


@pytest.mark.parametrize("text", ["א\u2067ב\u2069", "\u061ca\u200eb\u200f", "👨\u200d👩", "❤\ufe0f", SCOTLAND])
def test_characters_that_scripts_and_emoji_need_stay_as_they_are(text: str) -> None:
    assert as_html(text) == text


@pytest.mark.parametrize("hidden", [*"\u200b\u2060\ufeff\u3164\u202e\U000e0041\0\x7f\xad"])
def test_a_character_that_a_terminal_does_not_show_is_shown_as_its_number(hidden: str) -> None:
    assert escape(hidden) != hidden
    assert as_html(f"a{hidden}b") == f'a<span class="unseen">U+{ord(hidden):04X}</span>b'


def test_found_words_are_marked_inside_and_outside_of_links() -> None:
    html = '<mark>a</mark> <a class="tag" href="/tags/bcd">#b<mark>c</mark>d</a><mark>e</mark>'
    assert (
        as_html("a #bcd\u2028e".replace("\u2028", ""), [(0, 1)])
        == '<mark>a</mark> <a class="tag" href="/tags/bcde">#bcde</a>'
    )
    assert as_html("a #bcd!e", [(0, 1), (4, 5), (7, 8)]) == html.replace("</a>", "</a>!")


class _Reader(HTMLParser):
    """Collects what a browser would show, and each element."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


TEXTS = st.lists(
    st.sampled_from(
        ["#", "<script>", '"', "'", "&lt;", "http://", "https://a.b/", "\u202e", "x", "é", " ", "\n", "(", ")"]
    )
).map("".join)


@given(TEXTS, st.lists(st.integers(0, 40), max_size=6, unique=True).map(sorted))
def test_no_text_makes_elements_of_its_own(text: str, edges: list[int]) -> None:
    reader = _Reader()
    reader.feed(str(as_html(text, [*zip(edges[::2], edges[1::2], strict=False)])))
    reader.close()
    assert reader.text.replace("U+202E", "\u202e") == text
    assert {name for name, _ in reader.elements} <= {"a", "mark", "span"}
    assert all({*attributes} <= {"href", "class", "rel"} for _, attributes in reader.elements)
    links = [attributes["href"] or "" for name, attributes in reader.elements if name == "a"]
    assert all(link.startswith(("/tags/", "http://", "https://")) for link in links)
