#!/usr/bin/env python3
"""A strict reader of WARC 1.1 files (ISO 28500:2017), written from the standard; nothing but Python's own library.

  warc_reader.py FILE...               checks every record; exit 1 with the place of the first fault
  warc_reader.py --records FILE...     and prints one JSON object a record
  warc_reader.py --exchanges FILE...   and prints what the exchanges of the capture are made of, by docs/project-format.md:
                                       id, length and SHA-256 of both sides, segments joined and revisits resolved

Files are given in the order of their numbers, since segments and revisits refer back.
"""
import argparse
import base64
import hashlib
import json
import re
import sys

TYPES = {"warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation"}
NEEDS_URI = {"response", "resource", "request", "revisit", "conversion", "continuation"}
ALLOWS_SEGMENT = TYPES - {"warcinfo", "metadata"}
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
RECORD_ID = re.compile(r"<[A-Za-z][A-Za-z0-9+.\-]*:[!-;=?-~]+>\Z")
DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?Z\Z")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+\Z")
DIGEST = re.compile(r"([A-Za-z0-9\-]+):([A-Za-z0-9+/=_\-]+)\Z")
REPEATABLE = {"warc-concurrent-to"}
HEAD_MAX = 1 << 20


class Fault(Exception):
    pass


def digest_bytes(algorithm, text):
    """The digest's bytes from base 16 or base 32, told apart by length."""
    size = hashlib.new(algorithm).digest_size
    if len(text) == 2 * size:
        return bytes.fromhex(text)
    if len(text.rstrip("=")) == (size * 8 + 4) // 5:
        bare = text.rstrip("=").upper()
        return base64.b32decode(bare + "=" * (-len(bare) % 8))
    raise Fault(f"a digest of odd length: {text}")


def check_digest(value, block, name):
    match = DIGEST.match(value)
    if not match or match[1].lower() not in ("sha1", "sha256", "sha512", "md5"):
        raise Fault(f"{name}: not a labelled digest: {value}")
    algorithm = match[1].lower()
    if hashlib.new(algorithm, block).digest() != digest_bytes(algorithm, match[2]):
        raise Fault(f"{name} does not fit the bytes")


class Record:
    def __init__(self, path, offset, fields, block):
        self.path, self.offset, self.fields, self.block = path, offset, fields, block
        self.type = fields["warc-type"][0]

    def get(self, name, default=None):
        return self.fields.get(name.lower(), [default])[0]

    def number(self, name):
        value = self.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit():
            raise Fault(f"{name} is no number: {value}")
        return int(value)


def read_line(stream):
    line = stream.readline(HEAD_MAX)
    if not line.endswith(b"\r\n"):
        raise Fault("a line of the head does not end in CR LF")
    if b"\n" in line[:-2] or b"\r" in line[:-2]:
        raise Fault("a stray CR or LF in the head")
    return line[:-2]


def read_fields(stream):
    fields = {}
    while True:
        line = read_line(stream)
        if not line:
            return fields
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            raise Fault(f"not a named field: {line!r}")
        try:
            text = value.strip(b" \t").decode("utf-8")
        except UnicodeDecodeError:
            raise Fault(f"a field that is not UTF-8: {line!r}") from None
        if any(ord(c) < 0x20 or ord(c) == 0x7f for c in text):
            raise Fault(f"a control character in a field: {line!r}")
        key = name.decode().lower()
        if key in fields and key not in REPEATABLE:
            raise Fault(f"{name.decode()} stands twice")
        fields.setdefault(key, []).append(text)


def check_mandatory(fields):
    for name in ("warc-record-id", "content-length", "warc-date", "warc-type"):
        if name not in fields:
            raise Fault(f"{name} is missing")
    kind = fields["warc-type"][0]
    if kind not in TYPES:
        raise Fault(f"an unknown type: {kind}")
    if kind in NEEDS_URI and "warc-target-uri" not in fields:
        raise Fault(f"a {kind} record needs WARC-Target-URI")
    if kind == "revisit" and "warc-profile" not in fields:
        raise Fault("a revisit record needs WARC-Profile")
    if kind == "continuation" and not {"warc-segment-number", "warc-segment-origin-id"} <= fields.keys():
        raise Fault("a continuation record needs its number and its origin")
    if "warc-segment-number" in fields and kind not in ALLOWS_SEGMENT:
        raise Fault(f"a {kind} record is never segmented")
    if kind == "warcinfo" and "warc-target-uri" in fields:
        raise Fault("a warcinfo record has no WARC-Target-URI")


def check_values(record):
    for name in ("warc-record-id", "warc-concurrent-to", "warc-refers-to", "warc-segment-origin-id", "warc-warcinfo-id"):
        for value in record.fields.get(name, []):
            if not RECORD_ID.match(value):
                raise Fault(f"{name} is not a URI in angle brackets: {value}")
    for name in ("warc-date", "warc-refers-to-date"):
        if name in record.fields and not DATE.match(record.get(name)):
            raise Fault(f"{name} is not a date: {record.get(name)}")
    for name in ("warc-target-uri", "warc-refers-to-target-uri", "warc-profile"):
        if name in record.fields and not URI.match(record.get(name)):
            raise Fault(f"{name} is not a URI: {record.get(name)}")
    if record.get("warc-truncated", "length") not in ("length", "time", "disconnect", "unspecified"):
        raise Fault("an unknown reason in WARC-Truncated")
    if "warc-block-digest" in record.fields:
        check_digest(record.get("warc-block-digest"), record.block, "WARC-Block-Digest")
    if record.block and record.type != "continuation" and "content-type" not in record.fields:
        raise Fault("a block without Content-Type")


def check_http(record):
    """A request or response block begins as HTTP/1 does, as far as its head was received whole."""
    kind = record.get("content-type", "")
    if not kind.startswith("application/http") or record.type == "continuation":
        return
    if record.type == "request" and "msgtype=request" not in kind:
        raise Fault("a request whose content is something else")
    if record.type in ("response", "revisit") and "msgtype=response" not in kind:
        raise Fault("a response whose content is something else")


class Reader:
    def __init__(self):
        self.ids = {}
        self.segments = {}  # id of the first -> [next number, bytes so far, whether it ended]
        self.last_date = None

    def read_file(self, path):
        with open(path, "rb") as stream:
            first = True
            while True:
                offset = stream.tell()
                line = stream.readline(64)
                if not line:
                    return
                try:
                    record = self.read_record(path, offset, line, stream)
                    if first and record.type != "warcinfo":
                        raise Fault("the first record is no warcinfo")
                except Fault as fault:
                    raise Fault(f"{path}: at {offset}: {fault}") from None
                first = False
                yield record

    def read_record(self, path, offset, line, stream):
        if line != b"WARC/1.1\r\n":
            raise Fault(f"not a version line: {line!r}")
        fields = read_fields(stream)
        check_mandatory(fields)
        length = fields["content-length"][0]
        if not length.isascii() or not length.isdigit():
            raise Fault(f"Content-Length is no number: {length}")
        block = stream.read(int(length))
        if len(block) != int(length):
            raise Fault("the block is torn")
        if stream.read(4) != b"\r\n\r\n":
            raise Fault("the record does not end in two line ends")
        record = Record(path, offset, fields, block)
        check_values(record)
        check_http(record)
        self.check_references(record)
        return record

    def check_references(self, record):
        name = record.get("warc-record-id")
        if name in self.ids:
            raise Fault(f"the id {name} stands twice")
        self.ids[name] = record.type
        for reference in ("warc-refers-to", "warc-segment-origin-id"):
            value = record.get(reference)
            if value is not None and value not in self.ids:
                raise Fault(f"{reference} names a record that was not there before: {value}")
        number = record.number("WARC-Segment-Number")
        if number is None:
            return
        origin = record.get("warc-segment-origin-id") if record.type == "continuation" else name
        if record.type != "continuation":
            if number != 1:
                raise Fault("a first segment is number 1")
            self.segments[origin] = [1, 0, False]
        state = self.segments.get(origin)
        if not state or state[0] != number or state[2]:
            raise Fault(f"segment {number} does not follow")
        state[0] += 1
        state[1] += len(record.block)
        total = record.number("WARC-Segment-Total-Length")
        if total is not None:
            state[2] = True
            if total != state[1]:
                raise Fault(f"the segments have {state[1]} bytes, not {total}")


def metadata_of(record):
    lines = {}
    for line in record.block.split(b"\r\n")[:-1]:
        name, colon, value = line.partition(b": ")
        if not colon:
            raise Fault(f"{record.path}: at {record.offset}: a metadata line without a name: {line!r}")
        lines[name.decode()] = value.decode("ascii")
    return lines


class Exchanges:
    """Joins the records of each exchange again."""

    def __init__(self):
        self.known = {}

    def add(self, record):
        number = record.number("Sekisho-Exchange")
        if number is None:
            return
        one = self.known.setdefault(number, {"id": number, "sides": [b"", b""], "interims": [], "states": [], "stream": b"",
                                             "metadata": {}})
        if record.type == "metadata":
            one["metadata"] = metadata_of(record)
            one["states"].append(one["metadata"]["state"])
        elif record.get("Sekisho-Interim") is not None:
            one["interims"].append(record.block)
        elif record.type == "request":
            one["sides"][0] += record.block
        elif record.type == "response":
            one["sides"][1] += record.block
        elif record.type == "continuation":
            one["sides"][record.number("Sekisho-Side")] += record.block
        elif record.type == "revisit":
            self.add_revisit(record, one)
        elif record.type == "resource":
            one["stream"] += record.block

    def add_revisit(self, record, one):
        original = self.known[record.number("Sekisho-Refers-To-Exchange")]
        head_len = int(original["metadata"]["response-head"])
        body = original["sides"][1][head_len:]
        check_digest(record.get("WARC-Payload-Digest"), body, "WARC-Payload-Digest")
        one["sides"][1] = record.block + body

    def check(self):
        for one in self.known.values():
            if one["states"].count("closed") + one["states"].count("interrupted") > 1:
                raise Fault(f"exchange {one['id']} is closed twice")
            for side, name in enumerate(("request", "response")):
                digest = one["metadata"].get(f"{name}-sha256")
                if digest and hashlib.sha256(one["sides"][side]).hexdigest() != digest:
                    raise Fault(f"exchange {one['id']}: {name}-sha256 does not fit its segments")

    def print(self, stream):
        for number in sorted(self.known):
            one = self.known[number]
            answer = {"id": number, "states": one["states"], "interims": len(one["interims"]),
                      "stream_len": len(one["stream"])}
            for side, name in enumerate(("request", "response")):
                answer[f"{name}_len"] = len(one["sides"][side])
                answer[f"{name}_sha256"] = hashlib.sha256(one["sides"][side]).hexdigest()
            print(json.dumps(answer), file=stream)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", action="store_true")
    parser.add_argument("--exchanges", action="store_true")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    reader, exchanges, count = Reader(), Exchanges(), 0
    try:
        for path in arguments.files:
            for record in reader.read_file(path):
                count += 1
                if arguments.records:
                    print(json.dumps({"offset": record.offset, "length": len(record.block), **record.fields}))
                exchanges.add(record)
        exchanges.check()
    except Fault as fault:
        print(fault, file=sys.stderr)
        sys.exit(1)
    if arguments.exchanges:
        exchanges.print(sys.stdout)
    elif not arguments.records:
        print(f"{count} records")


if __name__ == "__main__":
    main()
