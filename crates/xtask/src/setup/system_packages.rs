//! Programs and headers from the system's package manager.

use crate::{program, step::Step, superuser::Superuser};
use anyhow::{Result, anyhow, bail};
use fs_err as fs;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Something that a task needs.
pub struct Need {
    /// A description for messages.
    what: &'static str,
    /// Looks for the program or file, not for the package: it may have been installed another way.
    is_there: fn() -> bool,
    /// The package that has it, in Debian and Ubuntu.
    package: &'static str,
}

const fn need(what: &'static str, package: &'static str, is_there: fn() -> bool) -> Need {
    Need {
        what,
        is_there,
        package,
    }
}

fn has(program: &str) -> bool {
    program::find(program).is_some()
}

/// Needs of the driver's build and of the lab.
pub(super) const LAB: &[Need] = &[
    need("QEMU for x86 (the lab)", "qemu-system-x86", || {
        has("qemu-system-x86_64")
    }),
    need(
        "clang (the driver's headers and entry point)",
        "clang",
        || has("clang"),
    ),
    need(
        "libclang (bindings to the driver's headers)",
        "libclang-dev",
        has_libclang,
    ),
    need(
        "llvm-dlltool and llvm-lib (the driver's import libraries)",
        "llvm",
        || has("llvm-dlltool") && has("llvm-lib"),
    ),
    need(
        "mingw-w64's headers for drivers",
        "mingw-w64-common",
        || {
            [
                "/usr/share/mingw-w64/include",
                "/usr/x86_64-w64-mingw32/include",
                "/usr/x86_64-w64-mingw32/sys-root/mingw/include",
            ]
            .iter()
            .any(|folder| Path::new(folder).join("ddk/ntifs.h").is_file())
        },
    ),
];

/// Further needs of Windows programs.
pub(super) const WINDOWS_PROGRAMS: &[Need] = &[need(
    "the mingw-w64 linker (Windows programs)",
    "gcc-mingw-w64-x86-64",
    || has("x86_64-w64-mingw32-gcc"),
)];

/// Needs of running Windows programs.
pub(super) const WINE: &[Need] = &[
    need("Wine (Windows test programs)", "wine", || has("wine")),
    // Without it, Linux can put a program's heap at 0x7FFE_0000, where Windows has the data that it
    // shares with every process. Wine then ends the program at its start: seen in one of some
    // thousand starts, since Linux chooses the heap's address at random within 1 GiB.
    need(
        "Wine's preloader (reserves the addresses that Windows uses itself)",
        "wine64-preloader",
        || has("wine") && !is_preloader_missing(),
    ),
];

/// Needs of the accessors' tests for 64-bit Arm.
pub const ARM: &[Need] = &[
    need(
        "QEMU's user-mode emulator (tests for 64-bit Arm)",
        "qemu-user",
        || has("qemu-aarch64"),
    ),
    need(
        "gcc for 64-bit Arm (links those tests)",
        "gcc-aarch64-linux-gnu",
        || has("aarch64-linux-gnu-gcc"),
    ),
    need(
        "the C library for 64-bit Arm",
        "libc6-dev-arm64-cross",
        || Path::new("/usr/aarch64-linux-gnu/lib/libc.so.6").exists(),
    ),
];

/// Further needs of the benchmarks.
pub const BENCHMARKS: &[Need] = &[need(
    "clang (the C guard that the benchmarks compare with)",
    "clang",
    || has("clang"),
)];

/// Needs of another release's root file system.
pub const RELEASES: &[Need] = &[need(
    "debootstrap (the root file system of another release)",
    "debootstrap",
    // It is for root, and its folder may not be in the path of other users.
    || Path::new("/usr/sbin/debootstrap").is_file() || has("debootstrap"),
)];

/// Programs that check a package's signatures.
pub const PACKAGE_CHECKS: &[Need] = &[
    need(
        "osslsigncode (verification of signatures and catalog)",
        "osslsigncode",
        || has("osslsigncode"),
    ),
    need(
        "openssl (certificates, the catalog's structure)",
        "openssl",
        || has("openssl"),
    ),
];

/// Needs of Windows in a virtual machine.
pub const VIRTUAL_MACHINES: &[Need] = &[
    need("QEMU for x86 (the machine)", "qemu-system-x86", || {
        has("qemu-system-x86_64")
    }),
    need("qemu-img (disk images)", "qemu-utils", || has("qemu-img")),
    need("xorriso (discs for the guest)", "xorriso", || {
        has("xorriso")
    }),
    need("7z (reads installation discs)", "p7zip-full", || has("7z")),
];

/// Needs of Python's packages.
pub(super) const PYTHON: &[Need] = &[need(
    "Python with its venv module (the readers of memory images, the linters of workflows)",
    "python3-venv",
    || {
        program::output_of(program::named("python3").args(["-I", "-c", "import ensurepip, venv"]))
            .is_ok()
    },
)];

/// Installs what is missing. Returns whether anything was missing.
pub fn install(needs: &[&'static [Need]]) -> Result<bool> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(false);
    }

    let Some(apt) = apt_get() else {
        return Err(by_hand(&missing, program::find("apt-get").is_some()));
    };
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();

    let step = Step::start(format!("installing {}", packages.join(" ")));
    let install = || {
        let mut command = apt();
        command
            .args(["install", "--yes", "--no-install-recommends"])
            .args(&packages);
        command
    };
    // The lists of packages may be old or absent. Downloading them takes longer than a failed try.
    if program::run(&step, &mut install()).is_err() {
        program::run(&step, apt().arg("update"))?;
        program::run(&step, &mut install())?;
    }
    step.done();

    if let Some(need) = missing.iter().find(|need| !(need.is_there)()) {
        bail!(
            "{} is missing though its package is installed; run: sudo apt-get install --reinstall {}",
            need.what,
            need.package
        );
    }
    Ok(true)
}

fn missing(needs: &[&'static [Need]]) -> Vec<&'static Need> {
    let all = needs.iter().copied().flatten();
    all.filter(|need| !(need.is_there)()).collect()
}

/// Returns an error that names all of `missing`, and one command that installs it.
fn by_hand(missing: &[&Need], has_apt: bool) -> anyhow::Error {
    let what: Vec<&str> = missing.iter().map(|need| need.what).collect();
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let command = if has_apt {
        format!("sudo apt-get install {}", packages.join(" "))
    } else {
        format!(
            "your package manager's install command for what Debian calls {}",
            packages.join(", ")
        )
    };
    anyhow!("missing: {}; run: {command}", what.join(", "))
}

/// Returns a way to run apt-get with the right to install.
fn apt_get() -> Option<impl Fn() -> Command> {
    program::find("apt-get")?;
    let superuser = Superuser::of_this_process()?;
    Some(move || {
        let mut command = superuser.named("env");
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
        command
    })
}

/// The paths of Wine's loader in Debian and Ubuntu. There its preloader, in the same folder, is a
/// separate package. Elsewhere it is a part of Wine.
const WINE_LOADERS: [&str; 2] = [
    "/usr/lib/wine/wine64",
    "/usr/lib/x86_64-linux-gnu/wine/wine",
];

fn is_preloader_missing() -> bool {
    WINE_LOADERS.iter().any(|loader| {
        Path::new(loader).is_file() && !Path::new(&format!("{loader}-preloader")).is_file()
    })
}

/// Returns whether libclang is in a folder in which bindgen looks for it.
fn has_libclang() -> bool {
    let chosen = env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let of_llvm = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm"))
        .map(|entry| entry.path().join("lib"));
    let of_system = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/local/lib",
    ]
    .map(PathBuf::from);
    chosen
        .into_iter()
        .chain(of_llvm)
        .chain(of_system)
        .any(|folder| holds_libclang(&folder))
}

fn holds_libclang(folder: &Path) -> bool {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| is_libclang(&entry.file_name().to_string_lossy()))
}

/// Returns whether a file of this name is libclang: `libclang.so`, or with a version before or after
/// `.so`.
fn is_libclang(name: &str) -> bool {
    name.strip_prefix("libclang").is_some_and(|rest| {
        rest.starts_with(".so") || (rest.starts_with('-') && rest.contains(".so"))
    }) && !name.starts_with("libclang-cpp")
}

#[cfg(test)]
mod tests {
    use super::{Need, by_hand, is_libclang, missing, need};

    #[test]
    fn one_command_installs_what_is_missing_of_all_lists() {
        const ONE: &[Need] = &[
            need("a", "a-package", || false),
            need("b", "b-package", || true),
        ];
        const OTHER: &[Need] = &[need("c", "c-package", || false)];
        let error = by_hand(&missing(&[ONE, OTHER]), true).to_string();
        assert_eq!(
            error,
            "missing: a, c; run: sudo apt-get install a-package c-package"
        );
    }

    #[test]
    fn libclang_is_distinguished_from_similar_names() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so.13"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang.a", "libclangBasic.a"] {
            assert!(!is_libclang(name), "{name}");
        }
    }
}
