//! Names of which there are a few: in paths, queries and bodies. A name that is none of them is answered
//! with those that are.

/// What has a name, or what is wrong with the name.
pub(super) fn one_of<T: Copy, const N: usize>(
    all: [T; N],
    name_of: fn(T) -> &'static str,
    name: &str,
) -> Result<T, String> {
    let found = all.into_iter().find(|one| name_of(*one) == name);
    found.ok_or_else(|| format!("must be one of: {}", all.map(name_of).join(", ")))
}
