"""Whatever is carried to a door of `simulate`, what comes out is right, or one clear error."""

import sys
import warnings

import numpy as np
import pytest
from hypothesis import strategies as st

from simulate import Problem
from simulate.cli import main
from simulate.house import checks
from tests.fuzz.judgement import Door, LeakError, Refusal, Told, attempt, command, explore, heads
from tests.fuzz.simulate_commands import DOORS as COMMANDS
from tests.fuzz.simulate_grids import DOORS as GRIDS
from tests.fuzz.simulate_runs import DOORS as RUNS

test_a_door_answers, test_a_door_answers_many_times = heads((*RUNS, *GRIDS, *COMMANDS))


# --- the judgement can fail -----------------------------------------------------------------------------------


def raised_in_numpy() -> None:
    np.zeros(3) @ np.zeros(2)


def without_a_name() -> None:
    Problem(n=0)


LEAKS = {
    "an error of another kind": lambda: [][0],
    "an error from inside a library": raised_in_numpy,
    "an error of the right kind that is not ours": lambda: int("x"),
    "a warning": lambda: warnings.warn("Careful.", RuntimeWarning, stacklevel=1),
    "an exit": lambda: sys.exit(2),
    "a failed assertion": lambda: explore(Door("", st.just(0), lambda _: 1, _never), 1),
}


def _never(*_: object) -> None:
    raise AssertionError


@pytest.mark.parametrize("leak", LEAKS)
def test_what_leaks_is_caught(leak):
    with pytest.raises(LeakError):
        attempt(LEAKS[leak])


def test_an_error_of_ours_that_names_nothing_is_caught(monkeypatch):
    monkeypatch.setattr(checks, "fail", lambda name, requirement, value: _nameless())
    with pytest.raises(LeakError):
        attempt(lambda: Problem(n=0))


def _nameless() -> None:
    raise ValueError("Something is wrong.")


@pytest.mark.parametrize("told", ["", "error: nothing is named", "Traceback\nerror: `n`", "error: `n`\nerror: `m`"])
def test_a_command_that_says_too_little_or_too_much_is_caught(told, capsys):
    def bad(_: object) -> int:
        print(told, file=__import__("sys").stderr)
        return 2

    with pytest.raises(LeakError):
        command(bad, ["run"])


def test_what_is_clear_passes():
    assert isinstance(attempt(lambda: Problem(n=0)), Refusal)
    assert isinstance(attempt(lambda: Problem(N=3)), Refusal)
    assert isinstance(command(main, ["run", "--problem.n", "0"]), Refusal)
    assert isinstance(command(main, ["run", "--no-such-option"]), Refusal)
    assert command(lambda _: 0, []) == Told(0, "", "")
    assert attempt(lambda: Problem(n=3)) == Problem(n=3)


def test_a_door_that_leaks_now_and_then_is_found():
    door = Door(
        "leaky", st.integers(0, 200), lambda number: [1] * number, lambda number, made: made[3] if number > 150 else 0
    )
    explore(door, 50)
    with pytest.raises(LeakError):
        explore(
            Door("leaky", st.integers(0, 50), lambda number: [0] * 10 if number == 0 else [][1], lambda _, made: None),
            50,
        )


def test_numbers_of_other_kinds_become_pythons_own():
    problem = Problem(
        n=np.int8(100), P=np.uint8(3), d=np.int64(10**9), signal=np.float32(0.5), forget=np.longdouble(0.5)
    )
    assert problem == Problem(n=100, P=3, d=10**9, signal=0.5, forget=0.5)
    assert {type(getattr(problem, name)) for name in ("n", "P", "d")} == {int}
    assert problem.frame_size == 1 + 100 + 20
