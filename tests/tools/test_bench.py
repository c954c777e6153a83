"""The benchmark measures what it says: its generator, its arithmetic, its page; and it runs against the real server."""

import os
import re
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks import (
    bars,
    chart,
    document,
    figures,
    fill,
    floor,
    generator,
    machine,
    priority,
    strace,
    tables,
    turns,
    wordy,
)
from benchmarks import stage as stages
from benchmarks.figures import Load, PartFigures, Sample
from benchmarks.parts import KINDS, acks
from benchmarks.peers import echo, postgresql, ttweet

from ttweet.model.query import parse
from ttweet.storage.sqlite.reader import SqliteReader

needs_compiler = pytest.mark.skipif(generator.compiler() is None, reason="there is no C compiler")
needs_cores = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here")

SHORT = Load(clients=4, in_flight=2, seconds=0.2, warmup_s=0.05)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[stages.BenchStage]:
    with stages.make(tmp_path) as made:
        yield made


def part_of(rates: Mapping[str, Sequence[float]]) -> PartFigures:
    """The part `acks` with one case; `rates` maps subjects to the values of their rounds."""
    part = PartFigures("acks", command="scripts/bench", date="2026-01-01")
    for subject, values in rates.items():
        for value in values:
            part.add(subject, "64", "1/s", Sample(value, p50_us=1000, p99_us=2500))
    return part


# ---- the machine


@pytest.mark.parametrize("content", [None, ""], ids=["no such file", "an empty file"])
def test_a_machine_without_sessions_of_their_own_priority_runs_the_benchmark(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "autogroup"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(priority, "_autogroup", lambda _pid: file)
    with priority.ahead():
        priority.share(os.getpid())
    assert not file.exists() or file.read_text() == ""


# ---- the generator


@needs_compiler
@pytest.mark.parametrize("name", generator.PROGRAMS)
def test_a_generator_compiles_without_a_warning(name: str, tmp_path: Path) -> None:
    sources = [path for path in generator.sources(name) if path.suffix == ".c"]
    argv: list[str | Path] = [
        generator.compiler() or "cc",
        *generator.FLAGS,
        "-Werror",
        "-o",
        tmp_path / name,
        *sources,
    ]
    assert subprocess.run(argv, capture_output=True, text=True, check=False).stderr == ""


@needs_compiler
def test_the_generator_names_each_protocol_that_the_parts_speak() -> None:
    listing = subprocess.run([generator.program(), "--help"], capture_output=True, text=True, check=True).stdout
    for protocol in ("ttweet-upload", "ttweet-idle", "echo", "redis-multi", "nats", "mqtt", "http"):
        assert f"  {protocol} " in listing


@needs_compiler
@needs_cores
def test_the_generator_counts_the_answers_of_a_server(stage: stages.BenchStage) -> None:
    with echo.serve(stage) as server:
        figures_ = generator.run(stage, server, "echo", SHORT)
    assert figures_["count"] == pytest.approx(figures_["rate"] * 0.2, rel=0.01)
    assert figures_["count"] > 0
    assert 0 < figures_["p50_us"] <= figures_["p99_us"] <= figures_["max_us"] * 1.01
    assert 0 < figures_["cpu_share"] <= 1.05


@needs_compiler
@needs_cores
def test_the_generator_opens_a_connection_for_each_request(stage: stages.BenchStage) -> None:
    with ttweet.serve(stage) as server:
        load = Load(3, seconds=1.0, warmup_s=0.05, reconnect=True)  # a busy machine gives none in 0.2 s
        answered = generator.run(stage, server, "ttweet-upload", load)["count"]
    with closing(sqlite3.connect(server.directory / "tweets.db")) as connection:
        (opened,) = connection.execute("SELECT count(*) FROM log WHERE text LIKE 'NEW CONNECTION%'").fetchone()
    assert 0 < answered <= opened


@needs_compiler
@needs_cores
def test_the_generator_tells_the_processor_time_of_the_server_for_each_answer(stage: stages.BenchStage) -> None:
    with echo.serve(stage) as server:
        before = stages.processor_s(server.process.pid)
        figures_ = generator.run(stage, server, "echo", SHORT)
        took_us = (stages.processor_s(server.process.pid) - before) * 1e6
    assert 0 < figures_["server_us"] * figures_["count"] <= took_us + 20_000  # the system counts in steps of 10 ms


@needs_cores
def test_processor_time_includes_that_of_children_that_have_ended() -> None:
    busy = "import time\nwhile time.process_time() < 0.1: pass"
    argv = ["sh", "-c", f"{sys.executable} -c '{busy}'; echo done; read forever"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        assert stages.processor_s(shell.pid) >= 0.08
        shell.communicate()


@needs_compiler
@needs_cores
def test_a_server_that_refuses_is_an_error_and_not_a_figure(stage: stages.BenchStage) -> None:
    with echo.serve(stage) as server, pytest.raises(stages.BenchError, match="refused"):
        generator.measure(stage, server, "ttweet-upload", SHORT)


@needs_compiler
@needs_cores
def test_a_server_that_is_not_there_is_an_error(stage: stages.BenchStage) -> None:
    nobody = stages.PeerServer(stages.free_port(), stage.directory, subprocess.Popen(["true"]))
    nobody.process.wait()
    with pytest.raises(stages.BenchError, match="Connection refused"):
        generator.measure(stage, nobody, "echo", SHORT)


@needs_cores
def test_a_server_that_ends_at_once_is_named_with_the_end_of_its_log(stage: stages.BenchStage, tmp_path: Path) -> None:
    argv = ["sh", "-c", "echo the disk is on fire >&2; exit 3"]
    server = stage.server(argv, port=stages.free_port(), directory=tmp_path)
    with pytest.raises(stages.BenchError, match=r"(?s)ended with 3.*the disk is on fire"), server:
        pass


# ---- arithmetic


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    part = part_of({"ttweet": [10, 90, 30], "redis-multi": [20, 90, 30]})
    assert figures.ratio(*part.figures) == 1


def test_a_ratio_of_unequal_rounds_is_that_of_the_medians() -> None:
    part = part_of({"ttweet": [10, 20, 30], "sqlite": [40]})
    assert figures.ratio(*part.figures) == 0.5


def test_the_bound_of_two_steps_one_after_another() -> None:
    assert figures.serial_bound([30_000, 60_000]) == pytest.approx(20_000)


def test_quantiles_are_values_that_occurred() -> None:
    assert figures.quantile([5, 1, 4, 2, 3], 0.5) == 3
    assert figures.quantile([1, 2], 0.99) == 2


def test_only_the_steady_window_of_pgbench_counts() -> None:
    lonely = [postgresql.Transaction(0, end / 10, 100) for end in range(1, 100)]
    late = [postgresql.Transaction(1, 5 + end / 10, 300) for end in range(20)]
    sample = postgresql.sample_of([*lonely, *late], Load(2, seconds=1, warmup_s=0.5))
    assert sample.value == pytest.approx(20)
    assert sample.max_us == 300


def test_pgbench_without_a_steady_window_is_an_error() -> None:
    with pytest.raises(stages.BenchError, match="all clients"):
        postgresql.sample_of([postgresql.Transaction(0, 1, 1)], Load(2))


def test_syncs_outside_the_window_and_other_calls_do_not_count(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text(
        "7 99.9 fdatasync(5) = 0\n"
        "7 100.0 fdatasync(5 <unfinished ...>\n"
        "8 100.1 fsync(3) = 0\n"
        "7 100.2 <... fdatasync resumed>) = 0\n"
        "7 101.0 fsync(5) = 0\n"
    )
    assert strace.count_between(trace, 100, 101) == 2


def test_the_longest_turn_is_one_that_ended_in_the_window(tmp_path: Path) -> None:
    lines = tmp_path / "turns"
    lines.write_text("99.9 0.070000\n100.0 0.002000\n100.5 0.003000\n101.0 0.090000\n")
    assert turns.longest_between(lines, 100, 101) == pytest.approx(3)
    assert turns.longest_between(lines, 200, 201) == 0


def test_a_turn_of_the_loop_is_noted_with_its_processor_time(tmp_path: Path) -> None:
    program, lines = tmp_path / "program.py", tmp_path / "turns"
    program.write_text(
        "import time, trio\n"
        "def work():\n    end = time.thread_time() + 0.02\n    while time.thread_time() < end: pass\n"
        "async def main():\n    await trio.sleep(0.001)\n    work()\n    await trio.sleep(0.001)\n"
        "trio.run(main)\n"
    )
    server = Path(turns.__file__).with_name("timed_server.py")
    subprocess.run([sys.executable, "-P", server, lines, program], check=True)
    assert 20 <= turns.longest_between(lines, 0, float("inf")) < 2000


# ---- bars


@pytest.mark.parametrize(("ours", "met"), [(60, True), (59, False)])
def test_a_bar_is_met_from_its_limit_on(ours: float, met: bool) -> None:
    verdicts = bars.judge(part_of({"ttweet": [ours], "redis-multi": [100]}))
    assert [verdict.met for verdict in verdicts if verdict.value is not None] == [met]


def test_a_bar_with_a_side_that_was_not_measured_is_neither_met_nor_missed() -> None:
    assert {verdict.met for verdict in bars.judge(part_of({"ttweet": [1]}))} == {None}


def test_no_sync_at_all_does_not_meet_the_bar_for_few_syncs() -> None:
    part = PartFigures("fsyncs")
    part.add("fsyncs/ack", "64", "1", Sample(0.0))
    assert [verdict.met for verdict in bars.judge(part) if verdict.value is not None] == [False]


def test_each_bar_names_subjects_that_its_part_measures() -> None:
    titles = {kind.name: kind.titles for kind in KINDS}
    for bar in bars.BARS:
        assert bar.figure[0] in titles[bar.part], bar
        assert bar.against is None or bar.against[0] in titles[bar.part], bar


# ---- the page


def test_a_section_shows_medians_spread_ratios_bars_and_the_command() -> None:
    text = tables.render(acks.KIND, part_of({"ttweet": [31_000, 29_000, 30_000], "redis-multi": [60_000] * 3}))
    rows = re.sub(" +", " ", text)  # cells are padded to the width of their columns
    assert "| 64 | ttweet | 30,000 | 29,000 | 31,000 | 1/s | 1 | 2.5 |" in rows
    assert "0.50 x" in rows
    assert "| acks at 64 against Redis, MULTI with tag | at least 0.6 | 0.50 | **not met** |" in rows
    assert "`scripts/bench`, 2026-01-01" in text


def test_a_section_shows_the_processor_time_of_an_operation_and_its_multiple_of_each_peer() -> None:
    part = PartFigures("acks")
    for subject, server_us in {"ttweet": 60, "redis-multi": 20}.items():
        for case in ("1", "64"):
            part.add(subject, case, "1/s", Sample(1000, server_us=server_us))
    rows = re.sub(" +", " ", tables.render(acks.KIND, part))
    assert "processor time for an operation, in microseconds" in rows
    assert "| ttweet | 60 | 60 |" in rows
    assert "| Redis, MULTI with tag | 3.00 x | 3.00 x |" in rows


def test_a_section_says_where_a_peer_is_ahead_and_why() -> None:
    ahead = tables.render(acks.KIND, part_of({"ttweet": [1], "redis-multi": [2]}))
    behind = tables.render(acks.KIND, part_of({"ttweet": [2], "redis-multi": [1]}))
    assert "Redis, MULTI with tag is faster at 64. Redis keeps all data in memory" in ahead
    assert "is faster" not in behind


def test_a_part_comes_back_from_its_line_as_it_was() -> None:
    part = part_of({"ttweet": [1.5, 2]})
    part.note("A sentence.")
    assert figures.from_line(figures.to_line(part)) == part


def test_new_figures_leave_the_prose_around_them_alone() -> None:
    page = f"# Title\n\nbefore\n{document.BEGIN}\nold\n{document.END}\nafter\n"
    new = document.replace_figures(page, "new")
    assert new == f"# Title\n\nbefore\n{document.BEGIN}\n\nnew\n{document.END}\nafter\n"


@pytest.mark.parametrize("page", ["", document.BEGIN, document.END])
def test_a_page_that_lost_a_mark_is_not_written_over(page: str) -> None:
    with pytest.raises(ValueError, match="mark"):
        document.replace_figures(page, "new")


def test_numbers_are_set_to_the_right_and_words_to_the_left() -> None:
    _, rule, row = tables.table(["what", "number"], [["tweets", "1,000.50"]]).splitlines()
    assert re.fullmatch(r"\|:-+\|-+:\|", rule)
    assert row == "| tweets | 1,000.50 |"


def test_the_chart_is_svg_with_a_label_and_points_for_each_series() -> None:
    part = part_of({"ttweet": [30_000, 31_000], "redis-multi": [50_000, 52_000], "echo": [1, 1]})
    part.add("ttweet", "64x16", "1/s", Sample(60_000))
    root = ET.fromstring(chart.render(part))
    texts = [element.text for element in root.iter(f"{{{chart.SVG}}}text")]
    assert {"ttweet", "Redis, MULTI with tag", "64 × 16"} <= set(texts)
    assert [dot[-1].text for dot in root.iter() if dot.get("class") == "dots"] == ["30,500", "51,000", "60,000"]


def test_the_chart_is_the_same_at_each_run_and_has_no_script_link_or_date() -> None:
    part = part_of({"ttweet": [30_000, 31_000], "redis-multi": [50_000, 52_000]})
    text = chart.render(part)
    assert text == chart.render(part)
    assert not re.findall(r"<script|<!--|href|\b20\d\d-|https?://(?!www\.w3\.org)", text)


@pytest.mark.parametrize(
    ("arguments", "prefix", "told"),
    [
        ("'--enable-optimizations' '--with-lto'", "/home/anna/python", "with PGO and LTO"),
        ("'--enable-optimizations'", "/usr/local", "with PGO"),
        ("'--enable-shared'", "/usr", "of the system's packages"),
        (None, "/usr/local", machine.UNOPTIMIZED),
    ],
)
def test_the_machine_names_how_the_interpreter_was_built(
    arguments: str | None, prefix: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_config_var", {"CONFIG_ARGS": arguments}.get)
    monkeypatch.setattr("sys.base_prefix", prefix)
    assert machine.build() == told


def test_the_benchmark_gives_its_priority_back() -> None:
    def now() -> tuple[int, str]:
        autogroup = Path("/proc/self/autogroup")
        return os.getpriority(os.PRIO_PROCESS, 0), autogroup.read_text() if autogroup.exists() else ""

    before = now()
    with priority.ahead() as allowed:
        assert (now() != before) is allowed
    if allowed:
        assert now() == before


def test_a_sync_of_the_disk_takes_some_time(tmp_path: Path) -> None:
    assert 0 < machine.sync_ms(tmp_path, times=3) < 10_000
    assert not [*tmp_path.iterdir()]


# ---- against the package


def test_the_floor_stores_rows_that_the_package_can_read(tmp_path: Path) -> None:
    database = tmp_path / "tweets.db"
    assert floor.rate(database, batch=16, seconds=0.05) > 0
    with closing(sqlite3.connect(database)) as connection:
        tweets, tagged, counted = connection.execute(
            "SELECT (SELECT count(*) FROM tweets), (SELECT count(*) FROM tweet_tags), (SELECT sum(count) FROM tags)"
        ).fetchone()
    assert tweets == tagged == counted > 0


def test_a_database_for_find_has_words_that_each_shape_of_query_looks_for(tmp_path: Path) -> None:
    database = tmp_path / "tweets.db"
    assert wordy.fill(database, 2000) > 0
    with closing(SqliteReader(database)) as reader:
        assert reader.size().without_words == 0
        rare = reader.find(parse(wordy.RARE, 0), limit=200)
        assert (len(rare.tweets), rare.more) == (wordy.RARE_TWEETS, False)
        for asked in ("東京", f"tag:{wordy.TAG} from:user3 {wordy.word(0)}", f'"{wordy.word(0)} {wordy.word(1)}"'):
            assert reader.find(parse(asked, 0), limit=1).tweets, asked


def test_a_filled_database_holds_its_tweets_and_the_rare_tag_twenty_times(tmp_path: Path) -> None:
    database = tmp_path / "tweets.db"
    fill.fill(database, 2000)
    connection = sqlite3.connect(database)
    counts = dict(connection.execute("SELECT key, count FROM tags"))
    connection.close()
    assert sum(counts.values()) == 2000
    assert counts[fill.RARE_TAG] == fill.RARE_TWEETS
    assert counts[fill.HOT_TAG] == max(counts.values())
