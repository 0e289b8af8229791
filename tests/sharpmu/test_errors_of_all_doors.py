"""One style of errors: a line on stderr that names the option as it was typed, and the status 2."""

from __future__ import annotations

import pytest

from tests.sharpmu.every_door import COMMANDS, DOORS, command, printed, with_places


def refusal(words: list[str]) -> str:
    """The one line with which a command line is refused."""
    status, out, err = printed(words)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not set(err) & set("╭│╰─")
    return err


@pytest.mark.parametrize(("name", "word"), COMMANDS)
def test_unknown_options(name: str, word: str) -> None:
    start = with_places(name, word, command(name, word).options(()))
    assert "There is no option `--no-such-option`" in refusal([*start, "--no-such-option", "1"])
    assert "There is no option `--no-such`" in refusal([*start, "--no-such=1"])
    assert "There is no option `-q`" in refusal([*start, "-q"])


@pytest.mark.parametrize(("name", "word"), COMMANDS)
def test_missing_values(name: str, word: str) -> None:
    options = command(name, word).options(())
    for option in [one for one in options if one.spellings and not one.is_switch and not one.many][:3]:
        assert f"Option `{option.flag}` must be followed by" in refusal(
            [*with_places(name, word, options), option.flag]
        )


@pytest.mark.parametrize(("name", "word"), COMMANDS)
def test_values_of_a_wrong_type(name: str, word: str) -> None:
    options = command(name, word).options(())
    typed = [
        one for one in options if one.spellings and not one.is_switch and (one.choices or one.kind in (int, float))
    ]
    for option in typed[:3]:
        told = refusal([*with_places(name, word, options), option.flag, "wrong"])
        assert f"`{option.flag}` must be " in told
        assert "but is 'wrong'" in told
    switch = next((one for one in options if one.is_switch), None)
    if switch is not None:
        assert f"Option `{switch.flag}` must stand alone" in refusal(
            [*with_places(name, word, options), f"{switch.flag}=1"]
        )


@pytest.mark.parametrize(("name", "word"), COMMANDS)
def test_what_is_required_and_missing(name: str, word: str) -> None:
    options = command(name, word).options(())
    places = [option.value for option in options if option.positional and option.required]
    if places:
        assert f"Argument `{places[0]}` must be given" in refusal([name, word])
    for option in [one for one in options if one.required and not one.positional][:1]:
        assert f"Option `{option.flag}` must be given" in refusal(with_places(name, word, options))


@pytest.mark.parametrize("name", [name for name, door in DOORS.items() if door.wordless is None])
def test_unknown_commands(name: str) -> None:
    told = refusal([name, "fly"])
    assert "There is no command 'fly'" in told
    assert all(word in told for word in DOORS[name].commands)
    status, out, err = printed([name])
    assert (status, out) == (2, "")
    assert err.startswith(f"usage: sharpmu {name} COMMAND")


def test_unknown_doors() -> None:
    assert "There is no command 'simulat'; did you mean simulate?" in refusal(["simulat"])
    assert "the word 'x'" in refusal(["verify", "x"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("simulate run --sed 3", "There is no option `--sed`; did you mean `--seed`?"),
        ("simulate run --label-flip .1", "did you mean `--problem.label-flip`?"),
        ("simulate run --alpha 0.3", "`--alpha`; it is said within a phase, as in NegGrad(alpha=…)."),
        ("simulate run --problem.tau 1", "`--problem.tau`; it is said within a phase, as in SAM(tau=…)."),
        ("simulate run --phases a,Loss,SGD()", "Argument `--phases` must have brackets behind a name, Loss(), but"),
        ("deepnet unlearn --rho 1", "`--rho`; it is said behind `--sharpness`, as in sam:0.1 or asam:1.0."),
        ("deepnet unlearn --alpha 0.9", "as in sharp-minmax:alpha=0.9."),
        ("simulate run --seed=x", "Option `--seed` must be a whole number, but is 'x'."),
        ("simulate run --record.every 1.5", "Option `--record.every` must be a whole number, but is '1.5'."),
        ("simulate map --grid.d 100 x", "Each value of `--grid.d` must be a whole number, but is 'x'."),
        ("simulate run --problem.noise pink", "`--problem.noise` must be orthogonal or isotropic, but is 'pink'."),
        ("simulate run --seed 1 2", "The word '2' has no place here"),
        ("simulate run stray", "The word 'stray' has no place here"),
        # what our own checks refuse, where tyro calls them and where the command does:
        ("simulate run --problem.forget 2", "Argument `--problem.forget` must"),
        ("simulate run --problem.label_flip 2", "Argument `--problem.label_flip` must"),
        ("simulate run --seed -1", "Argument `--seed` must be a whole number of at least 0, but is -1."),
        ("simulate map --level 0.9", "Argument `--level` must lie between 0 and 1/2"),
        ("theory verify --claims nonsense", "Argument `--claims` must name claims"),
        ("theory show nonsense", "Argument `claims` must name claims"),  # no option was typed
        ("figures", "Argument `names` must name a figure"),
    ],
)
def test_options_are_named_as_they_were_typed(words: str, told: str) -> None:
    assert told in refusal(words.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("run --preset none", "Argument `--preset` must be one of"),
        ("run --study.seeds 1 1", "Argument `--study.seeds` must be different"),
        ("run --study.unlearners.2.method.alpha 7", "Argument `--study.unlearners.2.method.alpha` must lie in [0, 1]"),
        ("run --epochs 3", "did you mean `--study.pretrain.epochs`?"),
        ("run training --epochs x", "Option `--epochs` must be a whole number, but is 'x'."),
        ("run training --epoch 1", "There is no option `--epoch`"),
        ("run training --dry-run", "Option `--dry-run` must stand before the word 'training'."),
        ("run --threads 0", "Argument `--threads` must be a whole number of at least 1"),
        ("matched --rehearse --replicates 0", "Argument `--replicates` must be a whole number of at least 1"),
    ],
)
def test_options_of_studies_too(words: str, told: str) -> None:
    pytest.importorskip("torch")
    assert told in refusal(["deepnet", *words.split()])


def test_words_that_choose_a_part_still_do() -> None:
    pytest.importorskip("torch")
    line = ["deepnet", "run", "--methods", "neggrad", "--dry-run"]
    for behind in (["none", "none"], ["augment"], ["training", "--epochs", "3", "--descent.lr", "0.1"]):
        status, out, err = printed([*line, *behind])
        assert (status, err) == (0, "")
        assert "15 models" in out
