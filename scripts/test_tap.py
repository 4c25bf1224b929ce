#!/usr/bin/env python3
"""Tests the counting: whatever a test program does, no failure may be lost and nothing may be counted that did not run.

Prints TAP. Each sample is a shell script that stands for a test program.
"""
import sys

import tap

# What the program does, its script, and how many cases must have passed, failed and been skipped.
SAMPLES = (
    ("all cases pass", "echo 1..2; echo ok 1 - a; echo ok 2 - b", (2, 0, 0)),
    ("the plan comes last", "echo ok 1 - a; echo ok 2 - b; echo 1..2", (2, 0, 0)),
    ("one case fails", "echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1", (1, 1, 0)),
    ("one case fails and the exit status hides it", "echo 1..1; echo not ok 1 - a", (0, 1, 0)),
    ("one case is skipped", "echo 1..2; echo ok 1 - a; echo 'ok 2 - b # SKIP no browser'", (1, 0, 1)),
    ("cmocka skips", "echo 1..1; echo 'not ok 1 # SKIP a'", (0, 0, 1)),
    ("a crash in the second of three cases", "echo 1..3; echo ok 1 - a; kill -SEGV $$", (1, 2, 0)),
    ("a crash before a plan", "echo ok 1 - a; kill -ABRT $$", (1, 1, 0)),
    ("a bad end after all cases passed", "echo 1..1; echo ok 1 - a; exit 66", (1, 1, 0)),
    ("no output and no case", "true", (0, 1, 0)),
    ("an empty plan", "echo 1..0", (0, 1, 0)),
    ("a program that is not there", "exec /nonexistent", (0, 1, 0)),
    ("words that only look like cases", "echo okay; echo 'ok, then'; echo 1..1; echo ok 1 - a", (1, 0, 0)),
    ("a name with an escaped number sign", "echo 1..1; echo 'ok 1 - a \\# SKIP b'", (1, 0, 0)),
    ("a hang", "echo 1..2; echo ok 1 - a; sleep 60", (1, 1, 0)),
    ("a server left behind", "sleep 60 & echo 1..1; echo ok 1 - a", (1, 0, 0)),
)
TIMEOUT_S = 2


def main():
    failed = 0
    for number, (name, script, expected) in enumerate(SAMPLES, 1):
        run = tap.run("sample", ["sh", "-c", script], TIMEOUT_S)
        statuses = [case.status for case in run.cases]
        counted = tuple(statuses.count(status) for status in (tap.PASSED, tap.FAILED, tap.SKIPPED))
        failed += counted != expected
        print(f"{'ok' if counted == expected else 'not ok'} {number} - counts right when there is: {name}")
        if counted != expected:
            print(f"# expected {expected}, counted {counted}")
    print(f"1..{len(SAMPLES)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
