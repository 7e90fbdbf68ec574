use zed_extension_api::{self as zed, LanguageServerId, Result};

struct Fillmask;

impl zed::Extension for Fillmask {
    fn new() -> Self {
        Fillmask
    }

    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &zed::Worktree) -> Result<zed::Command> {
        let command = worktree
            .which("fillmask-ls")
            .ok_or("fillmask-ls not found on the PATH. Install it with pipx or uv.")?;
        Ok(zed::Command {
            command,
            args: vec![],
            env: worktree.shell_env(),
        })
    }
}

zed::register_extension!(Fillmask);
