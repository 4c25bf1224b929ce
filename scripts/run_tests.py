#!/usr/bin/env python3
"""Runs every test of the project and counts them: run_tests.py [--quick] [--checks] [WORD...]

Stages: checks of the source; builds with gcc, clang, AddressSanitizer + UndefinedBehaviorSanitizer, ThreadSanitizer;
the C tests of these builds (unit, fuzz replay, simulation); end-to-end tests of build/sekisho with Node's test runner.

    --quick    only the checks and the gcc build's tests
    --checks   only the checks
    WORD...    no checks; of the gcc build only the tests, and only the end-to-end files, whose name contains a word

The last line is 'N passed, N failed'. A test that runs in several builds counts once, and has passed when it passed in
all of them. A skipped test is named and counts as neither. The exit status is 0 only when something passed and nothing
failed.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
JOBS = max(os.cpu_count() or 1, 1)
CHECKS = ("text", "layers", "limits", "words", "headers", "format")
CHECK_SECONDS_MAX = 300
BUILD_SECONDS_MAX = 1200
E2E_SECONDS_MAX = 600
# In continuous integration, what has not ended by then is stopped and has failed, so that the result is still told.
CI_SECONDS_MAX = 25 * 60
STARTED = time.monotonic()
NODE_REPORTER = ROOT / "scripts" / "node_tap.mjs"

# Build, its CMake options, and which of its C tests run: every label, or these.
VARIANTS = (
    ("gcc", BUILD, ["-DCMAKE_C_COMPILER=gcc"], {"unit", "fuzz", "sim"}),
    ("clang", BUILD / "clang", ["-DCMAKE_C_COMPILER=clang"], set()),
    ("asan", BUILD / "asan", ["-DCMAKE_C_COMPILER=clang", "-DSEKISHO_SANITIZE=address"], {"unit", "fuzz", "sim"}),
    ("tsan", BUILD / "tsan", ["-DCMAKE_C_COMPILER=gcc", "-DSEKISHO_SANITIZE=thread"], {"unit", "sim"}),
)


class Tally:
    """Every case by its name, and the stages with their times."""

    def __init__(self):
        self.status = {}
        self.stages = []

    def add(self, run, build=""):
        for case in run.cases:
            before = self.status.get(case.name)
            if before is None or case.status == tap.FAILED or before == tap.SKIPPED:
                self.status[case.name] = case.status
        self.show_failures(run, build)
        for case in run.cases:
            if case.status == tap.SKIPPED:
                print(f"  skipped: {case.name} {case.output.strip()}")

    @staticmethod
    def show_failures(run, build):
        shown = set()
        for case in run.cases:
            if case.status != tap.FAILED:
                continue
            print(f"  FAILED{f' ({build})' if build else ''}: {case.name}")
            if case.output not in shown:
                print("\n".join("    | " + line for line in case.output.splitlines()))
            shown.add(case.output)
        sys.stdout.flush()

    def stage(self, title, runs, started, build=""):
        """Adds a stage's runs as they come, and prints one line about all of them."""
        counts = {tap.PASSED: 0, tap.FAILED: 0, tap.SKIPPED: 0}
        for run in runs:
            self.add(run, build)
            for case in run.cases:
                counts[case.status] += 1
        line = f"{title}: {counts[tap.PASSED]} passed, {counts[tap.FAILED]} failed"
        if counts[tap.SKIPPED]:
            line += f", {counts[tap.SKIPPED]} skipped"
        self.stages.append((time.monotonic() - started, line))
        print(f"{line} ({time.monotonic() - started:.0f} s)", flush=True)

    def finish(self):
        """Prints the stages and the closing line; returns the exit status."""
        print("\nStages:")
        for seconds, line in self.stages:
            print(f"{seconds:7.1f} s  {line}")
        outcomes = list(self.status.values())
        for name, status in sorted(self.status.items()):
            if status != tap.PASSED:
                print(f"{status.upper() if status == tap.FAILED else status}: {name}")
        passed, failed = outcomes.count(tap.PASSED), outcomes.count(tap.FAILED)
        print(f"\n{passed} passed, {failed} failed", flush=True)
        return 0 if passed and not failed else 1


def environment():
    """The caller's, without proxies (a test that wants one sets it) and with strict sanitizers."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {
        **kept,
        "CMOCKA_MESSAGE_OUTPUT": "TAP",
        "SEKISHO_BINARY": str(BUILD / "sekisho"),
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": "second_deadlock_stack=1",
    }


def time_limit(seconds):
    """How long a program may run that would otherwise have this many seconds."""
    if not os.environ.get("CI"):
        return seconds
    return max(min(seconds, CI_SECONDS_MAX - (time.monotonic() - STARTED)), 1)


def in_parallel(jobs, work):
    """Results of work(item) in the order of the items, as soon as each is there."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        yield from pool.map(work, jobs)


def without_randomized_addresses():
    """A command prefix for sanitizers: those of gcc 12 and clang 14 fail on kernels that randomize too many bits."""
    prefix = ["setarch", os.uname().machine, "-R"]
    if not shutil.which("setarch"):
        return []
    works = subprocess.run(prefix + ["true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    return prefix if works else []


def run_check(name):
    command = [sys.executable, str(ROOT / "scripts" / f"check_{name}.py")]
    return tap.run_plain(f"check/{name}", command, CHECK_SECONDS_MAX, skip_status=77)


def run_checks(tally):
    started = time.monotonic()
    runs = list(in_parallel(CHECKS, run_check))
    for name in ("test_checks", "test_tap"):
        command = [sys.executable, str(ROOT / "scripts" / f"{name}.py")]
        runs.append(tap.run(f"scripts/{name}", command, CHECK_SECONDS_MAX))
    tally.stage("checks", runs, started)


def check_symbols(tally):
    started = time.monotonic()
    command = [sys.executable, str(ROOT / "scripts" / "check_symbols.py"), str(BUILD)]
    tally.stage("exported names", [tap.run_plain("check/symbols", command, CHECK_SECONDS_MAX)], started)


def build_variant(tally, name, folder, options):
    """Configures and builds everything; goes on past errors, so that one broken area hides no other."""
    started = time.monotonic()
    (folder / "sekisho").unlink(missing_ok=True)  # tests never run against an older build
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DSEKISHO_TESTS=ON"] + options
    run = tap.run_plain(f"build/{name}", configure, BUILD_SECONDS_MAX)
    if run.cases[0].status == tap.PASSED:
        command = ["ninja", "--quiet", "-C", str(folder), "-k", "0", "-j", str(JOBS)]
        run = tap.run_plain(f"build/{name}", command, BUILD_SECONDS_MAX)
    tally.stage(f"build {name}", [run], started)


def programs_of(folder):
    """The C tests of a build as CTest knows them: name, command, labels, folder to run in, time limit."""
    command = ["ctest", "--test-dir", str(folder), "--show-only=json-v1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for test in json.loads(done.stdout)["tests"] if done.returncode == 0 else []:
        properties = {item["name"]: item["value"] for item in test.get("properties", [])}
        yield {
            "name": test["name"],
            "command": test.get("command"),
            "labels": set(properties.get("LABELS", [])),
            "cwd": properties.get("WORKING_DIRECTORY", str(folder)),
            "timeout": properties.get("TIMEOUT", 300),
        }


def run_program(program, prefix):
    if not program["command"]:
        return tap.Run(program["name"], [tap.Case(f"{program['name']}: was not built", tap.FAILED)], 0)
    return tap.run(program["name"], prefix + program["command"], time_limit(program["timeout"]), cwd=program["cwd"],
                   env=environment())


def run_programs(tally, name, folder, labels, words):
    started = time.monotonic()
    wanted = [program for program in programs_of(folder)
              if program["labels"] & labels and matches(program["name"], words)]
    prefix = without_randomized_addresses() if name in ("asan", "tsan") else []
    if wanted:
        runs = in_parallel(wanted, lambda program: run_program(program, prefix))
        tally.stage(f"C tests, {name}", runs, started, name)


def run_node(name, path):
    if not (BUILD / "sekisho").exists():
        return tap.Run(name, [tap.Case(f"{name}: build/sekisho was not built", tap.FAILED)], 0)
    command = ["node", "--test", f"--test-reporter={NODE_REPORTER}", str(path)]
    return tap.run(name, command, time_limit(E2E_SECONDS_MAX), cwd=ROOT, env=environment())


def run_end_to_end(tally, words):
    """One Node process per file, one after another: they start browsers and servers, and share the machine's cores."""
    started = time.monotonic()
    paths = [path for folder in ("e2e", "regress") for path in sorted((ROOT / "tests" / folder).rglob("*.test.mjs"))
             if "node_modules" not in path.parts]
    named = [(path.relative_to(ROOT / "tests").as_posix(), path) for path in paths]
    wanted = [(name, path) for name, path in named if matches(name, words)]
    if wanted:
        tally.stage("end to end", (run_node(name, path) for name, path in wanted), started)


def matches(name, words):
    return not words or any(word in name for word in words)


def main(arguments):
    words = [word for word in arguments if not word.startswith("--")]
    options = set(arguments) - set(words)
    if options - {"--quick", "--checks"}:
        sys.exit(__doc__)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, tap.stop_everything)
    tally = Tally()
    variants = VARIANTS[:1] if words or "--quick" in options else VARIANTS
    if "--checks" in options:
        variants = VARIANTS[:1]
    if not words:
        run_checks(tally)
    for name, folder, cmake_options, _ in variants:
        build_variant(tally, name, folder, cmake_options)
    if not words:
        check_symbols(tally)
    if "--checks" not in options:
        for name, folder, _, labels in variants:
            run_programs(tally, name, folder, labels, words)
        run_end_to_end(tally, words)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
