// The system's Chromium, driven by Playwright, and what must never happen in it.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { atEnd } from "./cleanup.mjs";
import { which } from "./process.mjs";

export const chromiumProgram = which("chromium") ?? which("chromium-browser") ?? which("google-chrome");

// A page of its own. When the test ends, there must have been no dialog, no error, no refusal by the content policy,
// and no request to anywhere but `origin`.
export async function openPage(t, origin, options = {}) {
  const browser = await chromium.launch({ executablePath: chromiumProgram, args: ["--no-sandbox", "--disable-gpu"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const troubles = [];

  page.on("dialog", (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("pageerror", (error) => troubles.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) troubles.push(message.text());
  });
  page.on("request", (request) => {
    const { protocol, origin: to } = new URL(request.url());
    if (to !== origin && protocol !== "blob:") troubles.push(`request: ${request.url()}`);
  });
  atEnd(t, async () => {
    await browser.close();
    assert.deepEqual(troubles, []);
  });
  return page;
}
