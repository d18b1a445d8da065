//! Makes what cbindgen writes pleasant to read: one-line comments on one line, or behind what they describe; text
//! filled to the width of the page; declarations on one line where they fit.

const WIDTH: usize = 110;
/// Where comments behind a field or a constant begin, unless that is longer.
const COMMENT_COLUMN: usize = 36;
/// What the paragraphs of a function's contract begin with.
pub const LABELS: [&str; 3] = ["Parameters: ", "Returns: ", "Threads: "];

/// The items of a section, each separated by an empty line, but for constants and fields in a row.
pub fn tidy(text: &str) -> String {
    let mut lines = text.lines().map(str::trim_end).peekable();
    let mut out: Vec<String> = Vec::new();
    let mut doc: Vec<String> = Vec::new();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        let indent = &line[..line.len() - bare.len()];
        if bare == "/**" {
            doc = lines.by_ref().map(str::trim).take_while(|line| *line != "*/").map(comment_text).collect();
            continue;
        }
        if bare.is_empty() {
            // Constants stand in a row, all else is apart.
            if !out.last().is_some_and(|last| last.is_empty()) {
                out.push(String::new());
            }
            continue;
        }
        let mut item = bare.to_owned();
        let is_function = !bare.starts_with(['#', '}']) && bare.contains('(') && indent.is_empty();
        while is_function && !item.ends_with(';') {
            item = format!("{item} {}", lines.next().expect("declarations end").trim());
        }
        // Types are declared before they are used here, and by typedef.
        if !item.starts_with("typedef struct") {
            item = item.replace("struct rask_", "rask_");
        }
        if let Some((name, value)) = item.strip_prefix("#define ").and_then(|define| define.split_once(' ')) {
            let value = if value.starts_with('-') { format!("({value})") } else { value.to_owned() };
            item = format!("#define {name:<20} {value:>5}");
            if out.len() >= 2 && out[out.len() - 1].is_empty() && out[out.len() - 2].starts_with("#define") {
                out.pop();
            }
        }
        let behind = (item.starts_with("#define") || !indent.is_empty()) && doc.len() == 1;
        let comment = if behind { doc.pop() } else { None };
        write_doc(&mut out, indent, &doc);
        doc.clear();
        match comment {
            Some(comment) => {
                let line = format!("{:<COMMENT_COLUMN$} /**< {comment} */", format!("{indent}{item}"));
                if line.chars().count() <= WIDTH {
                    out.push(line);
                } else {
                    write_doc(&mut out, indent, &[comment]);
                    out.push(format!("{indent}{item}"));
                }
            }
            None => write_declaration(&mut out, indent, &item),
        }
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    let start = out.iter().position(|line| !line.is_empty()).unwrap_or(0);
    out[start..].join("\n") + "\n"
}

/// A line of a comment without its decoration.
fn comment_text(line: &str) -> String {
    line.strip_prefix('*').unwrap_or(line).trim().to_owned()
}

/// Writes a comment: on one line where it fits, else filled paragraph by paragraph, each label on a line of its own.
fn write_doc(out: &mut Vec<String>, indent: &str, doc: &[String]) {
    if doc.is_empty() {
        return;
    }
    let one_line = format!("{indent}/** {} */", doc.join(" "));
    if doc.iter().all(|line| !line.is_empty()) && one_line.chars().count() <= WIDTH {
        out.push(one_line);
        return;
    }
    let mut paragraphs: Vec<String> = Vec::new();
    for line in doc {
        let starts = line.is_empty()
            || LABELS.iter().any(|label| line.starts_with(label))
            || paragraphs.last().is_none_or(String::is_empty);
        match paragraphs.last_mut() {
            Some(last) if !starts => *last = format!("{last} {line}"),
            _ => paragraphs.push(line.clone()),
        }
    }
    out.push(format!("{indent}/**"));
    for paragraph in paragraphs {
        // What stands under a label is set off, so that the labels are found at a glance.
        let hang = if LABELS.iter().any(|label| paragraph.starts_with(label)) { "  " } else { "" };
        let mut line = format!("{indent} *");
        for word in paragraph.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > WIDTH {
                out.push(std::mem::replace(&mut line, format!("{indent} *{hang}")));
            }
            line += " ";
            line += word;
        }
        out.push(line);
    }
    out.push(format!("{indent} */"));
}

/// Writes a declaration, filled to the width, continued behind its opening parenthesis.
fn write_declaration(out: &mut Vec<String>, indent: &str, item: &str) {
    let item = format!("{indent}{item}");
    let Some(open) = item.find('(').filter(|_| item.chars().count() > WIDTH && item.ends_with(");")) else {
        out.push(item);
        return;
    };
    let (head, rest) = item.split_at(open + 1);
    let mut line = head.to_owned();
    for parameter in rest.split_inclusive(", ") {
        if line.len() + parameter.trim_end().len() > WIDTH {
            out.push(line.trim_end().to_owned());
            line = " ".repeat(head.len());
        }
        line += parameter;
    }
    out.push(line);
}
