"""Codes of break-glass under any order of right, wrong and repeated ones: each counts once, five failures lock."""

from hypothesis import given
from hypothesis import strategies as st

from bot.permissions.one_time_codes import (
    DRIFT,
    LOCK_SECONDS,
    MAX_FAILURES,
    STEP_SECONDS,
    CodeVerdict,
    Enrolment,
    code_at,
    judge,
    step_of,
)

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
START = 1_800_000_000.0

attempts = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 29.0, 31.0, 95.0, LOCK_SECONDS]),
        st.one_of(st.integers(-4, 4), st.sampled_from(["000000", "12345", "abcdef", ""])),
    ),
    max_size=30,
)
"""Seconds that pass before an attempt; the step beside the present one whose code is typed, or a text."""


@given(attempts)
def test_a_code_counts_once_within_its_time_and_never_while_locked(
    given_attempts: list[tuple[float, int | str]],
) -> None:
    held, now = Enrolment("U0ANNA", "", START), START
    used: set[int] = set()
    failures, locked_until = 0, 0.0
    for seconds, typed in given_attempts:
        now += seconds
        code = typed if isinstance(typed, str) else code_at(SECRET, step_of(now) + typed)
        near = {step for step in range(step_of(now) - DRIFT, step_of(now) + DRIFT + 1) if code_at(SECRET, step) == code}
        verdict, held = judge(held, SECRET, code, now, step_of(now))
        if now < locked_until:
            assert verdict is CodeVerdict.LOCKED
            continue
        if len(code) != 6 or not code.isdigit():
            assert verdict is CodeVerdict.MALFORMED
            continue
        if near and min(near) > max(used, default=0):
            assert verdict is CodeVerdict.ACCEPTED
            used |= near
            failures, locked_until = 0, 0.0
            continue
        assert verdict is not CodeVerdict.ACCEPTED, "neither an old step nor a far one counts"
        failures += 1
        if failures == MAX_FAILURES:
            assert verdict is CodeVerdict.LOCKED
            failures, locked_until = 0, now + LOCK_SECONDS
        assert (held.failures, held.locked_until) == (failures, locked_until)


@given(st.integers(0, 10**6), st.integers(-DRIFT, DRIFT))
def test_clocks_may_differ_by_one_step(step: int, off: int) -> None:
    now = START + step * STEP_SECONDS
    verdict, held = judge(
        Enrolment("U0ANNA", "", START), SECRET, code_at(SECRET, step_of(now) + off), now, step_of(now)
    )
    assert verdict is CodeVerdict.ACCEPTED
    assert abs(held.last_step - step_of(now)) <= DRIFT
