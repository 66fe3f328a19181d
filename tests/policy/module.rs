//! Compiles a module from C with the distribution's clang, and adds what C has no word for: the constants that
//! tell the ABI's version.

use std::path::Path;
use std::process::Command;

const GLOBALS: u8 = 6;
const EXPORTS: u8 = 7;
const HEADER_BYTES: usize = 8;

/// A policy's module in C, for a minor version of the ABI. What went wrong is told in words.
pub(crate) fn compile(source: &Path, abi_minor: u8) -> Result<Vec<u8>, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(|error| told(&error))?;
    let module = folder.path().join("policy.wasm");
    let compiled = Command::new("clang")
        .args(["--target=wasm32", "-nostdlib", "-fno-builtin", "-O2"])
        .args(["-Wl,--no-entry", "-Wl,--import-memory"])
        .arg(format!("-DABI_MINOR={abi_minor}"))
        .arg(source)
        .arg("-o")
        .arg(&module)
        .output()
        .map_err(|error| format!("clang and lld (`scripts/setup --test`): {error}"))?;
    if !compiled.status.success() {
        return Err(String::from_utf8_lossy(&compiled.stderr).into_owned());
    }
    let module = std::fs::read(module).map_err(|error| told(&error))?;
    let versions = [
        ("opa_wasm_abi_version", 1),
        ("opa_wasm_abi_minor_version", abi_minor),
    ];
    with_constants(&module, &versions).ok_or_else(|| "clang made no module".to_owned())
}

/// A module that exports these numbers below 64 too.
fn with_constants(module: &[u8], constants: &[(&str, u8)]) -> Option<Vec<u8>> {
    let (mut made, mut rest) = (
        module.get(..HEADER_BYTES)?.to_vec(),
        module.get(HEADER_BYTES..)?,
    );
    let mut globals = None;
    while let Some((kind, after)) = rest.split_first() {
        let (length, after) = number(after)?;
        let (body, after) = after.split_at_checked(length)?;
        rest = after;
        if *kind == GLOBALS {
            let (count, own) = number(body)?;
            globals = Some(count);
            put(
                &mut made,
                GLOBALS,
                &list(count, own, constants.iter().map(global)),
            );
        } else if *kind == EXPORTS {
            if globals.is_none() {
                put(
                    &mut made,
                    GLOBALS,
                    &list(0, &[], constants.iter().map(global)),
                );
            }
            let (count, own) = number(body)?;
            let first = globals.unwrap_or(0);
            let places = first..first.checked_add(constants.len())?;
            let exports = constants.iter().zip(places).map(export);
            put(&mut made, EXPORTS, &list(count, own, exports));
        } else {
            put(&mut made, *kind, body);
        }
    }
    Some(made)
}

/// A constant number.
fn global((_, value): &(&str, u8)) -> Vec<u8> {
    vec![0x7f, 0x00, 0x41, *value, 0x0b]
}

fn export(((name, _), place): (&(&str, u8), usize)) -> Vec<u8> {
    let mut export = bytes(name.len());
    export.extend_from_slice(name.as_bytes());
    export.push(0x03);
    export.extend(bytes(place));
    export
}

fn list(count: usize, own: &[u8], more: impl ExactSizeIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut list = bytes(count + more.len());
    list.extend_from_slice(own);
    list.extend(more.flatten());
    list
}

fn put(module: &mut Vec<u8>, kind: u8, body: &[u8]) {
    module.push(kind);
    module.extend(bytes(body.len()));
    module.extend_from_slice(body);
}

/// A number as modules write it: seven bits in a byte, the lowest first.
fn bytes(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn number(mut from: &[u8]) -> Option<(usize, &[u8])> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = from.split_first()?;
        from = rest;
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some((number, from));
        }
    }
}
