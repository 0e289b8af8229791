"""A text that is no phase is refused, and nothing in it is executed."""

import pytest

from simulate.cli.phrases import parse_phase
from tests.simulate.refusals import refused, words

TEXTS = [
    *(("name", text) for text in (",", "two words, Loss()", "1st, Loss()", "a-b, Loss()")),
    *(("phases", text) for text in ("", "pretrain Loss SGD")),
    *(("phases", f"only, {rest}") for rest in (
        "Loss(), SGD(lr=0.01", "Loss()), SGD(", "Loss(), SDG()", "Loss(), SGD(rate=0.1)", "Loss(), SGD(lr=)",
        "Loss(0.3)", "Loss(), SGD(0.1)", "Loss(), SGD(), 1, 2, 3, 4, 5, 6, 7", "steps=1, steps=2",
        "Loss(), SGD(lr=0.1, lr=0.2)", "Loss(), objective=Loss()", "step=10", "name='other'", "Loss(), SGD(lr=x)",
        "Loss(), SGD(lr=1 + 1)", "Loss(), SGD(lr=(lambda: 0.1)())", "__import__('os').getcwd()", "open('x')",
        "[Loss()]", "*[Loss()]", "**{'steps': 3}", "{[1]: 2}", "Loss(), SGD(lr={[1]: 2})", "Loss()\n0", "Loss(); 0",
        "Loss() # end", "\0", "Loss()) or Phase(x", "(" * 500,
    )),
    ("alpha", "only, NegGrad(alpha=1.3)"),
    ("lr", "only, Loss(), SGD(lr=0)"),
    ("lr", "only, Loss(), SGD(lr='0.1')"),
    ("steps", "only, steps=-1"),
    ("objective", "only, 3"),
    ("objective", "only, SGD(), Loss()"),
    ("optimizer", "only, Loss(), Loss()"),
    ("objective", "only, Loss(), SharpMinMax()"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), TEXTS, ids=words(TEXTS))
def test_a_text_that_is_no_phase_is_refused(name, text):
    with refused(name):
        parse_phase(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 9999,
        f"only, steps={'9' * 9999}",
        f"only, {'x' * 9999}",
        f"only, {'x' * 9999}()",
        f"only, Loss({'x' * 9999}=1)",
    ],
    ids=["no comma", "endless number", "no call", "no such part", "no such option"],
)
def test_a_long_text_is_quoted_without_its_middle(text):
    with refused("phases") as refusal:
        parse_phase(text)
    assert 500 < len(str(refusal.value)) < 1500


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("only, NegGrad(0.3), SGD()", "must name each option of NegGrad, as in NegGrad(alpha=0.3)."),
        ("only, Loss, SGD()", "must have brackets behind a name, Loss(), but has Loss alone."),
        ("only, Loss(), SGD", "must have brackets behind a name, SGD(), but has SGD alone."),
    ],
)
def test_a_slip_is_told_with_what_is_right(text, told):
    with pytest.raises(ValueError, match=r"^Argument `phases` must ") as refusal:
        parse_phase(text)
    assert str(refusal.value).endswith(told)
