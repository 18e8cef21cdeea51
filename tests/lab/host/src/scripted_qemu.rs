//! A script that stands in for QEMU, and files that stand in for images: for tests of programs that boot a
//! lab.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ringcopy_lab_mailbox::{MAGIC, PHYSICAL_ADDRESS};

use crate::small_image::SmallImage;

/// QEMU is asked by a signal to end. Its last message: `ShutdownCause` in "QEMU QMP Reference Manual".
pub const HOST_SIGNAL: &str =
    r#"echo '{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-signal"}}'; exit 0"#;

/// The guest resets itself.
pub const GUEST_RESET: &str =
    r#"echo '{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}'; exit 0"#;

/// Makes the machine look like one that listens, with its driver loaded.
#[must_use]
pub fn booted() -> String {
    let bytes = MAGIC.to_le_bytes().map(|byte| format!("\\{byte:03o}"));
    let magic = bytes.concat();
    format!(
        r#"for word; do case $word in *mem-path=*) memory="${{word##*mem-path=}}"; esac; done
        printf '{magic}' | dd of="$memory" bs=1 seek={PHYSICAL_ADDRESS} conv=notrunc 2>&-
        "#
    )
}

/// The folder with the script.
#[derive(Debug)]
pub struct ScriptedQemu(PathBuf);

impl ScriptedQemu {
    /// Writes the files. Call it once, before any program is started: a file cannot be run while it is open
    /// for writing in a process that another thread has just forked.
    pub fn write(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let qemu = folder.join("qemu");
        fs::write(&qemu, "#!/bin/sh\neval \"$AS_QEMU\"\n")?;
        fs::set_permissions(&qemu, fs::Permissions::from_mode(0o755))?;
        fs::write(folder.join("kernel"), "")?;
        fs::write(folder.join("driver.sys"), SmallImage::default().bytes())?;
        Ok(Self(folder.to_owned()))
    }

    /// Returns a program that boots this kernel, with these lines as QEMU. `driver` is its option for the
    /// driver.
    pub fn program(&self, program: impl AsRef<OsStr>, driver: &str, lines: &str) -> Command {
        let mut command = Command::new(program);
        command
            .arg("--kernel")
            .arg(self.0.join("kernel"))
            .arg(driver)
            .arg(self.0.join("driver.sys"))
            .env("RINGCOPY_QEMU", self.0.join("qemu"))
            .env("AS_QEMU", lines)
            .stdin(Stdio::null());
        command
    }
}
