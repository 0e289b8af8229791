"""What claims are about: their file says it, in `TOPIC` or in the first words of its text."""

from types import ModuleType, SimpleNamespace

import pytest

from theory import claims
from theory.ledger import registry


@pytest.mark.parametrize(
    ("text", "names", "topic"),
    [
        ("Theorem 3.2 above its boundary: how fast.", {}, "Theorem 3.2 above its boundary"),
        ("Which class pays, and when.\n\nMore of it.\n", {}, "Which class pays, and when"),
        ("Relearning? It is.", {}, "Relearning"),
        ("Whatever: it is.", {"TOPIC": "A topic"}, "A topic"),
        (None, {}, "one"),
    ],
)
def test_a_topic_is_in_its_file(
    text: str | None, names: dict[str, str], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("made_up.one", text)
    vars(module).update(names, CLAIMS=(SimpleNamespace(name="a-claim"), SimpleNamespace(name="another")))
    monkeypatch.setattr(registry, "modules_of", lambda package, folders: [module])
    assert registry.topics_in("made_up", ["anywhere"]) == {"a-claim": topic, "another": topic}


def test_every_claim_has_one() -> None:
    topics = claims.topics()
    assert set(topics) == {claim.name for claim in claims.all_claims()}
    assert all(topics.values())
