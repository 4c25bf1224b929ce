// The API's own description as a judge of its answers: every answer must be one that the document promises.
//
//   const api = await Api.open(sekisho);
//   const { status, body, headers } = await api.get("/api/v1/exchanges/{id}", { path: { id: 1 } });
import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const GUARDS = {
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

// What every answer carries, errors included.
export function assertGuarded(headers) {
  for (const [name, value] of Object.entries(GUARDS)) assert.equal(headers.get(name), value, name);
  const policy = headers.get("content-security-policy");
  assert.match(policy, /^default-src 'none'; script-src 'self'; /);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*|data:|blob:/);
  for (const name of headers.keys()) assert.doesNotMatch(name, /^access-control-|^set-cookie$/i);
}

export class Api {
  static async open(sekisho) {
    const api = new Api(sekisho);
    const response = await sekisho.api("/api/v1/openapi.json");
    assert.equal(response.status, 200);
    api.document = await response.json();
    api.used.add("GET /api/v1/openapi.json");
    api.ajv.addSchema({ $id: "api", components: api.document.components });
    return api;
  }

  constructor(sekisho) {
    this.sekisho = sekisho;
    this.used = new Set();
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(this.ajv);
  }

  // Every operation of the document, as "GET /api/v1/status".
  operations() {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  }

  get(template, options) {
    return this.call("GET", template, options);
  }

  // The answer, after it has been held against the document.
  async call(method, template, { path = {}, query = {}, body, headers, signal } = {}) {
    const operation = this.document.paths[template]?.[method.toLowerCase()];
    const target = template.replace(/\{(\w+)\}/g, (_, name) => path[name]);
    const search = new URLSearchParams(query).toString();
    assert.ok(operation, `${method} ${template} is not described`);
    this.used.add(`${method} ${template}`);
    const response = await this.sekisho.api(target + (search && `?${search}`), {
      method,
      headers,
      signal,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    assertGuarded(response.headers);
    return this.judge(operation, response, `${method} ${target}?${search}`);
  }

  async judge(operation, response, what) {
    let described = operation.responses[response.status] ?? operation.responses.default;
    const type = response.headers.get("content-type").split(";")[0];
    const bytes = Buffer.from(await response.arrayBuffer());

    if (described.$ref) described = this.document.components.responses[described.$ref.split("/").at(-1)];
    const content = described.content[type];
    assert.ok(content, `${what}: ${response.status} ${type} is not described`);
    const isJson = /json$/.test(type);
    const body = isJson ? JSON.parse(bytes.toString()) : bytes;
    if (isJson && content.schema) this.assertMatches(content.schema, body, what);
    if (type === "application/problem+json") assert.equal(body.status, response.status);
    return { status: response.status, headers: response.headers, type, body };
  }

  assertMatches(schema, value, what) {
    const text = JSON.stringify(schema).replaceAll("#/components/", "api#/components/");
    const validate = this.ajv.compile(JSON.parse(text));
    assert.ok(validate(value), `${what}: ${this.ajv.errorsText(validate.errors)}\n${JSON.stringify(value).slice(0, 2000)}`);
  }
}
