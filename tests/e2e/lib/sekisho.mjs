// The program under test: started on free ports with a folder of its own, and its commands.
//
//   const sekisho = await start(t, { args: ["--strict"] });   // stopped and removed when the test `t` ends
//   sekisho.proxyPort, .adminPort, .token, .ca, .dir, .pid
//   await sekisho.run("log", "--json")                        // { code, out, err }
//   await sekisho.rows(2, "status = 200")                     // waits until that many match
import { spawn } from "node:child_process";
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { atEnd } from "./cleanup.mjs";
import { cleanEnvironment, run } from "./process.mjs";
import { eventually, within } from "./wait.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));
export const program = process.env.SEKISHO_BINARY ?? path.join(root, "build", "sekisho");

export function temporaryFolder(t, name = "home") {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `sekisho-${name}-`));
  atEnd(t, () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

// One command, to its end, without a running program.
export function command(dir, ...args) {
  return run(program, ["--dir", dir, ...args], { env: cleanEnvironment({ HOME: path.dirname(dir) }) });
}

class Sekisho {
  constructor(child, dir, home) {
    this.child = child;
    this.dir = dir;
    this.home = home;
    this.pid = child.pid;
    this.errors = "";
    this.ended = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })));
    child.stderr.on("data", (bytes) => (this.errors += bytes));
  }

  // Reads the line that says it can serve.
  async awaitReady() {
    const lines = readline.createInterface({ input: this.child.stdout });
    const first = new Promise((resolve) => lines.once("line", resolve));
    const line = await within("the ready line", Promise.race([first, this.ended]));
    if (typeof line !== "string") throw new Error(`it ended before it was ready: ${JSON.stringify(line)}\n${this.errors}`);
    this.ready = JSON.parse(line);
    assert.equal(this.ready.event, "ready");
    this.proxyPort = Number(this.ready.listen.match(/:(\d+)$/)[1]);
    this.adminPort = Number(this.ready.admin.match(/:(\d+)$/)[1]);
    this.token = this.ready.url.match(/#token=([0-9a-f]+)$/)[1];
    this.proxy = `http://${this.ready.listen}`;
    this.ca = this.ready.ca;
  }

  run(...args) {
    return run(program, ["--dir", this.dir, ...args], { env: cleanEnvironment({ HOME: this.home }) });
  }

  // Standard output of a command that must succeed.
  async must(...args) {
    const { code, out, err } = await this.run(...args);
    assert.equal(code, 0, `sekisho ${args.join(" ")}: exit ${code}\n${err}`);
    return out;
  }

  async log(query = "", ...args) {
    const out = await this.must("log", ...(query ? [query] : []), "--json", "--limit", "0", ...args);
    return out.toString().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  // The rows that match, once there are `count` of them and all have ended.
  async rows(count, query = "") {
    return eventually(`${count} rows for '${query}'`, async () => {
      const rows = await this.log(query);
      return rows.length >= count && rows.every((row) => row.time_us !== null) ? rows : null;
    });
  }

  // The row, when exactly one is expected.
  async row(query = "") {
    const rows = await this.rows(1, query);
    assert.equal(rows.length, 1, JSON.stringify(rows, null, 1));
    return rows[0];
  }

  // Bytes on the wire of one half, as `sekisho show` gives them.
  raw(id, side) {
    return this.must("show", String(id), `--${side}`, "--raw");
  }

  api(target, { method = "GET", body, headers = {}, signal } = {}) {
    return fetch(`http://127.0.0.1:${this.adminPort}${target}`, {
      method,
      signal,
      body,
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
    });
  }

  residentBytes() {
    const status = fs.readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]) * 1024;
  }

  // Open sockets; files come and go with what the recorder does.
  socketCount() {
    const folder = `/proc/${this.pid}/fd`;
    const target = (name) => {
      try {
        return fs.readlinkSync(path.join(folder, name));
      } catch {
        return ""; // closed in between
      }
    };
    return fs.readdirSync(folder).filter((name) => target(name).startsWith("socket:")).length;
  }

  async stop(signal = "SIGTERM") {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return within("its end", this.ended);
  }
}

// `args`: further options; `dir`: an existing base folder, for a second start; `env`: further variables; `openFiles`: how
// many descriptors it may have.
export async function start(t, { args = [], dir, env = {}, openFiles } = {}) {
  const home = dir ? path.dirname(dir) : temporaryFolder(t);
  const base = dir ?? path.join(home, ".sekisho");
  const words = [program, "run", "--json", "--dir", base, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", ...args];
  if (openFiles) words.unshift("sh", "-c", `ulimit -n ${openFiles}; exec "$0" "$@"`);
  const child = spawn(
    words[0],
    words.slice(1),
    { env: cleanEnvironment({ HOME: home, ...env }), stdio: ["ignore", "pipe", "pipe"] },
  );
  const sekisho = new Sekisho(child, base, home);

  atEnd(t, async () => {
    const { code, signal } = await sekisho.stop();
    if (!sekisho.mayFail) assert.deepEqual({ code, signal }, { code: 0, signal: null }, sekisho.errors);
  });
  await sekisho.awaitReady();
  return sekisho;
}
