// Where the server is: nothing is started here, only looked for.
import { posix, win32 } from "node:path";

const NAME = "fillmask-ls";

/** What is known of this machine and its user. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** The value of `PATH`. */
  readonly path: string;
  isFile(path: string): Promise<boolean>;
}

export interface Wanted {
  /** The settings `fillmask.server.path` and `fillmask.server.python`; empty where nothing is set. */
  readonly path: string;
  readonly python: string;
  /** The Python that the Python extension has chosen, if there is one. */
  activePython(): Promise<string | undefined>;
  /** The environment that this extension makes for the server. */
  readonly ownEnvironment: string;
}

export type Found = { readonly command: string } | { readonly missing: string };

/** The server's full path; or, for the user, why there is none. */
export async function findServer(machine: Machine, wanted: Wanted): Promise<Found> {
  if (wanted.path !== "") {
    const command = await first(machine, named(machine, expanded(machine, wanted.path)));
    return command === undefined ? { missing: `fillmask.server.path names ${wanted.path}, which is not there.` } : { command };
  }
  const command =
    (wanted.python === "" ? undefined : await first(machine, beside(machine, expanded(machine, wanted.python)))) ??
    (await besideActive(machine, wanted)) ??
    (await first(machine, named(machine, NAME))) ??
    (await first(machine, [inEnvironment(machine.platform, wanted.ownEnvironment, NAME)]));
  return command === undefined ? { missing: "The server fillmask-ls is not installed, or not on the PATH of this editor." } : { command };
}

async function besideActive(machine: Machine, wanted: Wanted): Promise<string | undefined> {
  const python = await wanted.activePython();
  return python === undefined ? undefined : first(machine, beside(machine, python));
}

/** What is wrong with a path to the server, for whoever types it. */
export async function wrongServer(machine: Machine, typed: string): Promise<string | undefined> {
  const found = await first(machine, named(machine, expanded(machine, typed.trim())));
  return found === undefined ? "There is no such program." : undefined;
}

/** A program of a virtual environment. */
export function inEnvironment(platform: NodeJS.Platform, environment: string, program: string): string {
  return platform === "win32" ? win32.join(environment, "Scripts", `${program}.exe`) : posix.join(environment, "bin", program);
}

function beside(machine: Machine, python: string): string[] {
  if (machine.platform !== "win32") return [posix.join(posix.dirname(python), NAME)];
  const folder = win32.dirname(python);
  // An environment of conda has its Python a folder above.
  return [win32.join(folder, `${NAME}.exe`), win32.join(folder, "Scripts", `${NAME}.exe`)];
}

/** A path as it is; a name in the folders of `PATH`, and where installers for one user put it. */
function named(machine: Machine, name: string): string[] {
  const paths = machine.platform === "win32" ? win32 : posix;
  if (/[/\\]/.test(name)) return [name];
  // Windows starts nothing but programs without a shell.
  const file = machine.platform === "win32" && !/\.exe$/i.test(name) ? `${name}.exe` : name;
  // Never the current folder: that is the workspace, which may not be trusted.
  const folders = machine.path.split(paths.delimiter).filter((folder) => paths.isAbsolute(folder));
  return [...folders, paths.join(machine.home, ".local", "bin")].map((folder) => paths.join(folder, file));
}

/** With `~` for the user's own folder. */
export function expanded(machine: Pick<Machine, "home">, path: string): string {
  return path.replace(/^~(?=[/\\])/, () => machine.home);
}

async function first(machine: Machine, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await machine.isFile(path)) return path;
  return undefined;
}
