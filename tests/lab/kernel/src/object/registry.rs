//! The registry keys of a service.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use super::{Kind, create};
use crate::global::Global;
use crate::nt::strings::same_name;
use crate::{options, pool};
use nt_status::NtStatus;

/// A value: its type, as `REG_…`, and its data.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) kind: u32,
    pub(crate) data: Vec<u8>,
}

/// Key path to its values; objects of open keys to their paths.
struct Registry {
    keys: BTreeMap<String, Vec<(String, Value)>>,
    open: BTreeMap<u64, String>,
}

static STATE: Global<Registry> = Global::new(Registry {
    keys: BTreeMap::new(),
    open: BTreeMap::new(),
});

/// Returns the path of the driver's service key.
pub(crate) fn service_key() -> String {
    format!(
        r"\Registry\Machine\System\CurrentControlSet\Services\{}",
        options::get().driver
    )
}

/// Makes the service's keys, with the values of the command line.
pub(crate) fn initialize() {
    let service = service_key();
    STATE.with(|registry| {
        registry
            .keys
            .insert(format!(r"{service}\Parameters"), options::values());
        registry.keys.insert(service, Vec::new());
    });
}

/// Opens a key by its path, below `root` if that is given. `make` creates a missing key.
pub(crate) fn open(root: Option<u64>, name: &str, make: bool) -> Result<u64, NtStatus> {
    let path = STATE.with(|registry| {
        let path = match root {
            None => String::from(name.trim_end_matches('\\')),
            Some(root) => {
                let base = registry.open.get(&root).ok_or(NtStatus::INVALID_HANDLE)?;
                if name.is_empty() {
                    base.clone()
                } else {
                    format!(r"{base}\{name}")
                }
            }
        };
        let known = registry
            .keys
            .keys()
            .find(|key| same_name(key, &path))
            .cloned();
        match known {
            Some(known) => Ok(known),
            None if make => {
                registry.keys.insert(path.clone(), Vec::new());
                Ok(path)
            }
            None => Err(NtStatus::OBJECT_NAME_NOT_FOUND),
        }
    })?;
    let object = pool::allocate_for_lab(16, *b"Key ");
    create(object, Kind::Key);
    STATE.with(|registry| registry.open.insert(object, path));
    Ok(object)
}

/// Returns a value by its name.
pub(crate) fn value(key: u64, name: &str) -> Result<Value, NtStatus> {
    STATE.with(|registry| {
        let path = registry.open.get(&key).ok_or(NtStatus::INVALID_HANDLE)?;
        registry
            .keys
            .get(path)
            .and_then(|values| values.iter().find(|(known, _)| same_name(known, name)))
            .map(|(_, value)| value.clone())
            .ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)
    })
}

/// Frees an open key after its last reference.
pub(super) fn free(key: u64) {
    STATE.with(|registry| registry.open.remove(&key));
    pool::free(key, None);
}
