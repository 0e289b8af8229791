"""Says which answers of the homework are right: `python notebooks/homework/check.py notebooks/homework/answers.py`.

Answers are read, not run: a file of somebody else's can be checked without harm.
"""

import ast
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulate import Problem, run, with_small_weights
from theory import STATEMENTS
from theory.experiments import fit
from theory.formulas.symbols import (
    B,
    alpha,
    gap_forget,
    gap_retain,
    gap_test,
    m,
    sigma_0,
    slope_forget,
    slope_retain,
    tau,
)
from theory.ledger import Region, decide

TOLERANCE = 6e-4
"""Answers have three digits after the point."""


@dataclass(frozen=True)
class Question:
    """A question: what is right, and a hint for those who are not."""

    right: Callable[[], Any]
    hint: str


def trained_error() -> float:
    problem = with_small_weights(Problem(d=5000, n=30, m=10, signal=5.0, label_flip=0.1, forget=0.0))
    return float(run(problem, [fit(problem)], seed=7).test_error)


QUESTIONS: Mapping[str, Question] = {
    "ratio_factor": Question(lambda: 2_000 / 32_000, "The ratio goes as the square of the signal-to-noise ratio."),
    "signal_factor": Question(lambda: 81**0.25, "The boundary goes as a root of d. Which one?"),
    "switched_off": Question(
        lambda: STATEMENTS["deactivation_law"].function(tau, sigma_0, m, B)(1.0, 1.0, 1, 1),
        "The law has no constant to fit; Φ is the distribution function of the standard normal law.",
    ),
    "threshold": Question(
        lambda: STATEMENTS["signal_balance"].function(alpha, slope_retain, slope_forget)(0.5, 0.2, 0.6)[1],
        "α times the one slope against 1 − α times the other.",
    ),
    "tug_of_war": Question(
        lambda: STATEMENTS["tug_of_war"].function(gap_retain, gap_forget, gap_test)(-0.04, 0.10, -0.05),
        "Distances count, not their signs; the three are multiplied.",
    ),
    "verdicts": Question(
        lambda: [decide(each, Region(high=0.2)).value for each in ((0.05, 0.15), (0.12, 0.26), (0.21, 0.30))],
        "Inside of the region, across its border, outside.",
    ),
    "best_forget_accuracy": Question(lambda: "c", "What is the yardstick of forgetting?"),
    "test_error": Question(trained_error, "with_small_weights, fit, run with seed=7; test_error of the result."),
}


def read_answers(path: Path) -> dict[str, Any]:
    """The answers of a file, by name.

    Raises:
        ValueError: if the file is no Python, or an answer is no number, word or list.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ValueError(f"{path.name} is not Python: line {error.lineno} cannot be read.") from error
    answers = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            try:
                answers[name] = ast.literal_eval(node.value)
            except ValueError as error:
                raise ValueError(f"Answer `{name}` must be a number, a word or a list, not a computation.") from error
    return answers


def slip(answer: Any, right: Any) -> str:
    """What an answer has to be, if it is of another kind; otherwise nothing."""
    if isinstance(right, list):
        kinds, wanted = (list, tuple), f"a list of {len(right)} words, each in quotation marks"
    elif isinstance(right, str):
        kinds, wanted = (str,), "a word in quotation marks"
    else:
        kinds, wanted = (int, float), "a number, with a point and without quotation marks"
    return "" if isinstance(answer, kinds) and not isinstance(answer, bool) else f"{wanted}, but is {answer!r}"


def is_right(answer: Any, right: Any) -> bool:
    """Whether an answer is the right one: numbers to three digits, words without regard to capitals."""
    if isinstance(right, list):
        return isinstance(answer, list | tuple) and len(answer) == len(right) and all(map(is_right, answer, right))
    if isinstance(right, str):
        return isinstance(answer, str) and answer.strip().lower() == right
    return isinstance(answer, int | float) and abs(answer - right) <= TOLERANCE


def remark(name: str, question: Question, answers: Mapping[str, Any]) -> str:
    """What is said of one answer."""
    if answers.get(name) is None:
        return "not answered"
    right = question.right()
    if told := slip(answers[name], right):
        return f"not right. The answer is {told}."
    return "right" if is_right(answers[name], right) else f"not right. {question.hint}"


def main(words: list[str]) -> int:
    """Check a file of answers; 0 if all are right, 1 if some are not, 2 if it cannot be read."""
    if len(words) != 1:
        print("Name the file of your answers, one: python notebooks/homework/check.py answers.py", file=sys.stderr)
        return 2
    if not Path(words[0]).is_file():
        print(f"There is no file {words[0]!r} in {Path.cwd()}.", file=sys.stderr)
        return 2
    try:
        answers = read_answers(Path(words[0]))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    remarks = {name: remark(name, question, answers) for name, question in QUESTIONS.items()}
    for name, said in remarks.items():
        print(f"{name}: {said}")
    count = sum(said == "right" for said in remarks.values())
    print(f"{count} of {len(remarks)} are right.")
    return 0 if count == len(remarks) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
