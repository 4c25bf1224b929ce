// curl as a client: through the proxy, trusting its CA.
import { run } from "./process.mjs";

// { code, status, head, body, err }: head as text with all interim and proxy heads, body as a Buffer.
export async function curl(sekisho, args, { input, limitMs } = {}) {
  const { code, out, err } = await run(
    "curl",
    ["-sS", "-D", "/dev/stderr", "-x", sekisho.proxy, "--cacert", sekisho.ca, ...args],
    { input, limitMs },
  );
  const statuses = [...err.matchAll(/^HTTP\/[\d.]+ (\d{3})/gm)];
  return { code, status: Number(statuses.at(-1)?.[1] ?? 0), head: err, body: out, text: out.toString() };
}
