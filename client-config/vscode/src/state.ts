// What the server is doing, and how the status bar and its menu say so.

/** What `fillmask/status` says. */
export interface ServerStatus {
  readonly state: string;
  readonly model: string | null;
  readonly error: string | null;
  /** Who answers now: the model here, or a shared engine. */
  readonly engine: "local" | "remote";
  /** Of the shared engine, if the user named one. */
  readonly host: string | null;
  /** Whether text may go there over a network. */
  readonly leavesMachine: boolean;
  readonly version: string;
}

export type State =
  | { readonly kind: "idle" }
  | { readonly kind: "starting" }
  | { readonly kind: "missing"; readonly why: string }
  | { readonly kind: "installing" }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "running"; readonly status: ServerStatus; readonly command: string };

/** Whether a model answers. */
export function isReady(state: State): boolean {
  return state.kind === "running" && state.status.state === "ready";
}

export interface View {
  readonly text: string;
  readonly tooltip: string;
  readonly problem: boolean;
}

/** What stands in the status bar. */
export function view(state: State): View {
  switch (state.kind) {
    case "idle":
      return { text: "$(symbol-array) fillmask", tooltip: "fillmask starts with the first document", problem: false };
    case "starting":
      return { text: "$(loading~spin) fillmask", tooltip: "fillmask is starting", problem: false };
    case "installing":
      return { text: "$(loading~spin) fillmask", tooltip: "fillmask-ls is being installed", problem: false };
    case "missing":
      return { text: "$(warning) fillmask", tooltip: state.why, problem: true };
    case "failed":
      return { text: "$(warning) fillmask", tooltip: state.why, problem: true };
    case "running":
      return running(state.status);
  }
}

function running(status: ServerStatus): View {
  const model = modelName(status.model);
  if (status.state === "failed") {
    return { text: "$(warning) fillmask", tooltip: status.error ?? "There is no model", problem: true };
  }
  if (status.state !== "ready") {
    return { text: `$(loading~spin) ${model || "fillmask"}`, tooltip: "The language model is being loaded", problem: false };
  }
  const icon = isRemote(status) ? "cloud" : "symbol-array";
  const said = [`fillmask: ${status.model ?? ""} answers`, ...(isRemote(status) ? [whereTextGoes(status)] : []), ...(status.error === null ? [] : [status.error])];
  return { text: `$(${icon}) ${model}`, tooltip: said.join(". "), problem: false };
}

type Remote = ServerStatus & { readonly host: string };

function isRemote(status: ServerStatus): status is Remote {
  return status.engine === "remote" && status.host !== null;
}

function whereTextGoes({ host, leavesMachine }: Remote): string {
  return leavesMachine ? `The text around your masks leaves this machine for ${host}` : `The text around your masks goes to ${host}, a port of this machine`;
}

/** A hub id's or a folder's last part: what there is room for in a status bar. */
export function modelName(model: string | null): string {
  return (model ?? "").replace(/[/\\]+$/, "").split(/[/\\]/).at(-1) ?? "";
}

export interface Entry {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  /** Nothing to choose, if there is none. */
  readonly command?: string;
}

/** What the menu says and offers, from top to bottom. */
export function menu(state: State, trusted: boolean): Entry[] {
  const entries: Entry[] = [head(state)];
  if (state.kind === "missing") {
    if (trusted) entries.push({ label: "$(cloud-download) Install the server…", command: "fillmask.installServer" });
    entries.push({ label: "$(search) Say where the server is…", command: "fillmask.chooseServer" });
  }
  if (state.kind === "running") {
    entries.push(...engine(state.status));
    if (trusted) {
      entries.push({ label: "$(symbol-misc) Choose the model…", command: "fillmask.selectModel" });
      entries.push({ label: "$(cloud-download) Download a model…", command: "fillmask.downloadModel" });
    }
    entries.push({ label: "$(check-all) Fill all masks of the selection or document", command: "fillmask.fillAll" });
    entries.push({ label: "$(graph) Inspect the selection or document", command: "fillmask.inspect" });
  }
  entries.push(
    { label: "$(debug-restart) Restart the server", command: "fillmask.restart" },
    { label: "$(output) Show the output", command: "fillmask.showOutput" },
    { label: "$(settings-gear) Settings", command: "fillmask.openSettings" },
    { label: "$(book) Walkthrough", command: "fillmask.openWalkthrough" },
  );
  return entries;
}

/** Where text goes, and what opens the way, if the user named a shared engine. */
function engine(status: ServerStatus): Entry[] {
  if (status.host === null) return [];
  const place: Entry = isRemote(status)
    ? { label: `$(cloud) ${whereTextGoes(status)}`, command: "fillmask.openSettings" }
    : { label: `$(debug-disconnect) ${status.host} does not answer`, command: "fillmask.openSettings" };
  return [place, { label: "$(key) Set the token of the shared engine…", command: "fillmask.setEngineToken" }];
}

function head(state: State): Entry {
  if (state.kind !== "running") {
    return { label: view(state).text, description: view(state).tooltip };
  }
  const { status, command } = state;
  return {
    label: view(state).text,
    description: `${status.model ?? "no model"} · ${status.state} · fillmask-ls ${status.version}`,
    detail: status.error ?? command,
  };
}

/** Whether a server of this version understands an extension of that one: the same major and minor number. */
export function compatible(server: string, extension: string): boolean {
  const series = (version: string): string => version.split(".").slice(0, 2).join(".");
  return series(server) === series(extension);
}
