// The commands, as a person and a script use them: while the proxy runs, and without it.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { atEnd } from "./lib/cleanup.mjs";
import { curl } from "./lib/curl.mjs";
import { connect, httpOrigin, httpsOrigin, rawOrigin, scriptedOrigin } from "./lib/origin.mjs";
import { sharedPki } from "./lib/pki.mjs";
import { cleanEnvironment, run, which } from "./lib/process.mjs";
import { command, program, start, temporaryFolder } from "./lib/sekisho.mjs";
import { eventually, within } from "./lib/wait.mjs";
import { spawn } from "node:child_process";

const home = (t) => path.join(temporaryFolder(t), ".sekisho");

// One line, with the program's name, that ends no sentence in the middle.
function assertOneLine(text, pattern) {
  assert.match(text, /^sekisho: [^\n]+\n$/);
  assert.match(text, pattern);
}

async function recordSome(t, count = 3) {
  const sekisho = await start(t);
  const origin = await httpOrigin(t, (request, response) => {
    response.statusCode = request.url === "/missing" ? 404 : 200;
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<title>page</title>you asked for ${request.url}`);
  });
  for (let i = 0; i < count; i++) await curl(sekisho, [`http://127.0.0.1:${origin.port}/${i === 1 ? "missing" : i}`]);
  await sekisho.rows(count);
  return { sekisho, origin };
}

describe("usage", () => {
  test("help and version work whatever the settings are", async (t) => {
    const dir = home(t);
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(path.join(dir, "sekisho.conf"), "nonsense\n");
    for (const words of [["help"], ["--help"], ["-h"]]) {
      const { code, out } = await command(dir, ...words);
      assert.equal(code, 0);
      assert.match(out.toString(), /commands:\n/);
    }
    for (const words of [["version"], ["--version"], ["-V"]]) {
      const { code, out } = await command(dir, ...words);
      assert.equal(code, 0);
      assert.match(out.toString(), /^sekisho \d+\.\d+/);
    }
    const { out } = await command(dir, "help", "run");
    assert.match(out.toString(), /--listen ADDR:PORT .*\(127\.0\.0\.1:8080\)/);
    assert.match((await command(dir, "log", "--help")).out.toString(), /--follow/);
  });

  test("mistakes end with status 2 and name what is nearest", async (t) => {
    const dir = home(t);
    const mistakes = [
      [["lgo"], /no command 'lgo'; did you mean 'log'\?/],
      [["log", "--limt", "3"], /--limt here; did you mean --limit\?/],
      [["log", "--listen", "127.0.0.1:1"], /belongs to `sekisho run`/],
      [["log", "--limit", "many"], /--limit needs a number/],
      [["log", "--columns", "id,stauts"], /did you mean 'status'\?/],
      [["log", "stauts = 200"], /line 1, column 1: .*status/],
      [["show", "x"], /an id is a number/],
      [["show", "1", "--raw", "--body"], /choose one/],
      [["--listne", "x"], /did you mean --listen/],
      [["--listen", "nowhere"], /--listen: 'nowhere' is not an address/],
      [["--connect-timeout", "30"], /--connect-timeout: '30' is not a duration/],
      [["--mode", "socks5", "--mode", "regular"], /mode: two modes share the port of --listen/],
      [["project"], /usage: sekisho project/],
      [["project", "delete"], /usage: sekisho project/],
      [["trust", "a b"], /is not HOST or HOST:PORT/],
      [["completion", "tcsh"], /bash, zsh and fish/],
    ];
    for (const [words, pattern] of mistakes) {
      const { code, out, err } = await command(dir, ...words);
      assert.equal(code, 2, `${words.join(" ")}: ${err}`);
      assert.equal(out.length, 0, words.join(" "));
      assertOneLine(err, pattern);
    }
  });

  test("settings come from the line, the environment and the file, in this order", async (t) => {
    const dir = home(t);
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(path.join(dir, "sekisho.conf"), "# settings\nproject = from-file\nlog = 1\n");
    assertOneLine((await command(dir, "log")).err, /sekisho\.conf:3: there is no option 'log'/);
    fs.writeFileSync(path.join(dir, "sekisho.conf"), "project = from-file\n");
    const ask = async (args, env) => (await run(program, ["--dir", dir, "project", "list", ...args], { env: cleanEnvironment(env) })).out;
    for (const name of ["from-file", "from-env", "from-line"]) assert.equal((await command(dir, "project", "new", name)).code, 0);
    assert.match((await ask([], {})).toString(), /^from-file \*\t/m);
    assert.match((await ask([], { SEKISHO_PROJECT: "from-env" })).toString(), /^from-env \*\t/m);
    assert.match((await ask(["--project", "from-line"], { SEKISHO_PROJECT: "from-env" })).toString(), /^from-line \*\t/m);
    const wrong = await run(program, ["--dir", dir, "log"], { env: cleanEnvironment({ SEKISHO_PROJEKT: "x" }) });
    assertOneLine(wrong.err, /SEKISHO_PROJEKT: there is no option 'projekt'; did you mean 'project'\?/);
  });

  test("a settings file that is none is refused at once, whatever its size", async (t) => {
    const dir = home(t);
    fs.mkdirSync(dir, { recursive: true });
    const file = path.join(dir, "sekisho.conf");
    const cases = [
      [(fd) => fs.ftruncateSync(fd, 100 * 1024 * 1024), /sekisho\.conf: larger than 1 MB/],
      [(fd) => fs.writeSync(fd, "project = a\xff\n", 0, "latin1"), /sekisho\.conf:1: project: .*not UTF-8/],
      [(fd) => fs.writeSync(fd, "\n\x00\x01\x02"), /sekisho\.conf:2: there is a NUL byte/],
      [(fd) => fs.writeSync(fd, `${"[".repeat(100000)}`), /sekisho\.conf:1: a line is/],
      [(fd) => fs.writeSync(fd, "pass = a.example\n".repeat(1001)), /sekisho\.conf:1001: pass: .*one value too many/],
    ];
    for (const [write, pattern] of cases) {
      const fd = fs.openSync(file, "w");
      write(fd);
      fs.closeSync(fd);
      const { code, err } = await command(dir, "log");
      assert.equal(code, 2, err);
      assertOneLine(err, pattern);
    }
    fs.rmSync(file);
    fs.mkdirSync(file);
    assert.equal((await command(dir, "log")).code, 2);
  });

  test("completion scripts are right for their shells and know every option", async (t) => {
    const dir = home(t);
    const options = [...(await command(dir, "help", "run")).out.toString().matchAll(/^ {2}--([a-z0-9-]+)/gm)].map((found) => found[1]);
    assert.ok(options.length > 30);
    for (const shell of ["bash", "zsh", "fish"]) {
      const { out } = await command(dir, "completion", shell);
      for (const option of options) {
        assert.ok(out.includes(shell === "fish" ? `-l ${option} ` : `--${option}`), `${shell}: ${option}`);
      }
      if (!which(shell)) continue; // read by eye only where the shell is missing; bash always is there
      const checked = await run(shell, ["-n"], { input: out });
      assert.equal(checked.code, 0, checked.err);
    }
    const script = (await command(dir, "completion", "bash")).out;
    const completed = async (...words) => {
      const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _sekisho; echo "\${COMPREPLY[*]}"`;
      return (await run("bash", ["-c", `${script}\n${ask}`])).out.toString().trim();
    };
    assert.equal(await completed("sekisho", "comp"), "completion");
    assert.equal(await completed("sekisho", "log", "--fo"), "--follow");
    assert.equal(await completed("sekisho", "ca", "ex"), "export");
    assert.equal(await completed("sekisho", "--listen", "--connect-t"), "--connect-timeout");
  });
});

describe("before anything was recorded", () => {
  test("commands say so in one line, with status 1", async (t) => {
    const dir = home(t);
    const cases = [
      [["log"], /nothing has been recorded in .* yet; start the proxy/],
      [["show", "1"], /nothing has been recorded/],
      [["url"], /no sekisho runs on .*; start it/],
      [["browser"], /no sekisho runs on/],
      [["project", "rename", "a", "b"], /there is no 'a'/],
      [["project", "delete", "a", "--yes"], /there is no 'a'/],
      [["project", "reindex"], /there is no 'default'/],
    ];
    for (const [words, pattern] of cases) {
      const { code, err } = await command(dir, ...words);
      assert.equal(code, 1, `${words.join(" ")}: ${err}`);
      assertOneLine(err, pattern);
    }
  });

  test("names of projects cannot leave their folder", async (t) => {
    const dir = home(t);
    const names = ["../x", "/etc", "..\\x", "CON", "a".repeat(65), "a\nb", "-x/..", ".hidden", "a/b", "%2e%2e", ":memory:", ""];
    for (const name of names) {
      for (const words of [["project", "new", "--", name], [`--project=${name}`, "log"], ["project", "delete", "--yes", "--", name]]) {
        const { code, err } = await command(dir, ...words);
        assert.notEqual(code, 0, `${JSON.stringify(words)}: ${err}`);
        assert.doesNotMatch(err.slice(0, -1), /[\x00-\x1f]/);
      }
    }
    assert.deepEqual(fs.existsSync(path.join(dir, "projects")) ? fs.readdirSync(path.join(dir, "projects")) : [], []);
  });
});

describe("log", () => {
  test("prints the newest last, exact with tabs when piped, objects with --json", async (t) => {
    const { sekisho, origin } = await recordSome(t);
    const rows = await sekisho.log();
    assert.deepEqual(rows.map((row) => row.path), ["/0", "/missing", "/2"]);
    const keys = ["id", "at", "source", "method", "scheme", "host", "port", "path", "query", "url", "client_proto", "origin_proto",
      "status", "type", "req_len", "res_len", "time_us", "first_byte_us", "error", "flags"];
    for (const key of keys) assert.ok(key in rows[0], key);
    const table = (await sekisho.must("log", "--columns", "id,status,url")).toString();
    assert.equal(table, rows.map((row) => `${row.id}\t${row.status}\t${row.url}\n`).join(""));
    assert.equal((await sekisho.must("log", "--limit", "1", "--columns", "path")).toString(), "/2\n");
    assert.equal((await sekisho.must("log", "status = 404", "--columns", "url")).toString(), `http://127.0.0.1:${origin.port}/missing\n`);
    assert.equal((await sekisho.must("log", "--count")).toString(), "3\n");
    assert.deepEqual(JSON.parse(await sekisho.must("log", "asked", "--count", "--json")), { count: 3 });
  });

  test("fits a table to the terminal, with colours unless NO_COLOR is set", async (t) => {
    const { sekisho } = await recordSome(t, 1);
    const onTerminal = (env) =>
      run("script", ["-qec", `stty cols 70; ${program} --dir ${sekisho.dir} log`, "/dev/null"], { env: cleanEnvironment({ TERM: "xterm", ...env }) });
    const plain = (await onTerminal({ NO_COLOR: "1" })).out.toString().replaceAll("\r", "");
    const lines = plain.trimEnd().split("\n");
    assert.equal(lines.length, 2, plain);
    assert.match(lines[0], /^ +id at +method +status +url +size +time$/);
    for (const line of lines) assert.equal([...line].length, 70, line);
    assert.doesNotMatch(plain, /\x1b/);
    const coloured = (await onTerminal({ NO_COLOR: "" })).out.toString();
    assert.match(coloured, /\x1b\[32m200/);
  });

  test("--follow prints what comes, each once, while the proxy runs", async (t) => {
    const { sekisho, origin } = await recordSome(t, 1);
    const child = spawn(program, ["--dir", sekisho.dir, "log", "path : /x OR path = /0", "--follow", "--columns", "path"], { env: cleanEnvironment() });
    atEnd(t, () => child.kill());
    let printed = "";
    child.stdout.on("data", (bytes) => (printed += bytes));
    await eventually("what was there", () => printed === "/0\n");
    await Promise.all([...Array(50).keys()].map((i) => curl(sekisho, [`http://127.0.0.1:${origin.port}/${i % 2 ? "x" : "y"}${i}`])));
    await eventually("25 more", () => printed.split("\n").length - 1 >= 26);
    const lines = printed.trim().split("\n");
    assert.equal(new Set(lines).size, lines.length);
    assert.deepEqual(lines.slice(1).sort(), [...Array(25).keys()].map((i) => `/x${2 * i + 1}`).sort());
  });

  test("--follow tells a slow answer that quicker ones overtook", async (t) => {
    const { sekisho, origin } = await recordSome(t, 1);
    const slow = await scriptedOrigin(t);
    const child = spawn(program, ["--dir", sekisho.dir, "log", "--follow", "--columns", "path"], { env: cleanEnvironment() });
    atEnd(t, () => child.kill());
    let printed = "";
    child.stdout.on("data", (bytes) => (printed += bytes));
    await eventually("what was there", () => printed === "/0\n");
    const waiting = curl(sekisho, [`http://127.0.0.1:${slow.port}/slow`]);
    const peer = await slow.next();
    await peer.until("\r\n\r\n");
    await curl(sekisho, [`http://127.0.0.1:${origin.port}/quick`]);
    await eventually("the quick one", () => printed.includes("/quick\n"));
    assert.equal(printed, "/0\n/quick\n");
    await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    await waiting;
    await eventually("the slow one", () => printed === "/0\n/quick\n/slow\n");
  });

  test("works without the proxy, and after it was killed", async (t) => {
    const { sekisho } = await recordSome(t, 3);
    sekisho.mayFail = true;
    const rows = await sekisho.log();
    await sekisho.stop("SIGKILL");
    assert.deepEqual(await sekisho.log(), rows);
    assert.equal((await sekisho.must("show", String(rows[1].id), "--response", "--body")).toString(), "<title>page</title>you asked for /missing");
    const { code, err } = await sekisho.run("url");
    assert.equal(code, 1);
    assertOneLine(err, /no sekisho runs/);
  });

  test("captured bytes cannot drive the terminal or forge a line", async (t) => {
    const sekisho = await start(t);
    const origin = await rawOrigin(t, (socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 \x1b[2Jfine\r\nX: \x1b]0;owned\x07\r\nContent-Type: te\x1bxt\r\nContent-Length: 10\r\n\r\n\x1b[31mred\n\n")),
    );
    const client = await connect(sekisho.proxyPort);
    await client.write(`GET http://127.0.0.1:${origin.port}/\x1b[2J%0a\xff HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\nEvil: \x1b[1m\r\n\r\n`);
    await client.toEnd();
    await eventually("the row", async () => (await sekisho.log()).length > 0);
    const [row] = await sekisho.log();
    for (const words of [["log"], ["log", "--json"], ["log", "--columns", "path,reason,type"], ["show", `${row.id}`], ["show", `${row.id}`, "--json"]]) {
      const text = (await sekisho.must(...words)).toString("latin1");
      assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f\x7f]/, words.join(" "));
    }
    const terminal = await run("script", ["-qec", `${program} --dir ${sekisho.dir} show ${row.id} --response --raw`, "/dev/null"]);
    assert.doesNotMatch(terminal.out.toString("latin1"), /\x1b/);
    assert.match((await sekisho.raw(row.id, "response")).toString("latin1"), /\x1b\[31mred\n\n$/);
  });
});

describe("show", () => {
  test("gives facts, heads and text for a person, exact bytes for a pipe, and an object", async (t) => {
    const { sekisho, origin } = await recordSome(t, 1);
    const [row] = await sekisho.log();
    const text = (await sekisho.must("show", `${row.id}`)).toString();
    assert.match(text, new RegExp(`^#${row.id} GET http://127\\.0\\.0\\.1:${origin.port}/0 -> 200 OK\n`));
    assert.match(text, /--- request: \d+ bytes/);
    assert.match(text, /\nyou|you asked for \/0\n/);
    const request = (await sekisho.must("show", `${row.id}`, "--request")).toString();
    assert.doesNotMatch(request, /--- response/);
    const hex = (await sekisho.must("show", `${row.id}`, "--request", "--hex")).toString();
    assert.match(hex, /^00000000 {2}47 45 54 20/);
    const object = JSON.parse(await sekisho.must("show", `${row.id}`, "--json"));
    assert.equal(object.id, row.id);
    assert.equal(object.request_head + "", (await sekisho.raw(row.id, "request")).toString());
    assert.match(object.response_head, /^HTTP\/1\.1 200 OK\r\n/);
    const absent = await sekisho.run("show", "999999");
    assert.equal(absent.code, 1);
    assertOneLine(absent.err, /there is no exchange 999999 in project 'default'/);
  });
});

describe("project", () => {
  test("is made, listed, renamed, recorded to, made anew and deleted", async (t) => {
    const dir = home(t);
    assert.equal((await command(dir, "project", "new", "one")).code, 0);
    assert.equal((await command(dir, "project", "new", "one")).code, 1);
    assert.equal((await command(dir, "project", "rename", "one", "two")).code, 0);
    const sekisho = await start(t, { dir, args: ["--project", "two"] });
    const origin = await httpOrigin(t, (_, response) => response.end("kept"));
    await curl(sekisho, [`http://127.0.0.1:${origin.port}/`]);
    const rows = await eventually("the row", async () => {
      const out = (await command(dir, "--project", "two", "log", "--json")).out.toString();
      return out.endsWith("}\n") ? out : null;
    });
    for (const words of [["rename", "two", "three"], ["delete", "two", "--yes"], ["reindex", "two"]]) {
      const { code, err } = await command(dir, "project", ...words);
      assert.equal(code, 1);
      assertOneLine(err, /'two' is in use by a running sekisho/);
    }
    await sekisho.stop();
    const reindexed = await command(dir, "project", "reindex", "two");
    assert.equal(reindexed.code, 0, reindexed.err);
    assert.equal((await command(dir, "--project", "two", "log", "--json")).out.toString(), rows);
    const asked = await command(dir, "project", "delete", "two");
    assert.equal(asked.code, 2);
    assertOneLine(asked.err, /add --yes/);
    assert.equal((await command(dir, "project", "delete", "two", "--yes")).code, 0);
    assert.deepEqual(fs.readdirSync(path.join(dir, "projects")), []);
  });
});

describe("ca", () => {
  test("is made once, shown, exported, and its key is private", async (t) => {
    const dir = home(t);
    const shown = await Promise.all([...Array(6)].map(() => command(dir, "ca", "show", "--json")));
    const objects = shown.map(({ code, out, err }) => (assert.equal(code, 0, err), JSON.parse(out)));
    assert.equal(new Set(objects.map((object) => object.sha256)).size, 1, "first starts at the same time make one CA");
    assert.equal(fs.statSync(path.join(dir, "ca.key")).mode & 0o777, 0o600);
    assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
    const pem = (await command(dir, "ca", "export")).out.toString();
    assert.equal(pem, fs.readFileSync(path.join(dir, "ca.pem"), "utf8"));
    assert.doesNotMatch(pem, /PRIVATE/);
    const file = path.join(dir, "exported.der");
    assert.equal((await command(dir, "ca", "export", file, "--der")).code, 0);
    const seen = await run("openssl", ["x509", "-inform", "DER", "-in", file, "-noout", "-fingerprint", "-sha256"]);
    assert.ok(seen.out.toString().includes(objects[0].sha256), seen.out.toString());
    const again = await command(dir, "ca", "export", file);
    assert.equal(again.code, 1);
    assertOneLine(again.err, /is there already/);
  });

  test("install puts it into the browsers' stores of this user, uninstall takes it out", { skip: which("certutil") ? false : "NOT RUN: certutil is not installed" }, async (t) => {
    const dir = home(t);
    const store = path.join(path.dirname(dir), ".pki", "nssdb");
    const listed = async () => (await run("certutil", ["-L", "-d", `sql:${store}`])).out.toString();
    const installed = await command(dir, "ca", "install", "--browsers");
    assert.equal(installed.code, 0, installed.err);
    assert.match(await listed(), /sekisho .*C,,/);
    const removed = await command(dir, "ca", "uninstall", "--browsers");
    assert.equal(removed.code, 0, removed.err);
    assert.doesNotMatch(await listed(), /sekisho/);
  });

  test("install leaves the system's store alone for who is not root, and says so", { skip: which("certutil") ? false : "NOT RUN: certutil is not installed" }, async (t) => {
    const folder = temporaryFolder(t);
    const copy = path.join(folder, "sekisho"); // where another user can run it
    fs.copyFileSync(program, copy);
    fs.chmodSync(copy, 0o755);
    fs.chmodSync(folder, 0o777);
    const asOther = process.getuid() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy] : [copy];
    const words = [...asOther, "--dir", path.join(folder, ".sekisho"), "ca", "install"];
    const { code, err } = await run(words[0], words.slice(1), { env: cleanEnvironment({ HOME: folder }) });
    assert.equal(code, 0, err);
    assert.doesNotMatch(err, /failed|denied/i);
    assert.match(err, /\.pki\/nssdb: done\n.*the system's store needs root: sudo -E sekisho ca install --system\n$/s);
  });
});

describe("the running program", () => {
  test("tells its link again, with a token that is not in its arguments", async (t) => {
    const sekisho = await start(t);
    assert.equal((await sekisho.must("url")).toString().trim(), sekisho.ready.url);
    assert.equal(fs.statSync(path.join(sekisho.dir, "instance.json")).mode & 0o777, 0o600);
    assert.equal(fs.statSync(path.join(sekisho.dir, "admin.token")).mode & 0o777, 0o600);
    assert.ok(!fs.readFileSync(`/proc/${sekisho.pid}/cmdline`, "utf8").includes(sekisho.token));
    assert.equal((await sekisho.api("/api/v1/status")).status, 200);
    await sekisho.stop();
    assert.equal(fs.existsSync(path.join(sekisho.dir, "instance.json")), false);
  });

  test("is the only one on its folder; a second start says so at once", async (t) => {
    const sekisho = await start(t);
    const second = await run(program, ["--dir", sekisho.dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], { env: cleanEnvironment() });
    assert.equal(second.code, 1);
    assert.match(second.err, /already runs/);
  });

  test("names a free port when its own is taken", async (t) => {
    const sekisho = await start(t);
    const dir = home(t);
    for (const option of ["listen", "admin"]) {
      const other = option === "listen" ? "admin" : "listen";
      const taken = await command(dir, "run", `--${option}`, sekisho.ready.listen, `--${other}`, "127.0.0.1:0");
      assert.equal(taken.code, 1);
      assert.match(taken.err, /taken/);
    }
  });

  test("ends within its time although connections are held open", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const idle = await connect(sekisho.proxyPort);
    const busy = await connect(sekisho.proxyPort);
    await busy.write(`GET http://127.0.0.1:${origin.port}/held HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`);
    await (await origin.next()).until("\r\n\r\n");
    assert.deepEqual(await sekisho.stop("SIGINT"), { code: 0, signal: null });
    await within("the close", Promise.all([idle.toEnd(), busy.toEnd()]));
    assert.deepEqual((await sekisho.log()).map((row) => row.path), ["/held"]);
  });

  test("trust through it pins the certificate that is shown now; without it any is taken, and said so", async (t) => {
    const dir = home(t);
    const offline = await command(dir, "trust", "Example.COM:8443");
    assert.equal(offline.code, 0, offline.err);
    assert.match(offline.err, /example\.com:8443: whatever certificate/);
    assert.equal((await command(dir, "trust", "--list")).out.toString(), "example.com:8443\tany\n");
    assert.equal((await command(dir, "trust", "example.com:8443", "--remove")).code, 0);
    assert.equal((await command(dir, "trust", "example.com:8443", "--remove")).code, 1);
    const sekisho = await start(t, { dir });
    const nobody = await rawOrigin(t, () => {});
    nobody.server.close();
    const failed = await sekisho.run("trust", `127.0.0.1:${nobody.port}`);
    assert.equal(failed.code, 1);
    assertOneLine(failed.err, /trust: the running sekisho answered \d{3}/);
  });
});

const chromium = which("chromium") ?? which("google-chrome-stable") ?? which("google-chrome");

describe("browser", { skip: chromium ? false : "NOT RUN: no Chromium or Chrome is installed" }, () => {
  const headless = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"];

  // A page with 200 parts, each of which must have come before the title says so.
  function page(count) {
    const parts = [...Array(count).keys()].map((i) => `<img src="/part/${i}.svg" onload="seen()" onerror="seen()">`).join("");
    return `<!doctype html><title>loading</title><script>let n = 0; function seen() { if (++n === ${count}) document.title = "all " + n; }</script>${parts}`;
  }

  test("loads a page of 200 parts twice over TLS, on this machine, and all of it is recorded", async (t) => {
    const pki = await sharedPki();
    const leaf = await pki.leaf(["localhost"]);
    const origin = await httpsOrigin(t, leaf, (request, response) => {
      response.setHeader("Cache-Control", "no-store");
      if (!request.url.startsWith("/part/")) return response.setHeader("Content-Type", "text/html") && response.end(page(200));
      response.setHeader("Content-Type", "image/svg+xml");
      response.end('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>');
    });
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    for (const time of ["first", "second"]) {
      const { code, out, err } = await sekisho.run("browser", `https://localhost:${origin.port}/${time}`, "--", ...headless, "--virtual-time-budget=60000", "--dump-dom");
      assert.equal(code, 0, err);
      assert.match(out.toString(), /<title>all 200<\/title>/, err);
    }
    const rows = await sekisho.rows(402, "host = localhost AND status = 200");
    assert.ok(rows.filter((row) => row.path.startsWith("/part/")).length >= 400);
    assert.ok(rows.every((row) => row.origin_tls?.verify === "ok" || row.error === null));
    assert.deepEqual(fs.readdirSync(path.join(sekisho.dir, "browser")), [], "its profile is gone");
  });

  test("trusts our certificates where certutil is missing", async (t) => {
    const pki = await sharedPki();
    const origin = await httpsOrigin(t, await pki.leaf(["localhost"]), (_, response) => response.end("<title>trusted</title>"));
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    const bin = temporaryFolder(t, "bin");
    for (const folder of ["/bin", "/usr/bin"]) {
      for (const name of fs.readdirSync(folder)) {
        const link = path.join(bin, name);
        if (name !== "certutil" && !fs.existsSync(link)) fs.symlinkSync(path.join(folder, name), link);
      }
    }
    const words = ["--dir", sekisho.dir, "browser", `https://localhost:${origin.port}/`, "--", ...headless, "--dump-dom"];
    const { code, out, err } = await run(program, words, { env: cleanEnvironment({ PATH: bin }) });
    assert.equal(code, 0, err);
    assert.match(out.toString(), /<title>trusted<\/title>/);
  });

  test("opens our own page directly, not through the proxy", async (t) => {
    const sekisho = await start(t);
    const { code, out, err } = await sekisho.run("browser", "--", ...headless, "--virtual-time-budget=10000", "--dump-dom");
    assert.equal(code, 0, err);
    assert.match(out.toString(), /sekisho/i);
    const ours = (await sekisho.log()).filter((row) => row.port === sekisho.adminPort);
    assert.deepEqual(ours, []);
  });

  test("run --browser starts one, and ends it with the proxy", async (t) => {
    // A stand-in, first in PATH, that shows what it is given and stays, as a browser with a window would.
    const bin = temporaryFolder(t, "bin");
    const seen = path.join(bin, "seen");
    fs.writeFileSync(path.join(bin, "chromium"), `#!/bin/sh\nprintf '%s\\n' "$HOME" $$ "$@" > ${seen}.part; mv ${seen}.part ${seen}\nexec sleep 600\n`, { mode: 0o755 });
    const sekisho = await start(t, { args: ["--browser"], env: { PATH: `${bin}:${process.env.PATH}` } });
    await eventually("the browser", () => fs.existsSync(seen));
    const [itsHome, pid, ...args] = fs.readFileSync(seen, "utf8").trim().split("\n");
    assert.equal(path.dirname(itsHome), path.join(sekisho.dir, "browser"));
    assert.ok(args.includes(`--proxy-server=${sekisho.proxy}`), args.join(" "));
    assert.equal(args.at(-1), sekisho.ready.url);
    await sekisho.stop();
    await eventually("its end", () => !fs.existsSync(`/proc/${pid}`));
    assert.deepEqual(fs.readdirSync(path.join(sekisho.dir, "browser")), []);
  });
});
