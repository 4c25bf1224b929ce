"""Runs a program that prints TAP and tells what became of each of its cases."""
import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

LINE = re.compile(r"^(not ok|ok)\b *(\d*)(?: - | +(?=#)|$)(.*)$")
SKIP = re.compile(r"(?<!\\)#\s*SKIP\b\s*(.*)$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)")
OUTPUT_LINES_MAX = 150


# Process groups of the programs that run now.
running = set()


class Case:
    def __init__(self, name, status, output=""):
        self.name = name
        self.status = status
        self.output = output


class Run:
    """What one program did: its cases in order, and how long it took."""

    def __init__(self, name, cases, seconds):
        self.name = name
        self.cases = cases
        self.seconds = seconds


def parse(name, text):
    """Cases of a TAP text and the number that its plan promised, None without a plan."""
    cases, planned = [], None
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned = int(plan[1])
            continue
        result = LINE.match(line)
        if not result:
            continue
        skip = SKIP.search(result[3])
        title = SKIP.sub("", result[3]).strip() or (skip and skip[1]) or f"case {len(cases) + 1}"
        status = SKIPPED if skip else PASSED if result[1] == "ok" else FAILED
        cases.append(Case(f"{name}: {title}", status))
    return cases, planned


def tail(text):
    lines = text.splitlines()
    cut = len(lines) - OUTPUT_LINES_MAX
    return "\n".join(([f"({cut} lines left out)"] if cut > 0 else []) + lines[-OUTPUT_LINES_MAX:])


def judge(name, text, ended):
    """The cases of a program that ended: `ended` is empty after exit status 0.

    Cases that the plan promised and that never came have failed. A program that ends badly although each of its cases
    passed has failed in one case more, and so has one that had no case at all.
    """
    cases, planned = parse(name, text)
    for missing in range(len(cases), planned or 0):
        cases.append(Case(f"{name}: case {missing + 1} did not finish", FAILED))
    if ended and not any(case.status == FAILED for case in cases):
        cases.append(Case(f"{name}: {ended}", FAILED))
    if not cases:
        cases.append(Case(f"{name}: no test ran", FAILED))
    for case in cases:
        if case.status == FAILED:
            case.output = tail(text) + (f"\n({ended})" if ended else "")
    return cases


def how_it_ended(process, timeout_s):
    """Waits for a program: empty after exit status 0, otherwise what happened."""
    try:
        status = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return f"did not end within {timeout_s:.0f} s"
    if status < 0:
        return f"ended by signal {signal.Signals(-status).name}"
    return f"exit status {status}" if status else ""


def kill_group(group):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def stop_everything(signal_number, _frame):
    """For a signal that ends us: what we started is in process groups of its own, and would otherwise go on alone."""
    for group in list(running):
        kill_group(group)
    os._exit(128 + signal_number)


def execute(command, timeout_s, **options):
    """Runs a command: its output, and how it ended if not well. What it started is killed when it has ended.

    The output goes to a file and not to a pipe: a server left behind by a test would keep a pipe open.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True, **options)
        running.add(process.pid)
        try:
            ended = how_it_ended(process, timeout_s)
        finally:
            kill_group(process.pid)
            process.wait()
            running.discard(process.pid)
        output.seek(0)
        return output.read().decode("utf-8", "replace"), ended


def run(name, command, timeout_s, **options):
    started = time.monotonic()
    output, ended = execute(command, timeout_s, **options)
    return Run(name, judge(name, output, ended), time.monotonic() - started)


def run_plain(name, command, timeout_s, skip_status=None, **options):
    """For a program that is one case: its exit status says whether it passed."""
    started = time.monotonic()
    output, ended = execute(command, timeout_s, **options)
    skipped = skip_status is not None and ended == f"exit status {skip_status}"
    status = SKIPPED if skipped else FAILED if ended else PASSED
    return Run(name, [Case(name, status, tail(output))], time.monotonic() - started)
