//! Which forms of a file a browser understands.

/// How a file was made shorter when it was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// The shorter ones first.
    const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What the names of its files end with.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// That of a file, by its name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| name.ends_with(it.ending()))
    }

    /// Those that an `Accept-Encoding` names and does not refuse.
    pub(super) fn accepted_in(header: &str) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|encoding| {
            let mut named = header.split(',').map(str::trim);
            named.any(|part| {
                let (name, weight) = part.split_once(';').unwrap_or((part, ""));
                name.trim().eq_ignore_ascii_case(encoding.as_str()) && !is_zero(weight)
            })
        })
    }
}

/// Whether a weight is `q=0`, in whatever spelling.
fn is_zero(weight: &str) -> bool {
    let number = weight.trim().strip_prefix("q=");
    number.is_some_and(|number| number.chars().all(|letter| matches!(letter, '0' | '.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_and_not_refused_is_accepted() {
        for (header, expected) in [
            ("", &[][..]),
            ("identity", &[]),
            ("*", &[]),
            ("gzip", &[Encoding::Gzip]),
            ("gzip, deflate, br", &[Encoding::Brotli, Encoding::Gzip]),
            ("br;q=0, GZIP;q=0.5", &[Encoding::Gzip]),
            ("br ; q=0.000,gzip", &[Encoding::Gzip]),
            ("broken", &[]),
        ] {
            let accepted: Vec<_> = Encoding::accepted_in(header).collect();
            assert_eq!(accepted, expected, "{header}");
        }
    }
}
