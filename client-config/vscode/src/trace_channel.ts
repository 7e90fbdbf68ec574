// The channel that the language client traces to. The client traces only if the channel's level is "trace"; here a setting
// controls the level, so that a user needn't know of log levels.
import * as vscode from "vscode";
import { redactToken } from "./configuration.ts";

type Disposables = { dispose(): unknown }[];

const SETTING = "fillmask.trace.server";

/** Wrap the output channel in one whose level follows the setting `fillmask.trace.server`. */
export function traceChannel(output: vscode.LogOutputChannel, disposables: Disposables): vscode.LogOutputChannel {
  const changed = new vscode.EventEmitter<vscode.LogLevel>();
  const level = (): vscode.LogLevel =>
    vscode.workspace.getConfiguration().get<string>(SETTING, "off") === "off" ? vscode.LogLevel.Info : vscode.LogLevel.Trace;
  disposables.push(
    changed,
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(SETTING)) changed.fire(level());
    }),
  );
  return {
    name: output.name,
    get logLevel() {
      return level();
    },
    onDidChangeLogLevel: changed.event,
    trace: (message) => {
      output.info(redactToken(message));
    },
    debug: output.debug.bind(output),
    info: output.info.bind(output),
    warn: output.warn.bind(output),
    error: output.error.bind(output),
    append: output.append.bind(output),
    appendLine: output.appendLine.bind(output),
    replace: output.replace.bind(output),
    clear: output.clear.bind(output),
    // The type includes a deprecated overload.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    show: (_column?: unknown, preserveFocus?: boolean) => {
      output.show(preserveFocus);
    },
    hide: output.hide.bind(output),
    dispose: () => undefined,
  };
}
