#!/usr/bin/env python3
"""Tests the checks themselves: each must pass a good tree and fail a tree with one bad sample in it.

Prints TAP. A check that cannot fail would be worth nothing, so every rule of every check has a sample here.
"""
import pathlib
import subprocess
import sys
import tempfile

SCRIPTS = pathlib.Path(__file__).resolve().parent

GOOD_HEADER = """/* door.h - a door. */
#ifndef BASE_DOOR_H
#define BASE_DOOR_H

struct door {
    int knocks;
};

int door_open(struct door *door);

#endif
"""
GOOD_SOURCE = """#include "base/door.h"

int door_open(struct door *door)
{
    for (int i = 0; i < 3; i++) {
        if (door->knocks > i) {
            while (door->knocks < 9)
                door->knocks++;
        } else if (door->knocks == 0) {
            door->knocks = 1;
        }
    }
    return door->knocks; /* the data of a util: strcpy() in a comment is no call */
}
"""
GOOD_TREE = {"LAYERS": "base:\nos: base\napp: *\n", "src/base/door.h": GOOD_HEADER, "src/base/door.c": GOOD_SOURCE}


def function(body, name="door_use", parameters="void"):
    return f"int {name}({parameters})\n{{\n{body}\n    return 0;\n}}\n"


NESTED = "    if (a)\n        for (;;)\n            while (b)\n                if (c)\n                    d();"
NESTED_ELSE = "    if (a) {\n    } else {\n        for (;;) {\n            if (b) {\n" \
    "                switch (c) {\n                case 1: break;\n                }\n            }\n        }\n    }"
NESTED_MACRO = "    list_each(a, b) {\n        list_each(c, d) {\n            if (e) {\n" \
    "                if (f)\n                    g();\n            }\n        }\n    }"
NESTED_THREE = "    if (a) {\n    } else if (b) {\n        for (;;) {\n            if (c)\n                d();\n" \
    "        }\n    }"
LONG = "    a();\n" * 58
SIX = "int a, int b, int c, int d, int e, int f"

# check, what is wrong, the bad file, what it holds, what the finding must say.
BAD = (
    ("layers", "an upward include", "src/base/up.c", '#include "os/loop.h"\n', "base may not include os"),
    ("layers", "an indented include", "src/base/up.c", '#  include "os/loop.h"\n', "base may not include os"),
    ("layers", "a relative include", "src/base/up.c", '#include "../os/loop.h"\n', "is not written from src/"),
    ("layers", "an include without area", "src/base/up.c", '#include "door.h"\n', "is not written from src/"),
    ("layers", "an unknown area", "src/attic/box.c", "int attic_box;\n", "LAYERS has no area 'attic'"),
    ("limits", "a function of 61 lines", "src/base/a.c", function(LONG[:-1]), "has 62 lines"),
    ("limits", "a file of 801 lines", "src/base/a.c", "int a;\n" * 801, "801 lines, at most 800"),
    ("limits", "a line of 121 columns", "src/base/a.c", "/* " + "x" * 115 + " */\n", "121 columns"),
    ("limits", "six parameters", "src/base/a.c", function("", parameters=SIX), "6 parameters"),
    ("limits", "six parameters of a prototype", "src/base/a.h", f"int a({SIX});\n", "6 parameters"),
    ("limits", "a nesting of four without braces", "src/base/a.c", function(NESTED), "nests 4 deep"),
    ("limits", "a nesting of four in an else", "src/base/a.c", function(NESTED_ELSE), "nests 4 deep"),
    ("limits", "a nesting of four in loop macros", "src/base/a.c", function(NESTED_MACRO), "nests 4 deep"),
    ("limits", "a LIMIT without reason", "src/base/a.c", "/* LIMIT: */\n" + function(LONG), "has 63 lines"),
    ("limits", "a LIMIT for a function, and a long line elsewhere", "src/base/a.c",
     "int a;\n/* LIMIT: a table of states. */\nint b;\n\n/* " + "x" * 115 + " */\n", "121 columns"),
    ("words", "strcpy", "src/base/a.c", function("    strcpy(a, b);"), "strcpy()"),
    ("words", "sprintf with a space", "src/base/a.c", function("    sprintf (a, b);"), "sprintf()"),
    ("words", "atoi", "src/base/a.c", function("    a = atoi(b);"), "atoi()"),
    ("words", "strtok", "src/base/a.c", function("    a = strtok(b, c);"), "strtok()"),
    ("words", "gets", "tests/unit/base/test_a.c", function("    gets(a);"), "gets()"),
    ("words", "system", "src/base/a.c", function("    system(a);"), "system()"),
    ("words", "a typedef of a struct", "src/base/a.h", "typedef struct a { int b; } a;\n", "typedef of a struct"),
    ("words", "#if 0", "src/base/a.c", "#if 0\n#endif\n", "#if 0"),
    ("words", "a // comment", "src/base/a.c", "int a; // b\n", "a // comment"),
    ("words", "a variable called data", "src/base/a.c", function("    char *data = a;"), "says nothing"),
    ("words", "a parameter called conn_ctx", "src/base/a.h", "int a(void *conn_ctx);\n", "says nothing"),
    ("words", "a function called util", "src/base/a.h", "struct b *base_util(void);\nint tmp;\n", "says nothing"),
    ("words", "a struct called door_ctx", "src/base/a.h", "struct door_ctx {\n    int a;\n};\n", "says nothing"),
    ("text", "a tab", "src/base/a.c", "int\ta;\n", "tab"),
    ("text", "a blank at the end", "docs/a.md", "a \n", "blank at the end"),
    ("text", "a carriage return", "src/base/a.c", "int a;\r\n", "carriage return"),
    ("text", "no newline at the end", "src/base/a.c", "int a;", "no newline"),
    ("text", "Latin-1", "src/base/a.c", b"/* \xe9 */\n", "not UTF-8"),
    ("headers", "a header that needs another", "src/base/a.h",
     "#ifndef BASE_A_H\n#define BASE_A_H\nsize_t a(void);\n#endif\n", "does not compile on its own"),
    ("headers", "a wrong guard", "src/base/a.h", "#ifndef A_H\n#define A_H\n#endif\n", "not guarded by BASE_A_H"),
    ("format", "a brace on the wrong line", "src/base/a.c", "int a(void) {\n    b();\n    return 0;\n}\n",
     "should be clang-formatted"),
)

# check, why it is fine, the file, what it holds.
FINE = (
    ("limits", "a function of 60 lines", "src/base/a.c", function(LONG[:-len("    a();\n") * 2 - 1])),
    ("limits", "a long function with its reason", "src/base/a.c",
     "/* LIMIT: one table of all states. */\n" + function(LONG)),
    ("limits", "a long table with its reason", "src/base/a.c",
     "/* a.c - a table.\n *\n * LIMIT: one row per line. */\n" + "int " + "a" * 120 + ";\n" * 801),
    ("limits", "a file of 800 lines", "src/base/a.c", "int a;\n" * 800),
    ("limits", "five parameters, one a callback", "src/base/a.h",
     "int a(int b, int c, int d, int e, int (*f)(int, int));\n"),
    ("limits", "a nesting of three in an else-if", "src/base/a.c",
     function(NESTED_THREE)),
    ("words", "a banned call with its reason", "src/base/a.c",
     function("    /* ALLOWED: a fixed command, no input */\n    system(a);")),
    ("words", "another library's member called data", "src/base/a.c", function("    handle->data = owner;")),
    ("words", "the tag of another library's struct", "src/base/a.h", "struct x509_store_ctx_st;\n"),
    ("words", "an address with // in a string", "src/base/a.c", 'const char *a = "http://b/";\n'),
)

# module, a name that it exports, and the exit status that this must give.
SYMBOLS = (
    ("base/door", "door_open", 0),
    ("base/door", "door", 0),
    ("base/door", "doors_open", 1),
    ("base/door", "base_door_open", 1),
    ("base/door", "open_door", 1),
    ("os/file", "os_file_open", 0),
    ("os/file", "file_open", 1),
    ("os/file_linux", "os_file_open", 0),
    ("check/rules/put", "check_rules_put_run", 0),
    ("check/rules/put", "check_put_run", 1),
    ("proxy/proxy", "proxy_open", 0),
    ("proxy/conn", "proxy_open", 1),
)


def write_tree(root, tree):
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (root / ".clang-format").write_bytes((SCRIPTS.parent / ".clang-format").read_bytes())


def run(check, argument):
    command = [sys.executable, str(SCRIPTS / f"check_{check}.py"), str(argument)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def run_on_tree(check, extra):
    with tempfile.TemporaryDirectory() as folder:
        write_tree(pathlib.Path(folder), {**GOOD_TREE, **extra})
        return run(check, folder)


def run_symbols(module, name):
    """Compiles src/<module>.c with one exported name, as CMake lays objects out, and checks the symbols."""
    with tempfile.TemporaryDirectory() as folder:
        area = module.partition("/")[0]
        target = pathlib.Path(folder) / f"CMakeFiles/sekisho_{area}.dir/src/{module}.c.o"
        target.parent.mkdir(parents=True)
        subprocess.run(["cc", "-c", "-xc", "-", "-o", str(target)], input=f"int {name};\n", text=True, check=True)
        return run("symbols", folder)


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = False

    def case(self, name, passed, output):
        self.number += 1
        print(f"{'ok' if passed else 'not ok'} {self.number} - {name}")
        if not passed:
            self.failed = True
            print("\n".join("# " + line for line in output.splitlines()))

    def skipped(self, name, why):
        self.number += 1
        print(f"ok {self.number} - {name} # SKIP {why.strip()}")


def run_cases(tap):
    for check in ("layers", "limits", "words", "text", "headers", "format"):
        status, output = run_on_tree(check, {})
        if status == 77:
            tap.skipped(f"{check} passes a good tree", output)
        else:
            tap.case(f"{check} passes a good tree", status == 0, output)
        with tempfile.TemporaryDirectory() as empty:
            (pathlib.Path(empty) / "LAYERS").touch()
            status, output = run(check, empty)
            if check != "text":
                tap.case(f"{check} fails on no files at all", status != 0, output)
    for check, name, path, content, expected in BAD:
        status, output = run_on_tree(check, {path: content})
        if status == 77:
            tap.skipped(f"{check} finds {name}", output)
        else:
            tap.case(f"{check} finds {name}", status == 1 and f"{path}:" in output and expected in output, output)
    for check, name, path, content in FINE:
        status, output = run_on_tree(check, {path: content})
        tap.case(f"{check} lets {name} pass", status == 0, output)


def run_symbol_cases(tap):
    for module, name, expected in SYMBOLS:
        status, output = run_symbols(module, name)
        tap.case(f"symbols {'refuses' if expected else 'accepts'} {name} of {module}", status == expected, output)
    with tempfile.TemporaryDirectory() as empty:
        status, output = run("symbols", empty)
        tap.case("symbols fails on no objects at all", status != 0, output)


def main():
    tap = Tap()
    run_cases(tap)
    run_symbol_cases(tap)
    print(f"1..{tap.number}")
    sys.exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
