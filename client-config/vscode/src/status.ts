// The state of the server, and how the status bar and its menu show it.

/** The parameters of the notification `fillmask/status`. */
export interface ServerStatus {
  readonly state: string;
  readonly model: string | null;
  readonly error: string | null;
  /** What answers now: the local model or a shared engine. */
  readonly engine: "local" | "remote";
  /** The host of the shared engine, if the user configured one. */
  readonly host: string | null;
  /** Whether text is sent to the host over a network. */
  readonly leavesMachine: boolean;
  readonly version: string;
}

export type State =
  | { readonly kind: "idle" }
  | { readonly kind: "starting" }
  | { readonly kind: "missing"; readonly message: string }
  | { readonly kind: "installing" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "running"; readonly status: ServerStatus; readonly command: string };

/** Return whether a model can answer. */
export function isReady(state: State): boolean {
  return state.kind === "running" && state.status.state === "ready";
}

export interface StatusBarView {
  readonly text: string;
  readonly tooltip: string;
  readonly isWarning: boolean;
}

export function statusBarView(state: State): StatusBarView {
  switch (state.kind) {
    case "idle":
      return { text: "$(symbol-array) fillmask", tooltip: "fillmask starts with the first document", isWarning: false };
    case "starting":
      return { text: "$(loading~spin) fillmask", tooltip: "Starting fillmask-ls", isWarning: false };
    case "installing":
      return { text: "$(loading~spin) fillmask", tooltip: "Installing fillmask-ls", isWarning: false };
    case "missing":
    case "failed":
      return { text: "$(warning) fillmask", tooltip: state.message, isWarning: true };
    case "running":
      return runningView(state.status);
  }
}

function runningView(status: ServerStatus): StatusBarView {
  const model = modelName(status.model);
  if (status.state === "failed") {
    return { text: "$(warning) fillmask", tooltip: status.error ?? "No model is loaded", isWarning: true };
  }
  if (status.state !== "ready") {
    return { text: `$(loading~spin) ${model || "fillmask"}`, tooltip: "Loading the language model", isWarning: false };
  }
  const icon = isRemote(status) ? "cloud" : "symbol-array";
  const sentences = [`fillmask: using ${fullModelName(status.model)}`, ...(isRemote(status) ? [destination(status)] : []), ...(status.error === null ? [] : [status.error])];
  const isWarning = status.error !== null;
  return { text: `$(${isWarning ? "warning" : icon}) ${model}`, tooltip: sentences.join(". "), isWarning };
}

type RemoteStatus = ServerStatus & { readonly host: string };

function isRemote(status: ServerStatus): status is RemoteStatus {
  return status.engine === "remote" && status.host !== null;
}

function destination({ host, leavesMachine }: RemoteStatus): string {
  return leavesMachine ? `The text around your blanks leaves this machine for ${host}` : `The text around your blanks goes to ${host} on this machine`;
}

/** Return the last part of a hub id or a path, short enough for the status bar. */
export function modelName(model: string | null): string {
  if (model === "embedded") return "built-in";
  return (model ?? "").replace(/[/\\]+$/, "").split(/[/\\]/).at(-1) ?? "";
}

/** Return the name of a model as a user knows it. */
export function fullModelName(model: string | null): string {
  return model === "embedded" ? "the small built-in model" : (model ?? "no model");
}

export interface MenuEntry {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  /** The command to run; an entry without one only informs. */
  readonly command?: string;
}

/**
 * Return the entries of the status bar's menu, from top to bottom.
 *
 * @param canUpdate whether this extension installed the running server.
 */
export function menu(state: State, trusted: boolean, canUpdate = false): MenuEntry[] {
  const entries: MenuEntry[] = [headerEntry(state)];
  if (state.kind === "missing") {
    if (trusted) entries.push({ label: "$(cloud-download) Install the server…", command: "fillmask.installServer" });
    entries.push({ label: "$(search) Locate the server…", command: "fillmask.chooseServer" });
  }
  if (state.kind === "running") {
    entries.push(...engineEntries(state.status));
    if (trusted) entries.push(...remedies(state.status).map(({ title, command }) => ({ label: `$(lightbulb) ${title}`, command })));
    if (trusted) {
      entries.push({ label: "$(symbol-misc) Choose a model…", command: "fillmask.selectModel" });
      entries.push({ label: "$(cloud-download) Download a model…", command: "fillmask.downloadModel" });
    }
    entries.push({ label: "$(check-all) Fill all blanks in the selection or document", command: "fillmask.fillAll" });
    entries.push({ label: "$(graph) Show what the model predicts", command: "fillmask.inspect" });
  }
  if (trusted && canUpdate) entries.push({ label: "$(sync) Update the server…", command: "fillmask.installServer" });
  entries.push(
    { label: "$(debug-restart) Restart the server", command: "fillmask.restart" },
    { label: "$(output) Show the log", command: "fillmask.showOutput" },
    { label: "$(settings-gear) Open the settings", command: "fillmask.openSettings" },
    { label: "$(book) Open the walkthrough", command: "fillmask.openWalkthrough" },
  );
  return entries;
}

export interface Remedy {
  readonly title: string;
  readonly command: string;
}

/** Return what may solve the problem that a running server reports; nothing without a problem. */
export function remedies({ error, host }: ServerStatus): Remedy[] {
  if (error === null) return [];
  const always: Remedy[] = [
    { title: "Open Settings", command: "fillmask.openSettings" },
    { title: "Show Log", command: "fillmask.showOutput" },
  ];
  if (host !== null) return always;
  const download: Remedy[] = /download/i.test(error) ? [{ title: "Download…", command: "fillmask.downloadModel" }] : [];
  return [...download, { title: "Choose Model…", command: "fillmask.selectModel" }, ...always];
}

/** Return where text goes and how to change that, if the user configured a shared engine. */
function engineEntries(status: ServerStatus): MenuEntry[] {
  if (status.host === null) return [];
  const host: MenuEntry = isRemote(status)
    ? { label: `$(cloud) ${destination(status)}`, command: "fillmask.openSettings" }
    : { label: `$(debug-disconnect) ${status.host} does not answer`, command: "fillmask.openSettings" };
  return [host, { label: "$(key) Set the shared engine's token…", command: "fillmask.setEngineToken" }];
}

function headerEntry(state: State): MenuEntry {
  const { text, tooltip } = statusBarView(state);
  if (state.kind !== "running") return { label: text, description: tooltip };
  const { status, command } = state;
  return {
    label: text,
    description: `${fullModelName(status.model)} · ${status.state} · fillmask-ls ${status.version}`,
    detail: status.error ?? command,
  };
}

/** Return whether server and extension are compatible: their major and minor versions are equal. */
export function isCompatible(server: string, extension: string): boolean {
  const series = (version: string): string => version.split(".").slice(0, 2).join(".");
  return series(server) === series(extension);
}
