import assert from "node:assert/strict";
import { test } from "node:test";
import { findServer, inEnvironment, wrongServer, type Machine, type Wanted } from "../src/finding.ts";

function machine(files: string[], more: Partial<Machine> = {}): Machine {
  return {
    platform: "linux",
    home: "/home/ada",
    path: "/usr/local/bin:/usr/bin",
    isFile: (path) => Promise.resolve(files.includes(path)),
    ...more,
  };
}

function wanted(more: Partial<Wanted> = {}): Wanted {
  return { path: "", python: "", activePython: () => Promise.resolve(undefined), ownEnvironment: "/storage/server", ...more };
}

const EVERYWHERE = [
  "/opt/python/bin/fillmask-ls",
  "/home/me/novel/.venv/bin/fillmask-ls",
  "/usr/bin/fillmask-ls",
  "/home/ada/.local/bin/fillmask-ls",
  "/storage/server/bin/fillmask-ls",
];

void test("the places are looked at in the order that the README says", async () => {
  const all = wanted({ python: "/opt/python/bin/python3", activePython: () => Promise.resolve("/home/me/novel/.venv/bin/python") });
  for (let from = 0; from < EVERYWHERE.length; from++) {
    assert.deepEqual(await findServer(machine(EVERYWHERE.slice(from)), all), { command: EVERYWHERE[from] });
  }
  assert.deepEqual(await findServer(machine([]), all), { missing: "The server fillmask-ls is not installed, or not on the PATH of this editor." });
});

void test("the setting is a path, a path from home, or a name on the PATH", async () => {
  const here = machine(["/opt/ls", "/home/ada/ls", "/usr/bin/my-ls"]);
  assert.deepEqual(await findServer(here, wanted({ path: "/opt/ls" })), { command: "/opt/ls" });
  assert.deepEqual(await findServer(here, wanted({ path: "~/ls" })), { command: "/home/ada/ls" });
  assert.deepEqual(await findServer(here, wanted({ path: "my-ls" })), { command: "/usr/bin/my-ls" });
});

void test("a setting that names nothing is said, and nothing else is taken for it", async () => {
  const found = await findServer(machine(EVERYWHERE), wanted({ path: "/opt/gone" }));
  assert.deepEqual(found, { missing: "fillmask.server.path names /opt/gone, which is not there." });
});

void test("a path that is typed is tried before it is taken", async () => {
  const here = machine(["/home/ada/venv/bin/fillmask-ls"]);
  assert.equal(await wrongServer(here, " ~/venv/bin/fillmask-ls "), undefined);
  for (const typed of ["", "~/venv/bin", "fillmask-ls"]) assert.match((await wrongServer(here, typed)) ?? "", /no such program/);
});

void test("the current folder on the PATH is the workspace: it is not looked at", async () => {
  const found = await findServer(machine(["fillmask-ls", "./fillmask-ls"], { path: ":.:bin" }), wanted());
  assert.ok("missing" in found);
});

void test("on Windows programs end in .exe, and conda keeps them a folder below its Python", async () => {
  const windows: Partial<Machine> = { platform: "win32", home: "C:\\Users\\ada", path: "C:\\Tools;D:\\bin" };
  const found = (files: string[], more: Partial<Wanted>) => findServer(machine(files, windows), wanted(more));
  const venv = "C:\\venv\\Scripts\\fillmask-ls.exe";
  assert.deepEqual(await found([venv], { python: "C:\\venv\\Scripts\\python.exe" }), { command: venv });
  assert.deepEqual(await found([venv], { python: "C:\\venv\\python.exe" }), { command: venv });
  assert.deepEqual(await found(["D:\\bin\\fillmask-ls.exe"], {}), { command: "D:\\bin\\fillmask-ls.exe" });
  assert.deepEqual(await found(["D:\\bin\\fillmask-ls.exe"], { path: "fillmask-ls.exe" }), { command: "D:\\bin\\fillmask-ls.exe" });
  assert.deepEqual(await found(["C:\\own\\Scripts\\fillmask-ls.exe"], { ownEnvironment: "C:\\own" }), { command: "C:\\own\\Scripts\\fillmask-ls.exe" });
  assert.equal(inEnvironment("win32", "C:\\own", "python"), "C:\\own\\Scripts\\python.exe");
});
