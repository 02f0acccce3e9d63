//! Scripts and styles as they are sent: without comments, indentation and needless white space.
//!
//! Names stay, and a line break stays wherever a script could mean it, so that an error's place
//! can still be read and nothing depends on inserted semicolons. It is less than a full minifier
//! does, and enough: what it leaves alone, it cannot break.

/// A script. It knows strings, templates with scripts inside, comments and regular expressions.
pub(super) fn script(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    // For each template that is open: how many braces are open in its present insertion.
    let mut templates: Vec<usize> = Vec::new();
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '/' if rest.starts_with("//") || rest.starts_with("/*") => {
                let after = after_white(rest);
                white(&mut out, rest[..rest.len() - after.len()].contains('\n'), after);
                rest = after;
                continue;
            }
            '/' if begins_expression(&out) => regex_end(rest),
            '"' | '\'' => string_end(rest, c),
            '`' => {
                let (end, inserted) = template_end(rest, 1);
                if inserted {
                    templates.push(0);
                }
                end
            }
            '}' if templates.last() == Some(&0) => {
                let (end, inserted) = template_end(rest, 1);
                if !inserted {
                    templates.pop();
                }
                end
            }
            '{' | '}' => {
                if let Some(open) = templates.last_mut() {
                    *open = if c == '{' { *open + 1 } else { open.saturating_sub(1) };
                }
                1
            }
            c if c.is_whitespace() => {
                let after = after_white(rest);
                white(&mut out, rest[..rest.len() - after.len()].contains('\n'), after);
                rest = after;
                continue;
            }
            c => c.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// What stands behind white space and comments.
fn after_white(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        rest = if rest.starts_with("//") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        }
        .trim_start();
    }
}

/// White space between two pieces of a script: as little as keeps its meaning.
fn white(out: &mut String, line: bool, after: &str) {
    let Some(before) = out.chars().next_back() else { return };
    if after.is_empty() || before.is_whitespace() {
        return;
    }
    let next = after.chars().next().unwrap_or_default();
    if line {
        let goes_on =
            matches!(before, '{' | ';' | ',' | '(' | '[') || matches!(next, '.' | ')' | ']');
        if !goes_on {
            out.push('\n');
        }
    } else if !joins(before) && !joins(next) || (before == next && matches!(next, '+' | '-')) {
        out.push(' ');
    }
}

/// Signs that need no space beside them.
fn joins(c: char) -> bool {
    "{}()[];,:?=<>&|+-*!.".contains(c)
}

/// Whether a slash that follows this begins a regular expression and is no division.
fn begins_expression(before: &str) -> bool {
    let before = before.trim_end();
    before.chars().next_back().is_none_or(|c| "(,=:[!&|?{};+-*~^<>".contains(c))
        || ["return", "typeof", "case"].iter().any(|word| before.ends_with(word))
}

fn string_end(text: &str, quote: char) -> usize {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn regex_end(text: &str) -> usize {
    let (mut escaped, mut class) = (true, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '/' if !class => return at + 1,
            '\n' => return at,
            _ => {}
        }
    }
    text.len()
}

/// Where the words of a template end, and whether with the beginning of an insertion.
fn template_end(text: &str, from: usize) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'`' => return (at + 1, false),
            b'$' if bytes.get(at + 1) == Some(&b'{') => return (at + 2, true),
            _ => {}
        }
        at += 1;
    }
    (text.len(), false)
}

/// A style sheet.
pub(super) fn style(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    // Parentheses that are open: in them spaces around signs may matter (`calc(1px + 2px)`).
    let mut depth = 0_usize;
    // Whether a rule's body is open at this place: only there a colon needs no space.
    let mut value = false;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '/' if rest.starts_with("/*") => {
                rest = rest[2..].split_once("*/").map_or("", |(_, after)| after);
                continue;
            }
            '"' | '\'' => string_end(rest, c),
            c if c.is_whitespace() => {
                rest = rest.trim_start();
                let before = out.chars().next_back().unwrap_or('{');
                let next = rest.chars().next().unwrap_or('}');
                let needless = before.is_whitespace()
                    || "{};,".contains(before)
                    || "{};,".contains(next)
                    || (before == ':' && value)
                    || (depth == 0 && (before == '>' || next == '>'));
                if !needless && !rest.starts_with("/*") {
                    out.push(' ');
                }
                continue;
            }
            '}' => {
                value = false;
                // The last semicolon of a rule.
                if out.ends_with(';') {
                    out.pop();
                }
                1
            }
            c => {
                match c {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    '{' | ';' => value = false,
                    ':' => value = is_declaration(&out),
                    _ => {}
                }
                c.len_utf8()
            }
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// Whether a colon that follows this stands between a property and its value.
fn is_declaration(before: &str) -> bool {
    let word = before.rsplit(['{', ';', '}']).next().unwrap_or_default();
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_keep_their_meaning() {
        let cases = [
            ("// a\nconst a = 1; /* b */ const b = 2;\n", "const a=1;const b=2;\n"),
            ("f(\"//  x\", '/*  */');", "f(\"//  x\",'/*  */');"),
            (
                "x = `a  ${ b + `c ${ {d: 1}.d }  e` }  // f`;",
                "x=`a  ${b+`c ${{d:1}.d}  e`}  // f`;",
            ),
            ("const r = /[/ ]  \\/ \"/g; a = b / c / d;", "const r=/[/ ]  \\/ \"/g;a=b / c / d;"),
            ("return /  x/.test(a)", "return /  x/.test(a)"),
            ("a\n  b\n\n  .c()\n", "a\nb.c()\n"),
            ("a + +b - -c\n", "a+ +b- -c\n"),
            ("if (x) {\n  // no\n  y();\n}\nz()", "if(x){y();}\nz()"),
            ("a // b\nc", "a\nc"),
        ];
        for (source, sent) in cases {
            assert_eq!(script(source).trim_end(), sent.trim_end(), "{source}");
            assert_eq!(script(&script(source)), script(source), "twice: {source}");
        }
    }

    #[test]
    fn styles_keep_their_meaning() {
        let cases = [
            (
                "/* a */\na  :hover , b { color : red; margin: 0 auto; }\n",
                "a :hover,b{color : red;margin:0 auto}",
            ),
            (
                "a { width: calc(1px + 2px); content: \"a  ;  b\"; }",
                "a{width:calc(1px + 2px);content:\"a  ;  b\"}",
            ),
            ("a > b, c + d { x: y }", "a>b,c + d{x:y}"),
            (
                "@media (min-width: 3rem) { a :is(b, c) { x: y; } }",
                "@media (min-width: 3rem){a :is(b,c){x:y}}",
            ),
            (":root { --a: 1px; }", ":root{--a:1px}"),
            ("a:has(> b) :focus { x: y }", "a:has(> b) :focus{x:y}"),
        ];
        for (source, sent) in cases {
            let found = style(source);
            assert_eq!(found, sent, "{source}");
            assert_eq!(style(&found), found, "twice: {source}");
        }
    }
}
