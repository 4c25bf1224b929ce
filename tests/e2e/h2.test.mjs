// HTTP/2 with real clients and origins: what passes is what was sent, stream by stream, and the log has it.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import http2 from "node:http2";
import path from "node:path";
import tls from "node:tls";
import { describe, test } from "node:test";
import { atEnd } from "./lib/cleanup.mjs";
import { curl } from "./lib/curl.mjs";
import { connect, httpOrigin, httpsOrigin } from "./lib/origin.mjs";
import { sharedPki } from "./lib/pki.mjs";
import { start, temporaryFolder } from "./lib/sekisho.mjs";
import { eventually, sleep, within } from "./lib/wait.mjs";

// A program and an origin that speaks HTTP/2 in TLS, with the test's CA.
async function world(t, onStream, { args = [], plain = false, settings, allowHTTP1 = false } = {}) {
  const pki = await sharedPki();
  const leaf = await pki.leaf(["localhost"]);
  const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`, ...args] });
  const server = plain
    ? http2.createServer({ settings, maxSessionMemory: 1000 })
    : http2.createSecureServer({ key: leaf.key, cert: leaf.cert, settings, allowHTTP1, maxSessionMemory: 1000 });
  const sessions = new Set();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => {});
  });
  server.on("sessionError", () => {});
  server.on("stream", (stream, headers, flags) => {
    stream.on("error", () => {});
    onStream(stream, headers, flags);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(t, () => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { sekisho, server, sessions, port: server.address().port };
}

// Node's client through CONNECT; `plain`: by prior knowledge, without TLS.
async function client(t, sekisho, port, { plain = false, settings } = {}) {
  const peer = await connect(sekisho.proxyPort);
  await peer.write(`CONNECT localhost:${port} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
  await peer.until("\r\n\r\n");
  peer.socket.removeAllListeners("data");
  let socket = peer.socket;
  if (!plain) {
    socket = tls.connect({ socket, servername: "localhost", ca: fs.readFileSync(sekisho.ca), ALPNProtocols: ["h2"] });
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    assert.equal(socket.alpnProtocol, "h2");
  }
  const session = http2.connect(`http${plain ? "" : "s"}://localhost:${port}`, { createConnection: () => socket, settings });
  session.on("error", () => {});
  atEnd(t, () => session.destroy());
  return session;
}

// One exchange: { headers, trailers, interim, body, code }.
function exchange(session, headers, body, options = {}) {
  const stream = session.request(headers, { endStream: body === undefined, ...options });
  const seen = { interim: [], chunks: [], trailers: null, headers: null, error: null };
  if (body !== undefined) stream.end(body);
  stream.on("headers", (fields) => seen.interim.push(fields));
  stream.on("response", (fields) => (seen.headers = fields));
  stream.on("trailers", (fields) => (seen.trailers = fields));
  stream.on("data", (bytes) => seen.chunks.push(bytes));
  stream.on("error", (error) => (seen.error = error));
  return within("the stream's end", new Promise((resolve) => {
    stream.on("close", () => resolve({ ...seen, code: stream.rstCode, body: Buffer.concat(seen.chunks) }));
  }));
}

const hash = (bytes) => crypto.createHash("sha256").update(bytes).digest("hex");

describe("HTTP/2", () => {
  test("is offered where the origin speaks it, and recorded in its text form", async (t) => {
    const { sekisho, port } = await world(t, (stream, headers) => {
      stream.respond({ ":status": 200, "content-type": "Text/Plain; charset=utf-8", "x-path": headers[":path"] });
      stream.end("hello");
    });
    const answer = await curl(sekisho, ["--http2", "-H", "X-B: 1", "-H", "X-A: 2", "-H", "X-B: 3", `https://localhost:${port}/a?b=c`]);
    assert.equal(answer.code, 0, answer.head);
    assert.match(answer.head, /^HTTP\/2 200/m);
    assert.equal(answer.text, "hello");
    const row = await sekisho.row();
    assert.equal(row.client_proto, "HTTP/2");
    assert.equal(row.origin_proto, "HTTP/2");
    assert.equal(row.url, `https://localhost:${port}/a?b=c`);
    assert.equal(row.path, "/a");
    assert.equal(row.query, "b=c");
    assert.equal(row.status, 200);
    assert.equal(row.type, "text/plain");
    assert.equal(row.error, null);
    assert.equal(row.res_body_len, 5);
    const raw = (await sekisho.raw(row.id, "request")).toString("latin1");
    assert.match(
      raw,
      new RegExp(`^GET /a\\?b=c HTTP/2\r\n:method: GET\r\n:path: /a\\?b=c\r\n:scheme: https\r\n:authority: localhost:${port}\r\n`),
    );
    assert.match(raw, /\r\nx-b: 1\r\nx-a: 2\r\nx-b: 3\r\n\r\n$/);
    const response = (await sekisho.raw(row.id, "response")).toString("latin1");
    assert.match(response, /^HTTP\/2 200\r\n:status: 200\r\n/);
    assert.ok(response.endsWith("\r\n\r\nhello"));
    assert.equal((await sekisho.log('res.header["x-path"] = "/a?b=c"')).length, 1);
    assert.equal((await sekisho.log('req.header[":authority"] : localhost')).length, 1);
  });

  test("is not offered where the origin does not speak it", async (t) => {
    const pki = await sharedPki();
    const leaf = await pki.leaf(["localhost"]);
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    let connections = 0;
    const origin = await httpsOrigin(t, leaf, (request, response) => response.end(request.httpVersion));
    origin.server.on("secureConnection", () => connections++);
    for (let i = 0; i < 2; i++) {
      const answer = await curl(sekisho, ["--http2", `https://localhost:${origin.port}/`]);
      assert.match(answer.head, /^HTTP\/1.1 200/m);
      assert.equal(answer.text, "1.1");
    }
    // The connection that asked what it speaks is the one that was used.
    assert.equal(connections, 2);
    const rows = await sekisho.rows(2);
    assert.ok(rows.every((row) => row.client_proto === "HTTP/1.1" && row.tls_us > 0));
  });

  test("explains an origin that cannot be verified or reached, to a client that would speak it", async (t) => {
    const sekisho = await start(t);
    const leaf = await (await sharedPki()).leaf(["localhost"]);
    const origin = await httpsOrigin(t, leaf, () => assert.fail("it is not trusted"));
    const answer = await curl(sekisho, ["--http2", `https://localhost:${origin.port}/`]);
    assert.equal(answer.status, 502);
    assert.match(answer.text, /certificate/);
    origin.server.close();
    const gone = await curl(sekisho, ["--http2", "https://localhost:1/"]);
    assert.equal(gone.status, 502);
    assert.deepEqual((await sekisho.rows(2)).map((row) => row.error), ["verify", "refused"]);
  });

  test("carries large bodies both ways in constant memory", async (t) => {
    const size = 100 * 1024 * 1024;
    const block = crypto.randomBytes(1024 * 1024);
    const expected = crypto.createHash("sha256");
    for (let sent = 0; sent < size; sent += block.length) expected.update(block);
    const digest = expected.digest("hex");
    const folder = temporaryFolder(t, "bodies");
    const file = path.join(folder, "body");
    for (let sent = 0; sent < size; sent += block.length) fs.appendFileSync(file, block);
    const { sekisho, port } = await world(t, (stream) => {
      const seen = crypto.createHash("sha256");
      stream.on("data", (bytes) => seen.update(bytes));
      stream.on("end", () => {
        stream.respond({ ":status": 200, "x-hash": seen.digest("hex") });
        fs.createReadStream(file).pipe(stream);
      });
    });
    await curl(sekisho, ["--http2", "-o", "/dev/null", `https://localhost:${port}/warm`]);
    const before = sekisho.residentBytes();
    const answer = await curl(sekisho, ["--http2", "-T", file, "-o", path.join(folder, "got"), `https://localhost:${port}/`]);
    assert.equal(answer.code, 0, answer.head);
    assert.match(answer.head, new RegExp(`^x-hash: ${digest}`, "m"));
    assert.equal(hash(fs.readFileSync(path.join(folder, "got"))), digest);
    const growth = sekisho.residentBytes() - before;
    assert.ok(growth < 64 * 1024 * 1024, `grew by ${growth}`);
    const row = await sekisho.row("req.method = PUT");
    assert.equal(row.req_body_len, size);
    assert.equal(row.res_body_len, size);
  });

  test("serves a hundred streams at once over one connection to the origin", async (t) => {
    const waiting = [];
    const { sekisho, port, sessions } = await world(t, (stream, headers) => {
      waiting.push([stream, headers[":path"]]);
      if (waiting.length < 100) return;
      for (const [each, target] of waiting.splice(0).reverse()) {
        each.respond({ ":status": 200 });
        each.end(`answer ${target}`);
      }
    });
    const session = await client(t, sekisho, port);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => exchange(session, { ":path": `/${i}` })));
    answers.forEach((answer, i) => assert.equal(answer.body.toString(), `answer /${i}`));
    assert.equal(sessions.size, 1);
    const rows = await sekisho.rows(100, "res.status = 200");
    assert.equal(new Set(rows.map((row) => row.origin_connection)).size, 1);
  });

  test("waits for a free stream where the origin allows few", async (t) => {
    let open = 0;
    let most = 0;
    const { sekisho, port } = await world(
      t,
      (stream) => {
        most = Math.max(most, ++open);
        stream.on("close", () => open--);
        setTimeout(() => {
          stream.respond({ ":status": 200 });
          stream.end("ok");
        }, 5);
      },
      { settings: { maxConcurrentStreams: 3 } },
    );
    const session = await client(t, sekisho, port);
    await exchange(session, { ":path": "/first" });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => exchange(session, { ":path": `/${i}` }, "body")));
    assert.ok(answers.every((answer) => answer.body.toString() === "ok"));
    assert.ok(most <= 3, `${most} were open`);
  });

  test("passes interim answers and trailers, both ways, and records them", async (t) => {
    const { sekisho, port } = await world(t, (stream) => {
      stream.additionalHeaders({ ":status": 103, link: "</style.css>; rel=preload" });
      stream.on("trailers", (trailers) => {
        stream.respond({ ":status": 200, "x-saw": trailers["x-request-trailer"] }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end("body");
      });
      stream.resume();
    });
    const session = await client(t, sekisho, port);
    const stream = session.request({ ":path": "/", ":method": "POST" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-request-trailer": "yes" }));
    const interim = [];
    let trailers;
    let headers;
    const chunks = [];
    stream.on("headers", (fields) => interim.push(fields[":status"]));
    stream.on("response", (fields) => (headers = fields));
    stream.on("trailers", (fields) => (trailers = fields));
    stream.on("data", (bytes) => chunks.push(bytes));
    stream.end("content");
    await within("its close", new Promise((resolve) => stream.on("close", resolve)));
    assert.deepEqual(interim, [103]);
    assert.equal(headers["x-saw"], "yes");
    assert.equal(trailers["grpc-status"], "0");
    assert.equal(Buffer.concat(chunks).toString(), "body");
    const row = await sekisho.row();
    assert.equal(row.req_body_len, 7);
    assert.equal(row.res_body_len, 4);
    assert.ok((await sekisho.raw(row.id, "request")).toString().endsWith("content" + "x-request-trailer: yes\r\n\r\n"));
    assert.equal((await sekisho.must("show", String(row.id), "--response", "--body")).toString(), "body");
  });

  test("lets both sides of a stream talk in turn", async (t) => {
    const { sekisho, port } = await world(t, (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.on("data", (bytes) => stream.write(`echo ${bytes}`));
      stream.on("end", () => stream.end("bye"));
    });
    const session = await client(t, sekisho, port);
    const stream = session.request({ ":path": "/talk", ":method": "POST" });
    for (const word of ["one", "two", "three"]) {
      stream.write(word);
      const [bytes] = await within("an echo", new Promise((resolve) => stream.once("data", (...args) => resolve(args))));
      assert.equal(bytes.toString(), `echo ${word}`);
    }
    stream.end();
    const rest = [];
    stream.on("data", (bytes) => rest.push(bytes));
    await within("its close", new Promise((resolve) => stream.on("close", resolve)));
    assert.equal(Buffer.concat(rest).toString(), "bye");
  });

  test("mirrors resets with their codes", async (t) => {
    let clientCode;
    const { sekisho, port } = await world(t, (stream, headers) => {
      if (headers[":path"] === "/by-client") {
        stream.on("close", () => (clientCode = stream.rstCode));
        stream.respond({ ":status": 200 });
        stream.write("some");
        return;
      }
      stream.respond({ ":status": 200 });
      stream.write("partial");
      setTimeout(() => stream.destroy(new Error("broken")), 50);
    });
    const session = await client(t, sekisho, port);
    const broken = await exchange(session, { ":path": "/by-origin" });
    assert.equal(broken.code, http2.constants.NGHTTP2_INTERNAL_ERROR);
    assert.equal(broken.body.toString(), "partial");
    const stream = session.request({ ":path": "/by-client" });
    await within("its first bytes", new Promise((resolve) => stream.once("data", resolve)));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await eventually("the origin to see the reset", () => clientCode !== undefined);
    assert.equal(clientCode, http2.constants.NGHTTP2_CANCEL);
    const rows = await sekisho.rows(2);
    assert.deepEqual(rows.map((row) => row.error), ["reset", "client-gone"]);
    assert.match(rows[0].error_text, /INTERNAL_ERROR/);
  });

  test("ends a request that the origin has answered without reading it", async (t) => {
    const { sekisho, port } = await world(t, (stream) => {
      stream.respond({ ":status": 413 });
      stream.end("too large");
      stream.close(http2.constants.NGHTTP2_NO_ERROR);
    });
    const session = await client(t, sekisho, port);
    const stream = session.request({ ":path": "/", ":method": "POST" });
    const chunks = [];
    let status;
    stream.on("error", () => {});
    stream.on("response", (fields) => (status = fields[":status"]));
    stream.on("data", (bytes) => chunks.push(bytes));
    stream.end(Buffer.alloc(10_000_000));
    // Not its close, which Node's client forgets when the reset comes in a later read than the end.
    await within("the answer's end", new Promise((resolve) => stream.on("end", resolve)));
    assert.equal(status, 413);
    assert.equal(Buffer.concat(chunks).toString(), "too large");
    assert.ok((await sekisho.row()).req_body_len < 10_000_000);
  });

  test("passes the origin's GOAWAY on, and serves what is under way", async (t) => {
    let hold;
    const { sekisho, port, sessions } = await world(t, (stream, headers) => {
      stream.respond({ ":status": 200 });
      if (headers[":path"] === "/held") hold = stream;
      else stream.end("ok");
    });
    const session = await client(t, sekisho, port);
    const held = exchange(session, { ":path": "/held" });
    await eventually("the stream", () => hold);
    const said = new Promise((resolve) => session.on("goaway", resolve));
    for (const each of sessions) each.goaway();
    await within("GOAWAY", said);
    hold.end("done");
    assert.equal((await held).body.toString(), "done");
    await within("the connection's end", new Promise((resolve) => (session.closed || session.destroyed ? resolve() : session.on("close", resolve))));
    assert.equal((await sekisho.row()).error, null);
  });

  test("holds back one stream that is not read, and no other", async (t) => {
    const { sekisho, port } = await world(t, (stream, headers) => {
      stream.respond({ ":status": 200 });
      if (headers[":path"] === "/quick") stream.end("quick");
      else stream.end(Buffer.alloc(20_000_000));
    });
    const session = await client(t, sekisho, port);
    const before = sekisho.residentBytes();
    session.setLocalWindowSize(10_000_000);
    const slow = session.request({ ":path": "/slow" });
    await within("its head", new Promise((resolve) => slow.once("response", resolve)));
    for (let i = 0; i < 20; i++) assert.equal((await exchange(session, { ":path": "/quick" })).body.toString(), "quick");
    assert.ok(sekisho.residentBytes() - before < 15 * 1024 * 1024);
    let length = 0;
    slow.on("data", (bytes) => (length += bytes.length));
    await within("the slow one", new Promise((resolve) => slow.on("close", resolve)));
    assert.equal(length, 20_000_000);
  });

  test("refuses malformed requests by stream, and records them", async (t) => {
    const { sekisho, port } = await world(t, (stream) => {
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
    const session = await client(t, sekisho, port);
    const bad = await exchange(session, { ":path": "/short", ":method": "POST", "content-length": 10 }, "123");
    assert.equal(bad.code, http2.constants.NGHTTP2_PROTOCOL_ERROR);
    assert.equal((await exchange(session, { ":path": "/good" })).body.toString(), "ok");
    const row = await sekisho.row('req.path = "/short"');
    assert.equal(row.error, "syntax");
  });

  test("serves prior knowledge inside CONNECT", async (t) => {
    const { sekisho, port } = await world(
      t,
      (stream) => {
        stream.respond({ ":status": 200 });
        stream.end("plain");
      },
      { plain: true },
    );
    const session = await client(t, sekisho, port, { plain: true });
    assert.equal((await exchange(session, { ":path": "/" })).body.toString(), "plain");
    const row = await sekisho.row();
    assert.equal(row.scheme, "http");
    assert.equal(row.client_proto, "HTTP/2");
  });
});

describe("HTTP/2 to an HTTP/1 origin", () => {
  // Prior knowledge to the proxy itself, whose origins are spoken to in HTTP/1.
  async function direct(t, handler) {
    const sekisho = await start(t);
    const origin = await httpOrigin(t, handler);
    const session = http2.connect(sekisho.proxy);
    session.on("error", () => {});
    atEnd(t, () => session.destroy());
    return { sekisho, origin, session, authority: `127.0.0.1:${origin.port}` };
  }

  test("crosses with its cookies joined and a body of unknown length in chunks", async (t) => {
    const { sekisho, session, authority } = await direct(t, (request, response) => {
      const chunks = [];
      request.on("data", (bytes) => chunks.push(bytes));
      request.on("end", () => {
        response.setHeader("Connection", "keep-alive, X-Hop");
        response.setHeader("X-Hop", "gone");
        response.setHeader("X-Seen", JSON.stringify([request.rawHeaders, Buffer.concat(chunks).toString()]));
        response.end("answer");
      });
    });
    const answer = await exchange(session, { ":path": "/p?q", ":method": "POST", ":authority": authority, cookie: ["a=1", "b=2"], te: "trailers" }, "content");
    assert.equal(answer.headers[":status"], 200);
    assert.equal(answer.headers["x-hop"], undefined);
    assert.equal(answer.body.toString(), "answer");
    const [fields, body] = JSON.parse(answer.headers["x-seen"]);
    assert.deepEqual(fields, ["Host", authority, "cookie", "a=1; b=2", "transfer-encoding", "chunked"]);
    assert.equal(body, "content");
    const row = await sekisho.row();
    assert.equal(row.client_proto, "HTTP/2");
    assert.equal(row.origin_proto, "HTTP/1.1");
  });

  test("uses a connection for each stream under way, and uses them again", async (t) => {
    const { sekisho, origin, session, authority } = await direct(t, (request, response) => setTimeout(() => response.end(request.url), 20));
    let connections = 0;
    origin.server.on("connection", () => connections++);
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) => exchange(session, { ":path": `/${round}-${i}`, ":authority": authority })),
      );
      answers.forEach((answer, i) => assert.equal(answer.body.toString(), `/${round}-${i}`));
    }
    assert.equal(connections, 10);
    assert.equal((await sekisho.rows(30)).length, 30);
  });

  test("carries large bodies in constant memory", async (t) => {
    const { sekisho, session, authority } = await direct(t, (request, response) => {
      let length = 0;
      request.on("data", (bytes) => (length += bytes.length));
      request.on("end", () => {
        response.setHeader("X-Length", length);
        response.end(Buffer.alloc(50_000_000));
      });
    });
    const before = sekisho.residentBytes();
    const answer = await exchange(session, { ":path": "/", ":method": "POST", ":authority": authority }, Buffer.alloc(50_000_000));
    assert.equal(answer.headers["x-length"], "50000000");
    assert.equal(answer.body.length, 50_000_000);
    assert.ok(sekisho.residentBytes() - before < 64 * 1024 * 1024);
  });
});

describe("abuse of HTTP/2", () => {
  const frame = (type, flags, stream, payload = Buffer.alloc(0)) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);
  // :method GET, :scheme http, :path /, :authority 127.0.0.1:1
  const block = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, 0x0b]), Buffer.from("127.0.0.1:1")]);
  const headers = (stream, flags = 5) => frame(1, flags, stream, block);
  const u32 = (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value >>> 0);
    return bytes;
  };
  const repeat = (count, make) => Buffer.concat(Array.from({ length: count }, (_, i) => make(2 * i + 1)));

  const attacks = {
    "rapid reset": () => repeat(20000, (id) => Buffer.concat([headers(id), frame(3, 0, id, u32(8))])),
    "window update of zero": () => repeat(20000, (id) => Buffer.concat([headers(id, 4), frame(8, 0, id, u32(0))])),
    "window overflow": () => repeat(20000, (id) => Buffer.concat([headers(id, 4), frame(8, 0, id, u32(0x7fffffff))])),
    "priority of bad length": () => repeat(20000, (id) => Buffer.concat([headers(id, 4), frame(2, 0, id, Buffer.alloc(4))])),
    "priority of itself": () => repeat(20000, (id) => Buffer.concat([headers(id, 4), frame(2, 0, id, Buffer.concat([u32(id), Buffer.from([1])]))])),
    "headers after the end": () => repeat(20000, (id) => Buffer.concat([headers(id), headers(id)])),
    "data after the end": () => repeat(20000, (id) => Buffer.concat([headers(id), frame(0, 0, id, Buffer.from("x"))])),
    "continuation flood": () => Buffer.concat([frame(1, 1, 1, block), repeat(20000, () => frame(9, 0, 1, Buffer.from([0x82])))]),
    "empty continuation flood": () => Buffer.concat([frame(1, 1, 1, block), repeat(50000, () => frame(9, 0, 1))]),
    "settings flood": () => repeat(50000, () => frame(4, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1]))),
    "ping flood": () => repeat(50000, () => frame(6, 0, 0, Buffer.alloc(8))),
    "empty data flood": () => Buffer.concat([headers(1, 4), repeat(50000, () => frame(0, 0, 1))]),
    "priority flood": () => repeat(50000, (id) => frame(2, 0, id, Buffer.concat([u32(0), Buffer.from([1])]))),
  };
  for (const [name, make] of Object.entries(attacks)) {
    test(`ends the connection: ${name}`, async (t) => {
      const sekisho = await start(t);
      const bytes = Buffer.concat([preface, make()]);
      const before = sekisho.residentBytes();
      const peer = await connect(sekisho.proxyPort);
      peer.socket.write(bytes);
      await within("the connection's end", peer.toEnd());
      const growth = sekisho.residentBytes() - before;
      assert.ok(growth < 10 * 1024 * 1024, `grew by ${growth}`);
      assert.equal((await fetch(`${sekisho.ready.url.split("#")[0]}`)).status, 200);
    });
  }

  test("bounds what waits for a client with a window of zero", async (t) => {
    const { sekisho, port } = await world(t, (stream) => {
      stream.respond({ ":status": 200 });
      stream.end(Buffer.alloc(4_000_000));
    });
    const session = await client(t, sekisho, port, { settings: { initialWindowSize: 0 } });
    const before = sekisho.residentBytes();
    const streams = Array.from({ length: 100 }, (_, i) => session.request({ ":path": `/${i}` }));
    for (const stream of streams) stream.on("error", () => {});
    await within("all heads", Promise.all(streams.map((stream) => new Promise((resolve) => stream.once("response", resolve)))));
    await sleep(500);
    const growth = sekisho.residentBytes() - before;
    assert.ok(growth < 32 * 1024 * 1024, `grew by ${growth}`);
  });
});
