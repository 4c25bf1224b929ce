// What a test must undo, in the opposite order of doing: processes end before their folders go.
const stacks = new WeakMap();

export function atEnd(t, undo) {
  if (!stacks.has(t)) {
    const stack = [];
    stacks.set(t, stack);
    t.after(async () => {
      const errors = [];
      for (const each of stack.reverse()) {
        try {
          await each();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length) throw errors[0];
    });
  }
  stacks.get(t).push(undo);
}
