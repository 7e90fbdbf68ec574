// What the server is doing, and how the status bar and its menu say so.

/** What `fillmask/status` says. */
export interface ServerStatus {
  readonly state: string;
  readonly model: string | null;
  readonly error: string | null;
  readonly version: string;
}

export type State =
  | { readonly kind: "idle" }
  | { readonly kind: "starting" }
  | { readonly kind: "missing"; readonly why: string }
  | { readonly kind: "installing" }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "running"; readonly status: ServerStatus; readonly command: string };

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
  const tooltip = `fillmask: ${status.model ?? ""} answers`;
  return { text: `$(symbol-array) ${model}`, tooltip: status.error === null ? tooltip : `${tooltip}. ${status.error}`, problem: false };
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
  if (state.kind === "missing" && trusted) {
    entries.push({ label: "$(cloud-download) Install the server…", command: "fillmask.installServer" });
  }
  if (state.kind === "running") {
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
