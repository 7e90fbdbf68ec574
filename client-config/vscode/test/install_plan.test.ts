import assert from "node:assert/strict";
import { test } from "node:test";
import { errorLine, findPython, formatCommand, installCommands, pythonCandidates, requirement, type CommandResult } from "../src/install_plan.ts";

/** Return a runner for a machine with only these programs. */
function fakeRun(programs: Record<string, CommandResult>) {
  return ({ program }: { program: string }): Promise<CommandResult> =>
    Promise.resolve(programs[program] ?? { code: null, output: `spawn ${program} ENOENT` });
}

const version = (minor: number): CommandResult => ({ code: 0, output: `python 3 ${minor}` });

void test("the first Python of version 3.10 or newer is chosen, the user's own first", async () => {
  const candidates = pythonCandidates("linux", ["", undefined, "/venv/bin/python"]);
  assert.deepEqual(await findPython(candidates, fakeRun({ "/venv/bin/python": version(12), python3: version(13) })), {
    program: "/venv/bin/python",
    arguments: [],
  });
  assert.deepEqual(await findPython(candidates, fakeRun({ python3: version(9), "python3.11": version(11) })), { program: "python3.11", arguments: [] });
});

void test("the launcher is a candidate on Windows", async () => {
  assert.deepEqual(await findPython(pythonCandidates("win32", []), fakeRun({ py: version(12) })), { program: "py", arguments: ["-3"] });
});

void test("the message says which Python is missing and what to do", async () => {
  const advice = "Install Python 3.10 or newer, or set fillmask.server.python to one.";
  const candidates = pythonCandidates("linux", []);
  assert.deepEqual(await findPython(candidates, fakeRun({})), { missing: `No Python found. ${advice}` });
  assert.deepEqual(await findPython(candidates, fakeRun({ python3: version(8) })), { missing: `The installed Python is 3.8, which is too old. ${advice}` });
  const withoutVenv = { code: 1, output: "ModuleNotFoundError: No module named 'ensurepip'" };
  const python = await findPython(candidates, fakeRun({ python3: withoutVenv }));
  assert.match("missing" in python ? python.missing : "", /python3-venv/);
});

void test("the commands install the extension's own release series", () => {
  const python = { program: "python3", arguments: [] };
  assert.deepEqual(installCommands("linux", python, "/storage/server", requirement("0.1.7")).map(formatCommand), [
    "python3 -I -m venv --clear /storage/server",
    '/storage/server/bin/python -I -m pip install --no-input "fillmask-ls>=0.1,<0.2"',
  ]);
  const windows = installCommands("win32", { program: "py", arguments: ["-3"] }, "C:\\Users\\A B\\server", requirement("1.4.0")).map(formatCommand);
  assert.deepEqual(windows, [
    'py -3 -I -m venv --clear "C:\\Users\\A B\\server"',
    '"C:\\Users\\A B\\server\\Scripts\\python.exe" -I -m pip install --no-input "fillmask-ls>=1.4,<1.5"',
  ]);
  const wheel = installCommands("linux", python, "/storage/server", "/home/ann/Downloads/fillmask_ls-0.1.7-py3-none-any.whl").map(formatCommand);
  assert.equal(wheel[1], "/storage/server/bin/python -I -m pip install --no-input /home/ann/Downloads/fillmask_ls-0.1.7-py3-none-any.whl");
  assert.equal(requirement("2.0.0"), "fillmask-ls>=2.0,<2.1");
});

void test("the error line of pip's output is found", () => {
  assert.equal(errorLine("Looking in links\r\nERROR: No matching distribution found for fillmask-ls\r\n\r\n[notice] A new pip"), "ERROR: No matching distribution found for fillmask-ls");
  assert.equal(errorLine("one\ntwo\n\n"), "two");
  assert.equal(errorLine(""), "It printed nothing.");
});
