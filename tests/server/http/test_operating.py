"""Metrics, health and the description of the API, as programs read them."""

import json
import shutil
import subprocess

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from tests.support.http_calls import http_serving
from tests.support.memory_store import MemoryStore
from ttweet.model.errors import WIRE_CODES, StoreError
from ttweet.server.config import Config
from ttweet.server.entrances import EDGES
from ttweet.server.http import api, openapi
from ttweet.server.http.connection import KEEP_ALIVE_S
from ttweet.server.http.parser import MAX_BODY_BYTES, MAX_HEAD_BYTES
from ttweet.server.http.protocol import metrics_edge
from ttweet.server.startup import limits_in_force


async def scraped() -> str:
    store = MemoryStore()
    async with http_serving(store) as http:
        await http.post("one", "two #a")
        await http.ask("DELETE", "/tweets/1")
        await http.ask("GET", "/tweets/9")
        store.fail_next = [StoreError("full", "the disk is full")]
        await http.ask("POST", "/tweets", "three")
        for path in ("/tweets.sse", "/tweets.ndjson"):
            caller = http.call()
            await caller.send("GET", path)
            await caller.head()
            await caller.until(b"live")
        answer = await http.ask("GET", "/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return answer.body.decode()


async def test_metrics_are_read_by_the_parser_of_prometheus() -> None:
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(await scraped())
        for sample in family.samples
    }
    for sample, value in {
        ("ttweet_tweets_stored_total",): 2,
        ("ttweet_tweets_deleted_total",): 1,
        ("ttweet_newest_id",): 3,
        ("ttweet_refusals_total", "full"): 1,
        ("ttweet_refusals_total", "no_tweet"): 1,
        ("ttweet_followers", "live"): 2,
        ("ttweet_followers_by_form", "frames"): 0,
        ("ttweet_followers_by_form", "sse"): 1,
        ("ttweet_followers_by_form", "lines"): 1,
        ("ttweet_http_requests_total", "/tweets", "201"): 2,
        ("ttweet_http_requests_total", "/tweets", "507"): 1,
        ("ttweet_http_requests_total", "/tweets/{id}", "404"): 1,
        ("ttweet_ack_seconds_count",): 3,  # with the one that failed
        ("ttweet_http_request_seconds_count", "/tweets"): 5,
        ("ttweet_http_request_seconds_bucket", "+Inf", "/tweets"): 5,
    }.items():
        assert samples[sample] == value, sample
    assert samples["ttweet_commit_seconds_count",] >= 3
    assert 0 < samples["ttweet_http_request_seconds_sum", "/tweets"] < samples["ttweet_ack_seconds_count",] * 60
    assert {"ttweet_build_info", "process_open_fds"} <= {name for name, *_ in samples}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool")
async def test_promtool_has_nothing_to_say_of_the_metrics() -> None:
    checked = await trio.run_process(
        ["promtool", "check", "metrics"],
        stdin=(await scraped()).encode(),
        capture_stdout=True,
        stderr=subprocess.STDOUT,
    )
    assert checked.stdout == b""


async def test_an_unknown_path_is_counted_without_its_name() -> None:
    async with http_serving() as http:
        for number in range(3):
            await http.ask("GET", f"/nothing{number}")
        assert b'ttweet_http_requests_total{route="",status="404"} 3.0' in (await http.ask("GET", "/metrics")).body


async def test_a_server_is_ready_while_it_stores() -> None:
    store = MemoryStore()
    async with http_serving(store) as http:
        for path in ("/health/live", "/health/ready"):
            answer = await http.ask("GET", path, token="wrong")  # it needs none
            assert (answer.status, answer.body) == (200, b"ok\n")
        store.fail_next = [StoreError("full", "/secret/tweets.db is full")] * 99  # also for report lines
        await http.ask("POST", "/tweets", "x")
        answer = await http.ask("GET", "/health/ready")
        assert answer.status == 503
        assert b"secret" not in answer.body
        assert (await http.ask("GET", "/health/live")).status == 200
        store.fail_next = []
        await http.post("y")
        assert (await http.ask("GET", "/health/ready")).status == 200


async def test_metrics_alone_are_served_without_tweets() -> None:
    async with http_serving(edge=metrics_edge) as http:
        statuses = [(await http.ask("GET", path)).status for path in ("/metrics", "/health/live", "/tweets", "/")]
        assert statuses == [200, 200, 404, 404]


def test_an_edge_is_wanted_by_its_port() -> None:
    wanted = [Config(port=1), Config(port=1, http=2), Config(port=1, metrics=3)]
    assert [[kind.port_of(config) for kind in EDGES] for config in wanted] == [
        [1, None, None],
        [1, 2, None],
        [1, None, 3],
    ]


def test_the_limits_in_force_have_those_of_http_where_it_is_served() -> None:
    without, page, metrics = [
        limits_in_force(config, 9) for config in (Config(port=1), Config(port=1, http=2), Config(port=1, metrics=3))
    ]
    of_http = {name: value for name, value in page.items() if name not in without}
    assert of_http == {
        "http_max_head_bytes": MAX_HEAD_BYTES,
        "http_max_body_bytes": MAX_BODY_BYTES,
        "http_keep_alive_s": KEEP_ALIVE_S,
    }
    assert metrics == page


# OpenAPI


async def test_the_description_has_every_route_and_its_own() -> None:
    async with http_serving() as http:
        found = (await http.ask("GET", "/openapi.json")).json
    described = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    routes = [*api.routes({}), *api.OPERATING]
    served = {(route.method, route.path) for route in routes}
    streams = {("GET", f"{route.path}.{form}") for route in routes for form in route.streams}
    assert described == served | streams | {("GET", "/openapi.json")}
    assert {path for _, path in streams} > {"/tweets.sse", "/tags/{tag}.ndjson", "/find.sse"}
    assert found["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == [*WIRE_CODES]


async def test_every_parameter_of_the_description_is_one_that_is_taken() -> None:
    async with http_serving() as http:
        await http.post("one #a")
        found = (await http.ask("GET", "/openapi.json")).json
        for path, methods in found["paths"].items():
            for parameter in methods.get("get", {"parameters": []})["parameters"]:
                if parameter["in"] == "query":
                    name = parameter["name"]
                    asked = "q=one&" if path.startswith("/find") and name != "q" else ""
                    for value in parameter["schema"].get("enum", ["1"]):
                        here = f"{path.format(id=1, tag='a', name='ann')}?{asked}{name}={value}"
                        assert (await http.ask("HEAD", here)).status == 200, (path, parameter, value)


async def test_a_parameter_is_required_where_a_request_without_it_is_refused() -> None:
    async with http_serving() as http:
        await http.post("one #a")
        found = (await http.ask("GET", "/openapi.json")).json
        for path, methods in found["paths"].items():
            if "get" in methods:
                parameters = methods["get"]["parameters"]
                required = [one["name"] for one in parameters if one["required"] and one["in"] == "query"]
                status = (await http.ask("HEAD", path.format(id=1, tag="a", name="ann"))).status
                assert (status == 422) == (required == ["q"]), path
                assert (status == 200) == (required == []), path


def test_a_body_is_described_where_a_route_takes_one() -> None:
    paths = openapi.document(api.routes({}))["paths"]
    bodies = {
        (path, method): {*operation["requestBody"]["content"]}
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "requestBody" in operation
    }
    form = "application/x-www-form-urlencoded"
    assert bodies == {("/tweets", "post"): {"application/json", "text/plain", form}, ("/login", "post"): {form}}


async def test_a_stream_is_described_with_the_parameters_that_it_takes_and_no_others() -> None:
    async with http_serving() as http:
        paths = (await http.ask("GET", "/openapi.json")).json["paths"]
        names = {
            path: [one["name"] for one in methods["get"]["parameters"] if one["in"] == "query"]
            for path, methods in paths.items()
            if path.endswith((".sse", ".ndjson"))
        }
        assert names["/find.sse"] == ["q", "after", "as"]
        assert names["/tags/{tag}.ndjson"] == ["after", "deletions", "poll"]
        assert [*paths["/tweets.sse"]["get"]["responses"]["200"]["content"]] == ["text/event-stream"]
        assert "text/event-stream" not in paths["/tweets"]["get"]["responses"]["200"]["content"]
        for path in ("/tweets.sse?poll=1", "/tweets.ndjson?as=html"):
            assert (await http.ask("GET", path)).code == "bad_request"


async def test_every_answer_has_the_fields_that_are_described() -> None:
    async with http_serving() as http:
        await http.post("one #a")
        found = (await http.ask("GET", "/openapi.json")).json
        for path, methods in found["paths"].items():
            content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            if reference:
                schema = found["components"]["schemas"][reference.rpartition("/")[2]]
                here = path.format(id=1, tag="a", name="ann") + ("?q=one" if path == "/find" else "")
                answer = (await http.ask("GET", here)).json
                assert {*schema.get("required", answer)} == {*answer}, path


def test_every_reference_of_the_description_leads_somewhere() -> None:
    text = json.dumps(openapi.document(api.routes({})))
    references = {part.partition('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert references <= openapi.SCHEMAS.keys()
    assert references
