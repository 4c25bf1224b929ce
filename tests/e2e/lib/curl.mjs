// curl as a client: through the proxy, trusting its CA.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { run } from "./process.mjs";

// { code, status, head, body, text, err }: head as text with all interim and proxy heads, body as a Buffer.
export async function curl(sekisho, args, { input, limitMs } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sekisho-curl-"));
  const headFile = path.join(folder, "head");
  try {
    const through = ["-sS", "-D", headFile, "-x", sekisho.proxy, "--noproxy", "", "--cacert", sekisho.ca];
    const { code, signal, out, err } = await run("curl", [...through, ...args], { input, limitMs });
    const head = fs.existsSync(headFile) ? fs.readFileSync(headFile, "latin1") : "";
    const statuses = [...head.matchAll(/^HTTP\/[\d.]+ (\d{3})/gm)];
    return { code: code ?? signal, status: Number(statuses.at(-1)?.[1] ?? 0), head: head + err, body: out, text: out.toString() };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
