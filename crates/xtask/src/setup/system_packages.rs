//! Programs and headers that come from the system's package manager.

use crate::{error::Error, program, step::Step, superuser::Superuser};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Something that a task needs.
pub(super) struct Need {
    /// What it is, to a reader.
    what: &'static str,
    /// How to tell that it is there. Not by asking for the package: it may have come another way.
    is_there: fn() -> bool,
    /// The package that brings it, by its name in Debian and its kin.
    package: &'static str,
}

/// What building the driver and running the lab need.
pub(super) const LAB: &[Need] = &[
    Need {
        what: "QEMU for x86 (the lab)",
        is_there: || program::find("qemu-system-x86_64").is_some(),
        package: "qemu-system-x86",
    },
    Need {
        what: "clang (the driver's headers and entry point)",
        is_there: || program::find("clang").is_some(),
        package: "clang",
    },
    Need {
        what: "libclang (bindings to the driver's headers)",
        is_there: has_libclang,
        package: "libclang-dev",
    },
    Need {
        what: "llvm-dlltool and llvm-lib (the driver's import libraries)",
        is_there: || program::find("llvm-dlltool").is_some() && program::find("llvm-lib").is_some(),
        package: "llvm",
    },
    Need {
        what: "mingw-w64's headers for drivers",
        is_there: || {
            [
                "/usr/share/mingw-w64/include",
                "/usr/x86_64-w64-mingw32/include",
                "/usr/x86_64-w64-mingw32/sys-root/mingw/include",
            ]
            .iter()
            .any(|folder| Path::new(folder).join("ddk/ntifs.h").is_file())
        },
        package: "mingw-w64-common",
    },
];

/// What building Windows programs needs besides.
pub(super) const WINDOWS_PROGRAMS: &[Need] = &[Need {
    what: "the mingw-w64 linker (Windows programs)",
    is_there: || program::find("x86_64-w64-mingw32-gcc").is_some(),
    package: "gcc-mingw-w64-x86-64",
}];

/// What running them needs.
pub(super) const WINE: &[Need] = &[
    Need {
        what: "Wine (Windows test programs)",
        is_there: has_wine,
        package: "wine",
    },
    // Without it, the kernel now and then lets a program's heap begin where Windows has the data that
    // it shares with every process, at 0x7FFE_0000. Wine then ends the program before it has begun:
    // seen in one of some thousand starts, since Linux spreads the heap's beginning over 1 GiB.
    Need {
        what: "Wine's preloader (keeps the addresses free that Windows has its own use for)",
        is_there: || has_wine() && !is_preloader_missing(),
        package: "wine64-preloader",
    },
];

/// What running the accessors' tests for 64-bit Arm needs.
pub(super) const ARM: &[Need] = &[
    Need {
        what: "QEMU's user-mode emulator (tests for 64-bit Arm)",
        is_there: || program::find("qemu-aarch64").is_some(),
        package: "qemu-user",
    },
    Need {
        what: "gcc for 64-bit Arm (links those tests)",
        is_there: || program::find("aarch64-linux-gnu-gcc").is_some(),
        package: "gcc-aarch64-linux-gnu",
    },
    Need {
        what: "the C library for 64-bit Arm",
        is_there: || Path::new("/usr/aarch64-linux-gnu/lib/libc.so.6").exists(),
        package: "libc6-dev-arm64-cross",
    },
];

/// What the benchmarks need besides.
pub(super) const BENCHMARKS: &[Need] = &[Need {
    what: "clang (the C guard that the benchmarks compare with)",
    is_there: || program::find("clang").is_some(),
    package: "clang",
}];

/// What making another release's root file system needs.
pub(super) const RELEASES: &[Need] = &[Need {
    what: "debootstrap (the root file system of another release)",
    // It is root's, whose folders of programs are not in everybody's path.
    is_there: || {
        Path::new("/usr/sbin/debootstrap").is_file() || program::find("debootstrap").is_some()
    },
    package: "debootstrap",
}];

/// What tells whether a package is signed as it should be.
pub(super) const PACKAGE_CHECKS: &[Need] = &[
    Need {
        what: "osslsigncode (verification of signatures and catalog)",
        is_there: || program::find("osslsigncode").is_some(),
        package: "osslsigncode",
    },
    Need {
        what: "openssl (certificates, the catalog's structure)",
        is_there: || program::find("openssl").is_some(),
        package: "openssl",
    },
];

/// What the readers of memory images are written in.
pub(super) const IMAGE_READERS: &[Need] = &[Need {
    what: "Python with its venv module (Volatility and LeechCore, which read images back)",
    is_there: || {
        program::output_of(program::named("python3").args(["-I", "-c", "import ensurepip, venv"]))
            .is_ok()
    },
    package: "python3-venv",
}];

/// Installs what is missing. Returns whether anything was.
///
/// # Errors
///
/// [`Error::Missing`] if there is no apt or no right to use it; [`Error::Failed`] if it fails.
pub(super) fn get_missing(needs: &[&'static [Need]]) -> Result<bool, Error> {
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
    // The lists of packages may be old or absent; fetching them takes longer than failing.
    if program::run(&step, &mut install()).is_err() {
        program::run(&step, apt().arg("update"))?;
        program::run(&step, &mut install())?;
    }
    step.done();

    if let Some(need) = missing.iter().find(|need| !(need.is_there)()) {
        return Err(Error::Missing {
            what: format!("{} is missing though its package is installed", need.what),
            command: format!("sudo apt-get install --reinstall {}", need.package),
        });
    }
    Ok(true)
}

fn missing(needs: &[&'static [Need]]) -> Vec<&'static Need> {
    let all = needs.iter().copied().flatten();
    all.filter(|need| !(need.is_there)()).collect()
}

/// The one command that gets all of it, for who may not have it run.
fn by_hand(missing: &[&Need], has_apt: bool) -> Error {
    let what: Vec<&str> = missing.iter().map(|need| need.what).collect();
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    Error::Missing {
        what: format!("missing: {}", what.join(", ")),
        command: if has_apt {
            format!("sudo apt-get install {}", packages.join(" "))
        } else {
            format!(
                "your package manager's install command for what Debian calls {}",
                packages.join(", ")
            )
        },
    }
}

/// How to run apt-get with the right to install.
fn apt_get() -> Option<impl Fn() -> Command> {
    program::find("apt-get")?;
    let superuser = Superuser::of_this_process()?;
    Some(move || {
        let mut command = superuser.named("env");
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
        command
    })
}

/// Where Debian and Ubuntu put Wine's loader. Its preloader, which lies beside it, is a package of its
/// own there; elsewhere it comes with Wine.
const WINE_LOADERS: [&str; 2] = [
    "/usr/lib/wine/wine64",
    "/usr/lib/x86_64-linux-gnu/wine/wine",
];

fn is_preloader_missing() -> bool {
    WINE_LOADERS.iter().any(|loader| {
        Path::new(loader).is_file() && !Path::new(&format!("{loader}-preloader")).is_file()
    })
}

fn has_wine() -> bool {
    program::find("wine").is_some()
}

/// Whether libclang is in one of the places where bindgen looks for it.
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

/// Whether a file of this name is libclang: `libclang.so`, or with a version before or after `.so`.
fn is_libclang(name: &str) -> bool {
    name.strip_prefix("libclang").is_some_and(|rest| {
        rest.starts_with(".so") || (rest.starts_with('-') && rest.contains(".so"))
    }) && !name.starts_with("libclang-cpp")
}

#[cfg(test)]
mod tests {
    use super::{Need, by_hand, is_libclang, missing};

    const fn need(what: &'static str, package: &'static str, there: bool) -> Need {
        Need {
            what,
            is_there: if there { || true } else { || false },
            package,
        }
    }

    #[test]
    fn what_is_missing_of_all_lists_is_one_command() {
        const ONE: &[Need] = &[need("a", "a-package", false), need("b", "b-package", true)];
        const OTHER: &[Need] = &[need("c", "c-package", false)];
        let told = by_hand(&missing(&[ONE, OTHER]), true).to_string();
        assert_eq!(
            told,
            "missing: a, c; run: sudo apt-get install a-package c-package"
        );
    }

    #[test]
    fn libclang_is_told_from_its_neighbours() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so.13"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang.a", "libclangBasic.a"] {
            assert!(!is_libclang(name), "{name}");
        }
    }
}
