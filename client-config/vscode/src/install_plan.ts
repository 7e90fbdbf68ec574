// Plan the installation of the server: which Python, which commands, and how to show them before they run.
import { inEnvironment } from "./locate_server.ts";

export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
}

export interface CommandResult {
  /** The exit code; null if the program couldn't be started or was killed. */
  readonly code: number | null;
  /** Standard output and standard error together. */
  readonly output: string;
}

export type RunCommand = (command: Command) => Promise<CommandResult>;

const PROBE = "import sys, ensurepip, venv; print('python', *sys.version_info[:2])";

/** Return the Pythons to try: the user's own first, then common names. */
export function pythonCandidates(platform: NodeJS.Platform, preferred: readonly (string | undefined)[]): Command[] {
  const common = ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.10"];
  const names = [...preferred.filter((name) => name !== undefined && name !== ""), ...common] as string[];
  const commands: Command[] = names.map((program) => ({ program, arguments: [] }));
  return platform === "win32" ? [...commands, { program: "py", arguments: ["-3"] }] : commands;
}

/**
 * Return the first Python that can create the environment, or the message that says why there is none.
 *
 * Isolated (-I), Python imports nothing from the folder that it starts in, or from PYTHONPATH.
 */
export async function findPython(candidates: readonly Command[], run: RunCommand): Promise<Command | { missing: string }> {
  let oldVersion: string | undefined;
  let lacksVenv = false;
  for (const python of candidates) {
    const { code, output } = await run({ program: python.program, arguments: [...python.arguments, "-I", "-c", PROBE] });
    const [, major, minor] = /^python (\d+) (\d+)/m.exec(output) ?? [];
    if (code === 0 && major !== undefined && minor !== undefined) {
      if (Number(major) === 3 && Number(minor) >= 10) return python;
      oldVersion ??= `${major}.${minor}`;
    }
    lacksVenv ||= /No module named '?(ensurepip|venv)/.test(output);
  }
  const reason = lacksVenv
    ? "The installed Python has no venv module (on Debian and Ubuntu: apt install python3-venv)."
    : oldVersion === undefined
      ? "No Python found."
      : `The installed Python is ${oldVersion}, which is too old.`;
  return { missing: `${reason} Install Python 3.10 or newer, or set fillmask.server.python to one.` };
}

/** Return the requirement for pip: the server releases compatible with this version of the extension. */
export function requirement(version: string): string {
  const [major = "0", minor = "0"] = version.split(".");
  return `fillmask-ls>=${major}.${minor},<${major}.${Number(minor) + 1}`;
}

/**
 * Return the commands in order. `--clear` discards an earlier installation.
 *
 * @param source what pip installs: a requirement, or the path of a wheel or a source folder.
 */
export function installCommands(platform: NodeJS.Platform, python: Command, environment: string, source: string): Command[] {
  return [
    { program: python.program, arguments: [...python.arguments, "-I", "-m", "venv", "--clear", environment] },
    {
      program: inEnvironment(platform, environment, "python"),
      arguments: ["-I", "-m", "pip", "install", "--no-input", source],
    },
  ];
}

/** Return a command as a user would type it. */
export function formatCommand(command: Command): string {
  return [command.program, ...command.arguments].map((word) => (/^[\w@%+=:,./\\~-]+$/.test(word) ? word : `"${word}"`)).join(" ");
}

/** Return the line of a program's output that says what went wrong. */
export function errorLine(output: string): string {
  const lines = output.split(/\r?\n/).map((line) => line.trim());
  return lines.findLast((line) => /^error:/i.test(line)) ?? lines.findLast((line) => line !== "") ?? "It printed nothing.";
}
