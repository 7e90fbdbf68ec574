/** Settings that are the extension's own: the server would call them unknown. */
const OWN = ["server", "trace"];

/**
 * What the server is told of the section `fillmask`.
 *
 * @param values as the editor has them, nested.
 * @param withheld full names of settings that it isn't told, such as those that a workspace without trust has no say in.
 */
export function forServer(values: unknown, withheld: readonly string[]): unknown {
  if (!isRecord(values)) return values;
  const told = Object.fromEntries(Object.entries(values).filter(([name]) => !OWN.includes(name)));
  for (const name of withheld) {
    const [, top, ...inner] = name.split(".");
    // Those that are withheld have names of one part; the extension's own are gone already.
    if (top !== undefined && inner.length === 0) Reflect.deleteProperty(told, top);
  }
  return told;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
