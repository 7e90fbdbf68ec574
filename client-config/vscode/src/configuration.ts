// What the server is told of the settings, and when.

/** Settings that are the extension's own: the server would call them unknown. */
const OWN = ["server", "trace"];

/** The settings of a shared engine; only the user's own count. A window without trust has none. */
const ENGINE = ["engine.url", "engine.provider", "engine.fallback"];

/** Settings that only the user can choose, as the user chose them: by names without the section's. */
export type Chosen = (name: string) => unknown;

/**
 * What the server is told as it starts: what it must know before it loads a model, or may not learn from a workspace.
 *
 * @param restricted full names of settings that a workspace without trust has no say in.
 * @param token of the shared engine, if there is one.
 */
export function atStart(trusted: boolean, chosen: Chosen, restricted: readonly string[], token: string | undefined): object {
  const users = (names: readonly string[]): object =>
    Object.fromEntries(names.map((name) => [name, chosen(name)] as const).filter(([, value]) => value !== undefined));
  if (trusted) return { trusted, ...users(ENGINE), ...(token === undefined ? {} : { engineToken: token }) };
  const names = restricted.map((name) => name.replace(/^fillmask\./, "")).filter((name) => !OWN.some((own) => name.startsWith(`${own}.`)));
  // A provider's model has not to be on this machine.
  const isProviders = !chosen("engine.url") && Boolean(chosen("engine.provider"));
  return { trusted, userSettings: users(names.filter((name) => !(isProviders && name === "model"))) };
}

/**
 * What the server is told of the section `fillmask`.
 *
 * @param values as the editor has them, nested.
 * @param restricted as for {@link atStart}: without trust, the server has the user's own from there.
 */
export function forServer(values: unknown, trusted: boolean, restricted: readonly string[]): unknown {
  if (!isRecord(values)) return values;
  const withheld = trusted ? OWN : [...OWN, ...[...restricted, "fillmask.engine"].map((name) => name.split(".")[1])];
  return Object.fromEntries(Object.entries(values).filter(([name]) => !withheld.includes(name)));
}

/** A line of a trace, which may be about the server's start, as it may be shown. */
export function withoutToken(line: string): string {
  return line.replace(/("engineToken":\s*)"(?:[^"\\]|\\.)*"/g, '$1"…"');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
