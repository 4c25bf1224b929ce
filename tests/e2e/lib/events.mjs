// A reader of the API's event stream, one connection.
import { within } from "./wait.mjs";

function parse(text) {
  const event = { id: null, name: "message", content: null };
  for (const line of text.split("\n")) {
    if (line.startsWith("id: ")) event.id = line.slice(4);
    if (line.startsWith("event: ")) event.name = line.slice(7);
    if (line.startsWith("data: ")) event.content = JSON.parse(line.slice(6));
  }
  return event;
}

export class Events {
  // Throws when the answer is not 200.
  static async open(sekisho, lastEventId) {
    const abort = new AbortController();
    const response = await sekisho.api("/api/v1/events", {
      signal: abort.signal,
      headers: lastEventId ? { "Last-Event-ID": lastEventId } : {},
    });
    if (response.status !== 200) throw new Error(`events: ${response.status}`);
    return new Events(response, abort);
  }

  constructor(response, abort) {
    this.response = response;
    this.abort = abort;
    this.seen = [];
    this.reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    this.text = "";
  }

  // The next event; comments are passed over.
  async next() {
    for (;;) {
      const end = this.text.indexOf("\n\n");
      if (end >= 0) {
        const event = parse(this.text.slice(0, end));
        this.text = this.text.slice(end + 2);
        if (event.content === null) continue;
        this.seen.push(event);
        return event;
      }
      const { value, done } = await within("an event", this.reader.read());
      if (done) throw new Error("the stream ended");
      this.text += value;
    }
  }

  // The next event that `isWanted`.
  async until(isWanted) {
    for (;;) {
      const event = await this.next();
      if (isWanted(event)) return event;
    }
  }

  close() {
    this.abort.abort();
  }
}
