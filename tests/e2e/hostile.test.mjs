// What only the real binary can show under hostile clients, origins and circumstances: TLS that is odd, proxies in
// between, certificates that are refused or trusted, descriptors that run out, and an end in the middle of everything.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import { describe, test } from "node:test";
import tls from "node:tls";
import { atEnd } from "./lib/cleanup.mjs";
import { curl } from "./lib/curl.mjs";
import { freePort, nginxProgram, startNginx } from "./lib/nginx.mjs";
import { connect, httpOrigin, httpsOrigin, rawOrigin, scriptedOrigin } from "./lib/origin.mjs";
import { sharedPki } from "./lib/pki.mjs";
import { start } from "./lib/sekisho.mjs";
import { eventually, within } from "./lib/wait.mjs";

const HELLO = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const hello = (_, response) => response.end("hello");
const httpsUrl = (port, path = "/") => `https://localhost:${port}${path}`;

async function throughConnect(sekisho, authority) {
  const client = await connect(sekisho.proxyPort);
  await client.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  assert.match(await client.until("\r\n\r\n"), /^HTTP\/1.1 200 /);
  return client;
}

// The bytes of a ClientHello that Node sends with these options.
function clientHello(options = {}) {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => {
      socket.once("data", (bytes) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, "127.0.0.1", () => {
      tls.connect({ port: server.address().port, host: "127.0.0.1", ...options }).on("error", () => {});
    });
  });
}

// One record of TLS around handshake bytes.
const record = (bytes) => Buffer.concat([Buffer.from([0x16, 3, 1, bytes.length >> 8, bytes.length & 255]), bytes]);

describe("hellos", () => {
  test("in 64 segments, or with one byte in each record, are TLS all the same", async (t) => {
    const sekisho = await start(t);
    const origin = await rawOrigin(t, () => {});
    const whole = await clientHello({ servername: "split.example" });
    const handshake = whole.subarray(5);
    const inRecords = Buffer.concat([...handshake].map((_, i) => record(handshake.subarray(i, i + 1))));
    for (const bytes of [whole, inRecords]) {
      const client = await throughConnect(sekisho, `127.0.0.1:${origin.port}`);
      const step = Math.ceil(bytes.length / 64);
      for (let at = 0; at < bytes.length; at += step) {
        await client.write(bytes.subarray(at, at + step));
        await new Promise((resolve) => setImmediate(resolve));
      }
      // A ServerHello, or, for what its record layer refuses, an alert: a TLS server answers.
      assert.match(await client.until(3), /^[\x15\x16]\x03/);
      client.reset();
    }
  });

  test("of any kind lead to a certificate or a raw tunnel, and the program goes on", async (t) => {
    const sekisho = await start(t, { args: ["--peek-timeout", "50ms", "--tls-timeout", "1s"] });
    const origin = await rawOrigin(t, (socket) => socket.resume().on("end", () => socket.end()));
    const whole = await clientHello({ servername: "name.example" });
    const withName = (name) => {
      const at = whole.indexOf("name.example");
      const changed = Buffer.from(whole);
      changed.write(name.padEnd(12, "x").slice(0, 12), at, "latin1");
      return changed;
    };
    const hostile = [
      withName("../../../etc"),
      withName("a\0b.example"),
      withName("\xff\xfe\xfd\xfc"),
      withName("127.0.0.1"),
      withName("............"),
      whole.subarray(0, 40),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 1]), Buffer.alloc(0x4001, 1)]), // longer than a record may be
      Buffer.from([0x16, 3, 1, 0, 0]),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]), Buffer.alloc(100_000)]),
      record(Buffer.from([1, 0, 0, 0])),
    ];
    for (const bytes of hostile) {
      const client = await throughConnect(sekisho, `127.0.0.1:${origin.port}`);
      await client.write(bytes);
      client.end();
      await within(`the end after ${bytes.subarray(0, 60).toString("hex")}`, client.toEnd());
    }
    const answer = await curl(sekisho, ["http://sekisho.proxy/"]);
    assert.equal(answer.status, 200);
    assert.deepEqual(fs.readdirSync(sekisho.dir).filter((name) => /etc|\.\./.test(name)), []);
  });

  test("with a name that is no name get a certificate for where CONNECT leads", async (t) => {
    const pki = await sharedPki();
    const origin = await httpsOrigin(t, await pki.leaf(["127.0.0.1"]), hello);
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    const client = await throughConnect(sekisho, `127.0.0.1:${origin.port}`);
    client.socket.removeAllListeners("data");
    const secure = tls.connect({ socket: client.socket, servername: "", ca: fs.readFileSync(sekisho.ca), host: "127.0.0.1" });
    await within("the handshake", new Promise((resolve, reject) => secure.once("secureConnect", resolve).once("error", reject)));
    assert.match(secure.getPeerCertificate().subjectaltname, /IP Address:127\.0\.0\.1/);
    secure.destroy();
  });
});

describe("origins' TLS", () => {
  test("an old origin works with --legacy-tls and explains itself without", async (t) => {
    const pki = await sharedPki();
    const leaf = await pki.leaf(["localhost"], { key: ["-newkey", "rsa:1024"] });
    const port = await freePort();
    const server = spawn("openssl", [
      "s_server", "-accept", `127.0.0.1:${port}`, "-cert", `${leaf.base}.pem`, "-key", `${leaf.base}.key`,
      "-tls1", "-cipher", "ALL:@SECLEVEL=0", "-www", "-quiet",
    ]);
    const ended = new Promise((resolve) => server.on("close", resolve));
    atEnd(t, async () => {
      server.kill("SIGKILL");
      await ended;
    });
    await eventually("openssl to listen", () => new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => resolve(socket.destroy() && true)).on("error", () => resolve(false));
    }));
    const args = ["--origin-verify", `ca=${pki.caPath}`];
    const modern = await start(t, { args });
    const refused = await curl(modern, [httpsUrl(port)]);
    assert.equal(refused.status, 502);
    assert.match(refused.text, /--legacy-tls/);
    const old = await start(t, { args: [...args, "--legacy-tls", "localhost"] });
    const answer = await curl(old, [httpsUrl(port)]);
    assert.equal(answer.status, 200, answer.head + answer.text);
    assert.equal((await old.rows(1, "status = 200"))[0].origin_tls.version, "TLSv1");
  });

  test("an unknown root and a small key are each named, and never passed in silence", async (t) => {
    const pki = await sharedPki();
    const small = await pki.leaf(["localhost"], { key: ["-newkey", "rsa:1024"] });
    const cases = [
      [await pki.leaf(["localhost"]), [], "unknown-issuer"],
      [small, ["--origin-verify", `ca=${pki.caPath}`], "weak"],
    ];
    for (const [leaf, args, name] of cases) {
      const origin = await httpsOrigin(t, { ...leaf, ciphers: "DEFAULT@SECLEVEL=0" }, hello);
      const sekisho = await start(t, { args });
      const answer = await curl(sekisho, [httpsUrl(origin.port)]);
      assert.equal(answer.status, 502);
      assert.match(answer.text, new RegExp(name));
      assert.match((await sekisho.row("error = verify")).origin_tls.verify, new RegExp(name));
    }
  });

  test("nginx that asks for a client certificate", { skip: nginxProgram ? false : "NOT RUN: nginx is not installed" }, async (t) => {
    const pki = await sharedPki();
    const leaf = await pki.leaf(["localhost"]);
    const mine = await pki.leaf(["me.example"]);
    fs.writeFileSync(`${mine.base}-both.pem`, mine.cert + mine.key);
    const nginx = await startNginx(t, {
      leaf, files: { "a.html": "inside" }, locations: `ssl_verify_client on; ssl_client_certificate ${pki.caPath};`,
    });
    const args = ["--origin-verify", `ca=${pki.caPath}`];
    const without = await start(t, { args });
    assert.equal((await curl(without, [httpsUrl(nginx.httpsPort, "/a.html")])).status, 400);
    const sekisho = await start(t, { args: [...args, "--client-cert", `localhost=${mine.base}-both.pem`] });
    assert.equal((await curl(sekisho, [httpsUrl(nginx.httpsPort, "/a.html")])).text, "inside");
  });

  test("many names in a certificate, and a large chain, are bounded in time", async (t) => {
    const pki = await sharedPki();
    const names = ["localhost", ...Array.from({ length: 2000 }, (_, i) => `name-${i}.example`)];
    const origin = await httpsOrigin(t, await pki.leaf(names), hello);
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    const answer = await curl(sekisho, [httpsUrl(origin.port)]);
    assert.ok(answer.text === "hello" || answer.status === 502, answer.head);
    // Only the name that was asked for is in our leaf.
    const row = await sekisho.row();
    assert.ok(row.error === null || row.error_text.length > 10);
  });

  test("a body without length that ends without close_notify is flagged", async (t) => {
    const pki = await sharedPki();
    const leaf = await pki.leaf(["localhost"]);
    const sockets = [];
    const server = tls.createServer({ key: leaf.key, cert: leaf.cert }, (socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\npart", () => setTimeout(() => sockets.at(-1).end(), 100)));
    });
    server.on("connection", (socket) => sockets.push(socket));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(t, () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    const answer = await curl(sekisho, [httpsUrl(server.address().port)]);
    assert.equal(answer.text, "part");
    assert.equal((await sekisho.rows(1, "flag : truncated"))[0].status, 200);
  });
});

describe("the button on the error page", () => {
  test("trusts the certificate, for later starts too, and only by a POST with its token", async (t) => {
    const pki = await sharedPki();
    const leaf = await pki.leaf(["localhost"], { selfSigned: true });
    const origin = await httpsOrigin(t, leaf, hello);
    const first = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    const page = await curl(first, [httpsUrl(origin.port, "/back?x=1")]);
    assert.equal(page.status, 502);
    const [, action] = page.text.match(/action="([^"]+)"/);
    assert.match(action, /^\/\.sekisho\/trust\/[0-9a-zA-Z]{16,}$/);
    const forged = action.replace(/.$/, (c) => (c === "0" ? "1" : "0"));
    assert.equal((await curl(first, ["-X", "POST", httpsUrl(origin.port, forged)])).status, 502);
    assert.equal((await curl(first, [httpsUrl(origin.port, action)])).status, 502, "a GET trusts nothing");
    const pressed = await curl(first, ["-X", "POST", httpsUrl(origin.port, action)]);
    assert.equal(pressed.status, 303, pressed.head);
    assert.match(pressed.head, /^location: \/back\?x=1\r$/im);
    assert.equal((await curl(first, [httpsUrl(origin.port)])).text, "hello");
    await first.stop();
    const second = await start(t, { dir: first.dir, args: ["--origin-verify", `ca=${pki.caPath}`] });
    assert.equal((await curl(second, [httpsUrl(origin.port)])).text, "hello");
    // Another certificate of the same host is not trusted.
    const other = await httpsOrigin(t, await pki.leaf(["localhost"], { selfSigned: true }), hello);
    assert.equal((await curl(second, [httpsUrl(other.port)])).status, 502);
  });

  test("a client that refuses our certificate leaves a row that names the way out", async (t) => {
    const pki = await sharedPki();
    const origin = await httpsOrigin(t, await pki.leaf(["localhost"]), hello);
    const sekisho = await start(t, { args: ["--origin-verify", `ca=${pki.caPath}`] });
    const client = await throughConnect(sekisho, `localhost:${origin.port}`);
    client.socket.removeAllListeners("data");
    const secure = tls.connect({ socket: client.socket, servername: "localhost", ca: fs.readFileSync(pki.caPath) });
    await new Promise((resolve) => secure.once("error", resolve));
    const [row] = await sekisho.rows(1, 'error = "client-refused-certificate"');
    assert.equal(row.host, "localhost");
    assert.match(row.error_text, /--pass localhost/);
  });
});

// A SOCKS5 server (RFC 1928, 1929) that asks for a password when one is given.
async function socksServer(t, password) {
  const asked = [];
  const server = await scriptedOrigin(t);
  const serve = async (peer) => {
    const [, methodCount] = Buffer.from(await peer.until(2), "latin1");
    await peer.until(methodCount);
    await peer.write(Buffer.from([5, password ? 2 : 0]));
    if (password) {
      const [, userLength] = Buffer.from(await peer.until(2), "latin1");
      const user = await peer.until(userLength);
      const given = await peer.until(Buffer.from(await peer.until(1), "latin1")[0]);
      await peer.write(Buffer.from([1, `${user}:${given}` === password ? 0 : 1]));
    }
    const [, , , kind] = Buffer.from(await peer.until(4), "latin1");
    const length = kind === 1 ? 4 : kind === 4 ? 16 : Buffer.from(await peer.until(1), "latin1")[0];
    const host = await peer.until(length);
    const port = Buffer.from(await peer.until(2), "latin1").readUInt16BE();
    asked.push(kind === 3 ? host : [...Buffer.from(host, "latin1")].join("."));
    const target = net.connect(port, "127.0.0.1", () => {
      peer.socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]));
      peer.socket.pipe(target).pipe(peer.socket);
    });
    target.on("error", () => peer.socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
  };
  (async () => {
    for (;;) serve(await server.next()).catch(() => {});
  })();
  return Object.assign(server, { asked });
}

describe("upstream SOCKS5", () => {
  test("carries plain requests and TLS, and resolves the names itself", async (t) => {
    const pki = await sharedPki();
    const origin = await httpOrigin(t, hello);
    const secure = await httpsOrigin(t, await pki.leaf(["far.example"]), hello);
    for (const password of [null, "me:secret"]) {
      const socks = await socksServer(t, password);
      const url = `socks5://${password ? `${password}@` : ""}127.0.0.1:${socks.port}`;
      const sekisho = await start(t, { args: ["--upstream", url, "--origin-verify", `ca=${pki.caPath}`] });
      assert.equal((await curl(sekisho, [`http://far.example:${origin.port}/`])).text, "hello");
      assert.equal((await curl(sekisho, [`https://far.example:${secure.port}/`])).text, "hello");
      assert.equal((await curl(sekisho, [`http://127.0.0.1:${origin.port}/`])).text, "hello");
      assert.deepEqual(socks.asked, ["far.example", "far.example", "127.0.0.1"]);
    }
  });

  test("that refuses, or is no SOCKS at all, is named as the cause", async (t) => {
    const nothing = await freePort();
    const socks = await socksServer(t, "me:secret");
    const noSocks = await rawOrigin(t, (socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad\r\n\r\n")));
    const cases = [
      [`socks5://127.0.0.1:${socks.port}`, `http://127.0.0.1:${nothing}/`],
      [`socks5://me:wrong@127.0.0.1:${socks.port}`, `http://127.0.0.1:${nothing}/`],
      [`socks5://me:secret@127.0.0.1:${socks.port}`, `http://127.0.0.1:${nothing}/`],
      [`socks5://127.0.0.1:${noSocks.port}`, "http://far.example/"],
    ];
    for (const [upstream, url] of cases) {
      const sekisho = await start(t, { args: ["--upstream", upstream] });
      const answer = await curl(sekisho, [url]);
      assert.equal(answer.status, 502, `${upstream}: ${answer.head}`);
      assert.equal((await sekisho.row()).error, "upstream");
    }
  });
});

describe("when something runs out", () => {
  test("with 64 descriptors the API answers while clients hold all they can, and all recovers", async (t) => {
    const sekisho = await start(t, { openFiles: 64 });
    const clients = [];
    for (let i = 0; i < 200; i++) {
      const socket = net.connect(sekisho.proxyPort, "127.0.0.1");
      socket.on("error", () => {});
      clients.push(socket);
    }
    for (let i = 0; i < 5; i++) assert.equal((await within("the API", sekisho.api("/api/v1/status"))).status, 200);
    for (const socket of clients) socket.destroy();
    await eventually("a request to pass again", async () => (await curl(sekisho, ["http://sekisho.proxy/"])).status === 200);
  });

  test("an endless answer, a black hole and a client that does not read leave the API reachable", async (t) => {
    const piece = Buffer.alloc(65536, 97);
    const endless = await rawOrigin(t, (socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.on("drain", more);
      more();
    });
    const blackHole = await rawOrigin(t, () => {});
    const sekisho = await start(t, { args: ["--response-head-timeout", "500ms"] });
    const begun = sekisho.residentBytes();
    for (let i = 0; i < 20; i++) {
      const client = await connect(sekisho.proxyPort);
      client.socket.pause();
      await client.write(`GET http://127.0.0.1:${i % 2 ? endless.port : blackHole.port}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
    }
    assert.equal((await sekisho.rows(10, "error = timeout")).length, 10);
    assert.equal((await sekisho.api("/api/v1/status")).status, 200);
    assert.ok(sekisho.residentBytes() - begun < 400 * 1024 * 1024); // a sanitizer keeps freed memory
  });

  test("interim answers without end are ended", async (t) => {
    const origin = await rawOrigin(t, (socket) => {
      const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(1000);
      const more = () => {
        while (!socket.destroyed && socket.write(hints));
      };
      socket.on("drain", more);
      socket.once("data", more);
    });
    const sekisho = await start(t);
    const client = await connect(sekisho.proxyPort);
    await client.write(`GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
    await within("the end", client.toEnd());
    assert.equal((await sekisho.row()).error, "syntax");
  });
});

describe("an end in the middle of everything", () => {
  test("transfers, tunnels and unanswered requests do not hold it up, and are recorded", async (t) => {
    const piece = Buffer.alloc(65536, 98);
    const endless = await rawOrigin(t, (socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.on("drain", more);
      more();
    });
    const silent = await rawOrigin(t, () => {});
    const sekisho = await start(t, { args: ["--peek-timeout", "20ms"] });
    for (let i = 0; i < 30; i++) {
      const port = i % 3 ? silent.port : endless.port;
      const client = await connect(sekisho.proxyPort);
      client.socket.removeAllListeners("data").resume();
      await client.write(
        i % 3 === 2
          ? `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n\x00\x01`
          : `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
    }
    await eventually("all to be under way", async () => (await sekisho.log()).length === 30);
    assert.deepEqual(await sekisho.stop(), { code: 0, signal: null });
    const rows = (await sekisho.run("log", "--json", "--limit", "0")).out.toString().trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(rows.length, 30);
    for (const row of rows) assert.equal(row.error, "stopped", JSON.stringify(row));
  });
});

describe("circles", () => {
  test("each form of our own address, by each way in, ends here", async (t) => {
    const sekisho = await start(t);
    const names = ["127.0.0.1", "localhost", "LOCALHOST.", "a.localhost", "127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1",
      "0.0.0.0", "0", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]"];
    for (const port of [sekisho.proxyPort, sekisho.adminPort]) {
      for (const name of names) {
        for (const line of [`GET http://${name}:${port}/ HTTP/1.1`, `CONNECT ${name}:${port} HTTP/1.1`]) {
          const client = await connect(sekisho.proxyPort);
          await client.write(`${line}\r\nHost: x\r\n\r\n`);
          if (line.startsWith("CONNECT")) {
            await client.until("\r\n\r\n");
            await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
          }
          assert.match(await client.until("\r\n\r\n"), /^HTTP\/1.1 (403|502) /, line);
          client.reset();
        }
      }
    }
  });

  test("two instances that are each other's upstream answer 508", async (t) => {
    const port = await freePort();
    const second = await start(t, { args: ["--upstream", `http://127.0.0.1:${port}`] });
    const first = await start(t, { args: ["--upstream", second.proxy, "--listen", `127.0.0.1:${port}`] });
    const answer = await curl(first, ["http://far.example/"]);
    assert.equal(answer.status, 508, answer.head);
    assert.ok((await first.log()).length + (await second.log()).length <= 3);
  });
});

describe("orphans", () => {
  test("what an origin says beyond its answer is in the log and never with the client", async (t) => {
    const origin = await scriptedOrigin(t);
    const sekisho = await start(t);
    const client = await connect(sekisho.proxyPort);
    await client.write(
      `POST http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
    const peer = await origin.next();
    await peer.until("0\r\n\r\n");
    await peer.write(HELLO);
    assert.equal(await client.until(HELLO.length), HELLO);
    await peer.write(HELLO.replace("hello", "other"));
    assert.equal(await within("the end", client.toEnd()), "");
    const [orphan] = await sekisho.rows(1, "flag : orphan");
    assert.match((await sekisho.raw(orphan.id, "response")).toString(), /other$/);
  });
});
