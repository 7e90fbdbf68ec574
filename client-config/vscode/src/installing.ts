// What installing the server takes: which Python, which commands, and how to say them before they run.
import { inEnvironment } from "./finding.ts";

export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
}

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

export type Run = (command: Command) => Promise<Outcome>;

const PROBE = "import sys, ensurepip, venv; print('python', *sys.version_info[:2])";

/** The Pythons to try, the user's own choices first. */
export function pythons(platform: NodeJS.Platform, chosen: readonly (string | undefined)[]): Command[] {
  const common = ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.10"];
  const names = [...chosen.filter((name) => name !== undefined && name !== ""), ...common] as string[];
  const commands: Command[] = names.map((program) => ({ program, arguments: [] }));
  return platform === "win32" ? [...commands, { program: "py", arguments: ["-3"] }] : commands;
}

/** The first Python that can make the environment; or, for the user, why there is none. */
export async function choosePython(candidates: readonly Command[], run: Run): Promise<Command | { missing: string }> {
  let old: string | undefined;
  let bare = false;
  for (const python of candidates) {
    const { code, output } = await run({ program: python.program, arguments: [...python.arguments, "-c", PROBE] });
    const [, major, minor] = /^python (\d+) (\d+)/m.exec(output) ?? [];
    if (code === 0 && major !== undefined && minor !== undefined) {
      if (Number(major) === 3 && Number(minor) >= 10) return python;
      old ??= `${major}.${minor}`;
    }
    bare ||= /No module named '?(ensurepip|venv)/.test(output);
  }
  const why = bare
    ? "The Python here has no venv (on Debian and Ubuntu: apt install python3-venv)."
    : old === undefined
      ? "There is no Python here."
      : `The Python here is ${old}.`;
  return { missing: `${why} Install Python 3.10 or newer, or set fillmask.server.python to one.` };
}

/** What pip is asked for: the releases that an extension of this version understands. */
export function requirement(version: string): string {
  const [major = "0", minor = "0"] = version.split(".");
  return `fillmask-ls>=${major}.${minor},<${major}.${Number(minor) + 1}`;
}

/** The commands, in their order. The environment is made anew, whatever an earlier attempt left there. */
export function plan(platform: NodeJS.Platform, python: Command, environment: string, version: string): Command[] {
  return [
    { program: python.program, arguments: [...python.arguments, "-m", "venv", "--clear", environment] },
    {
      program: inEnvironment(platform, environment, "python"),
      arguments: ["-m", "pip", "install", "--no-input", requirement(version)],
    },
  ];
}

/** A command as one would type it. */
export function shown(command: Command): string {
  return [command.program, ...command.arguments].map((word) => (/^[\w@%+=:,./\\~-]+$/.test(word) ? word : `"${word}"`)).join(" ");
}

/** The line of an output that says what went wrong. */
export function reason(output: string): string {
  const lines = output.split(/\r?\n/).map((line) => line.trim());
  return lines.findLast((line) => /^error:/i.test(line)) ?? lines.findLast((line) => line !== "") ?? "It ended without a word.";
}
