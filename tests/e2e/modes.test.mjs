// The other ways to reach the proxy: SOCKS5 on its own port and on the main one, in place of an origin, and redirected.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { freePort } from "./lib/nginx.mjs";
import { connect, httpOrigin, httpsOrigin, rawOrigin } from "./lib/origin.mjs";
import { sharedPki } from "./lib/pki.mjs";
import { mustRun, run } from "./lib/process.mjs";
import { start } from "./lib/sekisho.mjs";

const portOf = (sekisho) => Number(sekisho.proxy.split(":").at(-1));
const hello = (t, text = "hello") => httpOrigin(t, (_, response) => response.end(text));

async function secure(t, text) {
  const pki = await sharedPki();
  const made = await pki.leaf(["localhost", "127.0.0.1"]);
  const origin = await httpsOrigin(t, { key: made.key, cert: made.cert }, (_, response) => response.end(text));
  return Object.assign(origin, { options: ["--origin-verify", `ca=${pki.caPath}`] });
}

async function direct(...args) {
  const { code, out, err } = await run("curl", ["-sS", "--noproxy", "*", ...args]);
  return { code, text: out.toString(), err };
}

describe("SOCKS5", () => {
  test("is told apart on the main port, by name and by address", async (t) => {
    const origin = await hello(t);
    const sekisho = await start(t);
    for (const scheme of ["socks5", "socks5h"]) {
      const out = await mustRun("curl", ["-sS", "-x", `${scheme}://127.0.0.1:${portOf(sekisho)}`, `http://localhost:${origin.port}/`]);
      assert.equal(out.toString(), "hello");
    }
    const rows = await sekisho.rows(2);
    assert.deepEqual(new Set(rows.map((row) => row.host)), new Set(["127.0.0.1", "localhost"]));
  });

  test("carries TLS, which is decrypted", async (t) => {
    const origin = await secure(t, "secret");
    const sekisho = await start(t, { args: origin.options });
    const out = await mustRun("curl", ["-sS", "-x", `socks5h://127.0.0.1:${portOf(sekisho)}`, "--cacert", sekisho.ca, `https://localhost:${origin.port}/`]);
    assert.equal(out.toString(), "secret");
    assert.equal((await sekisho.row()).url, `https://localhost:${origin.port}/`);
  });

  test("asks for --proxy-auth", async (t) => {
    const origin = await hello(t);
    const sekisho = await start(t, { args: ["--proxy-auth", "user:right"] });
    const at = `127.0.0.1:${portOf(sekisho)}`;
    const url = `http://127.0.0.1:${origin.port}/`;
    assert.notEqual((await run("curl", ["-sS", "-x", `socks5://${at}`, url])).code, 0);
    assert.notEqual((await run("curl", ["-sS", "-x", `socks5://user:wrong@${at}`, url])).code, 0);
    assert.equal((await mustRun("curl", ["-sS", "-x", `socks5://user:right@${at}`, url])).toString(), "hello");
  });

  test("gets the reply that fits what it cannot have", async (t) => {
    const sekisho = await start(t);
    const exchanges = [
      [[4, 1, 0, 80, 127, 0, 0, 1, 0], [0, 0x5b, 0, 0, 0, 0, 0, 0]], // SOCKS4
      [[5, 1, 2], [5, 0xff]], // only a password, which is not asked for
      [[5, 0], [5, 0xff]], // no method at all
      [[5, 1, 0, 5, 2, 0, 1, 127, 0, 0, 1, 0, 80], [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0]], // BIND
      [[5, 1, 0, 5, 3, 0, 1, 127, 0, 0, 1, 0, 80], [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0]], // UDP
      [[5, 1, 0, 5, 1, 0, 9, 127, 0, 0, 1, 0, 80], [5, 0, 5, 8, 0, 1, 0, 0, 0, 0, 0, 0]], // a kind of address that is none
      [[5, 1, 0, 5, 1, 0, 3, 0, 0, 80], [5, 0, 5, 8, 0, 1, 0, 0, 0, 0, 0, 0]], // an empty name
      [[5, 1, 0, 5, 1, 0, 3, 1, 0, 0, 80], [5, 0, 5, 8, 0, 1, 0, 0, 0, 0, 0, 0]], // NUL in a name
    ];
    for (const [sent, answer] of exchanges) {
      const peer = await connect(portOf(sekisho));
      peer.write(Buffer.from(sent));
      assert.deepEqual([...Buffer.from(await peer.toEnd(), "latin1")], answer, `to ${sent}`);
    }
  });

  test("takes its messages a byte at a time", async (t) => {
    const origin = await hello(t);
    const sekisho = await start(t);
    const peer = await connect(portOf(sekisho));
    const request = Buffer.concat([
      Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, origin.port >> 8, origin.port & 255]),
      Buffer.from("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ]);
    for (const byte of request) {
      peer.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(await peer.toEnd(), /hello$/);
  });

  test("alone refuses other clients on its port", async (t) => {
    const sekisho = await start(t, { args: ["--mode", "socks5"] });
    const peer = await connect(portOf(sekisho));
    peer.write(Buffer.from("GET http://localhost/ HTTP/1.1\r\n\r\n"));
    assert.equal((await peer.toEnd()).length, 0);
  });
});

describe("reverse", () => {
  test("stands for one origin, byte for byte, on a port of its own beside the others", async (t) => {
    const seen = [];
    const origin = await rawOrigin(t, (socket) => {
      socket.on("data", (bytes) => {
        seen.push(bytes.toString("latin1"));
        socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    });
    const [one, two] = [await freePort(), await freePort()];
    const sekisho = await start(t, {
      args: ["--mode", "regular", "--mode", `reverse:http://127.0.0.1:${origin.port}@127.0.0.1:${one}`,
             "--mode", `socks5@127.0.0.1:${two}`],
    });
    const request = "GET /x HTTP/1.1\r\nHost: whatever.test\r\nPROXY-connection: kept\r\n\r\n";
    const peer = await connect(one);
    peer.write(Buffer.from(request));
    assert.match(await peer.toEnd(), /ok$/);
    assert.deepEqual(seen, [request]);
    const row = await sekisho.row();
    assert.equal(row.url, `http://127.0.0.1:${origin.port}/x`);
    assert.equal((await mustRun("curl", ["-sS", "-x", `socks5://127.0.0.1:${two}`, `http://127.0.0.1:${origin.port}/y`])).toString(), "ok");
  });

  test("speaks TLS to the origin whatever the client speaks, and verifies it by its own name", async (t) => {
    const origin = await secure(t, "deep");
    const port = await freePort();
    const sekisho = await start(t, { args: [...origin.options, "--mode", `reverse:https://localhost:${origin.port}@127.0.0.1:${port}`] });
    assert.equal((await direct(`http://127.0.0.1:${port}/`)).text, "deep");
    const tls = await direct("--cacert", sekisho.ca, "--resolve", `shop.test:${port}:127.0.0.1`, `https://shop.test:${port}/`);
    assert.equal(tls.text, "deep", tls.err);
    const rows = await sekisho.rows(2);
    for (const row of rows) {
      assert.equal(row.host, "localhost");
      assert.equal(row.origin_tls.verify, "ok");
    }
  });
});

describe("transparent", () => {
  test("refuses a connection that nobody redirected", async (t) => {
    const port = await freePort();
    await start(t, { args: ["--mode", `transparent@127.0.0.1:${port}`] });
    const peer = await connect(port);
    peer.write(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert.equal((await peer.toEnd()).length, 0);
  });
});
