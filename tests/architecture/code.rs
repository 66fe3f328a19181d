//! What code names: it is read without comments and strings, path by path.

/// Blanks out what is not code, so that prose and messages may name anything.
pub(crate) fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skipped = skipped_bytes(rest);
        if skipped > 0 {
            code.push(' ');
            rest = rest.get(skipped..).unwrap_or_default();
        } else if next.is_alphanumeric() || next == '_' {
            // A whole word at once: the `r` of `var"` must not be read as a raw string's.
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            code.push_str(word);
            rest = after;
        } else {
            code.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    code
}

/// How long the comment, string or character is that `text` begins with; 0 if it is code.
fn skipped_bytes(text: &str) -> usize {
    let until = |end: &str, from: usize| {
        let found = text.get(from..).and_then(|body| body.find(end));
        found.map_or(text.len(), |at| from + at + end.len())
    };
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until("*/", 2);
    }
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r'));
    if let Some(raw) = raw {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw.trim_start_matches('#').starts_with('"') {
            return until(
                &format!("\"{}", "#".repeat(hashes)),
                text.len() - raw.len() + hashes + 1,
            );
        }
    }
    match text.strip_prefix('"') {
        Some(body) => 1 + escaped_length(body, '"'),
        // A lifetime has no closing quote after its first character.
        None => text.strip_prefix('\'').map_or(0, |body| {
            let mut characters = body.chars();
            let escape = characters.next() == Some('\\');
            let closed = characters.next() == Some('\'');
            if escape || closed {
                1 + escaped_length(body, '\'')
            } else {
                0
            }
        }),
    }
}

/// The bytes up to and including the closing quote, stepping over what a backslash escapes.
fn escaped_length(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in body.char_indices() {
        if character == quote && !escaped {
            return at + character.len_utf8();
        }
        escaped = character == '\\' && !escaped;
    }
    body.len()
}

/// Every path of the code, with the braces of `use` trees expanded.
pub(crate) fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    // What stood before each open brace: the prefix of a tree, or nothing for a block.
    let mut open: Vec<String> = Vec::new();
    let mut path = String::new();
    for token in tokens(code) {
        let continues = path.is_empty() || path.ends_with("::");
        match token.as_str() {
            "::" => path.push_str("::"),
            "{" => {
                let prefix = if path.ends_with("::") {
                    std::mem::take(&mut path)
                } else {
                    String::new()
                };
                found.extend(take_path(&mut path));
                path.clone_from(&prefix);
                open.push(prefix);
            }
            word if continues && is_word(word) => path.push_str(word),
            other => {
                found.extend(take_path(&mut path));
                if other == "}" {
                    open.pop();
                }
                path = open.last().cloned().unwrap_or_default();
                if is_word(other) {
                    path.push_str(other);
                }
            }
        }
    }
    found.extend(take_path(&mut path));
    found
}

fn take_path(path: &mut String) -> Option<String> {
    let taken = std::mem::take(path);
    let whole = taken.trim_end_matches("::");
    (!whole.is_empty()).then(|| whole.to_owned())
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn tokens(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(next) = rest.chars().next() {
        let length = if is_word(rest) {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            next.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        found.push(token.to_owned());
        rest = after.trim_start();
    }
    found
}
