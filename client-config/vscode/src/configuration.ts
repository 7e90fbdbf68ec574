// Decide which settings are sent to the server, and when.

/** Sections that only the extension reads: the server would report them as unknown. */
const EXTENSION_SECTIONS = ["server", "trace"];

/** Settings of a shared engine. Only the user's own values count, and only in a trusted workspace. */
const ENGINE_SETTINGS = ["engine.url", "engine.provider", "engine.fallback"];

/** Return the user's own value of a setting, given its name without the prefix `fillmask.`. */
export type UserSetting = (name: string) => unknown;

/**
 * Return the initialization options: what the server must know before it loads a model, or must not learn from a workspace.
 *
 * @param restricted full names of the settings that an untrusted workspace can't change.
 * @param token of the shared engine, if any.
 */
export function initializationOptions(trusted: boolean, userSetting: UserSetting, restricted: readonly string[], token: string | undefined): object {
  const userValues = (names: readonly string[]): object =>
    Object.fromEntries(names.map((name) => [name, userSetting(name)] as const).filter(([, value]) => value !== undefined));
  if (trusted) return { trusted, distinguishesManualTrigger: true, ...userValues(ENGINE_SETTINGS), ...(token === undefined ? {} : { engineToken: token }) };
  const names = restricted
    .map((name) => name.replace(/^fillmask\./, ""))
    .filter((name) => !EXTENSION_SECTIONS.some((section) => name.startsWith(`${section}.`)));
  // A provider's model may not exist on this machine.
  const usesProvider = !userSetting("engine.url") && Boolean(userSetting("engine.provider"));
  return { trusted, distinguishesManualTrigger: true, userSettings: userValues(names.filter((name) => !(usesProvider && name === "model"))) };
}

/**
 * Return the section `fillmask` as the server may see it.
 *
 * @param values the editor's values, nested.
 * @param restricted as for {@link initializationOptions}: in an untrusted workspace these come from there instead.
 */
export function serverSettings(values: unknown, trusted: boolean, restricted: readonly string[]): unknown {
  if (!isRecord(values)) return values;
  const removed = trusted ? EXTENSION_SECTIONS : [...EXTENSION_SECTIONS, ...[...restricted, "fillmask.engine"].map((name) => name.split(".")[1])];
  return Object.fromEntries(Object.entries(values).filter(([name]) => !removed.includes(name)));
}

/** Replace the engine's token in a line of the trace. */
export function redactToken(line: string): string {
  return line.replace(/("engineToken":\s*)"(?:[^"\\]|\\.)*"/g, '$1"…"');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
