"""Whatever is carried to a door of `theory`, what comes out is right, or one clear error."""

import pytest

from tests.fuzz.judgement import Door, LeakError, explore, heads
from tests.fuzz.theory_claims import DOORS as CLAIMS
from tests.fuzz.theory_claims import judged
from tests.fuzz.theory_numbers import DOORS as NUMBERS
from theory.ledger import Region, Verdict

DOORS = {door.name: door for door in (*NUMBERS, *CLAIMS)}
test_a_door_answers, test_a_door_answers_many_times = heads(DOORS.values())


def test_a_wrong_verdict_is_found():
    inspect = DOORS["Region"].inspect
    always = Door("wrong", judged(), lambda _: (Region(low=0.0), Verdict.SUPPORTED), inspect)
    with pytest.raises(AssertionError):
        explore(always, 50)


def test_an_unchecked_argument_is_found():
    unchecked = Door("leaky", DOORS["Region"].configurations, lambda asked: asked["interval"][7], lambda *_: None)
    with pytest.raises(LeakError):
        explore(unchecked, 5)
