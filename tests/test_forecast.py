"""What a month costs is what anybody can work out by hand, and what is not known is said."""

import datetime
import json
import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from infra.forecast import counters, lines, sinks, volume, what_if
from infra.forecast.__main__ import forecast
from infra.forecast.archive import Packing, archive_cost, objects_a_day, stays
from infra.forecast.prices import Assumptions, Cost, Price, Prices, load_prices
from infra.forecast.volume import ClassVolume, Volume
from infra.model import Environment
from infra.policy.archive import ArchiveRetention
from infra.problems import InputError
from tests.factories import ROOT, TODAY, context, policy

GB, DAY = 1e9, 86_400
PROD = Environment.PROD


def prices(**changed: float | None) -> Prices:
    """Return round prices; a keyword replaces one, with _ for each dot."""
    plain = {
        "cloudwatch.ingest": (0.5, "GB"),
        "cloudwatch.storage": (0.1, "GB-month"),
        "cloudwatch.scan": (0.01, "GB"),
        "cloudwatch.data_protection": (0.2, "GB"),
        "datadog.ingest": (0.1, "GB"),
        "datadog.index.30": (2.0, "million"),
        "s3.put": (0.01, "thousand"),
        "s3.replicate": (0.02, "GB"),
        "s3.storage.STANDARD": (0.02, "GB-month"),
        "s3.storage.STANDARD_IA": (0.01, "GB-month"),
        "s3.storage.DEEP_ARCHIVE": (0.001, "GB-month"),
        "s3.move.STANDARD_IA": (0.02, "thousand"),
        "s3.move.DEEP_ARCHIVE": (0.05, "thousand"),
    }
    return Prices(
        version=1,
        date=TODAY,
        assumptions=Assumptions(
            month_days=30,
            cloudwatch_stored_share=0.5,
            archive_stored_share=0.1,
            scans_a_month=2,
        ),
        prices={
            name: Price.model_validate(
                {
                    "usd": changed.get(name.replace(".", "_"), usd),
                    "per": per,
                    "source": "https://prices.invalid",
                    "seen": "made up",
                }
            )
            for name, (usd, per) in plain.items()
        },
    )


def one(name: str, gigabytes: float, records: float) -> Volume:
    return Volume({name: ClassVolume({volume.WHOLE: records}, gigabytes * GB / records)}, "a test")


def by_what(found: list[sinks.Line], sink: str) -> dict[str, float]:
    return {line.what: round(line.cost.usd, 6) for line in found if line.sink == sink}


def test_cloudwatch_and_datadog_cost_what_the_hand_works_out() -> None:
    chosen = sinks.choices(context("prod"))
    found = sinks.bill(context("prod"), one("application", 2, 1_000_000), chosen, prices())
    assert by_what(found, "cloudwatch") == {
        "ingest": 2 * 30 * 0.5,
        "storage": 2 * 90 * 0.5 * 0.1,  # ninety days, half of each byte
        "queries": round(2 * 90 * 2 * 0.01, 6),  # searched twice
        "masking": 2 * 30 * 0.2,
        "metrics": 0,
    }
    assert by_what(found, "datadog") == {"ingest": 2 * 30 * 0.1, "index 30 d": 30 * 2.0}


def test_datadog_indexes_no_more_than_its_daily_limit() -> None:
    limit = policy().budgets.classes["application"].datadog_daily_events
    assert limit is not None
    chosen = sinks.choices(context("prod"))
    found = sinks.bill(context("prod"), one("application", 20, 3 * limit.prod), chosen, prices())
    assert by_what(found, "datadog")["index 30 d"] == limit.prod / 1e6 * 30 * 2.0


def test_an_archive_is_billed_tier_by_tier_with_its_requests() -> None:
    retention = ArchiveRetention.model_validate(
        {
            "keep_days": 300,
            "searchable_days": 100,
            "replaced_versions_keep_days": 20,
            "object_lock": {"mode": "none"},
            "tiers": [
                {"after_days": 40, "storage_class": "STANDARD_IA"},
                {"after_days": 100, "storage_class": "DEEP_ARCHIVE"},
            ],
        }
    )
    found = archive_cost(retention, bytes_a_day=100 * GB, objects_a_day=1000, stored_share=0.1, prices=prices())
    overhead = 1000 * 220 * 32_768 / GB * 0.001
    assert {tier: round(cost.usd, 6) for tier, cost in found.storage.items()} == {
        "STANDARD": 10 * 40 * 0.02,
        "STANDARD_IA": 10 * 60 * 0.01,
        "DEEP_ARCHIVE": round(10 * 220 * 0.001 + overhead + 1000 * 220 * 8192 / GB * 0.02, 6),
    }
    assert found.requests.usd == pytest.approx(30 * (0.01 + 0.02 + 0.05))
    assert found.total.usd == pytest.approx(sum(cost.usd for cost in found.storage.values()) + found.requests.usd)
    assert found.moved


def test_small_objects_are_never_moved_and_a_tier_is_billed_for_its_minimum_at_least() -> None:
    retention = policy().data_classes.classes["audit"].archive.prod
    assert [(stay.tier, stay.days) for stay in stays(retention, 131_071)] == [("STANDARD", 2557 + 90)]
    assert [stay.tier for stay in stays(retention, 131_072)] == ["STANDARD", "GLACIER_IR", "DEEP_ARCHIVE"]
    short = retention.model_copy(update={"keep_days": 100, "replaced_versions_keep_days": 1})
    tiers = retention.tiers[:1]
    (_, last) = stays(short.model_copy(update={"tiers": tiers}), 1e6)
    assert (last.days, last.billed_days) == (11, 90)


def test_objects_are_written_when_full_or_after_their_time() -> None:
    packing = Packing(bytes=4_194_304, seconds=10)
    assert objects_a_day(0, 0, 2, packing) == 0
    assert objects_a_day(1000, 5, 2, packing) == 5
    assert objects_a_day(GB, 1e6, 2, packing) == 2 * DAY / 10
    assert objects_a_day(4_194_304 * 1e6, 1e9, 2, packing) == 1e6


def test_an_unknown_price_stays_unknown_in_every_sum_and_nothing_costs_nothing() -> None:
    table = prices(datadog_index_30=None)
    chosen = sinks.choices(context("prod"))
    found = sinks.bill(context("prod"), one("application", 2, 1_000_000), chosen, table)
    assert str(sinks.summed(found, sinks=["datadog"])) == "at least 6.00"
    assert str(sinks.summed(found, sinks=["elastic"])) == "unknown"
    assert {"datadog.index.30", "elastic.ingest"} <= sinks.summed(found).unknown
    assert table.cost("newrelic.ingest", 0) == Cost()
    assert str(Cost(1) + Cost(unknown=frozenset(["x"])) + Cost(2)) == "at least 3.00"


def test_a_class_is_priced_only_where_policy_lets_it_go() -> None:
    chosen = sinks.choices(context("prod"))
    found = sinks.bill(context("prod"), one("audit", 1, 1000), chosen, prices())
    assert {line.sink for line in found if line.cls == "audit"} == {"cloudwatch", "datadog", "archive"}


def test_the_repositorys_prices_each_have_a_source_and_none_is_negative() -> None:
    found = load_prices()
    assert found.date <= datetime.date(2026, 12, 31)
    assert {name.split(".")[0] for name in found.prices} == {
        "cloudwatch",
        "s3",
        "datadog",
        "elastic",
        "newrelic",
        "loggly",
    }
    unknown = {name for name, price in found.prices.items() if price.usd is None}
    assert {"elastic.ingest", "newrelic.ingest", "loggly.plan"} <= unknown


def test_a_price_without_source_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "infra" / "forecast" / "prices.yaml").read_text()
    (tmp_path / "p.yaml").write_text(text.replace("    source: https://newrelic.com/pricing\n", ""))
    with pytest.raises(InputError, match=r"p.yaml: prices.newrelic.ingest.source: required key is missing"):
        load_prices(tmp_path / "p.yaml")


LINE = {"timestamp": "2026-11-26T00:00:00+00:00", "level": "INFO", "message": "x", "logger": "celery.app.trace"}


def written(path: Path, *records: dict[str, str]) -> Path:
    path.write_text("\n".join(json.dumps({**LINE, **record}) for record in records) + "\nno json\n")
    return path


def test_lines_are_sorted_as_the_collector_would_and_their_times_say_the_rate(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.jsonl",
        {"logger": "gunicorn.access"},
        {"logger": "gunicorn.access", "level": "ERROR"},
        {"logger": "mysite.audit.log"},
        {"logger": "mysite.auditor"},
        {"event": "auth.login.failed"},
        {"tinybeans.log.class": "client", "timestamp": "2026-11-26T00:01:40+00:00"},
        {"level": "DEBUG"},
    )
    found = lines.from_file(file, None, policy(), PROD)  # eight lines in a hundred seconds
    counts = {name: {rule: round(n * 100 / DAY) for rule, n in item.records.items()} for name, item in found.classes.items()}  # fmt: skip
    assert counts == {
        "access": {"access_successes": 1, "": 1},
        "audit": {"": 1},
        "security": {"": 1},
        "client": {"browser_sessions": 1},
        "application": {"": 2, "debug_records": 1},
    }
    assert found.classes["access"].kept({"access_successes": 20}) == pytest.approx(1.2 * DAY / 100)
    assert found.stored_share is not None
    assert 0 < found.stored_share < 1
    at_rate = lines.from_file(file, 80, policy(), PROD)
    assert sum(sum(item.records.values()) for item in at_rate.classes.values()) == pytest.approx(80 * DAY)


def test_lines_without_times_ask_for_a_rate(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"LOGS: .*a.jsonl: its lines' times do not say .* Allowed: RATE=records a second"
    ):
        lines.from_file(written(tmp_path / "a.jsonl", {}), None, policy(), PROD)
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(InputError, match="holds no line"):
        lines.from_file(tmp_path / "empty", None, policy(), PROD)


PAGE = """\
otelcol_process_uptime{service="x"} 864
otelcol_processor_incoming_items{otel_signal="logs",processor="probabilistic_sampler/access-access_successes"} 1000
otelcol_processor_outgoing_items{otel_signal="logs",processor="probabilistic_sampler/access-access_successes"} 360
otelcol_processor_incoming_items{otel_signal="logs",processor="probabilistic_sampler/access-over_budget"} 60
otelcol_processor_outgoing_items{otel_signal="logs",processor="probabilistic_sampler/access-over_budget"} 10
otelcol_processor_incoming_items{otel_signal="metrics",processor="attributes/access"} 77
otelcol_processor_outgoing_items{otel_signal="logs",processor="attributes/access"} 310
otelcol_processor_outgoing_items{otel_signal="logs",processor="attributes/audit"} 5
"""


def test_counters_tell_what_sampling_speaks_of_and_what_passed_it(tmp_path: Path) -> None:
    (tmp_path / "page").write_text(PAGE)
    found = counters.from_page(str(tmp_path / "page"), policy(), PROD)
    access = {rule: round(count / 100) for rule, count in found.classes["access"].records.items()}
    # 640 dropped are four fifths of 800 successes; of 310 kept, 160 are successes.
    assert access == {"access_successes": 800, "": 150}
    assert found.classes["access"].kept({"access_successes": 20}) == pytest.approx(310 * 100)
    assert found.classes["audit"].kept({}) == pytest.approx(500)
    assert any("5,000 records a day were dropped over a rate limit" in note for note in found.notes)


@pytest.mark.parametrize("text", ["", "otelcol_process_uptime 864\n", PAGE.replace("864", "0")])
def test_a_page_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "page").write_text(text)
    with pytest.raises(InputError, match=r"METRICS: .*page: has no otelcol_process_uptime"):
        counters.from_page(str(tmp_path / "page"), policy(), PROD)


def test_a_page_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"METRICS: .*cannot be read \(FileNotFoundError\)"):
        counters.from_page(str(tmp_path / "none"), policy(), PROD)


def test_a_mix_is_spread_over_a_rate() -> None:
    found = volume.from_mix("access=3, audit=1", 100, policy(), PROD)
    assert found.classes["audit"].kept({}) == pytest.approx(25 * DAY)
    assert found.classes["access"].kept({"access_successes": 20}) == pytest.approx(75 * DAY)


@pytest.mark.parametrize("mix", ["nobody=1", "access", "access=x", "access=-1", "access=nan", "access=0"])
def test_a_mix_that_says_nothing_is_refused(mix: str) -> None:
    with pytest.raises(InputError, match="MIX: "):
        volume.from_mix(mix, 1, policy(), PROD)


def test_a_change_saves_the_difference_of_two_bills() -> None:
    known, table = context("prod"), prices()
    chosen = sinks.choices(known)
    halved = one("access", 2, 100_000)
    halved = replace(halved, classes={"access": ClassVolume({"access_successes": 100_000}, 2000)})
    found = what_if.saving("access.keep_percent=10", known, halved, chosen, table)
    before = sinks.summed(sinks.bill(known, halved, chosen, table), sinks=sinks.in_use(known), cls="access")
    # Half of it comes in, so that half of every byte's price is saved; requests are as many.
    requests = 2 * sum(line.cost.usd for line in sinks.bill(known, halved, chosen, table) if line.what == "requests")
    assert found.saved.usd == pytest.approx((before.usd - requests) / 2)
    assert found.saved.usd > 0
    shorter = what_if.saving("access.hot_retention_days=14", known, halved, chosen, table)
    gigabytes = 100_000 * 0.2 * 2000 / GB
    assert shorter.saved.usd == pytest.approx(gigabytes * 16 * (0.5 * 0.1 + 2 * 0.01))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("audit.keep_percent=50", "the class has no sampling rule. Allowed: a class with one; never audit, security"),
        ("nobody.keep_percent=50", "unknown class nobody"),
        ("access.keep_percent=101", "not a percentage"),
        ("access.hot_retention_days=15", "not a retention that CloudWatch Logs accepts"),
        ("access.datadog_index_days=9", "not a retention that Datadog has a price for"),
        ("audit.without=newrelic", "audit records never go to newrelic"),
        ("access.colour=1", "not a change. Allowed: class.key=value"),
        ("access.keep_percent=many", "the value is no number"),
    ],
)
def test_a_change_that_policy_would_refuse_is_refused(change: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        what_if.asked(change, context("prod"), sinks.choices(context("prod")))
    assert f"WHAT_IF: {change}: {said}" in str(caught.value)


def test_the_largest_savings_are_three_in_order_and_touch_nothing_that_is_never_sampled() -> None:
    known = context("prod")
    chosen, table = sinks.choices(known), load_prices()
    found = what_if.largest(known, volume.from_budgets(policy(), PROD), chosen, table)
    amounts = [item.saved.usd for item in found]
    assert len(found) == 3
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[-1] > 0
    assert not any(item.change.startswith(("audit", "security")) for item in found)


RUN = CliRunner()


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(forecast)
    found = RUN.invoke(app, list(arguments), env={"COLUMNS": "160"})
    return found.exit_code, " ".join(found.output.split())


def test_the_command_shows_a_table_says_what_is_unknown_and_draws_a_picture(tmp_path: Path) -> None:
    code, said = run("--output", str(tmp_path), "--what-if", "access.keep_percent=10")
    assert code == 0, said
    assert (
        "unknown prices, in no sum: cloudwatch.otlp_metrics, datadog.index.30, datadog.index.90, elastic.ingest" in said
    )
    assert "asked: access.keep_percent=10 saves" in said
    assert said.count("largest savings: ") == 3
    assert "below 128 KiB" not in said
    data = json.loads((tmp_path / "forecast.json").read_text())
    total = math.fsum(line["usd"] for line in data["lines"] if line["sink"] in data["in_use"])
    assert total == pytest.approx(data["all"]["usd"], abs=0.01)
    drawn = ElementTree.fromstring((tmp_path / "forecast.svg").read_text())  # noqa: S314 - written a moment ago
    assert len(drawn.findall("{http://www.w3.org/2000/svg}rect")) > 6 * 5


def test_objects_too_small_to_be_moved_are_named(tmp_path: Path) -> None:
    code, said = run("--output", str(tmp_path), "--mix", "access=1", "--rate", "1")
    assert code == 0, said
    assert "archived objects of access are below 128 KiB" in said


def test_a_month_over_budget_is_a_finding(tmp_path: Path) -> None:
    code, said = run("--output", str(tmp_path), "--mix", "access=1", "--rate", "100000")
    assert code == 1
    assert "over budget: aws_monthly, all_monthly (policy/budgets.yaml, money)" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mix", "access=1"], "MIX: RATE: a mix says no rate"),
        (["--mix", "access=1", "--metrics", "x"], "MIX and METRICS: two volumes at once"),
        (["--logs", "/nowhere"], "LOGS: /nowhere: cannot be read"),
        (["--prices", "/nowhere"], "the file is missing"),
    ],
)
def test_bad_input_ends_with_two_and_says_what_is_allowed(arguments: list[str], said: str, tmp_path: Path) -> None:
    code, output = run("--output", str(tmp_path), *arguments)
    assert code == 2
    assert said in output


@pytest.mark.parametrize("environment", Environment)
def test_the_whole_budget_in_bytes_costs_no_more_than_the_budget_in_money(environment: Environment) -> None:
    known, table = context(environment.value), load_prices()
    found = sinks.bill(known, volume.from_budgets(policy(), environment), sinks.choices(known), table)
    money = policy().budgets.money
    if environment is not Environment.SANDBOX:  # whose bytes cost nothing
        assert sinks.summed(found, sinks=["cloudwatch", "archive"]).usd <= money.aws_monthly.at(environment)
        assert sinks.summed(found, sinks=sinks.in_use(known)).usd <= money.all_monthly.at(environment)
