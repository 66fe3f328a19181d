//! What is wrong with rules, in the form that people and editors know: `file:line:column: message`, the rule,
//! and the line itself.

/// How the compiler begins to say where.
const PLACE: &str = "--> ";
/// How it begins to say what.
const KINDS: [&str; 2] = ["error: ", "warning: "];

/// The compiler's words about some files in that form; words without a place stay as they are.
pub(super) fn shaped(told: &str, files: &[(String, String)]) -> String {
    let Some((place, said)) = first_place(told) else {
        return told.trim().to_owned();
    };
    let Some((file, line)) = split_place(place) else {
        return told.trim().to_owned();
    };
    let text = files.iter().find(|(name, _)| name == file);
    let lines: Vec<&str> = text.map_or_else(Vec::new, |(_, text)| text.lines().collect());
    let rule = rule_at(&lines, line);
    let rule = rule.map_or_else(String::new, |rule| format!(" (in rule `{rule}`)"));
    let source = lines.get(line.saturating_sub(1));
    let source = source.map_or_else(String::new, |source| format!("\n    {line} | {source}"));
    format!("{place}: {said}{rule}{source}")
}

/// The first place that is named, and what is said about it.
fn first_place(told: &str) -> Option<(&str, String)> {
    let mut lines = told.lines().map(str::trim);
    let place = lines.find_map(|line| line.strip_prefix(PLACE))?;
    let mut said = Vec::new();
    for line in lines.take_while(|line| !line.starts_with(PLACE)) {
        let begun = KINDS.iter().find_map(|kind| line.strip_prefix(kind));
        match begun {
            Some(message) => said.push(message),
            None if !said.is_empty() && !line.is_empty() => said.push(line),
            None => {}
        }
    }
    Some((place, said.join(", ")))
}

/// The file and the line of `file:line:column`; names of files may have colons.
fn split_place(place: &str) -> Option<(&str, usize)> {
    let (rest, _column) = place.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?))
}

/// The rule that a line is in: the last one that begins at the margin up to there.
fn rule_at<'a>(lines: &[&'a str], line: usize) -> Option<&'a str> {
    let up_to = lines.get(..line.min(lines.len()))?;
    let mut heads = up_to.iter().rev();
    heads.find_map(|head| {
        let head = head.strip_prefix("default ").unwrap_or(head);
        let end = head.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        let name = head.get(..end.unwrap_or(head.len()))?;
        let is_rule = !["", "package", "import", "else"].contains(&name);
        is_rule.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "package budgetguard.policy\n\ndefault allow := false\nallow if {\n\tnope(1)\n}\n";

    fn file() -> [(String, String); 1] {
        [("a:b/rules.rego".to_owned(), TEXT.to_owned())]
    }

    #[test]
    fn a_place_is_told_with_the_rule_and_its_line() {
        let told = "\n--> a:b/rules.rego:5:2\n  |\n5 | \tnope(1)\n  |  ^\nerror: could not find function nope";
        assert_eq!(
            shaped(told, &file()),
            "a:b/rules.rego:5:2: could not find function nope (in rule `allow`)\n    5 | \tnope(1)"
        );
    }

    #[test]
    fn a_default_is_a_rule_and_the_package_is_none() {
        let lines: Vec<&str> = TEXT.lines().collect();
        assert_eq!(rule_at(&lines, 3), Some("allow"));
        assert_eq!(rule_at(&lines, 1), None);
        assert_eq!(rule_at(&lines, 99), Some("allow"));
    }

    #[test]
    fn words_without_a_place_stay() {
        assert_eq!(shaped(" not a valid rule\n", &file()), "not a valid rule");
        let nowhere = "\n--> other.rego:9:1\nerror: odd";
        assert_eq!(shaped(nowhere, &file()), "other.rego:9:1: odd");
    }
}
