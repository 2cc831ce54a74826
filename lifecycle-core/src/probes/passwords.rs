//! Passwords in texts that are not ours, such as the errors that a service crashed of: whoever sees the page must not see them.

/// What may come after the last character of a URL in a text.
fn ends_a_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

const HIDDEN: &str = "***";

/// Parameters of a URL, or of a connection string, whose value is secret.
const SECRET: [&str; 3] = ["pass=", "password=", "pwd="];

/// The text without them, also if it is JSON, which stays JSON. What looks like one is hidden, too.
pub(super) fn hide(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("://").map(|at| at + 3) {
        let length = rest[begin..].find(ends_a_url).unwrap_or(rest.len() - begin);
        shown.push_str(&rest[..begin]);
        hide_user(&rest[begin..begin + length], &mut shown);
        rest = &rest[begin + length..];
    }
    shown.push_str(rest);
    SECRET.iter().fold(shown, |text, name| hide_parameter(&text, name))
}

/// From the right: a password that was not percent-encoded may hold an `@`, a `/` or a `?`.
fn hide_user(url: &str, shown: &mut String) {
    match url.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => shown.extend([user, ":", HIDDEN, "@", host]),
        None => shown.push_str(url),
    }
}

fn hide_parameter(text: &str, name: &str) -> String {
    let mut parts = text.split(name);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c| ends_a_url(c) || matches!(c, '&' | ';' | ',' | '\\')).unwrap_or(part.len());
        shown.extend([name, if end > 0 { HIDDEN } else { "" }, &part[end..]]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::hide;

    #[test]
    fn no_password_is_shown() {
        for (text, shown) in [
            ("main failed: no route", "main failed: no route"),
            ("http://a:8080/x and mail@example.com", "http://a:8080/x and mail@example.com"),
            ("to postgres://bot:secret@db/x: refused", "to postgres://bot:***@db/x: refused"),
            ("redis://:secret@c and redis://:secret@d", "redis://:***@c and redis://:***@d"),
            ("redis://b:sec@re/t?secret@cache", "redis://b:***@cache"),
            ("https://bot@host/path", "https://bot@host/path"),
            ("unix:/run/redis?db=1&pass=secret&x=1", "unix:/run/redis?db=1&pass=***&x=1"),
            ("host=db password=secret user=x", "host=db password=*** user=x"),
            ("ends with redis://:secret@", "ends with redis://:***@"),
            ("://", "://"),
        ] {
            assert_eq!(hide(text), shown);
        }
    }

    #[test]
    fn json_stays_json() {
        for text in [
            "at \"redis://:secret@c\"",
            "\\redis://u:secret\\n@c\nnext\u{1}",
            "password=secret\\",
            "ü://ü:secret@ü",
        ] {
            let json = serde_json::json!({ "a": text, "b": "x@y" }).to_string();
            let hidden: serde_json::Value = serde_json::from_str(&hide(&json)).expect("JSON");
            assert!(!hidden.to_string().contains("secret"), "{hidden}");
            assert_eq!(hidden["b"], "x@y");
        }
    }
}
