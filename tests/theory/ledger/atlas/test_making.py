"""The whole atlas on made-up claims whose answer is known: what decides, what is kept, who measures."""

import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.theory.ledger.atlas.made_up import (
    RADIUS,
    STOP,
    WEIGHT,
    Bench,
    by_nothing,
    by_stop,
    by_weight_and_radius,
    measured,
    over_choices,
)
from theory.ledger import Claim, Evidence, Region
from theory.ledger.atlas import (
    Account,
    Entry,
    Found,
    Kept,
    atlas_json,
    entries_from,
    in_processes,
    in_this_process,
    make_atlas,
    on_cluster,
    sentence,
    sentences,
)
from theory.ledger.atlas.measuring import Visit, visits
from theory.ledger.claim import Control
from theory.statistics import Estimate, exact

BY_STOP = over_choices("by-stop", by_stop)
BY_BOTH = over_choices("by-both", by_weight_and_radius)
BY_NOTHING = over_choices("by-nothing", by_nothing)


def atlas(*claims: Claim, protocols: int = 30, **changes: Any) -> list[Entry]:
    return make_atlas(claims, Bench, **{"protocols": protocols, "rows": len(claims), **changes})


def test_what_decides_is_found_and_where() -> None:
    stop, both, nothing = atlas(BY_STOP, BY_BOTH, BY_NOTHING)
    assert [entry.decisive for entry in (stop, both, nothing)] == [["stop"], ["weight", "radius"], []]
    assert stop.drawn[0] == "stop"
    assert both.drawn == ["weight", "radius"]
    assert stop.by_value("stop") == {
        "the loss of the retrained network": {"supported": 10}, "accuracy ½": {"refuted": 10},
        "five passes": {"inconclusive": 10},
    }  # fmt: skip
    assert nothing.counts == {"supported": 30}
    assert sentence(nothing) == "Holds in all 30 protocols."
    assert "end of unlearning decides (100 % of" in sentence(stop)
    assert "the weight α and |φ|/n together decide" in sentence(both)


def test_a_null_experiment_decides_nothing() -> None:
    """Effects that are nothing but noise: rarely is a choice seen in them, however the dice fall."""
    decided = [
        bool(entry.decisive)
        for name in range(20)
        for entry in atlas(over_choices(f"null-{name}", by_nothing, noise=0.3), protocols=24)
    ]
    assert sum(decided) <= 2
    louder = partial(measured, name="louder", effect=by_nothing, noise=0.3)

    def understated(bench: Bench) -> Evidence:
        """An experiment whose standard errors are a tenth of what they ought to be."""
        evidence = louder(bench)
        assert evidence.effect is not None
        return Evidence(effect=exact(evidence.effect.value), control=exact(0.0), n_runs=1)

    assert not atlas(over_choices("louder", by_nothing, measure=understated), protocols=24)[0].decisive


@pytest.mark.parametrize(("error", "decisive"), [(0.02, ["stop"]), (0.5, ["stop"]), (1.0, [])])
def test_nothing_decides_what_standard_errors_call_noise(error: float, decisive: list[str]) -> None:
    """Effects of 1, 1.1 and 3 have a standard deviation of 0.95, whatever is said of their errors."""

    def measure(bench: Bench) -> Evidence:
        return Evidence(effect=Estimate(by_stop(bench), error, 20), control=exact(0.0), n_runs=1)

    (entry,) = atlas(over_choices("told", by_stop, measure=measure))
    assert entry.decisive == decisive
    assert entry.shares[0]["share"] == pytest.approx(1.0)


def test_the_map_has_every_combination_with_all_else_primary() -> None:
    (entry,) = atlas(BY_BOTH)
    assert {cell.levels for cell in entry.crossed} == {
        (0, weight, radius) for weight in range(4) for radius in range(3)
    }
    for cell in entry.crossed:
        expected = "refuted" if (cell.levels[1] == 0) != (cell.levels[2] == 0) else "supported"
        assert cell.verdict == expected


def test_verdicts_are_those_of_the_ledger() -> None:
    outside = over_choices(
        "outside",
        by_stop,
        hypotheses=("large",),
        measure=lambda bench: Evidence(
            effect=exact(1.0),
            control=exact(0.0),
            n_runs=1,
            conditions={"large": (-1.0, 0.5 if bench.pick(STOP) == "half" else 0.0)},
        ),
    )
    assert atlas(outside)[0].by_value("stop")["accuracy ½"] == {"outside the hypotheses": 10}
    wide = over_choices("wide", by_nothing, noise=0.04)
    assert [atlas(wide, rows=rows)[0].tried[0].verdict for rows in (1, 50)] == ["supported", "inconclusive"]


def test_effects_that_are_missing_are_no_numbers() -> None:
    def never_half(bench: Bench) -> float | None:
        return None if bench.pick(STOP) == "half" else by_weight_and_radius(bench)

    (entry,) = atlas(over_choices("holes", never_half), protocols=36)
    assert entry.by_value("stop")["accuracy ½"] == {"not testable": 12}
    assert entry.decisive == ["weight", "radius"]
    (empty,) = atlas(over_choices("empty", lambda bench: None), protocols=36)
    assert (empty.shares, empty.noise, empty.counts) == ([], None, {"not testable": 36})


def test_controls_that_fail_are_counted() -> None:
    control = Control(name="it is not", region=Region.around(0.0, 0.1))
    (entry,) = atlas(over_choices("careless", by_nothing, control=control))
    assert entry.untrusted == 30


def test_one_choice_is_drawn_alone_and_one_value_not_at_all() -> None:
    (entry,) = atlas(over_choices("one", by_stop, choices=(STOP,)))
    assert (entry.drawn, len(entry.tried), len(entry.crossed)) == (["stop"], 3, 3)
    (closed,) = atlas(over_choices("closed", by_stop, choices=()))
    assert (closed.drawn, sentence(closed)) == ([], "Holds in the only protocol.")


# --- on disk -------------------------------------------------------------------------------------------


class Counting:
    """Makes laboratories, and counts what is asked of them; breaks after so many."""

    def __init__(self, breaks_after: int = 10**6) -> None:
        self.left, self.protocols = breaks_after, list[dict[str, Any]]()

    def __call__(self, protocol: Any) -> Bench:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.protocols.append(dict(protocol))
        return Bench(protocol)


def test_an_interrupted_atlas_goes_on(tmp_path: Path) -> None:
    def run(laboratory: Counting, **stamp: Any) -> list[Entry]:
        kept = Kept(tmp_path, lambda claim: stamp)
        return make_atlas([BY_STOP, BY_NOTHING], laboratory, protocols=20, rows=2, kept=kept)

    stopped, rest, again = Counting(breaks_after=8), Counting(), Counting()
    with pytest.raises(KeyboardInterrupt):
        run(stopped, seed=0)
    entries = run(rest, seed=0)
    assert not [protocol for protocol in rest.protocols if protocol in stopped.protocols]
    assert run(again, seed=0) == entries == atlas(BY_STOP, BY_NOTHING, protocols=20)
    assert again.protocols == []
    other = Counting()
    run(other, seed=1)
    assert len(other.protocols) >= 20


def test_what_is_kept_is_small_and_whole(tmp_path: Path) -> None:
    atlas(BY_STOP, protocols=3, kept=Kept(tmp_path))
    files = sorted((tmp_path / "by-stop").glob("*.json"))
    assert len(files) >= 3
    assert max(file.stat().st_size for file in files) < 1000
    files[0].write_text(files[0].read_text()[:100])
    with pytest.raises(ValueError, match=r"`out` must hold whole results, but .*json is damaged"):
        atlas(BY_STOP, protocols=3, kept=Kept(tmp_path))
    files[0].write_text(files[1].read_text())
    with pytest.raises(ValueError, match="something else"):
        atlas(BY_STOP, protocols=3, kept=Kept(tmp_path))


def test_what_is_not_finite_is_kept(tmp_path: Path) -> None:
    def measure(bench: Bench) -> Evidence:
        return Evidence(effect=exact(float("nan")), control=exact(float("inf")), n_runs=1, was_run=False)

    claim = over_choices("odd", by_stop, measure=measure)
    first, second = (atlas(claim, protocols=4, kept=Kept(tmp_path)) for _ in range(2))
    assert first == second
    assert json.loads(atlas_json(first))


def test_claims_share_the_laboratories_of_what_is_not_primary() -> None:
    fewer = over_choices("fewer", by_stop, choices=(STOP, RADIUS))
    laboratory = Counting()
    make_atlas([BY_NOTHING, fewer], laboratory, protocols=8, rows=2)
    alike = [protocol for protocol in laboratory.protocols if protocol == {"stop": "half"}]
    assert len(alike) == 1
    one, other = Visit({"stop": "half"}, ()), Visit({}, ())
    assert [visit.protocol for visit in visits([(fewer, {}), (fewer, one.protocol), (BY_STOP, {})])] == [
        other.protocol,
        one.protocol,
    ]


def test_values_that_look_alike_have_laboratories_of_their_own() -> None:
    assert len(visits([(BY_STOP, {"a": 1}), (BY_STOP, {"a": "1"}), (BY_STOP, {"a": True})])) == 3


def test_it_is_told_what_is_to_be_done() -> None:
    accounts: list[Account] = []
    steps: list[str] = []
    atlas(BY_STOP, BY_NOTHING, protocols=20, begin=accounts.append, step=lambda found: steps.append(found.claim))
    primary, sample, maps = accounts
    assert (primary.experiments, primary.kept, primary.laboratories, primary.seconds) == (2, 0, 1, None)
    assert (sample.experiments, sample.kept, sample.laboratories) == (40, 2, 19)
    assert sample.seconds is not None
    assert len(steps) == sum(account.experiments - account.kept for account in accounts)
    assert maps.experiments == sum(len(entry.crossed) for entry in atlas(BY_STOP, BY_NOTHING, protocols=20))


# --- by others -----------------------------------------------------------------------------------------


def test_processes_find_the_same() -> None:
    alone = atlas(BY_STOP, BY_BOTH, protocols=12)
    assert atlas(BY_STOP, BY_BOTH, protocols=12, crew=partial(in_processes, processes=2)) == alone


def failing(protocol: Any) -> Bench:
    raise ValueError("no such laboratory")


def test_an_error_in_a_process_is_told_and_ends_the_others() -> None:
    begin = time.monotonic()
    with pytest.raises(ValueError, match="no such laboratory"):
        make_atlas([BY_STOP], failing, protocols=4, rows=1, crew=partial(in_processes, processes=1))
    assert time.monotonic() - begin < 60


class Client:
    """As much of a Dask client as is used, on this thread; what is sent is pickled by Dask's own rules."""

    def __init__(self) -> None:
        self.cancelled: list[object] = []

    def submit(self, work: Any, *arguments: Any, pure: bool) -> Any:
        assert not pure
        from distributed.protocol.pickle import dumps, loads

        made = loads(dumps((work, arguments)))
        return made[0](*made[1])

    def cancel(self, tasks: Sequence[object]) -> None:
        self.cancelled = list(tasks)


def test_a_cluster_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")

    class Done:
        def __init__(self, found: list[Found]) -> None:
            self.found = found

        def result(self) -> list[Found]:
            return self.found

        def release(self) -> None:
            self.found = []

    def as_completed(tasks: Sequence[list[Found]]) -> Iterator[Done]:
        return (Done(found) for found in reversed(tasks))

    monkeypatch.setattr(distributed, "as_completed", as_completed)
    client = Client()
    assert atlas(BY_STOP, protocols=12, crew=partial(on_cluster, client=client)) == atlas(BY_STOP, protocols=12)
    assert client.cancelled


def test_workers_of_another_version_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"one of sharpmu 0\.1\.0, but this worker has"):
        list(in_this_process(Bench, [Visit({}, (BY_STOP,), "0.1.0")]))


# --- as text -------------------------------------------------------------------------------------------


def test_an_atlas_is_read_back() -> None:
    entries = atlas(BY_STOP, BY_BOTH, BY_NOTHING, provenance={"version": "9.9", "seed": 0})
    text = atlas_json(entries)
    assert entries_from(text) == entries
    assert atlas_json(entries_from(text)) == text
    assert [record["sentence"] for record in json.loads(text)] == [sentence(entry) for entry in entries]
    assert len(text) < 6000 * len(entries)


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "x"}]', "[" * 10**5])
def test_what_is_no_atlas_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "atlas.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"The atlas .*atlas\.json cannot be read: not an atlas"):
        sentences(path, [BY_STOP])


def test_a_ledger_takes_its_sentences_of_claims_that_are_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "atlas.json"
    assert sentences(path, [BY_STOP]) == {}
    entries = atlas(BY_STOP, BY_NOTHING)
    path.write_text(atlas_json(entries), encoding="utf-8")
    assert sentences(path, [BY_STOP, BY_BOTH]) == {"by-stop": sentence(entries[0])}
    fewer = over_choices("by-stop", by_stop, choices=(STOP, WEIGHT))
    moved = over_choices("by-stop", by_stop, supported=Region.around(2.0, 0.1))
    assert sentences(path, [fewer]) == sentences(path, [moved]) == {}
