//! bindgen for the headers here, configured as Microsoft's `wdk-build` documents it.

use crate::{Config, ConfigError, headers};
use bindgen::{
    Builder, EnumVariation, Formatter, RustEdition, RustTarget,
    callbacks::{ItemInfo, ItemKind, ParseCallbacks},
};
use std::{borrow::Borrow, fmt::Debug};

/// The minor version of Rust for the bindings: this package's `rust-version`, or the newest that
/// bindgen knows.
const RUST_VERSION: u64 = 95;

/// Deprecated functions, which Microsoft's `wdk-build` leaves out, too.
const DEPRECATED: [&str; 4] = [
    "ExAllocatePool",
    "ExAllocatePoolWithTag",
    "ExAllocatePoolWithQuotaTag",
    "ExAllocatePoolWithTagPriority",
];

/// Makes a [`Builder`] for the WDK's headers.
pub trait BuilderExt {
    /// Returns a builder that finds the headers, and gives items the names that `wdk-sys` expects.
    ///
    /// # Errors
    ///
    /// If bindgen does not know the version of Rust.
    fn wdk_default(config: impl Borrow<Config> + Debug) -> Result<Builder, ConfigError>;
}

impl BuilderExt for Builder {
    fn wdk_default(config: impl Borrow<Config> + Debug) -> Result<Self, ConfigError> {
        let config = config.borrow();
        let target = RustTarget::stable(RUST_VERSION, 0)
            .map_err(|error| ConfigError::RustTarget(error.to_string()))?;
        let folders = config
            .include_paths()?
            .chain([headers::of_clang()?])
            .map(|folder| format!("-isystem{}", folder.display()));
        let builder = Self::default()
            .use_core()
            .derive_default(true)
            .generate_cstr(true)
            .detect_include_paths(false)
            .clang_args(["--target=x86_64-pc-windows-msvc", "-fno-builtin"])
            .clang_args(headers::DIALECT)
            .clang_args(config.preprocessor_definitions().map(headers::define))
            .clang_args(folders)
            .default_enum_style(EnumVariation::ModuleConsts)
            .must_use_type("NTSTATUS")
            .must_use_type("HRESULT")
            // Intrinsics of clang that need a target feature.
            .blocklist_item("__tile.*")
            .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()))
            .parse_callbacks(Box::new(FunctionTableName(
                config.compute_wdffunctions_symbol_name(),
            )))
            .formatter(Formatter::Prettyplease)
            .rust_target(target)
            .rust_edition(RustEdition::Edition2024);
        Ok(DEPRECATED.into_iter().fold(builder, Self::blocklist_item))
    }
}

/// Gives the function table the name without a version that `wdk-sys` uses.
#[derive(Debug)]
struct FunctionTableName(Option<String>);

impl ParseCallbacks for FunctionTableName {
    fn generated_name_override(&self, item: ItemInfo<'_>) -> Option<String> {
        let is_table = matches!(item.kind, ItemKind::Var) && self.0.as_deref() == Some(item.name);
        is_table.then(|| "WdfFunctions".to_owned())
    }
}
