#!/usr/bin/env python3
"""Fails on calls and forms that C here does without: unbounded or unchecked library calls, typedefs of structs,
'#if 0', '//' comments, '#pragma once', and names that say nothing (ctx, data, info, tmp, mgr, util).

A call that is really needed carries a comment on its line or directly above: /* ALLOWED: why */.
"""
import re

import sources

BANNED_CALLS = {
    "alloca": "an arena or a fixed array",
    "atof": "strtod with its end checked",
    "atoi": "str_to_u64 or strtol with its end checked",
    "atol": "str_to_u64 or strtol with its end checked",
    "atoll": "str_to_u64 or strtol with its end checked",
    "gets": "fgets",
    "mktemp": "mkstemp",
    "popen": "a process started without a shell",
    "scanf": "a parser",
    "sprintf": "snprintf",
    "sscanf": "a parser",
    "stpcpy": "memcpy with a checked length",
    "strcat": "memcpy with a checked length",
    "strcpy": "memcpy with a checked length",
    "strncat": "memcpy with a checked length",
    "strncpy": "memcpy with a checked length",
    "strtok": "str_* cutting functions",
    "strtok_r": "str_* cutting functions",
    "system": "a process started without a shell",
    "tmpnam": "mkstemp",
    "vsprintf": "vsnprintf",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED_CALLS) + r")\s*\(")
EMPTY_NAMES = "ctx data info tmp mgr util".split()
# A declaration's own name: what comes before ; = , ) [ after a type or a star.  Members of other libraries' structs are
# used as x->data or .data and so are not meant, nor are the tags of its structs; a tag of ours is, where it is defined.
EMPTY_NAME = re.compile(
    r"(?:\b[A-Za-z_]\w*\s+|\*)(?:\w+_)?(" + "|".join(EMPTY_NAMES) + r")(?:_\w+)?\s*(?=[;=,)\[])")
NOT_A_TYPE = ("return", "else", "goto", "case", "sizeof", "struct", "union", "enum")
EMPTY_TAG = re.compile(r"\b(?:struct|union|enum)\s+(?:\w+_)?(" + "|".join(EMPTY_NAMES) + r")(?:_\w+)?\s*\{")
FORMS = (
    (re.compile(r"\btypedef\s+(struct|union|enum)\b"), "typedef of a struct, union or enum"),
    (re.compile(r"^\s*#\s*if\s+0\b"), "#if 0"),
    (re.compile(r"^\s*#\s*pragma\s+once\b"), "#pragma once; use an include guard"),
)


def is_allowed(lines, number):
    reason = re.compile(r"/\* ALLOWED: *\S+ +\S+")
    return any(reason.search(line) for line in lines[max(number - 2, 0):number])


def empty_names(code):
    for match in EMPTY_NAME.finditer(code):
        before = re.match(r"\s*([A-Za-z_]\w*)", match.group())
        if not before or before[1] not in NOT_A_TYPE:
            yield match
    yield from EMPTY_TAG.finditer(code)


def check_line(findings, path, number, code):
    for call in CALL.finditer(code):
        findings.add(path, number, f"{call[1]}(): use {BANNED_CALLS[call[1]]}")
    for form, name in FORMS:
        if form.search(code):
            findings.add(path, number, name)
    for name in empty_names(code):
        findings.add(path, number, f"a name with '{name[1]}' in it says nothing: {name.group().strip()}")


def has_line_comment(text):
    """Numbers of lines with a // comment."""
    for match in sources.C_TOKENS.finditer(text):
        if match.group().startswith("//"):
            yield text.count("\n", 0, match.start()) + 1


def main():
    root = sources.root_from_arguments()
    findings = sources.Findings(root)
    for path in sources.c_files(root):
        findings.looked_at += 1
        text = path.read_text(errors="replace")
        lines = text.splitlines()
        for number, code in enumerate(sources.without_comments_and_strings(text).splitlines(), 1):
            if not is_allowed(lines, number):
                check_line(findings, path, number, code)
        for number in has_line_comment(text):
            findings.add(path, number, "a // comment; comments are /* */")
    findings.finish()


if __name__ == "__main__":
    main()
