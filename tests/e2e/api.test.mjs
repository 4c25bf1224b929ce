// The HTTP API: every answer is held against the document that describes it.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import zlib from "node:zlib";
import { curl } from "./lib/curl.mjs";
import { Events } from "./lib/events.mjs";
import { Api, assertGuarded } from "./lib/openapi.mjs";
import { connect, httpOrigin, httpsOrigin } from "./lib/origin.mjs";
import { sharedPki } from "./lib/pki.mjs";
import { start } from "./lib/sekisho.mjs";
import { eventually } from "./lib/wait.mjs";

const HOSTILE_PAGE = "<!doctype html><script>alert(1)</script><title>x</title>";

// Answers by path, so that a test can say what it wants to be there.
function answer(request, response) {
  const url = new URL(request.url, "http://x");
  if (url.pathname === "/json") {
    response.setHeader("Content-Type", "application/json");
    response.setHeader("Content-Encoding", "gzip");
    response.end(zlib.gzipSync('{"a": "関所"}'));
  } else if (url.pathname === "/sjis") {
    response.setHeader("Content-Type", "text/html; charset=Shift_JIS");
    response.end(Buffer.from([0x8c, 0xc2, 0x90, 0x6c, 0x8f, 0xee, 0x95, 0xf1])); // 個人情報
  } else if (url.pathname === "/large") {
    response.setHeader("Content-Type", "application/octet-stream");
    response.end(Buffer.alloc(5_000_000, "0123456789abcdef\n"));
  } else if (url.pathname === "/chunks") {
    response.write("one ");
    response.end("two");
  } else if (url.pathname === "/page") {
    response.setHeader("Content-Type", "text/html");
    response.setHeader("Content-Disposition", "inline");
    response.end(HOSTILE_PAGE);
  } else {
    response.statusCode = Number(url.searchParams.get("status") ?? 200);
    response.end(`at ${url.pathname}`);
  }
}

async function withOrigin(t, options) {
  const sekisho = await start(t, options);
  const origin = await httpOrigin(t, answer);
  const pass = async (target, ...args) => {
    const { code } = await curl(sekisho, [...args, `http://127.0.0.1:${origin.port}${target}`]);
    assert.equal(code, 0);
  };
  return { sekisho, origin, pass, api: await Api.open(sekisho) };
}

// One request on a connection of its own, byte for byte; the whole answer as text.
async function raw(sekisho, bytes) {
  const peer = await connect(sekisho.adminPort);
  await peer.write(bytes);
  return peer.toEnd();
}

const statusOf = (text) => Number(text.match(/^HTTP\/1\.1 (\d{3}) /)?.[1] ?? 0);

function assertGuardedText(text) {
  const lines = text.slice(0, text.indexOf("\r\n\r\n")).split("\r\n").slice(1);
  assertGuarded(new Headers(lines.map((line) => line.split(/: (.*)/, 2))));
}

test("every operation answers as the document says", async (t) => {
  const { sekisho, pass, api } = await withOrigin(t);
  await pass("/json", "-H", "X-Test: 1");
  await pass("/a?b=c", "-d", "some=form");
  await pass("/bytes/\xff".replace("\xff", "%ff"));
  await curl(sekisho, ["http://127.0.0.1:1/refused"]);
  await sekisho.rows(4);

  const status = await api.get("/api/v1/status");
  assert.equal(status.body.project.name, "default");
  assert.equal(status.body.project.exchanges, 4);
  assert.equal(status.body.recorder.recording, true);
  const page = await api.get("/api/v1/exchanges");
  assert.equal(page.status, 200);
  assert.deepEqual(page.body.items.map((item) => item.id), [4, 3, 2, 1]);
  assert.equal(page.body.items[0].error, "refused");
  assert.equal((await api.get("/api/v1/exchanges/count", { query: { query: "method = POST" } })).body.count, 1);
  const one = await api.get("/api/v1/exchanges/{id}", { path: { id: 2 } });
  assert.deepEqual([one.body.method, one.body.path, one.body.query, one.body.status], ["POST", "/a", "b=c", 200]);
  assert.match((await api.get("/api/v1/exchanges/{id}/request", { path: { id: 2 } })).body.toString(), /\r\n\r\nsome=form$/);
  assert.match((await api.get("/api/v1/exchanges/{id}/response", { path: { id: 2 } })).body.toString(), /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal((await api.get("/api/v1/exchanges/{id}/request/body", { path: { id: 2 } })).body.toString(), "some=form");
  assert.equal((await api.get("/api/v1/exchanges/{id}/response/body", { path: { id: 2 } })).body.toString(), "at /a");
  assert.deepEqual((await api.get("/api/v1/exchanges/{id}/marks", { path: { id: 2 } })).body, { note: "", tags: [], color: "" });
  const marks = { note: "look", tags: ["one", "two"], color: "red" };
  assert.deepEqual((await api.call("PUT", "/api/v1/exchanges/{id}/marks", { path: { id: 2 }, body: marks })).body, marks);
  assert.equal((await api.get("/api/v1/query/check", { query: { query: "status = 200" } })).body.ok, true);
  assert.ok((await api.get("/api/v1/query/hints", { query: { query: "ho" } })).body.hints.some((hint) => hint.text === "host"));
  assert.deepEqual((await api.get("/api/v1/trust")).body.items, []);
  assert.equal((await api.call("POST", "/api/v1/trust", { body: { host: "127.0.0.1", port: 1 } })).status >= 400, true);
  assert.deepEqual((await api.get("/api/v1/projects")).body, { current: "default", items: [{ name: "default", current: true }] });
  assert.match((await api.get("/ca.pem")).body.toString(), /BEGIN CERTIFICATE/);
  assert.equal((await api.get("/ca.der")).body[0], 0x30);
  const events = await Events.open(sekisho);
  assert.equal((await events.next()).name, "status");
  events.close();
  api.used.add("GET /api/v1/events");
  assert.deepEqual((await api.call("POST", "/api/v1/stop", { body: {} })).body, { stopping: true });
  assert.deepEqual(await sekisho.ended, { code: 0, signal: null });
  assert.deepEqual(api.operations().filter((operation) => !api.used.has(operation)), []);
});

test("lists by cursor, by rank, by part of all, and in any order", async (t) => {
  const { pass, api, sekisho } = await withOrigin(t);
  for (let i = 0; i < 25; i++) await pass(`/p${String(i).padStart(2, "0")}?status=${i % 5 === 0 ? 404 : 200}`);
  await sekisho.rows(25);

  const seen = [];
  let after;
  do {
    const page = await api.get("/api/v1/exchanges", { query: { limit: "10", ...(after ? { after } : {}) } });
    assert.equal(page.body.total, 25);
    assert.ok(page.body.items.length <= 10);
    seen.push(...page.body.items.map((item) => item.id));
    after = page.body.next;
  } while (after);
  assert.deepEqual(seen, Array.from({ length: 25 }, (_, i) => 25 - i));

  const ids = async (query) => (await api.get("/api/v1/exchanges", { query })).body.items.map((item) => item.id);
  assert.deepEqual(await ids({ order: "id", limit: "3" }), [1, 2, 3]);
  assert.deepEqual(await ids({ order: "id", limit: "2", at: "20" }), [21, 22]);
  assert.deepEqual(await ids({ query: "status = 404", order: "id" }), [1, 6, 11, 16, 21]);
  assert.deepEqual(await ids({ query: "status = 404", order: "id", at: "2", limit: "1" }), [11]);
  const [middle] = await ids({ order: "id", at: "0.5", limit: "1" });
  assert.ok(middle > 5 && middle < 20, String(middle));
  assert.deepEqual(await ids({ query: "path = /p99" }), []);
  const filtered = await api.get("/api/v1/exchanges", { query: { query: "status = 404" } });
  assert.equal(filtered.body.is_total_exact, false);
});

test("refuses parameters that it does not know or cannot read", async (t) => {
  const { api } = await withOrigin(t);
  const rows = [
    ["/api/v1/exchanges", { limits: "1" }, "limits"], ["/api/v1/exchanges", { limit: "0" }, "limit"],
    ["/api/v1/exchanges", { limit: "1001" }, "limit"], ["/api/v1/exchanges", { limit: "-1" }, "limit"],
    ["/api/v1/exchanges", { limit: "1e2" }, "limit"], ["/api/v1/exchanges", { at: "1.1" }, "at"],
    ["/api/v1/exchanges", { at: "x" }, "at"], ["/api/v1/status", { x: "" }, "x"],
    ["/api/v1/query/hints", { position: "-1" }, "position"],
  ];
  for (const [template, query, parameter] of rows) {
    const { status, body } = await api.get(template, { query });
    assert.deepEqual([status, body.parameter], [400, parameter], JSON.stringify(query));
  }
  for (const query of [{ order: "nothing" }, { order: "id; DROP TABLE exchange" }, { after: "x" }, { after: "'" }])
    assert.equal((await api.get("/api/v1/exchanges", { query })).status, 400, JSON.stringify(query));
  for (const id of ["0", "-1", "x", "1.5", "99999999999999999999", "1%00", "%31", "7"])
    assert.equal((await api.get("/api/v1/exchanges/{id}", { path: { id } })).status, 404, id);
});

test("says where a query is wrong, and what could stand there", async (t) => {
  const { api } = await withOrigin(t);
  const list = await api.get("/api/v1/exchanges", { query: { query: "status = 200 AND hots = x" } });
  assert.equal(list.status, 400);
  assert.equal(list.body.type, "urn:sekisho:problem:query");
  assert.equal(list.body.position, 17);
  assert.match(list.body.suggestion, /host/);
  const check = await api.get("/api/v1/query/check", { query: { query: "(status = 200" } });
  assert.equal(check.status, 200);
  assert.equal(check.body.ok, false);
  for (const query of ["' OR 1=1 --", '"; DROP TABLE exchange', "path =~ /(/", "status = \u0000", "a".repeat(3000), "(".repeat(500)])
    assert.ok([200, 400].includes((await api.get("/api/v1/exchanges", { query: { query } })).status), query.slice(0, 20));
});

test("gives the bytes as they were, as attachments of no type", async (t) => {
  const { api, pass, sekisho } = await withOrigin(t);
  await pass("/large");
  await pass("/chunks");
  await pass("/json");
  await pass("/sjis");
  await pass("/page");
  await sekisho.rows(5);
  const bytes = async (id, part, query) => api.get(`/api/v1/exchanges/{id}/${part}`, { path: { id }, query });
  const large = Buffer.alloc(5_000_000, "0123456789abcdef\n");

  const whole = await bytes(1, "response");
  assert.equal(whole.headers.get("sekisho-total"), String(whole.body.length));
  assert.deepEqual(whole.body, await sekisho.raw(1, "response"));
  assert.ok(whole.body.subarray(-large.length).equals(large));
  assert.ok((await bytes(1, "response/body")).body.equals(large));
  const part = await bytes(1, "response", { offset: "100", limit: "50" });
  assert.ok(part.body.equals(whole.body.subarray(100, 150)));
  assert.equal((await bytes(1, "response", { offset: "99999999" })).body.length, 0);
  assert.match((await bytes(2, "response")).body.toString(), /\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n$/);
  assert.equal((await bytes(2, "response/body")).body.toString(), "one two");
  assert.equal(zlib.gunzipSync((await bytes(3, "response/body")).body).toString(), '{"a": "関所"}');

  const json = await bytes(3, "response/body", { decoded: "1" });
  assert.equal(json.body.toString(), '{"a": "関所"}');
  assert.equal(json.headers.get("sekisho-body"), "complete");
  const sjis = await bytes(4, "response/body", { decoded: "1" });
  assert.equal(sjis.body.toString(), "個人情報");
  assert.match(sjis.headers.get("sekisho-charset"), /shift_?jis|cp932|windows-31j/i);
  const cut = await bytes(1, "response/body", { decoded: "1", max: "1000" });
  assert.match(cut.headers.get("sekisho-body"), /truncated/);
  assert.ok(cut.body.length <= 1000);

  for (const [id, part, query] of [[5, "response", {}], [5, "response/body", {}], [5, "request", {}]]) {
    const { headers, type } = await bytes(id, part, query);
    assert.equal(type, "application/octet-stream");
    assert.match(headers.get("content-disposition"), /^attachment; filename="exchange-5-[a-z-]+\.bin"$/);
  }
  const text = await bytes(5, "response/body", { decoded: "1" });
  assert.equal(text.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(text.body.toString(), HOSTILE_PAGE);
});

test("keeps what people write, and finds it again", async (t) => {
  const { api, pass, sekisho } = await withOrigin(t);
  await pass("/one");
  await sekisho.rows(1);
  const put = (body, id = 1) => api.call("PUT", "/api/v1/exchanges/{id}/marks", { path: { id }, body });

  assert.equal((await put({ note: "密 <b>", tags: ["b", "a"], color: "red" })).status, 200);
  const found = await api.get("/api/v1/exchanges", { query: { query: 'note : "密"' } });
  assert.deepEqual(found.body.items.map((item) => [item.note, item.tags, item.color]), [["密 <b>", ["a", "b"], "red"]]);
  assert.equal((await put({ tags: ["a"] })).status, 200);
  assert.deepEqual((await api.get("/api/v1/exchanges/{id}/marks", { path: { id: 1 } })).body, { note: "", tags: ["a"], color: "" });
  assert.equal((await put({}, 99)).status, 404);
  const wrong = [
    { note: 1 }, { tags: "a" }, { tags: ["a,b"] }, { tags: [""] }, { tags: [1] }, { tags: ["x".repeat(65)] },
    { tags: Array(65).fill("a") }, { color: "x".repeat(33) }, { note: "x".repeat(65537) }, { unknown: 1 }, [], "text",
    "{", "null", '{"note": "a", "note": "b"}', '{"note": "a\\u0000"}', "{}\u0000", '{"note": "\\ud800"}', "[".repeat(100_000),
  ];
  for (const body of wrong) assert.equal((await put(body)).status, 400, JSON.stringify(body).slice(0, 60));
  assert.deepEqual((await api.get("/api/v1/exchanges/{id}/marks", { path: { id: 1 } })).body.tags, ["a"]);
});

test("accepts an origin's certificate when told to", async (t) => {
  const { api, sekisho } = await withOrigin(t);
  const leaf = await (await sharedPki()).leaf(["localhost"], { selfSigned: true });
  const origin = await httpsOrigin(t, leaf, (request, response) => response.end("trusted"));
  const url = `https://localhost:${origin.port}/`;

  assert.notEqual((await curl(sekisho, [url])).text, "trusted");
  assert.equal((await sekisho.row()).error, "verify");
  const added = await api.call("POST", "/api/v1/trust", { body: { host: "localhost", port: origin.port } });
  assert.equal(added.status, 200, JSON.stringify(added.body));
  assert.match(added.body.sha256, /^[0-9a-f]{64}$/);
  assert.equal((await curl(sekisho, [url])).text, "trusted");
  assert.deepEqual((await api.get("/api/v1/trust")).body.items.map((item) => item.host), ["localhost"]);
  const wrong = [{}, { host: "" }, { host: 1 }, { host: "a", port: 0 }, { host: "a", port: 65536 }, { host: "a", port: "1" },
    { host: "a:1" }, { host: "a/b" }, { host: "u@a" }, { host: "a\nb" }, { host: "x".repeat(300) }];
  for (const body of wrong)
    assert.equal((await api.call("POST", "/api/v1/trust", { body })).status, 400, JSON.stringify(body).slice(0, 60));

  // It holds when the program is started again, and stays as old as it is.
  const before = (await api.get("/api/v1/trust")).body.items;
  await sekisho.stop();
  const again = await start(t, { dir: sekisho.dir });
  assert.equal((await curl(again, [url])).text, "trusted");
  assert.deepEqual((await (await Api.open(again)).get("/api/v1/trust")).body.items, before);
});

test("tells what changes, goes on where it broke, and says when it cannot", async (t) => {
  const { pass, sekisho } = await withOrigin(t);
  const has = (id) => (event) => event.name === "exchanges" && event.content.items.some((item) => item.id === id && item.time_us !== null);
  const events = await Events.open(sekisho);
  assert.equal((await events.next()).name, "status");
  await pass("/1");
  const first = await events.until(has(1));
  events.close();

  await pass("/2");
  await pass("/3");
  await sekisho.rows(3);
  const again = await Events.open(sekisho, first.id);
  await again.until(has(3));
  assert.ok(again.seen.some(has(2)));
  assert.ok(!again.seen.some((event) => event.name === "resync"));
  again.close();

  for (const id of ["0123456789abcdef-1", "nonsense", `${first.id.split("-")[0]}-99999`]) {
    const lost = await Events.open(sekisho, id);
    assert.equal((await lost.next()).name, "resync", id);
    lost.close();
  }
});

test("lets a reader of events that does not read fall behind, and the others not", async (t) => {
  const { pass, sekisho, origin } = await withOrigin(t);
  const slow = await connect(sekisho.adminPort);
  slow.socket.pause();
  await slow.write(`GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:${sekisho.adminPort}\r\nAuthorization: Bearer ${sekisho.token}\r\n\r\n`);
  const events = await Events.open(sekisho);
  const before = sekisho.residentBytes();
  const seen = (async () => {
    while (!events.seen.some((event) => event.content.items?.some((item) => item.path === "/last"))) await events.next();
  })();
  await curl(sekisho, ["-o", "/dev/null", `http://127.0.0.1:${origin.port}/${"x".repeat(8000)}[1-1000]`]);
  await sekisho.rows(1000);
  await pass("/last");
  await seen;
  // About 25 MB of rows went by: more than the ring and the sockets hold.
  assert.ok(sekisho.residentBytes() - before < 64 * 1024 * 1024);
  slow.socket.resume();
  await slow.until("event: resync\n");
  await slow.until('"path":"/last"');
  slow.reset();
});

test("serves only who may call", async (t) => {
  const { sekisho } = await withOrigin(t);
  const host = `Host: 127.0.0.1:${sekisho.adminPort}\r\n`;
  const bearer = `Authorization: Bearer ${sekisho.token}\r\n`;
  const close = "Connection: close\r\n\r\n";
  const rows = [
    [200, `GET / HTTP/1.1\r\n${host}${close}`],
    [200, `GET /api/v1/status HTTP/1.1\r\n${host}${bearer}${close}`],
    [403, `GET / HTTP/1.1\r\nHost: evil.example\r\n${close}`],
    [403, `GET /app.js HTTP/1.1\r\nHost: evil.example\r\n${close}`],
    [403, `GET /api/v1/events HTTP/1.1\r\nHost: evil.example\r\n${bearer}${close}`],
    [400, `GET / HTTP/1.1\r\n${close}`],
    [400, `GET / HTTP/1.1\r\n${host}${host}${close}`],
    [401, `GET /api/v1/status HTTP/1.1\r\n${host}${close}`],
    [401, `GET /api/v1/openapi.json HTTP/1.1\r\n${host}${close}`],
    [401, `GET /api/v1/events HTTP/1.1\r\n${host}${close}`],
    [401, `GET /api/v1/status?token=${sekisho.token} HTTP/1.1\r\n${host}${close}`],
    [404, `GET /openapi.json HTTP/1.1\r\n${host}${close}`],
    [404, `GET /../admin.token HTTP/1.1\r\n${host}${close}`],
    [404, `GET /%2e%2e/admin.token HTTP/1.1\r\n${host}${close}`],
    [403, `GET /api/v1/status HTTP/1.1\r\n${host}${bearer}Origin: http://evil.example\r\n${close}`],
    [403, `OPTIONS /api/v1/status HTTP/1.1\r\n${host}Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n${close}`],
    [415, `POST /api/v1/stop HTTP/1.1\r\n${host}${bearer}Content-Type: text/plain\r\nContent-Length: 2\r\n${close}{}`],
    [413, `POST /api/v1/stop HTTP/1.1\r\n${host}${bearer}Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n`],
    [400, `POST /api/v1/stop HTTP/1.1\r\n${host}${bearer}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    [400, `GET / HTTP/1.1\r\n${host} folded\r\n${close}`],
    [405, `POST /api/v1/status HTTP/1.1\r\n${host}${bearer}Content-Type: application/json\r\nContent-Length: 0\r\n${close}`],
    [403, `GET http://evil.example/ HTTP/1.1\r\n${host}${close}`],
    [400, `CONNECT 127.0.0.1:${sekisho.adminPort} HTTP/1.1\r\n${host}\r\n`],
  ];
  for (const [status, bytes] of rows) {
    const text = await raw(sekisho, bytes);
    assert.equal(statusOf(text), status, `${bytes}\n${text}`);
    assertGuardedText(text);
    assert.ok(!text.includes(sekisho.token));
  }
  assert.equal((await sekisho.api("/api/v1/status")).status, 200);
});

test("slows guessing without locking the owner out", async (t) => {
  const { sekisho } = await withOrigin(t);
  const statuses = new Set();
  for (let i = 0; i < 60; i++)
    statuses.add((await sekisho.api("/api/v1/status", { headers: { Authorization: `Bearer ${"0".repeat(64)}` } })).status);
  assert.deepEqual([...statuses], [401, 429]);
  assert.equal((await sekisho.api("/api/v1/status")).status, 200);
});

test("answers in order on one connection, and with 100 when asked", async (t) => {
  const { sekisho } = await withOrigin(t);
  const head = `Host: 127.0.0.1:${sekisho.adminPort}\r\nAuthorization: Bearer ${sekisho.token}\r\n`;
  const get = (target) => `GET ${target} HTTP/1.1\r\n${head}\r\n`;

  const piped = await connect(sekisho.adminPort);
  await piped.write(get("/api/v1/status") + get("/api/v1/nothing") + get("/app.js") + `HEAD / HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
  const text = await piped.toEnd();
  assert.deepEqual([...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => match[1]), ["200", "404", "200", "200"]);
  assert.ok(text.endsWith("Connection: close\r\n\r\n"));

  const asking = await connect(sekisho.adminPort);
  await asking.write(`POST /api/v1/trust HTTP/1.1\r\n${head}Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`);
  assert.equal(await asking.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await asking.write("{}");
  assert.equal(statusOf(await asking.toEnd()), 400);

  const half = await connect(sekisho.adminPort);
  await half.write(get("/api/v1/status"));
  half.end();
  assert.equal(statusOf(await half.toEnd()), 200);

  const old = await raw(sekisho, `GET /api/v1/status HTTP/1.0\r\n${head}\r\n`);
  assert.equal(statusOf(old), 200);
});

test("keeps its files to itself and unchanged files unsent", async (t) => {
  const { sekisho } = await withOrigin(t);
  const file = path.join(sekisho.dir, "admin.token");
  assert.equal(fs.statSync(file).mode & 0o7777, 0o600);
  assert.equal(fs.readFileSync(file, "utf8").trim(), sekisho.token);
  assert.ok(!fs.readFileSync(`/proc/${sekisho.pid}/cmdline`, "utf8").includes(sekisho.token));
  const first = await sekisho.api("/app.js", { headers: { Authorization: "" } });
  assert.equal(first.headers.get("cache-control"), "no-cache");
  const again = await sekisho.api("/app.js", { headers: { "If-None-Match": first.headers.get("etag") } });
  assert.equal(again.status, 304);
  assertGuarded(again.headers);
});

test("is there for a new client while many hold connections", async (t) => {
  const { sekisho } = await withOrigin(t);
  const peers = [];
  for (let i = 0; i < 400; i++) {
    const peer = await connect(sekisho.adminPort);
    await peer.write("GET / HTTP/1.1\r\n"); // and never more
    peers.push(peer);
  }
  const first = await eventually("an answer", async () => (await sekisho.api("/api/v1/status")).status === 200);
  assert.ok(first);
  assert.ok(fs.readdirSync(`/proc/${sekisho.pid}/fd`).length < 400);
  for (const peer of peers) peer.reset();
});

test("drops what runs for a client that goes away", async (t) => {
  const { sekisho, pass } = await withOrigin(t);
  for (let i = 0; i < 10; i++) await pass("/large");
  await sekisho.rows(10);
  for (let i = 0; i < 30; i++) {
    const peer = await connect(sekisho.adminPort);
    const target = i % 2 ? "/api/v1/exchanges/1/response" : `/api/v1/exchanges?query=${encodeURIComponent("res.body =~ /(a|aa)+$/")}`;
    await peer.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${sekisho.adminPort}\r\nAuthorization: Bearer ${sekisho.token}\r\n\r\n`);
    peer.reset();
  }
  assert.equal((await sekisho.api("/api/v1/status")).status, 200);
});

test("is not reached through the proxy", async (t) => {
  const { sekisho } = await withOrigin(t);
  for (const host of ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"]) {
    const { status, text } = await curl(sekisho, ["-H", `Authorization: Bearer ${sekisho.token}`, `http://${host}:${sekisho.adminPort}/api/v1/status`]);
    assert.equal(status, 403, `${host}: ${text}`);
  }
});
