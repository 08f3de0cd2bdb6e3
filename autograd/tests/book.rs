//! The book's table of operations names every operation, with the file that it is in.

use std::fs;
use std::path::Path;
use tweedie_tensor::ops::Unary;

/// A name as methods are spelt: `GeluTanh` is `gelu_tanh`.
fn method(name: &str) -> String {
    let spelt =
        name.chars().map(|c| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.into() });
    spelt.collect::<String>().trim_start_matches('_').to_string()
}

#[test]
fn every_operation_is_in_the_table_with_its_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("../docs/autograd.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let in_table = |name: &str, file: &str| {
        let cell = format!("`{name}`");
        rows.iter()
            .any(|row| row.split(" | ").next().unwrap().contains(&cell) && row.contains(&format!("/{file})")))
    };
    let mut found = 0;
    for entry in fs::read_dir(root.join("src/ops")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_string();
        let text = fs::read_to_string(&path).unwrap();
        for name in
            text.split("const NAME: &'static str = \"").skip(1).filter_map(|rest| rest.split('"').next())
        {
            found += 1;
            // Functions of one number are one type, and a row each.
            let names = match name {
                "unary" => Unary::ALL.iter().map(|f| method(&format!("{f:?}"))).collect(),
                name => vec![name.to_string()],
            };
            for name in names {
                assert!(in_table(&name, &file), "{name} of {file} is not in the table of docs/autograd.md");
            }
        }
    }
    assert!(found > 20, "{found} operations");
}
