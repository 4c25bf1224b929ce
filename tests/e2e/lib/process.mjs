// Other programs: run to their end with all they print, or looked for.
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { LONG_MS } from "./wait.mjs";

// Settings of the person who runs the tests must not change what the tests see.
export function cleanEnvironment(extra = {}) {
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(SEKISHO_.*|(http|https|all|no)_proxy|SSL_CERT_.*|CURL_.*|NODE_.*)$/i.test(name)) env[name] = value;
  }
  return { ...env, NO_COLOR: "1", LC_ALL: "C.UTF-8", TZ: "UTC", ...extra };
}

// { code, signal, out, err }: out is a Buffer, err is text. `input` goes to standard input.
export function run(program, args, { env, cwd, input, limitMs = LONG_MS } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: env ?? cleanEnvironment(), cwd, stdio: ["pipe", "pipe", "pipe"] });
    const out = [];
    const err = [];
    const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
    child.stdout.on("data", (bytes) => out.push(bytes));
    child.stderr.on("data", (bytes) => err.push(bytes));
    child.stdin.on("error", () => {}); // it may end without reading
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, out: Buffer.concat(out), err: Buffer.concat(err).toString() });
    });
  });
}

// Runs, and fails the test with what was printed when the program fails. Gives standard output as text.
export async function mustRun(program, args, options) {
  const { code, signal, out, err } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${code ?? signal}\n${out}\n${err}`);
  return out.toString();
}

// The full path of a program, or null.
export function which(name) {
  for (const folder of [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"]) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // the next folder
    }
  }
  return null;
}
