// Locate the command fillmask-ls. Nothing is started here.
import { posix, win32 } from "node:path";

const COMMAND = "fillmask-ls";

export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** The value of `PATH`. */
  readonly path: string;
  isFile(path: string): Promise<boolean>;
}

export interface SearchOptions {
  /** The setting `fillmask.server.path`; empty if unset. */
  readonly path: string;
  /** The setting `fillmask.server.python`; empty if unset. */
  readonly python: string;
  /** Return the interpreter selected in the Python extension, if any. */
  activePython(): Promise<string | undefined>;
  /** The virtual environment that this extension installs the server into. */
  readonly managedEnvironment: string;
}

/** The full path of the server, or the message that says why it wasn't found. */
export type Location = { readonly command: string } | { readonly missing: string };

/**
 * Locate the server in this order:
 *
 * 1. `fillmask.server.path`. If it is set, nothing else is searched.
 * 2. Next to `fillmask.server.python`.
 * 3. Next to the interpreter selected in the Python extension.
 * 4. The `PATH`, and `~/.local/bin`.
 * 5. The environment that this extension installs the server into.
 */
export async function locateServer(machine: Machine, options: SearchOptions): Promise<Location> {
  if (options.path !== "") {
    const command = await firstFile(machine, candidates(machine, expandHome(machine, options.path)));
    return command === undefined
      ? { missing: `Server not found: fillmask.server.path is set to ${options.path}, which does not exist. Change the setting.` }
      : { command };
  }
  const command =
    (options.python === "" ? undefined : await firstFile(machine, nextTo(machine, expandHome(machine, options.python)))) ??
    (await nextToActivePython(machine, options)) ??
    (await firstFile(machine, candidates(machine, COMMAND))) ??
    (await firstFile(machine, [inEnvironment(machine.platform, options.managedEnvironment, COMMAND)]));
  return command === undefined
    ? { missing: "Server not found: fillmask-ls is not installed, or not on the PATH of this editor. Install it, or set its path." }
    : { command };
}

async function nextToActivePython(machine: Machine, options: SearchOptions): Promise<string | undefined> {
  const python = await options.activePython();
  return python === undefined ? undefined : firstFile(machine, nextTo(machine, python));
}

/** Return the error message for a path that doesn't lead to a program. */
export async function validateServerPath(machine: Machine, typed: string): Promise<string | undefined> {
  const command = await firstFile(machine, candidates(machine, expandHome(machine, typed.trim())));
  return command === undefined ? "Program not found. Enter the full path of fillmask-ls." : undefined;
}

/** Return the path of a program in a virtual environment. */
export function inEnvironment(platform: NodeJS.Platform, environment: string, program: string): string {
  return platform === "win32" ? win32.join(environment, "Scripts", `${program}.exe`) : posix.join(environment, "bin", program);
}

/** Return whether a program is in a virtual environment. */
export function isInEnvironment(platform: NodeJS.Platform, environment: string, program: string): boolean {
  const paths = platform === "win32" ? win32 : posix;
  const path = paths.relative(environment, program);
  return !path.startsWith("..") && !paths.isAbsolute(path);
}

/** Expand a leading `~`. */
export function expandHome(machine: Pick<Machine, "home">, path: string): string {
  return path.replace(/^~(?=[/\\])/, () => machine.home);
}

function nextTo(machine: Machine, python: string): string[] {
  if (machine.platform !== "win32") return [posix.join(posix.dirname(python), COMMAND)];
  const folder = win32.dirname(python);
  // A conda environment contains python.exe one folder above Scripts.
  return [win32.join(folder, `${COMMAND}.exe`), win32.join(folder, "Scripts", `${COMMAND}.exe`)];
}

/** Return a path as is; for a name, the paths on `PATH` and in the folder of per-user installations. */
function candidates(machine: Machine, name: string): string[] {
  const paths = machine.platform === "win32" ? win32 : posix;
  if (/[/\\]/.test(name)) return [name];
  // On Windows, only .exe files can be started without a shell.
  const file = machine.platform === "win32" && !/\.exe$/i.test(name) ? `${name}.exe` : name;
  // Relative folders would lead into the workspace, which may be untrusted.
  const folders = machine.path.split(paths.delimiter).filter((folder) => paths.isAbsolute(folder));
  return [...folders, paths.join(machine.home, ".local", "bin")].map((folder) => paths.join(folder, file));
}

async function firstFile(machine: Machine, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await machine.isFile(path)) return path;
  return undefined;
}
