import assert from "node:assert/strict";
import { test } from "node:test";
import { inEnvironment, isInEnvironment, locateServer, validateServerPath, type Machine, type SearchOptions } from "../src/locate_server.ts";

function machine(files: string[], overrides: Partial<Machine> = {}): Machine {
  return {
    platform: "linux",
    home: "/home/ada",
    path: "/usr/local/bin:/usr/bin",
    isFile: (path) => Promise.resolve(files.includes(path)),
    ...overrides,
  };
}

function options(overrides: Partial<SearchOptions> = {}): SearchOptions {
  return { path: "", python: "", activePython: () => Promise.resolve(undefined), managedEnvironment: "/storage/server", ...overrides };
}

const IN_SEARCH_ORDER = [
  "/opt/python/bin/fillmask-ls",
  "/home/me/novel/.venv/bin/fillmask-ls",
  "/usr/bin/fillmask-ls",
  "/home/ada/.local/bin/fillmask-ls",
  "/storage/server/bin/fillmask-ls",
];

void test("the server is searched in the documented order", async () => {
  const all = options({ python: "/opt/python/bin/python3", activePython: () => Promise.resolve("/home/me/novel/.venv/bin/python") });
  for (let from = 0; from < IN_SEARCH_ORDER.length; from++) {
    assert.deepEqual(await locateServer(machine(IN_SEARCH_ORDER.slice(from)), all), { command: IN_SEARCH_ORDER[from] });
  }
  assert.deepEqual(await locateServer(machine([]), all), {
    missing: "Server not found: fillmask-ls is not installed, or not on the PATH of this editor. Install it, or set its path.",
  });
});

void test("fillmask.server.path may be a path, a path below ~ or a name on the PATH", async () => {
  const files = machine(["/opt/ls", "/home/ada/ls", "/usr/bin/my-ls"]);
  assert.deepEqual(await locateServer(files, options({ path: "/opt/ls" })), { command: "/opt/ls" });
  assert.deepEqual(await locateServer(files, options({ path: "~/ls" })), { command: "/home/ada/ls" });
  assert.deepEqual(await locateServer(files, options({ path: "my-ls" })), { command: "/usr/bin/my-ls" });
});

void test("a wrong fillmask.server.path is reported and nothing else is searched", async () => {
  const location = await locateServer(machine(IN_SEARCH_ORDER), options({ path: "/opt/gone" }));
  assert.deepEqual(location, {
    missing: "Server not found: fillmask.server.path is set to /opt/gone, which does not exist. Change the setting.",
  });
});

void test("a typed path is validated", async () => {
  const files = machine(["/home/ada/venv/bin/fillmask-ls"]);
  assert.equal(await validateServerPath(files, " ~/venv/bin/fillmask-ls "), undefined);
  for (const typed of ["", "~/venv/bin", "fillmask-ls"]) assert.match((await validateServerPath(files, typed)) ?? "", /Program not found/);
});

void test("relative folders on the PATH are ignored", async () => {
  const location = await locateServer(machine(["fillmask-ls", "./fillmask-ls"], { path: ":.:bin" }), options());
  assert.ok("missing" in location);
});

void test("Windows programs end in .exe, also in conda environments", async () => {
  const windows: Partial<Machine> = { platform: "win32", home: "C:\\Users\\ada", path: "C:\\Tools;D:\\bin" };
  const locate = (files: string[], overrides: Partial<SearchOptions>) => locateServer(machine(files, windows), options(overrides));
  const venv = "C:\\venv\\Scripts\\fillmask-ls.exe";
  assert.deepEqual(await locate([venv], { python: "C:\\venv\\Scripts\\python.exe" }), { command: venv });
  assert.deepEqual(await locate([venv], { python: "C:\\venv\\python.exe" }), { command: venv });
  assert.deepEqual(await locate(["D:\\bin\\fillmask-ls.exe"], {}), { command: "D:\\bin\\fillmask-ls.exe" });
  assert.deepEqual(await locate(["D:\\bin\\fillmask-ls.exe"], { path: "fillmask-ls.exe" }), { command: "D:\\bin\\fillmask-ls.exe" });
  assert.deepEqual(await locate(["C:\\own\\Scripts\\fillmask-ls.exe"], { managedEnvironment: "C:\\own" }), { command: "C:\\own\\Scripts\\fillmask-ls.exe" });
  assert.equal(inEnvironment("win32", "C:\\own", "python"), "C:\\own\\Scripts\\python.exe");
  assert.ok(isInEnvironment("linux", "/storage/server", "/storage/server/bin/fillmask-ls"));
  assert.ok(!isInEnvironment("linux", "/storage/server", "/storage/server2/bin/fillmask-ls"));
  assert.ok(!isInEnvironment("win32", "C:\\own", "D:\\own\\Scripts\\fillmask-ls.exe"));
});
