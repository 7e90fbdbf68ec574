// Parse command arguments, and validate what a user types.
import { isRecord } from "./configuration.ts";

export const MASK = "[MASK]";

export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/**
 * Return a command's argument object, or an empty one.
 *
 * A code lens, a key binding or another extension passes a plain object; a menu passes a `Uri`, which is ignored.
 */
export function parseArguments(values: readonly unknown[]): Record<string, unknown> {
  const [value] = values;
  return isRecord(value) && Object.getPrototypeOf(value) === Object.prototype ? value : {};
}

/** Return the `range` argument for a selection, or no argument if the selection is empty. */
export function rangeArgument({ start, end }: Range): { range: Range } | Record<string, never> {
  const isEmpty = start.line === end.line && start.character === end.character;
  return isEmpty ? {} : { range: { start: toPosition(start), end: toPosition(end) } };
}

/** Convert a `vscode.Position` to an LSP position. */
export function toPosition({ line, character }: Position): Position {
  return { line, character };
}

/** Return whether the column is inside a mask of the line or at one of its ends. */
export function isAtMask(line: string, column: number): boolean {
  const start = line.lastIndexOf(MASK, column);
  return start >= 0 && column <= start + MASK.length;
}

/** Return whether a text ends with a mask, a part of one, or letters after one. */
export function endsInMask(text: string): boolean {
  return /\[(?:M(?:A(?:S(?:K(?:\][\p{L}\p{M}\p{N}'’-]*)?)?)?)?)?$/iu.test(text);
}

/** Parse a rate: "15 %", "15" and "0.15" are equal, and "1" is 1 %. Return undefined for an invalid one. */
export function parseRate(typed: string): number | undefined {
  const text = typed.trim().replace(",", ".");
  const [, number, percent] = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const value = Number(number);
  const rate = percent === "%" || value >= 1 ? value / 100 : value;
  return rate > 0 && rate <= 1 ? rate : undefined;
}

/** Return the error message for an invalid hub id. */
export function validateHubId(typed: string): string | undefined {
  return /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(typed.trim())
    ? undefined
    : "Not a model id of the Hugging Face hub. Enter one such as google-bert/bert-base-uncased.";
}

/** Return the error message for an invalid token. An empty token is valid: it deletes the stored one. */
export function validateToken(typed: string): string | undefined {
  return /^[!-~]*$/.test(typed.trim()) ? undefined : "A token contains ASCII characters only, and no spaces.";
}

/** Return "1 edit", "3 edits". */
export function pluralize(count: number, singular: string): string {
  return `${count} ${singular}${count === 1 ? "" : "s"}`;
}
