// The proxy with real clients and origins: what passes is byte for byte what was sent, and the log has it.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import { describe, test } from "node:test";
import { curl } from "./lib/curl.mjs";
import { connect, httpOrigin, httpsOrigin, rawOrigin, scriptedOrigin } from "./lib/origin.mjs";
import { freePort, nginxProgram, startNginx } from "./lib/nginx.mjs";
import { sharedPki } from "./lib/pki.mjs";
import { start } from "./lib/sekisho.mjs";
import { eventually, within } from "./lib/wait.mjs";

const HELLO = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

// An origin that answers each connection's requests, cut at empty lines, with the next of `answers`.
async function answering(t, ...answers) {
  const seen = [];
  const origin = await rawOrigin(t, (socket) => {
    let waiting = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      for (let end; (end = waiting.indexOf("\r\n\r\n")) >= 0; waiting = waiting.subarray(end + 4)) {
        seen.push(waiting.subarray(0, end + 4).toString("latin1"));
        socket.write(answers.length > 1 ? answers.shift() : answers[0]);
      }
    });
    socket.on("end", () => socket.end());
  });
  return Object.assign(origin, { seen });
}

const httpsUrl = (port, path = "/") => `https://localhost:${port}${path}`;

describe("plain HTTP", () => {
  test("relays a request and its answer, and logs it", async (t) => {
    const sekisho = await start(t);
    const origin = await httpOrigin(t, (request, response) => {
      response.setHeader("X-Seen", request.headers["x-sent"]);
      response.end(`path ${request.url}`);
    });
    const answer = await curl(sekisho, ["-H", "X-Sent: yes", `http://127.0.0.1:${origin.port}/a?b=c`]);
    assert.equal(answer.code, 0, answer.head);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "path /a?b=c");
    assert.match(answer.head, /^X-Seen: yes\r$/m);
    const row = await sekisho.row();
    assert.equal(row.method, "GET");
    assert.equal(row.status, 200);
    assert.equal(row.scheme, "http");
    assert.equal(row.host, "127.0.0.1");
    assert.equal(row.port, origin.port);
    assert.equal(row.path, "/a");
    assert.equal(row.query, "b=c");
    assert.equal(row.url, `http://127.0.0.1:${origin.port}/a?b=c`);
    assert.equal(row.error, null);
  });

  test("changes only the target's form and what was meant for the proxy", async (t) => {
    const sekisho = await start(t);
    const origin = await answering(t, HELLO);
    const client = await connect(sekisho.proxyPort);
    const authority = `127.0.0.1:${origin.port}`;
    await client.write(
      `GET http://${authority}/x%2f?q= HTTP/1.1\r\nhOST: ${authority}\r\nX-a:  b\t\r\nx-A: second\r\n` +
        `Proxy-Connection: keep-alive\r\nEmpty:\r\n\r\n`,
    );
    await client.until("hello");
    assert.deepEqual(origin.seen, [
      `GET /x%2f?q= HTTP/1.1\r\nhOST: ${authority}\r\nX-a:  b\t\r\nx-A: second\r\nEmpty:\r\n\r\n`,
    ]);
    const row = await sekisho.row();
    const raw = (await sekisho.raw(row.id, "request")).toString("latin1");
    assert.match(raw, new RegExp(`^GET http://${authority}/x%2f\\?q= HTTP/1.1\r\n`));
    assert.match(raw, /Proxy-Connection: keep-alive\r\n/);
  });

  test("relays odd answers byte for byte", async (t) => {
    const sekisho = await start(t);
    const odd = [
      "HTTP/1.1 200 \r\ncontent-LENGTH:    3\r\nX:\t tab \r\nX: again\r\n\r\nabc",
      "HTTP/1.1 299 A Reason: of its own\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n",
      "HTTP/1.1 404 \xe9t\xe9\r\nContent-Length: 2\r\nLatin: \xe9\r\n\r\nno",
    ].map((text) => Buffer.from(text, "latin1"));
    const origin = await answering(t, ...odd, HELLO);
    const client = await connect(sekisho.proxyPort);
    for (const answer of odd) {
      await client.write(`GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`);
      assert.equal(await client.until(answer.length), answer.toString("latin1"));
    }
    const rows = await sekisho.rows(odd.length);
    for (const [index, answer] of odd.entries()) {
      assert.deepEqual(await sekisho.raw(rows[index].id, "response"), answer);
    }
  });

  test("keeps chunk sizes, extensions and trailers in both directions", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    const authority = `127.0.0.1:${origin.port}`;
    const body = `5;a=b;c="d;e"\r\nhello\r\n0A \r\n0123456789\r\n000;last\r\nX-Trailer: 1\r\nx-trailer:2\r\n\r\n`;
    const head = `Host: ${authority}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Trailer\r\n\r\n`;
    await client.write(`POST http://${authority}/ HTTP/1.1\r\n${head}${body}`);
    const peer = await origin.next();
    assert.equal(await peer.until("x-trailer:2\r\n\r\n"), `POST / HTTP/1.1\r\n${head}${body}`);
    const answer = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body}`;
    await peer.write(answer);
    assert.equal(await client.until(answer.length), answer);
    const row = await sekisho.row();
    assert.equal((await sekisho.raw(row.id, "response")).toString("latin1"), answer);
    assert.equal((await sekisho.must("show", String(row.id), "--response", "--body")).toString(), "hello0123456789");
    assert.equal((await sekisho.must("show", String(row.id), "--request", "--body")).toString(), "hello0123456789");
  });

  test("serves HTTP/1.0 clients and answers that end with the connection", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    await client.write(`GET http://127.0.0.1:${origin.port}/ HTTP/1.0\r\n\r\n`);
    const peer = await origin.next();
    assert.equal(await peer.until("\r\n\r\n"), "GET / HTTP/1.0\r\n\r\n");
    await peer.write("HTTP/1.0 200 OK\r\n\r\nuntil the ");
    await peer.write("end");
    peer.end();
    assert.equal(await within("the answer's end", client.toEnd()), "HTTP/1.0 200 OK\r\n\r\nuntil the end");
    const row = await sekisho.row();
    assert.equal(row.client_proto, "HTTP/1.0");
  });

  test("knows that HEAD, 204 and 304 have no body", async (t) => {
    const sekisho = await start(t);
    const origin = await answering(
      t,
      "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: \"x\"\r\n\r\n",
      HELLO,
    );
    const client = await connect(sekisho.proxyPort);
    const target = `http://127.0.0.1:${origin.port}/`;
    const host = `Host: 127.0.0.1:${origin.port}\r\n\r\n`;
    await client.write(`HEAD ${target} HTTP/1.1\r\n${host}`);
    assert.match(await client.until("\r\n\r\n"), /Content-Length: 1000/);
    await client.write(`GET ${target} HTTP/1.1\r\n${host}`);
    assert.match(await client.until("\r\n\r\n"), /^HTTP\/1.1 204 /);
    await client.write(`GET ${target} HTTP/1.1\r\n${host}`);
    assert.match(await client.until("\r\n\r\n"), /^HTTP\/1.1 304 /);
    await client.write(`GET ${target} HTTP/1.1\r\n${host}`);
    assert.equal(await client.until(HELLO.length), HELLO);
    assert.equal(origin.connectionCount(), 1, "all of it over one connection to the origin");
    assert.deepEqual((await sekisho.rows(4)).map((row) => [row.method, row.status]), [
      ["HEAD", 200],
      ["GET", 204],
      ["GET", 304],
      ["GET", 200],
    ]);
  });

  test("answers a hundred pipelined requests in their order", async (t) => {
    const sekisho = await start(t);
    const origin = await httpOrigin(t, (request, response) => {
      // Later ones would overtake if they could.
      setTimeout(() => response.end(`<${request.url}>`), 20 - (Number(request.url.slice(1)) % 20));
    });
    const client = await connect(sekisho.proxyPort);
    const authority = `127.0.0.1:${origin.port}`;
    let requests = "";
    for (let i = 0; i < 100; i++) requests += `GET http://${authority}/${i} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
    await client.write(requests);
    for (let i = 0; i < 100; i++) {
      const text = await client.until(`</${i}>`);
      assert.equal([...text.matchAll(/<\/\d+>/g)].length, 1, `answer ${i}: ${text}`);
    }
    const rows = await sekisho.rows(100);
    assert.deepEqual(rows.map((row) => row.path), [...Array(100).keys()].map((i) => `/${i}`));
  });

  test("passes on 100 Continue and other interim answers", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    const authority = `127.0.0.1:${origin.port}`;
    const head = `Host: ${authority}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
    await client.write(`PUT http://${authority}/ HTTP/1.1\r\n${head}`);
    const peer = await origin.next();
    assert.equal(await peer.until("\r\n\r\n"), `PUT / HTTP/1.1\r\n${head}`);
    const interim = "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    await peer.write(interim);
    assert.equal(await client.until(interim.length), interim);
    await client.write("body");
    assert.equal(await peer.until(4), "body");
    await peer.write(HELLO);
    assert.equal(await client.until(HELLO.length), HELLO);
    const row = await sekisho.row();
    assert.equal(row.status, 200);
    assert.equal((await sekisho.raw(row.id, "response")).toString(), HELLO);
  });

  test("relays an answer that comes before the request has ended", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    const authority = `127.0.0.1:${origin.port}`;
    await client.write(`POST http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: 10\r\n\r\n01234`);
    const peer = await origin.next();
    await peer.until("01234");
    await peer.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    assert.match(await client.until("\r\n\r\nno"), /^HTTP\/1.1 413 /);
    await client.write("56789");
    assert.equal(await peer.until(5), "56789");
    await eventually("the row", async () => (await sekisho.log("status = 413")).length === 1);
  });

  test("carries a half-close: a client that has sent everything still gets its answer", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    await client.write(`GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`);
    client.end();
    const peer = await origin.next();
    await peer.until("\r\n\r\n");
    await peer.write(HELLO);
    assert.equal(await client.until(HELLO.length), HELLO);
    assert.equal((await sekisho.row()).status, 200);
  });

  test("gives the first event of a stream at once, and logs it before it ends", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    await client.write(`GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`);
    const peer = await origin.next();
    await peer.until("\r\n\r\n");
    await peer.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n");
    await client.until("data: one\n\n");
    await eventually("the open row", async () => (await sekisho.log("status = 200"))[0]?.time_us === null);
    await eventually("the first event in the capture", async () => {
      const [row] = await sekisho.log();
      return (await sekisho.raw(row.id, "response")).includes("data: one");
    });
    await peer.write("data: two\n\n");
    await client.until("data: two\n\n");
    peer.end();
    await within("the end", client.toEnd());
    const row = await sekisho.row();
    assert.equal((await sekisho.must("show", String(row.id), "--response", "--body")).toString(), "data: one\n\ndata: two\n\n");
  });

  test("asks for the password that --proxy-auth names, and does not pass it on", async (t) => {
    const sekisho = await start(t, { args: ["--proxy-auth", "me:secret"] });
    let seen;
    const origin = await httpOrigin(t, (request, response) => {
      seen = request.headers;
      response.end("in");
    });
    const url = `http://127.0.0.1:${origin.port}/`;
    const without = await curl(sekisho, [url]);
    assert.equal(without.status, 407);
    assert.match(without.head, /^Proxy-Authenticate: Basic/im);
    const wrong = await curl(sekisho, ["--proxy-user", "me:wrong", url]);
    assert.equal(wrong.status, 407);
    assert.equal(seen, undefined);
    const right = await curl(sekisho, ["--proxy-user", "me:secret", url]);
    assert.equal(right.text, "in");
    assert.equal(seen["proxy-authorization"], undefined);
    const rows = await sekisho.rows(3);
    assert.deepEqual(rows.map((row) => row.error), ["proxy-auth", "proxy-auth", null]);
    assert.ok(rows.every((row) => row.url === url));
  });

  test("connects where --resolve says", async (t) => {
    const origin = await answering(t, HELLO);
    const sekisho = await start(t, { args: ["--resolve", `no-such.example:${origin.port}:127.0.0.1`] });
    const answer = await curl(sekisho, [`http://no-such.example:${origin.port}/`]);
    assert.equal(answer.text, "hello");
    assert.match(origin.seen[0], /Host: no-such\.example:/);
  });
});

describe("framing that can be read in two ways", () => {
  const twoLengths = (authority) =>
    `POST http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n` +
    `0\r\n\r\n`;

  test("is passed on as it is, flagged, on a connection of its own", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const authority = `127.0.0.1:${origin.port}`;
    const client = await connect(sekisho.proxyPort);
    await client.write(twoLengths(authority));
    const peer = await origin.next();
    const expected = twoLengths(authority).replace(`http://${authority}`, "");
    assert.equal(await peer.until(expected.length), expected);
    await peer.write(HELLO);
    assert.equal(await client.until(HELLO.length), HELLO);
    await within("the close", client.toEnd());
    const row = await sekisho.row("flag : cl-and-te");
    assert.equal(row.status, 200);
  });

  test("is refused with --strict", async (t) => {
    const sekisho = await start(t, { args: ["--strict"] });
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    await client.write(twoLengths(`127.0.0.1:${origin.port}`));
    assert.match(await client.until("\r\n\r\n"), /^HTTP\/1.1 400 /);
    await within("the close", client.toEnd());
    assert.equal(origin.connectionCount(), 0);
    assert.equal((await sekisho.row()).origin_ip, null);
  });
});

describe("TLS", () => {
  async function securely(t, names, { args = [], leaf, options = {}, handler } = {}) {
    const pki = await sharedPki();
    const made = leaf ?? (await pki.leaf(names));
    const origin = await httpsOrigin(t, { ...options, key: made.key, cert: made.cert }, handler ?? ((_, response) => response.end("secret")));
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`, ...args] });
    return { origin, sekisho };
  }

  test("is intercepted: curl trusts our CA, the log shows both sides", async (t) => {
    const { origin, sekisho } = await securely(t, ["localhost", "127.0.0.1"]);
    const answer = await curl(sekisho, [httpsUrl(origin.port, "/path")]);
    assert.equal(answer.code, 0, answer.head);
    assert.equal(answer.text, "secret");
    const row = await sekisho.row("path = /path");
    assert.equal(row.scheme, "https");
    assert.equal(row.url, httpsUrl(origin.port, "/path"));
    assert.equal(row.client_tls.sni, "localhost");
    assert.match(row.client_tls.version, /^TLSv1\.[23]$/);
    assert.match(row.client_tls.ja4, /^t1[23][di]\d{4}/);
    assert.equal(row.origin_tls.verify, "ok");
    assert.match(row.origin_tls.sha256, /^[0-9a-f]{64}$/);
  });

  test("works for addresses, without SNI", async (t) => {
    const { origin, sekisho } = await securely(t, ["127.0.0.1"]);
    const answer = await curl(sekisho, [`https://127.0.0.1:${origin.port}/`]);
    assert.equal(answer.code, 0, answer.head);
    assert.equal(answer.text, "secret");
    const row = await sekisho.row("status = 200");
    assert.equal(row.client_tls.sni, null);
  });

  test("an origin that does not verify gets a page that says why, and sekisho trust accepts it", async (t) => {
    const leaf = await (await sharedPki()).leaf(["localhost"], { selfSigned: true });
    const { origin, sekisho } = await securely(t, ["localhost"], { leaf });
    const refused = await curl(sekisho, [httpsUrl(origin.port)]);
    assert.equal(refused.status, 502);
    assert.match(refused.text, /self-signed/);
    assert.match(refused.text, new RegExp(`sekisho trust localhost:${origin.port}`));
    const row = await sekisho.row("error = verify");
    assert.match(row.origin_tls.verify, /self-signed/);
    const trusted = await sekisho.run("trust", `localhost:${origin.port}`);
    assert.equal(trusted.code, 0, trusted.err);
    const answer = await curl(sekisho, [httpsUrl(origin.port)]);
    assert.equal(answer.text, "secret", answer.head);
    const listed = JSON.parse((await sekisho.must("trust", "--list", "--json")).toString());
    assert.equal(listed.host, "localhost");
    assert.equal(listed.port, origin.port);
    assert.match(listed.sha256, /^[0-9a-f]{64}$/);
  });

  test("one click on that page accepts it, too; the offer is good once, and only for that origin", async (t) => {
    const leaf = await (await sharedPki()).leaf(["localhost"], { selfSigned: true });
    const { origin, sekisho } = await securely(t, ["localhost"], { leaf });
    const other = await httpsOrigin(t, leaf, (_, response) => response.end("other"));
    const click = (port, action) => curl(sekisho, ["-X", "POST", httpsUrl(port, action)]);
    const page = await curl(sekisho, [httpsUrl(origin.port, "/wanted?x=1")]);
    const [, action] = page.text.match(/<form method="post" action="([^"]+)"/);
    assert.equal((await click(other.port, action)).status, 502, "not for another port");
    assert.equal((await click(origin.port, action.replace(/.$/, (last) => (last === "0" ? "1" : "0")))).status, 502, "not another token");
    const clicked = await click(origin.port, action);
    assert.ok([302, 303].includes(clicked.status), clicked.head);
    assert.match(clicked.head, /^Location: .*\/wanted\?x=1\r$/m);
    assert.equal((await curl(sekisho, [httpsUrl(origin.port)])).text, "secret");
    assert.equal((await curl(sekisho, [httpsUrl(other.port)])).status, 502);
  });

  test("each defect of a certificate has its name", async (t) => {
    const pki = await sharedPki();
    const defects = [
      [await pki.leaf(["other.example"]), "wrong-name"],
      [await pki.leaf(["localhost"], { days: -1 }), "expired"],
      [await pki.leaf(["localhost"], { selfSigned: true }), "self-signed"],
    ];
    for (const [leaf, name] of defects) {
      const { origin, sekisho } = await securely(t, ["localhost"], { leaf });
      const answer = await curl(sekisho, [httpsUrl(origin.port)]);
      assert.equal(answer.status, 502);
      assert.match(answer.text, new RegExp(name));
      assert.match((await sekisho.row("error = verify")).origin_tls.verify, new RegExp(name));
    }
  });

  test("--origin-verify off records what is wrong and goes on", async (t) => {
    const leaf = await (await sharedPki()).leaf(["localhost"], { selfSigned: true });
    const { origin, sekisho } = await securely(t, ["localhost"], { leaf, args: ["--origin-verify", "off"] });
    assert.equal((await curl(sekisho, [httpsUrl(origin.port)])).text, "secret");
    assert.match((await sekisho.row("status = 200")).origin_tls.verify, /self-signed/);
  });

  test("a client that refuses our certificate leaves a row", async (t) => {
    const { origin, sekisho } = await securely(t, ["localhost"]);
    const pki = await sharedPki();
    const refusing = await curl(sekisho, ["--cacert", pki.caPath, httpsUrl(origin.port)]);
    assert.notEqual(refusing.code, 0);
    const row = await eventually("the handshake's row", async () => (await sekisho.log('kind = "handshake"'))[0]);
    assert.equal(row.host, "localhost");
    assert.notEqual(row.error, null);
  });

  test("--pass leaves a host's TLS alone", async (t) => {
    const pki = await sharedPki();
    const { origin, sekisho } = await securely(t, ["localhost"], { args: ["--pass", "localhost"] });
    const answer = await curl(sekisho, ["--cacert", pki.caPath, httpsUrl(origin.port)]);
    assert.equal(answer.text, "secret", answer.head);
    const row = await eventually("the tunnel's row", async () => (await sekisho.log('kind = "tunnel"'))[0]);
    assert.equal(row.host, "localhost");
  });

  test("--client-cert answers an origin that asks", async (t) => {
    const pki = await sharedPki();
    const mine = await pki.leaf(["me.example"]);
    fs.writeFileSync(`${mine.base}-both.pem`, mine.cert + mine.key);
    const { origin, sekisho } = await securely(t, ["localhost"], {
      args: ["--client-cert", `localhost=${mine.base}-both.pem`],
      options: { requestCert: true, rejectUnauthorized: true, ca: fs.readFileSync(pki.caPath) },
      handler: (request, response) => response.end(request.socket.getPeerCertificate().subject.CN),
    });
    const answer = await curl(sekisho, [httpsUrl(origin.port)]);
    assert.equal(answer.text, "me.example", answer.head);
  });

  test("plain HTTP inside CONNECT is parsed", async (t) => {
    const sekisho = await start(t);
    const origin = await answering(t, HELLO);
    const answer = await curl(sekisho, ["--proxytunnel", `http://127.0.0.1:${origin.port}/inside`]);
    assert.equal(answer.text, "hello", answer.head);
    const row = await sekisho.row("path = /inside");
    assert.equal(row.scheme, "http");
    assert.equal(row.status, 200);
  });

  test("anything else inside CONNECT is tunnelled and recorded, also when the origin speaks first", async (t) => {
    const sekisho = await start(t, { args: ["--peek-timeout", "50ms"] });
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    await client.write(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`);
    assert.match(await client.until("\r\n\r\n"), /^HTTP\/1.1 200 /);
    const peer = await origin.next();
    await peer.write("220 hello\r\n");
    assert.equal(await client.until("\r\n"), "220 hello\r\n");
    await client.write("\x00\x01EHLO\xff");
    assert.equal(await peer.until(7), "\x00\x01EHLO\xc3");
    client.end();
    peer.end();
    await within("the end", client.toEnd());
    const row = await eventually("the tunnel's row", async () => (await sekisho.log('kind = "tunnel"')).find((each) => each.time_us !== null));
    assert.equal((await sekisho.raw(row.id, "response")).toString(), "220 hello\r\n");
    assert.deepEqual((await sekisho.raw(row.id, "request")).subarray(0, 6), Buffer.from("\x00\x01EHLO"));
  });
});

describe("failures explain themselves", () => {
  async function failing(t, url, { args = [], name, status }) {
    const sekisho = await start(t, { args });
    const answer = await curl(sekisho, [url]);
    assert.equal(answer.status, status, answer.head);
    const row = await sekisho.row(`error = "${name}"`);
    assert.ok(row.error_text.length > 10);
    return { sekisho, answer, row };
  }

  test("a name without an address", async (t) => {
    const { answer } = await failing(t, "http://no-such-name.invalid/", { name: "dns", status: 502 });
    assert.match(answer.text, /no-such-name\.invalid/);
  });

  test("nobody listens", async (t) => {
    const origin = await rawOrigin(t, () => {});
    origin.server.close();
    await failing(t, `http://127.0.0.1:${origin.port}/`, { name: "refused", status: 502 });
  });

  test("the origin resets", async (t) => {
    const origin = await rawOrigin(t, (socket) => socket.once("data", () => socket.resetAndDestroy()));
    await failing(t, `http://127.0.0.1:${origin.port}/`, { name: "reset", status: 502 });
  });

  test("the origin closes without an answer", async (t) => {
    const origin = await rawOrigin(t, (socket) => socket.once("data", () => socket.end()));
    await failing(t, `http://127.0.0.1:${origin.port}/`, { name: "closed", status: 502 });
  });

  test("on a connection that served before, a close is mirrored, since the client alone knows whether to ask again", async (t) => {
    const sekisho = await start(t);
    const origin = await scriptedOrigin(t);
    const client = await connect(sekisho.proxyPort);
    const request = `GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`;
    await client.write(request);
    const peer = await origin.next();
    await peer.until("\r\n\r\n");
    await peer.write(HELLO);
    await client.until(HELLO.length);
    await client.write(request);
    await peer.until("\r\n\r\n");
    peer.end();
    assert.equal(await within("the close", client.toEnd()), "");
    assert.equal(origin.connectionCount(), 1, "nothing is sent twice");
    assert.equal((await sekisho.row('error = "closed"')).status, null);
  });

  test("the origin does not answer", async (t) => {
    const origin = await rawOrigin(t, () => {});
    await failing(t, `http://127.0.0.1:${origin.port}/`, {
      name: "timeout", status: 504, args: ["--response-head-timeout", "200ms"],
    });
  });

  test("the origin speaks no TLS", async (t) => {
    const origin = await rawOrigin(t, (socket) => socket.once("data", () => socket.end("SSH-2.0-x\r\n")));
    await failing(t, `https://127.0.0.1:${origin.port}/`, { name: "tls", status: 502 });
  });

  test("an answer that is cut short is cut short for the client, too, and flagged", async (t) => {
    const sekisho = await start(t);
    const origin = await rawOrigin(t, (socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")),
    );
    const answer = await curl(sekisho, [`http://127.0.0.1:${origin.port}/`]);
    assert.equal(answer.code, 18, "curl's code for a partial file");
    assert.equal(answer.text, "only this");
    const row = await sekisho.row("flag : truncated");
    assert.equal(row.status, 200);
  });
});

describe("requests to ourselves", () => {
  // Every way to write an address of this machine that a resolver takes.
  const own = Object.values(os.networkInterfaces()).flat().filter((each) => each.family === "IPv4" && !each.internal);
  const names = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
    os.hostname(), ...own.map((each) => each.address)];

  test("the page and the API are not reached through the proxy", async (t) => {
    const sekisho = await start(t);
    for (const name of names) {
      const url = `http://${name}:${sekisho.adminPort}/api/v1/status`;
      const answer = await curl(sekisho, ["-H", `Authorization: Bearer ${sekisho.token}`, "--path-as-is", url]);
      // A name that this machine's resolver does not know leads nowhere at all.
      assert.ok(answer.status === 403 || (name === os.hostname() && answer.status === 502), `${name}: ${answer.head}`);
      const tunnelled = await curl(sekisho, ["--proxytunnel", "-H", `Authorization: Bearer ${sekisho.token}`, url]);
      assert.ok(tunnelled.code !== 0 || tunnelled.status === 403, `${name} by CONNECT: ${tunnelled.head}`);
      assert.doesNotMatch(tunnelled.text, /"version"/);
    }
  });

  test("listening on all addresses opens the proxy and the CA's page, and not the API", async (t) => {
    const sekisho = await start(t, { args: ["--listen", "0.0.0.0:0"] });
    const direct = (target) =>
      fetch(`http://127.0.0.1:${sekisho.proxyPort}${target}`, { redirect: "manual", headers: { Authorization: `Bearer ${sekisho.token}` } });
    for (const target of ["/api/v1/status", "/api/v1/exchanges", "/"]) {
      const answer = await direct(target);
      assert.notEqual(answer.status, 200, target);
      assert.doesNotMatch(await answer.text(), /"version"|"items"/);
    }
    assert.match(sekisho.errors, /listens on 0\.0\.0\.0:\d+/);
    for (const { address } of own) await assert.rejects(connect(sekisho.adminPort, address), /ECONNREFUSED/);
  });

  test("a host override does not open the way either", async (t) => {
    const sekisho = await start(t, { args: ["--resolve", "evil.example=127.0.0.1"] });
    const answer = await curl(sekisho, [`http://evil.example:${sekisho.adminPort}/`]);
    assert.equal(answer.status, 403, answer.head);
  });

  test("the proxy does not proxy to itself, and leaves no socket open", async (t) => {
    const sekisho = await start(t);
    await curl(sekisho, [`http://127.0.0.1:${sekisho.proxyPort}/`]);
    const before = sekisho.socketCount();
    for (const name of names) {
      for (const extra of [[], ["--proxytunnel"]]) {
        const answer = await curl(sekisho, [...extra, `http://${name}:${sekisho.proxyPort}/x`]);
        assert.ok(answer.code !== 0 || [403, 502, 508].includes(answer.status), `${name}: ${answer.head}`);
      }
    }
    await eventually("all sockets to be closed", () => sekisho.socketCount() <= before);
  });

  test("two that go through each other are found out within one round", async (t) => {
    const port = await freePort();
    const second = await start(t, { args: ["--upstream", `http://127.0.0.1:${port}`] });
    const first = await start(t, { args: ["--upstream", second.proxy, "--listen", `127.0.0.1:${port}`] });
    const origin = await answering(t, HELLO);
    const target = `127.0.0.1:${origin.port}/loop`;
    for (const words of [[`http://${target}`], ["--proxytunnel", `http://${target}`], [`https://${target}`]]) {
      const answer = await curl(first, words);
      assert.ok(answer.code !== 0 || [403, 502, 508].includes(answer.status), answer.head);
    }
    assert.equal(origin.connectionCount(), 0);
    const hops = (await first.log()).length + (await second.log()).length;
    assert.ok(hops <= 9, `${hops} exchanges for three requests`);
  });

  test("the mark that finds circles is not sent to origins", async (t) => {
    const upstream = await start(t);
    const sekisho = await start(t, { args: ["--upstream", upstream.proxy] });
    const origin = await answering(t, HELLO);
    await curl(sekisho, ["-H", "User-Agent: x", "-H", "Accept: y", `http://127.0.0.1:${origin.port}/`]);
    assert.deepEqual(origin.seen, [`GET / HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\nUser-Agent: x\r\nAccept: y\r\n\r\n`]);
  });

  test("http://sekisho.proxy/ explains the CA to whoever asks through the proxy", async (t) => {
    const sekisho = await start(t);
    const page = await curl(sekisho, ["http://sekisho.proxy/"]);
    assert.equal(page.status, 200);
    const pem = await curl(sekisho, ["http://sekisho.proxy/ca.pem"]);
    assert.match(pem.text, /^-----BEGIN CERTIFICATE-----/);
    assert.equal(pem.text, fs.readFileSync(sekisho.ca, "utf8"));
  });
});

describe("upstream proxies", () => {
  test("plain requests and tunnels go through another proxy", async (t) => {
    const pki = await sharedPki();
    const leaf = await pki.leaf(["localhost"]);
    const origin = await httpsOrigin(t, leaf, (_, response) => response.end("far"));
    const plain = await answering(t, HELLO);
    const upstream = await start(t, { args: ["--pass", "localhost", "--proxy-auth", "u:p w"] });
    const sekisho = await start(t, {
      args: ["--origin-verify", `ca=${pki.caPath}`, "--upstream", `http://u:p%20w@127.0.0.1:${upstream.proxyPort}`],
    });
    assert.equal((await curl(sekisho, [httpsUrl(origin.port)])).text, "far");
    assert.equal((await curl(sekisho, [`http://127.0.0.1:${plain.port}/`])).text, "hello");
    assert.equal((await sekisho.rows(2, "status = 200")).length, 2);
    assert.equal((await upstream.rows(1, 'kind = "tunnel"'))[0].host, "localhost");
  });

  test("plain HTTP inside CONNECT goes on through the upstream proxy, to where CONNECT said", async (t) => {
    const upstream = await start(t);
    const sekisho = await start(t, { args: ["--upstream", upstream.proxy] });
    const origin = await answering(t, HELLO);
    const answer = await curl(sekisho, ["--proxytunnel", `http://127.0.0.1:${origin.port}/inside`]);
    assert.equal(answer.text, "hello", answer.head);
    assert.match(origin.seen[0], /^GET \/inside HTTP\/1\.1\r\n/);
    assert.equal((await upstream.row("path = /inside")).status, 200);
  });

  test("HTTP_PROXY and NO_PROXY are obeyed, --no-upstream ignores them", async (t) => {
    const upstream = await start(t);
    const origin = await answering(t, HELLO);
    const env = { http_proxy: upstream.proxy };
    const obeying = await start(t, { env });
    assert.equal((await curl(obeying, [`http://127.0.0.1:${origin.port}/a`])).text, "hello");
    assert.equal((await upstream.rows(1)).length, 1);
    const excepted = await start(t, { env: { ...env, NO_PROXY: "127.0.0.1" } });
    assert.equal((await curl(excepted, [`http://127.0.0.1:${origin.port}/b`])).text, "hello");
    const ignoring = await start(t, { env, args: ["--no-upstream"] });
    assert.equal((await curl(ignoring, [`http://127.0.0.1:${origin.port}/c`])).text, "hello");
    assert.deepEqual((await upstream.log()).map((row) => row.path), ["/a"]);
  });
});

describe("large bodies", () => {
  const GIGABYTE = 1024 * 1024 * 1024;
  const piece = crypto.randomBytes(1024 * 1024);

  // What the process may grow by while a gigabyte passes: rings and buffers, not the body.
  const GROWTH_MAX = 200 * 1024 * 1024;

  async function watchingMemory(sekisho, work) {
    let most = 0;
    const timer = setInterval(() => (most = Math.max(most, sekisho.residentBytes())), 50);
    const begun = sekisho.residentBytes();
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    assert.ok(most - begun < GROWTH_MAX, `it grew from ${begun} to ${most} bytes`);
  }

  test("a gigabyte down and a gigabyte up stream through in constant memory", async (t) => {
    const sekisho = await start(t);
    const origin = await httpOrigin(t, async (request, response) => {
      let received = 0;
      for await (const bytes of request) received += bytes.length;
      response.setHeader("X-Received", received);
      if (request.method === "POST") return response.end();
      response.setHeader("Content-Length", GIGABYTE);
      for (let sent = 0; sent < GIGABYTE; sent += piece.length) {
        if (!response.write(piece)) await new Promise((resolve) => response.once("drain", resolve));
      }
      response.end();
    });
    const ask = (method) =>
      new Promise((resolve, reject) => {
        const target = `http://127.0.0.1:${origin.port}/`;
        const request = http.request({ port: sekisho.proxyPort, host: "127.0.0.1", method, path: target, agent: false }, resolve);
        request.on("error", reject);
        if (method === "GET") return request.end();
        request.setHeader("Content-Length", GIGABYTE);
        let sent = 0;
        const more = () => {
          while (sent < GIGABYTE) {
            sent += piece.length;
            if (!request.write(piece)) return request.once("drain", more);
          }
          request.end();
        };
        more();
      });
    await watchingMemory(sekisho, async () => {
      let received = 0;
      for await (const bytes of await ask("GET")) received += bytes.length;
      assert.equal(received, GIGABYTE);
      const answer = await ask("POST");
      assert.equal(Number(answer.headers["x-received"]), GIGABYTE);
      answer.resume();
    });
    const rows = await sekisho.rows(2);
    assert.equal(rows[0].res_body_len, GIGABYTE);
    assert.equal(rows[1].req_body_len, GIGABYTE);
  });
});

describe("nginx as an origin", { skip: nginxProgram ? false : "NOT RUN: nginx is not installed" }, () => {
  test("files, ranges, compression and keep-alive over TLS", async (t) => {
    const pki = await sharedPki();
    const leaf = await pki.leaf(["localhost"]);
    const text = "関所 ".repeat(2000);
    const nginx = await startNginx(t, { leaf, files: { "a.html": text, "b.css": "b{}" } });
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    const url = httpsUrl(nginx.httpsPort);
    const both = await curl(sekisho, [`${url}a.html`, `${url}b.css`]);
    assert.equal(both.text, `${text}b{}`);
    const coded = await curl(sekisho, ["--compressed", `${url}a.html`]);
    assert.equal(coded.text, text);
    const range = await curl(sekisho, ["-r", "0-5", `${url}a.html`]);
    assert.equal(range.status, 206);
    assert.equal(range.text, "関所");
    const missing = await curl(sekisho, [`${url}none`]);
    assert.equal(missing.status, 404);
    const [row] = await sekisho.rows(1, "res.header[content-encoding] = gzip");
    assert.equal((await sekisho.must("show", String(row.id), "--response", "--body")).toString(), text);
    assert.equal((await sekisho.rows(1, 'res.body : "関所 関所"')).length, 2);
    assert.equal((await sekisho.rows(5)).length, 5);
  });
});
