// The built-in page in Chromium: it lists what passes, live, and what was captured is never more than text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chromiumProgram, openPage } from "./lib/browser.mjs";
import { curl } from "./lib/curl.mjs";
import { httpOrigin, httpsOrigin, rawOrigin } from "./lib/origin.mjs";
import { sharedPki } from "./lib/pki.mjs";
import { start } from "./lib/sekisho.mjs";
import { eventually } from "./lib/wait.mjs";

const skip = chromiumProgram ? false : "needs chromium";

async function withPage(t, options) {
  const sekisho = await start(t);
  const page = await openPage(t, `http://${sekisho.ready.admin}`, options);
  return { sekisho, page };
}

const cells = (page, column) => page.locator(`tbody tr td:nth-child(${column})`).allTextContents();

test("without the token it says how to get the link", { skip }, async (t) => {
  const { sekisho, page } = await withPage(t);
  await page.goto(`http://${sekisho.ready.admin}/`);
  await page.getByText("sekisho url").waitFor();
  await page.goto(`http://${sekisho.ready.admin}/#token=${"0".repeat(64)}`); // loads anew by itself
  await page.getByText("The key is not right any more.").waitFor();
});

test("lists what passes while it passes, and shows both sides", { skip }, async (t) => {
  const { sekisho, page } = await withPage(t);
  const origin = await httpOrigin(t, (request, response) => {
    response.setHeader("Content-Type", "application/json");
    response.end('{"answer": 42}');
  });
  await page.goto(sekisho.ready.url);
  await page.getByText("The gate is open.").waitFor();
  await page.getByText(sekisho.proxy, { exact: true }).waitFor();
  assert.equal(new URL(page.url()).hash, "");
  assert.ok(!(await page.content()).includes(sekisho.token));
  await page.getByText("Live").waitFor();

  await curl(sekisho, ["-H", "X-Sent: yes", `http://127.0.0.1:${origin.port}/first?q=1`]);
  await page.locator("tbody tr").first().click();
  assert.deepEqual(await cells(page, 5), ["/first?q=1"]);
  await page.locator(".half").nth(0).getByText("X-Sent").waitFor();
  await page.locator(".half").nth(1).getByText('"answer"').waitFor();
  await page.getByRole("button", { name: "Hex" }).first().click();
  await page.locator(".half").nth(0).getByText("47 45 54 20 68 74 74 70").waitFor();

  await curl(sekisho, [`http://127.0.0.1:${origin.port}/second`]);
  await eventually("the second row", async () => (await cells(page, 5))[0] === "/second");
  await page.keyboard.press("Escape");
  await page.locator("#detail").waitFor({ state: "hidden" });
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.locator('tr[aria-selected="true"]').getAttribute("data-id"), "1");
});

test("searches, and shows a mistake where it is", { skip }, async (t) => {
  const { sekisho, page } = await withPage(t);
  const origin = await httpOrigin(t, (request, response) => response.end("x"));
  for (const name of ["a", "b", "c"]) await curl(sekisho, [`http://127.0.0.1:${origin.port}/${name}`]);
  await sekisho.rows(3);
  await page.goto(sekisho.ready.url);
  await eventually("three rows", async () => (await cells(page, 5)).length === 3);
  await page.keyboard.press("/");
  await page.keyboard.type("path = /b");
  await page.keyboard.press("Enter");
  await eventually("one row", async () => (await cells(page, 5)).join() === "/b");
  await page.locator("#query").fill("hots = x");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#fault mark").textContent(), "hots");
  await page.locator("#query").fill("path = /none");
  await page.keyboard.press("Enter");
  await page.getByText("Nothing matches.").waitFor();
  await page.locator("#clear").click();
  await eventually("three rows", async () => (await cells(page, 5)).length === 3);
});

const PAYLOADS = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "<iframe srcdoc='<script>alert(1)</script>'>",
  "javascript:alert(1)", "\u202egnp.exe", "{{constructor.constructor('alert(1)')()}}"];

test("what was captured is text wherever it stands", { skip }, async (t) => {
  const { sekisho, page } = await withPage(t);
  const origin = await rawOrigin(t, (socket) => {
    const body = Buffer.from(PAYLOADS.join("\n"));
    socket.once("data", () => {
      socket.end(Buffer.concat([Buffer.from(
        `HTTP/1.1 200 ${PAYLOADS[0]}\r\nContent-Type: text/html;${PAYLOADS[1]}\r\nX-A: ${PAYLOADS[2]}\r\nSet-Cookie: a=${PAYLOADS[0]}\r\n` +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`), body]));
    });
  });
  for (const payload of PAYLOADS) {
    await curl(sekisho, ["--path-as-is", "-g", "-X", payload.slice(0, 1) === "<" ? "<b>" : "GET", "-H", `X-B: ${payload}`,
      "--request-target", `http://127.0.0.1:${origin.port}/${payload.replaceAll(" ", "")}`, `http://127.0.0.1:${origin.port}/`]);
  }
  const rows = await sekisho.rows(PAYLOADS.length);
  await sekisho.api(`/api/v1/exchanges/${rows[0].id}/marks`, { method: "PUT", body: JSON.stringify({ note: PAYLOADS[1], tags: [PAYLOADS[0]] }) });
  await page.goto(sekisho.ready.url);
  await eventually("all rows", async () => (await cells(page, 5)).length >= PAYLOADS.length);
  for (let i = 0; i < PAYLOADS.length; i++) {
    await page.locator("tbody tr").nth(i).click();
    for (const mode of ["Raw", "Hex", "Text"]) {
      await page.getByRole("button", { name: mode }).first().click();
      await page.locator(".half .message").nth(1).getByText(/HTTP/).first().waitFor();
    }
  }
  await page.locator(".half").nth(1).getByText("<script>alert(1)</script>").first().waitFor();
  assert.equal(await page.locator("main script, main iframe, main svg, main img, main b").count(), 0);
  assert.ok(!(await page.locator("body").textContent()).includes("\u202e"));
});

test("accepts a certificate with one click", { skip }, async (t) => {
  const { sekisho, page } = await withPage(t);
  const leaf = await (await sharedPki()).leaf(["localhost"], { selfSigned: true });
  const origin = await httpsOrigin(t, leaf, (request, response) => response.end("trusted"));
  const url = `https://localhost:${origin.port}/`;
  await curl(sekisho, [url]);
  await page.goto(sekisho.ready.url);
  await page.locator("tbody tr").first().click();
  await page.getByRole("button", { name: "Accept this certificate" }).click();
  await page.getByText("Accepted for this project.").waitFor();
  assert.equal((await curl(sekisho, [url])).text, "trusted");
});

test("speaks Japanese and keeps colours and language", { skip }, async (t) => {
  const { sekisho, page } = await withPage(t, { locale: "ja-JP", colorScheme: "dark" });
  await page.goto(sekisho.ready.url);
  await page.getByText("関所は開いています。").waitFor();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  assert.equal(await page.locator("html").getAttribute("lang"), "ja");
  await page.locator("#theme").click();
  await page.locator("#language").click();
  await page.getByText("The gate is open.").waitFor();
  await page.reload();
  await page.getByText("The gate is open.").waitFor();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "light");
});

test("loads older rows, up to a bound, and finds back", { skip }, async (t) => {
  const { sekisho, page } = await withPage(t);
  const origin = await httpOrigin(t, (request, response) => response.end("x"));
  const targets = Array.from({ length: 640 }, (_, i) => ["-o", "/dev/null", `http://127.0.0.1:${origin.port}/${i + 1}`]);
  await curl(sekisho, targets.flat());
  await sekisho.rows(640);
  await page.goto(sekisho.ready.url);
  for (let i = 0; i < 6; i++) {
    const before = await page.locator("tbody tr").last().getAttribute("data-id");
    await page.locator("#more").click();
    await eventually("older rows", async () => (await page.locator("tbody tr").last().getAttribute("data-id")) !== before);
  }
  const ids = await page.locator("tbody tr").evaluateAll((rows) => rows.map((row) => Number(row.dataset.id)));
  assert.deepEqual(ids, Array.from({ length: 500 }, (_, i) => 500 - i));
  await page.locator("#newest").click();
  await eventually("the newest", async () => (await page.locator("tbody tr").first().getAttribute("data-id")) === "640");
});
