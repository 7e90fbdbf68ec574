import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePython, plan, pythons, reason, requirement, shown, type Outcome } from "../src/installing.ts";

/** A machine where only these programs are, each with what it says. */
function says(programs: Record<string, Outcome>) {
  return ({ program }: { program: string }): Promise<Outcome> =>
    Promise.resolve(programs[program] ?? { code: null, output: `spawn ${program} ENOENT` });
}

const version = (minor: number): Outcome => ({ code: 0, output: `python 3 ${minor}` });

void test("the first Python from 3.10 on is taken, the user's own first", async () => {
  const candidates = pythons("linux", ["", undefined, "/venv/bin/python"]);
  assert.deepEqual(await choosePython(candidates, says({ "/venv/bin/python": version(12), python3: version(13) })), {
    program: "/venv/bin/python",
    arguments: [],
  });
  assert.deepEqual(await choosePython(candidates, says({ python3: version(9), "python3.11": version(11) })), { program: "python3.11", arguments: [] });
});

void test("Windows has a launcher", async () => {
  assert.deepEqual(await choosePython(pythons("win32", []), says({ py: version(12) })), { program: "py", arguments: ["-3"] });
});

void test("without such a Python it is said what to do", async () => {
  const advice = "Install Python 3.10 or newer, or set fillmask.server.python to one.";
  const candidates = pythons("linux", []);
  assert.deepEqual(await choosePython(candidates, says({})), { missing: `There is no Python here. ${advice}` });
  assert.deepEqual(await choosePython(candidates, says({ python3: version(8) })), { missing: `The Python here is 3.8. ${advice}` });
  const bare = { code: 1, output: "ModuleNotFoundError: No module named 'ensurepip'" };
  const found = await choosePython(candidates, says({ python3: bare }));
  assert.match("missing" in found ? found.missing : "", /python3-venv/);
});

void test("the commands are those of the README, for the extension's own series", () => {
  const python = { program: "python3", arguments: [] };
  assert.deepEqual(plan("linux", python, "/storage/server", "0.1.7").map(shown), [
    "python3 -m venv --clear /storage/server",
    '/storage/server/bin/python -m pip install --no-input "fillmask-ls>=0.1,<0.2"',
  ]);
  const windows = plan("win32", { program: "py", arguments: ["-3"] }, "C:\\Users\\A B\\server", "1.4.0").map(shown);
  assert.deepEqual(windows, [
    'py -3 -m venv --clear "C:\\Users\\A B\\server"',
    '"C:\\Users\\A B\\server\\Scripts\\python.exe" -m pip install --no-input "fillmask-ls>=1.4,<1.5"',
  ]);
  assert.equal(requirement("2.0.0"), "fillmask-ls>=2.0,<2.1");
});

void test("of pip's output the user gets the error", () => {
  assert.equal(reason("Looking in links\r\nERROR: No matching distribution found for fillmask-ls\r\n\r\n[notice] A new pip"), "ERROR: No matching distribution found for fillmask-ls");
  assert.equal(reason("one\ntwo\n\n"), "two");
  assert.equal(reason(""), "It ended without a word.");
});
