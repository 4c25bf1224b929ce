// Who is to blame: the log names the side that failed, not the one that followed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { curl } from "./lib/curl.mjs";
import { freePort } from "./lib/nginx.mjs";
import { connect, rawOrigin } from "./lib/origin.mjs";
import { start } from "./lib/sekisho.mjs";

test("an upstream proxy that is down is named, and not the origin", async (t) => {
  const port = await freePort();
  const sekisho = await start(t, { args: ["--upstream", `http://127.0.0.1:${port}`] });
  const answer = await curl(sekisho, ["http://shop.test/"]);
  assert.equal(answer.status, 502);
  assert.match(answer.text, new RegExp(`upstream proxy 127.0.0.1:${port} could not be reached`));
  assert.equal((await sekisho.row()).error, "upstream");
});

test("a client that leaves is the cause, though the origin closes after it", async (t) => {
  const sekisho = await start(t);
  for (const part of ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"]) {
    const origin = await rawOrigin(t, (socket) => {
      socket.once("data", () => socket.write(part));
      socket.on("end", () => socket.end());
    });
    const client = await connect(Number(sekisho.proxy.split(":").at(-1)));
    await client.write(`GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
    if (part) await client.until("half");
    client.end();
    await client.toEnd();
    const row = await sekisho.row(`port = ${origin.port}`);
    assert.equal(row.error, "client-gone");
  }
});
