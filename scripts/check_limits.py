#!/usr/bin/env python3
"""Fails on C that is larger than the house's limits: functions of 60 lines, files of 800, lines of 120 columns,
5 parameters, 3 levels of nesting.

An exception says why, in a comment: /* LIMIT: a table of 70 status codes */ - for a function inside it or directly
above, for a line on it or directly above; in the file's first comment for the file's length and all its lines.
"""
import json
import re
import subprocess
import sys

import sources

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 800
LINE_COLUMNS_MAX = 120
PARAMETERS_MAX = 5
NESTING_MAX = 3

TOKEN = re.compile(r"[A-Za-z_]\w*|[{}();]|[^\s\w]")
CONTROLS = {"if", "for", "while", "switch"}


def ctags_of(path):
    """The functions and prototypes of a file, as universal-ctags sees them."""
    command = ["ctags", "--quiet", "--options=NONE", "--language-force=C", "--kinds-C=fp", "--fields=+neKS",
               "--output-format=json", "-f", "-", str(path)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def parameter_count(signature):
    """Commas of a parameter list that lie in no inner parentheses, plus one."""
    inner = signature.strip()[1:-1].strip()
    if inner in ("", "void"):
        return 0
    depth, count = 0, 1
    for char in inner:
        depth += (char in "([") - (char in ")]")
        count += char == "," and depth == 0
    return count


class Nesting:
    """Finds the deepest control statement in a function's body. else-if continues its if; case adds nothing."""

    def __init__(self, body):
        self.tokens = TOKEN.findall(body)
        self.at = 0
        self.deepest = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def skip_group(self, opening, closing):
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token == opening) - (token == closing)
            if depth == 0:
                return

    def block(self, depth):
        self.at += 1
        while self.at < len(self.tokens) and self.peek() != "}":
            self.statement(depth)
        self.at += 1

    def controlled(self, depth):
        self.deepest = max(self.deepest, depth)
        self.statement(depth)

    def statement(self, depth):
        token = self.peek()
        if token == "{":
            self.block(depth)
        elif token in CONTROLS:
            self.at += 1
            self.skip_group("(", ")")
            self.controlled(depth + 1)
            if token == "if":
                self.alternative(depth)
        elif token == "do":
            self.at += 1
            self.controlled(depth + 1)
            self.simple(depth)
        elif token in ("case", "default"):
            while self.at < len(self.tokens) and self.peek() != ":":
                self.at += 1
            self.at += 1
        else:
            self.simple(depth)

    def alternative(self, depth):
        if self.peek() != "else":
            return
        self.at += 1
        if self.peek() == "if":
            self.statement(depth)
        else:
            self.controlled(depth + 1)

    def simple(self, depth):
        """Up to the semicolon; an initializer's braces are skipped, a block after name(...) is a loop macro's."""
        after_group = False
        while self.at < len(self.tokens):
            token = self.peek()
            if token == "(":
                self.skip_group("(", ")")
                after_group = True
                continue
            if token == "{" and after_group:
                self.controlled(depth + 1)
                return
            if token == "{":
                self.skip_group("{", "}")
                continue
            if token == "}":
                return
            self.at += 1
            after_group = False
            if token == ";":
                return


def nesting_of(body):
    """Depth of the deepest control statement of a body that starts at its brace."""
    parser = Nesting(body)
    parser.block(0)
    return parser.deepest


def check_function(findings, path, lines, code, tag):
    first, last = tag["line"], tag.get("end", tag["line"])
    if sources.limit_reason(lines, first, last):
        return
    parameters = parameter_count(tag.get("signature", "()"))
    if parameters > PARAMETERS_MAX:
        findings.add(path, first, f"{tag['name']} has {parameters} parameters, at most {PARAMETERS_MAX}")
    if tag["kind"] != "function":
        return
    if last - first + 1 > FUNCTION_LINES_MAX:
        findings.add(path, first, f"{tag['name']} has {last - first + 1} lines, at most {FUNCTION_LINES_MAX}")
    body = "\n".join(line for line in code[first - 1:last] if not line.lstrip().startswith("#"))
    if "{" in body:
        depth = nesting_of(body[body.index("{"):])
        if depth > NESTING_MAX:
            findings.add(path, first, f"{tag['name']} nests {depth} deep, at most {NESTING_MAX}")


def first_comment_end(lines):
    """Number of the last line of the comment that the file starts with, 0 without one."""
    if not lines or not lines[0].startswith("/*"):
        return 0
    return next((number for number, line in enumerate(lines, 1) if "*/" in line), 0)


def check_sizes(findings, path, lines):
    if len(lines) > FILE_LINES_MAX:
        findings.add(path, 1, f"{len(lines)} lines, at most {FILE_LINES_MAX}")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX and not sources.limit_reason(lines, number, number):
            findings.add(path, number, f"{len(line)} columns, at most {LINE_COLUMNS_MAX}")


def check_file(findings, path):
    text = path.read_text(errors="replace")
    lines = text.splitlines()
    code = sources.without_comments_and_strings(text).splitlines()
    if not sources.limit_reason(lines, 1, first_comment_end(lines)):
        check_sizes(findings, path, lines)
    for tag in ctags_of(path):
        check_function(findings, path, lines, code, tag)


def main():
    root = sources.root_from_arguments()
    findings = sources.Findings(root)
    for path in sources.c_files(root):
        findings.looked_at += 1
        check_file(findings, path)
    findings.finish()


if __name__ == "__main__":
    main()
