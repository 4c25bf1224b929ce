// Waiting for things that happen in other processes. No test asserts how long something takes; the limits here only
// keep a broken program from hanging the run, so they are wide.
export const LONG_MS = 120_000;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Calls `look` until it gives something true; fails with `what` and the last answer after a long time.
export async function eventually(what, look, limitMs = LONG_MS) {
  const until = Date.now() + limitMs;
  let last;
  for (;;) {
    try {
      last = await look();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) {
      throw new Error(`${what} did not happen within ${limitMs / 1000} s; last: ${last?.stack ?? JSON.stringify(last)}`);
    }
    await sleep(25);
  }
}

// The promise's value, or a failure that names what was waited for.
export async function within(what, promise, limitMs = LONG_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
