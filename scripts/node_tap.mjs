// A reporter for Node's test runner that prints flat TAP: one line per test, none for the suites and files around them.
// A file without tests, or one that fails outside of its tests, gets a line that fails.
import path from "node:path";

const INDENT = "# ";

function commented(text) {
  return String(text)
    .split("\n")
    .map((line) => INDENT + line + "\n")
    .join("");
}

function explain(error) {
  const cause = error?.cause ?? error;
  return commented(cause?.stack ?? cause?.message ?? cause ?? "failed without a reason");
}

function fullName(titles) {
  const names = titles.map((title) => (path.isAbsolute(title) ? path.basename(title) : title));
  return names.join(" > ").replaceAll("#", "\\#").replaceAll("\n", " ");
}

export default async function* reporter(events) {
  const titles = []; // by nesting: the names of the tests that are running
  let deepest = -1; // nesting of the last finished test, to know which tests had tests inside
  let number = 0;

  for await (const { type, data } of events) {
    if (type === "test:start") {
      titles[data.nesting] = data.name;
      continue;
    }
    if (type === "test:stderr" || type === "test:stdout") {
      yield commented(data.message.trimEnd());
      continue;
    }
    if (type !== "test:pass" && type !== "test:fail") continue;

    const hadInner = deepest > data.nesting || data.details?.type === "suite";
    deepest = data.nesting;
    const passed = type === "test:pass";
    const error = data.details?.error;
    if (hadInner && (passed || error?.failureType === "subtestsFailed")) continue;

    titles[data.nesting] = data.name;
    const isFile = data.nesting === 0 && path.isAbsolute(data.name);
    number += 1;
    const line = `${number} - ${fullName(titles.slice(0, data.nesting + 1))}`;
    if (data.skip !== undefined) yield `ok ${line} # SKIP ${data.skip === true ? "" : data.skip}\n`;
    else if (data.todo !== undefined) yield `ok ${line} # SKIP to do: ${data.todo === true ? "" : data.todo}\n`;
    else if (passed && isFile) yield `not ok ${line}\n${commented("the file has no tests")}`;
    else if (passed) yield `ok ${line}\n`;
    else yield `not ok ${line}\n${explain(error)}`;
  }
  yield `1..${number}\n`;
}
