// What a command is told and what a user types, checked.
import { isRecord } from "./configuration.ts";

export const MASK = "[MASK]";

export interface Place {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Place;
  readonly end: Place;
}

/** A command's object, where a lens, a key binding or another extension gave one; a menu gives addresses instead. */
export function given(values: readonly unknown[]): Record<string, unknown> {
  const [value] = values;
  return isRecord(value) && Object.getPrototypeOf(value) === Object.prototype ? value : {};
}

/** The range of a selection with something in it. */
export function selected({ start, end }: Range): { range: Range } | Record<string, never> {
  const empty = start.line === end.line && start.character === end.character;
  return empty ? {} : { range: { start: plain(start), end: plain(end) } };
}

export function plain({ line, character }: Place): Place {
  return { line, character };
}

/** Whether a mask of the line holds the column, or ends there. */
export function atMask(line: string, column: number): boolean {
  const start = line.lastIndexOf(MASK, column);
  return start >= 0 && column <= start + MASK.length;
}

/** A share from what a user typed: "15 %", "15" and "0.15" are the same, and "1" is 1 %. */
export function share(typed: string): number | undefined {
  const text = typed.trim().replace(",", ".");
  const [, number, percent] = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const value = Number(number);
  const part = percent === "%" || value >= 1 ? value / 100 : value;
  return part > 0 && part <= 1 ? part : undefined;
}

/** What is wrong with a hub id, for whoever types it. */
export function wrongHubId(typed: string): string | undefined {
  return /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(typed.trim())
    ? undefined
    : "A name on the Hugging Face hub, for example google-bert/bert-base-uncased";
}

/** What is wrong with a token, for whoever types it; an empty one is none. */
export function wrongToken(typed: string): string | undefined {
  return /^[!-~]*$/.test(typed.trim()) ? undefined : "A token has no spaces, and no letters but those of ASCII";
}

/** "3 masks", "1 mask". */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
