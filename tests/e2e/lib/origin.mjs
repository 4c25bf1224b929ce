// Origins: Node's HTTP servers, and raw sockets where every byte matters. All on 127.0.0.1 and free ports.
import { atEnd } from "./cleanup.mjs";
import http from "node:http";
import https from "node:https";
import net from "node:net";

function listening(t, server) {
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // resets are part of many tests
  });
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => resolve({ server, sockets, port: server.address().port }));
  });
}

export const httpOrigin = (t, handler) => listening(t, http.createServer(handler));
export const httpsOrigin = (t, options, handler) => listening(t, https.createServer(options, handler));

// on_socket(socket, number of the connection from 0). The server ends its direction only when told.
export async function rawOrigin(t, onSocket) {
  let count = 0;
  const origin = await listening(t, net.createServer({ allowHalfOpen: true }, (socket) => onSocket(socket, count++)));
  origin.connectionCount = () => count;
  return origin;
}

// An origin that gathers what one connection sends, and answers when told.
//   const peer = await origin.next(); await peer.until("\r\n\r\n"); peer.write("HTTP/1.1 ...");
export async function scriptedOrigin(t) {
  const waiting = [];
  const arrived = [];
  const origin = await rawOrigin(t, (socket) => {
    const peer = new Peer(socket);
    if (waiting.length) waiting.shift()(peer);
    else arrived.push(peer);
  });
  origin.next = () => (arrived.length ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve)));
  return origin;
}

// One end of a raw connection: all bytes that came, and waiting for more.
export class Peer {
  constructor(socket) {
    this.socket = socket;
    this.bytes = Buffer.alloc(0);
    this.taken = 0; // bytes that earlier reads gave out
    this.hasEnded = false;
    this.wasReset = false;
    this.wakers = [];
    socket.on("data", (bytes) => {
      this.bytes = Buffer.concat([this.bytes, bytes]);
      this.wake();
    });
    socket.on("end", () => {
      this.hasEnded = true;
      this.wake();
    });
    socket.on("error", () => {
      this.wasReset = true;
      this.wake();
    });
    socket.on("close", () => {
      this.hasEnded = true;
      this.wake();
    });
  }

  wake() {
    for (const waker of this.wakers.splice(0)) waker();
  }

  change() {
    return new Promise((resolve) => this.wakers.push(resolve));
  }

  write(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, resolve));
  }

  // Ends our direction.
  end() {
    this.socket.end();
  }

  reset() {
    this.socket.resetAndDestroy();
  }

  // The next bytes up to and with `mark` (text or a number of bytes).
  async until(mark) {
    for (;;) {
      const rest = this.bytes.subarray(this.taken);
      const at = typeof mark === "number" ? (rest.length >= mark ? 0 : -1) : rest.indexOf(mark);
      if (at >= 0) {
        const length = typeof mark === "number" ? mark : at + Buffer.byteLength(mark);
        this.taken += length;
        return rest.subarray(0, length).toString("latin1");
      }
      if (this.hasEnded || this.wasReset) {
        throw new Error(`it ended before ${JSON.stringify(mark)}; there was ${JSON.stringify(rest.toString("latin1"))}`);
      }
      await this.change();
    }
  }

  // Everything until the other side ends.
  async toEnd() {
    while (!this.hasEnded && !this.wasReset) await this.change();
    const rest = this.bytes.subarray(this.taken).toString("latin1");
    this.taken = this.bytes.length;
    return rest;
  }
}

export function connect(port, host = "127.0.0.1") {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host, allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.removeListener("error", reject);
      resolve(new Peer(socket));
    });
  });
}
